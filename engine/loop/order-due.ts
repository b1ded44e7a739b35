/** A timer fired. Whether it still means anything, the order itself says: one that has moved on is left alone. */

import { Facts } from "../../actors/facts.js";
import { isExpired } from "../../actors/order.js";
import { isTerminal, Statuses } from "../../actors/order-transitions.js";
import { expirePending } from "../cross-shard/cross-shard.js";
import { autoConfirm } from "../orders/advance-order.js";
import { causes, recordCancel } from "../orders/move-order.js";
import { expireReinstatement } from "../payments/reinstate-order.js";
import { archiveRetryMs } from "../seams/limits.js";
import type { Turn } from "../turns/turn.js";

export function orderDue(turn: Turn, number: number): void {
  const { books, nowMs } = turn;
  const pending = books.pending.get(number);
  if (pending) {
    expirePending(turn, pending);
    return;
  }
  const reinstatement = books.reinstatements.get(number);
  if (reinstatement) {
    if (nowMs >= reinstatement.expiresAt) expireReinstatement(turn, reinstatement);
    return;
  }
  if (!books.orders.has(number)) return;
  const order = books.orders.read(number, books.order);
  if (order.dueAt === 0 || order.dueAt > nowMs) return;
  if (isExpired(order, nowMs)) recordCancel(turn, order, causes.deadline, "the time to pay has passed");
  else if (isAfterShipment(order.status)) autoConfirm(turn, number);
  else if (isTerminal(order.status) || order.status === Statuses.Completed) archive(turn, number);
}

function isAfterShipment(status: number): boolean {
  return status === Statuses.Shipped || status === Statuses.Shipping || status === Statuses.Delivered;
}

/**
 * Nothing can happen to the order any more. It stays until every key that it is the result of is gone, so that a stored answer
 * can be given again whole, and until its refunds have ended; then what it earned is revenue.
 */
function archive(turn: Turn, number: number): void {
  const { books, nowMs, settings } = turn;
  const order = books.orders.read(number, books.order);
  const at = order.dueAt + settings.keysKeepMs;
  // Whoever drops its last key comes back to it (`keysDropped`).
  if (books.orders.keys(number) > 0) return;
  const refundsEnded = (books.afterSales.get(number)?.openRefunds ?? 0) === 0;
  if (nowMs < at) books.timers.add(at, number);
  else if (!refundsEnded) books.timers.add(nowMs + archiveRetryMs, number);
  else {
    const { currency, paid, refunded } = order;
    turn.record({ type: Facts.orderArchived, order: number, currency, amount: paid - refunded });
  }
}
