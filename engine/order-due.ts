/** A timer fired. Whether it still means anything, the order itself says: one that has moved on is left alone. */

import { Facts } from "../actors/facts.js";
import { isExpired } from "../actors/order.js";
import { isTerminal, Statuses } from "../actors/order-transitions.js";
import { refuse } from "../actors/results.js";
import { autoConfirm } from "./advance-order.js";
import { refusePending } from "./crossing.js";
import { archiveRetryMs } from "./limits.js";
import { causes, recordCancel } from "./move-order.js";
import type { Turn } from "./turn.js";

export function orderDue(turn: Turn, number: number): void {
  const { books, nowMs } = turn;
  const pending = books.pending.get(number);
  if (pending) {
    refusePending(turn, pending, refuse("hold_expired"));
    return;
  }
  if (!books.orders.has(number)) return;
  const order = books.orders.read(number, books.order);
  if (order.dueAt === 0 || order.dueAt > nowMs) return;
  if (isExpired(order, nowMs)) recordCancel(turn, order, causes.deadline, "the time to pay has passed");
  else if (isAtSea(order.status)) autoConfirm(turn, number);
  else if (isTerminal(order.status) || order.status === Statuses.Completed) archive(turn, number);
}

function isAtSea(status: number): boolean {
  return status === Statuses.Shipped || status === Statuses.Shipping || status === Statuses.Delivered;
}

/**
 * Nothing can happen to the order any more. It stays until every key that was used for it is gone (the keys stand in the
 * order of their time, so the oldest one tells), and until its refunds have ended; then what it earned is revenue.
 */
function archive(turn: Turn, number: number): void {
  const { books, nowMs, settings } = turn;
  const order = books.orders.read(number, books.order);
  const { keys } = books;
  const at = order.dueAt + settings.keysKeepMs;
  const keysGone = keys.count === 0 || keys.doneAt(keys.rows.start) > order.dueAt;
  const refundsEnded = (books.dossiers.get(number)?.openRefunds ?? 0) === 0;
  if (nowMs < at) books.timers.add(at, number);
  else if (!keysGone || !refundsEnded) books.timers.add(nowMs + archiveRetryMs, number);
  else {
    const { currency, paid, refunded } = order;
    turn.record({ type: Facts.orderArchived, order: number, currency, amount: paid - refunded });
  }
}
