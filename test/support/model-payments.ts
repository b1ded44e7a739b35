/** `payment.notify` of the model: money is booked first, then it is seen what it was for. */

import { positiveMinorOf } from "./model-money.js";
import { dueOf, paidOf, statusOf } from "./model-order.js";
import { decideTake } from "./model-place.js";
import { askRefund } from "./model-refunds.js";
import { type ModelReply, ok, type Request, refused, type World } from "./model-world.js";

export function notifyPayment(world: World, request: Request): ModelReply {
  const { provider, paymentId, order: number, amount: text, currency } = request;
  const amount = positiveMinorOf(text, currency);
  if (typeof amount === "string") return refused({ code: amount });
  const name = `payment ${provider}:${paymentId}`;
  const params = JSON.stringify([number, amount, currency]);
  return world.once(world.refs, name, params, undefined, () => {
    world.booked.push({ provider, currency, amount });
    const order = world.orders[number];
    const settled = settle(world, number, { provider, paymentId, amount, currency });
    return ok({ ...settled, order: order && !order.archived ? world.orderView(number) : null });
  });
}

interface Paid {
  readonly provider: string;
  readonly paymentId: string;
  readonly amount: number;
  readonly currency: string;
}

function settle(world: World, number: number, paid: Paid): object {
  const { provider, paymentId, amount, currency } = paid;
  const order = world.orders[number];
  const toHuman = (outcome: string) => {
    world.suspended.push({ currency, amount });
    return { outcome, money: "suspense", refund: null };
  };
  const back = (outcome: string, surplus: number, why?: string, money = "refunded") => {
    // "#7" = the id of order 7
    const reason = why ?? `${outcome.replace("_", " ")} for #${number}`;
    const asked = {
      of: "surplus",
      provider,
      paymentId,
      amount: surplus,
      shares: [],
      restock: false,
    } as const;
    const refund = surplus === 0 ? null : askRefund(world, number, { ...asked, reason }, currency).index;
    return { outcome, money, refund };
  };
  const apply = (applied: number) => order!.payments.push({ provider, paymentId, amount: applied });

  if (!order) return toHuman("unmatched_payment");
  if (order.archived) return back("late_payment", amount);
  if (order.currency !== currency) return toHuman("currency_mismatch");
  switch (statusOf(order)) {
    case "Created": {
      const due = order.total - paidOf(order);
      apply(Math.min(amount, due));
      if (amount < due) return { outcome: "partially_paid", money: "kept", refund: null };
      order.moves.push({ event: "pay", to: "Paid", due: 0 });
      return back("paid", amount - due, "more than was due", "applied");
    }
    case "Canceled":
      if (!canReinstate(world, number, amount)) return back("late_payment", amount);
      apply(order.total);
      order.moves.push({ event: "reinstate", to: "Paid", due: 0 });
      return back("late_payment", amount - order.total, "more than was due", "reinstated");
    case "Refunding":
    case "Refunded":
      return back("late_payment", amount);
    default:
      return back("duplicate_payment", amount);
  }
}

/** All of it can be taken once more, the sum suffices, and no other money of the order is on its way back. */
function canReinstate(world: World, number: number, amount: number): boolean {
  const order = world.orders[number]!;
  if (world.settings.latePayment !== "reinstate" || order.reclaimed) return false;
  if (paidOf(order) > 0 || amount < order.total || order.total === 0) return false;
  order.reclaimed = order.crossed;
  return order.lines.every(({ product, qty }) => !decideTake(world, order.account, product, qty));
}

/** Whether an order may be in the archive: nothing can happen to it, for so long that its keys are gone. */
export function mayBeArchived(world: World, number: number): boolean {
  const order = world.orders[number]!;
  if (!["Canceled", "Refunded", "Completed"].includes(statusOf(order))) return false;
  const open = world.refunds.some(
    ({ order: of, state }) => of === number && ["requested", "unknown"].includes(state),
  );
  return !open && world.now >= dueOf(order) + world.settings.keysKeepMs;
}
