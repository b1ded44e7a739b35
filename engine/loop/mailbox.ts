/**
 * What waits for a turn, in two lanes: what ends or serves orders that exist goes ahead of what makes new ones, so that
 * overload cannot let a hold expire whose buyer has already paid. Both lanes are bounded, and in each of them those who
 * asked take turns (`fair-queue`).
 */

import { mailboxMax, mailboxShare, mailboxTurn } from "../seams/limits.js";
import { FairQueue } from "./fair-queue.js";

export class Mailbox<T> {
  readonly #urgent = new FairQueue<T>(mailboxTurn);
  readonly #ordinary = new FairQueue<T>(mailboxTurn);

  get size(): number {
    return this.#urgent.size + this.#ordinary.size;
  }

  /** False when the lane is full, and its owner has its share of it. */
  put(owner: object, item: T, isUrgentItem: boolean): boolean {
    const lane = isUrgentItem ? this.#urgent : this.#ordinary;
    if (lane.size >= mailboxMax && lane.sizeOf(owner) >= mailboxShare) return false;
    lane.put(owner, item);
    return true;
  }

  /** The next item, the urgent ones first; undefined when empty. */
  take(): T | undefined {
    return this.#urgent.take() ?? this.#ordinary.take();
  }
}
