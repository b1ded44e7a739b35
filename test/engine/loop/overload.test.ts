import { expect, test } from "vitest";
import { groupMicrosMax, groupTurnsMax, mailboxMax, retryAfterMs } from "../../../engine/seams/limits.js";
import {
  advanceParams,
  held,
  humanItems,
  notify,
  notifyParams,
  orderIn,
  refund,
  refundParams,
  reportParams,
} from "../../support/after-sale.js";
import type { TestEngine } from "../../support/engine.js";
import { balanceOf, place, shop, stockOf } from "../../support/shop.js";

/** By a clock that stands still a turn takes a microsecond, the least that it may. */
const turnsOfStep = Math.min(groupTurnsMax, groupMicrosMax + 1);

/** Fills the ordinary lane with reads. */
function fill(engine: TestEngine): void {
  for (let n = 0; n < mailboxMax; n++) engine.submit({ method: "account.get", account: "ann" });
}

const buy = place("ann", "k1", { tea: 1 }, { pay: "balance" });

test("a full mailbox refuses what is new, and what was refused is never executed", () => {
  const engine = shop();
  fill(engine);
  const refused = engine.submit(buy);
  expect(engine.answerTo(refused)).toBeUndefined();
  engine.settle();
  expect(engine.answerTo(refused)).toEqual({
    code: "overloaded",
    details: { retryAfterMs },
    executed: "unknown",
    replayed: false,
  });
  expect(engine.shards[0]!.counters.overloaded).toBe(1);
  expect([balanceOf(engine, "ann"), stockOf(engine, "tea")]).toEqual(["100.00", [10, 0, 0]]);
  expect(engine.ask(buy)).toMatchObject({ code: "ok", replayed: false });
});

test("pay and cancel pass a full mailbox, and run before what waits in it", () => {
  const engine = shop();
  const [first, second] = ["a", "b"].map((key) => engine.ask(place("ann", key, { tea: 1 })).result.order);
  fill(engine);
  const pay = engine.submit({ method: "order.pay", order: first, key: "p" });
  const cancel = engine.submit({ method: "order.cancel", order: second, key: "c" });
  engine.shards[0]!.step();
  expect([pay, cancel].map((id) => engine.answerTo(id)!.code)).toEqual(["ok", "ok"]);
  expect(engine.shards[0]!.waiting).toBe(mailboxMax + 2 - turnsOfStep);
  engine.settle();
});

test("with the ordinary lane full everything that serves orders passes, and runs before what waits in it", () => {
  const engine = shop();
  const created = held(engine);
  const shipped = orderIn(engine, "Shipped", { account: "ben", cart: { tea: 1 } });
  const settled = orderIn(engine, "Paid", { account: "ben", cart: { tea: 1 } });
  const outside = held(engine, { account: "ann", cart: { mug: 1 } });
  notify(engine, outside, "25.00");
  const { refunds } = refund(engine, outside).result;
  notify(engine, "typo", "1.00");
  const [item] = humanItems(engine);
  fill(engine);
  const asked = [
    notifyParams(created, "19.98"),
    advanceParams(shipped, "confirm"),
    refundParams(settled),
    reportParams(refunds[0].refund, "done"),
    { method: "human.resolve", item: item!.item, action: "done", reason: "sent back" } as const,
  ].map((params) => engine.submit(params));
  const ordinary = engine.submit(buy);
  engine.shards[0]!.step();
  expect(asked.map((id) => engine.answerTo(id)?.code)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  expect(engine.answerTo(ordinary)?.code).toBe("overloaded");
  engine.settle();
});

test("a hold that is paid in time does not expire because of the queue before it", () => {
  const engine = shop({ settings: { graceMs: 0 } });
  const { order } = engine.ask(place("ann", "k1", { tea: 1 }, { payWithinMs: 60_000 })).result;
  engine.clock.micros += 59_900 * 1000;
  fill(engine);
  const pay = engine.submit({ method: "order.pay", order, key: "p" });
  engine.settle();
  expect(engine.answerTo(pay)!.result.status).toBe("Paid");
});

test("a frame of another shard passes a full mailbox", () => {
  const engine = shop({ shards: 3 });
  const id = engine.submit(place("ann", "k1", { mug: 1 }));
  engine.shards[1]!.step();
  for (let n = 0; n < mailboxMax; n++) engine.submit({ method: "product.get", product: "mug" });
  engine.settle();
  expect(engine.answerTo(id)!.code).toBe("ok");
});

test("one step runs a bounded number of turns, and says that there is more", () => {
  const engine = shop();
  fill(engine);
  const { turns } = engine.shards[0]!.counters;
  expect(engine.shards[0]!.step()).toBe(true);
  expect(engine.shards[0]!.counters.turns - turns).toBe(turnsOfStep);
  engine.settle();
  expect(engine.shards[0]!.isIdle).toBe(true);
});

test.each([
  [-1, "deadline_exceeded"],
  [0, "ok"],
  [1, "ok"],
])("a request whose time ends %i us from its turn: %s", (micros, code) => {
  const engine = shop();
  engine.pass(1000);
  // The step itself is the first turn, the command's is the one after it.
  const answer = engine.ask({ ...buy, refuseAfter: engine.clock.micros + 2 + micros });
  expect(answer.code).toBe(code);
  if (code !== "ok") expect(engine.ask(buy)).toMatchObject({ code: "ok", replayed: false });
});
