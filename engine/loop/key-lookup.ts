/**
 * Which requests a key protects, and whether something stands under it already.
 *
 * A refusal says `executed: false` only when that is known: the key was looked up and nothing was found, or the method has none.
 *
 *   where it is refused                                  code                                    executed
 *   the text of the request alone                        invalid_request, invalid_amount         false: this text was never run
 *   before the key: connection, drain, mailbox           unauthenticated, overloaded, ...        "unknown" with a key
 *   in a turn, and something stands under the key        -                                       its stored answer, whatever stands against new work
 *   in a turn, nothing stands under the key              overloaded, deadline_exceeded, ...      false
 */

import type { Account } from "../../actors/account.js";
import { type KeyedMethod, keyedMethods } from "../../actors/keyed-methods.js";
import { placedOrder } from "../orders/look-order.js";
import type { ClaimToken, Command, Method } from "../seams/commands.js";
import { claimantOf, isClaimedElsewhere } from "../turns/tokens.js";
import type { Turn } from "../turns/turn.js";
import { methods } from "./methods.js";

export function isKeyedMethod(method: Method | "session.ping"): method is KeyedMethod {
  return method in keyedMethods;
}

/** Whether the command can have had its effect already, by an attempt before this one. */
export function hasKey(command: Command): boolean {
  const { key } = methods[command.method];
  return key !== undefined && command[key.param as keyof Command] !== undefined;
}

/** Whether its key holds an answer, or its first attempt still runs: then it is answered and does nothing new. */
export function isKnownKey(turn: Turn, command: Command): boolean {
  const isKnown = methods[command.method].key?.isKnown as
    | ((turn: Turn, command: Command) => boolean)
    | undefined;
  return isKnown?.(turn, command) ?? false;
}

/** What the shard of an issued token is asked before a request of another shard's account runs under it (TOKENS-1). */
export function claimElsewhere(turn: Turn, command: Command): ClaimToken | undefined {
  if (turn.shards === 1 || !("key" in command) || command.method === "order.lookup") return undefined;
  const { key: token } = command;
  if (!isClaimedElsewhere(turn, token)) return undefined;
  const account = claimantOf(command, ownerOfKey(turn, command));
  if (account === undefined || isKnownKey(turn, command)) return undefined;
  const { requester, id, refuseAfter } = command;
  return { method: "token.claim", token, account, requester, id, refuseAfter };
}

function ownerOfKey(turn: Turn, command: Command): Account | undefined {
  const { books } = turn;
  if ("account" in command && command.account !== undefined) return books.accountByName.get(command.account);
  const number =
    "order" in command && command.order !== undefined ? placedOrder(turn, command.order) : undefined;
  return number === undefined ? undefined : books.accounts[books.orders.account(number)];
}
