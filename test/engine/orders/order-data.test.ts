/** What a shop says of its orders: given back as it was given, wherever the order is read; and the order found by the shop's number. */

import { describe, expect, test } from "vitest";
import { orderDataText } from "../../../actors/order-data.js";
import { parseOrderId } from "../../../actors/order-number.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers } from "../../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { firstBad } from "../../support/audited.js";
import { type TestEngine, testEngine } from "../../support/engine.js";
import { balanceOf, place, shop } from "../../support/shop.js";
import { ledgerOf } from "../../support/transactions.js";

const data = {
  ref: "PO 2026/17",
  address: { name: "Ann", street: "人民路 1", city: "上海" },
  contact: "ann@example.org",
  shippingMethod: "by bicycle",
  paymentMethod: "invoice",
  metadata: { campaign: "autumn", "gift wrap": "yes" },
};

const ways = [1, 3].flatMap((shards) =>
  ["tcc", "saga"].flatMap((mode) => ["later", "balance"].map((pay) => ({ shards, mode, pay }))),
);

describe.each(ways.filter(({ mode, pay }) => mode === "tcc" || pay === "balance"))(
  "$shards shards, $mode, $pay",
  ({ shards, mode, pay }) => {
    const cart = { tea: 1, mug: 1 };

    test("the answer, its replay, order.get and order.lookup have it; the same key with another is reused", () => {
      const engine = shop({ shards });
      const asked = place("ann", "k", cart, { mode, pay, ...data });
      const { result } = engine.ask(asked);
      expect(result).toMatchObject(data);
      expect(engine.ask(asked)).toEqual({ code: "ok", result, replayed: true });
      expect(engine.ask({ method: "order.get", order: result.order }).result).toEqual(result);
      const lookup = engine.ask({ method: "order.lookup", account: "ann", key: "k" });
      expect(lookup.result.result).toEqual(result);
      const turned = { metadata: { "gift wrap": "yes", campaign: "autumn" } };
      expect(engine.ask(place("ann", "k", cart, { mode, pay, ...data, ...turned })).replayed).toBe(true);
      for (const field of Object.keys(data)) {
        const other = { ...data, [field]: field === "metadata" ? { campaign: "spring" } : "other" };
        expect(engine.ask(place("ann", "k", cart, { mode, pay, ...other })).code).toBe("key_reused");
        const without = { ...data, [field]: undefined };
        expect(engine.ask(place("ann", "k", cart, { mode, pay, ...without })).code).toBe("key_reused");
      }
      expect(firstBad(engine)).toBeUndefined();
    });

    test("a replay of the log has the same books, and nothing is kept of an order that was refused", () => {
      const engine = shop({ shards });
      engine.ask(place("ann", "k", cart, { mode, pay, ...data }));
      expect(engine.ask(place("ann", "k2", { tea: 1, mug: 9 }, { mode, pay, ...data })).code).not.toBe("ok");
      const again = testEngine({ shards, journals: engine.journals });
      expect(again.hashes()).toEqual(engine.hashes());
      const kept = engine.shards.map(({ books }) => [books.pending.size, books.afterSales.byRef.size]);
      expect(kept.flat().filter((size) => size > 0)).toEqual([1]);
      expect(firstBad(engine)).toBeUndefined();
    });
  },
);

/** The order as the read side gives it back. */
function read(engine: TestEngine, order: string): Record<string, unknown> {
  const db = openReadDatabase(":memory:");
  const model = new ReadModel(db);
  for (const [shard, journal] of engine.journals.entries()) model.project(shard, [...journal.read(1)]);
  model.commit();
  const found = prepareAnswers(db).order({ order }) as Record<string, unknown>;
  const columns = db.prepare("SELECT * FROM orders WHERE order_no = ?").get(order) as object;
  db.close();
  return { ...found, columns };
}

test.each([1, 3])(
  "an order that has left the books is read with it, and its number is free (%i shards)",
  (shards) => {
    const engine = shop({ shards, settings: { keysKeepMs: 1000 } });
    const { result } = engine.ask(place("ann", "k", { tea: 1, mug: 1 }, data));
    expect(read(engine, result.order)).toMatchObject({ ...result, status: "Created" });
    engine.ask({ method: "order.cancel", order: result.order, key: "k2" });
    for (let n = 0; n < 5; n++) engine.pass(60_000);
    expect(engine.shards.some(({ books }) => books.orders.has(parseOrderId(result.order)!))).toBe(false);
    expect(engine.shards.some(({ books }) => books.afterSales.byRef.size > 0)).toBe(false);
    expect(read(engine, result.order)).toMatchObject(data);
  },
);

test("the columns of read.db, and an address in one text that looks like several and stays one", () => {
  const engine = shop();
  const address = '{"city":"Bonn"}';
  const { order } = engine.ask(place("ann", "k", { tea: 1 }, { ...data, address })).result;
  const found = read(engine, order);
  expect(found.address).toBe(address);
  expect(found.columns).toMatchObject({
    ref: data.ref,
    shipping_address: address,
    contact: data.contact,
    shipping_method: data.shippingMethod,
    payment_method: data.paymentMethod,
    metadata: '{"campaign":"autumn","gift wrap":"yes"}',
  });
});

test("one text for what is the same, whatever order it came in", () => {
  const texts = [
    { address: { a: "1", b: "2" }, contact: "c" },
    { contact: "c", address: { b: "2", a: "1" }, metadata: undefined },
  ].map(orderDataText);
  expect(new Set(texts)).toEqual(new Set(['{"address":{"a":"1","b":"2"},"contact":"c"}']));
  expect(orderDataText({ ref: "only the number" })).toBe("");
});

describe.each([1, 3])("a payment that names the shop's number (%i shards)", (shards) => {
  const notify = (order: string, paymentId: string, amount = "9.99") =>
    ({ method: "payment.notify", provider: "bank", paymentId, order, amount, currency: "CNY" }) as const;

  test.each(["ann", "ben"])("is for the one order of %s that has it, once", (account) => {
    const engine = shop({ shards });
    const { order } = engine.ask(place(account, "k", { tea: 1 }, { ref: "PO-1" })).result;
    engine.ask(place(account, "k2", { tea: 1 }, { ref: "PO-2" }));
    for (let n = 0; n < 20; n++) {
      const paid = engine.ask(notify("PO-1", `p${n}`));
      expect([paid.code, paid.result?.outcome]).toEqual(["ok", n === 0 ? "paid" : "duplicate_payment"]);
      expect(engine.ask(notify("PO-1", `p${n}`)).replayed).toBe(true);
    }
    expect(engine.ask({ method: "order.get", order }).result).toMatchObject({ status: "Paid", ref: "PO-1" });
    expect(firstBad(engine)).toBeUndefined();
  });

  test("and that several orders have, goes to suspense, and the item names them", () => {
    const engine = shop({ shards });
    const orders = ["ann", "ben"].map(
      (account) => engine.ask(place(account, "k", { tea: 1 }, { ref: "PO-1" })).result.order as string,
    );
    for (let n = 0; n < 6; n++) {
      expect(engine.ask(notify("PO-1", `p${n}`)).result.outcome).toBe("unmatched_payment");
    }
    const items = engine.shards.flatMap(({ books }) => [...books.human.items()]);
    expect(items).toHaveLength(6);
    for (const { error } of items) {
      expect(error).toMatch(/^2 orders have the number PO-1: /);
      for (const order of orders) expect(error).toContain(order);
    }
    expect(ledgerOf(engine)["suspense:CNY"]).toBe(5994);
    expect(firstBad(engine)).toBeUndefined();
  });

  test("an order's own number goes before a shop's that looks like it", () => {
    const engine = shop({ shards });
    const { order: first } = engine.ask(place("ann", "k", { tea: 1 })).result;
    const { order: second } = engine.ask(place("ben", "k", { tea: 1 }, { ref: first })).result;
    engine.ask(notify(first, "p1"));
    const statusOf = (order: string) => engine.ask({ method: "order.get", order }).result.status;
    expect([statusOf(first), statusOf(second)]).toEqual(["Paid", "Created"]);
    expect(balanceOf(engine, "ann")).toBe("100.00");
  });
});
