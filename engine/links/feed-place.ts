/**
 * How far late subscriptions have come. Those that want the same number next stand at one place, whoever they belong to, and
 * what is read there is given to all of them; a place that comes to another takes its subscriptions along. Those that have
 * come as far as the books are live, and stand at a place too, which is never read for.
 */

import { type Event, eventOf, isPublic, topicsOf } from "../../actors/events.js";
import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import type { Group } from "../../persistence/log/journal.js";
import type { Requester } from "../seams/requester.js";
import type { Books } from "../tables/books.js";
import { BookNames, type Gone } from "./feed-names.js";

export interface Subscription {
  readonly requester: Requester;
  readonly subscriber: Subscriber;
  readonly sub: number;
  /** The subject may not exist yet. */
  readonly topic: string;
  /** First sequence number asked for. */
  readonly from: number;
  place: Place;
}

/** A connection. */
export interface Subscriber {
  readonly owner: object;
  readonly subscriptions: Set<Subscription>;
  /** How many it has of each topic. */
  readonly topics: Map<string, number>;
  /** How many are not live yet. */
  late: number;
}

/** The topic of those who listen to a whole shard. */
export const everything = "shard:";

export const nobody: ReadonlySet<Subscription> = new Set();

export class Place {
  readonly byTopic = new Map<string, Set<Subscription>>();
  /** Orders of the accounts here, read on the way: one may leave the books before all of it is read. They lived together once, so few. */
  readonly gone: Gone = { orders: new Map(), refunds: new Map() };

  constructor(public next: number) {}

  add(subscription: Subscription): void {
    subscription.place = this;
    const listeners = this.byTopic.get(subscription.topic);
    if (listeners) listeners.add(subscription);
    else this.byTopic.set(subscription.topic, new Set([subscription]));
  }

  remove(subscription: Subscription): void {
    const listeners = this.byTopic.get(subscription.topic)!;
    listeners.delete(subscription);
    if (listeners.size === 0) this.byTopic.delete(subscription.topic);
  }

  /** Takes over everybody who stands at another place. */
  take(other: Place): readonly Subscription[] {
    const taken = [...other.byTopic.values()].flatMap((listeners) => [...listeners]);
    for (const subscription of taken) this.add(subscription);
    if (this.next !== Number.POSITIVE_INFINITY) {
      for (const [order, names] of other.gone.orders) this.gone.orders.set(order, names);
      for (const [refund, names] of other.gone.refunds) this.gone.refunds.set(refund, names);
    }
    return taken;
  }
}

/**
 * Whether events from `next` on can be missing for whoever began at `from`: an order has left the books of which something was told
 * there, and whose it was is known only to those who have read its placement.
 */
export function isIncomplete(books: Books, topic: string, from: number, next: number): boolean {
  if (!topic.startsWith("account:")) return false;
  const account = books.accountByName.get(topic.slice("account:".length));
  return account !== undefined && account.goneTo >= next && account.firstOrderAt < from;
}

/** From where on nothing is missing under an account. */
export function completeFrom(books: Books, topic: string): number {
  return books.accountByName.get(topic.slice("account:".length))!.goneTo + 1;
}

/** What one step may still spend on late subscribers, all of them together. */
export interface Budget {
  bytes: number;
  pushes: number;
}

/** Gives a group to a place, or as much of it as the budget allows; whoever is met on the way comes along. */
export function giveGroup(
  books: Books,
  late: Map<number, Place>,
  place: Place,
  group: Group,
  budget: Budget,
  touch: (requester: Requester) => void,
): void {
  const names = new BookNames(books);
  const remembered = new BookNames(books, place.gone);
  const start = Math.max(place.next, group.first);
  place.next = start;
  meet(late, place);
  budget.bytes -= group.body.length;
  readFacts(group.body, group.first, (fact, time, position) => {
    if (position < start || budget.pushes <= 0) return;
    if (isPublic(fact)) giveFact(fact, Math.floor(time / 1000), position);
    place.next = position + 1;
    meet(late, place);
  });

  function giveFact(fact: Fact, timeMs: number, position: number): void {
    // Told under the shard only, unless the placement was seen (FEED-3).
    const topics = topicsOf(fact, names);
    remembered.placedAt = 0;
    const known = topics.length > 0;
    const found = known ? topics : topicsOf(fact, remembered);
    const event = eventOf(fact, names);
    for (const topic of found) {
      const listeners = place.byTopic.get(topic);
      if (!listeners) continue;
      if (fact.type === Facts.orderPlaced) rememberOrder(place, books, fact, position);
      else if (fact.type === Facts.refundRequested) place.gone.refunds.set(fact.refund, fact);
      const more = place.gone.orders.size > 0 ? eventOf(fact, remembered) : event;
      for (const { requester, sub, from } of listeners) {
        const knows = remembered.placedAt >= from;
        if (knows || known) push(requester, sub, knows ? more : event);
      }
    }
    for (const { requester, sub } of place.byTopic.get(everything) ?? nobody) push(requester, sub, event);
    if (fact.type === Facts.orderArchived) forgetOrder(place, fact.order);

    function push(requester: Requester, sub: number, event: Event | undefined): void {
      if (!event) return;
      requester.push(sub, position, event.type, timeMs, event.data);
      touch(requester);
      budget.pushes--;
    }
  }
}

/** Those who wait for the same number from here on. */
function meet(late: Map<number, Place>, place: Place): void {
  const other = late.size === 0 ? undefined : late.get(place.next);
  if (!other) return;
  late.delete(place.next);
  place.take(other);
}

function rememberOrder({ gone }: Place, books: Books, fact: FactOf<"orderPlaced">, placedAt: number): void {
  const { order, account, currency, total } = fact;
  gone.orders.set(order, { account: books.accounts[account]!.id, currency, total, placedAt });
}

function forgetOrder({ gone }: Place, order: number): void {
  if (!gone.orders.delete(order)) return;
  for (const [refund, names] of gone.refunds) if (names.order === order) gone.refunds.delete(refund);
}
