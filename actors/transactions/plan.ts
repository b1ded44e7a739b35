/**
 * The parts of a transaction: what a definition asks for, checked and made ready for the actors. They are written into the
 * transaction's first fact, so what is under way goes on as it began, whatever becomes of its definition.
 */

import type { Mode } from "../facts.js";
import { currencyNumber, parsePositiveAmount, unknownCurrency } from "../money.js";
import { moneyBuckets } from "../postings.js";
import { qtyMax } from "../product.js";
import { type Refusal, refuse } from "../results.js";
import type { Participant } from "./fence.js";

/** Parts of one transaction. Each costs a few facts, and its undoing as many again. */
export const partsMax = 32;

/** What a definition says about one part. Amounts are decimal strings. */
export type PartSpec =
  /** Functions outside the engine. `amount`, `currency` and `units` tell a human what is at risk in them. */
  | {
      readonly kind: "call";
      readonly name: string;
      readonly ask?: boolean;
      readonly amount?: string;
      readonly currency?: string;
      readonly units?: number;
    }
  /** Units of a product for an account. */
  | {
      readonly kind: "stock";
      readonly name: string;
      readonly product: string;
      readonly qty: number;
      readonly account?: string;
    }
  /** Money out of an account's wallet, to another's (`wallet:<account>`) or to `revenue`. */
  | {
      readonly kind: "money";
      readonly name: string;
      readonly from: string;
      readonly to: string;
      readonly amount: string;
      readonly currency: string;
    };

export interface PlanSpec {
  readonly mode: Mode;
  readonly parts: readonly PartSpec[];
}

/** One part as it stands in the log. A `call` has functions; the others are participants. */
export interface Part {
  readonly name: string;
  readonly what: "call" | Participant;
  readonly subject: string;
  readonly account: string;
  /** Units of stock; minor units of money; of a call: minor units at risk. */
  readonly amount: number;
  readonly currency: number;
  readonly units: number;
  readonly to: number;
  readonly ask: boolean;
  /** The part that moves the same money; -1 = none. Of the two the credit is undone first, and only then the debit. */
  readonly pair: number;
}

/**
 * The parts, or why they cannot be. `account` takes what no other account is named for. What a definition makes of its caller's
 * input is of any type, whatever is declared: a caller who leaves out a param must not stop the shard.
 */
export function readPlan(plan: PlanSpec, account: string): readonly Part[] | Refusal {
  const parts: Part[] = [];
  if (!Array.isArray(plan.parts)) return bad("its parts are no array");
  for (const [index, asked] of plan.parts.entries()) {
    const refusal = readPart(asked, account, plan.mode, parts);
    if (!refusal) continue;
    if (refusal.code !== "invalid_request") return refusal;
    return refuse("invalid_request", { path: `transaction.parts[${index}]`, ...refusal.details });
  }
  if (parts.length === 0 || parts.length > partsMax)
    return bad(`a transaction has 1 to ${partsMax} parts, a move of money between wallets counts as two`);
  if (new Set(parts.map(({ name }) => name)).size < parts.length) return bad("two parts have one name");
  return parts;
}

function readPart(asked: PartSpec, account: string, mode: Mode, parts: Part[]): Refusal | undefined {
  if (typeof asked !== "object" || asked === null) return bad("a part is an object");
  if (!isText(asked.name) || !namePattern.test(asked.name))
    return bad("a part's name is 1 to 64 of [A-Za-z0-9._-]");
  switch (asked.kind) {
    case "call":
      return readCall(asked, mode, parts);
    case "stock": {
      const { name, product: subject, qty } = asked;
      if (!isId(subject) || !isId(asked.account ?? account)) return bad("product and account are ids");
      if (!Number.isInteger(qty) || qty < 1 || qty > qtyMax) return bad(`qty is 1 to ${qtyMax}`);
      const taker = asked.account ?? account;
      parts.push({ ...plain, name, what: "stock", subject, account: taker, amount: qty, units: qty });
      return undefined;
    }
    case "money":
      return readMoney(asked, parts);
    default:
      return bad("a part is a call, stock or money");
  }
}

function readCall(
  { name, ask, amount: text, currency: code, units }: Extract<PartSpec, { kind: "call" }>,
  mode: Mode,
  parts: Part[],
): Refusal | undefined {
  if (ask && mode === "tcc") return bad("a participant of a TCC is canceled, not asked");
  const currency = code === undefined ? 0 : currencyNumber(code);
  if (currency === undefined || (text === undefined) !== (code === undefined))
    return bad("amount and currency at risk are given together");
  const amount = text === undefined ? 0 : readAmount(text, currency);
  if (typeof amount !== "number") return amount;
  if (units !== undefined && !(Number.isSafeInteger(units) && units >= 0))
    return bad("units are a whole number from 0");
  parts.push({ ...plain, name, what: "call", amount, currency, units: units ?? 0, ask: ask === true });
  return undefined;
}

function readMoney(
  { name, from, to, amount: text, currency: code }: Extract<PartSpec, { kind: "money" }>,
  parts: Part[],
): Refusal | undefined {
  const receiver = isText(to) && to.startsWith("wallet:") ? to.slice("wallet:".length) : undefined;
  if (!isId(from) || (receiver === undefined ? to !== "revenue" : !isId(receiver)))
    return bad("money goes from an account to wallet:<account> or to revenue");
  if (from === receiver) return bad("money goes to another account");
  const currency = currencyNumber(code);
  if (currency === undefined) return bad(unknownCurrency(code));
  const amount = readAmount(text, currency);
  if (typeof amount !== "number") return amount;
  const money = { ...plain, amount, currency };
  const debit = parts.length;
  if (receiver === undefined) {
    parts.push({ ...money, name, what: "debit", subject: from, account: from, to: moneyBuckets.revenue });
    return undefined;
  }
  parts.push({
    ...money,
    name,
    what: "debit",
    subject: from,
    account: from,
    to: moneyBuckets.transit,
    pair: debit + 1,
  });
  parts.push({
    ...money,
    name: `${name}:to`,
    what: "credit",
    subject: receiver,
    account: receiver,
    pair: debit,
  });
  return undefined;
}

/** `:` stands between a name and what the engine adds to it. */
const namePattern = /^[A-Za-z0-9._-]{1,64}$/;
const idPattern = /^[A-Za-z0-9._:-]{1,64}$/;

const plain = {
  subject: "",
  account: "",
  currency: 0,
  amount: 0,
  units: 0,
  to: 0,
  ask: false,
  pair: -1,
} as const;

function readAmount(text: unknown, currency: number): number | Refusal {
  return isText(text) ? parsePositiveAmount(text, currency) : bad("an amount is a decimal string");
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isId(text: unknown): boolean {
  return isText(text) && idPattern.test(text);
}

function bad(reason: string): Refusal {
  return refuse("invalid_request", { reason });
}
