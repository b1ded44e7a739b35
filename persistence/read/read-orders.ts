/** The rows of `orders` and `order_items`: what was agreed, where the order stands, and when it came there. */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode, scaleOf } from "../../actors/money.js";
import { type Described, orderDataOf } from "../../actors/order-data.js";
import { orderId } from "../../actors/order-number.js";
import {
  type OrderEvent,
  orderEvents,
  type Status,
  Statuses,
  statuses,
} from "../../actors/order-transitions.js";
import type { ReadMoves } from "./read-moves.js";
import type { Writes } from "./read-rows.js";
import type { At, ReadRules } from "./read-rules.js";

/** Operator of what no request asked for. */
const systemOperator = "engine";

/** `cause` of `order.canceled`. */
const cancelCauses: Readonly<Record<number, "request" | "deadline">> = { 1: "request", 2: "deadline" };

/** Events that leave their time in the order's row. */
const stampOf: { readonly [E in OrderEvent]?: "shipped" | "delivered" | "completed" } = {
  ship: "shipped",
  deliver: "delivered",
  confirm: "completed",
  auto_confirm: "completed",
};

export function orderRules(writes: Writes, moves: ReadMoves): ReadRules {
  function placed(fact: FactOf<"orderPlaced">, { shard, names, ms }: At): void {
    const order = orderId(fact.order);
    const currency = currencyCode(fact.currency);
    const scale = scaleOf(currency);
    const paid = fact.status === Statuses.Paid;
    writes.order.run(
      fact.order,
      order,
      shard,
      names.accountId(fact.account),
      currency,
      scale,
      fact.total,
      fact.paid,
      statuses[fact.status]!,
      fact.payBy === 0 ? null : fact.payBy,
      ms,
      paid ? ms : null,
    );
    let line = 0;
    for (const { product: handle, qty, unitPrice } of fact.lines) {
      const { id, name } = names.products[handle]!;
      const subtotal = unitPrice * qty;
      writes.item.run(order, ++line, id, name, scale, unitPrice, qty, subtotal, subtotal, ms);
    }
    moves.add(fact.order, 1, null, statuses[fact.status]!, "place");
  }

  function canceled(fact: FactOf<"orderCanceled">, ms: number): void {
    const { order } = fact;
    const cause = cancelCauses[fact.cause]!;
    const remark = textOf(fact.reason);
    // A free order is canceled where it is Paid.
    const from = writes.statusOf.get(order) as Status;
    const version = writes.orderCanceled.get(ms, cause, remark, order) as number;
    if (cause === "deadline") moves.add(order, version, from, "Canceled", "expire", systemOperator, remark);
    else moves.add(order, version, from, "Canceled", "cancel", null, remark);
  }

  /** "back" is no row of a table: where the order stands before the fact is asked of the row. */
  function movedOn(fact: FactOf<"orderMoved">, ms: number): void {
    const { order } = fact;
    const event = orderEvents[fact.event]!;
    const to = statuses[fact.to]!;
    const from = writes.statusOf.get(order) as Status;
    const tracking = textOf(fact.tracking);
    const at = (stamp: string) => (stampOf[event] === stamp ? ms : null);
    const version = writes.orderMoved.get(
      to,
      fact.dueAt === 0 ? null : fact.dueAt,
      tracking,
      at("shipped"),
      at("delivered"),
      at("completed"),
      order,
    ) as number;
    moves.add(order, version, from, to, event, textOf(fact.operator), textOf(fact.remark), tracking);
  }

  function described({ order, ref, data }: FactOf<"orderDescribed">): void {
    const { address, contact, shippingMethod, paymentMethod, metadata } = orderDataOf(ref, data);
    const json = (value: object | undefined) => (value === undefined ? null : JSON.stringify(value));
    const words = (value: Described | undefined) => (typeof value === "string" ? value : json(value));
    const methods = [shippingMethod ?? null, paymentMethod ?? null];
    const said = [words(address), words(contact), ...methods, json(metadata)];
    writes.orderDescribed.run(textOf(ref), ...said, textOf(data), order);
  }

  function adjusted({ order: number, currency, parts, applied }: FactOf<"orderAdjusted">): void {
    const order = orderId(number);
    const scale = scaleOf(currencyCode(currency));
    for (const [index, { extra, name, amount, tax }] of parts.entries()) {
      if (extra === "") writes.itemAdjusted.run(amount, tax, order, index + 1);
      else writes.extra.run(order, index + 1, extra, textOf(name), scale, amount, tax);
    }
    const taxes = parts.reduce((sum, { tax }) => sum + tax, 0);
    writes.orderAdjusted.run(applied, taxes, number);
  }

  return {
    orderDescribed: described,
    orderAdjusted: adjusted,
    orderPlaced: placed,
    orderPaid: ({ order, amount }, { ms }) =>
      moves.add(order, writes.orderPaid.get(amount, ms, order) as number, "Created", "Paid", "pay"),
    orderSettled: ({ order }, { ms }) =>
      moves.add(order, writes.orderSettled.get(ms, order) as number, "Created", "Paid", "pay"),
    orderReinstated: ({ order }, { ms }) =>
      moves.add(order, writes.orderSettled.get(ms, order) as number, "Canceled", "Paid", "reinstate"),
    orderCanceled: (fact, { ms }) => canceled(fact, ms),
    orderMoved: (fact, { ms }) => movedOn(fact, ms),
    orderArchived: ({ order }, { ms }) => void writes.orderArchived.run(ms, order),
    pointsGranted: ({ order, points }) => void writes.orderPoints.run(points, 0, order),
    pointsReversed: ({ order, points }) => void writes.orderPoints.run(0, points, order),
    operatorNamed: (fact) => moves.named(fact),
    keyKept: (fact) => moves.keyed(fact),
  };
}

/** A text of a fact, which has no other word for "not said" than "". */
export function textOf(text: string): string | null {
  return text === "" ? null : text;
}
