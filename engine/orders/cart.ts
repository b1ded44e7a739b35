/** What an order's cart comes to, wherever its products live: lines, sum, refusal. Shared by `place-order` and `crossing`. */

import { type Account, decideCapture } from "../../actors/account.js";
import { readAdjustments } from "../../actors/adjustments.js";
import { addChecked, formatAmount, multiplyChecked, parseAmount } from "../../actors/money.js";
import type { OrderTotal } from "../../actors/order-total.js";
import { qtyMax } from "../../actors/product.js";
import { firstInPrecedence, type Refusal, refuse } from "../../actors/results.js";
import type { LineInput, PlaceOrder } from "../seams/commands.js";
import type { Turn } from "../turns/turn.js";
import { adjust } from "./adjust.js";

/** Lines of the same product become one, at the place of the first, and keep to the bound of one line. */
export function mergeLines(lines: readonly LineInput[]): readonly LineInput[] | Refusal {
  if (lines.length === 1) return lines;
  const byProduct = new Map<string, number>();
  for (const [index, { product, qty }] of lines.entries()) {
    const sum = (byProduct.get(product) ?? 0) + qty;
    if (sum > qtyMax) {
      const reason = `the lines of ${product} come to more than ${qtyMax} units`;
      return refuse("invalid_request", { path: `params.lines[${index}].qty`, reason });
    }
    byProduct.set(product, sum);
  }
  if (byProduct.size === lines.length) return lines;
  const adjusted = lines.findIndex((line) => line.adjustments !== undefined);
  if (adjusted >= 0) {
    const reason = "only where no product has two lines: those are added up first";
    return refuse("invalid_request", { path: `params.lines[${adjusted}].adjustments`, reason });
  }
  return [...byProduct].map(([product, qty]) => ({ product, qty }));
}

/** What the money says to a cart: its sum, the caller's expectation, the account's balance. `total` undefined = overflow. */
export function decideTotal(
  account: Account,
  total: number | undefined,
  expectedTotal: string | undefined,
  paid: boolean,
): Refusal | undefined {
  if (expectedTotal !== undefined) {
    const expected = parseAmount(expectedTotal, account.currency);
    if (typeof expected !== "number") return expected;
    if (total !== undefined && expected !== total) {
      return refuse("price_changed", { expectedTotal, total: formatAmount(total, account.currency) });
    }
  }
  if (total === undefined) return refuse("amount_overflow");
  return paid ? decideCapture(account, total, "due") : undefined;
}

/** What nothing stands against. `adjusted`: what the total is made of, where it is more than prices. */
export interface Decided {
  readonly total: number;
  readonly paid: boolean;
  readonly adjusted: OrderTotal | undefined;
}

/** What the money says to lines with their prices. `base`: their sum, undefined = overflow; `adjustments`: see `adjustmentsAsked`. */
export function decideMoney(
  account: Account,
  lines: readonly { readonly unitPrice: number; readonly qty: number }[],
  base: number | undefined,
  adjustments: string,
  expectedTotal: string | undefined,
  payNow: boolean,
): Decided | Refusal {
  // Two objects fewer for most orders.
  if (adjustments === "") {
    const paid = payNow || base === 0;
    return decideTotal(account, base, expectedTotal, paid) ?? { total: base!, paid, adjusted: undefined };
  }
  const made = adjust(adjustments, lines, base, account.currency);
  if ("code" in made) return made;
  const { total, adjusted } = made;
  const paid = payNow || total === 0;
  return decideTotal(account, total, expectedTotal, paid) ?? { total: total!, paid, adjusted };
}

/** Whether nothing stands against the order but its lines and its money. */
export function mayBegin(
  account: Account | undefined,
  expectedTotal: string | undefined,
  adjustments: string,
): boolean {
  if (!account || account.currency < 0) return false;
  if (adjustments !== "" && "code" in readAdjustments(adjustments, account.currency)) return false;
  return expectedTotal === undefined || typeof parseAmount(expectedTotal, account.currency) === "number";
}

/** Adds a line to a sum; undefined once anything is over 2^53-1. */
export function addSubtotal(total: number | undefined, unitPrice: number, qty: number): number | undefined {
  const subtotal = multiplyChecked(unitPrice, qty);
  return total === undefined || subtotal === undefined ? undefined : addChecked(total, subtotal);
}

/** A line as its product answered for it. */
export interface AnsweredLine {
  readonly productId: string;
  readonly qty: number;
  readonly unitPrice: number;
  /** Undefined when there is no such product. */
  readonly currency: number | undefined;
  readonly refusal: Refusal | undefined;
}

/** What the answers of all products come to: a sum, and whether it is paid at once; or the first of what stands against it. */
export function decideAnswered(
  account: Account,
  answered: readonly AnsweredLine[],
  adjustments: string,
  expectedTotal: string | undefined,
  payNow: boolean,
): Decided | Refusal {
  const failures = lineFailures(account, answered);
  let total: number | undefined = 0;
  for (const { qty, unitPrice } of answered) total = addSubtotal(total, unitPrice, qty);
  const decided = decideMoney(account, answered, total, adjustments, expectedTotal, payNow);
  if ("code" in decided) failures.push({ refusal: decided });
  return failures.length > 0 ? refuseCart(failures) : (decided as Decided);
}

/** `account`: undefined when there is none, so that no currency differs from its own. */
export function lineFailures(account: Account | undefined, answered: readonly AnsweredLine[]): Failure[] {
  return answered.flatMap(({ productId: product, currency, refusal }) => {
    if (account && currency !== undefined && currency !== account.currency)
      return [{ product, refusal: refuse("currency_mismatch") }];
    return refusal ? [{ product, refusal }] : [];
  });
}

export interface Failure {
  /** Undefined when the failure is not of a line. */
  readonly product?: string;
  readonly refusal: Refusal;
}

/** One refusal for a cart: the first code in precedence, with every failing line named. */
export function refuseCart(failures: readonly Failure[]): Refusal {
  const first = firstInPrecedence(failures.map((f) => f.refusal))!;
  const lines = failures
    .filter((f) => f.product !== undefined)
    .map((f) => ({ product: f.product, code: f.refusal.code, ...f.refusal.details }));
  return lines.length > 0 ? { ...first, details: { ...first.details, lines } } : first;
}

export function payWithinMs(turn: Turn, command: PlaceOrder): number {
  return command.payWithinMs ?? turn.settings.payWithinMs;
}
