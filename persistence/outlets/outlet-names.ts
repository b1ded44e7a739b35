/**
 * What the numbers in the facts of each shard stand for, kept beside the cursors, so that a follower of the log can tell events
 * without the books: no memory for every order there ever was, and no reading of the whole log at every start.
 *
 * OUTLET-NAMES-1  Names are a function of the log up to `namedTo`, which moves in the transaction that holds them.
 * OUTLET-NAMES-2  An event is made only of a fact at or before `namedTo`. Being ahead does no harm: nothing that is named ever changes.
 * OUTLET-NAMES-3  Names of another log than this one (a backup was restored) are thrown away and read again.
 */

import type Database from "better-sqlite3";
import type { EventNames, OrderNames, RefundNames } from "../../actors/events.js";
import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, Facts } from "../../actors/facts.js";
import { sameHash } from "../log/hash-chain.js";
import type { Group } from "../log/journal.js";

/** A group of a log on disk has a hash, one in memory has none. */
export type NamedGroup = Group & { readonly hash?: Uint8Array };

interface Shard {
  position: number;
  accounts: number;
  products: number;
}

export class OutletNames {
  readonly #db: Database.Database;
  readonly #shards = new Map<number, Shard>();
  readonly #told = new Map<number, EventNames>();
  readonly #add: ReturnType<typeof prepareAdds>;
  readonly #find: ReturnType<typeof prepareFinds>;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#add = prepareAdds(db);
    this.#find = prepareFinds(db);
  }

  /** Position up to which the names of a shard are known. */
  namedTo(shard: number): number {
    return this.#of(shard).position;
  }

  /** Takes the names out of groups, which follow each other; those that were taken before are passed over. */
  take(shard: number, groups: readonly NamedGroup[]): void {
    const known = this.#of(shard);
    const news = groups.filter((group) => group.last > known.position);
    if (news.length === 0) return;
    if (news[0]!.first > known.position + 1) {
      throw new Error(`shard ${shard}: group ${news[0]!.first} does not follow position ${known.position}`);
    }
    try {
      this.#db.transaction(() => {
        for (const { body, first } of news) readFacts(body, first, (fact) => this.#name(shard, known, fact));
        const { last, hash } = news.at(-1)!;
        known.position = last;
        this.#add.named.run(shard, last, hash ?? null);
      })();
    } catch (error) {
      // What was counted on the way was rolled back with the rows.
      this.#shards.delete(shard);
      throw error;
    }
  }

  /** Whether the names are of this log: `group` is the one that ends where they end. When they are not, they are forgotten. */
  verify(shard: number, group: NamedGroup | undefined): boolean {
    const position = this.namedTo(shard);
    if (position === 0) return true;
    const hash = this.#find.hash.get(shard) as Uint8Array | null;
    if (group?.last === position && (!group.hash || !hash || sameHash(hash, group.hash))) return true;
    this.#db.transaction(() => {
      for (const table of ["named", "account_currencies", "accounts", "products", "orders", "refunds"]) {
        this.#db.prepare(`DELETE FROM ${table} WHERE shard = ?`).run(shard);
      }
    })();
    this.#shards.delete(shard);
    this.#told.delete(shard);
    return false;
  }

  of(shard: number): EventNames {
    const known = this.#told.get(shard);
    if (known) return known;
    const names = this.#namesOf(shard);
    this.#told.set(shard, names);
    return names;
  }

  #namesOf(shard: number): EventNames {
    const find = this.#find;
    const account = remembered((handle) => find.account.get(shard, handle) as string);
    const product = remembered((handle) => find.product.get(shard, handle) as [id: string, currency: number]);
    const order = remembered((number): OrderNames | undefined => {
      const row = find.order.get(number) as [number, number, number] | undefined;
      return row && { account: account(row[0]), currency: row[1], total: row[2] };
    });
    return {
      accountId: account,
      productId: (handle) => product(handle)[0],
      productCurrency: (handle) => product(handle)[1],
      accountCurrency: remembered((handle) => find.accountCurrency.get(shard, handle) as number),
      order,
      refund(number): RefundNames | undefined {
        const row = find.refund.get(number) as [number, number, number, string, string] | undefined;
        if (!row) return undefined;
        const [order, currency, amount, provider, paymentId] = row;
        return { order, currency, amount, provider, paymentId };
      },
    };
  }

  #of(shard: number): Shard {
    const known = this.#shards.get(shard);
    if (known) return known;
    const read = {
      position: (this.#find.position.get(shard) as number | undefined) ?? 0,
      accounts: this.#find.accounts.get(shard) as number,
      products: this.#find.products.get(shard) as number,
    };
    this.#shards.set(shard, read);
    return read;
  }

  #name(shard: number, known: Shard, fact: Fact): void {
    const add = this.#add;
    switch (fact.type) {
      case Facts.accountNamed:
        add.account.run(shard, known.accounts++, fact.id);
        break;
      case Facts.accountOpened:
        add.accountCurrency.run(shard, fact.account, fact.currency);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        add.product.run(shard, known.products++, fact.id, fact.currency);
        break;
      case Facts.orderPlaced:
        add.order.run(fact.order, shard, fact.account, fact.currency, fact.total);
        break;
      case Facts.refundRequested: {
        const { refund, order, account, currency, amount, provider, paymentId } = fact;
        add.refund.run(refund, shard, order, account, currency, amount, provider, paymentId);
        break;
      }
    }
  }
}

/** Events that follow each other name the same few things. */
const rememberedMax = 10_000;

function remembered<T>(find: (number: number) => T): (number: number) => T {
  const known = new Map<number, T>();
  return (number) => {
    const before = known.get(number);
    if (before !== undefined) return before;
    const found = find(number);
    if (known.size >= rememberedMax) known.clear();
    if (found !== undefined) known.set(number, found);
    return found;
  };
}

function prepareAdds(db: Database.Database) {
  return {
    named: db.prepare("INSERT OR REPLACE INTO named VALUES (?, ?, ?)"),
    account: db.prepare("INSERT INTO accounts VALUES (?, ?, ?)"),
    accountCurrency: db.prepare("INSERT INTO account_currencies VALUES (?, ?, ?)"),
    product: db.prepare("INSERT INTO products VALUES (?, ?, ?, ?)"),
    order: db.prepare("INSERT INTO orders VALUES (?, ?, ?, ?, ?)"),
    refund: db.prepare("INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
  };
}

function prepareFinds(db: Database.Database) {
  return {
    position: db.prepare("SELECT position FROM named WHERE shard = ?").pluck(),
    hash: db.prepare("SELECT hash FROM named WHERE shard = ?").pluck(),
    accounts: db.prepare("SELECT count(*) FROM accounts WHERE shard = ?").pluck(),
    products: db.prepare("SELECT count(*) FROM products WHERE shard = ?").pluck(),
    account: db.prepare("SELECT id FROM accounts WHERE shard = ? AND handle = ?").pluck(),
    accountCurrency: db
      .prepare("SELECT currency FROM account_currencies WHERE shard = ? AND handle = ?")
      .pluck(),
    product: db.prepare("SELECT id, currency FROM products WHERE shard = ? AND handle = ?").raw(),
    order: db.prepare("SELECT account, currency, total_minor FROM orders WHERE number = ?").raw(),
    refund: db
      .prepare(
        `SELECT order_number, currency, amount_minor, provider, payment_id FROM refunds WHERE number = ?`,
      )
      .raw(),
  };
}
