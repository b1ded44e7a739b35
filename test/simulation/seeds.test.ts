/** Many seeds: every promise holds in each, and together they met everything that matters. */

import { expect, test } from "vitest";
import { full, simulatedSeeds } from "../support/scale.js";
import { checkedRun } from "./checked-run.js";
import { Coverage } from "./coverage.js";

const block = 25;
/** What a hundred seeds may miss and five hundred may not. */
const missingAtMost = full ? 0 : 3;

const coverage = new Coverage();
let ran = 0;
let commands = 0;
for (let first = 1; first <= simulatedSeeds; first += block) {
  test(`seeds ${first}..${first + block - 1}: every promise holds, and a seed always tells the same story`, () => {
    for (let seed = first; seed < first + block; seed++) {
      const report = checkedRun(seed);
      coverage.add(report.coverage);
      commands += report.requests;
      ran++;
    }
  });
}

test("every fault and every state that matters was met at least once", () => {
  expect(ran, "a block above has failed").toBe(simulatedSeeds);
  expect(coverage.missing.length, coverage.missing.join(", ")).toBeLessThanOrEqual(missingAtMost);
});

test("a seed is a thousand commands and more", () => {
  expect(commands / ran).toBeGreaterThan(1000);
});
