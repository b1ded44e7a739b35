/**
 * `payment.notify`: money from outside. Whatever it turns out to be, it is booked first, all of it to suspense, and leaves
 * there in the same turn: to its order, back to the payer, or into the hands of a human. The provider's word may come
 * twice, late, or for an order that never was; the buyer's own call may come at the same time. Both are turns of one thread.
 *
 * N1  (provider, paymentId) is booked once, on the shard of that name, whatever order it is said to be for; the same word
 *     again gets the same answer. When the order lives on another shard the money follows by message, and the answer waits.
 * N2  What is booked is applied, asked to be refunded, or named in an item for a human: to the cent, in the same turn.
 */

import { Facts } from "../actors/facts.js";
import { currencyCode, currencyNumber, parsePositiveAmount } from "../actors/money.js";
import { isClosed, type Order } from "../actors/order.js";
import { orderSlot, parseOrderId, refundId, slotOf } from "../actors/order-number.js";
import { Statuses } from "../actors/order-transitions.js";
import { type Outcome, outcomeOf } from "../actors/payment.js";
import { refundSources } from "../actors/postings.js";
import { decideTake } from "../actors/product.js";
import { refuse } from "../actors/results.js";
import { answerRefusal, answerResult, orderView } from "./answers.js";
import type { NotifyPayment } from "./commands.js";
import {
  answerWaiting,
  keepResult,
  keepRunning,
  keyedMethods,
  settledByRef,
  waitForRef,
} from "./exactly-once.js";
import { spaces } from "./key-table.js";
import { isArchived, placedOrder } from "./look-order.js";
import { encodeMessage, type MessageOf } from "./messages.js";
import { endHolds } from "./move-order.js";
import { viewToResult } from "./order-result.js";
import { ParamsHash } from "./params-hash.js";
import { grantPoints } from "./points.js";
import { openPaymentItem } from "./refund-calls.js";
import { askRefund } from "./refunds.js";
import { shardOfSlot } from "./slots.js";
import type { Turn } from "./turn.js";

const hash = new ParamsHash();
const method = keyedMethods["payment.notify"];

/** Money that lies in suspense. */
export interface Payment {
  readonly number: number;
  readonly provider: string;
  readonly paymentId: string;
  /** The order's id, as the provider knows it. */
  readonly reference: string;
  readonly currency: number;
  readonly amount: number;
}

/** What was done about it. `refund` is the number of a refund that was asked for, or 0. */
interface Settled {
  readonly outcome: Outcome;
  readonly money: "applied" | "kept" | "refunded" | "reinstated" | "suspense";
  readonly refund: number;
}

export function notifyPayment(turn: Turn, command: NotifyPayment): void {
  const { provider, paymentId, order: reference } = command;
  const currency = currencyNumber(command.currency);
  if (currency === undefined) {
    const details = { path: "params.currency", reason: "not a known currency" };
    answerRefusal(turn, command, refuse("invalid_request", details));
    return;
  }
  const amount = parsePositiveAmount(command.amount, currency);
  if (typeof amount !== "number") {
    answerRefusal(turn, command, amount);
    return;
  }
  const key = `${provider}:${paymentId}`;
  const paramsHash = hash.begin(method).text(reference).number(amount).number(currency).end();
  if (settledByRef(turn, command, spaces.payment, 0, key, paramsHash)) return;

  const number = turn.books.dossiers.paymentSequence + 1;
  const payment: Payment = { number, provider, paymentId, reference, currency, amount };
  turn.record({
    type: Facts.paymentBooked,
    payment: number,
    provider,
    paymentId,
    reference,
    currency,
    amount,
  });
  if (livesElsewhere(turn, reference)) {
    keepRunning(turn, spaces.payment, 0, key, method, paramsHash);
    forwardPayment(turn, payment);
    waitForRef(turn, command, spaces.payment, 0, key);
    return;
  }
  const result = takePayment(turn, payment);
  const order = placedOrder(turn, reference);
  const whole = { ...result, order: orderOf(turn, order) };
  // Beside an order that is kept as it stands now the text holds the rest. It is the whole answer without an order; for one that
  // is closed, of which what is kept does not tell that nothing was next; and for one that is still to be paid: this name is
  // kept for ever, and when the order is archived nobody remembers by when that was.
  const { books } = turn;
  const seen = order === undefined ? undefined : books.orders.read(order, books.order);
  const asItStands = order !== undefined && seen!.status !== Statuses.Created && !isClosed(seen!, turn.nowMs);
  const kept = asItStands ? result : whole;
  keepResult(turn, spaces.payment, 0, key, method, paramsHash, kept, asItStands ? order : 0);
  answerResult(turn, command, whole);
}

/** Takes a payment that lies in suspense to where it belongs. What is told of it, but for the order. */
function takePayment(turn: Turn, payment: Payment): object {
  const why = whySuspended(turn, payment);
  if (why) openPaymentItem(turn, payment, why.error);
  const { outcome, money, refund } = why ? suspended(why.outcome) : settlePayment(turn, payment);
  return { outcome, money, refund: refund === 0 ? null : refundId(refund) };
}

/** Whether the order, if it exists, is on another shard than its payment's name. */
function livesElsewhere(turn: Turn, reference: string): boolean {
  const number = parseOrderId(reference);
  return number !== undefined && shardOfSlot(orderSlot(number), turn.shards) !== turn.shard;
}

function forwardPayment(turn: Turn, payment: Payment): void {
  const { number, provider, paymentId, reference, currency, amount } = payment;
  const order = parseOrderId(reference)!;
  const peer = shardOfSlot(orderSlot(order), turn.shards);
  turn.record({ type: Facts.paymentForwarded, payment: number, provider, paymentId, currency, amount, peer });
  const message = { kind: "payment", order, branch: number, provider, paymentId, reference } as const;
  turn.record({ type: Facts.messageSent, peer, body: encodeMessage({ ...message, currency, amount }) });
}

/** A payment comes from the shard of its name; what becomes of it goes back there. */
export function takeForwarded(
  turn: Turn,
  { order, branch, provider, paymentId, reference, currency, amount }: MessageOf<"payment">,
): void {
  const peer = shardOfSlot(slotOf(`${provider}:${paymentId}`), turn.shards);
  const number = turn.books.dossiers.paymentSequence + 1;
  const name = { payment: number, provider, paymentId, reference };
  turn.record({ type: Facts.paymentArrived, ...name, currency, amount, peer });
  const result = takePayment(turn, { number, provider, paymentId, reference, currency, amount });
  const text = JSON.stringify({ ...result, order: orderOf(turn, placedOrder(turn, reference)) });
  const body = encodeMessage({ kind: "settled", order, branch, provider, paymentId, text });
  turn.record({ type: Facts.messageSent, peer, body });
}

/** The word of the order's shard: kept under the payment's name, and told to whoever waits. */
export function takeSettled(turn: Turn, { provider, paymentId, text }: MessageOf<"settled">): void {
  const key = `${provider}:${paymentId}`;
  const { refs } = turn.books;
  const { paramsHash } = refs.read(refs.find(spaces.payment, 0, key));
  const result = JSON.parse(text) as object;
  keepResult(turn, spaces.payment, 0, key, method, paramsHash, result);
  answerWaiting(turn, spaces.payment, 0, key, result);
}

/** Takes a payment out of suspense. It must belong to an order: `whySuspended` says so. */
export function settlePayment(turn: Turn, payment: Payment): Settled {
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

function suspended(outcome: Outcome): Settled {
  return { outcome, money: "suspense", refund: 0 };
}

function pay(turn: Turn, payment: Payment, number: number, due: number): Settled {
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
  // Across shards the products would have to be asked first, and the money would have nowhere to wait.
  if (books.orders.isCrossed(order.number) || order.paid > 0 || amount < order.total) return false;
  const { number, account } = order;
  let all = true;
  books.orders.eachLine(number, (handle, qty) => {
    if (decideTake(books.products[handle]!, account, qty, nowMs)) all = false;
  });
  return all;
}

function reinstate(turn: Turn, payment: Payment, order: Order): Settled {
  const { books } = turn;
  const { number, account, total } = order;
  books.orders.eachLine(number, (product, qty) => {
    const available = books.products[product]!.available - qty;
    turn.record({ type: Facts.stockSold, product, order: number, account, qty, available });
  });
  apply(turn, payment, number, total);
  turn.record({ type: Facts.orderReinstated, order: number });
  grantPoints(turn, number, "paid");
  return { outcome: "late_payment", money: "reinstated", refund: surplusOf(turn, payment, number, total) };
}

function apply(turn: Turn, payment: Payment, order: number, amount: number): void {
  const { number, provider, paymentId, currency } = payment;
  turn.record({ type: Facts.paymentApplied, payment: number, order, provider, paymentId, currency, amount });
}

function surplusOf(turn: Turn, payment: Payment, order: number, due: number): number {
  const surplus = payment.amount - due;
  return surplus === 0 ? 0 : refundFromSuspense(turn, payment, order, surplus, "more than was due");
}

function giveBack(turn: Turn, payment: Payment, outcome: Outcome, order: number, amount: number): Settled {
  const reason = `${outcome.replace("_", " ")} for ${payment.reference}`;
  const refund = refundFromSuspense(turn, payment, order, amount, reason);
  return { outcome, money: "refunded", refund };
}

function refundFromSuspense(
  turn: Turn,
  payment: Payment,
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
  { reference, currency }: Payment,
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

function orderOf(turn: Turn, number: number | undefined): object | null {
  return number === undefined ? null : viewToResult(orderView(turn.books, number, turn.nowMs));
}
