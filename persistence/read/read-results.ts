/** Rows of read.db as the objects that a caller of the API sees: plain, JSON-ready, what is not known of them left out. */

import { totalView } from "../../actors/adjustments.js";
import type { PartShare } from "../../actors/facts.js";
import { currencyNumber, formatMinor } from "../../actors/money.js";
import { orderDataOf } from "../../actors/order-data.js";
import { nextByPaid, type Status, Statuses } from "../../actors/order-transitions.js";

/** As the engine says it of those that it knows. */
export interface RefundResult {
  readonly refund: string;
  readonly order: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly to: "wallet" | "provider";
  readonly provider: string | null;
  readonly paymentId: string | null;
  readonly state: string;
  readonly reason: string;
  readonly restock: boolean;
  readonly ref: string | null;
  readonly lines: readonly { readonly product: string; readonly qty: number; readonly amount: string }[];
  readonly extras?: readonly { readonly type: string; readonly name?: string; readonly amount: string }[];
}

export interface RefundsResult {
  readonly order: string;
  /** Oldest first. */
  readonly refunds: readonly RefundResult[];
}

export interface PaymentResult {
  readonly provider: string;
  readonly paymentId: string;
  /** As the provider was told it; `order` is the order that it turned out to be for. */
  readonly reference: string;
  readonly order?: string;
  readonly amount: string;
  /** How much of it the order took. */
  readonly applied: string;
  readonly currency: string;
  readonly outcome?: string;
  /** Where the money went. */
  readonly money?: string;
  readonly time: string;
}

export interface OrderRow {
  number: number;
  order_no: string;
  account: string;
  currency: string;
  scale: number;
  total_minor: number;
  amount_paid_minor: number;
  amount_refunded_minor: number;
  refunding_minor: number;
  status: Status;
  version: number;
  pay_by_ms: number | null;
  created_at_ms: number;
  archived_at_ms: number | null;
  ref: string | null;
  data: string | null;
  adjustments: string | null;
}

export interface ItemRow {
  product: string;
  name: string;
  qty: number;
  price_minor: number;
  subtotal_minor: number;
  total_minor: number;
  tax_minor: number;
}

export interface ExtraRow {
  type: string;
  name: string | null;
  total_minor: number;
  tax_minor: number;
}

export interface MoveRow {
  version: number;
  old_status: string | null;
  new_status: string;
  event: string;
  operator: string | null;
  remark: string | null;
  tracking: string | null;
  time_ms: number;
  key: string | null;
}

export interface EntryRow {
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

export interface RefundRow {
  refund_no: string;
  order_no: string | null;
  state: string;
  amount_minor: number;
  currency: string;
  scale: number;
  provider: string | null;
  payment_id: string | null;
  restock: number;
  reason: string;
  ref: string | null;
}

/** Of a line, or of what no line pays for: then it has a type, and no product. */
export interface ShareRow {
  product: string | null;
  type: string | null;
  name: string | null;
  qty: number;
  amount_minor: number;
}

export interface PaymentRow {
  provider: string;
  payment_id: string;
  reference: string;
  order_no: string | null;
  amount_minor: number;
  applied_minor: number;
  currency: string;
  scale: number;
  outcome: string | null;
  money: string | null;
  time_ms: number;
}

export function orderResult(row: OrderRow, items: readonly ItemRow[], extras: readonly ExtraRow[]): object {
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
      ...(row.adjustments !== null && { total: amount(item.total_minor), tax: amount(item.tax_minor) }),
    })),
    total: amount(row.total_minor),
    currency: row.currency,
    amountPaid: amount(row.amount_paid_minor),
    amountRefunded: amount(row.amount_refunded_minor),
    payBy: row.pay_by_ms === null ? null : new Date(row.pay_by_ms).toISOString(),
    createdAt: new Date(row.created_at_ms).toISOString(),
    next: nextOf(row),
    ...orderDataOf(row.ref ?? "", row.data ?? ""),
    ...(row.adjustments !== null &&
      totalView(partsOf(items, extras), row.adjustments, currencyNumber(row.currency)!)),
  };
}

function partsOf(items: readonly ItemRow[], extras: readonly ExtraRow[]): PartShare[] {
  const lines = items.map(({ total_minor: amount, tax_minor: tax }) => ({
    extra: "",
    name: "",
    amount,
    tax,
  }));
  const others = extras.map(({ type, name, total_minor: amount, tax_minor: tax }) => {
    return { extra: type, name: name ?? "", amount, tax };
  });
  return [...lines, ...others];
}

/** As the engine says it of the orders that it knows; nothing can happen to the others. */
function nextOf(row: OrderRow): readonly string[] {
  if (row.archived_at_ms !== null) return [];
  return nextByPaid(Statuses[row.status], row.amount_paid_minor, row.amount_refunded_minor);
}

export function refundResult(row: RefundRow, lines: readonly ShareRow[]): RefundResult {
  const amount = (minor: number) => formatMinor(minor, row.scale);
  const extras = lines.flatMap(({ type, name, amount_minor }) =>
    type === null ? [] : [{ type, ...(name !== null && { name }), amount: amount(amount_minor) }],
  );
  return {
    refund: row.refund_no,
    order: row.order_no,
    amount: amount(row.amount_minor),
    currency: row.currency,
    to: row.provider === null ? "wallet" : "provider",
    provider: row.provider,
    paymentId: row.payment_id,
    state: row.state,
    reason: row.reason,
    restock: row.restock === 1,
    ref: row.ref,
    lines: lines.flatMap(({ product, qty, amount_minor }) =>
      product === null ? [] : [{ product, qty, amount: amount(amount_minor) }],
    ),
    ...(extras.length > 0 && { extras }),
  };
}

export function paymentResult(row: PaymentRow): PaymentResult {
  return {
    provider: row.provider,
    paymentId: row.payment_id,
    reference: row.reference,
    ...(row.order_no !== null && { order: row.order_no }),
    amount: formatMinor(row.amount_minor, row.scale),
    applied: formatMinor(row.applied_minor, row.scale),
    currency: row.currency,
    ...(row.outcome !== null && { outcome: row.outcome }),
    ...(row.money !== null && { money: row.money }),
    time: new Date(row.time_ms).toISOString(),
  };
}

export function moveResult(row: MoveRow): object {
  return {
    version: row.version,
    from: row.old_status,
    to: row.new_status,
    event: row.event,
    time: new Date(row.time_ms).toISOString(),
    ...(row.operator !== null && { operator: row.operator }),
    ...(row.remark !== null && { remark: row.remark }),
    ...(row.tracking !== null && { tracking: row.tracking }),
    ...(row.key !== null && { key: row.key }),
  };
}

export function entryResult(row: EntryRow): object {
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
