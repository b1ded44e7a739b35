/**
 * What is told of a payment: kept under its name, on the shard of that name, and given to everybody who waits for it there.
 */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { refundId, slotOf } from "../../actors/order-number.js";
import { encodeMessage, type MessageOf } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { placedOrder } from "../orders/look-order.js";
import type { SuspendedPayment } from "../refunds/refund-calls.js";
import { spaces } from "../tables/key-table.js";
import { orderView } from "../turns/answers.js";
import { answerWaiting, keepResult } from "../turns/exactly-once.js";
import { viewToResult } from "../turns/order-result.js";
import type { Turn } from "../turns/turn.js";
import type { Settled } from "./settle-payment.js";

const method = keyedMethods["payment.notify"];

type Name = Pick<SuspendedPayment, "provider" | "paymentId">;

/** The key of a payment; its slot decides where it is booked. */
export function paymentKey({ provider, paymentId }: Name): string {
  return `${provider}:${paymentId}`;
}

export function shardOfPayment(turn: Turn, name: Name): number {
  return shardOfSlot(slotOf(paymentKey(name)), turn.shards);
}

/** The whole answer; the order as it stands now, null when it is not here. */
export function settledResult(
  turn: Turn,
  { reference }: SuspendedPayment,
  { outcome, money, refund }: Settled,
): object {
  const number = placedOrder(turn, reference);
  const order = number === undefined ? null : viewToResult(orderView(turn.books, number, turn.nowMs));
  return { outcome, money, refund: refund === 0 ? null : refundId(refund), order };
}

/** The word about a payment that is kept as running: here, or on the shard of its name. */
export function tellSettled(turn: Turn, order: number, payment: SuspendedPayment, settled: Settled): void {
  const result = settledResult(turn, payment, settled);
  const peer = shardOfPayment(turn, payment);
  if (peer === turn.shard) {
    keepSettled(turn, paymentKey(payment), result);
    return;
  }
  const { number: branch, provider, paymentId } = payment;
  const text = JSON.stringify(result);
  const body = encodeMessage({ kind: "settled", order, branch, provider, paymentId, text });
  turn.record({ type: Facts.messageSent, peer, body });
}

/** The word of the order's shard. */
export function takeSettled(turn: Turn, { text, ...name }: MessageOf<"settled">): void {
  keepSettled(turn, paymentKey(name), JSON.parse(text) as object);
}

function keepSettled(turn: Turn, key: string, result: object): void {
  const { refs } = turn.books;
  const { paramsHash } = refs.read(refs.find(spaces.payment, 0, key));
  keepResult(turn, spaces.payment, 0, key, method, paramsHash, result);
  answerWaiting(turn, spaces.payment, 0, key, result);
}
