/** What the projection keeps in memory: the names behind the handles of each shard, and the balances of the ledger. */

import type { LedgerNames } from "../actors/postings.js";
import type { Loaded } from "./read-rows.js";

export interface NamedAccount {
  readonly id: string;
  /** "" until it is opened. */
  currency: string;
}

export interface NamedProduct {
  readonly id: string;
  readonly name: string;
  price: number;
}

/** The handles of one shard: an index is a handle. */
export class ShardNames implements LedgerNames {
  readonly accounts: NamedAccount[] = [];
  readonly products: NamedProduct[] = [];

  accountId(handle: number): string {
    return this.accounts[handle]!.id;
  }
  accountCurrency(handle: number): string {
    return this.accounts[handle]!.currency;
  }
  productId(handle: number): string {
    return this.products[handle]!.id;
  }
}

export class ReadNames {
  /** Of wallets and stock, by the name of the ledger account; the others are sums that nobody asks for. */
  readonly balances = new Map<string, { amount: number }>();
  readonly #shards = new Map<number, ShardNames>();

  constructor({ handles, accounts, products }: Loaded) {
    const currencyOf = new Map(accounts.map((row) => [row.account, row.currency]));
    const priceOf = new Map(products.map((row) => [row.product, row.price_minor]));
    for (const { shard, kind, id, name } of handles) {
      const names = this.of(shard);
      if (kind === "account") names.accounts.push({ id, currency: currencyOf.get(id) ?? "" });
      else names.products.push({ id, name: name!, price: priceOf.get(id) ?? 0 });
    }
    for (const { account, available_minor } of accounts) this.openWallet(account, available_minor);
    for (const { product, available, held, sold } of products) this.openStock(product, available, held, sold);
  }

  of(shard: number): ShardNames {
    const known = this.#shards.get(shard);
    if (known) return known;
    const names = new ShardNames();
    this.#shards.set(shard, names);
    return names;
  }

  openWallet(account: string, amount: number): void {
    this.balances.set(`wallet:${account}`, { amount });
  }

  openStock(product: string, available: number, held: number, sold: number): void {
    this.balances.set(`stock:${product}:available`, { amount: available });
    this.balances.set(`stock:${product}:held`, { amount: held });
    this.balances.set(`stock:${product}:sold`, { amount: sold });
  }
}
