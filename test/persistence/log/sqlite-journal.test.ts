import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Group, JournalFailed, LogDamaged } from "../../../persistence/log/journal.js";
import { FolderInUse } from "../../../persistence/log/lock.js";
import { checkLog } from "../../../persistence/log/log-check.js";
import { LogReader, readLog } from "../../../persistence/log/log-reader.js";
import { listSegments } from "../../../persistence/log/segments.js";
import { FolderRefused } from "../../../persistence/log/storage-error.js";
import { appendGroups, copyOf, groupAt, openLog, temporaryFolder } from "../../support/persistence-log.js";

test("an empty folder is an empty log, also when it is opened again and again", () => {
  const folder = join(temporaryFolder(), "data", "shard-0");
  for (let i = 0; i < 3; i++) {
    const { journal, groups } = openLog(folder);
    expect([journal.appended, journal.durable, groups.length]).toEqual([0, 0, 0]);
    journal.close();
  }
});

test("what was appended is read back in order, from any position, over segments and restarts", () => {
  const folder = temporaryFolder();
  for (let life = 0; life < 3; life++) {
    const { journal, groups } = openLog(folder);
    expect(groups.map((group) => group.last)).toEqual(
      Array.from({ length: life * 10 }, (_, i) => (i + 1) * 3),
    );
    appendGroups(journal, 10, 3, 9_000);
    for (const from of [1, 2, 3, 4, 17, life * 30 + 30, life * 30 + 31]) {
      const expected = Array.from({ length: (life + 1) * 10 }, (_, i) => groupAt(i * 3 + 1, 3, 9_000));
      const read = [...journal.read(from)];
      expect(read.map(fingerprint)).toEqual(expected.filter((group) => group.last >= from).map(fingerprint));
    }
    journal.close();
  }
  expect(listSegments(folder).length).toBeGreaterThan(6);
});

test("JOURNAL-2, SQLITE-JOURNAL-1, LOG-READER-1: onDurable is called once per group, with rising positions, after the group can be read by others", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  const seen: [number, number][] = [];
  journal.onDurable = (position) => seen.push([position, [...readLog(folder, 1)].at(-1)!.last]);
  appendGroups(journal, 5, 2);
  expect(seen).toEqual([2, 4, 6, 8, 10].map((position) => [position, position]));
  expect(journal.bytesAppended).toBe(5 * 40);
  expect(journal.syncs).toBeGreaterThanOrEqual(5);
  journal.close();
});

test("JOURNAL-1: a group that does not follow the last one is a programmer's error and leaves the log as it was", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 2);
  for (const first of [0, 1, 2, 4]) expect(() => journal.append(groupAt(first))).toThrow(/does not follow/);
  expect(() => journal.append({ first: 3, last: 2, body: Buffer.alloc(1) })).toThrow(/does not follow/);
  appendGroups(journal, 1);
  journal.close();
  expect(openLogAndClose(folder)).toBe(3);
});

test("LOCK-1: a second engine is refused, in the same process and in another one, and not after the first is gone", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  expect(() => openLog(folder)).toThrow(FolderInUse);
  expect(() => openLog(folder)).toThrow(FolderInUse);
  expect(tryLockElsewhere(folder)).toBe("SQLITE_BUSY");
  appendGroups(journal, 1);
  journal.close();
  expect(tryLockElsewhere(folder)).toBe("free");
  expect(openLogAndClose(folder)).toBe(1);
});

test("a refused open does not keep the folder locked", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 1);
  journal.close();
  const anchor = readFileSync(join(folder, "anchor"));
  writeFileSync(join(folder, "anchor"), "");
  expect(() => openLog(folder)).toThrow(LogDamaged);
  writeFileSync(join(folder, "anchor"), anchor);
  expect(openLogAndClose(folder)).toBe(1);
});

test("SEGMENTS-2, SEGMENTS-4: no segment is ever checkpointed: main files keep three pages, -wal files stay, unused room is cut off", () => {
  const folder = temporaryFolder();
  for (let life = 0; life < 2; life++) {
    const { journal } = openLog(folder);
    appendGroups(journal, 8, 1, 5_000);
    for (const _ of journal.read(1));
    journal.close();
    for (const _ of readLog(folder, 1));
  }
  const segments = listSegments(folder);
  expect(segments.length).toBeGreaterThan(2);
  for (const { file } of segments) {
    expect(statSync(file).size).toBe(3 * 4096);
    expect((statSync(`${file}-wal`).size - 32) % 4120).toBe(0);
  }
});

test("SQLITE-JOURNAL-3: a segment that was begun and never written to is removed, and its place is taken", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 3);
  journal.close();
  const empty = join(folder, "log-0000000000000004.db");
  writeFileSync(empty, readFileSync(listSegments(folder)[0]!.file));
  writeFileSync(`${empty}-wal`, "");
  const again = openLog(folder);
  expect(existsSync(empty)).toBe(false);
  appendGroups(again.journal, 1);
  expect(existsSync(empty)).toBe(true);
  again.journal.close();
  expect(openLogAndClose(folder)).toBe(4);
});

test("SEGMENTS-4: files that a crash left without their name are removed", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 1);
  journal.close();
  const names = ["anchor.new", "spare-wal.new", "spare-wal.0a-1b.new"];
  names.push("log-0000000000000002.db.new", "log-0000000000000002.db-wal");
  for (const name of names) writeFileSync(join(folder, name), Buffer.alloc(100));
  expect(openLogAndClose(folder)).toBe(1);
  expect(readdirSync(folder).filter((name) => names.includes(name))).toEqual([]);
});

test("SQLITE-JOURNAL-5: a -wal whose main file is gone is refused when it holds groups", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 2);
  journal.close();
  rmSync(listSegments(folder)[0]!.file);
  expect(() => openLog(folder)).toThrow(/is missing, and its -wal holds groups/);
});

test.each(["lock.db", ".db", ".db-wal"])(
  "SQLITE-JOURNAL-6: with its %s gone from under it a group is not durable",
  (name) => {
    const folder = temporaryFolder();
    const { journal } = openLog(folder);
    appendGroups(journal, 1);
    const told: number[] = [];
    journal.onDurable = (position) => told.push(position);
    rmSync(
      name === "lock.db" ? join(folder, name) : listSegments(folder).at(-1)!.file.replace(/\.db$/, name),
    );
    expect(() => appendGroups(journal, 1)).toThrow(JournalFailed);
    expect(() => appendGroups(journal, 1)).toThrow(JournalFailed);
    expect(told).toEqual([]);
    journal.close();
  },
);

test("from a point on: only later groups are visited, and the point must be in the log", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  const points = [journal.end];
  for (let i = 0; i < 12; i++) {
    appendGroups(journal, 1, 2, 9_000);
    points.push(journal.end);
  }
  journal.close();
  expect(listSegments(folder).length).toBeGreaterThan(2);
  for (const verify of ["all", "from"] as const) {
    for (const from of points) {
      const firsts: number[] = [];
      checkLog({ folder, from, verify, visit: (group) => firsts.push(group.first) });
      expect(firsts).toEqual(points.map((p) => p.position + 1).filter((p) => p > from.position && p < 24));
      const wrong = { position: from.position, hash: Buffer.alloc(32, 1) };
      expect(() => checkLog({ folder, from: wrong, verify })).toThrow(LogDamaged);
    }
    const inside = { position: 3, hash: points[1]!.hash };
    expect(() => checkLog({ folder, from: inside, verify })).toThrow(LogDamaged);
    const beyond = { position: 26, hash: points[1]!.hash };
    expect(() => checkLog({ folder, from: beyond, verify })).toThrow(/ends with 24/);
  }
});

test("verify from a point does not read segments before it", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 12, 1, 9_000);
  const from = journal.end;
  journal.close();
  writeFileSync(`${listSegments(folder)[0]!.file}-wal`, "not what was written");
  expect(() => checkLog({ folder, from })).toThrow(LogDamaged);
  expect(checkLog({ folder, from, verify: "from" }).end.position).toBe(12);
});

test("LOG-READER-2: a reader follows a live log into new segments, and reads nothing when it has caught up", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  const reader = new LogReader(folder, { verify: true });
  let position = 0;
  expect(reader.readAfter(position)).toEqual([]);
  for (let round = 1; round <= 20; round++) {
    appendGroups(journal, round % 4, 2, 7_000);
    for (;;) {
      const groups = reader.readAfter(position, 15_000);
      expect(groups.length).toBeLessThanOrEqual(3);
      if (groups.length === 0) break;
      expect(groups[0]!.first).toBe(position + 1);
      position = groups.at(-1)!.last;
    }
    expect(position).toBe(journal.durable);
  }
  expect(reader.readAfter(7)[0]!.first).toBe(7);
  expect(listSegments(folder).length).toBeGreaterThan(5);
  reader.close();
  journal.close();
});

test("a reader that outlived the engine sees the groups of the next one", () => {
  const folder = temporaryFolder();
  const first = openLog(folder).journal;
  appendGroups(first, 2);
  const reader = new LogReader(folder);
  expect(reader.readAfter(0).at(-1)!.last).toBe(2);
  first.close();
  const second = openLog(folder).journal;
  appendGroups(second, 2);
  expect(reader.readAfter(2).at(-1)!.last).toBe(4);
  second.close();
  reader.close();
});

test("a running engine's log can be proven from outside", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 7, 2, 9_000);
  expect(checkLog({ folder }).end.position).toBe(14);
  appendGroups(journal, 1);
  expect(checkLog({ folder }).end).toEqual(journal.end);
  journal.close();
});

test("a crash at any moment between two groups, seen as a copy of the folder, loses nothing", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder, { segmentBytes: 200_000 });
  for (let i = 1; i <= 20; i++) {
    appendGroups(journal, 1, 1, 20_000);
    expect(openLogAndClose(copyOf(folder))).toBe(i);
  }
  journal.close();
});

test("a segment of another engine's log among ours is refused as that, not called damaged", () => {
  const [ours, theirs] = [temporaryFolder(), temporaryFolder()];
  for (const [folder, engine] of [
    [ours, "aa".repeat(16)],
    [theirs, "bb".repeat(16)],
  ] as const) {
    const { journal } = openLog(folder, { identity: { engine, shard: 0, shards: 1 } });
    appendGroups(journal, 9, 1, 20_000);
    journal.close();
  }
  const segments = readdirSync(ours)
    .filter((name) => /\.db$/.test(name) && name !== "lock.db")
    .sort();
  expect(segments.length).toBeGreaterThan(2);
  for (const file of readdirSync(theirs).filter((name) => name.startsWith(segments[1]!)))
    cpSync(join(theirs, file), join(ours, file));
  for (const look of [
    () => checkLog({ folder: ours }),
    () => openLog(ours, { identity: { engine: "aa".repeat(16), shard: 0, shards: 1 } }),
  ]) {
    expect(look).toThrow(FolderRefused);
    expect(look).toThrow(/it is of shard 0 of 1 of engine bbbb/);
  }
});

test("without its anchor a log is refused, unless the operator takes it as it stands", () => {
  const folder = temporaryFolder();
  const { journal } = openLog(folder);
  appendGroups(journal, 3);
  journal.close();
  rmSync(join(folder, "anchor"));
  expect(() => openLog(folder)).toThrow(/anchor: whole file: it is missing/);
  const accepted = openLog(folder, { acceptMissingAnchor: true });
  expect(accepted.groups.length).toBe(3);
  accepted.journal.close();
  expect(openLogAndClose(folder)).toBe(3);
});

function fingerprint({ first, last, body }: Group): string {
  return `${first}-${last} ${createHash("sha256").update(body).digest("hex")}`;
}

function openLogAndClose(folder: string): number {
  const { journal } = openLog(folder);
  journal.close();
  return journal.appended;
}

/** Tries to take the lock from another process; "free" or SQLite's code. */
function tryLockElsewhere(folder: string): string {
  const program = `
    const lock = new (require("better-sqlite3"))(process.argv[1], { timeout: 0 });
    try { lock.exec("BEGIN EXCLUSIVE"); console.log("free"); } catch (error) { console.log(error.code); }`;
  const child = spawnSync(process.execPath, ["-e", program, join(folder, "lock.db")], { encoding: "utf8" });
  return child.stdout.trim();
}
