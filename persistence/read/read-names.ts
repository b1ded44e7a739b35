/** What the projection keeps in memory: the names behind the handles of each shard, and the balances of the ledger. */

import type { LedgerNames } from "../../actors/postings.js";
import type { Loaded } from "./read-rows.js";

export interface NamedAccount {
  readonly kind: "account";
  readonly id: string;
  /** "" until it is opened here. */
  currency: string;
}

export interface NamedProduct {
  readonly kind: "product";
  readonly id: string;
  name: string;
  /** 0 where it is only known. */
  price: number;
}

/** A ledger account whose balance stands in a row of `accounts` or `products`: that of `of`. */
export interface Balance {
  amount: number;
  readonly of: NamedAccount | NamedProduct;
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
  /** Of wallets, points and stock, by the name of the ledger account; the others are sums that nobody asks for. */
  readonly balances = new Map<string, Balance>();
  readonly #shards = new Map<number, ShardNames>();

  constructor({ handles, accounts, products }: Loaded) {
    const accountRow = new Map(accounts.map((row) => [row.account, row]));
    const productRow = new Map(products.map((row) => [row.product, row]));
    for (const { shard, kind, id, name } of handles) {
      const { accounts: known, products: sold } = this.of(shard);
      if (kind === "account") {
        const row = accountRow.get(id);
        const account: NamedAccount = { kind, id, currency: row?.shard === shard ? row.currency : "" };
        known.push(account);
        if (row?.shard === shard) this.openWallet(account, row.available_minor, row.points);
      } else {
        const row = productRow.get(id);
        const product = { kind, id, name: name!, price: row?.shard === shard ? row.price_minor : 0 };
        sold.push(product);
        if (row?.shard === shard) this.openStock(product, row.available, row.held, row.sold);
      }
    }
  }

  of(shard: number): ShardNames {
    const known = this.#shards.get(shard);
    if (known) return known;
    const names = new ShardNames();
    this.#shards.set(shard, names);
    return names;
  }

  openWallet(of: NamedAccount, amount: number, points: number): void {
    this.balances.set(`wallet:${of.id}`, { amount, of });
    this.balances.set(`points:${of.id}`, { amount: points, of });
  }

  openStock(of: NamedProduct, available: number, held: number, sold: number): void {
    this.balances.set(`stock:${of.id}:available`, { amount: available, of });
    this.balances.set(`stock:${of.id}:held`, { amount: held, of });
    this.balances.set(`stock:${of.id}:sold`, { amount: sold, of });
  }
}
