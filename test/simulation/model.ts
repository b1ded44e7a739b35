/** What the auditor knows of the shop: from what clients have sent and from what left the shards, and from nothing else. */

import { Ledger } from "./bounds.js";
import type { Operation, PlacedOrder, SeenRefund, Slot } from "./operation.js";
import { reachable } from "./order-life.js";

/** Nobody here ever has so much, in minor units. */
export const fortune = 1_000_000_000;

export interface KnownAccount {
  readonly id: string;
  readonly currency: string;
  /** "sure" once an answer has said so. */
  opened: "no" | "sent" | "sure";
  /** Answers that said: opened now. */
  openings: number;
}

export interface KnownProduct {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly stock: number;
  /** 0 = none. */
  readonly limit: number;
  readonly saleStartsAt: number;
  readonly saleEndsAt: number;
  created: "no" | "sent" | "sure";
  creations: number;
  /** What was seen of each of its versions. */
  readonly versions: Map<number, string>;
  /** Every name that it may have had. */
  readonly names: Set<string>;
  /** Somebody has asked for it to be taken off sale. */
  mayBeDelisted: boolean;
  /** Every price that it may have had. */
  readonly prices: Set<number>;
  /** The price that a client would expect. */
  lastPrice: number;
  priceMax: number;
  /** Units in orders that are certainly paid. */
  sold: number;
  /** The same per account. */
  readonly bought: Map<string, number>;
}

export interface KnownOrder {
  readonly placedBy: Operation;
  readonly view: PlacedOrder;
  readonly units: ReadonlyMap<string, number>;
  /** ms; when the hold ends without money, or 0. */
  readonly expiresAt: number;
  /** What was asked to happen to it, whatever became of that. */
  readonly asked: Set<string>;
  /** The latest version that was seen, and the status of every version that was. */
  version: number;
  readonly statusAt: Map<number, string>;
  /** Minor units that may have come from outside, and that certainly have. */
  outsideMost: number;
  outsideSure: number;
  paid: boolean;
  canceled: boolean;
  /** Its units may have come back from a refund. */
  mayReturn: boolean;
  /** Its units were taken out of what is possibly taken. */
  released: boolean;
}

export interface KnownRefund {
  readonly seen: SeenRefund;
  /** Asked for by a request of its order, rather than of money that the order never needed. */
  ofOrder: boolean;
  /** "" until somebody has said how it ended. */
  end: "" | "done" | "refused";
}

export interface KnownTransaction {
  readonly id: string;
  readonly begunBy: Operation;
  /** ISO 8601, as it was told first. */
  readonly begunAt: string;
  /** As it was told last, and how far each part was. */
  state: string;
  parts: readonly string[];
}

/** What an operation has had, by the kind of bound: at least and at most. */
export type Actual = Readonly<Record<string, readonly [number, number]>>;

export class Model {
  readonly accounts = new Map<string, KnownAccount>();
  readonly products = new Map<string, KnownProduct>();
  readonly orders = new Map<string, KnownOrder>();
  readonly slots = new Map<string, Slot>();
  readonly refunds = new Map<string, KnownRefund>();
  readonly transactions = new Map<string, KnownTransaction>();
  /** Issued tokens, and when at the earliest (ms of the shard's clock). */
  readonly tokens = new Map<string, number>();
  /** Accounts that have asked for something under a token; and the one that was let. */
  readonly tokenUsers = new Map<string, Set<string>>();
  readonly tokenOwners = new Map<string, string>();
  readonly ledger = new Ledger();

  slot(kind: Slot["kind"], subject: string, key: string, at: number | undefined): Slot {
    const name = `${kind} ${subject} ${key}`;
    const known = this.slots.get(name);
    if (known) return known;
    const slot: Slot = {
      name,
      kind,
      subject,
      key,
      at,
      variants: [],
      settledBy: undefined,
      begunBy: undefined,
      stored: "",
      settledIn: 0,
      firsts: 0,
      forgotten: false,
      maybeStored: false,
    };
    this.slots.set(name, slot);
    return slot;
  }

  /** What the operation's answer depends on. */
  dependencies(operation: Operation): string[] {
    const { params, cart, transaction } = operation;
    const names: string[] = [];
    const order = this.orders.get(params.order as string);
    const account = (params.account as string | undefined) ?? order?.view.account;
    const wallets = new Set(account === undefined ? [] : [account]);
    for (const { what, subject } of transaction?.parts ?? []) if (what === "debit") wallets.add(subject);
    for (const id of wallets) names.push(`in ${id}`, `out ${id}`, `paid ${id}`, `back ${id}`);
    for (const { what, subject, account: taker } of transaction?.parts ?? [])
      if (what === "stock")
        names.push(
          `supply ${subject}`,
          `lost ${subject}`,
          `taken ${subject}`,
          `taken ${subject} by ${taker}`,
        );
    if (order) names.push(`refunds ${order.view.order}`);
    if (params.product !== undefined) {
      const id = params.product as string;
      names.push(`supply ${id}`, `lost ${id}`, `taken ${id}`);
    }
    for (const product of cart?.units.keys() ?? []) {
      names.push(
        `supply ${product}`,
        `lost ${product}`,
        `taken ${product}`,
        `taken ${product} by ${cart!.account}`,
      );
    }
    return names;
  }

  /** The operation may have its effect from now on. */
  count(operation: Operation): void {
    this.#each(operation, (name, most) => this.ledger.of(name).send(most));
    operation.counted = true;
  }

  /** It has had it: to this extent, where it can be less than all. */
  settle(operation: Operation, actual: Actual): void {
    this.#each(operation, (name, most) => {
      const [low, high] = actual[name.slice(0, name.indexOf(" "))] ?? [most, most];
      this.ledger.of(name).settleBetween(most, low, high);
    });
    operation.counted = false;
  }

  /** It never will. `ran`: it was refused after it had begun, and across shards something may be held for a while yet. */
  drop(operation: Operation, ran = false): void {
    if (!operation.counted) return;
    const lingers = ran && operation.cart?.crossing === true;
    this.#each(operation, (name, most) => {
      if (!lingers || !name.startsWith("taken ")) this.ledger.of(name).drop(most);
    });
    operation.counted = false;
  }

  /** The order has certainly given back what it held. */
  release(order: KnownOrder): void {
    if (order.released) return;
    order.released = true;
    for (const [product, qty] of order.units) {
      this.ledger.of(`taken ${product}`).drop(qty);
      this.ledger.of(`taken ${product} by ${order.view.account}`).drop(qty);
    }
  }

  /** Every status that the order can be in, as far as anybody knows. `time`: what time alone may have done. */
  statuses(order: KnownOrder, time: readonly string[]): ReadonlySet<string> {
    const may = new Set([...order.asked, ...time]);
    return reachable(order.expiresAt === 0 ? "Paid" : "Created", may, order.view.total === 0);
  }

  /** Money came for the order after it was canceled: it may be taken once more. */
  mayReinstate(order: KnownOrder): void {
    if (!order.released) return;
    order.released = false;
    for (const [product, qty] of order.units) {
      this.ledger.of(`taken ${product}`).send(qty);
      this.ledger.of(`taken ${product} by ${order.view.account}`).send(qty);
    }
  }

  /** Units that were sold may be available again, and be sold once more. */
  mayReturn(order: KnownOrder): void {
    if (order.mayReturn) return;
    order.mayReturn = true;
    if (order.paid) this.addSold(order, -1);
  }

  addSold({ units, view }: KnownOrder, sign: 1 | -1): void {
    for (const [id, qty] of units) {
      const product = this.products.get(id)!;
      product.sold += sign * qty;
      product.bought.set(view.account, (product.bought.get(view.account) ?? 0) + sign * qty);
    }
  }

  #each(operation: Operation, visit: (name: string, most: number) => void): void {
    const { method, params, amount, cart, transaction } = operation;
    const order = this.orders.get(params.order as string)?.view;
    if (method === "points.spend") visit(`spent ${params.account}`, amount);
    else if (method === "human.resolve") {
      if (params.wallet !== undefined) visit(`back ${params.wallet}`, params.toWallet as number);
    } else if (method === "order.refund" || (method === "order.advance" && params.resolution === "refund")) {
      visit(`back ${order!.account}`, amount);
      visit(`refunds ${order!.order}`, amount);
    } else if (method === "account.deposit") visit(`in ${params.account}`, amount);
    else if (method === "account.withdraw") visit(`out ${params.account}`, amount);
    else if (method === "product.adjust")
      visit(`${(params.by as number) > 0 ? "supply" : "lost"} ${params.product}`, amount);
    else if (method === "product.restock" || method === "product.create")
      visit(`supply ${params.product}`, amount);
    else if (method === "order.pay")
      visit(`paid ${this.orders.get(params.order as string)!.view.account}`, amount);
    else if (transaction) {
      for (const { what, subject, account, amount: most } of transaction.parts) {
        if (what === "debit") visit(`out ${subject}`, most);
        else if (what === "credit") visit(`in ${subject}`, most);
        else if (what === "stock") {
          visit(`taken ${subject}`, most);
          visit(`taken ${subject} by ${account}`, most);
        }
      }
    } else if (cart && !cart.dryRun) {
      for (const [product, qty] of cart.units) {
        visit(`taken ${product}`, qty);
        visit(`taken ${product} by ${cart.account}`, qty);
      }
      if (cart.pay === "balance") visit(`paid ${cart.account}`, Math.min(cart.costMax, fortune));
    }
  }
}
