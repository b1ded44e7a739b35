/**
 * Questions to the read side, in turns between those who ask. The read side answers one after the other; what waits, waits
 * here, where it can be refused and dropped.
 *
 * READ-QUESTIONS-1  At most `readOutMax` questions of a shard are with the read side; the rest waits in fair turns.
 * READ-QUESTIONS-2  A long page is asked for in pieces of `readRowsPerTurn`, and between two of them it is somebody else's turn.
 * READ-QUESTIONS-3  What waits is bounded, in all and in time, and is dropped with its connection.
 */

import { type Refusal, refuse } from "../../actors/results.js";
import { FairQueue } from "../../engine/loop/fair-queue.js";
import type { Command } from "../../engine/seams/commands.js";
import {
  readOutMax,
  readQuestionsMax,
  readQuestionsShare,
  readRowsPerTurn,
  readWaitMsMax,
  retryAfterMs,
} from "../../engine/seams/limits.js";
import { ownerOf, type Requester } from "../../engine/seams/requester.js";
import { pageDefault, ReadFailed } from "../../persistence/read/read-queries.js";
import type { ReadSide } from "../../persistence/read/read-side.js";

type Answer = object | Refusal;

interface Question {
  readonly command: Command;
  readonly shard: number;
  readonly position: number;
  /** Of a question about all shards: how far each had come. */
  readonly others: readonly number[];
  readonly askedAt: number;
  readonly done: (answer: Answer) => void;
  /** What came of a long page so far, and where it goes on. */
  readonly rows: object[];
  cursor: string | undefined;
}

export class ReadQuestions {
  readonly #readSide: ReadSide;
  readonly #nowMicros: () => number;
  readonly #queues: readonly FairQueue<Question>[];
  readonly #out: number[];
  /** Questions that are with the read side. */
  readonly #under = new Set<Question>();

  readonly #positions: () => readonly number[];

  /** `positions`: how far each shard has come, for what is asked of all of them. */
  constructor(
    readSide: ReadSide,
    shards: number,
    nowMicros: () => number,
    positions: () => readonly number[] = () => [],
  ) {
    this.#readSide = readSide;
    this.#nowMicros = nowMicros;
    this.#positions = positions;
    this.#queues = Array.from({ length: shards }, () => new FairQueue<Question>(1));
    this.#out = this.#queues.map(() => 0);
  }

  /** Questions that wait, and those that are with the read side. */
  get open(): number {
    return this.#waiting + this.#out.reduce((sum, out) => sum + out, 0);
  }

  ask(command: Command, shard: number, position: number, done: (answer: Answer) => void): void {
    const owner = ownerOf(command.requester);
    const queue = this.#queues[shard]!;
    if (this.#waiting >= readQuestionsMax && queue.sizeOf(owner) >= readQuestionsShare) {
      done(refuse("overloaded", { retryAfterMs, reason: "too many questions wait for the read side" }));
      return;
    }
    const cursor = "cursor" in command ? command.cursor : undefined;
    const others = command.method === "order.find" ? this.#positions() : [];
    queue.put(owner, {
      ...{ command, shard, position, others, askedAt: performance.now(), done, rows: [], cursor },
    });
    this.#send(shard);
  }

  /** The connection is gone: nobody waits for what it asked. */
  forget(requester: Requester): void {
    const owner = ownerOf(requester);
    for (const queue of this.#queues) queue.drop(owner);
    for (const question of this.#under) {
      if (ownerOf(question.command.requester) === owner) this.#under.delete(question);
    }
  }

  get #waiting(): number {
    return this.#queues.reduce((sum, { size }) => sum + size, 0);
  }

  #send(shard: number): void {
    while (this.#out[shard]! < readOutMax) {
      const question = this.#queues[shard]!.take();
      if (!question) return;
      const late = this.#lateness(question);
      if (late) {
        question.done(late);
        continue;
      }
      this.#out[shard]!++;
      this.#under.add(question);
      askReadSide(this.#readSide, question, (answer) => {
        this.#out[shard]!--;
        if (this.#under.delete(question)) this.#answered(question, answer);
        this.#send(shard);
      });
    }
  }

  #lateness({ command, askedAt }: Question): Refusal | undefined {
    if (command.refuseAfter !== 0 && this.#nowMicros() > command.refuseAfter)
      return refuse("deadline_exceeded");
    if (performance.now() - askedAt <= readWaitMsMax) return undefined;
    return refuse("overloaded", { retryAfterMs, reason: "the read side did not come to it in time" });
  }

  #answered(question: Question, answer: object | ReadFailed): void {
    const { command, rows, done } = question;
    if (answer instanceof ReadFailed) {
      done(refusalOf(answer, command));
      return;
    }
    const list = listOf[command.method as keyof typeof listOf];
    if (list === undefined) {
      done(answer);
      return;
    }
    const page = answer as { cursor: string | null } & Record<typeof list, object[]>;
    rows.push(...page[list]);
    if (page.cursor === null || rows.length >= wanted(command)) {
      done({ ...page, [list]: rows });
      return;
    }
    question.cursor = page.cursor;
    this.#queues[question.shard]!.putBack(ownerOf(command.requester), question);
  }
}

/** Where the rows of a page stand in its answer. */
const listOf = { "order.list": "orders", "order.find": "orders", "account.statement": "entries" } as const;

function wanted(command: Command): number {
  return ("limit" in command ? command.limit : undefined) ?? pageDefault;
}

function askReadSide(
  readSide: ReadSide,
  question: Question,
  done: (answer: object | ReadFailed) => void,
  /** The first of the other shards that it has not waited for. */
  other = 0,
): void {
  const { command, shard, position, others, rows, cursor } = question;
  if (other < others.length) {
    readSide.query("reached", {}, other, others[other]!, (answer) => {
      if (answer instanceof ReadFailed) done(answer);
      else askReadSide(readSide, question, done, other + 1);
    });
    return;
  }
  const limit = Math.min(wanted(command) - rows.length, readRowsPerTurn);
  switch (command.method) {
    case "order.list":
      readSide.query(
        "orders",
        { account: command.account, status: command.status, cursor, limit },
        shard,
        position,
        done,
      );
      break;
    case "order.find": {
      const { account, status, product, ref, tracking, payment, from, to } = command;
      const wanted = { account, status, product, ref, tracking, payment, from, to };
      readSide.query("find", { ...wanted, cursor, limit }, shard, position, done);
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
    case "account.statement":
      readSide.query("statement", { account: command.account, cursor, limit }, shard, position, done);
      break;
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
