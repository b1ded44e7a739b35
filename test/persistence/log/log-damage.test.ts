/**
 * One fault in a log on disk: every byte flipped once, every file cut at every length. Each time the log is either
 * whole or refused with a file and a place; it is never shorter, and nothing else is ever thrown.
 *
 * `npm run verify` takes all 115,000 cases; `npm test` the first bytes of each file and, from a random start that is printed,
 * each n-th of the rest.
 */

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anchorFile, createAnchor, openAnchor, readAnchor } from "../../../persistence/log/anchor.js";
import { genesis } from "../../../persistence/log/hash-chain.js";
import { LogDamaged } from "../../../persistence/log/journal.js";
import { checkLog } from "../../../persistence/log/log-check.js";
import { pageBytes } from "../../../persistence/log/segments.js";
import { openSqliteJournal } from "../../../persistence/log/sqlite-journal.js";
import { checkWal } from "../../../persistence/log/wal-check.js";
import { appendGroups, copyOf, folderInMemory, openLog } from "../../support/persistence-log.js";
import { damageStride } from "../../support/scale.js";
import { testIdentity } from "../../support/test-identity.js";

const groupsWritten = 4;
let folder: string;
let files: string[];

beforeAll(() => {
  // Not in the folder's list of what is removed after each test: it serves them all.
  const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  folder = mkdtempSync(join(inMemory, "yifen-damage-"));
  for (const bodyBytes of [60, 4_200]) {
    const { journal } = openLog(folder);
    appendGroups(journal, 2, 2, bodyBytes);
    journal.close();
  }
  files = readdirSync(folder).filter((name) => /^anchor$|^log-\d+\.db(-wal)?$/.test(name));
  expect(files.length).toBe(5);
});

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));

/** Throws on anything that may not be. */
function outcome(): "whole" | "refused" {
  for (const name of files) if (name.endsWith(".db")) rmSync(join(folder, `${name}-shm`), { force: true });
  return prove();
}

function prove(): "whole" | "refused" {
  let groups = 0;
  try {
    checkLog({ folder, visit: () => void groups++ });
  } catch (error) {
    if (!(error instanceof LogDamaged)) throw error;
    if (!error.file.startsWith(folder) || error.place === "") throw new Error(`no place: ${error.message}`);
    return "refused";
  }
  if (groups !== groupsWritten) throw new Error(`${groups} groups served of ${groupsWritten}`);
  return "whole";
}

const start = Number(process.env.YIFEN_DAMAGE_START ?? Math.floor(Math.random() * damageStride));

function* places(size: number): Generator<number> {
  for (let at = 0; at < size; at++) if (at < 100 || at % damageStride === start) yield at;
}

/** Runs a fault on every file at every place and says how it ended, by file. */
function table(fault: (file: string, content: Buffer, at: number) => void) {
  const rows: Record<string, { whole: number; refused: number }> = {};
  for (const name of files) {
    const file = join(folder, name);
    const content = readFileSync(file);
    const row = { whole: 0, refused: 0 };
    rows[name] = row;
    for (const at of places(content.length)) {
      fault(file, content, at);
      try {
        row[outcome()] += 1;
      } catch (cause) {
        throw new Error(`${name}, byte ${at}: ${String(cause)}`, { cause });
      } finally {
        writeFileSync(file, content);
      }
    }
  }
  console.log(`each ${damageStride}. byte from ${start} (YIFEN_DAMAGE_START): ${JSON.stringify(rows)}`);
  return rows;
}

function flip(file: string, content: Buffer, at: number): void {
  const spoilt = Buffer.from(content);
  spoilt[at]! ^= 1 << ((at * 5 + 3) % 8);
  writeFileSync(file, spoilt);
}

test("LOG-CHECK-1: one flipped bit in any byte: the -wal is always refused, the anchor never needed, nothing is lost", () => {
  const rows = table(flip);
  for (const [name, { whole, refused }] of Object.entries(rows)) {
    if (name.endsWith("-wal")) expect(whole).toBe(0);
    if (name === "anchor") expect(refused).toBe(0);
  }
});

test("LOG-CHECK-1: a file cut at any length: a log that lost its end is refused", () => {
  const rows = table((file, _, at) => truncateSync(file, at));
  for (const [name, { whole }] of Object.entries(rows)) if (name.startsWith("log-")) expect(whole).toBe(0);
});

test("any file gone", () => {
  for (const name of files) {
    const file = join(folder, name);
    const content = readFileSync(file);
    rmSync(file);
    expect([name, outcome()]).toEqual([name, "refused"]);
    writeFileSync(file, content);
  }
  expect(outcome()).toBe("whole");
});

test("any -shm spoilt, cut or gone does not matter: SQLite builds it anew", () => {
  for (const spoil of [() => Buffer.alloc(0), () => Buffer.alloc(32_768, 0xff), () => Buffer.alloc(100)]) {
    for (const name of files.filter((name) => name.endsWith(".db"))) {
      writeFileSync(join(folder, `${name}-shm`), spoil());
    }
    expect(prove()).toBe("whole");
  }
});

test("opening for writing refuses the same faults, and does not change a file before it does", () => {
  for (const name of files) {
    const size = statSync(join(folder, name)).size;
    for (let i = 0; i < 12; i++) {
      const copy = copyOf(folder);
      const file = join(copy, name);
      flip(file, readFileSync(file), Math.floor((size * (i + Math.random())) / 12));
      const before = contents(copy);
      const groups: number[] = [];
      try {
        openSqliteJournal({
          folder: copy,
          identity: testIdentity,
          segmentBytes: 1,
          visit: ({ last }) => groups.push(last),
        }).close();
        expect(groups).toEqual([2, 4, 6, 8]);
      } catch (error) {
        expect(error).toBeInstanceOf(LogDamaged);
        expect(contents(copy)).toEqual(before);
      }
    }
  }
});

test("ANCHOR-2: with an anchor that a power loss left old, a spoilt group in front of a whole one is still refused", () => {
  const old = copyOf(folder);
  createAnchor(old, genesis, testIdentity);
  const file = join(old, files.filter((name) => name.endsWith("-wal")).at(-1)!);
  const content = readFileSync(file);
  const { lastTransactionAt } = checkWal(file, pageBytes);
  expect(lastTransactionAt).toBeGreaterThan(4_000);
  for (let at = 0; at < lastTransactionAt; at += 61) {
    flip(file, content, at);
    expect(() => checkLog({ folder: old })).toThrow(LogDamaged);
  }
  writeFileSync(file, content);
  expect(checkLog({ folder: old }).groups).toBe(groupsWritten);
});

test("ANCHOR-3: the anchor's two slots are the last two groups; with the newest spoilt the one before counts", () => {
  const anchored = folderInMemory();
  createAnchor(anchored, genesis, testIdentity);
  const anchor = openAnchor(anchored, readAnchor(anchored)!.sequence);
  for (let position = 1; position <= 5; position++) {
    anchor.write(position, Buffer.alloc(32, position));
    expect(readAnchor(anchored)).toMatchObject({ position, hash: Buffer.alloc(32, position) });
    const content = readFileSync(anchorFile(anchored));
    const newest = [0, 4096].find((at) => content.readUInt32LE(at + 16) === position)!;
    flip(anchorFile(anchored), content, newest + 20);
    expect(readAnchor(anchored)!.position).toBe(position - 1);
    writeFileSync(anchorFile(anchored), content);
  }
  anchor.close();
});

function contents(of: string): string[] {
  return files.map(
    (name) =>
      `${name} ${createHash("sha256")
        .update(readFileSync(join(of, name)))
        .digest("hex")}`,
  );
}
