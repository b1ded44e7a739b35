/**
 * The files of a log: one SQLite database per segment, `log-<first position>.db`, and its -wal.
 *
 *   groups(first INTEGER PRIMARY KEY, last, count, format, prev, hash, body)     one row per group
 *   log(identity)                                                                one row: whose log this is part of
 *
 * SEGMENTS-1  A segment is written by one life of one process, and once: rows are added and never changed.
 * SEGMENTS-2  Its -wal is never checkpointed and never restarted, while it is written or later: it is part of the segment.
 *             Checkpoints would compete with commits for the disk, and a -wal that is written once can be checked
 *             (`wal-check`). So the main file keeps its three first pages: the schema, an empty table, and
 *             the identity. A segment of before there were identities has the first two.
 * SEGMENTS-3  SQLite checkpoints when the last connection to a file closes. It must get an exclusive lock for that, so the
 *             writer has a read-only companion, which is closed after it and itself cannot write. Everybody else opens
 *             read-only too.
 *             That also holds when the process ends without closing: the driver would close in any order, so a hook on
 *             exit closes in this one.
 * SEGMENTS-4  A segment's name appears only when its main file is whole and fsynced, and both names are durable before the
 *             first group is written. Its -wal may be full of zeros at first (`spare-wal`); what was not used is
 *             cut off when the segment is closed, or when the log is opened again after a crash.
 * SEGMENTS-5  Every commit is an fsync: synchronous=FULL is set, and read back after the first one.
 *
 * A rule for everybody in the process, which nothing here can check: while a connection to a main file is open, it is read
 * through SQLite alone, because closing any descriptor of it drops the fcntl locks of all. (Its size may be asked, its
 * -wal may be read.)
 */

import { closeSync, existsSync, openSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { createFileDurably, fileMode, type Place, placeOf } from "./folder.js";
import { hashBytes, type LoggedGroup, noOrigin, rowFormatNewest, rowFormatOf } from "./hash-chain.js";
import { decodeIdentity, type LogIdentity } from "./identity.js";
import { LogDamaged } from "./journal.js";
import { smallBytes, takeSpare } from "./spare-wal.js";
import { FolderRefused, newerVersionNeeded, whileUsing } from "./storage-error.js";

export const pageBytes = 4096;

export interface Segment {
  /** Position of the first fact in it. */
  readonly first: number;
  readonly file: string;
}

export function segmentAt(folder: string, first: number): Segment {
  return { first, file: join(folder, `log-${String(first).padStart(16, "0")}.db`) };
}

const segmentName = /^log-(\d{16})\.db$/;

/** The segments of a folder, in order. */
export function listSegments(folder: string): Segment[] {
  const segments: Segment[] = [];
  for (const name of whileUsing(folder, "read", () => readdirSync(folder))) {
    const match = segmentName.exec(name);
    if (match) segments.push({ first: Number(match[1]), file: join(folder, name) });
  }
  return segments.sort((a, b) => a.first - b.first);
}

/** Index of the segment that holds `position`; 0 when it is before all of them. */
export function segmentHolding(segments: readonly Segment[], position: number): number {
  let index = 0;
  for (let i = 1; i < segments.length && segments[i]!.first <= position; i++) index = i;
  return index;
}

/** The main file of an empty segment, the same for every segment of a log. */
function emptySegment(origin: Uint8Array): Buffer {
  const template = new Database(":memory:");
  template.pragma(`page_size = ${pageBytes}`);
  template.exec(
    `CREATE TABLE groups(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, count INTEGER NOT NULL,
       format INTEGER NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL);
     CREATE TABLE log(identity BLOB NOT NULL)`,
  );
  template.prepare("INSERT INTO log VALUES (?)").run(origin);
  const content = template.serialize();
  template.close();
  // Bytes 18 and 19 of the header, write and read version: 2 is WAL. A database in memory cannot be switched.
  content[18] = 2;
  content[19] = 2;
  return content;
}

export interface SegmentWriter extends Segment {
  /** Whether a group with a body of this size still fits. An empty segment takes any. */
  hasRoomFor(bodyBytes: number): boolean;
  /** One durable transaction. Throws what SQLite throws. */
  insert(first: number, last: number, prev: Uint8Array, hash: Uint8Array, body: Uint8Array): void;
  readonly mainPlace: Place;
  readonly walPlace: Place;
  /** Closes without a checkpoint. `cut` gives back room that was not used. */
  close(cut: boolean): void;
}

/** fsyncs in `createSegment`: main file, folder, and SQLite's own of the header of the -wal. */
export const syncsPerSegment = 3;

/**
 * Creates an empty segment durably and opens it for the only time it will be written. It takes as much as its
 * prepared -wal, or when none is ready at most `segmentBytes`.
 */
export function createSegment(
  folder: string,
  first: number,
  segmentBytes: number,
  origin: Uint8Array,
): SegmentWriter {
  const { file } = segmentAt(folder, first);
  const walFile = `${file}-wal`;
  if (existsSync(file)) throw new Error(`${file} exists; a segment is written by one process only`);
  const prepared = takeSpare(folder, walFile);
  if (prepared === 0) closeSync(openSync(walFile, "wx", fileMode));
  const bytesMax = prepared > 0 ? prepared : Math.min(segmentBytes, smallBytes);
  createFileDurably(file, emptySegment(origin));

  const writer = new Database(file, { timeout: 0 });
  writer.pragma("synchronous = FULL");
  writer.pragma("wal_autocheckpoint = 0");
  // A group is written once and never read by this connection; a spill would write pages twice.
  writer.pragma("cache_size = 64");
  writer.pragma("cache_spill = OFF");
  const mode = writer.pragma("journal_mode", { simple: true });
  if (mode !== "wal") throw new Error(`${file}: journal_mode is ${String(mode)}, not wal`);
  const insert = writer.prepare("INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)");
  const format = rowFormatOf(origin);
  const companion = new Database(file, { readonly: true, timeout: 0 });
  companion.prepare("SELECT max(first) FROM groups").get();

  // An upper bound, made exact when the segment seems to be full.
  let bytes = 0;
  let proven = false;
  const close = (cut: boolean) => {
    openForWriting.delete(close);
    const used = cut ? bytesUsed(companion) : Number.POSITIVE_INFINITY;
    writer.close();
    companion.close();
    if (cut && statSync(walFile).size > used) truncateSync(walFile, used);
  };
  closeOnExit(close);
  return {
    first,
    file,
    mainPlace: placeOf(file),
    walPlace: placeOf(walFile),
    hasRoomFor(bodyBytes) {
      const needed = walBytesAtMost(bodyBytes);
      if (bytes + needed <= bytesMax || bytes === 0) return true;
      bytes = bytesUsed(companion);
      return bytes + needed <= bytesMax;
    },
    insert(first, last, prev, hash, body) {
      insert.run(first, last, last - first + 1, format, prev, hash, body);
      bytes += walBytesAtMost(body.length);
      if (proven) return;
      const synchronous = writer.pragma("synchronous", { simple: true });
      if (synchronous !== 2) throw new Error(`${file}: synchronous is ${String(synchronous)}, not FULL`);
      proven = true;
    },
    close,
  };
}

const openForWriting = new Set<SegmentWriter["close"]>();

function closeOnExit(close: SegmentWriter["close"]): void {
  if (openForWriting.size === 0) {
    process.off("exit", closeAll);
    process.once("exit", closeAll);
  }
  openForWriting.add(close);
}

function closeAll(): void {
  for (const close of openForWriting) close(false);
}

/** Bytes of the -wal that hold transactions. A checkpoint of the kind NOOP does nothing but count the frames. */
function bytesUsed(companion: Database.Database): number {
  const [{ log }] = companion.pragma("wal_checkpoint(NOOP)") as [{ log: number }];
  return log > 0 ? 32 + log * (pageBytes + 24) : 0;
}

/** Pages of overflow, the leaf that points to them, the first page, a new leaf and its parents. */
function walBytesAtMost(bodyBytes: number): number {
  return (Math.ceil(bodyBytes / (pageBytes - 4)) + 5) * (pageBytes + 24);
}

export interface SegmentReader extends Segment {
  /** Whose log it is part of; undefined in one of before that was written down. */
  readonly identity: LogIdentity | undefined;
  /** Groups from the one that holds `position` on, in order. Throws `LogDamaged`. */
  groupsFrom(position: number): IterableIterator<LoggedGroup>;
  close(): void;
}

/** Opens a segment for reading, also while it is written. Sees what is durable, group by group. */
export function openSegment(segment: Segment): SegmentReader {
  const { file } = segment;
  const found = whileUsing(file, "read", () => statSync(file));
  const { size } = found;
  if (!found.isFile())
    throw new FolderRefused(file, "it is not a file", "put the segment back that was here");
  // SQLite takes a main file without pages as new and deletes the -wal beside it.
  if (size < 2 * pageBytes || size % pageBytes !== 0) {
    throw new LogDamaged(
      file,
      `byte ${size}`,
      `a segment has at least two whole pages of ${pageBytes} bytes`,
    );
  }
  const reader = whileUsing(file, "read", () => new Database(file, { readonly: true, timeout: 1000 }));
  try {
    const origin = whileUsing(file, "read", () => originIn(reader));
    const identity = decodeIdentity(origin, file);
    if (origin.length > 0 && !identity) {
      throw new LogDamaged(file, "table log", "what says whose log this is cannot be read");
    }
    const rows = whileUsing(file, "read", () =>
      reader
        .prepare<number[], unknown[]>(
          `SELECT first, last, count, format, prev, hash, body FROM groups
           WHERE first >= ifnull((SELECT max(first) FROM groups WHERE first <= ?), 0) ORDER BY first`,
        )
        .raw(),
    );
    return {
      ...segment,
      identity,
      *groupsFrom(position) {
        const iterator = whileUsing(file, "read", () => rows.iterate(position));
        try {
          for (;;) {
            const next = whileUsing(file, "read", () => iterator.next());
            if (next.done) return;
            yield asGroup(file, next.value, origin);
          }
        } finally {
          iterator.return?.();
        }
      },
      close: () => reader.close(),
    };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** What is in the table `log`; nothing when there is no such table. */
function originIn(reader: Database.Database): Uint8Array {
  const tables = reader.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'log'").pluck().get();
  if (tables === 0) return noOrigin;
  const origin: unknown = reader.prepare("SELECT identity FROM log").pluck().get();
  return Buffer.isBuffer(origin) && origin.length > 0 ? origin : Buffer.from("not one");
}

function asGroup(file: string, row: unknown[], origin: Uint8Array): LoggedGroup {
  const [first, last, count, format, prev, hash, body] = row;
  if (!isPosition(first)) throw new LogDamaged(file, `row ${String(first)}`, "first is not a position");
  const place = `position ${first}`;
  if (Number.isSafeInteger(format) && (format as number) > rowFormatNewest) {
    throw new FolderRefused(
      file,
      `${place}: row format ${String(format)} is newer than this version`,
      newerVersionNeeded,
    );
  }
  if (format !== rowFormatOf(origin)) {
    throw new LogDamaged(file, place, `row format ${String(format)} does not fit the segment`);
  }
  if (!isPosition(last) || last < first || count !== last - first + 1) {
    throw new LogDamaged(file, place, `last ${String(last)} and count ${String(count)} do not fit`);
  }
  if (!isHash(prev) || !isHash(hash) || !Buffer.isBuffer(body)) {
    throw new LogDamaged(file, place, "a hash or the body is not one");
  }
  return { first, last, body, prev, hash, origin };
}

function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isHash(value: unknown): value is Buffer {
  return Buffer.isBuffer(value) && value.length === hashBytes;
}
