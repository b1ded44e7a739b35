import fc from "fast-check";
import { expect, test } from "vitest";
import { Rows } from "../../../engine/tables/rows.js";

const perChunk = 8192;

function bytesOf(rows: Rows): Uint8Array {
  return Buffer.concat([...rows.save()].map((chunk) => chunk.slice()));
}

function loaded(bytes: Uint8Array, stride: number): Rows {
  const rows = new Rows(stride);
  let at = 0;
  rows.load((count) => {
    at += count;
    return bytes.subarray(at - count, at);
  });
  expect(at).toBe(bytes.length);
  return rows;
}

/** A table that has `count` rows, of one field that is the row's index, and has dropped all before them. */
function loadedAt(start: number, count: number): Rows {
  const parts: Uint8Array[] = [];
  const put = (...numbers: number[]) => parts.push(new Uint8Array(Float64Array.from(numbers).buffer));
  put(start, start + count);
  for (let row = start; row < start + count; ) {
    const chunk = Math.floor(row / perChunk);
    const until = Math.min(start + count, (chunk + 1) * perChunk);
    const rows = Array.from({ length: until - row }, (_, n) => row + n);
    put(chunk, rows.length);
    if (row % perChunk > 0) parts.push(new Uint8Array(Uint16Array.from(rows, (n) => n % perChunk).buffer));
    put(...rows);
    row = until;
  }
  put(-1, 0);
  return loaded(Buffer.concat(parts), 1);
}

function present(rows: Rows): number[] {
  const found: number[] = [];
  rows.each((row) => found.push(row));
  return found;
}

/** ROWS-2 */
function expectBounded(rows: Rows): void {
  expect(rows.bytes).toBeLessThanOrEqual(
    rows.count * 16 * (8 * rows.stride + 2) + perChunk * 8 * rows.stride,
  );
}

test("a new row is of zeros, and its fields keep any safe integer", () => {
  const rows = new Rows(3);
  expect([rows.add(), rows.add(), rows.end]).toEqual([0, 1, 2]);
  rows.set(1, 2, Number.MAX_SAFE_INTEGER);
  expect([rows.get(0, 2), rows.get(1, 1), rows.get(1, 2)]).toEqual([0, 0, Number.MAX_SAFE_INTEGER]);
  expect(rows.chunk(1)[rows.offset(1) + 2]).toBe(Number.MAX_SAFE_INTEGER);
});

test.each([0, 1, perChunk - 1, perChunk, perChunk + 1, 3 * perChunk])(
  "%i rows keep their index when older ones are dropped, also over save and load",
  (count) => {
    for (const dropped of [0, 1, perChunk - 1, perChunk, perChunk + 1, count]) {
      if (dropped > count) continue;
      const rows = new Rows(2);
      for (let n = 0; n < count; n++) rows.set(rows.add(), 1, n);
      rows.dropBefore(dropped);
      const copy = loaded(bytesOf(rows), 2);
      for (const table of [rows, copy]) {
        expect([table.start, table.end]).toEqual([dropped, count]);
        for (let n = dropped; n < count; n += 97) if (table.get(n, 1) !== n) throw new Error(`row ${n}`);
        expect(table.add()).toBe(count);
        expect(table.get(count, 1)).toBe(0);
        table.set(count, 0, 7);
      }
      expect(Buffer.compare(bytesOf(copy), bytesOf(rows))).toBe(0);
    }
  },
);

test("in any mix of adding, dropping, saving and loading, rows are an array", () => {
  const action = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ drop: fc.integer({ min: 1, max: 3000 }) }),
    fc.constant("save and load" as const),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
      let rows = new Rows(2);
      let start = 0;
      let end = 0;
      for (const act of actions) {
        if (act === "save and load") rows = loaded(bytesOf(rows), 2);
        else if ("add" in act) for (let n = 0; n < act.add; n++) rows.set(rows.add(), 0, end++ * 3);
        else {
          start = Math.min(end, start + act.drop);
          rows.dropBefore(start);
        }
        expect([rows.start, rows.end]).toEqual([start, end]);
        for (let n = start; n < end; n += 501)
          if (rows.get(n, 0) !== n * 3 || rows.get(n, 1) !== 0) throw new Error(`row ${n}`);
      }
    }),
    { numRuns: 50 },
  );
});

test.each([2 ** 31 - 3, 2 ** 31 + 5, 2 ** 32 - 3, 2 ** 32 + 5])(
  "rows go on past row %i, where 32 bits end",
  (start) => {
    const rows = loadedAt(start, 10);
    for (let n = 0; n < 10; n++) expect(rows.get(start + n, 0)).toBe(start + n);
    expect(rows.add()).toBe(start + 10);
    rows.drop(start + 4);
    expect([3, 4, 5].map((n) => rows.has(start + n))).toEqual([true, false, true]);
    expect(present(loaded(bytesOf(rows), 1))).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 10].map((n) => start + n));
    rows.dropBefore(start + 9);
    expect(present(rows)).toEqual([start + 9, start + 10]);
  },
);

test("ROWS-1: rows keep their index and numbers when any others are dropped, and memory goes with them", () => {
  const rows = new Rows(2);
  for (let n = 0; n < 3 * perChunk; n++) rows.set(rows.add(), 1, n);
  const whole = rows.bytes;
  // Leaves one row in 1,024, dropped from both ends of each chunk towards the middle.
  for (let n = 0; n < 3 * perChunk; n++) {
    const row = n % 2 ? n : 3 * perChunk - 2 - n;
    if (row % 1024 !== 7) rows.drop(row);
  }
  expect(rows.count).toBe(24);
  expect(present(rows)).toEqual(Array.from({ length: 24 }, (_, n) => n * 1024 + 7));
  for (const row of present(rows)) expect([rows.get(row, 0), rows.get(row, 1)]).toEqual([0, row]);
  for (let row = 0; row < 3 * perChunk; row++)
    if (rows.has(row) !== (row % 1024 === 7)) throw new Error(`row ${row} is there: ${rows.has(row)}`);
  expectBounded(rows);
  rows.add();
  expect(rows.bytes).toBeLessThan(whole / 2);
  expectBounded(rows);
});

test("nothing is saved of rows that were dropped", () => {
  const rows = new Rows(2);
  for (let n = 0; n < 3 * perChunk; n++) rows.add();
  for (let n = 0; n < 3 * perChunk; n++) if (n !== 5 && n !== 2 * perChunk + 9) rows.drop(n);
  // The bounds; twice the chunk's number and count, a place and a row; the end.
  expect(bytesOf(rows).length).toBe(16 + 2 * (16 + 2 + 16) + 16);
});

test("a chunk whose rows were all dropped before it was full is freed when the next begins", () => {
  const rows = new Rows(2);
  for (let n = 0; n < perChunk; n++) rows.drop(rows.add());
  expect([rows.count, rows.bytes]).toEqual([0, perChunk * 16]);
  expect(rows.add()).toBe(perChunk);
  expect([rows.count, rows.bytes]).toEqual([1, perChunk * 16]);
});

test("rows may be dropped while each is visited", () => {
  const rows = new Rows(1);
  for (let n = 0; n < 2 * perChunk + 10; n++) rows.add();
  const visited: number[] = [];
  rows.each((row) => {
    visited.push(row);
    // Itself, and of every four the one before and the one to come.
    if (row % 4 !== 3) rows.drop(row);
    else if (row + 1 < rows.end) rows.drop(row + 1);
  });
  expect(visited).toEqual(
    Array.from({ length: 2 * perChunk + 10 }, (_, n) => n).filter((n) => n === 0 || n % 4 !== 0),
  );
  expect(present(rows)).toEqual(visited.filter((row) => row % 4 === 3));
});

test("ROWS-1, ROWS-3: in any mix of adding, dropping anywhere, saving and loading, rows are a Map, and bytes are of the Map alone", () => {
  const action = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 12_000 }) }),
    fc.record({
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      count: fc.nat(20_000),
      butEvery: fc.constantFrom(2, 30, 700, Number.POSITIVE_INFINITY),
    }),
    fc.constant("save and load" as const),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 25, size: "max" }), (actions) => {
      const never = new Rows(2);
      let rows = new Rows(2);
      const map = new Map<number, number>();
      for (const act of actions) {
        if (act === "save and load") rows = loaded(bytesOf(rows), 2);
        else if ("add" in act) {
          for (let n = 0; n < act.add; n++) {
            const row = rows.add();
            if (never.add() !== row || map.has(row)) throw new Error(`row ${row} is added`);
            for (const table of [rows, never]) table.set(row, 1, row * 3);
            map.set(row, row * 3);
          }
        } else {
          const first = Math.floor(act.from * rows.end);
          for (let row = first; row < Math.min(rows.end, first + act.count); row++) {
            if (row % act.butEvery === 0 || !map.delete(row)) continue;
            rows.drop(row);
            never.drop(row);
          }
        }
        for (const table of [rows, never]) {
          expect(table.count).toBe(map.size);
          expectBounded(table);
          for (let row = 0; row < table.end + 3; row += 101) {
            if (table.has(row) !== map.has(row)) throw new Error(`row ${row} is there: ${table.has(row)}`);
            if (table.has(row) && table.get(row, 1) !== map.get(row)) throw new Error(`row ${row}`);
          }
        }
      }
      expect(present(rows)).toEqual([...map.keys()]);
      expect(Buffer.compare(bytesOf(rows), bytesOf(never))).toBe(0);
    }),
    { numRuns: 40, interruptAfterTimeLimit: 60_000 },
  );
});
