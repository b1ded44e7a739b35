/**
 * Every code of a refusal, what its details hold, and every type of event, as types. They stand here once more because the client
 * imports nothing of the engine; a test compares them with its tables.
 */

/** Codes of the engine, in order of precedence. A newer engine may send others: keep a last `else`. */
export type EngineCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "overloaded"
  | "deadline_exceeded"
  | "shutting_down"
  | "key_reused"
  | "key_too_old"
  | "token_unknown"
  | "token_expired"
  | "product_not_found"
  | "account_not_found"
  | "order_not_found"
  | "refund_not_found"
  | "item_not_found"
  | "transaction_not_found"
  | "seq_too_old"
  | "invalid_amount"
  | "amount_overflow"
  | "currency_mismatch"
  | "product_delisted"
  | "sale_not_started"
  | "sale_ended"
  | "price_changed"
  | "limit_exceeded"
  | "insufficient_stock"
  | "insufficient_funds"
  | "insufficient_points"
  | "version_mismatch"
  | "invalid_transition"
  | "hold_expired"
  | "refund_exceeds_remaining"
  | "line_qty_exceeds"
  | "already_exists"
  | "not_tried"
  | "branch_canceled"
  | "already_confirmed"
  | "already_canceled"
  | "internal";

/** Codes of the client itself. */
export type ClientCode = "timeout" | "connection_lost" | "closed" | "too_many_calls" | "slow_consumer";

export type ErrorCode = EngineCode | ClientCode;

/** A newer engine may send others. */
export type EventType =
  | "order.created"
  | "order.described"
  | "order.adjusted"
  | "order.paid"
  | "order.canceled"
  | "account.opened"
  | "account.deposited"
  | "account.withdrawn"
  | "account.transferred"
  | "transaction.begun"
  | "transaction.ended"
  | "product.created"
  | "product.transferred"
  | "order.reinstated"
  | "order.packing"
  | "order.shipped"
  | "order.shipping"
  | "order.delivered"
  | "order.completed"
  | "order.refunding"
  | "order.refunded"
  | "order.resumed"
  | "order.disputed"
  | "order.archived"
  | "product.held"
  | "product.sold"
  | "product.confirmed"
  | "product.released"
  | "product.returned"
  | "product.restocked"
  | "product.repriced"
  | "product.updated"
  | "product.adjusted"
  | "product.counted"
  | "product.backorder_allowed"
  | "product.delisted"
  | "product.relisted"
  | "payment.received"
  | "payment.applied"
  | "refund.requested"
  | "refund.done"
  | "refund.refused"
  | "refund.unknown"
  | "points.granted"
  | "points.reversed"
  | "points.spent"
  | "human.opened"
  | "human.resolved"
  | "entry.made";

/**
 * What `details` hold for each code. What may be missing is told as such: a cart that is refused in several lines has the code of
 * the first in `code`, and each of its lines in `lines`.
 */
export interface DetailsOf extends Record<EngineCode | ClientCode, Details> {
  readonly invalid_request: Details & { readonly path?: string; readonly reason?: string };
  readonly unauthenticated: Details & { readonly reason?: string };
  readonly forbidden: Details & { readonly reason?: string };
  readonly overloaded: Details & { readonly retryAfterMs?: number; readonly reason?: string };
  readonly key_reused: Details & { readonly method?: string; readonly at?: string };
  readonly key_too_old: Details & { readonly keptSince?: number };
  readonly product_not_found: Details & { readonly product?: string };
  readonly account_not_found: Details & { readonly account?: string };
  readonly seq_too_old: Details & { readonly completeFrom?: number };
  /** `atRisk` and `moved` from `human.resolve`, `amount` and `digitsAllowed` from the engine, `path` from the edge. */
  readonly invalid_amount: Details & {
    readonly path?: string;
    readonly reason?: string;
    readonly amount?: string;
    readonly digitsAllowed?: number;
    readonly atRisk?: string;
    readonly moved?: string | null;
  };
  readonly sale_not_started: Details & { readonly startsAt?: string };
  readonly price_changed: Details & { readonly expectedTotal?: string; readonly total?: string };
  readonly limit_exceeded: Details & {
    readonly limit?: number;
    readonly used?: number;
    readonly requested?: number;
  };
  /** Units. */
  readonly insufficient_stock: Details & { readonly available?: number };
  /** Money; `due` for an order. */
  readonly insufficient_funds: Details & { readonly available?: string; readonly due?: string };
  readonly insufficient_points: Details & { readonly available?: number };
  readonly version_mismatch: Details & { readonly version?: number };
  readonly invalid_transition: Details & {
    readonly from?: string;
    readonly event?: string;
    readonly allowed?: readonly string[];
  };
  readonly refund_exceeds_remaining: Details & { readonly remaining?: string };
  readonly line_qty_exceeds: Details & { readonly product?: string; readonly left?: number };
  /** Which id is taken; `same`: what exists is what was asked for. */
  readonly already_exists: Details & {
    readonly account?: string;
    readonly product?: string;
    readonly same?: boolean;
  };
  readonly slow_consumer: Details & { readonly from?: number };
}

export type Details = Readonly<Record<string, unknown>>;
