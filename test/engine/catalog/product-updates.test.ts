/** What an operator changes of a product that is there: name, price, limit, window, and whether it is sold. */

import { expect, test } from "vitest";
import type { Product } from "../../../actors/product.js";
import { firstBad } from "../../support/audited.js";
import { epochMs, type TestEngine } from "../../support/engine.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

const day = 86_400_000;
const update = (engine: TestEngine, more: object) =>
  engine.ask({ method: "product.update", product: "tea", ...more });
const delist = (engine: TestEngine, more: object = {}) =>
  engine.ask({ method: "product.delist", product: "tea", ...more });
const relist = (engine: TestEngine, more: object = {}) =>
  engine.ask({ method: "product.relist", product: "tea", ...more });
const names = (engine: TestEngine, order: string) =>
  engine.ask({ method: "order.get", order }).result.lines.map(({ name }: { name: string }) => name);

test("what is left out of an update stays, and 0 takes a limit or a bound away", () => {
  const engine = shop();
  const given = { name: "Oolong", price: "12", limitPerAccount: 3, saleEndsAt: epochMs + day };
  expect(update(engine, given).result).toMatchObject({
    ...{ name: "Oolong", price: "12.00", limitPerAccount: 3, version: 2, priceVersion: 2, available: 10 },
    saleEndsAt: new Date(epochMs + day).toISOString(),
  });
  expect(update(engine, { limitPerAccount: 0, saleEndsAt: 0 }).result).toMatchObject({
    ...{ name: "Oolong", price: "12.00", limitPerAccount: null, saleEndsAt: null, version: 3 },
  });
});

test.each([
  [{}, "params", "nothing is to be changed"],
  [{ expectedVersion: 1, operator: "ops" }, "params", "nothing is to be changed"],
  [{ saleEndsAt: epochMs / 1000 }, "params.saleEndsAt", undefined],
  [{ saleEndsAt: epochMs }, "params.saleEndsAt", undefined],
  [{ saleStartsAt: epochMs / 1000 }, "params.saleStartsAt", undefined],
  [{ saleStartsAt: epochMs + 10, saleEndsAt: epochMs + 10 }, "params.saleEndsAt", undefined],
])(
  "an update that says %j is refused, whatever its ref, and the ref is not used up",
  (given, path, reason) => {
    const engine = shop();
    const refusal = { code: "invalid_request", details: reason ? { path, reason } : { path } };
    expect(update(engine, { ...given, ref: "u1" })).toMatchObject(refusal);
    expect(update(engine, { name: "Oolong", ref: "u1" })).toMatchObject({ code: "ok", replayed: false });
  },
);

test("a bound is compared with the other as it stands", () => {
  const engine = shop();
  update(engine, { saleStartsAt: epochMs + day });
  expect(update(engine, { saleEndsAt: epochMs + day })).toMatchObject({
    details: { path: "params.saleEndsAt" },
  });
  update(engine, { saleStartsAt: 0, saleEndsAt: epochMs + day });
  expect(update(engine, { saleStartsAt: epochMs + day })).toMatchObject({
    details: { path: "params.saleStartsAt" },
  });
  engine.pass(2 * day);
  expect(update(engine, { name: "Over, and renamed" }).code).toBe("ok");
});

test.each(["1.001", "", "-1"])("a price of %j is refused, and its ref is not used up", (price) => {
  const engine = shop();
  expect(update(engine, { price, ref: "u1" }).code).toBe("invalid_amount");
  expect(update(engine, { price: "1", ref: "u1" })).toMatchObject({ code: "ok", replayed: false });
});

/** Every request that makes a version, what it is when it is made again, and another that stands in its way. */
const changes: readonly (readonly [string, object, object])[] = [
  ["reprice", { method: "product.reprice", price: "12.00" }, { method: "product.reprice", price: "9.00" }],
  ["update", { method: "product.update", name: "Oolong" }, { method: "product.update", name: "Sencha" }],
  ["delist", { method: "product.delist" }, { method: "product.relist" }],
];

test.each(changes)(
  "PRODUCT-3 PRODUCT-UPDATES-1: a late copy of a %s is replayed while nothing has changed since, then refused, and changes nothing",
  (_, change, other) => {
    const engine = shop();
    const ask = (what: object, expectedVersion?: number) =>
      engine.ask({ ...what, product: "tea", expectedVersion } as never);
    const seen = ask(change, 1);
    expect(seen).toMatchObject({ code: "ok", replayed: false, result: { version: 2, priceVersion: 2 } });
    expect(ask(change, 1)).toEqual({ ...seen, replayed: true });
    expect(ask(other, 2)).toMatchObject({ code: "ok", result: { version: 3 } });
    const before = engine.hashes();
    expect(ask(change, 1)).toMatchObject({ code: "version_mismatch", details: { version: 3 } });
    expect(engine.hashes()).toEqual(before);
  },
);

test("one version for all: a change of any kind stands against what was seen before it", () => {
  for (const [, change] of changes) {
    for (const [name, other] of changes) {
      const engine = shop();
      engine.ask({ ...change, product: "tea" } as never);
      const asked = engine.ask({ ...other, product: "tea", expectedVersion: 1 } as never);
      if (other === change) expect(asked.replayed, name).toBe(true);
      else expect(asked, name).toMatchObject({ code: "version_mismatch", details: { version: 2 } });
    }
  }
});

test("an update under a ref happens once, and its answer stays what it was", () => {
  const engine = shop();
  const first = update(engine, { price: "12", ref: "u1" });
  update(engine, { price: "9" });
  expect(update(engine, { price: "12.00", ref: "u1" })).toEqual({ ...first, replayed: true });
  expect(update(engine, { price: "13", ref: "u1" }).code).toBe("key_reused");
  expect(engine.ask({ method: "product.restock", product: "tea", qty: 1, ref: "u1" }).code).toBe(
    "key_reused",
  );
  expect(engine.ask({ method: "product.get", product: "tea" }).result.price).toBe("9.00");
});

test("a version that was missed is kept under its ref", () => {
  const engine = shop();
  const late = { name: "Late", ref: "u1", expectedVersion: 2 };
  const refusal = { code: "version_mismatch", details: { version: 1 } };
  expect(update(engine, late)).toMatchObject({ ...refusal, replayed: false });
  update(engine, { name: "Oolong" });
  expect(update(engine, late)).toMatchObject({ ...refusal, replayed: true });
});

test.each([1, 3])(
  "PRODUCT-4: an order goes on with the name of its day, and its key's answer with it (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    const first = engine.ask(place("ann", "k1", { tea: 1, mug: 1 }));
    update(engine, { name: "Oolong" });
    const second = engine.ask(place("ann", "k2", { tea: 1, mug: 1 }));
    update(engine, { name: "Sencha" });
    engine.ask({ method: "product.update", product: "mug", name: "Cup" });
    const third = engine.ask(place("ann", "k3", { tea: 1 }));
    expect(names(engine, first.result.order)).toEqual(["Tea", "Mug"]);
    expect(names(engine, second.result.order)).toEqual(["Oolong", "Mug"]);
    expect(names(engine, third.result.order)).toEqual(["Sencha"]);
    expect(engine.ask(place("ann", "k1", { tea: 1, mug: 1 }))).toEqual({ ...first, replayed: true });
    const again = engine.restart();
    expect(again.hashes()).toEqual(engine.hashes());
    expect(names(again, second.result.order)).toEqual(["Oolong", "Mug"]);
  },
);

test("a product of another shard is called in new orders what it is called there", () => {
  const engine = shop({ shards: 3 });
  const cart = { tea: 1, mug: 1 };
  const first = engine.ask(place("ann", "k1", cart)).result.order;
  engine.ask({ method: "product.update", product: "mug", name: "Cup" });
  const second = engine.ask(place("ann", "k2", cart)).result;
  expect(second.lines[1].name).toBe("Cup");
  expect(names(engine, first)).toEqual(["Tea", "Mug"]);
  expect(firstBad(engine)).toBeUndefined();
});

test.each([1, 3])(
  "nobody may take units of what is off sale; who holds some goes on (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    const held = engine.ask(place("ann", "k1", { tea: 2, mug: 1 })).result.order;
    expect(delist(engine).result).toMatchObject({ delisted: true, version: 2 });
    for (const mode of ["tcc", "saga"])
      expect(
        engine.ask(place("ann", `k-${mode}`, { tea: 1, mug: 1 }, { pay: "balance", mode })),
      ).toMatchObject({
        code: "product_delisted",
        details: { lines: [{ product: "tea", code: "product_delisted" }] },
      });
    expect(engine.ask(place("ann", "dry", { tea: 1 }, { dryRun: true })).code).toBe("product_delisted");
    expect(engine.ask({ method: "order.pay", order: held, key: "p" }).code).toBe("ok");
    expect(stockOf(engine, "tea")).toEqual([8, 0, 2]);
    expect(relist(engine).result).toMatchObject({ delisted: false, version: 3 });
    expect(engine.ask(place("ben", "k2", { tea: 1 })).code).toBe("ok");
    expect(firstBad(engine)).toBeUndefined();
  },
);

test("off sale comes before what else stands against a line", () => {
  const engine = shop();
  update(engine, { saleStartsAt: epochMs + day, limitPerAccount: 1 });
  delist(engine);
  expect(engine.ask(place("ann", "k1", { tea: 99 })).code).toBe("product_delisted");
});

test("late money does not take units of what is off sale: it goes back", () => {
  const engine = shop({ settings: { latePayment: "reinstate" } });
  const { order } = engine.ask(place("ann", "k1", { tea: 1 })).result;
  engine.ask({ method: "order.cancel", order, key: "c" });
  delist(engine);
  const payment = { provider: "alipay", paymentId: "p1", order, amount: "9.99", currency: "CNY" };
  expect(engine.ask({ method: "payment.notify", ...payment })).toMatchObject({
    code: "ok",
    result: { outcome: "late_payment" },
  });
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

test("both are idempotent: what is so already is answered, and nothing is recorded", () => {
  const engine = shop();
  expect(relist(engine)).toMatchObject({ code: "ok", replayed: false, result: { version: 1 } });
  delist(engine);
  const before = engine.hashes();
  expect(delist(engine)).toMatchObject({ code: "ok", result: { version: 2, delisted: true } });
  expect(delist(engine, { expectedVersion: 2 })).toMatchObject({ code: "ok", replayed: false });
  expect(engine.hashes()).toEqual(before);
});

const taken = (engine: TestEngine): Product["taken"] =>
  engine.shards[0]!.books.productByName.get("tea")!.taken;

test("PRODUCT-2: a limit that is set later counts from then on, and what was taken before and comes back makes no count negative", () => {
  const engine = shop();
  const early = engine.ask(place("ann", "k1", { tea: 5 })).result.order;
  update(engine, { limitPerAccount: 2 });
  expect(engine.ask(place("ann", "k2", { tea: 3 }))).toMatchObject({
    code: "limit_exceeded",
    details: { lines: [{ limit: 2, used: 0, requested: 3 }] },
  });
  expect(engine.ask(place("ann", "k3", { tea: 2 })).code).toBe("ok");
  engine.ask({ method: "order.cancel", order: early, key: "c" });
  expect([...taken(engine)!.values()]).toEqual([]);
  expect(firstBad(engine)).toBeUndefined();
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("a limit that is lowered below what somebody has refuses more, and takes nothing away", () => {
  const engine = shop();
  engine.ask(product("pen", "1.00", { limitPerAccount: 5 }));
  const order = engine.ask(place("ann", "k1", { pen: 4 })).result.order;
  engine.ask({ method: "product.update", product: "pen", limitPerAccount: 2 });
  expect(engine.ask(place("ann", "k2", { pen: 1 }))).toMatchObject({
    details: { lines: [{ limit: 2, used: 4 }] },
  });
  engine.ask({ method: "order.cancel", order, key: "c" });
  expect(engine.ask(place("ann", "k3", { pen: 2 })).code).toBe("ok");
  expect(firstBad(engine)).toBeUndefined();
});

test("who did it is told with it", () => {
  const engine = shop();
  engine.ask({ method: "feed.subscribe", topic: "product:tea" });
  update(engine, { name: "Oolong", operator: "ops.li" });
  delist(engine, { operator: "ops.wu" });
  relist(engine);
  engine.settle();
  expect(engine.pushes().map(({ type, data }) => [type, data.version, data.operator])).toEqual([
    ["product.updated", 2, "ops.li"],
    ["product.delisted", 3, "ops.wu"],
    ["product.relisted", 4, undefined],
  ]);
});
