/** The adjustments of an order as a caller says them, and as its total reads them (`order-total`). */

import type { PartShare } from "./facts.js";
import { formatAmount, normalAmount, parseAmount, parsePositiveAmount } from "./money.js";
import { type Adjustment, type AdjustmentType, type Applied, rateOfWhole } from "./order-total.js";
import { type Refusal, refuse } from "./results.js";

/** Amounts are decimal strings in the order's currency, `percent` is one of at most four digits behind the point. */
export interface AdjustmentInput {
  readonly type: AdjustmentType;
  readonly name?: string;
  readonly amount?: string;
  readonly percent?: string;
  readonly to?: string;
  readonly included?: boolean;
}

/** Those of the lines, in the order of the lines, and those of the whole order. */
export interface AdjustmentsOf<A> {
  readonly lines: readonly (readonly A[])[];
  readonly order: readonly A[];
}

type Field = "amount" | "percent" | "to" | "included";

interface Form {
  /** Exactly one of them. */
  readonly oneOf: readonly Field[];
  readonly also: readonly Field[];
  readonly ofLine: boolean;
}

const forms: { readonly [T in AdjustmentType]: Form } = {
  discount: { oneOf: ["amount", "percent"], also: [], ofLine: true },
  tax: { oneOf: ["percent"], also: ["included"], ofLine: true },
  shipping: { oneOf: ["amount"], also: [], ofLine: false },
  fee: { oneOf: ["amount"], also: [], ofLine: true },
  rounding: { oneOf: ["amount", "to"], also: [], ofLine: false },
};

export const adjustmentTypes = Object.keys(forms) as readonly AdjustmentType[];

/** Fields that are missing or mean nothing together; undefined when there are none. `path`: "params.adjustments". */
export function refuseForm(
  inputs: readonly AdjustmentInput[],
  path: string,
  ofLine: boolean,
): Refusal | undefined {
  for (const [index, input] of inputs.entries()) {
    const form = forms[input.type];
    const at = `${path}[${index}]`;
    const bad = (field: string, reason: string) =>
      refuse("invalid_request", { path: field === "" ? at : `${at}.${field}`, reason });
    if (ofLine && !form.ofLine) return bad("type", `${input.type} is of the whole order`);
    const given = (["amount", "percent", "to", "included"] as const).filter(
      (field) => input[field] !== undefined,
    );
    const extra = given.find((field) => !form.oneOf.includes(field) && !form.also.includes(field));
    if (extra) return bad(extra, `not with ${input.type}`);
    const of = given.filter((field) => form.oneOf.includes(field));
    if (of.length !== 1) return bad("", `${input.type} takes ${form.oneOf.join(" or ")}`);
  }
  return undefined;
}

/** One text for the same adjustments; "" when there are none. */
export function adjustmentsText({ lines, order }: AdjustmentsOf<AdjustmentInput>): string {
  if (order.length === 0 && lines.every((of) => of.length === 0)) return "";
  return JSON.stringify({ lines: lines.map((of) => of.map(normal)), order: order.map(normal) });
}

/** The fields in one order, amounts in one form. JSON leaves out what is undefined. */
function normal({ type, name, amount, percent, to, included }: AdjustmentInput): object {
  const same = (text: string | undefined) => (text === undefined ? undefined : normalAmount(text));
  return {
    type,
    name,
    amount: same(amount),
    percent: same(percent),
    to: same(to),
    included: included || undefined,
  };
}

/** What `adjustmentsText` says, in the minor units of a currency. */
export function readAdjustments(text: string, currency: number): AdjustmentsOf<Adjustment> | Refusal {
  const said = JSON.parse(text) as AdjustmentsOf<AdjustmentInput>;
  let refusal: Refusal | undefined;
  const read = (inputs: readonly AdjustmentInput[]) =>
    inputs.flatMap((input) => {
      const adjustment = readOne(input, currency);
      if (!("code" in adjustment)) return [adjustment];
      refusal ??= adjustment;
      return [];
    });
  const made = { lines: said.lines.map(read), order: read(said.order) };
  return refusal ?? made;
}

function readOne(input: AdjustmentInput, currency: number): Adjustment | Refusal {
  const { type, name = "", amount, percent, to, included = false } = input;
  switch (type) {
    case "discount": {
      if (percent === undefined) return withAmount(type, name, parseAmount(amount!, currency));
      const rate = rateOf(percent, rateOfWhole);
      return typeof rate === "number" ? { type, name, rate } : rate;
    }
    case "tax": {
      const rate = rateOf(percent!, 10 * rateOfWhole);
      return typeof rate === "number" ? { type, name, rate, included } : rate;
    }
    case "shipping":
    case "fee":
      return withAmount(type, name, parseAmount(amount!, currency));
    case "rounding": {
      if (to !== undefined) {
        const step = parsePositiveAmount(to, currency);
        return typeof step === "number" ? { type, name, to: step } : step;
      }
      const below = amount!.startsWith("-");
      const minor = parseAmount(below ? amount!.slice(1) : amount!, currency);
      return withAmount(type, name, below && typeof minor === "number" ? 0 - minor : minor);
    }
  }
}

function withAmount<T extends "discount" | "shipping" | "fee" | "rounding">(
  type: T,
  name: string,
  amount: number | Refusal,
): { readonly type: T; readonly name: string; readonly amount: number } | Refusal {
  return typeof amount === "number" ? { type, name, amount } : amount;
}

const percentPattern = /^(?:0|[1-9][0-9]{0,3})(?:\.[0-9]{1,4})?$/;

/** Ten-thousandths of a percent. */
function rateOf(percent: string, most: number): number | Refusal {
  const [whole = "", part = ""] = percent.split(".");
  const rate = Number(whole) * 10_000 + Number(part.padEnd(4, "0"));
  if (percentPattern.test(percent) && rate <= most) return rate;
  const reason = `must be a decimal string from 0 to ${most / 10_000}, with at most four digits behind the point`;
  return { ...refuse("invalid_amount", { percent: percent.slice(0, 64), reason }), ofText: true };
}

/** What each came to, as a caller sees it, from the JSON that the log has of it. `line` counts from 0. */
export function appliedView(applied: string, currency: number): object[] {
  return (JSON.parse(applied) as Applied[]).map(({ type, name, line, amount, included }) => ({
    type,
    ...(name === "" ? {} : { name }),
    ...(line === undefined ? {} : { line }),
    amount: formatAmount(amount, currency),
    ...(included ? { included } : {}),
  }));
}

/** A line with what it has of its order's total. */
export function ofTotal<L extends object>(
  line: L,
  { amount, tax }: PartShare,
): L & { total: number; tax: number } {
  return { ...line, total: amount, tax };
}

/** What a total is made of, as a caller sees it: what the adjustments came to, what no line pays for, and all the tax in it. */
export function totalView(parts: readonly PartShare[], applied: string, currency: number): object {
  const extras = parts.filter(({ extra }) => extra !== "");
  return {
    adjustments: appliedView(applied, currency),
    extras: extras.map(({ extra: type, name, amount, tax }) => ({
      type,
      ...(name === "" ? {} : { name }),
      total: formatAmount(amount, currency),
      tax: formatAmount(tax, currency),
    })),
    tax: formatAmount(
      parts.reduce((sum, { tax }) => sum + tax, 0),
      currency,
    ),
  };
}
