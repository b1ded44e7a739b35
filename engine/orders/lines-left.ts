/** What the lines of an order still have, after all refunds that were asked for: units, and minor units of what was paid for them. */

import type { LineLeft } from "../../actors/refund.js";
import type { Turn } from "../turns/turn.js";

export function linesLeft(turn: Turn, number: number): LineLeft[] {
  const { orders, products, afterSales } = turn.books;
  const refunded = afterSales.get(number)?.lines ?? [];
  const left: LineLeft[] = [];
  orders.eachLine(number, (handle, qty, unitPrice, line) => {
    const gone = refunded[line] ?? { qty: 0, amount: 0 };
    left.push({
      product: products[handle]!.id,
      qty: qty - gone.qty,
      amount: qty * unitPrice - gone.amount,
    });
  });
  return left;
}
