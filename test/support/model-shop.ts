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
    version: 1,
    delisted: false,
    backorder: more.backorder ?? 0,
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
  product.version++;
  return ok(world.productView(id));
}

/** Names of what an update may say, and what the model calls them. */
const updatable = {
  name: "name",
  price: "price",
  saleStartsAt: "startsAt",
  saleEndsAt: "endsAt",
  backorder: "backorder",
} as const;

export function updateProduct(
  world: World,
  { product: id, ref, expectedVersion, ...asked }: Request,
): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  const said = Object.entries(updatable).filter(([param]) => asked[param] !== undefined);
  const run = (): ModelReply | Refused => {
    if (said.length === 0) return { code: "invalid_request", ofText: true };
    const wanted = { ...product };
    for (const [param, name] of said) {
      const value = param === "price" ? minorOf(asked.price, product.currency) : asked[param];
      if (param === "price" && typeof value === "string") return wrongText(value);
      Object.assign(wanted, { [name]: value });
    }
    const isSo = Object.values(updatable).every((name) => wanted[name] === product[name]);
    if (ref === undefined && expectedVersion === product.version - 1 && isSo)
      return { ...ok(world.productView(id)), replayed: true };
    const timed = asked.saleStartsAt !== undefined || asked.saleEndsAt !== undefined;
    const over = asked.saleEndsAt > 0 && asked.saleEndsAt <= world.now;
    if (timed && (over || (wanted.endsAt !== 0 && wanted.endsAt <= wanted.startsAt)))
      return { code: "invalid_request", ofText: true };
    if (expectedVersion !== undefined && expectedVersion !== product.version)
      return { code: "version_mismatch", details: { version: product.version } };
    Object.assign(product, wanted, { version: product.version + 1 });
    return ok(world.productView(id));
  };
  if (ref !== undefined)
    return world.once(
      world.refs,
      `stock ${id} ${ref}`,
      `update ${JSON.stringify(asked)} ${expectedVersion}`,
      undefined,
      run,
    );
  const reply = run();
  return "replayed" in reply ? reply : refused(reply);
}

export function listProduct(world: World, { method, product: id, expectedVersion }: Request): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  const isSo = product.delisted === (method === "product.delist");
  const seen = expectedVersion ?? product.version;
  if (seen !== product.version && !(isSo && seen === product.version - 1))
    return refused({ code: "version_mismatch", details: { version: product.version } });
  if (!isSo) {
    product.delisted = !product.delisted;
    product.version++;
  }
  const reply = ok(world.productView(id));
  return seen === product.version || !isSo ? reply : { ...reply, replayed: true };
}

export function adjustProduct(world: World, { product: id, by, reason, ref }: Request): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  return world.once(world.refs, `stock ${id} ${ref}`, `adjust ${by} ${reason}`, undefined, () => {
    const fits = reason === "correction" ? by !== 0 : reason === "found" ? by > 0 : by < 0;
    if (!fits) return { code: "invalid_request", ofText: true };
    const available = Math.max(0, world.available(id));
    if (by < 0 && available < -by) return { code: "insufficient_stock", details: { available } };
    product.supplied += by;
    return ok(world.productView(id));
  });
}

/** What is promised to buyers and is not sold yet is on the shelf too, unless it is not there at all. */
export function countProduct(world: World, { product: id, counted, ref }: Request): ModelReply {
  const product = world.products.get(id);
  if (!product) return refused({ code: "product_not_found" });
  return world.once(world.refs, `stock ${id} ${ref}`, `count ${counted}`, undefined, () => {
    product.supplied += counted - Math.max(0, product.supplied - world.sold(id));
    return ok(world.productView(id));
  });
}
