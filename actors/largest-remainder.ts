/** How an amount is spread over parts so that nothing is left over: by largest remainder, ties to the first. */

/**
 * `amount` in proportion to `weights`, whole minor units that sum to it exactly. Each part differs from its exact share by less
 * than one, and a part of weight 0 gets nothing. All 0: so does everybody.
 *
 *     spread(100, [1, 1, 1]) = [34, 33, 33]
 */
export function spread(amount: number, weights: readonly number[]): number[] {
  const whole = weights.reduce((sum, weight) => sum + BigInt(weight), 0n);
  if (whole === 0n) return weights.map(() => 0);
  const parts = weights.map((weight, index) => {
    const exact = BigInt(amount) * BigInt(weight);
    return { index, amount: Number(exact / whole), remainder: exact % whole };
  });
  let missing = amount - parts.reduce((sum, part) => sum + part.amount, 0);
  const byRemainder = [...parts].sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const part of byRemainder) {
    if (missing === 0) break;
    part.amount++;
    missing--;
  }
  return parts.map((part) => part.amount);
}
