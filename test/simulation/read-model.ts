/**
 * What the read side of a shard knows, as far as this world asks for it: orders and refunds, from the facts alone. It answers
 * for what the engine has forgotten.
 */

import { totalView } from "../../actors/adjustments.js";
import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, Facts, type PartShare } from "../../actors/facts.js";
import { currencyCode, currencyNumber } from "../../actors/money.js";
import { orderId, refundId } from "../../actors/order-number.js";
import { statuses } from "../../actors/order-transitions.js";
import type { Group } from "../../persistence/log/journal.js";
import { decimal } from "./amounts.js";

interface Order {
  readonly account: number;
  readonly currency: string;
  readonly total: number;
  readonly lines: readonly { product: number; qty: number; unitPrice: number }[];
  readonly payBy: number;
  /** Of its lines, as they were when it was placed. */
  readonly names: readonly string[];
  readonly createdAt: number;
  status: string;
  version: number;
  paid: number;
  refunded: number;
  /** As in the log; "" = nothing. */
  ref: string;
  data: string;
  parts: readonly PartShare[];
  applied: string;
}

interface Refund {
  readonly order: number;
  readonly amount: number;
  readonly currency: string;
  readonly provider: string;
  readonly paymentId: string;
  readonly reason: string;
  readonly restock: boolean;
  state: string;
  ref: string;
}

export class ReadModel {
  readonly #accounts: string[] = [];
  readonly #products: { id: string; name: string }[] = [];
  readonly #orders = new Map<number, Order>();
  readonly #refunds = new Map<number, Refund>();
  #groups = 0;

  /** Reads what has become durable since. */
  catchUp(groups: readonly Group[]): void {
    for (; this.#groups < groups.length; this.#groups++) {
      const { body, first } = groups[this.#groups]!;
      readFacts(body, first, (fact, time) => this.#take(fact, time));
    }
  }

  order(number: number): object | undefined {
    const order = this.#orders.get(number);
    if (!order) return undefined;
    const { currency } = order;
    return {
      order: orderId(number),
      status: order.status,
      version: order.version,
      account: this.#accounts[order.account]!,
      lines: order.lines.map(({ product, qty, unitPrice }, index) => ({
        product: this.#products[product]!.id,
        name: order.names[index]!,
        qty,
        unitPrice: decimal(unitPrice, currency),
        subtotal: decimal(unitPrice * qty, currency),
        ...(order.parts.length > 0 && {
          total: decimal(order.parts[index]!.amount, currency),
          tax: decimal(order.parts[index]!.tax, currency),
        }),
      })),
      total: decimal(order.total, currency),
      currency,
      amountPaid: decimal(order.paid, currency),
      amountRefunded: decimal(order.refunded, currency),
      payBy: order.status === "Created" ? new Date(order.payBy).toISOString() : null,
      createdAt: new Date(order.createdAt).toISOString(),
      next: [],
      ...(JSON.parse(order.data || "{}") as object),
      ...(order.ref === "" ? {} : { ref: order.ref }),
      ...(order.parts.length > 0 && totalView(order.parts, order.applied, currencyNumber(currency)!)),
    };
  }

  refund(number: number): object | undefined {
    const refund = this.#refunds.get(number);
    if (!refund) return undefined;
    const { order, amount, currency, provider, paymentId, reason, restock, state, ref } = refund;
    const wallet = provider === "";
    return {
      refund: refundId(number),
      order: orderId(order),
      amount: decimal(amount, currency),
      currency,
      to: wallet ? "wallet" : "provider",
      provider: wallet ? null : provider,
      paymentId: wallet ? null : paymentId,
      state,
      reason,
      restock,
      ref: ref === "" ? null : ref,
    };
  }

  #take(fact: Fact, time: number): void {
    switch (fact.type) {
      case Facts.accountNamed:
        this.#accounts.push(fact.id);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#products.push({ id: fact.id, name: fact.name });
        break;
      case Facts.productUpdated:
        this.#products[fact.product]!.name = fact.name;
        break;
      case Facts.orderPlaced: {
        const { account, total, lines, payBy, paid } = fact;
        this.#orders.set(fact.order, {
          ...{ account, total, lines, payBy, paid },
          currency: currencyCode(fact.currency),
          names: lines.map(({ product }) => this.#products[product]!.name),
          createdAt: Math.floor(time / 1000),
          status: statuses[fact.status]!,
          version: 1,
          refunded: 0,
          ...{ ref: "", data: "", parts: [], applied: "" },
        });
        break;
      }
      case Facts.orderAdjusted:
        Object.assign(this.#orders.get(fact.order)!, { parts: fact.parts, applied: fact.applied });
        break;
      case Facts.orderDescribed:
        Object.assign(this.#orders.get(fact.order)!, { ref: fact.ref, data: fact.data });
        break;
      case Facts.orderPaid:
        this.#move(fact.order, "Paid").paid += fact.amount;
        break;
      case Facts.orderSettled:
      case Facts.orderReinstated:
        this.#move(fact.order, "Paid");
        break;
      case Facts.orderCanceled:
        this.#move(fact.order, "Canceled");
        break;
      case Facts.orderMoved:
        this.#move(fact.order, statuses[fact.to]!);
        break;
      case Facts.paymentApplied:
        this.#orders.get(fact.order)!.paid += fact.amount;
        break;
      case Facts.refundRequested: {
        const { order, amount, provider, paymentId, reason } = fact;
        const restock = fact.restock === 1;
        this.#refunds.set(fact.refund, {
          ...{ order, amount, provider, paymentId, reason, restock, state: "requested", ref: "" },
          currency: currencyCode(fact.currency),
        });
        break;
      }
      case Facts.refundDone:
        Object.assign(this.#refunds.get(fact.refund)!, { state: "done", ref: fact.ref });
        if (fact.source === 1) this.#orders.get(fact.order)!.refunded += fact.amount;
        break;
      case Facts.refundRefused:
        Object.assign(this.#refunds.get(fact.refund)!, { state: "refused", ref: fact.ref });
        break;
      case Facts.refundUnknown:
        Object.assign(this.#refunds.get(fact.refund)!, { state: "unknown", ref: fact.error });
        break;
    }
  }

  #move(number: number, status: string): Order {
    const order = this.#orders.get(number)!;
    order.status = status;
    order.version++;
    return order;
  }
}
