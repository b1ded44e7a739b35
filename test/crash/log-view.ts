/**
 * What the log of a stopped shard says, in the terms of whoever stood outside: every state that an account or a product was
 * ever in, every order's moves, every key, every event. Small and obvious on purpose: it shares nothing with the engine but
 * the way to read a fact.
 *
 * LOG-VIEW-1  It reads on where it stopped, and what it read before must still be there: the chain goes on from the same hash.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, Facts } from "../../actors/facts.js";
import { type ChainPoint, genesis, hex } from "../../persistence/log/hash-chain.js";
import { LogReader } from "../../persistence/log/log-reader.js";

/** Something that was so from this position on. */
export interface Since<T> {
  readonly position: number;
  readonly state: T;
}

export interface Stock {
  readonly available: number;
  readonly held: number;
  readonly sold: number;
}

export interface KeyRow {
  readonly position: number;
  /** 0 = success, else the number of a result. */
  readonly code: number;
  /** 0 when the result is not an order. */
  readonly order: number;
}

export interface LoggedEvent {
  readonly seq: number;
  readonly type: string;
}

const noStock: Stock = { available: 0, held: 0, sold: 0 };
const keySpaces = ["order", "money", "stock"] as const;

export class LogView {
  end: ChainPoint = genesis;
  /** Minor units, by account. */
  readonly wallets = new Map<string, Since<number>[]>();
  /** By product; only of those that are sold here. */
  readonly stocks = new Map<string, Since<Stock>[]>();
  /** By number: the statuses an order had, the first of them its version 1. */
  readonly orders = new Map<number, Since<string>[]>();
  /** By `space:subject:key`. */
  readonly keys = new Map<string, KeyRow>();
  /** By topic, in order. */
  readonly events = new Map<string, LoggedEvent[]>();
  readonly #accounts: string[] = [];
  readonly #products: string[] = [];
  readonly #accountOf = new Map<number, string>();

  constructor(private readonly folder: string) {}

  /** Reads what was added since the last time. */
  readOn(): void {
    const reader = new LogReader(this.folder, { verify: true });
    try {
      for (;;) {
        const groups = reader.readAfter(this.end.position);
        if (groups.length === 0) return;
        for (const group of groups) {
          if (hex(group.prev) !== hex(this.end.hash)) {
            throw new Error(`the log up to ${this.end.position} is not the one that was read before`);
          }
          readFacts(group.body, group.first, (fact, _time, position) => this.#take(fact, position));
          this.end = { position: group.last, hash: Buffer.from(group.hash) };
        }
      }
    } finally {
      reader.close();
    }
  }

  #take(fact: Fact, position: number): void {
    switch (fact.type) {
      case Facts.accountNamed:
        this.#accounts.push(fact.id);
        break;
      case Facts.accountOpened:
        this.wallets.set(this.#accounts[fact.account]!, [{ position, state: 0 }]);
        this.#event(`account:${this.#accounts[fact.account]}`, position, "account.opened");
        break;
      case Facts.accountDeposited:
        this.#money(fact.account, position, fact.amount);
        this.#event(`account:${this.#accounts[fact.account]}`, position, "account.deposited");
        break;
      case Facts.accountWithdrawn:
        this.#money(fact.account, position, -fact.amount);
        this.#event(`account:${this.#accounts[fact.account]}`, position, "account.withdrawn");
        break;
      case Facts.moneyCaptured:
        this.#money(fact.account, position, -fact.amount);
        this.#event(`account:${this.#accounts[fact.account]}`, position, "order.paid");
        break;
      case Facts.productCreated:
        this.#products.push(fact.id);
        this.stocks.set(fact.id, [{ position, state: { ...noStock, available: fact.stock } }]);
        this.#event(`product:${fact.id}`, position, "product.created");
        break;
      case Facts.productKnown:
        this.#products.push(fact.id);
        break;
      case Facts.productRestocked:
        this.#stock(fact.product, position, "restocked", [fact.qty, 0, 0]);
        break;
      case Facts.stockHeld:
        this.#stock(fact.product, position, "held", [-fact.qty, fact.qty, 0]);
        break;
      case Facts.stockSold:
        this.#stock(fact.product, position, "sold", [-fact.qty, 0, fact.qty]);
        break;
      case Facts.stockConfirmed:
        this.#stock(fact.product, position, "confirmed", [0, -fact.qty, fact.qty]);
        break;
      case Facts.stockReleased:
        this.#stock(fact.product, position, "released", [fact.qty, -fact.qty, 0]);
        break;
      case Facts.orderPlaced: {
        const account = this.#accounts[fact.account]!;
        this.#accountOf.set(fact.order, account);
        this.orders.set(fact.order, [{ position, state: fact.paid === fact.total ? "Paid" : "Created" }]);
        this.#event(`account:${account}`, position, "order.created");
        break;
      }
      case Facts.orderPaid:
        this.orders.get(fact.order)!.push({ position, state: "Paid" });
        break;
      case Facts.orderCanceled:
        this.orders.get(fact.order)!.push({ position, state: "Canceled" });
        this.#event(`account:${this.#accountOf.get(fact.order)}`, position, "order.canceled");
        break;
      case Facts.keyKept:
        this.#key(fact, position);
        break;
    }
  }

  #key(fact: Extract<Fact, { paramsHash: number; space: number }>, position: number): void {
    const names = keySpaces[fact.space] === "stock" ? this.#products : this.#accounts;
    const name = `${keySpaces[fact.space]}:${names[fact.subject]}:${fact.key}`;
    const before = this.keys.get(name);
    if (before) throw new Error(`${name} is done at position ${before.position} and again at ${position}`);
    this.keys.set(name, { position, code: fact.code, order: fact.order });
  }

  #money(account: number, position: number, amount: number): void {
    const states = this.wallets.get(this.#accounts[account]!)!;
    states.push({ position, state: states.at(-1)!.state + amount });
  }

  #stock(
    product: number,
    position: number,
    kind: string,
    [a, h, s]: readonly [number, number, number],
  ): void {
    const id = this.#products[product]!;
    const states = this.stocks.get(id)!;
    const { available, held, sold } = states.at(-1)!.state;
    states.push({ position, state: { available: available + a, held: held + h, sold: sold + s } });
    this.#event(`product:${id}`, position, `product.${kind}`);
  }

  #event(topic: string, seq: number, type: string): void {
    const events = this.events.get(topic);
    if (events) events.push({ seq, type });
    else this.events.set(topic, [{ seq, type }]);
  }
}
