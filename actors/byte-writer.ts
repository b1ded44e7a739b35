/**
 * Bytes of the log, written. Little tricks live here and in `byte-reader`, so that nothing else needs them.
 *
 * uint   LEB128: 7 bits a byte, low first, at most 8 bytes: 0..2^53-1
 * units  like uint, and below zero as 2^53 more: what is written is as it was before there were such
 * text   uint length in bytes, then UTF-8
 */
export const unitsWrap = 2 ** 53;

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 64 * 1024) {
    this.bytes = new Uint8Array(capacity);
  }

  /** What was written so far; a view, valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }

  byte(value: number): void {
    if (this.length + 1 > this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }

  uint(value: number): void {
    if (this.length + 8 > this.bytes.length) this.#grow(8);
    const bytes = this.bytes;
    let at = this.length;
    let rest = value;
    // Transfers are for 32 bits; what is larger is divided down first. 2^28 keeps the chunk a small integer.
    while (rest >= 0x10000000) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    let small = rest | 0;
    while (small >= 128) {
      bytes[at++] = (small & 0x7f) | 0x80;
      small >>>= 7;
    }
    bytes[at++] = small;
    this.length = at;
  }

  units(value: number): void {
    this.uint(value < 0 ? value + unitsWrap : value);
  }

  text(value: string): void {
    const length = value.length;
    if (this.length + 10 + length * 3 > this.bytes.length) this.#grow(10 + length * 3);
    if (length < 128) {
      // Nearly every string here is a short ASCII id: half the time of TextEncoder below 40 characters.
      const start = this.length + 1;
      const bytes = this.bytes;
      let i = 0;
      for (; i < length; i++) {
        const c = value.charCodeAt(i);
        if (c >= 128) break;
        bytes[start + i] = c;
      }
      if (i === length) {
        bytes[this.length] = length;
        this.length = start + length;
        return;
      }
    }
    const encoded = utf8.encode(value);
    this.uint(encoded.length);
    this.raw(encoded);
  }

  raw(value: Uint8Array): void {
    if (this.length + value.length > this.bytes.length) this.#grow(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  #grow(more: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

const utf8 = new TextEncoder();
