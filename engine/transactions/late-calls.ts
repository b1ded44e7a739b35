/**
 * What a function did after nobody wanted it any more: its step was undone, or its try canceled, while it was still running. It is
 * undone again by a call of its own, whatever became of the transaction meanwhile.
 *
 *   the part, when the run is done at last
 *   begun, and asked about          that is the answer
 *   done                            as it is known: nothing
 *   unknown; being undone, and the
 *   undoing is not running          it will be undone behind this: nothing
 *   being undone just now; undone;
 *   refused                         undone again
 *   ended by a human; forgotten     an item for a human, who knows what was done by hand
 *
 * LATE-CALLS-1  A run that was done and whose part does not count it leads to an undoing that runs after it, or to an item.
 */

import { parseTransactionId, transactionId } from "../../actors/order-number.js";
import { settlements } from "../../actors/transactions/next-step.js";
import { type CallOwner, callOwners } from "../calls/call-owner.js";
import { callOf, makeCall } from "../calls/calls.js";
import type { Run } from "../links/call-dispatcher.js";
import type { OpenCall } from "../tables/call-table.js";
import type { Transaction } from "../tables/transaction-table.js";
import { closeItem, openItem } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";
import { codeOfVerb, parsed, partOfCall, type Verb } from "./parts.js";

/** What undoes the effect of a call; other calls have none that could be left over. */
const undoing: { readonly [V in Verb]?: Verb } = { do: "undo", try: "cancel" };

/** What there is to do about it: see the table above. */
export function lateEnd(turn: Turn, transaction: Transaction | undefined, run: Run): LateEnd {
  const { part, verb } = partOfCall(run.part);
  const opposite = undoing[verb];
  if (!opposite) return "nothing";
  if (!transaction) return "human";
  const { state, settled } = transaction.progress[part]!;
  switch (state) {
    case "begun":
      return "answer";
    case "ending": {
      const ending = callOf(turn, "transaction", run.subject, codeOfVerb(part, opposite));
      return ending && turn.dispatcher.isOut(ending.call) ? "undo" : "nothing";
    }
    case "settled":
      if (settled === settlements.byHuman) return "human";
      return settled === settlements.confirmed ? "nothing" : "undo";
    case "refused":
      return "undo";
    default:
      return "nothing";
  }
}

export type LateEnd = "answer" | "undo" | "human" | "nothing";

/** Undoes it by a call that has all that it needs in itself: the transaction may be forgotten before it has ended. */
export function undoLate(turn: Turn, { out, subject, part: code }: Run, text: string): void {
  const { part, verb } = partOfCall(code);
  const opposite = undoing[verb]!;
  const number = codeOfVerb(part, opposite);
  if (callOf(turn, "late", subject, number)) return;
  const name = `${out.name.slice(0, -verb.length)}${opposite}`;
  const input = JSON.stringify({ ...(JSON.parse(out.input) as object), result: parsed(text) });
  makeCall(turn, { owner: "late", number: subject, part: number, name, input });
}

export function openLateItem(turn: Turn, { out, subject, part: code }: Run, text: string): void {
  const error = `${out.name} has ended well after its part was ended by hand`;
  openPartItem(turn, subject, out.input, partOfCall(code).verb, parsed(text), 0, error);
}

export const lateCalls: CallOwner = {
  ended(turn: Turn, { subject, input }: OpenCall): void {
    closeItem(turn, "late", lateSubject(subject, input), "it was undone after all");
  },

  mayRefuse: () => false,

  stuck(turn: Turn, call: OpenCall): void {
    const { subject, input, part, failed, forgiven } = call;
    const error = call.error === "" ? `no function ${call.name} is registered here` : call.error;
    const { result } = JSON.parse(input) as { result: unknown };
    openPartItem(turn, subject, input, partOfCall(part).verb, result, failed - forgiven, error);
  },
};

/** The call that undoes what an item tells of; undefined when none does any more. */
export function lateCallOf(turn: Turn, subject: string): OpenCall | undefined {
  const transaction = parseTransactionId(subject.slice(0, subject.indexOf("/")));
  for (const call of turn.books.calls.open.values()) {
    const isLate = call.owner === callOwners.late && call.subject === transaction;
    if (isLate && lateSubject(call.subject, call.input) === subject) return call;
  }
  return undefined;
}

function lateSubject(transaction: number, input: string): string {
  return `${transactionId(transaction)}/${(JSON.parse(input) as { part: string }).part}`;
}

function openPartItem(
  turn: Turn,
  number: number,
  said: string,
  doing: Verb,
  result: unknown,
  attempts: number,
  error: string,
): void {
  const { name, part, input } = JSON.parse(said) as { name: string; part: string; input: unknown };
  const plan = turn.books.transactions.get(number)?.parts.find((one) => one.name === part);
  openItem(turn, {
    kind: "late",
    subject: lateSubject(number, said),
    currency: plan?.currency ?? 0,
    amount: plan?.amount ?? 0,
    units: plan?.units ?? 0,
    attempts,
    error,
    evidence: { transaction: transactionId(number), name, part, doing, input, result },
  });
}
