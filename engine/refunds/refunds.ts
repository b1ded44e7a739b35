/**
 * Refunds from their intent to their end, whoever wanted them: a buyer, an order that ended with money in it, a payment
 * that nobody needed.
 *
 *   asked ──▶ wallet: done in the same turn
 *     │
 *     └─────▶ provider: done, refused, or unknown ──▶ done, refused
 *
 * REFUNDS-1  The intent is in the log before anybody outside is told, and its number is what the provider is told: asked twice, it
 *            is still one refund.
 * REFUNDS-2  Without an answer a refund is unknown. It stays payable until somebody knows; it is never sent as another one.
 * REFUNDS-3  A refund ends once.
 */

import { Facts, type LineShare } from "../../actors/facts.js";
import { orderNumber, orderSlot } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import { sendToBranch } from "../cross-shard/cross-shard-run.js";
import { firstSlot } from "../links/slots.js";
import { linesLeft } from "../orders/lines-left.js";
import { recordMove, systemOperator } from "../orders/order-moves.js";
import { reversePoints } from "../orders/points.js";
import type { Refund } from "../tables/after-sales.js";
import type { Turn } from "../turns/turn.js";
import { askProvider, endCalls, openRefundItem } from "./refund-calls.js";

export interface RefundWanted {
  /** 0 = none that is still in the books. */
  readonly order: number;
  readonly source: number;
  readonly amount: number;
  /** "" = the wallet of the order's account. */
  readonly provider: string;
  readonly paymentId: string;
  readonly reason: string;
  readonly restock: boolean;
  readonly shares: readonly LineShare[];
  /** Without an order; otherwise the order's. */
  readonly currency?: number;
}

/** Records the intent, and what follows from it at once. The number of the refund. */
export function askRefund(turn: Turn, wanted: RefundWanted): number {
  return askRefunds(turn, [wanted])[0]!;
}

/** The same for parts of one refund: all are asked for before the first can end, so that it does not look like the last. */
export function askRefunds(turn: Turn, wanted: readonly RefundWanted[]): number[] {
  const numbers = wanted.map((each) => recordAsked(turn, each));
  for (const number of numbers) {
    const asked = turn.books.afterSales.refunds.get(number)!;
    if (asked.provider === "") refundDone(turn, asked, "");
    else askProvider(turn, asked);
  }
  return numbers;
}

function recordAsked(turn: Turn, wanted: RefundWanted): number {
  const { books } = turn;
  const { order, source, amount, provider, paymentId, reason, restock, shares } = wanted;
  const known = books.orders.has(order) ? books.orders.read(order, books.order) : undefined;
  const slot = order === 0 ? firstSlot(turn.shard, turn.shards) : orderSlot(order);
  const refund = orderNumber(books.afterSales.refundSequence + 1, slot);
  turn.record({
    type: Facts.refundRequested,
    refund,
    order,
    source,
    account: known?.account ?? 0,
    currency: wanted.currency ?? known!.currency,
    amount,
    provider,
    paymentId,
    restock: restock ? 1 : 0,
    reason,
    shares,
  });
  return refund;
}

/** The money is where it came from. `ref`: what the provider calls it. */
export function refundDone(turn: Turn, refund: Refund, ref: string): void {
  turn.record({ type: Facts.refundDone, ...endOf(refund), ref });
  endCalls(turn, refund);
  if (refund.source !== refundSources.order) return;
  if (refund.restock) returnUnits(turn, refund);
  reversePoints(turn, refund.order);
  closeRefunds(turn, refund.order);
}

/**
 * The provider will not do it, and has not. The money is the order's again; where there is no order that could keep it, the
 * refund stays open and a human has to find another way.
 */
export function refundRefused(turn: Turn, refund: Refund, ref: string): void {
  const { orders } = turn.books;
  const { order, source } = refund;
  const canKeep = source === refundSources.order && orders.status(order) !== Statuses.Canceled;
  if (!canKeep) {
    refundUnknown(turn, refund, `refused: ${ref}`);
    openRefundItem(turn, refund, `the provider refuses it, and no order can keep the money: ${ref}`, 1);
    return;
  }
  turn.record({ type: Facts.refundRefused, ...endOf(refund), ref });
  endCalls(turn, refund);
  closeRefunds(turn, order);
}

/** Nobody knows. */
export function refundUnknown(turn: Turn, refund: Refund, error: string): void {
  turn.record({ type: Facts.refundUnknown, refund: refund.number, error });
}

/** When the last refund of an order has ended, the order goes on, or it is refunded. */
export function closeRefunds(turn: Turn, number: number): void {
  const { books } = turn;
  if (books.afterSales.get(number)!.refunding > 0) return;
  const order = books.orders.read(number, books.order);
  if (order.status !== Statuses.Refunding) return;
  const all = order.refunded === order.paid && (order.paid > 0 || !hasUnitsLeft(turn, number));
  const event = all ? "refund_all_done" : "refund_ended";
  recordMove(turn, number, event, { operator: systemOperator });
}

/** Of a free order: what is left of it is units, and no money. */
function hasUnitsLeft(turn: Turn, number: number): boolean {
  return linesLeft(turn, number).some(({ qty }) => qty > 0);
}

function returnUnits(turn: Turn, { order, account, shares }: Refund): void {
  const { books } = turn;
  const lines: { handle: number; qty: number; branch: number }[] = [];
  books.orders.eachLine(order, (handle, _qty, _price, branch) => {
    const qty = shares.reduce((sum, share) => sum + (share.line === branch ? share.qty : 0), 0);
    if (qty > 0) lines.push({ handle, qty, branch });
  });
  for (const { handle, qty, branch } of lines) {
    const product = books.products[handle]!;
    if (books.orders.isCrossed(order)) {
      const buyer = books.accounts[account]!.id;
      const returned = { order, branch, product: product.id, qty, account: buyer };
      sendToBranch(turn, product.id, { kind: "return", ...returned });
      continue;
    }
    const available = product.available + qty;
    turn.record({ type: Facts.stockReturned, product: handle, order, account, qty, available });
  }
}

function endOf({ number, order, source, account, currency, amount, provider }: Refund) {
  return { refund: number, order, source, account, currency, amount, provider };
}
