import { slotOf } from "../../actors/order-number.js";
import { shardOfSlot } from "../links/slots.js";
import type { Books } from "../tables/books.js";

/** Accounts at home here that are named and not open. Counted from the books when first asked for, and kept up from then on. */
export class Unopened {
  #count: number | undefined;

  constructor(
    private readonly books: Books,
    private readonly shard: number,
    private readonly shards: number,
  ) {}

  get count(): number {
    this.#count ??= this.books.accounts.reduce(
      (sum, { id, currency }) => (currency < 0 && this.#isHome(id) ? sum + 1 : sum),
      0,
    );
    return this.#count;
  }

  named(id: string): void {
    if (this.#count !== undefined && this.#isHome(id)) this.#count++;
  }

  opened(): void {
    if (this.#count !== undefined) this.#count--;
  }

  #isHome(id: string): boolean {
    return this.shards === 1 || shardOfSlot(slotOf(id), this.shards) === this.shard;
  }
}
