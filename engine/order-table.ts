/** The orders of a shard, by their number: see `rows` for why they are not objects. */

import type { FactOf } from "../actors/facts.js";
import type { Order } from "../actors/order.js";
import { orderSequence } from "../actors/order-number.js";
import { Rows } from "./rows.js";

/** Fields of a row. */
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
const firstLine = 11;
const lineCount = 12;
const crossed = 13;
const points = 14;
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

  has(orderNumber: number): boolean {
    const row = orderSequence(orderNumber) - 1;
    return row >= this.rows.start && row < this.rows.end && this.rows.get(row, number) === orderNumber;
  }

  /** Reads an order into `into`, which is returned. The order must exist. */
  read(orderNumber: number, into: Order): Order {
    const row = orderSequence(orderNumber) - 1;
    const chunk = this.rows.chunk(row);
    const at = this.rows.offset(row);
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

  /** Calls `visit` for every order that is kept, oldest first, with one object filled anew each time. */
  each(visit: (order: Order) => void): void {
    const order = { number: 0 } as Order;
    for (let row = this.rows.start; row < this.rows.end; row++) {
      const known = this.rows.get(row, number);
      if (known !== 0) visit(this.read(known, order));
    }
  }

  /** Writes back what can change after the placement. */
  write(order: Order): void {
    const row = orderSequence(order.number) - 1;
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
    this.rows.set(row, crossed, 1);
  }

  place(fact: FactOf<"orderPlaced">, timeMicros: number): void {
    const row = this.has(fact.order) ? orderSequence(fact.order) - 1 : this.#add(fact.order);
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
    chunk[at + lineCount] = fact.lines.length;
    for (const line of fact.lines) {
      const added = this.lines.add();
      const lineChunk = this.lines.chunk(added);
      const lineAt = this.lines.offset(added);
      lineChunk[lineAt + product] = line.product;
      lineChunk[lineAt + qty] = line.qty;
      lineChunk[lineAt + unitPrice] = line.unitPrice;
    }
  }

  /** Forgets an order. Its row stays, without a number. */
  drop(orderNumber: number): void {
    this.rows.set(orderSequence(orderNumber) - 1, number, 0);
  }

  /** Whether there was an order of that sequence, and it is forgotten. */
  wasDropped(orderNumber: number): boolean {
    const row = orderSequence(orderNumber) - 1;
    return row >= this.rows.start && row < this.rows.end && this.rows.get(row, number) === 0;
  }

  status(orderNumber: number): number {
    return this.rows.get(orderSequence(orderNumber) - 1, status);
  }

  account(orderNumber: number): number {
    return this.rows.get(orderSequence(orderNumber) - 1, account);
  }

  /** Whether its stock is held by branches on other shards (this one included) rather than directly. */
  isCrossed(orderNumber: number): boolean {
    return this.rows.get(orderSequence(orderNumber) - 1, crossed) === 1;
  }

  lineCount(orderNumber: number): number {
    return this.rows.get(orderSequence(orderNumber) - 1, lineCount);
  }

  /** Calls `visit` for every line, in order. */
  eachLine(
    orderNumber: number,
    visit: (product: number, qty: number, unitPrice: number, index: number) => void,
  ): void {
    const row = orderSequence(orderNumber) - 1;
    const first = this.rows.get(row, firstLine);
    const count = this.rows.get(row, lineCount);
    for (let i = 0; i < count; i++) {
      const line = first + i;
      visit(this.lines.get(line, product), this.lines.get(line, qty), this.lines.get(line, unitPrice), i);
    }
  }

  #add(orderNumber: number): number {
    const row = this.rows.add();
    if (row !== orderSequence(orderNumber) - 1)
      throw new Error(`order ${orderNumber}: expected sequence ${row + 1}`);
    this.rows.set(row, number, orderNumber);
    return row;
  }
}
