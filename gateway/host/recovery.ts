/**
 * From a folder to a shard's books and its journal: the newest snapshot, and the facts after it.
 *
 * A snapshot of another layout is left alone and the log is read from its start; a damaged one is refused (`LogDamaged`),
 * with the advice that deleting it costs nothing but time.
 */

import { Books } from "../../engine/tables/books.js";
import { replay } from "../../engine/tables/replay.js";
import { loadBooks, snapshotFormat } from "../../engine/tables/snapshot.js";
import { genesis } from "../../persistence/log/hash-chain.js";
import { openSqliteJournal, type SqliteJournal } from "../../persistence/log/sqlite-journal.js";
import { newestSnapshot, readSnapshot } from "../../persistence/snapshots/snapshot-file.js";

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
 * Throws `FolderInUse`, `LogDamaged` or `JournalFailed`.
 */
export function recoverShard(
  folder: string,
  segmentBytes: number,
  prove: "all" | "recent",
  progress: RecoveryProgress,
): Recovered {
  const start = readStart(folder);
  const { books } = start;
  const fromSnapshot = books.position;
  let told = fromSnapshot;
  const journal = openSqliteJournal({
    folder,
    segmentBytes,
    from: start.point,
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
