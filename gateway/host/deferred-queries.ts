/**
 * What the loop does not answer from the books: lists, histories, statements and the orders that it has forgotten (the read
 * side), and audits. Each has its position from the turn that asked, and its answer knows everything up to it.
 */

import { type Refusal, refuse } from "../../actors/results.js";
import type { DeferredQueries } from "../../engine/loop/shard.js";
import { gatherQuotes } from "../../engine/orders/quote.js";
import type { Command } from "../../engine/seams/commands.js";
import { retryAfterMs } from "../../engine/seams/limits.js";
import { ReadFailed } from "../../persistence/read/read-queries.js";
import type { ReadSide } from "../../persistence/read/read-side.js";

/** One audit at a time: each takes a thread and the memory of all the books. */
const auditRetryAfterMs = 250;

export function makeDeferredQueries(
  readSide: ReadSide | undefined,
  submit: (shard: number, command: Command) => void,
  shards: number,
  audit: () => Promise<object>,
): DeferredQueries {
  let auditing = false;
  return (command, shard, position, done) => {
    if (command.method === "order.place") {
      gatherQuotes(command, shards, submit, done);
    } else if (command.method === "audit.run") {
      if (auditing) {
        done(refuse("overloaded", { retryAfterMs: auditRetryAfterMs, reason: "an audit is running" }));
        return;
      }
      auditing = true;
      audit()
        .then(done, (error: unknown) => done(refuse("internal", { reason: messageOf(error) })))
        .finally(() => {
          auditing = false;
        });
    } else if (!readSide) {
      done(
        refuse("invalid_request", { path: "method", reason: "this engine was started without a read side" }),
      );
    } else {
      ask(readSide, command, shard, position, (answer) =>
        done(answer instanceof ReadFailed ? refusalOf(answer, command) : answer),
      );
    }
  };
}

function ask(
  readSide: ReadSide,
  command: Command,
  shard: number,
  position: number,
  done: (answer: object | ReadFailed) => void,
): void {
  switch (command.method) {
    case "order.list": {
      const { account, status, cursor, limit } = command;
      readSide.query("orders", { account, status, cursor, limit }, shard, position, done);
      break;
    }
    case "order.get":
      readSide.query("order", { order: command.order }, shard, position, done);
      break;
    case "refund.get":
      readSide.query("refund", { refund: command.refund }, shard, position, done);
      break;
    case "order.history":
      readSide.query("history", { order: command.order }, shard, position, done);
      break;
    case "account.statement": {
      const { account, cursor, limit } = command;
      readSide.query("statement", { account, cursor, limit }, shard, position, done);
      break;
    }
    default:
      throw new Error(`${command.method} is not a question for the read side`);
  }
}

function refusalOf({ code, message }: ReadFailed, { method }: Command): Refusal {
  switch (code) {
    case "bad_cursor":
      return refuse("invalid_request", { path: "params.cursor", reason: message });
    case "not_found":
      return refuse(method === "refund.get" ? "refund_not_found" : "order_not_found");
    case "behind":
      return refuse("overloaded", { retryAfterMs, reason: message });
    case "broken":
      return refuse("internal", { reason: message });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
