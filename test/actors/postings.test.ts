import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Fact, Facts } from "../../actors/facts.js";
import { type LedgerNames, type Posting, postingsOf } from "../../actors/postings.js";

const names: LedgerNames = {
  accountId: (handle) => `a${handle}`,
  accountCurrency: () => "CNY",
  productId: (handle) => `p${handle}`,
};

const order = 1025;
const stock = { product: 7, order, account: 3, qty: 2, available: 8 };

const alipay = { provider: "alipay", paymentId: "p1", currency: 3, amount: 70 };
const refund = { refund: 1025, order, account: 3, currency: 0, amount: 30, provider: "" };

/** Each fact that moves something: from, to, unit, amount. */
const moves: readonly (readonly [Fact, string, string, string, number])[] = [
  [
    { type: Facts.accountDeposited, account: 3, amount: 500, ref: "r" },
    "outside:CNY",
    "wallet:a3",
    "CNY",
    500,
  ],
  [
    { type: Facts.accountWithdrawn, account: 3, amount: 500, ref: "r" },
    "wallet:a3",
    "outside:CNY",
    "CNY",
    500,
  ],
  [{ type: Facts.moneyCaptured, account: 3, order, amount: 99 }, "wallet:a3", "order:o1025", "CNY", 99],
  [
    {
      ...{ type: Facts.productCreated, id: "tea", name: "Tea", price: 1, currency: 0, stock: 10 },
      ...{ limitPerAccount: 0, saleStartsAt: 0, saleEndsAt: 0 },
    },
    "stock:tea:supplied",
    "stock:tea:available",
    "unit:tea",
    10,
  ],
  [
    { type: Facts.productRestocked, product: 7, qty: 4, available: 12 },
    "stock:p7:supplied",
    "stock:p7:available",
    "unit:p7",
    4,
  ],
  ...([0, 1] as const).map(
    (up) =>
      [
        {
          ...{ type: Facts.stockAdjusted, product: 7, qty: 4, up, available: 12, reason: 5, counted: 9 },
          ...{ ref: "r", operator: "", remark: "" },
        },
        up === 1 ? "stock:p7:found" : "stock:p7:available",
        up === 1 ? "stock:p7:available" : "stock:p7:lost",
        "unit:p7",
        4,
      ] as const,
  ),
  [{ type: Facts.stockHeld, ...stock }, "stock:p7:available", "stock:p7:held", "unit:p7", 2],
  [{ type: Facts.stockSold, ...stock }, "stock:p7:available", "stock:p7:sold", "unit:p7", 2],
  [{ type: Facts.stockConfirmed, ...stock }, "stock:p7:held", "stock:p7:sold", "unit:p7", 2],
  [{ type: Facts.stockReleased, ...stock }, "stock:p7:held", "stock:p7:available", "unit:p7", 2],
  [{ type: Facts.stockReturned, ...stock }, "stock:p7:sold", "stock:p7:available", "unit:p7", 2],
  [
    { type: Facts.paymentBooked, payment: 1, ...alipay, reference: "o1025" },
    "clearing:alipay:JPY",
    "suspense:JPY",
    "JPY",
    70,
  ],
  [
    { type: Facts.paymentForwarded, payment: 1, ...alipay, peer: 2 },
    "suspense:JPY",
    "transit:JPY",
    "JPY",
    70,
  ],
  [
    { type: Facts.paymentArrived, payment: 1, ...alipay, reference: "o1025", peer: 2 },
    "transit:JPY",
    "suspense:JPY",
    "JPY",
    70,
  ],
  [{ type: Facts.paymentApplied, payment: 1, order, ...alipay }, "suspense:JPY", "order:o1025", "JPY", 70],
  [
    { type: Facts.refundRequested, ...refund, source: 1, paymentId: "", restock: 0, reason: "", shares: [] },
    "order:o1025",
    "payable:CNY",
    "CNY",
    30,
  ],
  [
    { type: Facts.refundRequested, ...refund, source: 2, paymentId: "", restock: 0, reason: "", shares: [] },
    "suspense:CNY",
    "payable:CNY",
    "CNY",
    30,
  ],
  [{ type: Facts.refundDone, ...refund, source: 1, ref: "" }, "payable:CNY", "wallet:a3", "CNY", 30],
  [
    { type: Facts.refundDone, ...refund, source: 1, provider: "alipay", ref: "" },
    "payable:CNY",
    "clearing:alipay:CNY",
    "CNY",
    30,
  ],
  [
    { type: Facts.refundRefused, ...refund, source: 1, provider: "alipay", ref: "" },
    "payable:CNY",
    "order:o1025",
    "CNY",
    30,
  ],
  [
    { type: Facts.refundRefused, ...refund, source: 2, provider: "alipay", ref: "" },
    "payable:CNY",
    "suspense:CNY",
    "CNY",
    30,
  ],
  [{ type: Facts.orderArchived, order, currency: 3, amount: 12 }, "order:o1025", "revenue:JPY", "JPY", 12],
  [
    { type: Facts.entryMade, item: 1024, from: "suspense", to: "wallet:a3", currency: 0, amount: 5 },
    "suspense:CNY",
    "wallet:a3",
    "CNY",
    5,
  ],
  [
    { type: Facts.entryMade, item: 1024, from: "clearing:alipay", to: "loss", currency: 0, amount: 5 },
    "clearing:alipay:CNY",
    "loss:CNY",
    "CNY",
    5,
  ],
  [
    {
      ...{ type: Facts.paymentForwarded, payment: 1, provider: "p", paymentId: "1" },
      currency: 0,
      amount: 5,
      peer: 1,
    },
    "suspense:CNY",
    "transit:CNY",
    "CNY",
    5,
  ],
  [
    {
      ...{ type: Facts.paymentArrived, payment: 1, provider: "p", paymentId: "1", reference: "o1024" },
      ...{ currency: 0, amount: 5, peer: 1 },
    },
    "transit:CNY",
    "suspense:CNY",
    "CNY",
    5,
  ],
  [
    {
      ...{ type: Facts.unitsTransferred, transaction: 1024, branch: 0, product: 7 },
      account: 3,
      qty: 2,
      available: 1,
      from: 1,
      to: 2,
    },
    "stock:p7:available",
    "stock:p7:held",
    "unit:p7",
    2,
  ],
  [
    {
      ...{ type: Facts.moneyTransferred, transaction: 1024, branch: 0, account: 3 },
      currency: 0,
      amount: 5,
      from: 1,
      to: 2,
    },
    "wallet:a3",
    "held:a3",
    "CNY",
    5,
  ],
  [{ type: Facts.pointsGranted, account: 3, order, points: 9 }, "issued:points", "points:a3", "points", 9],
  [{ type: Facts.pointsReversed, account: 3, order, points: 9 }, "points:a3", "issued:points", "points", 9],
  [{ type: Facts.pointsSpent, account: 3, points: 9, ref: "r" }, "points:a3", "redeemed:points", "points", 9],
];

describe("postings", () => {
  test.each(moves)("%o moves from %s to %s", (fact, from, to, unit, amount) => {
    expect(postingsOf(fact, names)).toEqual([
      { account: from, unit, amount: -amount },
      { account: to, unit, amount },
    ]);
  });

  test("POSTINGS-2: every other fact moves nothing, and so does an amount of nothing", () => {
    const moving = new Set<number>(moves.map(([fact]) => fact.type));
    const still = Object.values(Facts).filter((type) => !moving.has(type));
    expect(still.length).toBe(Object.keys(Facts).length - moving.size);
    for (const type of still)
      expect(postingsOf({ type, account: 3, product: 7, order } as Fact, names)).toEqual([]);
    expect(postingsOf({ type: Facts.moneyCaptured, account: 3, order, amount: 0 }, names)).toEqual([]);
  });

  test("POSTINGS-1: the postings of any facts sum to zero in every unit", () => {
    const amounts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const facts = fc.array(fc.tuple(fc.constantFrom(...moves.map(([fact]) => fact)), amounts));
    fc.assert(
      fc.property(facts, (chosen) => {
        const sums = new Map<string, bigint>();
        for (const [fact, amount] of chosen) {
          const changed = { ...fact, amount, qty: amount, stock: amount, points: amount } as unknown as Fact;
          for (const { unit, amount: added } of postingsOf(changed, names) as readonly Posting[]) {
            sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(added));
          }
        }
        expect([...sums.values()].every((sum) => sum === 0n)).toBe(true);
      }),
    );
  });
});
