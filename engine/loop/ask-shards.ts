/**
 * What one shard asks of others through the host, because nothing of it goes by message: quotes of a dry run, whose a token is, and
 * which orders have a shop's number. Each answers when what it saw, or recorded, is durable.
 */

import type { Refusal } from "../../actors/results.js";
import { answerTo } from "../links/answer-to.js";
import { gatherByRef } from "../orders/order-ref.js";
import { gatherQuotes } from "../orders/quote.js";
import type { ClaimToken, Command, FindByRef, PlaceOrder } from "../seams/commands.js";
import { shardOf } from "./methods.js";

type ForShards = PlaceOrder | ClaimToken | FindByRef;

export function isForShards(command: Command): command is ForShards {
  return ["order.place", "token.claim", "order.byRef"].includes(command.method);
}

export function askShards(
  command: ForShards,
  shards: number,
  submit: (shard: number, command: Command) => void,
  done: (result: object | Refusal) => void,
): void {
  if (command.method === "order.place") gatherQuotes(command, shards, submit, done);
  else if (command.method === "order.byRef") gatherByRef(command, shards, submit, done);
  else submit(shardOf(command, shards), { ...command, requester: answerTo(done) });
}
