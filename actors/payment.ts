/**
 * Money from outside: what it turns out to be. A table, so that no status is forgotten; the numbers are in the log.
 *
 *   order is                       amount   outcome              then
 *   Created                        < due    partially_paid       kept until the deadline
 *   Created                        >= due   paid                 applied, the surplus refunded
 *   Canceled                       any      late_payment         refunded, or the order is reinstated
 *   Refunding, Refunded, archived  any      late_payment         refunded
 *   paid in any other status       any      duplicate_payment    refunded
 *   of another currency            any      currency_mismatch    suspense, and a human
 *   unknown                        any      unmatched_payment    suspense, and a human
 */

import { type Status, statuses } from "./order-transitions.js";

export type Outcome =
  | "paid"
  | "partially_paid"
  | "late_payment"
  | "duplicate_payment"
  | "unmatched_payment"
  | "currency_mismatch";

/** "due" = the amount decides. */
const outcomeByStatus: { readonly [S in Status]: Outcome | "due" } = {
  // Nobody was told its number yet.
  None: "unmatched_payment",
  Created: "due",
  Paid: "duplicate_payment",
  Packing: "duplicate_payment",
  Shipped: "duplicate_payment",
  Shipping: "duplicate_payment",
  Delivered: "duplicate_payment",
  Completed: "duplicate_payment",
  Disputed: "duplicate_payment",
  Canceled: "late_payment",
  Refunding: "late_payment",
  Refunded: "late_payment",
};

/** `due`: what the order still costs, minor units. */
export function outcomeOf(status: number, amount: number, due: number): Outcome {
  const outcome = outcomeByStatus[statuses[status]!];
  if (outcome !== "due") return outcome;
  return amount < due ? "partially_paid" : "paid";
}
