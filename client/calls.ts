/**
 * Calls on their way: from the moment a program makes one until it has an answer or an error.
 *
 *              flush, a frame each tick              answer
 *   waiting ───────────────────────────▶ in flight ─────────▶ settled
 *      ▲                                   │   │                ▲
 *      │    lost, and safe to repeat       │   │ overloaded     │ timeout, closed, or lost and
 *      ├───────────────────────────────────┘   ▼                │ not safe to repeat
 *      └────────────────────────────────── pausing ─────────────┘
 *
 * CLIENT-CALLS-1  A call is settled exactly once, at the latest `timeoutMs` after it was made.
 * CLIENT-CALLS-2  Params are the same object in every attempt: same key, same `at`, same bytes.
 * CLIENT-CALLS-3  An attempt has an id of its own, so that no answer can be taken for another attempt's.
 * CLIENT-CALLS-4  A request that is not safe to repeat is sent again only after a refusal that says it was not executed; one
 *     that is safe also after one that does not know, because its key was not looked up.
 * CLIENT-CALLS-5  `executed` in an error is `false` only if every attempt that was sent is known to have had no effect.
 * CLIENT-CALLS-6  At most `inFlightMax` requests are sent and unanswered, at most `pendingMax` calls are not settled.
 */

import type { ClientCode } from "./codes.js";
import {
  type Answer,
  type Connection,
  type ErrorBody,
  frameRequestsMax,
  type Request,
} from "./connection.js";
import { type Executed, YifenError } from "./error.js";

export interface CallSettings {
  readonly timeoutMs: number;
  /** Wait and try again when the engine is overloaded or draining, as long as the timeout allows. */
  readonly retryOverloaded: boolean;
  readonly inFlightMax: number;
  readonly pendingMax: number;
}

export interface Asked {
  readonly method: string;
  /** Never changed after the call. */
  readonly params: object;
  /** May be sent again when nobody knows what became of it: a read, or it has a key. */
  readonly repeatable: boolean;
  readonly key?: string | undefined;
  /** Milliseconds; the setting when left out. The engine is told of it only when it is said here. */
  readonly timeoutMs?: number | undefined;
}

type Done = (outcome: Answer | YifenError) => void;

interface Call extends Asked {
  readonly done: Done;
  readonly due: number;
  timeout: ReturnType<typeof setTimeout> | undefined;
  pause: ReturnType<typeof setTimeout> | undefined;
  /** Id of the attempt in flight; 0 = none. */
  attempt: number;
  /** An attempt was sent and nobody will learn what became of it, or the engine could not tell what an earlier one did. */
  doubtful: boolean;
}

/** Refusals made before the key is looked up: they say nothing about an earlier attempt under the same key. */
const beforeTheKey = new Set([
  "invalid_request",
  "unauthenticated",
  "forbidden",
  "overloaded",
  "deadline_exceeded",
  "shutting_down",
]);

/** Pause before the next attempt when a refusal does not say. */
const retryAfterMsDefault = 100;

/** A day: also the longest that the protocol lets a request wait. */
const timeoutMsMax = 86_400_000;

/** The engine gives up a little before the program does, so that the refusal still reaches it. */
const deadlineShare = 0.9;

/** All requests of one turn of the event loop go out in one frame, where the platform can tell its end. */
const endOfTick: (run: () => void) => void =
  typeof setImmediate === "function" ? (run) => void setImmediate(run) : queueMicrotask;

export class Calls {
  readonly #pending = new Set<Call>();
  #waiting = new Set<Call>();
  readonly #inFlight = new Map<number, Call>();
  #lastId = 0;
  #open = false;
  #flushDue = false;
  #over: YifenError | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly settings: CallSettings,
  ) {}

  /** Resolves with an answer that has a result; rejects with `YifenError`. */
  ask(asked: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.begin(asked, (outcome) => (outcome instanceof YifenError ? reject(outcome) : resolve(outcome)));
    });
  }

  /** As `ask`, but `done` is called at once when the answer comes, before what follows it in the frame. */
  begin(asked: Asked, done: Done): void {
    const timeoutMs = Math.min(asked.timeoutMs ?? this.settings.timeoutMs, timeoutMsMax);
    const due = performance.now() + timeoutMs;
    const call: Call = {
      ...asked,
      done,
      due,
      timeout: undefined,
      pause: undefined,
      attempt: 0,
      doubtful: false,
    };
    if (this.#over) {
      done(failure(call, "closed", this.#over.message, false));
    } else if (this.#pending.size >= this.settings.pendingMax) {
      done(failure(call, "too_many_calls", `${this.#pending.size} calls are unanswered already`, false));
    } else {
      call.timeout = setTimeout(() => this.#timedOut(call, timeoutMs), timeoutMs);
      this.#pending.add(call);
      this.#wait(call);
    }
  }

  opened(): void {
    this.#open = true;
    this.#flush();
  }

  lost(reason: string): void {
    this.#open = false;
    const sent = [...this.#inFlight.values()];
    this.#inFlight.clear();
    const again: Call[] = [];
    for (const call of sent) {
      call.attempt = 0;
      call.doubtful = true;
      if (call.repeatable) again.push(call);
      else
        this.#settle(call, failure(call, "connection_lost", `the connection was lost: ${reason}`, "unknown"));
    }
    // In the order in which they were made, before those that were never sent.
    this.#waiting = new Set([...again, ...this.#waiting]);
  }

  answered(answer: Answer): void {
    const call = this.#inFlight.get(answer.id as number);
    // Late, or a second one: its call is settled, or on its way again under another id.
    if (!call) return;
    this.#inFlight.delete(call.attempt);
    call.attempt = 0;
    if (this.#waiting.size > 0) this.#flushLater();
    if (answer.error) this.#refused(call, answer, answer.error);
    else this.#settle(call, answer);
  }

  /** Settles everything that is pending, and refuses what comes. */
  end(error: YifenError): void {
    this.#over = error;
    this.#open = false;
    for (const call of [...this.#pending]) {
      const code = error.code === "closed" ? "closed" : "connection_lost";
      this.#settle(call, failure(call, code, error.message, fate(call)));
    }
  }

  #wait(call: Call): void {
    this.#waiting.add(call);
    this.#flushLater();
  }

  #flushLater(): void {
    if (this.#flushDue || !this.#open) return;
    this.#flushDue = true;
    endOfTick(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#open && this.#waiting.size > 0) {
      const room = Math.min(frameRequestsMax, this.settings.inFlightMax - this.#inFlight.size);
      if (room <= 0) return;
      const frame: Request[] = [];
      const now = performance.now();
      for (const call of this.#waiting) {
        if (frame.length === room) break;
        this.#waiting.delete(call);
        call.attempt = ++this.#lastId;
        this.#inFlight.set(call.attempt, call);
        frame.push(requestOf(call, now));
      }
      this.connection.send(frame);
    }
  }

  #refused(call: Call, answer: Answer, error: ErrorBody): void {
    const passing = error.code === "overloaded" || error.code === "shutting_down";
    if (error.executed === "unknown") call.doubtful = true;
    if (passing && (error.executed === false || call.repeatable) && this.settings.retryOverloaded) {
      const asked = error.details?.retryAfterMs;
      const pauseMs = typeof asked === "number" ? asked : retryAfterMsDefault;
      // Never sooner than told, and not all at the same moment.
      const pause = pauseMs * (1 + Math.random() / 4);
      if (performance.now() + pause < call.due) {
        call.pause = setTimeout(() => this.#wait(call), pause);
        return;
      }
    }
    const executed = call.doubtful && beforeTheKey.has(error.code) ? "unknown" : error.executed;
    const replayed = answer.replayed === true;
    this.#settle(
      call,
      new YifenError({ ...error, status: answer.status, executed, key: call.key, replayed }),
    );
  }

  #timedOut(call: Call, timeoutMs: number): void {
    this.#settle(
      call,
      failure(call, "timeout", `no answer to ${call.method} in ${timeoutMs} ms`, fate(call)),
    );
  }

  #settle(call: Call, outcome: Answer | YifenError): void {
    clearTimeout(call.timeout);
    clearTimeout(call.pause);
    this.#pending.delete(call);
    this.#waiting.delete(call);
    if (call.attempt !== 0 && this.#inFlight.delete(call.attempt) && this.#waiting.size > 0)
      this.#flushLater();
    call.done(outcome);
  }
}

function requestOf(call: Call, now: number): Request {
  const { attempt: id, method, params } = call;
  if (call.timeoutMs === undefined) return { id, method, params };
  return { id, method, params, deadlineMs: Math.max(1, Math.floor((call.due - now) * deadlineShare)) };
}

function fate(call: Call): Executed {
  return call.attempt !== 0 || call.doubtful ? "unknown" : false;
}

function failure(call: Call, code: ClientCode, message: string, executed: Executed): YifenError {
  // Repeating is right when it cannot do harm: nothing happened, or the key makes it the same request.
  const retryable = code !== "closed" && (executed === false || call.repeatable);
  return new YifenError({ code, message, executed, retryable, key: call.key });
}
