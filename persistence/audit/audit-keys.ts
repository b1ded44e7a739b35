/** Exactly once, as an auditor sees it: every key stands for one effect, and every effect that needs one has its key. */

import type { FactOf } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { formatAmount } from "../../actors/money.js";
import { isTerminal, Statuses } from "../../actors/order-transitions.js";
import type { BranchAudit } from "./audit-branches.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { paymentName } from "./audit-live.js";
import type { PaymentAudit } from "./audit-payments.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import type { TransactionAudit } from "./audit-transactions.js";
import { KeptKeys } from "./kept-keys.js";

/** In the place of a result's number: it is not known yet. */
const runningCode = 255;

/** A deposit, withdrawal, spending of points or payment of this turn, or the ref that stands for one. */
type RefName = `${number} ${number} ${string}`;

/** Orders' keys, refs of money, refs of stock, payments from outside. */
const methodsOfSpace: readonly (readonly number[])[] = [
  [
    keyedMethods["order.place"],
    keyedMethods["order.pay"],
    keyedMethods["order.cancel"],
    keyedMethods["order.advance"],
    keyedMethods["order.refund"],
    keyedMethods["transaction.begin"],
  ],
  [keyedMethods["account.deposit"], keyedMethods["account.withdraw"], keyedMethods["points.spend"]],
  [
    keyedMethods["product.restock"],
    keyedMethods["product.update"],
    keyedMethods["product.adjust"],
    keyedMethods["product.count"],
  ],
  [keyedMethods["payment.notify"]],
];
const spaces = { order: 0, money: 1, stock: 2, payment: 3 } as const;

export class KeyAudit {
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #branches: BranchAudit;
  readonly #payments: PaymentAudit;
  readonly #transactions: TransactionAudit;
  readonly #keys = new KeptKeys();
  readonly #refs = new Set<string>();
  readonly #runningRefs = new Set<string>();

  // This turn.
  #refsWanted: RefName[] = [];
  #refsKept: RefName[] = [];
  /** Of changes to stock and products: a method and its product. */
  #stockChanged: string[] = [];

  constructor(
    scope: AuditScope,
    ledger: LedgerAudit,
    stock: StockAudit,
    branches: BranchAudit,
    payments: PaymentAudit,
    transactions: TransactionAudit,
  ) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#branches = branches;
    this.#payments = payments;
    this.#transactions = transactions;
  }

  /** An order across shards takes its key when it begins; the result comes later. */
  begun({ order, account, key }: FactOf<"orderBegun">): void {
    this.#newKey(account, key);
    this.#keys.keep(`${account} ${key}`, { order, running: true });
  }

  /** A transaction likewise; its number is negative here, as in the books. */
  transactionBegun({ transaction, account, key }: FactOf<"transactionBegun">): void {
    this.#newKey(account, key);
    this.#keys.keep(`${account} ${key}`, { order: -transaction, running: true });
  }

  /** Money or points came or went: there must be a ref for it. */
  moneyMoved(method: number, account: number, ref: string): void {
    this.#refsWanted.push(`${method} ${account} ${ref}`);
  }

  /** Its name is its ref, and belongs to nobody. */
  paymentBooked(payment: FactOf<"paymentBooked">): void {
    this.#refsWanted.push(`${keyedMethods["payment.notify"]} 0 ${paymentName(payment)}`);
  }

  /** What a request with a ref has changed of a product. */
  stockChanged(method: number, product: number): void {
    this.#stockChanged.push(`${method} ${product}`);
  }

  kept(fact: FactOf<"keyKept">): void {
    const { space, subject, key, method, code, order } = fact;
    this.#scope.looked("keys", 1);
    if (!methodsOfSpace[space]?.includes(method))
      this.#scope.bad("keys", `key ${key}: method ${method} in space ${space}`);
    if (space !== spaces.order) {
      this.#refKept(fact);
      return;
    }
    const running = this.#keys.find(`${subject} ${key}`);
    if (!running?.running) this.#newKey(subject, key);
    this.#keys.keep(`${subject} ${key}`, { order: code === 0 ? order : 0, running: false });
    const settled = code === 0 ? order : running?.running ? Math.max(0, running.order) : 0;
    if (settled === 0) return;
    const turn = this.#scope.order(settled);
    turn.keys.push(code === 0 ? method : -method);
    if (turn.order && turn.order.account !== subject)
      this.#scope.bad("keys", `key ${key} is not of the order's account`);
    if (running?.running && running.order !== settled)
      this.#scope.bad("keys", `key ${key} is of another order`);
  }

  #refKept(fact: FactOf<"keyKept">): void {
    const { space, subject, key, method, code, order } = fact;
    const name = `${space} ${subject} ${key}`;
    // The result of a payment whose order lives on another shard comes from there.
    const running = this.#runningRefs.delete(name);
    if (this.#refs.has(name) && !running) this.#scope.bad("keys", `ref ${key} is kept twice`);
    this.#refs.add(name);
    if (code === runningCode && space === spaces.payment) {
      this.#runningRefs.add(name);
      this.#refsKept.push(`${method} ${subject} ${key}`);
      return;
    }
    if (space === spaces.payment) this.#payments.kept(fact);
    else if (order !== 0) this.#scope.bad("keys", `ref ${key} names an order`);
    if (code !== 0) return;
    if (space === spaces.stock) this.#stockKept(method, subject, key);
    else if (!running) this.#refsKept.push(`${method} ${subject} ${key}`);
    if (space !== spaces.payment) this.#checkAnswer(fact);
  }

  dropped(count: number): void {
    for (let left = count; left > 0; left--) {
      const oldest = this.#keys.takeOldest();
      if (!oldest) {
        this.#scope.bad("keys", `${left} more keys are dropped than were kept`);
        return;
      }
      const { order } = oldest.kept;
      if (this.#branches.pending.has(order) || this.#transactions.isOpen(-order) || this.#mayMove(order))
        this.#keys.keep(oldest.key, oldest.kept);
    }
  }

  #mayMove(number: number): boolean {
    const order = this.#scope.live.get(number);
    if (!order || isTerminal(order.status)) return false;
    return order.status !== Statuses.Completed || this.#scope.nowMs < (order.after?.dueAt ?? 0);
  }

  endTurn(): void {
    if (this.#refsWanted.length > 0 || this.#refsKept.length > 0) this.#checkRefs();
    if (this.#stockChanged.length > 0) this.#stockChanged = [];
  }

  /** The answer that was kept for a deposit, withdrawal, spending or restock tells what was there after it. */
  #checkAnswer({ space, subject, key, text }: FactOf<"keyKept">): void {
    const account = this.#ledger.accounts[subject];
    const available =
      space === spaces.stock
        ? this.#stock.products[subject]?.available
        : account && account.currency >= 0 && formatAmount(account.available, account.currency);
    const points = space === spaces.stock ? undefined : account?.points;
    const answer = parseAnswer(text);
    // Of points an answer may say nothing, and one about points nothing of money.
    const told = answer.available ?? answer.points;
    if (
      told !== undefined &&
      (answer.available ?? available) === available &&
      (answer.points ?? points) === points
    )
      return;
    this.#scope.bad("keys", `the answer kept under ref ${key} is not what was available then: ${available}`);
  }

  #newKey(subject: number, key: string): void {
    if (!this.#ledger.accounts[subject])
      this.#scope.bad("names", `account handle ${subject} was never named`);
    if (this.#keys.find(`${subject} ${key}`)) this.#scope.bad("keys", `key ${key} is kept twice`);
  }

  /** A change may come without a ref, a ref never without its change. */
  #stockKept(method: number, product: number, key: string): void {
    const at = this.#stockChanged.indexOf(`${method} ${product}`);
    if (at < 0) this.#scope.bad("keys", `ref ${key} stands for a change of a product that is not there`);
    else this.#stockChanged.splice(at, 1);
  }

  #checkRefs(): void {
    const wanted = this.#refsWanted.sort();
    const kept = this.#refsKept.sort();
    if (wanted.length !== kept.length || wanted.some((name, i) => name !== kept[i])) {
      this.#scope.bad("keys", `movements [${wanted}] under the refs [${kept}]`);
    }
    this.#refsWanted = [];
    this.#refsKept = [];
  }
}

/** What is not JSON tells nothing. */
function parseAnswer(text: string): { available?: unknown; points?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
