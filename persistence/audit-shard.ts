/**
 * The books of one shard, kept a second time by an auditor: from the facts alone, with its own arithmetic, and asking of
 * every fact whether it could have happened. Nothing of the engine is used; of `actors` only the tables (catalogue,
 * transitions, postings).
 *
 *   fact ──▶ names known? ──▶ stock, ledger, orders, branches, keys ──end of turn──▶ do the parts fit together?
 *
 * B1  A fact that makes no sense is reported and then applied as far as it can be, so that one fault does not hide another.
 * B2  Memory is bounded by what is live: orders that can move no more are forgotten, and so are dropped keys. Accounts,
 *     products, refs of deposits and orders across shards stay.
 */

import { type Fact, Facts } from "../actors/facts.js";
import { currencyCode } from "../actors/money.js";
import { BranchAudit } from "./audit-branches.js";
import type { Crossing } from "./audit-crossing.js";
import type { Findings } from "./audit-findings.js";
import { KeyAudit } from "./audit-keys.js";
import { LedgerAudit } from "./audit-ledger.js";
import { OrderAudit } from "./audit-orders.js";
import { AuditScope } from "./audit-scope.js";
import { StockAudit } from "./audit-stock.js";
import { methods } from "./audit-turn.js";

export class ShardAudit {
  readonly stock: StockAudit;
  readonly ledger: LedgerAudit;
  readonly orders: OrderAudit;
  readonly #scope: AuditScope;
  readonly #branches: BranchAudit;
  readonly #keys: KeyAudit;

  constructor(
    readonly shard: number,
    findings: Findings,
    crossing: Crossing,
  ) {
    const scope = new AuditScope(shard, findings);
    this.#scope = scope;
    this.stock = new StockAudit(scope);
    this.ledger = new LedgerAudit(scope, this.stock);
    this.#branches = new BranchAudit(scope, this.ledger, this.stock, crossing);
    this.orders = new OrderAudit(scope, this.ledger, this.stock, this.#branches, crossing);
    this.#keys = new KeyAudit(scope, this.ledger, this.stock, this.#branches);
  }

  /** Of the last fact taken. */
  get position(): number {
    return this.#scope.position;
  }

  /** Takes the next fact. */
  take(fact: Fact, time: number, position: number): void {
    const scope = this.#scope;
    if (time !== scope.time) {
      this.#endTurn();
      if (time < scope.time) scope.bad("log", `time goes back from ${scope.time} to ${time}`);
      scope.time = time;
    }
    scope.position = position;
    if (this.#namesKnown(fact)) {
      this.#apply(fact);
      this.ledger.post(fact);
    }
  }

  /** The log is over. */
  finish(): void {
    this.#endTurn();
    this.orders.finish();
  }

  /** The turn is over: its parts must fit together now. */
  #endTurn(): void {
    this.#scope.endTurn();
    this.stock.endTurn();
    this.ledger.endTurn();
    this.#keys.endTurn();
  }

  /** Whether all handles in the fact stand for something; a fact for which they do not cannot be applied. */
  #namesKnown(fact: Fact): boolean {
    this.#scope.looked("names", 1);
    if ("account" in fact && !this.ledger.accounts[fact.account]) {
      this.#scope.bad("names", `account handle ${fact.account} was never named`);
      return false;
    }
    if ("currency" in fact && (currencyCode(fact.currency) as string | undefined) === undefined) {
      this.#scope.bad("names", `currency number ${fact.currency} is not known to this build`);
      return false;
    }
    if ("product" in fact && fact.type !== Facts.branchAnswered && !this.stock.products[fact.product]) {
      this.#scope.bad("names", `product handle ${fact.product} was never named`);
      return false;
    }
    return true;
  }

  #apply(fact: Fact): void {
    const { ledger, stock, orders } = this;
    switch (fact.type) {
      case Facts.accountNamed:
        ledger.named(fact);
        break;
      case Facts.accountOpened:
        ledger.opened(fact);
        break;
      case Facts.accountDeposited:
        this.#keys.moneyMoved(methods.deposit, fact.account, fact.ref);
        ledger.pay(fact.account, fact.amount);
        break;
      case Facts.accountWithdrawn:
        this.#keys.moneyMoved(methods.withdraw, fact.account, fact.ref);
        ledger.pay(fact.account, -fact.amount);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        stock.named(fact);
        break;
      case Facts.productRestocked:
        stock.restocked(fact);
        this.#keys.restocked(fact.product);
        break;
      case Facts.productRepriced:
        stock.products[fact.product]!.price = fact.price;
        break;
      case Facts.stockHeld:
      case Facts.stockSold:
      case Facts.stockConfirmed:
      case Facts.stockReleased:
        stock.move(fact);
        break;
      case Facts.orderPlaced:
        orders.placed(fact);
        break;
      case Facts.moneyCaptured:
        ledger.moneyCaptured(fact);
        break;
      case Facts.orderPaid:
        orders.moved(fact.order, "pay", fact.amount);
        break;
      case Facts.orderCanceled:
        if (fact.cause !== 1 && fact.cause !== 2)
          this.#scope.bad("order-moves", `canceled for cause ${fact.cause}`);
        orders.moved(fact.order, fact.cause === 2 ? "expire" : "cancel", 0);
        break;
      case Facts.keyKept:
        this.#keys.kept(fact);
        break;
      case Facts.keysDropped:
        this.#keys.dropped(fact.count);
        break;
      case Facts.orderBegun:
        orders.numbered(fact.order, fact.account);
        this.#keys.begun(fact);
        this.#branches.begun(fact);
        break;
      case Facts.branchAnswered:
        this.#branches.answered(fact);
        break;
      case Facts.orderRefused:
        this.#branches.refused(fact.order);
        break;
      case Facts.messageSent:
        this.#branches.sent(fact);
        break;
      case Facts.messageReceived:
        this.#branches.received(fact);
        break;
      case Facts.messagesAcked:
        this.#branches.acked(fact);
        break;
      case Facts.branchTried:
        this.#branches.tried(fact);
        break;
      case Facts.branchEnded:
        this.#branches.ended(fact);
        break;
      default:
        break;
    }
  }
}
