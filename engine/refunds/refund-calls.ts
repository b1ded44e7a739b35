/** Telling a provider of a refund, and the humans who are asked when nobody can say what became of money. */

import { currencyCode, formatAmount } from "../../actors/money.js";
import { orderId, refundId } from "../../actors/order-number.js";
import { callOf, dropCall, makeCall } from "../calls/calls.js";
import type { Refund } from "../tables/after-sales.js";
import { closeItem, openItem } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";

/** The intent is recorded; the refund's id in the input is what makes two calls one refund on the other side. */
export function askProvider(turn: Turn, refund: Refund): void {
  const { number, order, amount, currency, provider, paymentId, reason } = refund;
  makeCall(turn, {
    owner: "refund",
    number,
    name: `refund:${provider}`,
    input: JSON.stringify({
      refund: refundId(number),
      order: orderOrNone(order),
      amount: formatAmount(amount, currency),
      currency: currencyCode(currency),
      provider,
      paymentId,
      reason,
    }),
  });
}

function orderOrNone(order: number): string | null {
  return order === 0 ? null : orderId(order);
}

/** The refund has ended: nobody is asked about it any more. */
export function endCalls(turn: Turn, { number }: Refund): void {
  const call = callOf(turn, "refund", number);
  if (call) dropCall(turn, call);
  closeItem(turn, "refund", refundId(number), "the refund has ended");
}

export function openRefundItem(turn: Turn, refund: Refund, error: string, attempts: number): void {
  const { number, order, currency, amount, provider, paymentId, reason } = refund;
  openItem(turn, {
    kind: "refund",
    subject: refundId(number),
    currency,
    amount,
    units: 0,
    attempts,
    error,
    evidence: { order: orderOrNone(order), provider, paymentId, reason },
  });
}

/** Money from outside that lies in suspense. */
export interface SuspendedPayment {
  readonly number: number;
  readonly provider: string;
  readonly paymentId: string;
  /** The order's id, as the provider knows it. */
  readonly reference: string;
  readonly currency: number;
  readonly amount: number;
}

export function openPaymentItem(turn: Turn, payment: SuspendedPayment, error: string): void {
  const { number, provider, paymentId, reference, currency, amount } = payment;
  openItem(turn, {
    kind: "payment",
    subject: `${provider}:${paymentId}`,
    currency,
    amount,
    units: 0,
    attempts: 0,
    error,
    evidence: { payment: number, provider, paymentId, order: reference },
  });
}
