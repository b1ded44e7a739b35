import { statSync, truncateSync, utimesSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { LogDamaged } from "../../../persistence/log/journal.js";
import { checkLog } from "../../../persistence/log/log-check.js";
import { LogReader } from "../../../persistence/log/log-reader.js";
import { listSegments } from "../../../persistence/log/segments.js";
import { appendGroups, copyOf, openLog, temporaryFolder } from "../../support/persistence-log.js";

function written(groups: number): string {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, groups);
  journal.close();
  return folder;
}

function readAll(folder: string, verify: boolean): number {
  const reader = new LogReader(folder, { verify });
  try {
    let position = 0;
    for (;;) {
      const groups = reader.readAfter(position);
      if (groups.length === 0) return position;
      position = groups.at(-1)!.last;
    }
  } finally {
    reader.close();
  }
}

test("LOG-READER-3: a log without its end is read as far as it goes; only the check refuses it", () => {
  const folder = copyOf(written(5));
  const wal = `${listSegments(folder).at(-1)!.file}-wal`;
  truncateSync(wal, statSync(wal).size - 10);
  expect(readAll(folder, true)).toBe(4);
  expect(() => checkLog({ folder })).toThrow(LogDamaged);
});

test("LOG-READER-3: with verify a group that does not match its hash is found, without it is not", () => {
  const folder = copyOf(written(5));
  const db = new Database(listSegments(folder)[0]!.file);
  db.exec("UPDATE groups SET body = zeroblob(40) WHERE first = 3");
  db.close();
  expect(readAll(folder, false)).toBe(5);
  expect(() => readAll(folder, true)).toThrow(LogDamaged);
});

test("SQLITE-JOURNAL-2: the last group that an earlier life left is written once more when the log is opened", () => {
  const open = temporaryFolder();
  const { journal } = openLog(open);
  appendGroups(journal, 3);
  const crashed = copyOf(open);
  journal.close();
  const wal = `${listSegments(crashed)[0]!.file}-wal`;
  const long = new Date(2020, 0, 1);
  utimesSync(wal, long, long);
  openLog(crashed).journal.close();
  expect(statSync(wal).mtimeMs).toBeGreaterThan(long.getTime());
  expect(statSync(join(crashed, "anchor")).mtimeMs).toBeGreaterThan(long.getTime());
});
