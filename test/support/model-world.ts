/** What the model knows, what can be added up from it, and how it answers. */

import { decimal } from "./model-money.js";
import {
  isOver,
  type ModelOrder,
  type ModelRefund,
  nextOf,
  paidOf,
  pointsOf,
  refundedOf,
  returnedOf,
  statusOf,
  versionOf,
} from "./model-order.js";

export interface ModelReply {
  readonly code: string;
  // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  readonly result?: any;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly replayed: boolean;
}

export interface ModelSettings {
  readonly graceMs: number;
  readonly payWithinMs: number;
  readonly keysKeepMs: number;
  readonly autoConfirmMs: number;
  readonly afterSaleMs: number;
  readonly latePayment: "refund" | "reinstate";
  readonly pointsGrantOn: "completed" | "paid";
  /** Whether products live on other shards than the account. */
  readonly crosses: (account: string, products: readonly string[]) => boolean;
  /** The shard of an account, and so of its orders. */
  readonly shardOf: (account: string) => number;
}

export interface ModelAccount {
  readonly currency: string;
  /** Put in minus taken out; bigint, because spending makes room for more than 2^53 in all. */
  put: bigint;
  spentPoints: number;
}

export interface ModelProduct {
  name: string;
  readonly currency: string;
  readonly limit: number;
  startsAt: number;
  endsAt: number;
  price: number;
  version: number;
  delisted: boolean;
  backorder: number;
  supplied: number;
}

export interface Kept {
  readonly params: string;
  readonly reply: ModelReply;
  readonly at: number;
  doneAt: number;
  /** The order that the result is about. */
  readonly order: number | undefined;
}

/** Money that came for no order. */
export interface Suspended {
  readonly currency: string;
  readonly amount: number;
}

/** Money that came from outside, whatever became of it. */
export interface Booked {
  readonly provider: string;
  readonly currency: string;
  readonly amount: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a request of any method
export type Request = any;

export interface Refused {
  readonly code: string;
  readonly details?: Record<string, unknown>;
  /** It would be refused whatever the books say. */
  readonly ofText?: boolean;
}

function isOfText({ code, ofText }: Refused): boolean {
  return code === "invalid_request" || code === "invalid_amount" || ofText === true;
}

/** A free order was sold as it was placed, and what of it went back is said by its refunds, also when it is canceled. */
function isSold(order: ModelOrder): boolean {
  const status = statusOf(order);
  return status !== "Created" && (status !== "Canceled" || order.total === 0);
}

export class World {
  now = 0;
  readonly settings: ModelSettings;
  readonly accounts = new Map<string, ModelAccount>();
  readonly products = new Map<string, ModelProduct>();
  readonly orders: ModelOrder[] = [];
  readonly refunds: ModelRefund[] = [];
  readonly booked: Booked[] = [];
  readonly suspended: Suspended[] = [];
  /** "account key" */
  readonly keys = new Map<string, Kept>();
  readonly refs = new Map<string, Kept>();
  /** By account: the latest `at` of a key that is forgotten. */
  readonly forgottenTo = new Map<string, number>();

  constructor(settings: ModelSettings) {
    this.settings = settings;
  }

  /** Units of a product that orders hold or were sold, of one account or of all. */
  held(product: string, account?: string): number {
    return this.#units(product, account, (order, qty) => (statusOf(order) === "Created" ? qty : 0));
  }

  sold(product: string, account?: string): number {
    return this.#units(product, account, (order, qty, line) =>
      isSold(order) ? qty - returnedOf(order, line) : 0,
    );
  }

  available(product: string): number {
    return this.products.get(product)!.supplied - this.held(product) - this.sold(product);
  }

  balance(id: string): number {
    let balance = this.accounts.get(id)!.put;
    for (const { account, payments, refunds } of this.orders) {
      if (account !== id) continue;
      for (const { provider, amount } of payments) if (provider === "") balance -= BigInt(amount);
      for (const { provider, amount, state } of refunds)
        if (provider === "" && state === "done") balance += BigInt(amount);
    }
    return Number(balance);
  }

  points(id: string): number {
    let points = 0 - this.accounts.get(id)!.spentPoints;
    for (const order of this.orders) {
      if (order.account === id) points += pointsOf(order, this.settings.pointsGrantOn);
    }
    return points;
  }

  accountView(id: string): object {
    const { currency } = this.accounts.get(id)!;
    return {
      account: id,
      currency,
      available: decimal(this.balance(id), currency),
      held: decimal(0, currency),
      points: this.points(id),
    };
  }

  productView(id: string): object {
    const { name, price, currency, version, limit, startsAt, endsAt, delisted, backorder } =
      this.products.get(id)!;
    return {
      product: id,
      name,
      price: decimal(price, currency),
      currency,
      available: this.available(id),
      held: this.held(id),
      sold: this.sold(id),
      short: Math.max(0, -this.available(id) - backorder),
      backorder,
      backordered: Math.min(backorder, Math.max(0, -this.available(id))),
      priceVersion: version,
      version,
      limitPerAccount: limit === 0 ? null : limit,
      saleStartsAt: startsAt === 0 ? null : new Date(startsAt).toISOString(),
      saleEndsAt: endsAt === 0 ? null : new Date(endsAt).toISOString(),
      delisted,
    };
  }

  orderView(number: number): object {
    return this.viewOf(this.orders[number]!, number);
  }

  /** `number` null: a dry run, of an order that is not made. */
  viewOf(order: ModelOrder, number: number | null): object {
    const { currency } = order;
    return {
      order: number ?? "",
      status: statusOf(order),
      version: number === null ? 0 : versionOf(order),
      account: order.account,
      lines: order.lines.map(({ product, name, qty, unitPrice }) => ({
        product,
        name,
        qty,
        unitPrice: decimal(unitPrice, currency),
        subtotal: decimal(unitPrice * qty, currency),
      })),
      total: decimal(order.total, currency),
      currency,
      amountPaid: decimal(paidOf(order), currency),
      amountRefunded: decimal(refundedOf(order), currency),
      payBy: statusOf(order) === "Created" ? new Date(order.payBy).toISOString() : null,
      createdAt: new Date(order.createdAt).toISOString(),
      next: nextOf(order, this.now),
    };
  }

  refundView(refund: ModelRefund): object {
    const { index, order, amount, currency, provider, paymentId, restock, reason, state, ref } = refund;
    return {
      refund: index,
      order,
      amount: decimal(amount, currency),
      currency,
      to: provider === "" ? "wallet" : "provider",
      provider: provider === "" ? null : provider,
      paymentId: provider === "" ? null : paymentId,
      state,
      reason,
      restock,
      ref: ref === "" ? null : ref,
      lines: [...refund.shares]
        .sort((a, b) => a.line - b.line)
        .map(({ line, qty, amount: part }) => ({
          product: this.orders[order]!.lines[line]!.product,
          qty,
          amount: decimal(part, currency),
        })),
    };
  }

  // Exactly once.

  /** What the key alone says, before anything is decided. */
  seen(account: string, key: string, params: string, at: number | undefined): ModelReply | undefined {
    const kept = this.keys.get(`${account} ${key}`);
    if (kept) return kept.params === params ? again(kept.reply) : refused({ code: "key_reused" });
    if (at !== undefined && at <= (this.forgottenTo.get(account) ?? -1))
      return refused({ code: "key_too_old" });
    return undefined;
  }

  /** Runs once under the name. `order`: the one that the result is about; it is asked for afterwards. */
  once(
    kept: Map<string, Kept>,
    name: string,
    params: string,
    at: number | undefined,
    run: () => ModelReply | Refused,
    order: () => number | undefined = () => undefined,
  ): ModelReply {
    const known = kept.get(name);
    if (known) return known.params === params ? again(known.reply) : refused({ code: "key_reused" });
    const answer = run();
    const reply = "replayed" in answer ? answer : refused(answer);
    // A malformed request is not kept.
    if (isOfText(answer as Refused)) return reply;
    const about = reply.code === "ok" ? order() : undefined;
    kept.set(name, { params, reply, at: at ?? this.now, doneAt: this.now, order: about });
    return reply;
  }

  /** Keys are forgotten after a while, but not while their order may still move. */
  forgetKeys(): void {
    for (const [name, kept] of this.keys) {
      if (kept.doneAt + this.settings.keysKeepMs > this.now) continue;
      if (kept.order !== undefined && !isOver(this.orders[kept.order]!, this.now)) {
        kept.doneAt = this.now;
        continue;
      }
      this.keys.delete(name);
      const account = name.split(" ")[0]!;
      this.forgottenTo.set(account, Math.max(this.forgottenTo.get(account) ?? -1, kept.at));
    }
  }

  #units(
    product: string,
    account: string | undefined,
    count: (order: ModelOrder, qty: number, line: number) => number,
  ): number {
    let units = 0;
    for (const order of this.orders) {
      if (account !== undefined && order.account !== account) continue;
      for (const [line, { product: id, qty }] of order.lines.entries())
        if (id === product) units += count(order, qty, line);
    }
    return units;
  }
}

export function ok(result: object): ModelReply {
  return { code: "ok", result, replayed: false };
}

export function refused({ code, details }: Refused): ModelReply {
  return { code, details, replayed: false };
}

function again(reply: ModelReply): ModelReply {
  return { ...reply, replayed: true };
}
