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
  [{ type: Facts.stockHeld, ...stock }, "stock:p7:available", "stock:p7:held", "unit:p7", 2],
  [{ type: Facts.stockSold, ...stock }, "stock:p7:available", "stock:p7:sold", "unit:p7", 2],
  [{ type: Facts.stockConfirmed, ...stock }, "stock:p7:held", "stock:p7:sold", "unit:p7", 2],
  [{ type: Facts.stockReleased, ...stock }, "stock:p7:held", "stock:p7:available", "unit:p7", 2],
];

describe("postings", () => {
  test.each(moves)("%o moves from %s to %s", (fact, from, to, unit, amount) => {
    expect(postingsOf(fact, names)).toEqual([
      { account: from, unit, amount: -amount },
      { account: to, unit, amount },
    ]);
  });

  test("every other fact moves nothing, and so does an amount of nothing", () => {
    const moving = new Set<number>(moves.map(([fact]) => fact.type));
    const still = Object.values(Facts).filter((type) => !moving.has(type));
    expect(still.length).toBe(Object.keys(Facts).length - moves.length);
    for (const type of still)
      expect(postingsOf({ type, account: 3, product: 7, order } as Fact, names)).toEqual([]);
    expect(postingsOf({ type: Facts.moneyCaptured, account: 3, order, amount: 0 }, names)).toEqual([]);
  });

  test("the postings of any facts sum to zero in every unit", () => {
    const amounts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const facts = fc.array(fc.tuple(fc.constantFrom(...moves.map(([fact]) => fact)), amounts));
    fc.assert(
      fc.property(facts, (chosen) => {
        const sums = new Map<string, bigint>();
        for (const [fact, amount] of chosen) {
          const changed = { ...fact, amount, qty: amount, stock: amount } as unknown as Fact;
          for (const { unit, amount: added } of postingsOf(changed, names) as readonly Posting[]) {
            sums.set(unit, (sums.get(unit) ?? 0n) + BigInt(added));
          }
        }
        expect([...sums.values()].every((sum) => sum === 0n)).toBe(true);
      }),
    );
  });
});
