/**
 * The seam between what a program calls (`Yifen`) and whatever answers: a socket to a server, or an engine in
 * the same process. Everything that makes calls safe (keys, timeouts, repeats, resuming feeds) is written once,
 * above this seam.
 *
 * CONNECTION-1  `start` is called once. After it the connection calls `opened` when requests may be sent, and again after
 *               each `lost` that it recovered from. It may call `opened` from inside `start`.
 * CONNECTION-2  `send` is called only between `opened` and `lost`. It never throws: if the frame cannot be sent the
 *               connection is lost. The requests are valid for ever: they are not changed after the call.
 * CONNECTION-3  Answers come in any order. After `lost`, requests that were sent and not answered never will be; nobody knows
 *               what became of them.
 * CONNECTION-4  Pushes of one subscription arrive in order. A subscription ends with the connection.
 * CONNECTION-5  `ended` is the last call. After it nothing will ever be answered.
 */

import type { YifenError } from "./error.js";

export type RequestId = number | string;

export interface Request {
  readonly id: RequestId;
  readonly method: string;
  readonly params: object;
  /** Refuse the request, not executed, if its turn has not come after so many milliseconds. */
  readonly deadlineMs?: number;
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly executed: boolean | "unknown";
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Has either `result` or `error`. */
export interface Answer {
  readonly id: RequestId;
  readonly status: number;
  readonly result?: object;
  readonly error?: ErrorBody;
  /** The stored result of an earlier attempt under the same key. */
  readonly replayed?: boolean;
}

export interface Push {
  readonly sub: number;
  readonly seq: number;
  readonly type: string;
  /** ISO 8601 */
  readonly time: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What is above the seam. */
export interface Receiver {
  opened(): void;
  /** The connection is gone, or an attempt to make it failed. The connection keeps trying. */
  lost(reason: string): void;
  answered(answer: Answer): void;
  pushed(push: Push): void;
  /** The connection is gone for good. */
  ended(error: YifenError): void;
}

/** What is below it. */
export interface Connection {
  start(receiver: Receiver): void;
  /** At most `frameRequestsMax` requests. */
  send(requests: readonly Request[]): void;
  /** Resolves when nothing is left open. Calls nothing of the receiver any more. */
  close(): Promise<void>;
}

/** Most requests that one frame may hold. */
export const frameRequestsMax = 1024;
