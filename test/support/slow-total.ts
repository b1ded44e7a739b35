/**
 * Totals with adjustments, the slow and obvious way: exact fractions, one unit after the other. Shares no code with the engine; amounts
 * are minor units.
 */

export interface SlowAdjustment {
  readonly type: string;
  readonly amount?: string;
  readonly percent?: string;
  readonly included?: boolean;
}

/** What each part has of the total: the lines, then shipping, fees and rounding. Adjustments of the whole order alone. */
export function slowParts(
  bases: readonly number[],
  adjustments: readonly SlowAdjustment[],
  scale: number,
): bigint[] {
  const parts = bases.map(BigInt);
  const sum = () => sumOf(parts);
  for (const { type, amount, percent, included } of adjustments) {
    const minor = amount === undefined ? 0n : digits(amount, scale);
    const rate = percent === undefined ? 0n : digits(percent, 4);
    const share = halfUp(sum() * rate, 1_000_000n);
    if (type === "discount") change(parts, percent === undefined ? least(minor, sum()) : share, -1n);
    else if (type === "tax" && !included) change(parts, share, 1n);
    else if (type === "rounding" && minor < 0n) change(parts, least(-minor, sum()), -1n);
    else if (type !== "tax" && minor > 0n) parts.push(minor);
  }
  return parts;
}

export function sumOf(parts: readonly bigint[]): bigint {
  return parts.reduce((all, part) => all + part, 0n);
}

/** Adds or takes away, unit after unit, where most is missing to the exact share; of two the first. */
function change(parts: bigint[], amount: bigint, sign: bigint): void {
  const weights = [...parts];
  const whole = weights.reduce((all, weight) => all + weight, 0n);
  if (whole === 0n) return;
  const given = weights.map((weight) => (amount * weight) / whole);
  for (let left = amount - given.reduce((all, one) => all + one, 0n); left > 0n; left--) {
    let most = 0;
    const missing = (n: number) => amount * weights[n]! - given[n]! * whole;
    for (let n = 1; n < weights.length; n++) if (missing(n) > missing(most)) most = n;
    given[most]!++;
  }
  for (const [n, one] of given.entries()) parts[n]! += sign * one;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function halfUp(dividend: bigint, divisor: bigint): bigint {
  const rest = dividend % divisor;
  return dividend / divisor + (rest * 2n >= divisor ? 1n : 0n);
}

function digits(text: string, scale: number): bigint {
  const [whole = "0", part = ""] = text.replace("-", "").split(".");
  const minor = BigInt(whole + part.padEnd(scale, "0"));
  return text.startsWith("-") ? -minor : minor;
}
