/** Telling a provider of a refund, and the human who is asked when nobody says what became of it. */

import type { Refund } from "./dossiers.js";
import type { Turn } from "./turn.js";

export function askProvider(_turn: Turn, _refund: Refund): void {}

export function openRefundItem(_turn: Turn, _refund: Refund, _what: string): void {}

export function openPaymentItem(_turn: Turn, _item: PaymentItem): void {}

/** Money in suspense that belongs to no order. */
export interface PaymentItem {
  readonly provider: string;
  readonly paymentId: string;
  readonly reference: string;
  readonly currency: number;
  readonly amount: number;
  readonly error: string;
}
