/**
 * From a folder to a shard's books and its journal: the newest snapshot, and the facts after it.
 *
 * A snapshot of another layout is left alone and the log is read from its start; a damaged one is refused (`LogDamaged`),
 * with the advice that deleting it costs nothing but time.
 */

import { existsSync, statSync } from "node:fs";
import { Books } from "../../engine/tables/books.js";
import { replay } from "../../engine/tables/replay.js";
import { loadBooks, snapshotFormat } from "../../engine/tables/snapshot.js";
import { genesis } from "../../persistence/log/hash-chain.js";
import type { LogIdentity } from "../../persistence/log/identity.js";
import type { FolderLock } from "../../persistence/log/lock.js";
import { lockLog, openSqliteJournal, type SqliteJournal } from "../../persistence/log/sqlite-journal.js";
import { newestSnapshot, readSnapshot } from "../../persistence/snapshots/snapshot-file.js";
import { shardFolder } from "./data-folder.js";

export interface Recovered {
  readonly books: Books;
  readonly journal: SqliteJournal;
  /** Position that the snapshot had; 0 when the whole log was read. */
  readonly fromSnapshot: number;
}

/** Called now and then with the number of facts applied so far. */
export type RecoveryProgress = (facts: number) => void;

/**
 * `prove`: every segment of the log, or those that are newer than the snapshot.
 * Everything is read after the lock is held. Throws `FolderInUse`, `LogDamaged`, `StorageUnavailable`, `FolderRefused`, `JournalFailed`.
 */
export function recoverShard(
  folder: string,
  identity: LogIdentity,
  segmentBytes: number,
  prove: "all" | "recent",
  progress: RecoveryProgress,
  say?: (line: string) => void,
): Recovered {
  const lock = lockLog(folder);
  const { books, point } = startUnder(lock, folder);
  const fromSnapshot = books.position;
  let told = fromSnapshot;
  const journal = openSqliteJournal({
    folder,
    identity,
    lock,
    segmentBytes,
    ...(say ? { told: say } : {}),
    from: point,
    verify: prove === "all" ? "all" : "from",
    visit(group) {
      replay(books, group);
      if (books.position - told < 1_000_000) return;
      told = books.position;
      progress(books.position);
    },
  });
  return { books, journal, fromSnapshot };
}

function startUnder(lock: FolderLock, folder: string) {
  try {
    return readStart(folder);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The newest snapshot that this build can read, or the start of the log. */
export function readStart(folder: string) {
  const newest = newestSnapshotIn(folder);
  if (!newest) return { books: new Books(), point: genesis };
  const snapshot = readSnapshot(newest);
  if (snapshot.format !== snapshotFormat) return { books: new Books(), point: genesis };
  return {
    books: loadBooks(snapshot.chunks()),
    point: { position: snapshot.position, hash: snapshot.chainHash },
  };
}

function newestSnapshotIn(folder: string): string | undefined {
  try {
    return newestSnapshot(folder)?.file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Bytes of the newest snapshots: their books take no less. What cannot be looked at is said by whoever opens it. */
export function snapshotBytes(folder: string): number {
  let bytes = 0;
  try {
    for (let shard = 0; existsSync(shardFolder(folder, shard)); shard++) {
      const newest = newestSnapshotIn(shardFolder(folder, shard));
      if (newest) bytes += statSync(newest).size;
    }
  } catch {}
  return bytes;
}
