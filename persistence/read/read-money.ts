/** The rows of `payments`, `refunds`, `refund_shares` and `human_items`, and what they change in the rows of their order. */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode, scaleOf } from "../../actors/money.js";
import { itemId, orderId, refundId } from "../../actors/order-number.js";
import { refundSources } from "../../actors/postings.js";
import { textOf } from "./read-orders.js";
import type { Writes } from "./read-rows.js";
import type { At, ReadRules } from "./read-rules.js";

/** Space of the keys that say what a payment turned out to be. */
const paymentKeys = 3;

/** What such a key keeps. */
interface Outcome {
  readonly outcome: string;
  /** Where the money went. */
  readonly money: string;
}

export function moneyRules(writes: Writes): ReadRules {
  function paymentBooked(fact: FactOf<"paymentBooked">, { shard, ms }: At): void {
    addPayment(fact, shard, null, ms);
  }

  /** The money of a payment that is booked on another shard: a row of its own there. */
  function paymentArrived(fact: FactOf<"paymentArrived">, { shard, ms }: At): void {
    addPayment(fact, shard, fact.peer, ms);
  }

  function addPayment(
    fact: FactOf<"paymentBooked"> | FactOf<"paymentArrived">,
    shard: number,
    from: number | null,
    ms: number,
  ): void {
    const { payment, provider, paymentId, reference, amount } = fact;
    const currency = currencyCode(fact.currency);
    const scale = scaleOf(currency);
    writes.payment.run(shard, payment, from, provider, paymentId, reference, currency, scale, amount, ms);
  }

  function paymentApplied(fact: FactOf<"paymentApplied">, { shard }: At): void {
    const { payment, order, provider, paymentId, amount } = fact;
    writes.paymentApplied.run(orderId(order), amount, shard, payment);
    writes.orderPaidOutside.run(amount, provider, paymentId, order);
  }

  /** The key is the payment's name; a provider's name has no colon. */
  function outcomeKept({ space, key, code, order, text }: FactOf<"keyKept">, { shard }: At): void {
    if (space !== paymentKeys || code !== 0) return;
    const { outcome, money } = JSON.parse(text) as Outcome;
    const colon = key.indexOf(":");
    const [provider, paymentId] = [key.slice(0, colon), key.slice(colon + 1)];
    writes.paymentOutcome.run(outcome, money, orderOrNone(order), provider, paymentId, shard);
  }

  function refundRequested(fact: FactOf<"refundRequested">, { shard, names, ms }: At): void {
    const { refund, order, amount, shares } = fact;
    const currency = currencyCode(fact.currency);
    const scale = scaleOf(currency);
    const ofOrder = fact.source === refundSources.order;
    writes.refund.run(
      refund,
      refundId(refund),
      shard,
      orderOrNone(order),
      order === 0 ? null : names.accountId(fact.account),
      ofOrder ? "order" : "suspense",
      textOf(fact.provider),
      textOf(fact.paymentId),
      currency,
      scale,
      amount,
      fact.restock,
      fact.reason,
      ms,
    );
    for (const { line, qty, amount: share } of shares)
      writes.refundShare.run(refundId(refund), line + 1, orderId(order), scale, qty, share);
    if (ofOrder) writes.orderRefunding.run(amount, order);
  }

  function refundDone({ refund, order, source, amount, ref }: FactOf<"refundDone">, { ms }: At): void {
    writes.refundEnded.run("done", textOf(ref), ms, refund);
    if (source !== refundSources.order) return;
    writes.orderRefunded.run(amount, amount, ms, order);
    writes.itemsRefunded.run(refundId(refund));
    writes.extrasRefunded.run(refundId(refund));
  }

  function refundRefused({ refund, order, source, amount, ref }: FactOf<"refundRefused">, { ms }: At): void {
    writes.refundEnded.run("refused", textOf(ref), ms, refund);
    if (source === refundSources.order) writes.orderRefunding.run(-amount, order);
  }

  function humanOpened(fact: FactOf<"humanOpened">, { shard, ms }: At): void {
    const { item, kind, subject, amount, units, attempts, error, evidence } = fact;
    const currency = currencyCode(fact.currency);
    writes.human.run(
      item,
      itemId(item),
      shard,
      kind,
      subject,
      currency,
      scaleOf(currency),
      amount,
      units,
      attempts,
      error,
      evidence,
      ms,
    );
  }

  return {
    paymentBooked,
    paymentArrived,
    paymentApplied,
    keyKept: outcomeKept,
    refundRequested,
    refundDone,
    refundRefused,
    refundUnknown: ({ refund, error }) => void writes.refundUnknown.run(textOf(error), refund),
    humanOpened,
    humanResolved: ({ item, action, reason, evidence, operator }, { ms }) =>
      void writes.humanResolved.run(action, reason, textOf(evidence), textOf(operator), ms, item),
  };
}

function orderOrNone(order: number): string | null {
  return order === 0 ? null : orderId(order);
}
