/**
 * Names of accounts. One that was asked for and never opened is kept all the same when something is kept under it: the key of a
 * refused order, which must not run later; what it bought on this shard, when its own is another. Only the first can be made
 * grow by strangers, so accounts at home here that were never opened are counted and bounded.
 */

import type { Account } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { accountsUnopenedMax, retryAfterMs } from "../seams/limits.js";
import type { Turn } from "./turn.js";

/** The account of that name; named now if nobody asked for it before. */
export function nameAccount(turn: Turn, id: string): Account {
  const known = turn.books.accountByName.get(id);
  if (known) return known;
  turn.record({ type: Facts.accountNamed, id });
  turn.unopened.named(id);
  return turn.books.accountByName.get(id)!;
}

/** The same for what is refused, or why it is not named: then nothing is kept, and the same key may run when there is room. */
export function nameRefused(turn: Turn, id: string): Account | Refusal {
  const known = turn.books.accountByName.get(id);
  if (known) return known;
  if (turn.unopened.count < accountsUnopenedMax) return nameAccount(turn, id);
  const reason = "too many accounts that were never opened have been asked for: open the account first";
  return refuse("overloaded", { retryAfterMs, accountsUnopenedMax, reason });
}
