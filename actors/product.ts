/**
 * A product: its stock, its price, its sale window and who took how much of it.
 *
 *   move      available  held  sold
 *   hold q       -q       +q
 *   confirm q             -q    +q
 *   release q    +q       -q
 *   sell q       -q             +q     (hold and confirm at once)
 *   return q     +q             -q     (a refund whose units come back)
 *   adjust q     +-q                    (lost, damaged, found, corrected, or counted)
 *   transfer q   from one bucket to another (a transaction of a program)
 *
 * PRODUCT-1  available + held + sold = supplied (created and restocked) + found - lost after every fact. What is held and what is sold is
 *            never negative, and no taking leaves less than -backorder available: only a count of the shelf may.
 * PRODUCT-2  With a limit, `taken` holds for each account what it holds and has bought since there is one, and nothing else.
 * PRODUCT-3  Whatever an operator changes of it but its stock raises its version by one.
 * PRODUCT-4  An order goes on with the name that the product had when it was placed.
 */

import { type FactOf, Facts } from "./facts.js";
import { addChecked } from "./money.js";
import { stockBuckets } from "./postings.js";
import { type Refusal, refuse } from "./results.js";

export interface Product {
  readonly handle: number;
  readonly id: string;
  name: string;
  /** Names of before, oldest first; undefined when it was never called otherwise. */
  formerNames: FormerName[] | undefined;
  readonly currency: number;
  /** Sold on another shard: only id, name and currency mean anything here. */
  readonly remote: boolean;
  price: number;
  version: number;
  /** Nobody may take units of it. */
  delisted: boolean;
  available: number;
  held: number;
  sold: number;
  /** 0 = none. */
  limitPerAccount: number;
  /** The limit came after the product: what was taken before is not in `taken`, and may come back. */
  limitIsLate: boolean;
  /** So many units may be sold that are not there yet. */
  backorder: number;
  /** ms; 0 = no bound. */
  saleStartsAt: number;
  saleEndsAt: number;
  /** Units held or bought per account handle; undefined when there is no limit. */
  taken: Map<number, number> | undefined;
}

export interface FormerName {
  readonly name: string;
  /** Microseconds: orders that were placed before have it. */
  readonly until: number;
}

/** What the product was called at a time (microseconds), for orders that were placed then. */
export function nameAt(product: Product, time: number): string {
  if (product.formerNames === undefined) return product.name;
  return product.formerNames.find(({ until }) => time < until)?.name ?? product.name;
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
  if (product.delisted) return refuse("product_delisted");
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
  if (product.available + product.backorder < qty)
    return refuse("insufficient_stock", { available: Math.max(0, product.available + product.backorder) });
  return undefined;
}

/** Why units were lost or found; numbers of `reason` in the log, never re-used. */
export const adjustReasons = { loss: 1, damage: 2, found: 3, correction: 4, count: 5 } as const;
export type AdjustReason = keyof typeof adjustReasons;

/** `by` units more; of fewer no more than nobody holds or has bought. */
export function decideAdjust(product: Product, by: number): Refusal | undefined {
  if (by >= 0) return decideRestock(product, by);
  const available = Math.max(0, product.available);
  return available + by < 0 ? refuse("insufficient_stock", { available }) : undefined;
}

/**
 * The difference that a count makes. On the shelf there should be what is available and what is held: of a product that was sold before it
 * is there that is less than nothing, and the shelf is empty.
 */
export function differenceOf(product: Product, counted: number): number {
  return counted - Math.max(0, product.available + product.held);
}

/** Units that were promised and can come from nowhere: what a count found missing of those that are held. */
export function shortOf({ available, backorder }: Product): number {
  return Math.max(0, -backorder - available);
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
    formerNames: undefined,
    currency: fact.currency,
    remote: local === undefined,
    price: local?.price ?? 0,
    version: 1,
    delisted: false,
    available: local?.stock ?? 0,
    held: 0,
    sold: 0,
    limitPerAccount: local?.limitPerAccount ?? 0,
    limitIsLate: false,
    backorder: 0,
    saleStartsAt: local?.saleStartsAt ?? 0,
    saleEndsAt: local?.saleEndsAt ?? 0,
    taken: local?.limitPerAccount ? new Map() : undefined,
  };
}

type StockFact =
  | FactOf<"productRestocked">
  | FactOf<"productRepriced">
  | FactOf<"productDelisted">
  | FactOf<"productRelisted">
  | FactOf<"stockHeld">
  | FactOf<"stockSold">
  | FactOf<"stockConfirmed">
  | FactOf<"stockReleased">
  | FactOf<"stockReturned">
  | FactOf<"stockAdjusted">
  | FactOf<"backorderAllowed">
  | FactOf<"unitsTransferred">;

/** Applies a fact. Throws when the log contradicts itself: the process must not serve from such books. */
export function evolveProduct(product: Product, fact: StockFact): void {
  switch (fact.type) {
    case Facts.stockSold:
      takeOut(product, fact);
      product.sold += fact.qty;
      break;
    case Facts.stockHeld:
      takeOut(product, fact);
      product.held += fact.qty;
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
    case Facts.stockAdjusted:
      product.available += fact.up === 1 ? fact.qty : -fact.qty;
      break;
    case Facts.backorderAllowed:
      product.backorder = fact.backorder;
      return;
    case Facts.unitsTransferred:
      transfer(product, fact);
      break;
    case Facts.productRepriced:
      product.price = fact.price;
      product.version++;
      return;
    case Facts.productDelisted:
    case Facts.productRelisted:
      raiseVersion(product, fact.version);
      product.delisted = fact.type === Facts.productDelisted;
      return;
  }
  const { available, held, sold } = product;
  if (held < 0 || sold < 0 || available !== fact.available) {
    throw new Error(
      `product ${product.id}: available ${available}, held ${held}, sold ${sold} after ${fact.type}`,
    );
  }
}

/** `time`: of the fact's turn, in microseconds. */
export function evolveUpdate(product: Product, fact: FactOf<"productUpdated">, time: number): void {
  raiseVersion(product, fact.version);
  if (fact.name !== product.name)
    product.formerNames = [...(product.formerNames ?? []), { name: product.name, until: time }];
  product.name = fact.name;
  product.price = fact.price;
  product.saleStartsAt = fact.saleStartsAt;
  product.saleEndsAt = fact.saleEndsAt;
  product.backorder = fact.backorder;
  if (fact.limitPerAccount === 0) product.taken = undefined;
  else if (!product.taken) {
    product.taken = new Map();
    product.limitIsLate = true;
  }
  product.limitPerAccount = fact.limitPerAccount;
}

function raiseVersion(product: Product, version: number): void {
  if (version !== product.version + 1)
    throw new Error(`product ${product.id}: version ${version} after ${product.version}`);
  product.version = version;
}

const buckets = new Map<number, "available" | "held" | "sold">([
  [stockBuckets.available, "available"],
  [stockBuckets.held, "held"],
  [stockBuckets.sold, "sold"],
]);

function transfer(product: Product, fact: FactOf<"unitsTransferred">): void {
  const { account, qty, from, to } = fact;
  if (from === stockBuckets.available) takeOut(product, fact);
  else product[buckets.get(from)!] -= qty;
  product[buckets.get(to)!] += qty;
  if (to === stockBuckets.available) take(product, account, -qty);
}

/** Somebody takes units of what is available. */
function takeOut(
  product: Product,
  { account, qty }: { readonly account: number; readonly qty: number },
): void {
  product.available -= qty;
  if (product.available < -product.backorder)
    throw new Error(`product ${product.id}: ${qty} taken, and available ${product.available}`);
  take(product, account, qty);
}

function take(product: Product, account: number, qty: number): void {
  if (!product.taken) return;
  const used = (product.taken.get(account) ?? 0) + qty;
  if (used < 0 && !product.limitIsLate)
    throw new Error(`product ${product.id}: account ${account} gives back more than it took`);
  if (used <= 0) product.taken.delete(account);
  else product.taken.set(account, used);
}
