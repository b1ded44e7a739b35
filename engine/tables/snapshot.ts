/**
 * The books as bytes: written by a follower that replays the log beside the engine (so the loop never stops for it), read
 * when the engine starts. The same books always give the same bytes, so their SHA-256 is the state hash.
 *
 * Small things as length-prefixed MessagePack, the orders' rows as they lie in memory, less those that were dropped.
 */

import { createHash } from "node:crypto";
import { Packr } from "msgpackr";
import type { Account } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import type { Product } from "../../actors/product.js";
import type { AfterSale, Refund } from "./after-sales.js";
import { Books } from "./books.js";
import type { OpenCall } from "./call-table.js";
import type { Branch, PendingOrder, Reinstatement } from "./cross-shard-table.js";
import { payNowModes, pendingFromFact } from "./cross-shard-table.js";
import type { Fence } from "./fence-table.js";
import type { KeptResult, KeyTable } from "./key-table.js";
import type { ReviewItem } from "./review-queue.js";
import type { Transaction } from "./transaction-table.js";

/** Changes with every change of the layout; an older snapshot is then not used, and the log is read instead. */
export const snapshotFormat = 10;

const codec = new Packr({ useRecords: false, moreTypes: true, int64AsType: "number" });
const batch = 4096;

export function* saveBooks(books: Books): Iterable<Uint8Array> {
  yield* packed({
    position: books.position,
    time: books.time,
    jumpedMs: books.jumpedMs,
    liveOrders: books.liveOrders,
    liveKeys: books.liveKeys,
  });
  yield* packedAll(books.accounts);
  yield* packedAll(
    books.products.map((product) => ({ ...product, taken: product.taken && [...product.taken] })),
  );
  yield* books.orders.rows.save();
  yield* books.orders.lines.save();
  yield* packedAll(books.keys.entries());
  yield* packedAll(books.refs.entries());
  yield* packedAll([...books.pending.values()].map(({ answer: _, ...pending }) => pending));
  yield* packedAll(books.reinstatements.values());
  yield* packedAll(books.branches.byName.values());
  yield* packedAll(books.outboxes.outboxes.entries());
  yield* packedAll(books.outboxes.heardUpTo.entries());
  const { byOrder, refunds, refundSequence, paymentSequence } = books.afterSales;
  yield* packed({ refundSequence, paymentSequence });
  yield* packedAll(byOrder.entries());
  yield* packedAll(refunds.values());
  yield* packed({
    calls: books.calls.nextSequence,
    items: books.human.nextSequence,
    transactions: books.transactions.nextSequence,
    fences: books.fences.nextNumber,
  });
  yield* packedAll(books.calls.open.values());
  yield* packedAll(books.human.items());
  yield* packedAll(books.transactions.transactions());
  yield* packedAll(books.fences.fences());
  yield* packed({ tokensForgottenTo: books.tokens.forgottenTo });
  yield* packedAll(books.tokens.byToken.entries());
}

/** Books from what `saveBooks` gave; the chunks may be cut differently. */
export function loadBooks(chunks: Iterable<Uint8Array>): Books {
  const from = new ChunkReader(chunks);
  const books = new Books();
  Object.assign(books, from.unpack<object>());
  for (const account of from.unpackAll<Account>()) {
    books.accounts.push(account);
    books.accountByName.addLast();
  }
  for (const saved of from.unpackAll<Omit<Product, "taken"> & { taken?: [number, number][] }>()) {
    const product: Product = { ...saved, taken: saved.taken ? new Map(saved.taken) : undefined };
    const former = books.productByName.get(product.id);
    books.products.push(product);
    books.productByName.addLast(former?.handle);
  }
  books.orders.rows.load((bytes) => from.take(bytes));
  books.orders.lines.load((bytes) => from.take(bytes));
  loadKeys(books.keys, from.unpackAll<KeptResult>());
  loadKeys(books.refs, from.unpackAll<KeptResult>());
  for (const {
    answers,
    missing,
    begun: asked,
    operator,
    ref,
    data,
    adjustments,
    ...begun
  } of from.unpackAll<PendingOrder>()) {
    const payNow = begun.saga ? payNowModes.saga : begun.payNow ? payNowModes.tcc : payNowModes.later;
    const pending = pendingFromFact({ ...begun, type: Facts.orderBegun, payNow });
    answers.forEach((answer, branch) => {
      pending.answers[branch] = answer ?? undefined;
    });
    pending.missing = missing;
    pending.begun = asked;
    pending.operator = operator;
    pending.ref = ref;
    pending.data = data;
    pending.adjustments = adjustments;
    books.pending.set(pending.order, pending);
  }
  for (const { answers, ...reinstatement } of from.unpackAll<Reinstatement>())
    books.reinstatements.set(reinstatement.order, {
      ...reinstatement,
      answers: answers.map((answer) => answer ?? undefined),
    });
  for (const branch of from.unpackAll<Branch>())
    books.branches.byName.set(`${branch.order}:${branch.branch}`, branch);
  for (const [peer, outbox] of from.unpackAll<[number, { firstUnacked: number; unacked: Uint8Array[] }]>()) {
    books.outboxes.outboxes.set(peer, outbox);
  }
  for (const [peer, upTo] of from.unpackAll<[number, number]>()) books.outboxes.heardUpTo.set(peer, upTo);
  Object.assign(books.afterSales, from.unpack<object>());
  for (const [order, afterSale] of from.unpackAll<[number, AfterSale]>()) {
    books.afterSales.byOrder.set(order, afterSale);
    books.afterSales.addRef(order, afterSale.ref);
  }
  for (const refund of from.unpackAll<Refund>()) books.afterSales.refunds.set(refund.number, refund);
  const sequences = from.unpack<{ calls: number; items: number; transactions: number; fences: number }>();
  books.transactions.nextSequence = sequences.transactions;
  books.fences.nextNumber = sequences.fences;
  books.calls.nextSequence = sequences.calls;
  books.human.nextSequence = sequences.items;
  for (const call of from.unpackAll<OpenCall>()) books.calls.add(call);
  for (const item of from.unpackAll<ReviewItem>()) books.human.add(item);
  for (const transaction of from.unpackAll<Transaction>()) books.transactions.add(transaction);
  for (const fence of from.unpackAll<Fence>()) books.fences.add(fence);
  books.tokens.forgottenTo = from.unpack<{ tokensForgottenTo: number }>().tokensForgottenTo;
  for (const [token, account] of from.unpackAll<[number, string]>()) books.tokens.byToken.set(token, account);
  armTimers(books);
  return books;
}

/** SHA-256 over the books, in hexadecimal. Reads all of them: for audits and tests, not for the running loop. */
export function stateHash(books: Books): string {
  const hash = createHash("sha256");
  for (const chunk of saveBooks(books)) hash.update(chunk);
  return hash.digest("hex");
}

function loadKeys(table: KeyTable, entries: Iterable<KeptResult>): void {
  for (const entry of entries) table.keep(entry);
}

function armTimers(books: Books): void {
  for (const pending of books.pending.values()) books.timers.add(pending.expiresAt, pending.order);
  for (const reinstatement of books.reinstatements.values())
    books.timers.add(reinstatement.expiresAt, reinstatement.order);
  books.orders.each((order) => {
    if (order.dueAt !== 0) books.timers.add(order.dueAt, order.number);
  });
}

function* packed(value: unknown): Iterable<Uint8Array> {
  const bytes = codec.pack(value);
  yield Uint8Array.of(
    bytes.length & 255,
    (bytes.length >>> 8) & 255,
    (bytes.length >>> 16) & 255,
    bytes.length >>> 24,
  );
  yield bytes;
}

/** In batches, ended by an empty one. */
function* packedAll(values: Iterable<unknown>): Iterable<Uint8Array> {
  let some: unknown[] = [];
  for (const value of values) {
    some.push(value);
    if (some.length < batch) continue;
    yield* packed(some);
    some = [];
  }
  if (some.length > 0) yield* packed(some);
  yield* packed([]);
}

class ChunkReader {
  readonly #chunks: Iterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  take(bytes: number): Uint8Array {
    if (this.#chunk.length - this.#at < bytes) this.#fill(bytes);
    const taken = this.#chunk.subarray(this.#at, this.#at + bytes);
    this.#at += bytes;
    return taken;
  }

  unpack<T>(): T {
    const length = this.take(4);
    const count = length[0]! + length[1]! * 0x100 + length[2]! * 0x10000 + length[3]! * 0x1000000;
    return codec.unpack(this.take(count)) as T;
  }

  *unpackAll<T>(): Iterable<T> {
    for (;;) {
      const some = this.unpack<T[]>();
      if (some.length === 0) return;
      yield* some;
    }
  }

  #fill(bytes: number): void {
    const parts = [this.#chunk.subarray(this.#at)];
    let length = parts[0]!.length;
    while (length < bytes) {
      const next = this.#chunks.next();
      if (next.done) throw new RangeError("the snapshot ends too early");
      parts.push(next.value);
      length += next.value.length;
    }
    this.#chunk = Buffer.concat(parts);
    this.#at = 0;
  }
}
