import { expect, test } from "vitest";
import { type Code, refuse } from "../../../actors/results.js";
import { type CommandParams, epochMs, type TestEngine, testEngine } from "../../support/engine.js";
import { place, product } from "../../support/shop.js";

/** Minute 10 of a shop with something wrong on every stockBucket. Keys first used in minute 0 are forgotten. */
function troubledShop(shards: number): TestEngine {
  const engine = testEngine({ shards, settings: { keysKeepMs: 300_000 } });
  for (const [account, amount] of [
    ["ann", "100.00"],
    ["ben", "0.01"],
  ]) {
    engine.ask({ method: "account.open", account, currency: "CNY" });
    engine.ask({ method: "account.deposit", account, amount, ref: "start" });
  }
  engine.ask(product("tea", "10.00"));
  engine.ask(product("mug", "10.00", { stock: 1 }));
  engine.ask(product("pen", "10.00", { limitPerAccount: 1 }));
  engine.ask(product("hat", "10.00", { limitPerAccount: 1, stock: 1 }));
  engine.ask(product("soon", "10.00", { saleStartsAt: epochMs + 3_600_000 }));
  engine.ask(product("over", "10.00", { saleEndsAt: epochMs + 60_000 }));
  engine.ask(product("wein", "10.00", { currency: "EUR" }));
  engine.ask(product("dear", "90071992547409.91"));
  const { order } = engine.ask(place("ann", "forgotten", { tea: 1 }, { at: epochMs })).result;
  engine.ask({ method: "order.cancel", order, key: "forgotten-too", at: epochMs });
  engine.pass(600_000);
  engine.ask(place("ann", "used", { tea: 1 }, { pay: "balance" }));
  engine.ask({ method: "account.deposit", account: "ann", amount: "1.00", ref: "used" });
  engine.ask({ method: "product.restock", product: "tea", qty: 1, ref: "used" });
  return engine;
}

interface Row {
  readonly first: Code;
  readonly second: Code;
  /** Both apply. */
  readonly both: CommandParams;
  /** The same request without the reason for the first. */
  readonly without: Record<string, unknown>;
}

const lines = (cart: Record<string, number>) => place("", "", cart).lines;
const balance = { pay: "balance" };
const deposit = (more: Record<string, unknown>): CommandParams => ({
  method: "account.deposit",
  account: "ann",
  amount: "1.00",
  ref: "new",
  ...more,
});
const restockMax = 1_000_000_000_000;

const placing: readonly Row[] = [
  {
    first: "deadline_exceeded",
    second: "key_reused",
    both: place("ann", "used", { tea: 2 }, { refuseAfter: 1 }),
    without: { refuseAfter: 0 },
  },
  {
    first: "key_reused",
    second: "product_not_found",
    both: place("ann", "used", { nil: 1 }),
    without: { key: "new" },
  },
  {
    first: "key_reused",
    second: "key_too_old",
    both: place("ann", "used", { tea: 2 }, { at: epochMs }),
    without: { key: "new" },
  },
  {
    first: "key_too_old",
    second: "product_not_found",
    both: place("ann", "new", { nil: 1 }, { at: epochMs }),
    without: { at: epochMs + 1 },
  },
  {
    first: "product_not_found",
    second: "account_not_found",
    both: place("nobody", "new", { tea: 1, nil: 1 }),
    without: { lines: lines({ tea: 1 }) },
  },
  {
    first: "product_not_found",
    second: "invalid_amount",
    both: place("ann", "new", { tea: 1, nil: 1 }, { expectedTotal: "1.001" }),
    without: { lines: lines({ tea: 1 }) },
  },
  {
    first: "product_not_found",
    second: "insufficient_stock",
    both: place("ann", "new", { mug: 2, nil: 1 }),
    without: { lines: lines({ mug: 2 }) },
  },
  {
    first: "account_not_found",
    second: "sale_ended",
    both: place("nobody", "new", { over: 1 }),
    without: { account: "ann" },
  },
  {
    first: "invalid_amount",
    second: "amount_overflow",
    both: place("ann", "new", { dear: 2 }, { expectedTotal: "-1" }),
    without: { expectedTotal: undefined },
  },
  {
    first: "invalid_amount",
    second: "insufficient_stock",
    both: place("ann", "new", { mug: 2 }, { expectedTotal: "20.000" }),
    without: { expectedTotal: "20.00" },
  },
  {
    first: "amount_overflow",
    second: "currency_mismatch",
    both: place("ann", "new", { dear: 2, wein: 1 }),
    without: { lines: lines({ wein: 1 }) },
  },
  {
    first: "currency_mismatch",
    second: "sale_not_started",
    both: place("ann", "new", { soon: 1, wein: 1 }),
    without: { lines: lines({ soon: 1 }) },
  },
  {
    first: "currency_mismatch",
    second: "insufficient_stock",
    both: place("ann", "new", { wein: 11 }),
    without: { lines: lines({ mug: 11 }) },
  },
  {
    first: "sale_not_started",
    second: "sale_ended",
    both: place("ann", "new", { over: 1, soon: 1 }),
    without: { lines: lines({ over: 1 }) },
  },
  {
    first: "sale_not_started",
    second: "price_changed",
    both: place("ann", "new", { soon: 1 }, { expectedTotal: "9.00" }),
    without: { lines: lines({ tea: 1 }) },
  },
  {
    first: "sale_ended",
    second: "price_changed",
    both: place("ann", "new", { over: 1 }, { expectedTotal: "9.00" }),
    without: { lines: lines({ tea: 1 }) },
  },
  {
    first: "price_changed",
    second: "limit_exceeded",
    both: place("ann", "new", { pen: 2 }, { expectedTotal: "19.99" }),
    without: { expectedTotal: "20.00" },
  },
  {
    first: "price_changed",
    second: "insufficient_stock",
    both: place("ann", "new", { mug: 2 }, { expectedTotal: "10.00" }),
    without: { expectedTotal: "20.00" },
  },
  {
    first: "price_changed",
    second: "insufficient_funds",
    both: place("ben", "new", { tea: 1 }, { ...balance, expectedTotal: "9.00" }),
    without: { expectedTotal: "10.00" },
  },
  {
    first: "limit_exceeded",
    second: "insufficient_stock",
    both: place("ann", "new", { hat: 2 }),
    without: { lines: lines({ mug: 2 }) },
  },
  {
    first: "limit_exceeded",
    second: "insufficient_stock",
    both: place("ann", "new", { mug: 2, pen: 2 }),
    without: { lines: lines({ mug: 2, pen: 1 }) },
  },
  {
    first: "limit_exceeded",
    second: "insufficient_funds",
    both: place("ben", "new", { pen: 2 }, balance),
    without: { lines: lines({ pen: 1 }) },
  },
  {
    first: "insufficient_stock",
    second: "insufficient_funds",
    both: place("ben", "new", { mug: 2 }, balance),
    without: { lines: lines({ mug: 1 }) },
  },
];

const others: readonly Row[] = [
  {
    first: "invalid_request",
    second: "already_exists",
    both: { method: "account.open", account: "ann", currency: "XXX" },
    without: { currency: "CNY" },
  },
  {
    first: "invalid_request",
    second: "invalid_amount",
    both: product("new", "1.001", { currency: "XXX" }),
    without: { currency: "CNY" },
  },
  {
    first: "invalid_amount",
    second: "already_exists",
    both: product("tea", "1.001"),
    without: { price: "1.00" },
  },
  {
    first: "amount_overflow",
    second: "already_exists",
    both: product("tea", "90071992547409.92"),
    without: { price: "1.00" },
  },
  {
    first: "product_not_found",
    second: "invalid_amount",
    both: { method: "product.reprice", product: "nil", price: "1.001" },
    without: { product: "tea" },
  },
  {
    first: "product_not_found",
    second: "amount_overflow",
    both: { method: "product.restock", product: "nil", qty: restockMax },
    without: { product: "tea" },
  },
  {
    first: "key_reused",
    second: "amount_overflow",
    both: { method: "product.restock", product: "tea", qty: restockMax, ref: "used" },
    without: { ref: "new" },
  },
  {
    first: "account_not_found",
    second: "invalid_amount",
    both: deposit({ account: "nobody", amount: "0" }),
    without: { account: "ann" },
  },
  {
    first: "key_reused",
    second: "invalid_amount",
    both: deposit({ ref: "used", amount: "0" }),
    without: { ref: "new" },
  },
  {
    first: "amount_overflow",
    second: "insufficient_funds",
    both: deposit({ method: "account.withdraw", amount: "90071992547409.92" }),
    without: { amount: "90071992547409.91" },
  },
  {
    first: "invalid_amount",
    second: "insufficient_funds",
    both: deposit({ method: "account.withdraw", amount: "90000.001" }),
    without: { amount: "90000.00" },
  },
];

for (const shards of [1, 3]) {
  const rows = [...placing, ...others];
  test.each(rows)(`$both.method: $first goes before $second (${shards} shards)`, (row) => {
    expect(troubledShop(shards).ask(row.both).code).toBe(row.first);
    expect(troubledShop(shards).ask({ ...row.both, ...row.without }).code).toBe(row.second);
  });

  test.each(rows)(
    `$both.method refused with $first changes no stock and no balance (${shards} shards)`,
    (row) => {
      const engine = troubledShop(shards);
      const before = everything(engine);
      engine.ask(row.both);
      expect(everything(engine)).toEqual(before);
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    },
  );
}

function everything(engine: TestEngine): unknown[] {
  const products = ["tea", "mug", "pen", "hat", "soon", "over", "wein", "dear"];
  return [
    ...products.map((id) => engine.ask({ method: "product.get", product: id }).result),
    ...["ann", "ben"].map((account) => engine.ask({ method: "account.get", account }).result),
  ];
}

test("pay: a key that was used otherwise goes before the order's status", () => {
  const engine = troubledShop(1);
  const { order } = engine.ask(place("ann", "o", { tea: 1 }, balance)).result;
  expect(engine.ask({ method: "order.pay", order, key: "used" }).code).toBe("key_reused");
  expect(engine.ask({ method: "order.pay", order, key: "late", at: epochMs }).code).toBe("key_too_old");
  expect(engine.ask({ method: "order.pay", order, key: "new" }).code).toBe("invalid_transition");
});

test("pay: the status goes before the funds, because nothing is due on an order that cannot be paid", () => {
  const engine = troubledShop(1);
  const { order } = engine.ask(place("ben", "o", { tea: 1 })).result;
  expect(engine.ask({ method: "order.pay", order, key: "k1" }).code).toBe("insufficient_funds");
  engine.ask({ method: "order.cancel", order, key: "k2" });
  expect(engine.ask({ method: "order.pay", order, key: "k3" }).code).toBe("invalid_transition");
});

test.each([
  ["order.get", {}],
  ["order.history", {}],
  ["order.pay", { key: "used" }],
  ["order.cancel", { key: "used" }],
] as const)("%s of an order that does not exist: order_not_found", (method, more) => {
  const engine = troubledShop(1);
  for (const order of ["o1024", "o999999999", "nonsense", ""]) {
    expect(engine.ask({ method, order, ...more }).code).toBe("order_not_found");
  }
});

test.each([
  ["product.get", { product: "nil" }, "product_not_found"],
  ["account.get", { account: "nobody" }, "account_not_found"],
  ["account.statement", { account: "nobody" }, "account_not_found"],
  ["order.list", { account: "nobody" }, "account_not_found"],
  ["feed.unsubscribe", { sub: 99 }, "invalid_request"],
  ["feed.subscribe", { topic: "product:tea", from: 9_999_999 }, "invalid_request"],
] as const)("%s %o: %s", (method, params, code) => {
  expect(troubledShop(1).ask({ method, ...params }).code).toBe(code);
});

test.each(["order.place", "product.create", "account.open"])(
  "while draining, %s is refused before its key or its subject is looked at",
  (method) => {
    const engine = troubledShop(1);
    engine.shards[0]!.refuseNewWith = refuse("shutting_down");
    const asked = {
      "order.place": place("ann", "used", { nil: 1 }),
      "product.create": product("tea", "1.001"),
      "account.open": { method: "account.open", account: "ann", currency: "XXX" } as const,
    }[method]!;
    expect(engine.ask(asked).code).toBe("shutting_down");
    engine.shards[0]!.refuseNewWith = undefined;
    expect(engine.ask(asked).code).not.toBe("shutting_down");
  },
);

test("while draining, what serves orders and accounts that exist goes on", () => {
  const engine = troubledShop(1);
  const { order } = engine.ask(place("ann", "o", { tea: 1 })).result;
  engine.shards[0]!.refuseNewWith = refuse("shutting_down");
  expect(engine.ask({ method: "order.get", order }).code).toBe("ok");
  expect(engine.ask(deposit({})).code).toBe("ok");
  expect(engine.ask({ method: "product.restock", product: "tea", qty: 1 }).code).toBe("ok");
  expect(engine.ask({ method: "order.pay", order, key: "p" }).code).toBe("ok");
});
