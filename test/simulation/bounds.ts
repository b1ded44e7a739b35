/**
 * What a quantity can be, as far as clients can tell: of every request it is known when it was sent and, sometimes, what
 * became of it. `sure` counts what has certainly happened, `possible` also what may have.
 */

export interface Mark {
  readonly sure: number;
  readonly possible: number;
  readonly added: number;
}

export class Bound {
  sure = 0;
  possible = 0;
  /** Everything that was ever added to `possible`; never falls. */
  added = 0;

  /** A request was sent that adds `most` at the most. */
  send(most: number): void {
    this.possible += most;
    this.added += most;
  }

  /** It has added `actual`. */
  settle(most: number, actual: number): void {
    this.possible += actual - most;
    this.sure += actual;
  }

  /** It has added something between. */
  settleBetween(most: number, low: number, high: number): void {
    this.possible += high - most;
    this.sure += low;
  }

  /** It has added nothing and never will. */
  drop(most: number): void {
    this.possible -= most;
  }

  mark(): Mark {
    return { sure: this.sure, possible: this.possible, added: this.added };
  }

  /** The most that it can have been at any time from the mark until now. */
  highSince(mark: Mark): number {
    return mark.possible + this.added - mark.added;
  }
}

const nothing: Mark = { sure: 0, possible: 0, added: 0 };

/** Bounds by name. */
export class Ledger {
  readonly #bounds = new Map<string, Bound>();

  of(name: string): Bound {
    let bound = this.#bounds.get(name);
    if (!bound) {
      bound = new Bound();
      this.#bounds.set(name, bound);
    }
    return bound;
  }

  mark(names: readonly string[]): Map<string, Mark> {
    return new Map(names.map((name) => [name, this.#bounds.get(name)?.mark() ?? nothing]));
  }

  /** What `name` can have been since the marks were taken. */
  since(marks: ReadonlyMap<string, Mark>, name: string): { low: number; high: number } {
    const mark = marks.get(name) ?? nothing;
    return { low: mark.sure, high: this.of(name).highSince(mark) };
  }
}
