import fc from "fast-check";
import { expect, test } from "vitest";
import { Timers } from "../../../engine/tables/timers.js";

test("an empty heap is never due", () => {
  const timers = new Timers();
  expect([timers.size, timers.nextDue]).toEqual([0, Number.POSITIVE_INFINITY]);
});

test("what is due first is taken first, and ties go to the older order", () => {
  const timers = new Timers();
  for (const [due, order] of [
    [20, 5],
    [10, 7],
    [20, 3],
    [10, 9],
    [5, 8],
  ] as const) {
    timers.add(due, order);
  }
  expect(timers.nextDue).toBe(5);
  expect(Array.from({ length: 5 }, () => timers.take())).toEqual([8, 7, 9, 3, 5]);
  expect(timers.nextDue).toBe(Number.POSITIVE_INFINITY);
});

test("in any mix of adding and taking, the heap gives what a sorted array gives", () => {
  const due = fc.oneof(fc.nat(5), fc.maxSafeNat());
  const action = fc.oneof(fc.tuple(due, fc.nat(30)), fc.constant("take" as const));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300, size: "max" }), (actions) => {
      const timers = new Timers();
      const sorted: [number, number][] = [];
      for (const act of actions) {
        if (act !== "take") {
          timers.add(...act);
          sorted.push(act);
          sorted.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
        } else if (sorted.length > 0) expect(timers.take()).toBe(sorted.shift()![1]);
        expect(timers.size).toBe(sorted.length);
        expect(timers.nextDue).toBe(sorted[0]?.[0] ?? Number.POSITIVE_INFINITY);
      }
    }),
    { numRuns: 200 },
  );
});
