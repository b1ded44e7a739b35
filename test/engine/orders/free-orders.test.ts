/** An order of 0.00 has units and limits, and nothing else to give back: it can be canceled, and refunded. */

import { describe, expect, test } from "vitest";
import { firstBad } from "../../support/audited.js";
import type { CommandParams } from "../../support/engine.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

/** With 3 shards every cart of ann's here has products of other shards. */
function freeShop(shards: number, settings = {}) {
  const engine = shop({ shards, settings });
  for (const id of ["pin", "bag", "cap"]) engine.ask(product(id, "0", { stock: 4, limitPerAccount: 2 }));
  const free = engine.ask(place("ann", "free", { pin: 2, bag: 1 })).result;
  expect([free.status, free.total, free.next]).toEqual(["Paid", "0.00", ["cancel", "pack", "refund"]]);
  expect(engine.ask(place("ann", "more", { pin: 1 })).code).toBe("limit_exceeded");
  const { order } = free;
  const left = () => [stockOf(engine, "pin"), stockOf(engine, "bag")];
  const ask = (params: CommandParams) => {
    const answer = engine.ask(params);
    engine.settle();
    return answer;
  };
  const end = () => {
    expect(firstBad(engine)).toBeUndefined();
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  };
  return { engine, order, left, ask, end };
}

const cancel = (order: string, key = "c") =>
  ({ method: "order.cancel", key, order, reason: "too many" }) as const;
const refund = (order: string, more: object, key = "r") =>
  ({ method: "order.refund", key, order, reason: "too many", restock: true, ...more }) as const;
const allBack = [
  [4, 0, 0],
  [4, 0, 0],
];

describe.each([1, 3])("over %i shards", (shards) => {
  test.each([[], ["pack"]])("canceled after %j: units and limits come back, once", (...events) => {
    const { engine, order, left, ask, end } = freeShop(shards);
    for (const event of events) ask({ method: "order.advance", key: event, order, event });
    const canceled = ask(cancel(order));
    expect([canceled.code, canceled.result.status, canceled.result.next]).toEqual(["ok", "Canceled", []]);
    expect(left()).toEqual(allBack);
    expect(ask(cancel(order))).toMatchObject({ code: "ok", replayed: true, result: canceled.result });
    expect(ask(cancel(order, "again")).code).toBe("invalid_transition");
    expect(ask(refund(order, {})).code).toBe("invalid_transition");
    expect(left()).toEqual(allBack);
    expect(ask(place("ann", "anew", { pin: 2, bag: 2 })).code).toBe("ok");
    expect(engine.pushes()).toEqual([]);
    end();
  });

  test("refunded with its units: they and the limits come back", () => {
    const { order, left, ask, end } = freeShop(shards);
    const refunded = ask(refund(order, {}));
    expect([refunded.code, refunded.result.order.status]).toEqual(["ok", "Refunded"]);
    expect(refunded.result.refunds).toMatchObject([{ amount: "0.00", state: "done", restock: true }]);
    expect(left()).toEqual(allBack);
    expect(ask(cancel(order)).code).toBe("invalid_transition");
    expect(ask(place("ann", "anew", { pin: 2 })).code).toBe("ok");
    end();
  });

  test("canceled after a unit was refunded that did not come back: it is still gone, and the others come back", () => {
    const { order, left, ask, end } = freeShop(shards);
    const lost = refund(order, { lines: [{ product: "pin", qty: 1 }], restock: false });
    expect(ask(lost).result.order.status).toBe("Paid");
    expect(ask(cancel(order)).result.status).toBe("Canceled");
    expect(left()).toEqual([
      [3, 0, 1],
      [4, 0, 0],
    ]);
    end();
  });

  test("refunded line by line it goes on until nothing is left", () => {
    const { order, left, ask, end } = freeShop(shards);
    const one = (id: string, key: string) =>
      ask(refund(order, { lines: [{ product: id, qty: 1 }] }, key)).result;
    expect(one("pin", "r1").order).toMatchObject({ status: "Paid", next: ["cancel", "pack", "refund"] });
    expect(one("bag", "r2").order.status).toBe("Paid");
    expect(ask(refund(order, { lines: [{ product: "bag", qty: 1 }] }, "r3")).code).toBe("line_qty_exceeds");
    expect(one("pin", "r4").order.status).toBe("Refunded");
    expect(left()).toEqual(allBack);
    end();
  });

  test("a part refunded, the rest canceled: each unit comes back once", () => {
    const { order, left, ask, end } = freeShop(shards);
    ask(refund(order, { lines: [{ product: "pin", qty: 1 }] }));
    expect(ask(cancel(order)).result.status).toBe("Canceled");
    expect(left()).toEqual(allBack);
    end();
  });

  test("shipped it is canceled no more; nothing of money can be refunded of it", () => {
    const { order, ask, end } = freeShop(shards);
    ask({ method: "order.advance", key: "p", order, event: "pack" });
    ask({ method: "order.advance", key: "s", order, event: "ship", tracking: "SF1" });
    expect(ask(cancel(order)).details).toMatchObject({ from: "Shipped", event: "cancel" });
    const money = { method: "order.refund", key: "m", order, reason: "x", amount: "0.01" } as const;
    expect(ask(money)).toMatchObject({ code: "refund_exceeds_remaining", details: { remaining: "0.00" } });
    expect(ask(refund(order, {})).result.order.status).toBe("Refunded");
    end();
  });

  test("money that comes for it after it was canceled goes back, also where late money brings orders back", () => {
    const { order, left, ask, end } = freeShop(shards, { latePayment: "reinstate" });
    ask(cancel(order));
    const late = {
      method: "payment.notify",
      provider: "alipay",
      paymentId: "p1",
      order,
      amount: "1.00",
      currency: "CNY",
    } as const;
    expect(ask(late).result).toMatchObject({ outcome: "late_payment", money: "refunded" });
    expect(left()).toEqual(allBack);
    end();
  });

  test("an order that was paid cannot be canceled", () => {
    const { ask, end } = freeShop(shards);
    const { order } = ask(place("ann", "paid", { tea: 1, cap: 1 }, { pay: "balance" })).result;
    expect(ask(cancel(order))).toMatchObject({
      code: "invalid_transition",
      details: { from: "Paid", event: "cancel", allowed: ["pack", "refund"] },
    });
    end();
  });
});
