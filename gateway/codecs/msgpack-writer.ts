/**
 * MessagePack, written by hand into a Buffer that the caller has made large enough. Every `put` takes the place to
 * write at and returns the place behind what it wrote, so that the place stays in a register of the caller's loop.
 * Integers and strings get their smallest form.
 */

/** Bytes that `putText` needs at most. */
export function textBytesMax(text: string): number {
  return 5 + 3 * text.length;
}

export function putText(bytes: Buffer, at: number, text: string): number {
  const length = text.length;
  if (length > 255) return putLongText(bytes, at, text);
  // ASCII: a loop takes 21 ns for an id of 10 characters, Buffer.write 51.
  let next = at;
  if (length < 32) {
    bytes[next++] = 0xa0 | length;
  } else {
    bytes[next++] = 0xd9;
    bytes[next++] = length;
  }
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x80) return putLongText(bytes, at, text);
    bytes[next++] = c;
  }
  return next;
}

function putLongText(bytes: Buffer, at: number, text: string): number {
  const length = Buffer.byteLength(text);
  let next = at;
  if (length < 32) {
    bytes[next++] = 0xa0 | length;
  } else if (length < 0x100) {
    bytes[next++] = 0xd9;
    bytes[next++] = length;
  } else if (length < 0x10000) {
    bytes[next++] = 0xda;
    next = bytes.writeUInt16BE(length, next);
  } else {
    bytes[next++] = 0xdb;
    next = bytes.writeUInt32BE(length, next);
  }
  return next + bytes.write(text, next);
}

/** A safe integer, negative ones included. */
export function putInt(bytes: Buffer, at: number, value: number): number {
  let next = at;
  if (value >= 0) {
    if (value < 0x80) {
      bytes[next++] = value;
      return next;
    }
    if (value < 0x100) {
      bytes[next++] = 0xcc;
      bytes[next++] = value;
      return next;
    }
    if (value < 0x10000) {
      bytes[next++] = 0xcd;
      bytes[next++] = value >>> 8;
      bytes[next++] = value & 0xff;
      return next;
    }
    if (value < 0x1_0000_0000) {
      bytes[next++] = 0xce;
      return bytes.writeUInt32BE(value, next);
    }
    // An integer stays one: a float64 would be shorter to write and change its type in every typed language.
    bytes[next++] = 0xcf;
    next = bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), next);
    return bytes.writeUInt32BE(value % 0x1_0000_0000, next);
  }
  if (value >= -32) {
    bytes[next++] = value & 0xff;
    return next;
  }
  if (value >= -0x8000_0000) {
    bytes[next++] = 0xd2;
    return bytes.writeInt32BE(value, next);
  }
  bytes[next++] = 0xd3;
  const high = Math.floor(value / 0x1_0000_0000);
  next = bytes.writeInt32BE(high, next);
  return bytes.writeUInt32BE(value - high * 0x1_0000_0000, next);
}

/**
 * Constant bytes, as big-endian words that are stored four bytes at once: 5 ns for the name of a field, 12 byte by byte
 * or by TypedArray.set. An order's answer has 22 such pieces.
 */
export interface Raw {
  readonly length: number;
  readonly words: readonly number[];
}

/** `text` holds one byte per character. */
export function rawOf(text: string): Raw {
  const padded = Buffer.from(`${text}\0\0\0`, "latin1");
  const words: number[] = [];
  for (let at = 0; at < text.length; at += 4) words.push(padded.readInt32BE(at));
  return { length: text.length, words };
}

/** Up to 3 bytes behind what it wrote are overwritten, too: write from left to right, with 3 bytes to spare. */
export function putRaw(view: DataView, at: number, raw: Raw): number {
  const { words } = raw;
  for (let i = 0; i < words.length; i++) view.setInt32(at + i * 4, words[i]!);
  return at + raw.length;
}

function putMapHead(bytes: Buffer, at: number, fields: number): number {
  return putHead(bytes, at, fields, 0x80, 0xde);
}

export function putArrayHead(bytes: Buffer, at: number, items: number): number {
  return putHead(bytes, at, items, 0x90, 0xdc);
}

function putHead(bytes: Buffer, at: number, count: number, short: number, long: number): number {
  let next = at;
  if (count < 16) {
    bytes[next++] = short | count;
    return next;
  }
  if (count < 0x10000) {
    bytes[next++] = long;
    return bytes.writeUInt16BE(count, next);
  }
  bytes[next++] = long + 1;
  return bytes.writeUInt32BE(count, next);
}

/**
 * What `formatMinor(minor, scale)` makes, as a MessagePack string, without making it.
 * Digits from the right: the string's length is known once the number of digits is.
 */
export function putAmount(bytes: Buffer, at: number, minor: number, scale: number): number {
  let digits = 1;
  for (let power = 10; power <= minor; power *= 10) digits++;
  if (digits <= scale) digits = scale + 1;
  const length = scale === 0 ? digits : digits + 1;
  bytes[at] = 0xa0 | length;
  const end = at + 1 + length;
  const point = scale === 0 ? 0 : end - 1 - scale;
  let next = end - 1;
  let rest = minor;
  // Beyond 31 bits a remainder is a division in floating point; below, integer arithmetic.
  while (rest > 0x7fffffff) {
    if (next === point) bytes[next--] = 0x2e;
    const tenth = Math.floor(rest / 10);
    bytes[next--] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  while (next > at) {
    if (next === point) {
      bytes[next--] = 0x2e;
      continue;
    }
    const tenth = (small / 10) | 0;
    bytes[next--] = 0x30 + (small - tenth * 10);
    small = tenth;
  }
  return end;
}

/**
 * Bytes that `putValue` needs at most for a JSON-ready value. Throws a TypeError on what JSON cannot hold
 * (a function, NaN, a bigint, an undefined element): such a result is a defect of who made it.
 */
export function valueBytesMax(value: unknown): number {
  switch (typeof value) {
    case "string":
      return textBytesMax(value);
    case "number":
      if (!Number.isFinite(value)) break;
      return 9;
    case "boolean":
      return 1;
    case "object": {
      if (value === null) return 1;
      let bytes = 5;
      if (Array.isArray(value)) {
        for (const item of value) bytes += valueBytesMax(item);
        return bytes;
      }
      for (const [key, field] of Object.entries(value)) {
        if (field !== undefined) bytes += textBytesMax(key) + valueBytesMax(field);
      }
      return bytes;
    }
  }
  throw new TypeError(`not JSON-ready: ${typeof value}`);
}

/** A value for which `valueBytesMax` was asked. Fields that are undefined are left out, as JSON does. */
export function putValue(bytes: Buffer, at: number, value: unknown): number {
  switch (typeof value) {
    case "string":
      return putText(bytes, at, value);
    case "number":
      if (Number.isSafeInteger(value)) return putInt(bytes, at, value);
      bytes[at] = 0xcb;
      return bytes.writeDoubleBE(value, at + 1);
    case "boolean":
      bytes[at] = value ? 0xc3 : 0xc2;
      return at + 1;
  }
  if (value === null) {
    bytes[at] = 0xc0;
    return at + 1;
  }
  if (Array.isArray(value)) {
    let next = putArrayHead(bytes, at, value.length);
    for (const item of value) next = putValue(bytes, next, item);
    return next;
  }
  const fields = Object.entries(value as object).filter(([, field]) => field !== undefined);
  let next = putMapHead(bytes, at, fields.length);
  for (const [key, field] of fields) next = putValue(bytes, putText(bytes, next, key), field);
  return next;
}
