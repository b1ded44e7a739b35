/**
 * Walks MessagePack before it is decoded. What may pass: nil, booleans, integers of at most 2^53-1, finite float64
 * (an integer in one must be safe too), valid UTF-8, arrays, and maps with distinct string keys. No bin, no ext, no
 * float32, no `__proto__`, no length that the remaining bytes cannot hold, nothing deeper than `nestingMax`.
 *
 * A decoder that is handed only such bytes cannot be made to allocate, recurse or build anything surprising.
 */

import { isUtf8 } from "node:buffer";
import { arrayItemsMax, mapFieldsMax, nestingMax } from "../../engine/seams/limits.js";

export class MsgpackCheck {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where the next value starts. */
  at: number;
  /** Why the last `skip` was false. */
  reason = "";

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  /** Moves behind the value at `at`, which lies inside `depth` containers; false when it is not allowed. */
  skip(depth: number): boolean {
    const bytes = this.#bytes;
    if (this.at >= bytes.length) return this.#refuse("the bytes end inside a value");
    const head = bytes[this.at]!;
    if (head < 0x80 || head >= 0xe0) return this.#forward(1);
    if (head < 0x90) return this.#map(1, head & 0x0f, depth);
    if (head < 0xa0) return this.#array(1, head & 0x0f, depth);
    if (head < 0xc0) return this.#text(1, head & 0x1f);
    switch (head) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return this.#forward(1);
      case 0xcb:
        return this.#float64();
      case 0xcc:
      case 0xd0:
        return this.#forward(2);
      case 0xcd:
      case 0xd1:
        return this.#forward(3);
      case 0xce:
      case 0xd2:
        return this.#forward(5);
      case 0xcf:
      case 0xd3:
        return this.#int64(head === 0xd3);
      case 0xd9:
        return this.#has(2) && this.#text(2, this.#view.getUint8(this.at + 1));
      case 0xda:
        return this.#has(3) && this.#text(3, this.#view.getUint16(this.at + 1));
      case 0xdb:
        return this.#has(5) && this.#text(5, this.#view.getUint32(this.at + 1));
      case 0xdc:
        return this.#has(3) && this.#array(3, this.#view.getUint16(this.at + 1), depth);
      case 0xdd:
        return this.#has(5) && this.#array(5, this.#view.getUint32(this.at + 1), depth);
      case 0xde:
        return this.#has(3) && this.#map(3, this.#view.getUint16(this.at + 1), depth);
      case 0xdf:
        return this.#has(5) && this.#map(5, this.#view.getUint32(this.at + 1), depth);
      default:
        return this.#refuse(`type 0x${head.toString(16)} is not allowed`);
    }
  }

  #array(header: number, items: number, depth: number): boolean {
    if (depth >= nestingMax) return this.#refuse(`nested deeper than ${nestingMax}`);
    if (items > arrayItemsMax) return this.#refuse(`an array of more than ${arrayItemsMax}`);
    this.at += header;
    for (let i = 0; i < items; i++) {
      if (!this.skip(depth + 1)) return false;
    }
    return true;
  }

  #map(header: number, fields: number, depth: number): boolean {
    if (depth >= nestingMax) return this.#refuse(`nested deeper than ${nestingMax}`);
    if (fields > mapFieldsMax) return this.#refuse(`a map of more than ${mapFieldsMax} fields`);
    this.at += header;
    const keys: Buffer[] = [];
    for (let i = 0; i < fields; i++) {
      const key = this.#key();
      if (key === undefined) return false;
      for (const other of keys) {
        if (key.equals(other)) return this.#refuse("a key appears twice in one map");
      }
      keys.push(key);
      if (!this.skip(depth + 1)) return false;
    }
    return true;
  }

  #key(): Buffer | undefined {
    const start = this.at;
    if (!this.#has(1)) return undefined;
    const head = this.#bytes[start]!;
    const header =
      head >= 0xa0 && head < 0xc0 ? 1 : head === 0xd9 ? 2 : head === 0xda ? 3 : head === 0xdb ? 5 : 0;
    if (header === 0) {
      this.#refuse("a key that is not a string");
      return undefined;
    }
    // Strings contain nothing, so depth does not matter.
    if (!this.skip(0)) return undefined;
    const key = this.#bytes.subarray(start + header, this.at);
    if (key.equals(proto)) {
      this.#refuse("the key __proto__");
      return undefined;
    }
    return key;
  }

  #text(header: number, length: number): boolean {
    const start = this.at + header;
    const end = start + length;
    const bytes = this.#bytes;
    if (end > bytes.length) return this.#refuse("a length beyond the end of the frame");
    for (let i = start; i < end; i++) {
      if (bytes[i]! >= 0x80) {
        if (!isUtf8(bytes.subarray(i, end))) return this.#refuse("a string that is not UTF-8");
        break;
      }
    }
    this.at = end;
    return true;
  }

  #float64(): boolean {
    if (!this.#has(9)) return false;
    const value = this.#view.getFloat64(this.at + 1);
    if (!Number.isFinite(value)) return this.#refuse("a number that is not finite");
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return this.#refuse(tooLarge);
    this.at += 9;
    return true;
  }

  #int64(signed: boolean): boolean {
    if (!this.#has(9)) return false;
    const high = signed ? this.#view.getInt32(this.at + 1) : this.#view.getUint32(this.at + 1);
    const value = high * 0x1_0000_0000 + this.#view.getUint32(this.at + 5);
    // Rounded when beyond 2^53, but never back below it.
    if (!Number.isSafeInteger(value)) return this.#refuse(tooLarge);
    this.at += 9;
    return true;
  }

  #forward(bytes: number): boolean {
    if (!this.#has(bytes)) return false;
    this.at += bytes;
    return true;
  }

  #has(bytes: number): boolean {
    return this.at + bytes <= this.#bytes.length || this.#refuse("the bytes end inside a value");
  }

  #refuse(reason: string): false {
    this.reason = reason;
    return false;
  }
}

const proto = Buffer.from("__proto__");
const tooLarge = "an integer of more than 53 bits";
