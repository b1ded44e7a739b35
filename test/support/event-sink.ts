/** Somebody who listens to a webhook, on a loopback address: keeps what comes, and answers as a test wants. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { OutletEvent } from "../../gateway/outlets/outlet.js";

export interface Delivery {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly events: readonly OutletEvent[];
  /** performance.now() */
  readonly at: number;
}

/** Answers a request; `n` counts all requests from 1. A number is a status. "hang" never answers. */
export type Respond = (
  delivery: Delivery,
  n: number,
) => number | "hang" | ((response: ServerResponse) => void);

export interface EventSink {
  readonly url: string;
  /** Every request that came, the failed ones included. */
  readonly requests: Delivery[];
  /** Events of requests that were answered with 2xx, in the order in which they came. */
  readonly accepted: OutletEvent[];
  respond: Respond;
  /** Waits until it holds; fails after `withinMs`. */
  until(holds: () => boolean, withinMs?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openEventSink(respond: Respond = () => 200): Promise<EventSink> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => take(request, response, body));
  });
  const take = (request: IncomingMessage, response: ServerResponse, body: string) => {
    const parsed = JSON.parse(body) as OutletEvent | OutletEvent[];
    const events = Array.isArray(parsed) ? parsed : [parsed];
    const delivery = { headers: request.headers, body, events, at: performance.now() };
    sink.requests.push(delivery);
    const how = sink.respond(delivery, sink.requests.length);
    if (typeof how === "function") how(response);
    if (typeof how !== "number") return;
    if (how >= 200 && how < 300) sink.accepted.push(...events);
    response.writeHead(how).end();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sink: EventSink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    requests: [],
    accepted: [],
    respond,
    async until(holds, withinMs = 10_000) {
      const end = performance.now() + withinMs;
      while (!holds()) {
        if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${holds}`);
        await sleep(5);
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return sink;
}
