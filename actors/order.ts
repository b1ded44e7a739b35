/**
 * An order: what was agreed, and where it stands. It alone decides when its hold has ended.
 *
 * O1  An order is in exactly one status of the table, and moves only along its rows.
 * O2  paid = total in Paid; paid = 0 in Created and Canceled.
 * O3  At engine time >= expiresAt a Created order is expired, whether or not a timer has run.
 */

import { type FactOf, Facts } from "./facts.js";
import { invalidTransition, type OrderEvent, Statuses, statusAfter } from "./order-transitions.js";
import { type Refusal, refuse } from "./results.js";

export interface Order {
  number: number;
  account: number;
  currency: number;
  status: number;
  /** Moves made, the placement included. */
  version: number;
  total: number;
  paid: number;
  refunded: number;
  /** ms; what the buyer is told. 0 = paid as it was placed. Kept when the order moves on, for replayed answers. */
  payBy: number;
  /** ms; payBy and the grace. Means something while the order is Created. */
  expiresAt: number;
  /** Microseconds. */
  createdAt: number;
  /** 0 unless some were given for it. */
  points: number;
}

/** Whether `event` may happen to the order now. */
export function decideEvent(order: Order, event: OrderEvent, nowMs: number): Refusal | undefined {
  if (statusAfter(order.status, event) === undefined) return invalidTransition(order.status, event);
  if (event === "pay" && isExpired(order, nowMs)) return refuse("hold_expired");
  return undefined;
}

export function isExpired(order: Order, nowMs: number): boolean {
  return order.status === Statuses.Created && order.expiresAt !== 0 && nowMs >= order.expiresAt;
}

type MoveFact = FactOf<"orderPaid"> | FactOf<"orderCanceled">;

/** Applies a move. Throws when the log contradicts itself. */
export function evolveOrder(order: Order, fact: MoveFact): void {
  const event: OrderEvent = fact.type === Facts.orderPaid ? "pay" : "cancel";
  const status = statusAfter(order.status, event);
  if (status === undefined) throw new Error(`order ${order.number}: ${event} in status ${order.status}`);
  order.status = status;
  order.version++;
  if (fact.type === Facts.orderPaid) order.paid += fact.amount;
}

export function deadlines(
  nowMs: number,
  payWithinMs: number,
  graceMs: number,
): { payBy: number; expiresAt: number } {
  const payBy = nowMs + payWithinMs;
  return { payBy, expiresAt: payBy + graceMs };
}
