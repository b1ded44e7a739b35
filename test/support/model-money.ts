/** Money and points of the model: decimal strings outside, minor units inside. Nothing shared with the engine. */

const scales: Readonly<Record<string, number>> = { CNY: 2, USD: 2, JPY: 0, KWD: 3 };

/** Minor units, or a code. */
export function minorOf(text: string, currency: string): number | "invalid_amount" | "amount_overflow" {
  const scale = scales[currency]!;
  const parts = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text);
  const fraction = parts?.[2] ?? "";
  if (!parts || fraction.length > scale) return "invalid_amount";
  const minor = BigInt(parts[1]! + fraction.padEnd(scale, "0"));
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? "amount_overflow" : Number(minor);
}

/** A text that no amount is: refused whatever the books say. */
export function wrongText(code: string): { code: string; ofText: true } {
  return { code, ofText: true };
}

/** One text for all that say the same amount. */
export function plain(text: string | undefined): string | undefined {
  if (text === undefined || !/^(0|[1-9][0-9]*)\.[0-9]+$/.test(text)) return text;
  return text.replace(/0+$/, "").replace(/\.$/, "");
}

export function positiveMinorOf(text: string, currency: string): ReturnType<typeof minorOf> {
  const minor = minorOf(text, currency);
  return minor === 0 ? "invalid_amount" : minor;
}

export function decimal(minor: number, currency: string): string {
  const scale = scales[currency]!;
  if (scale === 0) return String(minor);
  const digits = String(minor).padStart(scale + 1, "0");
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** One for each whole unit of currency. */
export function pointsFor(minor: number, currency: string): number {
  return Math.floor(minor / 10 ** scales[currency]!);
}
