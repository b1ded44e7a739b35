/**
 * What is wrong when a file cannot be used, in kinds that an operator must tell apart, since each wants something else done:
 *
 *   damaged      what is in the file is not what was written there: restore it
 *   unavailable  the disk, the memory or the table of open files says no: nothing is known of what is in the file, and to restore an
 *                older copy over it would lose what came since
 *   forbidden    it is not ours to use: another user's, read-only, a folder in the place of a file
 *   defect       the program is at fault
 *
 * STORAGE-ERROR-1  Only what was read and is wrong is damage. Whatever this table does not know is `unavailable`.
 */

import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { LogDamaged } from "./journal.js";
import { readAgain } from "./second-reading.js";

export type StorageFault = "damaged" | "unavailable" | "forbidden" | "defect";

/** Every primary result code of SQLite, as met while a file is read. An extended code begins with its primary one. */
export const sqliteFaults = {
  SQLITE_OK: "defect",
  // "no such table": the main file of a segment is not the one that was made.
  SQLITE_ERROR: "damaged",
  SQLITE_INTERNAL: "defect",
  SQLITE_PERM: "forbidden",
  SQLITE_ABORT: "defect",
  SQLITE_BUSY: "unavailable",
  SQLITE_LOCKED: "unavailable",
  SQLITE_NOMEM: "unavailable",
  SQLITE_READONLY: "forbidden",
  SQLITE_INTERRUPT: "unavailable",
  SQLITE_IOERR: "unavailable",
  SQLITE_CORRUPT: "damaged",
  SQLITE_NOTFOUND: "defect",
  SQLITE_FULL: "unavailable",
  SQLITE_CANTOPEN: "unavailable",
  SQLITE_PROTOCOL: "unavailable",
  SQLITE_EMPTY: "damaged",
  SQLITE_SCHEMA: "damaged",
  SQLITE_TOOBIG: "damaged",
  SQLITE_CONSTRAINT: "defect",
  SQLITE_MISMATCH: "damaged",
  SQLITE_MISUSE: "defect",
  SQLITE_NOLFS: "unavailable",
  SQLITE_AUTH: "forbidden",
  SQLITE_FORMAT: "damaged",
  SQLITE_RANGE: "defect",
  SQLITE_NOTADB: "damaged",
  SQLITE_NOTICE: "defect",
  SQLITE_WARNING: "defect",
  SQLITE_ROW: "defect",
  SQLITE_DONE: "defect",
} as const satisfies Record<string, StorageFault>;

/** No start gets past these until somebody has given it other rights, or put there what belongs there. */
const forbiddenErrnos: ReadonlySet<string> = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOTDIR",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
]);

/** The kind of an error of SQLite or of a system call; undefined for any other. */
export function faultOf(error: unknown): StorageFault | undefined {
  if (error instanceof Database.SqliteError) {
    const primary = error.code.split("_").slice(0, 2).join("_");
    return (sqliteFaults as Record<string, StorageFault>)[primary] ?? "unavailable";
  }
  if (!isErrno(error)) return undefined;
  return forbiddenErrnos.has(error.code) ? "forbidden" : "unavailable";
}

function isErrno(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error && "syscall" in error && "code" in error && /^E[A-Z0-9]+$/.test(`${error.code}`)
  );
}

/** A file cannot be read or written now, which says nothing about what is in it. */
export class StorageUnavailable extends Error {
  override readonly name = "StorageUnavailable";
  constructor(
    readonly file: string,
    doing: Doing,
    options: { readonly cause: unknown },
  ) {
    super(`${file}: cannot be ${doing} now: ${said(options.cause)}`, options);
  }
}

/** Nobody may work on the folder until a human has looked at it. The message names the place, and what can be done. */
export class FolderRefused extends Error {
  override readonly name = "FolderRefused";
  constructor(
    /** The file or folder that is not as it should be. */
    readonly place: string,
    what: string,
    readonly wayOn: string,
  ) {
    super(`${place}: ${what}`);
  }
}

export const newerVersionNeeded =
  "start the version of yifen that has worked here since, or restore a backup from before it";

type Doing = "read" | "written";

/** Runs `work` on a file; what SQLite or the system says against it becomes an error that names the file and the kind. */
export function whileUsing<T>(file: string, doing: Doing, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storageError(file, doing, error);
  }
}

/** The error that says what is wrong with the file; `error` itself where it says so already, or is none of a file. */
export function storageError(file: string, doing: Doing, error: unknown): unknown {
  switch (cannotBeThere(file, error) ? "forbidden" : faultOf(error)) {
    case "damaged": {
      const doubt = isMalformed(error) ? readAgain(file, error) : undefined;
      if (doubt !== undefined) return new StorageUnavailable(file, doing, { cause: doubt });
      return new LogDamaged(file, codeOf(error), `SQLite cannot read it: ${said(error)}`);
    }
    case "unavailable":
      return new StorageUnavailable(file, doing, { cause: error });
    case "forbidden":
      return new FolderRefused(
        file,
        `cannot be ${doing}: ${said(error)}`,
        "see whose it is and whether this process may write there, and whether it is what belongs there",
      );
    default:
      return error;
  }
}

/** What SQLite says of a page that is wrong, and of one that the disk did not give. */
function isMalformed(error: unknown): error is Error {
  return error instanceof Database.SqliteError && error.code === "SQLITE_CORRUPT";
}

/**
 * SQLite says that it cannot open a file, as of a disk that does not answer, also where a folder is in its place, and where it may not
 * make the -wal and -shm that it needs: of a read-only file system, say.
 */
function cannotBeThere(file: string, error: unknown): boolean {
  if (!(error instanceof Database.SqliteError) || !error.code.startsWith("SQLITE_CANTOPEN")) return false;
  try {
    accessSync(dirname(file), constants.W_OK);
    return statSync(file).isDirectory();
  } catch (problem) {
    return forbiddenErrnos.has(String((problem as NodeJS.ErrnoException).code));
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

/** With its code, which Node's messages begin with and SQLite's do not contain. */
function said(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Database.SqliteError ? `${error.code}, ${message}` : message;
}
