/**
 * The engine inside a program: `openEngine` gives the same `Yifen` as `connect` does, without a server. Moving from one to
 * the other is this one line.
 *
 *     const yifen = await openEngine({ data: "./data" });
 *     const yifen = await connect("ws://127.0.0.1:8080");
 */

import { type Refusal, resultOf } from "../actors/results.js";
import type { Answer, Connection, Push, Receiver, Request } from "../client/connection.js";
import { YifenError } from "../client/error.js";
import { openSession } from "../client/session.js";
import type { Yifen } from "../client/yifen.js";
import type { OrderView, Requester, RequestId } from "../engine/seams/requester.js";
import { defaultSettings, type Settings } from "../engine/seams/settings.js";
import { viewToResult } from "../engine/turns/order-result.js";
import { readRequest } from "./edge/protocol.js";
import { messageOf } from "./edge/refusal-text.js";
import { bindingProblem } from "./host/bindings.js";
import { callTimeoutMsDefault, runDefinitions } from "./host/call-runner.js";
import { type EngineHost, openEngineHost } from "./host/engine-host.js";
import { checkEngineOptions, type EngineOptions } from "./host/engine-options.js";
import type { OutletFunction, OutletSetup } from "./outlets/outlet.js";

export * from "../client/client.js";
export type { TimeSource } from "../engine/seams/clock.js";
export { BindingMissing } from "./host/bindings.js";
export { BadConfig } from "./host/config.js";
export type { EngineOptions } from "./host/engine-options.js";
export { LogAheadOfClock } from "./host/log-clock.js";
export type { CallContext, RefundFunction, SagaCalls, TccCalls } from "./host/transactions.js";
export { defineSaga, defineTcc, Refused } from "./host/transactions.js";
export { type ManualClock, manualClock } from "./manual-clock.js";
export type { OutletEvent, OutletFunction, OutletSetup } from "./outlets/outlet.js";

const megabyte = 1024 * 1024;

/**
 * Opens an engine on a folder (made if it is missing) or in memory.
 * Throws `BadConfig` when an option is misspelt or is not a value that the same flag of `yifen start` would have,
 * `FolderInUse` when another engine works on it, `LogDamaged` with the place when the log is not what was written,
 * `LogAheadOfClock` with the distance (`aheadMs`) when the clock is behind the log.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Yifen> {
  checkEngineOptions(options);
  let connection: EngineConnection | undefined;
  const host = await openEngineHost({
    folder: options.data,
    shards: options.shards ?? 1,
    settings: settingsOf(options),
    segmentBytes: 64 * megabyte,
    snapshotBytes: 256 * megabyte,
    prove: "all",
    readSide: true,
    diskFreeBytes: 512 * megabyte,
    outlets: (options.outlets ?? []).map(outletSetup),
    definitions: runDefinitions(
      { transactions: options.transactions ?? {}, refunds: options.refunds ?? {} },
      options.callTimeoutMs ?? callTimeoutMsDefault,
    ),
    ...(options.alert ? { alert: options.alert } : {}),
    ...(options.clock ? { time: options.clock } : {}),
    acceptClock: options.acceptClock ?? false,
    progress: options.progress ?? (() => {}),
    failed(error) {
      connection?.fail(error);
      (options.failed ?? exitLoudly)(error);
    },
  }).catch((error: unknown) => {
    throw bindingProblem(error) ?? error;
  });
  connection = new EngineConnection(host);
  return openSession(connection, options, () => host.wallMs());
}

type OptionName = Exclude<keyof Settings, "tokenSecret">;

/** What was given, over the defaults; a setting that is `undefined` was not given. */
function settingsOf(options: EngineOptions): Settings {
  const names = Object.keys(defaultSettings).filter((name) => name !== "tokenSecret") as OptionName[];
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return { ...defaultSettings, ...Object.fromEntries(given) };
}

function outletSetup(outlet: OutletFunction | OutletSetup, index: number): OutletSetup {
  if (typeof outlet !== "function") return outlet;
  return { kind: "function", name: `outlet-${index + 1}`, deliver: outlet };
}

function exitLoudly(error: unknown): void {
  console.error("yifen has stopped:", error);
  process.exit(1);
}

/** A connection without a wire: requests become commands, answers become objects when the gate opens. */
class EngineConnection implements Connection {
  readonly #host: EngineHost;
  readonly #requesters: ObjectRequester[];
  #receiver: Receiver | undefined;

  constructor(host: EngineHost) {
    this.#host = host;
    this.#requesters = host.parts.map(() => new ObjectRequester(() => this.#receiver));
  }

  start(receiver: Receiver): void {
    this.#receiver = receiver;
    receiver.opened();
  }

  send(requests: readonly Request[]): void {
    for (const request of requests) this.#sendOne(request);
  }

  fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#receiver?.ended(
      new YifenError({
        code: "internal",
        message: `the engine has stopped: ${message}`,
        executed: "unknown",
        retryable: false,
      }),
    );
    this.#receiver = undefined;
  }

  async close(): Promise<void> {
    this.#receiver = undefined;
    await this.#host.stop();
  }

  /** Params are copied by the client before they come here, so the engine may keep them. */
  #sendOne(request: Request): void {
    const host = this.#host;
    const asked = readRequest(request, {
      requester: this.#requesters[0]!,
      nowMicros: () => host.nowMicros(),
    });
    if (asked === undefined) throw new Error("the client made a request without an id");
    if (asked.method === "answered at edge") {
      queueMicrotask(() => this.#receiver?.answered(edgeAnswer(asked.id, asked.explain?.())));
      return;
    }
    const shard = host.route(asked);
    asked.requester = this.#requesters[shard]!;
    host.submit(shard, asked);
  }
}

function edgeAnswer(id: RequestId, refusal: Refusal | undefined): Answer {
  return refusal ? refusalAnswer(id, refusal, false) : { id, status: 200, result: {} };
}

function refusalAnswer(id: RequestId, refusal: Refusal, replayed: boolean): Answer {
  const { code, details, executed = false } = refusal;
  const { status, retryable } = resultOf(code);
  const message = messageOf(refusal);
  const error = { code, message, executed, retryable, ...(details ? { details } : {}) };
  return { id, status, error, ...(replayed ? { replayed } : {}) };
}

/** Keeps what it is given until the gate opens; hands it over outside of the turn. */
class ObjectRequester implements Requester {
  readonly #receiver: () => Receiver | undefined;
  #kept: ({ answer: Answer } | { push: Push })[] = [];

  constructor(receiver: () => Receiver | undefined) {
    this.#receiver = receiver;
  }

  order(id: RequestId, order: OrderView, replayed: boolean): void {
    this.#answer(id, viewToResult(order), replayed);
  }

  result(id: RequestId, result: object, replayed: boolean): void {
    this.#answer(id, result, replayed);
  }

  refused(id: RequestId, refusal: Refusal, replayed: boolean): void {
    this.#kept.push({ answer: refusalAnswer(id, refusal, replayed) });
  }

  push(sub: number, seq: number, type: string, time: number, data: object): void {
    const push = {
      sub,
      seq,
      type,
      time: new Date(time).toISOString(),
      data: data as Record<string, unknown>,
    };
    this.#kept.push({ push });
  }

  flush(): void {
    const ready = this.#kept;
    this.#kept = [];
    queueMicrotask(() => {
      for (const item of ready) {
        if ("answer" in item) this.#receiver()?.answered(item.answer);
        else this.#receiver()?.pushed(item.push);
      }
    });
  }

  #answer(id: RequestId, result: object, replayed: boolean): void {
    this.#kept.push({ answer: { id, status: 200, result, ...(replayed ? { replayed } : {}) } });
  }
}
