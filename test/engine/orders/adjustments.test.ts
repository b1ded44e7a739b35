/** Orders whose total is more than price times quantity: placed, read, paid, refunded, on one shard and across. */

import { describe, expect, test } from "vitest";
import { parseOrderId } from "../../../actors/order-number.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers } from "../../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { firstBad } from "../../support/audited.js";
import { type TestEngine, testEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

const vat = { type: "tax", name: "VAT", percent: "13" };
const tenOff = { type: "discount", name: "autumn", percent: "10" };
const shipping = { type: "shipping", amount: "8.00" };

/** 2 tea and a mug: 19.98 + 25.00 = 44.98; less 4.50: 40.48; shipping: 48.48; tax 6.30: 54.78. */
const cart = { tea: 2, mug: 1 };
const asked = { adjustments: [tenOff, shipping, vat] };

const said = {
  total: "54.78",
  tax: "6.30",
  adjustments: [
    { type: "discount", name: "autumn", amount: "-4.50" },
    { type: "shipping", amount: "8.00" },
    { type: "tax", name: "VAT", amount: "6.30" },
  ],
  extras: [{ type: "shipping", total: "9.04", tax: "1.04" }],
  lines: [
    { product: "tea", subtotal: "19.98", total: "20.32", tax: "2.34" },
    { product: "mug", subtotal: "25.00", total: "25.42", tax: "2.92" },
  ],
};

/** The order, or a refund, as the read side gives it back. */
function read(engine: TestEngine, kind: "order" | "refund", id: string): object {
  const db = openReadDatabase(":memory:");
  const model = new ReadModel(db);
  for (const [shard, journal] of engine.journals.entries()) model.project(shard, [...journal.read(1)]);
  model.commit();
  const answers = prepareAnswers(db);
  const found = kind === "order" ? answers.order({ order: id }) : answers.refund({ refund: id });
  db.close();
  return found;
}

const ways = [1, 3].flatMap((shards) =>
  [
    ["later", "tcc"],
    ["balance", "tcc"],
    ["balance", "saga"],
  ].map(([pay, mode]) => ({ shards, pay, mode })),
);

describe.each(ways)("$shards shards, $pay, $mode", ({ shards, pay, mode }) => {
  const more = { pay, mode, ...asked };

  test("the total, its parts and what each came to; a dry run says the same; the read side too", () => {
    const engine = shop({ shards });
    const dry = engine.ask(place("ann", "k", cart, { ...more, dryRun: true })).result;
    const placed = engine.ask(place("ann", "k", cart, { ...more, expectedTotal: "54.78" }));
    expect(placed.result).toMatchObject({ ...said, status: pay === "later" ? "Created" : "Paid" });
    expect(dry).toMatchObject({ ...said, status: placed.result.status });
    const { next: _, ...rest } = placed.result;
    expect(read(engine, "order", placed.result.order)).toMatchObject(rest);
    expect(engine.ask(place("ann", "k", cart, { ...more, expectedTotal: "54.78" })).replayed).toBe(true);
    expect(balanceOf(engine, "ann")).toBe(pay === "later" ? "100.00" : "45.22");
    expect(firstBad(engine)).toBeUndefined();
    expect(testEngine({ shards, journals: engine.journals }).hashes()).toEqual(engine.hashes());
  });

  test("another adjustment under the key is another request, the same in other words is not", () => {
    const engine = shop({ shards });
    engine.ask(place("ann", "k", cart, more));
    const percents = {
      ...more,
      adjustments: [{ ...tenOff, percent: "10.0" }, { ...shipping, amount: "8" }, vat],
    };
    expect(engine.ask(place("ann", "k", cart, percents)).replayed).toBe(true);
    for (const adjustments of [
      undefined,
      [tenOff, shipping],
      [shipping, tenOff, vat],
      [tenOff, shipping, { ...vat, included: true }],
    ])
      expect(engine.ask(place("ann", "k", cart, { ...more, adjustments })).code).toBe("key_reused");
  });

  test.each([
    [[{ type: "discount", amount: "5,00" }], "invalid_amount"],
    [[{ type: "discount", amount: "0.001" }], "invalid_amount"],
    [[{ type: "discount", percent: "100.0001" }], "invalid_amount"],
    [[{ type: "tax", percent: "-1" }], "invalid_amount"],
    [[{ type: "rounding", to: "0.00" }], "invalid_amount"],
    [[{ type: "shipping", amount: "90071992547409.91" }], "amount_overflow"],
    [[{ type: "discount" }], "invalid_request"],
    [[{ type: "discount", amount: "1.00", percent: "1" }], "invalid_request"],
    [[{ type: "tax", amount: "1.00" }], "invalid_request"],
    [[{ type: "shipping", percent: "1" }], "invalid_request"],
    [[{ type: "fee", amount: "1.00", included: true }], "invalid_request"],
  ])("%j: %s", (adjustments, code) => {
    const engine = shop({ shards });
    const before = engine.hashes();
    const answer = engine.ask(place("ann", "k", cart, { pay, mode, adjustments }));
    expect(answer.code).toBe(code);
    if (code === "invalid_request") {
      expect(answer.details?.path).toMatch(/^params\.adjustments\[0\]/);
      expect(engine.hashes()).toEqual(before);
    }
    // A typo uses up no key.
    if (code !== "amount_overflow")
      expect(engine.ask(place("ann", "k", cart, { pay, mode, ...asked })).code).toBe("ok");
    expect(firstBad(engine)).toBeUndefined();
  });
});

test("adjustments of a line are the line's, and lines that are added up have none of their own", () => {
  const engine = shop();
  const lines = [
    { product: "tea", qty: 2, adjustments: [{ type: "discount", amount: "1.98" }] },
    { product: "mug", qty: 1, adjustments: [{ type: "tax", percent: "20", included: true }] },
  ];
  const order = (key: string, of: object[]) => engine.ask({ ...place("ann", key, {}), lines: of });
  expect(order("k", lines).result).toMatchObject({
    total: "43.00",
    lines: [
      { product: "tea", subtotal: "19.98", total: "18.00", tax: "0.00" },
      { product: "mug", subtotal: "25.00", total: "25.00", tax: "4.17" },
    ],
    adjustments: [
      { type: "discount", line: 0, amount: "-1.98" },
      { type: "tax", line: 1, amount: "4.17", included: true },
    ],
  });
  expect(order("k2", [...lines, { product: "tea", qty: 1 }])).toMatchObject({
    code: "invalid_request",
    details: { path: "params.lines[0].adjustments" },
  });
  expect(order("k3", [{ product: "tea", qty: 1, adjustments: [shipping] }])).toMatchObject({
    code: "invalid_request",
    details: { path: "params.lines[0].adjustments[0].type" },
  });
});

test("a discount of 100 % makes a free order, which can be canceled: units come back", () => {
  const engine = shop();
  const { result } = engine.ask(
    place("ann", "k", cart, { adjustments: [{ type: "discount", percent: "100" }] }),
  );
  expect(result).toMatchObject({ status: "Paid", total: "0.00" });
  expect(engine.ask({ method: "order.cancel", order: result.order, key: "c" }).result.status).toBe(
    "Canceled",
  );
  expect([stockOf(engine, "tea"), balanceOf(engine, "ann")]).toEqual([[10, 0, 0], "100.00"]);
  expect(firstBad(engine)).toBeUndefined();
});

describe.each([1, 3])("refunds over %i shards", (shards) => {
  const paid = () => {
    const engine = shop({ shards });
    const { order } = engine.ask(place("ann", "k", cart, { pay: "balance", ...asked })).result as {
      order: string;
    };
    let keys = 0;
    const refund = (more: object) =>
      engine.ask({ method: "order.refund", order, key: `r${++keys}`, reason: "back", ...more });
    const check = (id: string) => {
      const { ref: _, ...seen } = engine.ask({ method: "refund.get", refund: id }).result;
      expect(read(engine, "refund", id)).toMatchObject(seen);
    };
    return { engine, order, refund, check };
  };

  test("a unit with its discount and its tax, shipping alone, the rest: to the cent", () => {
    const { engine, order, refund, check } = paid();
    const unit = refund({ lines: [{ product: "tea", qty: 1 }] }).result.refunds[0];
    expect(unit).toMatchObject({ amount: "10.16", lines: [{ product: "tea", qty: 1, amount: "10.16" }] });
    const ship = refund({ extras: ["shipping"] }).result.refunds[0];
    expect(ship).toMatchObject({ amount: "9.04", lines: [], extras: [{ type: "shipping", amount: "9.04" }] });
    expect(refund({ extras: ["shipping"] })).toMatchObject({
      code: "line_qty_exceeds",
      details: { extra: "shipping", left: 0 },
    });
    const rest = refund({ restock: true });
    expect(rest.result.refunds[0].amount).toBe("35.58");
    expect(rest.result.order).toMatchObject({ status: "Refunded", amountRefunded: "54.78" });
    expect(balanceOf(engine, "ann")).toBe("100.00");
    for (const { refund: id } of [unit, ship, rest.result.refunds[0]]) check(id);
    expect(engine.shards.some(({ books }) => books.orders.has(parseOrderId(order)!))).toBe(true);
    expect(firstBad(engine)).toBeUndefined();
  });

  test("by amount it is spread over the lines and the shipping", () => {
    const { engine, refund } = paid();
    const some = refund({ amount: "10.00" }).result.refunds[0];
    expect(some.lines.map(({ amount }: { amount: string }) => amount)).toEqual(["3.71", "4.64"]);
    expect(some.extras).toEqual([{ type: "shipping", amount: "1.65" }]);
    expect(refund({ amount: "44.79" }).code).toBe("refund_exceeds_remaining");
    expect(refund({ amount: "44.78" }).result.order.status).toBe("Refunded");
    expect(firstBad(engine)).toBeUndefined();
  });

  test.each([
    [{ extras: ["shipping"], amount: "1.00" }, "invalid_request"],
    [{ extras: ["shipping"], restock: true }, "invalid_request"],
    [{ extras: ["handling"] }, "line_qty_exceeds"],
  ])("%j: %s", (more, code) => {
    expect(paid().refund(more).code).toBe(code);
  });
});

test.each([
  ["JPY", "101", "13", "114", "13"],
  ["KWD", "1.005", "5", "1.055", "0.050"],
  ["CNY", "0.05", "10", "0.06", "0.01"],
])("in %s %s with %s %% on top is %s", (currency, price, percent, total, tax) => {
  const engine = testEngine();
  engine.ask({ method: "account.open", account: "ann", currency });
  engine.ask({ ...product("tea", price), currency });
  const { result } = engine.ask(place("ann", "k", { tea: 1 }, { adjustments: [{ type: "tax", percent }] }));
  expect(result).toMatchObject({ total, tax });
});
