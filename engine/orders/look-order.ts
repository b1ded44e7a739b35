/** Looking at orders, and at what became of a key. An order that was archived is read from the read side. */

import { orderSlot, parseOrderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { refuse } from "../../actors/results.js";
import { shardOfSlot } from "../links/slots.js";
import type { GetOrder, LookupOrder } from "../seams/commands.js";
import { running, spaces } from "../tables/key-table.js";
import {
  answerOrder,
  answerRefusal,
  answerResult,
  askDeferred,
  keptRefusal,
  withKeptOrder,
} from "../turns/answers.js";
import type { Turn } from "../turns/turn.js";

export function getOrder(turn: Turn, command: GetOrder): void {
  const order = placedOrder(turn, command.order);
  if (order !== undefined) answerOrder(turn, command, order);
  else if (isArchived(turn, command.order)) askDeferred(turn, command);
  else answerRefusal(turn, command, refuse("order_not_found"));
}

/** The moves of an order come from the read side, once it has come as far as this turn. */
export function orderHistory(turn: Turn, command: GetOrder): void {
  const known = placedOrder(turn, command.order) !== undefined || isArchived(turn, command.order);
  if (known) askDeferred(turn, command);
  else answerRefusal(turn, command, refuse("order_not_found"));
}

/** What became of a key: never seen, still running, or its stored answer. */
export function lookupOrder(turn: Turn, command: LookupOrder): void {
  const { accountByName, keys } = turn.books;
  const account = accountByName.get(command.account);
  const entry = account ? keys.find(spaces.order, account.handle, command.key) : -1;
  if (entry < 0) {
    answerResult(turn, command, { state: "never_seen" });
    return;
  }
  const kept = keys.read(entry);
  if (kept.code === running) answerResult(turn, command, { state: "running" });
  else if (kept.code !== 0) answerResult(turn, command, { state: "found", error: keptRefusal(kept) });
  else if (kept.order === 0)
    answerResult(turn, command, { state: "found", result: JSON.parse(kept.text) as object });
  else
    withKeptOrder(turn, command, kept, (order) => {
      const result = kept.text === "" ? order : { ...(JSON.parse(kept.text) as object), order };
      answerResult(turn, command, { state: "found", result });
    });
}

/** The number of an order that can be seen here. */
export function placedOrder(turn: Turn, id: string): number | undefined {
  const number = parseOrderId(id);
  const { orders } = turn.books;
  if (number === undefined || !orders.has(number) || orders.status(number) === Statuses.None)
    return undefined;
  return number;
}

/**
 * It was here, and the read side alone remembers it. The books know of a dropped order that its sequence is gone, and every
 * shard counts its own: an order of another shard was never here.
 *
 * An order across shards that was refused is gone in the same way, though it was never placed. To tell it from an archived one would
 * take a bit for every number ever given out (I17), or the read side, which a payment cannot wait for: it is booked and has left
 * suspense in one turn (NOTIFY-PAYMENT-2). Nobody was told such a number; money that names it by mistake goes back.
 */
export function isArchived(turn: Turn, id: string): boolean {
  const number = parseOrderId(id);
  if (number === undefined || shardOfSlot(orderSlot(number), turn.shards) !== turn.shard) return false;
  return turn.books.orders.wasDropped(number);
}
