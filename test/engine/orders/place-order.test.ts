import { expect, test } from "vitest";
import { type TestEngine, testEngine } from "../../support/engine.js";

function shop(options: Parameters<typeof testEngine>[0] = {}): TestEngine {
  const engine = testEngine(options);
  for (const account of ["ann", "ben"]) {
    engine.ask({ method: "account.open", account, currency: "CNY" });
    engine.ask({ method: "account.deposit", account, amount: "100.00", ref: "start" });
  }
  engine.ask({
    method: "product.create",
    product: "tea",
    name: "Tea",
    price: "9.99",
    currency: "CNY",
    stock: 1,
  });
  return engine;
}

const placeTea = {
  method: "order.place",
  lines: [{ product: "tea", qty: 1 }],
  pay: "balance",
  mode: "tcc",
} as const;

for (const shards of [1, 4]) {
  test(`last item, two buyers: one wins, one gets insufficient_stock (${shards} shards)`, () => {
    const engine = shop({ shards });
    const ann = engine.submit({ ...placeTea, account: "ann", key: "k1" });
    const ben = engine.submit({ ...placeTea, account: "ben", key: "k1" });
    engine.settle();
    const codes = [engine.answerTo(ann)!.code, engine.answerTo(ben)!.code].sort();
    expect(codes).toEqual(["insufficient_stock", "ok"]);
    expect(engine.ask({ method: "product.get", product: "tea" }).result).toMatchObject({
      available: 0,
      sold: 1,
    });
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`the same key again gets the stored answer and moves nothing (${shards} shards)`, () => {
    const engine = shop({ shards });
    const first = engine.ask({ ...placeTea, account: "ann", key: "k1" });
    expect(first).toMatchObject({
      code: "ok",
      replayed: false,
      result: { status: "Paid", amountPaid: "9.99" },
    });
    const again = engine.ask({ ...placeTea, account: "ann", key: "k1" });
    expect(again).toEqual({ ...first, replayed: true });
    expect(engine.ask({ method: "account.get", account: "ann" }).result.available).toBe("90.01");
    expect(engine.ask({ ...placeTea, account: "ann", key: "k1", pay: "later" }).code).toBe("key_reused");
  });

  test(`a hold that nobody pays gives its stock back at its deadline and grace (${shards} shards)`, () => {
    const engine = shop({ shards, settings: { graceMs: 2000 } });
    const placed = engine.ask({ ...placeTea, account: "ann", key: "k1", pay: "later", payWithinMs: 5000 });
    expect(placed.result).toMatchObject({ status: "Created", next: ["pay", "cancel"] });
    engine.pass(6990);
    expect(engine.ask({ method: "product.get", product: "tea" }).result).toMatchObject({
      available: 0,
      held: 1,
    });
    engine.pass(20);
    expect(engine.ask({ method: "product.get", product: "tea" }).result).toMatchObject({
      available: 1,
      held: 0,
    });
    const late = engine.ask({ method: "order.pay", order: placed.result.order, key: "k2" });
    expect(late.code).toBe("invalid_transition");
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });
}

test("an order's answer says everything that was agreed", () => {
  const engine = shop();
  expect(engine.ask({ ...placeTea, account: "ann", key: "k1", pay: "later" }).result).toEqual({
    order: expect.stringMatching(/^o[0-9]+$/),
    status: "Created",
    version: 1,
    account: "ann",
    lines: [{ product: "tea", name: "Tea", qty: 1, unitPrice: "9.99", subtotal: "9.99" }],
    total: "9.99",
    currency: "CNY",
    amountPaid: "0.00",
    amountRefunded: "0.00",
    payBy: "2026-01-01T00:15:00.000Z",
    createdAt: "2026-01-01T00:00:00.000Z",
    next: ["pay", "cancel"],
  });
  expect(engine.ask({ ...placeTea, account: "ann", key: "k2" }).code).toBe("insufficient_stock");
});

test("paid as it is placed: no deadline, and it may be packed or refunded next", () => {
  const { result } = shop().ask({ ...placeTea, account: "ann", key: "k1" });
  expect(result).toMatchObject({
    status: "Paid",
    version: 1,
    amountPaid: "9.99",
    payBy: null,
    next: ["pack", "refund"],
  });
});

test("a total of 0 is paid as it is placed, also when it was to be paid later", () => {
  for (const shards of [1, 4]) {
    const engine = shop({ shards });
    engine.ask({ method: "product.reprice", product: "tea", price: "0" });
    const placed = engine.ask({ ...placeTea, account: "ann", key: "k1", pay: "later" });
    expect(placed.result).toMatchObject({ status: "Paid", total: "0.00", payBy: null });
    expect(engine.ask({ method: "product.get", product: "tea" }).result).toMatchObject({ held: 0, sold: 1 });
  }
});

test("both modes of paying at once do the same on one shard", () => {
  for (const mode of ["tcc", "saga"]) {
    expect(shop().ask({ ...placeTea, mode, account: "ann", key: "k1" }).result).toMatchObject({
      status: "Paid",
    });
  }
});

test("order numbers are never given twice, and lead to the shard of the account", () => {
  const engine = shop({ shards: 4 });
  engine.ask({ method: "product.restock", product: "tea", qty: 100 });
  const orders = new Set<string>();
  for (let n = 0; n < 20; n++) {
    for (const account of ["ann", "ben"]) {
      const { order } = engine.ask({ ...placeTea, account, key: `k${n}`, pay: "later" }).result;
      expect(engine.ask({ method: "order.get", order }).result.account).toBe(account);
      orders.add(order);
    }
  }
  expect(orders.size).toBe(40);
});
