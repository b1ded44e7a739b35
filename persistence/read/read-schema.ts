/**
 * The tables of read.db, and when the file is worth keeping.
 *
 * For people with an SQL tool: amounts are exact integers of minor units in `..._minor`, times are ms since the epoch
 * in `..._ms`. Each table has a view `readable_...` that adds the same amounts as decimal text ("99.99") and the same
 * times in ISO 8601 under the plain names, and is searched by the same indexes. Add up the integers, show the texts.
 * In `ledger_entries` pieces of stock and points have scale 0, so both are the same there. (Generated columns would need no
 * views, but SQLite computes them at every insert: they doubled its cost.)
 *
 * READ-SCHEMA-1  Everything here follows from the logs: the file may be deleted at any time and is built again at the next start.
 * READ-SCHEMA-2  A cursor moves in the transaction that holds the rows it stands for, so no fact is projected twice or left out.
 * READ-SCHEMA-3  Nothing is ever fsynced (`synchronous = OFF`): the file shares its disk with the log, and every fsync here would
 *                hold up the one that answers wait for. The death of the process loses nothing. A power loss may leave any
 *                mixture of pages, so a file that was open then is not believed: `opened_in_boot` names the kernel's boot in
 *                which it was opened, and is cleared, after an fsync, only when it is closed in good order.
 */

import { readFileSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { createEmptyFile } from "../log/folder.js";

/** Raised whenever a table changes: a file of another version is built again. */
const schemaVersion = 7;

/** Exact at any size, unlike a division: SQLite has no decimals. Scales are 0, 2, 3 and 4, see `actors/money`. */
function decimalOf(minor: string): string {
  const digits = (unit: number, width: number) =>
    `printf('%s%d.%0${width}d', CASE WHEN ${minor} < 0 THEN '-' ELSE '' END, abs(${minor}) / ${unit}, abs(${minor}) % ${unit})`;
  return `CASE WHEN ${minor} IS NULL THEN NULL WHEN scale = 2 THEN ${digits(100, 2)}
          WHEN scale = 3 THEN ${digits(1000, 3)} WHEN scale = 4 THEN ${digits(10000, 4)} ELSE printf('%d', ${minor}) END`;
}

function time(name: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', ${name}_ms / 1000.0, 'unixepoch') AS ${name}`;
}

function readable(table: string, amounts: readonly string[], times: readonly string[]): string {
  const columns = [...amounts.map((name) => `${decimalOf(`${name}_minor`)} AS ${name}`), ...times.map(time)];
  return `CREATE VIEW readable_${table} AS SELECT *, ${columns.join(",\n  ")} FROM ${table};`;
}

const schema = `
-- ref: the shop's own number. shipping_address and contact are a text, or JSON of several by name; metadata is JSON.
-- data: all of these but ref in one JSON, which tells a text from several.
-- adjustments: JSON of what discounts, taxes, shipping, fees and rounding came to in minor units; NULL, like tax_minor, where there are none.
-- payment_provider and payment_id: of the last payment from outside; NULL when all came from the account's balance.
CREATE TABLE orders (
  number INTEGER PRIMARY KEY,
  order_no TEXT NOT NULL UNIQUE,
  shard INTEGER NOT NULL,
  account TEXT NOT NULL,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  total_minor INTEGER NOT NULL,
  amount_paid_minor INTEGER NOT NULL,
  amount_refunded_minor INTEGER NOT NULL DEFAULT 0,
  refunding_minor INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL,
  version INTEGER NOT NULL,
  pay_by_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  paid_at_ms INTEGER,
  payment_provider TEXT,
  payment_id TEXT,
  tracking TEXT,
  shipped_at_ms INTEGER,
  delivered_at_ms INTEGER,
  completed_at_ms INTEGER,
  due_at_ms INTEGER,
  points_granted INTEGER NOT NULL DEFAULT 0,
  points_reversed INTEGER NOT NULL DEFAULT 0,
  refunded_at_ms INTEGER,
  canceled_at_ms INTEGER,
  cancel_cause TEXT,
  cancel_reason TEXT,
  archived_at_ms INTEGER,
  ref TEXT,
  shipping_address TEXT,
  shipping_method TEXT,
  payment_method TEXT,
  contact TEXT,
  metadata TEXT,
  data TEXT,
  adjustments TEXT,
  tax_minor INTEGER
);
CREATE INDEX orders_by_tracking ON orders (tracking) WHERE tracking IS NOT NULL;
CREATE INDEX orders_by_ref ON orders (ref) WHERE ref IS NOT NULL;
CREATE INDEX orders_by_account_and_status ON orders (account, status);
CREATE INDEX orders_by_status_and_time ON orders (status, created_at_ms);

-- total: what the line has of the order's total, subtotal less discounts and with taxes on top; tax: of it.
CREATE TABLE order_items (
  order_no TEXT NOT NULL,
  line INTEGER NOT NULL,
  product TEXT NOT NULL,
  name TEXT NOT NULL,
  scale INTEGER NOT NULL,
  price_minor INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  subtotal_minor INTEGER NOT NULL,
  total_minor INTEGER NOT NULL,
  tax_minor INTEGER NOT NULL DEFAULT 0,
  refunded_qty INTEGER NOT NULL DEFAULT 0,
  refunded_minor INTEGER NOT NULL DEFAULT 0,
  returned_qty INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (order_no, line)
) WITHOUT ROWID;
CREATE INDEX order_items_by_product ON order_items (product, created_at_ms);

-- What no line pays for: shipping, fees, rounding. line goes on behind those of the items.
CREATE TABLE order_extras (
  order_no TEXT NOT NULL,
  line INTEGER NOT NULL,
  type TEXT NOT NULL,
  name TEXT,
  scale INTEGER NOT NULL,
  total_minor INTEGER NOT NULL,
  tax_minor INTEGER NOT NULL,
  refunded_minor INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (order_no, line)
) WITHOUT ROWID;

CREATE TABLE order_logs (
  order_no TEXT NOT NULL,
  version INTEGER NOT NULL,
  old_status TEXT,
  new_status TEXT NOT NULL,
  event TEXT NOT NULL,
  operator TEXT,
  remark TEXT,
  tracking TEXT,
  time_ms INTEGER NOT NULL,
  key TEXT,
  PRIMARY KEY (order_no, version)
) WITHOUT ROWID;
CREATE INDEX order_logs_by_time ON order_logs (time_ms);

-- order_no: the order it turned out to be for; reference: what the provider was told. Both may be of no order. A payment is
-- booked under its own name; when its order lives on another shard the money has a second row there, with from_shard.
CREATE TABLE payments (
  shard INTEGER NOT NULL,
  payment INTEGER NOT NULL,
  from_shard INTEGER,
  provider TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  reference TEXT NOT NULL,
  order_no TEXT,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  applied_minor INTEGER NOT NULL,
  outcome TEXT,
  money TEXT,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (shard, payment)
) WITHOUT ROWID;
CREATE INDEX payments_by_order ON payments (order_no, time_ms);
CREATE INDEX payments_by_id ON payments (payment_id, provider);

-- source: the order's money, or what was left in suspense. provider: NULL = back to the account's balance.
CREATE TABLE refunds (
  number INTEGER PRIMARY KEY,
  refund_no TEXT NOT NULL UNIQUE,
  shard INTEGER NOT NULL,
  order_no TEXT,
  account TEXT,
  source TEXT NOT NULL,
  provider TEXT,
  payment_id TEXT,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  restock INTEGER NOT NULL,
  reason TEXT NOT NULL,
  state TEXT NOT NULL,
  ref TEXT,
  requested_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER
);
CREATE INDEX refunds_by_order ON refunds (order_no);
CREATE INDEX refunds_by_state_and_time ON refunds (state, requested_at_ms);

CREATE TABLE refund_shares (
  refund_no TEXT NOT NULL,
  line INTEGER NOT NULL,
  order_no TEXT NOT NULL,
  scale INTEGER NOT NULL,
  qty INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  PRIMARY KEY (refund_no, line)
) WITHOUT ROWID;

-- evidence: of what went wrong; proof: what whoever resolved it had to show.
CREATE TABLE human_items (
  number INTEGER PRIMARY KEY,
  item_no TEXT NOT NULL UNIQUE,
  shard INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  subject TEXT NOT NULL,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  units INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT NOT NULL,
  evidence TEXT NOT NULL,
  state TEXT NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  action INTEGER,
  reason TEXT,
  proof TEXT,
  operator TEXT,
  resolved_at_ms INTEGER
);
CREATE INDEX human_items_by_state_and_time ON human_items (state, opened_at_ms);

CREATE TABLE accounts (
  account TEXT PRIMARY KEY,
  shard INTEGER NOT NULL,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  available_minor INTEGER NOT NULL,
  points INTEGER NOT NULL
) WITHOUT ROWID;

-- limit_per_account, sale_starts_at, sale_ends_at: NULL = none. delisted: 1 = it is not sold any more.
CREATE TABLE products (
  product TEXT PRIMARY KEY,
  shard INTEGER NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  scale INTEGER NOT NULL,
  price_minor INTEGER NOT NULL,
  available INTEGER NOT NULL,
  held INTEGER NOT NULL,
  sold INTEGER NOT NULL,
  version INTEGER NOT NULL,
  limit_per_account INTEGER,
  sale_starts_at_ms INTEGER,
  sale_ends_at_ms INTEGER,
  backorder INTEGER NOT NULL,
  delisted INTEGER NOT NULL
) WITHOUT ROWID;

-- Kept in the order in which they are asked for, account by account; position and shard lead back to the log.
-- balance: of the account after this entry, for wallets, points and stock; the others are SUM(amount_minor).
CREATE TABLE ledger_entries (
  account TEXT NOT NULL,
  shard INTEGER NOT NULL,
  position INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  type TEXT NOT NULL,
  unit TEXT NOT NULL,
  scale INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL,
  balance_minor INTEGER,
  order_no TEXT,
  ref TEXT,
  time_ms INTEGER NOT NULL,
  PRIMARY KEY (account, shard, position, entry)
) WITHOUT ROWID;

-- How far each log is projected; hash is the chain hash at that place, NULL for a log without one.
CREATE TABLE cursors (
  shard INTEGER PRIMARY KEY,
  position INTEGER NOT NULL,
  hash BLOB
);

-- What the numbers in the facts of a shard stand for.
CREATE TABLE handles (
  shard INTEGER NOT NULL,
  kind TEXT NOT NULL,
  handle INTEGER NOT NULL,
  id TEXT NOT NULL,
  name TEXT,
  PRIMARY KEY (shard, kind, handle)
) WITHOUT ROWID;

CREATE TABLE opened_in_boot (boot TEXT NOT NULL);

${readable(
  "orders",
  ["total", "amount_paid", "amount_refunded", "refunding", "tax"],
  [
    ...["pay_by", "created_at", "paid_at", "shipped_at", "delivered_at", "completed_at", "due_at"],
    ...["refunded_at", "canceled_at", "archived_at"],
  ],
)}
${readable("order_items", ["price", "subtotal", "total", "tax", "refunded"], ["created_at"])}
${readable("order_extras", ["total", "tax", "refunded"], [])}
${readable("order_logs", [], ["time"])}
${readable("payments", ["amount", "applied"], ["time"])}
${readable("refunds", ["amount"], ["requested_at", "ended_at"])}
${readable("refund_shares", ["amount"], [])}
${readable("human_items", ["amount"], ["opened_at", "resolved_at"])}
${readable("accounts", ["available"], [])}
${readable("products", ["price"], ["sale_starts_at", "sale_ends_at"])}
${readable("ledger_entries", ["amount", "balance"], ["time"])}

PRAGMA user_version = ${schemaVersion};
`;

/** The file cannot be what the logs say: it has to be built again. */
export class ReadModelStale extends Error {
  override readonly name = "ReadModelStale";
}

/**
 * Opens read.db, or builds a new one in place of a file that is damaged, of another version, or was open when the
 * power went. `:memory:` works too.
 */
export function openReadDatabase(file: string): Database.Database {
  if (file === ":memory:") return prepare(new Database(file));
  try {
    return openExisting(file);
  } catch (error) {
    if (!isStale(error)) throw error;
    removeReadDatabase(file);
    return openExisting(file);
  }
}

/** Whether an error means that the file itself is at fault, and not the disk or the code. */
export function isStale(error: unknown): boolean {
  if (error instanceof ReadModelStale) return true;
  return (
    error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB|SCHEMA|FORMAT|ERROR)/.test(error.code)
  );
}

export function removeReadDatabase(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
}

/** Closes it so that the next start believes it, after a power loss too. */
export function closeReadDatabase(db: Database.Database): void {
  if (!db.memory) {
    // A write, so that there is something to checkpoint and the checkpoint fsyncs; then the word that all is whole.
    db.pragma("synchronous = FULL");
    db.exec("UPDATE opened_in_boot SET boot = boot");
    const [outcome] = db.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
    if (outcome?.busy === 0) db.exec("DELETE FROM opened_in_boot");
  }
  db.close();
}

function openExisting(file: string): Database.Database {
  createEmptyFile(file);
  const db = new Database(file, { timeout: 2_000 });
  try {
    db.pragma("journal_mode = WAL");
    return prepare(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: Database.Database): Database.Database {
  db.pragma("synchronous = OFF");
  db.pragma("cache_size = -65536");
  db.pragma("wal_autocheckpoint = 4000");
  const version = db.pragma("user_version", { simple: true });
  if (version === 0) db.transaction(() => db.exec(schema))();
  else if (version !== schemaVersion) throw new ReadModelStale(`schema version ${String(version)}`);
  const boot = currentBoot();
  const opened = db.prepare("SELECT boot FROM opened_in_boot").pluck().get();
  if (opened !== undefined && opened !== boot)
    throw new ReadModelStale("it was open when the machine went down");
  db.transaction(() => {
    db.exec("DELETE FROM opened_in_boot");
    db.prepare("INSERT INTO opened_in_boot VALUES (?)").run(boot);
  })();
  return db;
}

/** A name for the time since the kernel started. Where there is none, every unclean end counts as a power loss. */
function currentBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return `process ${process.pid} ${performance.timeOrigin}`;
  }
}
