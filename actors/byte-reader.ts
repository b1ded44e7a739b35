import { unitsWrap } from "./byte-writer.js";

/** Bytes of the log, read; the other half of `byte-writer`. Running past the end or over 2^53-1 throws. */
export class ByteReader {
  #bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.position];
    if (value === undefined) throw new RangeError("the record ends inside a fact");
    this.position++;
    return value;
  }

  uint(): number {
    let byte = this.byte();
    let value = byte & 0x7f;
    let scale = 128;
    while (byte >= 128) {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a number in the record is over 2^53-1");
    return value;
  }

  units(): number {
    const value = this.uint();
    return value < unitsWrap / 2 ? value : value - unitsWrap;
  }

  text(): string {
    const length = this.uint();
    const start = this.position;
    const raw = this.raw(length);
    if (length < 40) {
      let ascii = "";
      for (let i = 0; i < length; i++) {
        const c = raw[i]!;
        if (c >= 128) return utf8.decode(this.#bytes.subarray(start, start + length));
        ascii += String.fromCharCode(c);
      }
      return ascii;
    }
    return utf8.decode(raw);
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.#bytes.length) throw new RangeError("the record ends inside a fact");
    const view = this.#bytes.subarray(this.position, end);
    this.position = end;
    return view;
  }
}

/** A text that begins with U+FEFF keeps it: after a restart the books must hold what they held. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
