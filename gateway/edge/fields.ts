/** What the params of methods are made of, as JSON Schema. */

import Type, { type TProperties, type TSchema } from "typebox";
import { adjustmentTypes } from "../../actors/adjustments.js";
import type { Described } from "../../actors/order-data.js";
import { qtyMax } from "../../actors/product.js";
import {
  adjustmentsMax,
  pageMax,
  payWithinMsMax,
  payWithinMsMin,
  textsMax,
  timeMsMax,
  transactionMsMax,
} from "../../engine/seams/limits.js";
import { idPattern } from "./id-pattern.js";

/** The params of a method: closed, because a typo in a call about money must fail. */
export function params<P extends TProperties>(title: string, properties: P) {
  return Type.Object(properties, { ...closed, title });
}

export const closed = { additionalProperties: false };
export const optional = Type.Optional;

/** A param that may be left out, and what stands for it then: the engine always sees a value. */
export function defaulted<const D, S extends TSchema>(value: D, schema: S) {
  return Object.assign(Type.Optional(schema), { default: value });
}

/** What a pattern asks for, in words: no caller is shown a regular expression. */
export const patternWords = new Map<string, string>();

/** A text of one form. `words` go on after "must be". */
export function pattern(expression: string, words: string, description: string, examples?: string[]) {
  patternWords.set(expression, words);
  return Type.String({ pattern: expression, description, ...(examples ? { examples } : {}) });
}

export const idWords = "1 to 64 letters, digits or . _ : -";

export const id = (description: string) => pattern(`^${idPattern}$`, idWords, description);
export const key = () =>
  id("Idempotency key, unique within the account: the same key is never executed twice");
export const timeMs = (description: string) => Type.Integer({ minimum: 0, maximum: timeMsMax, description });
export const currencyPattern = "^[A-Z]{3}$";
export const currency = () =>
  pattern(currencyPattern, "three capital letters, such as CNY", "ISO 4217 code", ["CNY"]);
export const provider = () =>
  pattern("^[A-Za-z0-9._-]{1,32}$", "1 to 32 letters, digits or . _ -", "Payment provider");
export const topic = () =>
  pattern(
    `^(?:(?:account|product):${idPattern}|shard:(?:0|[1-9][0-9]{0,3}))$`,
    "account:ID, product:ID or shard:N",
    "account:ID, product:ID or shard:N",
  );
/** Whatever somebody else calls a thing: any characters but halves of a pair, which the log would not give back as they came. */
export const anyText = (charsMax: number, description: string) =>
  pattern(`^\\P{Cs}{1,${charsMax}}$`, `text of 1 to ${charsMax} characters`, description);
export const text = (charsMax: number, description: string) =>
  Type.String({ minLength: 1, maxLength: charsMax, description });
/** Texts by name, at most `textsMax` of them. */
export const texts = (nameCharsMax: number, charsMax: number, description: string) =>
  Type.Unsafe<Readonly<Record<string, string>>>({
    type: "object",
    propertyNames: anyText(nameCharsMax, "Name"),
    additionalProperties: anyText(charsMax, "Text"),
    maxProperties: textsMax,
    description,
  });

/** One thing in one text, or in several by name. */
export const described = (description: string) =>
  Type.Unsafe<Described>({
    anyOf: [anyText(500, "In one text"), texts(40, 200, "By name")],
    description,
  });

export const remark = (description: string) => text(200, description);
export const qty = () => Type.Integer({ minimum: 1, maximum: qtyMax, description: "Units" });
export const at = () =>
  timeMs("When the caller first made this request, ms since the epoch; unchanged in retries");
export const cursor = () => text(200, "From the page before; absent for the first page");
export const limit = () => Type.Integer({ minimum: 1, maximum: pageMax, description: "Entries per page" });

/**
 * A decimal string in units of the currency. Its format is checked by the engine, which knows the scale; 40 characters
 * hold any amount with room for a wrong one to be named in the refusal.
 */
export const amount = (description: string) =>
  Type.String({ maxLength: 40, format: "decimal-amount", description, examples: ["99.99"] });

export const payWithinMs = () =>
  Type.Integer({ minimum: payWithinMsMin, maximum: payWithinMsMax, description: "How long it is held" });
export const deadlineMs = () =>
  Type.Integer({
    minimum: 1000,
    maximum: transactionMsMax,
    description: "How long it may be undecided; default: a TCC 600,000, a saga 86,400,000",
  });
export const safeInteger = (minimum: number, description: string) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, description });
export const version = () => safeInteger(1, "Refused with version_mismatch when the order has another");
export const operator = () => id("Who does it, for the order's history");

export const line = Type.Object(
  { product: id("Product"), qty: qty() },
  { ...closed, description: "Units of one product" },
);

export const adjustment = Type.Object(
  {
    type: Type.Enum([...adjustmentTypes], { description: "What it is" }),
    name: optional(anyText(40, "In the shop's words")),
    amount: optional(amount("How much; of a rounding it may be below zero")),
    percent: optional(amount("Of what stands before it, at most four digits behind the point")),
    to: optional(amount("Of a rounding: to the nearest multiple of this, half up")),
    included: optional(Type.Boolean({ description: "Of a tax: it is in the prices already" })),
  },
  { ...closed, description: "What changes a total" },
);

const adjustments = (description: string) =>
  Type.Array(adjustment, { minItems: 1, maxItems: adjustmentsMax, description });

export const orderAdjustments = () => adjustments("Of the whole order, after those of the lines");

export const placedLine = Type.Object(
  { product: id("Product"), qty: qty(), adjustments: optional(adjustments("Of this line")) },
  { ...closed, description: "Units of one product" },
);

export const entry = Type.Object(
  { from: text(140, "Ledger account"), to: text(140, "Ledger account"), amount: amount("How much") },
  { ...closed, description: "One balanced entry" },
);

export const keyedOrder = { key: key(), order: id("Order number") };
