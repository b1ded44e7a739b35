import { expect, test } from "vitest";
import {
  alertAfter,
  humanAfter,
  humanAfterMs,
  nextTry,
  retryDelayMs,
} from "../../../actors/transactions/retry.js";

const plain = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000];

test.each(plain.map((ms, n) => [n + 1, ms]))(
  "after failure %i the wait is %i ms, 20 %% more or less",
  (n, ms) => {
    const waits = Array.from({ length: 2000 }, (_, id) => retryDelayMs(id * 1024, n));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(ms * 0.8 - 1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(Math.min(30_000, ms * 1.2 + 1));
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(mean).toBeGreaterThan(ms * 0.9);
    expect(mean).toBeLessThan(ms * 1.03);
    expect(new Set(waits).size).toBeGreaterThan(Math.min(ms / 10, 500));
  },
);

test("the wait follows from what failed and how often, and from nothing else", () => {
  expect(retryDelayMs(1611, 3)).toBe(retryDelayMs(1611, 3));
  // Written by the first build: a log that was made under one schedule is read under it.
  expect([1, 2, 3, 4].map((n) => retryDelayMs(1024, n))).toEqual([114, 177, 322, 682]);
});

test.each([
  [1, 0, false, false],
  [2, 1000, false, false],
  [alertAfter, 1000, true, false],
  [alertAfter + 1, 1000, false, false],
  [humanAfter - 1, humanAfterMs - 1, false, false],
  [humanAfter, 1000, false, true],
  [humanAfter + 1, 1000, false, true],
  [2, humanAfterMs, false, true],
])("failure %i, %i ms after the first: alert %s, human %s", (failures, after, alert, human) => {
  const now = 1_767_225_600_000;
  const next = nextTry(2048, failures, now - after, now);
  expect([next.alert, next.human]).toEqual([alert, human]);
  expect(next.dueAt - now).toBe(human ? 60_000 : retryDelayMs(2048, failures));
});
