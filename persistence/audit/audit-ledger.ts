/** The money of one shard, kept a second time: wallets by their facts, and the whole ledger by its postings. */

import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { type LedgerNames, type Posting, postingsOf } from "../../actors/postings.js";
import type { LiveOrder } from "./audit-live.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import { CurrencySums, ExactSum } from "./exact-sum.js";

export interface AuditedAccount {
  readonly id: string;
  /** -1 until it is opened. */
  currency: number;
  available: number;
  /** For transactions that are tried; and what those say that they hold. */
  held: number;
  reserved: number;
  points: number;
}

export class LedgerAudit implements LedgerNames {
  readonly accounts: AuditedAccount[] = [];
  /** Of every ledger account but the orders', which are one sum for each currency. */
  readonly entries = new Map<string, { readonly unit: string; readonly sum: ExactSum }>();
  /** Counted from the orders: what they have, and what they earned when they were archived. */
  readonly inOrders = new CurrencySums();
  readonly revenue = new CurrencySums();
  readonly #scope: AuditScope;
  readonly #stock: StockAudit;
  readonly #handles = new Map<string, number>();
  readonly #held = new Set<AuditedAccount>();

  constructor(scope: AuditScope, stock: StockAudit) {
    this.#scope = scope;
    this.#stock = stock;
  }

  accountId(handle: number): string {
    return this.accounts[handle]!.id;
  }

  accountCurrency(handle: number): string {
    return currencyCode(this.accounts[handle]!.currency);
  }

  productId(handle: number): string {
    return this.#stock.products[handle]!.id;
  }

  /** The handle of an account that is open here; undefined when there is none of that name. */
  openHandle(id: string): number | undefined {
    const handle = this.#handles.get(id);
    return handle !== undefined && this.accounts[handle]!.currency >= 0 ? handle : undefined;
  }

  named({ id }: FactOf<"accountNamed">): void {
    if (this.#handles.has(id)) this.#scope.bad("names", `account ${id} is named twice`);
    this.#handles.set(id, this.accounts.length);
    this.accounts.push({ id, currency: -1, available: 0, held: 0, reserved: 0, points: 0 });
  }

  opened(fact: FactOf<"accountOpened">): void {
    const account = this.accounts[fact.account]!;
    if (account.currency >= 0) this.#scope.bad("names", `account ${account.id} is opened twice`);
    account.currency = fact.currency;
  }

  pay(handle: number, amount: number): void {
    const account = this.accounts[handle]!;
    if (account.currency < 0) this.#scope.bad("names", `account ${account.id} is not open`);
    account.available += amount;
    this.#scope.looked("guards", 1);
    if (account.available < 0 || !Number.isSafeInteger(account.available)) {
      this.#scope.bad("guards", `account ${account.id}: available ${account.available}`);
    }
  }

  hold(handle: number, amount: number): void {
    const account = this.accounts[handle]!;
    account.held += amount;
    this.#held.add(account);
    this.#scope.looked("guards", 1);
    if (account.held < 0) this.#scope.bad("guards", `account ${account.id}: held ${account.held}`);
  }

  /** What a tried branch holds more (or less) of an account's money. */
  reserve(handle: number, amount: number): void {
    const account = this.accounts[handle]!;
    account.reserved += amount;
    this.#held.add(account);
  }

  endTurn(): void {
    for (const { id, held, reserved } of this.#held) {
      this.#scope.looked("holds", 1);
      if (held !== reserved)
        this.#scope.bad("holds", `account ${id}: held ${held}, by transactions ${reserved}`);
    }
    this.#held.clear();
  }

  moneyCaptured(fact: FactOf<"moneyCaptured">): void {
    this.pay(fact.account, -fact.amount);
    // The placement may stand before it in the same turn, or behind.
    this.#scope.order(fact.order).payers.push(fact.account);
  }

  /** By its own facts, an order has more or less. */
  inOrder(order: LiveOrder, amount: number): void {
    this.inOrders.add(currencyCode(order.currency), amount);
  }

  /** Books the fact's entry, if it has one, and gives it back. */
  post(fact: Fact): readonly Posting[] {
    const ofMoney =
      fact.type === Facts.accountDeposited ||
      fact.type === Facts.accountWithdrawn ||
      fact.type === Facts.moneyCaptured;
    if (ofMoney && this.accounts[fact.account]!.currency < 0) return [];
    const postings = postingsOf(fact, this);
    if (postings.length === 0) return postings;
    this.#scope.looked("entries", 1);
    let sum = 0;
    for (const { account, unit, amount } of postings) {
      if (unit !== postings[0]!.unit) this.#scope.bad("entries", "an entry in two units");
      sum += amount;
      const ofOrder = account.startsWith("order:");
      if (ofOrder && "order" in fact) this.#scope.order(fact.order).posted += amount;
      const name = ofOrder ? `order: ${unit}` : account;
      let balance = this.entries.get(name);
      if (!balance) {
        balance = { unit, sum: new ExactSum() };
        this.entries.set(name, balance);
      }
      balance.sum.add(amount);
      if (balance.unit !== unit) this.#scope.bad("entries", `${name} is kept in ${balance.unit}`);
    }
    if (sum !== 0) this.#scope.bad("entries", `an entry that sums to ${sum}`);
    return postings;
  }
}
