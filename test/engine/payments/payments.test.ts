/** Money from outside: in time, late, twice, in part; and the buyer's own payment at the same moment. */

import { describe, expect, test } from "vitest";
import { orderId, orderNumber, slotOf } from "../../../actors/order-number.js";
import {
  advance,
  annsTea,
  type Buyer,
  fresh,
  held,
  hour,
  humanItems,
  notify,
  notifyParams,
  orderOf,
  paid,
  pay,
  refund,
  report,
  resolve,
} from "../../support/after-sale.js";
import { firstBad } from "../../support/audited.js";
import { onItsWay, standing } from "../../support/ledger-of.js";
import { balanceOf, place, shop, stockOf } from "../../support/shop.js";

const across: Buyer = { account: "ben", cart: { tea: 2 } };
const places: readonly (readonly [string, number, Buyer])[] = [
  ["one shard", 1, annsTea],
  ["one of three shards", 3, annsTea],
  ["across three shards", 3, across],
];

/** 2 teas at 9.99 */
const total = "19.98";

describe.each(places)("%s", (_, shards, buyer) => {
  for (const graceMs of [0, 2000]) {
    test.each([
      [-1, "paid", "Paid"],
      [0, "late_payment", "Canceled"],
      [1, "late_payment", "Canceled"],
    ])(`a payment %i ms from the deadline and a grace of ${graceMs} ms: %s`, (ms, outcome, status) => {
      const engine = shop({ shards, settings: { graceMs } });
      const start = engine.clock.micros;
      const order = held(engine, buyer);
      engine.clock.micros = start + (hour + graceMs + ms) * 1000;
      const { result } = notify(engine, order, total);
      expect(result).toMatchObject({ outcome, order: { status } });
      expect(stockOf(engine, "tea")).toEqual(status === "Paid" ? [8, 0, 2] : [10, 0, 0]);
      if (status === "Canceled") report(engine, result.refund, "done");
      const kept = status === "Paid" ? { [`order:${order}`]: total, "clearing:alipay:CNY": `-${total}` } : {};
      expect(standing(engine, "order:", "clearing:", ...onItsWay)).toEqual(kept);
    });
  }

  test("a payment that comes twice under two names is applied once, and the second goes back", () => {
    const engine = shop({ shards });
    const order = held(engine, buyer);
    const asked = [notifyParams(order, total), notifyParams(order, total, { provider: "wechat" })];
    const ids = asked.map((params) => engine.submit(params));
    engine.settle();
    const results = ids.map((id) => engine.answerTo(id)!.result);
    // Across shards either may come first.
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(["duplicate_payment", "paid"]);
    const second = results.find(({ outcome }) => outcome === "duplicate_payment");
    expect(orderOf(engine, order)).toMatchObject({ status: "Paid", amountPaid: total, version: 2 });
    expect(standing(engine, ...onItsWay)).toEqual({ "payable:CNY": total });
    report(engine, second.refund, "done");
    expect(standing(engine, ...onItsWay)).toEqual({});
    expect(Object.values(standing(engine, "clearing:"))).toEqual([`-${total}`]);
  });

  test("NOTIFY-PAYMENT-1: the same word twice in one group moves nothing twice, and gets the same answer", () => {
    const engine = shop({ shards });
    const order = held(engine, buyer);
    const params = notifyParams(order, total);
    const ids = [engine.submit(params), engine.submit(params)];
    engine.settle();
    const [first, second] = ids.map((id) => engine.answerTo(id)!);
    expect(first).toMatchObject({ code: "ok", replayed: false });
    expect(second).toEqual({ ...first, replayed: true });
    expect(engine.ask(params)).toEqual({ ...first, replayed: true });
    expect(engine.restart().ask(params)).toEqual({ ...first, replayed: true });
    expect(standing(engine, "order:")).toEqual({ [`order:${order}`]: total });
  });

  test.each([
    ["the buyer first", ["pay", "notify"]],
    ["the provider first", ["notify", "pay"]],
  ])(
    "the buyer pays and the provider notifies in one group, %s: one of them counts, no money is lost",
    (_name, order) => {
      const engine = shop({ shards });
      const id = held(engine, buyer);
      const asked = {
        pay: { method: "order.pay", key: fresh(), order: id } as const,
        notify: notifyParams(id, total),
      };
      const submitted = new Map(order.map((what) => [what, engine.submit(asked[what as "pay" | "notify"])]));
      engine.settle();
      const byBuyer = engine.answerTo(submitted.get("pay")!)!;
      const byProvider = engine.answerTo(submitted.get("notify")!)!;
      expect(byProvider.code).toBe("ok");
      if (shards === 1) expect(byBuyer.code).toBe(order[0] === "pay" ? "ok" : "invalid_transition");
      expect(orderOf(engine, id)).toMatchObject({ status: "Paid", amountPaid: total, version: 2 });
      expect(stockOf(engine, "tea")).toEqual([8, 0, 2]);
      if (byBuyer.code === "ok") {
        expect(byProvider.result).toMatchObject({ outcome: "duplicate_payment", money: "refunded" });
        expect([balanceOf(engine, buyer.account), standing(engine, ...onItsWay)]).toEqual([
          "80.02",
          { "payable:CNY": total },
        ]);
      } else {
        expect(byProvider.result).toMatchObject({ outcome: "paid", money: "applied" });
        expect([balanceOf(engine, buyer.account), standing(engine, ...onItsWay)]).toEqual(["100.00", {}]);
      }
    },
  );

  test("ORDER-2: paid in part from outside, the rest from the wallet: pay takes what is due and no more", () => {
    const engine = shop({ shards });
    const order = held(engine, buyer);
    expect(notify(engine, order, "5.00").result).toMatchObject({ outcome: "partially_paid", money: "kept" });
    expect(orderOf(engine, order)).toMatchObject({ status: "Created", amountPaid: "5.00", version: 1 });
    expect(pay(engine, order).result).toMatchObject({ status: "Paid", amountPaid: total });
    expect(balanceOf(engine, buyer.account)).toBe("85.02");
    // Back the way it came: the wallet's money was the last.
    const { refunds } = refund(engine, order).result;
    expect(refunds.map((r: { to: string; amount: string }) => [r.to, r.amount])).toEqual([
      ["wallet", "14.98"],
      ["provider", "5.00"],
    ]);
    report(engine, refunds[1].refund, "done");
    expect(orderOf(engine, order).status).toBe("Refunded");
    expect(standing(engine, "order:", "clearing:", ...onItsWay)).toEqual({});
  });

  test("what was paid in part goes back when the deadline passes, and when the order is canceled", () => {
    for (const end of ["deadline", "cancel"]) {
      const engine = shop({ shards });
      const order = held(engine, buyer);
      notify(engine, order, "5.00");
      notify(engine, order, "0.01", { provider: "wechat" });
      if (end === "deadline") engine.pass(2 * hour);
      else engine.ask({ method: "order.cancel", key: fresh(), order });
      expect(orderOf(engine, order)).toMatchObject({ status: "Canceled", amountPaid: "5.01" });
      expect(standing(engine, "order:", ...onItsWay)).toEqual({ "payable:CNY": "5.01" });
      expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
    }
  });
});

/** [policy, stock left, amount, what becomes of the money, status, stock afterwards] */
const late = [
  ["refund", true, total, "refunded", "Canceled", [10, 0, 0]],
  ["refund", false, total, "refunded", "Canceled", [1, 0, 9]],
  ["reinstate", true, total, "reinstated", "Paid", [8, 0, 2]],
  ["reinstate", false, total, "refunded", "Canceled", [1, 0, 9]],
  ["reinstate", true, "19.97", "refunded", "Canceled", [10, 0, 0]],
  ["reinstate", true, "20.98", "reinstated", "Paid", [8, 0, 2]],
] as const;

describe.each(places)("late, %s", (_, shards, buyer) => {
  test.each(late)(
    "policy %s, stock left %s, %s of 19.98: %s",
    (latePayment, left, amount, money, status, stock) => {
      const engine = shop({ shards, settings: { latePayment } });
      const order = held(engine, buyer);
      engine.pass(2 * hour);
      if (!left) paid(engine, { account: buyer.account === "ben" ? "ann" : "ben", cart: { tea: 9 } });
      const { result } = notify(engine, order, amount);
      expect(result).toMatchObject({ outcome: "late_payment", money, order: { status } });
      expect(stockOf(engine, "tea")).toEqual(stock);
      expect(standing(engine, `order:${order}`)).toEqual(
        status === "Paid" ? { [`order:${order}`]: total } : {},
      );
      if (result.refund) report(engine, result.refund, "done");
      expect(standing(engine, ...onItsWay)).toEqual({});
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    },
  );
});

test("a reinstated order goes on like any other, and the limit counts it", () => {
  const engine = shop({ settings: { latePayment: "reinstate" } });
  engine.ask({
    ...{ method: "product.create", product: "one", name: "One", price: "1.00", currency: "CNY", stock: 5 },
    limitPerAccount: 1,
  });
  const one: Buyer = { account: "ann", cart: { one: 1 } };
  const first = held(engine, one);
  engine.pass(2 * hour);
  const other = held(engine, one);
  // Its one unit is taken by the other order now.
  expect(notify(engine, first, "1.00").result.money).toBe("refunded");
  engine.ask({ method: "order.cancel", key: fresh(), order: other });
  expect(notify(engine, first, "1.00").result.money).toBe("reinstated");
  for (const event of ["pack", "ship", "confirm"]) expect(advance(engine, first, event).code).toBe("ok");
  expect(orderOf(engine, first).status).toBe("Completed");
});

test("the number of an order that was refused is taken for an archived one: the money goes back, to the cent", () => {
  const engine = shop({ shards: 3 });
  const next = engine.shards[2]!.books.orders.nextSequence;
  expect(engine.ask(place("ben", fresh(), { tea: 11 })).code).toBe("insufficient_stock");
  const {
    outcome,
    money,
    refund: id,
  } = notify(engine, orderId(orderNumber(next, slotOf("ben"))), total).result;
  expect([outcome, money]).toEqual(["late_payment", "refunded"]);
  expect(standing(engine, ...onItsWay)).toEqual({ "payable:CNY": total });
  report(engine, id, "refused");
  // Nobody can keep it, so in the end it is a human's.
  const [item] = humanItems(engine);
  expect(item).toMatchObject({ kind: "refund", subject: id, amount: total });
  expect(firstBad(engine)).toBeUndefined();
  expect(resolve(engine, item!.item, "done").code).toBe("ok");
  expect(standing(engine, "clearing:", ...onItsWay)).toEqual({});
  expect(firstBad(engine)).toBeUndefined();
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("NOTIFY-PAYMENT-2: money of no order, and of another currency, waits in suspense with an item for a human each", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    const order = held(engine);
    const items = () =>
      humanItems(engine).map(({ subject, amount, currency }) => [subject, amount, currency]);
    expect(notify(engine, "o99999999", "1.00", { paymentId: "a" }).result).toMatchObject({
      ...{ outcome: "unmatched_payment", money: "suspense", refund: null, order: null },
    });
    expect(notify(engine, order, "1998", { paymentId: "b", currency: "JPY" }).result).toMatchObject({
      ...{ outcome: "currency_mismatch", money: "suspense", order: { status: "Created" } },
    });
    expect(items().sort()).toEqual([
      ["alipay:a", "1.00", "CNY"],
      ["alipay:b", "1998", "JPY"],
    ]);
    expect(standing(engine, ...onItsWay)).toEqual({ "suspense:CNY": "1.00", "suspense:JPY": "1998" });
  }
});
