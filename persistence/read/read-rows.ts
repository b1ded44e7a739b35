/** The statements that write and load the rows of `read-schema`, prepared once per connection. */

import type Database from "better-sqlite3";

type Value = string | number | Uint8Array | null;
type Write = Database.Statement<Value[]>;

export interface Writes {
  readonly order: Write;
  readonly orderDescribed: Write;
  readonly orderAdjusted: Write;
  readonly itemAdjusted: Write;
  readonly extra: Write;
  readonly item: Write;
  readonly log: Write;
  /** These four give the order's new version. */
  readonly orderPaid: Write;
  readonly orderSettled: Write;
  readonly orderCanceled: Write;
  readonly orderMoved: Write;
  readonly statusOf: Write;
  readonly orderArchived: Write;
  readonly orderPoints: Write;
  readonly orderPaidOutside: Write;
  readonly orderRefunding: Write;
  readonly orderRefunded: Write;
  /** Adds a refund's shares to the lines of its order. */
  readonly itemsRefunded: Write;
  readonly extrasRefunded: Write;
  readonly payment: Write;
  readonly paymentApplied: Write;
  readonly paymentOutcome: Write;
  readonly refund: Write;
  readonly refundShare: Write;
  readonly refundUnknown: Write;
  readonly refundEnded: Write;
  readonly human: Write;
  readonly humanResolved: Write;
  /** Both sides at once; what they share is bound once. */
  readonly entry: Write;
  readonly account: Write;
  readonly accountBalance: Write;
  readonly product: Write;
  readonly productFigures: Write;
  readonly productRepriced: Write;
  readonly productUpdated: Write;
  readonly productListed: Write;
  readonly productBackorder: Write;
  readonly productRenamed: Write;
  readonly handle: Write;
  readonly cursor: Write;
  loaded(): Loaded;
}

/** What a restart needs from the tables. */
export interface Loaded {
  readonly cursors: { shard: number; position: number; hash: Uint8Array | null }[];
  /** In the order of their handles. */
  readonly handles: { shard: number; kind: "account" | "product"; id: string; name: string | null }[];
  readonly accounts: {
    account: string;
    shard: number;
    currency: string;
    available_minor: number;
    points: number;
  }[];
  readonly products: {
    product: string;
    shard: number;
    price_minor: number;
    available: number;
    held: number;
    sold: number;
  }[];
}

export function prepareWrites(db: Database.Database): Writes {
  const write = (sql: string): Write => db.prepare<Value[]>(sql);
  return {
    order: write(
      `INSERT INTO orders (number, order_no, shard, account, currency, scale, total_minor, amount_paid_minor,
         status, version, pay_by_ms, created_at_ms, paid_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
    ),
    orderAdjusted: write("UPDATE orders SET adjustments = ?, tax_minor = ? WHERE number = ?"),
    itemAdjusted: write(
      "UPDATE order_items SET total_minor = ?, tax_minor = ? WHERE order_no = ? AND line = ?",
    ),
    extra: write(
      `INSERT INTO order_extras (order_no, line, type, name, scale, total_minor, tax_minor)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    orderDescribed: write(
      `UPDATE orders SET ref = ?, shipping_address = ?, contact = ?, shipping_method = ?, payment_method = ?,
         metadata = ?, data = ? WHERE number = ?`,
    ),
    item: write(
      `INSERT INTO order_items (order_no, line, product, name, scale, price_minor, qty, subtotal_minor, total_minor,
         created_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    log: write(
      `INSERT INTO order_logs (order_no, version, old_status, new_status, event, operator, remark, tracking, time_ms, key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    orderPaid: write(
      `UPDATE orders SET status = 'Paid', version = version + 1, amount_paid_minor = amount_paid_minor + ?,
         pay_by_ms = NULL, paid_at_ms = ? WHERE number = ? RETURNING version`,
    ).pluck(),
    // Money of an order that was canceled before may be what reinstates it, so it is not canceled any more.
    orderSettled: write(
      `UPDATE orders SET status = 'Paid', version = version + 1, pay_by_ms = NULL, paid_at_ms = ?,
         canceled_at_ms = NULL, cancel_cause = NULL, cancel_reason = NULL WHERE number = ? RETURNING version`,
    ).pluck(),
    orderCanceled: write(
      `UPDATE orders SET status = 'Canceled', version = version + 1, pay_by_ms = NULL, canceled_at_ms = ?,
         cancel_cause = ?, cancel_reason = ? WHERE number = ? RETURNING version`,
    ).pluck(),
    orderMoved: write(
      `UPDATE orders SET status = ?, version = version + 1, due_at_ms = ?, tracking = coalesce(?, tracking),
         shipped_at_ms = coalesce(?, shipped_at_ms), delivered_at_ms = coalesce(?, delivered_at_ms),
         completed_at_ms = coalesce(?, completed_at_ms) WHERE number = ? RETURNING version`,
    ).pluck(),
    statusOf: write("SELECT status FROM orders WHERE number = ?").pluck(),
    orderArchived: write("UPDATE orders SET archived_at_ms = ?, due_at_ms = NULL WHERE number = ?"),
    orderPoints: write(
      `UPDATE orders SET points_granted = points_granted + ?, points_reversed = points_reversed + ?
       WHERE number = ?`,
    ),
    orderPaidOutside: write(
      `UPDATE orders SET amount_paid_minor = amount_paid_minor + ?, payment_provider = ?,
         payment_id = ? WHERE number = ?`,
    ),
    orderRefunding: write("UPDATE orders SET refunding_minor = refunding_minor + ? WHERE number = ?"),
    orderRefunded: write(
      `UPDATE orders SET refunding_minor = refunding_minor - ?, amount_refunded_minor = amount_refunded_minor + ?,
         refunded_at_ms = ? WHERE number = ?`,
    ),
    itemsRefunded: write(
      `UPDATE order_items SET refunded_qty = refunded_qty + share.qty,
         refunded_minor = refunded_minor + share.amount_minor, returned_qty = returned_qty + share.qty * restock
       FROM refunds JOIN refund_shares AS share USING (refund_no)
       WHERE refund_no = ? AND order_items.order_no = share.order_no AND order_items.line = share.line`,
    ),
    extrasRefunded: write(
      `UPDATE order_extras SET refunded_minor = refunded_minor + share.amount_minor
       FROM refund_shares AS share
       WHERE refund_no = ? AND order_extras.order_no = share.order_no AND order_extras.line = share.line`,
    ),
    payment: write(
      `INSERT INTO payments (shard, payment, from_shard, provider, payment_id, reference, currency, scale,
         amount_minor, applied_minor, time_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`,
    ),
    paymentApplied: write(
      "UPDATE payments SET order_no = ?, applied_minor = applied_minor + ? WHERE shard = ? AND payment = ?",
    ),
    paymentOutcome: write(
      `UPDATE payments SET outcome = ?, money = ?, order_no = coalesce(?, order_no)
       WHERE provider = ? AND payment_id = ? AND shard = ? AND from_shard IS NULL`,
    ),
    refund: write(
      `INSERT INTO refunds (number, refund_no, shard, order_no, account, source, provider, payment_id, currency, scale,
         amount_minor, restock, reason, state, requested_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'requested', ?)`,
    ),
    refundShare: write(
      `INSERT INTO refund_shares (refund_no, line, order_no, scale, qty, amount_minor)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    refundUnknown: write("UPDATE refunds SET state = 'unknown', ref = ? WHERE number = ?"),
    refundEnded: write("UPDATE refunds SET state = ?, ref = ?, ended_at_ms = ? WHERE number = ?"),
    human: write(
      `INSERT INTO human_items (number, item_no, shard, kind, subject, currency, scale, amount_minor, units, attempts,
         error, evidence, state, opened_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)`,
    ),
    humanResolved: write(
      `UPDATE human_items SET state = 'resolved', action = ?, reason = ?, proof = ?, operator = ?,
         resolved_at_ms = ? WHERE number = ?`,
    ),
    entry: write(
      `INSERT INTO ledger_entries (shard, position, type, unit, scale, order_no, ref, time_ms,
         entry, account, amount_minor, balance_minor)
       SELECT * FROM (SELECT ?, ?, ?, ?, ?, ?, ?, ?), (VALUES (1, ?, ?, ?), (2, ?, ?, ?))`,
    ),
    account: write(
      "INSERT INTO accounts (account, shard, currency, scale, available_minor, points) VALUES (?, ?, ?, ?, 0, 0)",
    ),
    accountBalance: write("UPDATE accounts SET available_minor = ?, points = ? WHERE account = ?"),
    product: write(
      `INSERT INTO products (product, shard, name, currency, scale, price_minor, available, held, sold, version,
         limit_per_account, sale_starts_at_ms, sale_ends_at_ms, backorder, delisted)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, 1, ?, ?, ?, 0, 0)`,
    ),
    productFigures: write(
      "UPDATE products SET price_minor = ?, available = ?, held = ?, sold = ? WHERE product = ?",
    ),
    productRepriced: write("UPDATE products SET version = version + 1 WHERE product = ?"),
    productUpdated: write(
      `UPDATE products SET version = ?, name = ?, limit_per_account = ?, sale_starts_at_ms = ?, sale_ends_at_ms = ?,
         backorder = ? WHERE product = ?`,
    ),
    productBackorder: write("UPDATE products SET backorder = ? WHERE product = ?"),
    productListed: write("UPDATE products SET version = ?, delisted = ? WHERE product = ?"),
    productRenamed: write("UPDATE handles SET name = ? WHERE shard = ? AND kind = 'product' AND handle = ?"),
    handle: write("INSERT INTO handles (shard, kind, handle, id, name) VALUES (?, ?, ?, ?, ?)"),
    cursor: write("INSERT OR REPLACE INTO cursors (shard, position, hash) VALUES (?, ?, ?)"),
    loaded: () => ({
      cursors: rows(db, "SELECT shard, position, hash FROM cursors"),
      handles: rows(db, "SELECT shard, kind, id, name FROM handles ORDER BY shard, kind, handle"),
      accounts: rows(db, "SELECT account, shard, currency, available_minor, points FROM accounts"),
      products: rows(db, "SELECT product, shard, price_minor, available, held, sold FROM products"),
    }),
  };
}

function rows<Row>(db: Database.Database, sql: string): Row[] {
  return db.prepare<[], Row>(sql).all();
}
