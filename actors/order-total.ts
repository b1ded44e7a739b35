/**
 * What an order comes to beyond price times quantity: discounts, shipping, taxes, fees and rounding, each to the minor unit, and
 * what every part of the order has of the sum. The shop says the adjustments, in the order in which they apply.
 *
 *   2 tea at 30.00, 1 cup at 40.00                tea 60.00   cup 40.00
 *   discount of 10 %                              tea 54.00   cup 36.00
 *   shipping 8.00                                 tea 54.00   cup 36.00   shipping 8.00
 *   tax of 13 % on top: 12.74                     tea 61.02   cup 40.68   shipping 9.04      total 110.74
 *
 * A part is a line, or what no line pays for (shipping, a fee, rounding). What it has of the total is fixed here, once: a refund
 * takes out of it (`refund`), so that whatever is refunded in whatever pieces sums to what was paid.
 *
 * ORDER-TOTAL-1  The parts sum to the total, and none is below zero.
 * ORDER-TOTAL-2  An adjustment sees what those before it have left, and nothing of those after it. Those of the lines come first.
 * ORDER-TOTAL-3  An adjustment of the whole order is rounded once, and spread over its parts by largest remainder.
 */

import { spread } from "./largest-remainder.js";
import { addChecked } from "./money.js";

/** Of `rate`: a ten-thousandth of a percent is 1. */
export const rateOfWhole = 1_000_000;

/** Amounts in minor units. */
export type Adjustment =
  | { readonly type: "discount"; readonly name: string; readonly amount: number }
  | { readonly type: "discount"; readonly name: string; readonly rate: number }
  | { readonly type: "tax"; readonly name: string; readonly rate: number; readonly included: boolean }
  | { readonly type: "shipping" | "fee"; readonly name: string; readonly amount: number }
  /** By an amount that may be below zero, or to the nearest multiple of `to`, half up. */
  | { readonly type: "rounding"; readonly name: string; readonly amount: number }
  | { readonly type: "rounding"; readonly name: string; readonly to: number };

export type AdjustmentType = Adjustment["type"];

/** A line before its adjustments. */
export interface LineBase {
  readonly amount: number;
  readonly adjustments: readonly Adjustment[];
}

/** What a part of the order has of its total, and how much of that is tax. */
export interface TotalPart {
  /** Undefined: a line, in the place of its line. */
  readonly extra: { readonly type: AdjustmentType; readonly name: string } | undefined;
  amount: number;
  tax: number;
}

/** What an adjustment came to. A tax that is included adds nothing, a discount takes away: then it is below zero. */
export interface Applied {
  readonly type: AdjustmentType;
  readonly name: string;
  /** Of which line; undefined: of the order. */
  readonly line: number | undefined;
  readonly amount: number;
  readonly included: boolean;
}

export interface OrderTotal {
  readonly total: number;
  readonly parts: readonly TotalPart[];
  readonly applied: readonly Applied[];
}

/** Undefined when a sum is over 2^53-1. */
export function orderTotal(
  lines: readonly LineBase[],
  adjustments: readonly Adjustment[],
): OrderTotal | undefined {
  const parts = lines.map(({ amount }): TotalPart => ({ extra: undefined, amount, tax: 0 }));
  const applied: Applied[] = [];
  for (const [line, { adjustments: own }] of lines.entries()) {
    const part = [parts[line]!];
    for (const adjustment of own) {
      const came = apply(adjustment, part);
      if (came === undefined) return undefined;
      // A fee of a line is the line's.
      const [alone, ...fees] = part;
      for (const fee of fees) alone!.amount += fee.amount;
      part.length = 1;
      applied.push({ ...came, line });
    }
  }
  for (const adjustment of adjustments) {
    const came = apply(adjustment, parts);
    if (came === undefined) return undefined;
    applied.push(came);
  }
  const total = sumOf(parts);
  if (total === undefined) return undefined;
  for (const part of parts) part.tax = Math.min(part.tax, part.amount);
  return { total, parts, applied };
}

function apply(adjustment: Adjustment, parts: TotalPart[]): Applied | undefined {
  const { type, name } = adjustment;
  const sum = sumOf(parts);
  if (sum === undefined) return undefined;
  switch (type) {
    case "discount": {
      const wanted = "rate" in adjustment ? rated(sum, adjustment.rate) : adjustment.amount;
      return came(type, name, -takeOff(parts, Math.min(wanted, sum)));
    }
    case "tax":
      return adjustment.included
        ? { ...came(type, name, includedTax(parts, sum, adjustment.rate)), included: true }
        : addTax(parts, sum, adjustment.rate, name);
    case "shipping":
    case "fee":
      return addPart(parts, type, name, sum, adjustment.amount);
    case "rounding": {
      const change = "to" in adjustment ? nearest(sum, adjustment.to) - sum : adjustment.amount;
      if (change >= 0) return addPart(parts, type, name, sum, change);
      return came(type, name, -takeOff(parts, Math.min(-change, sum)));
    }
  }
}

function came(type: AdjustmentType, name: string, amount: number): Applied {
  // No zero below zero.
  return { type, name, line: undefined, amount: amount + 0, included: false };
}

/** Takes `amount` off all parts, which have so much together. */
function takeOff(parts: readonly TotalPart[], amount: number): number {
  for (const [index, share] of sharesOf(parts, amount).entries()) parts[index]!.amount -= share;
  return amount;
}

function addPart(
  parts: TotalPart[],
  type: AdjustmentType,
  name: string,
  sum: number,
  amount: number,
): Applied | undefined {
  if (addChecked(sum, amount) === undefined) return undefined;
  if (amount > 0) parts.push({ extra: { type, name }, amount, tax: 0 });
  return came(type, name, amount);
}

function addTax(parts: readonly TotalPart[], sum: number, rate: number, name: string): Applied | undefined {
  const tax = rated(sum, rate);
  if (addChecked(sum, tax) === undefined) return undefined;
  for (const [index, share] of sharesOf(parts, tax).entries()) {
    parts[index]!.amount += share;
    parts[index]!.tax += share;
  }
  return came("tax", name, tax);
}

/** Of 113.00 with 13 %: 13.00. */
function includedTax(parts: readonly TotalPart[], sum: number, rate: number): number {
  const tax = divideHalfUp(BigInt(sum) * BigInt(rate), BigInt(rateOfWhole + rate));
  for (const [index, share] of sharesOf(parts, tax).entries()) parts[index]!.tax += share;
  return tax;
}

function sharesOf(parts: readonly TotalPart[], amount: number): number[] {
  return spread(
    amount,
    parts.map((part) => part.amount),
  );
}

function rated(sum: number, rate: number): number {
  return divideHalfUp(BigInt(sum) * BigInt(rate), BigInt(rateOfWhole));
}

function nearest(sum: number, to: number): number {
  return divideHalfUp(BigInt(sum), BigInt(to)) * to;
}

/** Of numbers that are not below zero. */
function divideHalfUp(dividend: bigint, divisor: bigint): number {
  return Number((2n * dividend + divisor) / (2n * divisor));
}

function sumOf(parts: readonly TotalPart[]): number | undefined {
  let sum: number | undefined = 0;
  for (const { amount } of parts) sum = sum === undefined ? undefined : addChecked(sum, amount);
  return sum;
}
