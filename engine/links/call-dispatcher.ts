/**
 * The half of the calls that may be forgotten at any time: which calls are out, and which wait to be handed out. After a
 * restart nothing is out, so every open call that is due is handed out again.
 *
 * CALL-DISPATCHER-1  A call is handed out only when everything in the books is durable, its intent included.
 * CALL-DISPATCHER-2  Of one call at most one attempt is out. An attempt is out until its report came.
 * CALL-DISPATCHER-3  At most `callsOutMax` calls are out; the others wait in the order in which they were due.
 */

import { callsOutMax } from "../seams/limits.js";

export interface OutCall {
  /** "c" and the call's number: the same in every attempt, so it is the key under which the effect must be made once. */
  readonly call: string;
  readonly attempt: number;
  readonly name: string;
  /** JSON. */
  readonly input: string;
}

/** What became of an attempt. `failed` = nobody knows: a timeout, an exception, a lost connection. `text` is JSON. */
export type CallReport =
  | { readonly how: "done" | "refused"; readonly text: string }
  | { readonly how: "failed"; readonly error: string };

/** The seam to the functions. */
export interface OutCalls {
  /** Whether a function of that name is registered in this process. */
  knows(name: string): boolean;
  /**
   * Runs it, outside of the turn. `report` must be called, with `failed` at the latest after the timeout, and may be called
   * again when the truth comes later.
   */
  call(call: OutCall, report: (report: CallReport) => void): void;
}

export const noOutCalls: OutCalls = {
  knows: () => false,
  call() {
    throw new Error("there are no functions to call");
  },
};

export class CallDispatcher {
  /** By number, the attempt that is out. */
  readonly #out = new Map<number, number>();
  readonly #waiting = new Set<number>();
  readonly #outCalls: OutCalls;

  constructor(outCalls: OutCalls) {
    this.#outCalls = outCalls;
  }

  get out(): number {
    return this.#out.size;
  }

  knows(name: string): boolean {
    return this.#outCalls.knows(name);
  }

  /** It is due. */
  wait(call: number): void {
    if (!this.#out.has(call)) this.#waiting.add(call);
  }

  /** A report of this attempt came. */
  returned(call: number, attempt: number): void {
    if (this.#out.get(call) === attempt) this.#out.delete(call);
  }

  /** Hands out what waits and fits. `make` gives the call as it is now, or undefined when it has ended. */
  dispatch(
    make: (call: number) => OutCall | undefined,
    report: (call: number, attempt: number, report: CallReport) => void,
  ): void {
    for (const number of this.#waiting) {
      if (this.#out.size >= callsOutMax) return;
      this.#waiting.delete(number);
      const call = make(number);
      if (!call) continue;
      this.#out.set(number, call.attempt);
      this.#outCalls.call(call, (result) => report(number, call.attempt, result));
    }
  }
}
