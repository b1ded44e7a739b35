/**
 * What one shard asks of others through the host, because nothing of it goes by message: quotes of a dry run, and whose a token is. Each
 * answers when what it saw, or recorded, is durable.
 */

import type { Refusal } from "../../actors/results.js";
import { answerTo } from "../links/answer-to.js";
import { gatherQuotes } from "../orders/quote.js";
import type { ClaimToken, Command, PlaceOrder } from "../seams/commands.js";
import { shardOf } from "./methods.js";

type ForShards = PlaceOrder | ClaimToken;

export function isForShards(command: Command): command is ForShards {
  return command.method === "order.place" || command.method === "token.claim";
}

export function askShards(
  command: ForShards,
  shards: number,
  submit: (shard: number, command: Command) => void,
  done: (result: object | Refusal) => void,
): void {
  if (command.method === "order.place") gatherQuotes(command, shards, submit, done);
  else submit(shardOf(command, shards), { ...command, requester: answerTo(done) });
}
