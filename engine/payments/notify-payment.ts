/**
 * `payment.notify`: money from outside. Whatever it turns out to be, it is booked first, all of it to suspense, and leaves
 * there in the same turn: to its order, back to the payer, or into the hands of a human. The provider's word may come
 * twice, late, or for an order that never was; the buyer's own call may come at the same time. Both are turns of one thread.
 *
 * NOTIFY-PAYMENT-1  (provider, paymentId) is booked once, on the shard of that name, whatever order it is said to be for; the same word
 *                   again gets the same answer. When the order lives on another shard the money follows by message, and the answer waits.
 * NOTIFY-PAYMENT-2  What is booked is applied, asked to be refunded, or named in an item for a human: to the cent, in the same turn. One
 *                   exception has a deadline: money that waits while the lines of its order are asked for once more (`reinstatement-order`).
 */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyNumber, parsePositiveAmount, unknownCurrency } from "../../actors/money.js";
import { isClosed } from "../../actors/order.js";
import { orderSlot, parseOrderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { encodeMessage, type MessageOf } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { placedOrder } from "../orders/look-order.js";
import { ordersByRef } from "../orders/order-ref.js";
import { openPaymentItem, type SuspendedPayment } from "../refunds/refund-calls.js";
import type { NotifyPayment } from "../seams/commands.js";
import { spaces } from "../tables/key-table.js";
import { answerRefusal, answerResult } from "../turns/answers.js";
import { keepResult, keepRunning, settledByRef, waitForRef } from "../turns/exactly-once.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { paymentKey, settledResult, shardOfPayment, tellSettled } from "./payment-answers.js";
import { beginReinstatement, canReinstateAcross } from "./reinstate-order.js";
import { type Settled, settlePayment, whySuspended } from "./settle-payment.js";

const hash = new ParamsHash();
const method = keyedMethods["payment.notify"];

export function notifyPayment(turn: Turn, command: NotifyPayment): void {
  const { order: text } = command;
  const currency = currencyNumber(command.currency);
  if (currency === undefined) {
    const details = { path: "params.currency", reason: unknownCurrency(command.currency) };
    answerRefusal(turn, command, refuse("invalid_request", details));
    return;
  }
  const amount = parsePositiveAmount(command.amount, currency);
  if (typeof amount !== "number") {
    answerRefusal(turn, command, amount);
    return;
  }
  const key = paymentKey(command);
  const paramsHash = hash.begin(method).text(text).number(amount).number(currency).end();
  if (settledByRef(turn, command, spaces.payment, 0, key, paramsHash)) return;
  if (parseOrderId(text) !== undefined) {
    bookPayment(turn, command, amount, currency, paramsHash, [text]);
    return;
  }
  if (turn.shards === 1) {
    bookPayment(turn, command, amount, currency, paramsHash, ordersByRef(turn, text));
    return;
  }
  // Nothing is booked yet: should the process die meanwhile, the provider says it again.
  turn.askDeferred({ ...command, method: "order.byRef", ref: text }, (found) => {
    if ("code" in found) answerRefusal(turn, command, found as Refusal);
    else if (!settledByRef(turn, command, spaces.payment, 0, key, paramsHash))
      bookPayment(turn, command, amount, currency, paramsHash, (found as { orders: string[] }).orders);
  });
}

/** `orders`: those that the provider can have meant. */
function bookPayment(
  turn: Turn,
  command: NotifyPayment,
  amount: number,
  currency: number,
  paramsHash: number,
  orders: readonly string[],
): void {
  const { provider, paymentId } = command;
  const key = paymentKey(command);
  const reference = orders.length === 1 ? orders[0]! : command.order;
  const number = turn.books.afterSales.paymentSequence + 1;
  const payment: SuspendedPayment = { number, provider, paymentId, reference, currency, amount };
  turn.record({
    type: Facts.paymentBooked,
    payment: number,
    provider,
    paymentId,
    reference,
    currency,
    amount,
  });
  const elsewhere = livesElsewhere(turn, reference);
  const settled = elsewhere ? undefined : takePayment(turn, payment, orders);
  if (!settled) {
    keepRunning(turn, spaces.payment, 0, key, method, paramsHash);
    waitForRef(turn, command, spaces.payment, 0, key);
    if (elsewhere) forwardPayment(turn, payment);
    else beginReinstatement(turn, payment);
    return;
  }
  const { order: view, ...rest } = settledResult(turn, payment, settled) as { order: object | null };
  const order = placedOrder(turn, reference);
  // Beside an order that is kept as it stands now the text holds the rest. It is the whole answer without an order; for one that
  // is closed, of which what is kept does not tell that nothing was next; and for one that is still to be paid: this name is
  // kept for ever, and when the order is archived nobody remembers by when that was.
  const { books } = turn;
  const seen = order === undefined ? undefined : books.orders.read(order, books.order);
  const asItStands = order !== undefined && seen!.status !== Statuses.Created && !isClosed(seen!, turn.nowMs);
  const whole = { ...rest, order: view };
  keepResult(
    turn,
    spaces.payment,
    0,
    key,
    method,
    paramsHash,
    asItStands ? rest : whole,
    asItStands ? order : 0,
  );
  answerResult(turn, command, whole);
}

/** A payment comes from the shard of its name; what becomes of it goes back there. */
export function takeForwarded(turn: Turn, message: MessageOf<"payment">): void {
  const { order, provider, paymentId, reference, currency, amount } = message;
  const number = turn.books.afterSales.paymentSequence + 1;
  const payment: SuspendedPayment = { number, provider, paymentId, reference, currency, amount };
  const peer = shardOfPayment(turn, message);
  const name = { payment: number, provider, paymentId, reference };
  turn.record({ type: Facts.paymentArrived, ...name, currency, amount, peer });
  const settled = takePayment(turn, payment);
  if (settled) tellSettled(turn, order, payment, settled);
  else beginReinstatement(turn, payment);
}

/** Takes a payment that lies in suspense to where it belongs; undefined when its order has to ask for its lines first. */
function takePayment(
  turn: Turn,
  payment: SuspendedPayment,
  orders: readonly string[] = [],
): Settled | undefined {
  const why = whySuspended(turn, payment);
  if (why) {
    const several = `${orders.length} orders have the number ${payment.reference}: ${orders.join(", ")}`;
    openPaymentItem(turn, payment, orders.length > 1 ? several : why.error);
    return { outcome: why.outcome, money: "suspense", refund: 0 };
  }
  return canReinstateAcross(turn, payment) ? undefined : settlePayment(turn, payment);
}

/** Whether the order, if it exists, is on another shard than its payment's name. */
function livesElsewhere(turn: Turn, reference: string): boolean {
  const number = parseOrderId(reference);
  return number !== undefined && shardOfSlot(orderSlot(number), turn.shards) !== turn.shard;
}

function forwardPayment(turn: Turn, payment: SuspendedPayment): void {
  const { number, provider, paymentId, reference, currency, amount } = payment;
  const order = parseOrderId(reference)!;
  const peer = shardOfSlot(orderSlot(order), turn.shards);
  turn.record({ type: Facts.paymentForwarded, payment: number, provider, paymentId, currency, amount, peer });
  const message = { kind: "payment", order, branch: number, provider, paymentId, reference } as const;
  turn.record({ type: Facts.messageSent, peer, body: encodeMessage({ ...message, currency, amount }) });
}
