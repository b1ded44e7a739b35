/**
 * Money: a decimal string outside, an integer count of minor units inside (at most 2^53-1).
 *
 * The scale of a currency is fixed here and not asked of the platform: a scale that moved with a runtime's
 * locale data would multiply every balance. Numbers are written to the log; a currency never changes its number.
 */

import { Decimal } from "decimal.js";
import { meant, nearest } from "./nearest.js";
import { type Refusal, refuse } from "./results.js";

/** ISO 4217 codes by number of minor digits, in the order of their numbers in the log: append only. */
const currencies: readonly (readonly [code: string, scale: number])[] = [
  ["CNY", 2],
  ["USD", 2],
  ["EUR", 2],
  ["JPY", 0],
  ["GBP", 2],
  ["HKD", 2],
  ["TWD", 2],
  ["SGD", 2],
  ["KRW", 0],
  ["AUD", 2],
  ["CAD", 2],
  ["CHF", 2],
  ["NZD", 2],
  ["SEK", 2],
  ["NOK", 2],
  ["DKK", 2],
  ["PLN", 2],
  ["CZK", 2],
  ["HUF", 2],
  ["RON", 2],
  ["BGN", 2],
  ["TRY", 2],
  ["ILS", 2],
  ["AED", 2],
  ["SAR", 2],
  ["QAR", 2],
  ["INR", 2],
  ["PKR", 2],
  ["BDT", 2],
  ["LKR", 2],
  ["THB", 2],
  ["MYR", 2],
  ["IDR", 2],
  ["PHP", 2],
  ["VND", 0],
  ["MOP", 2],
  ["MXN", 2],
  ["BRL", 2],
  ["ARS", 2],
  ["CLP", 0],
  ["COP", 2],
  ["PEN", 2],
  ["UYU", 2],
  ["ZAR", 2],
  ["NGN", 2],
  ["KES", 2],
  ["EGP", 2],
  ["MAD", 2],
  ["TND", 3],
  ["KWD", 3],
  ["BHD", 3],
  ["OMR", 3],
  ["JOD", 3],
  ["IQD", 3],
  ["LYD", 3],
  ["ISK", 0],
  ["UGX", 0],
  ["XAF", 0],
  ["XOF", 0],
  ["XPF", 0],
  ["PYG", 0],
  ["RWF", 0],
  ["KMF", 0],
  ["DJF", 0],
  ["GNF", 0],
  ["BIF", 0],
  ["VUV", 0],
  ["UAH", 2],
  ["KZT", 2],
  ["GEL", 2],
  ["RSD", 2],
  ["RUB", 2],
  // The others of ISO 4217 as it stood in 2026, and some that had just gone: books in them stay readable.
  ["AFN", 2],
  ["ALL", 2],
  ["AMD", 2],
  ["ANG", 2],
  ["AOA", 2],
  ["AWG", 2],
  ["AZN", 2],
  ["BAM", 2],
  ["BBD", 2],
  ["BMD", 2],
  ["BND", 2],
  ["BOB", 2],
  ["BOV", 2],
  ["BSD", 2],
  ["BTN", 2],
  ["BWP", 2],
  ["BYN", 2],
  ["BZD", 2],
  ["CDF", 2],
  ["CHE", 2],
  ["CHW", 2],
  ["CLF", 4],
  ["COU", 2],
  ["CRC", 2],
  ["CUC", 2],
  ["CUP", 2],
  ["CVE", 2],
  ["DOP", 2],
  ["DZD", 2],
  ["ERN", 2],
  ["ETB", 2],
  ["FJD", 2],
  ["FKP", 2],
  ["GHS", 2],
  ["GIP", 2],
  ["GMD", 2],
  ["GTQ", 2],
  ["GYD", 2],
  ["HNL", 2],
  ["HRK", 2],
  ["HTG", 2],
  ["IRR", 2],
  ["JMD", 2],
  ["KGS", 2],
  ["KHR", 2],
  ["KPW", 2],
  ["KYD", 2],
  ["LAK", 2],
  ["LBP", 2],
  ["LRD", 2],
  ["LSL", 2],
  ["MDL", 2],
  ["MGA", 2],
  ["MKD", 2],
  ["MMK", 2],
  ["MNT", 2],
  ["MRU", 2],
  ["MUR", 2],
  ["MVR", 2],
  ["MWK", 2],
  ["MXV", 2],
  ["MZN", 2],
  ["NAD", 2],
  ["NIO", 2],
  ["NPR", 2],
  ["PAB", 2],
  ["PGK", 2],
  ["SBD", 2],
  ["SCR", 2],
  ["SDG", 2],
  ["SHP", 2],
  ["SLE", 2],
  ["SLL", 2],
  ["SOS", 2],
  ["SRD", 2],
  ["SSP", 2],
  ["STN", 2],
  ["SVC", 2],
  ["SYP", 2],
  ["SZL", 2],
  ["TJS", 2],
  ["TMT", 2],
  ["TOP", 2],
  ["TTD", 2],
  ["TZS", 2],
  ["USN", 2],
  ["UYI", 0],
  ["UYW", 4],
  ["UZS", 2],
  ["VED", 2],
  ["VES", 2],
  ["WST", 2],
  ["XAD", 2],
  ["XCD", 2],
  ["XCG", 2],
  ["YER", 2],
  ["ZMW", 2],
  ["ZWG", 2],
  ["ZWL", 2],
];

const numberByCode = new Map(currencies.map(([code], number) => [code, number]));
const codeByNumber = currencies.map(([code]) => code);
const scaleByNumber = currencies.map(([, scale]) => scale);

/** Number of an ISO 4217 code; undefined when it is not one that this build knows. */
export function currencyNumber(code: string): number | undefined {
  return numberByCode.get(code);
}

/** Names that currencies go by and that are no codes. */
const otherNames = new Map([
  ["RMB", "CNY"],
  ["CNH", "CNY"],
  ["YUAN", "CNY"],
  ["YEN", "JPY"],
  ["EURO", "EUR"],
  ["DOLLAR", "USD"],
  ["GBX", "GBP"],
  ["STG", "GBP"],
  ["UKP", "GBP"],
  ["NTD", "TWD"],
  ["NIS", "ILS"],
  ["RUR", "RUB"],
  ["SFR", "CHF"],
]);

/** The code that was probably meant by what is none. */
export function meantCurrency(text: string): string | undefined {
  const upper = text.toUpperCase();
  return otherNames.get(upper) ?? nearest(upper, codeByNumber);
}

/** Why a code is refused that `currencyNumber` does not know. A program's definition may give anything for one. */
export function unknownCurrency(code: unknown): string {
  return meant("not a known currency", typeof code === "string" ? meantCurrency(code) : undefined);
}

export function currencyCode(number: number): string {
  return codeByNumber[number]!;
}

/** Digits after the point: 2 for CNY, 0 for JPY. Throws on a code that `currencyNumber` does not know. */
export function scaleOf(code: string): number {
  const number = numberByCode.get(code);
  if (number === undefined) throw new Error(`unknown currency ${code}`);
  return scaleByNumber[number]!;
}

const amountPattern = /^(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?$/;

/**
 * Minor units of a decimal string without sign, or a refusal: `invalid_amount` (not such a string, more digits than
 * the currency has), `amount_overflow`.
 */
export function parseAmount(text: string, currency: number): number | Refusal {
  const scale = scaleByNumber[currency]!;
  if (!amountPattern.test(text)) return refuse("invalid_amount", { amount: text.slice(0, 64) });
  const amount = new Decimal(text);
  if (amount.decimalPlaces() > scale || fractionDigits(text) > scale) {
    return refuse("invalid_amount", { amount: text, digitsAllowed: scale });
  }
  const minor = amount.times(new Decimal(10).pow(scale));
  if (!minor.greaterThan(Number.MAX_SAFE_INTEGER)) return minor.toNumber();
  return { ...refuse("amount_overflow"), ofText: true };
}

/** One text for all that say the same amount in any currency: "7", "7.0" and "7.00" are "7". What is no amount stays as it is. */
export function normalAmount(text: string): string {
  const point = text.indexOf(".");
  if (point < 0 || !amountPattern.test(text)) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 0x30) end--;
  return text.slice(0, end === point + 1 ? point : end);
}

/** Minor units that must be more than zero; otherwise as `parseAmount`. */
export function parsePositiveAmount(text: string, currency: number): number | Refusal {
  const minor = parseAmount(text, currency);
  return minor === 0 ? refuse("invalid_amount", { amount: text, reason: "must be more than zero" }) : minor;
}

/** Minor units of one, by scale. */
const units = [1, 10, 100, 1000, 10_000] as const;

/**
 * `formatMinor(9999, 2)` = "99.99"; negative amounts carry a sign.
 * Integer arithmetic, not decimal.js: this runs several times per answer; a property test holds it to decimal.js.
 */
export function formatMinor(minor: number, scale: number): string {
  if (scale === 0) return String(minor);
  if (minor < 0) return `-${formatMinor(-minor, scale)}`;
  const unit = units[scale]!;
  const rest = minor % unit;
  return `${(minor - rest) / unit}.${String(rest).padStart(scale, "0")}`;
}

/** As `formatMinor`, for a currency by its number. */
export function formatAmount(minor: number, currency: number): string {
  return formatMinor(minor, scaleByNumber[currency]!);
}

/** a + b, or undefined when the sum is not a safe integer. */
export function addChecked(a: number, b: number): number | undefined {
  const sum = a + b;
  return Number.isSafeInteger(sum) ? sum : undefined;
}

/** a * b, or undefined when the product is not a safe integer. */
export function multiplyChecked(a: number, b: number): number | undefined {
  const product = a * b;
  return Number.isSafeInteger(product) ? product : undefined;
}

function fractionDigits(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point - 1;
}
