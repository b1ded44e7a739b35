/**
 * When what is due: a binary heap of (due, order). Exact to the millisecond, and nothing ticks while nothing is due.
 *
 * A timer is not removed when its order moves on; it fires and finds nothing to do. So the heap never needs to be searched,
 * and it is not part of the books: it is made anew from the orders when the books are loaded.
 */
export class Timers {
  #due: number[] = [];
  #order: number[] = [];

  get size(): number {
    return this.#due.length;
  }

  /** When the first timer is due (ms), or Infinity. A field: every turn looks at four heaps, most of them empty. */
  nextDue = Number.POSITIVE_INFINITY;

  add(dueMs: number, order: number): void {
    const due = this.#due;
    const orders = this.#order;
    let at = due.length;
    due.push(dueMs);
    orders.push(order);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!before(dueMs, order, due[parent]!, orders[parent]!)) break;
      due[at] = due[parent]!;
      orders[at] = orders[parent]!;
      at = parent;
    }
    due[at] = dueMs;
    orders[at] = order;
    this.nextDue = due[0]!;
  }

  /** Removes the first timer and returns its order. There must be one. */
  take(): number {
    const due = this.#due;
    const orders = this.#order;
    const first = orders[0]!;
    const lastDue = due.pop()!;
    const lastOrder = orders.pop()!;
    const length = due.length;
    if (length === 0) {
      this.nextDue = Number.POSITIVE_INFINITY;
      return first;
    }
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && before(due[child + 1]!, orders[child + 1]!, due[child]!, orders[child]!))
        child++;
      if (!before(due[child]!, orders[child]!, lastDue, lastOrder)) break;
      due[at] = due[child]!;
      orders[at] = orders[child]!;
      at = child;
    }
    due[at] = lastDue;
    orders[at] = lastOrder;
    this.nextDue = due[0]!;
    return first;
  }
}

/** Ties go to the older order, so that the same log always expires in the same order. */
function before(dueA: number, orderA: number, dueB: number, orderB: number): boolean {
  return dueA < dueB || (dueA === dueB && orderA < orderB);
}
