/**
 * The key of a request: looked up before anything is decided, kept in the record that holds the effect.
 *
 *   found for the key                                   answer
 *   nothing                                             run
 *   running, same params                                wait for the first run's result
 *   done, same params                                   the stored result, replayed
 *   anything, other params                              key_reused
 *   nothing, and `at` is not after what was forgotten   key_too_old
 *   nothing, and it is a token of somebody else's       token_unknown
 *   nothing, and it is a token of yesterday             token_expired
 */

import type { Account } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { type Refusal, refuse, resultOf, unlooked } from "../../actors/results.js";
import type { Command } from "../seams/commands.js";
import { atAheadMsMax, keysDroppedPerStep } from "../seams/limits.js";
import { type KeptResult, type KeyTable, running, spaces } from "../tables/key-table.js";
import { answerKept, answerRefusal } from "./answers.js";
import { claimantOf, claimHere, refuseToken, tokenTime } from "./tokens.js";
import type { Turn } from "./turn.js";

/** True when the key of an order's request has settled the matter: it was answered, refused, or it waits. */
export function settledByKey(
  turn: Turn,
  command: Command,
  account: Account | undefined,
  key: string,
  paramsHash: number,
  at: number | undefined,
  writtenHash = paramsHash,
): boolean {
  const keys = turn.books.keys;
  const entry = account ? keys.find(spaces.order, account.handle, key) : -1;
  if (entry < 0) {
    const refusal =
      (at === undefined ? undefined : refuseTime(turn, account, at)) ??
      refuseToken(turn, key) ??
      (at === undefined ? refuseTokenTime(turn, account, key) : undefined) ??
      claimHere(turn, claimantOf(command, account), key);
    if (!refusal) return false;
    answerRefusal(turn, command, refusal);
  } else if (!isSame(keys, entry, paramsHash, writtenHash)) {
    answerReused(turn, command, keys.read(entry));
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

function isSame(kept: KeyTable, entry: number, paramsHash: number, writtenHash: number): boolean {
  const hash = kept.paramsHash(entry);
  return hash === paramsHash || hash === writtenHash;
}

/**
 * The key stands for another request: which method's, and from when. Of its params a hash is kept, so which of them differ is
 * not known. What stands against new work comes first; `executed: false` would not be true of the key.
 */
function answerReused(turn: Turn, command: Command, { method, at }: KeptResult): void {
  if (turn.refusesNew) {
    answerRefusal(turn, command, unlooked(turn.refusesNew));
    return;
  }
  const [name] = Object.entries(keyedMethods).find(([, number]) => number === method)!;
  answerRefusal(turn, command, refuse("key_reused", { method: name, at: new Date(at).toISOString() }));
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

/** A token says itself when it was made: without `at` its key may be forgotten while it is still good. */
function refuseTokenTime(turn: Turn, account: Account | undefined, key: string): Refusal | undefined {
  const issuedAt = tokenTime(key);
  return issuedAt === undefined ? undefined : refuseTime(turn, account, issuedAt);
}

/**
 * When a request was first made, for what will be forgotten with its key. Callers say it by their own clocks; where one says
 * nothing, it is compared with what others say, so engine time that is ahead would lock them out. A token's is engine time.
 */
export function firstMadeAt(turn: Turn, key: string, at: number | undefined): number {
  return at ?? (tokenTime(key) === undefined ? turn.wallMs : turn.nowMs);
}

/** The same for the ref of a deposit, a withdrawal or a restock. */
export function settledByRef(
  turn: Turn,
  command: Command,
  space: number,
  subject: number,
  ref: string,
  paramsHash: number,
  writtenHash = paramsHash,
): boolean {
  const refs = turn.books.refs;
  const entry = refs.find(space, subject, ref);
  if (entry < 0) return refusedAsToken(turn, command, space, ref);
  if (!isSame(refs, entry, paramsHash, writtenHash)) answerReused(turn, command, refs.read(entry));
  else if (refs.code(entry) === running) waitForRef(turn, command, space, subject, ref);
  else answerKept(turn, command, refs.read(entry));
  return true;
}

/** A token is one account's, for an order or a transaction; under a ref nobody would ask whose it is. */
function refusedAsToken(turn: Turn, command: Command, space: number, ref: string): boolean {
  if (space === spaces.payment || tokenTime(ref) === undefined) return false;
  const reason = "an issued token is the key of an order or a transaction, and no ref";
  answerRefusal(turn, command, refuse("invalid_request", { path: "params.ref", reason }));
  return true;
}

/** A ref whose result another shard will tell. */
export function keepRunning(
  turn: Turn,
  space: number,
  subject: number,
  ref: string,
  method: number,
  paramsHash: number,
): void {
  const kept = { space, subject, key: ref, method, paramsHash, at: turn.nowMs };
  turn.record({ type: Facts.keyKept, ...kept, code: running, order: 0, text: "" });
}

export function waitForRef(turn: Turn, command: Command, space: number, subject: number, ref: string): void {
  const name = `${space} ${subject} ${ref}`;
  const waiting = turn.refWaiters.get(name);
  if (waiting) waiting.push(command);
  else turn.refWaiters.set(name, [command]);
}

/** Answers whoever waits for a ref that was running. The first one made it run; the others are replays. */
export function answerWaiting(turn: Turn, space: number, subject: number, ref: string, result: object): void {
  const name = `${space} ${subject} ${ref}`;
  for (const [index, { requester, id }] of (turn.refWaiters.get(name) ?? []).entries()) {
    requester.result(id, result, index > 0);
    turn.touch(requester);
  }
  turn.refWaiters.delete(name);
}

/** Keeps a success whose result is the order as it stands now; `text` is JSON of what else is in the result. */
export function keepOrder(
  turn: Turn,
  account: number,
  key: string,
  method: number,
  paramsHash: number,
  at: number | undefined,
  order: number,
  text = "",
): void {
  turn.record({
    type: Facts.keyKept,
    space: spaces.order,
    subject: account,
    key,
    method,
    paramsHash,
    at: firstMadeAt(turn, key, at),
    code: 0,
    order,
    text,
  });
}

/** Keeps the answer under a ref. `order`: the result holds the order as it stands now, 0 = none. */
export function keepResult(
  turn: Turn,
  space: number,
  subject: number,
  ref: string,
  method: number,
  paramsHash: number,
  result: object,
  order = 0,
): void {
  turn.record({
    type: Facts.keyKept,
    space,
    subject,
    key: ref,
    method,
    paramsHash,
    at: turn.nowMs,
    code: 0,
    order,
    text: JSON.stringify(result),
  });
}

/** Keeps a refusal, if it is of the kind that is kept. A key that is running is ended by any. */
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
  const { books } = turn;
  if ((!row.stored || refusal.ofText) && !isRunning(space === spaces.order ? books.keys : books.refs)) return;
  turn.record({
    type: Facts.keyKept,
    space,
    subject,
    key,
    method,
    paramsHash,
    at: firstMadeAt(turn, key, at),
    code: row.number,
    order: 0,
    text: refusal.details ? JSON.stringify(refusal.details) : "",
  });

  function isRunning(kept: KeyTable): boolean {
    const entry = kept.find(space, subject, key);
    return entry >= 0 && kept.code(entry) === running;
  }
}

/** How many of the oldest keys are due to be dropped now. */
export function keysDue(turn: Turn): number {
  const { keys } = turn.books;
  // Keys of live orders would only go to the end of the queue again.
  const tooMany =
    keys.count - Math.max(turn.settings.keysMax, turn.books.liveKeys + turn.books.transactions.open.size);
  if (tooMany > 0) return Math.min(tooMany, keysDroppedPerStep);
  const { start, end } = keys.rows;
  const until = Math.min(end, start + keysDroppedPerStep);
  let entry = start;
  while (entry < until && keys.doneAt(entry) + turn.settings.keysKeepMs <= turn.runningMs) entry++;
  return entry - start;
}
