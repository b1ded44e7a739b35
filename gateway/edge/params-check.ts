/** Params against the schema of their method, and what to say of those that do not fit. */

import { Compile, type Validator } from "typebox/compile";
import { type Refusal, refuse } from "../../actors/results.js";
import { type Method, methodNames, methods } from "./methods.js";

const validators = new Map<Method, Validator>(
  methodNames.map((name) => [name, Compile(methods[name].params)]),
);

/**
 * Checks params against the method's schema. Undefined when they fit; else `invalid_request`, or `invalid_amount` when
 * nothing but an amount is wrong (a JSON number for an amount must be named as what it is), with
 * details `{path: "params.lines[0].qty", reason}`.
 */
export function checkParams(method: Method, params: unknown): Refusal | undefined {
  const validator = validators.get(method)!;
  if (validator.Check(params)) return undefined;
  let amountRefusal: Refusal | undefined;
  for (const error of validator.Errors(params) as readonly SchemaError[]) {
    // The object's own "additionalProperties" error follows one that names the field.
    if (error.keyword === "additionalProperties") continue;
    const details = { path: pathOf(error), reason: reasonOf(error) };
    if (!isAmount(error)) return refuse("invalid_request", details);
    amountRefusal ??= refuse("invalid_amount", details);
  }
  return amountRefusal ?? refuse("invalid_request", { path: "params", reason: "does not fit the method" });
}

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: {
    readonly requiredProperties?: readonly string[];
    readonly allowedValues?: readonly unknown[];
  };
}

const amountFields = new Set(["price", "amount", "expectedTotal"]);

function isAmount(error: SchemaError): boolean {
  return amountFields.has(error.instancePath.slice(1)) && error.keyword !== "boolean";
}

/** "/lines/0/qty" -> "params.lines[0].qty"; cut, because the caller chose the names of unknown fields. */
function pathOf(error: SchemaError): string {
  let path = "params";
  for (const part of error.instancePath.split("/").slice(1)) {
    path += /^[0-9]+$/.test(part) ? `[${part}]` : `.${part.replaceAll("~1", "/").replaceAll("~0", "~")}`;
  }
  const missing = error.keyword === "required" ? error.params.requiredProperties?.[0] : undefined;
  return (missing === undefined ? path : `${path}.${missing}`).slice(0, 120);
}

function reasonOf(error: SchemaError): string {
  if (error.keyword === "boolean") return "unknown field";
  if (error.keyword === "required") return "is required";
  if (error.keyword === "enum") return `must be one of ${error.params.allowedValues?.join(", ")}`;
  return error.message;
}
