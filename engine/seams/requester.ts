/**
 * The seam between the loop and whoever asked: a WebSocket connection, an embedding program, a test.
 *
 * REQUESTER-1  `order`, `result`, `refused` and `push` are called inside a turn. Their arguments are valid during the call only
 *              (the engine may reuse them): encode or copy at once.
 * REQUESTER-2  What was given may leave only when `flush` is called: the group that it depends on is durable then.
 *              Until then it must not be visible outside. If the process dies first, it must never have existed.
 * REQUESTER-3  None of these may throw, block or call back into the engine.
 *
 * A connection has requesters of its own for each shard, because shards become durable independently.
 */

import type { Refusal } from "../../actors/results.js";

export type RequestId = number | string;

export interface OrderLineView {
  readonly product: string;
  readonly name: string;
  readonly qty: number;
  /** Minor units. */
  readonly unitPrice: number;
  /** Minor units. */
  readonly subtotal: number;
  /** Of an order with adjustments: what the line has of the total, and of it what is tax. Minor units. */
  readonly total?: number;
  readonly tax?: number;
}

/** An order as its owner sees it. Amounts in minor units of `currency`; times in ms since the epoch. */
export interface OrderView {
  readonly order: string;
  readonly status: string;
  readonly version: number;
  readonly account: string;
  readonly lines: readonly OrderLineView[];
  readonly total: number;
  readonly currency: string;
  readonly amountPaid: number;
  readonly amountRefunded: number;
  /** 0 when the order has nothing to pay any more or never had. */
  readonly payBy: number;
  readonly createdAt: number;
  /** Events that the order's status allows now. */
  readonly next: readonly string[];
  /** What few orders have, as a caller sees it. An edge need not write such an order by hand. */
  readonly more: object | undefined;
}

export interface Requester {
  /** Whose subscriptions these are, when several requesters stand for one connection; left out: its own. */
  readonly owner?: object;
  /** 200 with an order. */
  order(id: RequestId, order: OrderView, replayed: boolean): void;
  /** 200 with any other result: a plain JSON-ready object, amounts already decimal strings. */
  result(id: RequestId, result: object, replayed: boolean): void;
  /** A refusal; status, message and retryable come from the table in `actors/results`. */
  refused(id: RequestId, refusal: Refusal, replayed: boolean): void;
  /** An event for a subscription of this connection. `time` in ms since the epoch. */
  push(sub: number, seq: number, type: string, time: number, data: object): void;
  /** Everything given so far is durable: send it. */
  flush(): void;
}

/** What stands for the connection: turns and bounds are counted for it, through whichever of its requesters it asks. */
export function ownerOf(requester: Requester): object {
  return requester.owner ?? requester;
}
