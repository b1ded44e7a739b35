/**
 * Finds id, status and refusal code in MessagePack answers and steps over everything else.
 *
 * A message is one answer (a map) or an array of answers. Fields may come in any order; when `id` and `status` come
 * first and the status is 200, the rest of the answer is not read at all: an answer alone in its frame ends with
 * the frame, and one in an array is taken to be as long as the success before it when another answer begins exactly
 * there. A guess may land behind several short answers. Then the frame holds fewer answers than it announces, and it
 * is read again without guessing; nothing is told to the sink before the frame adds up.
 */

import { MeasurementFailed } from "./measurement-failed.js";

const OK = 200;
const ANSWERS_MAX = 65_535;

export interface AnswerSink {
  /** `status` is 0 when the message has none (an echo). The refusal's code is `bytes[codeAt..codeAt + codeBytes)`. */
  answered(id: number, status: number, bytes: Uint8Array, codeAt: number, codeBytes: number): void;
}

/** What was found in the frame that is being read; re-used, because a frame is read in one go. */
const found = {
  count: 0,
  /** Length of the last success: the guess. */
  okBytes: 0,
  ids: new Uint32Array(ANSWERS_MAX),
  statuses: new Uint32Array(ANSWERS_MAX),
  codesAt: new Uint32Array(ANSWERS_MAX),
  codesBytes: new Uint8Array(ANSWERS_MAX),
};

/** Gives every answer of the message `bytes[start..end)` to the sink. Throws `MeasurementFailed`. */
export function readAnswers(bytes: Uint8Array, start: number, end: number, sink: AnswerSink): void {
  const head = bytes[start]!;
  if ((head & 0xf0) === 0x90) readArray(bytes, start + 1, end, head & 15);
  else if (head === 0xdc) readArray(bytes, start + 3, end, uint16(bytes, start + 1));
  else {
    found.count = 0;
    if (readAnswer(bytes, start, end, "end") !== end)
      throw new MeasurementFailed("an answer does not fill its frame");
  }
  for (let i = 0; i < found.count; i++) {
    sink.answered(found.ids[i]!, found.statuses[i]!, bytes, found.codesAt[i]!, found.codesBytes[i]!);
  }
}

function readArray(bytes: Uint8Array, at: number, end: number, count: number): void {
  if (addsUp(bytes, at, end, count, "guess") || addsUp(bytes, at, end, count, "step")) return;
  throw new MeasurementFailed(`a frame does not hold the ${count} answers that it announces`);
}

function addsUp(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  way: "guess" | "step",
): boolean {
  let at = start;
  found.count = 0;
  for (let left = count; left > 0; left--) {
    if (at >= end) return false;
    at = readAnswer(bytes, at, end, left === 1 ? "step" : way);
  }
  return at === end;
}

/** Notes the answer that starts at `start`; returns where it ends: at the frame's end, at the guess, or as stepped. */
function readAnswer(bytes: Uint8Array, start: number, end: number, way: "end" | "guess" | "step"): number {
  const head = bytes[start]!;
  let at = start + 1;
  let fields: number;
  if ((head & 0xf0) === 0x80) fields = head & 15;
  else if (head === 0xde) {
    fields = uint16(bytes, at);
    at += 2;
  } else throw new MeasurementFailed(`an answer is not a map, first byte 0x${head.toString(16)}`);

  let id = -1;
  let status = 0;
  let codeAt = 0;
  for (; fields > 0; fields--) {
    const key = bytes[at]!;
    if (key === 0xa2 && bytes[at + 1] === 0x69 && bytes[at + 2] === 0x64) {
      id = uintAt(bytes, at + 3);
    } else if (key === 0xa6 && bytes[at + 1] === 0x73 && bytes[at + 6] === 0x73) {
      status = uintAt(bytes, at + 7);
    } else if (key === 0xa5 && bytes[at + 1] === 0x65 && bytes[at + 2] === 0x72) {
      codeAt = findCode(bytes, at + 6);
    }
    at = skipValue(bytes, skipValue(bytes, at));
    if (status !== OK || id < 0 || way === "step") continue;
    if (way === "end") return note(id, status, 0, 0, end);
    const guess = start + found.okBytes;
    if (guess > at && guess < end && startsAlike(bytes, start, guess)) return note(id, status, 0, 0, guess);
  }
  if (id < 0) throw new MeasurementFailed("an answer without an integer id");
  if (status === OK) found.okBytes = at - start;
  return note(id, status, codeAt, codeAt === 0 ? 0 : bytes[codeAt - 1]! & 31, at);
}

function note(id: number, status: number, codeAt: number, codeBytes: number, end: number): number {
  const nth = found.count++;
  found.ids[nth] = id;
  found.statuses[nth] = status;
  found.codesAt[nth] = codeAt;
  found.codesBytes[nth] = codeBytes;
  return end;
}

/** Both begin with the same map header and the key `id`. */
function startsAlike(bytes: Uint8Array, a: number, b: number): boolean {
  return (
    bytes[a] === bytes[b] &&
    bytes[b + 1] === 0xa2 &&
    bytes[b + 2] === 0x69 &&
    bytes[b + 3] === 0x64 &&
    bytes[a + 1] === 0xa2
  );
}

/** Where the text of `code` starts in the error's map at `at`; throws when it is not a short string. */
function findCode(bytes: Uint8Array, at: number): number {
  const head = bytes[at]!;
  let fields = (head & 0xf0) === 0x80 ? head & 15 : head === 0xde ? uint16(bytes, at + 1) : 0;
  let key = at + (head === 0xde ? 3 : 1);
  for (; fields > 0; fields--) {
    const value = skipValue(bytes, key);
    if (bytes[key] === 0xa4 && bytes[key + 1] === 0x63 && bytes[key + 4] === 0x65) {
      if ((bytes[value]! & 0xe0) === 0xa0) return value + 1;
      break;
    }
    key = skipValue(bytes, value);
  }
  throw new MeasurementFailed("a refusal without a code");
}

/** Where the MessagePack value that starts at `at` ends. */
export function skipValue(bytes: Uint8Array, at: number): number {
  let open = 1;
  while (open > 0) {
    open--;
    const head = bytes[at]!;
    at++;
    if (head < 0x80 || head >= 0xe0) continue;
    if (head >= 0xa0 && head < 0xc0) at += head & 31;
    else if (head < 0x90) open += 2 * (head & 15);
    else if (head < 0xa0) open += head & 15;
    else if (head === 0xdc) {
      open += uint16(bytes, at);
      at += 2;
    } else if (head === 0xde) {
      open += 2 * uint16(bytes, at);
      at += 2;
    } else if (head === 0xdd) {
      open += uint32(bytes, at);
      at += 4;
    } else if (head === 0xdf) {
      open += 2 * uint32(bytes, at);
      at += 4;
    } else at += scalarBytes(bytes, at, head);
  }
  return at;
}

/** Bytes after the head of a scalar, a long string or a binary. */
function scalarBytes(bytes: Uint8Array, at: number, head: number): number {
  switch (head) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return 0;
    case 0xcc: // uint8
    case 0xd0: // int8
      return 1;
    case 0xcd: // uint16
    case 0xd1: // int16
      return 2;
    case 0xca: // float32
    case 0xce: // uint32
    case 0xd2: // int32
      return 4;
    case 0xcb: // float64
    case 0xcf: // uint64
    case 0xd3: // int64
      return 8;
    case 0xc4: // bin8
    case 0xd9: // str8
      return 1 + bytes[at]!;
    case 0xc5: // bin16
    case 0xda: // str16
      return 2 + uint16(bytes, at);
    case 0xc6: // bin32
    case 0xdb: // str32
      return 4 + uint32(bytes, at);
    default:
      throw new MeasurementFailed(`a MessagePack type that answers do not use: 0x${head.toString(16)}`);
  }
}

/** A non-negative integer of at most 32 bits; -1 for anything else. */
function uintAt(bytes: Uint8Array, at: number): number {
  const head = bytes[at]!;
  if (head < 0x80) return head;
  if (head === 0xcc) return bytes[at + 1]!;
  if (head === 0xcd) return uint16(bytes, at + 1);
  if (head === 0xce) return uint32(bytes, at + 1);
  return -1;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
