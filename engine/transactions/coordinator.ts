/**
 * The coordinator: does what the rule of the transaction's mode says next, until it has to wait. Everything that comes
 * back ends here too, so a transaction never stands where the rule would go on.
 *
 * COORDINATOR-1  After every turn that touched it, the rule has nothing more to say: it waits for a call, a message or a timer.
 * COORDINATOR-2  The coordinator alone owns the deadline.
 */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { orderSlot } from "../../actors/order-number.js";
import { refuse, resultOf, resultOfNumber } from "../../actors/results.js";
import { isEnded } from "../../actors/transactions/fence.js";
import { decisions, type NextStep, settlements } from "../../actors/transactions/next-step.js";
import { nextOfSaga } from "../../actors/transactions/saga.js";
import { nextOfTcc } from "../../actors/transactions/tcc.js";
import type { Message } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { fenceKeepMs, fencesDroppedPerStep } from "../seams/limits.js";
import { fenceAskMs } from "../tables/fence-table.js";
import { spaces } from "../tables/key-table.js";
import type { Transaction } from "../tables/transaction-table.js";
import type { Turn } from "../turns/turn.js";
import { callParticipant, participantResult } from "./participant.js";
import { answerPart, callPart, endOf, endPart, parsed, sendToCoordinator, takeAnswer } from "./parts.js";
import { transactionView } from "./transaction-view.js";

/** Goes on until the transaction has to wait, or has ended. */
export function advance(turn: Turn, transaction: Transaction): void {
  const rule = transaction.mode === "tcc" ? nextOfTcc : nextOfSaga;
  while (transaction.endedAt === 0) {
    const next = rule(transaction);
    if (!next) return;
    take(turn, transaction, next);
  }
}

function take(turn: Turn, transaction: Transaction, next: NextStep): void {
  const { transaction: number } = transaction;
  switch (next.step) {
    case "begin":
      turn.record({ type: Facts.partBegun, transaction: number, part: next.part });
      callPart(turn, transaction, next.part, next.call);
      break;
    case "decide": {
      const { how, part } = next;
      const text = part === undefined ? "" : reasonOf(transaction, part);
      turn.record({ type: Facts.transactionDecided, transaction: number, how: decisions[how], text });
      break;
    }
    case "end":
      endPart(turn, transaction, next.part, next.call);
      break;
    case "settle":
      turn.record({ type: Facts.partSettled, transaction: number, part: next.part, how: next.how });
      break;
    case "finish":
      finish(turn, transaction);
  }
}

/** The answer is kept under the key, and given to everybody who waits for it. */
function finish(turn: Turn, transaction: Transaction): void {
  const { transaction: number, account, key, paramsHash, at, decision } = transaction;
  if (transaction.mode === "saga") releaseFences(turn, transaction);
  turn.record({ type: Facts.transactionEnded, transaction: number, how: decision });
  const view = transactionView(turn.books, transaction);
  turn.record({
    ...{
      type: Facts.keyKept,
      space: spaces.order,
      subject: account,
      key,
      method: keyedMethods["transaction.begin"],
    },
    ...{ paramsHash, at, code: 0, order: 0, text: JSON.stringify(view) },
  });
  const waiting = turn.transactionWaiters.get(number) ?? [];
  turn.transactionWaiters.delete(number);
  for (const [index, { requester, id }] of waiting.entries()) {
    requester.result(id, view, index > 0);
    turn.touch(requester);
  }
}

/** What a saga did and will not undo: an actor keeps its fence until it hears so, however long the saga takes. */
function releaseFences(turn: Turn, transaction: Transaction): void {
  for (const [part, { state, settled }] of transaction.progress.entries()) {
    const stays = state === "done" || settled === settlements.byHuman;
    if (stays && transaction.parts[part]!.what !== "call") callPart(turn, transaction, part, "confirm");
  }
}

function reasonOf({ parts, progress }: Transaction, part: number): string {
  const { state, text } = progress[part]!;
  const said = parsed(text);
  const why = typeof said === "object" && said !== null ? said : { reason: said };
  return JSON.stringify({ part: parts[part]!.name, how: state, ...why });
}

/** Timers that fired: deadlines, ends that are due again, and branches here that nobody has ended. */
export function takeDueTransactions(turn: Turn): void {
  const { transactions, fences } = turn.books;
  while (transactions.timers.nextDue <= turn.nowMs) {
    const transaction = transactions.open.get(transactions.timers.take());
    if (transaction) takeDue(turn, transaction);
  }
  while (fences.timers.nextDue <= turn.nowMs) queryOutcome(turn, fences.timers.take());
}

/** How many of the oldest ended fences may be dropped now. */
export function fencesDue(turn: Turn): number {
  return turn.books.fences.endedBefore(turn.runningMs - fenceKeepMs, fencesDroppedPerStep);
}

function takeDue(turn: Turn, transaction: Transaction): void {
  const { progress, deadline, decision, mode } = transaction;
  if (decision === 0 && turn.nowMs >= deadline) {
    const text = JSON.stringify({ code: "hold_expired" });
    if (mode === "tcc") {
      const how = decisions.undone;
      turn.record({ type: Facts.transactionDecided, transaction: transaction.transaction, how, text });
    } else {
      const begun = progress.findIndex(({ state }) => state === "begun");
      answerPart(turn, transaction, begun, "unknown", text);
    }
  }
  for (const [part, { state, dueAt }] of progress.entries()) {
    if (state === "ending" && dueAt !== 0 && dueAt <= turn.nowMs)
      endPart(turn, transaction, part, endOf(transaction));
  }
  advance(turn, transaction);
}

/** Long after its deadline a branch here still holds something: its owner is asked what became of it. */
function queryOutcome(turn: Turn, number: number): void {
  const { fences } = turn.books;
  const fence = fences.ofNumber(number);
  if (!fence || isEnded(fence.state)) return;
  fences.timers.add(turn.nowMs + fenceAskMs, number);
  const { transaction: order, branch } = fence;
  if (shardOfSlot(orderSlot(order), turn.shards) === turn.shard) replyOutcome(turn, order, branch);
  else sendToCoordinator(turn, order, { kind: "outcomeQuery", order, branch });
}

/** What became of a branch: it is told again, unless nothing is decided yet. One that nobody knows was never decided for. */
function replyOutcome(turn: Turn, number: number, branch: number): void {
  const transaction = turn.books.transactions.get(number);
  if (!transaction || transaction.decision === 0) return;
  const { settled } = transaction.progress[branch]!;
  if (settled === settlements.byHuman) return;
  callPart(turn, transaction, branch, endOf(transaction));
}

/** A message of a peer about a transaction, in order and for the first time. */
export function takeTransactionMessage(turn: Turn, message: Message): void {
  switch (message.kind) {
    case "part": {
      const { kind: _, order: transaction, ...rest } = message;
      const asked = { ...rest, transaction };
      const refusal = callParticipant(turn, asked);
      const code = refusal ? resultOf(refusal.code).number : 0;
      const text = refusal ? JSON.stringify(refusal.details ?? {}) : participantResult(turn, asked);
      const { order, branch, call } = message;
      sendToCoordinator(turn, order, { kind: "reply", order, branch, call, code, text });
      break;
    }
    case "reply": {
      const transaction = turn.books.transactions.open.get(message.order);
      if (!transaction) return;
      const { branch, call, code, text } = message;
      const refusal =
        code === 0
          ? undefined
          : refuse(resultOfNumber(code)!.code, JSON.parse(text) as Record<string, unknown>);
      takeAnswer(turn, transaction, branch, call, refusal, text);
      advance(turn, transaction);
      break;
    }
    case "outcomeQuery":
      replyOutcome(turn, message.order, message.branch);
      break;
  }
}
