/** The statements that write and load the rows of `read-schema`, prepared once per connection. */

import type Database from "better-sqlite3";

type Value = string | number | Uint8Array | null;
type Write = Database.Statement<Value[]>;

export interface Writes {
  readonly order: Write;
  readonly item: Write;
  readonly log: Write;
  /** Both give the order's new version. */
  readonly orderPaid: Write;
  readonly orderCanceled: Write;
  /** Both sides at once. */
  readonly entry: Write;
  readonly account: Write;
  readonly accountBalance: Write;
  readonly product: Write;
  readonly productFigures: Write;
  readonly handle: Write;
  readonly cursor: Write;
  loaded(): Loaded;
}

/** What a restart needs from the tables. */
export interface Loaded {
  readonly cursors: { shard: number; position: number; hash: Uint8Array | null }[];
  /** In the order of their handles. */
  readonly handles: { shard: number; kind: "account" | "product"; id: string; name: string | null }[];
  readonly accounts: { account: string; currency: string; available_minor: number }[];
  readonly products: {
    product: string;
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
         amount_refunded_minor, status, version, pay_by_ms, created_at_ms, paid_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 1, ?, ?, ?)`,
    ),
    item: write(
      `INSERT INTO order_items (order_no, line, product, name, scale, price_minor, qty, subtotal_minor)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    log: write(
      `INSERT INTO order_logs (order_no, version, old_status, new_status, event, operator, remark, time_ms, key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    orderPaid: write(
      `UPDATE orders SET status = 'Paid', version = version + 1, amount_paid_minor = amount_paid_minor + ?,
         pay_by_ms = NULL, paid_at_ms = ? WHERE number = ? RETURNING version`,
    ).pluck(),
    orderCanceled: write(
      `UPDATE orders SET status = 'Canceled', version = version + 1, pay_by_ms = NULL, canceled_at_ms = ?,
         cancel_reason = ? WHERE number = ? RETURNING version`,
    ).pluck(),
    entry: write(
      `INSERT INTO ledger_entries (shard, position, type, unit, scale, order_no, ref, time_ms,
         entry, account, amount_minor, balance_minor)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?, ?, 2, ?, ?, ?)`,
    ),
    account: write(
      "INSERT INTO accounts (account, shard, currency, scale, available_minor) VALUES (?, ?, ?, ?, 0)",
    ),
    accountBalance: write("UPDATE accounts SET available_minor = ? WHERE account = ?"),
    product: write(
      `INSERT INTO products (product, shard, name, currency, scale, price_minor, available, held, sold)
       VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0)`,
    ),
    productFigures: write(
      "UPDATE products SET price_minor = ?, available = ?, held = ?, sold = ? WHERE product = ?",
    ),
    handle: write("INSERT INTO handles (shard, kind, handle, id, name) VALUES (?, ?, ?, ?, ?)"),
    cursor: write("INSERT OR REPLACE INTO cursors (shard, position, hash) VALUES (?, ?, ?)"),
    loaded: () => ({
      cursors: rows(db, "SELECT shard, position, hash FROM cursors"),
      handles: rows(db, "SELECT shard, kind, id, name FROM handles ORDER BY shard, kind, handle"),
      accounts: rows(db, "SELECT account, currency, available_minor FROM accounts"),
      products: rows(db, "SELECT product, price_minor, available, held, sold FROM products"),
    }),
  };
}

function rows<Row>(db: Database.Database, sql: string): Row[] {
  return db.prepare<[], Row>(sql).all();
}
