/**
 * What the parts of an order still have, after all refunds that were asked for: units, and minor units of what was paid for them. The
 * lines come first; behind them stands what no line pays for (shipping, a fee), which has no product and no units.
 */

import type { LineLeft } from "../../actors/refund.js";
import type { Turn } from "../turns/turn.js";

export function linesLeft(turn: Turn, number: number): LineLeft[] {
  const { orders, products, afterSales } = turn.books;
  const { lines: refunded = [], parts = [] } = afterSales.get(number) ?? {};
  const left: LineLeft[] = [];
  const add = (product: string, qty: number, share: number) => {
    const gone = refunded[left.length] ?? { qty: 0, amount: 0 };
    left.push({ product, qty: qty - gone.qty, amount: share - gone.amount });
  };
  orders.eachLine(number, (handle, qty, unitPrice, line) =>
    add(products[handle]!.id, qty, parts.length === 0 ? qty * unitPrice : parts[line]!.amount),
  );
  for (const { amount } of parts.slice(left.length)) add("", 0, amount);
  return left;
}
