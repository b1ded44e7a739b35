/**
 * Subscriptions: who is told of which facts. The sequence number of an event is the position of its fact, so one
 * sequence per shard has neither gaps nor doubles, and a subscriber can resume from any number it has seen.
 *
 *   account:ID   what became of its orders, refunds and points
 *   product:ID   what became of its stock and price
 *   shard:N      everything that shard N tells
 *
 * What a fact is told as stands in `actors/events`. Where each subscription has come to, and what is read for it, is the
 * business of `feed-place`.
 *
 * FEED-1  A subscription is given every event of its topic from its first number on, in order, each once.
 * FEED-2  An event is given in the turn that records its fact, and so leaves through the gate; older ones are read from the log,
 *         which holds durable groups only.
 * FEED-3  An order that has left the books since is told under its account to whoever reads from its placement on. Nobody else who
 *         asks for something that was told of it is given a stream with a hole: it is refused, or ended when it left meanwhile.
 *         Under the shard its events are told without account and total.
 * FEED-4  Late subscribers share one budget per step, however many there are, and their connections take turns.
 * FEED-5  Subscriptions are bounded for each topic of a connection, each connection and the shard; ending all of a connection
 *         costs as much as it had.
 */

import { eventOf, feedEnded, isPublic, isShardTopic, topicsOf } from "../../actors/events.js";
import { type Fact, Facts } from "../../actors/facts.js";
import type { Group } from "../../persistence/log/journal.js";
import {
  connectionSubscriptionsMax,
  feedReadBytes,
  feedReplayBytesPerStep,
  feedReplayPushesPerStep,
  subscriptionsMax,
  topicSubscriptionsMax,
} from "../seams/limits.js";
import { ownerOf, type Requester } from "../seams/requester.js";
import type { Books } from "../tables/books.js";
import { BookNames } from "./feed-names.js";
import {
  completeFrom,
  everything,
  giveGroup,
  isIncomplete,
  nobody,
  Place,
  type Subscriber,
  type Subscription,
} from "./feed-place.js";

/** What one more subscription would break. */
export type SubscriptionBound = "shard" | "connection" | "topic";

export class Feed {
  readonly #live = new Place(Number.POSITIVE_INFINITY);
  /** Where late subscriptions stand, by the number that they want next. */
  readonly #late = new Map<number, Place>();
  readonly #bySub = new Map<number, Subscription>();
  readonly #subscribers = new Map<object, Subscriber>();
  /** Those with late subscriptions; the first has the next turn. */
  readonly #waiting = new Set<Subscriber>();
  #lastSub = 0;
  /** An order has left the books since the late subscriptions were looked at. */
  #orderLeft = false;
  #names: BookNames | undefined;

  get size(): number {
    return this.#bySub.size;
  }

  get isBehind(): boolean {
    return this.#waiting.size > 0;
  }

  /** The bound that stands against one more (FEED-5). */
  boundOf(requester: Requester, topic: string): SubscriptionBound | undefined {
    if (this.#bySub.size >= subscriptionsMax) return "shard";
    const subscriber = this.#subscribers.get(ownerOf(requester));
    if (!subscriber) return undefined;
    if (subscriber.subscriptions.size >= connectionSubscriptionsMax) return "connection";
    return (subscriber.topics.get(keyOf(topic)) ?? 0) >= topicSubscriptionsMax ? "topic" : undefined;
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
    const subscriber = this.#subscriberOf(requester);
    const place = from > position ? this.#live : this.#placeAt(from);
    const subscription: Subscription = { requester, subscriber, sub, topic: keyOf(topic), from, place };
    this.#bySub.set(sub, subscription);
    subscriber.subscriptions.add(subscription);
    subscriber.topics.set(subscription.topic, (subscriber.topics.get(subscription.topic) ?? 0) + 1);
    place.add(subscription);
    if (place !== this.#live) {
      subscriber.late++;
      this.#waiting.add(subscriber);
    }
    return sub;
  }

  /** Whether there was such a subscription of this requester. */
  unsubscribe(requester: Requester, sub: number): boolean {
    const subscription = this.#bySub.get(sub);
    if (!subscription || subscription.subscriber.owner !== ownerOf(requester)) return false;
    this.#remove(subscription);
    return true;
  }

  /** The connection is gone. */
  forget(requester: Requester): void {
    const subscriber = this.#subscribers.get(ownerOf(requester));
    for (const subscription of subscriber?.subscriptions ?? []) this.#remove(subscription);
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
    if (fact.type === Facts.orderArchived) this.#orderLeft = true;
    const { byTopic } = this.#live;
    const names = this.#namesOf(books);
    const listeners = topicsOf(fact, names).map((topic) => byTopic.get(topic));
    listeners.push(byTopic.get(everything));
    if (!listeners.some((of) => of !== undefined)) return;
    const event = eventOf(fact, names);
    if (!event) return;
    for (const of of listeners) {
      for (const { requester, sub } of of ?? nobody) {
        requester.push(sub, position, event.type, timeMs, event.data);
        touch(requester);
      }
    }
  }

  /**
   * Gives old events to those who asked for them (FEED-4). Called between groups, when every fact of the books is durable, so that
   * whoever has caught up can go live without a gap. What is read for one is given to all who stand at the same place.
   */
  catchUp(
    books: Books,
    read: (from: number, bytes: number) => Iterable<Group>,
    touch: (requester: Requester) => void,
  ): void {
    if (this.#orderLeft) this.#endIncomplete(books, touch);
    const budget = { bytes: feedReplayBytesPerStep, pushes: feedReplayPushesPerStep };
    for (let turns = this.#waiting.size; turns > 0 && budget.bytes > 0 && budget.pushes > 0; turns--) {
      const [subscriber] = this.#waiting;
      if (!subscriber) return;
      const place = this.#lowestOf(subscriber);
      budget.bytes -= feedReadBytes;
      this.#late.delete(place.next);
      for (const group of read(place.next, Math.max(1, budget.bytes))) {
        giveGroup(books, this.#late, place, group, budget, touch);
        if (budget.bytes <= 0 || budget.pushes <= 0) break;
      }
      if (place.next > books.position) this.#goLive(place);
      else this.#late.set(place.next, place);
      // To the end of the queue, if anything is left to be read for it.
      if (this.#waiting.delete(subscriber) && subscriber.late > 0) this.#waiting.add(subscriber);
    }
  }

  /** Ends those for whom an order left too soon (FEED-3): what they have not read of it cannot be told any more. */
  #endIncomplete(books: Books, touch: (requester: Requester) => void): void {
    this.#orderLeft = false;
    for (const { subscriptions } of this.#waiting) {
      for (const subscription of subscriptions) {
        const { requester, sub, topic, from, place } = subscription;
        if (place === this.#live || !isIncomplete(books, topic, from, place.next)) continue;
        const data = { code: "seq_too_old", completeFrom: completeFrom(books, topic) };
        requester.push(sub, place.next, feedEnded, Math.floor(books.time / 1000), data);
        touch(requester);
        this.#remove(subscription);
      }
    }
  }

  #lowestOf(subscriber: Subscriber): Place {
    let lowest = this.#live;
    for (const { place } of subscriber.subscriptions) if (place.next < lowest.next) lowest = place;
    return lowest;
  }

  #goLive(place: Place): void {
    for (const { subscriber } of this.#live.take(place)) {
      subscriber.late--;
      if (subscriber.late === 0) this.#waiting.delete(subscriber);
    }
  }

  #placeAt(next: number): Place {
    const known = this.#late.get(next);
    if (known) return known;
    const place = new Place(next);
    this.#late.set(next, place);
    return place;
  }

  #subscriberOf(requester: Requester): Subscriber {
    const owner = ownerOf(requester);
    const known = this.#subscribers.get(owner);
    if (known) return known;
    const subscriber = { owner, subscriptions: new Set<Subscription>(), topics: new Map(), late: 0 };
    this.#subscribers.set(owner, subscriber);
    return subscriber;
  }

  #remove(subscription: Subscription): void {
    const { sub, subscriber, topic, place } = subscription;
    this.#bySub.delete(sub);
    place.remove(subscription);
    if (place !== this.#live) {
      subscriber.late--;
      if (subscriber.late === 0) this.#waiting.delete(subscriber);
      if (place.byTopic.size === 0) this.#late.delete(place.next);
    }
    subscriber.subscriptions.delete(subscription);
    const same = subscriber.topics.get(topic)! - 1;
    if (same > 0) subscriber.topics.set(topic, same);
    else subscriber.topics.delete(topic);
    if (subscriber.subscriptions.size === 0) this.#subscribers.delete(subscriber.owner);
  }

  #namesOf(books: Books): BookNames {
    if (this.#names?.books !== books) this.#names = new BookNames(books);
    return this.#names!;
  }
}

/** A feed is that of one shard, so whoever listens to a shard listens to everything here. */
function keyOf(topic: string): string {
  return isShardTopic(topic) ? everything : topic;
}
