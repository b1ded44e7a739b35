/** Where a command goes: id -> slot (1,024, fixed for ever) -> shard. An order lives with its account. */

import { orderSlot, parseOrderId, slotOf } from "../actors/order-number.js";
import type { Command } from "./commands.js";
import { shardOfSlot } from "./crossing.js";

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
      return slotOf(command.account);
    case "order.pay":
    case "order.cancel":
    case "order.get":
    case "order.history":
      return orderSlot(parseOrderId(command.order) ?? 0);
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
      return 0;
  }
}

/** A slot of that shard. */
function firstSlot(shard: number, shards: number): number {
  return Math.ceil((shard * 1024) / shards);
}
