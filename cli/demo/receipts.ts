/**
 * What the buyers hold in their hands: every key they used, how often they sent it, and every answer that they
 * received. It is the demo's only memory of what the engine promised; the report holds the engine to it.
 */

import type { Order } from "../../client/client.js";

/** An order, or the code of a refusal. `replayed`: the engine said that it had answered this before. */
export interface Answered {
  readonly order?: Order;
  readonly code?: string;
  readonly replayed: boolean;
}

/** One key. */
export interface Receipt {
  readonly account: string;
  readonly key: string;
  readonly method: "order.place" | "order.pay";
  /** Product of a placement; empty for a payment. */
  readonly product: string;
  /** How often the buyer sent it. What the client sends again by itself after a lost connection is not counted. */
  sends: number;
  readonly answers: Answered[];
}

/** One sending of `order.place`, from first send to answer (`performance.now`). */
export interface Attempt {
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface Receipts {
  readonly keys: Receipt[];
  readonly attempts: Attempt[];
  /** Requests of any method that have no answer yet. */
  open: number;
  /** Keys that were answered with an order. */
  orders: number;
  /** Placements that were refused. */
  refusals: number;
}

export function newReceipts(): Receipts {
  return { keys: [], attempts: [], open: 0, orders: 0, refusals: 0 };
}

export function newReceipt(
  receipts: Receipts,
  method: Receipt["method"],
  account: string,
  key: string,
  product = "",
): Receipt {
  const receipt: Receipt = { account, key, method, product, sends: 0, answers: [] };
  receipts.keys.push(receipt);
  return receipt;
}

/** How often a key came again by its buyer's own doing. */
export function repeatsOf(receipts: Receipts): number {
  return receipts.keys.reduce((sum, { sends }) => sum + sends - 1, 0);
}

/** Keys sent once whose only answer is a stored one: done before the kill, answered after it. */
export function answersRecovered(receipts: Receipts): number {
  return receipts.keys.filter(({ sends, answers }) => sends === 1 && answers[0]?.replayed === true).length;
}
