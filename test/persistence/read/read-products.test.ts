/** The rows of products in read.db, as operators change what they show. */

import { expect, test } from "vitest";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { epochMs, type TestEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";

const day = 86_400_000;

/** `restarts`: the projection is begun anew after every group, as by a process that dies. */
function projected(engine: TestEngine, restarts = false) {
  const db = openReadDatabase(":memory:");
  let model = new ReadModel(db);
  for (const [shard, journal] of engine.journals.entries()) {
    for (const group of journal.read(1)) {
      model.project(shard, [group]);
      if (!restarts) continue;
      model.commit();
      model = new ReadModel(db);
    }
  }
  model.commit();
  return db;
}

const row = (engine: TestEngine, product: string) =>
  projected(engine).prepare("SELECT * FROM readable_products WHERE product = ?").get(product);

test("limit, window and version of a product stand in its row, as product.get shows them", () => {
  const engine = shop();
  const ask = (method: "product.update" | "product.delist" | "product.reprice", more: object) =>
    engine.ask({ method, product: "tea", ...more });
  expect(row(engine, "tea")).toMatchObject({
    ...{ name: "Tea", version: 1, limit_per_account: null, sale_starts_at: null, delisted: 0, backorder: 0 },
  });
  ask("product.update", { name: "Oolong", limitPerAccount: 3, saleEndsAt: epochMs + day });
  ask("product.reprice", { price: "12.00" });
  ask("product.delist", {});
  expect(row(engine, "tea")).toMatchObject({
    ...{ name: "Oolong", price: "12.00", version: 4, limit_per_account: 3, delisted: 1, available: 10 },
    ...{ sale_starts_at: null, sale_ends_at_ms: epochMs + day, sale_ends_at: "2026-01-02T00:00:00.000Z" },
  });
  engine.ask({ method: "product.relist", product: "tea" });
  ask("product.update", { limitPerAccount: 0, saleEndsAt: 0 });
  expect(row(engine, "tea")).toMatchObject({
    ...{ price: "12.00", version: 6, limit_per_account: null, sale_ends_at: null, delisted: 0 },
  });
});

test.each([1, 3])(
  "items keep the name of their order's day, also when read.db was closed since (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    const cart = { tea: 1, mug: 1 };
    const placed = [engine.ask(place("ann", "k1", cart)).result];
    for (const [product, name] of [
      ["tea", "Oolong"],
      ["mug", "Cup"],
    ])
      engine.ask({ method: "product.update", product, name } as never);
    placed.push(engine.ask(place("ann", "k2", cart)).result);
    for (const restarts of [false, true]) {
      const items = projected(engine, restarts)
        .prepare("SELECT name FROM order_items WHERE order_no = ? ORDER BY line")
        .pluck();
      for (const { order, lines } of placed)
        expect(items.all(order)).toEqual(lines.map(({ name }: { name: string }) => name));
    }
  },
);
