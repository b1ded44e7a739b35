/**
 * One request over HTTP and its answer. `HttpEdge` says what to do with a request when its head is there; an `Exchange`
 * takes its body, asks the engine, and keeps the answer until it may leave.
 *
 * HTTP-EXCHANGE-1  A reply is given one answer, and none after its connection is gone: uWebSockets.js throws otherwise.
 * HTTP-EXCHANGE-2  Nothing that the engine gave leaves before its `flush`. What the edge itself answers depends on nothing.
 * HTTP-EXCHANGE-3  All of a request is read before the engine hears of it, and it is checked by the same `readRequest` as a frame.
 * HTTP-EXCHANGE-4  Open exchanges and the bytes of their bodies are counted until they are answered or gone, and bounded.
 * HTTP-EXCHANGE-5  A submitted command counts in `inFlight` until its answer leaves, or its connection is gone; it runs either way, and
 *                  the same key tells what became of it.
 */

import { meant } from "../../actors/nearest.js";
import { type Refusal, refuse, unlooked } from "../../actors/results.js";
import { hasKey, isKeyedMethod } from "../../engine/loop/key-lookup.js";
import { type Command, storedAnswerOnly } from "../../engine/seams/commands.js";
import {
  drainLookupsMax,
  frameBytesMax,
  httpBodyBytesMax,
  httpOpenMax,
  retryAfterMs,
} from "../../engine/seams/limits.js";
import type { OrderView, Requester, RequestId } from "../../engine/seams/requester.js";
import { orderText, readJson } from "../codecs/json-codec.js";
import { type FoundRoute, findRoute, nearestPath } from "../edge/http-routes.js";
import { isOwnHost, isOwnOrigin } from "../edge/loopback.js";
import { checkSignature, type PaymentSecrets } from "../edge/payment-signature.js";
import {
  defectAnswer,
  type HttpAnswer,
  httpRefusals,
  problemAnswer,
  successAnswer,
} from "../edge/problem.js";
import { readRequest } from "../edge/protocol.js";
import type { Engine, SessionCounters } from "../edge/session.js";
import { documentAt } from "./http-documents.js";
import { type HttpHead, placedIn, requestOf } from "./http-request.js";

/** The other end of a response. Drops an answer when its connection is gone. Must not throw. */
export interface Reply {
  send(answer: HttpAnswer): void;
}

/** Plain counters, read at scrape time. */
export interface HttpCounters {
  httpRequests: number;
  /** Connections that went before their answer. */
  httpAborted: number;
  /** Requests without an answer yet. */
  httpOpen: number;
  /** Bytes of unfinished bodies. */
  httpBodyBytes: number;
  /** Notifications of payments whose signature does not cover the provider's name. */
  unnamedSignatures: number;
}

export function newHttpCounters(): HttpCounters {
  return { httpRequests: 0, httpAborted: 0, httpOpen: 0, httpBodyBytes: 0, unnamedSignatures: 0 };
}

export interface HttpEdgeOptions {
  readonly engine: Engine;
  readonly counters: HttpCounters & SessionCounters;
  readonly paymentSecrets: PaymentSecrets;
  /** A provider has signed a notification without its name in it; called each time. */
  readonly onUnnamedSignature?: (provider: string) => void;
  onDefect(defect: unknown): void;
}

export class HttpEdge {
  readonly options: HttpEdgeOptions;
  /** New commands are refused `shutting_down`; those whose key holds an answer still get it. */
  draining = false;
  #drainLookups = 0;

  constructor(options: HttpEdgeOptions) {
    this.options = options;
  }

  /** Answers at once what needs no engine; else the exchange that its body goes to. */
  begin(head: HttpHead, reply: Reply): Exchange | undefined {
    const { counters } = this.options;
    counters.httpRequests++;
    const document = head.verb === "GET" ? documentAt(head.path) : undefined;
    if (document !== undefined) {
      reply.send(isOwnHost(head.headers.get("host") ?? "") ? document : problemAnswer(foreignSite()));
      return undefined;
    }
    const found = findRoute(head.verb, head.path);
    const refused = refusedByHead(head, found, counters.httpOpen);
    if (refused !== undefined || found === undefined || "allow" in found) {
      counters.refusedAtEdge++;
      reply.send(refused ?? notFound(head.path));
      return undefined;
    }
    return new Exchange(this, found, head, reply);
  }

  /** Whether the engine is still asked for what stands under a key. */
  mayLookUp(): boolean {
    return this.#drainLookups++ < drainLookupsMax;
  }
}

/** What can be said before the body is there, the first that applies. */
function refusedByHead(
  head: HttpHead,
  found: ReturnType<typeof findRoute>,
  open: number,
): HttpAnswer | undefined {
  const { path, headers, twice } = head;
  if (!isOwnOrigin(headers.get("origin") ?? "") || !isOwnHost(headers.get("host") ?? "")) {
    return beforeKey(found, foreignSite());
  }
  if (found === undefined) return notFound(path);
  if ("allow" in found) return wrongVerb(found.allow);
  if (twice !== undefined) return invalid(`headers.${twice}`, "is there twice");
  const refused = refusedBody(found.route.verb, headers);
  if (refused !== undefined || open < httpOpenMax) return refused;
  return beforeKey(found, refuse("overloaded", { retryAfterMs, httpOpenMax }));
}

function foreignSite(): Refusal {
  return refuse("forbidden", { reason: "a page of another site" });
}

/** For what is refused before the request was read: whether its key holds an answer is not known. */
function beforeKey(found: ReturnType<typeof findRoute>, refusal: Refusal): HttpAnswer {
  const keyed = found !== undefined && "route" in found && isKeyedMethod(found.route.method);
  return problemAnswer(keyed ? unlooked(refusal) : refusal);
}

function refusedBody(verb: string, headers: HttpHead["headers"]): HttpAnswer | undefined {
  const length = Number(headers.get("content-length") ?? 0);
  if (length === 0 && !headers.has("transfer-encoding")) return undefined;
  if (verb === "GET") return invalid("body", "a GET has none");
  const encoding = headers.get("content-encoding") ?? "identity";
  if (!isJson(headers.get("content-type") ?? "") || encoding !== "identity") return wrongType();
  return length > frameBytesMax ? tooLarge() : undefined;
}

function isJson(contentType: string): boolean {
  return /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType);
}

function invalid(path: string, reason: string, status?: number): HttpAnswer {
  return problemAnswer(refuse("invalid_request", { path, reason }), false, status);
}

function notFound(path: string): HttpAnswer {
  return invalid("path", meant("there is nothing here", nearestPath(path)), httpRefusals.notFound);
}

function wrongVerb(allow: readonly string[]): HttpAnswer {
  const verbs = allow.flatMap((verb) => (verb === "GET" ? [verb, "HEAD"] : [verb])).join(", ");
  const answer = invalid("method", `must be one of ${verbs}`, httpRefusals.wrongVerb);
  return { ...answer, headers: [...answer.headers, ["allow", verbs]] };
}

function wrongType(): HttpAnswer {
  return invalid("headers.content-type", "must be application/json", httpRefusals.wrongType);
}

function tooLarge(): HttpAnswer {
  return invalid("body", `is more than ${frameBytesMax} bytes`, httpRefusals.tooLarge);
}

export class Exchange implements Requester {
  readonly #edge: HttpEdge;
  readonly #found: FoundRoute;
  readonly #head: HttpHead;
  readonly #reply: Reply;
  #state: "receiving" | "running" | "over" = "receiving";
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** What the engine gave, until it may leave. */
  #answer: HttpAnswer | undefined;

  constructor(edge: HttpEdge, found: FoundRoute, head: HttpHead, reply: Reply) {
    this.#edge = edge;
    this.#found = found;
    this.#head = head;
    this.#reply = reply;
    edge.options.counters.httpOpen++;
  }

  /** Takes a piece of the body; `chunk` is not used after it returns. */
  receive(chunk: Uint8Array, isLast: boolean): void {
    if (this.#state !== "receiving") return;
    if (isLast && this.#bytes === 0) {
      if (chunk.length > frameBytesMax) this.#refuse(tooLarge());
      else this.#run(chunk);
      return;
    }
    const { counters } = this.#edge.options;
    this.#bytes += chunk.length;
    counters.httpBodyBytes += chunk.length;
    if (this.#bytes > frameBytesMax) {
      this.#refuse(tooLarge());
    } else if (counters.httpBodyBytes > httpBodyBytesMax) {
      this.#refuse(beforeKey(this.#found, refuse("overloaded", { retryAfterMs, httpBodyBytesMax })));
    } else {
      this.#chunks.push(chunk.slice());
      if (isLast) this.#run(Buffer.concat(this.#chunks));
    }
  }

  /** The connection is gone. */
  gone(): void {
    if (this.#state === "over") return;
    this.#edge.options.counters.httpAborted++;
    this.#end();
  }

  /** An exception was kept from ending the process. */
  failed(): void {
    if (this.#state === "over") return;
    this.#end();
    this.#reply.send(defectAnswer());
  }

  order(_id: RequestId, order: OrderView, replayed: boolean): void {
    this.#keep(() => successAnswer(orderText(order), replayed, undefined));
  }

  result(_id: RequestId, result: object, replayed: boolean): void {
    this.#keep(() => successAnswer(JSON.stringify(result), replayed, this.#linkOf(result)));
  }

  refused(_id: RequestId, refusal: Refusal, replayed: boolean): void {
    this.#keep(() => problemAnswer(placedIn(this.#found.route, refusal), replayed));
  }

  push(): void {
    this.#edge.options.onDefect(new Error("assertion: HTTP has no subscriptions"));
  }

  flush(): void {
    const answer = this.#answer;
    if (answer === undefined || this.#state !== "running") return;
    this.#end();
    this.#reply.send(this.#edge.draining ? { ...answer, close: true } : answer);
  }

  #run(body: Uint8Array): void {
    const asked = this.#read(body);
    if (!("method" in asked)) {
      this.#refuse(asked);
      return;
    }
    const { engine, counters } = this.#edge.options;
    counters.requests++;
    this.#state = "running";
    this.#dropBody();
    counters.inFlight++;
    engine.submit(engine.route(asked), asked);
  }

  /** The command, or why the engine will not hear of it. A stranger learns nothing before the signature was looked at. */
  #read(body: Uint8Array): Command | HttpAnswer {
    const { engine } = this.#edge.options;
    const doubt = this.#signatureProblem(body);
    if (doubt !== undefined) return beforeKey(this.#found, refuse("unauthenticated", { reason: doubt }));
    const read = body.length === 0 ? { value: {} } : readJson(body);
    if ("malformed" in read) return invalid("body", read.malformed);
    const request = requestOf(this.#found, this.#head, read.value);
    if ("refusal" in request) return problemAnswer(request.refusal);
    const asked = readRequest(request, { requester: this, nowMicros: () => engine.nowMicros() });
    if (asked === undefined) throw new Error("assertion: a request without an id");
    if (asked.method === "answered at edge") {
      return problemAnswer(placedIn(this.#found.route, asked.explain!()));
    }
    return this.#edge.draining ? this.#whileDraining(asked) : asked;
  }

  #whileDraining(asked: Command): Command | HttpAnswer {
    const keyed = hasKey(asked);
    if (keyed && this.#edge.mayLookUp()) return { ...asked, refuseAfter: storedAnswerOnly };
    const refusal = refuse("shutting_down");
    return { ...problemAnswer(keyed ? unlooked(refusal) : refusal), close: true };
  }

  #signatureProblem(body: Uint8Array): string | undefined {
    const { route, inPath } = this.#found;
    if (!route.signed) return undefined;
    const { engine, paymentSecrets } = this.#edge.options;
    const signature = this.#head.headers.get("yifen-signature") ?? "";
    const nowSeconds = Math.floor(engine.wallMs() / 1000);
    const provider = inPath.provider!;
    const checked = checkSignature(signature, body, provider, paymentSecrets, nowSeconds);
    if ("problem" in checked) return checked.problem;
    if (checked.form === "v1") {
      this.#edge.options.counters.unnamedSignatures++;
      this.#edge.options.onUnnamedSignature?.(provider);
    }
    return undefined;
  }

  /** An answer that cannot be written is a defect; the request ran all the same. */
  #keep(encode: () => HttpAnswer): void {
    if (this.#state !== "running") return;
    try {
      this.#answer = encode();
    } catch (defect) {
      this.#edge.options.onDefect(defect);
      this.#answer = defectAnswer();
    }
  }

  #refuse(answer: HttpAnswer): void {
    this.#edge.options.counters.refusedAtEdge++;
    this.#end();
    this.#reply.send(answer);
  }

  #end(): void {
    const { counters } = this.#edge.options;
    if (this.#state === "running") counters.inFlight--;
    this.#state = "over";
    this.#answer = undefined;
    this.#dropBody();
    counters.httpOpen--;
  }

  #dropBody(): void {
    this.#edge.options.counters.httpBodyBytes -= this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
  }

  /** The page behind this one, where a list has one. */
  #linkOf(result: object): string | undefined {
    const { cursor } = result as { cursor?: unknown };
    const { route, inPath } = this.#found;
    if (route.places.get("cursor") !== "query" || typeof cursor !== "string") return undefined;
    const query = new URLSearchParams(this.#head.query);
    query.set("cursor", cursor);
    const path = route.path.replace(/\{(\w+)\}/g, (_, param: string) => inPath[param]!);
    return `<${path}?${query}>; rel="next"`;
  }
}
