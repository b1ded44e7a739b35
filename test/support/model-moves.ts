/** What moves an order of the model: requests under its account's keys, and time. */

import { decimal, plain, positiveMinorOf, wrongText } from "./model-money.js";
import {
  allows,
  cameFrom,
  dueOf,
  isFree,
  isOpen,
  leadsTo,
  leftOf,
  linesLeft,
  type ModelOrder,
  nextOf,
  paidOf,
  refundedOf,
  type Share,
  statusOf,
  versionOf,
} from "./model-order.js";
import { mergeLines } from "./model-place.js";
import { askRefund, refundDone } from "./model-refunds.js";
import { cutToSources, shareAll, shareAmount, shareUnits } from "./model-share.js";
import { type ModelReply, ok, type Refused, type Request, refused, type World } from "./model-world.js";

/** What is due by itself, oldest first. */
export function moveByTime(world: World): void {
  const { now, settings, orders } = world;
  const due = [...orders.keys()].filter((number) => {
    const order = orders[number]!;
    const timed = ["Created", "Shipped", "Shipping", "Delivered"].includes(statusOf(order));
    return timed && dueOf(order) !== 0 && dueOf(order) <= now;
  });
  for (const number of due.sort((a, b) => dueOf(orders[a]!) - dueOf(orders[b]!) || a - b)) {
    const order = orders[number]!;
    if (statusOf(order) === "Created") cancel(world, number, "the time to pay has passed");
    else order.moves.push({ event: "auto_confirm", to: "Completed", due: now + settings.afterSaleMs });
  }
}

/** pay, cancel, advance, refund. */
export function moveOrder(world: World, request: Request): ModelReply {
  const { method, order: number, key, at } = request;
  if (method === "order.advance") {
    if (request.event === "ship" && request.tracking === undefined)
      return refused({ code: "invalid_request" });
    if (request.event === "resolve" && request.resolution === undefined)
      return refused({ code: "invalid_request" });
    const { event, tracking, resolution, restock } = request;
    const swallowed =
      (tracking !== undefined && event !== "ship") ||
      (resolution !== undefined && event !== "resolve") ||
      (restock && resolution !== "refund");
    if (swallowed) return refused({ code: "invalid_request" });
  }
  if (method === "order.refund" && request.amount !== undefined && (request.restock || request.lines))
    return refused({ code: "invalid_request" });
  const order = world.orders[number];
  if (!order) return refused({ code: "order_not_found" });
  const asked: string = method === "order.advance" ? request.event : method.slice("order.".length);
  const { account: _account, key: _key, at: _at, ...params } = request;
  const name = JSON.stringify({ ...params, amount: plain(params.amount) });
  const seen = world.seen(order.account, key, name, at);
  if (seen) return seen;
  const decide = deciders[method]!;
  const run = () => {
    if (order.archived) return notAllowed(order, asked, []);
    const move = decide(world, order, number, request);
    if (typeof move !== "function") return move;
    const refunds = move();
    const view = () => world.orderView(number);
    return ok(
      refunds ? { refunds: refunds.map((r) => world.refundView(world.refunds[r]!)), order: view() } : view(),
    );
  };
  return world.once(world.keys, `${order.account} ${key}`, name, at, run, () => number);
}

/** A refusal, or what to do; that gives the refunds it asked for, by their places. */
type Decided = Refused | (() => number[] | undefined);
type Decide = (world: World, order: ModelOrder, number: number, request: Request) => Decided;

const deciders: Readonly<Record<string, Decide>> = {
  "order.pay": (world, order) => {
    if (!allows(order, "pay", world.now)) return notAllowed(order, "pay", nextOf(order, world.now));
    const available = world.balance(order.account);
    const amount = order.total - paidOf(order);
    if (available < amount) {
      const details = { available: decimal(available, order.currency), due: decimal(amount, order.currency) };
      return { code: "insufficient_funds", details };
    }
    return () => {
      order.payments.push({ provider: "", paymentId: "", amount });
      order.moves.push({ event: "pay", to: "Paid", due: 0 });
      return undefined;
    };
  },

  "order.cancel": (world, order, number, { reason }) => {
    if (!allows(order, "cancel", world.now)) return notAllowed(order, "cancel", nextOf(order, world.now));
    return () => {
      cancel(world, number, reason ?? "");
      return undefined;
    };
  },

  "order.advance": (world, order, number, request) => {
    const { event, version, resolution, remark, restock } = request;
    const { now, settings } = world;
    if (version !== undefined && version !== versionOf(order)) return versionMismatch(order);
    if (!allows(order, event, now)) return notAllowed(order, event, nextOf(order, now));
    const due = dueOf(order);
    if (event === "resolve") {
      const { rest } = order.moves.at(-1)!;
      const goesOn = rest! < 0 ? 0 : now + rest!;
      if (resolution === "keep") {
        return () => {
          order.moves.push({ event: "resolve_keep", to: cameFrom(order, "dispute"), due: goesOn });
          closeRefunds(world, order);
          return undefined;
        };
      }
      const shares = shareAll(linesLeft(order));
      if (overflows(world, order, shares)) return { code: "amount_overflow" };
      return () => {
        order.moves.push({ event: "resolve_refund", to: "Refunding", due: goesOn });
        const refunds = askParts(world, number, shares, remark ?? "dispute", restock);
        closeRefunds(world, order);
        return refunds;
      };
    }
    return () => {
      const rest = due === 0 ? -1 : Math.max(0, due - now);
      if (event === "dispute") order.moves.push({ event, to: "Disputed", due: 0, rest });
      else if (event === "ship")
        order.moves.push({ event, to: "Shipped", due: now + settings.autoConfirmMs });
      else if (event === "confirm")
        order.moves.push({ event, to: "Completed", due: now + settings.afterSaleMs });
      else order.moves.push({ event, to: leadsTo[event]!, due });
      return undefined;
    };
  },

  "order.refund": (world, order, number, request) => {
    const { lines, amount: text, version, reason, restock } = request;
    const { currency } = order;
    const amount = text === undefined ? undefined : positiveMinorOf(text, currency);
    if (typeof amount === "string") return wrongText(amount);
    if (version !== undefined && version !== versionOf(order)) return versionMismatch(order);
    if (!allows(order, "refund", world.now)) return notAllowed(order, "refund", nextOf(order, world.now));
    const left = leftOf(order);
    if ((left === 0 && !isFree(order)) || (amount ?? 0) > left)
      return { code: "refund_exceeds_remaining", details: { remaining: decimal(left, currency) } };
    const shares =
      amount !== undefined
        ? shareAmount(linesLeft(order), amount)
        : lines === undefined
          ? shareAll(linesLeft(order))
          : shareUnits(linesLeft(order), mergeLines(lines));
    if ("left" in shares) return { code: "line_qty_exceeds", details: { ...shares } };
    if (overflows(world, order, shares)) return { code: "amount_overflow" };
    return () => {
      order.moves.push({ event: "refund", to: "Refunding", due: dueOf(order) });
      return askParts(world, number, shares, reason, restock);
    };
  },
};

function notAllowed(order: ModelOrder, event: string, allowed: readonly string[]): Refused {
  return { code: "invalid_transition", details: { from: statusOf(order), event, allowed } };
}

function versionMismatch(order: ModelOrder): Refused {
  return { code: "version_mismatch", details: { version: versionOf(order) } };
}

/** What came from outside and was not enough goes back to where it came from. */
function cancel(world: World, number: number, reason: string): void {
  const order = world.orders[number]!;
  const wasPaid = statusOf(order) !== "Created";
  order.moves.push({ event: "cancel", to: "Canceled", due: world.now });
  if (wasPaid) {
    const nothing = { of: "order", provider: "", paymentId: "", amount: 0 } as const;
    const shares = shareAll(linesLeft(order));
    refundDone(world, askRefund(world, number, { ...nothing, shares, restock: true, reason }), "");
    return;
  }
  for (const { provider, paymentId, amount } of order.payments) {
    askRefund(world, number, {
      of: "order",
      provider,
      paymentId,
      amount,
      shares: [],
      restock: false,
      reason,
    });
  }
}

function overflows(world: World, order: ModelOrder, shares: readonly Share[]): boolean {
  const parts = cutToSources(shares, order.payments, order.refunds);
  const toWallet = parts.find(({ provider }) => provider === "")?.amount ?? 0;
  return world.balance(order.account) + toWallet > Number.MAX_SAFE_INTEGER;
}

/** One refund to each source, all asked for at once; then what goes to the wallet is done. */
function askParts(
  world: World,
  number: number,
  shares: readonly Share[],
  reason: string,
  restock: boolean,
): number[] {
  const order = world.orders[number]!;
  const refunds = cutToSources(shares, order.payments, order.refunds).map((part) =>
    askRefund(world, number, { of: "order", ...part, restock, reason }),
  );
  for (const refund of refunds) if (refund.provider === "") refundDone(world, refund, "");
  return refunds.map(({ index }) => index);
}

/** When the last refund of an order has ended, the order goes on, or it is refunded. */
export function closeRefunds(world: World, order: ModelOrder): void {
  if (statusOf(order) !== "Refunding" || order.refunds.some(isOpen)) return;
  const units = linesLeft(order).some(({ qty }) => qty > 0);
  if (refundedOf(order) === paidOf(order) && !(isFree(order) && units))
    order.moves.push({ event: "refund_all_done", to: "Refunded", due: world.now });
  else order.moves.push({ event: "refund_ended", to: cameFrom(order, "refund"), due: dueOf(order) });
}
