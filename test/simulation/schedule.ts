/**
 * Virtual time: what happens next, and when. Nothing else moves the world.
 *
 * Events of the same microsecond happen in the order in which they were scheduled.
 */

interface Scheduled {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

export class Schedule {
  /** Microseconds since the world began. */
  now = 0;
  #heap: Scheduled[] = [];
  #last = 0;

  get size(): number {
    return this.#heap.length;
  }

  after(micros: number, run: () => void): void {
    this.at(this.now + Math.max(0, Math.floor(micros)), run);
  }

  at(micros: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: Math.max(this.now, micros), number: ++this.#last, run };
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** Lets the next event happen; false when there is none. */
  runNext(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    if (!first) return false;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    this.now = first.at;
    first.run();
    return true;
  }

  #sink(event: Scheduled): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, event)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
