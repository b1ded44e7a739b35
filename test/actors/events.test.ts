import { describe, expect, test } from "vitest";
import {
  type EventNames,
  effectsOf,
  eventKinds,
  eventOf,
  eventTypes,
  isPublic,
  rules,
  topicsOf,
} from "../../actors/events.js";
import { catalogue, type Fact, type FactKind, Facts } from "../../actors/facts.js";
import { orderEvents, Statuses } from "../../actors/order-transitions.js";

const order = 1611;
const refund = 2635;
const usd = 1;

/** Handle 1 of everything; order 1611 is known, and so is refund 2635. */
const names: EventNames = {
  accountId: (handle) => ["eve", "ann"][handle]!,
  productId: (handle) => ["cup", "tea"][handle]!,
  productCurrency: () => usd,
  accountCurrency: () => usd,
  order: (number) => (number === order ? { account: "ann", currency: usd, total: 1998 } : undefined),
  refund: (number) =>
    number === refund
      ? { order, account: "ann", currency: usd, amount: 500, provider: "pay", paymentId: "p-1" }
      : undefined,
};

/** A fact with 1 or "x" in every field that is not said. */
function fact(kind: FactKind, more: object = {}): Fact {
  const blank = {
    uint: 1,
    units: 1,
    text: "x",
    bytes: new Uint8Array(),
    lines: [],
    asked: [],
    shares: [],
    parts: [],
  };
  const fields = Object.entries(catalogue[kind].fields).map(([name, of]) => [name, blank[of as "uint"]]);
  return { ...Object.fromEntries(fields), order, ...more, type: Facts[kind] } as unknown as Fact;
}

const about = { order: "o1611", account: "ann", total: "19.98", currency: "USD" };
const money = { amount: "5.00", currency: "USD" };
const someStock = { product: "tea", order: "o1611", qty: 1, available: 7 };
const paidEffects = { effects: ["packing_task", "notification"] };
const notification = { effects: ["notification"] };
const moved = { to: Statuses.Paid, tracking: "", remark: "", operator: "" };
const move = (event: string, more: object = {}) =>
  fact("orderMoved", { ...moved, event: orderEvents.indexOf(event as "pack"), ...more });
const movedTo = (event: string, status = "Paid") => ({ ...about, status, event });
const ended = { transaction: "t1611", account: "ann", name: "x", state: "done", error: null, parts: [] };
const ann = "account:ann";
const tea = "product:tea";

const table: readonly (readonly [Fact, topic: string | undefined, type: string, data: object])[] = [
  [fact("orderPlaced", { total: 1998, paid: 0 }), ann, "order.created", { ...about, status: "Created" }],
  [
    fact("orderPlaced", { total: 0, paid: 0 }),
    ann,
    "order.created",
    { ...about, status: "Paid", total: "0.00" },
  ],
  [
    fact("orderDescribed", { ref: "PO-7", data: '{"address":"here","metadata":{"a":"b"}}' }),
    ann,
    "order.described",
    { order: "o1611", account: "ann", ref: "PO-7", address: "here", metadata: { a: "b" } },
  ],
  [
    fact("orderAdjusted", {
      applied:
        '[{"type":"discount","name":"","line":0,"amount":-150,"included":false},{"type":"tax","name":"VAT","amount":77,"included":true}]',
    }),
    ann,
    "order.adjusted",
    {
      order: "o1611",
      account: "ann",
      adjustments: [
        { type: "discount", line: 0, amount: "-1.50" },
        { type: "tax", name: "VAT", amount: "0.77", included: true },
      ],
    },
  ],
  [fact("moneyCaptured"), ann, "order.paid", { ...about, status: "Paid", ...paidEffects }],
  [fact("orderSettled"), ann, "order.paid", { ...about, status: "Paid", ...paidEffects }],
  [
    fact("orderCanceled", { cause: 1 }),
    ann,
    "order.canceled",
    { ...about, status: "Canceled", cause: "request", reason: "x", ...notification },
  ],
  [
    fact("orderCanceled", { cause: 2 }),
    ann,
    "order.canceled",
    { ...about, status: "Canceled", cause: "deadline", reason: "x", ...notification },
  ],
  [fact("orderReinstated"), ann, "order.reinstated", { ...about, status: "Paid", ...paidEffects }],
  [move("pack", { to: Statuses.Packing }), ann, "order.packing", movedTo("pack", "Packing")],
  [
    move("ship", { to: Statuses.Shipped, tracking: "SF-7", operator: "op", remark: "two boxes" }),
    ann,
    "order.shipped",
    {
      ...movedTo("ship", "Shipped"),
      tracking: "SF-7",
      operator: "op",
      remark: "two boxes",
      effects: ["shipping_notice"],
    },
  ],
  [move("dispatch", { to: Statuses.Shipping }), ann, "order.shipping", movedTo("dispatch", "Shipping")],
  [move("deliver", { to: Statuses.Delivered }), ann, "order.delivered", movedTo("deliver", "Delivered")],
  ...["confirm", "auto_confirm"].map(
    (event) =>
      [
        move(event, { to: Statuses.Completed }),
        ann,
        "order.completed",
        { ...movedTo(event, "Completed"), effects: ["review_invitation"] },
      ] as const,
  ),
  ...["refund", "resolve_refund"].map(
    (event) =>
      [move(event, { to: Statuses.Refunding }), ann, "order.refunding", movedTo(event, "Refunding")] as const,
  ),
  [
    move("refund_all_done", { to: Statuses.Refunded }),
    ann,
    "order.refunded",
    { ...movedTo("refund_all_done", "Refunded"), ...notification },
  ],
  ...["refund_ended", "resolve_keep"].map(
    (event) =>
      [move(event, { to: Statuses.Shipped }), ann, "order.resumed", movedTo(event, "Shipped")] as const,
  ),
  [move("dispute", { to: Statuses.Disputed }), ann, "order.disputed", movedTo("dispute", "Disputed")],
  [fact("orderArchived", { amount: 500 }), undefined, "order.archived", { order: "o1611", ...money }],
  ...(["Held", "Sold", "Confirmed", "Released", "Returned"] as const).map(
    (how) => [fact(`stock${how}`, { available: 7 }), tea, `product.${how.toLowerCase()}`, someStock] as const,
  ),
  [
    fact("productRestocked", { qty: 3, available: 7 }),
    tea,
    "product.restocked",
    { product: "tea", qty: 3, available: 7 },
  ],
  [
    fact("productRepriced", { price: 999 }),
    tea,
    "product.repriced",
    { product: "tea", price: "9.99", currency: "USD" },
  ],
  [
    fact("productUpdated", {
      ...{ version: 2, name: "Tea", price: 999 },
      ...{ limitPerAccount: 0, saleStartsAt: 0, saleEndsAt: 1000 },
    }),
    tea,
    "product.updated",
    {
      ...{ product: "tea", version: 2, name: "Tea", price: "9.99", currency: "USD" },
      ...{
        limitPerAccount: null,
        saleStartsAt: null,
        saleEndsAt: "1970-01-01T00:00:01.000Z",
        backorder: 1,
        operator: "x",
      },
    },
  ],
  [
    fact("stockAdjusted", { qty: 3, up: 0, available: -7, reason: 2 }),
    tea,
    "product.adjusted",
    { ...{ product: "tea", by: -3, available: -7, reason: "damage" }, ref: "x", operator: "x", remark: "x" },
  ],
  [
    fact("stockAdjusted", { qty: 3, up: 1, available: 7, reason: 5, counted: 9, operator: "", remark: "" }),
    tea,
    "product.counted",
    { product: "tea", counted: 9, by: 3, available: 7, ref: "x" },
  ],
  [
    fact("backorderAllowed", { backorder: 5 }),
    tea,
    "product.backorder_allowed",
    { product: "tea", backorder: 5 },
  ],
  ...(["Delisted", "Relisted"] as const).map(
    (how) =>
      [
        fact(`product${how}`, { version: 3 }),
        tea,
        `product.${how.toLowerCase()}`,
        { product: "tea", version: 3, operator: "x" },
      ] as const,
  ),
  [
    fact("paymentBooked", { amount: 500, reference: "o1611" }),
    undefined,
    "payment.received",
    { provider: "x", paymentId: "x", order: "o1611", ...money },
  ],
  [
    fact("paymentApplied", { amount: 500 }),
    ann,
    "payment.applied",
    { order: "o1611", account: "ann", provider: "x", paymentId: "x", ...money },
  ],
  [
    fact("refundRequested", { refund, amount: 500 }),
    ann,
    "refund.requested",
    {
      refund: "r2635",
      order: "o1611",
      account: "ann",
      ...money,
      provider: "x",
      paymentId: "x",
      restock: true,
      reason: "x",
    },
  ],
  // Handle 0 is eve, who has nothing to do with it.
  [
    fact("refundRequested", { refund, order: 0, source: 2, account: 0, amount: 500, restock: 0 }),
    undefined,
    "refund.requested",
    { refund: "r2635", ...money, provider: "x", paymentId: "x", restock: false, reason: "x" },
  ],
  ...(["Done", "Refused"] as const).map(
    (how) =>
      [
        fact(`refund${how}`, { refund, amount: 500 }),
        ann,
        `refund.${how.toLowerCase()}`,
        {
          refund: "r2635",
          order: "o1611",
          account: "ann",
          ...money,
          provider: "x",
          paymentId: "p-1",
          ref: "x",
        },
      ] as const,
  ),
  [
    fact("refundUnknown", { refund, error: "no answer" }),
    ann,
    "refund.unknown",
    {
      refund: "r2635",
      order: "o1611",
      account: "ann",
      ...money,
      provider: "pay",
      paymentId: "p-1",
      error: "no answer",
    },
  ],
  [
    fact("refundUnknown", { refund: refund + 1, error: "no answer" }),
    undefined,
    "refund.unknown",
    { refund: "r2636", error: "no answer" },
  ],
  [
    fact("pointsGranted", { points: 9 }),
    ann,
    "points.granted",
    { account: "ann", order: "o1611", points: 9 },
  ],
  [
    fact("pointsReversed", { points: 9 }),
    ann,
    "points.reversed",
    { account: "ann", order: "o1611", points: 9 },
  ],
  [fact("pointsSpent", { points: 9 }), ann, "points.spent", { account: "ann", points: 9, ref: "x" }],
  [
    fact("humanOpened", { item: 3659, amount: 500 }),
    undefined,
    "human.opened",
    { item: "h3659", kind: 1, subject: "x", ...money, units: 1, attempts: 1, error: "x", evidence: "x" },
  ],
  [
    fact("humanResolved", { item: 3659 }),
    undefined,
    "human.resolved",
    { item: "h3659", action: 1, reason: "x", evidence: "x", operator: "x" },
  ],
  [
    fact("entryMade", { item: 3659, from: "suspense", to: "loss", amount: 500 }),
    undefined,
    "entry.made",
    { item: "h3659", from: "suspense", to: "loss", ...money },
  ],
  [fact("accountOpened", { currency: usd }), ann, "account.opened", { account: "ann", currency: "USD" }],
  [
    fact("accountDeposited", { amount: 500 }),
    ann,
    "account.deposited",
    { account: "ann", ...money, ref: "x" },
  ],
  [
    fact("accountWithdrawn", { amount: 500 }),
    ann,
    "account.withdrawn",
    { account: "ann", ...money, ref: "x" },
  ],
  [
    fact("productCreated", { id: "tea", price: 500, currency: usd, stock: 7 }),
    tea,
    "product.created",
    { product: "tea", name: "x", price: "5.00", currency: "USD", stock: 7 },
  ],
  [
    fact("transactionBegun", { transaction: order }),
    ann,
    "transaction.begun",
    { transaction: "t1611", account: "ann", name: "x", mode: "tcc" },
  ],
  [
    fact("keyKept", { method: 11, code: 0, text: JSON.stringify(ended) }),
    ann,
    "transaction.ended",
    { transaction: "t1611", account: "ann", name: "x", state: "done", error: null },
  ],
  [
    fact("unitsTransferred", { transaction: order, available: 7, from: 1, to: 3 }),
    tea,
    "product.transferred",
    {
      ...{ product: "tea", account: "ann", transaction: "t1611", qty: 1, available: 7 },
      ...{ from: "available", to: "sold" },
    },
  ],
  [
    fact("moneyTransferred", { transaction: order, amount: 500, currency: usd, from: 1, to: 3 }),
    ann,
    "account.transferred",
    { account: "ann", transaction: "t1611", ...money, from: "wallet", to: "transit" },
  ],
  [
    fact("moneyTransferred", { transaction: order, amount: 500, currency: usd, from: 3, to: 5 }),
    undefined,
    "account.transferred",
    { transaction: "t1611", ...money, from: "transit", to: "suspense" },
  ],
];

test("an entry by hand between two wallets is told under both", () => {
  const entry = fact("entryMade", { from: "wallet:ann", to: "wallet:ben" });
  expect(topicsOf(entry, names)).toEqual([ann, "account:ben"]);
});

test("each fact of the catalogue has its event, or the reason why it has none", () => {
  const shown = new Set(table.map(([{ type }]) => type));
  for (const kind of Object.keys(catalogue) as FactKind[]) {
    const rule = rules[kind];
    if (typeof rule === "string") expect(rule.length, kind).toBeGreaterThan(20);
    else expect(shown, kind).toContain(Facts[kind]);
    expect(isPublic(fact(kind)), kind).toBe(typeof rule !== "string");
  }
});

test.each(table)("%j is told under %s as %s", (told, topic, type, data) => {
  expect(isPublic(told)).toBe(true);
  expect(topicsOf(told, names)).toEqual(topic === undefined ? [] : [topic]);
  expect(eventOf(told, names)).toEqual({ type, data });
});

test("the table above has every event, and every fact from 27 on that is told", () => {
  expect(new Set(table.map(([, , type]) => type))).toEqual(new Set(eventTypes));
  const shown = new Set(table.map(([{ type }]) => type));
  for (let number = Facts.orderMoved; number <= Facts.entryMade; number++) expect(shown).toContain(number);
});

test("what an event says stands in the documents: the same fields, and the same subject", () => {
  for (const [, topic, type, data] of table) {
    const kind = eventKinds[type as keyof typeof eventKinds];
    const documented = kind.data.match(/[A-Za-z]+/g)!;
    for (const name of Object.keys(data)) if (name !== "effects") expect(documented, type).toContain(name);
    if (topic !== undefined) expect(topic.startsWith(`${kind.subject}:`), type).toBe(true);
    expect((data as { effects?: unknown }).effects ?? []).toEqual(effectsOf(type as keyof typeof eventKinds));
  }
});

test("a move that has an event of its own is not told twice", () => {
  for (const event of ["place", "place_paid", "pay", "cancel", "expire", "reinstate"]) {
    expect(eventOf(move(event), names), event).toBeUndefined();
  }
});

test.each(["orderPaid", "accountNamed", "messageSent", "branchTried"] as const)(
  "%s is nobody's business",
  (kind) => {
    expect(isPublic(fact(kind))).toBe(false);
    expect(topicsOf(fact(kind), names)).toEqual([]);
    expect(eventOf(fact(kind), names)).toBeUndefined();
  },
);

describe("EVENTS-2: an order that has left the books", () => {
  const gone = { order: order + 1024 };

  test("is told without what only the books knew", () => {
    expect(topicsOf(fact("orderCanceled", gone), names)).toEqual([]);
    expect(eventOf(fact("orderCanceled", { ...gone, cause: 1 }), names)?.data).toEqual({
      order: "o2635",
      status: "Canceled",
      cause: "request",
      reason: "x",
      ...notification,
    });
    expect(eventOf(fact("paymentApplied", { ...gone, amount: 500 }), names)?.data).not.toHaveProperty(
      "account",
    );
  });

  test("is told whole where the fact says it all", () => {
    const placed = fact("orderPlaced", { ...gone, total: 500, paid: 500 });
    expect(topicsOf(placed, names)).toEqual([ann]);
    expect(eventOf(placed, names)?.data).toMatchObject({ account: "ann", total: "5.00" });
    expect(topicsOf(fact("moneyCaptured", gone), names)).toEqual([ann]);
  });
});
