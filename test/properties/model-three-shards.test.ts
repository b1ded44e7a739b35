import fc from "fast-check";
import { test } from "vitest";
import { policies, restarted, runBoth, steps } from "../support/model-run.js";
import { modelRunsOverShards } from "../support/scale.js";

test("three shards, one command at a time: every answer is the model's answer", () => {
  fc.assert(
    fc.property(steps({ batches: false, restarts: false, maxLength: 100 }), policies, (run, policy) => {
      restarted(runBoth(3, run, policy).engine);
    }),
    { numRuns: modelRunsOverShards },
  );
}, 900_000);
