/**
 * The read side's tables, kept up with the logs: facts in, rows out. The tables themselves are in `read-schema`, the
 * questions that the engine's users ask of them in `read-queries`.
 *
 *   log of shard 0 ──groups──▶ project ──┬─ commit ──▶ read.db: rows, and a cursor for each shard
 *   log of shard 1 ──groups──▶ project ──┘
 *
 * M1  Rows and the cursors they stand for are committed together or not at all, whole groups at a time.
 * M2  It decides nothing: what a fact says is written down. Whether the facts make sense is the audit's question.
 * M3  What is kept in memory (names and balances of accounts and products) is read from the tables at the start, and
 *     is ahead of them until `commit`: the instance and its database are of no use after either threw.
 */

import type Database from "better-sqlite3";
import { readFacts } from "../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../actors/facts.js";
import { currencyCode, scaleOf } from "../actors/money.js";
import { orderId } from "../actors/order-number.js";
import { type OrderEvent, Statuses, statusAfter, statuses } from "../actors/order-transitions.js";
import { type Posting, postingsOf } from "../actors/postings.js";
import { sameHash } from "./hash-chain.js";
import type { Group } from "./journal.js";
import { type NamedAccount, type NamedProduct, ReadNames, ShardNames } from "./read-names.js";
import { prepareWrites, type Writes } from "./read-rows.js";
import { ReadModelStale } from "./read-schema.js";

/** A group as a log gives it; a journal in memory has no hashes. */
export type ReadGroup = Group & { readonly prev?: Uint8Array; readonly hash?: Uint8Array };

/** A move of an order, until the turn's key is known. */
interface Move {
  readonly order: number;
  readonly version: number;
  readonly from: string | null;
  readonly to: string;
  readonly event: string;
  readonly operator: string | null;
  readonly remark: string | null;
  key: string | null;
}

/** Operator of what no request asked for. */
const engineItself = "engine";

/** cause of `order.canceled`. */
const deadlinePassed = 2;

export class ReadModel {
  readonly #db: Database.Database;
  readonly #writes: Writes;
  readonly #names: ReadNames;
  readonly #cursors = new Map<number, { position: number; hash: Uint8Array | null }>();
  /** Rows to be written once at the end of the transaction, however often they changed in it. */
  readonly #dirtyAccounts = new Set<NamedAccount>();
  readonly #dirtyProducts = new Set<NamedProduct>();
  #moves: Move[] = [];
  #turnTime = 0;
  #shard = 0;
  #now = new ShardNames();

  /** Takes a database from `openReadDatabase`. */
  constructor(db: Database.Database) {
    this.#db = db;
    this.#writes = prepareWrites(db);
    const loaded = this.#writes.loaded();
    this.#names = new ReadNames(loaded);
    for (const { shard, position, hash } of loaded.cursors) this.#cursors.set(shard, { position, hash });
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
    this.#writeBalances();
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
    this.#shard = shard;
    this.#now = this.#names.of(shard);
    readFacts(group.body, group.first, this.#visit);
    this.#endTurn();
    this.#cursors.set(shard, { position: group.last, hash: group.hash ?? null });
  }

  readonly #visit = (fact: Fact, time: number, position: number): void => {
    if (time !== this.#turnTime) {
      this.#endTurn();
      this.#turnTime = time;
    }
    const ms = Math.floor(time / 1000);
    switch (fact.type) {
      case Facts.accountNamed:
        this.#accountNamed(fact);
        break;
      case Facts.accountOpened:
        this.#accountOpened(fact);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#productNamed(fact);
        break;
      case Facts.productRepriced: {
        const product = this.#now.products[fact.product]!;
        product.price = fact.price;
        this.#dirtyProducts.add(product);
        break;
      }
      case Facts.orderPlaced:
        this.#placed(fact, ms);
        break;
      case Facts.orderPaid: {
        const version = this.#writes.orderPaid.get(fact.amount, ms, fact.order) as number;
        this.#move(fact.order, version, "Created", "pay", null, null);
        break;
      }
      case Facts.orderCanceled: {
        const expired = fact.cause === deadlinePassed;
        const remark = fact.reason === "" ? null : fact.reason;
        const version = this.#writes.orderCanceled.get(ms, remark, fact.order) as number;
        const event = expired ? "expire" : "cancel";
        this.#move(fact.order, version, "Created", event, expired ? engineItself : null, remark);
        break;
      }
      case Facts.keyKept:
        if (fact.order !== 0)
          for (const move of this.#moves) if (move.order === fact.order) move.key = fact.key;
        break;
    }
    this.#post(fact, position, ms);
  };

  #accountNamed(fact: FactOf<"accountNamed">): void {
    const handle = this.#now.accounts.push({ id: fact.id, currency: "" }) - 1;
    this.#writes.handle.run(this.#shard, "account", handle, fact.id, null);
  }

  #accountOpened(fact: FactOf<"accountOpened">): void {
    const account = this.#now.accounts[fact.account]!;
    account.currency = currencyCode(fact.currency);
    this.#writes.account.run(account.id, this.#shard, account.currency, scaleOf(account.currency));
    this.#names.openWallet(account.id, 0);
  }

  #productNamed(fact: FactOf<"productCreated"> | FactOf<"productKnown">): void {
    const { id, name } = fact;
    const currency = currencyCode(fact.currency);
    const known = fact.type === Facts.productKnown;
    const product = { id, name, price: known ? 0 : fact.price };
    const handle = this.#now.products.push(product) - 1;
    this.#writes.handle.run(this.#shard, "product", handle, id, name);
    if (known) return;
    this.#writes.product.run(id, this.#shard, name, currency, scaleOf(currency), product.price);
    this.#dirtyProducts.add(product);
    this.#names.openStock(id, 0, 0, 0);
  }

  #placed(fact: FactOf<"orderPlaced">, ms: number): void {
    const account = this.#now.accounts[fact.account]!;
    const order = orderId(fact.order);
    const currency = currencyCode(fact.currency);
    const scale = scaleOf(currency);
    const status = statuses[fact.status]!;
    const paid = fact.status === Statuses.Paid;
    const payBy = fact.payBy === 0 ? null : fact.payBy;
    this.#writes.order.run(
      fact.order,
      order,
      this.#shard,
      account.id,
      currency,
      scale,
      fact.total,
      fact.paid,
      status,
      payBy,
      ms,
      paid ? ms : null,
    );
    let line = 0;
    for (const { product: handle, qty, unitPrice } of fact.lines) {
      const product = this.#now.products[handle]!;
      this.#writes.item.run(order, ++line, product.id, product.name, scale, unitPrice, qty, unitPrice * qty);
    }
    this.#move(fact.order, 1, "None", paid ? "place_paid" : "place", null, null);
  }

  /** A row of `order_logs` to be; the key that the move was asked with stands behind it in the same turn. */
  #move(
    order: number,
    version: number,
    from: "None" | "Created",
    event: OrderEvent,
    operator: string | null,
    remark: string | null,
  ): void {
    const to = statuses[statusAfter(Statuses[from], event)!]!;
    this.#moves.push({
      order,
      version,
      from: from === "None" ? null : from,
      to,
      event: event === "place_paid" ? "place" : event,
      operator,
      remark,
      key: null,
    });
  }

  #endTurn(): void {
    if (this.#moves.length === 0) return;
    const ms = Math.floor(this.#turnTime / 1000);
    for (const { order, version, from, to, event, operator, remark, key } of this.#moves) {
      this.#writes.log.run(orderId(order), version, from, to, event, operator, remark, ms, key);
    }
    this.#moves = [];
  }

  /** Both sides of an entry of the ledger. */
  #post(fact: Fact, position: number, ms: number): void {
    const postings = postingsOf(fact, this.#now);
    if (postings.length === 0) return;
    const type = entryTypes[fact.type]!;
    const order = "order" in fact ? orderId(fact.order) : null;
    const ref = "ref" in fact ? fact.ref : null;
    if (postings.length !== 2) throw new Error(`position ${position}: ${postings.length} postings`);
    const [from, to] = postings as readonly [Posting, Posting];
    const { unit } = from;
    const scale = unit.startsWith("unit:") ? 0 : scaleOf(unit);
    const balanceFrom = this.#addTo(from);
    const balanceTo = this.#addTo(to);
    this.#writes.entry.run(
      this.#shard,
      position,
      type,
      unit,
      scale,
      order,
      ref,
      ms,
      from.account,
      from.amount,
      balanceFrom,
      this.#shard,
      position,
      type,
      unit,
      scale,
      order,
      ref,
      ms,
      to.account,
      to.amount,
      balanceTo,
    );
    if ("product" in fact) this.#dirtyProducts.add(this.#now.products[fact.product]!);
    else if ("account" in fact) this.#dirtyAccounts.add(this.#now.accounts[fact.account]!);
  }

  /** The balance after the posting; null for ledger accounts whose balance is only ever a sum. */
  #addTo({ account, amount }: Posting): number | null {
    const balance = this.#names.balances.get(account);
    if (!balance) return null;
    balance.amount += amount;
    return balance.amount;
  }

  #writeBalances(): void {
    for (const { id } of this.#dirtyAccounts) {
      this.#writes.accountBalance.run(this.#names.balances.get(`wallet:${id}`)!.amount, id);
    }
    for (const { id, price } of this.#dirtyProducts) {
      const on = (shelf: string) => this.#names.balances.get(`stock:${id}:${shelf}`)!.amount;
      this.#writes.productFigures.run(price, on("available"), on("held"), on("sold"), id);
    }
    this.#dirtyAccounts.clear();
    this.#dirtyProducts.clear();
  }
}

/** What a statement calls the entries of a fact. */
const entryTypes: Readonly<Record<number, string>> = {
  [Facts.accountDeposited]: "deposit",
  [Facts.accountWithdrawn]: "withdraw",
  [Facts.moneyCaptured]: "capture",
  [Facts.productCreated]: "create",
  [Facts.productRestocked]: "restock",
  [Facts.stockHeld]: "hold",
  [Facts.stockSold]: "sell",
  [Facts.stockConfirmed]: "confirm",
  [Facts.stockReleased]: "release",
};
