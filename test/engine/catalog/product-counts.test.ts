/** Units that were lost or found, counts of the shelf, and what is sold before it is there. */

import { expect, test } from "vitest";
import type { PartSpec } from "../../../actors/transactions/plan.js";
import { firstBad } from "../../support/audited.js";
import type { TestEngine } from "../../support/engine.js";
import { ledgerOf } from "../../support/ledger-of.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

let refs = 0;
const adjust = (engine: TestEngine, by: number, reason: string, more: object = {}) =>
  engine.ask({ method: "product.adjust", product: "tea", by, reason, ref: `a${++refs}`, ...more } as never);
const count = (engine: TestEngine, counted: number, more: object = {}) =>
  engine.ask({ method: "product.count", product: "tea", counted, ref: `c${++refs}`, ...more } as never);
const get = (engine: TestEngine, id = "tea") => engine.ask({ method: "product.get", product: id }).result;
/** Of all shards: each is asked by the cursor that is its first. */
const items = (engine: TestEngine, state: "open" | "resolved" = "open") =>
  engine.shards.flatMap((_, shard) => {
    const cursor = shard === 0 ? undefined : `${shard}.0`;
    return engine.ask({ method: "human.list", state, cursor }).result.items;
  });
const unitsOn = (engine: TestEngine, account: string) =>
  Number(ledgerOf(engine).get(`stock:tea:${account} unit:tea`) ?? 0n);

/** Nothing is wrong with it: its logs, and the books that are made of them. */
function expectSound(engine: TestEngine): void {
  expect(firstBad(engine)).toBeUndefined();
  expect(engine.restart().hashes()).toEqual(engine.hashes());
}

test.each([
  [-1, "loss", 9, [0, 1]],
  [-10, "damage", 0, [0, 10]],
  [4, "found", 14, [-4, 0]],
  [-2, "correction", 8, [0, 2]],
  [2, "correction", 12, [-2, 0]],
])(
  "%i by a reason of %s leaves %i available, and stands in the ledger",
  (by, reason, available, [found, lost]) => {
    const engine = shop();
    expect(adjust(engine, by, reason)).toMatchObject({ code: "ok", result: { available, held: 0, sold: 0 } });
    expect([unitsOn(engine, "found"), unitsOn(engine, "lost")]).toEqual([found, lost]);
    expectSound(engine);
  },
);

test.each([
  [1, "loss"],
  [1, "damage"],
  [-1, "found"],
  [0, "correction"],
])("%i by a reason of %s is refused, and its ref is not used up", (by, reason) => {
  const engine = shop();
  expect(adjust(engine, by, reason, { ref: "r" })).toMatchObject({
    code: "invalid_request",
    details: { path: "params.by" },
  });
  expect(adjust(engine, 1, "found", { ref: "r" })).toMatchObject({ code: "ok", replayed: false });
});

test("fewer only of what nobody holds or has bought", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 3 }));
  engine.ask(place("ann", "k2", { tea: 2 }, { pay: "balance" }));
  const tooMany = { code: "insufficient_stock", details: { available: 5 } };
  expect(adjust(engine, -6, "damage", { ref: "r" })).toMatchObject({ ...tooMany, replayed: false });
  expect(adjust(engine, -5, "damage")).toMatchObject({
    code: "ok",
    result: { available: 0, held: 3, sold: 2 },
  });
  expect(adjust(engine, -6, "damage", { ref: "r" })).toMatchObject({ ...tooMany, replayed: true });
  expectSound(engine);
});

test("no more than 10^12 units, also when they are found", () => {
  const engine = shop();
  engine.ask({ method: "product.restock", product: "tea", qty: 1e12 - 10 });
  expect(adjust(engine, 1, "found").code).toBe("amount_overflow");
});

test("an adjustment and a count happen once, and their refs are those of restocks too", () => {
  const engine = shop();
  const first = adjust(engine, -1, "loss", { ref: "r" });
  adjust(engine, -1, "loss");
  expect(adjust(engine, -1, "loss", { ref: "r" })).toEqual({ ...first, replayed: true });
  expect(adjust(engine, -2, "loss", { ref: "r" }).code).toBe("key_reused");
  expect(count(engine, 8, { ref: "r" }).code).toBe("key_reused");
  expect(engine.ask({ method: "product.restock", product: "tea", qty: 1, ref: "r" }).code).toBe("key_reused");
  const counted = count(engine, 5, { ref: "c" });
  engine.ask({ method: "product.restock", product: "tea", qty: 1 });
  expect(count(engine, 5, { ref: "c" })).toEqual({ ...counted, replayed: true });
  expect(stockOf(engine, "tea")).toEqual([6, 0, 0]);
});

test.each([
  [7, 4, [0, 1]],
  [8, 5, [0, 0]],
  [12, 9, [-4, 0]],
  [3, 0, [0, 5]],
])("of 5 available and 3 held, %i counted leave %i available", (counted, available, [found, lost]) => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 3 }));
  engine.ask(place("ann", "k2", { tea: 2 }, { pay: "balance" }));
  expect(count(engine, counted)).toMatchObject({
    code: "ok",
    result: { available, held: 3, sold: 2, short: 0 },
  });
  expect([unitsOn(engine, "found"), unitsOn(engine, "lost")]).toEqual([found, lost]);
  expect(items(engine)).toEqual([]);
  expectSound(engine);
});

/** One way for each in which units of `tea` come back. */
const waysBack: readonly (readonly [string, (engine: TestEngine, held: string, sold: string) => void])[] = [
  ["a restock", (engine) => engine.ask({ method: "product.restock", product: "tea", qty: 2 })],
  ["units that are found", (engine) => adjust(engine, 2, "found")],
  ["another count", (engine) => count(engine, 4)],
  ["a cancellation", (engine, order) => engine.ask({ method: "order.cancel", order, key: "c" })],
  ["the end of a hold", (engine) => engine.pass(2_000_000)],
  [
    "a refund whose units come back",
    (engine, _, order) =>
      engine.ask({ method: "order.refund", order, key: "r", reason: "late", restock: true } as never),
  ],
  [
    "units that may be sold before they are there",
    (engine) => engine.ask({ method: "product.update", product: "tea", backorder: 2 }),
  ],
];

for (const shards of [1, 3]) {
  test.each(waysBack)(
    `SHORTAGE-1: a count finds fewer units than are held: nothing new is sold, a human is told, and it ends by %s (${shards} shards)`,
    (_, back) => {
      const engine = shop({ shards });
      // Across shards when there are several.
      const held = engine.ask(place("ann", "k1", { tea: 4, mug: 1 })).result.order;
      const sold = engine.ask(place("ben", "k2", { tea: 2 }, { pay: "balance" })).result.order;
      expect(count(engine, 2)).toMatchObject({
        code: "ok",
        result: { available: -2, held: 4, sold: 2, short: 2, backordered: 0 },
      });
      expect(items(engine)).toMatchObject([
        { kind: "stock_short", subject: "tea", units: 2, state: "open", amount: null, actions: ["done"] },
      ]);
      expect(engine.ask(place("ben", "k3", { tea: 1 }))).toMatchObject({
        code: "insufficient_stock",
        details: { available: 0 },
      });
      expect(adjust(engine, -1, "loss")).toMatchObject({
        code: "insufficient_stock",
        details: { available: 0 },
      });
      expect(firstBad(engine)).toBeUndefined();
      back(engine, held, sold);
      expect(get(engine).short).toBe(0);
      expect(items(engine)).toEqual([]);
      expect(items(engine, "resolved")).toMatchObject([
        { subject: "tea", resolution: { action: "itself", operator: "engine" } },
      ]);
      expectSound(engine);
    },
  );
}

test("what is held of a product that is short can be paid, and some units too few end nothing", () => {
  const engine = shop();
  const { order } = engine.ask(place("ann", "k1", { tea: 4 })).result;
  count(engine, 1);
  expect(engine.ask({ method: "order.pay", order, key: "p" }).code).toBe("ok");
  engine.ask({ method: "product.restock", product: "tea", qty: 2 });
  expect(get(engine)).toMatchObject({ available: -1, held: 0, sold: 4, short: 1 });
  expect(items(engine)).toHaveLength(1);
  // Nobody's units are on the shelf, and one is owed: an empty shelf is as it should be.
  expect(count(engine, 0).result).toMatchObject({ available: -1 });
  expectSound(engine);
});

test("a human has seen to it: the item is resolved, and what is short stays short", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 4 }));
  count(engine, 1);
  const { item } = items(engine)[0];
  const asked = {
    method: "human.resolve",
    item,
    action: "done",
    reason: "called the buyer",
    operator: "ops",
  };
  expect(engine.ask(asked as never).code).toBe("ok");
  expect(get(engine)).toMatchObject({ available: -3, short: 3 });
  count(engine, 0);
  expect(items(engine)).toMatchObject([{ units: 4 }]);
  expectSound(engine);
});

test("an older item of another kind is not touched when units come back", () => {
  const engine = shop();
  const payment = { provider: "alipay", paymentId: "p1", order: "nobody's", amount: "1.00", currency: "CNY" };
  engine.ask({ method: "payment.notify", ...payment });
  engine.ask({ method: "product.restock", product: "tea", qty: 2 });
  expect(items(engine)).toHaveLength(1);
});

test.each([1, 3])(
  "backorder: a sale may leave so many less than nothing, and a restock pays it off (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    expect(engine.ask(product("pre", "1.00", { stock: 1, backorder: 3 })).result).toMatchObject({
      ...{ version: 1, backorder: 3, backordered: 0, available: 1 },
    });
    const of = (key: string, qty: number, more: Record<string, unknown> = {}) =>
      engine.ask(place("ann", key, { pre: qty, tea: 1 }, more));
    const order = of("k1", 3).result.order;
    expect(get(engine, "pre")).toMatchObject({ available: -2, held: 3, backordered: 2, short: 0 });
    for (const mode of ["tcc", "saga"])
      expect(of(`k-${mode}`, 2, { pay: "balance", mode })).toMatchObject({
        code: "insufficient_stock",
        details: { lines: [{ product: "pre", code: "insufficient_stock", available: 1 }] },
      });
    expect(of("k2", 1, { pay: "balance", mode: "saga" }).code).toBe("ok");
    expect(get(engine, "pre")).toMatchObject({ available: -3, held: 3, sold: 1, backordered: 3 });
    engine.ask({ method: "order.pay", order, key: "p" });
    expect(engine.ask({ method: "product.restock", product: "pre", qty: 5 }).result).toMatchObject({
      ...{ available: 2, held: 0, sold: 4, backordered: 0 },
    });
    expect(items(engine)).toEqual([]);
    expectSound(engine);
  },
);

test("a backorder that is lowered takes nothing away and sells nothing more", () => {
  const engine = shop();
  const backorder = (n: number) =>
    engine.ask({ method: "product.update", product: "tea", backorder: n }).result;
  expect(backorder(5)).toMatchObject({ backorder: 5, version: 2 });
  const { order } = engine.ask(place("ann", "k1", { tea: 1 })).result;
  adjust(engine, -9, "loss");
  engine.ask(place("ben", "k2", { tea: 4 }));
  expect(backorder(1)).toMatchObject({ available: -4, backordered: 1, short: 3 });
  expect(engine.ask(place("ben", "k3", { tea: 1 })).code).toBe("insufficient_stock");
  engine.ask({ method: "order.cancel", order, key: "c" });
  expect(get(engine)).toMatchObject({ available: -3, held: 4 });
  expectSound(engine);
});

test("already_exists compares what may be sold before it is there", () => {
  const engine = shop();
  const pre = product("pre", "1.00", { backorder: 3 });
  engine.ask(pre);
  expect(engine.ask(pre).details).toMatchObject({ same: true });
  expect(engine.ask({ ...pre, backorder: 4 }).details).toMatchObject({ same: false });
});

test("a count of what was sold before it is there: an empty shelf is as it should be", () => {
  const engine = shop();
  engine.ask(product("pre", "1.00", { stock: 0, backorder: 9 }));
  engine.ask(place("ann", "k1", { pre: 3 }, { pay: "balance" }));
  const counted = (n: number) =>
    engine.ask({ method: "product.count", product: "pre", counted: n, ref: `p${n}` } as never).result;
  expect(counted(0)).toMatchObject({ available: -3, sold: 3 });
  expect(counted(4)).toMatchObject({ available: 1, sold: 3 });
  expectSound(engine);
});

test.each(["tcc", "saga"] as const)(
  "a program's %s takes units that are not there yet within the same bound",
  (mode) => {
    const part = (qty: number): PartSpec => ({ kind: "stock", name: "take", product: "pre", qty });
    const engine = shop({ plan: (_name, input) => ({ mode, parts: [part(input as number)] }) });
    engine.ask(product("pre", "1.00", { stock: 0, backorder: 2 }));
    const take = (qty: number) =>
      engine.ask({
        method: "transaction.begin",
        account: "ann",
        key: `k${qty}`,
        name: "take",
        input: qty,
        wait: true,
      }).result.state;
    expect([take(3), take(2), take(1)]).toEqual(["undone", "done", "undone"]);
    expect(stockOf(engine, "pre")).toEqual([-2, 0, 2]);
    engine.ask({ method: "product.restock", product: "pre", qty: 3 });
    expect(take(1)).toBe("undone");
    expect(engine.ask(place("ann", "k", { pre: 3 })).code).toBe("ok");
    expectSound(engine);
  },
);

test("what was lost, found and counted is told", () => {
  const engine = shop();
  engine.ask({ method: "feed.subscribe", topic: "product:tea" });
  adjust(engine, -2, "damage", { ref: "a", operator: "ops.li", remark: "wet" });
  count(engine, 9, { ref: "c" });
  engine.settle();
  expect(engine.pushes().map(({ type, data }) => [type, data])).toEqual([
    [
      "product.adjusted",
      {
        ...{ product: "tea", reason: "damage", by: -2, available: 8, ref: "a" },
        ...{ operator: "ops.li", remark: "wet" },
      },
    ],
    ["product.counted", { product: "tea", counted: 9, by: 1, available: 9, ref: "c" }],
  ]);
});
