/** What is said of a file that cannot be used: damage only where something was read and is wrong. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { exitCodes, fail, worthRestarting } from "../../../cli/fail.js";
import { JournalFailed, LogDamaged } from "../../../persistence/log/journal.js";
import { FolderInUse } from "../../../persistence/log/lock.js";
import { checkLog } from "../../../persistence/log/log-check.js";
import { listSegments } from "../../../persistence/log/segments.js";
import { movedAway } from "../../../persistence/log/sqlite-journal.js";
import {
  FolderRefused,
  faultOf,
  StorageUnavailable,
  sqliteFaults,
  storageError,
  whileUsing,
} from "../../../persistence/log/storage-error.js";
import { appendGroups, openLog, temporaryFolder } from "../../support/persistence-log.js";

/** Of sqlite3.h: the primary result codes, 0 to 28, 100 and 101. */
const primaryCodes =
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING ROW DONE"
    .split(" ")
    .map((code) => `SQLITE_${code}`);

const classes = {
  damaged: LogDamaged,
  unavailable: StorageUnavailable,
  forbidden: FolderRefused,
  defect: Database.SqliteError,
} as const;

test("every primary code of SQLite has its kind, and its extended codes have the same", () => {
  expect(Object.keys(sqliteFaults).sort()).toEqual([...primaryCodes].sort());
  for (const [code, fault] of Object.entries(sqliteFaults)) {
    for (const each of [code, `${code}_SOMETHING`, `${code}_OTHER_THING`]) {
      const error = new Database.SqliteError("says no", each);
      expect([each, faultOf(error)]).toEqual([each, fault]);
      expect(storageError("file.db", "read", error)).toBeInstanceOf(classes[fault]);
    }
  }
  expect(faultOf(new Database.SqliteError("of the future", "SQLITE_NEW"))).toBe("unavailable");
});

test("STORAGE-ERROR-1: a full or sick disk, and a system that has run out of something, are never damage", () => {
  const codes = [
    "IOERR",
    "IOERR_SHMSIZE",
    "IOERR_READ",
    "IOERR_FSYNC",
    "FULL",
    "CANTOPEN",
    "NOMEM",
    "READONLY",
    "BUSY",
  ];
  for (const code of codes)
    expect([code, faultOf(new Database.SqliteError("", `SQLITE_${code}`))]).not.toEqual([code, "damaged"]);
  for (const code of [
    "EIO",
    "ENOSPC",
    "EDQUOT",
    "EMFILE",
    "ENFILE",
    "ENOMEM",
    "EAGAIN",
    "ESTALE",
    "EACCES",
    "EROFS",
  ])
    expect([code, faultOf(systemError(code))]).not.toEqual([code, "damaged"]);
  expect(faultOf(systemError("EIO"))).toBe("unavailable");
  expect(faultOf(systemError("EACCES"))).toBe("forbidden");
  expect(faultOf(new TypeError("a defect"))).toBeUndefined();
  expect(faultOf(Object.assign(new TypeError("of Node"), { code: "ERR_INVALID_ARG_TYPE" }))).toBeUndefined();
});

test("SECOND-READING-1: what SQLite calls malformed is damage only when it is so once more", () => {
  const file = join(temporaryFolder(), "some.db");
  const db = new Database(file);
  db.exec("CREATE TABLE t(a); CREATE INDEX i ON t(a)");
  const insert = db.prepare("INSERT INTO t VALUES (?)");
  db.transaction(() => {
    for (let n = 0; n < 500; n++) insert.run("x".repeat(100) + n);
  })();
  db.close();
  const malformed = () => new Database.SqliteError("database disk image is malformed", "SQLITE_CORRUPT");
  expect(storageError(file, "read", malformed())).toBeInstanceOf(StorageUnavailable);
  const bytes = readFileSync(file);
  bytes.fill(0xff, 2 * 4096, 3 * 4096);
  writeFileSync(file, bytes);
  expect(storageError(file, "read", malformed())).toBeInstanceOf(LogDamaged);
});

test("SECOND-READING-2: the second reading takes no lock away that this process has on the file", () => {
  const file = join(temporaryFolder(), "locked.db");
  const holder = new Database(file);
  holder.exec("CREATE TABLE t(a); BEGIN EXCLUSIVE");
  const malformed = new Database.SqliteError("database disk image is malformed", "SQLITE_CORRUPT");
  for (let n = 0; n < 2; n++) storageError(file, "read", malformed);
  const other = `new (require("better-sqlite3"))(${JSON.stringify(file)}, { timeout: 0 }).exec("BEGIN EXCLUSIVE")`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", other], { encoding: "utf8" });
  expect(stderr).toContain("database is locked");
  expect(status).toBe(1);
  holder.close();
});

test("a folder in the place of a file of SQLite is not a disk that does not answer", () => {
  const file = join(temporaryFolder(), "lock.db");
  mkdirSync(file);
  expect(() => whileUsing(file, "written", () => new Database(file))).toThrow(FolderRefused);
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: says no, read`), { code, errno: -1, syscall: "read" });
}

/** Every class of error that a folder, a log or a disk can end a command with. */
const ends: readonly (readonly [error: Error, code: number])[] = [
  [new LogDamaged("f", "byte 1", "wrong"), exitCodes.damaged],
  [new Database.SqliteError("malformed", "SQLITE_CORRUPT"), exitCodes.damaged],
  [new FolderInUse("f"), exitCodes.refused],
  [new FolderRefused("f", "it is missing", "restore it"), exitCodes.refused],
  [systemError("EROFS"), exitCodes.refused],
  [new JournalFailed("f", { cause: movedAway("f") }), exitCodes.refused],
  [new StorageUnavailable("f", "read", { cause: systemError("EIO") }), exitCodes.unavailable],
  [systemError("EMFILE"), exitCodes.unavailable],
  [new Database.SqliteError("disk I/O error", "SQLITE_IOERR_SHMSIZE"), exitCodes.unavailable],
  [new JournalFailed("f", { cause: systemError("ENOSPC") }), exitCodes.stopped],
];

test("each ends a command with its own code, in two lines at most and without a stack", () => {
  const said = console.error;
  try {
    for (const [error, code] of ends) {
      const lines: string[] = [];
      console.error = (line: string) => lines.push(...line.split("\n"));
      expect([error.message, fail(error)]).toEqual([error.message, code]);
      expect(lines.length).toBe(2);
      expect(lines.join("\n")).not.toMatch(/^ +at /m);
      if (code !== exitCodes.damaged) expect(lines[1]).not.toContain("damaged");
    }
  } finally {
    console.error = said;
  }
  expect(worthRestarting).toEqual([exitCodes.stopped, exitCodes.unavailable]);
});

describe("at every place where a log is read", () => {
  /** A log of two segments. */
  function someLog(): string {
    const folder = temporaryFolder();
    const { journal } = openLog(folder);
    appendGroups(journal, 6, 1, 9_000);
    journal.close();
    expect(listSegments(folder).length).toBeGreaterThan(1);
    return folder;
  }

  test("a folder where a file should be says what stands against it, and nothing of damage", () => {
    const names = ["anchor", "log-0000000000000001.db", "log-0000000000000001.db-wal"];
    for (const name of names) {
      const folder = someLog();
      const file = join(folder, name);
      rmSync(file);
      mkdirSync(file);
      for (const open of [() => checkLog({ folder }), () => openLog(folder)]) {
        let thrown: unknown;
        try {
          open();
        } catch (error) {
          thrown = error;
        }
        expect(thrown, name).not.toBeInstanceOf(LogDamaged);
        expect(String(thrown), name).toContain(file);
        expect(
          [StorageUnavailable, FolderRefused].some((kind) => thrown instanceof kind),
          String(thrown),
        ).toBe(true);
      }
    }
  });

  test("an error of the system on the way names the file; what is damaged stays damaged", () => {
    const folder = someLog();
    const file = listSegments(folder)[0]!.file;
    for (const code of ["SQLITE_IOERR_READ", "SQLITE_CANTOPEN", "SQLITE_NOMEM"]) {
      const read = () =>
        whileUsing(file, "read", () => {
          throw new Database.SqliteError("no", code);
        });
      expect(read).toThrow(StorageUnavailable);
      expect(read).toThrow(`${file}: cannot be read now: ${code}, no`);
    }
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]));
    expect(() => checkLog({ folder })).toThrow(LogDamaged);
  });
});
