/** Totals beyond price times quantity: worked examples, then random ones against exact fractions. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { spread } from "../../actors/largest-remainder.js";
import { type Adjustment, type LineBase, orderTotal, rateOfWhole } from "../../actors/order-total.js";

const name = "";
const percent = (of: number) => of * 10_000;
const discount = (amount: number): Adjustment => ({ type: "discount", name, amount });
const percentOff = (of: number): Adjustment => ({ type: "discount", name, rate: percent(of) });
const shipping = (amount: number): Adjustment => ({ type: "shipping", name, amount });
const fee = (amount: number): Adjustment => ({ type: "fee", name, amount });
const tax = (of: number): Adjustment => ({ type: "tax", name, rate: percent(of), included: false });
const taxIn = (of: number): Adjustment => ({ type: "tax", name, rate: percent(of), included: true });
const rounding = (amount: number): Adjustment => ({ type: "rounding", name, amount });
const roundedTo = (to: number): Adjustment => ({ type: "rounding", name, to });

const line = (amount: number, ...adjustments: Adjustment[]): LineBase => ({ amount, adjustments });

describe("worked examples, in minor units", () => {
  test.each<[string, LineBase[], Adjustment[], parts: number[], taxes: number[], total: number]>([
    ["nothing", [line(6000), line(4000)], [], [6000, 4000], [0, 0], 10_000],
    [
      "the one in the head of the file",
      [line(6000), line(4000)],
      [percentOff(10), shipping(800), tax(13)],
      [6102, 4068, 904],
      [702, 468, 104],
      11_074,
    ],
    [
      "a discount of an amount, spread",
      [line(100), line(100), line(100)],
      [discount(100)],
      [66, 67, 67],
      [0, 0, 0],
      200,
    ],
    ["a discount larger than the order", [line(700)], [discount(1000)], [0], [0], 0],
    ["a discount of 100 %", [line(700), line(1)], [percentOff(100)], [0, 0], [0, 0], 0],
    [
      "a discount of 100 %, and shipping",
      [line(700)],
      [percentOff(100), shipping(500)],
      [0, 500],
      [0, 0],
      500,
    ],
    [
      "shipping before the discount shares it",
      [line(900)],
      [shipping(100), percentOff(50)],
      [450, 50],
      [0, 0],
      500,
    ],
    ["of one line alone", [line(900, percentOff(50)), line(100)], [], [450, 100], [0, 0], 550],
    ["a fee of a line is the line's", [line(900, fee(10)), line(100)], [], [910, 100], [0, 0], 1010],
    ["a line's tax before the order's discount", [line(1000, tax(10))], [percentOff(50)], [550], [100], 550],
    ["two rates", [line(1000, tax(6)), line(1000, tax(13))], [], [1060, 1130], [60, 130], 2190],
    ["tax that is included adds nothing", [line(11_300)], [taxIn(13)], [11_300], [1300], 11_300],
    ["half a unit of tax goes up", [line(50)], [tax(1)], [51], [1], 51],
    ["less than half a unit does not", [line(49)], [tax(1)], [49], [0], 49],
    ["rounded down to 0.05", [line(1002)], [roundedTo(5)], [1000], [0], 1000],
    ["rounded up to 0.05", [line(1003)], [roundedTo(5)], [1003, 2], [0, 0], 1005],
    ["rounded by an amount", [line(1003)], [rounding(-3)], [1000], [0], 1000],
    ["never below zero", [line(3)], [rounding(-5)], [0], [0], 0],
    ["a free order with a fee", [line(0)], [fee(1)], [0, 1], [0, 0], 1],
    ["tax of nothing", [line(0)], [tax(13)], [0], [0], 0],
  ])("%s", (_, lines, adjustments, parts, taxes, total) => {
    const made = orderTotal(lines, adjustments)!;
    expect(made.parts.map((part) => part.amount)).toEqual(parts);
    expect(made.parts.map((part) => part.tax)).toEqual(taxes);
    expect(made.total).toBe(total);
  });

  test("ORDER-TOTAL-2: what each came to is told in the order in which they applied, those of the lines first", () => {
    const made = orderTotal(
      [line(1000, percentOff(10)), line(500)],
      [shipping(300), taxIn(10), discount(9999)],
    )!;
    expect(made.applied.map(({ type, line: of, amount, included }) => [type, of, amount, included])).toEqual([
      ["discount", 0, -100, false],
      ["shipping", undefined, 300, false],
      ["tax", undefined, 155, true],
      ["discount", undefined, -1700, false],
    ]);
  });

  test.each([
    ["lines", [line(Number.MAX_SAFE_INTEGER), line(1)], []],
    ["shipping", [line(Number.MAX_SAFE_INTEGER)], [shipping(1)]],
    ["tax", [line(Number.MAX_SAFE_INTEGER)], [tax(1)]],
    ["a fee of a line", [line(Number.MAX_SAFE_INTEGER, fee(1))], []],
    ["rounding", [line(Number.MAX_SAFE_INTEGER)], [roundedTo(1_000_000)]],
  ])("a sum over 2^53-1 is none: %s", (_, lines, adjustments) => {
    expect(orderTotal(lines, adjustments)).toBeUndefined();
  });
});

const anAmount = fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 2 ** 40 }));
const aRate = fc.integer({ min: 0, max: rateOfWhole });
const anAdjustment: fc.Arbitrary<Adjustment> = fc.oneof(
  anAmount.map(discount),
  aRate.map((rate): Adjustment => ({ type: "discount", name, rate })),
  fc
    .tuple(aRate, fc.boolean())
    .map(([rate, included]): Adjustment => ({ type: "tax", name, rate, included })),
  anAmount.map(shipping),
  anAmount.map(fee),
  fc.integer({ min: -500, max: 500 }).map(rounding),
  fc.constantFrom(5, 10, 100).map(roundedTo),
);

test("ORDER-TOTAL-1: the parts sum to the total, none is below zero, and no tax is more than its part", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ amount: anAmount, adjustments: fc.array(anAdjustment, { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.array(anAdjustment, { maxLength: 6 }),
      (lines, adjustments) => {
        const made = orderTotal(lines, adjustments)!;
        expect(made.parts.reduce((sum, { amount }) => sum + amount, 0)).toBe(made.total);
        expect(made.parts.length).toBeGreaterThanOrEqual(lines.length);
        for (const { amount, tax: part } of made.parts) {
          expect(amount).toBeGreaterThanOrEqual(0);
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(amount);
        }
        // What was said of each adds up to the difference.
        const bases = lines.reduce((sum, { amount }) => sum + amount, 0);
        const changes = made.applied.reduce((sum, { amount, included }) => sum + (included ? 0 : amount), 0);
        expect(bases + changes).toBe(made.total);
      },
    ),
    { numRuns: 2000 },
  );
});

test("ORDER-TOTAL-3: of an order's adjustment each part has its exact share, give or take less than one unit", () => {
  fc.assert(
    fc.property(fc.array(anAmount, { minLength: 1, maxLength: 12 }), aRate, (amounts, rate) => {
      const made = orderTotal(
        amounts.map((amount) => line(amount)),
        [{ type: "discount", name, rate }],
      )!;
      const off = -made.applied[0]!.amount;
      const sum = amounts.reduce((all, amount) => all + amount, 0);
      // Half up: off - 1/2 <= sum * rate < off + 1/2, without fractions.
      expect(2n * BigInt(sum) * BigInt(rate) < BigInt(2 * off + 1) * BigInt(rateOfWhole)).toBe(true);
      expect(2n * BigInt(sum) * BigInt(rate) >= BigInt(2 * off - 1) * BigInt(rateOfWhole)).toBe(true);
      for (const [index, amount] of amounts.entries()) {
        const taken = BigInt(amount - made.parts[index]!.amount);
        const distance = taken * BigInt(sum) - BigInt(off) * BigInt(amount);
        expect(distance < BigInt(sum) && -distance < BigInt(sum)).toBe(sum > 0);
      }
    }),
    { numRuns: 1000 },
  );
});

test("an amount is spread to the last unit, and a part without weight gets nothing", () => {
  expect(spread(100, [1, 1, 1])).toEqual([34, 33, 33]);
  expect(spread(1, [0, 1, 1])).toEqual([0, 1, 0]);
  expect(spread(5, [0, 0])).toEqual([0, 0]);
  expect(spread(0, [3, 4])).toEqual([0, 0]);
  expect(spread(Number.MAX_SAFE_INTEGER, [1, 2]).reduce((a, b) => a + b)).toBe(Number.MAX_SAFE_INTEGER);
});
