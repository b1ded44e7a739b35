import fc from "fast-check";
import { expect, test } from "vitest";
import { keyedMethods } from "../../../actors/keyed-methods.js";
import { normalAmount } from "../../../actors/money.js";
import { spaces } from "../../../engine/tables/key-table.js";
import { ParamsHash } from "../../../engine/turns/params-hash.js";
import { fresh, humanItems, notifyParams, paid, refundParams } from "../../support/after-sale.js";
import type { CommandParams, TestEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

test("the forms of one amount have one normal form, and no two amounts share one", () => {
  expect(["7", "7.0", "7.00", "0.10", "100", "5,00", "1.", ""].map(normalAmount)).toEqual([
    ...["7", "7", "7", "0.1", "100", "5,00", "1.", ""],
  ]);
  const minor = fc.integer({ min: 0, max: 100_000 });
  fc.assert(
    fc.property(minor, minor, (a, b) => {
      const [x, y] = [(a / 100).toFixed(2), (b / 100).toFixed(2)];
      expect(normalAmount(x) === normalAmount(y)).toBe(a === b);
    }),
  );
});

/** Each request with an amount in its params and a key, as a function of how the amount of 7.00 is written. */
const requests: Readonly<Record<string, (engine: TestEngine) => (seven: string) => CommandParams>> = {
  "account.deposit": () => (amount) => ({ method: "account.deposit", account: "ann", amount, ref: "r" }),
  "account.withdraw": () => (amount) => ({ method: "account.withdraw", account: "ann", amount, ref: "r" }),
  "order.place": (engine) => {
    engine.ask(product("pin", "7.00"));
    return (expectedTotal) => place("ann", "k", { pin: 1 }, { expectedTotal });
  },
  "order.refund": (engine) => {
    const order = paid(engine);
    return (amount) => refundParams(order, { key: "k", amount });
  },
  "payment.notify": () => (amount) => notifyParams("o999", amount, { paymentId: "p" }),
  "human.resolve": (engine) => {
    engine.ask(notifyParams("o999", "7.00"));
    const [item] = humanItems(engine);
    return (amount) => ({
      ...{ method: "human.resolve", item: item!.item, action: "entries", reason: "x" },
      entries: [{ from: "suspense", to: "revenue", amount }],
    });
  },
};

test.each(Object.keys(requests))(
  "%s: 7, 7.0 and 7.00 are the same request, also after a restart",
  (method) => {
    const engine = shop();
    const request = requests[method]!(engine);
    const first = engine.ask(request("7"));
    expect(first.code).toBe("ok");
    for (const seven of ["7.0", "7.00", "7"]) expect(engine.ask(request(seven)).result).toEqual(first.result);
    expect(engine.restart().ask(request("7.0")).result).toEqual(first.result);
    const other = engine.ask(request("7.01")).code;
    expect(["key_reused", "invalid_transition"]).toContain(other);
  },
);

test("a key that was kept under the amount as it was written is found under the same writing", () => {
  const engine = shop();
  const shard = engine.shards[0]!;
  const hash = new ParamsHash();
  const { handle } = shard.books.accountByName.get("ann")!;
  const asBefore = hash.begin(keyedMethods["account.deposit"]).text("7.0").end();
  const request = { method: "account.deposit", account: "ann", amount: "7.0", ref: "old" } as const;
  const first = engine.ask(request);
  const { refs } = shard.books;
  const entry = refs.find(spaces.money, handle, "old");
  // As a build of before would have kept it.
  refs.rows.set(entry, 3, asBefore);
  expect(refs.paramsHash(entry)).toBe(asBefore);
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
});

test.each([
  ["5,00", "invalid_amount"],
  ["", "invalid_amount"],
  ["0.00", "invalid_amount"],
  ["7.001", "invalid_amount"],
  ["99999999999999999999.00", "amount_overflow"],
])("a typo in an amount (%s) does not use up its ref", (typo, code) => {
  for (const method of ["account.deposit", "account.withdraw"] as const) {
    const engine = shop();
    const request = { method, account: "ann", amount: "5.00", ref: "r" };
    expect(engine.ask({ ...request, amount: typo }).code).toBe(code);
    expect(engine.ask(request)).toMatchObject({ code: "ok", replayed: false });
    expect(balanceOf(engine, "ann")).toBe(method === "account.deposit" ? "105.00" : "95.00");
  }
});

test.each([1, 3])("a typo in expectedTotal does not use up its key (%i shards)", (shards) => {
  const engine = shop({ shards });
  for (const [expectedTotal, code] of [
    ["34,99", "invalid_amount"],
    ["", "invalid_amount"],
    ["34.990", "invalid_amount"],
    ["99999999999999999999", "amount_overflow"],
  ]) {
    expect(engine.ask(place("ann", "k", { tea: 1, mug: 1 }, { expectedTotal })).code).toBe(code);
  }
  const right = place("ann", "k", { tea: 1, mug: 1 }, { expectedTotal: "34.99" });
  expect(engine.ask(right)).toMatchObject({ code: "ok", replayed: false });
  expect(stockOf(engine, "tea")).toEqual([9, 1, 0]);
  expect(engine.shards.every(({ books }) => books.pending.size === 0)).toBe(true);
  expect(fresh()).not.toBe(fresh());
});
