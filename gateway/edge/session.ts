/**
 * One connection: turns its frames into commands for shards, and what the shards answer into frames.
 *
 * Its neighbours: the codec owns bytes, the transport (a socket, a test) owns delivery, the engine owns durability.
 *
 * SESSION-1  Nothing that a shard gave leaves before that shard's `flush`. What the edge itself answers (a ping, a refusal
 *            before the engine) depends on nothing and leaves at the end of `receive`.
 * SESSION-2  All of a frame is read before any of it is submitted: a malformed frame has no effect. What it asks for is taken in
 *            order, and after `explainedPerTurn` requests that had to be refused the rest of it waits for `resume`.
 * SESSION-3  Every submitted command counts in `inFlight` until its one answer was given.
 * SESSION-4  Answers are never dropped on an open connection. One that cannot be kept (its peer reads too slowly, it cannot be
 *            encoded) ends the connection instead, so that nobody sees a stream with a hole.
 * SESSION-5  Once ended, everything given is dropped silently, and the transport is told once. It is told from a turn of
 *            the event loop of its own, because an answer comes from inside the engine, which must not be called back (REQUESTER-3).
 */

import { type Refusal, refuse, unlooked } from "../../actors/results.js";
import { hasKey } from "../../engine/loop/key-lookup.js";
import { type Command, storedAnswerOnly } from "../../engine/seams/commands.js";
import {
  drainLookupsMax,
  explainedPerTurn,
  inFlightMax,
  retryAfterMs,
  sendBufferBytesMax,
} from "../../engine/seams/limits.js";
import type { OrderView, Requester, RequestId } from "../../engine/seams/requester.js";
import type { PaymentSecrets } from "./payment-signature.js";
import type { Codec, Frame, Intake, Outbox } from "./protocol.js";

/** Delivers a connection's frames. None of these may throw; `end` may be called at most once. */
export interface Transport {
  /** Sends frames in order, copying what it cannot send now; false when it could not keep them all. */
  send(frames: (string | Uint8Array)[]): boolean;
  /** Closes with a WebSocket close code and a reason of at most 123 bytes. */
  end(code: number, reason: string): void;
}

/** What sessions need of the rest of the process. */
export interface Engine {
  readonly shards: number;
  /** The shard that a command is for. */
  route(command: Command): number;
  /** Queues a command. Answers come later through its requester, never from inside this call. */
  submit(shard: number, command: Command): void;
  /** Nobody listens to this requester any more: its subscriptions end. Commands it submitted still run. */
  closed(shard: number, requester: Requester): void;
  /** Engine time, microseconds. */
  nowMicros(): number;
  /** What the wall clock shows, ms: for what people outside have signed by theirs. Engine time may be ahead of it. */
  wallMs(): number;
}

/** Plain counters over all sessions, read at scrape time. */
export interface SessionCounters {
  frames: number;
  requests: number;
  /** Refused before the engine: shape, overload, draining. */
  refusedAtEdge: number;
  malformed: number;
  slowReaders: number;
  inFlight: number;
}

export function newSessionCounters(): SessionCounters {
  return { frames: 0, requests: 0, refusedAtEdge: 0, malformed: 0, slowReaders: 0, inFlight: 0 };
}

export const closeCodes = {
  /** Draining is over. */
  goingAway: 1001,
  /** A defect of ours, reported to `onDefect`. */
  internal: 1011,
  malformed: 4400,
  slowReader: 4408,
  flood: 4429,
} as const;

export class Session {
  readonly #codec: Codec;
  readonly #transport: Transport;
  readonly #engine: Engine;
  readonly #counters: SessionCounters;
  readonly #onDefect: (defect: unknown) => void;
  /** Providers that sign what they tell: a socket has no place for a signature. */
  readonly #signing: PaymentSecrets;
  /** Two for each shard, which share an outbox: for requests that came alone, and for those that came in an array. */
  readonly #requesters: (ShardRequester | undefined)[];
  readonly #edge: Outbox;
  readonly #intake: Intake;
  /** Commands submitted and not yet answered. */
  inFlight = 0;
  /** New commands are refused `shutting_down`; those whose key holds an answer still get it. */
  draining = false;
  ended = false;
  #drainLookups = 0;
  /** Of the frame that was read last, what is not taken yet. */
  #rest: Frame | undefined;
  #taken = 0;

  constructor(
    codec: Codec,
    transport: Transport,
    engine: Engine,
    counters: SessionCounters,
    onDefect: (defect: unknown) => void,
    signing: PaymentSecrets = new Map(),
  ) {
    this.#signing = signing;
    this.#codec = codec;
    this.#transport = transport;
    this.#engine = engine;
    this.#counters = counters;
    this.#onDefect = onDefect;
    this.#requesters = new Array<ShardRequester | undefined>(engine.shards * 2).fill(undefined);
    this.#edge = codec.openOutbox();
    this.#intake = { requester: nobody, nowMicros: () => engine.nowMicros() };
  }

  /** Takes a frame; `bytes` are not used after it returns. True when there is more of it: `resume` before the next frame. */
  receive(bytes: Uint8Array, binary: boolean): boolean {
    if (this.ended) return false;
    if (this.#rest) throw new Error("assertion: a frame before the one before it was taken");
    this.#counters.frames++;
    const frame =
      binary === this.#codec.binary
        ? this.#codec.decode(bytes, this.#intake)
        : { malformed: `${this.#codec.name} uses ${binary ? "text" : "binary"} frames`, id: undefined };
    if ("malformed" in frame) {
      this.#counters.malformed++;
      if (frame.id === undefined) {
        this.end(closeCodes.malformed, frame.malformed);
      } else {
        this.#refuseAtEdge(
          frame.id,
          refuse("invalid_request", { path: "frame", reason: frame.malformed }),
          false,
        );
        this.#send(this.#edge);
      }
      return false;
    }
    this.#rest = frame;
    this.#taken = 0;
    return this.resume();
  }

  /** Goes on with the frame that was read last. True when there is still more of it. */
  resume(): boolean {
    const frame = this.#rest;
    if (!frame || this.ended) return false;
    const { requests, batched } = frame;
    let explained = 0;
    while (this.#taken < requests.length && explained < explainedPerTurn) {
      const asked = requests[this.#taken++]!;
      this.#counters.requests++;
      if (asked.method !== "answered at edge") {
        this.#submit(asked, batched);
      } else if (asked.explain !== undefined) {
        this.#refuseAtEdge(asked.id, asked.explain(), batched);
        explained++;
      } else {
        this.#edge.result(asked.id, empty, false, batched);
      }
    }
    if (this.#edge.bytes > 0) this.#send(this.#edge);
    if (this.#taken < requests.length) return !this.ended;
    this.#rest = undefined;
    return false;
  }

  /** Ends the connection from our side. */
  end(code: number, reason: string): void {
    if (this.ended) return;
    this.#forget();
    setImmediate(() => {
      this.#transport.end(code, reason);
      this.#tellEngine();
    });
  }

  /** The peer or the network ended the connection: the transport is gone already. */
  gone(): void {
    if (this.ended) return;
    this.#forget();
    setImmediate(() => this.#tellEngine());
  }

  /** For requesters of this session: one command was answered. */
  answered(): void {
    this.inFlight--;
    this.#counters.inFlight--;
  }

  /** For requesters of this session: everything in the outbox may leave. */
  leave(outbox: Outbox): void {
    if (!this.ended) this.#send(outbox);
  }

  /** For requesters of this session: an answer could not be encoded. The process goes on, the connection does not. */
  defect(defect: unknown): void {
    this.#onDefect(defect);
    this.end(closeCodes.internal, "internal");
  }

  /** For requesters of this session: too much is kept for a peer. */
  tooSlow(): void {
    if (this.ended) return;
    this.#counters.slowReaders++;
    this.end(closeCodes.slowReader, "reads too slowly");
  }

  #submit(command: Command, batched: boolean): void {
    const refusal = this.#refuseSubmit(command);
    if (refusal) {
      this.#refuseAtEdge(command.id, hasKey(command) ? unlooked(refusal) : refusal, batched);
      return;
    }
    const shard = this.#engine.route(command);
    const requester = this.#requesters[shard * 2 + (batched ? 1 : 0)] ?? this.#openRequesters(shard, batched);
    command.requester = requester;
    this.inFlight++;
    this.#counters.inFlight++;
    this.#engine.submit(shard, command);
  }

  #refuseSubmit(command: Command): Refusal | undefined {
    if (command.method === "payment.notify" && this.#signing.has(command.provider)) {
      const path = `/v1/payments/${command.provider}/notify`;
      return refuse("unauthenticated", { reason: `this provider signs: POST ${path}` });
    }
    if (this.inFlight >= inFlightMax) return refuse("overloaded", { retryAfterMs, inFlightMax });
    if (!this.draining) return undefined;
    if (!hasKey(command) || this.#drainLookups++ >= drainLookupsMax) return refuse("shutting_down");
    command.refuseAfter = storedAnswerOnly;
    return undefined;
  }

  #openRequesters(shard: number, batched: boolean): ShardRequester {
    const outbox = this.#codec.openOutbox();
    const alone = new ShardRequester(this, outbox, false);
    const inArray = new ShardRequester(this, outbox, true);
    this.#requesters[shard * 2] = alone;
    this.#requesters[shard * 2 + 1] = inArray;
    return batched ? inArray : alone;
  }

  #refuseAtEdge(id: RequestId, refusal: Refusal, batched: boolean): void {
    this.#counters.refusedAtEdge++;
    this.#edge.refused(id, refusal, false, batched);
  }

  #send(outbox: Outbox): void {
    if (!this.#transport.send(outbox.take())) this.tooSlow();
  }

  #forget(): void {
    this.ended = true;
    this.#rest = undefined;
    this.#counters.inFlight -= this.inFlight;
    this.#edge.clear();
    for (const requester of this.#requesters) requester?.drop();
  }

  #tellEngine(): void {
    this.#requesters.forEach((requester, index) => {
      if (requester !== undefined && index % 2 === 0) this.#engine.closed(index / 2, requester);
    });
  }
}

class ShardRequester implements Requester {
  readonly #session: Session;
  readonly #outbox: Outbox;
  readonly #batched: boolean;
  /** Subscriptions belong to the connection's outbox, however they were asked for. */
  readonly owner: object;

  constructor(session: Session, outbox: Outbox, batched: boolean) {
    this.#session = session;
    this.#outbox = outbox;
    this.#batched = batched;
    this.owner = outbox;
  }

  order(id: RequestId, order: OrderView, replayed: boolean): void {
    if (this.#session.ended) return;
    try {
      this.#outbox.order(id, order, replayed, this.#batched);
    } catch (defect) {
      this.#session.defect(defect);
      return;
    }
    this.#kept();
  }

  result(id: RequestId, result: object, replayed: boolean): void {
    if (this.#session.ended) return;
    try {
      this.#outbox.result(id, result, replayed, this.#batched);
    } catch (defect) {
      this.#session.defect(defect);
      return;
    }
    this.#kept();
  }

  refused(id: RequestId, refusal: Refusal, replayed: boolean): void {
    if (this.#session.ended) return;
    try {
      this.#outbox.refused(id, refusal, replayed, this.#batched);
    } catch (defect) {
      this.#session.defect(defect);
      return;
    }
    this.#kept();
  }

  push(sub: number, seq: number, type: string, time: number, data: object): void {
    if (this.#session.ended) return;
    try {
      this.#outbox.push(sub, seq, type, time, data);
    } catch (defect) {
      this.#session.defect(defect);
      return;
    }
    if (this.#outbox.bytes > sendBufferBytesMax) this.#session.tooSlow();
  }

  flush(): void {
    if (this.#outbox.bytes > 0) this.#session.leave(this.#outbox);
  }

  drop(): void {
    this.#outbox.clear();
  }

  #kept(): void {
    this.#session.answered();
    if (this.#outbox.bytes > sendBufferBytesMax) this.#session.tooSlow();
  }
}

const empty = {};

/** Stands in a command between decoding and routing. A call to it means that a command was submitted without. */
const nobody: Requester = {
  order: unrouted,
  result: unrouted,
  refused: unrouted,
  push: unrouted,
  flush: unrouted,
};

function unrouted(): never {
  throw new Error("assertion: a command was submitted without its requester");
}
