/**
 * Why a number is what it is: every entry of the ledger that made it, in the order of the log, and what it comes to. Held
 * against the auditor's books, which count the same from the facts and not from the entries.
 *
 *   what      columns                        ledger accounts
 *   stock     available, held, sold          stock:<product>:...
 *   balance   balance                        wallet:<account>
 *   points    points                         points:<account>
 *   order     in the order, to be refunded   order:<order>, and what is payable for its refunds
 *
 * EXPLAIN-1  One entry at a time: nothing grows with their number.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { catalogue, type Fact, Facts } from "../../actors/facts.js";
import { currencyNumber, formatMinor, scaleOf } from "../../actors/money.js";
import { itemId, orderId, parseOrderId, refundId } from "../../actors/order-number.js";
import type { Posting } from "../../actors/postings.js";
import type { Group } from "../log/journal.js";
import { CrossShard } from "./audit-cross-shard.js";
import { Findings } from "./audit-findings.js";
import { paymentName } from "./audit-live.js";
import { ShardAudit } from "./audit-shard.js";

export const explained = ["stock", "balance", "points", "order"] as const;
export type Explained = (typeof explained)[number];

/** Columns of each, in their order. */
export const columns = {
  stock: ["available", "held", "sold"],
  balance: ["balance"],
  points: ["points"],
  order: ["inOrder", "toRefund"],
} as const satisfies Record<Explained, readonly string[]>;

export interface ExplainedEntry {
  readonly position: number;
  /** ms */
  readonly time: number;
  /** The fact's name in the catalogue: `stock.held`. */
  readonly what: string;
  /** The order, refund, payment, item or ref that it belongs to; "" = none. */
  readonly of: string;
  /** By column: how much came (or went), and what was there then. Units, points, or minor units. */
  readonly amounts: readonly number[];
  readonly balances: readonly number[];
  /** Of both: a currency's code, `points`, or `unit:<product>`. */
  readonly unit: string;
}

export interface Explanation {
  readonly entries: number;
  /** By column: what the entries come to, and what the books say; they are the same, or something is wrong. */
  readonly total: readonly number[];
  readonly books: readonly number[];
  readonly unit: string;
  /** The first position up to which the log itself cannot be right. */
  readonly firstBad: number | undefined;
}

/** Undefined at the end: there is nothing of that name in the log. */
export function* explain(
  groups: Iterable<Group>,
  what: Explained,
  key: string,
): Generator<ExplainedEntry, Explanation | undefined> {
  const explainer = new Explainer(what, key);
  for (const { body, first } of groups) {
    // An entry is made while its fact is read, and given away when its group was.
    const found: ExplainedEntry[] = [];
    readFacts(body, first, (fact, time, position) => {
      const entry = explainer.take(fact, time, position);
      if (entry) found.push(entry);
    });
    yield* found;
  }
  return explainer.end();
}

class Explainer {
  readonly #findings = new Findings();
  readonly #books = new ShardAudit(0, this.#findings, new CrossShard([0]));
  readonly #accounts: readonly string[];
  readonly #balances: number[];
  /** Of an order. */
  readonly #order: number;
  readonly #refunds = new Set<string>();
  #unit = "";
  #known = false;
  #entries = 0;

  constructor(
    private readonly what: Explained,
    private readonly key: string,
  ) {
    this.#order = what === "order" ? (parseOrderId(key) ?? -1) : -1;
    this.#accounts = accountsOf(what, key);
    this.#balances = this.#accounts.map(() => 0);
  }

  take(fact: Fact, time: number, position: number): ExplainedEntry | undefined {
    const postings = this.#books.take(fact, time, position);
    if (this.what === "order") this.#follow(fact);
    const amounts = this.#accounts.map((account) => this.#amountOf(postings, account, fact));
    const said = fact.type === Facts.refundUnknown && this.#refunds.has(refundId(fact.refund));
    if (!said && amounts.every((amount) => amount === 0)) return undefined;
    for (const [column, amount] of amounts.entries()) this.#balances[column]! += amount;
    this.#entries++;
    this.#unit = postings[0]?.unit ?? this.#unit;
    const what = { what: names[fact.type]!, of: subjectOf(fact), unit: this.#unit };
    return { position, time: Math.floor(time / 1000), ...what, amounts, balances: [...this.#balances] };
  }

  end(): Explanation | undefined {
    const books = this.#booksSay();
    if (!books) return undefined;
    const firstBad = this.#findings.first?.position;
    return { entries: this.#entries, total: this.#balances, books, unit: this.#unit, firstBad };
  }

  /** An order's refunds are payable together with those of others: its own are told by their facts. */
  #follow(fact: Fact): void {
    if ("order" in fact && fact.order === this.#order) this.#known = true;
    if (fact.type === Facts.refundRequested && fact.order === this.#order)
      this.#refunds.add(refundId(fact.refund));
  }

  #amountOf(postings: readonly Posting[], name: string, fact: Fact): number {
    if (this.what === "order" && !("order" in fact && fact.order === this.#order)) return 0;
    let sum = 0;
    for (const { account, amount } of postings)
      if (account === name || (name === payable && account.startsWith(payable))) sum += amount;
    return sum;
  }

  #booksSay(): readonly number[] | undefined {
    const { stock, ledger } = this.#books;
    if (this.what === "stock") {
      const product = stock.products.find(({ id, remote }) => id === this.key && !remote);
      return product && [product.available, product.held, product.sold];
    }
    if (this.what === "order") {
      if (!this.#known) return undefined;
      const toRefund = [...this.#books.refunds.open.values()].filter(({ order }) => order === this.#order);
      const sum = toRefund.reduce((all, { amount }) => all + amount, 0);
      return [this.#books.remainingOf(this.#order) ?? 0, sum];
    }
    const account = ledger.accounts.find(({ id, currency }) => id === this.key && currency >= 0);
    return account && [this.what === "points" ? account.points : account.available];
  }
}

/** An amount as text: money as its currency writes it, units and points as they are. */
export function formatUnits(amount: number, unit: string): string {
  return currencyNumber(unit) === undefined ? String(amount) : formatMinor(amount, scaleOf(unit));
}

const payable = "payable:";

function accountsOf(what: Explained, key: string): readonly string[] {
  switch (what) {
    case "stock":
      return columns.stock.map((stockBucket) => `stock:${key}:${stockBucket}`);
    case "balance":
      return [`wallet:${key}`];
    case "points":
      return [`points:${key}`];
    case "order":
      return [`order:${key}`, payable];
  }
}

const names: Readonly<Record<number, string>> = Object.fromEntries(
  Object.values(catalogue).map(({ number, name }) => [number, name]),
);

function subjectOf(fact: Fact): string {
  const parts: string[] = [];
  if ("order" in fact && fact.order !== 0) parts.push(orderId(fact.order));
  if ("refund" in fact) parts.push(refundId(fact.refund));
  if ("item" in fact) parts.push(itemId(fact.item));
  if ("paymentId" in fact && fact.paymentId !== "") parts.push(paymentName(fact));
  if ("ref" in fact && !("refund" in fact)) parts.push(fact.ref);
  return parts.join(" ");
}
