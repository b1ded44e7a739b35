/**
 * The read side's tables, kept up with the logs: facts in, rows out. The tables themselves are in `read-schema`, the
 * questions that the engine's users ask of them in `read-queries`.
 *
 *   log of shard 0 ──groups──▶ project ──┬─ commit ──▶ read.db: rows, and a cursor for each shard
 *   log of shard 1 ──groups──▶ project ──┘
 *
 * READ-MODEL-1  Rows and the cursors they stand for are committed together or not at all, whole groups at a time.
 * READ-MODEL-2  What is kept in memory (names and balances of accounts and products) is read from the tables at the start, and
 *               is ahead of them until `commit`: the instance and its database are of no use after either threw.
 */

import type Database from "better-sqlite3";
import { readFacts } from "../../actors/fact-codec.js";
import type { Fact, FactOf } from "../../actors/facts.js";
import { currencyCode, scaleOf } from "../../actors/money.js";
import { sameHash } from "../log/hash-chain.js";
import type { Group } from "../log/journal.js";
import { ReadLedger } from "./read-ledger.js";
import { moneyRules } from "./read-money.js";
import { ReadMoves } from "./read-moves.js";
import { type NamedAccount, type NamedProduct, ReadNames, ShardNames } from "./read-names.js";
import { orderRules } from "./read-orders.js";
import { prepareWrites, type Writes } from "./read-rows.js";
import { type At, type ReadRules, rulesByNumber } from "./read-rules.js";
import { ReadModelStale } from "./read-schema.js";

/** A group as a log gives it; a journal in memory has no hashes. */
export type ReadGroup = Group & { readonly prev?: Uint8Array; readonly hash?: Uint8Array };

export class ReadModel {
  readonly #db: Database.Database;
  readonly #writes: Writes;
  readonly #names: ReadNames;
  readonly #cursors = new Map<number, { position: number; hash: Uint8Array | null }>();
  readonly #ledger: ReadLedger;
  readonly #moves: ReadMoves;
  readonly #rules: ReturnType<typeof rulesByNumber>;
  readonly #at: At = { shard: 0, names: new ShardNames(), position: 0, ms: 0 };
  #turnTime = 0;

  /** Takes a database from `openReadDatabase`. */
  constructor(db: Database.Database) {
    this.#db = db;
    this.#writes = prepareWrites(db);
    const loaded = this.#writes.loaded();
    this.#names = new ReadNames(loaded);
    for (const { shard, position, hash } of loaded.cursors) this.#cursors.set(shard, { position, hash });
    this.#ledger = new ReadLedger(this.#writes, this.#names);
    this.#moves = new ReadMoves(this.#writes);
    this.#rules = rulesByNumber(
      this.#nameRules(),
      orderRules(this.#writes, this.#moves),
      moneyRules(this.#writes),
    );
  }

  /** How far the log of the shard is projected; 0 when nothing is. */
  position(shard: number): number {
    return this.#cursors.get(shard)?.position ?? 0;
  }

  /**
   * Throws `ReadModelStale` unless the rows of the shard are those of this log; `last` is the log's group that ends at
   * `position(shard)`, undefined when there is none.
   */
  verify(shard: number, last: ReadGroup | undefined): void {
    const cursor = this.#cursors.get(shard);
    if (!cursor) return;
    const ends = last?.last === cursor.position;
    if (!ends || (cursor.hash && last.hash && !sameHash(cursor.hash, last.hash))) {
      throw new ReadModelStale(
        `shard ${shard}: the log does not hold what was projected up to ${cursor.position}`,
      );
    }
  }

  /**
   * Projects the groups that follow `position(shard)`. Their rows are visible to statements of this database at once,
   * and to others after `commit`. Throws `ReadModelStale` when they do not follow: the rows are of another log and
   * must be built again.
   */
  project(shard: number, groups: readonly ReadGroup[]): void {
    if (!this.#db.inTransaction) this.#db.exec("BEGIN");
    for (const group of groups) this.#projectGroup(shard, group);
  }

  /**
   * Ends the transaction. A few large ones cost a third of many small ones: most rows go to pages of their own account,
   * and a page is written once per transaction.
   */
  commit(): void {
    if (!this.#db.inTransaction) return;
    this.#ledger.writeBalances();
    for (const [shard, { position, hash }] of this.#cursors) this.#writes.cursor.run(shard, position, hash);
    this.#db.exec("COMMIT");
  }

  #projectGroup(shard: number, group: ReadGroup): void {
    const at = this.#cursors.get(shard) ?? { position: 0, hash: null };
    if (group.first !== at.position + 1) {
      throw new ReadModelStale(`shard ${shard}: position ${group.first} does not follow ${at.position}`);
    }
    if (at.hash && group.prev && !sameHash(at.hash, group.prev)) {
      throw new ReadModelStale(`shard ${shard}: projected from another log up to position ${at.position}`);
    }
    this.#at.shard = shard;
    this.#at.names = this.#names.of(shard);
    readFacts(group.body, group.first, this.#visit);
    this.#moves.endTurn(this.#at.ms);
    this.#cursors.set(shard, { position: group.last, hash: group.hash ?? null });
  }

  readonly #visit = (fact: Fact, time: number, position: number): void => {
    if (time !== this.#turnTime) {
      this.#moves.endTurn(this.#at.ms);
      this.#turnTime = time;
      this.#at.ms = Math.floor(time / 1000);
    }
    this.#at.position = position;
    for (const rule of this.#rules[fact.type]!) rule(fact, this.#at);
    this.#ledger.post(fact, this.#at);
  };

  /** Accounts and products: their names come before all that is said of them. */
  #nameRules(): ReadRules {
    return {
      accountNamed: ({ id }, at) => {
        const handle = at.names.accounts.push({ kind: "account", id, currency: "" }) - 1;
        this.#writes.handle.run(at.shard, "account", handle, id, null);
      },
      accountOpened: (fact, at) => this.#accountOpened(at.names.accounts[fact.account]!, fact, at.shard),
      productCreated: (fact, at) => {
        const currency = currencyCode(fact.currency);
        const product = this.#productNamed(fact, fact.price, at);
        this.#writes.product.run(
          ...[fact.id, at.shard, fact.name, currency, scaleOf(currency), fact.price],
          ...[orNull(fact.limitPerAccount), orNull(fact.saleStartsAt), orNull(fact.saleEndsAt)],
        );
        this.#names.openStock(product, 0, 0, 0);
        this.#ledger.changed(product);
      },
      productKnown: (fact, at) => void this.#productNamed(fact, 0, at),
      productRepriced: ({ product: handle, price }, { names }) => {
        const product = names.products[handle]!;
        product.price = price;
        this.#ledger.changed(product);
        this.#writes.productRepriced.run(product.id);
      },
      productUpdated: (fact, at) => {
        const product = at.names.products[fact.product]!;
        product.price = fact.price;
        this.#ledger.changed(product);
        this.#productRenamed(fact, at);
        this.#writes.productUpdated.run(
          ...[fact.version, fact.name, orNull(fact.limitPerAccount)],
          ...[orNull(fact.saleStartsAt), orNull(fact.saleEndsAt), fact.backorder, product.id],
        );
      },
      backorderAllowed: ({ product, backorder }, { names }) =>
        void this.#writes.productBackorder.run(backorder, names.products[product]!.id),
      productDelisted: (fact, at) => this.#productListed(fact, 1, at),
      productRelisted: (fact, at) => this.#productListed(fact, 0, at),
    };
  }

  #accountOpened(account: NamedAccount, { currency }: FactOf<"accountOpened">, shard: number): void {
    account.currency = currencyCode(currency);
    this.#writes.account.run(account.id, shard, account.currency, scaleOf(account.currency));
    this.#names.openWallet(account, 0, 0);
  }

  #productListed(
    { product, version }: FactOf<"productDelisted" | "productRelisted">,
    delisted: 0 | 1,
    at: At,
  ): void {
    this.#writes.productListed.run(version, delisted, at.names.products[product]!.id);
  }

  /** Items of orders that are there keep the name that they have. */
  #productRenamed({ product, name }: { product: number; name: string }, { names, shard }: At): void {
    names.products[product]!.name = name;
    this.#writes.productRenamed.run(name, shard, product);
  }

  #productNamed(
    { id, name }: FactOf<"productCreated"> | FactOf<"productKnown">,
    price: number,
    { names, shard }: At,
  ): NamedProduct {
    const product: NamedProduct = { kind: "product", id, name, price };
    const handle = names.products.push(product) - 1;
    this.#writes.handle.run(shard, "product", handle, id, name);
    return product;
  }
}

/** A fact says 0 for what there is none of. */
function orNull(value: number): number | null {
  return value === 0 ? null : value;
}
