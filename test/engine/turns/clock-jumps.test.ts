/** What is kept for a day is kept for a day in which the engine could be asked: no jump of its clock may forget an answer. */

import { expect, test } from "vitest";
import { keysDroppedPerStep } from "../../../engine/seams/limits.js";
import { type ManualClock, manualClock } from "../../../gateway/manual-clock.js";
import { epochMs, type TestEngine, testEngine } from "../../support/engine.js";
import { place, product } from "../../support/shop.js";

const hour = 3_600_000;
const day = 24 * hour;

function shopOn(clock: ManualClock, shards: number): TestEngine {
  const engine = testEngine({ shards, time: clock });
  engine.ask({ method: "account.open", account: "ann", currency: "CNY" });
  engine.ask({ method: "account.deposit", account: "ann", amount: "100.00", ref: "start" });
  engine.ask(product("tea", "10.00"));
  engine.ask(product("mug", "10.00"));
  return engine;
}

type Move = (engine: TestEngine, clock: ManualClock) => TestEngine;
const restart: Move = (engine) => engine.restart();
const step =
  (ms: number): Move =>
  (engine, clock) => {
    clock.step(ms);
    engine.settle();
    return engine;
  };
const pass =
  (ms: number): Move =>
  (engine, clock) => {
    clock.advance(ms);
    engine.settle();
    return engine;
  };

/** What happens between the order and its cancellation, and between that and the same requests once more. */
const stories: readonly (readonly [string, readonly Move[], readonly Move[]])[] = [
  ["nothing", [], []],
  [
    "a start with a clock two days ahead, then the clock right",
    [step(2 * day), restart],
    [step(-2 * day), restart],
  ],
  ["the clock two days ahead while it runs, then right", [step(2 * day)], [step(-2 * day)]],
  ["the same, and every step of it a restart", [step(2 * day), restart], [step(-2 * day), restart, restart]],
  ["a clock ten years fast for a minute", [step(3652 * day), pass(60_000)], [step(-3652 * day), pass(hour)]],
  ["the jump after the cancellation", [], [step(2 * day), step(-2 * day), restart]],
  ["a machine that slept for three days", [pass(hour)], [step(3 * day), pass(hour)]],
  ["three days in which nothing ran", [], [step(3 * day), restart, pass(hour)]],
  [
    "forward, forward and back over restarts",
    [step(day), restart, step(day)],
    [restart, step(-2 * day), restart],
  ],
  ["a clock that was days slow, then right", [step(-5 * day), restart], [step(5 * day), pass(hour), restart]],
  [
    "23 hours, and jumps in between",
    [pass(8 * hour), step(day)],
    [pass(8 * hour), step(-day), pass(7 * hour)],
  ],
];

for (const shards of [1, 3]) {
  for (const at of [undefined, epochMs]) {
    const how = `${shards} shard${shards === 1 ? "" : "s"}, ${at === undefined ? "no at" : "with at"}`;

    test.each(stories)(
      `CLOCK-4, SHARD-6: %s: the same keys are given their stored answers (${how})`,
      (_, before, after) => {
        const clock = manualClock(epochMs);
        let engine = shopOn(clock, shards);
        const placed = place("ann", "k1", { tea: 1, mug: 1 }, { at });
        const first = engine.ask(placed);
        expect(first).toMatchObject({ code: "ok", replayed: false });
        for (const move of before) engine = move(engine, clock);
        const cancel = { method: "order.cancel", order: first.result.order, key: "k2", at } as const;
        const canceled = engine.ask(cancel);
        expect(["ok", "invalid_transition"]).toContain(canceled.code);
        for (const move of after) engine = move(engine, clock);
        expect(engine.ask(placed)).toEqual({ ...first, replayed: true });
        expect(engine.ask(cancel)).toEqual({ ...canceled, replayed: true });
        expect(engine.ask({ ...placed, key: "k3" })).toMatchObject({ code: "ok", replayed: false });
        expect(engine.restart().hashes()).toEqual(engine.hashes());
      },
    );
  }
}

test("CLOCK-4: a day in which the engine could be asked is a day: then the key is forgotten, jumps or not", () => {
  const clock = manualClock(epochMs);
  let engine = shopOn(clock, 1);
  const placed = place("ann", "k1", { tea: 1 }, { pay: "later" });
  const { order } = engine.ask(placed).result;
  engine = step(2 * day)(engine, clock).restart();
  engine.ask({ method: "order.cancel", order, key: "k2" });
  expect(Math.round(engine.shards[0]!.books.jumpedMs / 1000)).toBe((2 * day) / 1000);
  pass(day - 1000)(engine, clock);
  expect(engine.shards[0]!.books.keys.count).toBe(2);
  pass(1000)(engine, clock);
  expect(engine.shards[0]!.books.keys.count).toBe(0);
  expect(engine.shards[0]!.books.orders.count).toBe(0);
});

test("orders that wait for their keys after a jump cost nothing until these are gone, however many they are", () => {
  const clock = manualClock(epochMs);
  const engine = shopOn(clock, 1);
  const count = keysDroppedPerStep + 500;
  for (let n = 0; n < count; n++)
    engine.submit(place("ann", `k${n}`, { tea: 1 }, { pay: "later", payWithinMs: 1000 }));
  engine.settle();
  const [shard] = engine.shards;
  step(2 * day)(engine, clock);
  expect(shard!.books.liveOrders).toBe(0);
  expect(shard!.nextDue).toBe(Number.POSITIVE_INFINITY);
  pass(day + 1000)(engine, clock);
  expect(shard!.books.orders.count).toBe(0);
});

test("an engine whose time is days ahead does not lock out callers who say `at` by their own clocks", () => {
  const clock = manualClock(epochMs + 3 * day);
  let engine = shopOn(clock, 1);
  clock.step(-3 * day);
  engine = engine.restart();
  // Whoever says nothing is remembered by the wall clock, too.
  const { order } = engine.ask(place("ann", "k1", { tea: 1 }, { pay: "later" })).result;
  engine.ask({ method: "order.cancel", order, key: "k2" });
  clock.advance(day + hour);
  engine.settle();
  expect(engine.shards[0]!.books.keys.count).toBe(0);
  expect(engine.ask(place("ann", "k3", { tea: 1 }, { at: clock.nowMs }))).toMatchObject({ code: "ok" });
});
