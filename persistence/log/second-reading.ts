/**
 * Whether a file is malformed, as SQLite says, or was only not read.
 *
 * SQLite calls a page malformed that the disk did not give (EIO, ERANGE and ENXIO become SQLITE_IOERR_CORRUPTFS, and that, within a
 * statement, SQLITE_CORRUPT). Who believed it would restore an old copy over a log that is whole. So before it is called
 * damage the file is read once more: by the system, byte by byte, and by SQLite, page by page.
 *
 * SECOND-READING-1  What was malformed at one time and is not at another is a disk that does not answer, not damage.
 * SECOND-READING-2  A main file that was read here stays open: to close any descriptor of it drops the locks that this process has on it.
 *                   It is kept for the next time, so there is one for each file at the most.
 */

import { closeSync, openSync, readSync } from "node:fs";
import Database from "better-sqlite3";

const keptOpen = new Map<string, number>();

/** What stands against reading it; undefined when it can be read and is malformed, or is not there any more. */
export function readAgain(file: string, malformed: Error): unknown {
  try {
    readMain(file);
    readWal(`${file}-wal`);
  } catch (error) {
    return isMissing(error) ? undefined : error;
  }
  return isWhole(file) ? malformed : undefined;
}

function readMain(file: string): void {
  const fd = keptOpen.get(file) ?? openSync(file, "r");
  keptOpen.set(file, fd);
  readThrough(fd);
}

function readWal(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    readThrough(fd);
  } finally {
    closeSync(fd);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function readThrough(fd: number): void {
  const bytes = new Uint8Array(1 << 20);
  for (let at = 0; ; ) {
    const read = readSync(fd, bytes, 0, bytes.length, at);
    if (read === 0) return;
    at += read;
  }
}

function isWhole(file: string): boolean {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 1000 });
    try {
      return db.pragma("quick_check(1)", { simple: true }) === "ok";
    } finally {
      db.close();
    }
  } catch {
    return false;
  }
}
