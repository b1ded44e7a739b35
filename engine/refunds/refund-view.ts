/** A refund as its owner sees it: the same from the books and from the read side. */

import { currencyCode, formatAmount } from "../../actors/money.js";
import { orderId, refundId } from "../../actors/order-number.js";
import type { Refund } from "../tables/after-sales.js";
import type { Books } from "../tables/books.js";

export function refundView(books: Books, refund: Refund): object {
  const { number, order, amount, currency, provider, paymentId, restock, reason, state, ref, shares } =
    refund;
  const lines: object[] = [];
  const parts = books.afterSales.get(order)?.parts ?? [];
  const extras = shares.flatMap((share) => {
    const part = parts[share.line];
    if (!part || part.extra === "") return [];
    return [
      {
        type: part.extra,
        ...(part.name === "" ? {} : { name: part.name }),
        amount: formatAmount(share.amount, currency),
      },
    ];
  });
  if (shares.length > 0) {
    books.orders.eachLine(order, (handle, _qty, _price, line) => {
      for (const share of shares) {
        if (share.line !== line) continue;
        const { id: product } = books.products[handle]!;
        lines.push({ product, qty: share.qty, amount: formatAmount(share.amount, currency) });
      }
    });
  }
  return {
    refund: refundId(number),
    order: order === 0 ? null : orderId(order),
    amount: formatAmount(amount, currency),
    currency: currencyCode(currency),
    to: provider === "" ? "wallet" : "provider",
    provider: provider === "" ? null : provider,
    paymentId: provider === "" ? null : paymentId,
    state,
    reason,
    restock,
    ref: ref === "" ? null : ref,
    lines,
    ...(extras.length === 0 ? {} : { extras }),
  };
}
