/**
 * What the engine's users ask of read.db: an account's orders, an order's moves, an account's statement. Newest first
 * where there are pages. A cursor is opaque to the caller: it names the last entry of the page before, so that
 * entries which came since move nothing.
 */

import type Database from "better-sqlite3";
import { formatMinor } from "../actors/money.js";
import { nextEvents, type Status, Statuses, statuses } from "../actors/order-transitions.js";

/** What can be asked, and with which params; see `protocol` for the limits of each. */
export interface ReadQueries {
  orders: { readonly account: string; readonly status?: string | undefined } & Page;
  history: { readonly order: string };
  statement: { readonly account: string } & Page;
}

interface Page {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export type ReadQueryKind = keyof ReadQueries;

/**
 * Why there is no answer:
 *   bad_cursor   the caller's fault: a cursor that was never given out
 *   behind       the read side did not come as far as the question in time; asking again may do
 *   broken       it cannot work now: the disk is full, the file cannot be built
 */
export class ReadFailed extends Error {
  override readonly name = "ReadFailed";
  constructor(
    readonly code: "bad_cursor" | "behind" | "broken",
    message: string,
  ) {
    super(message);
  }
}

export interface OrderPage {
  readonly orders: readonly object[];
  /** For the next page; null when this was the last. */
  readonly cursor: string | null;
}

export interface HistoryResult {
  readonly order: string;
  /** Oldest first; what is not known of a move is left out. */
  readonly moves: readonly object[];
}

export interface StatementPage {
  readonly account: string;
  readonly currency: string | null;
  readonly entries: readonly object[];
  readonly cursor: string | null;
}

/** Questions about one database, its statements prepared. Results are plain JSON-ready objects. */
export interface ReadAnswers {
  orders(params: ReadQueries["orders"]): OrderPage;
  history(params: ReadQueries["history"]): HistoryResult;
  statement(params: ReadQueries["statement"]): StatementPage;
}

const pageDefault = 50;
const pageMax = 500;

interface OrderRow {
  number: number;
  order_no: string;
  account: string;
  currency: string;
  scale: number;
  total_minor: number;
  amount_paid_minor: number;
  amount_refunded_minor: number;
  status: Status;
  version: number;
  pay_by_ms: number | null;
  created_at_ms: number;
}

interface ItemRow {
  product: string;
  name: string;
  qty: number;
  price_minor: number;
  subtotal_minor: number;
}

interface MoveRow {
  version: number;
  old_status: string | null;
  new_status: string;
  event: string;
  operator: string | null;
  remark: string | null;
  time_ms: number;
  key: string | null;
}

interface EntryRow {
  position: number;
  entry: number;
  type: string;
  unit: string;
  scale: number;
  amount_minor: number;
  balance_minor: number;
  order_no: string | null;
  ref: string | null;
  time_ms: number;
}

export function prepareAnswers(db: Database.Database): ReadAnswers {
  const ofStatus = db.prepare<[string, string, number, number], OrderRow>(ordersOf(["?"]));
  const ofAll = db.prepare<(string | number)[], OrderRow>(ordersOf(statuses.map((status) => `'${status}'`)));
  const items = db.prepare<[string], ItemRow>("SELECT * FROM order_items WHERE order_no = ? ORDER BY line");
  const moves = db.prepare<[string], MoveRow>("SELECT * FROM order_logs WHERE order_no = ? ORDER BY version");
  const home = db.prepare<[string], { shard: number; currency: string }>(
    "SELECT shard, currency FROM accounts WHERE account = ?",
  );
  const entries = db.prepare<[string, number, number, number, number], EntryRow>(
    `SELECT * FROM ledger_entries WHERE account = ? AND shard = ? AND (position, entry) < (?, ?)
     ORDER BY position DESC, entry DESC LIMIT ?`,
  );

  return {
    orders({ account, status, cursor, limit }) {
      const count = pageSize(limit);
      const [before] = readCursor(cursor, 1);
      const found =
        status === undefined
          ? ofAll.all(...statuses.flatMap(() => [account, before!, count + 1]), count + 1)
          : ofStatus.all(account, status, before!, count + 1);
      const page = found.slice(0, count);
      return {
        orders: page.map((row) => orderResult(row, items.all(row.order_no))),
        cursor: found.length > count ? writeCursor([page[count - 1]!.number]) : null,
      };
    },

    history({ order }) {
      return { order, moves: moves.all(order).map(moveResult) };
    },

    statement({ account, cursor, limit }) {
      const count = pageSize(limit);
      const [position, entry] = readCursor(cursor, 2);
      const at = home.get(account);
      const found = at ? entries.all(`wallet:${account}`, at.shard, position!, entry!, count + 1) : [];
      const page = found.slice(0, count);
      const last = page[count - 1];
      return {
        account,
        currency: at?.currency ?? null,
        entries: page.map(entryResult),
        cursor: last && found.length > count ? writeCursor([last.position, last.entry]) : null,
      };
    },
  };
}

/** The newest of each status, merged: the index by account and status serves a list of one status and of all. */
function ordersOf(statusTerms: readonly string[]): string {
  const newest = (term: string) =>
    `SELECT * FROM (SELECT * FROM orders WHERE account = ? AND status = ${term} AND number < ?
       ORDER BY number DESC LIMIT ?)`;
  if (statusTerms.length === 1) return newest(statusTerms[0]!);
  return `${statusTerms.map(newest).join(" UNION ALL ")} ORDER BY number DESC LIMIT ?`;
}

function orderResult(row: OrderRow, items: readonly ItemRow[]): object {
  const amount = (minor: number) => formatMinor(minor, row.scale);
  return {
    order: row.order_no,
    status: row.status,
    version: row.version,
    account: row.account,
    lines: items.map((item) => ({
      product: item.product,
      name: item.name,
      qty: item.qty,
      unitPrice: amount(item.price_minor),
      subtotal: amount(item.subtotal_minor),
    })),
    total: amount(row.total_minor),
    currency: row.currency,
    amountPaid: amount(row.amount_paid_minor),
    amountRefunded: amount(row.amount_refunded_minor),
    payBy: row.pay_by_ms === null ? null : new Date(row.pay_by_ms).toISOString(),
    createdAt: new Date(row.created_at_ms).toISOString(),
    next: nextEvents(Statuses[row.status]),
  };
}

function moveResult(row: MoveRow): object {
  return {
    version: row.version,
    from: row.old_status,
    to: row.new_status,
    event: row.event,
    time: new Date(row.time_ms).toISOString(),
    ...(row.operator !== null && { operator: row.operator }),
    ...(row.remark !== null && { remark: row.remark }),
    ...(row.key !== null && { key: row.key }),
  };
}

function entryResult(row: EntryRow): object {
  return {
    seq: row.position,
    time: new Date(row.time_ms).toISOString(),
    type: row.type,
    amount: formatMinor(row.amount_minor, row.scale),
    currency: row.unit,
    available: formatMinor(row.balance_minor, row.scale),
    ...(row.order_no !== null && { order: row.order_no }),
    ...(row.ref !== null && { ref: row.ref }),
  };
}

function pageSize(limit: number | undefined): number {
  return Math.min(Math.max(limit ?? pageDefault, 1), pageMax);
}

/** No cursor stands for the newest of all. */
function readCursor(cursor: string | undefined, fields: number): readonly number[] {
  if (cursor === undefined) return new Array<number>(fields).fill(Number.MAX_SAFE_INTEGER);
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const parts = text.split(".").map(Number);
  if (!/^[0-9]+(?:[.][0-9]+)*$/.test(text) || parts.length !== fields || !parts.every(Number.isSafeInteger)) {
    throw new ReadFailed("bad_cursor", "this cursor was not given out here");
  }
  return parts;
}

function writeCursor(fields: readonly number[]): string {
  return Buffer.from(fields.join("."), "latin1").toString("base64url");
}
