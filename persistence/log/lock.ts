/**
 * One engine per folder.
 *
 * The lock is SQLite's own: an exclusive transaction on the empty file `lock.db`, held open for the life of the
 * process. The kernel drops it when the process ends in any way, so nothing has to be cleaned up after
 * kill -9. SQLite also refuses a second holder within one process, which a bare fcntl lock would not.
 *
 * LOCK-1  At most one holder works on a folder, within a process and among all; when it is gone, however it went, the next may.
 *
 * It rests on two things that nothing here can check. Nobody opens `lock.db` with plain reads in the process that holds it: closing
 * any descriptor of a file drops all fcntl locks this process has on it, so a copy made from inside the engine leaves the file out.
 * And the folder is on a local file system: network file systems keep fcntl locks badly or not at all.
 */

import { join, resolve } from "node:path";
import Database from "better-sqlite3";
import { createEmptyFile, type Place, placeOf } from "./folder.js";
import { storageError, whileUsing } from "./storage-error.js";

/** Another engine, in this process or another one, works on the folder. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  constructor(readonly folder: string) {
    super(`${resolve(folder)} is in use by another engine; only one may work on a folder`);
  }
}

export interface FolderLock {
  /** Of the file that is locked: with another one there, somebody else may hold that. */
  readonly place: Place;
  release(): void;
}

/** The file that an engine holds while it works on a folder. */
export function lockFile(folder: string): string {
  return join(folder, "lock.db");
}

/** Takes the folder, which must exist, for this process. Throws `FolderInUse` at once when it is taken, `StorageUnavailable`. */
export function lockFolder(folder: string): FolderLock {
  const file = lockFile(folder);
  createEmptyFile(file);
  const holder = whileUsing(file, "written", () => new Database(file, { timeout: 0 }));
  try {
    holder.pragma("locking_mode = EXCLUSIVE");
    // Nothing is ever written to the file; a journal of its own would be created, and fsynced on release.
    holder.pragma("journal_mode = MEMORY");
    holder.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    holder.close();
    if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY")) {
      throw new FolderInUse(folder);
    }
    throw storageError(file, "written", error);
  }
  return { place: placeOf(file), release: () => holder.close() };
}
