/** One move of an order along its table, recorded. */

import { Facts } from "../../actors/facts.js";
import { back, type OrderEvent, OrderEvents, statusAfter } from "../../actors/order-transitions.js";
import type { Turn } from "../turns/turn.js";

export interface MoveWords {
  readonly operator?: string | undefined;
  readonly remark?: string | undefined;
  readonly tracking?: string | undefined;
}

/** Who moved it when nobody asked for it. */
export const systemOperator = "engine";

/** Who asked for a placement, a payment or a cancellation, whose own facts do not say. */
export function nameOperator(turn: Turn, order: number, operator: string | undefined): void {
  if (operator) turn.record({ type: Facts.operatorNamed, order, operator });
}

/** What the shop says of the order that was placed in this turn. */
export function describeOrder(turn: Turn, order: number, account: number, ref: string, data: string): void {
  if (ref !== "" || data !== "") turn.record({ type: Facts.orderDescribed, order, account, ref, data });
}

/** The event must be allowed. `dueAt`: when the order moves on by itself; left out, it stays as it is. */
export function recordMove(
  turn: Turn,
  number: number,
  event: OrderEvent,
  words: MoveWords,
  dueAt?: number,
): void {
  const { books } = turn;
  const order = books.orders.read(number, books.order);
  const target = statusAfter(order.status, event);
  if (target === undefined) throw new Error(`order ${number}: ${event} in status ${order.status}`);
  const afterSale = books.afterSales.get(number);
  const from = event === "resolve_keep" ? afterSale?.disputeFrom : afterSale?.refundFrom;
  turn.record({
    type: Facts.orderMoved,
    order: number,
    event: OrderEvents[event],
    to: target === back ? from! : target,
    dueAt: dueAt ?? order.dueAt,
    operator: words.operator ?? "",
    remark: words.remark ?? "",
    tracking: words.tracking ?? "",
  });
}
