/**
 * Everything that a shard knows: what its log says, applied in order. Running and recovering go through the same `evolve`.
 *
 * B1  Books are a function of the log alone: no clock, no settings, no chance.
 * B2  `evolve` cannot refuse. If a fact does not fit, the log or the code is wrong, it throws, and the process must stop.
 */

import { type Account, accountFromFact, evolveAccount } from "../../actors/account.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { evolveOrder, isClosed, type Order } from "../../actors/order.js";
import { isTerminal, OrderEvents, Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import { evolveProduct, type Product, productFromFact } from "../../actors/product.js";
import { evolveHandEntry } from "../review/hand-entries.js";
import { evolveMoney, evolveUnits } from "../transactions/transfers.js";
import { AfterSales } from "./after-sales.js";
import { CallTable } from "./call-table.js";
import {
  type Branch,
  Branches,
  type PendingOrder,
  pendingFromFact,
  type Reinstatement,
} from "./cross-shard-table.js";
import { FenceTable } from "./fence-table.js";
import { closedStatus, type KeptResult, KeyTable, running, spaces } from "./key-table.js";
import { NameTable } from "./name-table.js";
import { OrderTable } from "./order-table.js";
import { Outboxes } from "./outboxes.js";
import { ReviewQueue } from "./review-queue.js";
import { Timers } from "./timers.js";
import { TransactionTable } from "./transaction-table.js";

export class Books {
  /** Position of the last fact applied. */
  position = 0;
  /** Time of the last turn, in microseconds. */
  time = 0;
  readonly accounts: Account[] = [];
  readonly accountByName = new NameTable(this.accounts);
  readonly products: Product[] = [];
  readonly productByName = new NameTable(this.products);
  readonly orders = new OrderTable();
  /** Keys of orders: dropped after a day. */
  readonly keys = new KeyTable();
  /** Refs of deposits, withdrawals, restocks, payments and spent points: kept for ever, because no `at` protects them. */
  readonly refs = new KeyTable();
  readonly pending = new Map<number, PendingOrder>();
  readonly reinstatements = new Map<number, Reinstatement>();
  readonly branches = new Branches();
  readonly outboxes = new Outboxes();
  readonly afterSales = new AfterSales();
  readonly timers = new Timers();
  /** Keys of orders that may still move, running ones included: they are never dropped, whatever their number. */
  liveKeys = 0;
  /** Orders that may still move, and completed ones until they are archived. */
  readonly calls = new CallTable();
  readonly human = new ReviewQueue();
  readonly transactions = new TransactionTable();
  readonly fences = new FenceTable();
  liveOrders = 0;

  /** Reused by every caller that looks at one order and is done with it before the next. */
  readonly order: Order = emptyOrder();

  /** Applies the next fact. */
  evolve(fact: Fact, time: number): void {
    this.position++;
    this.time = time;
    switch (fact.type) {
      case Facts.stockSold:
      case Facts.stockHeld:
      case Facts.stockConfirmed:
      case Facts.stockReleased:
      case Facts.stockReturned:
      case Facts.productRestocked:
      case Facts.productRepriced:
        evolveProduct(this.products[fact.product]!, fact);
        break;
      case Facts.accountOpened:
      case Facts.accountDeposited:
      case Facts.accountWithdrawn:
      case Facts.moneyCaptured:
      case Facts.pointsSpent:
        evolveAccount(this.accounts[fact.account]!, fact);
        break;
      case Facts.orderPlaced:
        this.#placed(fact, time);
        break;
      case Facts.orderPaid:
      case Facts.orderCanceled:
      case Facts.orderSettled:
      case Facts.orderReinstated:
      case Facts.orderMoved:
        this.#moved(fact, time);
        break;
      case Facts.orderArchived:
        this.#archived(fact.order);
        break;
      case Facts.paymentForwarded:
      case Facts.tokenIssued:
        break;
      case Facts.paymentBooked:
      case Facts.paymentArrived:
        this.afterSales.paymentSequence = fact.payment;
        break;
      case Facts.paymentApplied:
        this.afterSales.applied(fact);
        this.#addToOrder(fact.order, fact.amount, 0, 0);
        break;
      case Facts.refundRequested:
        this.afterSales.asked(fact, this.orders.has(fact.order));
        break;
      case Facts.refundDone:
        this.#refunded(fact);
        break;
      case Facts.refundRefused:
        this.afterSales.ended(fact);
        break;
      case Facts.refundUnknown:
        this.afterSales.unknown(fact);
        break;
      case Facts.pointsGranted:
      case Facts.pointsReversed:
        evolveAccount(this.accounts[fact.account]!, fact);
        this.#addToOrder(fact.order, 0, 0, fact.type === Facts.pointsGranted ? fact.points : -fact.points);
        break;
      case Facts.keyKept:
        this.#keyKept(fact, time);
        break;
      case Facts.keysDropped:
        this.#keysDropped(fact.count, time);
        break;
      case Facts.accountNamed: {
        this.accounts.push(accountFromFact(this.accounts.length, fact));
        this.accountByName.addLast();
        break;
      }
      case Facts.productCreated:
      case Facts.productKnown: {
        this.products.push(productFromFact(this.products.length, fact));
        this.productByName.addLast();
        break;
      }
      case Facts.orderBegun:
        this.#begun(fact, time);
        break;
      case Facts.branchBegun:
        this.pending.get(fact.order)!.begun = fact.branch + 1;
        break;
      case Facts.branchAnswered:
        this.#answered(fact);
        break;
      case Facts.reinstatementBegun:
        this.#reinstatementBegun(fact);
        break;
      case Facts.reinstatementEnded:
        this.reinstatements.delete(fact.order);
        // Its timer for the archive may have fired meanwhile.
        this.timers.add(this.orders.read(fact.order, this.order).dueAt, fact.order);
        break;
      case Facts.orderRefused:
        this.pending.delete(fact.order);
        this.#countLive(fact.order, -1);
        this.orders.drop(fact.order);
        break;
      case Facts.branchTried:
        this.branches.tried(fact);
        break;
      case Facts.branchEnded:
        this.branches.ended(fact.order, fact.branch);
        break;
      case Facts.messageSent:
        this.outboxes.sent(fact.peer, fact.body);
        break;
      case Facts.messageReceived:
        this.outboxes.heardUpTo.set(fact.peer, fact.upTo);
        break;
      case Facts.messagesAcked:
        this.outboxes.acked(fact.peer, fact.upTo);
        break;
      case Facts.callMade:
      case Facts.callFailed:
      case Facts.callEnded:
      case Facts.callRepeated:
      case Facts.callStuck:
        this.calls.evolve(fact, Math.floor(time / 1000));
        break;
      case Facts.humanOpened:
      case Facts.humanResolved:
        this.human.evolve(fact, Math.floor(time / 1000));
        break;
      case Facts.entryMade:
        evolveHandEntry(this.accountByName, fact);
        this.human.booked(fact);
        break;
      case Facts.paymentClaimed:
        this.human.claimed(fact);
        break;
      case Facts.transactionBegun:
        this.transactions.evolve(fact, Math.floor(time / 1000));
        this.#transactionKey(fact, time);
        break;
      case Facts.partBegun:
      case Facts.partAnswered:
      case Facts.transactionDecided:
      case Facts.partEnding:
      case Facts.partSettled:
      case Facts.partFailed:
      case Facts.partRepeated:
      case Facts.partStuck:
      case Facts.transactionEnded:
        this.transactions.evolve(fact, Math.floor(time / 1000));
        break;
      case Facts.fenceSet:
      case Facts.fenceMoved:
      case Facts.fencesDropped:
        this.fences.evolve(fact, Math.floor(time / 1000));
        break;
      case Facts.unitsTransferred:
        evolveUnits(this.products[fact.product]!, fact);
        break;
      case Facts.moneyTransferred:
        evolveMoney(this.accounts, fact);
        break;
      default:
        this.#later(fact);
    }
  }

  #later(_fact: Fact): void {}

  branch(order: number, index: number): Branch | undefined {
    return this.branches.find(order, index);
  }

  #answered(fact: FactOf<"branchAnswered">): void {
    const reinstatement = this.reinstatements.get(fact.order);
    if (!reinstatement) this.pending.get(fact.order)!.answer(fact);
    else if (reinstatement.answers[fact.branch] === undefined)
      reinstatement.answers[fact.branch] = fact.code === 0;
    else throw new Error(`order ${fact.order}: branch ${fact.branch} answered twice`);
  }

  #reinstatementBegun({ type: _, ...begun }: FactOf<"reinstatementBegun">): void {
    if (this.reinstatements.has(begun.order)) throw new Error(`order ${begun.order} is reclaimed twice`);
    this.afterSales.open(begun.order).reclaimed = true;
    const answers: undefined[] = [];
    this.orders.eachLine(begun.order, () => answers.push(undefined));
    this.reinstatements.set(begun.order, { ...begun, answers });
    this.timers.add(begun.expiresAt, begun.order);
  }

  #placed(fact: FactOf<"orderPlaced">, time: number): void {
    const begun = this.pending.delete(fact.order);
    this.orders.place(fact, time);
    if (!begun) this.liveOrders++;
    if (fact.expiresAt !== 0) this.timers.add(fact.expiresAt, fact.order);
  }

  #moved(
    fact:
      | FactOf<"orderPaid">
      | FactOf<"orderCanceled">
      | FactOf<"orderSettled">
      | FactOf<"orderReinstated">
      | FactOf<"orderMoved">,
    time: number,
  ): void {
    const order = this.orders.read(fact.order, this.order);
    const before = order.status;
    const due = order.dueAt;
    const timeMs = Math.floor(time / 1000);
    evolveOrder(order, fact, timeMs);
    this.orders.write(order);
    if (order.dueAt !== 0) this.timers.add(order.dueAt, order.number);
    if (isTerminal(before) !== isTerminal(order.status))
      this.#countLive(order.number, isTerminal(before) ? 1 : -1);
    if (fact.type === Facts.orderMoved) this.#remember(fact, before, due, timeMs);
  }

  /** Where an order came from when it goes into a refund or a dispute. */
  #remember({ order, event }: FactOf<"orderMoved">, before: number, due: number, timeMs: number): void {
    switch (event) {
      case OrderEvents.refund:
        if (before !== Statuses.Refunding) this.afterSales.open(order).refundFrom = before;
        break;
      case OrderEvents.dispute: {
        const afterSale = this.afterSales.open(order);
        afterSale.disputeFrom = before;
        afterSale.restMs = due === 0 ? -1 : Math.max(0, due - timeMs);
        break;
      }
      case OrderEvents.resolve_refund:
      case OrderEvents.resolve_keep: {
        const afterSale = this.afterSales.open(order);
        const refunds = event === OrderEvents.resolve_refund;
        if (refunds && afterSale.disputeFrom !== Statuses.Refunding)
          afterSale.refundFrom = afterSale.disputeFrom;
        afterSale.disputeFrom = 0;
        break;
      }
    }
  }

  #refunded(fact: FactOf<"refundDone">): void {
    this.afterSales.ended(fact);
    if (fact.provider === "") evolveAccount(this.accounts[fact.account]!, fact);
    if (fact.source === refundSources.order) this.#addToOrder(fact.order, 0, fact.amount, 0);
  }

  #addToOrder(number: number, paid: number, refunded: number, points: number): void {
    const order = this.orders.read(number, this.order);
    order.paid += paid;
    order.refunded += refunded;
    order.points += points;
    if (order.paid > order.total || order.refunded > order.paid || order.points < 0)
      throw new Error(`order ${number}: paid ${order.paid}, refunded ${order.refunded} of ${order.total}`);
    this.orders.write(order);
  }

  #countLive(order: number, sign: 1 | -1): void {
    this.liveOrders += sign;
    this.liveKeys += sign * this.orders.keys(order);
  }

  #archived(order: number): void {
    if (!isTerminal(this.orders.status(order))) this.#countLive(order, -1);
    this.afterSales.archived(order);
    this.orders.drop(order);
  }

  #begun(fact: FactOf<"orderBegun">, time: number): void {
    this.orders.begin(fact.order, fact.account);
    this.pending.set(fact.order, pendingFromFact(fact));
    this.liveOrders++;
    this.timers.add(fact.expiresAt, fact.order);
    this.#countKey(fact.order, 1);
    this.keys.keep({
      ...noOrder,
      space: spaces.order,
      subject: fact.account,
      key: fact.key,
      method: 1,
      paramsHash: fact.paramsHash,
      at: fact.at,
      doneAt: Math.floor(time / 1000),
      code: running,
      order: fact.order,
      text: "",
    });
  }

  /** The key of a transaction that runs. Its number stands there negative: orders and transactions count for themselves. */
  #transactionKey(fact: FactOf<"transactionBegun">, time: number): void {
    const { account: subject, key, paramsHash, at, transaction } = fact;
    this.keys.keep({
      ...noOrder,
      ...{ space: spaces.order, subject, key, method: 11, paramsHash, at, doneAt: Math.floor(time / 1000) },
      ...{ code: running, order: -transaction, text: "" },
    });
  }

  #keyKept(fact: FactOf<"keyKept">, time: number): void {
    const kept = this.#kept;
    kept.space = fact.space;
    kept.subject = fact.subject;
    kept.key = fact.key;
    kept.method = fact.method;
    kept.paramsHash = fact.paramsHash;
    kept.at = fact.at;
    kept.doneAt = Math.floor(time / 1000);
    kept.code = fact.code;
    kept.order = fact.order;
    kept.text = fact.text;
    let live = 0;
    if (fact.order !== 0 && fact.code === 0) {
      const order = this.orders.read(fact.order, this.order);
      live = isTerminal(order.status) ? 0 : 1;
      kept.orderStatus = isClosed(order, kept.doneAt) ? closedStatus : order.status;
      kept.orderVersion = order.version;
      kept.orderPaid = order.paid;
      kept.orderRefunded = order.refunded;
    } else {
      kept.orderStatus = kept.orderVersion = kept.orderPaid = kept.orderRefunded = 0;
    }
    if (fact.space !== spaces.order) this.refs.keep(kept);
    // A key that was running when its order began is counted already. Not by `#countKey`: the order was just read.
    else if (this.keys.keep(kept) && fact.order !== 0 && fact.code === 0) {
      this.orders.addKeys(fact.order, 1);
      this.liveKeys += live;
    }
  }

  /** `order`: the result of a key that is kept, or dropped. */
  #countKey(order: number, by: 1 | -1): void {
    if (order === 0 || !this.orders.has(order)) return;
    this.orders.addKeys(order, by);
    if (!isTerminal(this.orders.status(order))) this.liveKeys += by;
  }

  /** Filled anew for every key: an entry is copied into the table's rows. */
  readonly #kept: KeptResult = {
    space: 0,
    subject: 0,
    key: "",
    method: 0,
    paramsHash: 0,
    at: 0,
    doneAt: 0,
    code: 0,
    order: 0,
    orderStatus: 0,
    orderVersion: 0,
    orderPaid: 0,
    orderRefunded: 0,
    text: "",
  };

  /** Drops the oldest keys; one whose order may still move goes to the end of the row instead. */
  #keysDropped(count: number, time: number): void {
    for (let left = count; left > 0; left--) {
      const oldest = this.keys.oldest()!;
      this.keys.dropOldest();
      if (this.isLive(oldest.order, Math.floor(time / 1000))) {
        this.keys.keep({ ...oldest, doneAt: Math.floor(time / 1000) });
      } else {
        if (oldest.code === 0) this.#countKey(oldest.order, -1);
        const account = this.accounts[oldest.subject]!;
        account.keysForgottenTo = Math.max(account.keysForgottenTo, oldest.at);
      }
    }
  }

  /** Whether an order may still move: its keys are not dropped. */
  isLive(number: number, nowMs: number): boolean {
    if (number === 0) return false;
    if (number < 0) return this.transactions.open.has(-number);
    if (this.pending.has(number)) return true;
    if (!this.orders.has(number)) return false;
    const order = this.orders.read(number, this.order);
    return !isTerminal(order.status) && order.status !== Statuses.None && !isClosed(order, nowMs);
  }
}

const noOrder = { orderStatus: 0, orderVersion: 0, orderPaid: 0, orderRefunded: 0 };

export function emptyOrder(): Order {
  return {
    number: 0,
    account: 0,
    currency: 0,
    status: 0,
    version: 0,
    total: 0,
    paid: 0,
    refunded: 0,
    payBy: 0,
    dueAt: 0,
    createdAt: 0,
    points: 0,
  };
}
