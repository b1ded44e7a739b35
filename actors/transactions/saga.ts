/**
 * What a saga does next: a pure rule over where its steps stand. Its coordinator does it and asks again.
 *
 *   forward    step after step; each is recorded before it starts, and with it what undoes it
 *   backward   newest first, one at a time: every step that was done, and the one of which nobody knows
 *
 * SAGA-1  A step starts only when all before it are done.
 * SAGA-2  A step of which nobody knows whether it was done is compensated like one that was.
 * SAGA-3  A refused step, and one that never started, has nothing to compensate.
 * SAGA-4  A compensation that keeps failing is for a human, and those of older steps go on; but the debit of a move of money
 *         waits for its credit, so that nobody is given what another still has.
 */

import { decisions, type NextStep, type Standing, settlements } from "./next-step.js";

export function nextOfSaga(standing: Standing): NextStep | undefined {
  if (standing.decision === 0) return nextForward(standing);
  if (standing.decision === decisions.done) return { step: "finish" };
  return nextBackward(standing);
}

function nextForward({ progress }: Standing): NextStep | undefined {
  for (const [part, { state }] of progress.entries()) {
    if (state === "done") continue;
    if (state === "waiting") return { step: "begin", part, call: "do" };
    return state === "begun" ? undefined : { step: "decide", how: "undone", part };
  }
  return { step: "decide", how: "done" };
}

function nextBackward({ progress, parts }: Standing): NextStep | undefined {
  for (let part = progress.length - 1; part >= 0; part--) {
    const { state } = progress[part]!;
    if (state === "settled") continue;
    if (state === "waiting" || state === "refused") return { step: "settle", part, how: settlements.nothing };
    if (state === "ending") {
      if (progress[part]!.stuck) continue;
      return undefined;
    }
    const { pair } = parts[part]!;
    if (pair > part && progress[pair]!.state !== "settled") continue;
    return { step: "end", part, call: "undo" };
  }
  return progress.every(({ state }) => state === "settled") ? { step: "finish" } : undefined;
}
