/**
 * What waits for a turn, in two lanes: what ends or serves orders that exist goes ahead of what makes new ones, so that
 * overload cannot let a hold expire whose buyer has already paid. Both lanes are bounded.
 */

import type { Method } from "./commands.js";
import { mailboxMax } from "./limits.js";

/** Everything else is ordinary. */
const urgent: ReadonlySet<Method> = new Set<Method>(["order.pay", "order.cancel", "feed.unsubscribe"]);

export function isUrgent(method: Method): boolean {
  return urgent.has(method);
}

export class Mailbox<T> {
  readonly #urgent = new Lane<T>();
  readonly #ordinary = new Lane<T>();

  get size(): number {
    return this.#urgent.size + this.#ordinary.size;
  }

  /** False when the lane is full. */
  put(item: T, isUrgentItem: boolean): boolean {
    const lane = isUrgentItem ? this.#urgent : this.#ordinary;
    if (lane.size >= mailboxMax) return false;
    lane.put(item);
    return true;
  }

  /** The next item, the urgent ones first, each lane in the order of arrival; undefined when empty. */
  take(): T | undefined {
    return this.#urgent.size > 0 ? this.#urgent.take() : this.#ordinary.take();
  }
}

/** A queue on an array: taken items are cut off when they are half of it, so a take costs the same on average. */
class Lane<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  put(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
