/**
 * What a TCC does next: a pure rule over where its parts stand. Its coordinator does it and asks again.
 *
 *   every part is tried at once; the first refusal (of an order: when all have answered), the first try of which nobody
 *   knows, or the deadline decides against it, the last `tried` decides for it; then every part is confirmed, or everything
 *   that may hold something is canceled.
 *
 * TCC-1  Nothing is confirmed before the decision is recorded, and nothing is canceled after it was for it.
 * TCC-2  A part of whose try nobody knows is canceled too: its fence tells whether there is anything to undo.
 */

import { decisions, type NextStep, type Standing, settlements } from "./next-step.js";

export function nextOfTcc(standing: Standing): NextStep | undefined {
  const { progress, decision } = standing;
  if (decision === 0) return nextBeforeDecision(standing);
  const ending = decision === decisions.done ? "confirm" : "cancel";
  for (const [part, { state }] of progress.entries()) {
    if (state === "settled" || state === "ending") continue;
    if (state === "waiting" || state === "refused") return { step: "settle", part, how: settlements.nothing };
    return { step: "end", part, call: ending };
  }
  return progress.every(({ state }) => state === "settled") ? { step: "finish" } : undefined;
}

function nextBeforeDecision({ progress, hearsAll }: Standing): NextStep | undefined {
  if (hearsAll && progress.some(({ state }) => state === "begun")) return nextWaiting(progress);
  const failed = progress.findIndex(({ state }) => state === "refused" || state === "unknown");
  if (failed >= 0) return { step: "decide", how: "undone", part: failed };
  const next = nextWaiting(progress);
  if (next) return next;
  return progress.every(({ state }) => state === "done") ? { step: "decide", how: "done" } : undefined;
}

function nextWaiting(progress: Standing["progress"]): NextStep | undefined {
  const waiting = progress.findIndex(({ state }) => state === "waiting");
  return waiting < 0 ? undefined : { step: "begin", part: waiting, call: "try" };
}
