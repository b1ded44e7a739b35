/**
 * What waits for a turn, in two lanes: what ends or serves orders that exist goes ahead of what makes new ones, so that
 * overload cannot let a hold expire whose buyer has already paid. Both lanes are bounded.
 */

import { mailboxMax } from "../seams/limits.js";

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

/** A ring that doubles when it is full: no allocation and no copying once it has the size of the load. */
class Lane<T> {
  #ring: (T | undefined)[] = new Array<T | undefined>(1024).fill(undefined);
  #head = 0;
  size = 0;

  put(item: T): void {
    if (this.size === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.size) & (this.#ring.length - 1)] = item;
    this.size++;
  }

  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.size--;
    return item;
  }

  #grow(): void {
    const ring = this.#ring;
    const inOrder = [...ring.slice(this.#head), ...ring.slice(0, this.#head)];
    this.#ring = inOrder.concat(new Array<T | undefined>(ring.length).fill(undefined));
    this.#head = 0;
  }
}
