/**
 * A small server that speaks the protocol and keeps its promises (a key runs once, feeds resume), and whose network
 * can be told to misbehave. It knows nothing of stock: an order is whatever was asked for.
 */

import type { AddressInfo } from "node:net";
import { Packr } from "msgpackr";
import { type WebSocket, WebSocketServer } from "ws";

export interface WireRequest {
  id: number | string;
  method: string;
  params: Record<string, unknown>;
  deadlineMs?: number;
}

export type WireAnswer = Record<string, unknown>;

/**
 * What happens to a request.
 * `run`: it is done and answered. `lose`: done, the connection drops before the answer. `drop`: the connection drops
 * before it is done. `mute`: done, never answered. `twice`: done, answered twice.
 */
export type Fate = "run" | "lose" | "drop" | "mute" | "twice" | { delayMs: number } | { refuse: WireAnswer };

interface FeedRecord {
  seq: number;
  topic: string;
  type: string;
  data: Record<string, unknown>;
}

interface Session {
  socket: WebSocket;
  json: boolean;
  nextSub: number;
  /** topic per subscription */
  subs: Map<number, string>;
}

const packr = new Packr({ useRecords: false });

export class ProtocolServer {
  /** Every frame received, as the requests it held. */
  readonly frames: WireRequest[][] = [];
  /** How often each effect happened, by `key` or `ref`, or else by method and what it is about. */
  readonly effects = new Map<string, number>();
  /** Subprotocols agreed, one per connection. */
  readonly subprotocols: string[] = [];
  fate: (request: WireRequest) => Fate = () => "run";
  /** Answers of one frame: `array` in one, `single` one by one, `reversed` in one, last first. */
  answering: "array" | "single" | "reversed" = "array";
  /** Pushes what a subscription replays before its answer, which the protocol does not forbid. */
  pushesOvertake = false;
  /** Events before the one asked for that a resumed subscription is sent once more. */
  repeats = 0;
  readonly #sessions = new Set<Session>();
  readonly #stored = new Map<string, { params: string; answer: WireAnswer }>();
  readonly #log: FeedRecord[] = [];

  private constructor(
    private server: WebSocketServer,
    readonly port: number,
  ) {
    this.#accept();
  }

  static async start(port = 0): Promise<ProtocolServer> {
    const server = await listen(port);
    return new ProtocolServer(server, (server.address() as AddressInfo).port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  get subscriptions(): number {
    return [...this.#sessions].reduce((sum, session) => sum + session.subs.size, 0);
  }

  get requests(): WireRequest[] {
    return this.frames.flat();
  }

  requestsOf(method: string): WireRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  /** Appends an event and pushes it to whoever subscribed. */
  publish(topic: string, type = "order.created", data: Record<string, unknown> = {}): number {
    const record = { seq: this.#log.length + 1, topic, type, data };
    this.#log.push(record);
    for (const session of this.#sessions) {
      for (const [sub, wanted] of session.subs) if (wanted === topic) push(session, sub, record);
    }
    return record.seq;
  }

  /** Cuts every connection without a word. */
  dropAll(): void {
    for (const session of this.#sessions) session.socket.terminate();
  }

  /** Stops reading and writing without closing: a dead host. */
  freezeAll(): void {
    for (const session of this.#sessions) session.socket.pause();
  }

  /** Refuses connections until `restart`. What was done stays done. */
  async stop(): Promise<void> {
    this.dropAll();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async restart(): Promise<void> {
    this.server = await listen(this.port);
    this.#accept();
  }

  #accept(): void {
    this.server.on("connection", (socket) => {
      const session: Session = {
        socket,
        json: socket.protocol !== "yifen.msgpack",
        nextSub: 1,
        subs: new Map(),
      };
      this.subprotocols.push(socket.protocol);
      this.#sessions.add(session);
      socket.on("close", () => this.#sessions.delete(session));
      socket.on("error", () => socket.terminate());
      socket.on("message", (bytes: Buffer) => this.#received(session, bytes));
    });
  }

  #received(session: Session, bytes: Buffer): void {
    const decoded = session.json ? JSON.parse(bytes.toString()) : packr.unpack(bytes);
    const requests: WireRequest[] = Array.isArray(decoded) ? decoded : [decoded];
    this.frames.push(requests);
    const answers: WireAnswer[] = [];
    for (const request of requests) {
      const fate = this.fate(request);
      if (fate === "drop") {
        session.socket.terminate();
        return;
      }
      if (typeof fate === "object" && "refuse" in fate) {
        answers.push({ id: request.id, ...fate.refuse });
        continue;
      }
      const answer = { id: request.id, ...this.#run(session, request) };
      if (fate === "lose") {
        session.socket.terminate();
        return;
      }
      if (fate === "twice") answers.push(answer);
      if (typeof fate === "object") setTimeout(() => send(session, answer), fate.delayMs);
      else if (fate !== "mute") answers.push(answer);
    }
    if (this.answering === "reversed") answers.reverse();
    if (this.answering === "single") for (const answer of answers) send(session, answer);
    else if (answers.length > 0) send(session, answers);
  }

  #run(session: Session, request: WireRequest): WireAnswer {
    const { method, params } = request;
    if (method === "feed.subscribe") return this.#subscribe(session, params);
    if (method === "feed.unsubscribe") {
      session.subs.delete(params.sub as number);
      return { status: 200, result: { sub: params.sub } };
    }
    const key = (params.key ?? params.ref) as string | undefined;
    if (key === undefined || method === "order.lookup") {
      return this.#effect(`${method} ${params.product ?? params.account}`, method, params);
    }
    const asked = JSON.stringify([method, params]);
    const stored = this.#stored.get(key);
    if (stored && stored.params !== asked) return refusal(422, "key_reused");
    if (stored) return { ...stored.answer, replayed: true };
    const answer = this.#effect(key, method, params);
    this.#stored.set(key, { params: asked, answer });
    return answer;
  }

  #effect(name: string, method: string, params: Record<string, unknown>): WireAnswer {
    if (params.product === "sold-out") {
      return refusal(409, "insufficient_stock", { available: 0 });
    }
    this.effects.set(name, (this.effects.get(name) ?? 0) + 1);
    return { status: 200, result: { method, ...params } };
  }

  #subscribe(session: Session, params: Record<string, unknown>): WireAnswer {
    const topic = params.topic as string;
    const sub = session.nextSub++;
    const seq = this.#log.length;
    const replay = () => {
      for (const record of this.#log.slice(Math.max(0, (params.from as number) - 1 - this.repeats))) {
        if (record.topic === topic && record.seq <= seq) push(session, sub, record);
      }
    };
    // Before the answer or after it: the answer is sent when this turn is over.
    if (params.from !== undefined && this.pushesOvertake) replay();
    else if (params.from !== undefined) queueMicrotask(replay);
    session.subs.set(sub, topic);
    return { status: 200, result: { sub, seq } };
  }
}

export function refusal(
  status: number,
  code: string,
  details: Record<string, unknown> = {},
  executed: false | "unknown" = false,
): WireAnswer {
  const retryable = status === 503 || status === 504;
  return { status, error: { code, message: code, executed, retryable, details } };
}

function push(session: Session, sub: number, record: FeedRecord): void {
  const { seq, type, data } = record;
  send(session, { sub, seq, type, time: new Date(seq).toISOString(), data });
}

function send(session: Session, frame: unknown): void {
  if (session.socket.readyState !== session.socket.OPEN) return;
  session.socket.send(session.json ? JSON.stringify(frame) : packr.pack(frame), { binary: !session.json });
}

function listen(port: number): Promise<WebSocketServer> {
  return new Promise((resolve, reject) => {
    const server = new WebSocketServer({
      host: "127.0.0.1",
      port,
      path: "/v1/ws",
      handleProtocols: (asked) => [...asked][0] ?? false,
    });
    server.once("listening", () => resolve(server));
    server.once("error", reject);
  });
}
