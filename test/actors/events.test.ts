import { describe, expect, test } from "vitest";
import {
  type EventNames,
  effectsOf,
  eventKinds,
  eventOf,
  eventTypes,
  isPublic,
  topicOf,
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
  order: (number) => (number === order ? { account: "ann", currency: usd, total: 1998 } : undefined),
  refund: (number) =>
    number === refund
      ? { order, account: "ann", currency: usd, amount: 500, provider: "pay", paymentId: "p-1" }
      : undefined,
};

/** A fact with 1 or "x" in every field that is not said. */
function fact(kind: FactKind, more: object = {}): Fact {
  const blank = { uint: 1, text: "x", bytes: new Uint8Array(), lines: [], asked: [], shares: [] };
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
];

test.each(table)("%j is told under %s as %s", (told, topic, type, data) => {
  expect(isPublic(told)).toBe(true);
  expect(topicOf(told, names)).toBe(topic);
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

test.each(["keyKept", "orderPaid", "accountNamed", "messageSent", "branchTried"] as const)(
  "%s is nobody's business",
  (kind) => {
    expect(isPublic(fact(kind))).toBe(false);
    expect(topicOf(fact(kind), names)).toBeUndefined();
    expect(eventOf(fact(kind), names)).toBeUndefined();
  },
);

describe("EVENTS-2: an order that has left the books", () => {
  const gone = { order: order + 1024 };

  test("is told without what only the books knew", () => {
    expect(topicOf(fact("orderCanceled", gone), names)).toBeUndefined();
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
    expect(topicOf(placed, names)).toBe(ann);
    expect(eventOf(placed, names)?.data).toMatchObject({ account: "ann", total: "5.00" });
    expect(topicOf(fact("moneyCaptured", gone), names)).toBe(ann);
  });
});
