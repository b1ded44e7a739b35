/**
 * Units and money that a transaction moves, as its participants record them. Products and accounts apply them.
 *
 * TRANSFERS-1  Units leave one bucket of a product for another, money one bucket for another; no bucket of a product or of an account is
 *              left below zero.
 */

import { Facts } from "../../actors/facts.js";
import { type moneyBuckets, stockBuckets } from "../../actors/postings.js";
import type { Product } from "../../actors/product.js";
import type { Turn } from "../turns/turn.js";

type StockBucket = keyof typeof stockBuckets;
type MoneyBucket = keyof typeof moneyBuckets;

interface Where {
  readonly transaction: number;
  readonly branch: number;
}

export function transferUnits(
  turn: Turn,
  { transaction, branch }: Where,
  product: Product,
  account: number,
  qty: number,
  from: StockBucket,
  to: StockBucket,
): void {
  const moved = from === "available" ? -qty : to === "available" ? qty : 0;
  turn.record({
    type: Facts.unitsTransferred,
    transaction,
    branch,
    product: product.handle,
    account,
    qty,
    available: product.available + moved,
    from: stockBuckets[from],
    to: stockBuckets[to],
  });
}

/** `account` is the handle of the one whose wallet or held money it is; 0 when neither end is an account's. */
export function transferMoney(
  turn: Turn,
  { transaction, branch }: Where,
  account: number,
  currency: number,
  amount: number,
  from: number,
  to: number,
): void {
  turn.record({ type: Facts.moneyTransferred, transaction, branch, account, currency, amount, from, to });
}

export type { MoneyBucket, StockBucket };
