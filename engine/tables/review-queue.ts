/**
 * What only a human can end, as the books know it: open items, and the newest of those that were resolved.
 *
 * REVIEW-QUEUE-1  An item is open from its first fact until it is resolved, once.
 * REVIEW-QUEUE-2  Open items are never forgotten; of the resolved ones the newest `itemsResolvedMax` are kept, all are in the log.
 * REVIEW-QUEUE-3  Of one subject and kind at most one item is open.
 */

import { type FactOf, Facts } from "../../actors/facts.js";
import { itemsResolvedMax } from "../seams/limits.js";

export interface ReviewItem {
  readonly item: number;
  /** A number of `human-kinds`. */
  readonly kind: number;
  readonly subject: string;
  readonly currency: number;
  /** Minor units at risk; 0 = none. */
  readonly amount: number;
  /** Units of stock at risk. */
  readonly units: number;
  readonly attempts: number;
  readonly error: string;
  /** JSON. */
  readonly evidence: string;
  /** ms */
  readonly openedAt: number;
  resolved: Resolution | null;
}

export interface Resolution {
  /** A number of `reviewActions`. */
  readonly action: number;
  readonly reason: string;
  readonly evidence: string;
  readonly operator: string;
  /** The order that it named; "" = none. */
  order: string;
  /** By hand, in the order in which they were booked. */
  readonly entries: HandEntry[];
  /** ms */
  readonly at: number;
}

export interface HandEntry {
  readonly from: string;
  readonly to: string;
  /** Minor units. */
  readonly amount: number;
}

const none: ReadonlySet<ReviewItem> = new Set();

export class ReviewQueue {
  readonly open = new Map<number, ReviewItem>();
  /** Oldest resolution first. */
  readonly resolved = new Map<number, ReviewItem>();
  readonly #bySubject = new Map<string, ReviewItem>();
  readonly #byKind = new Map<number, Set<ReviewItem>>();
  /** The newest that was resolved of each subject. */
  readonly #resolvedBySubject = new Map<string, ReviewItem>();
  nextSequence = 1;

  get(item: number): ReviewItem | undefined {
    return this.open.get(item) ?? this.resolved.get(item);
  }

  openOf(kind: number, subject: string): ReviewItem | undefined {
    return this.#bySubject.get(`${kind} ${subject}`);
  }

  /** Open items of a kind. */
  openOfKind(kind: number): ReadonlySet<ReviewItem> {
    return this.#byKind.get(kind) ?? none;
  }

  /** The newest item of a subject that was resolved, as long as it is kept. */
  resolvedOf(kind: number, subject: string): ReviewItem | undefined {
    return this.#resolvedBySubject.get(`${kind} ${subject}`);
  }

  /** Items of a state below a number, newest first. */
  newestFirst(state: "open" | "resolved", below: number): ReviewItem[] {
    return [...this[state].values()].filter(({ item }) => item < below).sort((a, b) => b.item - a.item);
  }

  /** Applies a fact. Throws when the log contradicts itself. */
  evolve(fact: FactOf<"humanOpened"> | FactOf<"humanResolved">, nowMs: number): void {
    if (fact.type === Facts.humanOpened) {
      const { type: _, ...opened } = fact;
      this.nextSequence++;
      this.add({ ...opened, openedAt: nowMs, resolved: null });
      return;
    }
    const item = this.open.get(fact.item);
    if (!item) throw new Error(`item ${fact.item} is resolved and is not open`);
    this.open.delete(item.item);
    this.#bySubject.delete(`${item.kind} ${item.subject}`);
    this.#byKind.get(item.kind)!.delete(item);
    const { action, reason, evidence, operator } = fact;
    item.resolved = { action, reason, evidence, operator, order: "", entries: [], at: nowMs };
    this.#keep(item);
  }

  /** An entry that the item's resolution booked, in the same turn. */
  booked({ item, from, to, amount }: FactOf<"entryMade">): void {
    this.#resolution(item).entries.push({ from, to, amount });
  }

  /** The order that the item's resolution named, in the same turn. */
  claimed({ item, reference }: FactOf<"paymentClaimed">): void {
    this.#resolution(item).order = reference;
  }

  /** An item of a snapshot, or a new one. */
  add(item: ReviewItem): void {
    if (item.resolved) {
      this.#keep(item);
      return;
    }
    const name = `${item.kind} ${item.subject}`;
    if (this.#bySubject.has(name)) throw new Error(`item ${item.item}: ${name} has an open item`);
    this.open.set(item.item, item);
    this.#bySubject.set(name, item);
    const ofKind = this.#byKind.get(item.kind);
    if (ofKind) ofKind.add(item);
    else this.#byKind.set(item.kind, new Set([item]));
  }

  /** What a snapshot needs, in the order in which it must be added again. */
  *items(): Iterable<ReviewItem> {
    yield* this.resolved.values();
    yield* this.open.values();
  }

  /** REVIEW-QUEUE-1: what follows from a resolution is recorded after it. */
  #resolution(item: number): Resolution {
    const resolution = this.resolved.get(item)?.resolved;
    if (!resolution) throw new Error(`item ${item}: something follows from a resolution that is not there`);
    return resolution;
  }

  #keep(item: ReviewItem): void {
    this.resolved.set(item.item, item);
    this.#resolvedBySubject.set(`${item.kind} ${item.subject}`, item);
    if (this.resolved.size <= itemsResolvedMax) return;
    for (const oldest of this.resolved.values()) {
      const name = `${oldest.kind} ${oldest.subject}`;
      this.resolved.delete(oldest.item);
      if (this.#resolvedBySubject.get(name) === oldest) this.#resolvedBySubject.delete(name);
      return;
    }
  }
}
