/** What the read side would say of an order or a refund that the engine has archived: read from the log once more. */

import { readFacts } from "../../actors/fact-codec.js";
import { Facts } from "../../actors/facts.js";
import { parseOrderId, parseRefundId } from "../../actors/order-number.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { refundView } from "../../engine/refunds/refund-view.js";
import type { Command } from "../../engine/seams/commands.js";
import { Books } from "../../engine/tables/books.js";
import { evolve } from "../../engine/tables/evolve.js";
import { orderView } from "../../engine/turns/answers.js";
import { viewToResult } from "../../engine/turns/order-result.js";
import type { Journal } from "../../persistence/log/journal.js";

export function readArchive(journal: Journal, command: Command): object | Refusal {
  const books = new Books();
  for (const group of journal.read(1)) {
    readFacts(group.body, group.first, (fact, time) => {
      if (fact.type !== Facts.orderArchived) evolve(books, fact, time);
    });
  }
  if (command.method === "order.get" || command.method === "order.history") {
    const number = parseOrderId(command.order) ?? 0;
    if (!books.orders.has(number)) return refuse("order_not_found");
    if (command.method === "order.history") return refuse("internal");
    return viewToResult(orderView(books, number, Number.MAX_SAFE_INTEGER));
  }
  if (command.method === "refund.get") {
    const refund = books.afterSales.refunds.get(parseRefundId(command.refund) ?? 0);
    return refund ? refundView(books, refund) : refuse("refund_not_found");
  }
  return refuse("internal");
}
