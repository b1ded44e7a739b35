import { expect, test } from "vitest";
import {
  type Code,
  firstInPrecedence,
  refuse,
  resultOf,
  resultOfNumber,
  results,
} from "../../actors/results.js";

/** Numbers in the log: a row may be added at the end, and never changed. */
const numbersForEver: readonly [Code, number][] = [
  ["invalid_request", 1],
  ["unauthenticated", 2],
  ["forbidden", 3],
  ["overloaded", 4],
  ["deadline_exceeded", 5],
  ["shutting_down", 6],
  ["key_reused", 7],
  ["key_too_old", 8],
  ["token_unknown", 9],
  ["token_expired", 10],
  ["product_not_found", 11],
  ["account_not_found", 12],
  ["order_not_found", 13],
  ["invalid_amount", 14],
  ["amount_overflow", 15],
  ["currency_mismatch", 16],
  ["sale_not_started", 17],
  ["sale_ended", 18],
  ["price_changed", 19],
  ["limit_exceeded", 20],
  ["insufficient_stock", 21],
  ["insufficient_funds", 22],
  ["invalid_transition", 23],
  ["hold_expired", 24],
  ["refund_exceeds_remaining", 25],
  ["line_qty_exceeds", 26],
  ["already_exists", 27],
  ["not_tried", 28],
  ["branch_canceled", 29],
  ["already_confirmed", 30],
  ["already_canceled", 31],
  ["internal", 32],
  ["refund_not_found", 33],
  ["item_not_found", 34],
  ["transaction_not_found", 35],
  ["insufficient_points", 36],
  ["version_mismatch", 37],
  ["seq_too_old", 38],
  ["product_delisted", 40],
];

/** The place in the table decides, not the number: a code that came later took the next number, wherever it stands. */
const precedence: readonly Code[] = [
  "invalid_request",
  "unauthenticated",
  "forbidden",
  "overloaded",
  "deadline_exceeded",
  "shutting_down",
  "key_reused",
  "key_too_old",
  "token_unknown",
  "token_expired",
  "product_not_found",
  "account_not_found",
  "order_not_found",
  "refund_not_found",
  "item_not_found",
  "transaction_not_found",
  "seq_too_old",
  "invalid_amount",
  "amount_overflow",
  "currency_mismatch",
  "product_delisted",
  "sale_not_started",
  "sale_ended",
  "price_changed",
  "limit_exceeded",
  "insufficient_stock",
  "insufficient_funds",
  "insufficient_points",
  "version_mismatch",
  "invalid_transition",
  "hold_expired",
  "refund_exceeds_remaining",
  "line_qty_exceeds",
  "already_exists",
  "not_tried",
  "branch_canceled",
  "already_confirmed",
  "already_canceled",
  "internal",
];

test.each(numbersForEver)("%s has number %i for ever", (code, number) => {
  expect(resultOf(code).number).toBe(number);
  expect(resultOfNumber(number)?.code).toBe(code);
});

test("every code is in that list, numbers are unique and fit beside 'running' in a byte", () => {
  const numbers = results.map((row) => row.number);
  expect([...numbers].sort((a, b) => a - b)).toEqual(numbersForEver.map(([, number]) => number));
  for (const number of numbers) expect(number).toBeLessThan(255);
  expect(new Set(results.map((row) => row.code)).size).toBe(results.length);
});

test("the table stands in the order of precedence", () => {
  expect(results.map((row) => row.code)).toEqual(precedence);
});

test("a number of a newer build is not guessed", () => {
  expect(resultOfNumber(0)).toBeUndefined();
  expect(resultOfNumber(254)).toBeUndefined();
});

test("what may be retried under its key is never stored under it", () => {
  for (const { code, retryable, stored } of results)
    expect([code, retryable && stored]).toEqual([code, false]);
  const retryable = results.filter((row) => row.retryable).map((row) => row.code);
  expect(retryable).toEqual(["overloaded", "deadline_exceeded", "shutting_down"]);
});

test("what is wrong with the request or the caller is never stored", () => {
  for (const code of [
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "key_reused",
    "key_too_old",
  ] as const) {
    expect([code, resultOf(code).stored]).toEqual([code, false]);
  }
});

test("every status is one that HTTP knows, and every code says what it means", () => {
  for (const { status, meaning, code } of results) {
    expect([400, 401, 403, 404, 409, 410, 422, 500, 503, 504], code).toContain(status);
    expect(meaning, code).not.toBe("");
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  }
});

test("of several refusals the first in the table is answered, whatever their order", () => {
  const all = results.map((row) => refuse(row.code));
  for (let a = 0; a < all.length; a++) {
    for (let b = 0; b < all.length; b++) {
      expect(firstInPrecedence([all[a]!, all[b]!])).toBe(all[Math.min(a, b)]);
    }
  }
  expect(firstInPrecedence([])).toBeUndefined();
});

test("of two refusals with the same code the first given is answered, with its details", () => {
  const first = refuse("insufficient_stock", { available: 1 });
  expect(firstInPrecedence([first, refuse("insufficient_stock", { available: 2 })])).toBe(first);
});

test("a refusal without details has no such field", () => {
  expect(refuse("sale_ended")).toEqual({ code: "sale_ended" });
  expect(Object.keys(refuse("sale_ended"))).toEqual(["code"]);
});
