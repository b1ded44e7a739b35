/** Points: granted once, taken back with the money, never more than was given. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  type Buyer,
  cancel,
  day,
  held,
  notify,
  orderIn,
  paid,
  refund,
  report,
} from "../../support/after-sale.js";
import { firstBad } from "../../support/audited.js";
import { type TestEngine, testEngine } from "../../support/engine.js";
import { standing } from "../../support/ledger-of.js";
import { product, shop } from "../../support/shop.js";

const big: Buyer = { account: "ann", cart: { big: 2 } };

/** Two of them are 61.00: 61 points. */
function bigShop(pointsGrantOn: "completed" | "paid" = "completed", shards = 1): TestEngine {
  const engine = shop({ shards, settings: { pointsGrantOn } });
  engine.ask(product("big", "30.50", { stock: 50 }));
  return engine;
}

function pointsOf(engine: TestEngine, account = "ann"): number {
  return engine.ask({ method: "account.get", account }).result.points;
}

function spend(engine: TestEngine, points: number, ref: string) {
  return engine.ask({ method: "points.spend", account: "ann", points, ref });
}

function complete(engine: TestEngine, order: string): void {
  for (const event of ["pack", "ship", "confirm"]) advance(engine, order, event);
}

/** The same engine, started again with the other setting. */
function restarted(engine: TestEngine, pointsGrantOn: "completed" | "paid"): TestEngine {
  const { journals, clock } = engine;
  const nowMs = Math.floor(clock.micros / 1000);
  return testEngine({ shards: journals.length, settings: { pointsGrantOn }, journals, nowMs });
}

describe.each([1, 3])("%i shards", (shards) => {
  test.each([
    ["completed", "completed", 0],
    ["completed", "paid", 0],
    ["paid", "completed", 61],
    ["paid", "paid", 61],
  ] as const)("paid with grantOn %s, completed with %s: they are granted once", (first, then, before) => {
    for (const half of [false, true]) {
      const shopBefore = bigShop(first, shards);
      const order = paid(shopBefore, big);
      expect(pointsOf(shopBefore)).toBe(before);
      const engine = restarted(shopBefore, then);
      if (half) refund(engine, order, { amount: "30.01" });
      complete(engine, order);
      expect(pointsOf(engine)).toBe(half ? 30 : 61);
      expect(firstBad(engine)).toBeUndefined();
      refund(engine, order);
      expect(pointsOf(engine)).toBe(0);
      expect(standing(engine, "issued:", "points:")).toEqual({});
      expect(firstBad(engine)).toBeUndefined();
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    }
  });

  test("with grantOn completed they come when the buyer confirms, and once", () => {
    const engine = bigShop("completed", shards);
    const order = paid(engine, big);
    for (const event of ["pack", "ship", "deliver"]) {
      advance(engine, order, event);
      expect(pointsOf(engine)).toBe(0);
    }
    advance(engine, order, "confirm");
    expect(pointsOf(engine)).toBe(61);
    advance(engine, order, "confirm");
    advance(engine, order, "dispute");
    advance(engine, order, "resolve", { resolution: "keep" });
    engine.pass(10 * day);
    expect(pointsOf(engine)).toBe(61);
  });

  test("or when the order confirms itself", () => {
    const engine = bigShop("completed", shards);
    const order = paid(engine, big);
    for (const event of ["pack", "ship"]) advance(engine, order, event);
    engine.pass(7 * day);
    expect(pointsOf(engine)).toBe(61);
  });

  test.each([
    ["as it is placed", (engine: TestEngine) => void paid(engine, big)],
    [
      "from the wallet",
      (engine: TestEngine) => {
        const order = held(engine, big);
        engine.ask({ method: "order.pay", key: "p", order });
      },
    ],
    ["from outside", (engine: TestEngine) => void notify(engine, held(engine, big), "61.00")],
    [
      "from outside in two parts",
      (engine: TestEngine) => {
        const order = held(engine, big);
        notify(engine, order, "60.99");
        expect(pointsOf(engine)).toBe(0);
        notify(engine, order, "0.01");
      },
    ],
  ])(
    "with grantOn paid they come when the order is paid, %s, and not again when it is completed",
    (_, payIt) => {
      const engine = bigShop("paid", shards);
      payIt(engine);
      expect(pointsOf(engine)).toBe(61);
      engine.pass(20 * day);
      expect(pointsOf(engine)).toBe(61);
    },
  );

  test("an order that was never paid or never completed gives none, and its refund takes none", () => {
    const engine = bigShop("completed", shards);
    cancel(engine, held(engine, big));
    const order = paid(engine, big);
    refund(engine, order);
    expect(pointsOf(engine)).toBe(0);
    expect(standing(engine, "issued:", "points:")).toEqual({});
  });

  test("refunded before the points were granted: they come for what is left", () => {
    const engine = bigShop("completed", shards);
    const order = paid(engine, big);
    refund(engine, order, { lines: [{ product: "big", qty: 1 }] });
    expect(pointsOf(engine)).toBe(0);
    complete(engine, order);
    expect(pointsOf(engine)).toBe(30);
    refund(engine, order);
    expect(pointsOf(engine)).toBe(0);
  });

  test("ACCOUNT-2: refunded after they were spent: a debt, which later points pay first", () => {
    const engine = bigShop("completed", shards);
    const order = paid(engine, big);
    complete(engine, order);
    expect(spend(engine, 61, "s1").result.points).toBe(0);
    refund(engine, order);
    expect(pointsOf(engine)).toBe(-61);
    expect(spend(engine, 1, "s2")).toMatchObject({ code: "insufficient_points", details: { available: 0 } });
    const second = paid(engine, { account: "ann", cart: { big: 3 } });
    complete(engine, second);
    expect(pointsOf(engine)).toBe(91 - 61);
    expect(standing(engine, "issued:", "points:", "redeemed:")).toEqual({
      "issued:points": "-91",
      "points:ann": "30",
      "redeemed:points": "61",
    });
  });
});

test("points that a provider's refund takes go when it is done, not when it is asked or refused", () => {
  const engine = bigShop();
  const order = held(engine, big);
  notify(engine, order, "61.00");
  complete(engine, order);
  const first = refund(engine, order).result.refunds[0].refund;
  expect(pointsOf(engine)).toBe(61);
  report(engine, first, "refused");
  expect(pointsOf(engine)).toBe(61);
  const second = refund(engine, order, { amount: "0.01" }).result.refunds[0].refund;
  report(engine, second, "done");
  expect(pointsOf(engine)).toBe(60);
});

test("points are whole units of what is kept: any refunds together take back what was granted, and never more", () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 2500 }), { maxLength: 12 });
  fc.assert(
    fc.property(amounts, fc.constantFrom("completed", "paid"), (pieces, grantOn) => {
      const engine = bigShop(grantOn);
      const order = paid(engine, big);
      complete(engine, order);
      let left = 6100;
      for (const fen of pieces) {
        const amount = `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;
        if (refund(engine, order, { amount }).code === "ok") left -= fen;
        expect(pointsOf(engine)).toBe(Math.floor(left / 100));
      }
      refund(engine, order);
      expect(pointsOf(engine)).toBe(0);
      expect(standing(engine, "issued:", "points:")).toEqual({});
    }),
    { numRuns: 60 },
  );
});

test("two spendings at once of points that suffice for one: one of them", () => {
  const engine = bigShop("paid");
  orderIn(engine, "Paid", big);
  const ids = ["a", "b", "a"].map((ref) =>
    engine.submit({ method: "points.spend", account: "ann", points: 61, ref }),
  );
  engine.settle();
  const answers = ids.map((id) => engine.answerTo(id)!);
  expect(answers.map(({ code, replayed }) => [code, replayed])).toEqual([
    ["ok", false],
    ["insufficient_points", false],
    ["ok", true],
  ]);
  expect(pointsOf(engine)).toBe(0);
});
