/**
 * Parts that are functions outside: what a report of such a call means for its transaction.
 *
 *   try          nobody knows what it did: it is canceled too, at once
 *   do           tried `stepTriesMax` times, then asked about if there is such a function, then compensated like one that was
 *   ask          tried as often; `done` and `refused` are the step's own answers
 *   confirm, cancel, undo
 *                made until they are done; a refusal of one contradicts what is known here, and is for a human
 */

import { transactionId } from "../../actors/order-number.js";
import type { CallOutcome, CallOwner } from "../calls/call-owner.js";
import { dropCall } from "../calls/calls.js";
import type { Run } from "../links/call-dispatcher.js";
import type { OpenCall } from "../tables/call-table.js";
import type { Turn } from "../turns/turn.js";
import { advance } from "./coordinator.js";
import { lateEnd, openLateItem, undoLate } from "./late-calls.js";
import { answerPart, callPart, markStuck, parsed, partOfCall, settlePart, type Verb } from "./parts.js";
import { resultsOf } from "./transaction-view.js";

/** Failures of a step, or of the question about it, after which it is given up. */
export const stepTriesMax = 3;

/** Ends: what must be done in the end, however often it fails. */
const ends: ReadonlySet<Verb> = new Set<Verb>(["confirm", "cancel", "undo"]);

export const transactionCalls: CallOwner = {
  ended(turn: Turn, call: OpenCall, { how, text }: CallOutcome): void {
    const transaction = turn.books.transactions.open.get(call.subject)!;
    const { part, verb } = partOfCall(call.part);
    if (ends.has(verb)) settlePart(turn, transaction, part, verb === "confirm" ? "confirmed" : "undone");
    else answerPart(turn, transaction, part, how, text);
    advance(turn, transaction);
  },

  failed(turn: Turn, call: OpenCall, error: string): void {
    const { part, verb } = partOfCall(call.part);
    if (ends.has(verb)) return;
    if (verb !== "try" && call.failed - call.forgiven < stepTriesMax) return;
    const transaction = turn.books.transactions.open.get(call.subject)!;
    if (verb === "do" && transaction.parts[part]!.ask) {
      dropCall(turn, call);
      callPart(turn, transaction, part, "ask");
      return;
    }
    answerPart(turn, transaction, part, "unknown", JSON.stringify({ error }));
    advance(turn, transaction);
  },

  stuck(turn: Turn, call: OpenCall): void {
    const transaction = turn.books.transactions.open.get(call.subject)!;
    const { part, verb } = partOfCall(call.part);
    const error = call.error === "" ? `no function ${call.name} is registered here` : call.error;
    markStuck(turn, transaction, part, verb, call.failed - call.forgiven, error);
    advance(turn, transaction);
  },

  late(turn: Turn, run: Run, text: string): void {
    const transaction = turn.books.transactions.get(run.subject);
    switch (lateEnd(turn, transaction, run)) {
      case "answer":
        answerPart(turn, transaction!, partOfCall(run.part).part, "done", text);
        advance(turn, transaction!);
        break;
      case "undo":
        undoLate(turn, run, text);
        break;
      case "human":
        openLateItem(turn, run, text);
    }
  },

  mayRefuse: (call: OpenCall): boolean => !ends.has(partOfCall(call.part).verb),

  input(turn: Turn, call: OpenCall): string {
    const transaction = turn.books.transactions.open.get(call.subject)!;
    const { part } = partOfCall(call.part);
    return JSON.stringify({
      transaction: transactionId(transaction.transaction),
      account: turn.books.accounts[transaction.account]!.id,
      name: transaction.name,
      part: transaction.parts[part]!.name,
      input: JSON.parse(transaction.input) as unknown,
      results: resultsOf(transaction),
      result: parsed(transaction.progress[part]!.text),
    });
  },
};
