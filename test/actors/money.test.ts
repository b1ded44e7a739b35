import { Decimal } from "decimal.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addChecked,
  currencyCode,
  currencyNumber,
  formatAmount,
  formatMinor,
  multiplyChecked,
  parseAmount,
  parsePositiveAmount,
  scaleOf,
} from "../../actors/money.js";

const max = Number.MAX_SAFE_INTEGER;
const number = (code: string) => currencyNumber(code)!;

test.each([
  ["CNY", 0, 2],
  ["USD", 1, 2],
  ["EUR", 2, 2],
  ["JPY", 3, 0],
  ["GBP", 4, 2],
  ["KRW", 8, 0],
  ["VND", 34, 0],
  ["TND", 48, 3],
  ["KWD", 49, 3],
  ["ISK", 55, 0],
  ["RUB", 71, 2],
])("%s has number %i in the log and %i digits", (code, inLog, scale) => {
  expect(currencyNumber(code)).toBe(inLog);
  expect(currencyCode(inLog)).toBe(code);
  expect(scaleOf(code)).toBe(scale);
});

test("an unknown currency has no number, and asking its scale is a programmer's error", () => {
  for (const code of ["XXX", "cny", "", "__proto__"]) expect(currencyNumber(code)).toBeUndefined();
  expect(() => scaleOf("XXX")).toThrow(/unknown currency/);
});

test.each([
  ["CNY", "0", 0],
  ["CNY", "0.01", 1],
  ["CNY", "99.99", 9999],
  ["CNY", "10", 1000],
  ["CNY", "10.5", 1050],
  ["CNY", "90071992547409.91", max],
  ["JPY", "9007199254740991", max],
  ["JPY", "120", 120],
  ["KWD", "1.001", 1001],
  ["KWD", "9007199254740.991", max],
])("%s %s is %i minor units", (code, text, minor) => {
  expect(parseAmount(text, number(code))).toBe(minor);
});

test.each([
  ["CNY", "90071992547409.92", "amount_overflow"],
  ["JPY", "9007199254740992", "amount_overflow"],
  ["KWD", "9007199254740.992", "amount_overflow"],
  ["CNY", `1${"0".repeat(30)}`, "amount_overflow"],
  ["CNY", "1.001", "invalid_amount"],
  ["CNY", "1.000", "invalid_amount"],
  ["JPY", "1.0", "invalid_amount"],
  ["KWD", "1.0001", "invalid_amount"],
  ["CNY", "", "invalid_amount"],
  ["CNY", " 1", "invalid_amount"],
  ["CNY", "1 ", "invalid_amount"],
  ["CNY", "1\n", "invalid_amount"],
  ["CNY", "+1", "invalid_amount"],
  ["CNY", "-1", "invalid_amount"],
  ["CNY", "-0", "invalid_amount"],
  ["CNY", "1e3", "invalid_amount"],
  ["CNY", "0x10", "invalid_amount"],
  ["CNY", "1,000.00", "invalid_amount"],
  ["CNY", ".5", "invalid_amount"],
  ["CNY", "1.", "invalid_amount"],
  ["CNY", "01", "invalid_amount"],
  ["CNY", "00", "invalid_amount"],
  ["CNY", "NaN", "invalid_amount"],
  ["CNY", "Infinity", "invalid_amount"],
  ["CNY", "１", "invalid_amount"],
  ["CNY", "1".repeat(32), "invalid_amount"],
])("%s %j is refused: %s", (code, text, refusal) => {
  expect(parseAmount(text, number(code))).toMatchObject({ code: refusal });
});

test("zero is an amount, but not a positive one", () => {
  expect(parsePositiveAmount("0.00", number("CNY"))).toMatchObject({ code: "invalid_amount" });
  expect(parsePositiveAmount("0.01", number("CNY"))).toBe(1);
});

test.each([
  [9999, 2, "99.99"],
  [0, 2, "0.00"],
  [5, 2, "0.05"],
  [5, 3, "0.005"],
  [1000, 3, "1.000"],
  [7, 0, "7"],
  [-1, 2, "-0.01"],
  [-12345, 3, "-12.345"],
  [max, 2, "90071992547409.91"],
  [max, 0, "9007199254740991"],
  [-max, 3, "-9007199254740.991"],
])("%i minor units at scale %i are written %s", (minor, scale, text) => {
  expect(formatMinor(minor, scale)).toBe(text);
});

const minorUnits = () => fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -2000, max: 2000 }));

test("formatMinor writes what decimal.js writes", () => {
  fc.assert(
    fc.property(minorUnits(), fc.constantFrom(0, 2, 3, 4), (minor, scale) => {
      fc.pre(!Object.is(minor, -0));
      expect(formatMinor(minor, scale)).toBe(
        new Decimal(minor).div(new Decimal(10).pow(scale)).toFixed(scale),
      );
    }),
    { numRuns: 5000 },
  );
});

test("parseAmount reads what decimal.js reads, and gives back what formatAmount wrote", () => {
  const currency = fc.constantFrom("CNY", "JPY", "KWD").map(number);
  fc.assert(
    fc.property(fc.maxSafeNat(), currency, (minor, of) => {
      expect(parseAmount(formatAmount(minor, of), of)).toBe(minor);
    }),
    { numRuns: 5000 },
  );
  const written = fc
    .tuple(fc.nat({ max: 10 ** 9 }), fc.stringMatching(/^[0-9]{0,5}$/))
    .map(([whole, fraction]) => (fraction === "" ? `${whole}` : `${whole}.${fraction}`));
  fc.assert(
    fc.property(written, currency, (text, of) => {
      const scale = scaleOf(currencyCode(of));
      const digits = text.split(".")[1]?.length ?? 0;
      const read = parseAmount(text, of);
      if (digits > scale) expect(read).toMatchObject({ code: "invalid_amount" });
      else expect(read).toBe(new Decimal(text).times(10 ** scale).toNumber());
    }),
    { numRuns: 5000 },
  );
});

test("no string at all makes parseAmount throw or give anything but a safe count or a refusal", () => {
  const noise = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789.-+eE ") }));
  fc.assert(
    fc.property(noise, (text) => {
      const read = parseAmount(text, 0);
      if (typeof read === "number") expect(Number.isSafeInteger(read) && read >= 0).toBe(true);
      else expect(["invalid_amount", "amount_overflow"]).toContain(read.code);
    }),
    { numRuns: 5000 },
  );
});

test("a sum or a product over 2^53-1 is undefined, never rounded", () => {
  expect(addChecked(max - 1, 1)).toBe(max);
  expect(addChecked(max, 1)).toBeUndefined();
  expect(addChecked(max, max)).toBeUndefined();
  expect(multiplyChecked(max, 1)).toBe(max);
  expect(multiplyChecked(94906266, 94906266)).toBeUndefined();
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      const sum = BigInt(a) + BigInt(b);
      const product = BigInt(a) * BigInt(b);
      expect(addChecked(a, b)).toBe(sum > BigInt(max) ? undefined : Number(sum));
      expect(multiplyChecked(a, b)).toBe(product > BigInt(max) ? undefined : Number(product));
    }),
    { numRuns: 3000 },
  );
});
