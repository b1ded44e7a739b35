/** What goes back: views of the books, and the ways to hand them over. Every answer passes here, and so through the gate. */

import type { Account } from "../../actors/account.js";
import { ofTotal, totalView } from "../../actors/adjustments.js";
import type { PartShare } from "../../actors/facts.js";
import { currencyCode, formatAmount, formatMinor, scaleOf } from "../../actors/money.js";
import { nextOf } from "../../actors/order.js";
import { orderDataOf } from "../../actors/order-data.js";
import { orderId } from "../../actors/order-number.js";
import { nextByPaid, Statuses, statuses } from "../../actors/order-transitions.js";
import { nameAt, type Product, shortOf } from "../../actors/product.js";
import { type Refusal, refuse, resultOfNumber } from "../../actors/results.js";
import type { Command, GetOrder } from "../seams/commands.js";
import type { OrderLineView, OrderView } from "../seams/requester.js";
import type { AfterSale } from "../tables/after-sales.js";
import type { Books } from "../tables/books.js";
import { closedStatus, type KeptResult } from "../tables/key-table.js";
import { viewToResult } from "./order-result.js";
import type { Turn } from "./turn.js";

export function answerOrder(turn: Turn, command: Command, order: number): void {
  command.requester.order(command.id, orderView(turn.books, order, turn.nowMs), false);
  turn.touch(command.requester);
}

export function answerResult(turn: Turn, command: Command, result: object, replayed = false): void {
  command.requester.result(command.id, result, replayed);
  turn.touch(command.requester);
}

export function answerRefusal(turn: Turn, command: Command, refusal: Refusal): void {
  command.requester.refused(command.id, refusal, false);
  turn.touch(command.requester);
}

/** Hands the question to the read side or the auditor, and its answer back. */
export function askDeferred(turn: Turn, command: Command): void {
  turn.askDeferred(command, (result) => {
    if ("code" in result) answerRefusal(turn, command, result as Refusal);
    else answerResult(turn, command, result);
  });
}

/** The stored answer of a key, once more. `text` of a result with an order holds what stands beside it. */
export function answerKept(turn: Turn, command: Command, kept: KeptResult): void {
  const { requester, id } = command;
  if (kept.code !== 0) requester.refused(id, keptRefusal(kept), true);
  else if (kept.order === 0) requester.result(id, JSON.parse(kept.text) as object, true);
  else if (kept.text === "" && turn.books.orders.has(kept.order))
    requester.order(id, keptOrderView(turn.books, kept), true);
  else {
    withKeptOrder(turn, command, kept, (order) => {
      const beside = kept.text === "" ? undefined : (JSON.parse(kept.text) as object);
      requester.result(id, beside === undefined ? order : { ...beside, order }, true);
      turn.touch(requester);
    });
    return;
  }
  turn.touch(requester);
}

/**
 * The order as it stood when the key's request was done. An order is archived after its keys are dropped; should one be
 * left, the read side knows what never changes, and the key the rest.
 */
export function withKeptOrder(
  turn: Turn,
  command: Command,
  kept: KeptResult,
  use: (order: object) => void,
): void {
  if (turn.books.orders.has(kept.order)) {
    use(viewToResult(keptOrderView(turn.books, kept)));
    return;
  }
  const { requester, id } = command;
  const ask = { ...command, method: "order.get", order: orderId(kept.order) } as GetOrder;
  turn.askDeferred(ask, (found) => {
    if ("code" in found) {
      // It happened; how it stood then cannot be told just now.
      requester.refused(id, { ...(found as Refusal), executed: "unknown" }, false);
      turn.touch(requester);
      return;
    }
    const { currency } = found as { currency: string };
    const { status, next } = standingOf(kept);
    use({
      ...found,
      status: statuses[status]!,
      version: kept.orderVersion,
      amountPaid: formatMinor(kept.orderPaid, scaleOf(currency)),
      amountRefunded: formatMinor(kept.orderRefunded, scaleOf(currency)),
      next,
    });
  });
}

export function keptRefusal(kept: KeptResult): Refusal {
  const row = resultOfNumber(kept.code);
  if (!row) throw new Error(`result number ${kept.code} is not known to this build`);
  return refuse(row.code, kept.text === "" ? undefined : (JSON.parse(kept.text) as Record<string, unknown>));
}

/** The order as it stands. */
export function orderView(books: Books, number: number, nowMs: number): OrderView {
  const order = books.orders.read(number, books.order);
  const { status, version, paid, refunded } = order;
  return viewAt(books, number, status, version, paid, refunded, nextOf(order, nowMs));
}

/** The order as it stood when the key's request was done: what never changes comes from the order, the rest from the key. */
export function keptOrderView(books: Books, kept: KeptResult): OrderView {
  const { order, orderVersion, orderPaid, orderRefunded } = kept;
  const { status, next } = standingOf(kept);
  return viewAt(books, order, status, orderVersion, orderPaid, orderRefunded, next);
}

/** Where the order stood, and what could be asked for then. */
function standingOf({ orderStatus, orderPaid, orderRefunded }: KeptResult): {
  readonly status: number;
  readonly next: readonly string[];
} {
  if (orderStatus === closedStatus) return { status: Statuses.Completed, next: [] };
  return { status: orderStatus, next: nextByPaid(orderStatus, orderPaid, orderRefunded) };
}

function viewAt(
  books: Books,
  number: number,
  status: number,
  version: number,
  amountPaid: number,
  amountRefunded: number,
  next: readonly string[],
): OrderView {
  const order = books.orders.read(number, books.order);
  const placedAt = order.createdAt;
  const { afterSales } = books;
  const afterSale = afterSales.byOrder.size === 0 ? undefined : afterSales.get(number);
  const parts = afterSale ? afterSale.parts : none;
  const lines: OrderLineView[] = [];
  books.orders.eachLine(number, (handle, qty, unitPrice, index) => {
    const product = books.products[handle]!;
    const name = nameAt(product, placedAt);
    const line = { product: product.id, name, qty, unitPrice, subtotal: unitPrice * qty };
    lines.push(parts.length === 0 ? line : ofTotal(line, parts[index]!));
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
    next,
    more: afterSale && moreOf(afterSale, order.currency),
  };
}

const none: readonly PartShare[] = [];

/** What the shop said of it, and what its total is made of; undefined of most orders. */
function moreOf({ ref, data, parts, applied }: AfterSale, currency: number): object | undefined {
  if (ref === "" && data === "" && parts.length === 0) return undefined;
  const said = orderDataOf(ref, data);
  return parts.length === 0 ? said : { ...said, ...totalView(parts, applied, currency) };
}

/** `points` below zero: spent before their order was refunded, and owed. */
export function accountView(account: Account): object {
  return {
    account: account.id,
    currency: currencyCode(account.currency),
    available: formatAmount(account.available, account.currency),
    held: formatAmount(account.held, account.currency),
    points: account.points,
  };
}

function timeOrNull(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
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
    short: shortOf(product),
    backorder: product.backorder,
    backordered: Math.min(product.backorder, Math.max(0, -product.available)),
    priceVersion: product.version,
    version: product.version,
    limitPerAccount: product.limitPerAccount === 0 ? null : product.limitPerAccount,
    saleStartsAt: timeOrNull(product.saleStartsAt),
    saleEndsAt: timeOrNull(product.saleEndsAt),
    delisted: product.delisted,
  };
}
