import { expect, test } from "vitest";
import type { TestEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

let keys = 0;

/** An order of `cart` for ann, paid from her balance. */
function paid(engine: TestEngine, cart: Record<string, number>): string {
  const { result } = engine.ask(place("ann", `paid-${++keys}`, cart, { pay: "balance" }));
  return result.order;
}

function held(engine: TestEngine, cart: Record<string, number>): { order: string; total: string } {
  return engine.ask(place("ann", `held-${++keys}`, cart)).result;
}

function advance(engine: TestEngine, order: string, event: string, more: object = {}) {
  const tracking = event === "ship" ? "SF-1" : undefined;
  return engine.ask({
    method: "order.advance",
    key: `k-${++keys}`,
    order,
    event,
    tracking,
    restock: false,
    ...more,
  });
}

function refund(engine: TestEngine, order: string, more: object = {}) {
  const params = { key: `r-${++keys}`, order, reason: "as agreed", restock: false, ...more };
  return engine.ask({ method: "order.refund", ...params });
}

function notify(engine: TestEngine, order: string, amount: string, more: object = {}) {
  const params = { provider: "alipay", paymentId: `p-${++keys}`, order, amount, currency: "CNY", ...more };
  return engine.ask({ method: "payment.notify", ...params });
}

function report(engine: TestEngine, refundId: string, outcome: string) {
  return engine.ask({ method: "refund.report", refund: refundId, outcome });
}

const statusOf = (engine: TestEngine, order: string) =>
  engine.ask({ method: "order.get", order }).result.status;
const day = 86_400_000;

for (const shards of [1, 3]) {
  test(`from placed to completed, with points once (${shards} shards)`, () => {
    const engine = shop({ shards });
    const order = paid(engine, { tea: 2, mug: 1 });
    for (const [event, status] of [
      ["pack", "Packing"],
      ["ship", "Shipped"],
      ["dispatch", "Shipping"],
      ["deliver", "Delivered"],
      ["confirm", "Completed"],
    ] as const) {
      expect(advance(engine, order, event).result).toMatchObject({ status });
    }
    expect(engine.ask({ method: "account.get", account: "ann" }).result.points).toBe(44);
    expect(advance(engine, order, "confirm").code).toBe("invalid_transition");
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`seven days after it was shipped an order is completed by itself (${shards} shards)`, () => {
    const engine = shop({ shards });
    const order = paid(engine, { tea: 1 });
    advance(engine, order, "pack");
    advance(engine, order, "ship");
    engine.pass(7 * day - 1);
    expect(statusOf(engine, order)).toBe("Shipped");
    engine.pass(1);
    expect(statusOf(engine, order)).toBe("Completed");
    engine.pass(7 * day - 1);
    expect(refund(engine, order, { amount: "1.00" }).code).toBe("ok");
    engine.pass(2);
    expect(refund(engine, order, { amount: "1.00" }).code).toBe("invalid_transition");
    expect(engine.ask({ method: "order.get", order }).result.next).toEqual([]);
  });

  test(`refunds by line, by amount and of the rest add up to what was paid (${shards} shards)`, () => {
    const engine = shop({ shards });
    const order = paid(engine, { tea: 3, mug: 1 });
    expect(balanceOf(engine, "ann")).toBe("45.03");
    const first = refund(engine, order, { lines: [{ product: "tea", qty: 1 }], restock: true });
    expect(first.result).toMatchObject({
      refunds: [{ amount: "9.99", state: "done", to: "wallet" }],
      order: { status: "Paid", amountRefunded: "9.99", version: 3 },
    });
    expect(stockOf(engine, "tea")).toEqual([8, 0, 2]);
    expect(refund(engine, order, { amount: "0.01" }).code).toBe("ok");
    expect(refund(engine, order, { lines: [{ product: "tea", qty: 3 }] })).toMatchObject({
      code: "line_qty_exceeds",
      details: { left: 2 },
    });
    expect(refund(engine, order, { amount: "44.98" })).toMatchObject({
      code: "refund_exceeds_remaining",
      details: { remaining: "44.97" },
    });
    const rest = refund(engine, order);
    expect(rest.result.order).toMatchObject({ status: "Refunded", amountRefunded: "54.97", next: [] });
    expect(balanceOf(engine, "ann")).toBe("100.00");
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`paid from outside, refunded to outside: unknown is not failed (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { order, total } = held(engine, { mug: 1 });
    const seen = notify(engine, order, total);
    expect(seen.result).toMatchObject({ outcome: "paid", money: "applied", order: { status: "Paid" } });
    const asked = refund(engine, order, { restock: true }).result;
    expect(asked).toMatchObject({
      refunds: [{ state: "requested", to: "provider" }],
      order: { status: "Refunding" },
    });
    const id = asked.refunds[0].refund;
    expect(report(engine, id, "unknown").result.state).toBe("unknown");
    expect(refund(engine, order)).toMatchObject({ code: "refund_exceeds_remaining" });
    expect(report(engine, id, "done").result.state).toBe("done");
    expect(report(engine, id, "done").result.state).toBe("done");
    expect(report(engine, id, "refused").code).toBe("invalid_transition");
    expect(statusOf(engine, order)).toBe("Refunded");
    engine.settle();
    expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`a refused refund gives the money back to the order (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { order, total } = held(engine, { mug: 1 });
    notify(engine, order, total);
    advance(engine, order, "pack");
    const { refunds } = refund(engine, order).result;
    report(engine, refunds[0].refund, "refused");
    expect(engine.ask({ method: "order.get", order }).result).toMatchObject({
      status: "Packing",
      amountRefunded: "0.00",
    });
    expect(refund(engine, order).code).toBe("ok");
  });

  test(`NOTIFY-PAYMENT-2, SETTLE-PAYMENT-1: in part, too much, twice, late: nothing is lost (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { order } = held(engine, { mug: 1 });
    expect(notify(engine, order, "10.00").result).toMatchObject({ outcome: "partially_paid", money: "kept" });
    expect(notify(engine, order, "20.00").result).toMatchObject({
      outcome: "paid",
      refund: expect.any(String),
    });
    expect(notify(engine, order, "25.00").result).toMatchObject({
      outcome: "duplicate_payment",
      money: "refunded",
    });
    const late = held(engine, { tea: 1 });
    notify(engine, late.order, "1.00");
    engine.pass(930_000);
    expect(engine.ask({ method: "order.get", order: late.order }).result).toMatchObject({
      status: "Canceled",
      amountPaid: "1.00",
    });
    expect(notify(engine, late.order, late.total).result).toMatchObject({
      outcome: "late_payment",
      money: "refunded",
    });
    expect(notify(engine, "o999424", "1.00").result).toMatchObject({
      outcome: "unmatched_payment",
      order: null,
    });
    const word = { paymentId: "same" };
    expect(notify(engine, order, "5.00", word).replayed).toBe(false);
    expect(notify(engine, order, "5.00", word).replayed).toBe(true);
    expect(notify(engine, order, "6.00", word).code).toBe("key_reused");
    // Whatever order it is said to be for, and wherever that order lives.
    for (const account of ["ann", "ben"]) {
      const other = engine.ask(place(account, `other-${++keys}`, { tea: 1 })).result.order;
      expect(notify(engine, other, "5.00", word).code).toBe("key_reused");
    }
    expect(engine.ask({ method: "human.list" }).result).toBeDefined();
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`a dispute stops the clock, and its end lets it go on or gives the money back (${shards} shards)`, () => {
    const engine = shop({ shards });
    const order = paid(engine, { tea: 1 });
    advance(engine, order, "pack");
    advance(engine, order, "ship");
    engine.pass(6 * day);
    expect(advance(engine, order, "dispute").result.next).toEqual(["resolve"]);
    engine.pass(30 * day);
    expect(statusOf(engine, order)).toBe("Disputed");
    expect(advance(engine, order, "resolve", { resolution: "keep" }).result.status).toBe("Shipped");
    engine.pass(day - 1);
    expect(statusOf(engine, order)).toBe("Shipped");
    engine.pass(1);
    expect(statusOf(engine, order)).toBe("Completed");
    advance(engine, order, "dispute");
    const end = advance(engine, order, "resolve", { resolution: "refund", restock: true });
    expect(end.result).toMatchObject({ order: { status: "Refunded" }, refunds: [{ amount: "9.99" }] });
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });
}

test("a late payment reinstates the order where that is wanted and everything is still there", () => {
  const engine = shop({ settings: { latePayment: "reinstate" } });
  const first = held(engine, { mug: 2 });
  engine.pass(930_000);
  expect(notify(engine, first.order, "50.00").result).toMatchObject({
    outcome: "late_payment",
    money: "reinstated",
    order: { status: "Paid" },
  });
  expect(stockOf(engine, "mug")).toEqual([0, 0, 2]);
  const second = held(engine, { tea: 10 });
  engine.pass(930_000);
  paid(engine, { tea: 1 });
  expect(notify(engine, second.order, "99.90").result).toMatchObject({ money: "refunded" });
});

test("points are granted once and taken back in proportion; what was spent is owed", () => {
  const engine = shop();
  engine.ask(product("big", "30.50", { stock: 5 }));
  const order = paid(engine, { big: 2 });
  for (const event of ["pack", "ship", "confirm"]) advance(engine, order, event);
  const pointsOf = () => engine.ask({ method: "account.get", account: "ann" }).result.points;
  expect(pointsOf()).toBe(61);
  const spend = (points: number, ref: string) =>
    engine.ask({ method: "points.spend", account: "ann", points, ref });
  expect(spend(50, "s1").result.points).toBe(11);
  expect(spend(50, "s1").replayed).toBe(true);
  refund(engine, order, { lines: [{ product: "big", qty: 1 }] });
  expect(pointsOf()).toBe(11 - 31);
  expect(spend(1, "s2")).toMatchObject({ code: "insufficient_points", details: { available: 0 } });
  refund(engine, order);
  expect(pointsOf()).toBe(-50);
});

test("an order is archived when nothing can happen to it, and its number stays known", () => {
  const engine = shop();
  const order = paid(engine, { tea: 1 });
  for (const event of ["pack", "ship", "confirm"]) advance(engine, order, event);
  const canceled = held(engine, { tea: 1 });
  engine.pass(930_000);
  engine.pass(9 * day);
  engine.pass(9 * day);
  expect(engine.shards[0]!.books.orders.has(1024 + 587)).toBe(false);
  expect(notify(engine, canceled.order, "9.99").result).toMatchObject({ outcome: "late_payment" });
  expect(engine.shards[0]!.books.liveOrders).toBe(0);
});
