import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LogDamaged } from "../../../persistence/log/journal.js";
import { checkWal, type WalFindings } from "../../../persistence/log/wal-check.js";
import { copyOf, folderInMemory } from "../../support/persistence-log.js";

const pageBytes = 512;
const frameBytes = pageBytes + 24;

/** A -wal with transactions of these numbers of frames, written down from the format's description. */
function wal(transactions: readonly number[], bigEndian = false): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt32BE(bigEndian ? 0x377f0683 : 0x377f0682, 0);
  header.writeUInt32BE(3007000, 4);
  header.writeUInt32BE(pageBytes, 8);
  header.writeUInt32BE(0xdeadbeef, 16);
  header.writeUInt32BE(0x01234567, 20);
  const sum: [number, number] = [0, 0];
  const add = (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += 8) {
      const [x, y] = bigEndian
        ? [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
        : [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
      sum[0] = (sum[0] + x + sum[1]) >>> 0;
      sum[1] = (sum[1] + y + sum[0]) >>> 0;
    }
  };
  add(header.subarray(0, 24));
  header.writeUInt32BE(sum[0], 24);
  header.writeUInt32BE(sum[1], 28);
  const parts = [header];
  for (const frames of transactions) {
    for (let i = 1; i <= frames; i++) {
      const frame = Buffer.alloc(frameBytes, parts.length * 7);
      frame.writeUInt32BE(parts.length, 0);
      frame.writeUInt32BE(i === frames ? parts.length + 3 : 0, 4);
      header.copy(frame, 8, 16, 24);
      add(frame.subarray(0, 8));
      add(frame.subarray(24));
      frame.writeUInt32BE(sum[0], 16);
      frame.writeUInt32BE(sum[1], 20);
      parts.push(frame);
    }
  }
  return Buffer.concat(parts);
}

const folder = () => join(folderInMemory(), "a.db-wal");

function check(file: string, content: Buffer): WalFindings {
  writeFileSync(file, content);
  return checkWal(file, pageBytes);
}

const shapes = [[1], [3], [1, 1], [2, 1, 4], [4, 3, 2, 1]] as const;

test.each(shapes.flatMap((shape) => [false, true].map((bigEndian) => ({ shape, bigEndian }))))(
  "a whole -wal of transactions $shape, big-endian $bigEndian, is counted",
  ({ shape, bigEndian }) => {
    const content = wal(shape, bigEndian);
    expect(check(folder(), content)).toEqual({
      transactions: shape.length,
      lastTransactionAt: content.length - shape.at(-1)! * frameBytes,
      committedBytes: content.length,
      zerosFollow: true,
    });
  },
);

test("cut at any byte, the transactions before the cut are counted and nothing is refused", () => {
  const file = folder();
  const shape = [2, 1, 3];
  const ends = [2, 3, 6].map((frames) => 32 + frames * frameBytes);
  const content = wal(shape);
  for (let length = 0; length <= content.length; length++) {
    const expected = ends.filter((end) => end <= length).length;
    expect(check(file, content.subarray(0, length)).transactions).toBe(expected);
  }
});

test("a flipped bit is refused with its frame, unless it is in the last transaction", () => {
  const file = folder();
  const content = wal([2, 1, 2]);
  const lastAt = 32 + 3 * frameBytes;
  for (let at = 0; at < content.length; at++) {
    for (const bit of at < 32 || (at - 32) % frameBytes < 24 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
      const spoilt = Buffer.from(content);
      spoilt[at]! ^= 1 << bit;
      if (at >= lastAt) {
        // In the last transaction it looks like a commit cut short, except where frames follow a false end.
        const found = tryCheck(file, spoilt);
        if (!(found instanceof LogDamaged)) expect(found.transactions).toBe(2);
        continue;
      }
      const frameAt = at < 32 ? 0 : at - ((at - 32) % frameBytes);
      expect(tryCheck(file, spoilt)).toMatchObject({ name: "LogDamaged", place: `byte ${frameAt}` });
    }
  }
});

function tryCheck(file: string, content: Buffer): WalFindings | LogDamaged {
  try {
    return check(file, content);
  } catch (error) {
    if (error instanceof LogDamaged) return error;
    throw error;
  }
}

test("a last transaction of which any pages did not reach the disk is one that never was", () => {
  const file = folder();
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      fc.integer({ min: 0, max: 3 }),
      (shape, lost, zeroSectors) => {
        const content = wal(shape);
        const lastAt = content.length - shape.at(-1)! * frameBytes;
        let any = false;
        for (let at = lastAt, i = 0; at < content.length; at += 128, i++) {
          if (!lost[i]) continue;
          content.fill(0, at, Math.min(content.length, at + 128));
          any = true;
        }
        const found = check(file, Buffer.concat([content, Buffer.alloc(zeroSectors * 512)]));
        expect(found.transactions).toBe(any ? shape.length - 1 : shape.length);
      },
    ),
    { numRuns: 500 },
  );
});

test("no file, an empty file and a file of zeros hold nothing", () => {
  const none = { transactions: 0, committedBytes: 0 };
  expect(checkWal(folder(), pageBytes)).toMatchObject(none);
  for (const size of [0, 31, 32, 33, 5_000]) expect(check(folder(), Buffer.alloc(size))).toMatchObject(none);
});

test("zeros behind the last transaction are told from anything else there", () => {
  const content = wal([1, 2]);
  const room = Buffer.concat([content, Buffer.alloc(3_000)]);
  expect(check(folder(), room)).toMatchObject({ transactions: 2, zerosFollow: true });
  room[content.length + 2_999] = 1;
  expect(check(folder(), room)).toMatchObject({ transactions: 2, zerosFollow: false });
});

test("the check and SQLite count the same transactions, wherever a real -wal is cut", () => {
  const source = folderInMemory();
  const db = new Database(join(source, "a.db"));
  db.pragma(`page_size = ${pageBytes}`);
  db.pragma("journal_mode = WAL");
  db.exec("CREATE TABLE t(n)");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.pragma("wal_autocheckpoint = 0");
  for (let i = 0; i < 12; i++) db.prepare("INSERT INTO t VALUES (zeroblob(?))").run(i * 150);
  const whole = readFileSync(join(source, "a.db-wal"));
  for (let i = 0; i <= 60; i++) {
    const copy = copyOf(source);
    const cut = whole.subarray(0, Math.floor((whole.length * i) / 60));
    const { transactions } = check(join(copy, "a.db-wal"), cut);
    const cutDb = new Database(join(copy, "a.db"));
    expect(cutDb.prepare("SELECT count(*) FROM t").pluck().get()).toBe(transactions);
    cutDb.close();
  }
  db.close();
});
