import fc from "fast-check";
import { expect, test } from "vitest";
import { channelRetryMs } from "../../../engine/seams/limits.js";
import type { CarriedFrame, TestEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

// Of 3 shards, ann and tea live on 1, ben on 2, mug on 0.
const shards = 3;
const cart = { tea: 2, mug: 1 };

/** Nothing is left open between the shards: no pending order, no branch but those of live orders, no message under way. */
function expectSettled(engine: TestEngine, held: number): void {
  for (const { books } of engine.shards) {
    expect(books.pending.size).toBe(0);
    for (const outbox of books.outboxes.outboxes.values()) expect(outbox.unacked).toEqual([]);
  }
  expect(engine.shards.reduce((sum, { books }) => sum + books.branches.byName.size, 0)).toBe(held);
}

const brief = { payWithinMs: 10_000 };

test.each([
  ["paid at once", { pay: "balance" }, undefined, [8, 0, 2], [1, 0, 1], "55.02", 0],
  ["held", brief, undefined, [8, 2, 0], [1, 1, 0], "100.00", 2],
  ["held and paid", brief, "pay", [8, 0, 2], [1, 0, 1], "55.02", 0],
  ["held and canceled", brief, "cancel", [10, 0, 0], [2, 0, 0], "100.00", 0],
  ["held and expired", brief, "expire", [10, 0, 0], [2, 0, 0], "100.00", 0],
] as const)("an order across shards, %s", (_, more, then, tea, mug, balance, branches) => {
  const engine = shop({ shards });
  const { result } = engine.ask(place("ann", "k1", cart, more));
  if (then === "expire") engine.pass(60_000);
  else if (then)
    expect(engine.ask({ method: `order.${then}`, order: result.order, key: "k2" }).code).toBe("ok");
  engine.pass(channelRetryMs);
  expect([stockOf(engine, "tea"), stockOf(engine, "mug"), balanceOf(engine, "ann")]).toEqual([
    tea,
    mug,
    balance,
  ]);
  expectSettled(engine, branches);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test.each([
  ["a line is short", { tea: 1, mug: 3 }, {}, "insufficient_stock"],
  ["a product is unknown", { tea: 1, mug: 1, nil: 1 }, {}, "product_not_found"],
  ["a currency differs", { tea: 1, mug: 1, wein: 1 }, {}, "currency_mismatch"],
  ["the money is short", { tea: 8, mug: 1 }, { pay: "balance" }, "insufficient_funds"],
  ["the total is another", { tea: 1, mug: 1 }, { expectedTotal: "1.00" }, "price_changed"],
])("refused because %s: what was held is given back, and the number stays empty", (_, lines, more, code) => {
  const engine = shop({ shards });
  engine.ask(product("wein", "1.00", { currency: "EUR" }));
  expect(engine.ask(place("ann", "k1", lines, more)).code).toBe(code);
  engine.pass(channelRetryMs);
  expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
    [10, 0, 0],
    [2, 0, 0],
  ]);
  expectSettled(engine, 0);
  const home = engine.shards[1]!.books;
  const number = home.orders.rows.get(home.orders.rows.end - 1, 0);
  expect(engine.ask({ method: "order.get", order: `o${number}` }).code).toBe("order_not_found");
  expect(engine.ask({ method: "order.pay", order: `o${number}`, key: "k2" }).code).toBe("order_not_found");
  expect(home.liveOrders).toBe(0);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("two lines are short on two shards: the refusal waits for both and names both", () => {
  const { details } = shop({ shards }).ask(place("ben", "k1", { tea: 11, mug: 3 }));
  expect(details!.lines).toMatchObject([
    { product: "tea", code: "insufficient_stock", available: 10 },
    { product: "mug", code: "insufficient_stock", available: 2 },
  ]);
});

/** A bus between shards that can be cut: `lost(frame)` says what does not arrive. */
function withBus(lost: (frame: CarriedFrame) => boolean, settings = {}) {
  const bus = { lost };
  const engine = shop({
    shards,
    settings: { graceMs: 0, ...settings },
    carry: (frames) => frames.filter((frame) => !bus.lost(frame)),
  });
  return { engine, bus };
}
const nothing = () => false;

test("CROSS-SHARD-1: a product's shard that is cut off never ends a branch by itself", () => {
  const { engine, bus } = withBus(nothing);
  const { order } = engine.ask(place("ann", "k1", cart, { payWithinMs: 10_000 })).result;
  bus.lost = ({ to }) => to === 0;
  engine.pass(24 * 3_600_000);
  expect(engine.ask({ method: "order.get", order }).result.status).toBe("Canceled");
  expect(stockOf(engine, "mug")).toEqual([1, 1, 0]);
  bus.lost = nothing;
  engine.pass(channelRetryMs);
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  engine.pass(channelRetryMs);
  expectSettled(engine, 0);
});

test("CROSS-SHARD-2: an order that cannot ask a product's shard waits, and ends with its deadline", () => {
  const { engine, bus } = withBus(({ to }) => to === 0);
  const id = engine.submit(place("ann", "k1", cart, { payWithinMs: 10_000 }));
  engine.settle();
  engine.pass(9_998);
  expect(engine.answerTo(id)).toBeUndefined();
  expect(stockOf(engine, "tea")).toEqual([8, 2, 0]);
  engine.pass(2);
  expect(engine.answerTo(id)).toMatchObject({ code: "hold_expired", replayed: false });
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
  bus.lost = nothing;
  engine.pass(channelRetryMs);
  engine.pass(channelRetryMs);
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  expectSettled(engine, 0);
  expect(engine.ask(place("ann", "k1", cart, { payWithinMs: 10_000 }))).toMatchObject({
    code: "hold_expired",
    replayed: true,
  });
});

test("an answer that comes after the deadline places nothing", () => {
  const { engine, bus } = withBus(({ to }) => to === 1);
  const id = engine.submit(place("ben", "k1", { mug: 1, tea: 1 }, { payWithinMs: 10_000 }));
  engine.settle();
  bus.lost = ({ to }) => to === 2;
  engine.pass(10_001);
  expect(engine.answerTo(id)!.code).toBe("hold_expired");
  bus.lost = nothing;
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
    [10, 0, 0],
    [2, 0, 0],
  ]);
  expectSettled(engine, 0);
});

test("CROSS-SHARD-RUN-1: once decided it will be finished: a confirmation survives a stop of everything", () => {
  const { engine, bus } = withBus(nothing);
  const { order } = engine.ask(place("ann", "k1", cart, { payWithinMs: 10_000 })).result;
  bus.lost = () => true;
  expect(engine.ask({ method: "order.pay", order, key: "k2" }).result.status).toBe("Paid");
  expect(stockOf(engine, "mug")).toEqual([1, 1, 0]);
  bus.lost = nothing;
  const again = engine.restart();
  again.pass(channelRetryMs);
  expect([stockOf(again, "tea"), stockOf(again, "mug")]).toEqual([
    [8, 0, 2],
    [1, 0, 1],
  ]);
});

test("CHANNEL-3, OUTBOXES-3: frames that come twice, late or in the wrong order change nothing, and leave no trace in the books", () => {
  const seen: CarriedFrame[] = [];
  const engine = shop({
    shards,
    carry: (frames) => {
      seen.push(...frames);
      return frames;
    },
  });
  engine.ask(place("ann", "k1", cart, { pay: "balance" }));
  engine.pass(channelRetryMs);
  const hashes = engine.hashes();
  const positions = engine.shards.map(({ books }) => books.position);
  for (const { to, frame } of [...seen].reverse()) engine.shards[to]!.receive(frame);
  for (const { to } of seen) engine.shards[to]!.receive(Uint8Array.of(1, 2, 3));
  engine.settle();
  expect(engine.hashes()).toEqual(hashes);
  expect(engine.shards.map(({ books }) => books.position)).toEqual(positions);
});

test("CHANNEL-3: a frame from the future is ignored until what is before it has come", () => {
  const held: CarriedFrame[] = [];
  let hold = false;
  const engine = shop({
    shards,
    carry: (frames) => {
      if (!hold) return frames;
      held.push(...frames.filter(({ to }) => to === 0));
      return frames.filter(({ to }) => to !== 0);
    },
  });
  hold = true;
  const first = engine.submit(place("ann", "k1", { mug: 1 }));
  engine.settle();
  const second = engine.submit(place("ann", "k2", { mug: 1 }));
  engine.settle();
  expect(held).toHaveLength(2);
  engine.shards[0]!.receive(held[1]!.frame);
  while (engine.shards[0]!.step());
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  expect(engine.shards[0]!.books.outboxes.outboxes.size).toBe(0);
  hold = false;
  engine.pass(channelRetryMs);
  expect([first, second].map((id) => engine.answerTo(id)!.code)).toEqual(["ok", "ok"]);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

const request = fc.record({
  account: fc.constantFrom("ann", "ben"),
  key: fc.nat(30),
  tea: fc.nat(3),
  mug: fc.integer({ min: 1, max: 2 }),
  pay: fc.constantFrom("later", "balance"),
});
const action = fc.oneof(
  { weight: 4, arbitrary: request },
  { weight: 2, arbitrary: fc.record({ end: fc.constantFrom("pay", "cancel"), nth: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ ms: fc.constantFrom(1, 100, channelRetryMs, 3000) }) },
  { weight: 1, arbitrary: fc.constant("restart" as const) },
);

test("whatever the bus loses, doubles and re-orders, every order ends, and no unit and no cent is lost or made", () => {
  const fates = fc.infiniteStream(fc.nat(99));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), fates, (actions, fate) => {
      let calm = false;
      const carry = (frames: CarriedFrame[]) => {
        if (calm) return frames;
        const kept: [number, CarriedFrame][] = [];
        for (const frame of frames) {
          const n = fate.next().value;
          if (n >= 30) kept.push([n % 7, frame]);
          if (n >= 80) kept.push([n % 5, frame]);
        }
        return kept.sort((a, b) => a[0] - b[0]).map(([, frame]) => frame);
      };
      let engine = shop({ shards, carry, settings: { graceMs: 0 } });
      engine.ask({ method: "product.restock", product: "mug", qty: 8 });
      const orders: string[] = [];
      let asked: number[] = [];
      for (const act of actions) {
        if (act === "restart") {
          engine = engine.restart();
          asked = [];
        } else if ("ms" in act) engine.pass(act.ms);
        else if ("end" in act) {
          const order = orders[act.nth % Math.max(1, orders.length)] ?? "o1024";
          engine.submit({
            method: `order.${act.end as "pay" | "cancel"}`,
            order,
            key: `${act.end} ${act.nth}`,
          });
        } else {
          const { account, key, tea, mug, pay } = act;
          const lines: Record<string, number> = tea > 0 ? { tea, mug } : { mug };
          asked.push(
            engine.submit(
              place(account, `k${key}`, lines, { pay, ...(pay === "later" ? { payWithinMs: 5000 } : {}) }),
            ),
          );
        }
        engine.settle();
        for (const id of asked) {
          const answer = engine.answerTo(id);
          if (answer?.code === "ok") orders.push(answer.result.order);
        }
      }
      calm = true;
      for (let n = 0; n < 4; n++) engine.pass(4000);
      for (const id of asked) expect(engine.answerTo(id)).toBeDefined();
      expectSettled(engine, 0);
      let paid = 0;
      const sold = { tea: 0, mug: 0 };
      for (const order of new Set(orders)) {
        const { result } = engine.ask({ method: "order.get", order });
        expect(["Paid", "Canceled"]).toContain(result.status);
        if (result.status === "Canceled") continue;
        paid += Math.round(Number(result.total) * 100);
        for (const line of result.lines) sold[line.product as "tea"] += line.qty;
      }
      const [tea, mug] = [stockOf(engine, "tea"), stockOf(engine, "mug")];
      expect([tea, mug]).toEqual([
        [10 - tea[2], 0, tea[2]],
        [10 - mug[2], 0, mug[2]],
      ]);
      // A retry is not made here, so an order whose answer was lost with a restart is not in `orders`.
      expect(tea[2]).toBeGreaterThanOrEqual(sold.tea);
      const cents = ["ann", "ben"].map((account) => Math.round(Number(balanceOf(engine, account)) * 100));
      expect(20_000 - cents[0]! - cents[1]!).toBe(tea[2] * 999 + mug[2] * 2500);
      expect(20_000 - cents[0]! - cents[1]!).toBeGreaterThanOrEqual(paid);
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    }),
    { numRuns: 150 },
  );
});
