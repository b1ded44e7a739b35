/**
 * The one error of the client. Every method of `Yifen` rejects with it and with nothing else, except for a
 * programmer's error in the params (a NaN, a function), which is a `TypeError` and was never sent.
 *
 * Codes of the engine are listed in its protocol document. These are made here, with status 0:
 *
 *   timeout           no answer in time
 *   connection_lost   the connection went away, or could not be made
 *   closed            `close()` was called
 *   too_many_calls    `pendingMax` calls are unanswered already
 *   slow_consumer     a feed's events were not read fast enough; `details.from` is where to resume
 */

import type { DetailsOf, ErrorCode } from "./codes.js";

/**
 * Whether the request had an effect. `false`: none, before, now or later. `true`: it happened. `"unknown"`: it was sent and
 * what became of it was not learned, or it was refused before its key was looked up; the same key again, or `orders.lookup`, tells.
 */
export type Executed = boolean | "unknown";

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** HTTP's number for the outcome; 0 when there was no answer. */
  readonly status?: number;
  readonly executed: Executed;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly key?: string | undefined;
  readonly replayed?: boolean;
}

export class YifenError extends Error {
  override readonly name = "YifenError";
  /** Stable. A newer engine may send others than are listed. */
  readonly code: ErrorCode;
  /** HTTP's number for the outcome; 0 when there was no answer. */
  readonly status: number;
  readonly executed: Executed;
  /** The same request, unchanged and under the same key, may succeed later. */
  readonly retryable: boolean;
  /** What the code says more, such as `{ available: 3 }`; empty when nothing. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The `key` or `ref` that the request went under, also when the client made it. */
  readonly key: string | undefined;
  /** The refusal is the stored one of an earlier attempt under the same key. */
  readonly replayed: boolean;

  constructor(failure: Failure) {
    super(failure.message);
    this.code = failure.code as ErrorCode;
    this.status = failure.status ?? 0;
    this.executed = failure.executed;
    this.retryable = failure.retryable;
    this.details = failure.details ?? {};
    this.key = failure.key;
    this.replayed = failure.replayed ?? false;
  }

  /** `error.is("insufficient_stock")`, and `error.details.available` is a number. */
  is<C extends ErrorCode>(
    code: C,
  ): this is YifenError & { readonly code: C; readonly details: DetailsOf[C] } {
    return this.code === (code as ErrorCode);
  }
}
