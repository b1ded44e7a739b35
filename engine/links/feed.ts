/**
 * Subscriptions: who is told of which facts. The sequence number of an event is the position of its fact, so one
 * sequence per shard has neither gaps nor doubles, and a subscriber can resume from any number it has seen.
 *
 *   account:ID   what became of its orders, refunds and points
 *   product:ID   what became of its stock and price
 *   shard:N      everything that shard N tells
 *
 * What a fact is told as stands in `actors/events`.
 *
 * FEED-1  A subscription is given every event of its topic from its first number on, in order, each once.
 * FEED-2  An event is given in the turn that records its fact, and so leaves through the gate; older ones are read from the log,
 *         which holds durable groups only.
 * FEED-3  An order that has left the books since is told under its account to whoever reads from its placement on; to others its
 *         events are told under the shard only, without account and total.
 */

import {
  type EventNames,
  eventOf,
  isPublic,
  isShardTopic,
  type OrderNames,
  type RefundNames,
  topicOf,
} from "../../actors/events.js";
import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import type { Group } from "../../persistence/log/journal.js";
import type { Requester } from "../seams/requester.js";
import { type Books, emptyOrder } from "../tables/books.js";

interface Subscription {
  readonly requester: Requester;
  readonly sub: number;
  /** The subject may not exist yet. */
  readonly topic: string;
  /** First sequence number still to be given. */
  next: number;
  /** Orders of its account that it was told of and that have left the books: they were alive together once, so few. */
  readonly gone: Map<number, OrderNames>;
}

export class Feed {
  /** Those of an account or a product. */
  #byTopic = new Map<string, Subscription[]>();
  /** Those of the whole shard. */
  #ofShard: Subscription[] = [];
  #bySub = new Map<number, Subscription>();
  /** Subscriptions that still have to read old groups. */
  #behind: Subscription[] = [];
  #lastSub = 0;
  #names: BookNames | undefined;

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
    const subscription: Subscription = { requester, sub, topic, next: from, gone: new Map() };
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

  /** Gives a fact to those who listen. Called for every fact, after it was applied: nothing is made for nobody. */
  publish(
    books: Books,
    fact: Fact,
    position: number,
    timeMs: number,
    touch: (requester: Requester) => void,
  ): void {
    if (!isPublic(fact)) return;
    const names = this.#namesOf(books);
    const listeners = this.#byTopic.get(topicOf(fact, names) ?? "") ?? nobody;
    if (listeners.length === 0 && this.#ofShard.length === 0) return;
    const event = eventOf(fact, names);
    if (!event) return;
    for (const of of [listeners, this.#ofShard]) {
      for (const { requester, sub } of of) {
        requester.push(sub, position, event.type, timeMs, event.data);
        touch(requester);
      }
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
    const { requester, sub, topic, next, gone } = subscription;
    const names = new BookNames(books, gone);
    const isShard = isShardTopic(topic);
    readFacts(group.body, group.first, (fact, time, position) => {
      if (position < next || !isPublic(fact)) return;
      if (!isShard && topicOf(fact, names) !== topic) {
        if (fact.type === Facts.orderArchived) gone.delete(fact.order);
        return;
      }
      if (!isShard && fact.type === Facts.orderPlaced) rememberGone(gone, books, fact);
      const event = eventOf(fact, names);
      if (event) requester.push(sub, position, event.type, Math.floor(time / 1000), event.data);
    });
    subscription.next = group.last + 1;
  }

  #namesOf(books: Books): BookNames {
    if (this.#names?.books !== books) this.#names = new BookNames(books);
    return this.#names!;
  }

  #goLive(subscription: Subscription): void {
    subscription.gone.clear();
    if (isShardTopic(subscription.topic)) {
      this.#ofShard.push(subscription);
      return;
    }
    const listeners = this.#byTopic.get(subscription.topic);
    if (listeners) listeners.push(subscription);
    else this.#byTopic.set(subscription.topic, [subscription]);
  }

  #remove(subscription: Subscription): void {
    this.#bySub.delete(subscription.sub);
    this.#behind = this.#behind.filter((s) => s !== subscription);
    this.#ofShard = this.#ofShard.filter((s) => s !== subscription);
    const listeners = this.#byTopic.get(subscription.topic)?.filter((s) => s !== subscription);
    if (!listeners) return;
    if (listeners.length > 0) this.#byTopic.set(subscription.topic, listeners);
    else this.#byTopic.delete(subscription.topic);
  }
}

const nobody: readonly Subscription[] = [];

function ownerOf(requester: Requester): object {
  return requester.owner ?? requester;
}

/** Orders are read into a buffer of its own: events are made while a turn still holds the books' one. */
class BookNames implements EventNames {
  readonly #row = emptyOrder();

  constructor(
    readonly books: Books,
    private readonly gone?: ReadonlyMap<number, OrderNames>,
  ) {}

  accountId(handle: number): string {
    return this.books.accounts[handle]!.id;
  }

  productId(handle: number): string {
    return this.books.products[handle]!.id;
  }

  productCurrency(handle: number): number {
    return this.books.products[handle]!.currency;
  }

  order(number: number): OrderNames | undefined {
    const { orders, accounts } = this.books;
    if (!orders.has(number)) return this.gone?.get(number);
    const { account, currency, total } = orders.read(number, this.#row);
    return { account: accounts[account]!.id, currency, total };
  }

  /** Those that have ended are forgotten with their orders. */
  refund(number: number): RefundNames | undefined {
    const refund = this.books.afterSales.refunds.get(number);
    if (!refund) return undefined;
    const { order, currency, amount, provider, paymentId } = refund;
    return { order, currency, amount, provider, paymentId };
  }
}

function rememberGone(gone: Map<number, OrderNames>, books: Books, fact: FactOf<"orderPlaced">): void {
  const { order, account, currency, total } = fact;
  if (books.orders.has(order)) return;
  gone.set(order, { account: books.accounts[account]!.id, currency, total });
}
