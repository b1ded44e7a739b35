/**
 * What the engine's users ask of read.db: an account's orders, an order's moves, an account's statement, and what the
 * engine itself has forgotten: archived orders with their refunds and payments. Newest first where there are pages. A
 * cursor is opaque to the caller: it names the last entry of the page before, so that entries which came since move
 * nothing.
 */

import type Database from "better-sqlite3";
import { statuses } from "../../actors/order-transitions.js";
import { type OrderFilter, prepareFind } from "./read-find.js";
import {
  type EntryRow,
  type ExtraRow,
  entryResult,
  type ItemRow,
  type MoveRow,
  moveResult,
  type OrderRow,
  orderResult,
  type PaymentResult,
  type PaymentRow,
  paymentResult,
  type RefundResult,
  type RefundRow,
  type RefundsResult,
  refundResult,
  type ShareRow,
} from "./read-results.js";

/** What can be asked, and with which params; see `protocol` for the limits of each. */
export interface ReadQueries {
  orders: { readonly account: string; readonly status?: string | undefined } & Page;
  /** Of all shards. */
  find: OrderFilter & Page;
  /** Nothing but that the read side has come so far. */
  reached: object;
  history: { readonly order: string };
  statement: { readonly account: string } & Page;
  order: { readonly order: string };
  refund: { readonly refund: string };
  /** Of one order. */
  refunds: { readonly order: string };
  payment: { readonly provider: string; readonly paymentId: string };
}

interface Page {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export type ReadQueryKind = keyof ReadQueries;

/**
 * Why there is no answer:
 *   bad_cursor   the caller's fault: a cursor that was never given out
 *   not_found    there is no such order, refund or payment
 *   behind       the read side did not come as far as the question in time; asking again may do
 *   broken       it cannot work now: the disk is full, the file cannot be built
 */
export class ReadFailed extends Error {
  override readonly name = "ReadFailed";
  constructor(
    readonly code: "bad_cursor" | "not_found" | "behind" | "broken",
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

/** Of money only: points have entries of their own in read.db. */
export interface StatementPage {
  readonly account: string;
  readonly currency: string | null;
  readonly entries: readonly object[];
  readonly cursor: string | null;
}

/** Questions about one database, its statements prepared. Results are plain JSON-ready objects. */
export interface ReadAnswers {
  orders(params: ReadQueries["orders"]): OrderPage;
  find(params: ReadQueries["find"]): OrderPage;
  reached(): object;
  history(params: ReadQueries["history"]): HistoryResult;
  statement(params: ReadQueries["statement"]): StatementPage;
  order(params: ReadQueries["order"]): object;
  refund(params: ReadQueries["refund"]): RefundResult;
  refunds(params: ReadQueries["refunds"]): RefundsResult;
  payment(params: ReadQueries["payment"]): PaymentResult;
}

/** Rows of a page when nobody says how many. */
export const pageDefault = 50;
const pageMax = 500;

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
  const order = db.prepare<[string], OrderRow>("SELECT * FROM orders WHERE order_no = ?");
  const refund = db.prepare<[string], RefundRow>("SELECT * FROM refunds WHERE refund_no = ?");
  const refunds = db.prepare<[string], RefundRow>("SELECT * FROM refunds WHERE order_no = ? ORDER BY number");
  const shares = db.prepare<[string], ShareRow>(
    `SELECT item.product, extra.type, extra.name, share.qty, share.amount_minor
     FROM refund_shares AS share LEFT JOIN order_items AS item USING (order_no, line)
       LEFT JOIN order_extras AS extra USING (order_no, line)
     WHERE refund_no = ? ORDER BY share.line`,
  );
  const extras = db.prepare<[string], ExtraRow>(
    "SELECT * FROM order_extras WHERE order_no = ? ORDER BY line",
  );
  const find = prepareFind(db);
  const orderOf = (row: OrderRow) =>
    orderResult(row, items.all(row.order_no), row.adjustments === null ? [] : extras.all(row.order_no));
  const payment = db.prepare<[string, string], PaymentRow>(
    "SELECT * FROM payments WHERE provider = ? AND payment_id = ? AND from_shard IS NULL",
  );
  const refundOf = (row: RefundRow) => refundResult(row, shares.all(row.refund_no));

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
        orders: page.map(orderOf),
        cursor: found.length > count ? writeCursor([page[count - 1]!.number]) : null,
      };
    },

    find({ cursor, limit, ...filter }) {
      const count = pageSize(limit);
      const [beforeMs, before] = readCursor(cursor, 2);
      const found = find(filter, beforeMs!, before!, count + 1);
      const page = found.slice(0, count);
      const last = page[count - 1];
      return {
        orders: page.map(orderOf),
        cursor: last && found.length > count ? writeCursor([last.created_at_ms, last.number]) : null,
      };
    },

    reached: () => ({}),

    history({ order: id }) {
      const made = moves.all(id);
      // An order that was placed has moved.
      if (made.length === 0) missing("order");
      return { order: id, moves: made.map(moveResult) };
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

    order({ order: id }) {
      const row = order.get(id) ?? missing("order");
      return orderOf(row);
    },

    refund({ refund: id }) {
      return refundOf(refund.get(id) ?? missing("refund"));
    },

    refunds({ order: id }) {
      if (!order.get(id)) missing("order");
      return { order: id, refunds: refunds.all(id).map(refundOf) };
    },

    payment({ provider, paymentId }) {
      return paymentResult(payment.get(provider, paymentId) ?? missing("payment"));
    },
  };
}

function missing(what: "order" | "refund" | "payment"): never {
  throw new ReadFailed("not_found", `no such ${what}`);
}

/** The newest of each status, merged: the index by account and status serves a list of one status and of all. */
function ordersOf(statusTerms: readonly string[]): string {
  const newest = (term: string) =>
    `SELECT * FROM (SELECT * FROM orders WHERE account = ? AND status = ${term} AND number < ?
       ORDER BY number DESC LIMIT ?)`;
  if (statusTerms.length === 1) return newest(statusTerms[0]!);
  return `${statusTerms.map(newest).join(" UNION ALL ")} ORDER BY number DESC LIMIT ?`;
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
