/** The money of one shard, kept a second time: wallets by their facts, and the whole ledger by its postings. */

import { type Fact, type FactOf, Facts } from "../actors/facts.js";
import { currencyCode } from "../actors/money.js";
import { orderId } from "../actors/order-number.js";
import { type LedgerNames, postingsOf } from "../actors/postings.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import type { LiveOrder } from "./audit-turn.js";
import { ExactSum } from "./exact-sum.js";

export interface AuditedAccount {
  readonly id: string;
  /** -1 until it is opened. */
  currency: number;
  available: number;
}

export class LedgerAudit implements LedgerNames {
  readonly accounts: AuditedAccount[] = [];
  /** Of every ledger account but the orders', which are one sum for each currency. */
  readonly entries = new Map<string, { readonly unit: string; readonly sum: ExactSum }>();
  /** Captured by orders, by currency, counted from the orders. */
  readonly captured = new Map<string, ExactSum>();
  readonly #scope: AuditScope;
  readonly #stock: StockAudit;
  readonly #names = new Set<string>();
  /** Captures whose order is placed later in the turn. */
  #early: FactOf<"moneyCaptured">[] = [];

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

  named({ id }: FactOf<"accountNamed">): void {
    if (this.#names.has(id)) this.#scope.bad("names", `account ${id} is named twice`);
    this.#names.add(id);
    this.accounts.push({ id, currency: -1, available: 0 });
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

  moneyCaptured(fact: FactOf<"moneyCaptured">): void {
    this.pay(fact.account, -fact.amount);
    const turn = this.#scope.order(fact.order);
    turn.captures++;
    // The placement may stand before it in the same turn, or behind.
    if (turn.order) this.#capture(turn.order, fact);
    else this.#early.push(fact);
  }

  /** An order is placed: what was captured for it before, in this turn, is its own. */
  placed(order: LiveOrder): void {
    for (const early of this.#early) if (early.order === order.number) this.#capture(order, early);
  }

  #capture(order: LiveOrder, { account, amount }: FactOf<"moneyCaptured">): void {
    if (account !== order.account)
      this.#scope.bad("order-ledger", `${orderId(order.number)}: paid by another account`);
    order.captured += amount;
    const currency = currencyCode(order.currency);
    const sum = this.captured.get(currency) ?? new ExactSum();
    sum.add(amount);
    this.captured.set(currency, sum);
  }

  post(fact: Fact): void {
    const ofMoney =
      fact.type === Facts.accountDeposited ||
      fact.type === Facts.accountWithdrawn ||
      fact.type === Facts.moneyCaptured;
    if (ofMoney && this.accounts[fact.account]!.currency < 0) return;
    const postings = postingsOf(fact, this);
    if (postings.length === 0) return;
    this.#scope.looked("entries", 1);
    let sum = 0;
    for (const { account, unit, amount } of postings) {
      if (unit !== postings[0]!.unit) this.#scope.bad("entries", "an entry in two units");
      sum += amount;
      const name = account.startsWith("order:") ? `order: ${unit}` : account;
      let balance = this.entries.get(name);
      if (!balance) {
        balance = { unit, sum: new ExactSum() };
        this.entries.set(name, balance);
      }
      balance.sum.add(amount);
      if (balance.unit !== unit) this.#scope.bad("entries", `${name} is kept in ${balance.unit}`);
    }
    if (sum !== 0) this.#scope.bad("entries", `an entry that sums to ${sum}`);
  }

  endTurn(): void {
    if (this.#early.length > 0) this.#early = [];
  }
}
