import { expect, test } from "vitest";
import { decisions, type PartState, settlements } from "../../../actors/transactions/next-step.js";
import { nextOfSaga } from "../../../actors/transactions/saga.js";
import { nextOfTcc } from "../../../actors/transactions/tcc.js";

type Look = PartState | "stuck";

/** "stuck": it is ending, fails again and again, and a human has been told. */
function standing(states: readonly Look[], decision: number, pairs: readonly number[] = []) {
  return {
    progress: states.map((state) => ({
      state: state === "stuck" ? ("ending" as const) : state,
      stuck: state === "stuck",
    })),
    parts: states.map((_, part) => ({ pair: pairs[part] ?? -1 })),
    decision,
  };
}

const undone = decisions.undone;
const nothing = settlements.nothing;

test.each<[string, Look[], number, object | undefined]>([
  ["SAGA-1: the first step is begun first", ["waiting", "waiting"], 0, { step: "begin", part: 0 }],
  ["SAGA-1: the second waits while the first is under way", ["begun", "waiting"], 0, undefined],
  ["SAGA-1: and is begun when it is done", ["done", "waiting"], 0, { step: "begin", part: 1 }],
  ["a refusal decides against it", ["done", "refused"], 0, { step: "decide", how: "undone", part: 1 }],
  ["SAGA-2: a step of which nobody knows is undone", ["done", "unknown"], undone, { step: "end", part: 1 }],
  ["SAGA-2: and so is one that is under way", ["done", "begun"], undone, { step: "end", part: 1 }],
  ["SAGA-3: a refused one is not", ["done", "refused"], undone, { step: "settle", part: 1, how: nothing }],
  ["SAGA-3: nor one never started", ["done", "waiting"], undone, { step: "settle", part: 1, how: nothing }],
  ["newest first, one after the other", ["done", "ending"], undone, undefined],
  [
    "SAGA-4: past one that keeps failing, older ones go on",
    ["done", "stuck"],
    undone,
    { step: "end", part: 0 },
  ],
])("a saga: %s", (_, states, decision, next) => {
  if (next) expect(nextOfSaga(standing(states, decision))).toMatchObject(next);
  else expect(nextOfSaga(standing(states, decision))).toBeUndefined();
});

test("SAGA-4: a debit is not undone before its credit is", () => {
  const pairs = [1, 0];
  expect(nextOfSaga(standing(["done", "stuck"], undone, pairs))).toBeUndefined();
  expect(nextOfSaga(standing(["done", "settled"], undone, pairs))).toMatchObject({ step: "end", part: 0 });
});

test.each<[string, Look[], number, object | undefined]>([
  ["all are tried at once", ["begun", "waiting"], 0, { step: "begin", part: 1, call: "try" }],
  ["TCC-1: nothing is confirmed while one has not answered", ["done", "begun"], 0, undefined],
  [
    "TCC-1: the last yes decides, and confirms nothing yet",
    ["done", "done"],
    0,
    { step: "decide", how: "done" },
  ],
  [
    "TCC-1: decided for it, all are confirmed",
    ["done", "done"],
    decisions.done,
    { step: "end", call: "confirm" },
  ],
  [
    "TCC-1: decided against it, what said yes is canceled",
    ["done", "refused"],
    undone,
    { step: "end", call: "cancel" },
  ],
  [
    "TCC-2: and so is one of which nobody knows",
    ["settled", "unknown"],
    undone,
    { step: "end", part: 1, call: "cancel" },
  ],
  [
    "TCC-2: and one that has not answered",
    ["settled", "begun"],
    undone,
    { step: "end", part: 1, call: "cancel" },
  ],
  [
    "a refused one has nothing to cancel",
    ["settled", "refused"],
    undone,
    { step: "settle", part: 1, how: nothing },
  ],
])("a TCC: %s", (_, states, decision, next) => {
  if (next) expect(nextOfTcc(standing(states, decision))).toMatchObject(next);
  else expect(nextOfTcc(standing(states, decision))).toBeUndefined();
});
