/** The entries that make a number, of a log in which everything happens: each of them, in order, and the right sum. */

import { describe, expect, test } from "vitest";
import { type Fact, Facts } from "../../../actors/facts.js";
import { orderId } from "../../../actors/order-number.js";
import {
  type Explained,
  type ExplainedEntry,
  type Explanation,
  explain,
} from "../../../persistence/audit/explain.js";
import { shopStory } from "../shop-story.js";
import { groupsOf, type Turn } from "../trading-log.js";

function explained(
  what: Explained,
  key: string,
  turns: readonly Turn[] = shopStory(),
): { entries: ExplainedEntry[]; end: Explanation | undefined } {
  const steps = explain(groupsOf(turns), what, key);
  const entries: ExplainedEntry[] = [];
  for (;;) {
    const step = steps.next();
    if (step.done) return { entries, end: step.value };
    entries.push(step.value);
  }
}

const placed = shopStory().flatMap(({ facts }) =>
  facts.flatMap((fact) => (fact.type === Facts.orderPlaced ? [orderId(fact.order)] : [])),
);
const everything: readonly (readonly [Explained, string])[] = [
  ...["tea", "cup"].map((key) => ["stock", key] as const),
  ...["ann", "ben"].flatMap((key) => [["balance", key] as const, ["points", key] as const]),
  ...placed.map((key) => ["order", key] as const),
];

describe.each(everything)("%s %s", (what, key) => {
  const { entries, end } = explained(what, key);

  test("its entries add up to what the books say", () => {
    expect(end!.firstBad).toBeUndefined();
    expect(end!.total).toEqual(end!.books);
    expect(end!.entries).toBe(entries.length);
    const sums = end!.total.map((_, column) =>
      entries.reduce((sum, { amounts }) => sum + amounts[column]!, 0),
    );
    expect(end!.total).toEqual(sums);
  });

  test("newest last, each with what was there after it", () => {
    const balances = end!.total.map(() => 0);
    let last = 0;
    for (const entry of entries) {
      expect(entry.position).toBeGreaterThan(last);
      last = entry.position;
      for (const [column, amount] of entry.amounts.entries()) balances[column]! += amount;
      expect(entry.balances).toEqual(balances);
    }
  });
});

test("a balance: deposits, captures, refunds and what a human booked", () => {
  const { entries, end } = explained("balance", "ann");
  expect(entries.map(({ what, amounts }) => `${what} ${amounts[0]}`)).toEqual([
    "account.deposited 50000",
    "money.captured -1000",
    "entry.made 900",
    "money.captured -1333",
  ]);
  expect(end).toMatchObject({ unit: "CNY", total: [48_567] });
});

test("points: below zero when some that were spent are taken back", () => {
  const { entries } = explained("points", "ann");
  expect(entries.map(({ what, of, balances }) => [what, of, balances[0]])).toEqual([
    ["points.granted", "o1611", 29],
    ["points.spent", "voucher-1", 9],
    ["points.reversed", "o1611", -1],
    ["points.reversed", "o1611", -20],
    ["points.granted", "o8779", -7],
  ]);
});

test("stock: three buckets, from the first unit to what came back", () => {
  const { entries, end } = explained("stock", "tea");
  expect(entries[0]).toMatchObject({ what: "product.created", amounts: [100, 0, 0], of: "" });
  const returned = entries.filter(({ what }) => what === "stock.returned");
  expect(returned.map(({ amounts }) => amounts)).toEqual([
    [1, 0, -1],
    [2, 0, -2],
  ]);
  const [available, held, sold] = end!.total;
  expect(available! + held! + sold!).toBe(100);
});

test("an order: its money, its refunds with what is not done yet, and nothing once it is archived", () => {
  const { entries, end } = explained("order", "o1611");
  expect(entries.map(({ what, of, amounts }) => `${what} ${of}: ${amounts}`)).toEqual([
    "payment.applied o1611 alipay:p-1: 2999,0",
    "refund.requested o1611 r1611 alipay:p-1: -1000,1000",
    "refund.done o1611 r1611: 0,-1000",
    "refund.requested o1611 r2635 alipay:p-1: -1999,1999",
    "refund.unknown r2635: 0,0",
    "refund.done o1611 r2635: 0,-1999",
  ]);
  expect(end).toMatchObject({ total: [0, 0], books: [0, 0] });
});

test("an order's refund that a human ended is not payable any more", () => {
  const byHand = placed
    .map((key) => explained("order", key))
    .find(({ entries }) => entries.some(({ amounts }) => amounts[1] === -666))!;
  expect(byHand.entries.at(-1)).toMatchObject({ what: "refund.done", amounts: [0, -666], balances: [0, 0] });
});

test.each<[Explained, string]>([
  ["stock", "coffee"],
  ["balance", "eve"],
  ["points", "eve"],
  ["order", "o999424"],
  ["order", "tea"],
])("%s %s: there is nothing of that name", (what, key) => {
  expect(explained(what, key)).toEqual({ entries: [], end: undefined });
});

test("EXPLAIN-1: the log is read as far as its entries are taken, and no further", () => {
  const groups = groupsOf(shopStory());
  let read = 0;
  function* reading() {
    for (const group of groups) {
      read++;
      yield group;
    }
  }
  const steps = explain(reading(), "balance", "ann");
  expect(steps.next().value).toMatchObject({ what: "account.deposited" });
  expect(read).toBeLessThan(groups.length / 2);
});

test("a log that is wrong says from where on", () => {
  const wrong = shopStory().map(({ time, facts }) => ({
    time,
    facts: facts.map(
      (fact): Fact => (fact.type === Facts.stockReturned ? { ...fact, qty: fact.qty + 1 } : fact),
    ),
  }));
  const { end } = explained("stock", "tea", wrong);
  expect(end!.firstBad).toBeGreaterThan(0);
});
