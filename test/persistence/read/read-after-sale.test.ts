import type Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { itemId, orderId, refundId } from "../../../actors/order-number.js";
import { ReadModel } from "../../../persistence/read/read-model.js";
import { openReadDatabase } from "../../../persistence/read/read-schema.js";
import { afterSale, at, projected } from "../after-sale-log.js";
import { groupsOf, order } from "../trading-log.js";

describe("the tables", () => {
  const { db } = projected();
  const rowsOf = (sql: string) => db.prepare(sql).all();

  test("an order's row says how it was paid, sent, refunded, canceled and archived", () => {
    const rows = rowsOf("SELECT * FROM readable_orders ORDER BY number") as Record<string, unknown>[];
    const seen = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).filter(
          ([name, value]) => value !== null && value !== 0 && value !== "0.00" && !/_m(?:s|inor)$/.test(name),
        ),
      ),
    );
    const same = { currency: "CNY", scale: 2 };
    const of = (sequence: number, account: string) => ({
      ...same,
      number: order(sequence),
      order_no: orderId(order(sequence)),
      account,
    });
    expect(seen).toEqual([
      {
        ...of(1, "alice"),
        status: "Completed",
        version: 9,
        total: "23.00",
        amount_paid: "23.00",
        amount_refunded: "10.00",
        created_at: at(5),
        paid_at: at(6),
        tracking: "SF-1",
        shipped_at: at(8),
        delivered_at: at(10),
        completed_at: at(11),
        refunded_at: at(13),
        points_granted: 23,
        points_reversed: 10,
        archived_at: at(39),
      },
      {
        ...of(2, "bob"),
        status: "Paid",
        version: 4,
        total: "10.00",
        amount_paid: "10.00",
        amount_refunded: "6.00",
        created_at: at(14),
        paid_at: at(16),
        payment_provider: "alipay",
        payment_id: "p2",
        refunded_at: at(21),
      },
      {
        ...of(3, "bob"),
        status: "Canceled",
        version: 2,
        total: "3.00",
        amount_paid: "1.00",
        refunding: "1.00",
        created_at: at(22),
        payment_provider: "alipay",
        payment_id: "p3",
        canceled_at: at(24),
        cancel_cause: "deadline",
        cancel_reason: "too late",
      },
      {
        ...of(4, "bob"),
        status: "Paid",
        version: 3,
        total: "3.00",
        amount_paid: "3.00",
        created_at: at(25),
        paid_at: at(27),
        payment_provider: "alipay",
        payment_id: "p4",
      },
      {
        ...of(5, "alice"),
        status: "Shipped",
        version: 5,
        total: "10.00",
        amount_paid: "10.00",
        created_at: at(28),
        paid_at: at(28),
        tracking: "SF-2",
        shipped_at: at(30),
        due_at: at(604_829),
      },
      {
        ...of(6, "alice"),
        status: "Canceled",
        version: 2,
        total: "3.00",
        created_at: at(33),
        canceled_at: at(34),
        cancel_cause: "request",
        archived_at: at(40),
      },
      {
        ...of(7, "alice"),
        status: "Created",
        version: 1,
        total: "3.00",
        created_at: at(35),
        pay_by: at(900),
      },
    ]);
  });

  test("an order's lines say what came back of them, and only once it did", () => {
    const rows = rowsOf(
      `SELECT order_no, product, qty, refunded_qty, refunded, returned_qty FROM readable_order_items
       WHERE refunded_minor > 0 OR order_no = '${orderId(order(3))}' ORDER BY order_no`,
    );
    expect(rows).toEqual([
      {
        order_no: orderId(order(1)),
        product: "tea",
        qty: 2,
        refunded_qty: 1,
        refunded: "10.00",
        returned_qty: 1,
      },
      {
        order_no: orderId(order(2)),
        product: "tea",
        qty: 1,
        refunded_qty: 1,
        refunded: "6.00",
        returned_qty: 0,
      },
      {
        order_no: orderId(order(3)),
        product: "cup",
        qty: 1,
        refunded_qty: 0,
        refunded: "0.00",
        returned_qty: 0,
      },
    ]);
  });

  test("a payment's row says what it was, what the order took of it and what was done about it", () => {
    const rows = rowsOf(
      `SELECT payment_id, reference, order_no, amount, applied, currency, outcome, money, time
       FROM readable_payments WHERE provider = 'alipay' ORDER BY payment`,
    ) as Record<string, unknown>[];
    const [two, three, four, seven] = [2, 3, 4, 7].map((sequence) => orderId(order(sequence)));
    expect(rows.map((row) => Object.values(row))).toEqual([
      ["p1", two, two, "4.00", "4.00", "CNY", "partially_paid", "kept", at(15)],
      ["p2", two, two, "8.00", "6.00", "CNY", "paid", "surplus_refunded", at(16)],
      ["p3", three, three, "1.00", "1.00", "CNY", "partially_paid", "kept", at(23)],
      ["p4", four, four, "3.00", "3.00", "CNY", "late_payment", "reinstated", at(27)],
      ["p5", "order-9", null, "5.00", "0.00", "CNY", "unmatched_payment", "human", at(36)],
      ["p6", seven, null, "70", "0", "JPY", "currency_mismatch", "human", at(37)],
    ]);
  });

  test("a refund's row says where its money goes and how far it came", () => {
    const rows = rowsOf(
      `SELECT refund_no, order_no, account, source, provider, payment_id, amount, restock, reason, state, ref,
         requested_at, ended_at FROM readable_refunds ORDER BY number`,
    ) as Record<string, unknown>[];
    const [r1, r2, r3, r4, r5] = [1, 2, 3, 4, 5].map((sequence) => refundId(order(sequence)));
    const [one, two, three] = [1, 2, 3].map((sequence) => orderId(order(sequence)));
    expect(rows.map((row) => Object.values(row))).toEqual([
      [r1, one, "alice", "order", null, null, "10.00", 1, "stale", "done", null, at(13), at(13)],
      [r2, two, "bob", "suspense", "alipay", "p2", "2.00", 0, "surplus", "done", "ali-77", at(16), at(17)],
      [r3, two, "bob", "order", "alipay", "p2", "6.00", 0, "late", "done", "ali-78", at(18), at(21)],
      [r4, two, "bob", "order", "alipay", "p1", "4.00", 0, "late", "refused", "card closed", at(18), at(20)],
      [r5, three, "bob", "order", "alipay", "p3", "1.00", 0, "too late", "requested", null, at(24), null],
    ]);
    expect(rowsOf("SELECT refund_no, line, qty, amount FROM readable_refund_shares")).toEqual([
      { refund_no: r1, line: 1, qty: 1, amount: "10.00" },
      { refund_no: r3, line: 1, qty: 1, amount: "6.00" },
      { refund_no: r4, line: 1, qty: 0, amount: "4.00" },
      { refund_no: r5, line: 1, qty: 0, amount: "1.00" },
    ]);
  });

  test("a refund that nobody knows the end of is unknown until somebody does", () => {
    const turns = afterSale();
    const upTo = (index: number) =>
      projected(groupsOf(turns.slice(0, index)))
        .db.prepare(
          "SELECT state, refunds.ref, refunding_minor FROM refunds JOIN orders USING (order_no) WHERE refund_no = ?",
        )
        .get(refundId(order(3)));
    expect([18, 19, 20, 21].map(upTo)).toEqual([
      { state: "requested", ref: null, refunding_minor: 1000 },
      { state: "unknown", ref: "timeout", refunding_minor: 1000 },
      { state: "unknown", ref: "timeout", refunding_minor: 600 },
      { state: "done", ref: "ali-78", refunding_minor: 0 },
    ]);
  });

  test("an item for a human is open until somebody resolves it", () => {
    const rows = rowsOf(
      `SELECT item_no, kind, subject, amount, currency, state, action, reason, proof, operator, resolved_at
       FROM readable_human_items ORDER BY number`,
    ) as Record<string, unknown>[];
    const [first, second] = [1, 2].map((sequence) => itemId(order(sequence)));
    expect(rows.map((row) => Object.values(row))).toEqual([
      [first, 1, "alipay:p5", "5.00", "CNY", "resolved", 4, "bob's", "mail 12", "wei", at(38)],
      [second, 1, "alipay:p6", "70", "JPY", "open", null, null, null, null, null],
    ]);
  });

  test("the ledger sums to zero in every unit, and the rows of accounts and products are its balances", () => {
    expect(rowsOf("SELECT unit, sum(amount_minor) AS sum FROM ledger_entries GROUP BY unit")).toEqual(
      ["CNY", "JPY", "points", "unit:cup", "unit:tea"].map((unit) => ({ unit, sum: 0 })),
    );
    const sums = Object.fromEntries(
      db
        .prepare(
          `SELECT account, sum(amount_minor) FROM ledger_entries WHERE account NOT GLOB 'stock:*' GROUP BY account`,
        )
        .raw()
        .all() as [string, number][],
    );
    expect(sums).toEqual({
      "clearing:alipay:CNY": -(400 + 800 + 100 + 300 + 500) + 200 + 600,
      "clearing:alipay:JPY": -70,
      "issued:points": -13,
      [`order:${orderId(order(1))}`]: 0,
      [`order:${orderId(order(2))}`]: 400,
      [`order:${orderId(order(3))}`]: 0,
      [`order:${orderId(order(4))}`]: 300,
      [`order:${orderId(order(5))}`]: 1000,
      "outside:CNY": -20_000,
      "payable:CNY": 100,
      "points:alice": -7,
      "redeemed:points": 20,
      "revenue:CNY": 1300,
      "suspense:CNY": 0,
      "suspense:JPY": 70,
      "wallet:alice": 10_000 - 2300 + 1000 - 1000,
      "wallet:bob": 10_500,
    });
    expect(rowsOf("SELECT account, available, points FROM readable_accounts")).toEqual([
      { account: "alice", available: "77.00", points: -7 },
      { account: "bob", available: "105.00", points: 0 },
    ]);
    expect(rowsOf("SELECT product, available, held, sold FROM products")).toEqual([
      { product: "cup", available: 47, held: 1, sold: 2 },
      { product: "tea", available: 47, held: 0, sold: 3 },
    ]);
  });

  test("every entry has a name, and leads back to the payment, the refund or the item that it came from", () => {
    const rows = rowsOf(
      `SELECT DISTINCT type, unit GLOB 'unit:*' AS pieces, ref IS NOT NULL AS leads FROM ledger_entries ORDER BY type`,
    ) as { type: string; pieces: number; leads: number }[];
    const named = (pieces: number, leads: number) =>
      rows.filter((row) => row.pieces === pieces && row.leads === leads).map(({ type }) => type);
    expect(named(1, 0)).toEqual(["confirm", "create", "hold", "release", "return", "sell"]);
    expect(named(0, 0)).toEqual(["capture", "grant", "revenue", "reverse"]);
    expect(named(0, 1)).toEqual([
      ...["apply", "deposit", "entry", "payment", "refund", "refund_done", "refund_refused", "spend"],
    ]);
    expect(
      rowsOf("SELECT type, amount, balance, ref FROM readable_ledger_entries WHERE account = 'points:alice'"),
    ).toEqual([
      { type: "grant", amount: "23", balance: "23", ref: null },
      { type: "spend", amount: "-20", balance: "3", ref: "mug" },
      { type: "reverse", amount: "-10", balance: "-7", ref: null },
    ]);
  });

  test.each([
    ["payments of an order", "SELECT * FROM readable_payments WHERE order_no = 'o1'", "payments_by_order"],
    [
      "a payment by its provider's number",
      "SELECT * FROM payments WHERE provider = 'a' AND payment_id = '1'",
      "payments_by_id",
    ],
    [
      "refunds of an order",
      "SELECT * FROM readable_refunds WHERE order_no = 'o1' ORDER BY number",
      "refunds_by_order",
    ],
    [
      "refunds that wait, oldest first",
      "SELECT * FROM refunds WHERE state = 'unknown' ORDER BY requested_at_ms",
      "refunds_by_state_and_time",
    ],
    [
      "open items for a human, oldest first",
      "SELECT * FROM readable_human_items WHERE state = 'open' ORDER BY opened_at_ms",
      "human_items_by_state_and_time",
    ],
  ])("%s: by an index, without a sort", (_, sql, index) => {
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail).join()).toContain(index);
    expect(plan.map(({ detail }) => detail).join()).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  test("a group at a time, by a new process each, gives the same rows as all at once", () => {
    const tables = db
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('cursors', 'opened_in_boot')",
      )
      .pluck()
      .all() as string[];
    const contents = (of: Database.Database) =>
      tables.map((table) => of.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).all());
    expect(tables).toHaveLength(12);
    const found = openReadDatabase(":memory:");
    for (const group of groupsOf(afterSale(), 1)) {
      const model = new ReadModel(found);
      model.project(0, [group]);
      model.commit();
    }
    expect(contents(found)).toEqual(contents(db));
  });
});
