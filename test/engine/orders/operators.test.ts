import { expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { Facts } from "../../../actors/facts.js";
import { orderSlot, parseOrderId } from "../../../actors/order-number.js";
import { shardOfSlot } from "../../../engine/links/slots.js";
import type { Journal } from "../../../persistence/log/journal.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers } from "../../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { firstBad } from "../../support/audited.js";
import type { TestEngine } from "../../support/engine.js";
import { place, product, shop } from "../../support/shop.js";

/** [event, who], as the read side tells it. */
function history(engine: TestEngine, order: string): unknown[] {
  const db = openReadDatabase(":memory:");
  const model = new ReadModel(db);
  const shard = shardOfSlot(orderSlot(parseOrderId(order)!), engine.journals.length);
  for (const [number, journal] of engine.journals.entries()) model.project(number, groupsOf(journal));
  model.commit();
  const { moves } = prepareAnswers(db).history({ order });
  db.close();
  expect(engine.shards[shard]!.books.orders.has(parseOrderId(order)!)).toBe(true);
  return (moves as { event: string; operator?: string }[]).map(({ event, operator }) => [event, operator]);
}

function groupsOf(journal: Journal) {
  return [...journal.read(1)];
}

function named(engine: TestEngine): number {
  let count = 0;
  for (const journal of engine.journals)
    for (const { body, first } of journal.read(1))
      readFacts(body, first, ({ type }) => {
        if (type === Facts.operatorNamed) count++;
      });
  return count;
}

const ways = [1, 3].flatMap((shards) =>
  ["tcc", "saga"].flatMap((mode) => ["cart", "line"].map((what) => ({ shards, mode, what }))),
);

test.each(ways)(
  "paid as it is placed, $mode, a $what, $shards shards: who placed it is in its history",
  (way) => {
    const engine = shop({ shards: way.shards });
    const cart = way.what === "cart" ? { tea: 1, mug: 1 } : { tea: 1 };
    const more = { pay: "balance", mode: way.mode, operator: "li" };
    const { result } = engine.ask(place("ann", "k", cart, more));
    expect(history(engine, result.order)).toEqual([["place", "li"]]);
    expect(engine.ask(place("ann", "k", cart, more))).toEqual({ code: "ok", result, replayed: true });
    for (const other of ["wu", undefined])
      expect(engine.ask(place("ann", "k", cart, { ...more, operator: other })).code).toBe("key_reused");
    expect(firstBad(engine)).toBeUndefined();
  },
);

test.each([1, 3])(
  "who placed, paid and canceled is in the history, and who is not named is not (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    const ask = (method: "order.pay" | "order.cancel", order: string, key: string, operator?: string) =>
      engine.ask({ method, order, key, operator });
    const placed = (key: string, operator?: string): string =>
      engine.ask(place("ben", key, { tea: 1, mug: 1 }, { operator })).result.order;
    const [first, second] = [placed("k1", "li"), placed("k2")];
    ask("order.pay", first, "k3", "wu");
    ask("order.cancel", second, "k4", "wu");
    expect(history(engine, first)).toEqual([
      ["place", "li"],
      ["pay", "wu"],
    ]);
    expect(history(engine, second)).toEqual([
      ["place", undefined],
      ["cancel", "wu"],
    ]);
    const third = placed("k5", "li");
    ask("order.cancel", third, "k6");
    expect(history(engine, third)).toEqual([
      ["place", "li"],
      ["cancel", undefined],
    ]);
    expect(ask("order.pay", first, "k3", "wu")).toMatchObject({ code: "ok", replayed: true });
    expect(ask("order.pay", first, "k3").code).toBe("key_reused");
    expect(ask("order.cancel", second, "k4", "li").code).toBe("key_reused");
    expect(engine.restart().hashes()).toEqual(engine.hashes());
    expect(firstBad(engine)).toBeUndefined();
  },
);

test("a free order that is canceled: by whom, and from Paid; what the engine does then is its own", () => {
  const engine = shop();
  engine.ask(product("gift", "0.00"));
  const { order } = engine.ask(place("ann", "k1", { gift: 1 }, { operator: "li" })).result;
  expect(engine.ask({ method: "order.cancel", order, key: "k2", operator: "wu" }).code).toBe("ok");
  expect(history(engine, order)).toEqual([
    ["place", "li"],
    ["cancel", "wu"],
  ]);
});

test("an order that expires names the engine, whoever placed it", () => {
  const engine = shop();
  const { order } = engine.ask(place("ann", "k1", { tea: 1 }, { operator: "li", payWithinMs: 1000 })).result;
  engine.pass(60_000);
  expect(history(engine, order)).toEqual([
    ["place", "li"],
    ["expire", "engine"],
  ]);
});

test("nobody is named, nothing is recorded: refusals, dry runs, and requests without an operator", () => {
  const engine = shop({ shards: 3 });
  engine.ask(place("ann", "k1", { tea: 1 }));
  engine.ask(place("ann", "k2", { tea: 1, mug: 1 }));
  engine.ask(place("ann", "k3", { tea: 1 }, { dryRun: true, operator: "li" }));
  engine.ask(place("ann", "k4", { tea: 11 }, { operator: "li" }));
  expect(named(engine)).toBe(0);
});

test("an order across shards keeps its operator over a restart between its beginning and its placement", () => {
  const engine = shop({ shards: 3 });
  engine.submit(place("ben", "k1", { tea: 1, mug: 1 }, { operator: "li" }));
  for (const shard of engine.shards) shard.step();
  const pending = engine.shards.flatMap(({ books }) => [...books.pending.values()]);
  expect(pending).toMatchObject([{ operator: "li" }]);
  const again = engine.restart();
  again.settle();
  const { result } = again.ask({ method: "order.lookup", account: "ben", key: "k1" });
  expect(history(again, result.result.order)).toEqual([["place", "li"]]);
});
