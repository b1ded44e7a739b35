/**
 * What a refund comes to. Every line of a paid order has a share of what was paid, fixed when the order was placed: its
 * subtotal. A refund takes units, or an amount, out of what is left of the shares.
 *
 *   three of four units of a line of 10.00, of which 1.00 went back by amount: 9.00 left for 4 units
 *     one unit    floor(9.00 * 1/4) = 2.25
 *     three more  the last units take the rest: 6.75
 *
 * REFUND-1  Any sequence of refunds sums to at most what was paid, and to exactly that when nothing is left.
 * REFUND-2  A line never gives back more units than it has, nor a share that it does not have.
 */

import type { LineShare } from "./facts.js";
import { spread } from "./largest-remainder.js";
import { type Refusal, refuse } from "./results.js";

/** What is left of a line: units that were not refunded, and its share less what was. */
export interface LineLeft {
  readonly product: string;
  readonly qty: number;
  readonly amount: number;
}

/** All that is left, of every line. */
export function shareAll(lines: readonly LineLeft[]): LineShare[] {
  return lines
    .map(({ qty, amount }, line) => ({ line, qty, amount }))
    .filter(({ qty, amount }) => qty > 0 || amount > 0);
}

/** So many units of these products; each product is one line. */
export function shareUnits(
  lines: readonly LineLeft[],
  asked: readonly { readonly product: string; readonly qty: number }[],
): LineShare[] | Refusal {
  const shares: LineShare[] = [];
  for (const { product, qty } of asked) {
    const line = lines.findIndex((each) => each.product === product);
    const left = lines[line];
    if (!left) return refuse("line_qty_exceeds", { product, left: 0 });
    if (qty > left.qty) return refuse("line_qty_exceeds", { product, left: left.qty });
    shares.push({ line, qty, amount: partOf(left.amount, qty, left.qty) });
  }
  return shares;
}

/** An amount, spread over the lines by what is left of their shares; what does not divide goes by largest remainder. */
export function shareAmount(lines: readonly LineLeft[], amount: number): LineShare[] {
  const weights = lines.map((line) => line.amount);
  return spread(amount, weights)
    .map((share, line) => ({ line, qty: 0, amount: share }))
    .filter((share) => share.amount > 0);
}

export function sumOf(shares: readonly LineShare[]): number {
  return shares.reduce((sum, { amount }) => sum + amount, 0);
}

/** Where an order's money came from, and how much of it can still go back there. Provider "" is the account's wallet. */
export interface Source {
  readonly provider: string;
  readonly paymentId: string;
  readonly left: number;
}

export interface Part {
  readonly source: Source;
  readonly amount: number;
  readonly shares: readonly LineShare[];
}

/** Shares cut to the sources that pay them, in the order given. A line's units go with the first part that pays for it. */
export function cutToSources(shares: readonly LineShare[], sources: readonly Source[]): Part[] {
  const parts: Part[] = [];
  const waiting = shares.map((share) => ({ ...share }));
  for (const source of sources) {
    const taken: LineShare[] = [];
    let left = source.left;
    while (waiting.length > 0 && (left > 0 || waiting[0]!.amount === 0)) {
      const share = waiting[0]!;
      const amount = Math.min(left, share.amount);
      taken.push({ line: share.line, qty: share.qty, amount });
      left -= amount;
      if (amount === share.amount) waiting.shift();
      else waiting[0] = { line: share.line, qty: 0, amount: share.amount - amount };
    }
    if (taken.length > 0) parts.push({ source, amount: sumOf(taken), shares: taken });
  }
  return parts;
}

/** floor(amount * part / whole), exactly: the product may be over 2^53. */
function partOf(amount: number, part: number, whole: number): number {
  return part === whole ? amount : Number((BigInt(amount) * BigInt(part)) / BigInt(whole));
}
