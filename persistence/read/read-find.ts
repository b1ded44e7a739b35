/**
 * Orders found by what is known of them, newest first, over all shards. The statement is made for the fields that are given, so that
 * each search goes by an index:
 *
 *   given                      goes by
 *   ref, tracking, payment     their own index; few orders have the same one
 *   product                    items by product and time
 *   account                    orders by account and status: all of the account's are sorted
 *   anything else              orders by status and time, one status after the other
 */

import type Database from "better-sqlite3";
import { statuses } from "../../actors/order-transitions.js";
import type { OrderRow } from "./read-results.js";

export interface OrderFilter {
  readonly account?: string | undefined;
  readonly status?: string | undefined;
  readonly product?: string | undefined;
  readonly ref?: string | undefined;
  readonly tracking?: string | undefined;
  readonly payment?: string | undefined;
  /** Placed at `from` or later and before `to`, ms. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

type Find = (filter: OrderFilter, beforeMs: number, before: number, count: number) => OrderRow[];

const conditions: { readonly [F in keyof OrderFilter]-?: string } = {
  account: "orders.account = @account",
  status: "orders.status = @status",
  product:
    "EXISTS (SELECT 1 FROM order_items AS line WHERE line.order_no = orders.order_no AND line.product = @product)",
  ref: "orders.ref = @ref",
  tracking: "orders.tracking = @tracking",
  payment: "orders.order_no IN (SELECT order_no FROM payments WHERE payment_id = @payment)",
  from: "orders.created_at_ms >= @from",
  to: "orders.created_at_ms < @to",
};

/** Of what is given the first says by which index, because SQLite knows nothing of how often what occurs. */
const indexes = [
  ["ref", "orders_by_ref"],
  ["tracking", "orders_by_tracking"],
  ["payment", "sqlite_autoindex_orders_1"],
  ["product", ""],
  ["account", "orders_by_account_and_status"],
] as const;

/** Of two placed in one millisecond the larger number is first. */
const older = "(orders.created_at_ms, orders.number) < (@beforeMs, @before)";
const newestFirst = "ORDER BY orders.created_at_ms DESC, orders.number DESC LIMIT @count";

export function prepareFind(db: Database.Database): Find {
  const statements = new Map<string, Database.Statement<[object], OrderRow>>();
  return (filter, beforeMs, before, count) => {
    const given = (Object.keys(conditions) as (keyof OrderFilter)[]).filter(
      (name) => filter[name] !== undefined,
    );
    const shape = given.join(" ");
    let statement = statements.get(shape);
    if (!statement) {
      statement = db.prepare<[object], OrderRow>(sqlOf(given));
      statements.set(shape, statement);
    }
    const values = Object.fromEntries(given.map((name) => [name, filter[name]]));
    return statement.all({ ...values, beforeMs, before, count });
  };
}

function sqlOf(given: readonly (keyof OrderFilter)[]): string {
  const where = [...given.map((name) => conditions[name]), older].join(" AND ");
  const [first, index] = indexes.find(([name]) => given.includes(name)) ?? [];
  if (first === "product") return ofProduct(given);
  if (index) return `SELECT * FROM orders INDEXED BY ${index} WHERE ${where} ${newestFirst}`;
  if (given.includes("status")) return `SELECT * FROM orders WHERE ${where} ${newestFirst}`;
  const each = statuses.map(
    (status) =>
      `SELECT * FROM (SELECT * FROM orders WHERE orders.status = '${status}' AND ${where} ${newestFirst})`,
  );
  return `SELECT * FROM (${each.join(" UNION ALL ")}) AS orders ${newestFirst}`;
}

/** A product has one line of an order, so no order is found twice. */
function ofProduct(given: readonly (keyof OrderFilter)[]): string {
  const others = given.filter((name) => name !== "product" && name !== "from" && name !== "to");
  const times = [
    ...(given.includes("from") ? ["item.created_at_ms >= @from"] : []),
    ...(given.includes("to") ? ["item.created_at_ms < @to"] : []),
  ];
  const where = ["item.product = @product", "item.created_at_ms <= @beforeMs", ...times, older];
  return `SELECT orders.* FROM order_items AS item CROSS JOIN orders ON orders.order_no = item.order_no
    WHERE ${[...where, ...others.map((name) => conditions[name])].join(" AND ")}
    ORDER BY item.created_at_ms DESC, orders.number DESC LIMIT @count`;
}
