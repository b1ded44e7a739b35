/** What goes back: views of the books, and the ways to hand them over. Every answer passes here, and so through the gate. */

import type { Account } from "../actors/account.js";
import { currencyCode, formatAmount } from "../actors/money.js";
import { orderId } from "../actors/order-number.js";
import { nextEvents, Statuses, statuses } from "../actors/order-transitions.js";
import type { Product } from "../actors/product.js";
import { type Refusal, refuse, resultOfNumber } from "../actors/results.js";
import type { Books } from "./books.js";
import type { Command } from "./commands.js";
import type { KeptResult } from "./key-table.js";
import type { OrderLineView, OrderView } from "./requester.js";
import type { Turn } from "./turn.js";

export function answerOrder(turn: Turn, command: Command, order: number): void {
  command.requester.order(command.id, orderView(turn.books, order), false);
  turn.touch(command.requester);
}

export function answerResult(turn: Turn, command: Command, result: object): void {
  command.requester.result(command.id, result, false);
  turn.touch(command.requester);
}

export function answerRefusal(turn: Turn, command: Command, refusal: Refusal): void {
  command.requester.refused(command.id, refusal, false);
  turn.touch(command.requester);
}

/** Hands the question to the read side or the auditor, and its answer back. */
export function askOutside(turn: Turn, command: Command): void {
  turn.askOutside(command, (result) => {
    if ("code" in result) answerRefusal(turn, command, result as Refusal);
    else answerResult(turn, command, result);
  });
}

/** The stored answer of a key, once more. */
export function answerKept(turn: Turn, command: Command, kept: KeptResult): void {
  const { requester, id } = command;
  if (kept.code !== 0) requester.refused(id, keptRefusal(kept), true);
  else if (kept.order !== 0) requester.order(id, keptOrderView(turn.books, kept), true);
  else requester.result(id, JSON.parse(kept.text) as object, true);
  turn.touch(requester);
}

export function keptRefusal(kept: KeptResult): Refusal {
  const row = resultOfNumber(kept.code);
  if (!row) throw new Error(`result number ${kept.code} is not known to this build`);
  return refuse(row.code, kept.text === "" ? undefined : (JSON.parse(kept.text) as Record<string, unknown>));
}

/** The order as it stands. */
export function orderView(books: Books, order: number): OrderView {
  const { status, version, paid, refunded } = books.orders.read(order, books.order);
  return viewAt(books, order, status, version, paid, refunded);
}

/** The order as it stood when the key's request was done: what never changes comes from the order, the rest from the key. */
export function keptOrderView(books: Books, kept: KeptResult): OrderView {
  return viewAt(books, kept.order, kept.orderStatus, kept.orderVersion, kept.orderPaid, kept.orderRefunded);
}

function viewAt(
  books: Books,
  number: number,
  status: number,
  version: number,
  amountPaid: number,
  amountRefunded: number,
): OrderView {
  const order = books.orders.read(number, books.order);
  const lines: OrderLineView[] = [];
  books.orders.eachLine(number, (handle, qty, unitPrice) => {
    const product = books.products[handle]!;
    lines.push({ product: product.id, name: product.name, qty, unitPrice, subtotal: unitPrice * qty });
  });
  return {
    order: orderId(number),
    status: statuses[status]!,
    version,
    account: books.accounts[order.account]!.id,
    lines,
    total: order.total,
    currency: currencyCode(order.currency),
    amountPaid,
    amountRefunded,
    payBy: status === Statuses.Created ? order.payBy : 0,
    createdAt: Math.floor(order.createdAt / 1000),
    next: nextEvents(status, amountPaid > amountRefunded),
  };
}

export function accountView(account: Account): object {
  return {
    account: account.id,
    currency: currencyCode(account.currency),
    available: formatAmount(account.available, account.currency),
    held: formatAmount(account.held, account.currency),
    points: account.points,
  };
}

export function productView(product: Product): object {
  return {
    product: product.id,
    name: product.name,
    price: formatAmount(product.price, product.currency),
    currency: currencyCode(product.currency),
    available: product.available,
    held: product.held,
    sold: product.sold,
    priceVersion: product.priceVersion,
  };
}
