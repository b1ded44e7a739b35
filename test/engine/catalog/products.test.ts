import { expect, test } from "vitest";
import { testEngine } from "../../support/engine.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

test("a new product has all of its stock available", () => {
  const engine = testEngine();
  const view = {
    product: "tea",
    name: "Tea",
    price: "9.99",
    currency: "CNY",
    available: 10,
    held: 0,
    sold: 0,
    short: 0,
    backorder: 0,
    backordered: 0,
    priceVersion: 1,
    version: 1,
    limitPerAccount: null,
    saleStartsAt: null,
    saleEndsAt: null,
    delisted: false,
  };
  expect(engine.ask(product("tea", "9.99", { name: "Tea" })).result).toEqual(view);
  expect(engine.ask({ method: "product.get", product: "tea" }).result).toEqual(view);
  expect(engine.ask(product("tea", "1.00"))).toMatchObject({
    code: "already_exists",
    details: { product: "tea", same: false },
  });
});

test.each([
  ["CNY", "0", "0.00"],
  ["CNY", "90071992547409.91", "90071992547409.91"],
  ["JPY", "980", "980"],
  ["KWD", "1.234", "1.234"],
])("a price in %s of %s", (currency, price, view) => {
  const engine = testEngine();
  expect(engine.ask(product("tea", price, { currency })).result.price).toBe(view);
  expect(engine.ask({ method: "product.reprice", product: "tea", price }).result).toMatchObject({
    price: view,
    priceVersion: 2,
  });
});

test.each([
  ["CNY", "1.001", "invalid_amount"],
  ["CNY", "-1", "invalid_amount"],
  ["CNY", "", "invalid_amount"],
  ["JPY", "1.0", "invalid_amount"],
  ["CNY", "90071992547409.92", "amount_overflow"],
  ["XXX", "1.00", "invalid_request"],
])("a price in %s of %j is refused: %s", (currency, price, code) => {
  const engine = testEngine();
  expect(engine.ask(product("tea", price, { currency })).code).toBe(code);
  expect(engine.ask({ method: "product.get", product: "tea" }).code).toBe("product_not_found");
  if (currency === "XXX") return;
  engine.ask(product("tea", "1", { currency }));
  expect(engine.ask({ method: "product.reprice", product: "tea", price }).code).toBe(code);
  expect(engine.ask({ method: "product.get", product: "tea" }).result.priceVersion).toBe(1);
});

test("a restock adds to what is available and to nothing else", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 3 }));
  engine.ask(place("ann", "k2", { tea: 2 }, { pay: "balance" }));
  expect(engine.ask({ method: "product.restock", product: "tea", qty: 7 }).result).toMatchObject({
    available: 12,
    held: 3,
    sold: 2,
  });
});

test("no more than 10^12 units of a product, and what is refused adds none", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 3 }));
  const restock = (qty: number) => engine.ask({ method: "product.restock", product: "tea", qty });
  expect(restock(999_999_999_991)).toMatchObject({ code: "amount_overflow", details: { unitsMax: 1e12 } });
  expect(stockOf(engine, "tea")).toEqual([7, 3, 0]);
  expect(restock(999_999_999_990).code).toBe("ok");
  expect(restock(1).code).toBe("amount_overflow");
});

test("a product that another shard sells is not a product of this one", () => {
  const engine = shop({ shards: 3 });
  engine.ask(place("ann", "k1", { tea: 1, mug: 1 }));
  const home = engine.shards[1]!.books;
  expect(home.productByName.get("mug")).toMatchObject({ remote: true, name: "Mug" });
  expect(stockOf(engine, "mug")).toEqual([1, 1, 0]);
});
