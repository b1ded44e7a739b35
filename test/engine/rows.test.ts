import fc from "fast-check";
import { expect, test } from "vitest";
import { Rows } from "../../engine/rows.js";

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
    const head = new Uint8Array(Float64Array.of(start, start + 10).buffer);
    const body = new Uint8Array(Float64Array.from({ length: 10 }, (_, n) => start + n).buffer);
    const bytes = Buffer.concat([head, body]);
    const rows = loaded(bytes, 1);
    for (let n = 0; n < 10; n++) expect(rows.get(start + n, 0)).toBe(start + n);
    expect(rows.add()).toBe(start + 10);
    rows.dropBefore(start + 9);
    expect([...rows.save()].map((chunk) => chunk.length)).toEqual([16, 16]);
  },
);
