/** Params against the schema of their method, and what to say of those that do not fit: in words, never as an expression. */

import { Compile, type Validator } from "typebox/compile";
import { meantCurrency } from "../../actors/money.js";
import { meant, nearest, withNearest } from "../../actors/nearest.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { currencyPattern, patternWords } from "./fields.js";
import { type Method, methodNames, methods } from "./methods.js";

const validators = new Map<Method, Validator>(
  methodNames.map((name) => [name, Compile(methods[name].params)]),
);

/** Whether params fit the schema of their method. */
export function paramsFit(method: Method, params: unknown): boolean {
  return validators.get(method)!.Check(params);
}

/**
 * What is wrong with params that do not fit: `invalid_request`, or `invalid_amount` when nothing but an amount is wrong (a
 * JSON number for an amount must be named as what it is), with details `{path: "params.lines[0].qty", reason}`.
 */
export function explainParams(method: Method, params: unknown): Refusal {
  const errors = validators.get(method)!.Errors(params) as readonly SchemaError[];
  // A name that nobody knows before one that is missing: it is often the missing one with a slip in it.
  const inOrder = [...errors.filter(isUnknownField), ...errors.filter((error) => !isUnknownField(error))];
  let amountRefusal: Refusal | undefined;
  for (const error of inOrder) {
    // The object's own "additionalProperties" error follows one that names the field.
    if (error.keyword === "additionalProperties" || isOtherForm(error, errors)) continue;
    const place = placeOf(error, methods[method].params, params, errors);
    const isAmount = amountFields.has(place.names.at(-1) ?? "") && !isUnknownField(error);
    const details = { path: pathOf(error, place.names), reason: reasonOf(error, place, isAmount) };
    if (!isAmount) return refuse("invalid_request", details);
    amountRefusal ??= refuse("invalid_amount", details);
  }
  return amountRefusal ?? refuse("invalid_request", { path: "params", reason: "does not fit the method" });
}

/** A closed object has the schema `false` for each field that it does not know. */
function isUnknownField({ keyword }: SchemaError): boolean {
  return keyword === "boolean";
}

/** A field of several forms, which has one of them and something wrong in it: what is wrong is told, not that it has not the other. */
function isOtherForm({ instancePath }: SchemaError, errors: readonly SchemaError[]): boolean {
  const forms = errors.some((error) => error.keyword === "anyOf" && error.instancePath === instancePath);
  return forms && errors.some((error) => error.instancePath.startsWith(`${instancePath}/`));
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: {
    readonly requiredProperties?: readonly string[];
    readonly allowedValues?: readonly unknown[];
    readonly pattern?: string | RegExp;
    readonly type?: string | readonly string[];
    readonly limit?: number;
  };
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Where an error is. */
interface Place {
  readonly names: readonly string[];
  /** The fields of the object that it is in. */
  readonly siblings: readonly string[];
  /** Those of them that are required and not there. */
  readonly missing: readonly string[];
  readonly value: unknown;
  /** It may be a text or an object. */
  readonly hasForms: boolean;
}

const amountFields = new Set(["price", "amount", "expectedTotal"]);

/** Follows "/lines/0/qty" through the schema and the params. */
function placeOf(
  { instancePath }: SchemaError,
  root: object,
  params: unknown,
  errors: readonly SchemaError[],
): Place {
  const names = instancePath
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  let schema: Schema | undefined = root;
  let value = params;
  let siblings: readonly string[] = [];
  for (const name of names) {
    siblings = Object.keys(schema?.properties ?? {});
    schema = schema?.items ?? (siblings.includes(name) ? schema?.properties?.[name] : undefined);
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  const parent = instancePath.slice(0, instancePath.lastIndexOf("/"));
  const missing = errors.flatMap((error) =>
    error.keyword === "required" && error.instancePath === parent
      ? (error.params.requiredProperties ?? [])
      : [],
  );
  const hasForms = errors.some((error) => error.keyword === "anyOf" && error.instancePath === instancePath);
  return { names, siblings, missing, value, hasForms };
}

/** "params.lines[0].qty"; cut, because the caller chose the names of unknown fields. */
function pathOf({ keyword, params }: SchemaError, names: readonly string[]): string {
  const missing = keyword === "required" ? params.requiredProperties?.[0] : undefined;
  const all = missing === undefined ? names : [...names, missing];
  const path = all.map((name) => (/^[0-9]+$/.test(name) ? `[${name}]` : `.${name}`)).join("");
  return `params${path}`.slice(0, 120);
}

function reasonOf(error: SchemaError, place: Place, isAmount: boolean): string {
  const { keyword, params } = error;
  const given = typeof place.value === "string" ? place.value : "";
  switch (keyword) {
    case "boolean":
      return meant("unknown field", meantField(place));
    case "required":
      return "is required";
    case "enum": {
      const allowed = (params.allowedValues ?? []).map(String);
      return withNearest(`must be one of ${allowed.join(", ")}`, given, allowed);
    }
    case "pattern":
      return patternReason(params.pattern, given);
    case "type":
      return isAmount
        ? 'must be a decimal string, such as "99.99"'
        : `must be ${place.hasForms ? "a text, or texts by name" : typeWords(params.type)}`;
    case "minimum":
      return `must be at least ${params.limit}`;
    case "maximum":
      return `must be at most ${params.limit}`;
    case "minLength":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} characters`;
    case "maxLength":
      return `must have at most ${params.limit} characters`;
    case "maxProperties":
      return `must have at most ${params.limit} fields`;
    case "minItems":
      return params.limit === 1 ? "must not be empty" : `must have at least ${params.limit} items`;
    case "maxItems":
      return `must have at most ${params.limit} items`;
    default:
      return "does not fit";
  }
}

/** `quantity` is not near to `qty`, but when that alone is missing, it is what was meant. */
function meantField({ names, siblings, missing }: Place): string | undefined {
  return nearest(names.at(-1)!, siblings) ?? (missing.length === 1 ? missing[0] : undefined);
}

function patternReason(pattern: string | RegExp | undefined, given: string): string {
  const expression = pattern instanceof RegExp ? pattern.source : (pattern ?? "");
  const reason = `must be ${patternWords.get(expression) ?? "of another form"}`;
  return meant(reason, expression === currencyPattern ? meantCurrency(given) : undefined);
}

const words: Readonly<Record<string, string>> = {
  string: "a string",
  integer: "an integer",
  boolean: "true or false",
  object: "an object",
  array: "an array",
};

function typeWords(type: string | readonly string[] | undefined): string {
  return words[String(type)] ?? "of another type";
}
