/** The side of the shop that is not buying: accounts, money, products, stock and prices. */

import { decimal } from "./amounts.js";
import type { Client } from "./client.js";
import { epochMs } from "./host.js";
import type { KnownProduct } from "./model.js";
import type { Wanted } from "./requests.js";
import type { World } from "./world.js";

/** No other price is higher; and one at which a large quantity is over 2^53-1 minor units. */
const priceCap = 3000;
export const preciousPrice = 1_000_000_000_000;

/** Has what transactions give it, and spends it at once: what it was given cannot be taken back. */
export const poorAccount = "poor";

/** Accounts and products, asked for like everything else. */
export function openShop(world: World): void {
  const { plan, random, clients, audit } = world;
  for (let i = 0; i < plan.accounts; i++) {
    const id = `a${i}`;
    const currency = i % 7 === 6 ? "JPY" : "CNY";
    audit.model.accounts.set(id, { id, currency, opened: "no", openings: 0 });
    const client = clients.find(({ account }) => account === id) ?? clients[0]!;
    ask(world, client, { method: "account.open", params: { account: id, currency } });
    if (random.chance(0.8)) deposit(world, client, id);
  }
  audit.model.accounts.set(poorAccount, { id: poorAccount, currency: "CNY", opened: "no", openings: 0 });
  ask(world, clients[0]!, { method: "account.open", params: { account: poorAccount, currency: "CNY" } });
  for (let i = 0; i < plan.products; i++) create(world, random.pick(clients), i);
}

export function deposit(world: World, client: Client, account: string): void {
  const { random, audit } = world;
  const currency = audit.model.accounts.get(account)?.currency ?? "CNY";
  const amount = random.between(1, 40_000);
  const wrong = random.chance(0.06);
  const text = wrong ? random.pick(["1.2345", "0.00", "90071992547409.92", "9007199254740992"]) : undefined;
  ask(world, client, {
    method: "account.deposit",
    params: { account, amount: text ?? decimal(amount, currency), ref: world.requests.key() },
    subject: account,
    amount: wrong ? -1 : amount,
  });
}

export function withdraw(world: World, client: Client, account: string, most = 20_000): void {
  const { random, audit } = world;
  const currency = audit.model.accounts.get(account)?.currency ?? "CNY";
  const amount = random.between(1, most);
  ask(world, client, {
    method: "account.withdraw",
    params: { account, amount: decimal(amount, currency), ref: world.requests.key() },
    subject: account,
    amount,
  });
}

function create(world: World, client: Client, index: number): void {
  const { random, audit, plan } = world;
  const precious = index === 5;
  const price = precious ? preciousPrice : index === 4 ? 0 : random.between(1, priceCap);
  const startsAt = random.chance(0.15) ? epochMs + random.between(500, 5000) : 0;
  const product: KnownProduct = {
    id: `p${index}`,
    name: `Product ${index}`,
    currency: index % 4 === 3 ? "JPY" : "CNY",
    stock: random.between(0, plan.stockMax),
    limit: random.chance(0.3) ? random.between(1, 9) : 0,
    saleStartsAt: startsAt,
    saleEndsAt: random.chance(0.15) ? Math.max(startsAt, epochMs) + random.between(1000, 8000) : 0,
    created: "no",
    creations: 0,
    versions: new Map(),
    names: new Set([`Product ${index}`]),
    mayBeDelisted: false,
    prices: new Set([price]),
    lastPrice: price,
    priceMax: precious ? preciousPrice : priceCap,
    sold: 0,
    bought: new Map(),
  };
  audit.model.products.set(product.id, product);
  ask(world, client, creation(product));
}

export function creation(product: KnownProduct): Wanted {
  const { id, name, currency, stock, limit, saleStartsAt, saleEndsAt, created } = product;
  const params = {
    product: id,
    name,
    price: decimal(product.lastPrice, currency),
    currency,
    stock,
    limitPerAccount: limit === 0 ? undefined : limit,
    saleStartsAt: saleStartsAt === 0 ? undefined : saleStartsAt,
    saleEndsAt: saleEndsAt === 0 ? undefined : saleEndsAt,
  };
  return { method: "product.create", params, amount: created === "no" ? stock : 0 };
}

/** Some of it is found or lost instead. */
export function restock(world: World, client: Client, product: string): void {
  const { random } = world;
  const qty = random.between(1, 20);
  if (qty % 4 === 0) {
    adjust(world, client, product, qty % 8 === 0 ? qty : -qty / 4);
    return;
  }
  const once = random.chance(0.1);
  const ref = once ? undefined : world.requests.key();
  ask(world, client, {
    method: "product.restock",
    params: { product, qty, ref },
    subject: product,
    amount: qty,
    once,
  });
}

/** Every third time another name goes with it, or it is taken off sale and put back. */
export function reprice(world: World, client: Client, product: string): void {
  const known = world.audit.model.products.get(product);
  if (!known || known.lastPrice === preciousPrice) return;
  const price = world.random.between(0, priceCap);
  const turn = known.prices.size % 6;
  if (turn === 2) update(world, client, known, price);
  else if (turn === 5) delist(world, client, known);
  if (turn === 2) return;
  known.prices.add(price);
  known.lastPrice = price;
  ask(world, client, {
    method: "product.reprice",
    params: { product, price: decimal(price, known.currency) },
  });
}

function adjust(world: World, client: Client, product: string, by: number): void {
  const reason = by > 0 ? "found" : "damage";
  ask(world, client, {
    method: "product.adjust",
    params: { product, by, reason, ref: world.requests.key() },
    subject: product,
    amount: Math.abs(by),
  });
}

/** Name and price; by the version that was seen last, or under a ref. */
function update(world: World, client: Client, known: KnownProduct, price: number): void {
  const name = `${known.name}, ${known.names.size}`;
  known.names.add(name);
  known.prices.add(price);
  known.lastPrice = price;
  const seen = Math.max(0, ...known.versions.keys());
  const byVersion = seen > 0 && known.names.size % 2 === 0;
  const params = { product: known.id, name, price: decimal(price, known.currency) };
  ask(world, client, {
    method: "product.update",
    params: { ...params, ...(byVersion ? { expectedVersion: seen } : { ref: world.requests.key() }) },
    subject: known.id,
  });
}

/** Both at once: whichever comes first, the other stands against it. */
function delist(world: World, client: Client, known: KnownProduct): void {
  known.mayBeDelisted = true;
  for (const method of ["product.delist", "product.relist"] as const)
    ask(world, client, { method, params: { product: known.id } });
}

function ask(world: World, client: Client, wanted: Wanted): void {
  client.ask(world.requests.make(client, wanted));
}
