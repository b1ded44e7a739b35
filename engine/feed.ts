/**
 * Subscriptions: who is told of which facts. The sequence number of an event is the position of its fact, so one
 * sequence per shard has neither gaps nor doubles, and a subscriber can resume from any number it has seen.
 *
 *   account:ID   order.created, order.paid, order.canceled
 *   product:ID   product.held|sold|confirmed|released|restocked, product.repriced
 *
 * F1  A subscription is given every event of its topic from its first number on, in order, each once.
 * F2  An event is given in the turn that records its fact, and so leaves through the gate; older ones are read from the log,
 *     which holds durable groups only.
 */

import { readFacts } from "../actors/fact-codec.js";
import { type Fact, Facts } from "../actors/facts.js";
import { currencyCode, formatAmount } from "../actors/money.js";
import { orderId } from "../actors/order-number.js";
import type { Group } from "../persistence/journal.js";
import { type Books, emptyOrder } from "./books.js";
import type { Requester } from "./requester.js";

interface Subscription {
  readonly requester: Requester;
  readonly sub: number;
  /** `account:ID` or `product:ID`; the subject may not exist yet. */
  readonly topic: string;
  /** First sequence number still to be given. */
  next: number;
}

export class Feed {
  #byTopic = new Map<string, Subscription[]>();
  #bySub = new Map<number, Subscription>();
  /** Subscriptions that still have to read old groups. */
  #behind: Subscription[] = [];
  #lastSub = 0;

  get size(): number {
    return this.#bySub.size;
  }

  get isBehind(): boolean {
    return this.#behind.length > 0;
  }

  /** `from` is the first number wanted; `position` that of the last fact of the books. Returns the number of it. */
  subscribe(
    requester: Requester,
    topic: string,
    from: number,
    position: number,
    shard: number,
    shards: number,
  ): number {
    const sub = ++this.#lastSub * shards + shard;
    const subscription: Subscription = { requester, sub, topic, next: from };
    this.#bySub.set(sub, subscription);
    if (from <= position) this.#behind.push(subscription);
    else this.#goLive(subscription);
    return sub;
  }

  /** Whether there was such a subscription of this requester. */
  unsubscribe(requester: Requester, sub: number): boolean {
    const subscription = this.#bySub.get(sub);
    if (!subscription || ownerOf(subscription.requester) !== ownerOf(requester)) return false;
    this.#remove(subscription);
    return true;
  }

  /** The connection is gone. */
  forget(requester: Requester): void {
    for (const subscription of this.#bySub.values()) {
      if (ownerOf(subscription.requester) === ownerOf(requester)) this.#remove(subscription);
    }
  }

  /** Gives a fact to those who listen. Called for every fact, after it was applied. */
  publish(
    books: Books,
    fact: Fact,
    position: number,
    timeMs: number,
    touch: (requester: Requester) => void,
  ): void {
    const event = eventOf(books, fact);
    if (!event) return;
    const listeners = this.#byTopic.get(event.topic);
    if (!listeners) return;
    for (const { requester, sub } of listeners) {
      requester.push(sub, position, event.type, timeMs, event.data);
      touch(requester);
    }
  }

  /**
   * Gives old events to those who asked for them, for about `bytes` of the log. Called between groups, when every
   * fact of the books is durable, so that whoever has caught up can go live without a gap.
   */
  catchUp(
    books: Books,
    read: (from: number) => Iterable<Group>,
    bytes: number,
    touch: (requester: Requester) => void,
  ): void {
    for (const subscription of this.#behind) {
      let left = bytes;
      for (const group of read(subscription.next)) {
        this.#give(books, subscription, group);
        touch(subscription.requester);
        left -= group.body.length;
        if (left <= 0) break;
      }
      if (subscription.next > books.position) this.#goLive(subscription);
    }
    this.#behind = this.#behind.filter((s) => s.next <= books.position && this.#bySub.has(s.sub));
  }

  #give(books: Books, subscription: Subscription, group: Group): void {
    const { requester, sub, topic, next } = subscription;
    readFacts(group.body, group.first, (fact, time, position) => {
      if (position < next) return;
      const event = eventOf(books, fact);
      if (event?.topic === topic)
        requester.push(sub, position, event.type, Math.floor(time / 1000), event.data);
    });
    subscription.next = group.last + 1;
  }

  #goLive(subscription: Subscription): void {
    const listeners = this.#byTopic.get(subscription.topic);
    if (listeners) listeners.push(subscription);
    else this.#byTopic.set(subscription.topic, [subscription]);
  }

  #remove(subscription: Subscription): void {
    this.#bySub.delete(subscription.sub);
    this.#behind = this.#behind.filter((s) => s !== subscription);
    const listeners = this.#byTopic.get(subscription.topic)?.filter((s) => s !== subscription);
    if (!listeners) return;
    if (listeners.length > 0) this.#byTopic.set(subscription.topic, listeners);
    else this.#byTopic.delete(subscription.topic);
  }
}

function ownerOf(requester: Requester): object {
  return requester.owner ?? requester;
}

interface Event {
  readonly topic: string;
  readonly type: string;
  readonly data: object;
}

/**
 * The event of a fact. Only what the fact says and what never changes goes into it, because an old fact is told
 * again with today's books.
 */
function eventOf(books: Books, fact: Fact): Event | undefined {
  switch (fact.type) {
    case Facts.orderPlaced:
      return orderEvent(
        books,
        fact.order,
        "order.created",
        fact.paid === fact.total ? "Paid" : "Created",
        {},
      );
    case Facts.moneyCaptured:
      return orderEvent(books, fact.order, "order.paid", "Paid", {});
    case Facts.orderCanceled:
      return orderEvent(books, fact.order, "order.canceled", "Canceled", {
        cause: fact.cause === 1 ? "request" : "deadline",
        reason: fact.reason,
      });
    case Facts.stockHeld:
    case Facts.stockSold:
    case Facts.stockConfirmed:
    case Facts.stockReleased: {
      const { id } = books.products[fact.product]!;
      const { qty, available } = fact;
      const data = { product: id, order: orderId(fact.order), qty, available };
      return { topic: `product:${id}`, type: stockEvents[fact.type], data };
    }
    case Facts.productRestocked: {
      const { id } = books.products[fact.product]!;
      const data = { product: id, qty: fact.qty, available: fact.available };
      return { topic: `product:${id}`, type: "product.restocked", data };
    }
    case Facts.productRepriced: {
      const { id, currency } = books.products[fact.product]!;
      const data = {
        product: id,
        price: formatAmount(fact.price, currency),
        currency: currencyCode(currency),
      };
      return { topic: `product:${id}`, type: "product.repriced", data };
    }
    default:
      return undefined;
  }
}

const stockEvents = {
  [Facts.stockHeld]: "product.held",
  [Facts.stockSold]: "product.sold",
  [Facts.stockConfirmed]: "product.confirmed",
  [Facts.stockReleased]: "product.released",
} as const;

/** Its own row buffer: events are made while a turn still holds the books' one. */
const ownOrder = emptyOrder();

function orderEvent(books: Books, number: number, type: string, status: string, more: object): Event {
  const order = books.orders.read(number, ownOrder);
  const account = books.accounts[order.account]!.id;
  const data = {
    order: orderId(number),
    account,
    status,
    total: formatAmount(order.total, order.currency),
    currency: currencyCode(order.currency),
    ...more,
  };
  return { topic: `account:${account}`, type, data };
}
