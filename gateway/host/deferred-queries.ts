/**
 * What the loop does not answer from the books: lists, histories, statements and the orders that it has forgotten (the read
 * side), and audits. Each has its position from the turn that asked, and its answer knows everything up to it.
 */

import { refuse } from "../../actors/results.js";
import { askShards, isForShards } from "../../engine/loop/ask-shards.js";
import type { DeferredQueries } from "../../engine/loop/shard.js";
import type { Command } from "../../engine/seams/commands.js";
import type { Requester } from "../../engine/seams/requester.js";
import type { ReadSide } from "../../persistence/read/read-side.js";
import { ReadQuestions } from "./read-questions.js";

/** One audit at a time: each takes a thread and the memory of all the books. */
const auditRetryAfterMs = 250;

export interface Deferred {
  readonly ask: DeferredQueries;
  /** The connection is gone: what it asked of the read side is dropped. */
  forget(requester: Requester): void;
  /** Questions to the read side without an answer. */
  readonly open: number;
}

export function makeDeferredQueries(
  readSide: ReadSide | undefined,
  submit: (shard: number, command: Command) => void,
  shards: number,
  audit: () => Promise<object>,
  nowMicros: () => number,
  /** How far each shard has come. */
  positions: () => readonly number[] = () => [],
): Deferred {
  const questions = readSide && new ReadQuestions(readSide, shards, nowMicros, positions);
  let auditing = false;
  const ask: DeferredQueries = (command, shard, position, done) => {
    if (isForShards(command)) {
      askShards(command, shards, submit, done);
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
    } else if (!questions) {
      done(
        refuse("invalid_request", { path: "method", reason: "this engine was started without a read side" }),
      );
    } else {
      questions.ask(command, shard, position, done);
    }
  };
  return {
    ask,
    forget: (requester) => questions?.forget(requester),
    get open() {
      return questions?.open ?? 0;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
