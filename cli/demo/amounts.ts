/** Amounts as the buyers count them: whole cents in a BigInt, so that no sum of theirs can be rounded. */

/** Of `demoCurrency`, which has two digits after the point. */
export type Cents = bigint;

export const demoCurrency = "CNY";

const amountPattern = /^(-?)([0-9]+)\.([0-9]{2})$/;

/** `centsOf("99.90")` = 9990n. Throws on anything that an engine must not answer as an amount of this currency. */
export function centsOf(amount: string): Cents {
  const parts = amountPattern.exec(amount);
  if (!parts) throw new Error(`"${amount}" is not an amount of ${demoCurrency}`);
  const cents = BigInt(parts[2]! + parts[3]!);
  return parts[1] === "-" ? -cents : cents;
}

/** `amountOf(-5n)` = "-0.05". */
export function amountOf(cents: Cents): string {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, "0");
  return `${cents < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
