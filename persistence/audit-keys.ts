/** Exactly once, as an auditor sees it: every key stands for one effect, and every effect that needs one has its key. */

import type { FactOf } from "../actors/facts.js";
import { formatAmount } from "../actors/money.js";
import { Statuses } from "../actors/order-transitions.js";
import type { BranchAudit } from "./audit-branches.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import { methods } from "./audit-turn.js";
import { KeptKeys } from "./kept-keys.js";

/** A deposit, withdrawal or restock of this turn, or the ref that stands for one. */
type RefName = `${number} ${number} ${string}`;

/** Orders' keys, refs of money, refs of stock. */
const methodsOfSpace: readonly (readonly number[])[] = [
  [methods.place, methods.pay, methods.cancel],
  [methods.deposit, methods.withdraw],
  [methods.restock],
];

export class KeyAudit {
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #branches: BranchAudit;
  readonly #keys = new KeptKeys();
  readonly #refs = new Set<string>();

  // This turn.
  #refsWanted: RefName[] = [];
  #refsKept: RefName[] = [];
  #restocked: number[] = [];

  constructor(scope: AuditScope, ledger: LedgerAudit, stock: StockAudit, branches: BranchAudit) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#branches = branches;
  }

  /** An order across shards takes its key when it begins; the result comes later. */
  begun({ order, account, key }: FactOf<"orderBegun">): void {
    this.#newKey(account, key);
    this.#keys.keep(`${account} ${key}`, { order, running: true });
  }

  /** Money came or went: there must be a ref for it. */
  moneyMoved(method: number, account: number, ref: string): void {
    this.#refsWanted.push(`${method} ${account} ${ref}`);
  }

  restocked(product: number): void {
    this.#restocked.push(product);
  }

  kept(fact: FactOf<"keyKept">): void {
    const { space, subject, key, method, code, order } = fact;
    this.#scope.looked("keys", 1);
    if (!methodsOfSpace[space]?.includes(method))
      this.#scope.bad("keys", `key ${key}: method ${method} in space ${space}`);
    if (space !== 0) {
      const name = `${space} ${subject} ${key}`;
      if (this.#refs.has(name)) this.#scope.bad("keys", `ref ${key} is kept twice`);
      this.#refs.add(name);
      if (order !== 0) this.#scope.bad("keys", `ref ${key} names an order`);
      if (code !== 0) return;
      if (space === 1) this.#refsKept.push(`${method} ${subject} ${key}`);
      else this.#restockKept(subject, key);
      this.#checkAnswer(fact);
      return;
    }
    const running = this.#keys.find(`${subject} ${key}`);
    if (!running?.running) this.#newKey(subject, key);
    this.#keys.keep(`${subject} ${key}`, { order: code === 0 ? order : 0, running: false });
    const settled = code === 0 ? order : running?.running ? running.order : 0;
    if (settled === 0) return;
    const turn = this.#scope.order(settled);
    turn.keys.push(code === 0 ? method : -method);
    if (turn.order && turn.order.account !== subject)
      this.#scope.bad("keys", `key ${key} is not of the order's account`);
    if (running?.running && running.order !== settled)
      this.#scope.bad("keys", `key ${key} is of another order`);
  }

  dropped(count: number): void {
    for (let left = count; left > 0; left--) {
      const oldest = this.#keys.takeOldest();
      if (!oldest) {
        this.#scope.bad("keys", `${left} more keys are dropped than were kept`);
        return;
      }
      const { order } = oldest.kept;
      const live =
        this.#branches.pending.has(order) || this.#scope.live.get(order)?.status === Statuses.Created;
      if (live) this.#keys.keep(oldest.key, oldest.kept);
    }
  }

  endTurn(): void {
    if (this.#refsWanted.length > 0 || this.#refsKept.length > 0) this.#checkRefs();
    if (this.#restocked.length > 0) this.#restocked = [];
  }

  /** The answer that was kept for a deposit, withdrawal or restock tells what was available after it. */
  #checkAnswer({ space, subject, key, text }: FactOf<"keyKept">): void {
    const account = this.#ledger.accounts[subject];
    const product = this.#stock.products[subject];
    const available =
      space === 1 ? account && formatAmount(account.available, account.currency) : product?.available;
    try {
      if ((JSON.parse(text) as { available?: unknown }).available === available) return;
    } catch {
      // Not JSON: as wrong as the wrong number.
    }
    this.#scope.bad("keys", `the answer kept under ref ${key} is not what was available then: ${available}`);
  }

  #newKey(subject: number, key: string): void {
    if (!this.#ledger.accounts[subject])
      this.#scope.bad("names", `account handle ${subject} was never named`);
    if (this.#keys.find(`${subject} ${key}`)) this.#scope.bad("keys", `key ${key} is kept twice`);
  }

  /** A restock may come without a ref, a ref never without its restock. */
  #restockKept(product: number, key: string): void {
    const at = this.#restocked.indexOf(product);
    if (at < 0) this.#scope.bad("keys", `ref ${key} stands for a restock that is not there`);
    else this.#restocked.splice(at, 1);
  }

  #checkRefs(): void {
    const wanted = this.#refsWanted.sort();
    const kept = this.#refsKept.sort();
    if (wanted.length !== kept.length || wanted.some((name, i) => name !== kept[i])) {
      this.#scope.bad("keys", `deposits and withdrawals [${wanted}] under the refs [${kept}]`);
    }
    this.#refsWanted = [];
    this.#refsKept = [];
  }
}
