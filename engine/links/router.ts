/** Where a command goes: id -> slot (1,024, fixed for ever) -> shard. An order lives with its account. */

import { isShardTopic } from "../../actors/events.js";
import {
  orderSlot,
  parseItemId,
  parseOrderId,
  parseRefundId,
  parseTransactionId,
  slotOf,
} from "../../actors/order-number.js";
import type { Command } from "../seams/commands.js";
import { firstSlot, shardOfSlot } from "./slots.js";

export { firstSlot };

/** The shard that runs the command. What cannot exist goes to shard 0, which says so. */
export function shardOf(command: Command, shards: number): number {
  return shards === 1 ? 0 : shardOfSlot(slotOfCommand(command, shards), shards);
}

function slotOfCommand(command: Command, shards: number): number {
  switch (command.method) {
    case "order.place":
    case "order.quote":
    case "order.list":
    case "order.lookup":
    case "account.open":
    case "account.deposit":
    case "account.withdraw":
    case "account.get":
    case "account.statement":
    case "points.spend":
    case "transaction.begin":
      return slotOf(command.account);
    case "order.pay":
    case "order.cancel":
    case "order.get":
    case "order.history":
    case "order.advance":
    case "order.refund":
      return orderSlot(parseOrderId(command.order) ?? 0);
    case "payment.notify":
      return slotOf(`${command.provider}:${command.paymentId}`);
    case "refund.get":
    case "refund.report":
      return orderSlot(parseRefundId(command.refund) ?? 0);
    case "transaction.get":
      return orderSlot(parseTransactionId(command.transaction) ?? 0);
    case "human.get":
    case "human.resolve":
      return orderSlot(parseItemId(command.item) ?? 0);
    case "human.list":
      return firstSlot(shardOfCursor(command.cursor, shards), shards);
    case "product.create":
    case "product.restock":
    case "product.reprice":
    case "product.get":
      return slotOf(command.product);
    case "feed.subscribe":
      return slotOfTopic(command.topic, shards);
    case "feed.unsubscribe":
      return firstSlot(command.sub % shards, shards);
    case "audit.run":
    case "token.issue":
      return 0;
  }
}

/** `shard:N` is served by shard N; by shard 0, which says so, when there is none. */
function slotOfTopic(topic: string, shards: number): number {
  const subject = topic.slice(topic.indexOf(":") + 1);
  if (!isShardTopic(topic)) return slotOf(subject);
  const shard = Number(subject);
  return firstSlot(shard < shards ? shard : 0, shards);
}

/** Items are listed shard by shard: "2.17" goes on in shard 2 below item 17. */
function shardOfCursor(cursor: string | undefined, shards: number): number {
  const shard = Number(/^([0-9]{1,4})\./.exec(cursor ?? "")?.[1] ?? 0);
  return Math.min(shard, shards - 1);
}
