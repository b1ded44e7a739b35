/**
 * The slot that a request is for, by what it names: an order lives with its account, everything else under its own name. What
 * cannot exist goes to slot 0, whose shard says so.
 */

import { isShardTopic } from "../../actors/events.js";
import {
  orderSlot,
  parseItemId,
  parseOrderId,
  parseRefundId,
  parseTransactionId,
  slotOf,
} from "../../actors/order-number.js";
import { firstSlot } from "./slots.js";
import { tokenParts } from "./token-parts.js";

export const withAccount = ({ account }: { account: string }) => slotOf(account);

export const withProduct = ({ product }: { product: string }) => slotOf(product);

export const withOrder = ({ order }: { order: string }) => orderSlot(parseOrderId(order) ?? 0);

export const withRefund = ({ refund }: { refund: string }) => orderSlot(parseRefundId(refund) ?? 0);

export const withTransaction = ({ transaction }: { transaction: string }) =>
  orderSlot(parseTransactionId(transaction) ?? 0);

export const withItem = ({ item }: { item: string }) => orderSlot(parseItemId(item) ?? 0);

/** A payment is booked under its own name, whatever its order turns out to be. */
export const withPayment = ({ provider, paymentId }: { provider: string; paymentId: string }) =>
  slotOf(`${provider}:${paymentId}`);

/** `shard:N` is served by shard N; by shard 0, which says so, when there is none. */
export function withTopic({ topic }: { topic: string }, shards: number): number {
  const subject = topic.slice(topic.indexOf(":") + 1);
  if (!isShardTopic(topic)) return slotOf(subject);
  const shard = Number(subject);
  return firstSlot(shard < shards ? shard : 0, shards);
}

/** Subscriptions are numbered so that the number says the shard. */
export const withSubscription = ({ sub }: { sub: number }, shards: number) => firstSlot(sub % shards, shards);

/** Items are listed shard by shard: "2.17" goes on in shard 2 below item 17. */
export function withCursor({ cursor }: { cursor: string | undefined }, shards: number): number {
  const shard = Number(/^([0-9]{1,4})\./.exec(cursor ?? "")?.[1] ?? 0);
  return firstSlot(Math.min(shard, shards - 1), shards);
}

/** A token says which shard issued it. */
export const withToken = ({ token }: { token: string }, shards: number) =>
  firstSlot(Math.min(tokenParts(token)?.shard ?? 0, shards - 1), shards);

/** Any shard can answer, so one does. */
export const anywhere = () => 0;
