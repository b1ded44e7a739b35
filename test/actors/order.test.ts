import { expect, test } from "vitest";
import { Facts } from "../../actors/facts.js";
import { deadlines, decideEvent, evolveOrder, isExpired, type Order } from "../../actors/order.js";
import { Statuses } from "../../actors/order-transitions.js";

function order(more: Partial<Order> = {}): Order {
  return {
    number: 1024,
    account: 0,
    currency: 0,
    status: Statuses.Created,
    version: 1,
    total: 999,
    paid: 0,
    refunded: 0,
    payBy: 5000,
    dueAt: 7000,
    createdAt: 0,
    points: 0,
    ...more,
  };
}

test("the buyer is told one deadline, and the engine waits a grace longer", () => {
  expect(deadlines(1000, 900, 30)).toEqual({ payBy: 1900, expiresAt: 1930 });
  expect(deadlines(1000, 900, 0)).toEqual({ payBy: 1900, expiresAt: 1900 });
});

test.each([
  [6999, false],
  [7000, true],
  [7001, true],
])("ORDER-3: at %i ms, with the deadline and grace at 7000: expired is %s", (nowMs, expired) => {
  expect(isExpired(order(), nowMs)).toBe(expired);
  expect(decideEvent(order(), "pay", nowMs)?.code).toBe(expired ? "hold_expired" : undefined);
});

test.each(["Paid", "Canceled", "None"] as const)("an order that is %s never expires", (status) => {
  expect(isExpired(order({ status: Statuses[status] }), 9e12)).toBe(false);
});

test("the transition is decided before the deadline: a paid order is not called expired", () => {
  expect(decideEvent(order({ status: Statuses.Paid }), "pay", 9e12)).toMatchObject({
    code: "invalid_transition",
    details: { from: "Paid", event: "pay" },
  });
  expect(decideEvent(order(), "cancel", 6999)).toBeUndefined();
});

test("a move changes status, version and what was paid", () => {
  const paid = order();
  evolveOrder(paid, { type: Facts.orderPaid, order: 1024, amount: 999 }, 6000);
  expect(paid).toMatchObject({ status: Statuses.Paid, version: 2, paid: 999, payBy: 5000 });
  const canceled = order();
  evolveOrder(canceled, { type: Facts.orderCanceled, order: 1024, cause: 1, reason: "" }, 6000);
  expect(canceled).toMatchObject({ status: Statuses.Canceled, version: 2, paid: 0 });
});

test("ORDER-1: a log that moves an order along no row of the table is not applied", () => {
  const pay = { type: Facts.orderPaid, order: 1024, amount: 999 } as const;
  const cancel = { type: Facts.orderCanceled, order: 1024, cause: 1, reason: "" } as const;
  for (const status of ["None", "Paid", "Canceled"] as const) {
    expect(() => evolveOrder(order({ status: Statuses[status] }), pay, 6000)).toThrow(/order 1024: pay/);
    expect(() => evolveOrder(order({ status: Statuses[status] }), cancel, 6000)).toThrow(
      /order 1024: cancel/,
    );
  }
});
