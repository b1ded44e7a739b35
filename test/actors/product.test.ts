import fc from "fast-check";
import { expect, test } from "vitest";
import { Facts } from "../../actors/facts.js";
import {
  decideRestock,
  decideTake,
  evolveProduct,
  type Product,
  productFromFact,
  unitsMax,
} from "../../actors/product.js";

const nowMs = 1_000_000;

function tea(
  more: { stock?: number; limitPerAccount?: number; saleStartsAt?: number; saleEndsAt?: number } = {},
) {
  return productFromFact(0, {
    type: Facts.productCreated,
    id: "tea",
    name: "Tea",
    price: 999,
    currency: 0,
    stock: 10,
    limitPerAccount: 0,
    saleStartsAt: 0,
    saleEndsAt: 0,
    ...more,
  });
}

function move(
  product: Product,
  kind: "stockHeld" | "stockSold" | "stockConfirmed" | "stockReleased",
  qty: number,
) {
  const change = { stockHeld: -qty, stockSold: -qty, stockConfirmed: 0, stockReleased: qty }[kind];
  const available = product.available + change;
  evolveProduct(product, { type: Facts[kind], product: 0, order: 1024, account: 7, qty, available });
}

const stock = (product: Product) => [product.available, product.held, product.sold];

test.each([
  ["stockHeld", [7, 3, 0], 3],
  ["stockSold", [7, 0, 3], 3],
] as const)("%s moves its units", (kind, after, used) => {
  const product = tea({ limitPerAccount: 5 });
  move(product, kind, 3);
  expect(stock(product)).toEqual(after);
  expect(product.taken!.get(7)).toBe(used);
});

test("confirm sells what was held, and it stays counted against the limit", () => {
  const product = tea({ limitPerAccount: 5 });
  move(product, "stockHeld", 3);
  move(product, "stockConfirmed", 3);
  expect(stock(product)).toEqual([7, 0, 3]);
  expect(product.taken!.get(7)).toBe(3);
});

test("PRODUCT-2: release gives units and limit back, and forgets an account that has none left", () => {
  const product = tea({ limitPerAccount: 5 });
  move(product, "stockHeld", 3);
  move(product, "stockReleased", 3);
  expect(stock(product)).toEqual([10, 0, 0]);
  expect(product.taken!.has(7)).toBe(false);
});

test.each([
  ["starts in 1 ms", { saleStartsAt: nowMs + 1 }, "sale_not_started"],
  ["starts now", { saleStartsAt: nowMs }, undefined],
  ["ends in 1 ms", { saleEndsAt: nowMs + 1 }, undefined],
  ["ends now", { saleEndsAt: nowMs }, "sale_ended"],
  ["not yet and too little", { saleStartsAt: nowMs + 1, stock: 0 }, "sale_not_started"],
  ["over and over the limit", { saleEndsAt: nowMs, limitPerAccount: 1 }, "sale_ended"],
  ["over the limit and too little", { limitPerAccount: 1, stock: 0 }, "limit_exceeded"],
  ["exactly the limit", { limitPerAccount: 2 }, undefined],
  ["one short", { stock: 1 }, "insufficient_stock"],
  ["the last two", { stock: 2 }, undefined],
])("two of a product whose sale or stock %s", (_, more, code) => {
  expect(decideTake(tea(more), 7, 2, nowMs)?.code).toBe(code);
});

test("a refusal says what the buyer needs to know", () => {
  expect(decideTake(tea({ saleStartsAt: nowMs + 1 }), 7, 1, nowMs)?.details).toEqual({
    startsAt: new Date(nowMs + 1).toISOString(),
  });
  expect(decideTake(tea({ stock: 4 }), 7, 5, nowMs)?.details).toEqual({ available: 4 });
  const limited = tea({ limitPerAccount: 5 });
  move(limited, "stockHeld", 4);
  expect(decideTake(limited, 7, 2, nowMs)?.details).toEqual({ limit: 5, used: 4, requested: 2 });
  expect(decideTake(limited, 8, 5, nowMs)).toBeUndefined();
  expect(decideTake(limited, undefined, 5, nowMs)).toBeUndefined();
});

test("no more units than 10^12, held and sold ones included", () => {
  const product = tea({ stock: 5 });
  move(product, "stockHeld", 2);
  move(product, "stockSold", 1);
  expect(decideRestock(product, unitsMax - 5)).toBeUndefined();
  expect(decideRestock(product, unitsMax - 4)).toMatchObject({ code: "amount_overflow" });
  expect(decideRestock(product, Number.MAX_SAFE_INTEGER)).toMatchObject({ code: "amount_overflow" });
});

test.each([
  ["more is taken than there is", () => move(tea({ stock: 2 }), "stockHeld", 3)],
  ["more is confirmed than is held", () => move(tea(), "stockConfirmed", 1)],
  ["more is released than is held", () => move(tea(), "stockReleased", 1)],
  [
    "the figure in the fact is another",
    () =>
      evolveProduct(tea(), { type: Facts.stockHeld, product: 0, order: 1, account: 7, qty: 1, available: 8 }),
  ],
  [
    "an account gives back more than it took",
    () => {
      const product = tea({ limitPerAccount: 5 });
      move(product, "stockHeld", 1);
      evolveProduct(product, {
        type: Facts.stockReleased,
        product: 0,
        order: 1,
        account: 8,
        qty: 1,
        available: 10,
      });
    },
  ],
])("PRODUCT-1: a log that contradicts itself is not applied: %s", (_, apply) => {
  expect(apply).toThrow(/product tea/);
});

test("PRODUCT-1: whatever is decided and applied, available + held + sold = supplied and none is negative", () => {
  const moves = fc.array(
    fc.record({
      kind: fc.constantFrom("hold", "sell", "confirm", "release", "restock"),
      qty: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(moves, (asked) => {
      const product = tea({ stock: 6 });
      let supplied = 6;
      for (const { kind, qty } of asked) {
        if (kind === "restock") {
          supplied += qty;
          const available = product.available + qty;
          evolveProduct(product, { type: Facts.productRestocked, product: 0, qty, available });
        } else if (kind === "hold" || kind === "sell") {
          if (!decideTake(product, 7, qty, nowMs))
            move(product, kind === "hold" ? "stockHeld" : "stockSold", qty);
        } else if (product.held >= qty)
          move(product, kind === "confirm" ? "stockConfirmed" : "stockReleased", qty);
        expect(product.available + product.held + product.sold).toBe(supplied);
        expect(Math.min(...stock(product))).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

test("a product known from another shard has no stock of its own", () => {
  const product = productFromFact(3, { type: Facts.productKnown, id: "cup", name: "Cup", currency: 1 });
  expect(product).toMatchObject({ handle: 3, remote: true, available: 0, taken: undefined });
});

test("a price change moves no stock and counts up its version", () => {
  const product = tea();
  evolveProduct(product, { type: Facts.productRepriced, product: 0, price: 1 });
  expect([product.price, product.version, ...stock(product)]).toEqual([1, 2, 10, 0, 0]);
});
