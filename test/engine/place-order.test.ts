import { expect, test } from "vitest";
import { type TestEngine, testEngine } from "../support/engine.js";

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
