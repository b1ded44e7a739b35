/** A refund as its owner sees it. */

import { currencyCode, formatAmount } from "../actors/money.js";
import { orderId, refundId } from "../actors/order-number.js";
import type { Refund } from "./dossiers.js";

export function refundView(refund: Refund): object {
  const { number, order, amount, currency, provider, paymentId, restock, reason, state, ref } = refund;
  return {
    refund: refundId(number),
    order: orderId(order),
    amount: formatAmount(amount, currency),
    currency: currencyCode(currency),
    to: provider === "" ? "wallet" : "provider",
    provider: provider === "" ? null : provider,
    paymentId: provider === "" ? null : paymentId,
    state,
    reason,
    restock,
    ref: ref === "" ? null : ref,
  };
}
