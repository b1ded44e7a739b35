/** What follows a payment, for the engine's tests: each request under a key of its own. */

import type { Status } from "../../actors/order-transitions.js";
import type { Answer, CommandParams, TestEngine } from "./engine.js";
import { place } from "./shop.js";

export const day = 86_400_000;
export const hour = 3_600_000;

let last = 0;

/** A key or a ref that was never used. */
export function fresh(): string {
  return `f${++last}`;
}

export type Cart = Readonly<Record<string, number>>;

export interface Buyer {
  readonly account: string;
  readonly cart: Cart;
}

export const annsTea: Buyer = { account: "ann", cart: { tea: 2 } };

export function held(engine: TestEngine, { account, cart }: Buyer = annsTea, more: object = {}): string {
  return engine.ask(place(account, fresh(), cart, { payWithinMs: hour, ...more })).result.order;
}

export function paid(engine: TestEngine, { account, cart }: Buyer = annsTea): string {
  return engine.ask(place(account, fresh(), cart, { pay: "balance" })).result.order;
}

export function advanceParams(order: string, event: string, more: object = {}): CommandParams {
  const tracking = event === "ship" ? "SF-1" : undefined;
  return { method: "order.advance", key: fresh(), order, event, tracking, restock: false, ...more };
}

export function refundParams(order: string, more: object = {}): CommandParams {
  return { method: "order.refund", key: fresh(), order, reason: "as agreed", restock: false, ...more };
}

export function notifyParams(order: string, amount: string, more: object = {}): CommandParams {
  const paymentId = fresh();
  return { method: "payment.notify", provider: "alipay", paymentId, order, amount, currency: "CNY", ...more };
}

export function reportParams(refund: string, outcome: string, more: object = {}): CommandParams {
  return { method: "refund.report", refund, outcome, ...more };
}

export function advance(engine: TestEngine, order: string, event: string, more: object = {}): Answer {
  return engine.ask(advanceParams(order, event, more));
}

export function refund(engine: TestEngine, order: string, more: object = {}): Answer {
  return engine.ask(refundParams(order, more));
}

export function notify(engine: TestEngine, order: string, amount: string, more: object = {}): Answer {
  return engine.ask(notifyParams(order, amount, more));
}

export function report(engine: TestEngine, id: string, outcome: string, more: object = {}): Answer {
  return engine.ask(reportParams(id, outcome, more));
}

export function pay(engine: TestEngine, order: string): Answer {
  return engine.ask({ method: "order.pay", key: fresh(), order });
}

export function cancel(engine: TestEngine, order: string): Answer {
  return engine.ask({ method: "order.cancel", key: fresh(), order });
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into results of every shape
export function orderOf(engine: TestEngine, order: string): any {
  return engine.ask({ method: "order.get", order }).result;
}

export interface ItemSeen {
  readonly item: string;
  readonly kind: string;
  readonly subject: string;
  readonly amount: string;
  readonly currency: string;
  readonly attempts: number;
  readonly actions: readonly string[];
}

/** Items for a human of all shards. */
export function humanItems(engine: TestEngine, state: "open" | "resolved" = "open"): ItemSeen[] {
  const items: ItemSeen[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = engine.ask({ method: "human.list", state, cursor }).result;
    items.push(...page.items);
    cursor = page.cursor;
  }
  return items;
}

export function resolve(engine: TestEngine, item: string, action: string, more: object = {}): Answer {
  return engine.ask({ method: "human.resolve", item, action, reason: "looked at it", ...more });
}

/** Events that lead a paid order into a status. */
const ways: Readonly<Partial<Record<Status, readonly string[]>>> = {
  Paid: [],
  Packing: ["pack"],
  Shipped: ["pack", "ship"],
  Shipping: ["pack", "ship", "dispatch"],
  Delivered: ["pack", "ship", "deliver"],
  Completed: ["pack", "ship", "confirm"],
  Disputed: ["pack", "ship", "dispute"],
};

export const seen = [
  "Created",
  "Paid",
  "Packing",
  "Shipped",
  "Shipping",
  "Delivered",
  "Completed",
  "Canceled",
  "Refunding",
  "Refunded",
  "Disputed",
] as const satisfies readonly Status[];

export type Seen = (typeof seen)[number];

/** An order of the buyer in that status, paid from the balance; one in Refunding is paid from outside. */
export function orderIn(engine: TestEngine, status: Seen, buyer: Buyer = annsTea): string {
  if (status === "Created") return held(engine, buyer);
  if (status === "Canceled") {
    const order = held(engine, buyer);
    cancel(engine, order);
    return order;
  }
  if (status === "Refunding") {
    const order = held(engine, buyer);
    notify(engine, order, orderOf(engine, order).total);
    refund(engine, order, { amount: "1.00" });
    return order;
  }
  const order = paid(engine, buyer);
  if (status === "Refunded") refund(engine, order);
  else for (const event of ways[status]!) advance(engine, order, event);
  return order;
}
