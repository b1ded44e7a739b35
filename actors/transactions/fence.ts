/**
 * The fence: what a participant answers to a call, by what it remembers of the branch. Two complete tables, and nothing else
 * decides. A participant keeps its state in the same record as the effect, so a call that comes twice, late, or in the wrong
 * order finds what was done.
 *
 *   TCC      try                        confirm                     cancel
 *   none     do -> tried | refused      not_tried, to a human       tombstone; ok
 *   refused  the same refusal           not_tried, to a human       canceled; ok
 *   tried    ok, again                  apply -> confirmed; ok      undo -> canceled; ok
 *   confirmed ok, again                 ok, again                   already_confirmed, to a human
 *   canceled, tombstone                 already_canceled,           ok, again
 *            branch_canceled            to a human
 *
 *   saga     do                         undo                        confirm: it will never be undone
 *   none     do -> done | refused       tombstone; ok               not_tried
 *   refused  the same refusal           undone; ok                  not_tried
 *   done     ok, again                  undo -> undone; ok, or why  confirmed; ok
 *                                       it cannot be: stays done
 *   confirmed ok, again                 already_confirmed           ok, again
 *   undone, tombstone
 *            branch_canceled            ok, again                   already_canceled
 *
 * The tombstone is what keeps a cancel that overtook its try from giving back what was never taken: the try that comes later
 * finds it and takes nothing.
 */

import type { Mode } from "../facts.js";
import type { Code } from "../results.js";

/** What a built-in participant can be. Numbers of `fence.set`; never re-used. */
export const participants = { stock: 1, debit: 2, credit: 3 } as const;
export type Participant = keyof typeof participants;

/** Numbers of states in the log; never re-used. */
export const fenceStates = {
  none: 0,
  refused: 1,
  tried: 2,
  confirmed: 3,
  canceled: 4,
  tombstone: 5,
  done: 6,
  undone: 7,
} as const;
export type FenceState = keyof typeof fenceStates;

/** Numbers of calls in messages; never re-used. */
export const fenceCalls = { try: 1, confirm: 2, cancel: 3, do: 4, undo: 5 } as const;
export type FenceCall = keyof typeof fenceCalls;

/** One cell: the effect to have, the state after it, and the answer. */
export interface Cell {
  /** The effect; `remember` has none but the state. Without it nothing is recorded. */
  readonly effect?: "try" | "confirm" | "cancel" | "do" | "undo" | "remember";
  readonly to?: FenceState;
  /** The state when the effect is refused; without it the state stays. */
  readonly refusedTo?: FenceState;
  /** `same`: the refusal that was kept. */
  readonly answer: "ok" | "same" | Code;
}

const ok: Cell = { answer: "ok" };
const same: Cell = { answer: "same" };
const tombstone: Cell = { effect: "remember", to: "tombstone", answer: "ok" };

const tcc = {
  none: {
    try: { effect: "try", to: "tried", refusedTo: "refused", answer: "ok" },
    confirm: { answer: "not_tried" },
    cancel: tombstone,
  },
  refused: {
    try: same,
    confirm: { answer: "not_tried" },
    cancel: { effect: "remember", to: "canceled", answer: "ok" },
  },
  tried: {
    try: ok,
    confirm: { effect: "confirm", to: "confirmed", answer: "ok" },
    cancel: { effect: "cancel", to: "canceled", answer: "ok" },
  },
  confirmed: { try: ok, confirm: ok, cancel: { answer: "already_confirmed" } },
  canceled: { try: { answer: "branch_canceled" }, confirm: { answer: "already_canceled" }, cancel: ok },
  tombstone: { try: { answer: "branch_canceled" }, confirm: { answer: "already_canceled" }, cancel: ok },
} as const;

const saga = {
  none: {
    do: { effect: "do", to: "done", refusedTo: "refused", answer: "ok" },
    undo: tombstone,
    confirm: { answer: "not_tried" },
  },
  refused: {
    do: same,
    undo: { effect: "remember", to: "undone", answer: "ok" },
    confirm: { answer: "not_tried" },
  },
  done: {
    do: ok,
    undo: { effect: "undo", to: "undone", answer: "ok" },
    confirm: { effect: "remember", to: "confirmed", answer: "ok" },
  },
  confirmed: { do: ok, undo: { answer: "already_confirmed" }, confirm: ok },
  undone: { do: { answer: "branch_canceled" }, undo: ok, confirm: { answer: "already_canceled" } },
  tombstone: { do: { answer: "branch_canceled" }, undo: ok, confirm: { answer: "already_canceled" } },
} as const;

type Table = Readonly<Record<string, Readonly<Record<string, Cell>>>>;
const tables: { readonly [M in Mode]: Table } = { tcc, saga };

/** Answers that contradict what the coordinator knows: no repetition will mend them, so a human is told at once. */
export const contradictions: ReadonlySet<string> = new Set<Code>([
  "not_tried",
  "already_confirmed",
  "already_canceled",
]);

/** The cell. Throws when a mode has no such state or call: a defect. */
export function fenceCell(mode: Mode, state: FenceState, call: FenceCall): Cell {
  const cell = tables[mode][state]?.[call];
  if (!cell) throw new Error(`a branch of a ${mode} has no ${call} in state ${state}`);
  return cell;
}

/** A branch in this state holds nothing and waits for nobody: one that is done may have to be undone yet. */
export function isEnded(state: FenceState): boolean {
  return state !== "none" && state !== "tried" && state !== "done";
}
