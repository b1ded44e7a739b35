/**
 * The shape of every method's params, as JSON Schema: what an edge checks before the engine hears of a request.
 * Types, documents and OpenAPI/AsyncAPI are read from here. What depends on the books (does the product exist, can
 * the currency hold this amount) is the engine's.
 */

import Type, { type Static } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { statuses } from "../../actors/order-transitions.js";
import { qtyMax } from "../../actors/product.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { advanceEvents, type Method as CommandMethod } from "../../engine/seams/commands.js";
import {
  linesMax,
  pageMax,
  payWithinMsMax,
  payWithinMsMin,
  stockMax,
  timeMsMax,
  transactionMsMax,
} from "../../engine/seams/limits.js";

/** Every method of the wire: those of the engine that can be asked for, and `session.ping`, which the edge answers. */
export type Method = Exclude<CommandMethod, "order.quote"> | "session.ping";

export const idPattern = "[A-Za-z0-9._:-]{1,64}";

const id = (description: string) => Type.String({ pattern: `^${idPattern}$`, description });
const key = () => id("Idempotency key, unique within the account: the same key is never executed twice");
const timeMs = (description: string) => Type.Integer({ minimum: 0, maximum: timeMsMax, description });
const currency = () =>
  Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217 code", examples: ["CNY"] });
const text = (charsMax: number, description: string) =>
  Type.String({ minLength: 1, maxLength: charsMax, description });
const qty = () => Type.Integer({ minimum: 1, maximum: qtyMax, description: "Units" });
const at = () => timeMs("When the caller first made this request, ms since the epoch; unchanged in retries");
const cursor = () => text(200, "From the page before; absent for the first page");
const limit = () => Type.Integer({ minimum: 1, maximum: pageMax, description: "Entries per page" });

/**
 * A decimal string in units of the currency. Its format is checked by the engine, which knows the scale; 40 characters
 * hold any amount with room for a wrong one to be named in the refusal.
 */
const amount = (description: string) =>
  Type.String({ maxLength: 40, format: amountFormat, description, examples: ["99.99"] });
const amountFormat = "decimal-amount";

const closed = { additionalProperties: false };
const optional = Type.Optional;

const line = Type.Object(
  { product: id("Product"), qty: qty() },
  { ...closed, description: "Units of one product" },
);

const keyedOrder = { key: key(), order: id("Order number") };
const version = () =>
  Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "Refused with version_mismatch when the order has another",
  });
const operator = () => id("Who does it, for the order's history");
const remark = (description: string) => text(200, description);

export const schemas = {
  "session.ping": Type.Object({}, { ...closed, title: "Answer with an empty result" }),
  "order.place": Type.Object(
    {
      key: key(),
      account: id("Buyer"),
      lines: Type.Array(line, { minItems: 1, maxItems: linesMax, description: "All or nothing" }),
      pay: optional(Type.Enum(["later", "balance"], { description: "later (default): pay within the hold" })),
      mode: optional(Type.Enum(["tcc", "saga"], { description: "Transaction mode for pay: balance" })),
      payWithinMs: optional(
        Type.Integer({
          minimum: payWithinMsMin,
          maximum: payWithinMsMax,
          description: "How long it is held",
        }),
      ),
      expectedTotal: optional(amount("Refused with price_changed when the total differs")),
      at: optional(at()),
      dryRun: optional(Type.Boolean({ description: "Answer what would happen and record nothing" })),
    },
    { ...closed, title: "Place an order" },
  ),
  "order.pay": Type.Object(
    { ...keyedOrder, at: optional(at()) },
    { ...closed, title: "Pay an order from its account's balance" },
  ),
  "order.cancel": Type.Object(
    { ...keyedOrder, reason: optional(text(200, "Kept in the order's history")), at: optional(at()) },
    { ...closed, title: "Cancel an order that is not paid" },
  ),
  "order.advance": Type.Object(
    {
      ...keyedOrder,
      event: Type.Enum([...advanceEvents], { description: "One of the order's next events" }),
      tracking: optional(text(100, "With ship, and required there: what the carrier calls the parcel")),
      remark: optional(remark("Kept in the order's history")),
      operator: optional(operator()),
      version: optional(version()),
      resolution: optional(
        Type.Enum(["refund", "keep"], {
          description: "With resolve, and required there: refund all that is left, or let the order go on",
        }),
      ),
      restock: optional(Type.Boolean({ description: "With resolve and refund: the units come back too" })),
      at: optional(at()),
    },
    { ...closed, title: "Move an order on" },
  ),
  "order.refund": Type.Object(
    {
      ...keyedOrder,
      lines: optional(
        Type.Array(line, { minItems: 1, maxItems: linesMax, description: "Units to refund, by product" }),
      ),
      amount: optional(amount("How much, instead of lines; without both: all that is left")),
      reason: remark("Kept with the refund and in the order's history"),
      restock: optional(Type.Boolean({ description: "The refunded units come back into stock" })),
      operator: optional(operator()),
      version: optional(version()),
      at: optional(at()),
    },
    { ...closed, title: "Give money back" },
  ),
  "refund.get": Type.Object({ refund: id("Refund number") }, { ...closed, title: "Read a refund" }),
  "refund.report": Type.Object(
    {
      refund: id("Refund number"),
      outcome: Type.Enum(["done", "refused", "unknown"], { description: "What the provider says" }),
      ref: optional(remark("The provider's own number, or its words")),
    },
    { ...closed, title: "Tell what a provider did about a refund" },
  ),
  "payment.notify": Type.Object(
    {
      provider: Type.String({ pattern: "^[A-Za-z0-9._-]{1,32}$", description: "Payment provider" }),
      paymentId: id("The provider's number of the payment: the same one never counts twice"),
      order: id("Order number, as the provider was given it"),
      amount: amount("What was paid; more than zero"),
      currency: currency(),
    },
    { ...closed, title: "Book a payment from outside" },
  ),
  "points.spend": Type.Object(
    {
      account: id("Account"),
      points: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: "Points" }),
      ref: id("Makes the call exactly-once"),
    },
    { ...closed, title: "Spend an account's points" },
  ),
  "token.issue": Type.Object({}, { ...closed, title: "Issue a key that the engine vouches for" }),
  "human.list": Type.Object(
    {
      state: optional(Type.Enum(["open", "resolved"], { description: "open (default)" })),
      cursor: optional(cursor()),
      limit: optional(limit()),
    },
    { ...closed, title: "List what only a human can end" },
  ),
  "human.get": Type.Object({ item: id("Item") }, { ...closed, title: "Read an item for a human" }),
  "human.resolve": Type.Object(
    {
      item: id("Item"),
      action: Type.Enum(["retry", "done", "undone", "entries", "write_off"], {
        description: "Try again; it was done; it was not done; book these entries; give it up",
      }),
      reason: remark("Why; kept for ever"),
      evidence: optional(text(1000, "What proves it; kept for ever")),
      order: optional(id("With retry of an unmatched payment: the order that it is for")),
      entries: optional(
        Type.Array(
          Type.Object(
            {
              from: text(140, "Ledger account"),
              to: text(140, "Ledger account"),
              amount: amount("How much"),
            },
            { ...closed, description: "One balanced entry" },
          ),
          { minItems: 1, maxItems: 20, description: "With entries: together they move what is at risk" },
        ),
      ),
      operator: optional(operator()),
    },
    { ...closed, title: "End what only a human can end" },
  ),
  "transaction.begin": Type.Object(
    {
      key: key(),
      account: id("Whose transaction it is"),
      name: id("As it is defined"),
      input: optional(
        Type.Object(
          {},
          { additionalProperties: true, description: "Given to the definition and its functions" },
        ),
      ),
      deadlineMs: optional(
        Type.Integer({
          minimum: 1000,
          maximum: transactionMsMax,
          description: "How long it may be undecided; default: a TCC 600,000, a saga 86,400,000",
        }),
      ),
      wait: optional(Type.Boolean({ description: "true (default): answer when it has ended" })),
      at: optional(at()),
    },
    { ...closed, title: "Begin a transaction across actors" },
  ),
  "transaction.get": Type.Object(
    { transaction: id("Transaction") },
    { ...closed, title: "Read a transaction" },
  ),
  "order.get": Type.Object({ order: id("Order number") }, { ...closed, title: "Read an order" }),
  "order.history": Type.Object({ order: id("Order number") }, { ...closed, title: "Read an order's moves" }),
  "order.list": Type.Object(
    {
      account: id("Buyer"),
      status: optional(Type.Enum(statuses.filter((status) => status !== "None"))),
      cursor: optional(cursor()),
      limit: optional(limit()),
    },
    { ...closed, title: "List an account's orders" },
  ),
  "order.lookup": Type.Object(
    { account: id("Buyer"), key: key() },
    { ...closed, title: "Find what became of a key" },
  ),
  "product.create": Type.Object(
    {
      product: id("Product"),
      name: text(200, "Shown to buyers and copied into their orders"),
      price: amount("Price of one unit"),
      currency: currency(),
      stock: Type.Integer({ minimum: 0, maximum: stockMax, description: "Units available at first" }),
      limitPerAccount: optional(
        Type.Integer({ minimum: 1, maximum: stockMax, description: "Held + bought" }),
      ),
      saleStartsAt: optional(timeMs("Start of the sale, ms since the epoch")),
      saleEndsAt: optional(timeMs("End of the sale, ms since the epoch")),
    },
    { ...closed, title: "Create a product" },
  ),
  "product.restock": Type.Object(
    { product: id("Product"), qty: qty(), ref: optional(id("Makes the call exactly-once")) },
    { ...closed, title: "Add units to a product" },
  ),
  "product.reprice": Type.Object(
    { product: id("Product"), price: amount("New price of one unit; placed orders keep theirs") },
    { ...closed, title: "Change a product's price" },
  ),
  "product.get": Type.Object({ product: id("Product") }, { ...closed, title: "Read a product" }),
  "account.open": Type.Object(
    { account: id("Account"), currency: currency() },
    { ...closed, title: "Open an account" },
  ),
  "account.deposit": Type.Object(
    { account: id("Account"), amount: amount("More than zero"), ref: id("Makes the call exactly-once") },
    { ...closed, title: "Put money into an account" },
  ),
  "account.withdraw": Type.Object(
    { account: id("Account"), amount: amount("More than zero"), ref: id("Makes the call exactly-once") },
    { ...closed, title: "Take money out of an account" },
  ),
  "account.get": Type.Object({ account: id("Account") }, { ...closed, title: "Read an account" }),
  "account.statement": Type.Object(
    { account: id("Account"), cursor: optional(cursor()), limit: optional(limit()) },
    { ...closed, title: "Read an account's ledger entries, newest first" },
  ),
  "feed.subscribe": Type.Object(
    {
      topic: Type.String({
        pattern: `^(?:(?:account|product):${idPattern}|shard:(?:0|[1-9][0-9]{0,3}))$`,
        description: "account:ID, product:ID or shard:N",
      }),
      from: optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: "First sequence number wanted; absent: from now on",
        }),
      ),
    },
    { ...closed, title: "Subscribe to events" },
  ),
  "feed.unsubscribe": Type.Object(
    { sub: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "Subscription" }) },
    { ...closed, title: "End a subscription" },
  ),
  "audit.run": Type.Object({}, { ...closed, title: "Check the books" }),
} as const satisfies Record<Method, object>;

export type Params<M extends Method> = Static<(typeof schemas)[M]>;

const validators = new Map<string, Validator>(
  Object.entries(schemas).map(([method, schema]) => [method, Compile(schema)]),
);

/** Whether the name is a method's. */
export function isMethod(name: unknown): name is Method {
  return typeof name === "string" && validators.has(name);
}

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
