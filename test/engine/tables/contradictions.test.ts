/** Tables that are given a fact that does not fit what came before: the log or the code is wrong, and nobody may go on. */

import { expect, test } from "vitest";
import { type Fact, Facts } from "../../../actors/facts.js";
import { itemsResolvedMax, transactionsEndedMax } from "../../../engine/seams/limits.js";
import { AfterSales } from "../../../engine/tables/after-sales.js";
import { CallTable } from "../../../engine/tables/call-table.js";
import { FenceTable, fenceAskMs } from "../../../engine/tables/fence-table.js";
import { Outboxes } from "../../../engine/tables/outboxes.js";
import { ReviewQueue } from "../../../engine/tables/review-queue.js";
import { TransactionTable } from "../../../engine/tables/transaction-table.js";

const made = (call: number, subject = 1) =>
  ({ type: Facts.callMade, call, owner: 1, subject, part: 0, name: "f", input: "" }) as const;
const callEnded = (call: number) => ({ type: Facts.callEnded, call, how: 1, text: "" }) as const;
const opened = (item: number, subject = "r1") =>
  ({
    ...{ type: Facts.humanOpened, item, kind: 1, subject, currency: 0, amount: 5, units: 0 },
    ...{ attempts: 10, error: "e", evidence: "{}" },
  }) as const;
const resolved = (item: number) =>
  ({ type: Facts.humanResolved, item, action: 1, reason: "r", evidence: "e", operator: "o" }) as const;
const begun = (transaction: number) =>
  ({
    ...{ type: Facts.transactionBegun, transaction, account: 0, mode: 1, name: "t", input: "{}", plan: "[]" },
    ...{ deadline: 1000, key: `k${transaction}`, paramsHash: 1, at: 1 },
  }) as const;
const decided = (transaction: number, how: number) =>
  ({ type: Facts.transactionDecided, transaction, how, text: "" }) as const;
const transactionEnded = (transaction: number) =>
  ({ type: Facts.transactionEnded, transaction, how: 1 }) as const;
const fenced = (branch: number, state = 2) =>
  ({
    ...{ type: Facts.fenceSet, transaction: 1, branch, mode: 1, state, what: 1, subject: 0, account: 0 },
    ...{ amount: 1, to: 0, deadline: 1000, code: 0, text: "" },
  }) as const;
const applied = {
  type: Facts.paymentApplied,
  payment: 1,
  order: 1024,
  provider: "p",
  paymentId: "1",
} as const;
const refund = (number: number, amount: number) =>
  ({
    ...{
      type: Facts.refundRequested,
      refund: number,
      order: 1024,
      source: 1,
      account: 0,
      currency: 0,
      amount,
    },
    ...{ provider: "p", paymentId: "1", restock: 0, reason: "", shares: [] },
  }) as const;
const refundDone = (number: number, amount: number) =>
  ({
    ...{ type: Facts.refundDone, refund: number, order: 1024, source: 1, account: 0, currency: 0, amount },
    ...{ provider: "p", ref: "" },
  }) as const;

/** A table's evolve, given facts one after the other. */
function given<F extends Fact>(table: { evolve(fact: F, nowMs: number): void }, ...facts: readonly F[]) {
  for (const fact of facts) table.evolve(fact, 1);
}

function payments() {
  const afterSales = new AfterSales();
  afterSales.applied({ ...applied, currency: 0, amount: 100 });
  return afterSales;
}

test.each<[string, () => void, RegExp]>([
  [
    "CALL-TABLE-1: a call that ends twice",
    () => given(new CallTable(), made(1), callEnded(1), callEnded(1)),
    /not open/,
  ],
  ["CALL-TABLE-3: two calls of one thing", () => given(new CallTable(), made(1), made(2)), /another one/],
  [
    "REVIEW-QUEUE-1: an item that is resolved twice",
    () => given(new ReviewQueue(), opened(1), resolved(1), resolved(1)),
    /is not open/,
  ],
  [
    "REVIEW-QUEUE-3: two items of one thing",
    () => given(new ReviewQueue(), opened(1), opened(2)),
    /has an open item/,
  ],
  [
    "TRANSACTION-TABLE-1: decided twice",
    () => given(new TransactionTable(), begun(1), decided(1, 1), decided(1, 2)),
    /decided twice/,
  ],
  [
    "TRANSACTION-TABLE-1: decided after its end",
    () => given(new TransactionTable(), begun(1), decided(1, 1), transactionEnded(1), decided(1, 2)),
    /not open/,
  ],
  ["a branch that is fenced twice", () => given(new FenceTable(), fenced(0), fenced(0)), /fenced twice/],
  ["OUTBOXES-2: an acknowledgement of what was never sent", () => new Outboxes().acked(1, 1), /never sent/],
  [
    "a payment that is applied twice",
    () => payments().applied({ ...applied, currency: 0, amount: 1 }),
    /applied twice/,
  ],
  [
    "AFTER-SALES-2: a payment that gives back more than it brought",
    () => {
      const afterSales = payments();
      afterSales.asked(refund(1, 60), true);
      afterSales.asked(refund(2, 41), true);
    },
    /gives back 101/,
  ],
  [
    "REFUNDS-3: a refund that ends twice",
    () => {
      const afterSales = payments();
      afterSales.asked(refund(1, 60), true);
      afterSales.ended(refundDone(1, 60));
      afterSales.ended(refundDone(1, 60));
    },
    /ends and is not open/,
  ],
])("%s", (_, apply, why) => {
  expect(apply).toThrow(why);
});

test("OUTBOXES-1, OUTBOXES-2: messages are numbered from 1 for each peer, and leave in order when they are acknowledged", () => {
  const outboxes = new Outboxes();
  for (const n of [1, 2, 3]) outboxes.sent(1, Uint8Array.of(n));
  outboxes.sent(2, Uint8Array.of(9));
  outboxes.acked(1, 2);
  expect(outboxes.to(1)).toEqual({ firstUnacked: 3, unacked: [Uint8Array.of(3)] });
  expect(outboxes.to(2)).toEqual({ firstUnacked: 1, unacked: [Uint8Array.of(9)] });
});

test("AFTER-SALES-1: refunding is what was asked of the order's money and has no end", () => {
  const afterSales = payments();
  afterSales.asked(refund(1, 60), true);
  afterSales.asked(refund(2, 40), true);
  expect(afterSales.get(1024)).toMatchObject({ refunding: 100, openRefunds: 2 });
  afterSales.ended(refundDone(1, 60));
  expect(afterSales.get(1024)).toMatchObject({ refunding: 40, openRefunds: 1 });
  afterSales.ended({ ...refundDone(2, 40), type: Facts.refundRefused });
  expect(afterSales.get(1024)).toMatchObject({ refunding: 0, openRefunds: 0, payments: [{ refunded: 60 }] });
});

test("CALL-TABLE-2: an open call is due when it was made, and again when it has failed", () => {
  const calls = new CallTable();
  calls.evolve(made(1), 1000);
  expect([calls.timers.nextDue, calls.timers.take()]).toEqual([1000, 1]);
  calls.evolve({ type: Facts.callFailed, call: 1, dueAt: 1100, error: "e" }, 1000);
  expect([calls.timers.nextDue, calls.open.get(1)!.dueAt]).toEqual([1100, 1100]);
});

test("TRANSACTION-TABLE-2: an undecided one has a timer for its deadline, a part that failed to end one for its next try", () => {
  const transactions = new TransactionTable();
  transactions.evolve({ ...begun(1), plan: '[{"name":"a"}]' }, 1);
  expect(transactions.timers.nextDue).toBe(1000);
  transactions.evolve({ type: Facts.partFailed, transaction: 1, part: 0, dueAt: 500, error: "e" }, 1);
  expect(transactions.timers.nextDue).toBe(500);
});

test("FENCE-TABLE-3: a branch that is tried has a timer behind its deadline, one that is not has none", () => {
  const fences = new FenceTable();
  fences.evolve(fenced(0, 1), 1);
  expect(fences.timers.nextDue).toBe(Number.POSITIVE_INFINITY);
  fences.evolve(fenced(1, 2), 1);
  expect(fences.timers.nextDue).toBe(1000 + fenceAskMs);
});

test("REVIEW-QUEUE-2: of the resolved items the newest are kept, and every open one", () => {
  const queue = new ReviewQueue();
  given(queue, opened(1, "stays"));
  for (let item = 2; item <= itemsResolvedMax + 3; item++) given(queue, opened(item), resolved(item));
  expect([queue.open.size, queue.resolved.size]).toEqual([1, itemsResolvedMax]);
  expect([queue.get(2), queue.get(3), queue.get(4)?.item, queue.get(1)?.item]).toEqual([
    undefined,
    undefined,
    4,
    1,
  ]);
});

test("TRANSACTION-TABLE-3: of the ended transactions the newest are kept, and every open one", () => {
  const transactions = new TransactionTable();
  given(transactions, begun(1), begun(2));
  const open = transactions.get(2)!;
  for (let n = 3; n <= transactionsEndedMax + 3; n++)
    transactions.add({ ...open, transaction: n, endedAt: n });
  given(transactions, decided(2, 1), transactionEnded(2));
  expect([transactions.open.size, transactions.ended.size]).toEqual([1, transactionsEndedMax]);
  expect([1, 2, 3, 4, 5].map((n) => transactions.get(n) !== undefined)).toEqual([
    ...[true, true, false, false, true],
  ]);
});
