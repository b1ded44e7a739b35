/**
 * The key of a request: looked up before anything is decided, kept in the record that holds the effect.
 *
 *   found for the key                                   answer
 *   nothing                                             run
 *   running, same params                                wait for the first run's result
 *   done, same params                                   the stored result, replayed
 *   anything, other params                              key_reused
 *   nothing, and `at` is not after what was forgotten   key_too_old
 */

import type { Account } from "../actors/account.js";
import { Facts } from "../actors/facts.js";
import { type Refusal, refuse, resultOf } from "../actors/results.js";
import { answerKept, answerRefusal } from "./answers.js";
import type { Command } from "./commands.js";
import { running, spaces } from "./key-table.js";
import { atAheadMsMax, keysDroppedPerStep } from "./limits.js";
import type { Turn } from "./turn.js";

/** Numbers of the keyed methods in the log; never re-used. */
export const keyedMethods = {
  "order.place": 1,
  "order.pay": 2,
  "order.cancel": 3,
  "account.deposit": 4,
  "account.withdraw": 5,
  "product.restock": 6,
  "transaction.begin": 11,
} as const;

/** True when the key of an order's request has settled the matter: it was answered, refused, or it waits. */
export function settledByKey(
  turn: Turn,
  command: Command,
  account: Account | undefined,
  key: string,
  paramsHash: number,
  at: number | undefined,
): boolean {
  const keys = turn.books.keys;
  const entry = account ? keys.find(spaces.order, account.handle, key) : -1;
  if (entry < 0) {
    const refusal = at === undefined ? undefined : refuseTime(turn, account, at);
    if (!refusal) return false;
    answerRefusal(turn, command, refusal);
  } else if (keys.paramsHash(entry) !== paramsHash) {
    answerRefusal(turn, command, refuse("key_reused"));
  } else if (keys.code(entry) === running) {
    const order = keys.order(entry);
    const waiting = turn.waiters.get(order);
    if (waiting) waiting.push(command);
    else turn.waiters.set(order, [command]);
  } else {
    answerKept(turn, command, keys.read(entry));
  }
  return true;
}

/** `at` cannot be trusted to be now, but a wrong clock must not lock its account: what is forgotten reaches up to it. */
function refuseTime(turn: Turn, account: Account | undefined, at: number): Refusal | undefined {
  if (at > turn.nowMs + atAheadMsMax) {
    return refuse("invalid_request", {
      path: "params.at",
      reason: "more than a day ahead of the engine's time",
    });
  }
  if (!account || at > account.keysForgottenTo) return undefined;
  return refuse("key_too_old", { keptSince: account.keysForgottenTo + 1 });
}

/** The same for the ref of a deposit, a withdrawal or a restock. */
export function settledByRef(
  turn: Turn,
  command: Command,
  space: number,
  subject: number,
  ref: string,
  paramsHash: number,
): boolean {
  const refs = turn.books.refs;
  const entry = refs.find(space, subject, ref);
  if (entry < 0) return false;
  if (refs.paramsHash(entry) !== paramsHash) answerRefusal(turn, command, refuse("key_reused"));
  else answerKept(turn, command, refs.read(entry));
  return true;
}

/** Keeps a success whose result is the order as it stands now. */
export function keepOrder(
  turn: Turn,
  account: number,
  key: string,
  method: number,
  paramsHash: number,
  at: number | undefined,
  order: number,
): void {
  turn.record({
    type: Facts.keyKept,
    space: spaces.order,
    subject: account,
    key,
    method,
    paramsHash,
    at: at ?? turn.nowMs,
    code: 0,
    order,
    text: "",
  });
}

/** Keeps a refusal, if it is of the kind that is kept. */
export function keepRefusal(
  turn: Turn,
  space: number,
  subject: number,
  key: string,
  method: number,
  paramsHash: number,
  at: number | undefined,
  refusal: Refusal,
): void {
  const row = resultOf(refusal.code);
  if (!row.stored) return;
  turn.record({
    type: Facts.keyKept,
    space,
    subject,
    key,
    method,
    paramsHash,
    at: at ?? turn.nowMs,
    code: row.number,
    order: 0,
    text: refusal.details ? JSON.stringify(refusal.details) : "",
  });
}

/** How many of the oldest keys are due to be dropped now. */
export function keysDue(turn: Turn): number {
  const { keys } = turn.books;
  // Keys of live orders would only go to the end of the row again.
  const tooMany = keys.count - Math.max(turn.settings.keysMax, turn.books.liveOrders);
  if (tooMany > 0) return Math.min(tooMany, keysDroppedPerStep);
  const { start, end } = keys.rows;
  const until = Math.min(end, start + keysDroppedPerStep);
  let entry = start;
  while (entry < until && keys.doneAt(entry) + turn.settings.keysKeepMs <= turn.nowMs) entry++;
  return entry - start;
}
