/**
 * The moves that `order.moved` stands for: along the table, back to where the order came from, and in time.
 *
 *   ship ──▶ dueAt: it is confirmed by itself          dispute ──▶ the time stands still
 *   confirm ──▶ dueAt: the end of its after-sale       resolve_keep ──▶ and goes on with what was left
 */

import type { FactOf } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { orderId } from "../../actors/order-number.js";
import {
  back,
  type OrderEvent,
  orderEvents,
  Statuses,
  statusAfter,
  statuses,
} from "../../actors/order-transitions.js";
import { type AfterSale, afterOf, type LiveOrder } from "./audit-live.js";
import type { AuditScope } from "./audit-scope.js";

/** The method whose key asked for it; 0 = it followed from something else. Other events have facts of their own. */
const methodByEvent: { readonly [E in OrderEvent]?: number } = {
  pack: keyedMethods["order.advance"],
  ship: keyedMethods["order.advance"],
  dispatch: keyedMethods["order.advance"],
  deliver: keyedMethods["order.advance"],
  confirm: keyedMethods["order.advance"],
  auto_confirm: 0,
  refund: keyedMethods["order.refund"],
  refund_all_done: 0,
  refund_ended: 0,
  dispute: keyedMethods["order.advance"],
  resolve_refund: keyedMethods["order.advance"],
  resolve_keep: keyedMethods["order.advance"],
};

/** Who moves an order when its time has come. */
const engine = "engine";

/** The move's event and the method of its key; undefined when `order.moved` cannot stand for it. */
export function eventOf(fact: FactOf<"orderMoved">): { event: OrderEvent; method: number } | undefined {
  const event = orderEvents[fact.event];
  const method = event && methodByEvent[event];
  return event === undefined || method === undefined ? undefined : { event, method };
}

/** Moves the order as far as it can be moved, and says what is wrong about it. */
export function moveOrder(
  order: LiveOrder,
  event: OrderEvent,
  fact: FactOf<"orderMoved">,
  scope: AuditScope,
): void {
  const after = afterOf(order);
  const from = order.status;
  const to = targetOf(from, event, after);
  const bad = (what: string) => scope.bad("order-moves", `${orderId(order.number)}: ${what}`);
  if (to === undefined) bad(`${event} in status ${statuses[from]}`);
  else if (to !== fact.to) bad(`${event} leads to ${statuses[to]}, the fact says ${statuses[fact.to]}`);
  if (event === "ship" && fact.tracking === "") bad("shipped without tracking");
  if (event === "auto_confirm" && fact.operator !== engine) bad(`confirmed by itself, by ${fact.operator}`);
  scope.looked("deadlines", 1);
  const late = lateness(from, event, fact, after, scope.nowMs);
  if (late) scope.bad("deadlines", `${orderId(order.number)}: ${event} ${late}`);
  remember(order, event, fact, after, scope.nowMs);
  after.movedAt = scope.time;
  order.status = to ?? (statuses[fact.to] === undefined ? from : fact.to);
}

function targetOf(from: number, event: OrderEvent, after: AfterSale): number | undefined {
  const to = statusAfter(from, event);
  if (to !== back) return to;
  return event === "resolve_keep" ? after.disputedFrom : after.back;
}

/** What is wrong about the time of a move, or about the time that it sets. */
function lateness(
  from: number,
  event: OrderEvent,
  { dueAt }: FactOf<"orderMoved">,
  after: AfterSale,
  nowMs: number,
): string | undefined {
  const times = `at ${nowMs} with dueAt ${dueAt}`;
  const kept = `${times}, it was ${after.dueAt}`;
  const overSince = from === Statuses.Completed && nowMs >= after.dueAt ? after.dueAt : undefined;
  switch (event) {
    case "ship":
      return dueAt > nowMs ? undefined : times;
    case "confirm":
      return dueAt >= nowMs ? undefined : times;
    case "auto_confirm":
      if (after.dueAt === 0 || nowMs < after.dueAt) return `${times}, it is due at ${after.dueAt}`;
      return dueAt >= nowMs ? undefined : times;
    case "dispute":
      if (overSince !== undefined) return `${times}, its after-sale was over at ${overSince}`;
      return dueAt === 0 ? undefined : times;
    case "refund":
      if (overSince !== undefined) return `${times}, its after-sale was over at ${overSince}`;
      return dueAt === after.dueAt || dueAt === 0 ? undefined : kept;
    case "resolve_refund":
      return dueAt === 0 || resumes(after, dueAt, nowMs) ? undefined : kept;
    case "resolve_keep":
      return resumes(after, dueAt, nowMs) ? undefined : `${times}, ${after.restMs} ms were left`;
    case "refund_ended":
      // A dispute stood in between, and its end did not set the time again.
      if (after.restMs >= 0) return resumes(after, dueAt, nowMs) ? undefined : kept;
      return dueAt === after.dueAt ? undefined : kept;
    // Nothing is due any more: if it is a time, then that of its archiving.
    case "refund_all_done":
      return dueAt === 0 || dueAt === after.dueAt || dueAt > nowMs ? undefined : kept;
    default:
      return dueAt === after.dueAt ? undefined : kept;
  }
}

/** Whether the time goes on with what was left of it at the dispute; if nothing was left, it may stay where it was. */
function resumes({ restMs }: AfterSale, dueAt: number, nowMs: number): boolean {
  if (restMs < 0) return dueAt === 0;
  return restMs === 0 ? dueAt > 0 && dueAt <= nowMs : dueAt === nowMs + restMs;
}

function remember(
  { status: from }: LiveOrder,
  event: OrderEvent,
  { dueAt }: FactOf<"orderMoved">,
  after: AfterSale,
  nowMs: number,
): void {
  const { Refunding } = Statuses;
  if ((event === "refund" || event === "dispute") && from !== Refunding) after.back = from;
  // Its time goes on while it is refunded.
  if (event === "refund") return;
  if (event === "dispute") {
    after.disputedFrom = from;
    after.restMs = after.dueAt === 0 ? -1 : Math.max(0, after.dueAt - nowMs);
  } else if (event !== "resolve_refund" || dueAt !== 0) {
    after.restMs = -1;
  }
  after.dueAt = dueAt;
}
