import fc from "fast-check";
import { expect, test } from "vitest";
import { HashIndex, hashText } from "../../../engine/tables/hash-index.js";

function rowsOf(index: HashIndex, hash: number): number[] {
  const rows: number[] = [];
  for (let row = index.first(hash); row >= 0; row = index.next()) rows.push(row);
  return rows.sort((a, b) => a - b);
}

test("an empty index has no rows, and row 0 is a row", () => {
  const index = new HashIndex();
  expect(index.first(5)).toBe(-1);
  index.insert(5, 0);
  expect(rowsOf(index, 5)).toEqual([0]);
  expect(rowsOf(index, 6)).toEqual([]);
});

/** Few slots and few tables, so that probes run into each other and around the end. */
const hash = fc
  .tuple(fc.constantFrom(0, 1, 1023), fc.constantFrom(1, 2, 6, 7, 8, 15, 16, 17, 0x3ffff8, 0x3fffff))
  .map(([high, low]) => (high * 0x400000 + low) >>> 0);

test("in any mix of inserting and removing, the index is a Map of sets", () => {
  const action = fc.record({
    hash,
    row: fc.oneof(fc.nat(20), fc.constant(2 ** 32 - 1)),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200, size: "max" }), (actions) => {
      const index = new HashIndex();
      const map = new Map<number, Set<number>>();
      for (const { hash: of, row, remove } of actions) {
        const rows = map.get(of) ?? new Set();
        map.set(of, rows);
        if (remove && rows.has(row)) {
          index.remove(of, row);
          rows.delete(row);
        } else if (!remove && !rows.has(row)) {
          index.insert(of, row);
          rows.add(row);
        }
      }
      for (const [of, rows] of map) expect(rowsOf(index, of)).toEqual([...rows].sort((a, b) => a - b));
    }),
    { numRuns: 300 },
  );
});

test("a hash is never 0, depends on text and seed, and spreads over the tables", () => {
  const counts = new Array<number>(1024).fill(0);
  const seen = new Set<number>();
  for (let n = 0; n < 102_400; n++) {
    const of = hashText(`key-${n}`, n % 7);
    if (of <= 0 || of > 0xffffffff) throw new Error(`hash ${of}`);
    counts[of >>> 22]!++;
    seen.add(of);
  }
  expect(Math.max(...counts)).toBeLessThan(200);
  expect(seen.size).toBeGreaterThan(102_300);
  expect(hashText("", 0)).not.toBe(hashText("", 1));
});
