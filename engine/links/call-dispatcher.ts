/**
 * The half of the calls that may be forgotten at any time: which calls are out, and which wait to be handed out. After a
 * restart nothing is out, so every open call that is due is handed out again.
 *
 * CALL-DISPATCHER-1  A call is handed out only when everything in the books is durable, its intent included.
 * CALL-DISPATCHER-2  Of one call at most one run is out. A run is out until it has ended, also when its time is up, and also when its
 *                    call is wanted no more: what it did in the end has to be told to the owner of the call.
 * CALL-DISPATCHER-3  At most `callsOutMax` runs are out whose time is not up; other calls wait in the order in which they were due.
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

/**
 * What became of a run. `failed` = nobody knows: its time is up, an exception, a lost connection. `running`: its time is up, and it
 * has not ended: another report will come. `text` is JSON.
 */
export type CallReport =
  | { readonly how: "done" | "refused"; readonly text: string }
  | { readonly how: "failed"; readonly error: string; readonly running?: boolean };

/** The seam to the functions. */
export interface OutCalls {
  /** Whether a function of that name is registered in this process. */
  knows(name: string): boolean;
  /**
   * Runs it, outside of the turn. `report` must be called when the run has ended, and before that, as `failed` and `running`, each
   * time that its time is up.
   */
  call(call: OutCall, report: (report: CallReport) => void): void;
}

/** A call that is handed out, and whose it is: known of its run until that has ended, whatever became of the call. */
export interface Run {
  readonly out: OutCall;
  readonly owner: number;
  readonly subject: number;
  readonly part: number;
}

export const noOutCalls: OutCalls = {
  knows: () => false,
  call() {
    throw new Error("there are no functions to call");
  },
};

export class CallDispatcher {
  /** By number of the call. */
  readonly #out = new Map<number, Run>();
  /** Calls whose run's time is up. */
  readonly #late = new Set<number>();
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

  isOut(call: number): boolean {
    return this.#out.has(call);
  }

  isLate(call: number): boolean {
    return this.#late.has(call);
  }

  /** It is due. One whose run is out is not waited with: the run's end is. */
  wait(call: number): void {
    if (!this.#out.has(call)) this.#waiting.add(call);
  }

  /** A report of an attempt came. Its run; undefined when that has ended before. */
  returned(call: number, attempt: number, report: CallReport): Run | undefined {
    const run = this.#out.get(call);
    if (run?.out.attempt !== attempt) return undefined;
    if (report.how === "failed" && report.running) {
      this.#late.add(call);
    } else {
      this.#out.delete(call);
      this.#late.delete(call);
    }
    return run;
  }

  /** Hands out what waits and fits. `make` gives the call as it is now, or undefined when it has ended. */
  dispatch(
    make: (call: number) => Run | undefined,
    report: (call: number, attempt: number, report: CallReport) => void,
  ): void {
    for (const number of this.#waiting) {
      if (this.#out.size - this.#late.size >= callsOutMax) return;
      this.#waiting.delete(number);
      const run = make(number);
      if (!run) continue;
      const { out } = run;
      this.#out.set(number, run);
      this.#outCalls.call(out, (result) => report(number, out.attempt, result));
    }
  }
}
