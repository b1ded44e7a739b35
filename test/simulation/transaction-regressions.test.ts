/** Defects that transactions have found in the simulator, each as the smallest case, with the seed that showed it first. */

import { describe, expect, test } from "vitest";
import { auditLogs } from "../../persistence/audit/audit.js";
import type { TestEngine } from "../support/engine.js";
import { balanceOf, place, shop, stockOf } from "../support/shop.js";
import { begin, call, leftOpen, lost, no, ok, pay, saga, tcc, tea, world } from "../support/transactions.js";

const hour = 3_600_000;

/** Hour by hour, so that everything has its time. */
function passHours(engine: TestEngine, hours: number): void {
  for (let left = hours; left > 0; left--) engine.pass(hour);
}

/** The only item for a human, on whichever shard. */
function itemOf(engine: TestEngine): string {
  const items = engine.shards.flatMap(
    (_, shard) => engine.ask({ method: "human.list", cursor: `${shard}.0` }).result.items,
  ) as { item: string }[];
  expect(items.length).toBe(1);
  return items[0]!.item;
}

test("seed 1: a step of which nobody knows has no result, for nobody who asks and not for what undoes it", () => {
  const { outCalls, calls } = world({ "gift/wrap:do": () => lost, "gift/wrap:undo": () => ok });
  const engine = shop({ outCalls, plan: () => saga(call("wrap")) });
  const id = engine.submit(begin("gift"));
  for (let tries = 0; tries < 10; tries++) engine.pass(1000);
  const { result } = engine.answerTo(id)!;
  expect(result).toMatchObject({ state: "undone", error: { part: "wrap", how: "unknown" }, results: {} });
  const undo = calls.find(({ name }) => name === "gift/wrap:undo")!;
  expect(JSON.parse(undo.input)).toMatchObject({ results: {}, result: null });
});

describe.each([1, 3])("seed 9: a saga that takes days, over %i shards", (shards) => {
  const plan = () => saga(tea(), pay(), call("visit"));
  const visited = (engine: TestEngine, action: string) => {
    const item = itemOf(engine);
    return engine.ask({ method: "human.resolve", item, action, reason: "the visitor says so" }).code;
  };

  test("gives back what it took, when it is undone after all", () => {
    const engine = shop({ shards, plan });
    engine.submit(begin("gift", { deadlineMs: 30 * 24 * hour }));
    passHours(engine, 60);
    expect(stockOf(engine, "tea")).toEqual([8, 0, 2]);
    expect(visited(engine, "undone")).toBe("ok");
    engine.pass(1000);
    expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
    expect(leftOpen(engine)).toEqual([]);
  });

  test("FENCE-TABLE-1: is forgotten by its actors a day after it was done, not before", () => {
    const engine = shop({ shards, plan });
    engine.submit(begin("gift", { deadlineMs: 30 * 24 * hour }));
    passHours(engine, 60);
    const fences = () => engine.shards.reduce((sum, { books }) => sum + books.fences.size, 0);
    expect(fences()).toBe(3);
    expect(visited(engine, "done")).toBe("ok");
    engine.pass(1000);
    expect([fences(), leftOpen(engine)]).toEqual([3, []]);
    passHours(engine, 26);
    expect(fences()).toBe(0);
  });
});

describe("TRANSACTION-ITEMS-2: a part that is being undone on another shard while a human looks at its item", () => {
  const books = { entries: [{ from: "fees", to: "suspense", amount: "10.00" }] };
  test.each([
    ["write_off", {}],
    ["entries", books],
    ["done", {}],
    ["retry", {}],
  ])("%s: not before its answer has come, or it would be settled twice", (action, more) => {
    let cut = false;
    const plan = () => saga(pay(), call("wrap"));
    const { outCalls, report } = world({ "gift/wrap:do": () => undefined });
    const engine = shop({ shards: 3, outCalls, plan, carry: (frames) => (cut ? [] : frames) });
    engine.submit(begin("gift"));
    engine.pass(300);
    engine.ask({ method: "account.withdraw", account: "ben", amount: "105.00", ref: "spent" });
    report(0, no);
    for (let n = 0; n < 40; n++) engine.pass(2000);
    const item = itemOf(engine);
    engine.ask({ method: "account.deposit", account: "ben", amount: "50.00", ref: "again" });
    cut = true;
    engine.pass(70_000);
    const resolve = { method: "human.resolve", item, action, reason: "so be it", ...more } as const;
    expect(engine.ask(resolve).code).toBe("invalid_request");
    cut = false;
    for (let n = 0; n < 40; n++) engine.pass(2000);
    expect(leftOpen(engine)).toEqual([]);
    expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual(["100.00", "45.00"]);
  });
});

describe("seed 10: the audit finds good what the engine does", () => {
  const certify = (engine: TestEngine) =>
    auditLogs({
      shards: engine.journals.map((journal, shard) => ({ shard, groups: journal.read(1) })),
    }).checks.filter(({ ok: good }) => good === false);

  test("a part that is tried and canceled in one turn", () => {
    const engine = shop({ plan: () => tcc(pay("5.00"), tea(100)) });
    expect(engine.ask(begin("greedy")).result.state).toBe("undone");
    expect(certify(engine)).toEqual([]);
  });

  test("seed 530: a part that is refused on a shard where no account was ever named", () => {
    const plan = () => tcc(call("seat"), { kind: "stock", name: "x", product: "nothing-6", qty: 1 });
    const { outCalls } = world({ "trip/seat:try": () => ok, "trip/seat:cancel": () => ok });
    const engine = shop({ shards: 3, outCalls, plan });
    const [bare] = engine.shards.filter(({ books }) => books.accounts.length === 0);
    expect(engine.ask(begin("trip")).result.state).toBe("undone");
    expect(bare!.books.fences.size).toBe(1);
    expect(certify(engine)).toEqual([]);
  });

  test.each([
    ["write_off", undefined],
    ["entries", [{ from: "clearing:pay", to: "fees", amount: "9.99" }]],
  ])("a refund that a human ends by %s", (action, entries) => {
    const engine = shop();
    const { order } = engine.ask(place("ann", "k1", { tea: 1 })).result;
    const payment = { provider: "pay", paymentId: "p-1", order, amount: "9.99", currency: "CNY" };
    engine.ask({ method: "payment.notify", ...payment });
    engine.ask({ method: "order.refund", order, key: "k2", reason: "r", restock: false });
    passHours(engine, 26);
    const item = itemOf(engine);
    const resolved = engine.ask({ method: "human.resolve", item, action, reason: "it is so", entries });
    expect(resolved.code).toBe("ok");
    expect(certify(engine)).toEqual([]);
  });
});
