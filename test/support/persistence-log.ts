/** Small logs on disk for the tests of the persistence folder. */

import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { Group } from "../../persistence/log/journal.js";
import {
  openSqliteJournal,
  type SqliteJournal,
  type SqliteJournalOptions,
} from "../../persistence/log/sqlite-journal.js";
import { testIdentity } from "./test-identity.js";

/** Room for two small groups, and no spare worth the time to write it. */
export const tinySegment = 60_000;

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "yifen-log-"));
  made.push(folder);
  return folder;
}

/** One that needs no disk where the machine has that: for tests of many cases and no fsync. */
export function folderInMemory(): string {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "yifen-log-"));
  made.push(folder);
  return folder;
}

/** A copy, also of an open log: as a crash at this moment would leave it. */
export function copyOf(folder: string): string {
  const copy = folderInMemory();
  cpSync(folder, copy, { recursive: true, filter: (file) => !file.endsWith("lock.db") });
  return copy;
}

/** A group of `facts` facts that begins at `first`; its body is made from both. */
export function groupAt(first: number, facts = 1, bodyBytes = 40): Group {
  const body = Buffer.alloc(bodyBytes);
  for (let i = 0; i < bodyBytes; i++) body[i] = (first * 31 + facts * 7 + i * 13) & 0xff;
  return { first, last: first + facts - 1, body };
}

/** Appends `count` groups of `facts` facts each. */
export function appendGroups(journal: SqliteJournal, count: number, facts = 1, bodyBytes = 40): void {
  for (let i = 0; i < count; i++) journal.append(groupAt(journal.appended + 1, facts, bodyBytes));
}

export interface OpenedLog {
  readonly journal: SqliteJournal;
  readonly groups: Group[];
}

/** Opens a log with tiny segments and keeps what it visits. */
export function openLog(folder: string, options: Partial<SqliteJournalOptions> = {}): OpenedLog {
  const groups: Group[] = [];
  const visit = (group: Group) => groups.push({ first: group.first, last: group.last, body: group.body });
  return {
    journal: openSqliteJournal({
      folder,
      identity: testIdentity,
      segmentBytes: tinySegment,
      visit,
      ...options,
    }),
    groups,
  };
}
