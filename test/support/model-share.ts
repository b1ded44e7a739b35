/** What a refund takes out of which lines, and where it goes: the arithmetic of it, slow and exact. */

import type { ModelPayment, ModelRefund, Share } from "./model-order.js";

export interface Left {
  readonly product: string;
  readonly qty: number;
  readonly amount: number;
}

export function shareAll(lines: readonly Left[]): Share[] {
  return lines
    .map(({ qty, amount }, line) => ({ line, qty, amount }))
    .filter(({ qty, amount }) => qty > 0 || amount > 0);
}

/** Each unit is worth the same part of what is left of its line; the last one takes the rest. */
export function shareUnits(
  lines: readonly Left[],
  asked: ReadonlyMap<string, number>,
): Share[] | { readonly product: string; readonly left: number } {
  const shares: Share[] = [];
  for (const [product, qty] of asked) {
    const line = lines.findIndex((each) => each.product === product);
    const left = lines[line] ?? { qty: 0, amount: 0 };
    if (qty > left.qty) return { product, left: left.qty };
    const worth =
      qty === left.qty ? left.amount : Number((BigInt(left.amount) * BigInt(qty)) / BigInt(left.qty));
    shares.push({ line, qty, amount: worth });
  }
  return shares;
}

/** Spread by what is left of the lines: whole cents first, then one more to each of the lines that lost most by rounding. */
export function shareAmount(lines: readonly Left[], amount: number): Share[] {
  const all = lines.reduce((total, line) => total + BigInt(line.amount), 0n);
  const floors = lines.map((line) => (BigInt(amount) * BigInt(line.amount)) / all);
  const lost = lines.map((line, i) => BigInt(amount) * BigInt(line.amount) - floors[i]! * all);
  for (let missing = BigInt(amount) - floors.reduce((a, b) => a + b, 0n); missing > 0n; missing--) {
    let most = 0;
    for (const [line, part] of lost.entries()) if (part > lost[most]!) most = line;
    floors[most]!++;
    lost[most] = -1n;
  }
  return floors
    .map((part, line) => ({ line, qty: 0, amount: Number(part) }))
    .filter((share) => share.amount > 0);
}

export interface Part {
  readonly provider: string;
  readonly paymentId: string;
  readonly amount: number;
  readonly shares: readonly Share[];
}

/**
 * The wallet's money goes back first, then the newest payment's. Cent by cent would be the obvious way; here a share goes as far
 * as its source reaches. Units go with the first cent of their line; those that cost nothing with whatever source is at hand.
 */
export function cutToSources(
  shares: readonly Share[],
  payments: readonly ModelPayment[],
  refunds: readonly ModelRefund[],
): Part[] {
  const order = [...payments.filter(({ provider }) => provider === ""), ...outside(payments)];
  const sources = order
    .map(({ provider, paymentId, amount }) => {
      const gone = refunds.filter(
        (refund) =>
          refund.state !== "refused" && refund.provider === provider && refund.paymentId === paymentId,
      );
      const left = gone.reduce((rest, refund) => rest - refund.amount, amount);
      return { provider, paymentId, left, shares: [] as Share[] };
    })
    .filter(({ left }) => left > 0);
  // Where nothing is to be paid nobody outside is asked.
  if (shares.every(({ amount }) => amount === 0))
    sources.splice(0, sources.length, { provider: "", paymentId: "", left: 0, shares: [] });
  let at = 0;
  for (const { line, qty, amount } of shares) {
    let units = qty;
    let rest = amount;
    do {
      if (rest > 0 && sources[at]!.left === 0) at++;
      const source = sources[at]!;
      const taken = Math.min(rest, source.left);
      source.shares.push({ line, qty: units, amount: taken });
      source.left -= taken;
      rest -= taken;
      units = 0;
    } while (rest > 0);
  }
  return sources
    .filter((source) => source.shares.length > 0)
    .map(({ provider, paymentId, shares: taken }) => ({
      provider,
      paymentId,
      amount: taken.reduce((total, share) => total + share.amount, 0),
      shares: taken,
    }));
}

function outside(payments: readonly ModelPayment[]): ModelPayment[] {
  return payments.filter(({ provider }) => provider !== "").reverse();
}
