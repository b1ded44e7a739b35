/** Where a command goes: id -> slot (1,024, fixed for ever) -> shard. An order lives with its account. */

import {
  orderSlot,
  parseItemId,
  parseOrderId,
  parseRefundId,
  parseTransactionId,
  slotOf,
} from "../actors/order-number.js";
import type { Command } from "./commands.js";
import { firstSlot, shardOfSlot } from "./slots.js";

export { firstSlot };

/** The shard that runs the command. What cannot exist goes to shard 0, which says so. */
export function shardOf(command: Command, shards: number): number {
  return shards === 1 ? 0 : shardOfSlot(slotOfCommand(command, shards), shards);
}

function slotOfCommand(command: Command, shards: number): number {
  switch (command.method) {
    case "order.place":
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
    case "payment.notify":
      return orderSlot(parseOrderId(command.order) ?? 0);
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
      return slotOf(command.topic.slice(command.topic.indexOf(":") + 1));
    case "feed.unsubscribe":
      return firstSlot(command.sub % shards, shards);
    case "audit.run":
    case "token.issue":
      return 0;
  }
}

/** Items are listed shard by shard: "2.17" goes on in shard 2 below item 17. */
function shardOfCursor(cursor: string | undefined, shards: number): number {
  const shard = Number(/^([0-9]{1,4})\./.exec(cursor ?? "")?.[1] ?? 0);
  return Math.min(shard, shards - 1);
}
