import fc from "fast-check";
import { expect, test } from "vitest";
import { type KeptResult, KeyTable, running, spaces } from "../../../engine/tables/key-table.js";

function kept(key: string, more: Partial<KeptResult> = {}): KeptResult {
  return {
    space: spaces.order,
    subject: 0,
    key,
    method: 1,
    paramsHash: 2 ** 53 - 1,
    at: 1_767_225_600_000,
    doneAt: 1_767_225_600_001,
    code: 0,
    order: 1611,
    orderStatus: 1,
    orderVersion: 1,
    orderPaid: 999,
    orderRefunded: 0,
    text: "",
    ...more,
  };
}

test("what is kept is read back whole, in every space and for every subject", () => {
  const table = new KeyTable();
  const entries = Object.values(spaces).flatMap((space) =>
    [0, 1, 2 ** 31, 2 ** 32 - 1].map((subject) =>
      kept("k", { space, subject, code: 21, text: `{"of":"${space} ${subject}"}` }),
    ),
  );
  for (const entry of entries) table.keep(entry);
  for (const entry of entries) {
    expect(table.read(table.find(entry.space, entry.subject, entry.key))).toEqual(entry);
  }
  expect([...table.entries()]).toEqual(entries);
  expect(table.find(spaces.order, 2, "k")).toBe(-1);
});

test("KEY-TABLE-2: a key that runs is completed in place, and its result never changes again", () => {
  const table = new KeyTable();
  table.keep(kept("k", { code: running }));
  table.keep(kept("other"));
  table.keep(kept("k", { code: 22, text: "{}" }));
  expect(table.count).toBe(2);
  expect(table.read(table.find(0, 0, "k"))).toEqual(kept("k", { code: 22, text: "{}" }));
  expect(() => table.keep(kept("k"))).toThrow(/kept twice/);
});

test("keys that differ in one character, in case or in length are different keys", () => {
  const table = new KeyTable();
  const keys = ["a", "A", "b", "aa", "ab", "ba", "a.b", "a:b", "a-b", "a_b", "x".repeat(63), "x".repeat(64)];
  for (const [order, key] of keys.entries()) table.keep(kept(key, { order }));
  for (const [order, key] of keys.entries()) expect(table.order(table.find(0, 0, key))).toBe(order);
});

test("KEY-TABLE-1: in any mix of keeping, dropping and finding, the table is a Map in order of keeping", () => {
  const key = fc.nat(150).map((n) => `key-${n}`);
  const action = fc.oneof(
    fc.record({
      key,
      space: fc.constantFrom(0, 1, 2),
      subject: fc.constantFrom(0, 7),
      text: fc.constantFrom("", "{}"),
    }),
    fc.record({ drop: fc.integer({ min: 1, max: 40 }) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 400, size: "max" }), (actions) => {
      const table = new KeyTable();
      const map = new Map<string, KeptResult>();
      for (const act of actions) {
        if ("drop" in act) {
          for (let left = Math.min(act.drop, map.size); left > 0; left--) {
            const [name, oldest] = map.entries().next().value!;
            expect(table.oldest()).toEqual(oldest);
            table.dropOldest();
            map.delete(name);
          }
        } else {
          const name = `${act.space} ${act.subject} ${act.key}`;
          const found = table.find(act.space, act.subject, act.key);
          expect(found < 0 ? undefined : table.read(found)).toEqual(map.get(name));
          if (map.has(name)) continue;
          const entry = kept(act.key, { ...act, order: map.size });
          table.keep(entry);
          map.set(name, entry);
        }
        expect(table.count).toBe(map.size);
      }
      expect([...table.entries()]).toEqual([...map.values()]);
    }),
    { numRuns: 100 },
  );
});

test("300,000 keys through a window of 50,000: found while kept, not found when dropped", () => {
  const table = new KeyTable();
  const window = 50_000;
  const name = (n: number) => `${"0".repeat(n % 50)}key-${n}`;
  for (let n = 0; n < 300_000; n++) {
    table.keep(kept(name(n), { subject: n % 1000, order: n }));
    if (table.count > window) table.dropOldest();
    if (table.order(table.find(0, n % 1000, name(n))) !== n) throw new Error(`key ${n} is not found`);
    if (n % 997 !== 0) continue;
    for (const back of [0, 1, window / 2, window - 1]) {
      const old = n - back;
      if (old >= 0) expect(table.order(table.find(0, old % 1000, name(old)))).toBe(old);
    }
    const gone = n - window;
    if (gone >= 0) expect(table.find(0, gone % 1000, name(gone))).toBe(-1);
  }
  expect(table.count).toBe(window);
  while (table.count > 0) table.dropOldest();
  expect(table.oldest()).toBeUndefined();
  table.keep(kept("again"));
  expect(table.read(table.find(0, 0, "again"))).toEqual(kept("again"));
});
