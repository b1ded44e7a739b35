/**
 * A log for the tests of what reads logs: what becomes of orders that were paid, canceled or paid from outside. One shard,
 * a turn every second; alice and bob have 100.00 each, tea costs 10.00 and a cup 3.00.
 *
 *   order(1)  alice  tea 2, cup 1; paid from her balance, sent, completed, one tea back; archived
 *   order(2)  bob    tea 1; paid from outside in two parts and 2.00 too much, refunded in two parts: one done, one refused
 *   order(3)  bob    cup 1; canceled by its deadline with 1.00 paid, which is on its way back
 *   order(4)  bob    cup 1; canceled by him, and reinstated by a late payment
 *   order(5)  alice  tea 1; paid as it was placed, sent, disputed, kept
 *   order(6)  alice  cup 1; canceled by her; archived
 *   order(7)  alice  cup 1; waits for its money
 */

import type Database from "better-sqlite3";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { orderId } from "../../actors/order-number.js";
import { type OrderEvent, OrderEvents, type Status, Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import { type ReadGroup, ReadModel } from "../../persistence/read/read-model.js";
import { prepareAnswers, type ReadAnswers } from "../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../persistence/read/read-schema.js";
import { groupsOf, key, order, start, type Turn } from "./trading-log.js";

const [alice, bob] = [0, 1];
const [tea, cup] = [0, 1];
const priceOf = [1000, 300];
const CNY = 0;
const JPY = 3;

type Of<K extends Parameters<typeof make>[0]> = Omit<FactOf<K>, "type">;

function make<K extends keyof typeof Facts>(kind: K, fields: Omit<FactOf<K>, "type">): Fact {
  return { type: Facts[kind], ...fields } as unknown as Fact;
}

type Lines = readonly (readonly [product: number, qty: number])[];

function totalOf(lines: Lines): number {
  return lines.reduce((sum, [product, qty]) => sum + priceOf[product]! * qty, 0);
}

function stock(
  kind: "stockHeld" | "stockSold" | "stockConfirmed" | "stockReleased" | "stockReturned",
  number: number,
  account: number,
  lines: Lines,
): Fact[] {
  return lines.map(([product, qty]) => make(kind, { product, order: number, account, qty, available: 0 }));
}

function placed(number: number, account: number, lines: Lines, paid: boolean, payBy = 0): Fact {
  return make("orderPlaced", {
    order: number,
    account,
    currency: CNY,
    total: totalOf(lines),
    paid: paid ? totalOf(lines) : 0,
    status: paid ? Statuses.Paid : Statuses.Created,
    payBy,
    expiresAt: payBy,
    lines: lines.map(([product, qty]) => ({ product, qty, unitPrice: priceOf[product]! })),
  });
}

function moved(number: number, event: OrderEvent, to: Status, more: Partial<Of<"orderMoved">> = {}): Fact {
  const plain = { dueAt: 0, operator: "", remark: "", tracking: "" };
  return make("orderMoved", {
    ...plain,
    ...more,
    order: number,
    event: OrderEvents[event],
    to: Statuses[to],
  });
}

function booked(payment: number, paymentId: string, reference: string, amount: number, currency = CNY): Fact {
  return make("paymentBooked", { payment, provider: "alipay", paymentId, reference, currency, amount });
}

function applied(payment: number, paymentId: string, number: number, amount: number): Fact {
  return make("paymentApplied", {
    payment,
    order: number,
    provider: "alipay",
    paymentId,
    currency: CNY,
    amount,
  });
}

function outcome(paymentId: string, number: number, what: string, next: string): Fact {
  return make("keyKept", {
    space: 3,
    subject: 0,
    key: `alipay:${paymentId}`,
    method: 9,
    paramsHash: 7,
    at: 0,
    code: 0,
    order: number,
    text: `{"outcome":"${what}","money":"${next}"}`,
  });
}

type Refund = Of<"refundDone"> & Pick<Of<"refundRequested">, "paymentId" | "restock" | "reason" | "shares">;

function refund(
  sequence: number,
  of: Partial<Refund> & Pick<Refund, "order" | "account" | "amount">,
): Refund {
  const plain = {
    source: refundSources.order,
    currency: CNY,
    provider: "",
    paymentId: "",
    restock: 0,
    ref: "",
  };
  return { ...plain, refund: order(sequence), reason: "", shares: [], ...of };
}

function asked({ ref: _, ...of }: Refund): Fact {
  return make("refundRequested", of);
}

function ended(kind: "refundDone" | "refundRefused", of: Refund, ref = ""): Fact {
  const { refund: number, order: orderNumber, source, account, currency, amount, provider } = of;
  return make(kind, { refund: number, order: orderNumber, source, account, currency, amount, provider, ref });
}

/** Every kind of fact that follows a payment. */
export function afterSale(): Turn[] {
  const turns: Turn[] = [];
  const turn = (...facts: Fact[]) => turns.push({ time: start + (turns.length + 1) * 1_000_000, facts });
  const ms = (seconds: number) => start / 1000 + seconds * 1000;

  for (const [id, name, price] of [
    ["tea", "绿茶", 1000],
    ["cup", "杯子", 300],
  ] as const) {
    const product = { id, name, price, currency: CNY, stock: 50, limitPerAccount: 0 };
    turn(make("productCreated", { ...product, saleStartsAt: 0, saleEndsAt: 0 }));
  }
  for (const [account, id] of ["alice", "bob"].entries()) {
    turn(
      make("accountNamed", { id }),
      make("accountOpened", { account, currency: CNY }),
      make("accountDeposited", { account, amount: 10_000, ref: `d-${id}` }),
    );
  }

  const one: Lines = [
    [tea, 2],
    [cup, 1],
  ];
  turn(
    ...stock("stockHeld", order(1), alice, one),
    placed(order(1), alice, one, false, ms(900)),
    key("k1", 1, { order: order(1) }),
  );
  turn(
    ...stock("stockConfirmed", order(1), alice, one),
    make("moneyCaptured", { account: alice, order: order(1), amount: 2300 }),
    make("orderPaid", { order: order(1), amount: 2300 }),
    key("k2", 2, { order: order(1) }),
  );
  turn(
    moved(order(1), "pack", "Packing", { operator: "wei", remark: "fragile" }),
    key("k3", 7, { order: order(1) }),
  );
  turn(
    moved(order(1), "ship", "Shipped", { operator: "wei", tracking: "SF-1", dueAt: ms(604_808) }),
    key("k4", 7, { order: order(1) }),
  );
  turn(moved(order(1), "dispatch", "Shipping", { dueAt: ms(604_808) }), key("k5", 7, { order: order(1) }));
  turn(moved(order(1), "deliver", "Delivered", { dueAt: ms(604_808) }), key("k6", 7, { order: order(1) }));
  turn(
    moved(order(1), "auto_confirm", "Completed", { operator: "engine", dueAt: ms(1_209_611) }),
    make("pointsGranted", { account: alice, order: order(1), points: 23 }),
  );
  turn(make("pointsSpent", { account: alice, points: 20, ref: "mug" }));
  const teaBack = refund(1, {
    order: order(1),
    account: alice,
    amount: 1000,
    restock: 1,
    reason: "stale",
    shares: [{ line: 0, qty: 1, amount: 1000 }],
  });
  turn(
    moved(order(1), "refund", "Refunding", { remark: "stale", dueAt: ms(1_209_611) }),
    asked(teaBack),
    ended("refundDone", teaBack),
    ...stock("stockReturned", order(1), alice, [[tea, 1]]),
    make("pointsReversed", { account: alice, order: order(1), points: 10 }),
    moved(order(1), "refund_ended", "Completed", { dueAt: ms(1_209_611) }),
    key("k7", 8, { order: order(1) }),
  );

  const two: Lines = [[tea, 1]];
  turn(
    ...stock("stockHeld", order(2), bob, two),
    placed(order(2), bob, two, false, ms(900)),
    key("b1", 1, { order: order(2) }),
  );
  turn(
    booked(1, "p1", orderId(order(2)), 400),
    applied(1, "p1", order(2), 400),
    outcome("p1", order(2), "partially_paid", "kept"),
  );
  const surplus = refund(2, {
    order: order(2),
    account: bob,
    amount: 200,
    source: refundSources.suspense,
    provider: "alipay",
    paymentId: "p2",
    reason: "surplus",
  });
  turn(
    booked(2, "p2", orderId(order(2)), 800),
    ...stock("stockConfirmed", order(2), bob, two),
    applied(2, "p2", order(2), 600),
    make("orderSettled", { order: order(2) }),
    asked(surplus),
    outcome("p2", order(2), "paid", "surplus_refunded"),
  );
  turn(ended("refundDone", surplus, "ali-77"));
  const fromP2 = refund(3, {
    order: order(2),
    account: bob,
    amount: 600,
    provider: "alipay",
    paymentId: "p2",
    reason: "late",
    shares: [{ line: 0, qty: 1, amount: 600 }],
  });
  const fromP1 = refund(4, {
    order: order(2),
    account: bob,
    amount: 400,
    provider: "alipay",
    paymentId: "p1",
    reason: "late",
    shares: [{ line: 0, qty: 0, amount: 400 }],
  });
  turn(
    moved(order(2), "refund", "Refunding", { remark: "late" }),
    asked(fromP2),
    asked(fromP1),
    key("b2", 8, { order: order(2) }),
  );
  turn(make("refundUnknown", { refund: fromP2.refund, error: "timeout" }));
  turn(ended("refundRefused", fromP1, "card closed"));
  turn(ended("refundDone", fromP2, "ali-78"), moved(order(2), "refund_ended", "Paid"));

  const oneCup: Lines = [[cup, 1]];
  turn(
    ...stock("stockHeld", order(3), bob, oneCup),
    placed(order(3), bob, oneCup, false, ms(21)),
    key("b3", 1, { order: order(3) }),
  );
  turn(
    booked(3, "p3", orderId(order(3)), 100),
    applied(3, "p3", order(3), 100),
    outcome("p3", order(3), "partially_paid", "kept"),
  );
  const notEnough = refund(5, {
    order: order(3),
    account: bob,
    amount: 100,
    provider: "alipay",
    paymentId: "p3",
    reason: "too late",
    shares: [{ line: 0, qty: 0, amount: 100 }],
  });
  turn(
    ...stock("stockReleased", order(3), bob, oneCup),
    make("orderCanceled", { order: order(3), cause: 2, reason: "too late" }),
    asked(notEnough),
  );

  turn(
    ...stock("stockHeld", order(4), bob, oneCup),
    placed(order(4), bob, oneCup, false, ms(900)),
    key("b4", 1, { order: order(4) }),
  );
  turn(
    ...stock("stockReleased", order(4), bob, oneCup),
    make("orderCanceled", { order: order(4), cause: 1, reason: "no" }),
    key("b5", 3, { order: order(4) }),
  );
  turn(
    booked(4, "p4", orderId(order(4)), 300),
    ...stock("stockSold", order(4), bob, oneCup),
    applied(4, "p4", order(4), 300),
    make("orderReinstated", { order: order(4) }),
    outcome("p4", order(4), "late_payment", "reinstated"),
  );

  turn(
    ...stock("stockSold", order(5), alice, two),
    placed(order(5), alice, two, true),
    make("moneyCaptured", { account: alice, order: order(5), amount: 1000 }),
    key("k8", 1, { order: order(5) }),
  );
  turn(moved(order(5), "pack", "Packing"), key("k9", 7, { order: order(5) }));
  turn(
    moved(order(5), "ship", "Shipped", { tracking: "SF-2", dueAt: ms(604_827) }),
    key("k10", 7, { order: order(5) }),
  );
  turn(moved(order(5), "dispute", "Disputed", { remark: "empty box" }), key("k11", 7, { order: order(5) }));
  turn(
    moved(order(5), "resolve_keep", "Shipped", { operator: "wei", dueAt: ms(604_829) }),
    key("k12", 7, { order: order(5) }),
  );

  turn(
    ...stock("stockHeld", order(6), alice, oneCup),
    placed(order(6), alice, oneCup, false, ms(900)),
    key("k13", 1, { order: order(6) }),
  );
  turn(
    ...stock("stockReleased", order(6), alice, oneCup),
    make("orderCanceled", { order: order(6), cause: 1, reason: "" }),
    key("k14", 3, { order: order(6) }),
  );
  turn(
    ...stock("stockHeld", order(7), alice, oneCup),
    placed(order(7), alice, oneCup, false, ms(900)),
    key("k15", 1, { order: order(7) }),
  );

  // Money that belongs to nobody: one payment ends in bob's wallet by a human's hand, the other waits.
  const item = { kind: 1, units: 0, attempts: 0, error: "", evidence: "{}" };
  turn(
    booked(5, "p5", "order-9", 500),
    make("humanOpened", { ...item, item: order(1), subject: "alipay:p5", currency: CNY, amount: 500 }),
    outcome("p5", 0, "unmatched_payment", "human"),
  );
  turn(
    booked(6, "p6", orderId(order(7)), 70, JPY),
    make("humanOpened", { ...item, item: order(2), subject: "alipay:p6", currency: JPY, amount: 70 }),
    outcome("p6", 0, "currency_mismatch", "human"),
  );
  turn(
    make("humanResolved", {
      item: order(1),
      action: 4,
      reason: "bob's",
      evidence: "mail 12",
      operator: "wei",
    }),
    make("entryMade", { item: order(1), from: "suspense", to: "wallet:bob", currency: CNY, amount: 500 }),
  );

  turn(make("orderArchived", { order: order(1), currency: CNY, amount: 1300 }));
  turn(make("orderArchived", { order: order(6), currency: CNY, amount: 0 }));
  return turns;
}

/** read.db of a log of one shard. */
export function projected(groups: readonly ReadGroup[] = groupsOf(afterSale())): {
  db: Database.Database;
  answers: ReadAnswers;
} {
  const db = openReadDatabase(":memory:");
  const model = new ReadModel(db);
  model.project(0, groups);
  model.commit();
  return { db, answers: prepareAnswers(db) };
}

/** 2026-01-01 and so many seconds, as the views show it: the log has a turn every second. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
}
