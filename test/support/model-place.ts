/** `order.place` of the model: everything that stands against a cart, then the first of it. */

import { decimal, minorOf, plain, wrongText } from "./model-money.js";
import type { ModelLine, ModelOrder } from "./model-order.js";
import { type ModelReply, ok, type Refused, type Request, refused, type World } from "./model-world.js";

/** Of the refusals of a cart the first in this order is the answer. */
const precedence = [
  "product_not_found",
  "account_not_found",
  "invalid_amount",
  "amount_overflow",
  "currency_mismatch",
  "product_delisted",
  "sale_not_started",
  "sale_ended",
  "price_changed",
  "limit_exceeded",
  "insufficient_stock",
  "insufficient_funds",
];

interface Cart {
  readonly lines: readonly ModelLine[];
  readonly total: number;
  readonly paid: boolean;
}

export function placeOrder(world: World, request: Request): ModelReply {
  const { account, key, lines, pay, mode, payWithinMs, expectedTotal, at, dryRun, operator } = request;
  const params = JSON.stringify(["place", lines, pay, mode, payWithinMs, plain(expectedTotal), operator]);
  const isIdle = pay === "later" ? mode === "saga" : payWithinMs !== undefined;
  if (isIdle && !world.keys.has(`${account} ${key}`)) return refused({ code: "invalid_request" });
  const seen = world.seen(account, key, params, at);
  if (seen) return seen;
  if (dryRun) {
    const cart = decideCart(world, request);
    return "code" in cart ? refused(cart) : ok(world.viewOf(orderOf(world, request, cart), null));
  }
  const run = () => {
    const cart = decideCart(world, request);
    if ("code" in cart) return cart;
    world.orders.push(orderOf(world, request, cart));
    return ok(world.orderView(world.orders.length - 1));
  };
  return world.once(world.keys, `${account} ${key}`, params, at, run, () => world.orders.length - 1);
}

/** By message: across shards, and in saga mode. */
function crosses(world: World, { account, lines, pay, mode, dryRun }: Request): boolean {
  if (mode === "saga" && pay === "balance" && !dryRun) return true;
  return world.settings.crosses(
    account,
    lines.map((line: { product: string }) => line.product),
  );
}

function decideCart(world: World, request: Request): Cart | Refused {
  const { account: id, lines: asked, pay, mode, dryRun, expectedTotal } = request;
  const merged = mergeLines(asked);
  const account = world.accounts.get(id);
  const begins =
    account && (expectedTotal === undefined || typeof minorOf(expectedTotal, account.currency) === "number");
  const stepByStep = begins && mode === "saga" && pay === "balance" && !dryRun;

  const against: Refused[] = [];
  const failing: Record<string, unknown>[] = [];
  const lines: ModelLine[] = [];
  let total = 0n;
  for (const [product, qty] of merged) {
    const refusal = decideLine(world, id, account?.currency, product, qty);
    if (refusal) against.push(refusal);
    if (refusal) failing.push({ product, code: refusal.code, ...refusal.details });
    const { price: unitPrice, name } = world.products.get(product) ?? { price: 0, name: "" };
    lines.push({ product, qty, unitPrice, name });
    total += BigInt(unitPrice) * BigInt(qty);
    // What the product itself refuses ends a saga; the lines behind it and the sum are not looked at.
    const known = world.products.has(product);
    if (stepByStep && (!known || decideTake(world, id, product, qty))) return refuseCart(against, failing)!;
  }
  const paid = pay === "balance" || total === 0n;
  if (!account) against.push({ code: "account_not_found" });
  else against.push(...decideTotal(world, id, account.currency, total, expectedTotal, paid));
  return refuseCart(against, failing) ?? { lines, total: Number(total), paid };
}

function refuseCart(against: readonly Refused[], failing: readonly object[]): Refused | undefined {
  const first = firstOf(against);
  if (!first || failing.length === 0) return first;
  return { ...first, details: { ...first.details, lines: failing } };
}

/** Quantities by product, in the order in which the products first come. */
export function mergeLines(asked: readonly { product: string; qty: number }[]): Map<string, number> {
  const merged = new Map<string, number>();
  for (const { product, qty } of asked) merged.set(product, (merged.get(product) ?? 0) + qty);
  return merged;
}

function decideLine(
  world: World,
  account: string,
  currency: string | undefined,
  id: string,
  qty: number,
): Refused | undefined {
  const product = world.products.get(id);
  if (!product) return { code: "product_not_found" };
  if (currency !== undefined && product.currency !== currency) return { code: "currency_mismatch" };
  return decideTake(world, account, id, qty);
}

/** Whether so many may be taken now. */
export function decideTake(world: World, account: string, id: string, qty: number): Refused | undefined {
  const { startsAt, endsAt, limit, delisted, backorder } = world.products.get(id)!;
  if (delisted) return { code: "product_delisted" };
  if (world.now < startsAt) {
    return { code: "sale_not_started", details: { startsAt: new Date(startsAt).toISOString() } };
  }
  if (endsAt !== 0 && world.now >= endsAt) return { code: "sale_ended" };
  const used = world.held(id, account) + world.sold(id, account);
  if (limit > 0 && used + qty > limit) {
    return { code: "limit_exceeded", details: { limit, used, requested: qty } };
  }
  const available = world.available(id);
  if (available + backorder < qty)
    return { code: "insufficient_stock", details: { available: Math.max(0, available + backorder) } };
  return undefined;
}

function decideTotal(
  world: World,
  id: string,
  currency: string,
  total: bigint,
  expectedTotal: string | undefined,
  paid: boolean,
): Refused[] {
  const against: Refused[] = [];
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) against.push({ code: "amount_overflow" });
  if (expectedTotal !== undefined) {
    const expected = minorOf(expectedTotal, currency);
    if (typeof expected === "string") against.push(wrongText(expected));
    else if (BigInt(expected) !== total) against.push({ code: "price_changed" });
  }
  const available = world.balance(id);
  if (paid && BigInt(available) < total) {
    const details = { available: decimal(available, currency), due: decimal(Number(total), currency) };
    against.push({ code: "insufficient_funds", details });
  }
  return against;
}

function orderOf(world: World, request: Request, { lines, total, paid }: Cart): ModelOrder {
  const { account, payWithinMs } = request;
  const payBy = world.now + (payWithinMs ?? world.settings.payWithinMs);
  return {
    account,
    currency: world.accounts.get(account)!.currency,
    lines,
    total,
    payBy,
    createdAt: world.now,
    crossed: crosses(world, request),
    reclaimed: false,
    moves: [
      paid
        ? { event: "place_paid", to: "Paid", due: 0 }
        : { event: "place", to: "Created", due: payBy + world.settings.graceMs },
    ],
    payments: paid ? [{ provider: "", paymentId: "", amount: total }] : [],
    refunds: [],
    archived: false,
  };
}

function firstOf(refusals: readonly Refused[]): Refused | undefined {
  let first: Refused | undefined;
  for (const refusal of refusals) {
    if (!first || precedence.indexOf(refusal.code) < precedence.indexOf(first.code)) first = refusal;
  }
  return first;
}
