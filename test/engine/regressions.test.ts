/**
 * The ways in which systems of this kind are known to lose money, each as a sentence that must stay true. Most of them are
 * tested elsewhere in the small; here they stand by name.
 */

import { describe, expect, test } from "vitest";
import { shardOf } from "../../engine/loop/methods.js";
import type { Command } from "../../engine/seams/commands.js";
import { memoryJournal } from "../../persistence/log/memory-journal.js";
import {
  advance,
  advanceParams,
  annsTea,
  type Buyer,
  cancel,
  fresh,
  held,
  hour,
  notify,
  notifyParams,
  orderOf,
  paid,
  pay,
  refund,
  refundParams,
} from "../support/after-sale.js";
import {
  type CommandParams,
  type TestEngine,
  type TestEngineOptions,
  testEngine,
} from "../support/engine.js";
import { onItsWay, standing } from "../support/ledger-of.js";
import { crashedAfter, recording } from "../support/prefixes.js";
import { providers } from "../support/providers.js";
import { balanceOf, place, product, shop, stockOf } from "../support/shop.js";

const across: Buyer = { account: "ben", cart: { tea: 1, mug: 1 } };
const places: readonly (readonly [string, number, Buyer, string])[] = [
  ["one shard", 1, annsTea, "19.98"],
  ["one of three shards", 3, annsTea, "19.98"],
  ["across three shards", 3, across, "34.99"],
];

describe.each(places)("%s", (_, shards, buyer, total) => {
  test("an expired hold gives its stock back, and its units of the limit", () => {
    const engine = shop({ shards });
    engine.ask(product("one", "1.00", { limitPerAccount: 1 }));
    const before = stockOf(engine, "tea");
    held(engine, buyer);
    held(engine, { account: buyer.account, cart: { one: 1 } });
    expect(stockOf(engine, "tea")).not.toEqual(before);
    engine.pass(2 * hour);
    expect(stockOf(engine, "tea")).toEqual(before);
    expect(stockOf(engine, "one")).toEqual([10, 0, 0]);
    expect(paid(engine, { account: buyer.account, cart: { one: 1 } })).toBeDefined();
  });

  for (const by of ["pay", "notify"] as const) {
    test.each([-1, 0, 1])(
      `expiry and ${by} %i ms apart: either the order is paid or the money is back`,
      (ms) => {
        const engine = shop({ shards, settings: { graceMs: 0 } });
        const start = engine.clock.micros;
        const order = held(engine, buyer);
        engine.clock.micros = start + (hour + ms) * 1000;
        const asked: CommandParams =
          by === "pay" ? { method: "order.pay", key: fresh(), order } : notifyParams(order, total);
        engine.submit(asked);
        engine.settle();
        const { status } = orderOf(engine, order);
        const onOrder = standing(engine, `order:${order}`)[`order:${order}`];
        const spent = 100 - Number(balanceOf(engine, buyer.account));
        if (status === "Paid") {
          expect(onOrder).toBe(total);
          expect(stockOf(engine, "tea")[2]).toBe(buyer.cart.tea);
          if (by === "pay") expect(spent).toBeCloseTo(Number(total));
        } else {
          expect(status).toBe("Canceled");
          expect(onOrder).toBeUndefined();
          expect(spent).toBe(0);
          expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
          expect(standing(engine, ...onItsWay)).toEqual(by === "pay" ? {} : { "payable:CNY": total });
        }
        expect(status).toBe(ms < 0 ? "Paid" : "Canceled");
      },
    );
  }

  test.each([
    ["confirm", "Shipped"],
    ["pay", "Created"],
    ["cancel", "Created"],
    ["refund", "Paid"],
  ])("%s twice, under one key and under two, moves once", (what, from) => {
    const engine = shop({ shards });
    const order = from === "Created" ? held(engine, buyer) : paid(engine, buyer);
    if (from === "Shipped") for (const event of ["pack", "ship"]) advance(engine, order, event);
    const request = (): CommandParams => {
      if (what === "confirm") return advanceParams(order, "confirm");
      if (what === "refund") return refundParams(order, { restock: true });
      return { method: `order.${what}` as "order.pay", key: fresh(), order };
    };
    const once = request();
    const ids = [once, once, request()].map((params) => engine.submit(params));
    engine.settle();
    const [first, same, other] = ids.map((id) => engine.answerTo(id)!);
    expect(first!.code).toBe("ok");
    expect(same).toEqual({ ...first, replayed: true });
    expect(other!.code).toBe("invalid_transition");
    const { available, points } = engine.ask({ method: "account.get", account: buyer.account }).result;
    const gone = what === "pay" || what === "confirm";
    expect(available).toBe(gone ? (100 - Number(total)).toFixed(2) : "100.00");
    expect(points).toBe(what === "confirm" ? Math.floor(Number(total)) : 0);
    const units = buyer.cart.tea!;
    expect(stockOf(engine, "tea")).toEqual(gone ? [10 - units, 0, units] : [10, 0, 0]);
  });

  test("money that was taken always has an order: what is refused takes none", () => {
    const engine = shop({ shards });
    for (const mode of ["tcc", "saga"]) {
      const cart = { tea: 1, mug: 3 };
      const refused = engine.ask(place(buyer.account, fresh(), cart, { pay: "balance", mode }));
      expect(refused.code).toBe("insufficient_stock");
      expect([balanceOf(engine, buyer.account), stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
        "100.00",
        [10, 0, 0],
        [2, 0, 0],
      ]);
    }
    expect(standing(engine, "order:", ...onItsWay)).toEqual({});
  });
});

/** Everything that moves money or stock, under keys that are always the same: played again, it must not happen again. */
function play(engine: TestEngine): void {
  const ask = (params: CommandParams) => engine.ask(params);
  for (const account of ["ann", "ben"]) {
    ask({ method: "account.open", account, currency: "CNY" });
    ask({ method: "account.deposit", account, amount: "100.00", ref: "start" });
  }
  ask(product("tea", "9.99", { name: "Tea", stock: 10 }));
  ask(product("mug", "25.00", { name: "Mug", stock: 3 }));
  const order = (
    account: string,
    key: string,
    cart: Record<string, number>,
    more: Record<string, unknown> = {},
  ): string => ask(place(account, key, cart, more)).result.order;
  const a = order("ann", "a", { tea: 1 });
  ask({ method: "order.pay", key: "pay-a", order: a });
  const b = order("ben", "b", { tea: 2, mug: 1 }, { pay: "balance" });
  const c = order("ann", "c", { mug: 1 }, { pay: "balance", mode: "saga" });
  const d = order("ben", "d", { tea: 1 });
  ask({ method: "order.cancel", key: "cancel-d", order: d });
  const e = order("ann", "e", { tea: 1 });
  ask(notifyParams(e, "10.00", { paymentId: "e" }));
  ask({ method: "account.withdraw", account: "ann", amount: "1.00", ref: "w" });
  const parts = { key: "refund-b", lines: [{ product: "tea", qty: 1 }], restock: true };
  ask(refundParams(b, parts));
  for (const event of ["pack", "ship", "confirm"]) ask(advanceParams(c, event, { key: `${event}-c` }));
  ask({ method: "points.spend", account: "ann", points: 20, ref: "s" });
  ask(refundParams(c, { key: "refund-c", restock: true }));
  const { refunds } = ask(refundParams(e, { key: "refund-e" })).result;
  ask({ method: "refund.report", refund: refunds[0].refund, outcome: "done" });
  ask(notifyParams("o88888888", "3.00", { paymentId: "stray" }));
}

/** What it must all come to. */
function outcome(engine: TestEngine): unknown {
  const get = (account: string) => engine.ask({ method: "account.get", account }).result;
  return {
    accounts: [get("ann"), get("ben")],
    stock: [stockOf(engine, "tea"), stockOf(engine, "mug")],
    ledger: standing(engine, ""),
  };
}

test.each([1, 3])(
  "a crash after any group, then the same requests again: no sale is lost, nothing is sold, paid or given twice (%i shards)",
  (shards) => {
    const { journals, groups } = recording(shards);
    const options: TestEngineOptions = { shards };
    const whole = testEngine({ ...options, journals });
    play(whole);
    whole.pass(1000);
    const expected = outcome(whole);
    expect(groups.length).toBeGreaterThanOrEqual(30);
    for (let count = 0; count <= groups.length; count++) {
      const again = crashedAfter(groups, count, options);
      // What was on its way between the shards is sent again.
      again.pass(1000);
      for (const [id, supplied] of [
        ["tea", 10],
        ["mug", 3],
      ] as const) {
        const { code, result } = again.ask({ method: "product.get", product: id });
        if (code === "ok") expect(result.available + result.held + result.sold).toBe(supplied);
      }
      play(again);
      again.pass(1000);
      expect([count, outcome(again)]).toEqual([count, expected]);
    }
  },
);

test("a move that lost its race has no side effect: of two refunds of everything one provider call is made", () => {
  const outCalls = providers(["refund:alipay"]);
  const engine = shop({ outCalls });
  const order = held(engine);
  notify(engine, order, "19.98");
  const ids = [1, 2, 3].map(() => engine.submit(refundParams(order)));
  engine.settle();
  expect(ids.map((id) => engine.answerTo(id)!.code)).toEqual([
    "ok",
    "refund_exceeds_remaining",
    "refund_exceeds_remaining",
  ]);
  expect(outCalls.asked.length).toBe(1);
});

test("CALL-DISPATCHER-1, REFUNDS-1: nor before it is on disk: the provider hears of a refund only when its intent is durable", () => {
  const outCalls = providers(["refund:alipay"]);
  const journal = memoryJournal({ manual: true });
  const engine = testEngine({ journals: [journal], outCalls });
  const ask = (params: CommandParams) => {
    const id = engine.submit(params);
    for (engine.settle(); journal.appended > journal.durable; engine.settle()) journal.settle();
    return engine.answerTo(id)!;
  };
  ask({ method: "account.open", account: "ann", currency: "CNY" });
  ask(product("tea", "9.99"));
  const { order } = ask(place("ann", "k", { tea: 1 })).result;
  ask(notifyParams(order, "9.99"));
  const id = engine.submit(refundParams(order));
  // A turn after it in the same group finds the call due.
  engine.submit({ method: "account.get", account: "ann" });
  engine.settle();
  expect([engine.answerTo(id), outCalls.asked.length]).toEqual([undefined, 0]);
  journal.settle();
  engine.settle();
  expect([engine.answerTo(id)!.code, outCalls.asked.length]).toEqual(["ok", 1]);
});

test("a pay that lost to a cancel takes no money and no points, and the other way round", () => {
  for (const order of [
    ["pay", "cancel"],
    ["cancel", "pay"],
  ]) {
    const engine = shop({ settings: { pointsGrantOn: "paid" } });
    const id = held(engine);
    const ids = order.map((what) =>
      engine.submit({ method: `order.${what}` as "order.pay", key: fresh(), order: id }),
    );
    engine.settle();
    expect(ids.map((n) => engine.answerTo(n)!.code)).toEqual(["ok", "invalid_transition"]);
    const { available, points } = engine.ask({ method: "account.get", account: "ann" }).result;
    expect([available, points]).toEqual(order[0] === "pay" ? ["80.02", 19] : ["100.00", 0]);
  }
});

test("points are not taken that were never given", () => {
  const engine = shop();
  const order = paid(engine);
  refund(engine, order, { amount: "5.00" });
  refund(engine, order);
  const { points } = engine.ask({ method: "account.get", account: "ann" }).result;
  expect([points, standing(engine, "points:", "issued:")]).toEqual([0, {}]);
});

test("a request that failed does not run under its token when it could", () => {
  const engine = shop();
  const { token } = engine.ask({ method: "token.issue" }).result;
  const request = place("ann", token, { mug: 3 }, { pay: "balance" });
  const first = engine.ask(request);
  expect(first).toMatchObject({ code: "insufficient_stock", replayed: false });
  engine.ask({ method: "product.restock", product: "mug", qty: 10 });
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  expect(engine.restart().ask(request)).toEqual({ ...first, replayed: true });
  expect([balanceOf(engine, "ann"), stockOf(engine, "mug")]).toEqual(["100.00", [12, 0, 0]]);
});

test("TURN-1: a cart of three whose second line is short leaves no trace, and nobody saw its first line dip", () => {
  const engine = shop();
  engine.ask(product("pen", "1.00"));
  for (const id of ["tea", "mug", "pen"]) engine.ask({ method: "feed.subscribe", topic: `product:${id}` });
  engine.ask({ method: "feed.subscribe", topic: "account:ann" });
  for (const pay of ["later", "balance"]) {
    const answer = engine.ask(place("ann", fresh(), { tea: 1, mug: 3, pen: 1 }, { pay }));
    expect(answer).toMatchObject({ code: "insufficient_stock", details: { available: 2 } });
    expect(answer.details!.lines).toEqual([{ product: "mug", code: "insufficient_stock", available: 2 }]);
  }
  expect(engine.pushes()).toEqual([]);
  expect([stockOf(engine, "tea"), stockOf(engine, "mug"), stockOf(engine, "pen")]).toEqual([
    [10, 0, 0],
    [2, 0, 0],
    [10, 0, 0],
  ]);
  expect(engine.shards[0]!.books.orders.nextSequence).toBe(1);
});

test("the same product in two lines is one line: together they are too many, or one order of both", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    const two = (first: number, second: number): CommandParams => ({
      ...place("ben", fresh(), {}),
      lines: [
        { product: "tea", qty: first },
        { product: "tea", qty: second },
      ],
    });
    expect(engine.ask(two(6, 5))).toMatchObject({ code: "insufficient_stock", details: { available: 10 } });
    expect(engine.ask(two(1, 2)).result.lines).toMatchObject([{ product: "tea", qty: 3, subtotal: "29.97" }]);
    expect(stockOf(engine, "tea")).toEqual([7, 3, 0]);
  }
});

test("NOTIFY-PAYMENT-1: a payment is the same payment for whatever order its provider says it is", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    const [first, second] = [held(engine), held(engine, { account: "ben", cart: { tea: 2 } })];
    const word = { paymentId: "same" };
    expect(notify(engine, first, "19.98", word).result.outcome).toBe("paid");
    expect(notify(engine, second, "19.98", word).code).toBe("key_reused");
    expect(orderOf(engine, second)).toMatchObject({ status: "Created", amountPaid: "0.00" });
    expect(standing(engine, "clearing:")).toEqual({ "clearing:alipay:CNY": "-19.98" });
  }
});

test("requests of an order run on the shard of its account, so its moves have one order", () => {
  const engine = shop({ shards: 3 });
  const order = held(engine, across);
  for (const params of [{ method: "order.pay", order }, advanceParams(order, "pack"), refundParams(order)])
    expect(shardOf(params as unknown as Command, 3)).toBe(
      shardOf({ method: "account.get", account: "ben" } as unknown as Command, 3),
    );
  expect([pay(engine, order).code, cancel(engine, order).code]).toEqual(["ok", "invalid_transition"]);
});

test("a text that begins with U+FEFF is the same after a restart", () => {
  const engine = shop();
  engine.ask(product("bom", "1.00", { name: "\ufeffTea" }));
  const order = engine.ask(place("ann", "bom", { bom: 1 })).result.order;
  engine.ask({ method: "order.cancel", key: "bom-2", order, reason: "\ufeff龙井, not tea" });
  const again = engine.restart();
  expect(again.ask({ method: "product.get", product: "bom" }).result.name).toBe("\ufeffTea");
  expect(again.hashes()).toEqual(engine.hashes());
});
