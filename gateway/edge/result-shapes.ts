/**
 * The shape of what methods answer, as JSON Schema: for documents and for the programs that are made from them. The engine
 * makes its answers without looking here; a test holds them to it. Objects are open, because a later version may say more.
 */

import Type, { type TSchema } from "typebox";
import { orderEvents, statuses } from "../../actors/order-transitions.js";
import { results } from "../../actors/results.js";

const text = (description: string) => Type.String({ description });
const id = text;
const integer = (description: string) => Type.Integer({ minimum: 0, description });
const amount = (description: string) =>
  Type.String({ pattern: "^(0|[1-9][0-9]*)(\\.[0-9]+)?$", description, examples: ["99.99"] });
const signedAmount = (description: string) =>
  Type.String({ pattern: "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$", description, examples: ["-99.99"] });
const currency = () =>
  Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217 code", examples: ["CNY"] });
const time = (description: string) => Type.String({ format: "date-time", description });
const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const optional = Type.Optional;
const list = <S extends TSchema>(items: S, description: string) => Type.Array(items, { description });
const cursor = () => orNull(text("For the next page; null when this was the last"));
const amounts = (description: string) => Type.Record(Type.String(), signedAmount("Decimal"), { description });
const count = (description: string) => Type.String({ pattern: "^-?[0-9]+$", description });
const texts = (description: string) => Type.Record(Type.String(), Type.String(), { description });
const described = (description: string) =>
  Type.Union([text("In one text"), texts("By name")], { description });
const anything = (description: string) => Type.Record(Type.String(), Type.Unknown(), { description });

const status = () =>
  Type.Enum(
    statuses.filter((name) => name !== "None"),
    { description: "Status" },
  );
const event = () => Type.Enum([...orderEvents], { description: "Event" });
const code = () =>
  Type.Enum(
    results.map((row) => row.code),
    { description: "Stable; see the table of codes" },
  );

const Empty = Type.Object({}, { description: "Nothing more to say" });

const OrderLine = Type.Object(
  {
    product: id("Product"),
    name: text("As it was when the order was placed, like the price"),
    qty: integer("Units"),
    unitPrice: amount("Price of one unit"),
    subtotal: amount("Price of all units"),
    total: optional(amount("What it has of the order's total; left out where no adjustments were asked for")),
    tax: optional(amount("Of it, what is tax")),
  },
  { description: "Units of one product in an order" },
);

const Applied = Type.Object(
  {
    type: text("What it is"),
    name: optional(text("In the shop's words")),
    line: optional(integer("Of which line, from 0; of the whole order where it is left out")),
    amount: signedAmount("What it came to; a discount is below zero"),
    included: optional(Type.Boolean({ description: "Of a tax: it was in the prices" })),
  },
  { description: "An adjustment" },
);

const OrderExtra = Type.Object(
  {
    type: text("Shipping, a fee or rounding"),
    name: optional(text("In the shop's words")),
    total: amount("What it has of the total"),
    tax: amount("Of it, what is tax"),
  },
  { description: "What no line of an order pays for" },
);

const Order = Type.Object(
  {
    order: id("Order number"),
    status: status(),
    version: integer("Rises by one with every move"),
    account: id("Buyer"),
    lines: list(OrderLine, "What was bought"),
    total: amount("Of all lines"),
    currency: currency(),
    amountPaid: amount("Received for it"),
    amountRefunded: amount("Given back of it"),
    payBy: orNull(time("End of the hold; null when there is nothing to pay any more")),
    createdAt: time("When it was placed"),
    next: list(Type.String(), "Events that its status allows now"),
    address: optional(described("As it was given")),
    contact: optional(described("As it was given")),
    shippingMethod: optional(text("As it was given")),
    paymentMethod: optional(text("As it was given")),
    ref: optional(text("The shop's own number")),
    metadata: optional(texts("As it was given")),
    adjustments: optional(list(Applied, "What they came to, those of the lines first")),
    extras: optional(list(OrderExtra, "What no line pays for")),
    tax: optional(amount("All the tax in the total")),
  },
  { description: "An order" },
);

const OrderPage = Type.Object(
  { orders: list(Order, "Newest first"), cursor: cursor() },
  { description: "Some of an account's orders" },
);

const OrderMove = Type.Object(
  {
    version: integer("The order's version after it"),
    from: orNull(status()),
    to: status(),
    event: event(),
    time: time("When"),
    operator: optional(text("Who did it")),
    remark: optional(text("Why")),
    tracking: optional(text("What the carrier calls the parcel")),
    key: optional(id("Key of the request that made it; absent when a deadline did")),
  },
  { description: "A move of an order" },
);

const OrderHistory = Type.Object(
  { order: id("Order number"), moves: list(OrderMove, "Oldest first") },
  { description: "Everything that happened to an order" },
);

const StoredRefusal = Type.Object(
  { code: code(), details: optional(anything("Depends on the code")) },
  { description: "A refusal that is kept under its key" },
);

const Product = Type.Object(
  {
    product: id("Product"),
    name: text("Shown to buyers"),
    price: amount("Price of one unit"),
    currency: currency(),
    available: integer("Units that can be bought; below zero: sold before they are there, or missing"),
    held: integer("Units that orders hold"),
    sold: integer("Units that were sold"),
    short: integer("Units that a count found missing of those that are held"),
    backorder: integer("So many units may be sold that are not there yet"),
    backordered: integer("Units that were sold and are not there yet"),
    priceVersion: integer("The same as `version`"),
    version: integer("Rises by one with every change but of its stock"),
    limitPerAccount: orNull(integer("Held and bought; null: no limit")),
    saleStartsAt: orNull(time("null: it has always been on sale")),
    saleEndsAt: orNull(time("null: it has no end")),
    delisted: Type.Boolean({ description: "true: it is not sold any more" }),
  },
  { description: "A product" },
);

const Account = Type.Object(
  {
    account: id("Account"),
    currency: currency(),
    available: amount("Money that can be spent"),
    held: amount("Money that is held"),
    points: Type.Integer({ description: "Below zero: a points debt" }),
  },
  { description: "An account" },
);

const LedgerEntry = Type.Object(
  {
    seq: integer("Position in the log"),
    time: time("When"),
    type: text("deposit, withdraw, capture, ..."),
    amount: signedAmount("What it added to the account"),
    currency: currency(),
    available: amount("Of the account, after it"),
    order: optional(id("Order number")),
    ref: optional(id("Of the request that made it")),
  },
  { description: "An entry of an account's ledger" },
);

const Statement = Type.Object(
  {
    account: id("Account"),
    currency: orNull(currency()),
    entries: list(LedgerEntry, "Newest first"),
    cursor: cursor(),
  },
  { description: "Some of an account's ledger entries" },
);

const RefundLine = Type.Object(
  {
    product: id("Product"),
    qty: integer("Units; 0 for a part of an amount"),
    amount: amount("Their share of the refund"),
  },
  { description: "Units of one product in a refund" },
);

const RefundExtra = Type.Object(
  {
    type: text("What it is"),
    name: optional(text("In the shop's words")),
    amount: amount("Given back of it"),
  },
  { description: "What a refund takes of shipping, a fee or rounding" },
);

const Refund = Type.Object(
  {
    refund: id("Refund number"),
    order: orNull(id("Order number; null for money that came for an order that is archived")),
    amount: amount("Given back"),
    currency: currency(),
    to: Type.Enum(["wallet", "provider"], { description: "Where it goes: where the money came from" }),
    provider: orNull(text("Payment provider; null for a wallet")),
    paymentId: orNull(text("The provider's number of the payment; null for a wallet")),
    state: Type.Enum(["requested", "unknown", "done", "refused"], {
      description: "unknown: the provider was asked and did not say; it is never sent as another refund",
    }),
    reason: text("Why"),
    restock: Type.Boolean({ description: "Its units come back into stock" }),
    ref: orNull(text("What the provider said of it")),
    lines: list(RefundLine, "What it takes of each line of its order"),
    extras: optional(
      list(RefundExtra, "What it takes of what no line pays for; left out when it is nothing"),
    ),
  },
  { description: "Money on its way back, or back already" },
);

const OrderRefund = Type.Object(
  { refunds: list(Refund, "One for each source of the money"), order: Order },
  { description: "What a refund became, and the order after it" },
);

const Advanced = Type.Union([Order, OrderRefund], {
  description: "The order after it; after a dispute that ended in a refund, its refunds too",
});

const PaymentOutcome = Type.Object(
  {
    outcome: Type.Enum(
      [
        "paid",
        "partially_paid",
        "late_payment",
        "duplicate_payment",
        "unmatched_payment",
        "currency_mismatch",
      ],
      { description: "What the payment turned out to be" },
    ),
    money: Type.Enum(["applied", "kept", "refunded", "reinstated", "suspense"], {
      description: "Where the money is; suspense: there is a review item",
    }),
    refund: orNull(id("Refund of what was too much, too late or twice; null when nothing was")),
    order: orNull(Order),
  },
  { description: "What became of a payment from outside" },
);

const Resolution = Type.Object(
  {
    action: Type.Enum(["itself", "retry", "done", "undone", "entries", "write_off"], {
      description: "What was done; itself: it ended before anybody did anything",
    }),
    reason: text("Why"),
    evidence: text("What proves it"),
    operator: text("Who"),
    at: time("When"),
  },
  { description: "How a human ended an item" },
);

const HumanItem = Type.Object(
  {
    item: id("Item"),
    kind: Type.Enum(["payment", "refund", "transaction", "late", "stock_short"], {
      description: "What it is about",
    }),
    state: Type.Enum(["open", "resolved"], { description: "State" }),
    subject: text("Which one: provider:payment, a refund, or transaction/part"),
    currency: orNull(currency()),
    amount: orNull(amount("Money at risk")),
    units: integer("Units of stock at risk"),
    attempts: integer("How often the engine tried"),
    error: text("Why it failed the last time"),
    evidence: anything("What is known"),
    openedAt: time("When"),
    actions: list(Type.String(), "What may be done"),
    resolution: orNull(Resolution),
  },
  { description: "Something that needs a person" },
);

const HumanAnswer = Type.Object({ item: HumanItem }, { description: "A review item" });

const HumanPage = Type.Object(
  { items: list(HumanItem, "Newest first within each shard"), cursor: cursor() },
  { description: "Some of the review items" },
);

const TransactionPart = Type.Object(
  {
    name: text("Part"),
    state: Type.Enum(
      [
        ...["waiting", "begun", "done", "refused", "unknown", "ending"],
        ...["confirmed", "undone", "by_human", "nothing"],
      ],
      { description: "Where it stands; nothing: it had no effect, and there was nothing to undo" },
    ),
    stuck: Type.Boolean({ description: "There is a review item about it" }),
    resolution: optional(
      Type.Object(
        {
          item: id("Item"),
          action: Type.String({ description: "What was said: retry, done, undone, entries or write_off" }),
          reason: text("Why"),
          operator: text("Who"),
          at: time("When"),
        },
        { description: "What a human did about it last" },
      ),
    ),
  },
  { description: "A part of a transaction" },
);

const Transaction = Type.Object(
  {
    transaction: id("Transaction"),
    account: id("Whose it is"),
    name: id("As it is defined"),
    mode: Type.Enum(["tcc", "saga"], { description: "How its parts are taken together" }),
    state: Type.Enum(["running", "confirming", "canceling", "done", "undone"], { description: "State" }),
    parts: list(TransactionPart, "In their order"),
    results: anything("What each part that was done gave back, by its name"),
    error: orNull(anything("Because of what it is undone; null when it is not")),
    begunAt: time("When"),
    endedAt: orNull(time("When it ended")),
  },
  { description: "A transaction across actors" },
);

const Lookup = Type.Object(
  {
    state: Type.Enum(["found", "running", "never_seen"], { description: "Whether the key was answered" }),
    result: optional(Type.Union([Order, OrderRefund, Transaction])),
    error: optional(StoredRefusal),
  },
  { description: "What became of a key" },
);

const Token = Type.Object(
  { token: id("A key that the engine vouches for"), expiresAt: time("When it is of no use any more") },
  { description: "An issued key" },
);

const Subscription = Type.Object(
  {
    sub: integer("Number of the subscription, in every push"),
    seq: optional(integer("Position of the log when it was made")),
  },
  { description: "A subscription of this connection" },
);

const AuditShard = Type.Object(
  {
    shard: integer("Shard"),
    from: integer("First position"),
    to: integer("Last position"),
    chainHash: orNull(text("Stands for the log up to it; null for a log in memory")),
    stateHash: orNull(text("Stands for the state; null when it was not computed")),
  },
  { description: "What was audited of a shard" },
);

const AuditCheck = Type.Object(
  {
    name: text("Name"),
    what: text("What is checked"),
    ok: orNull(Type.Boolean({ description: "null: not checked, and detail says why" })),
    detail: text("The first thing that is wrong"),
    count: integer("How often it was looked at"),
    bad: integer("How often it was wrong"),
  },
  { description: "A check of an audit" },
);

const Certificate = Type.Object(
  {
    ok: Type.Boolean({ description: "Every check that could be made was passed" }),
    from: integer("First position"),
    to: integer("Last position"),
    stateHash: orNull(text("Stands for the whole state")),
    shards: list(AuditShard, "What was audited"),
    checks: list(AuditCheck, "Every check"),
    figures: Type.Object(
      {
        facts: integer("Facts"),
        accounts: integer("Accounts"),
        products: integer("Products"),
        orders: integer("Orders"),
        byStatus: Type.Record(Type.String(), integer("Orders"), { description: "Orders by status" }),
        soldUnits: integer("Units sold"),
        heldUnits: integer("Units held"),
        availableUnits: integer("Units available"),
        inWallets: amounts("By currency"),
        inOrders: amounts("By currency: paid, and neither refunded nor asked for"),
        refunded: amounts("By currency: given back"),
        payable: amounts("By currency: asked to go back, and not known to have"),
        suspense: amounts("By currency: from outside, and of no order"),
        revenue: amounts("By currency: what archived orders have earned"),
        points: Type.Object(
          {
            granted: count("Granted"),
            reversed: count("Taken back with refunds"),
            spent: count("Spent"),
            left: count("What accounts have, less what they owe"),
          },
          { description: "Points, as text: their sum may be larger than any number" },
        ),
        archived: integer("Orders that the engine has forgotten"),
        openRefunds: integer("Refunds that have no end yet"),
        openItems: integer("Open review items"),
        ledgerDifference: amounts("By currency: zero, or something is wrong"),
      },
      { description: "Sums" },
    ),
    clock: Type.Object(
      {
        time: orNull(text("Engine time; null: nothing has happened yet")),
        aheadMs: orNull(integer("By how much it is ahead of the wall clock; null: not looked at")),
      },
      { description: "Engine time and the wall clock" },
    ),
    firstBad: optional(
      Type.Object(
        { shard: integer("Shard"), position: integer("Position"), what: text("What is wrong") },
        { description: "The first bad position" },
      ),
    ),
    repairPlan: list(Type.String(), "What an operator should do, in order"),
  },
  { description: "What an audit found" },
);

const executed = () =>
  Type.Unsafe({
    enum: [false, "unknown"],
    description:
      "false: no effect, before, now or later; unknown: refused before the key was looked up, ask with the same key",
  });

/** `error` of a WebSocket's answer. */
const Refusal = Type.Object(
  {
    code: code(),
    message: text("For people; may change"),
    executed: executed(),
    retryable: Type.Boolean({ description: "The same request, unchanged, may succeed later" }),
    details: optional(anything("Depends on the code")),
  },
  { description: "A refusal" },
);

const Problem = Type.Object(
  {
    type: Type.String({ format: "uri-reference", description: "Where the code is described" }),
    title: text("The meaning of the code"),
    status: Type.Integer({ minimum: 400, maximum: 599, description: "The status of the answer" }),
    detail: optional(text("What is wrong with this request")),
    instance: optional(text("Which occurrence")),
    code: code(),
    executed: executed(),
    retryable: Type.Boolean({ description: "The same request, unchanged, may succeed later" }),
    details: optional(anything("Depends on the code")),
  },
  { description: "A refusal over HTTP (RFC 9457)" },
);

/** By the names that they have in the documents. */
export const shapes = {
  Empty,
  Order,
  OrderLine,
  Applied,
  OrderExtra,
  RefundExtra,
  OrderPage,
  OrderMove,
  OrderHistory,
  StoredRefusal,
  Lookup,
  Product,
  Account,
  LedgerEntry,
  Statement,
  Refund,
  RefundLine,
  OrderRefund,
  Advanced,
  PaymentOutcome,
  HumanItem,
  HumanAnswer,
  HumanPage,
  Resolution,
  TransactionPart,
  Transaction,
  Token,
  Subscription,
  AuditShard,
  AuditCheck,
  Certificate,
  Refusal,
  Problem,
} as const;

export type ShapeName = keyof typeof shapes;
