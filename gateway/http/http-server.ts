/**
 * HTTP on uWebSockets.js, which `socket-server` shares: gives heads and bodies to the edge and writes its answers.
 *
 * SOCKET-SERVER-1 to 3 hold here too: no exception leaves a callback, a chunk is used inside its callback only,
 * and a response is not touched after its abort or its end.
 */

import type uWS from "uWebSockets.js";
import { defectAnswer, type HttpAnswer, statusLine } from "../edge/problem.js";
import type { Exchange, HttpEdge, Reply } from "./http-exchange.js";
import { type HttpHead, headersRead } from "./http-request.js";

export interface ByteCounters {
  bytesReceived: number;
  bytesSent: number;
}

/** Takes every request that has no handler of its own. */
export function installHttp(
  app: uWS.TemplatedApp,
  edge: HttpEdge,
  counters: ByteCounters,
  onDefect: (defect: unknown) => void,
): void {
  app.any("/*", (res, req) => {
    // As it is written: the other getter changes it to lower case where it lies.
    const verb = req.getCaseSensitiveMethod();
    const reply = new SocketReply(res, verb === "HEAD", counters, onDefect);
    let exchange: Exchange | undefined;
    const guard = (callback: () => void) => {
      try {
        callback();
      } catch (defect) {
        onDefect(defect);
        exchange?.failed();
        reply.send(defectAnswer());
      }
    };
    guard(() => {
      res.onAborted(() => {
        reply.gone();
        exchange?.gone();
      });
      exchange = edge.begin(readHead(req, verb === "HEAD" ? "GET" : verb), reply);
      if (exchange === undefined) return;
      res.onData((chunk, isLast) =>
        guard(() => {
          counters.bytesReceived += chunk.byteLength;
          exchange?.receive(new Uint8Array(chunk), isLast);
        }),
      );
    });
  });
}

function readHead(req: uWS.HttpRequest, verb: string): HttpHead {
  const headers = new Map<string, string>();
  let twice: string | undefined;
  req.forEach((name, value) => {
    if (!headersRead.has(name)) return;
    if (headers.has(name)) twice ??= name;
    headers.set(name, value);
  });
  return {
    verb,
    path: req.getUrl(),
    // It has none: undefined, whatever its types say.
    query: req.getQuery() ?? "",
    headers,
    twice,
  };
}

class SocketReply implements Reply {
  readonly #headOnly: boolean;
  readonly #counters: ByteCounters;
  readonly #onDefect: (defect: unknown) => void;
  /** Undefined once it was answered, or its connection is gone. */
  #res: uWS.HttpResponse | undefined;

  constructor(
    res: uWS.HttpResponse,
    headOnly: boolean,
    counters: ByteCounters,
    onDefect: (defect: unknown) => void,
  ) {
    this.#res = res;
    this.#headOnly = headOnly;
    this.#counters = counters;
    this.#onDefect = onDefect;
  }

  gone(): void {
    this.#res = undefined;
  }

  send(answer: HttpAnswer): void {
    const res = this.#res;
    if (res === undefined) return;
    this.#res = undefined;
    try {
      res.cork(() => this.#write(res, answer));
    } catch (defect) {
      this.#onDefect(defect);
    }
  }

  #write(res: uWS.HttpResponse, { status, headers, body, close = false }: HttpAnswer): void {
    res.writeStatus(statusLine(status));
    for (const [name, value] of headers) res.writeHeader(name, value);
    const bytes = Buffer.from(body);
    // A HEAD says how long the body would be; one that came would be taken for the next answer. By our own header: when
    // endWithoutBody is given anything, uWebSockets.js never takes another request from the connection.
    if (this.#headOnly) {
      res.writeHeader("content-length", String(bytes.length)).endWithoutBody();
      return;
    }
    this.#counters.bytesSent += bytes.length;
    res.end(bytes, close);
  }
}
