/** Refunds of the model, from the question to what became of them. */

import { closeRefunds } from "./model-moves.js";
import { isOpen, type ModelRefund, statusOf } from "./model-order.js";
import { type ModelReply, ok, type Request, refused, type World } from "./model-world.js";

export type RequestedRefund = Pick<
  ModelRefund,
  "of" | "provider" | "paymentId" | "amount" | "shares" | "restock" | "reason"
>;

export function askRefund(
  world: World,
  number: number,
  asked: RequestedRefund,
  currency?: string,
): ModelRefund {
  const order = world.orders[number]!;
  const shard = world.settings.shardOf(order.account);
  const refund: ModelRefund = {
    ...asked,
    index: world.refunds.length,
    shard,
    sequence: world.refunds.filter((other) => other.shard === shard).length + 1,
    order: number,
    currency: currency ?? order.currency,
    state: "requested",
    ref: "",
  };
  world.refunds.push(refund);
  if (asked.of === "order") order.refunds.push(refund);
  return refund;
}

export function refundDone(world: World, refund: ModelRefund, ref: string): void {
  refund.state = "done";
  refund.ref = ref;
  if (refund.of === "order") closeRefunds(world, world.orders[refund.order]!);
}

export function getRefund(world: World, { refund: index }: Request): ModelReply {
  const refund = world.refunds[index];
  return refund ? ok(world.refundView(refund)) : refused({ code: "refund_not_found" });
}

/** What the provider says. Once it has ended it stays so. */
export function reportRefund(world: World, { refund: index, outcome, ref = "" }: Request): ModelReply {
  const refund = world.refunds[index];
  if (!refund) return refused({ code: "refund_not_found" });
  if (!isOpen(refund)) {
    if (refund.state === outcome) return ok(world.refundView(refund));
    return refused({
      code: "invalid_transition",
      details: { from: refund.state, event: outcome, allowed: [] },
    });
  }
  const order = world.orders[refund.order]!;
  const canKeep = refund.of === "order" && statusOf(order) !== "Canceled";
  if (outcome === "done") refundDone(world, refund, ref);
  else if (outcome === "refused" && canKeep) {
    refund.state = "refused";
    refund.ref = ref;
    closeRefunds(world, order);
  } else {
    // Nobody knows; or the provider will not, and there is no order that could keep the money.
    refund.state = "unknown";
    refund.ref = outcome === "refused" ? `refused: ${ref}` : ref;
  }
  return ok(world.refundView(refund));
}
