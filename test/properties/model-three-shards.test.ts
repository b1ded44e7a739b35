import fc from "fast-check";
import { test } from "vitest";
import { restarted, runBoth, steps } from "../support/model-run.js";

test("three shards, one command at a time: every answer is the model's answer", () => {
  fc.assert(
    fc.property(steps({ batches: false, restarts: false, maxLength: 100 }), (run) => {
      restarted(runBoth(3, run));
    }),
    { numRuns: 400 },
  );
}, 300_000);
