/**
 * An order: what was agreed, and where it stands. It alone decides when its hold has ended.
 *
 * ORDER-1  An order is in exactly one status of the table, and moves only along its rows.
 * ORDER-2  paid = total once it is paid; before, and when canceled, less: what came from outside and was not enough.
 * ORDER-3  At engine time >= dueAt a Created order is expired, whether or not a timer has run.
 * ORDER-4  refunded <= paid, and refunded = paid in Refunded.
 */

import { type FactOf, Facts } from "./facts.js";
import {
  back,
  invalidTransition,
  isForTotal,
  nextByPaid,
  type OrderEvent,
  orderEvents,
  Statuses,
  statusAfter,
} from "./order-transitions.js";
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
  /** Given back, and known to be. */
  refunded: number;
  /** ms; what the buyer is told. 0 = paid as it was placed. Kept when the order moves on, for replayed answers. */
  payBy: number;
  /**
   * ms; when the order moves on by itself, 0 = never. Created: payBy and the grace. Shipped, Shipping, Delivered: confirmed.
   * Completed: the end of the after-sale window. Canceled, Refunded: when it became so; its archive counts from there.
   */
  dueAt: number;
  /** Microseconds. */
  createdAt: number;
  /** Granted and not reversed. */
  points: number;
}

/** Whether `event` may happen to the order now. `asked`: the event as its caller named it. */
export function decideEvent(
  order: Order,
  event: OrderEvent,
  nowMs: number,
  asked: string = event,
): Refusal | undefined {
  const { status, total } = order;
  if (statusAfter(status, event) === undefined || !isForTotal(status, event, total) || isClosed(order, nowMs))
    return invalidTransition(status, asked, nextOf(order, nowMs));
  if (event === "pay" && isExpired(order, nowMs)) return refuse("hold_expired");
  return undefined;
}

/** What a caller may ask for now: `next` of the order, and `allowed` of a refusal. */
export function nextOf(order: Order, nowMs: number): readonly string[] {
  return isClosed(order, nowMs) ? nothing : nextByPaid(order.status, order.paid, order.refunded);
}

const nothing: readonly string[] = [];

export function isExpired(order: Order, nowMs: number): boolean {
  return order.status === Statuses.Created && order.dueAt !== 0 && nowMs >= order.dueAt;
}

/** Completed, and the time for refunds and disputes is over. */
export function isClosed(order: Order, nowMs: number): boolean {
  return order.status === Statuses.Completed && nowMs >= order.dueAt;
}

type MoveFact =
  | FactOf<"orderPaid">
  | FactOf<"orderCanceled">
  | FactOf<"orderSettled">
  | FactOf<"orderReinstated">
  | FactOf<"orderMoved">;

/** Applies a move of `timeMs`. Throws when the log contradicts itself. */
export function evolveOrder(order: Order, fact: MoveFact, timeMs: number): void {
  const event = eventOf(fact);
  const after = statusAfter(order.status, event);
  const to = after === back && fact.type === Facts.orderMoved ? fact.to : after;
  const isRow = to !== undefined && isForTotal(order.status, event, order.total);
  if (!isRow || to === back || (fact.type === Facts.orderMoved && to !== fact.to)) {
    throw new Error(`order ${order.number}: ${event} in status ${order.status}`);
  }
  order.status = to;
  order.version++;
  if (fact.type === Facts.orderPaid) order.paid += fact.amount;
  order.dueAt = dueAfter(fact, timeMs);
}

function eventOf(fact: MoveFact): OrderEvent {
  switch (fact.type) {
    case Facts.orderPaid:
    case Facts.orderSettled:
      return "pay";
    case Facts.orderCanceled:
      return "cancel";
    case Facts.orderReinstated:
      return "reinstate";
    case Facts.orderMoved:
      return orderEvents[fact.event]!;
  }
}

function dueAfter(fact: MoveFact, timeMs: number): number {
  if (fact.type === Facts.orderMoved) return fact.to === Statuses.Refunded ? timeMs : fact.dueAt;
  return fact.type === Facts.orderCanceled ? timeMs : 0;
}

export function deadlines(
  nowMs: number,
  payWithinMs: number,
  graceMs: number,
): { payBy: number; expiresAt: number } {
  const payBy = nowMs + payWithinMs;
  return { payBy, expiresAt: payBy + graceMs };
}
