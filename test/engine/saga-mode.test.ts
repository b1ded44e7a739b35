import { expect, test } from "vitest";
import { balanceOf, place, product, shop, stockOf } from "../support/shop.js";

const saga = { pay: "balance", mode: "saga" };

for (const shards of [1, 3]) {
  test(`an order in saga mode sells, takes the money and is paid (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { result } = engine.ask(place("ann", "k", { tea: 2, mug: 1 }, saga));
    expect(result).toMatchObject({ status: "Paid", total: "44.98", amountPaid: "44.98" });
    expect(balanceOf(engine, "ann")).toBe("55.02");
    expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
      [8, 0, 2],
      [1, 0, 1],
    ]);
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 1 }, saga)).replayed).toBe(true);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`what was sold comes back when the money is short, or another line (${shards} shards)`, () => {
    const engine = shop({ shards });
    engine.ask(product("gold", "99.99", { stock: 1 }));
    expect(engine.ask(place("ann", "k1", { tea: 1, gold: 1 }, saga)).code).toBe("insufficient_funds");
    expect(engine.ask(place("ann", "k2", { tea: 1, mug: 3 }, saga))).toMatchObject({
      code: "insufficient_stock",
      details: { lines: [{ product: "mug", available: 2 }] },
    });
    expect(balanceOf(engine, "ann")).toBe("100.00");
    expect([stockOf(engine, "tea"), stockOf(engine, "gold")]).toEqual([
      [10, 0, 0],
      [1, 0, 0],
    ]);
  });

  test(`a dry run answers what would happen and records nothing (${shards} shards)`, () => {
    const engine = shop({ shards });
    const before = engine.hashes();
    const dry = { pay: "balance", dryRun: true };
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 1 }, dry)).result).toMatchObject({
      order: "",
      status: "Paid",
      total: "44.98",
      lines: [
        { product: "tea", name: "Tea", subtotal: "19.98" },
        { product: "mug", name: "Mug" },
      ],
    });
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 3 }, dry))).toMatchObject({
      code: "insufficient_stock",
      details: { lines: [{ product: "mug", code: "insufficient_stock", available: 2 }] },
    });
    expect(engine.ask(place("ann", "k", { tea: 11, mug: 1 }, dry)).code).toBe("insufficient_stock");
    expect(engine.ask(place("eve", "k", { tea: 1 }, dry)).code).toBe("account_not_found");
    expect(engine.hashes()).toEqual(before);
  });
}
