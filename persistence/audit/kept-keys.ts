/**
 * The keys of orders that are kept at a place in the log, as an auditor sees them: first in, first out, and each once.
 * A JS Map ends at 16.7 million entries and the engine keeps 20 million keys, so there are several.
 */

interface Kept {
  readonly order: number;
  /** Its request has no result yet. */
  readonly running: boolean;
}

const mapCount = 16;

export class KeptKeys {
  readonly #maps = Array.from({ length: mapCount }, () => new Map<string, Kept>());
  #queue: string[] = [];
  #head = 0;

  get count(): number {
    return this.#queue.length - this.#head;
  }

  find(key: string): Kept | undefined {
    return this.#mapOf(key).get(key);
  }

  /** Puts a new key at the end, or completes a running one where it stands. */
  keep(key: string, kept: Kept): void {
    const map = this.#mapOf(key);
    if (!map.has(key)) this.#queue.push(key);
    map.set(key, kept);
  }

  /** Takes the oldest out; undefined when there is none. */
  takeOldest(): { key: string; kept: Kept } | undefined {
    const key = this.#queue[this.#head];
    if (key === undefined) return undefined;
    this.#head++;
    if (this.#head > 65_536 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    const map = this.#mapOf(key);
    const kept = map.get(key)!;
    map.delete(key);
    return { key, kept };
  }

  #mapOf(key: string): Map<string, Kept> {
    return this.#maps[(key.charCodeAt(key.length - 1) + key.length) % mapCount]!;
  }
}
