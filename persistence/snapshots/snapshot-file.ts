/**
 * A snapshot on disk: the state of a shard at one position of its log, as a stream of chunks.
 *
 *   snapshot-0000000000081729.snap
 *     header   64: "YFSNAPSH" | format u32 | 0 u32 | position u64 | chain hash 32 | 0 u32 | crc32 of the 60 bytes u32
 *     chunk     8: length u32 | crc32 of the length and the bytes u32 | the bytes          any number of times
 *     trailer  56: 0xffffffff u32 | crc32 of the 48 bytes u32 | chunks u64 | bytes u64 | sha256 of all bytes 32
 *
 * Integers are little-endian. The sha256 is that of the content alone, without lengths: the state hash.
 *
 * SNAPSHOT-FILE-1  A snapshot has its name only when it is whole and fsynced.
 * SNAPSHOT-FILE-2  It is written in pieces of 1 MiB, each fsynced, with pauses, so that a commit on the same disk waits for one
 *                  piece at most. The chunks are asked for one by one between the pauses.
 * SNAPSHOT-FILE-3  All of it is verified before any of it is handed out.
 * SNAPSHOT-FILE-4  Two are kept. The log is whole without them: a damaged one is refused, never skipped in silence, and
 *                  may be deleted by an operator at no loss but time.
 */

import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readdirSync, readSync, renameSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { createFolder, fileMode, syncFolder } from "../log/folder.js";
import { hashBytes, readPosition, writePosition } from "../log/hash-chain.js";
import { LogDamaged } from "../log/journal.js";
import { storageError, whileUsing } from "../log/storage-error.js";

const magic = Buffer.from("YFSNAPSH");
const headerBytes = 64;
const chunkHeadBytes = 8;
const trailerBytes = chunkHeadBytes + 16 + hashBytes;
const trailerMark = 0xffffffff;
const chunkBytesMax = 1 << 28;
const pieceBytes = 1 << 20;
const kept = 2;

export interface SnapshotPoint {
  /** Position of the last fact in the state. */
  readonly position: number;
  /** Chain hash of the log at that position. */
  readonly chainHash: Uint8Array;
  /** Number of the encoding of the chunks, which is the writer's affair. */
  readonly format: number;
}

export interface SnapshotFile {
  readonly file: string;
  readonly position: number;
}

export interface Snapshot extends SnapshotPoint {
  readonly file: string;
  /** sha256 of the content. */
  readonly stateHash: Uint8Array;
  /** Bytes of content. */
  readonly bytes: number;
  /** The chunks in order, read from the file as they are asked for; each is the caller's to keep. */
  chunks(): Iterable<Uint8Array>;
}

/** The snapshots of a folder by name, newest first; none of them is opened. */
export function listSnapshots(folder: string): SnapshotFile[] {
  const found: SnapshotFile[] = [];
  for (const name of readdirSync(folder)) {
    const match = /^snapshot-(\d{16})\.snap$/.exec(name);
    if (match) found.push({ file: join(folder, name), position: Number(match[1]) });
  }
  return found.sort((a, b) => b.position - a.position);
}

/** The newest snapshot of a folder by name; undefined when there is none. */
export function newestSnapshot(folder: string): SnapshotFile | undefined {
  return listSnapshots(folder)[0];
}

/**
 * Writes a snapshot and removes all but the two newest. Throws what the file system throws; the log is not
 * concerned by that. One at a time per folder.
 */
export async function writeSnapshot(
  folder: string,
  point: SnapshotPoint,
  chunks: Iterable<Uint8Array>,
  pauseMs = 5,
): Promise<SnapshotFile & { readonly stateHash: Uint8Array }> {
  createFolder(folder);
  const file = join(folder, `snapshot-${String(point.position).padStart(16, "0")}.snap`);
  const unfinished = `${file}.new`;
  const handle = await open(unfinished, "w", fileMode);
  let stateHash: Uint8Array;
  try {
    stateHash = await writeContent(handle, point, chunks, pauseMs);
    await handle.sync();
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  renameSync(unfinished, file);
  syncFolder(folder);
  removeOld(folder);
  return { file, position: point.position, stateHash };
}

async function writeContent(
  handle: FileHandle,
  point: SnapshotPoint,
  chunks: Iterable<Uint8Array>,
  pauseMs: number,
): Promise<Uint8Array> {
  const piece = Buffer.alloc(pieceBytes);
  let filled = 0;
  const flush = async () => {
    for (let done = 0; done < filled; ) done += (await handle.write(piece, done, filled - done)).bytesWritten;
    filled = 0;
    await handle.datasync();
    await pause(pauseMs);
  };
  const put = async (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) {
      const part = Math.min(bytes.length - done, pieceBytes - filled);
      piece.set(bytes.subarray(done, done + part), filled);
      filled += part;
      done += part;
      if (filled === pieceBytes) await flush();
    }
  };

  const hash = createHash("sha256");
  let count = 0;
  let total = 0;
  await put(encodeHeader(point));
  for (const chunk of chunks) {
    if (chunk.length > chunkBytesMax) throw new Error(`a chunk of ${chunk.length} bytes is too large`);
    hash.update(chunk);
    count += 1;
    total += chunk.length;
    await put(encodeChunkHead(chunk));
    await put(chunk);
  }
  const stateHash = hash.digest();
  await put(encodeTrailer(count, total, stateHash));
  await flush();
  return stateHash;
}

function removeOld(folder: string): void {
  for (const { file } of listSnapshots(folder).slice(kept)) rmSync(file);
  for (const name of readdirSync(folder)) {
    if (/^snapshot-\d{16}\.snap\.new$/.test(name)) rmSync(join(folder, name));
  }
}

/** Verifies the whole file, then answers with its chunks. Throws `LogDamaged` with the byte. */
export function readSnapshot(file: string): Snapshot {
  return whileUsing(file, "read", () => verify(file));
}

function verify(file: string): Snapshot {
  const fd = openSync(file, "r");
  try {
    const hash = createHash("sha256");
    let count = 0;
    let bytes = 0;
    const walk = walkChunks(fd, file);
    for (let step = walk.next(); ; step = walk.next()) {
      if (step.done) {
        const { trailer, trailerAt } = step.value;
        const stateHash = hash.digest();
        const counted = readPosition(trailer, 8) === count && readPosition(trailer, 16) === bytes;
        if (!counted || !stateHash.equals(trailer.subarray(24))) {
          throw damaged(file, trailerAt, "the content does not match the trailer");
        }
        return { ...readHeader(fd, file), file, stateHash, bytes, chunks: () => chunksOf(file) };
      }
      hash.update(step.value);
      count += 1;
      bytes += step.value.length;
    }
  } finally {
    closeSync(fd);
  }
}

function* chunksOf(file: string): Generator<Uint8Array, void> {
  const fd = whileUsing(file, "read", () => openSync(file, "r"));
  try {
    yield* walkChunks(fd, file);
  } catch (error) {
    throw storageError(file, "read", error);
  } finally {
    closeSync(fd);
  }
}

/** Yields the chunks, each checked; returns the trailer, checked for itself. */
function* walkChunks(fd: number, file: string): Generator<Buffer, { trailer: Buffer; trailerAt: number }> {
  const { size } = fstatSync(fd);
  readHeader(fd, file);
  for (let at = headerBytes; ; ) {
    const head = readBytes(fd, file, at, chunkHeadBytes);
    const length = head.readUInt32LE(0);
    if (length === trailerMark) {
      const trailer = readBytes(fd, file, at, trailerBytes);
      if (trailer.readUInt32LE(4) !== crc32(trailer.subarray(8))) throw damaged(file, at, "the trailer");
      if (size !== at + trailerBytes) throw damaged(file, at + trailerBytes, "bytes behind the trailer");
      return { trailer, trailerAt: at };
    }
    if (length > size - at) throw damaged(file, at, `a chunk of ${length} bytes does not fit into the file`);
    const chunk = readBytes(fd, file, at + chunkHeadBytes, length);
    if (head.readUInt32LE(4) !== crcOfChunk(head, chunk)) throw damaged(file, at, "a chunk");
    yield chunk;
    at += chunkHeadBytes + length;
  }
}

function readHeader(fd: number, file: string): SnapshotPoint {
  const header = readBytes(fd, file, 0, headerBytes);
  if (!header.subarray(0, 8).equals(magic) || header.readUInt32LE(60) !== crc32(header.subarray(0, 60))) {
    throw damaged(file, 0, "the header");
  }
  return {
    format: header.readUInt32LE(8),
    position: readPosition(header, 16),
    chainHash: Buffer.from(header.subarray(24, 24 + hashBytes)),
  };
}

function readBytes(fd: number, file: string, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const read = readSync(fd, bytes, done, length - done, at + done);
    if (read === 0) throw damaged(file, at + done, "the file ends");
    done += read;
  }
  return bytes;
}

function encodeHeader({ position, chainHash, format }: SnapshotPoint): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(format, 8);
  writePosition(header, position, 16);
  header.set(chainHash, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
  return header;
}

function encodeChunkHead(chunk: Uint8Array): Buffer {
  const head = Buffer.alloc(chunkHeadBytes);
  head.writeUInt32LE(chunk.length, 0);
  head.writeUInt32LE(crcOfChunk(head, chunk), 4);
  return head;
}

function crcOfChunk(head: Buffer, chunk: Uint8Array): number {
  return crc32(chunk, crc32(head.subarray(0, 4)));
}

function encodeTrailer(count: number, bytes: number, stateHash: Uint8Array): Buffer {
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(trailerMark, 0);
  writePosition(trailer, count, 8);
  writePosition(trailer, bytes, 16);
  trailer.set(stateHash, 24);
  trailer.writeUInt32LE(crc32(trailer.subarray(8)), 4);
  return trailer;
}

function damaged(file: string, at: number, what: string): LogDamaged {
  const advice = "the log is whole without it: this file may be deleted, and the start then takes longer";
  return new LogDamaged(file, `byte ${at}`, `the snapshot is damaged: ${what}; ${advice}`);
}
