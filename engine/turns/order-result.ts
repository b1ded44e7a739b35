/** An order view as the object that a caller of the API sees; the edges' own encoders write the same fields as bytes. */

import { formatMinor, scaleOf } from "../../actors/money.js";
import type { OrderView } from "../seams/requester.js";

export function viewToResult(view: OrderView): Record<string, unknown> {
  const scale = scaleOf(view.currency);
  return {
    order: view.order,
    status: view.status,
    version: view.version,
    account: view.account,
    lines: view.lines.map((line) => ({
      product: line.product,
      name: line.name,
      qty: line.qty,
      unitPrice: formatMinor(line.unitPrice, scale),
      subtotal: formatMinor(line.subtotal, scale),
      ...(line.total === undefined ? {} : { total: formatMinor(line.total, scale) }),
      ...(line.tax === undefined ? {} : { tax: formatMinor(line.tax, scale) }),
    })),
    total: formatMinor(view.total, scale),
    currency: view.currency,
    amountPaid: formatMinor(view.amountPaid, scale),
    amountRefunded: formatMinor(view.amountRefunded, scale),
    payBy: view.payBy === 0 ? null : new Date(view.payBy).toISOString(),
    createdAt: new Date(view.createdAt).toISOString(),
    next: view.next,
    ...view.more,
  };
}
