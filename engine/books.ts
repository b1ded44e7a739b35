/**
 * Everything that a shard knows: what its log says, applied in order. Running and recovering go through the same `evolve`.
 *
 * B1  Books are a function of the log alone: no clock, no settings, no chance.
 * B2  `evolve` cannot refuse. If a fact does not fit, the log or the code is wrong, it throws, and the process must stop.
 */

import { type Account, accountFromFact, evolveAccount } from "../actors/account.js";
import { type Fact, type FactOf, Facts } from "../actors/facts.js";
import { evolveOrder, type Order } from "../actors/order.js";
import { Statuses } from "../actors/order-transitions.js";
import { evolveProduct, type Product, productFromFact } from "../actors/product.js";
import { type Branch, Branches, type PendingOrder, pendingFromFact } from "./crossing-state.js";
import { type KeptResult, KeyTable, running, spaces } from "./key-table.js";
import { NameTable } from "./name-table.js";
import { OrderTable } from "./order-table.js";
import { Outboxes } from "./outboxes.js";
import { Timers } from "./timers.js";

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
  /** Refs of deposits, withdrawals and restocks: kept for ever, because no `at` protects them. */
  readonly refs = new KeyTable();
  readonly pending = new Map<number, PendingOrder>();
  readonly branches = new Branches();
  readonly outboxes = new Outboxes();
  readonly timers = new Timers();
  /** Orders that may still move; their keys are never dropped. */
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
      case Facts.productRestocked:
      case Facts.productRepriced:
        evolveProduct(this.products[fact.product]!, fact);
        break;
      case Facts.accountOpened:
      case Facts.accountDeposited:
      case Facts.accountWithdrawn:
      case Facts.moneyCaptured:
        evolveAccount(this.accounts[fact.account]!, fact);
        break;
      case Facts.orderPlaced:
        this.#placed(fact, time);
        break;
      case Facts.orderPaid:
      case Facts.orderCanceled:
        evolveOrder(this.orders.read(fact.order, this.order), fact);
        this.orders.write(this.order);
        this.liveOrders--;
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
      case Facts.branchAnswered:
        this.pending.get(fact.order)!.answer(fact);
        break;
      case Facts.orderRefused:
        this.pending.delete(fact.order);
        this.liveOrders--;
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
      default:
        fact satisfies never;
    }
  }

  branch(order: number, index: number): Branch | undefined {
    return this.branches.find(order, index);
  }

  #placed(fact: FactOf<"orderPlaced">, time: number): void {
    const begun = this.pending.delete(fact.order);
    this.orders.place(fact, time);
    if (fact.status === Statuses.Created) {
      if (!begun) this.liveOrders++;
      this.timers.add(fact.expiresAt, fact.order);
    } else if (begun) {
      this.liveOrders--;
    }
  }

  #begun(fact: FactOf<"orderBegun">, time: number): void {
    this.orders.begin(fact.order, fact.account);
    this.pending.set(fact.order, pendingFromFact(fact));
    this.liveOrders++;
    this.timers.add(fact.expiresAt, fact.order);
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
    if (fact.order !== 0 && fact.code === 0) {
      const order = this.orders.read(fact.order, this.order);
      kept.orderStatus = order.status;
      kept.orderVersion = order.version;
      kept.orderPaid = order.paid;
      kept.orderRefunded = order.refunded;
    } else {
      kept.orderStatus = kept.orderVersion = kept.orderPaid = kept.orderRefunded = 0;
    }
    (fact.space === spaces.order ? this.keys : this.refs).keep(kept);
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
      if (this.isLive(oldest.order)) {
        this.keys.keep({ ...oldest, doneAt: Math.floor(time / 1000) });
      } else {
        const account = this.accounts[oldest.subject]!;
        account.keysForgottenTo = Math.max(account.keysForgottenTo, oldest.at);
      }
    }
  }

  isLive(order: number): boolean {
    if (order === 0) return false;
    return this.pending.has(order) || this.orders.status(order) === Statuses.Created;
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
    expiresAt: 0,
    createdAt: 0,
    points: 0,
  };
}
