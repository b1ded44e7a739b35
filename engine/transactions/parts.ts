/**
 * A part and those who do it: a function outside, an actor of this shard in the same turn, or an actor of another shard by
 * message. What comes back is recorded here; what follows from it is the coordinator's.
 *
 * PARTS-1  An answer counts only in the state that asked for it: a try's while the part is begun, an end's while it is ending.
 * PARTS-2  Whatever a part waits for comes: a call has a timer, a message stands in the log, a failed end has its next try.
 */

import { Facts } from "../../actors/facts.js";
import { orderSlot, slotOf, transactionId } from "../../actors/order-number.js";
import type { Refusal } from "../../actors/results.js";
import { contradictions, type FenceCall, fenceCalls } from "../../actors/transactions/fence.js";
import { settlements } from "../../actors/transactions/next-step.js";
import { nextTry } from "../../actors/transactions/retry.js";
import { callOf, dropCall, makeCall } from "../calls/calls.js";
import { encodeMessage, type Message } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { answers, type Transaction } from "../tables/transaction-table.js";
import { closeItem, openItem } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";
import { callParticipant, type ParticipantCall, participantResult } from "./participant.js";

/** What a call of a part is for: a call of the fence, or the question what became of its step. */
export type Verb = FenceCall | "ask";

const verbs = { ...fenceCalls, ask: 6 } as const;
const verbNames = new Map<number, Verb>(
  Object.entries(verbs).map(([verb, number]) => [number, verb as Verb]),
);

/** Room for the verbs of one part in the `part` of an outside call. */
const verbsPerPart = 8;

export function partOfCall(code: number): { part: number; verb: Verb } {
  return { part: Math.floor(code / verbsPerPart), verb: verbNames.get(code % verbsPerPart)! };
}

export function codeOfVerb(part: number, verb: Verb): number {
  return part * verbsPerPart + verbs[verb];
}

/** Every code that a call of this part can have. */
export function codesOfPart(part: number): readonly number[] {
  return [...verbNames.keys()].map((verb) => part * verbsPerPart + verb);
}

/** Asks for a part's try, step or end. An actor of this shard answers in this turn. */
export function callPart(turn: Turn, transaction: Transaction, part: number, verb: Verb): void {
  const { name, what } = transaction.parts[part]!;
  if (what === "call") {
    makeCall(turn, {
      owner: "transaction",
      number: transaction.transaction,
      part: codeOfVerb(part, verb),
      name: `${transaction.name}/${name}:${verb}`,
      input: "",
    });
    return;
  }
  const asked = participantCall(transaction, part, verb as FenceCall);
  const shard = shardOfSlot(slotOf(asked.subject), turn.shards);
  if (shard === turn.shard) {
    const refusal = callParticipant(turn, asked);
    takeAnswer(turn, transaction, part, asked.call, refusal, participantResult(turn, asked));
  } else {
    const { transaction: order, ...rest } = asked;
    send(turn, shard, { kind: "part", order, ...rest });
  }
}

/** An actor's answer to a call: a refusal, or what it says about its effect. */
export function takeAnswer(
  turn: Turn,
  transaction: Transaction,
  part: number,
  call: FenceCall,
  refusal: Refusal | undefined,
  text: string,
): void {
  const { state } = transaction.progress[part]!;
  if (call === "try" || call === "do") {
    if (state !== "begun") return;
    const why = refusal && JSON.stringify({ code: refusal.code, ...refusal.details });
    answerPart(turn, transaction, part, refusal ? "refused" : "done", why ?? text);
  } else if (state === "ending") {
    if (refusal) failEnd(turn, transaction, part, refusal);
    else settlePart(turn, transaction, part, call === "confirm" ? "confirmed" : "undone");
  }
}

/** Records how a part's try or step ended, and wants nothing more of those who were asked. */
export function answerPart(
  turn: Turn,
  transaction: Transaction,
  part: number,
  how: keyof typeof answers,
  text: string,
): void {
  dropCalls(turn, transaction, part);
  closePartItem(turn, transaction, part, `the part is ${how}`);
  turn.record({
    type: Facts.partAnswered,
    transaction: transaction.transaction,
    part,
    how: answers[how],
    text,
  });
}

/** Starts a part's end, or starts it again. */
export function endPart(turn: Turn, transaction: Transaction, part: number, call: FenceCall): void {
  if (transaction.progress[part]!.state !== "ending") {
    dropCalls(turn, transaction, part);
    closePartItem(turn, transaction, part, "the transaction was decided without it");
  }
  turn.record({ type: Facts.partEnding, transaction: transaction.transaction, part });
  callPart(turn, transaction, part, call);
}

export function settlePart(
  turn: Turn,
  transaction: Transaction,
  part: number,
  how: keyof typeof settlements,
): void {
  dropCalls(turn, transaction, part);
  closePartItem(turn, transaction, part, "it was done after all");
  turn.record({
    type: Facts.partSettled,
    transaction: transaction.transaction,
    part,
    how: settlements[how],
  });
}

/** It keeps failing, or nobody here can do it. */
export function markStuck(
  turn: Turn,
  transaction: Transaction,
  part: number,
  doing: Verb,
  attempts: number,
  error: string,
): void {
  if (transaction.progress[part]!.stuck) return;
  const { name, what, amount, currency, units } = transaction.parts[part]!;
  turn.record({ type: Facts.partStuck, transaction: transaction.transaction, part });
  openItem(turn, {
    kind: "transaction",
    subject: partSubject(transaction, part),
    currency,
    amount: what === "stock" ? 0 : amount,
    units,
    attempts,
    error,
    evidence: {
      transaction: transactionId(transaction.transaction),
      name: transaction.name,
      part: name,
      what,
      doing,
      input: JSON.parse(transaction.input) as unknown,
      result: parsed(transaction.progress[part]!.text),
    },
  });
}

/** What an item about a part is called. */
export function partSubject({ transaction, parts }: Transaction, part: number): string {
  return `${transactionId(transaction)}/${parts[part]!.name}`;
}

/** The end that this transaction's decision has for its parts. */
export function endOf({ mode, decision }: Transaction): FenceCall {
  return mode === "saga" ? "undo" : decision === 1 ? "confirm" : "cancel";
}

export function participantCall(transaction: Transaction, part: number, call: FenceCall): ParticipantCall {
  const { what, subject, account, amount, currency, to } = transaction.parts[part]!;
  const { mode, deadline } = transaction;
  return {
    ...{
      transaction: transaction.transaction,
      branch: part,
      mode,
      call,
      subject,
      account,
      amount,
      currency,
      to,
    },
    what: what as ParticipantCall["what"],
    deadline,
  };
}

export function sendToCoordinator(turn: Turn, transaction: number, message: Message): void {
  send(turn, shardOfSlot(orderSlot(transaction), turn.shards), message);
}

export function send(turn: Turn, peer: number, message: Message): void {
  turn.record({ type: Facts.messageSent, peer, body: encodeMessage(message) });
}

/** JSON that may be empty. */
export function parsed(text: string): unknown {
  return text === "" ? null : JSON.parse(text);
}

/** What the log says of a part that its actor could not end: a code, and its details as JSON. */
function failureText({ code, details }: Refusal): string {
  return details ? `${code} ${JSON.stringify(details)}` : code;
}

/** The code that a part failed with; that of no refusal when a function failed. */
export function failureCode(error: string): string {
  return error.split(" ", 1)[0]!;
}

/** An actor could not end its part: again later, and a human is told at once when no repetition can mend it. */
function failEnd(turn: Turn, transaction: Transaction, part: number, refusal: Refusal): void {
  const { transaction: number } = transaction;
  const { failures: before, firstFailedAt } = transaction.progress[part]!;
  const failures = before + 1;
  const error = failureText(refusal);
  const next = nextTry(number + part, failures, firstFailedAt || turn.nowMs, turn.nowMs);
  turn.record({ type: Facts.partFailed, transaction: number, part, dueAt: next.dueAt, error });
  if (next.alert) turn.alert(`${partSubject(transaction, part)}: failed ${failures} times, last: ${error}`);
  if (next.human || contradictions.has(refusal.code))
    markStuck(turn, transaction, part, endOf(transaction), failures, error);
}

function closePartItem(turn: Turn, transaction: Transaction, part: number, reason: string): void {
  if (transaction.progress[part]!.stuck)
    closeItem(turn, "transaction", partSubject(transaction, part), reason);
}

function dropCalls(turn: Turn, transaction: Transaction, part: number): void {
  if (transaction.parts[part]!.what !== "call") return;
  for (const code of codesOfPart(part)) {
    const open = callOf(turn, "transaction", transaction.transaction, code);
    if (open) dropCall(turn, open);
  }
}
