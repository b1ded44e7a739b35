/** Decimal strings for the simulation: written by hand, so that the auditor does not lean on what it audits. */

const scales: Readonly<Record<string, number>> = { CNY: 2, JPY: 0 };

/** 1234 of CNY is "12.34". */
export function decimal(minor: number, currency: string): string {
  const scale = scales[currency]!;
  if (scale === 0) return String(minor);
  const digits = String(minor).padStart(scale + 1, "0");
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The other way; NaN when it is not such a string. */
export function minorOf(text: unknown, currency: string): number {
  const pattern = scales[currency] === 2 ? /^[0-9]+\.[0-9]{2}$/ : /^[0-9]+$/;
  return typeof text === "string" && pattern.test(text) ? Number(text.replace(".", "")) : Number.NaN;
}

export function digitsOf(currency: string): number {
  return scales[currency]!;
}
