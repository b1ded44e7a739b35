/**
 * What few orders have and no row should pay for: what the shop says of them, money from outside, refunds, disputes. Such a record is opened by the first
 * fact of that kind and goes with its order when that is archived.
 *
 * AFTER-SALES-1  refunding = the amounts of the order's refunds from source `order` that are asked and have no end.
 * AFTER-SALES-2  A payment never gives back more than it brought: refunded <= amount, open refunds included.
 * AFTER-SALES-3  A line never gives back more than it has, open refunds included.
 */

import { type FactOf, Facts, type PartShare } from "../../actors/facts.js";
import { refundSources } from "../../actors/postings.js";

/** A payment from outside that was applied to the order. */
export interface AppliedPayment {
  readonly provider: string;
  readonly paymentId: string;
  amount: number;
  /** Back to the payer, or on the way there. */
  refunded: number;
}

export interface LineRefunded {
  qty: number;
  amount: number;
}

export interface AfterSale {
  /** Status before the refund, before the dispute; 0 = none. */
  refundFrom: number;
  disputeFrom: number;
  /** What was left of the order's time when its dispute began, ms; -1 = no timer ran. */
  restMs: number;
  refunding: number;
  /** Numbers of all its refunds, and how many of them have no end. */
  readonly refunds: number[];
  openRefunds: number;
  readonly payments: AppliedPayment[];
  /** Its lines were asked for once more, for a payment that came late. That happens once: see REINSTATE-ORDER-2. */
  reclaimed: boolean;
  /** What the shop said of it: its own number and the rest as in the log; "" = nothing. */
  ref: string;
  data: string;
  /** What each part has of the total, lines first, and what each adjustment came to (JSON); none: every line has its price. */
  parts: readonly PartShare[];
  applied: string;
  /** By part; shorter than the order when nothing of the last lines was refunded. */
  readonly lines: LineRefunded[];
}

export const refundStates = ["requested", "unknown", "done", "refused"] as const;

export interface Refund {
  readonly number: number;
  readonly order: number;
  readonly source: number;
  readonly account: number;
  readonly currency: number;
  readonly amount: number;
  /** "" = the account's wallet. */
  readonly provider: string;
  readonly paymentId: string;
  readonly restock: boolean;
  readonly reason: string;
  readonly shares: readonly { readonly line: number; readonly qty: number; readonly amount: number }[];
  state: (typeof refundStates)[number];
  /** What the provider said of it. */
  ref: string;
}

export function isOpen(refund: Refund): boolean {
  return refund.state === "requested" || refund.state === "unknown";
}

export class AfterSales {
  readonly byOrder = new Map<number, AfterSale>();
  readonly refunds = new Map<number, Refund>();
  /** Orders by the shop's own number; several may have the same one. */
  readonly byRef = new Map<string, readonly number[]>();
  refundSequence = 0;
  paymentSequence = 0;

  get(order: number): AfterSale | undefined {
    return this.byOrder.get(order);
  }

  open(order: number): AfterSale {
    const known = this.byOrder.get(order);
    if (known) return known;
    const afterSale: AfterSale = {
      refundFrom: 0,
      disputeFrom: 0,
      restMs: -1,
      refunding: 0,
      refunds: [],
      openRefunds: 0,
      payments: [],
      reclaimed: false,
      ref: "",
      data: "",
      parts: [],
      applied: "",
      lines: [],
    };
    this.byOrder.set(order, afterSale);
    return afterSale;
  }

  described({ order, ref, data }: FactOf<"orderDescribed">): void {
    const afterSale = this.open(order);
    afterSale.ref = ref;
    afterSale.data = data;
    this.addRef(order, ref);
  }

  adjusted({ order, parts, applied }: FactOf<"orderAdjusted">): void {
    Object.assign(this.open(order), { parts, applied });
  }

  addRef(order: number, ref: string): void {
    if (ref !== "") this.byRef.set(ref, [...(this.byRef.get(ref) ?? []), order]);
  }

  applied({ order, provider, paymentId, amount }: FactOf<"paymentApplied">): void {
    const { payments } = this.open(order);
    if (payments.some((p) => p.provider === provider && p.paymentId === paymentId))
      throw new Error(`order ${order}: payment ${provider}:${paymentId} is applied twice`);
    payments.push({ provider, paymentId, amount, refunded: 0 });
  }

  /** `known`: the order is in the table. One that was archived keeps no afterSale. */
  asked(fact: FactOf<"refundRequested">, known: boolean): void {
    const { refund: number, order, source, account, currency, amount, provider, paymentId, reason } = fact;
    this.refundSequence++;
    const refund: Refund = {
      number,
      order,
      source,
      account,
      currency,
      amount,
      provider,
      paymentId,
      restock: fact.restock === 1,
      reason,
      shares: fact.shares,
      state: "requested",
      ref: "",
    };
    this.refunds.set(number, refund);
    if (!known) return;
    const afterSale = this.open(order);
    afterSale.refunds.push(number);
    afterSale.openRefunds++;
    if (source === refundSources.order) this.#take(afterSale, refund, 1);
  }

  ended(fact: FactOf<"refundDone"> | FactOf<"refundRefused">): void {
    const refund = this.refunds.get(fact.refund);
    if (!refund || !isOpen(refund) || refund.amount !== fact.amount)
      throw new Error(`refund ${fact.refund} ends and is not open`);
    const done = fact.type === Facts.refundDone;
    refund.state = done ? "done" : "refused";
    refund.ref = fact.ref;
    const afterSale = this.byOrder.get(refund.order);
    if (!afterSale) {
      this.refunds.delete(fact.refund);
      return;
    }
    afterSale.openRefunds--;
    if (refund.source !== refundSources.order) return;
    if (done) afterSale.refunding -= refund.amount;
    else this.#take(afterSale, refund, -1);
  }

  unknown({ refund: number, error }: FactOf<"refundUnknown">): void {
    const refund = this.refunds.get(number)!;
    refund.state = "unknown";
    refund.ref = error;
  }

  archived(order: number): void {
    const afterSale = this.byOrder.get(order);
    if (!afterSale) return;
    for (const refund of afterSale.refunds) this.refunds.delete(refund);
    if (afterSale.ref !== "") this.#dropRef(order, afterSale.ref);
    this.byOrder.delete(order);
  }

  #dropRef(order: number, ref: string): void {
    const others = this.byRef.get(ref)!.filter((other) => other !== order);
    if (others.length > 0) this.byRef.set(ref, others);
    else this.byRef.delete(ref);
  }

  /** Takes a refund out of what is left of the order, or gives it back. */
  #take(afterSale: AfterSale, refund: Refund, sign: 1 | -1): void {
    afterSale.refunding += sign * refund.amount;
    const payment = afterSale.payments.find(
      ({ provider, paymentId }) => provider === refund.provider && paymentId === refund.paymentId,
    );
    if (payment) {
      payment.refunded += sign * refund.amount;
      if (payment.refunded < 0 || payment.refunded > payment.amount)
        throw new Error(
          `refund ${refund.number}: payment ${payment.paymentId} gives back ${payment.refunded}`,
        );
    }
    for (const { line, qty, amount } of refund.shares) {
      while (afterSale.lines.length <= line) afterSale.lines.push({ qty: 0, amount: 0 });
      const refunded = afterSale.lines[line]!;
      refunded.qty += sign * qty;
      refunded.amount += sign * amount;
    }
  }
}
