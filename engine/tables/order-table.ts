/**
 * The orders of a shard, by their number: see `rows` for why they are not objects, and how they are forgotten.
 *
 * ORDER-TABLE-1  Memory is bounded by the orders that are there, whatever the order in which the others were dropped (`rows` ROWS-2).
 * ORDER-TABLE-2  Whoever reads an order that is not there gets an exception, never the figures of another.
 * ORDER-TABLE-3  A sequence is given out once: the number of a dropped order never comes back.
 */

import type { FactOf } from "../../actors/facts.js";
import type { Order } from "../../actors/order.js";
import { orderSequence } from "../../actors/order-number.js";
import { Rows } from "./rows.js";

/**
 * Fields of a row: 16 of 8 bytes, 128 bytes, two cache lines' worth. malloc aligns to 16 bytes only, so a row may begin inside a
 * line and end in a third: the twelve that `read` takes stand first.
 */
const number = 0;
const account = 1;
const currency = 2;
const status = 3;
const version = 4;
const total = 5;
const paid = 6;
const refunded = 7;
const payBy = 8;
const dueAt = 9;
const createdAt = 10;
const points = 11;
const firstLine = 12;
/** Twice the number of lines, and one more when its stock is held by branches. */
const linesAndCrossed = 13;
const keys = 14;
/** Position of the last fact that is told under its account because the books know whose it is; 0 = none was. */
const toldAt = 15;
const stride = 16;

/** Fields of a line. */
const product = 0;
const qty = 1;
const unitPrice = 2;
const lineStride = 3;

export class OrderTable {
  readonly rows = new Rows(stride);
  readonly lines = new Rows(lineStride);

  /** Sequence of the next order. */
  get nextSequence(): number {
    return this.rows.end + 1;
  }

  /** How many orders are there. */
  get count(): number {
    return this.rows.count;
  }

  /** Memory of the orders and their lines. */
  get bytes(): number {
    return this.rows.bytes + this.lines.bytes;
  }

  has(orderNumber: number): boolean {
    const row = rowOf(orderNumber);
    return row >= 0 && row < this.rows.end && isAt(this.rows.chunk(row), this.rows.offset(row), orderNumber);
  }

  /**
   * Whether this order was here once and was dropped. Of a dropped order only the sequence is known, so the number is
   * believed whatever its slot; with the sequence of an order that is still here it was never given out, hence false.
   */
  wasDropped(orderNumber: number): boolean {
    const row = rowOf(orderNumber);
    return row >= 0 && row < this.rows.end && !this.rows.has(row);
  }

  /** Forgets an order and its lines. It must be there. */
  drop(orderNumber: number): void {
    const row = this.#row(orderNumber);
    const first = this.rows.get(row, firstLine);
    const count = this.#lineCount(row);
    for (let i = 0; i < count; i++) this.lines.drop(first + i);
    this.rows.drop(row);
  }

  /** Reads an order into `into`, which is returned. The order must be there. */
  read(orderNumber: number, into: Order): Order {
    const row = rowOf(orderNumber);
    const chunk = this.rows.chunk(row);
    const at = this.rows.offset(row);
    if (!isAt(chunk, at, orderNumber)) throw notHere(orderNumber);
    into.number = orderNumber;
    into.account = chunk[at + account]!;
    into.currency = chunk[at + currency]!;
    into.status = chunk[at + status]!;
    into.version = chunk[at + version]!;
    into.total = chunk[at + total]!;
    into.paid = chunk[at + paid]!;
    into.refunded = chunk[at + refunded]!;
    into.payBy = chunk[at + payBy]!;
    into.dueAt = chunk[at + dueAt]!;
    into.createdAt = chunk[at + createdAt]!;
    into.points = chunk[at + points]!;
    return into;
  }

  /** Calls `visit` for every order that is there, oldest first, with one object filled anew each time. */
  each(visit: (order: Order) => void): void {
    const order = { number: 0 } as Order;
    this.rows.each((row) => visit(this.read(this.rows.get(row, number), order)));
  }

  /**
   * Writes back what can change after the placement. Whoever writes has read the order in the same turn, which was ORDER-TABLE-2's
   * proof that it is there (to prove it again was 9 ns when the row is not in the cache); of one that is not, nothing lives on.
   */
  write(order: Order): void {
    const row = rowOf(order.number);
    const chunk = this.rows.chunk(row);
    const at = this.rows.offset(row);
    chunk[at + status] = order.status;
    chunk[at + version] = order.version;
    chunk[at + paid] = order.paid;
    chunk[at + refunded] = order.refunded;
    chunk[at + payBy] = order.payBy;
    chunk[at + dueAt] = order.dueAt;
    chunk[at + points] = order.points;
  }

  /** Reserves the number of an order that crosses shards; it stays in status None until it is placed. */
  begin(orderNumber: number, accountHandle: number): void {
    const row = this.#add(orderNumber);
    this.rows.set(row, account, accountHandle);
    this.rows.set(row, linesAndCrossed, 1);
  }

  place(fact: FactOf<"orderPlaced">, timeMicros: number): void {
    const row = this.has(fact.order) ? rowOf(fact.order) : this.#add(fact.order);
    const chunk = this.rows.chunk(row);
    const at = this.rows.offset(row);
    chunk[at + account] = fact.account;
    chunk[at + currency] = fact.currency;
    chunk[at + status] = fact.status;
    chunk[at + version] = 1;
    chunk[at + total] = fact.total;
    chunk[at + paid] = fact.paid;
    chunk[at + payBy] = fact.payBy;
    chunk[at + dueAt] = fact.expiresAt;
    chunk[at + createdAt] = timeMicros;
    chunk[at + firstLine] = this.lines.end;
    chunk[at + linesAndCrossed]! += 2 * fact.lines.length;
    for (const line of fact.lines) {
      const added = this.lines.add();
      const lineChunk = this.lines.chunk(added);
      const lineAt = this.lines.offset(added);
      lineChunk[lineAt + product] = line.product;
      lineChunk[lineAt + qty] = line.qty;
      lineChunk[lineAt + unitPrice] = line.unitPrice;
    }
  }

  /** How many kept keys have it as their result. */
  keys(orderNumber: number): number {
    return this.rows.get(this.#row(orderNumber), keys);
  }

  /** Whoever adds has read the order in the same turn, as with `write`. */
  addKeys(orderNumber: number, by: number): void {
    const row = rowOf(orderNumber);
    this.rows.chunk(row)[this.rows.offset(row) + keys]! += by;
  }

  status(orderNumber: number): number {
    return this.rows.get(this.#row(orderNumber), status);
  }

  account(orderNumber: number): number {
    return this.rows.get(this.#row(orderNumber), account);
  }

  /** Whether its stock is held by branches on other shards (this one included) rather than directly. */
  isCrossed(orderNumber: number): boolean {
    return this.rows.get(this.#row(orderNumber), linesAndCrossed) % 2 === 1;
  }

  lineCount(orderNumber: number): number {
    return this.#lineCount(this.#row(orderNumber));
  }

  /** Calls `visit` for every line, in order. */
  eachLine(
    orderNumber: number,
    visit: (product: number, qty: number, unitPrice: number, index: number) => void,
  ): void {
    const row = this.#row(orderNumber);
    const first = this.rows.get(row, firstLine);
    const count = this.#lineCount(row);
    for (let i = 0; i < count; i++) {
      const line = first + i;
      visit(this.lines.get(line, product), this.lines.get(line, qty), this.lines.get(line, unitPrice), i);
    }
  }

  toldAt(orderNumber: number): number {
    return this.rows.get(this.#row(orderNumber), toldAt);
  }

  tell(orderNumber: number, position: number): void {
    this.rows.set(this.#row(orderNumber), toldAt, position);
  }

  #lineCount(row: number): number {
    return Math.floor(this.rows.get(row, linesAndCrossed) / 2);
  }

  /** ORDER-TABLE-2 */
  #row(orderNumber: number): number {
    const row = rowOf(orderNumber);
    if (!isAt(this.rows.chunk(row), this.rows.offset(row), orderNumber)) throw notHere(orderNumber);
    return row;
  }

  #add(orderNumber: number): number {
    const row = this.rows.add();
    if (row !== rowOf(orderNumber)) throw new Error(`order ${orderNumber}: expected sequence ${row + 1}`);
    this.rows.set(row, number, orderNumber);
    return row;
  }
}

function rowOf(orderNumber: number): number {
  return orderSequence(orderNumber) - 1;
}

/** ORDER-TABLE-2. A dropped row is marked by NaN, stands nowhere in its chunk, or has no chunk: none of them is a number. */
function isAt(chunk: Float64Array | undefined, at: number, orderNumber: number): boolean {
  return chunk !== undefined && chunk[at + number] === orderNumber;
}

function notHere(orderNumber: number): Error {
  return new Error(`order ${orderNumber} is not here`);
}
