import fc from "fast-check";
import { expect, test } from "vitest";
import { type LineLeft, shareAll, shareAmount, shareUnits, sumOf } from "../../actors/refund.js";

test("REFUND-1, REFUND-2: units, amounts and the rest, in any order, come to what was paid, and no line gives more than it has", () => {
  const lines = fc.array(
    fc.record({ qty: fc.integer({ min: 1, max: 7 }), amount: fc.integer({ min: 0, max: 5000 }) }),
    { minLength: 1, maxLength: 4 },
  );
  const steps = fc.array(
    fc.record({
      units: fc.boolean(),
      line: fc.nat(3),
      qty: fc.integer({ min: 1, max: 8 }),
      amount: fc.nat(3000),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(lines, steps, (placed, asked) => {
      const left = placed.map(({ qty, amount }, line) => ({ product: `p${line}`, qty, amount }));
      const paid = sumOf(shareAll(left));
      let given = 0;
      for (const { units, line, qty, amount } of asked) {
        const rest = left.reduce((sum, each) => sum + each.amount, 0);
        const shares = units
          ? shareUnits(left, [{ product: `p${line}`, qty }])
          : shareAmount(left, Math.min(amount, rest));
        if ("code" in shares) {
          expect(shares.details).toEqual({ product: `p${line}`, left: left[line]?.qty ?? 0 });
          expect(qty).toBeGreaterThan(left[line]?.qty ?? 0);
          continue;
        }
        if (!units) expect(sumOf(shares)).toBe(Math.min(amount, rest));
        given += take(left, shares);
        // The last unit takes the rest of its line.
        if (units && left[line]!.qty === 0) expect(left[line]!.amount).toBe(0);
      }
      given += take(left, shareAll(left));
      expect(given).toBe(paid);
      expect(left.every(({ qty, amount }) => qty === 0 && amount === 0)).toBe(true);
    }),
  );
});

test("a unit is its part of what is left: 1.00 of 10.00 for 4 units went back by amount, one unit is 2.25, the last three are 6.75", () => {
  const left = [{ product: "p", qty: 4, amount: 1000 }];
  expect(take(left, shareAmount(left, 100))).toBe(100);
  const units = (qty: number) =>
    take(left, shareUnits(left, [{ product: "p", qty }]) as ReturnType<typeof shareAll>);
  expect([units(1), units(3)]).toEqual([225, 675]);
});

/** Takes the shares out of what is left, which none may overdraw. Returns their sum. */
function take(left: { -readonly [K in keyof LineLeft]: LineLeft[K] }[], shares: ReturnType<typeof shareAll>) {
  for (const { line, qty, amount } of shares) {
    left[line]!.qty -= qty;
    left[line]!.amount -= amount;
    expect(Math.min(left[line]!.qty, left[line]!.amount)).toBeGreaterThanOrEqual(0);
  }
  return sumOf(shares);
}
