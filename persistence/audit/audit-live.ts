/**
 * An order as an auditor follows it, from its placement until it is archived.
 *
 *   paid ──▶ asked to go back ──▶ gone back        by the order's own facts
 *     └──────── remaining ─────┘                   must be its balance in the ledger, by the postings
 */

import type { Line, PartShare } from "../../actors/facts.js";

export interface LiveOrder {
  readonly number: number;
  readonly account: number;
  readonly currency: number;
  readonly total: number;
  readonly lines: readonly Line[];
  /** ms; 0 = none. */
  readonly expiresAt: number;
  /** Its stock is held by branches. */
  readonly crossed: boolean;
  /** What each part has of the total, lines first, where that is not their price. */
  parts: readonly PartShare[] | undefined;
  status: number;
  /** By its own facts. */
  paid: number;
  /** By the ledger. */
  balance: number;
  /** Most orders are paid from a wallet, and nothing else ever happens to them. */
  after: AfterSale | undefined;
}

/** What is known of an order to which more has happened than that it was placed, paid from the wallet or canceled. */
export interface AfterSale {
  /** Minor units that went back, and that are asked to go back. */
  refunded: number;
  refunding: number;
  openRefunds: number;
  /** Of what was paid: from outside; and what refunds to the wallet have taken of the rest. */
  fromOutside: number;
  toWallet: number;
  /** What is left of each payment from outside, by its name. */
  readonly sources: Map<string, number>;
  /** What refunds that were not refused have taken of each line. */
  readonly taken: readonly { qty: number; amount: number }[];
  /** -1 until they are granted. */
  granted: number;
  reversed: number;
  /** Where it was before its refund and before its dispute. */
  back: number;
  disputedFrom: number;
  /** ms; 0 = it does not move on by itself. */
  dueAt: number;
  /** What a dispute left of the time until then; -1 = nothing was left to wait for. */
  restMs: number;
  /** Microseconds, of its last move. */
  movedAt: number;
}

export function afterOf(order: LiveOrder): AfterSale {
  order.after ??= {
    refunded: 0,
    refunding: 0,
    openRefunds: 0,
    fromOutside: 0,
    toWallet: 0,
    sources: new Map(),
    taken: (order.parts ?? order.lines).map(() => ({ qty: 0, amount: 0 })),
    granted: -1,
    reversed: 0,
    back: order.status,
    disputedFrom: order.status,
    dueAt: 0,
    restMs: -1,
    movedAt: 0,
  };
  return order.after;
}

/** What the order has of its money, by its own facts. */
export function remainingOf({ paid, after }: LiveOrder): number {
  return after ? paid - after.refunded - after.refunding : paid;
}

/** A payment as keys, items and sources name it. Ids have no such letter as may not stand in them. */
export function paymentName({ provider, paymentId }: { provider: string; paymentId: string }): string {
  return `${provider}:${paymentId}`;
}
