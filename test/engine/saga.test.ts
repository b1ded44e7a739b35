import { describe, expect, test } from "vitest";
import { channelRetryMs } from "../../engine/limits.js";

import { balanceOf, shop, stockOf } from "../support/shop.js";
import { begin, call, leftOpen, no, ok, pay, saga, tea, world } from "../support/transactions.js";

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

  test("a refused step: what was done before is undone, newest first, and it itself is not", () => {
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
