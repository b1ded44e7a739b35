/** Orders found by what is known of them: as many as a slow search of all orders finds, newest first, page by page. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { prepareFind } from "../../../persistence/read/read-find.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers, ReadFailed } from "../../../persistence/read/read-queries.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { place, shop } from "../../support/shop.js";

interface Placed {
  readonly order: string;
  readonly account: string;
  readonly products: readonly string[];
  readonly ref: string | undefined;
  readonly at: number;
  readonly n: number;
  status: string;
  payment?: string;
  tracking?: string;
}

const engine = shop({ shards: 3 });
engine.ask({ method: "product.restock", product: "tea", qty: 1000 });
engine.ask({ method: "product.restock", product: "mug", qty: 1000 });
const all: Placed[] = [];
for (let n = 0; n < 60; n++) {
  if (n % 3 === 0) engine.pass(1000);
  const account = n % 4 === 0 ? "ben" : "ann";
  const products = n % 5 === 0 ? ["tea", "mug"] : [n % 2 === 0 ? "tea" : "mug"];
  const ref = n % 6 === 0 ? `PO-${n % 4}` : undefined;
  const cart = Object.fromEntries(products.map((product) => [product, 1]));
  const { order, createdAt, total } = engine.ask(place(account, `k${n}`, cart, { ref })).result;
  const placed: Placed = { order, account, products, ref, at: Date.parse(createdAt), n, status: "Created" };
  const payment = { provider: "bank", paymentId: `p${n % 20}`, order, amount: total, currency: "CNY" };
  if (n % 7 === 0 && n < 20) {
    engine.ask({ method: "payment.notify", ...payment });
    Object.assign(placed, { status: "Shipped", payment: payment.paymentId, tracking: `T${n % 2}` });
    engine.ask({ method: "order.advance", order, key: `a${n}`, event: "pack" });
    engine.ask({ method: "order.advance", order, key: `b${n}`, event: "ship", tracking: placed.tracking });
  } else if (n % 4 === 1) {
    engine.ask({ method: "order.cancel", order, key: `c${n}` });
    placed.status = "Canceled";
  }
  all.push(placed);
}
const db = openReadDatabase(":memory:");
const model = new ReadModel(db);
for (const [shard, journal] of engine.journals.entries()) model.project(shard, [...journal.read(1)]);
model.commit();
const answers = prepareAnswers(db);

const maybe = <T>(...values: T[]) => fc.constantFrom(undefined, undefined, ...values);
const times = all.map(({ at }) => at);
const filter = fc.record({
  account: maybe("ann", "ben", "eve"),
  status: maybe("Created", "Canceled", "Shipped", "Refunded"),
  product: maybe("tea", "mug", "pen"),
  ref: maybe("PO-0", "PO-2", "none"),
  tracking: maybe("T0", "T1", "none"),
  payment: maybe("p0", "p7", "none"),
  from: maybe(...times),
  to: maybe(...times),
});

test("every filter finds what a slow search finds, newest first, in pages of any size", () => {
  fc.assert(
    fc.property(filter, fc.integer({ min: 1, max: 70 }), (wanted, limit) => {
      const { account, status, product, ref, tracking, payment, from = 0, to = Infinity } = wanted;
      const right = all.filter(
        (one) =>
          (account === undefined || one.account === account) &&
          (status === undefined || one.status === status) &&
          (product === undefined || one.products.includes(product)) &&
          (ref === undefined || one.ref === ref) &&
          (tracking === undefined || one.tracking === tracking) &&
          (payment === undefined || one.payment === payment) &&
          one.at >= from &&
          one.at < to,
      );
      const found: string[] = [];
      const when: number[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = answers.find({ ...wanted, cursor, limit });
        const orders = page.orders as { order: string; createdAt: string }[];
        expect(orders.length).toBeLessThanOrEqual(limit);
        found.push(...orders.map(({ order }) => order));
        when.push(...orders.map(({ createdAt }) => Date.parse(createdAt)));
        if (page.cursor === null) break;
        cursor = page.cursor;
      }
      expect([...found].sort()).toEqual(right.map(({ order }) => order).sort());
      expect(when).toEqual([...when].sort((a, b) => b - a));
    }),
    { numRuns: 500 },
  );
});

test.each([
  [{ ref: "a", status: "Paid" }, "orders_by_ref (ref=?)"],
  [{ tracking: "a" }, "orders_by_tracking (tracking=?)"],
  [{ payment: "a" }, "payments_by_id (payment_id=?)"],
  [{ product: "tea", account: "ann" }, "order_items_by_product (product=? AND created_at_ms<?)"],
  [{ account: "ann" }, "orders_by_account_and_status (account=?)"],
  [{ account: "ann", status: "Paid" }, "orders_by_account_and_status (account=? AND status=?)"],
  [{ status: "Paid" }, "orders_by_status_and_time (status=? AND created_at_ms<?)"],
  [{ from: 1 }, "orders_by_status_and_time (status=? AND created_at_ms>? AND created_at_ms<?)"],
  [{}, "orders_by_status_and_time (status=? AND created_at_ms<?)"],
])("%j goes by %s", (given, index) => {
  const explaining = { prepare: (sql: string) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`) };
  const plan = prepareFind(explaining as unknown as typeof db)(given, 0, 0, 1);
  const details = (plan as unknown as { detail: string }[]).map(({ detail }) => detail);
  expect(details.join("; ")).toContain(index);
  expect(details.filter((detail) => /^SCAN (?:orders|payments|order_items|item)\b/.test(detail))).toEqual([]);
});

test("a cursor that was never given out is refused", () => {
  expect(() => answers.find({ cursor: "nonsense!" })).toThrow(ReadFailed);
});
