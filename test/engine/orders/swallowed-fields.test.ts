import { expect, test } from "vitest";
import { qtyMax } from "../../../actors/product.js";
import { advanceExtras } from "../../../engine/orders/advance-order.js";
import { advanceEvents } from "../../../engine/seams/commands.js";
import { spaces } from "../../../engine/tables/key-table.js";
import { ParamsHash } from "../../../engine/turns/params-hash.js";
import { advance, fresh, orderOf, paid, refund, refundParams } from "../../support/after-sale.js";
import { epochMs } from "../../support/engine.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

const given = { tracking: "SF-1", resolution: "keep", restock: true } as const;
const none = { tracking: undefined, resolution: undefined, restock: false };

const cells = advanceEvents.flatMap((event) =>
  (Object.keys(given) as (keyof typeof given)[]).map((extra) => ({
    ...{ event, extra, use: advanceExtras[event][extra] },
  })),
);

test.each(cells)(
  "$event with $extra: $use, and refused before its key where nothing would come of it",
  (cell) => {
    const { event, extra, use } = cell;
    const engine = shop();
    const order = paid(engine);
    const key = fresh();
    const fits = {
      ...none,
      ...(advanceExtras[event].tracking ? { tracking: "SF-1" } : {}),
      ...(advanceExtras[event].resolution ? { resolution: "refund" } : {}),
    };
    const details = { path: `params.${extra}` };
    if (use === undefined) {
      const wrong = { ...fits, [extra]: given[extra], key };
      expect(advance(engine, order, event, wrong)).toMatchObject({ code: "invalid_request", details });
    } else if (use === "required") {
      expect(advance(engine, order, event, { ...fits, [extra]: undefined, key })).toMatchObject({
        ...{ code: "invalid_request", details },
      });
    }
    expect(advance(engine, order, event, { ...fits, key })).toMatchObject({ replayed: false });
    expect(advance(engine, order, event, { ...fits, key: fresh() }).code).not.toBe("invalid_request");
  },
);

test("the units of a dispute come back with the resolution refund alone", () => {
  const engine = shop();
  const order = paid(engine);
  for (const event of ["pack", "ship", "dispute"]) advance(engine, order, event);
  const keep = { resolution: "keep", restock: true };
  expect(advance(engine, order, "resolve", keep)).toMatchObject({ details: { path: "params.restock" } });
  expect(advance(engine, order, "resolve", { resolution: "refund", restock: true }).code).toBe("ok");
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

test("restock with an amount is refused and keeps no key; with lines or all it is done", () => {
  const engine = shop();
  const order = paid(engine);
  const request = refundParams(order, { amount: "19.98", restock: true });
  expect(engine.ask(request)).toMatchObject({
    ...{ code: "invalid_request", details: { path: "params.restock" } },
  });
  expect(orderOf(engine, order).status).toBe("Paid");
  expect(engine.ask({ ...request, amount: undefined })).toMatchObject({ code: "ok", replayed: false });
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

test("mode saga with pay later is refused: it would be swallowed", () => {
  const engine = shop();
  const later = place("ann", "k", { tea: 1 }, { mode: "saga" });
  expect(engine.ask(later)).toMatchObject({ code: "invalid_request", details: { path: "params.mode" } });
  expect(engine.ask({ ...later, pay: "balance" }).code).toBe("ok");
});

test.each([1, 3])("payWithinMs with pay balance is refused: nothing is held (%i shards)", (shards) => {
  const engine = shop({ shards });
  for (const [key, mode] of [
    ["k1", "tcc"],
    ["k2", "saga"],
  ] as const)
    for (const cart of [{ tea: 1 }, { tea: 1, mug: 1 }]) {
      const paid = place("ann", key + Object.keys(cart).length, cart, { pay: "balance", mode });
      const details = { path: "params.payWithinMs" };
      expect(engine.ask({ ...paid, payWithinMs: 60_000 })).toMatchObject({
        code: "invalid_request",
        details,
      });
      expect(engine.ask({ ...paid, payWithinMs: 60_000, dryRun: true })).toMatchObject({ details });
      expect(engine.ask(paid)).toMatchObject({ code: "ok", replayed: false });
    }
});

test("a request of a log that was written before such fields were refused gets its stored answer", () => {
  const engine = shop();
  const first = engine.ask(place("ann", "k", { tea: 1 }, { pay: "balance" }));
  const { keys, accountByName } = engine.shards[0]!.books;
  const entry = keys.find(spaces.order, accountByName.get("ann")!.handle, "k");
  // As 0.1.0 kept it: with the field.
  const hash = new ParamsHash().begin(1).text("tea").number(1).text("balance").text("tcc");
  const paramsHash = hash.number(60_000).amount(undefined, "normal").end();
  Object.assign(keys, { paramsHash: (of: number) => (of === entry ? paramsHash : 0) });
  const asked = place("ann", "k", { tea: 1 }, { pay: "balance", payWithinMs: 60_000 });
  expect(engine.ask(asked)).toEqual({ ...first, replayed: true });
  expect(engine.ask({ ...asked, payWithinMs: 60_001 }).code).toBe("key_reused");
});

test.each([1, 3])("lines of one product keep to the bound of a line together (%i shards)", (shards) => {
  const engine = shop({ shards });
  engine.ask(product("grain", "0.01", { stock: 5_000_000 }));
  const lines = (...qtys: number[]) => qtys.map((qty) => ({ product: "grain", qty }));
  const over = { ...place("ann", "k", {}), lines: lines(qtyMax, 500_000) };
  const details = { path: "params.lines[1].qty" };
  expect(engine.ask(over)).toMatchObject({ code: "invalid_request", details });
  expect(engine.ask({ ...over, lines: lines(qtyMax - 1, 1) }).code).toBe("ok");
  const order = paid(engine);
  expect(refund(engine, order, { lines: lines(qtyMax, 1) })).toMatchObject({
    code: "invalid_request",
    details,
  });
});

test("a late copy of a reprice: replayed while nothing has changed since, then refused", () => {
  const engine = shop();
  const reprice = (price: string, expectedVersion?: number) =>
    engine.ask({ method: "product.reprice", product: "tea", price, expectedVersion });
  expect(reprice("12.00", 1)).toMatchObject({ code: "ok", result: { price: "12.00", priceVersion: 2 } });
  expect(reprice("12", 1)).toMatchObject({ code: "ok", replayed: true, result: { priceVersion: 2 } });
  expect(reprice("9.00", 2)).toMatchObject({ code: "ok", replayed: false, result: { priceVersion: 3 } });
  expect(reprice("12.00", 1)).toMatchObject({ code: "version_mismatch", details: { version: 3 } });
  expect(reprice("12.00")).toMatchObject({ code: "ok", result: { priceVersion: 4 } });
});

test("already_exists says whether the content was the same", () => {
  const engine = shop();
  const tea = product("tea", "9.99", { name: "Tea", stock: 10 });
  const same = (params: object) => engine.ask({ ...tea, ...params });
  expect(same({})).toMatchObject({ code: "already_exists", details: { product: "tea", same: true } });
  for (const other of [
    { name: "T" },
    { price: "9.98" },
    { stock: 11 },
    { limitPerAccount: 1 },
    { currency: "USD" },
  ])
    expect(same(other).details).toEqual({ product: "tea", same: false });
  const open = (currency: string) => engine.ask({ method: "account.open", account: "ann", currency }).details;
  expect([open("CNY"), open("EUR")]).toEqual([
    { account: "ann", same: true },
    { account: "ann", same: false },
  ]);
});

test("a sale that is over before it is made, or began in 1970, is refused; a product shows its limit and window", () => {
  const engine = shop();
  const seconds = Math.floor(epochMs / 1000) + 86_400;
  for (const window of [{ saleEndsAt: seconds }, { saleStartsAt: 1, saleEndsAt: seconds }])
    expect(engine.ask(product("pen", "1.00", window))).toMatchObject({
      ...{ code: "invalid_request", details: { path: "params.saleEndsAt" } },
    });
  // In seconds it would have been open since 1970, days before it should be.
  expect(
    engine.ask(product("pen", "1.00", { saleStartsAt: seconds, saleEndsAt: epochMs + 60_000 })),
  ).toMatchObject({
    ...{ code: "invalid_request", details: { path: "params.saleStartsAt" } },
  });
  const window = { limitPerAccount: 3, saleStartsAt: epochMs, saleEndsAt: epochMs + 60_000 };
  const shown = {
    limitPerAccount: 3,
    saleStartsAt: "2026-01-01T00:00:00.000Z",
    saleEndsAt: "2026-01-01T00:01:00.000Z",
  };
  expect(engine.ask(product("pen", "1.00", window)).result).toMatchObject(shown);
  const get = (id: string) => engine.ask({ method: "product.get", product: id }).result;
  expect(get("pen")).toMatchObject(shown);
  expect(get("tea")).toMatchObject({ limitPerAccount: null, saleStartsAt: null, saleEndsAt: null });
});
