/** The late payment of an order whose products live on other shards: they are asked once more, and meanwhile anything may happen. */

import { describe, expect, test } from "vitest";
import { channelRetryMs } from "../../../engine/seams/limits.js";
import { loadBooks, saveBooks, stateHash } from "../../../engine/tables/snapshot.js";
import { auditLogs } from "../../../persistence/audit/audit.js";
import type { Journal } from "../../../persistence/log/journal.js";
import { hour, humanItems, notify, notifyParams, orderOf, refund, report } from "../../support/after-sale.js";
import { type CarriedFrame, type TestEngine, testEngine } from "../../support/engine.js";
import { onItsWay, standing } from "../../support/ledger-of.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";
import { type Durable, journalsUpTo, watchedJournals } from "../../support/transactions.js";

// Of 3 shards, ann and tea live on 1, ben on 2, mug on 0.
const shards = 3;
const settings = { latePayment: "reinstate", graceMs: 0 } as const;
const total = "44.98";
const stockBuckets = (engine: TestEngine) => [stockOf(engine, "tea"), stockOf(engine, "mug")];
const whole = [
  [10, 0, 0],
  [2, 0, 0],
];

/** A canceled order of ben's for two teas and a mug, on a bus that can be cut. */
function canceled(lost: (frame: CarriedFrame) => boolean = () => false) {
  const bus = { lost: (_: CarriedFrame) => false };
  const carry = (frames: CarriedFrame[]) => frames.filter((frame) => !bus.lost(frame));
  const engine = shop({ shards, settings, carry });
  const { order } = engine.ask(place("ben", "k1", { tea: 2, mug: 1 })).result;
  engine.ask({ method: "order.cancel", key: "k2", order });
  engine.pass(channelRetryMs);
  expect(stockBuckets(engine)).toEqual(whole);
  bus.lost = lost;
  return { engine, bus, order: order as string };
}

function expectOver(engine: TestEngine): void {
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  for (const { books } of engine.shards)
    expect([books.reinstatements.size, books.branches.byName.size]).toEqual([0, 0]);
  expect(standing(engine, "suspense:")).toEqual({});
  expect(engine.restart().hashes()).toEqual(engine.hashes());
}

test("its units are taken again and sold, and it goes on like any other", () => {
  const { engine, order } = canceled();
  expect(notify(engine, order, total).result).toMatchObject({
    money: "reinstated",
    order: { status: "Paid" },
  });
  expect(stockBuckets(engine)).toEqual([
    [8, 0, 2],
    [1, 0, 1],
  ]);
  engine.pass(channelRetryMs);
  const { result } = refund(engine, order, { reason: "changed my mind", restock: true });
  report(engine, result.refunds[0].refund, "done");
  expectOver(engine);
  expect(stockBuckets(engine)).toEqual(whole);
  expect(orderOf(engine, order).status).toBe("Refunded");
});

test("one line is gone: what the others took again is given back, and the money goes back", () => {
  const { engine, order } = canceled();
  engine.ask(place("ann", "k3", { mug: 2 }, { pay: "balance" }));
  const { result } = notify(engine, order, total);
  expect(result).toMatchObject({ outcome: "late_payment", money: "refunded", order: { status: "Canceled" } });
  expect(stockBuckets(engine)).toEqual([
    [10, 0, 0],
    [0, 0, 2],
  ]);
  report(engine, result.refund, "done");
  expectOver(engine);
});

test("REINSTATE-ORDER-1: a product's shard that does not answer in time: the money goes back, and later so does what it took", () => {
  const { engine, bus, order } = canceled(({ to }) => to === 0);
  const word = notifyParams(order, total);
  const ids = [engine.submit(word), engine.submit(word)];
  engine.settle();
  expect(ids.map((id) => engine.answerTo(id))).toEqual([undefined, undefined]);
  expect(standing(engine, "suspense:")).toEqual({ "suspense:CNY": total });
  expect(stockOf(engine, "tea")).toEqual([8, 2, 0]);
  engine.pass(hour);
  expect(ids.map((id) => engine.answerTo(id)!.replayed)).toEqual([false, true]);
  expect(engine.answerTo(ids[0]!)!.result).toMatchObject({
    money: "refunded",
    order: { status: "Canceled" },
  });
  bus.lost = () => false;
  expectOver(engine);
  expect(stockBuckets(engine)).toEqual(whole);
});

test("REINSTATE-ORDER-2: another payment while it waits, and any after it, is refunded: it comes back once or not at all", () => {
  const { engine, bus, order } = canceled(({ to }) => to === 0);
  const first = engine.submit(notifyParams(order, total));
  engine.settle();
  const second = engine.submit(notifyParams(order, total));
  engine.settle();
  // The second name's shard may be the one that is cut off; then it is answered later.
  engine.pass(hour);
  bus.lost = () => false;
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  for (const id of [first, second]) expect(engine.answerTo(id)!.result.money).toBe("refunded");
  expect(notify(engine, order, total).result.money).toBe("refunded");
  expectOver(engine);
  expect(stockBuckets(engine)).toEqual(whole);
});

test("an order that waits for its lines is not archived, and one that waited in vain is", () => {
  const { engine, bus, order } = canceled(({ to }) => to === 0);
  const id = engine.submit(notifyParams(order, total));
  engine.settle();
  const home = engine.shards[2]!.books;
  expect(home.reinstatements.size).toBe(1);
  engine.pass(hour);
  bus.lost = () => false;
  engine.pass(channelRetryMs);
  report(engine, engine.answerTo(id)!.result.refund, "done");
  for (let n = 0; n < 5; n++) engine.pass(24 * hour);
  expect(home.orders.has(Number(order.slice(1)))).toBe(false);
  expectOver(engine);
});

test("a human who gives the order other money while it waits sends that back, and the order comes back once", () => {
  const { engine, bus, order } = canceled(({ to }) => to === 0);
  // An order that never was, of the same account: so the item is on the shard of the order that is meant.
  const wrong = `o${Number(order.slice(1)) + 1024 * 1000}`;
  engine.submit(notifyParams(wrong, total));
  engine.settle();
  const waiting = engine.submit(notifyParams(order, total));
  engine.settle();
  expect(engine.shards[2]!.books.reinstatements.size).toBe(1);
  const { item } = humanItems(engine)[0]!;
  const resolved = engine.submit({
    method: "human.resolve",
    item,
    action: "retry",
    reason: "his order",
    order,
  });
  engine.settle();
  expect(engine.answerTo(resolved)!.code).toBe("ok");
  bus.lost = () => false;
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  expect(engine.answerTo(waiting)!.result).toMatchObject({ money: "reinstated", order: { status: "Paid" } });
  expect(orderOf(engine, order).amountPaid).toBe(total);
  expectOver(engine);
});

test("what waits is in a snapshot", () => {
  const { engine, order } = canceled(({ to }) => to === 0);
  engine.submit(notifyParams(order, total));
  engine.settle();
  const { books } = engine.shards[2]!;
  const loaded = loadBooks(saveBooks(books));
  expect([...loaded.reinstatements.values()]).toEqual([...books.reinstatements.values()]);
  expect(loaded.reinstatements.size).toBe(1);
  expect(loaded.timers.nextDue).toBeLessThanOrEqual(
    loaded.reinstatements.get(Number(order.slice(1)))!.expiresAt,
  );
  expect(stateHash(loaded)).toBe(stateHash(books));
});

const stories = [
  ["it comes back", { tea: 2, mug: 1 }, "reinstated"],
  ["a line is gone", { tea: 2, hat: 1 }, "refunded"],
] as const;

describe.each(stories)("%s", (_, cart, money) => {
  /** All of it once more, under the same names. */
  function run(engine: TestEngine) {
    const { order } = engine.ask(place("ben", "k1", cart)).result;
    engine.ask({ method: "order.cancel", key: "k2", order });
    const amount = orderOf(engine, order).total;
    engine.ask(place("ann", "k3", { hat: 1 }, { pay: "balance" }));
    const { result } = notify(engine, order, amount, { paymentId: "p1" });
    for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
    const { status, amountPaid } = orderOf(engine, order);
    const stock = ["tea", "mug", "hat"].map((id) => stockOf(engine, id));
    const left = engine.shards.map(({ books }) => [books.reinstatements.size, books.branches.byName.size]);
    return {
      ...result,
      status,
      amountPaid,
      stock,
      left,
      ann: balanceOf(engine, "ann"),
      way: standing(engine, ...onItsWay),
    };
  }

  test("a crash after any record of any shard changes nothing, and the audit finds nothing", () => {
    const log: Durable[] = [];
    const journals = watchedJournals(shards, log);
    const engine = shop({ shards, settings, journals });
    engine.ask(product("hat", "5.00", { stock: 1 }));
    const first = log.length;
    const told = run(engine);
    expect(told.money).toBe(money);
    expect(told.status).toBe(money === "reinstated" ? "Paid" : "Canceled");
    expect(audited(journals)).toEqual([]);
    for (let length = first; length <= log.length; length++) {
      const again = journalsUpTo(shards, log, length);
      expect(audited(again), `after ${length - first} groups`).toEqual([]);
      const { order: ours, ...rest } = run(testEngine({ shards, settings, journals: again }));
      expect({ order: ours, ...rest }, `after ${length - first} groups`).toEqual(told);
      expect(audited(again), `after ${length - first} groups, and all the rest`).toEqual([]);
    }
  });
});

function audited(journals: readonly Journal[]): string[] {
  const { checks } = auditLogs({
    shards: journals.map((journal, shard) => ({ shard, groups: journal.read(1) })),
  });
  return checks.filter(({ ok }) => ok === false).map(({ name, detail }) => `${name}: ${detail}`);
}
