/**
 * Everything that a shard knows, as a list of tables. What each fact does to them: `evolve`.
 */

import type { Account } from "../../actors/account.js";
import type { Order } from "../../actors/order.js";
import { isClosed } from "../../actors/order.js";
import { isTerminal, Statuses } from "../../actors/order-transitions.js";
import type { Product } from "../../actors/product.js";
import { AfterSales } from "./after-sales.js";
import { CallTable } from "./call-table.js";
import { Branches, type PendingOrder, type Reinstatement } from "./cross-shard-table.js";
import { FenceTable } from "./fence-table.js";
import { KeyTable } from "./key-table.js";
import { NameTable } from "./name-table.js";
import { OrderTable } from "./order-table.js";
import { Outboxes } from "./outboxes.js";
import { ReviewQueue } from "./review-queue.js";
import { Timers } from "./timers.js";
import { TokenClaims } from "./token-claims.js";
import { TransactionTable } from "./transaction-table.js";

export class Books {
  /** Position of the last fact applied. */
  position = 0;
  /** Time of the last turn, in microseconds. */
  time = 0;
  /** What the clock has skipped so far. */
  jumpedMs = 0;
  readonly accounts: Account[] = [];
  readonly accountByName = new NameTable(this.accounts);
  readonly products: Product[] = [];
  readonly productByName = new NameTable(this.products);
  readonly orders = new OrderTable();
  /** Orders that may still move, and completed ones until they are archived. */
  liveOrders = 0;
  /** When an order is due, and when a reinstatement is. */
  readonly timers = new Timers();
  /** Keys of orders: dropped after a day. */
  readonly keys = new KeyTable();
  /** Keys of orders that may still move, running ones included: they are never dropped, whatever their number. */
  liveKeys = 0;
  /** Refs of deposits, withdrawals, restocks, payments and spent points: kept for ever, because no `at` protects them. */
  readonly refs = new KeyTable();
  readonly pending = new Map<number, PendingOrder>();
  readonly reinstatements = new Map<number, Reinstatement>();
  readonly branches = new Branches();
  readonly outboxes = new Outboxes();
  readonly afterSales = new AfterSales();
  readonly calls = new CallTable();
  readonly human = new ReviewQueue();
  readonly tokens = new TokenClaims();
  readonly transactions = new TransactionTable();
  readonly fences = new FenceTable();

  /** Reused by every caller that looks at one order and is done with it before the next. */
  readonly order: Order = emptyOrder();

  /** A turn's time in ms without the jumps of the clock: what ages are measured by. */
  runningMs(time: number): number {
    return Math.floor(time / 1000) - this.jumpedMs;
  }

  /** Whether an order, or a transaction (a negative number), may still move: its keys are not dropped. */
  isLive(number: number, nowMs: number): boolean {
    if (number === 0) return false;
    if (number < 0) return this.transactions.open.has(-number);
    if (this.pending.has(number)) return true;
    if (!this.orders.has(number)) return false;
    const order = this.orders.read(number, this.order);
    return !isTerminal(order.status) && order.status !== Statuses.None && !isClosed(order, nowMs);
  }
}

export function emptyOrder(): Order {
  return {
    number: 0,
    account: 0,
    currency: 0,
    status: 0,
    version: 0,
    total: 0,
    paid: 0,
    refunded: 0,
    payBy: 0,
    dueAt: 0,
    createdAt: 0,
    points: 0,
  };
}
