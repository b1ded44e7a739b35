/**
 * Money from outside that lies in suspense: what it turns out to be for, and where it goes.
 *
 * SETTLE-PAYMENT-1  What is settled is applied to its order, asked to be refunded, or stays for a human: to the cent, in the same turn.
 */

import { Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import type { Order } from "../../actors/order.js";
import { parseOrderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { type Outcome, outcomeOf } from "../../actors/payment.js";
import { refundSources } from "../../actors/postings.js";
import { decideTake } from "../../actors/product.js";
import { isArchived, placedOrder } from "../orders/look-order.js";
import { endHolds } from "../orders/move-order.js";
import { grantPoints } from "../orders/points.js";
import type { SuspendedPayment } from "../refunds/refund-calls.js";
import { askRefund } from "../refunds/refunds.js";
import type { Turn } from "../turns/turn.js";

/** What was done about it. `refund` is the number of a refund that was asked for, or 0. */
export interface Settled {
  readonly outcome: Outcome;
  readonly money: "applied" | "kept" | "refunded" | "reinstated" | "suspense";
  readonly refund: number;
}

/** Takes a payment out of suspense. It must belong to an order: `whySuspended` says so. */
export function settlePayment(turn: Turn, payment: SuspendedPayment): Settled {
  const { books } = turn;
  const { reference, amount } = payment;
  const number = placedOrder(turn, reference);
  if (number === undefined) return giveBack(turn, payment, "late_payment", parseOrderId(reference)!, amount);
  const order = books.orders.read(number, books.order);
  const due = order.total - order.paid;
  const outcome = outcomeOf(order.status, amount, due);
  switch (outcome) {
    case "paid":
      return pay(turn, payment, number, due);
    case "partially_paid":
      apply(turn, payment, number, amount);
      return { outcome, money: "kept", refund: 0 };
    case "late_payment":
      return canReinstate(turn, order, amount)
        ? reinstate(turn, payment, order)
        : giveBack(turn, payment, outcome, number, amount);
    default:
      return giveBack(turn, payment, outcome, number, amount);
  }
}

function pay(turn: Turn, payment: SuspendedPayment, number: number, due: number): Settled {
  endHolds(turn, number, "confirm");
  apply(turn, payment, number, due);
  turn.record({ type: Facts.orderSettled, order: number });
  grantPoints(turn, number, "paid");
  return { outcome: "paid", money: "applied", refund: surplusOf(turn, payment, number, due) };
}

/** It was canceled, and everything can be taken once more. What was paid in part is on its way back, so it cannot count. */
function canReinstate(turn: Turn, order: Order, amount: number): boolean {
  const { books, settings, nowMs } = turn;
  if (settings.latePayment !== "reinstate" || order.status !== Statuses.Canceled) return false;
  // Across shards the products have to be asked first: that is `reinstatement-order`.
  if (books.orders.isCrossed(order.number) || order.paid > 0 || amount < order.total) return false;
  // Money cannot be late for an order that never asked for any.
  if (order.total === 0) return false;
  const { number, account } = order;
  let all = true;
  books.orders.eachLine(number, (handle, qty) => {
    if (decideTake(books.products[handle]!, account, qty, nowMs)) all = false;
  });
  return all;
}

function reinstate(turn: Turn, payment: SuspendedPayment, order: Order): Settled {
  const { books } = turn;
  const { number, account } = order;
  books.orders.eachLine(number, (product, qty) => {
    const available = books.products[product]!.available - qty;
    turn.record({ type: Facts.stockSold, product, order: number, account, qty, available });
  });
  return recordReinstated(turn, payment, number);
}

/** The order has its units again. */
export function recordReinstated(turn: Turn, payment: SuspendedPayment, order: number): Settled {
  const { total } = turn.books.orders.read(order, turn.books.order);
  apply(turn, payment, order, total);
  turn.record({ type: Facts.orderReinstated, order });
  grantPoints(turn, order, "paid");
  return { outcome: "late_payment", money: "reinstated", refund: surplusOf(turn, payment, order, total) };
}

function apply(turn: Turn, payment: SuspendedPayment, order: number, amount: number): void {
  const { number, provider, paymentId, currency } = payment;
  turn.record({ type: Facts.paymentApplied, payment: number, order, provider, paymentId, currency, amount });
}

function surplusOf(turn: Turn, payment: SuspendedPayment, order: number, due: number): number {
  const surplus = payment.amount - due;
  return surplus === 0 ? 0 : refundFromSuspense(turn, payment, order, surplus, "more than was due");
}

export function giveBack(
  turn: Turn,
  payment: SuspendedPayment,
  outcome: Outcome,
  order: number,
  amount: number,
): Settled {
  const reason = `${outcome.replace("_", " ")} for ${payment.reference}`;
  const refund = refundFromSuspense(turn, payment, order, amount, reason);
  return { outcome, money: "refunded", refund };
}

function refundFromSuspense(
  turn: Turn,
  payment: SuspendedPayment,
  order: number,
  amount: number,
  reason: string,
): number {
  const { provider, paymentId, currency } = payment;
  const source = refundSources.suspense;
  const more = { reason, restock: false, shares: [], currency };
  return askRefund(turn, { order, source, amount, provider, paymentId, ...more });
}

/** Why a payment belongs to no order here; undefined when it does. */
export function whySuspended(
  turn: Turn,
  { reference, currency }: SuspendedPayment,
): { code: "order_not_found" | "currency_mismatch"; outcome: Outcome; error: string } | undefined {
  const { orders, order: row } = turn.books;
  const number = placedOrder(turn, reference);
  if (number !== undefined) {
    if (orders.read(number, row).currency === currency) return undefined;
    const error = `the order is not in ${currencyCode(currency)}`;
    return { code: "currency_mismatch", outcome: "currency_mismatch", error };
  }
  if (isArchived(turn, reference)) return undefined;
  return { code: "order_not_found", outcome: "unmatched_payment", error: `there is no order ${reference}` };
}
