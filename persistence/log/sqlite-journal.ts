/**
 * The log on disk: one folder per shard, one SQLite transaction and one fsync per group.
 *
 *   lock.db                   held while an engine works on the folder               lock
 *   anchor                    how far the log must reach                             anchor
 *   log-0000000000000001.db   the first segment, with its -wal and -shm              segments
 *   log-0000000000081730.db   the next one, named after its first position
 *   spare-wal                 room for the one after that                            spare-wal
 *
 * Life of the folder: it is locked, read and proven from end to end (`log-check`); then what a crash left is
 * settled (SQLITE-JOURNAL-2, SQLITE-JOURNAL-3); the first append begins a new segment, and so does the first one after a segment is full.
 *
 * SQLITE-JOURNAL-1  A group is durable when its transaction is committed with an fsync. Only then does the anchor move, and only
 *                   then is `onDurable` called, all inside `append`.
 * SQLITE-JOURNAL-2  What an earlier life left in the page cache counts as durable only after it was written again and
 *                   fsynced: kill -9 between a commit's write and its fsync leaves a group that can be read, but would not survive
 *                   a power loss. After a failed fsync the kernel even takes the lost pages as clean, so fsync alone is not enough.
 * SQLITE-JOURNAL-3  A last segment without a group is removed: its name was made, its first commit was not.
 * SQLITE-JOURNAL-4  The first failure is final (JOURNAL-3). Nothing is written, fsynced or tried again, not even on close.
 * SQLITE-JOURNAL-5  A -wal whose main file is missing is a segment that was being created, unless it holds a transaction.
 * SQLITE-JOURNAL-6  After each commit, and before anybody is told, the names of the lock, of the main file and of the -wal must still lead
 *                   to the files that are held and written: what was committed to a file that was removed, or lies where nobody will
 *                   look for it, is not durable, and with another lock in place there may be a second engine. A -wal without its main
 *                   file cannot be read either. (Three stats, 6 us a group.)
 */

import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { type AnchorWriter, createAnchor, openAnchor } from "./anchor.js";
import { createFolder, isAt, type Place, syncFolder, writeFully } from "./folder.js";
import { type ChainPoint, chainHash } from "./hash-chain.js";
import { encodeIdentity, type LogIdentity, nameOf, sameIdentity } from "./identity.js";
import { type Group, type Journal, JournalFailed, LogDamaged } from "./journal.js";
import { type FolderLock, lockFolder } from "./lock.js";
import { checkLog, type LogCheck, type LogFindings } from "./log-check.js";
import { readLog } from "./log-reader.js";
import { createSegment, pageBytes, type SegmentWriter, syncsPerSegment } from "./segments.js";
import { createSpare, prepareSpare, type SparePreparation, smallBytes, spareFile } from "./spare-wal.js";
import { FolderRefused, faultOf, storageError, whileUsing } from "./storage-error.js";
import { checkWal, type WalFindings } from "./wal-check.js";

export interface SqliteJournalOptions extends LogCheck {
  /** Whose log it is. A new log begins with it; one of before that was written down is taken over. */
  readonly identity: LogIdentity;
  /** Of the folder, when the caller has taken it. Released by `close`, and when the log cannot be opened. */
  readonly lock?: FolderLock;
  /** A line when something that helps has to be done without. */
  readonly told?: (line: string) => void;
  /** Size of a -wal at which the next segment begins. Default 64 MiB: about 2 ms of work once a second at most. */
  readonly segmentBytes?: number;
}

export interface SqliteJournal extends Journal {
  /** The last durable position and the hash that stands for everything up to it. */
  readonly end: ChainPoint;
  /** Makes the anchor survive a power loss too. Throws `JournalFailed`. */
  sync(): void;
  /** SQLITE-JOURNAL-6, for an engine that has nothing to write. Throws `JournalFailed`, and so does every later append. */
  checkPlace(): void;
}

const segmentBytesDefault = 64 * 1024 * 1024;

/**
 * Opens the log of a folder, creating both when there are none, and proves it while handing its groups to `visit`.
 *
 * Throws `FolderInUse`, `LogDamaged`, `StorageUnavailable`, `FolderRefused` for another log than that of `identity`, or
 * `JournalFailed` when what was found cannot be made durable.
 */
export function openSqliteJournal(options: SqliteJournalOptions): SqliteJournal {
  const { folder, segmentBytes = segmentBytesDefault } = options;
  const lock = options.lock ?? lockLog(folder);
  try {
    whileUsing(folder, "written", () => removeUnfinished(folder));
    const findings = checkLog(options);
    checkOwner(folder, findings.identity, options.identity);
    const anchor = settle(findings, options);
    return new OpenJournal(options, segmentBytes, lock, anchor, findings.end);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Takes the folder of a log, and makes it when it is missing. Throws `FolderInUse`, `StorageUnavailable`, `FolderRefused`. */
export function lockLog(folder: string): FolderLock {
  whileUsing(folder, "written", () => createFolder(folder));
  return lockFolder(folder);
}

function checkOwner(folder: string, found: LogIdentity | undefined, wanted: LogIdentity): void {
  if (!found || sameIdentity(found, wanted)) return;
  throw new FolderRefused(
    folder,
    `it holds ${nameOf(found)}, and not ${nameOf(wanted)}`,
    "put it where it belongs",
  );
}

/**
 * Files that a crash kept from getting their name, and -shm files. Those hold no data, but one that outlived its
 * engine in another process may not show the last group; without its name SQLite builds a new one.
 */
function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (/^(anchor|spare-wal|log-\d{16}\.db)(\.[0-9a-f-]+)?\.new$|^log-\d{16}\.db-shm$/.test(name))
      rmSync(file);
    if (!/^log-\d{16}\.db-wal$/.test(name)) continue;
    const mainFile = file.slice(0, -"-wal".length);
    if (existsSync(mainFile)) continue;
    if (checkWal(file, pageBytes).transactions > 0) {
      throw new LogDamaged(mainFile, "whole file", "it is missing, and its -wal holds groups");
    }
    rmSync(file);
  }
}

/** SQLITE-JOURNAL-2 and SQLITE-JOURNAL-3: after this, what was found is durable and the anchor stands at its end. */
function settle(findings: LogFindings, options: SqliteJournalOptions): AnchorWriter {
  const { folder, segmentBytes = segmentBytesDefault, identity, told = () => {} } = options;
  const { end, lastSegment, anchor: found } = findings;
  try {
    if (lastSegment && lastSegment.groups === 0) {
      for (const suffix of ["-wal", "-shm", ""]) rmSync(lastSegment.file + suffix, { force: true });
      syncFolder(folder);
    } else if (lastSegment) {
      rewriteLast(`${lastSegment.file}-wal`, lastSegment.wal);
    }
    if (!existsSync(spareFile(folder))) {
      createSpare(folder, Math.min(segmentBytes, smallBytes), (error) => told(withoutSpare(folder, error)));
    }
    if (!found?.identity) createAnchor(folder, end, identity);
    const anchor = openAnchor(folder, found?.identity ? found.sequence : 1);
    anchor.write(end.position, end.hash);
    anchor.sync();
    return anchor;
  } catch (cause) {
    throw faultOf(cause) === undefined
      ? new JournalFailed(`${folder}: what was found could not be made durable`, { cause })
      : storageError(folder, "written", cause);
  }
}

/** SQLITE-JOURNAL-6 does not hold any more. */
export function movedAway(place: string): FolderRefused {
  return new FolderRefused(
    place,
    "it was removed or replaced while the engine ran",
    "nothing was answered since; put the folder back as it was, or restore a backup, before another start",
  );
}

function withoutSpare(folder: string, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `${folder}: no room is prepared for the next segment (${why}); commits take longer until there is`;
}

/** Writes the last transaction over itself, cuts off room that was not used, and fsyncs the file. */
function rewriteLast(file: string, wal: WalFindings): void {
  if (wal.transactions === 0) return;
  const { lastTransactionAt: from, committedBytes: to } = wal;
  const fd = openSync(file, "r+");
  try {
    const bytes = Buffer.alloc(to - from);
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(fd, bytes, done, bytes.length - done, from + done);
      if (read === 0) throw new Error(`${file} became shorter`);
      done += read;
    }
    writeFully(fd, bytes, from);
    if (wal.zerosFollow) ftruncateSync(fd, to);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

class OpenJournal implements SqliteJournal {
  readonly #folder: string;
  readonly #origin: Uint8Array;
  readonly #told: (line: string) => void;
  readonly #segmentBytes: number;
  readonly #lock: FolderLock;
  readonly #anchor: AnchorWriter;
  #segment: SegmentWriter | undefined;
  #spare: SparePreparation | undefined;
  #position: number;
  #hash: Uint8Array;
  #failure: JournalFailed | undefined;
  #closed = false;
  #spareMissed = false;
  bytesAppended = 0;
  syncs = 0;
  onDurable: (position: number) => void = () => {};

  constructor(
    { folder, identity, told = () => {} }: SqliteJournalOptions,
    segmentBytes: number,
    lock: FolderLock,
    anchor: AnchorWriter,
    end: ChainPoint,
  ) {
    this.#folder = folder;
    this.#origin = encodeIdentity(identity);
    this.#told = told;
    this.#segmentBytes = segmentBytes;
    this.#lock = lock;
    this.#anchor = anchor;
    this.#position = end.position;
    this.#hash = end.hash;
  }

  get appended(): number {
    return this.#position;
  }

  get durable(): number {
    return this.#position;
  }

  get end(): ChainPoint {
    return { position: this.#position, hash: this.#hash };
  }

  append({ first, last, body }: Group): void {
    if (this.#failure) throw this.#failure;
    if (this.#closed) throw new Error("append after close");
    if (first !== this.#position + 1 || last < first || !Number.isSafeInteger(last)) {
      throw new Error(`group ${first}..${last} does not follow position ${this.#position}`);
    }
    this.#orFail(() => {
      const hash = chainHash(this.#hash, first, last, this.#origin, body);
      const segment = this.#segmentFor(first, body.length);
      segment.insert(first, last, this.#hash, hash, body);
      this.#mustBeInPlace(this.#lock.place, segment.mainPlace, segment.walPlace);
      this.#anchor.write(last, hash);
      this.#hash = hash;
    });
    this.#position = last;
    this.bytesAppended += body.length;
    this.syncs += 1;
    this.onDurable(last);
  }

  /** The segment for the next group. The anchor is made durable first, so it is never older than the segment. */
  #segmentFor(first: number, bodyBytes: number): SegmentWriter {
    if (this.#segment?.hasRoomFor(bodyBytes)) return this.#segment;
    if (this.#segment) {
      this.#closeSegment();
      this.#anchor.sync();
      this.syncs += 1;
    }
    this.#segment = createSegment(this.#folder, first, this.#segmentBytes, this.#origin);
    this.syncs += syncsPerSegment;
    if (!this.#spare?.running) {
      this.#spare = prepareSpare(this.#folder, this.#segmentBytes, (error) => this.#doWithoutSpare(error));
    }
    return this.#segment;
  }

  read(from: number, bytes?: number): Iterable<Group> {
    return readLog(this.#folder, from, bytes);
  }

  sync(): void {
    if (this.#failure) throw this.#failure;
    this.#orFail(() => this.#anchor.sync());
    this.syncs += 1;
  }

  checkPlace(): void {
    if (this.#failure) throw this.#failure;
    const ofSegment = this.#segment ? [this.#segment.mainPlace, this.#segment.walPlace] : [];
    this.#orFail(() => this.#mustBeInPlace(this.#lock.place, this.#anchor.place, ...ofSegment));
  }

  /** SQLITE-JOURNAL-6. */
  #mustBeInPlace(...places: readonly Place[]): void {
    if (places.every(isAt)) return;
    throw movedAway(this.#folder);
  }

  /** Told once: the next segment is tried again, and again without a word. */
  #doWithoutSpare(error: unknown): void {
    if (!this.#spareMissed) this.#told(withoutSpare(this.#folder, error));
    this.#spareMissed = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#spare?.stop();
    try {
      this.#closeSegment();
      if (!this.#failure) this.#orFail(() => this.#anchor.sync());
    } finally {
      this.#anchor.close();
      this.#lock.release();
    }
  }

  #closeSegment(): void {
    this.#segment?.close(this.#failure === undefined);
    this.#segment = undefined;
  }

  #orFail(write: () => void): void {
    try {
      write();
    } catch (cause) {
      throw this.#fail(cause);
    }
  }

  /** The first failure is the one that every later append reports. */
  #fail(cause: unknown): JournalFailed {
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#spare?.stop();
    this.#failure ??= new JournalFailed(`${this.#folder}: the log could not be written: ${message}`, {
      cause,
    });
    return this.#failure;
  }
}
