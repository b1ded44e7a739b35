/**
 * Orders with discounts, taxes, shipping, fees and rounding, refunded in random pieces: whatever the pieces, they sum to what was
 * paid, no part gives back what it does not have, and the last piece of a part takes its rest.
 */

import fc from "fast-check";
import { expect, test } from "vitest";

import { type AdjustmentInput, adjustmentsText, readAdjustments } from "../../actors/adjustments.js";
import { currencyNumber, formatMinor, scaleOf } from "../../actors/money.js";
import { orderTotal } from "../../actors/order-total.js";
import { type LineLeft, shareAll, shareAmount, shareUnits, sumOf } from "../../actors/refund.js";
import { adjustedOrders } from "../support/scale.js";

const amountIn = (code: string) =>
  fc
    .oneof(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 0, max: 100_000_000 }))
    .map((minor) => formatMinor(minor, scaleOf(code)));
const percent = fc.integer({ min: 0, max: 1_000_000 }).map((rate) => formatMinor(rate, 4));

const adjustmentIn = (code: string, ofLine: boolean): fc.Arbitrary<AdjustmentInput> => {
  const amount = amountIn(code);
  const every: fc.Arbitrary<AdjustmentInput>[] = [
    amount.map((of) => ({ type: "discount", amount: of })),
    percent.map((of) => ({ type: "discount", percent: of })),
    fc.tuple(percent, fc.boolean()).map(([of, included]) => ({ type: "tax", percent: of, included })),
    amount.map((of) => ({ type: "fee", name: "packing", amount: of })),
  ];
  if (!ofLine) {
    every.push(amount.map((of) => ({ type: "shipping", amount: of })));
    every.push(amount.map((of) => ({ type: "rounding", amount: `-${of}` })));
  }
  return fc.oneof(...every);
};

const anOrder = fc.constantFrom("JPY", "CNY", "KWD").chain((code) =>
  fc.record({
    code: fc.constant(code),
    lines: fc.array(
      fc.record({
        qty: fc.integer({ min: 1, max: 9 }),
        price: fc.integer({ min: 0, max: 50_000 }),
        adjustments: fc.array(adjustmentIn(code, true), { maxLength: 2 }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    adjustments: fc.array(adjustmentIn(code, false), { maxLength: 5 }),
    pieces: fc.array(fc.tuple(fc.constantFrom("line", "amount", "extra"), fc.nat(), fc.nat()), {
      maxLength: 8,
    }),
  }),
);

test("any pieces of any order sum to what was paid, and no part gives back more than it has", () => {
  fc.assert(
    fc.property(anOrder, ({ code, lines, adjustments, pieces }) => {
      const currency = currencyNumber(code)!;
      const text = adjustmentsText({ lines: lines.map((line) => line.adjustments), order: adjustments });
      const read = text === "" ? { lines: [], order: [] } : readAdjustments(text, currency);
      if ("code" in read) throw new Error(read.code);
      const bases = lines.map(({ qty, price }, n) => ({
        amount: qty * price,
        adjustments: read.lines[n] ?? [],
      }));
      const { total, parts } = orderTotal(bases, read.order)!;
      const left: LineLeft[] = parts.map(({ amount }, n) => {
        const line = lines[n];
        return line ? { product: `p${n}`, qty: line.qty, amount } : { product: "", qty: 0, amount };
      });
      let paidBack = 0;
      const take = (shares: readonly { line: number; qty: number; amount: number }[]) => {
        for (const { line, qty, amount } of shares) {
          const part = left[line]!;
          left[line] = { ...part, qty: part.qty - qty, amount: part.amount - amount };
          expect(left[line].qty).toBeGreaterThanOrEqual(0);
          expect(left[line].amount).toBeGreaterThanOrEqual(0);
          // The last unit of a line takes its rest.
          if (qty > 0 && left[line].qty === 0) expect(left[line].amount).toBe(0);
        }
        paidBack += sumOf(shares);
      };
      for (const [kind, which, much] of pieces) {
        const rest = left.reduce((sum, { amount }) => sum + amount, 0);
        const line = which % left.length;
        if (kind === "amount" && rest > 0) {
          const amount = 1 + (much % rest);
          const shares = shareAmount(left, amount);
          expect(sumOf(shares)).toBe(amount);
          take(shares);
        } else if (kind === "line" && left[line]!.qty > 0) {
          const shares = shareUnits(left, [
            { product: left[line]!.product, qty: 1 + (much % left[line]!.qty) },
          ]);
          if ("code" in shares) throw new Error(shares.code);
          take(shares);
        } else if (kind === "extra" && line >= lines.length) {
          take([{ line, qty: 0, amount: left[line]!.amount }]);
        }
      }
      take(shareAll(left));
      expect(paidBack).toBe(total);
      expect(left.every(({ qty, amount }) => qty === 0 && amount === 0)).toBe(true);
    }),
    { numRuns: adjustedOrders },
  );
});
