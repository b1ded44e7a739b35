/** Accounts and products by the names that their callers gave them; see `hash-index` for why this is not a Map. */

import { HashIndex, hashText } from "./hash-index.js";

export class NameTable<T extends { readonly id: string }> {
  readonly #index = new HashIndex();
  readonly #items: T[];

  /** `items` is the owner's list; a name is added after its item was pushed to it. */
  constructor(items: T[]) {
    this.#items = items;
  }

  get(id: string): T | undefined {
    for (let row = this.#index.first(hashText(id, 0)); row >= 0; row = this.#index.next()) {
      const item = this.#items[row]!;
      if (item.id === id) return item;
    }
    return undefined;
  }

  has(id: string): boolean {
    return this.get(id) !== undefined;
  }

  /** Names the last item of the list. `former`: the place of the one that bore the name until now; without it the name must be new. */
  addLast(former?: number): void {
    const row = this.#items.length - 1;
    const hash = hashText(this.#items[row]!.id, 0);
    if (former !== undefined) this.#index.remove(hash, former);
    this.#index.insert(hash, row);
  }
}
