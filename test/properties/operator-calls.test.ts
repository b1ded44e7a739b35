import fc from "fast-check";
import { expect, test } from "vitest";
import { firstBad } from "../support/audited.js";
import { OperatorRun, operatorSteps } from "../support/operator-calls.js";

test.each([
  [1, 300],
  [3, 120],
])("whatever an operator asks for over %i shards, what is accepted the audit accepts", (shards, numRuns) => {
  fc.assert(
    fc.property(operatorSteps(40), (steps) => {
      const run = new OperatorRun(shards);
      for (const step of steps) run.take(step);
      expect(firstBad(run.engine)).toBeUndefined();
    }),
    { numRuns },
  );
});
