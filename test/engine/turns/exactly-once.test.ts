import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Answer,
  type CommandParams,
  epochMs,
  type TestEngine,
  testEngine,
} from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

const buyTea = place("ann", "k1", { tea: 1 }, { pay: "balance" });
/** For ann of shard 1 (of 3), the tea is at home and the mug is not. */
const carts = [
  { where: "one shard", shards: 1, cart: { tea: 1 }, price: "9.99" },
  { where: "one of three shards", shards: 3, cart: { tea: 1 }, price: "9.99" },
  { where: "across three shards", shards: 3, cart: { tea: 1, mug: 1 }, price: "34.99" },
] as const;

for (const { where, shards, cart, price } of carts) {
  const request = place("ann", "k1", cart, { pay: "balance" });

  test(`nothing is known of the key: it runs (${where})`, () => {
    const answer = shop({ shards }).ask(request);
    expect(answer).toMatchObject({ code: "ok", replayed: false, result: { amountPaid: price } });
  });

  test(`done, same params: the stored result, and nothing moves (${where})`, () => {
    const engine = shop({ shards });
    const first = engine.ask(request);
    const money = balanceOf(engine, "ann");
    expect(engine.ask(request)).toEqual({ ...first, replayed: true });
    expect(engine.ask({ ...request, at: epochMs })).toEqual({ ...first, replayed: true });
    expect(balanceOf(engine, "ann")).toBe(money);
    expect(stockOf(engine, "tea")).toEqual([9, 0, 1]);
  });

  test(`the stored result is the order as it was then, not as it is now (${where})`, () => {
    const engine = shop({ shards });
    const later = { ...request, pay: "later" };
    const first = engine.ask(later);
    const pay = { method: "order.pay", order: first.result.order, key: "k2" } as const;
    const paid = engine.ask(pay);
    expect(engine.ask(later)).toEqual({ ...first, replayed: true });
    expect(engine.ask(pay)).toEqual({ ...paid, replayed: true });
    expect(first.result).toMatchObject({
      status: "Created",
      version: 1,
      amountPaid: "0.00",
      next: ["pay", "cancel"],
    });
    expect(paid.result).toMatchObject({
      status: "Paid",
      version: 2,
      amountPaid: price,
      payBy: null,
      next: ["pack", "refund"],
    });
    expect(engine.restart().ask(later)).toEqual({ ...first, replayed: true });
  });

  test(`a refusal that depended on the books is stored, also when the books have changed since (${where})`, () => {
    const engine = shop({ shards });
    const tooMany = {
      ...request,
      lines: [{ product: "tea", qty: 11 }, ...(request.lines as object[]).slice(1)],
    };
    const first = engine.ask(tooMany);
    expect(first).toMatchObject({ code: "insufficient_stock", replayed: false });
    engine.ask({ method: "product.restock", product: "tea", qty: 100 });
    expect(engine.ask(tooMany)).toEqual({ ...first, replayed: true });
    expect(engine.ask({ ...tooMany, key: "k2" }).code).toBe("insufficient_funds");
    expect(engine.restart().ask(tooMany)).toEqual({ ...first, replayed: true });
  });

  test(`the same key twice in one batch: one runs, the other is a replay (${where})`, () => {
    const engine = shop({ shards });
    const ids = [engine.submit(request), engine.submit(request), engine.submit(request)];
    engine.settle();
    const [first, ...again] = ids.map((id) => engine.answerTo(id)!);
    expect(first).toMatchObject({ code: "ok", replayed: false });
    for (const answer of again) expect(answer).toEqual({ ...first, replayed: true });
    expect(stockOf(engine, "tea")).toEqual([9, 0, 1]);
  });

  test(`lookup: never_seen, then the stored answer, a refusal as well (${where})`, () => {
    const engine = shop({ shards });
    const lookup = (key: string) => engine.ask({ method: "order.lookup", account: "ann", key }).result;
    expect(lookup("k1")).toEqual({ state: "never_seen" });
    const first = engine.ask(request);
    expect(lookup("k1")).toEqual({ state: "found", result: first.result });
    const refused = engine.ask({ ...request, key: "k2", lines: [{ product: "nil", qty: 1 }] });
    expect(lookup("k2")).toMatchObject({ state: "found", error: { code: refused.code } });
    expect(engine.ask({ method: "order.lookup", account: "nobody", key: "k1" }).result).toEqual({
      state: "never_seen",
    });
  });

  test(`the same key of two accounts is two keys (${where})`, () => {
    const engine = shop({ shards });
    expect(engine.ask(request).replayed).toBe(false);
    expect(engine.ask({ ...request, account: "ben" })).toMatchObject({ code: "ok", replayed: false });
  });
}

test.each<[string, Record<string, unknown>]>([
  ["another qty", { lines: [{ product: "tea", qty: 2 }] }],
  ["another product", { lines: [{ product: "mug", qty: 1 }] }],
  [
    "one line more",
    {
      lines: [
        { product: "tea", qty: 1 },
        { product: "mug", qty: 1 },
      ],
    },
  ],
  ["pay", { pay: "later" }],
  ["mode", { mode: "saga" }],
  ["payWithinMs", { payWithinMs: 5000 }],
  ["expectedTotal", { expectedTotal: "9.99" }],
])("anything, other params (%s): key_reused, and nothing is executed", (_, more) => {
  for (const done of [buyTea, { ...buyTea, lines: [{ product: "nil", qty: 1 }] }]) {
    const engine = shop();
    engine.ask(done);
    const before = [balanceOf(engine, "ann"), stockOf(engine, "tea")];
    expect(engine.ask({ ...done, ...more })).toMatchObject({ code: "key_reused", replayed: false });
    expect([balanceOf(engine, "ann"), stockOf(engine, "tea")]).toEqual(before);
  }
});

test("a key belongs to its account, whatever the method: pay under the key of the placement is key_reused", () => {
  const engine = shop();
  const { order } = engine.ask({ ...buyTea, pay: "later" }).result;
  expect(engine.ask({ method: "order.pay", order, key: "k1" }).code).toBe("key_reused");
  expect(engine.ask({ method: "order.cancel", order, key: "k1" }).code).toBe("key_reused");
  engine.ask({ method: "order.cancel", order, key: "k2", reason: "a" });
  expect(engine.ask({ method: "order.cancel", order, key: "k2", reason: "b" }).code).toBe("key_reused");
  expect(engine.ask({ method: "order.cancel", order, key: "k2" }).code).toBe("key_reused");
});

test("still running across shards, same params: both get the first run's result", () => {
  const engine = shop({ shards: 3 });
  const request = place("ann", "k1", { tea: 1, mug: 1 }, { pay: "balance" });
  const home = engine.shards[1]!;
  const first = engine.submit(request);
  while (home.step());
  const again = engine.submit(request);
  const other = engine.submit({ ...request, pay: "later" });
  const lookup = engine.submit({ method: "order.lookup", account: "ann", key: "k1" });
  while (home.step());
  expect(engine.answerTo(first)).toBeUndefined();
  expect(engine.answerTo(again)).toBeUndefined();
  expect(engine.answerTo(other)).toMatchObject({ code: "key_reused" });
  expect(engine.answerTo(lookup)!.result).toEqual({ state: "running" });
  engine.settle();
  expect(engine.answerTo(first)).toMatchObject({ code: "ok", replayed: false });
  expect(engine.answerTo(again)).toEqual({ ...engine.answerTo(first), replayed: true });
  expect(stockOf(engine, "mug")).toEqual([1, 0, 1]);
});

test("still running when the engine stopped: the retry after the restart waits for the same order", () => {
  const engine = shop({ shards: 3 });
  const request = place("ann", "k1", { tea: 1, mug: 1 });
  engine.submit(request);
  while (engine.shards[1]!.step());
  const restarted = engine.restart();
  const answer = restarted.ask(request);
  expect(answer).toMatchObject({ code: "ok", replayed: false, result: { status: "Created" } });
  expect(stockOf(restarted, "mug")).toEqual([1, 1, 0]);
});

test.each<[string, CommandParams, Record<string, unknown>]>([
  ["deadline_exceeded", { ...buyTea, refuseAfter: 1 }, { refuseAfter: 0 }],
  ["order_not_found", { method: "order.pay", key: "k1", order: "o999999" }, buyTea],
])("%s is not stored: the same key may run later", (code, request, instead) => {
  const engine = shop();
  expect(engine.ask(request)).toMatchObject({ code, replayed: false });
  expect(engine.ask({ method: "order.lookup", account: "ann", key: "k1" }).result.state).toBe("never_seen");
  expect(engine.ask({ ...request, ...instead })).toMatchObject({ code: "ok", replayed: false });
});

test("a refusal is kept for an account that was not open, also when it is opened afterwards", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    const request = place("new", "k1", { tea: 1 });
    expect(engine.ask(request)).toMatchObject({ code: "account_not_found", replayed: false });
    engine.ask({ method: "account.open", account: "new", currency: "CNY" });
    expect(engine.ask(request)).toMatchObject({ code: "account_not_found", replayed: true });
    expect(engine.ask({ ...request, key: "k2" }).code).toBe("ok");
  }
});

test("a dry run uses no key and leaves no trace in the log", () => {
  const engine = shop();
  const { position } = engine.shards[0]!.books;
  const dry = engine.ask({ ...buyTea, dryRun: true });
  expect(dry).toMatchObject({ code: "ok", result: { order: "", status: "Paid", total: "9.99", version: 0 } });
  expect(engine.ask({ ...buyTea, lines: [{ product: "nil", qty: 1 }], dryRun: true }).code).toBe(
    "product_not_found",
  );
  expect(engine.ask({ ...buyTea, account: "nobody", dryRun: true }).code).toBe("account_not_found");
  expect(engine.shards[0]!.books.position).toBe(position);
  expect(engine.ask(buyTea)).toMatchObject({ code: "ok", replayed: false });
});

test("a dry run across shards says what would happen, and leaves no trace in the log either", () => {
  const engine = shop({ shards: 3 });
  const positions = () => engine.shards.map((shard) => shard.books.position);
  const before = positions();
  const dry = place("ann", "k", { tea: 1, mug: 1 }, { dryRun: true });
  expect(engine.ask(dry)).toMatchObject({ code: "ok", result: { order: "", total: "34.99", version: 0 } });
  expect(engine.ask({ ...dry, account: "nobody" }).code).toBe("account_not_found");
  expect(engine.ask({ ...dry, lines: [{ product: "mug", qty: 3 }] }).code).toBe("insufficient_stock");
  expect(positions()).toEqual(before);
});

// Old keys.

const day = 86_400_000;

/** Placed and canceled at once: an order that is over, so that its keys may be dropped. */
function placedAndOver(engine: TestEngine, request: CommandParams): Answer {
  const placed = engine.ask({ ...request, pay: "later" });
  const { order } = placed.result;
  engine.ask({ method: "order.cancel", order, key: `cancel-${request.key}`, at: request.at });
  return placed;
}

test.each([
  [day - 1, "ok", true],
  [day, "key_too_old", false],
  [day + 1, "key_too_old", false],
])("a retry %i ms after the first run of an order that is over: %s", (ms, code, replayed) => {
  const engine = shop();
  const request = { ...buyTea, pay: "later", at: epochMs };
  placedAndOver(engine, request);
  engine.pass(ms);
  expect(engine.ask(request)).toMatchObject({ code, replayed });
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

/** Days until nothing can happen to an order any more: 7 to its confirmation, 7 of after-sale. */
const windows = 14;

test("the key of a paid order is kept until its after-sale window is over, however long ago it was used", () => {
  const engine = shop();
  const request = { ...buyTea, at: epochMs };
  const first = engine.ask(request);
  const { order } = first.result;
  engine.ask({ method: "order.advance", event: "pack", order, key: "pack", restock: false });
  engine.ask({ method: "order.advance", event: "ship", order, key: "ship", tracking: "SF", restock: false });
  for (let n = 1; n < windows; n++) {
    engine.pass(day);
    expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  }
  engine.pass(day - 1000);
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  // The keys of live orders are looked at once a day.
  engine.pass(day);
  expect(engine.ask(request)).toMatchObject({ code: "key_too_old", replayed: false });
  expect(stockOf(engine, "tea")).toEqual([9, 0, 1]);
});

test("key_too_old is per account, and says since when keys are kept", () => {
  const engine = shop();
  placedAndOver(engine, { ...buyTea, at: epochMs + 5 });
  engine.pass(day);
  expect(engine.ask({ ...buyTea, key: "k2", at: epochMs + 5 })).toMatchObject({
    code: "key_too_old",
    details: { keptSince: epochMs + 6 },
  });
  expect(engine.ask({ ...buyTea, key: "k2", at: epochMs + 6 }).code).toBe("ok");
  expect(engine.ask({ ...buyTea, account: "ben", at: epochMs }).code).toBe("ok");
  expect(engine.restart().ask({ ...buyTea, key: "k3", at: epochMs + 5 }).code).toBe("key_too_old");
});

test("a request without at runs again once its key is forgotten: that is why clients send it", () => {
  const engine = shop();
  const { result } = placedAndOver(engine, buyTea);
  engine.pass(day);
  const again = engine.ask({ ...buyTea, pay: "later" });
  expect(again).toMatchObject({ code: "ok", replayed: false });
  expect(again.result.order).not.toBe(result.order);
});

test("the key of an order that may still move is never forgotten", () => {
  const engine = shop({ settings: { keysKeepMs: 1000 } });
  const request = place("ann", "k1", { tea: 1 }, { at: epochMs, payWithinMs: 3_600_000 });
  const first = engine.ask(request);
  for (let i = 0; i < 20; i++) engine.pass(2000);
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  engine.ask({ method: "order.cancel", order: first.result.order, key: "k2" });
  for (let i = 0; i < 3; i++) engine.pass(2000);
  expect(engine.ask(request).code).toBe("key_too_old");
});

test("past keysMax the oldest keys go first, and a retry of theirs is refused", () => {
  const engine = shop({ settings: { keysMax: 6 } });
  const request = (n: number) => place("ann", `k${n}`, { tea: 1 }, { at: epochMs + n });
  for (let n = 1; n <= 5; n++) {
    engine.pass(1);
    expect(placedAndOver(engine, request(n)).code).toBe("ok");
  }
  engine.settle();
  engine.pass(0);
  expect(engine.shards[0]!.books.keys.count).toBe(6);
  expect([1, 2, 3, 4, 5].map((n) => engine.ask(request(n)).code)).toEqual([
    "key_too_old",
    "key_too_old",
    "ok",
    "ok",
    "ok",
  ]);
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

test("past keysMax the keys of orders that may still move are kept, whatever their age", () => {
  const engine = shop({ settings: { keysMax: 3 } });
  const request = (n: number) => place("ann", `k${n}`, { tea: 1 }, { at: epochMs + n, pay: "balance" });
  for (let n = 1; n <= 5; n++) expect(engine.ask(request(n)).code).toBe("ok");
  engine.pass(10 * day);
  for (let n = 1; n <= 5; n++) expect(engine.ask(request(n))).toMatchObject({ code: "ok", replayed: true });
  expect(stockOf(engine, "tea")).toEqual([5, 0, 5]);
});

test("however few keys are kept, no request with its time is ever executed twice", () => {
  const requests = fc.array(
    fc.record({ key: fc.nat(12), again: fc.boolean(), ms: fc.constantFrom(0, 1, 500, 3000) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 3), (run, keysMax, shards) => {
      const engine = testEngine({ shards, settings: { keysMax, keysKeepMs: 2000, graceMs: 0 } });
      engine.ask({ method: "account.open", account: "ann", currency: "CNY" });
      engine.ask({ method: "account.deposit", account: "ann", amount: "1000", ref: "r" });
      engine.ask(product("tea", "1.00", { stock: 100 }));
      engine.ask(product("mug", "1.00", { stock: 100 }));
      const first = new Map<number, CommandParams>();
      const orders = new Map<number, string>();
      for (const { key, ms } of run) {
        engine.pass(ms);
        const nowMs = Math.floor(engine.clock.micros / 1000);
        const cart: Record<string, number> = key % 2 === 0 ? { tea: 1 } : { tea: 1, mug: 1 };
        const pay = key % 3 === 0 ? { pay: "later", payWithinMs: 1000 } : { pay: "balance" };
        const more = { at: nowMs, ...pay };
        const request = first.get(key) ?? place("ann", `k${key}`, cart, more);
        first.set(key, request);
        const answer = engine.ask(request);
        if (answer.code !== "ok") expect(answer.code).toBe("key_too_old");
        else expect(orders.get(key) ?? answer.result.order).toBe(answer.result.order);
        if (answer.code === "ok") orders.set(key, answer.result.order);
      }
      const [available, held, sold] = stockOf(engine, "tea");
      expect(available + held + sold).toBe(100);
      expect(held + sold).toBeLessThanOrEqual(orders.size);
    }),
    { numRuns: 150 },
  );
});

// Refs.

const moves: readonly [string, CommandParams, Record<string, unknown>, (engine: TestEngine) => unknown][] = [
  [
    "deposit",
    { method: "account.deposit", account: "ann", amount: "5.00", ref: "r1" },
    { amount: "6.00" },
    (e) => balanceOf(e, "ann"),
  ],
  [
    "withdrawal",
    { method: "account.withdraw", account: "ann", amount: "5.00", ref: "r1" },
    { amount: "6.00" },
    (e) => balanceOf(e, "ann"),
  ],
  [
    "restock",
    { method: "product.restock", product: "tea", qty: 5, ref: "r1" },
    { qty: 6 },
    (e) => stockOf(e, "tea"),
  ],
];

test.each(moves)("the ref of a %s makes it exactly once, for ever", (_, request, other, figure) => {
  const engine = shop();
  const first = engine.ask(request);
  const after = figure(engine);
  engine.pass(400 * day);
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  expect(engine.restart().ask(request)).toEqual({ ...first, replayed: true });
  expect(engine.ask({ ...request, ...other }).code).toBe("key_reused");
  expect(figure(engine)).toEqual(after);
});

test.each(moves)(
  "the ref of a %s twice in one batch: one runs, one is a replay",
  (_, request, __, figure) => {
    const engine = shop();
    const ids = [engine.submit(request), engine.submit(request)];
    engine.settle();
    expect(ids.map((id) => engine.answerTo(id)!.replayed)).toEqual([false, true]);
    const once = shop();
    once.ask(request);
    expect(figure(engine)).toEqual(figure(once));
  },
);

test("a refused withdrawal stays refused under its ref", () => {
  const engine = shop();
  const request = { method: "account.withdraw", account: "ann", amount: "100.01", ref: "r1" } as const;
  expect(engine.ask(request)).toMatchObject({ code: "insufficient_funds", details: { available: "100.00" } });
  engine.ask({ method: "account.deposit", account: "ann", amount: "1.00", ref: "r2" });
  expect(engine.ask(request)).toMatchObject({ code: "insufficient_funds", replayed: true });
});

test.each(["account.deposit", "account.withdraw"] as const)(
  "a refused %s for an account that is not open keeps nothing: it is done under the same ref once it is",
  (method) => {
    const engine = shop();
    const request = { method, account: "new", amount: "1.00", ref: "r" };
    expect(engine.ask(request)).toMatchObject({ code: "account_not_found", replayed: false });
    expect(engine.shards[0]!.books.accountByName.get("new")).toBeUndefined();
    engine.ask({ method: "account.open", account: "new", currency: "CNY" });
    engine.ask({ method: "account.deposit", account: "new", amount: "5.00", ref: "start" });
    expect(engine.ask(request)).toMatchObject({ code: "ok", replayed: false });
    expect(engine.ask(request)).toMatchObject({ code: "ok", replayed: true });
    expect(balanceOf(engine, "new")).toBe(method === "account.deposit" ? "6.00" : "4.00");
  },
);

test("deposit and withdrawal share the refs of an account, whatever their amounts are", () => {
  for (let tens = 1; tens < 10; tens++) {
    for (let units = 1; units < 10; units++) {
      const engine = testEngine();
      engine.ask({ method: "account.open", account: "ann", currency: "CNY" });
      engine.ask({ method: "account.deposit", account: "ann", amount: `${tens}1.00`, ref: "r" });
      const withdraw = {
        method: "account.withdraw",
        account: "ann",
        amount: `${units}1.00`,
        ref: "r",
      } as const;
      expect(engine.ask(withdraw).code).toBe("key_reused");
    }
  }
});

test("the same ref of two accounts, of two products, and of an order's key are different things", () => {
  const engine = shop();
  const fresh = { code: "ok", replayed: false };
  for (const account of ["ann", "ben"]) {
    expect(engine.ask({ method: "account.deposit", account, amount: "1.00", ref: "x" })).toMatchObject(fresh);
    expect(engine.ask(place(account, "x", { tea: 1 }))).toMatchObject(fresh);
  }
  for (const id of ["tea", "mug"]) {
    expect(engine.ask({ method: "product.restock", product: id, qty: 1, ref: "x" })).toMatchObject(fresh);
  }
});

test("a restock without a ref is done as often as it is asked", () => {
  const engine = shop();
  const request = { method: "product.restock", product: "tea", qty: 5 } as const;
  engine.ask(request);
  expect(engine.ask(request)).toMatchObject({ replayed: false, result: { available: 20 } });
});

test("a clock that runs ahead cannot lock its account: `at` more than a day ahead is refused and nothing is kept", () => {
  const engine = shop({});
  const day = 86_400_000;
  const ahead = engine.ask({ ...buyTea, at: epochMs + day + 60_000 });
  expect(ahead).toMatchObject({ code: "invalid_request", details: { path: "params.at" } });
  expect(engine.ask({ ...buyTea, account: "nobody", at: 8.64e15 }).code).toBe("invalid_request");
  expect(engine.ask({ ...buyTea, at: epochMs + day - 60_000 }).code).toBe("ok");
  engine.pass(2 * day);
  expect(engine.ask({ ...buyTea, key: "k2", at: epochMs + 2 * day }).code).toBe("ok");
});

test("more live orders than keysMax: reads write nothing", () => {
  const engine = shop({ settings: { keysMax: 10 } });
  engine.ask({ method: "product.restock", product: "tea", qty: 100 });
  for (let n = 0; n < 20; n++) engine.ask({ ...buyTea, key: `live-${n}`, pay: "later" });
  const before = engine.shards[0]!.books.position;
  for (let n = 0; n < 5; n++) engine.ask({ method: "product.get", product: "tea" });
  expect(engine.shards[0]!.books.position).toBe(before);
});

/** An order that was canceled, and that nothing but the read side remembers. */
function withArchived(): { readonly engine: TestEngine; readonly archived: string } {
  const engine = shop();
  const archived = engine.ask(place("ann", "old", { tea: 1 })).result.order;
  for (let passed = 0; passed < 4; passed++) engine.pass(day);
  expect(engine.shards[0]!.books.orders.count).toBe(0);
  return { engine, archived };
}

/** [method, what else it needs, another request] */
const movesOfArchived = [
  ["order.pay", {}, { method: "order.cancel" }],
  ["order.cancel", { reason: "late" }, { reason: "later" }],
  ["order.advance", { event: "pack", restock: false }, { remark: "by hand" }],
  ["order.refund", { reason: "late", restock: false }, { amount: "1.00" }],
] as const;

test.each(movesOfArchived)(
  "%s of an archived order is refused, and kept under its key",
  (method, more, other) => {
    const { engine, archived } = withArchived();
    const asked = { method, key: "k1", order: archived, ...more };
    const event = "event" in more ? more.event : method.slice("order.".length);
    const details = { from: "Canceled", event, allowed: [] };
    const first = engine.ask(asked);
    expect(first).toEqual({ code: "invalid_transition", details, replayed: false });
    for (const running of [engine, engine.restart()]) {
      expect(running.ask(asked)).toEqual({ ...first, replayed: true });
      expect(running.ask({ ...asked, ...other })).toMatchObject({ code: "key_reused" });
      expect(running.ask(place("ann", "k1", { tea: 1 }))).toMatchObject({ code: "key_reused" });
      const { result } = running.ask({ method: "order.lookup", account: "ann", key: "k1" });
      expect(result).toEqual({ state: "found", error: { code: first.code, details } });
      expect(running.hashes()).toEqual(engine.hashes());
    }
  },
);

test("twice in one batch, a move of an archived order is refused once and repeated once", () => {
  const { engine, archived } = withArchived();
  const asked = { method: "order.pay", key: "k1", order: archived } as const;
  const ids = [
    engine.submit(asked),
    engine.submit(asked),
    engine.submit({ ...asked, method: "order.cancel" }),
  ];
  engine.settle();
  const [first, second, third] = ids.map((id) => engine.answerTo(id)!);
  expect(first).toMatchObject({ code: "invalid_transition", replayed: false });
  expect(second).toEqual({ ...first, replayed: true });
  expect(third!.code).toBe("key_reused");
});

test("the key of a move of an archived order is forgotten like any other, and what was forgotten is too old", () => {
  const { engine, archived } = withArchived();
  const at = Math.floor(engine.clock.micros / 1000);
  const asked = { method: "order.pay", key: "k1", order: archived, at } as const;
  expect(engine.ask(asked).code).toBe("invalid_transition");
  const { keys } = engine.shards[0]!.books;
  const kept = keys.count;
  engine.pass(day + 1);
  engine.pass(1);
  expect(keys.count).toBe(kept - 1);
  expect(engine.ask(asked)).toMatchObject({ code: "key_too_old", details: { keptSince: at + 1 } });
  expect(engine.ask({ ...asked, at: at + 1 }).code).toBe("invalid_transition");
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("a key that names no order hinders neither the archive of others nor the next move", () => {
  const { engine, archived } = withArchived();
  const { books } = engine.shards[0]!;
  const next = engine.ask(place("ann", "next", { tea: 1 }));
  engine.ask({ method: "order.cancel", key: "no", order: next.result.order });
  engine.ask({ method: "order.pay", key: "k1", order: archived });
  expect([books.liveOrders, books.liveKeys]).toEqual([0, 0]);
  for (let passed = 0; passed < 4; passed++) engine.pass(day);
  expect([books.orders.count, books.keys.count]).toEqual([0, 0]);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});
