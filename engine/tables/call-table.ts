/**
 * Calls to functions outside the engine that have no end yet: what the books know of them.
 *
 *   call.made ──▶ open ── call.failed ──▶ open, due later ── call.ended ──▶ gone
 *                  ▲                         │
 *                  └──── call.repeated ──────┘   a human said: now
 *
 * CALL-TABLE-1  A call is open from the fact that made it until the one that ended it, whatever failed in between.
 * CALL-TABLE-2  An open call has a time at which it is due, and a timer for it; a call that is due and not out is handed out.
 * CALL-TABLE-3  Of one owner's thing (owner, subject, part) at most one call is open.
 */

import { type FactOf, Facts } from "../../actors/facts.js";
import { Timers } from "./timers.js";

export interface OpenCall {
  readonly call: number;
  readonly owner: number;
  readonly subject: number;
  readonly part: number;
  readonly name: string;
  readonly input: string;
  /** Failures ever: the next attempt is this plus one, so no two attempts of a call have one number. */
  failed: number;
  /** Failures before it was last repeated: they do not count for the schedule any more. */
  forgiven: number;
  /** ms; of the first failure that counts. 0 = none. */
  firstFailedAt: number;
  /** ms; when it was made, or repeated. */
  since: number;
  dueAt: number;
  stuck: boolean;
  error: string;
}

type CallFact =
  | FactOf<"callMade">
  | FactOf<"callFailed">
  | FactOf<"callEnded">
  | FactOf<"callRepeated">
  | FactOf<"callStuck">;

export class CallTable {
  readonly open = new Map<number, OpenCall>();
  readonly timers = new Timers();
  readonly #byOwner = new Map<string, OpenCall>();
  /** Calls are numbered like orders, with a sequence of their own. */
  nextSequence = 1;

  find(owner: number, subject: number, part: number): OpenCall | undefined {
    return this.#byOwner.get(nameOf(owner, subject, part));
  }

  /** Applies a fact. Throws when the log contradicts itself. */
  evolve(fact: CallFact, nowMs: number): void {
    if (fact.type === Facts.callMade) {
      this.#made(fact, nowMs);
      return;
    }
    const call = this.open.get(fact.call);
    if (!call) throw new Error(`call ${fact.call} is not open, fact ${fact.type}`);
    switch (fact.type) {
      case Facts.callFailed:
        call.failed++;
        if (call.firstFailedAt === 0) call.firstFailedAt = nowMs;
        call.error = fact.error;
        this.#due(call, fact.dueAt);
        break;
      case Facts.callRepeated:
        call.forgiven = call.failed;
        call.firstFailedAt = 0;
        call.since = nowMs;
        call.stuck = false;
        this.#due(call, nowMs);
        break;
      case Facts.callStuck:
        call.stuck = true;
        break;
      case Facts.callEnded:
        this.open.delete(call.call);
        this.#byOwner.delete(nameOf(call.owner, call.subject, call.part));
        break;
    }
  }

  /** A call of a snapshot, or a new one. */
  add(call: OpenCall): void {
    const name = nameOf(call.owner, call.subject, call.part);
    if (this.#byOwner.has(name)) throw new Error(`call ${call.call}: another one of ${name} is open`);
    this.open.set(call.call, call);
    this.#byOwner.set(name, call);
    this.timers.add(call.dueAt, call.call);
  }

  #made({ call, owner, subject, part, name, input }: FactOf<"callMade">, nowMs: number): void {
    this.nextSequence++;
    this.add({
      ...{ call, owner, subject, part, name, input, failed: 0, forgiven: 0, firstFailedAt: 0 },
      ...{ since: nowMs, dueAt: nowMs, stuck: false, error: "" },
    });
  }

  #due(call: OpenCall, dueAt: number): void {
    call.dueAt = dueAt;
    this.timers.add(dueAt, call.call);
  }
}

function nameOf(owner: number, subject: number, part: number): string {
  return `${owner}:${subject}:${part}`;
}
