import fc from "fast-check";
import { test } from "vitest";
import { policies, runBoth, steps } from "../support/model-run.js";
import { modelRuns } from "../support/scale.js";

test("one shard: every answer is the model's answer, in runs of up to 200 commands", () => {
  fc.assert(
    fc.property(steps({ batches: true, restarts: true, maxLength: 200 }), policies, (run, policy) => {
      runBoth(1, run, policy);
    }),
    { numRuns: modelRuns },
  );
}, 900_000);
