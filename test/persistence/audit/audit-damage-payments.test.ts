/** Payments from outside and items for humans, broken on purpose: found, and where it is. */

import { expect, test } from "vitest";
import { Facts } from "../../../actors/facts.js";
import { audit, every, lost, paid, shop, story, testRows } from "../damaged.js";
import { ann, type Payment } from "../shop-log.js";

testRows([
  // Payments.
  [
    "a payment is booked twice",
    "payments",
    /alipay:p-1 is booked twice/,
    story(
      "paymentBooked",
      (fact) => fact.paymentId === "p-2",
      (fact) => [{ ...fact, paymentId: "p-1" }],
    ),
  ],
  [
    "nobody is told of money that no order takes",
    "payments",
    /alipay:p-13: 700 of it have no place/,
    story(
      "humanOpened",
      (fact) => fact.subject === "alipay:p-13",
      () => [],
    ),
  ],
  [
    "an item tells of less than what is in suspense",
    "payments",
    /1 of it have no place/,
    story(
      "humanOpened",
      (fact) => fact.subject === "alipay:p-13",
      (fact) => [{ ...fact, amount: 699 }],
    ),
  ],
  [
    "the item about a payment is of another kind",
    "payments",
    /700 of it have no place/,
    story(
      "humanOpened",
      (fact) => fact.subject === "alipay:p-13",
      (fact) => [{ ...fact, kind: 3 }],
    ),
  ],
  [
    "a surplus is kept",
    "payments",
    /alipay:p-2: 250 of it have no place/,
    story(
      "refundRequested",
      (fact) => fact.paymentId === "p-2",
      () => [],
    ),
  ],
  [
    "a payment is given to another order than its provider names",
    "payments",
    /is for o\d+, and is given to o\d+/,
    story(
      "paymentBooked",
      (fact) => fact.paymentId === "p-10",
      (fact) => [{ ...fact, reference: "o1611" }],
    ),
  ],
  [
    "a payment is applied to an order that is paid",
    "payments",
    /100 applied in Paid/,
    shop((log) => {
      const { order } = paid(log, 1);
      const more = log.booked(`o${order.order}`, "p-2", 100);
      log.turn(more, log.applied(more, order, 100), log.told(more, "partially_paid", order));
    }),
  ],
  [
    "money leaves suspense, and its item stays open",
    "payments",
    /suspense has 0 CNY, items for humans tell of 700/,
    shop((log) => {
      lost(log, 700);
      const payment = { provider: "alipay", paymentId: "p-9", currency: 0 } as Payment;
      log.turn(log.refund(log.order(ann, 1, 0), 700, { payment, source: 2 }));
    }),
  ],
  [
    "an item is resolved, and its money stays in suspense",
    "payments",
    /suspense has 700 CNY, items for humans tell of 0/,
    shop((log) => log.turn(log.resolved(lost(log, 700), 2))),
  ],
  [
    "a refund goes to a payment that was never booked",
    "payments",
    /alipay:p-404 was never booked/,
    story(
      "refundRequested",
      (fact) => fact.source === 2,
      (fact) => [{ ...fact, paymentId: "p-404" }],
    ),
  ],
  [
    "a payment is refused under its name, for ever",
    "payments",
    /refused for ever/,
    story(
      "keyKept",
      (fact) => fact.space === 3,
      (fact) => [{ ...fact, code: 15 }],
    ),
  ],
  [
    "a payment is applied after the deadline",
    "deadlines",
    /alipay:p-3 applied after/,
    shop((log) => {
      const order = log.placed(ann, 1, 0);
      log.pass(930_000);
      const part = log.booked(`o${order.order}`, "p-3", 10);
      log.turn(part, log.applied(part, order, 10), log.told(part, "partially_paid", order));
    }),
  ],
  [
    "more is applied than is due",
    "order-ledger",
    /Paid with 1001 of 1000/,
    shop((log) => {
      const order = log.placed(ann, 1, 0);
      const payment = log.booked(`o${order.order}`, "p-1", 1001);
      const settled = { type: Facts.orderSettled, order: order.order } as const;
      const confirmed = log.stock("stockConfirmed", order);
      log.turn(
        payment,
        confirmed,
        log.applied(payment, order, 1001),
        settled,
        log.told(payment, "paid", order),
      );
    }),
  ],
  [
    "an order is settled with less than its total",
    "order-ledger",
    /Paid with 900 of 1000/,
    shop((log) => {
      const order = log.placed(ann, 1, 0);
      const payment = log.booked(`o${order.order}`, "p-1", 900);
      const settled = { type: Facts.orderSettled, order: order.order } as const;
      const confirmed = log.stock("stockConfirmed", order);
      log.turn(
        payment,
        confirmed,
        log.applied(payment, order, 900),
        settled,
        log.told(payment, "paid", order),
      );
    }),
  ],
  [
    "an order has all of its money and stays Created",
    "order-ledger",
    /1000 of 1000, and still Created/,
    shop((log) => {
      const order = log.placed(ann, 1, 0);
      const payment = log.booked(`o${order.order}`, "p-1", 1000);
      log.turn(payment, log.applied(payment, order, 1000), log.told(payment, "partially_paid", order));
    }),
  ],
  [
    "an order is canceled and keeps what was paid of it",
    "order-ledger",
    /canceled with 400 that nobody is asked to give back/,
    story(
      "refundRequested",
      (fact) => fact.paymentId === "p-4",
      () => [],
    ),
  ],
  [
    "the answer to a payment is not what became of it",
    "keys",
    /alipay:p-1 was answered late_payment, and it is paid/,
    story(
      "keyKept",
      (fact) => fact.space === 3,
      (fact) => [{ ...fact, text: '{"outcome":"late_payment"}' }],
    ),
  ],
  [
    "a payment has no key",
    "keys",
    /movements \[9 0 alipay:p-1\] under the refs \[\]/,
    story(
      "keyKept",
      (fact) => fact.space === 3,
      () => [],
    ),
  ],

  // Items for humans.
  [
    "two items about the same are open",
    "human-items",
    /a second open item about alipay:p-13/,
    story(
      "humanOpened",
      (fact) => fact.subject === "alipay:p-13",
      (fact) => [fact, { ...fact, item: fact.item + 1024, amount: 0 }],
    ),
  ],
  [
    "an item is resolved twice",
    "human-items",
    /resolved, but it is not open/,
    story("humanResolved", every, (fact) => [fact, fact]),
  ],
  [
    "an item is resolved by an action that there is not",
    "human-items",
    /resolved by an action 9/,
    story("humanResolved", every, (fact) => [{ ...fact, action: 9 }]),
  ],
  [
    "the entries of a resolution move less than was at risk",
    "human-items",
    /entries: 1000 was at risk, the entries move 999 out of suspense/,
    story(
      "entryMade",
      (fact) => fact.to === "fees",
      (fact) => [{ ...fact, amount: fact.amount - 1 }],
    ),
  ],
  [
    "a resolution by entries makes none",
    "human-items",
    /entries: 150 was at risk, the entries move 0/,
    shop((log) => log.turn(log.resolved(lost(log, 150), 4))),
  ],
  [
    "an entry without a resolution",
    "human-items",
    /an entry without its resolution/,
    story(
      "humanResolved",
      (fact) => fact.action === 5,
      () => [],
    ),
  ],
  [
    "an entry on an account that is not a human's to name",
    "human-items",
    /an entry on issued, which is not a human's to name/,
    story(
      "entryMade",
      (fact) => fact.to === "fees",
      (fact) => [{ ...fact, to: "issued" }],
    ),
  ],
  [
    "an entry on a wallet that is not open",
    "human-items",
    /an entry on wallet:eve, which is not open here in CNY/,
    story(
      "entryMade",
      (fact) => fact.to === "wallet:ann",
      (fact) => [{ ...fact, to: "wallet:eve" }],
    ),
  ],
  [
    "an entry in another currency than the item's",
    "human-items",
    /an entry in EUR/,
    story(
      "entryMade",
      (fact) => fact.to === "loss",
      (fact) => [{ ...fact, currency: 2 }],
    ),
  ],
  [
    "an order is named for money that goes back",
    "human-items",
    /an order is named, and it is not a payment that is tried again/,
    story(
      "humanResolved",
      (fact) => fact.action === 5,
      (fact) => [fact, { type: Facts.paymentClaimed, item: fact.item, reference: "o1611" }],
    ),
  ],
  [
    "a human makes something payable to nobody",
    "human-items",
    /an entry on payable, which is not a human's to name/,
    story(
      "entryMade",
      (fact) => fact.to === "fees",
      (fact) => [{ ...fact, to: "payable" }],
    ),
  ],
]);

test("AUDIT-SHARD-1: one loss is told once, not again in every turn that follows", () => {
  const { turns } = story(
    "humanOpened",
    (fact) => fact.subject === "alipay:p-7",
    () => [],
  );
  const found = audit(turns).checks.find(({ name }) => name === "payments")!;
  expect(found.bad).toBe(1);
});
