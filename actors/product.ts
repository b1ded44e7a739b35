/**
 * A product: its stock, its price, its sale window and who took how much of it.
 *
 *   move      available  held  sold
 *   hold q       -q       +q
 *   confirm q             -q    +q
 *   release q    +q       -q
 *   sell q       -q             +q     (hold and confirm at once)
 *   return q     +q             -q     (a refund whose units come back)
 *   transfer q   from one bucket to another (a transaction of a program)
 *
 * PRODUCT-1  available + held + sold = supplied (created and restocked), each never negative, after every fact.
 * PRODUCT-2  With a limit, `taken` holds for each account what it holds and has bought, and nothing else.
 */

import { type FactOf, Facts } from "./facts.js";
import { addChecked } from "./money.js";
import { stockBuckets } from "./postings.js";
import { type Refusal, refuse } from "./results.js";

export interface Product {
  readonly handle: number;
  readonly id: string;
  readonly name: string;
  readonly currency: number;
  /** Sold on another shard: only id, name and currency mean anything here. */
  readonly remote: boolean;
  price: number;
  priceVersion: number;
  available: number;
  held: number;
  sold: number;
  /** 0 = none. */
  readonly limitPerAccount: number;
  /** ms; 0 = no bound. */
  readonly saleStartsAt: number;
  readonly saleEndsAt: number;
  /** Units held or bought per account handle; undefined when there is no limit. */
  readonly taken: Map<number, number> | undefined;
}

/** Units in one line, or in one move. */
export const qtyMax = 1_000_000;

/** Units of one product that may exist, so that every sum of quantities stays a safe integer. */
export const unitsMax = 1_000_000_000_000;

/** May this account take `qty` now? `account` is undefined when nobody of that name has taken any yet. */
export function decideTake(
  product: Product,
  account: number | undefined,
  qty: number,
  nowMs: number,
): Refusal | undefined {
  if (product.saleStartsAt > nowMs) {
    return refuse("sale_not_started", { startsAt: new Date(product.saleStartsAt).toISOString() });
  }
  if (product.saleEndsAt !== 0 && product.saleEndsAt <= nowMs) return refuse("sale_ended");
  if (product.taken) {
    const used = account === undefined ? 0 : (product.taken.get(account) ?? 0);
    if (used + qty > product.limitPerAccount) {
      return refuse("limit_exceeded", { limit: product.limitPerAccount, used, requested: qty });
    }
  }
  if (product.available < qty) return refuse("insufficient_stock", { available: product.available });
  return undefined;
}

export function decideRestock(product: Product, qty: number): Refusal | undefined {
  const supplied = product.available + product.held + product.sold;
  const sum = addChecked(supplied, qty);
  if (sum === undefined || sum > unitsMax) return refuse("amount_overflow", { unitsMax });
  return undefined;
}

export function productFromFact(
  handle: number,
  fact: FactOf<"productCreated"> | FactOf<"productKnown">,
): Product {
  const local = fact.type === Facts.productCreated ? fact : undefined;
  return {
    handle,
    id: fact.id,
    name: fact.name,
    currency: fact.currency,
    remote: local === undefined,
    price: local?.price ?? 0,
    priceVersion: 1,
    available: local?.stock ?? 0,
    held: 0,
    sold: 0,
    limitPerAccount: local?.limitPerAccount ?? 0,
    saleStartsAt: local?.saleStartsAt ?? 0,
    saleEndsAt: local?.saleEndsAt ?? 0,
    taken: local?.limitPerAccount ? new Map() : undefined,
  };
}

type StockFact =
  | FactOf<"productRestocked">
  | FactOf<"productRepriced">
  | FactOf<"stockHeld">
  | FactOf<"stockSold">
  | FactOf<"stockConfirmed">
  | FactOf<"stockReleased">
  | FactOf<"stockReturned">
  | FactOf<"unitsTransferred">;

/** Applies a fact. Throws when the log contradicts itself: the process must not serve from such books. */
export function evolveProduct(product: Product, fact: StockFact): void {
  switch (fact.type) {
    case Facts.stockSold:
      product.available -= fact.qty;
      product.sold += fact.qty;
      take(product, fact.account, fact.qty);
      break;
    case Facts.stockHeld:
      product.available -= fact.qty;
      product.held += fact.qty;
      take(product, fact.account, fact.qty);
      break;
    case Facts.stockConfirmed:
      product.held -= fact.qty;
      product.sold += fact.qty;
      break;
    case Facts.stockReleased:
      product.held -= fact.qty;
      product.available += fact.qty;
      take(product, fact.account, -fact.qty);
      break;
    case Facts.stockReturned:
      product.sold -= fact.qty;
      product.available += fact.qty;
      take(product, fact.account, -fact.qty);
      break;
    case Facts.productRestocked:
      product.available += fact.qty;
      break;
    case Facts.unitsTransferred:
      transfer(product, fact);
      break;
    case Facts.productRepriced:
      product.price = fact.price;
      product.priceVersion++;
      return;
  }
  const { available, held, sold } = product;
  if (available < 0 || held < 0 || sold < 0 || available !== fact.available) {
    throw new Error(
      `product ${product.id}: available ${available}, held ${held}, sold ${sold} after ${fact.type}`,
    );
  }
}

const buckets = new Map<number, "available" | "held" | "sold">([
  [stockBuckets.available, "available"],
  [stockBuckets.held, "held"],
  [stockBuckets.sold, "sold"],
]);

function transfer(product: Product, { account, qty, from, to }: FactOf<"unitsTransferred">): void {
  product[buckets.get(from)!] -= qty;
  product[buckets.get(to)!] += qty;
  if (from === stockBuckets.available) take(product, account, qty);
  else if (to === stockBuckets.available) take(product, account, -qty);
}

function take(product: Product, account: number, qty: number): void {
  if (!product.taken) return;
  const used = (product.taken.get(account) ?? 0) + qty;
  if (used < 0) throw new Error(`product ${product.id}: account ${account} gives back more than it took`);
  if (used === 0) product.taken.delete(account);
  else product.taken.set(account, used);
}
