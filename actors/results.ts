/**
 * Every way in which a request can end other than well: one table, in order of precedence.
 *
 * When several codes apply to one request, the one listed first is the answer. Numbers are written to the
 * log, so a number is never given a second meaning; a code that goes out of use leaves a gap, and a new one takes the next
 * number wherever it stands in the order.
 * Documents, HTTP statuses and the client's errors are read from this table and from nowhere else.
 *
 * `retryable`: the same request, unchanged and under the same key, may succeed later.
 * `stored`: the refusal depended on the books; it is kept under the request's key and answered again.
 */

interface ResultRow {
  readonly code: string;
  readonly number: number;
  readonly status: number;
  readonly retryable: boolean;
  readonly stored: boolean;
  readonly meaning: string;
}

const table = [
  // The request itself: nothing was looked up yet.
  row("invalid_request", 1, 400, "never", "the request is malformed; details.path names the field"),
  row("unauthenticated", 2, 401, "never", "the session has not proved who it is"),
  row("forbidden", 3, 403, "never", "this session may not do that"),
  row("overloaded", 4, 503, "retry", "a bound is reached; try again after details.retryAfterMs"),
  row("deadline_exceeded", 5, 504, "retry", "the request waited longer than its deadlineMs"),
  row("shutting_down", 6, 503, "retry", "the engine is draining; try again when it is back"),
  // The key.
  row("key_reused", 7, 422, "never", "this key was used with other params"),
  row("key_too_old", 8, 422, "never", "the request was first made before the kept range of keys"),
  row("token_unknown", 9, 422, "never", "this token was not issued here, or is another account's"),
  row("token_expired", 10, 422, "never", "this token is older than 24 hours"),
  // The subject.
  row("product_not_found", 11, 404, "stored", "no such product"),
  row("account_not_found", 12, 404, "stored", "no such account"),
  row("order_not_found", 13, 404, "never", "no such order"),
  row("refund_not_found", 33, 404, "never", "no such refund"),
  row("item_not_found", 34, 404, "never", "no such review item"),
  row("transaction_not_found", 35, 404, "never", "no such transaction"),
  row(
    "seq_too_old",
    38,
    410,
    "never",
    "the events from there on are no longer complete; from details.completeFrom on they are",
  ),
  // The money.
  row("invalid_amount", 14, 400, "never", "not a decimal string that this currency can hold"),
  row("amount_overflow", 15, 400, "stored", "the sum is larger than 9007199254740991 minor units"),
  row("currency_mismatch", 16, 409, "stored", "the currencies of the parts differ"),
  // The state of the books.
  row("product_delisted", 40, 409, "stored", "the product is not sold any more"),
  row("sale_not_started", 17, 409, "stored", "the sale starts at details.startsAt"),
  row("sale_ended", 18, 409, "stored", "the sale has ended"),
  row("price_changed", 19, 409, "stored", "the total is not the expected one"),
  row("limit_exceeded", 20, 409, "stored", "the account may not take so many of this product"),
  row("insufficient_stock", 21, 409, "stored", "fewer units are available than requested"),
  row("insufficient_funds", 22, 409, "stored", "less money is available than is due"),
  row("insufficient_points", 36, 409, "stored", "fewer points are available than requested"),
  row(
    "version_mismatch",
    37,
    409,
    "stored",
    "the order or the product has moved on; details.version is its version now",
  ),
  row("invalid_transition", 23, 409, "stored", "the order's status does not allow this event"),
  row("hold_expired", 24, 409, "stored", "the time to pay has passed"),
  row("refund_exceeds_remaining", 25, 409, "stored", "more than is left to refund"),
  row("line_qty_exceeds", 26, 409, "stored", "more units than the line has left"),
  row("already_exists", 27, 409, "stored", "the id is taken"),
  // Transactions across actors.
  row("not_tried", 28, 409, "stored", "confirm came for a branch that was never tried"),
  row("branch_canceled", 29, 409, "stored", "try came after cancel"),
  row("already_confirmed", 30, 409, "stored", "cancel came after confirm"),
  row("already_canceled", 31, 409, "stored", "confirm came after cancel"),
  // The engine.
  row("internal", 32, 500, "never", "a defect of the engine; the process stops rather than guess"),
] as const;

export type Code = (typeof table)[number]["code"];

export const results: readonly (ResultRow & { readonly code: Code })[] = table;

const byCode = new Map<string, ResultRow & { readonly code: Code }>(table.map((r) => [r.code, r]));
const byNumber = new Map<number, ResultRow & { readonly code: Code }>(table.map((r) => [r.number, r]));

/** The row of a code. */
export function resultOf(code: Code): ResultRow & { readonly code: Code } {
  return byCode.get(code)!;
}

/** The row of a number found in the log; undefined when this build does not know it. */
export function resultOfNumber(number: number): (ResultRow & { readonly code: Code }) | undefined {
  return byNumber.get(number);
}

/** What a rule answers when it does not do what was asked. A value, never thrown. */
export interface Refusal {
  readonly code: Code;
  readonly details?: Readonly<Record<string, unknown>>;
  /** It was given before the request's key was looked up: an earlier attempt may have had its effect. Left out: no effect. */
  readonly executed?: "unknown";
  /** What is wrong is the text of the request, whatever the books say: not kept, so that a typo does not use up a key. */
  readonly ofText?: true;
}

/** A refusal; see `results` for the codes. */
export function refuse(code: Code, details?: Readonly<Record<string, unknown>>): Refusal {
  return details === undefined ? { code } : { code, details };
}

/** For a refusal that is given before the key of a request that has one was looked up. */
export function unlooked(refusal: Refusal): Refusal {
  return { ...refusal, executed: "unknown" };
}

const rank = new Map<string, number>(table.map(({ code }, index) => [code, index]));

/** Of several refusals of one request, the one that is answered: the first in the table. */
export function firstInPrecedence(refusals: readonly Refusal[]): Refusal | undefined {
  let first: Refusal | undefined;
  for (const refusal of refusals) {
    if (!first || rank.get(refusal.code)! < rank.get(first.code)!) first = refusal;
  }
  return first;
}

function row<C extends string>(
  code: C,
  number: number,
  status: number,
  repeat: "never" | "retry" | "stored",
  meaning: string,
) {
  return { code, number, status, retryable: repeat === "retry", stored: repeat === "stored", meaning };
}
