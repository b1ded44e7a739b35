import { expect, test } from "vitest";
import type { TestEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

for (const shards of [1, 3]) {
  test(`a cart is taken whole (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { result } = engine.ask(place("ann", "k1", { tea: 2, mug: 1 }, { pay: "balance" }));
    expect(result).toMatchObject({
      total: "44.98",
      lines: [
        { product: "tea", name: "Tea", qty: 2, unitPrice: "9.99", subtotal: "19.98" },
        { product: "mug", name: "Mug", qty: 1, unitPrice: "25.00", subtotal: "25.00" },
      ],
    });
    expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
      [8, 0, 2],
      [1, 0, 1],
    ]);
    expect(balanceOf(engine, "ann")).toBe("55.02");
  });

  test(`one line that fails takes nothing of the others, and every failing line is named (${shards} shards)`, () => {
    const engine = shop({ shards });
    engine.ask(product("pen", "1.00", { limitPerAccount: 1 }));
    engine.ask(product("wein", "1.00", { currency: "EUR" }));
    const refused = engine.ask(place("ann", "k1", { tea: 1, mug: 3, pen: 2 }));
    expect(refused).toMatchObject({ code: "limit_exceeded", details: { limit: 1, used: 0, requested: 2 } });
    expect(refused.details!.lines).toEqual([
      { product: "mug", code: "insufficient_stock", available: 2 },
      { product: "pen", code: "limit_exceeded", limit: 1, used: 0, requested: 2 },
    ]);
    const more = engine.ask(place("ann", "k2", { nil: 1, mug: 3, wein: 1, tea: 11 }));
    expect(more.code).toBe("product_not_found");
    expect(
      (more.details!.lines as { product: string; code: string }[]).map((l) => [l.product, l.code]),
    ).toEqual([
      ["nil", "product_not_found"],
      ["mug", "insufficient_stock"],
      ["wein", "currency_mismatch"],
      ["tea", "insufficient_stock"],
    ]);
    for (const [id, stock] of [
      ["tea", [10, 0, 0]],
      ["mug", [2, 0, 0]],
      ["pen", [10, 0, 0]],
    ] as const) {
      expect(stockOf(engine, id)).toEqual(stock);
    }
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`lines of the same product are merged before anything is decided (${shards} shards)`, () => {
    const engine = shop({ shards });
    const line = (id: string, qty: number) => ({ product: id, qty });
    const lines = [line("mug", 1), line("tea", 1), line("mug", 1)];
    const merged = engine.ask(place("ann", "k1", {}, { lines }));
    expect(merged.result.lines).toMatchObject([line("mug", 2), line("tea", 1)]);
    const refused = engine.ask(place("ben", "k1", {}, { lines: [line("tea", 5), line("tea", 5)] }));
    expect(refused).toMatchObject({ code: "insufficient_stock", details: { available: 9 } });
    expect(refused.details!.lines).toHaveLength(1);
  });

  test(`a hundred lines (${shards} shards)`, () => {
    const engine = shop({ shards });
    const names = Array.from({ length: 100 }, (_, n) => `p${n}`);
    for (const id of names) engine.ask(product(id, "0.01", { stock: 1 }));
    const cart = Object.fromEntries(names.map((id) => [id, 1]));
    const { result } = engine.ask(place("ann", "k1", cart, { pay: "balance" }));
    expect(result.lines.map((l: { product: string }) => l.product)).toEqual(names);
    expect([result.total, balanceOf(engine, "ann")]).toEqual(["1.00", "99.00"]);
    const again = engine.ask(place("ben", "k1", cart));
    expect(again.details!.lines).toHaveLength(100);
  });

  test(`price, name and total are as they were when the order was placed (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { order } = engine.ask(place("ann", "k1", { tea: 2, mug: 1 })).result;
    engine.ask({ method: "product.reprice", product: "tea", price: "50.00" });
    engine.ask({ method: "product.reprice", product: "mug", price: "0" });
    const paid = engine.ask({ method: "order.pay", order, key: "k2" });
    expect(paid.result).toMatchObject({
      total: "44.98",
      amountPaid: "44.98",
      lines: [{ unitPrice: "9.99" }, {}],
    });
    expect(balanceOf(engine, "ann")).toBe("55.02");
  });

  test.each([
    ["44.98", "ok"],
    ["44.97", "price_changed"],
    ["44.99", "price_changed"],
    ["44.980", "invalid_amount"],
    ["", "invalid_amount"],
    ["90071992547409.92", "amount_overflow"],
  ])(`expectedTotal %s of a total of 44.98: %s (${shards} shards)`, (expectedTotal, code) => {
    const engine = shop({ shards });
    const answer = engine.ask(place("ann", "k1", { tea: 2, mug: 1 }, { expectedTotal }));
    expect(answer.code).toBe(code);
    if (code === "price_changed") expect(answer.details).toEqual({ expectedTotal, total: "44.98" });
    expect(stockOf(engine, "tea")).toEqual(code === "ok" ? [8, 2, 0] : [10, 0, 0]);
  });

  test(`sums over 2^53-1 are refused, by line and by cart, and take nothing (${shards} shards)`, () => {
    const engine = shop({ shards });
    engine.ask(product("dear", "90071992547409.91"));
    engine.ask(product("half", "45035996273704.96"));
    for (const [n, cart] of [{ dear: 2 }, { dear: 1, tea: 1 }, { half: 2 }, { half: 1, dear: 1 }].entries()) {
      expect(engine.ask(place("ann", `k${n}`, cart)).code).toBe("amount_overflow");
    }
    expect([stockOf(engine, "dear"), stockOf(engine, "half"), stockOf(engine, "tea")]).toEqual(
      Array(3).fill([10, 0, 0]),
    );
    expect(engine.ask(place("ann", "k9", { dear: 1 })).result.total).toBe("90071992547409.91");
  });
}

test("nobody sees a dip: in one batch a cart that fails leaves what it could have taken to the next", () => {
  const engine = shop();
  engine.ask({ method: "feed.subscribe", topic: "product:tea" });
  const failing = engine.submit(place("ann", "k1", { tea: 10, mug: 3 }));
  const seen = engine.submit({ method: "product.get", product: "tea" });
  const next = engine.submit(place("ben", "k1", { tea: 10 }));
  engine.settle();
  expect(engine.answerTo(failing)!.code).toBe("insufficient_stock");
  expect(engine.answerTo(seen)!.result.available).toBe(10);
  expect(engine.answerTo(next)!.code).toBe("ok");
  expect(engine.pushes().map((push) => push.type)).toEqual(["product.held"]);
});

test("of two carts in opposite order, one is taken whole and the other not at all", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    engine.ask(product("pen", "1.00", { stock: 1 }));
    engine.ask(product("ink", "1.00", { stock: 1 }));
    const taken = (n: number) => oneOfTwo(engine, n);
    expect(taken(1)).toBeLessThanOrEqual(1);
    expect(stockOf(engine, "pen")).toEqual(stockOf(engine, "ink"));
    if (shards === 1) expect(stockOf(engine, "pen")).toEqual([0, 1, 0]);
  }
});

function oneOfTwo(engine: TestEngine, n: number): number {
  const ids = [
    engine.submit(place("ann", `k${n}`, { pen: 1, ink: 1 })),
    engine.submit(place("ben", `k${n}`, { ink: 1, pen: 1 })),
  ];
  engine.settle();
  return ids.filter((id) => engine.answerTo(id)!.code === "ok").length;
}
