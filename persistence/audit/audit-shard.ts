/**
 * The books of one shard, kept a second time by an auditor: from the facts alone, with its own arithmetic, and asking of
 * every fact whether it could have happened. Nothing of the engine is used; of `actors` only the tables (catalogue,
 * transitions, postings).
 *
 *   fact ──▶ names known? ──▶ stock, ledger, orders, payments, refunds, points, ──end of turn──▶ do the parts
 *                             items for humans, branches, keys                                   fit together?
 *
 * AUDIT-SHARD-1  A fact that makes no sense is reported and then applied as far as it can be, so that one fault does not hide another.
 * AUDIT-SHARD-2  Memory is bounded by what is live: archived orders, refunds that ended, resolved items and dropped keys are forgotten.
 *                Accounts, products, refs of deposits and payments, and orders across shards stay.
 */

import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyCode } from "../../actors/money.js";
import type { Posting } from "../../actors/postings.js";
import { BranchAudit } from "./audit-branches.js";
import type { CrossShard } from "./audit-cross-shard.js";
import type { Findings } from "./audit-findings.js";
import { HomeAudit } from "./audit-homes.js";
import { KeyAudit } from "./audit-keys.js";
import { LedgerAudit } from "./audit-ledger.js";
import { remainingOf } from "./audit-live.js";
import { OrderAudit } from "./audit-orders.js";
import { PaymentAudit } from "./audit-payments.js";
import { PointsAudit } from "./audit-points.js";
import { RefundAudit } from "./audit-refunds.js";
import { ReviewAudit } from "./audit-review.js";
import { AuditScope } from "./audit-scope.js";
import { countReason, StockAudit } from "./audit-stock.js";
import { TransactionAudit } from "./audit-transactions.js";
import type { TurnOrder } from "./audit-turn.js";

export class ShardAudit {
  readonly stock: StockAudit;
  readonly ledger: LedgerAudit;
  readonly orders: OrderAudit;
  readonly payments: PaymentAudit;
  readonly refunds: RefundAudit;
  readonly points: PointsAudit;
  readonly human: ReviewAudit;
  readonly transactions: TransactionAudit;
  readonly #scope: AuditScope;
  readonly #homes: HomeAudit;
  readonly #branches: BranchAudit;
  readonly #keys: KeyAudit;

  constructor(
    readonly shard: number,
    findings: Findings,
    crossing: CrossShard,
    shards?: number,
  ) {
    const scope = new AuditScope(shard, findings);
    this.#scope = scope;
    this.stock = new StockAudit(scope);
    this.ledger = new LedgerAudit(scope, this.stock);
    this.#homes = new HomeAudit(scope, this.ledger, shards);
    this.#branches = new BranchAudit(scope, this.ledger, this.stock, crossing);
    this.orders = new OrderAudit(scope, this.ledger, this.stock, this.#branches, crossing);
    this.payments = new PaymentAudit(scope, this.ledger, crossing);
    this.refunds = new RefundAudit(scope, this.ledger, crossing);
    this.points = new PointsAudit(scope, this.ledger);
    this.human = new ReviewAudit(scope, this.ledger, this.payments, this.refunds);
    this.transactions = new TransactionAudit(scope, this.ledger, this.stock, this.payments);
    this.#keys = new KeyAudit(
      scope,
      this.ledger,
      this.stock,
      this.#branches,
      this.payments,
      this.transactions,
    );
  }

  /** Of the last fact taken. */
  get position(): number {
    return this.#scope.position;
  }

  /** What an order costs in memory is over when it is archived. */
  get liveOrders(): number {
    return this.#scope.live.size;
  }

  /** What the order has of its money; undefined when there is no such order, or it was archived. */
  remainingOf(order: number): number | undefined {
    const live = this.#scope.live.get(order);
    return live && remainingOf(live);
  }

  /** Of the last turn, microseconds. */
  get time(): number {
    return this.#scope.time;
  }

  /** Takes the next fact, and gives back its entry in the ledger. */
  take(fact: Fact, time: number, position: number): readonly Posting[] {
    const scope = this.#scope;
    if (time !== scope.time) {
      this.#endTurn();
      if (time < scope.time) scope.bad("log", `time goes back from ${scope.time} to ${time}`);
      scope.time = time;
    }
    scope.position = position;
    if (!this.#namesKnown(fact)) return [];
    this.#apply(fact);
    this.#homes.take(fact);
    return this.ledger.post(fact);
  }

  /** The log is over. */
  finish(): void {
    this.#endTurn();
    this.orders.finish();
  }

  /** The turn is over: its parts must fit together now. */
  #endTurn(): void {
    this.#branches.endTurn();
    this.transactions.endTurn();
    this.ledger.endTurn();
    const byHuman = this.human.acted;
    this.human.endTurn();
    this.payments.endTurn();
    this.refunds.endTurn();
    this.points.endTurn();
    this.#scope.endTurn((turn: TurnOrder) => {
      this.refunds.check(turn, byHuman);
      this.points.check(turn);
    });
    this.stock.endTurn();
    for (const product of this.stock.shortSinceCount()) {
      this.#scope.looked("progress", 1);
      if (!this.human.knowsShort(product))
        this.#scope.bad("progress", `${product}: a count has left it short, and no human was told`);
    }
    this.#keys.endTurn();
  }

  /** Whether all handles in the fact stand for something; a fact for which they do not cannot be applied. */
  #namesKnown(fact: Fact): boolean {
    this.#scope.looked("names", 1);
    if ("account" in fact && !this.ledger.accounts[fact.account] && !ofNobody(fact)) {
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
        this.#keys.moneyMoved(keyedMethods["account.deposit"], fact.account, fact.ref);
        ledger.pay(fact.account, fact.amount);
        break;
      case Facts.accountWithdrawn:
        this.#keys.moneyMoved(keyedMethods["account.withdraw"], fact.account, fact.ref);
        ledger.pay(fact.account, -fact.amount);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        stock.named(fact);
        break;
      case Facts.productRestocked:
        stock.restocked(fact);
        this.#keys.stockChanged(keyedMethods["product.restock"], fact.product);
        break;
      case Facts.productRepriced:
        stock.repriced(fact);
        break;
      case Facts.productUpdated:
        stock.updated(fact);
        this.#keys.stockChanged(keyedMethods["product.update"], fact.product);
        break;
      case Facts.stockAdjusted:
        stock.adjusted(fact);
        this.#keys.stockChanged(
          keyedMethods[fact.reason === countReason ? "product.count" : "product.adjust"],
          fact.product,
        );
        break;
      case Facts.backorderAllowed:
        stock.products[fact.product]!.backorder = fact.backorder;
        break;
      case Facts.productDelisted:
      case Facts.productRelisted:
        stock.listed(fact);
        break;
      case Facts.stockHeld:
      case Facts.stockSold:
      case Facts.stockConfirmed:
      case Facts.stockReleased:
        stock.move(fact);
        break;
      case Facts.stockReturned:
        stock.move(fact);
        this.#branches.returned(fact);
        break;
      case Facts.orderPlaced:
        orders.placed(fact);
        break;
      case Facts.moneyCaptured:
        ledger.moneyCaptured(fact);
        break;
      case Facts.orderPaid:
        orders.paid(fact);
        break;
      case Facts.orderCanceled:
        orders.canceled(fact);
        break;
      case Facts.operatorNamed:
        orders.operatorNamed(fact);
        break;
      case Facts.orderDescribed:
        orders.described(fact);
        break;
      case Facts.orderAdjusted:
        orders.adjusted(fact);
        break;
      case Facts.orderAdjustmentsKept:
        orders.adjustmentsKept(fact);
        break;
      case Facts.orderDescriptionKept:
        orders.descriptionKept(fact);
        break;
      case Facts.keyKept:
        this.#keys.kept(fact);
        break;
      case Facts.keysDropped:
        this.#keys.dropped(fact.count);
        break;
      case Facts.tokenClaimed:
      case Facts.tokenIssued:
      case Facts.clockJumped:
        break;
      case Facts.orderBegun:
        orders.numbered(fact.order, fact.account);
        this.#keys.begun(fact);
        this.#branches.begun(fact);
        break;
      case Facts.branchBegun:
        this.#branches.asked(fact);
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
      // A fact that is new in the catalogue does not compile here until it has a place above or in a list like the next.
      default:
        this.#applyAfterSale(fact);
    }
  }

  /** What follows an order's payment, and what comes from outside. */
  #applyAfterSale(fact: AfterSaleFact): void {
    const { orders, payments, refunds, points, human } = this;
    switch (fact.type) {
      case Facts.orderMoved:
        orders.moved(fact);
        break;
      case Facts.orderArchived:
        orders.archived(fact);
        break;
      case Facts.paymentBooked:
        payments.booked(fact);
        this.#keys.paymentBooked(fact);
        break;
      case Facts.paymentForwarded:
        payments.forwarded(fact);
        break;
      case Facts.paymentArrived:
        payments.arrived(fact);
        break;
      case Facts.paymentApplied:
        payments.applied(fact);
        break;
      case Facts.orderSettled:
        orders.settled(fact);
        break;
      case Facts.orderReinstated:
        orders.reinstated(fact);
        break;
      case Facts.reinstatementBegun:
        payments.reinstating(fact);
        this.#branches.reinstating(fact);
        break;
      case Facts.reinstatementEnded:
        payments.reclaimed(fact);
        this.#branches.reclaimed(fact);
        break;
      case Facts.refundRequested:
        refunds.asked(fact);
        payments.refundRequested(fact);
        break;
      case Facts.refundDone:
        refunds.ended(fact);
        break;
      case Facts.refundRefused: {
        const asked = refunds.ended(fact);
        payments.refundRefused(fact);
        if (asked) human.refused(asked);
        break;
      }
      case Facts.refundUnknown:
        refunds.unknown(fact);
        break;
      case Facts.pointsGranted:
        points.grant(fact);
        break;
      case Facts.pointsReversed:
        points.reverse(fact);
        break;
      case Facts.pointsSpent:
        this.#keys.moneyMoved(keyedMethods["points.spend"], fact.account, fact.ref);
        points.spend(fact);
        break;
      case Facts.humanOpened:
        human.opened(fact);
        break;
      case Facts.humanResolved:
        human.resolved(fact);
        this.transactions.resolved();
        break;
      case Facts.entryMade:
        human.entry(fact);
        break;
      case Facts.paymentClaimed:
        human.claimed(fact);
        break;
      default:
        this.#applyTransaction(fact);
    }
  }

  /** Calls to the outside, and transactions that programs define. */
  #applyTransaction(fact: TransactionFact): void {
    const { transactions } = this;
    switch (fact.type) {
      case Facts.callMade:
        transactions.callMade(fact);
        break;
      case Facts.callEnded:
        transactions.callEnded(fact);
        break;
      case Facts.transactionBegun:
        transactions.begun(fact);
        this.#keys.transactionBegun(fact);
        break;
      case Facts.transactionDecided:
        transactions.decided(fact);
        break;
      case Facts.transactionEnded:
        transactions.finished(fact);
        break;
      case Facts.fenceSet:
        transactions.fenceSet(fact);
        break;
      case Facts.fenceMoved:
        transactions.fenceMoved(fact);
        break;
      case Facts.fencesDropped:
        transactions.fencesDropped(fact);
        break;
      case Facts.unitsTransferred:
        transactions.unitsTransferred(fact);
        break;
      case Facts.moneyTransferred:
        transactions.moneyTransferred(fact);
        break;
      // How far the parts of a transaction came outside: no figure depends on it, and what moves here has facts of its own.
      case Facts.callFailed:
      case Facts.callRepeated:
      case Facts.callStuck:
      case Facts.partBegun:
      case Facts.partAnswered:
      case Facts.partEnding:
      case Facts.partSettled:
      case Facts.partFailed:
      case Facts.partRepeated:
      case Facts.partStuck:
        break;
      default:
        fact satisfies never;
    }
  }
}

type AfterSaleKind =
  | (
      | "orderMoved"
      | "orderArchived"
      | "orderSettled"
      | "orderReinstated"
      | "reinstatementBegun"
      | "reinstatementEnded"
    )
  | ("paymentBooked" | "paymentForwarded" | "paymentArrived" | "paymentApplied")
  | ("refundRequested" | "refundDone" | "refundRefused" | "refundUnknown")
  | ("pointsGranted" | "pointsReversed" | "pointsSpent")
  | ("humanOpened" | "humanResolved" | "entryMade" | "paymentClaimed")
  | TransactionKind;

type TransactionKind =
  | ("callMade" | "callFailed" | "callEnded" | "callRepeated" | "callStuck")
  | ("transactionBegun" | "transactionDecided" | "transactionEnded")
  | (
      | "partBegun"
      | "partAnswered"
      | "partEnding"
      | "partSettled"
      | "partFailed"
      | "partRepeated"
      | "partStuck"
    )
  | ("fenceSet" | "fenceMoved" | "fencesDropped" | "unitsTransferred" | "moneyTransferred");
type TransactionFact = { [K in TransactionKind]: FactOf<K> }[TransactionKind];
type AfterSaleFact = { [K in AfterSaleKind]: FactOf<K> }[AfterSaleKind];

/** Fence states of a part that was refused or canceled before it was tried. */
const holdsNothing: ReadonlySet<number> = new Set([1, 5]);

/** A refund to its provider of a payment that is no account's; a fence that holds nothing, because there was nobody. */
function ofNobody(fact: Fact): boolean {
  if (fact.type === Facts.fenceSet) return holdsNothing.has(fact.state);
  const refund =
    fact.type === Facts.refundRequested ||
    fact.type === Facts.refundDone ||
    fact.type === Facts.refundRefused;
  return refund && fact.order === 0 && fact.provider !== "";
}
