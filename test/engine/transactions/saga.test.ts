import { describe, expect, test } from "vitest";
import type { PlanSpec } from "../../../actors/transactions/plan.js";
import { channelRetryMs } from "../../../engine/seams/limits.js";
import { Books } from "../../../engine/tables/books.js";
import { replay } from "../../../engine/tables/replay.js";
import { balanceOf, shop, stockOf } from "../../support/shop.js";
import { begin, call, leftOpen, lost, no, ok, pay, saga, tea, world } from "../../support/transactions.js";

const gift = saga(tea(), pay(), call("wrap"), call("send"));
const all = (fate = ok) => ({
  "gift/wrap:do": () => fate,
  "gift/wrap:undo": () => ok,
  "gift/send:do": () => fate,
  "gift/send:undo": () => ok,
});

function sagaShop(shards: number, functions: Parameters<typeof world>[0], plan = gift) {
  const outside = world(functions);
  const engine = shop({
    shards,
    outCalls: outside.outCalls,
    plan: (name) => (name === "gift" ? plan : undefined),
  });
  return { engine, outside };
}

describe.each([1, 3])("over %i shards", (shards) => {
  test("every step is done in order, each with the results of those before", () => {
    const { engine, outside } = sagaShop(shards, all());
    const { code, result, replayed } = engine.ask(begin("gift", { input: { to: "ben" } }));
    expect([code, result.state, replayed]).toEqual(["ok", "done", false]);
    expect(outside.names()).toEqual(["gift/wrap:do", "gift/send:do"]);
    expect(JSON.parse(outside.calls[1]!.input)).toEqual({
      transaction: result.transaction,
      account: "ann",
      name: "gift",
      part: "send",
      input: { to: "ben" },
      results: { tea: { product: "tea", qty: 2, unitPrice: "9.99", currency: "CNY" }, wrap: { ok: true } },
      result: null,
    });
    engine.pass(channelRetryMs);
    expect(stockOf(engine, "tea")).toEqual([8, 0, 2]);
    expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual(["90.00", "110.00"]);
    expect(leftOpen(engine)).toEqual([]);
    expect(engine.ask(begin("gift", { input: { to: "ben" } }))).toEqual({
      code: "ok",
      result,
      replayed: true,
    });
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test("a lookup of its key finds how it ended", () => {
    const { engine } = sagaShop(shards, all());
    const { result } = engine.ask(begin("gift"));
    const lookup = engine.ask({ method: "order.lookup", account: "ann", key: "t1" });
    expect(lookup.result).toEqual({ state: "found", result });
  });

  test("SAGA-3: a refused step: what was done before is undone, newest first, and it itself is not", () => {
    const { engine, outside } = sagaShop(shards, { ...all(), "gift/send:do": () => no });
    const { result } = engine.ask(begin("gift"));
    expect(result).toMatchObject({ state: "undone", error: { part: "send", how: "refused", reason: "no" } });
    expect(outside.names()).toEqual(["gift/wrap:do", "gift/send:do", "gift/wrap:undo"]);
    engine.pass(channelRetryMs);
    expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
    expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual(["100.00", "100.00"]);
    expect(leftOpen(engine)).toEqual([]);
  });
});

test.each([
  ["says it was done", ok, "done", ["gift/send:do", "gift/send:do", "gift/send:do", "gift/send:ask"]],
  ["says it was not", no, "undone", ["gift/send:do", "gift/send:do", "gift/send:do", "gift/send:ask"]],
  [
    "does not know either",
    lost,
    "undone",
    [...Array(3).fill("gift/send:do"), ...Array(3).fill("gift/send:ask"), "gift/send:undo"],
  ],
])("a step of which nobody knows is asked about: the answer %s", (_, answer, state, names) => {
  const outside = world({
    "gift/send:do": () => lost,
    "gift/send:ask": () => answer,
    "gift/send:undo": () => ok,
  });
  const plan = saga(tea(), call("send", { ask: true }));
  const engine = shop({ outCalls: outside.outCalls, plan: () => plan });
  const id = engine.submit(begin("gift"));
  for (let n = 0; n < 20; n++) engine.pass(100);
  expect(engine.answerTo(id)?.result.state).toBe(state);
  expect(outside.names()).toEqual(names);
  expect(leftOpen(engine)).toEqual([]);
});

test("compensations run newest first, each after the one before it has ended", () => {
  const parts = ["one", "two", "three"];
  const verbs = Object.fromEntries(parts.map((part) => [`gift/${part}:undo`, () => undefined]));
  const steps = Object.fromEntries(parts.map((part) => [`gift/${part}:do`, () => ok]));
  const outside = world({ ...steps, ...verbs, "gift/last:do": () => no });
  const plan = saga(...[...parts, "last"].map((part) => call(part)));
  const engine = shop({ outCalls: outside.outCalls, plan: () => plan });
  const id = engine.submit(begin("gift"));
  engine.settle();
  for (const [index, part] of ["three", "two", "one"].entries()) {
    expect(outside.names().slice(4)).toEqual(
      ["three", "two", "one"].slice(0, index + 1).map((name) => `gift/${name}:undo`),
    );
    expect(outside.names().at(-1)).toBe(`gift/${part}:undo`);
    outside.report(4 + index, ok);
    engine.settle();
  }
  expect(engine.answerTo(id)?.result.state).toBe("undone");
});

test("CALLS-2: a report that comes twice, late, or for a call that has ended changes nothing", () => {
  const outside = world({ "gift/send:do": () => undefined, "gift/send:undo": () => ok });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(tea(), call("send")) });
  const id = engine.submit(begin("gift"));
  engine.settle();
  outside.report(0, lost);
  outside.report(0, lost);
  engine.settle();
  expect(engine.shards[0]!.books.calls.open.get(1024)).toMatchObject({ failed: 1 });
  for (let n = 0; n < 4; n++) engine.pass(50);
  expect(outside.calls).toHaveLength(2);
  // The first attempt had only been slow.
  outside.report(0, ok);
  engine.settle();
  expect(engine.answerTo(id)?.result.state).toBe("done");
  const hashes = engine.hashes();
  outside.report(1, no);
  outside.report(0, lost);
  engine.settle();
  expect(engine.hashes()).toEqual(hashes);
});

test("a saga past its deadline undoes also the step that is under way", () => {
  const outside = world({ "gift/send:do": () => undefined, "gift/send:undo": () => ok });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(tea(), call("send")) });
  const id = engine.submit(begin("gift", { deadlineMs: 5000 }));
  engine.settle();
  engine.pass(5000);
  expect(engine.answerTo(id)?.result).toMatchObject({ state: "undone", error: { code: "hold_expired" } });
  expect(outside.names()).toEqual(["gift/send:do", "gift/send:undo"]);
  expect(leftOpen(engine)).toEqual([]);
});

test("a compensation is in the log before its step has left", () => {
  const outside = world({ "gift/send:do": () => ok });
  const left: string[] = [];
  const engine = shop({
    plan: () => saga(call("send")),
    outCalls: {
      ...outside.outCalls,
      call(asked, report) {
        const books = new Books();
        for (const group of engine.journals[0]!.read(1)) replay(books, group);
        const [durable] = books.transactions.open.values();
        left.push(durable?.progress[0]?.state ?? "unknown to the log");
        outside.outCalls.call(asked, report);
      },
    },
  });
  engine.ask(begin("gift"));
  expect(left).toEqual(["begun"]);
});

test("under one key a transaction runs once, whoever asks while it runs", () => {
  const outside = world({ "gift/send:do": () => undefined });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(call("send")) });
  const first = engine.submit(begin("gift"));
  const second = engine.submit(begin("gift"));
  engine.settle();
  expect(engine.ask(begin("gift", { wait: false })).result.state).toBe("running");
  expect(engine.ask(begin("gift", { input: { other: 1 } })).code).toBe("key_reused");
  outside.report(0, ok);
  engine.settle();
  expect(engine.answerTo(first)).toMatchObject({ replayed: false, result: { state: "done" } });
  expect(engine.answerTo(second)).toEqual({ ...engine.answerTo(first)!, replayed: true });
  expect(outside.calls).toHaveLength(1);
});

const money = { kind: "money", name: "pay", from: "ann", to: "wallet:ben", amount: "1.00", currency: "CNY" };

test.each([
  ["no parts", undefined],
  ["parts that are none", 7],
  ["an empty list", []],
  ["a part that is null", [null]],
  ["a part that is a text", ["pay"]],
  ["a part of no kind", [{ name: "x" }]],
  ["a part without a name", [{ ...money, name: undefined }]],
  ["a name that is a number", [{ ...money, name: 7 }]],
  ["money to nobody", [{ ...money, to: undefined }]],
  ["money to a number", [{ ...money, to: 7 }]],
  ["money from nobody", [{ ...money, from: undefined }]],
  ["money without an amount", [{ ...money, amount: undefined }]],
  ["money with a number as its amount", [{ ...money, amount: 1 }]],
  ["money of no currency", [{ ...money, currency: undefined }]],
  ["stock without a product", [{ kind: "stock", name: "tea", qty: 1 }]],
  ["stock without a number", [{ kind: "stock", name: "tea", product: "tea", qty: "1" }]],
  ["a call with units below zero", [{ kind: "call", name: "send", units: -1 }]],
  ["a call with a part of a unit", [{ kind: "call", name: "send", units: 0.5 }]],
  ["a call with a number at risk", [{ kind: "call", name: "send", amount: 5, currency: "CNY" }]],
])("a definition that makes %s of its input is refused, and the shard goes on", (_, parts) => {
  for (const mode of ["saga", "tcc"] as const) {
    const outside = world({
      "gift/send:do": () => ok,
      "gift/send:try": () => ok,
      "gift/send:confirm": () => ok,
    });
    const plan = { mode, parts } as unknown as PlanSpec;
    const engine = shop({ outCalls: outside.outCalls, plan: () => plan });
    const before = engine.hashes();
    expect(engine.ask(begin("gift"))).toMatchObject({ code: "invalid_request" });
    expect(engine.failures).toEqual([]);
    expect(engine.hashes()).toEqual(before);
    expect(balanceOf(engine, "ann")).toBe("100.00");
  }
});
