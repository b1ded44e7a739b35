import fc from "fast-check";
import { expect, test } from "vitest";
import { firstBad } from "../support/audited.js";
import type { TestEngine } from "../support/engine.js";
import { OperatorRun, operatorSteps } from "../support/operator-calls.js";
import { operatorRuns, operatorRunsOverShards } from "../support/scale.js";

test.each([
  [1, operatorRuns],
  [3, operatorRunsOverShards],
])(
  "whatever an operator asks for over %i shards, what is accepted the audit accepts",
  (shards, numRuns) => {
    fc.assert(
      fc.property(operatorSteps(40), (steps) => {
        const run = new OperatorRun(shards);
        for (const step of steps) run.take(step);
        expect(firstBad(run.engine)).toBeUndefined();
        expectOffered(run.engine);
      }),
      { numRuns },
    );
  },
  900_000,
);

/** An item offers exactly the actions that are not refused for what they are. */
function expectOffered(engine: TestEngine): void {
  const { items } = engine.ask({ method: "human.list", state: "open" }).result;
  for (const { item, actions } of items as { item: string; actions: string[] }[]) {
    for (const action of ["retry", "done", "undone", "entries", "write_off"]) {
      // What works changes everything, so it is tried on a copy.
      const on = actions.includes(action) ? engine.copy() : engine;
      const answer = on.ask({ method: "human.resolve", item, action, reason: "tried" });
      const refused = answer.code === "invalid_request" && answer.details?.path === "params.action";
      expect([item, action, refused]).toEqual([item, action, !actions.includes(action)]);
    }
  }
}
