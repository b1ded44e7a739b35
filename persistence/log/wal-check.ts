/**
 * Reads a segment's -wal with plain reads before SQLite does.
 *
 * SQLite stops at the first frame whose checksum is wrong and takes everything after it as never written. That is
 * right for the one transaction that a crash cut short, and wrong for a flipped bit in the middle, which
 * would silently drop every transaction behind it. The file alone tells the two apart, since these -wal files are never
 * restarted: one header, one pair of salts, frames written once, and no transaction begun before the one before
 * it was fsynced.
 *
 *   header  32: magic u32 | version u32 | page size u32 | checkpoint u32 | salts 2 x u32 | checksum 2 x u32
 *   frame   24: page u32 | database size u32, not zero in the last frame of a transaction | salts | checksum
 *               then the page; the checksum runs on from the frame before. All integers big-endian.
 *
 * | found                                                    | meaning                                        |
 * |----------------------------------------------------------|------------------------------------------------|
 * | no file, an empty one, zeros only, part of a header      | nothing was committed yet                      |
 * | good frames to the end                                   | whole, or its last transaction is unfinished   |
 * | a bad frame, no frame behind a later end of transaction  | the last transaction was cut short by a crash  |
 * | a bad frame, and a frame behind a later end              | damage: that frame was begun after an fsync    |
 * | a bad header with anything behind it                     | damage: the header was fsynced before any frame|
 *
 * What this cannot see, the last acknowledged transaction cut off or spoilt, the anchor and the chain see.
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { LogDamaged } from "./journal.js";
import { storageError, whileUsing } from "./storage-error.js";

const headerBytes = 32;
const frameHeaderBytes = 24;
const framesPerReadMax = 256;

export interface WalFindings {
  /** Whole transactions. */
  readonly transactions: number;
  /** Byte at which the last whole transaction begins. */
  readonly lastTransactionAt: number;
  /** Byte behind the last whole transaction; 0 when there is none. */
  readonly committedBytes: number;
  /** Whether all bytes behind that are zero: room that was prepared and not used. */
  readonly zerosFollow: boolean;
}

const nothing: WalFindings = { transactions: 0, lastTransactionAt: 0, committedBytes: 0, zerosFollow: false };

/** Checks a -wal file that nobody checkpoints. Throws `LogDamaged` with the byte of the first bad frame. */
export function checkWal(file: string, pageBytes: number): WalFindings {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return nothing;
    throw storageError(file, "read", error);
  }
  try {
    return whileUsing(file, "read", () => scan(fd, file, pageBytes));
  } finally {
    closeSync(fd);
  }
}

function scan(fd: number, file: string, pageBytes: number): WalFindings {
  const { size } = fstatSync(fd);
  if (size < headerBytes) return nothing;
  const frameBytes = frameHeaderBytes + pageBytes;
  const framesPerRead = Math.min(framesPerReadMax, Math.ceil(size / frameBytes));
  const chunk = Buffer.from(new ArrayBuffer(framesPerRead * frameBytes));
  readFully(fd, chunk, 0);
  const header = Buffer.from(chunk.subarray(0, headerBytes));
  const sum = sumOfHeader(header, pageBytes);
  if (sum === undefined) {
    if (allZero(fd, chunk, 0)) return nothing;
    throw new LogDamaged(file, "byte 0", "the header of the -wal is damaged");
  }

  let transactions = 0;
  let transactionAt = headerBytes;
  let lastTransactionAt = 0;
  let badFrameAt = -1;
  let endSeen = false;
  for (let at = headerBytes; ; ) {
    const frames = Math.floor(readFully(fd, chunk, at) / frameBytes);
    const words = wordsOf(chunk, sum);
    for (let i = 0; i < frames; i++, at += frameBytes) {
      const frameAt = i * frameBytes;
      const saltsFit = chunk.compare(header, 16, 24, frameAt + 8, frameAt + 16) === 0;
      const endsTransaction = chunk.readUInt32BE(frameAt + 4) !== 0;
      if (badFrameAt < 0 && saltsFit && frameFits(sum, chunk, words, frameAt, frameBytes)) {
        if (!endsTransaction) continue;
        transactions += 1;
        lastTransactionAt = transactionAt;
        transactionAt = at + frameBytes;
        continue;
      }
      if (badFrameAt < 0) badFrameAt = at;
      if (endSeen && saltsFit) {
        throw new LogDamaged(file, `byte ${badFrameAt}`, "a damaged frame in front of a later transaction");
      }
      endSeen ||= endsTransaction;
    }
    if (frames < framesPerRead) break;
  }
  if (transactions === 0) return nothing;
  const zerosFollow = allZero(fd, chunk, transactionAt);
  return { transactions, lastTransactionAt, committedBytes: transactionAt, zerosFollow };
}

/** Fills the buffer from `at`; less only at the end of the file. */
function readFully(fd: number, into: Buffer, at: number): number {
  let done = 0;
  while (done < into.length) {
    const read = readSync(fd, into, done, into.length - done, at + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function allZero(fd: number, chunk: Buffer, from: number): boolean {
  for (let at = from; ; at += chunk.length) {
    const read = readFully(fd, chunk, at);
    for (let i = 0; i < read; i++) if (chunk[i] !== 0) return false;
    if (read < chunk.length) return true;
  }
}

/** The checksum so far: two 32-bit sums over words, each added to the other. */
interface RunningSum {
  s0: number;
  s1: number;
  /** Whether this machine reads words in the other byte order than the file's checksum adds them. */
  readonly swapped: boolean;
}

/** The checksum after the header; undefined when the header is not a good one. */
function sumOfHeader(header: Buffer, pageBytes: number): RunningSum | undefined {
  const magic = header.readUInt32BE(0);
  // The last bit of the magic says in which byte order the checksum adds.
  if ((magic & ~1) >>> 0 !== 0x377f0682 || header.readUInt32BE(4) !== 3007000) return undefined;
  if (header.readUInt32BE(8) !== pageBytes) return undefined;
  const order = (magic & 1) === 1 ? "BE" : "LE";
  const sum: RunningSum = { s0: 0, s1: 0, swapped: order !== endianness() };
  const aligned = Buffer.from(new ArrayBuffer(headerBytes));
  header.copy(aligned);
  addWords(sum, wordsOf(aligned, sum), 0, 6);
  return header.readInt32BE(24) === sum.s0 && header.readInt32BE(28) === sum.s1 ? sum : undefined;
}

/** The words of a buffer that begins where its ArrayBuffer does, in the order in which the checksum adds them. */
function wordsOf(chunk: Buffer, sum: RunningSum): Int32Array {
  if (!sum.swapped) return new Int32Array(chunk.buffer);
  const copy = Buffer.from(new ArrayBuffer(chunk.length));
  chunk.copy(copy);
  return new Int32Array(copy.swap32().buffer);
}

/** Whether the frame carries the checksum that is due; the sum has moved over it. */
function frameFits(
  sum: RunningSum,
  chunk: Buffer,
  words: Int32Array,
  frameAt: number,
  frameBytes: number,
): boolean {
  addWords(sum, words, frameAt / 4, frameAt / 4 + 2);
  addWords(sum, words, (frameAt + frameHeaderBytes) / 4, (frameAt + frameBytes) / 4);
  return chunk.readInt32BE(frameAt + 16) === sum.s0 && chunk.readInt32BE(frameAt + 20) === sum.s1;
}

function addWords(sum: RunningSum, words: Int32Array, from: number, to: number): void {
  let { s0, s1 } = sum;
  for (let i = from; i < to; i += 2) {
    s0 = (s0 + words[i]! + s1) | 0;
    s1 = (s1 + words[i + 1]! + s0) | 0;
  }
  sum.s0 = s0;
  sum.s1 = s1;
}
