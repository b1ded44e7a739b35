/**
 * What transactions want of others, as the logs say it: functions outside, and humans.
 *
 * TRANSACTION-OUTSIDE-1  A function outside is called for what its part is at: tried or done while it is begun, ended as the transaction was decided.
 * TRANSACTION-OUTSIDE-2  What a human books about a part goes through suspense, in the currency of the part.
 */

import { type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import type { Coverage } from "./coverage.js";
import type { LoggedPart, LoggedTransaction } from "./transaction-log.js";

/** Numbers of the catalogue: whose items and whose calls are transactions', and how an item is closed that nobody resolved. */
export const transactionItems = 3;
export const transactionCalls = 2;
const itself = 0;

/** Failures after which somebody must have been told. */
const keepsFailing = 10;

/** "t1024/name". */
export function transactionOfItem(subject: string): number {
  return Number(subject.slice(1, subject.indexOf("/")));
}

export class TransactionServices {
  /** Parts whose item a human has resolved in this turn. */
  readonly resolved = new Set<LoggedPart>();
  readonly #items = new Map<number, { readonly transaction: LoggedTransaction; readonly part: LoggedPart }>();
  readonly #calls = new Map<number, LoggedTransaction>();
  readonly #coverage: Coverage;
  readonly #wrong: (what: string) => never;

  constructor(coverage: Coverage, wrong: (what: string) => never) {
    this.#coverage = coverage;
    this.#wrong = wrong;
  }

  /** TRANSACTION-OUTSIDE-1. */
  made({ call, name: said }: FactOf<"callMade">, transaction: LoggedTransaction, nowMs: number): void {
    const [, name, verb] = /^deal\/([a-z0-9]+):([a-z]+)$/.exec(said) ?? [];
    const part = transaction.parts.find((one) => one.name === name);
    if (!part || !verb) this.#wrong(`transaction ${transaction.number} calls ${said}`);
    const { mode, decision } = transaction;
    const { state } = part!;
    const end = mode === "saga" ? "undo" : decision === "done" ? "confirm" : "cancel";
    const begun = mode === "tcc" ? ["try"] : ["do", "ask"];
    const fits =
      state === "begun" ? decision === "" && begun.includes(verb!) : state === "ending" && verb === end;
    if (!fits) this.#wrong(`transaction ${transaction.number} calls ${said}, and it is ${state}`);
    transaction.calls.set(call, { part: part!, verb: verb!, failures: 0, dueAt: nowMs });
    this.#calls.set(call, transaction);
  }

  call(fact: FactOf<"callFailed"> | FactOf<"callEnded"> | FactOf<"callRepeated">, nowMs: number): void {
    const transaction = this.#calls.get(fact.call);
    const call = transaction?.calls.get(fact.call);
    if (!transaction || !call) return;
    if (fact.type === Facts.callEnded) transaction.calls.delete(fact.call);
    else if (fact.type === Facts.callRepeated) {
      call.failures = 0;
      call.dueAt = nowMs;
    } else {
      call.failures++;
      call.dueAt = fact.dueAt;
      if (call.verb === "undo" && call.failures === keepsFailing)
        this.#coverage.hit("compensation that kept failing");
    }
  }

  opened({ item, subject }: FactOf<"humanOpened">, transaction: LoggedTransaction): void {
    const name = subject.slice(subject.indexOf("/") + 1);
    const part = transaction.parts.find((one) => one.name === name);
    if (!part) this.#wrong(`item ${item} is about ${subject}`);
    this.#items.set(item, { transaction, part: part! });
    part!.item = item;
    part!.wasStuck = true;
    this.#coverage.hit("transaction's item opened");
  }

  resolve({ item, action }: FactOf<"humanResolved">): void {
    const known = this.#items.get(item);
    if (!known) return;
    known.part.item = 0;
    if (action === itself) this.#coverage.hit("transaction's item closed by itself");
    else this.resolved.add(known.part);
  }

  /** TRANSACTION-OUTSIDE-2. `moneyBuckets`: what each transaction has left where. */
  entry({ item, from, to, amount, currency }: FactOf<"entryMade">, moneyBuckets: Map<string, number>): void {
    const known = this.#items.get(item);
    if (!known) return;
    if (currencyCode(currency) !== known.part.currency) this.#wrong(`item ${item} is of another currency`);
    const name = `${known.transaction.number} suspense`;
    const net = (to === "suspense" ? amount : 0) - (from === "suspense" ? amount : 0);
    moneyBuckets.set(name, (moneyBuckets.get(name) ?? 0) + net);
  }
}
