/** Accounts and products of the model. */

import { decimal, minorOf, plain, positiveMinorOf, wrongText } from "./model-money.js";
import { type ModelReply, ok, type Refused, type Request, refused, type World } from "./model-world.js";

export function openAccount(world: World, { account, currency }: Request): ModelReply {
  if (world.accounts.has(account)) return refused({ code: "already_exists" });
  world.accounts.set(account, { currency, put: 0n, spentPoints: 0 });
  return ok(world.accountView(account));
}

export function moveMoney(world: World, { method, account: id, amount: text, ref }: Request): ModelReply {
  if (!world.accounts.has(id)) return refused({ code: "account_not_found" });
  return world.once(world.refs, `money ${id} ${ref}`, `${method} ${plain(text)}`, undefined, () => {
    const account = world.accounts.get(id)!;
    const amount = positiveMinorOf(text, account.currency);
    if (typeof amount === "string") return wrongText(amount);
    const available = world.balance(id);
    if (method === "account.deposit") {
      if (available + amount > Number.MAX_SAFE_INTEGER) return { code: "amount_overflow" };
      account.put += BigInt(amount);
    } else {
      if (available < amount) {
        return { code: "insufficient_funds", details: { available: decimal(available, account.currency) } };
      }
      account.put -= BigInt(amount);
    }
    return ok(world.accountView(id));
  });
}

export function spendPoints(world: World, { account: id, points, ref }: Request): ModelReply {
  if (!world.accounts.has(id)) return refused({ code: "account_not_found" });
  return world.once(
    world.refs,
    `money ${id} ${ref}`,
    `points ${points}`,
    undefined,
    (): ModelReply | Refused => {
      const account = world.accounts.get(id)!;
      const available = world.points(id);
      if (available < points)
        return { code: "insufficient_points", details: { available: Math.max(0, available) } };
      account.spentPoints += points;
      return ok(world.accountView(id));
    },
  );
}

export function createProduct(world: World, request: Request): ModelReply {
  const { product, name, price: text, currency, stock, ...more } = request;
  const price = minorOf(text, currency);
  if (typeof price === "string") return refused({ code: price });
  if (world.products.has(product)) return refused({ code: "already_exists" });
  if (more.saleEndsAt !== undefined && more.saleEndsAt <= world.now)
    return refused({ code: "invalid_request" });
  world.products.set(product, {
    name,
    currency,
    limit: more.limitPerAccount ?? 0,
    startsAt: more.saleStartsAt ?? 0,
    endsAt: more.saleEndsAt ?? 0,
    price,
    priceVersion: 1,
    supplied: stock,
  });
  return ok(world.productView(product));
}

export function restockProduct(world: World, { product: id, qty, ref }: Request): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  const run = () => {
    product.supplied += qty;
    return ok(world.productView(id));
  };
  return ref === undefined ? run() : world.once(world.refs, `stock ${id} ${ref}`, `${qty}`, undefined, run);
}

export function repriceProduct(world: World, { product: id, price: text }: Request): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  const price = minorOf(text, product.currency);
  if (typeof price === "string") return refused({ code: price });
  product.price = price;
  product.priceVersion++;
  return ok(world.productView(id));
}
