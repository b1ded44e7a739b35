/**
 * Every method, as an edge sees it: one row. What may be asked, how it is answered, its place in HTTP, and who may ask. Commands,
 * routes, OpenAPI, AsyncAPI and the tables of the documents come from here; what a method does is in its other row,
 * `engine/loop/methods`. A method without a row, or a row without a method, does not compile.
 *
 * The shape of params is all that an edge checks before the engine hears of a request. What depends on the books (does the product
 * exist, can the currency hold this amount) is the engine's.
 */

import Type, { type Static, type TObject, type TSchema } from "typebox";
import { statuses } from "../../actors/order-transitions.js";
import { qtyMax } from "../../actors/product.js";
import { advanceEvents, type Method as CommandMethod, type HostMethod } from "../../engine/seams/commands.js";
import { adjustmentsMax, linesMax, paymentTextMax, stockMax } from "../../engine/seams/limits.js";
import {
  amount,
  anyText,
  at,
  currency,
  cursor,
  deadlineMs,
  defaulted,
  described,
  entry,
  id,
  key,
  keyedOrder,
  limit,
  line,
  operator,
  optional,
  orderAdjustments,
  params,
  payWithinMs,
  placedLine,
  provider,
  qty,
  remark,
  safeInteger,
  text,
  texts,
  timeMs,
  topic,
  version,
} from "./fields.js";
import { shapes } from "./result-shapes.js";

/** Methods that a command of the engine is made for; the host's own are not among them. */
export type EngineMethod = Exclude<CommandMethod, HostMethod>;

/** Every method of the wire: those, and `session.ping`, which the edge answers. */
export type Method = EngineMethod | "session.ping";

/** Who may ask, beside `admin`. An account's owner (`buyer`), a `merchant` and a `provider` may ask about their own alone. */
export type Role = "buyer" | "merchant" | "provider" | "operator" | "auditor";

export interface HttpPlace {
  readonly verb: "GET" | "POST";
  /** As OpenAPI writes it: `/v1/orders/{order}/pay`. */
  readonly path: string;
  /** The body bears the signature of a payment provider. */
  readonly signed: boolean;
}

interface Row {
  readonly params: TObject;
  /** One of `result-shapes`. */
  readonly result: TSchema;
  /** Undefined: it needs a connection that stays. */
  readonly http: HttpPlace | undefined;
  /** Written down, and not enforced: nobody is asked yet who they are. */
  readonly roles: readonly Role[];
}

const webSocketOnly = undefined;

function get(path: string): HttpPlace {
  return { verb: "GET", path, signed: false };
}

function backorder() {
  return Type.Integer({
    minimum: 0,
    maximum: stockMax,
    description: "So many units may be sold that are not there yet; 0: none",
  });
}

/** Of a product that is taken off sale, or put back. */
function listing() {
  return {
    product: id("Product"),
    expectedVersion: optional(
      safeInteger(1, "The version that was seen: refused with version_mismatch when it is another"),
    ),
    operator: optional(id("Who does it, for the log")),
  };
}

function post(path: string): HttpPlace {
  return { verb: "POST", path, signed: false };
}

function signed(path: string): HttpPlace {
  return { verb: "POST", path, signed: true };
}

export const methods = {
  "session.ping": {
    params: params("Answer with an empty result", {}),
    result: shapes.Empty,
    http: webSocketOnly,
    roles: ["buyer", "merchant", "provider", "operator", "auditor"],
  },
  "order.place": {
    params: params("Place an order", {
      key: key(),
      account: id("Buyer"),
      lines: Type.Array(placedLine, { minItems: 1, maxItems: linesMax, description: "All or nothing" }),
      pay: defaulted(
        "later",
        Type.Enum(["later", "balance"], { description: "later (default): pay within the hold" }),
      ),
      mode: defaulted(
        "tcc",
        Type.Enum(["tcc", "saga"], { description: "Transaction mode for pay: balance" }),
      ),
      payWithinMs: optional(payWithinMs()),
      expectedTotal: optional(amount("Refused with price_changed when the total differs")),
      at: optional(at()),
      dryRun: defaulted(false, Type.Boolean({ description: "Answer what would happen and record nothing" })),
      operator: optional(operator()),
      address: optional(described("Where it goes")),
      contact: optional(described("Whom to ask about it")),
      shippingMethod: optional(anyText(100, "How it goes there, in the shop's words")),
      paymentMethod: optional(anyText(100, "How it is paid, in the shop's words")),
      ref: optional(anyText(64, "The shop's own number; the order is found by it")),
      metadata: optional(texts(40, 500, "Whatever else the shop wants to find with the order")),
      adjustments: optional(orderAdjustments()),
    }),
    result: shapes.Order,
    http: post("/v1/orders"),
    roles: ["buyer", "operator"],
  },
  "order.pay": {
    params: params("Pay an order from its account's balance", {
      ...keyedOrder,
      operator: optional(operator()),
      at: optional(at()),
    }),
    result: shapes.Order,
    http: post("/v1/orders/{order}/pay"),
    roles: ["buyer", "operator"],
  },
  "order.cancel": {
    params: params("Cancel an order that is not paid", {
      ...keyedOrder,
      reason: optional(text(200, "Kept in the order's history")),
      operator: optional(operator()),
      at: optional(at()),
    }),
    result: shapes.Order,
    http: post("/v1/orders/{order}/cancel"),
    roles: ["buyer", "operator"],
  },
  "order.advance": {
    params: params("Move an order on", {
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
      restock: defaulted(
        false,
        Type.Boolean({ description: "With resolve and refund: the units come back too" }),
      ),
      at: optional(at()),
    }),
    result: shapes.Advanced,
    http: post("/v1/orders/{order}/events"),
    roles: ["buyer", "merchant", "operator"],
  },
  "order.refund": {
    params: params("Give money back", {
      ...keyedOrder,
      lines: optional(
        Type.Array(line, { minItems: 1, maxItems: linesMax, description: "Units to refund, by product" }),
      ),
      amount: optional(amount("How much, instead of lines and extras; without all three: all that is left")),
      extras: optional(
        Type.Array(anyText(40, "Its name, or its type"), {
          minItems: 1,
          maxItems: adjustmentsMax,
          description: "What no line pays for, such as shipping: all that is left of it",
        }),
      ),
      reason: remark("Kept with the refund and in the order's history"),
      restock: defaulted(
        false,
        Type.Boolean({
          description: "The refunded units come back into stock; not with an amount, which is of no units",
        }),
      ),
      operator: optional(operator()),
      version: optional(version()),
      at: optional(at()),
    }),
    result: shapes.OrderRefund,
    http: post("/v1/orders/{order}/refund"),
    roles: ["buyer", "merchant", "operator"],
  },
  "order.get": {
    params: params("Read an order", { order: id("Order number") }),
    result: shapes.Order,
    http: get("/v1/orders/{order}"),
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "order.list": {
    params: params("List an account's orders", {
      account: id("Buyer"),
      status: optional(
        Type.Enum(
          statuses.filter((status) => status !== "None"),
          { description: "Only orders in this status" },
        ),
      ),
      cursor: optional(cursor()),
      limit: optional(limit()),
    }),
    result: shapes.OrderPage,
    http: get("/v1/orders"),
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "order.find": {
    params: params("Find orders of any account", {
      account: optional(id("Buyer")),
      status: optional(
        Type.Enum(
          statuses.filter((status) => status !== "None"),
          { description: "Only orders in this status" },
        ),
      ),
      product: optional(id("Only orders with a line of it")),
      ref: optional(anyText(64, "The shop's own number")),
      tracking: optional(text(100, "What the carrier calls the parcel")),
      payment: optional(anyText(paymentTextMax, "What the provider calls a payment")),
      from: optional(timeMs("Placed at this time or later, ms since the epoch")),
      to: optional(timeMs("Placed before this time")),
      cursor: optional(cursor()),
      limit: optional(limit()),
    }),
    result: shapes.OrderPage,
    http: get("/v1/orders/find"),
    roles: ["merchant", "operator", "auditor"],
  },
  "order.lookup": {
    params: params("Find what became of a key", { account: id("Buyer"), key: key() }),
    result: shapes.Lookup,
    http: get("/v1/orders/lookup"),
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "order.history": {
    params: params("Read an order's moves", { order: id("Order number") }),
    result: shapes.OrderHistory,
    http: get("/v1/orders/{order}/history"),
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "refund.get": {
    params: params("Read a refund", { refund: id("Refund number") }),
    result: shapes.Refund,
    http: get("/v1/refunds/{refund}"),
    roles: ["buyer", "merchant", "provider", "operator", "auditor"],
  },
  "refund.report": {
    params: params("Tell what a provider did about a refund", {
      refund: id("Refund number"),
      outcome: Type.Enum(["done", "refused", "unknown"], { description: "What the provider says" }),
      ref: optional(remark("The provider's own number, or its words")),
    }),
    result: shapes.Refund,
    http: post("/v1/refunds/{refund}/report"),
    roles: ["provider", "operator"],
  },
  "payment.notify": {
    params: params("Book an external payment", {
      provider: provider(),
      paymentId: anyText(
        paymentTextMax,
        "The provider's name for the payment: the same one never counts twice",
      ),
      order: anyText(
        paymentTextMax,
        "What the provider says that it is for: an order's number, or anything else",
      ),
      amount: amount("What was paid; more than zero"),
      currency: currency(),
    }),
    result: shapes.PaymentOutcome,
    http: signed("/v1/payments/{provider}/notify"),
    roles: ["provider", "operator"],
  },
  "points.spend": {
    params: params("Spend an account's points", {
      account: id("Account"),
      points: safeInteger(1, "Points"),
      ref: id("Makes the call exactly-once"),
    }),
    result: shapes.Account,
    http: post("/v1/accounts/{account}/points/spend"),
    roles: ["operator"],
  },
  "token.issue": {
    params: params("Issue a key that the engine vouches for", {}),
    result: shapes.Token,
    http: post("/v1/tokens"),
    roles: ["buyer", "merchant", "provider", "operator", "auditor"],
  },
  "product.create": {
    params: params("Create a product", {
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
      backorder: optional(backorder()),
    }),
    result: shapes.Product,
    http: post("/v1/products"),
    roles: ["merchant", "operator"],
  },
  "product.get": {
    params: params("Read a product", { product: id("Product") }),
    result: shapes.Product,
    http: get("/v1/products/{product}"),
    roles: ["buyer", "merchant", "provider", "operator", "auditor"],
  },
  "product.restock": {
    params: params("Add units to a product", {
      product: id("Product"),
      qty: qty(),
      ref: optional(id("Makes the call exactly-once")),
    }),
    result: shapes.Product,
    http: post("/v1/products/{product}/restock"),
    roles: ["merchant", "operator"],
  },
  "product.reprice": {
    params: params("Change a product's price", {
      product: id("Product"),
      price: amount("New price of one unit; placed orders keep theirs"),
      expectedVersion: optional(
        safeInteger(1, "The version that was seen: refused with version_mismatch when it is another"),
      ),
    }),
    result: shapes.Product,
    http: post("/v1/products/{product}/reprice"),
    roles: ["merchant", "operator"],
  },
  "product.update": {
    params: params("Change a product's name, price, limit or sale window", {
      product: id("Product"),
      name: optional(text(200, "New name; placed orders keep theirs")),
      price: optional(amount("New price of one unit; placed orders keep theirs")),
      limitPerAccount: optional(
        Type.Integer({
          minimum: 0,
          maximum: stockMax,
          description: "Held + bought from now on; 0: no limit",
        }),
      ),
      saleStartsAt: optional(timeMs("Start of the sale, ms since the epoch; 0: it has always been on sale")),
      saleEndsAt: optional(timeMs("End of the sale, ms since the epoch; 0: it has no end")),
      backorder: optional(backorder()),
      expectedVersion: optional(
        safeInteger(1, "The version that was seen: refused with version_mismatch when it is another"),
      ),
      ref: optional(id("Makes the call exactly-once")),
      operator: optional(id("Who does it, for the log")),
    }),
    result: shapes.Product,
    http: post("/v1/products/{product}/update"),
    roles: ["merchant", "operator"],
  },
  "product.adjust": {
    params: params("Book units that were lost or found", {
      product: id("Product"),
      by: Type.Integer({
        minimum: -qtyMax,
        maximum: qtyMax,
        description: "Units more; below zero: fewer, and no more than are available",
      }),
      reason: Type.Enum(["loss", "damage", "found", "correction"], {
        description: "loss and damage are below zero, found is above, a correction either",
      }),
      ref: id("Makes the call exactly-once"),
      operator: optional(id("Who does it, for the log")),
      remark: optional(remark("Why, for the log")),
    }),
    result: shapes.Product,
    http: post("/v1/products/{product}/adjust"),
    roles: ["merchant", "operator"],
  },
  "product.count": {
    params: params("Say how many units stand on the shelf", {
      product: id("Product"),
      counted: Type.Integer({
        minimum: 0,
        maximum: stockMax,
        description: "Units that are there and not sold, those that orders hold included",
      }),
      ref: id("Makes the call exactly-once"),
      operator: optional(id("Who has counted, for the log")),
      remark: optional(remark("For the log")),
    }),
    result: shapes.Product,
    http: post("/v1/products/{product}/count"),
    roles: ["merchant", "operator"],
  },
  "product.delist": {
    params: params("Take a product off sale", listing()),
    result: shapes.Product,
    http: post("/v1/products/{product}/delist"),
    roles: ["merchant", "operator"],
  },
  "product.relist": {
    params: params("Put a product back on sale", listing()),
    result: shapes.Product,
    http: post("/v1/products/{product}/relist"),
    roles: ["merchant", "operator"],
  },
  "account.open": {
    params: params("Open an account", { account: id("Account"), currency: currency() }),
    result: shapes.Account,
    http: post("/v1/accounts"),
    roles: ["operator"],
  },
  "account.get": {
    params: params("Read an account", { account: id("Account") }),
    result: shapes.Account,
    http: get("/v1/accounts/{account}"),
    roles: ["buyer", "operator", "auditor"],
  },
  "account.statement": {
    params: params("Read an account's ledger entries, newest first", {
      account: id("Account"),
      cursor: optional(cursor()),
      limit: optional(limit()),
    }),
    result: shapes.Statement,
    http: get("/v1/accounts/{account}/statement"),
    roles: ["buyer", "operator", "auditor"],
  },
  "account.deposit": {
    params: params("Put money into an account", {
      account: id("Account"),
      amount: amount("More than zero"),
      ref: id("Makes the call exactly-once"),
    }),
    result: shapes.Account,
    http: post("/v1/accounts/{account}/deposit"),
    roles: ["operator"],
  },
  "account.withdraw": {
    params: params("Take money out of an account", {
      account: id("Account"),
      amount: amount("More than zero"),
      ref: id("Makes the call exactly-once"),
    }),
    result: shapes.Account,
    http: post("/v1/accounts/{account}/withdraw"),
    roles: ["operator"],
  },
  "transaction.begin": {
    params: params("Begin a transaction across actors", {
      key: key(),
      account: id("Whose transaction it is"),
      name: id("As it is defined"),
      input: optional(
        Type.Object(
          {},
          { additionalProperties: true, description: "Given to the definition and its functions" },
        ),
      ),
      deadlineMs: optional(deadlineMs()),
      wait: defaulted(true, Type.Boolean({ description: "true (default): answer when it has ended" })),
      at: optional(at()),
    }),
    result: shapes.Transaction,
    http: post("/v1/transactions"),
    roles: ["buyer", "operator"],
  },
  "transaction.get": {
    params: params("Read a transaction", { transaction: id("Transaction") }),
    result: shapes.Transaction,
    http: get("/v1/transactions/{transaction}"),
    roles: ["buyer", "operator", "auditor"],
  },
  "human.list": {
    params: params("List review items", {
      state: optional(Type.Enum(["open", "resolved"], { description: "open (default)" })),
      cursor: optional(cursor()),
      limit: optional(limit()),
    }),
    result: shapes.HumanPage,
    http: get("/v1/human"),
    roles: ["operator", "auditor"],
  },
  "human.get": {
    params: params("Read a review item", { item: id("Item") }),
    result: shapes.HumanAnswer,
    http: get("/v1/human/{item}"),
    roles: ["operator", "auditor"],
  },
  "human.resolve": {
    params: params("Resolve a review item", {
      item: id("Item"),
      action: Type.Enum(["retry", "done", "undone", "entries", "write_off"], {
        description: "Try again; it was done; it was not done; book these entries; give it up",
      }),
      reason: remark("Why; kept for ever"),
      evidence: optional(text(1000, "What proves it; kept for ever")),
      order: optional(id("With retry of an unmatched payment: the order that it is for")),
      entries: optional(
        Type.Array(entry, {
          minItems: 1,
          maxItems: 20,
          description: "With entries: together they move what is at risk",
        }),
      ),
      operator: optional(operator()),
    }),
    result: shapes.HumanAnswer,
    http: post("/v1/human/{item}/resolve"),
    roles: ["operator"],
  },
  "feed.subscribe": {
    params: params("Subscribe to events", {
      topic: topic(),
      from: optional(safeInteger(0, "First sequence number wanted; absent: from now on")),
    }),
    result: shapes.Subscription,
    http: webSocketOnly,
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "feed.unsubscribe": {
    params: params("End a subscription", { sub: safeInteger(0, "Subscription") }),
    result: shapes.Subscription,
    http: webSocketOnly,
    roles: ["buyer", "merchant", "operator", "auditor"],
  },
  "audit.run": {
    params: params("Check the books", {}),
    result: shapes.Certificate,
    http: post("/v1/audit"),
    roles: ["operator", "auditor"],
  },
} as const satisfies { readonly [M in Method]: Row };

export const methodNames = Object.keys(methods) as readonly Method[];

type Schemas = { readonly [M in Method]: (typeof methods)[M]["params"] };

/** The schema of each param of a method. */
export type ParamSchemas<M extends Method> = Schemas[M]["properties"];

/** What a caller gives. */
export type Params<M extends Method> = Static<Schemas[M]>;

/** Whether the name is a method's. */
export function isMethod(name: unknown): name is Method {
  return typeof name === "string" && Object.hasOwn(methods, name);
}
