/**
 * Transactions at their coordinator: what the books know of them.
 *
 *   running ── decided: it will be done ──▶ confirming ──▶ done
 *      └────── decided: it will be undone ▶ canceling ───▶ undone
 *
 *   part   waiting ─▶ begun ─▶ done | refused | unknown ─▶ ending ─▶ settled
 *
 * TRANSACTION-TABLE-1  A transaction is decided once, and ends as it was decided.
 * TRANSACTION-TABLE-2  An undecided one has a timer for its deadline, a part that failed to end has one for its next try.
 * TRANSACTION-TABLE-3  Open transactions are never forgotten; of the ended ones the newest `transactionsEndedMax` are kept.
 */

import { type FactOf, Facts, type Mode, modes } from "../../actors/facts.js";
import type { PartState } from "../../actors/transactions/next-step.js";
import type { Part } from "../../actors/transactions/plan.js";
import { transactionsEndedMax } from "../seams/limits.js";
import { Timers } from "./timers.js";

/** Numbers in the log; never re-used. */
export const answers = { done: 1, refused: 2, unknown: 3 } as const;

export interface PartProgress {
  state: PartState;
  /** JSON: its result, or why it was refused. */
  text: string;
  /** A number of `settlements`; 0 = not settled. */
  settled: number;
  failures: number;
  /** ms; 0 = none. */
  firstFailedAt: number;
  /** ms; 0 = it is under way, or nothing is due. */
  dueAt: number;
  stuck: boolean;
  error: string;
}

export interface Transaction {
  readonly transaction: number;
  /** Handle. */
  readonly account: number;
  readonly mode: Mode;
  readonly name: string;
  /** JSON. */
  readonly input: string;
  readonly parts: readonly Part[];
  /** ms */
  readonly deadline: number;
  readonly key: string;
  readonly paramsHash: number;
  readonly at: number;
  /** ms */
  readonly begunAt: number;
  readonly progress: readonly PartProgress[];
  /** A number of `decisions`; 0 = undecided. */
  decision: number;
  /** JSON: why it will be undone. */
  reason: string;
  /** ms; 0 = it has not ended. */
  endedAt: number;
}

type TransactionFact =
  | FactOf<"transactionBegun">
  | FactOf<"partBegun">
  | FactOf<"partAnswered">
  | FactOf<"transactionDecided">
  | FactOf<"partEnding">
  | FactOf<"partSettled">
  | FactOf<"partFailed">
  | FactOf<"partRepeated">
  | FactOf<"partStuck">
  | FactOf<"transactionEnded">;

export class TransactionTable {
  readonly open = new Map<number, Transaction>();
  /** First ended first. */
  readonly ended = new Map<number, Transaction>();
  readonly timers = new Timers();
  nextSequence = 1;

  get(transaction: number): Transaction | undefined {
    return this.open.get(transaction) ?? this.ended.get(transaction);
  }

  /** Applies a fact. Throws when the log contradicts itself. */
  evolve(fact: TransactionFact, nowMs: number): void {
    if (fact.type === Facts.transactionBegun) {
      this.#begun(fact, nowMs);
      return;
    }
    const open = this.open.get(fact.transaction);
    if (!open) throw new Error(`transaction ${fact.transaction} is not open, fact ${fact.type}`);
    if (fact.type === Facts.transactionDecided) {
      if (open.decision !== 0) throw new Error(`transaction ${fact.transaction} is decided twice`);
      open.decision = fact.how;
      open.reason = fact.text;
    } else if (fact.type === Facts.transactionEnded) {
      open.endedAt = nowMs;
      this.open.delete(open.transaction);
      this.#keep(open);
    } else {
      evolvePart(open.progress[fact.part]!, fact, nowMs);
      if (fact.type === Facts.partFailed) this.timers.add(fact.dueAt, fact.transaction);
    }
  }

  /** A transaction of a snapshot, or a new one. */
  add(transaction: Transaction): void {
    if (transaction.endedAt !== 0) {
      this.#keep(transaction);
      return;
    }
    this.open.set(transaction.transaction, transaction);
    this.timers.add(transaction.deadline, transaction.transaction);
    for (const { dueAt } of transaction.progress)
      if (dueAt !== 0) this.timers.add(dueAt, transaction.transaction);
  }

  /** What a snapshot needs, in the order in which it must be added again. */
  *transactions(): Iterable<Transaction> {
    yield* this.ended.values();
    yield* this.open.values();
  }

  #begun({ type: _, mode, plan, ...begun }: FactOf<"transactionBegun">, nowMs: number): void {
    const parts = JSON.parse(plan) as readonly Part[];
    this.nextSequence++;
    this.add({
      ...begun,
      mode: mode === modes.tcc ? "tcc" : "saga",
      parts,
      begunAt: nowMs,
      progress: parts.map(() => ({ ...untouched })),
      decision: 0,
      reason: "",
      endedAt: 0,
    });
  }

  #keep(transaction: Transaction): void {
    this.ended.set(transaction.transaction, transaction);
    if (this.ended.size <= transactionsEndedMax) return;
    for (const oldest of this.ended.keys()) {
      this.ended.delete(oldest);
      return;
    }
  }
}

const untouched: PartProgress = {
  ...{
    state: "waiting",
    text: "",
    settled: 0,
    failures: 0,
    firstFailedAt: 0,
    dueAt: 0,
    stuck: false,
    error: "",
  },
};

function evolvePart(
  part: PartProgress,
  fact: Exclude<
    TransactionFact,
    FactOf<"transactionBegun"> | FactOf<"transactionDecided"> | FactOf<"transactionEnded">
  >,
  nowMs: number,
): void {
  switch (fact.type) {
    case Facts.partBegun:
      part.state = "begun";
      break;
    case Facts.partAnswered:
      part.state = (["done", "refused", "unknown"] as const)[fact.how - 1]!;
      part.text = fact.text;
      part.stuck = false;
      break;
    case Facts.partEnding:
      // Why nobody knows what a step did is told by the decision, and is no result of it.
      if (part.state === "unknown") part.text = "";
      // The same fact starts it again: then what has failed so far still counts.
      if (part.state !== "ending") part.stuck = false;
      part.state = "ending";
      part.dueAt = 0;
      break;
    case Facts.partSettled:
      part.state = "settled";
      part.settled = fact.how;
      part.dueAt = 0;
      part.stuck = false;
      break;
    case Facts.partFailed:
      part.failures++;
      if (part.firstFailedAt === 0) part.firstFailedAt = nowMs;
      part.dueAt = fact.dueAt;
      part.error = fact.error;
      break;
    case Facts.partRepeated:
      part.failures = 0;
      part.firstFailedAt = 0;
      part.dueAt = 0;
      part.stuck = false;
      break;
    case Facts.partStuck:
      part.stuck = true;
      break;
  }
}
