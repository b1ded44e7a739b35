/** The total of a cart: price times quantity, and the adjustments that were asked for. Shared by orders on one shard and across. */

import {
  type AdjustmentInput,
  adjustmentsText,
  readAdjustments,
  refuseForm,
} from "../../actors/adjustments.js";
import { Facts, type PartShare } from "../../actors/facts.js";
import { multiplyChecked } from "../../actors/money.js";
import { type OrderTotal, orderTotal } from "../../actors/order-total.js";
import type { Refusal } from "../../actors/results.js";
import type { LineInput, PlaceOrder } from "../seams/commands.js";
import type { Turn } from "../turns/turn.js";

const none: readonly AdjustmentInput[] = [];

/** What the request says and cannot mean. */
export function refuseAdjustments({ adjustments, lines }: PlaceOrder): Refusal | undefined {
  for (const [index, line] of lines.entries()) {
    const refusal =
      line.adjustments && refuseForm(line.adjustments, `params.lines[${index}].adjustments`, true);
    if (refusal) return refusal;
  }
  return adjustments && refuseForm(adjustments, "params.adjustments", false);
}

/** As the log and the hash of the params hold them; "" = none, as of most orders. */
export function adjustmentsAsked(
  lines: readonly LineInput[],
  adjustments: readonly AdjustmentInput[] | undefined,
): string {
  if (adjustments === undefined && !hasOwn(lines)) return "";
  return adjustmentsText({
    lines: lines.map((line) => line.adjustments ?? none),
    order: adjustments ?? none,
  });
}

/** A loop, because it is asked twice of each order. */
function hasOwn(lines: readonly LineInput[]): boolean {
  for (let n = 0; n < lines.length; n++) if (lines[n]!.adjustments !== undefined) return true;
  return false;
}

/** `total` undefined = over 2^53-1. */
export type Adjusted = { readonly total: number | undefined; readonly adjusted?: OrderTotal | undefined };

/** What the lines come to with what was asked for. `total`: of their prices. */
export function adjust(
  asked: string,
  lines: readonly { readonly unitPrice: number; readonly qty: number }[],
  total: number | undefined,
  currency: number,
): Adjusted | Refusal {
  if (asked === "" || total === undefined) return { total };
  const adjustments = readAdjustments(asked, currency);
  if ("code" in adjustments) return adjustments;
  const bases = lines.map(({ unitPrice, qty }, index) => ({
    amount: multiplyChecked(unitPrice, qty)!,
    adjustments: adjustments.lines[index] ?? [],
  }));
  const adjusted = orderTotal(bases, adjustments.order);
  return { total: adjusted?.total, adjusted };
}

/** As the log holds it. */
export function partsOf({ parts, applied }: OrderTotal): {
  readonly parts: readonly PartShare[];
  readonly applied: string;
} {
  const shares = parts.map(({ extra, amount, tax }) => ({
    extra: extra?.type ?? "",
    name: extra?.name ?? "",
    amount,
    tax,
  }));
  return { parts: shares, applied: JSON.stringify(applied) };
}

/** What the total of the order that was placed in this turn is made of. */
export function recordAdjusted(
  turn: Turn,
  order: number,
  account: number,
  currency: number,
  adjusted: OrderTotal | undefined,
): void {
  if (adjusted) turn.record({ type: Facts.orderAdjusted, order, account, currency, ...partsOf(adjusted) });
}
