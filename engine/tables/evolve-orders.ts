/** What facts do to orders: their rows, their timers, and what is counted of those that may still move. */

import { evolveAccount } from "../../actors/account.js";
import { type FactOf, Facts } from "../../actors/facts.js";
import { evolveOrder } from "../../actors/order.js";
import { isTerminal, OrderEvents, Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import type { Books } from "./books.js";
import { pendingFromFact } from "./cross-shard-table.js";
import { orderKeyRuns } from "./evolve-keys.js";

export function orderPlaced(books: Books, fact: FactOf<"orderPlaced">, time: number): void {
  const begun = books.pending.delete(fact.order);
  books.orders.place(fact, time);
  const account = books.accounts[fact.account]!;
  if (account.firstOrderAt === 0) account.firstOrderAt = books.position;
  if (!begun) books.liveOrders++;
  if (fact.expiresAt !== 0) books.timers.add(fact.expiresAt, fact.order);
}

export function orderMoved(
  books: Books,
  fact:
    | FactOf<"orderPaid">
    | FactOf<"orderCanceled">
    | FactOf<"orderSettled">
    | FactOf<"orderReinstated">
    | FactOf<"orderMoved">,
  time: number,
): void {
  const order = books.orders.read(fact.order, books.order);
  const before = order.status;
  const due = order.dueAt;
  const timeMs = Math.floor(time / 1000);
  evolveOrder(order, fact, timeMs);
  books.orders.write(order);
  books.orders.tell(order.number, books.position);
  if (order.dueAt !== 0) books.timers.add(order.dueAt, order.number);
  if (isTerminal(before) !== isTerminal(order.status))
    countLive(books, order.number, isTerminal(before) ? 1 : -1);
  if (fact.type === Facts.orderMoved) remember(books, fact, before, due, timeMs);
}

/** Where an order came from when it goes into a refund or a dispute. */
function remember(
  books: Books,
  { order, event }: FactOf<"orderMoved">,
  before: number,
  due: number,
  timeMs: number,
): void {
  switch (event) {
    case OrderEvents.refund:
      if (before !== Statuses.Refunding) books.afterSales.open(order).refundFrom = before;
      break;
    case OrderEvents.dispute: {
      const afterSale = books.afterSales.open(order);
      afterSale.disputeFrom = before;
      afterSale.restMs = due === 0 ? -1 : Math.max(0, due - timeMs);
      break;
    }
    case OrderEvents.resolve_refund:
    case OrderEvents.resolve_keep: {
      const afterSale = books.afterSales.open(order);
      const refunds = event === OrderEvents.resolve_refund;
      if (refunds && afterSale.disputeFrom !== Statuses.Refunding)
        afterSale.refundFrom = afterSale.disputeFrom;
      afterSale.disputeFrom = 0;
      break;
    }
  }
}

/** A fact that is told under the account of an order which the books know, if they do. */
export function toldOf(books: Books, order: number): void {
  if (books.orders.has(order)) books.orders.tell(order, books.position);
}

export function orderRefunded(books: Books, fact: FactOf<"refundDone">): void {
  toldOf(books, fact.order);
  books.afterSales.ended(fact);
  if (fact.provider === "") evolveAccount(books.accounts[fact.account]!, fact);
  if (fact.source === refundSources.order) addToOrder(books, fact.order, 0, fact.amount, 0);
}

export function addToOrder(
  books: Books,
  number: number,
  paid: number,
  refunded: number,
  points: number,
): void {
  const order = books.orders.read(number, books.order);
  order.paid += paid;
  order.refunded += refunded;
  order.points += points;
  if (order.paid > order.total || order.refunded > order.paid || order.points < 0)
    throw new Error(`order ${number}: paid ${order.paid}, refunded ${order.refunded} of ${order.total}`);
  books.orders.write(order);
}

export function orderArchived(books: Books, { order }: FactOf<"orderArchived">): void {
  if (!isTerminal(books.orders.status(order))) countLive(books, order, -1);
  const account = books.accounts[books.orders.account(order)]!;
  account.goneTo = Math.max(account.goneTo, books.orders.toldAt(order));
  books.afterSales.archived(order);
  books.orders.drop(order);
}

export function orderBegun(books: Books, fact: FactOf<"orderBegun">, time: number): void {
  books.orders.begin(fact.order, fact.account);
  books.pending.set(fact.order, pendingFromFact(fact));
  books.liveOrders++;
  books.timers.add(fact.expiresAt, fact.order);
  orderKeyRuns(books, fact, time);
}

/** The read side alone remembers it, but until an order across shards is placed it is carried along. */
export function operatorNamed({ pending }: Books, { order, operator }: FactOf<"operatorNamed">): void {
  const begun = pending.get(order);
  if (begun) begun.operator = operator;
}

export function orderDescriptionKept({ pending }: Books, fact: FactOf<"orderDescriptionKept">): void {
  const begun = pending.get(fact.order)!;
  begun.ref = fact.ref;
  begun.data = fact.data;
}

export function orderAdjustmentsKept({ pending }: Books, fact: FactOf<"orderAdjustmentsKept">): void {
  pending.get(fact.order)!.adjustments = fact.asked;
}

export function orderBranchAnswered(books: Books, fact: FactOf<"branchAnswered">): void {
  const reinstatement = books.reinstatements.get(fact.order);
  if (!reinstatement) books.pending.get(fact.order)!.answer(fact);
  else if (reinstatement.answers[fact.branch] === undefined)
    reinstatement.answers[fact.branch] = fact.code === 0;
  else throw new Error(`order ${fact.order}: branch ${fact.branch} answered twice`);
}

export function reinstatementBegun(books: Books, { type: _, ...begun }: FactOf<"reinstatementBegun">): void {
  if (books.reinstatements.has(begun.order))
    throw new Error(`order ${begun.order} is being reinstated already`);
  books.afterSales.open(begun.order).reclaimed = true;
  const answers: undefined[] = [];
  books.orders.eachLine(begun.order, () => answers.push(undefined));
  books.reinstatements.set(begun.order, { ...begun, answers });
  books.timers.add(begun.expiresAt, begun.order);
}

function countLive(books: Books, order: number, sign: 1 | -1): void {
  books.liveOrders += sign;
  books.liveKeys += sign * books.orders.keys(order);
}

export function reinstatementEnded(books: Books, { order }: FactOf<"reinstatementEnded">): void {
  books.reinstatements.delete(order);
  // Its timer for the archive may have fired meanwhile.
  books.timers.add(books.orders.read(order, books.order).dueAt, order);
}

/** It ended before it was placed. */
export function orderRefused(books: Books, { order }: FactOf<"orderRefused">): void {
  books.pending.delete(order);
  countLive(books, order, -1);
  books.orders.drop(order);
}
