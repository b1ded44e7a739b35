/** Whatever comes over HTTP, the process lives and a WebSocket beside it goes on undisturbed. */

import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { EchoEngine } from "../edge/echo-engine.js";
import { type HttpServer, postOf, RawConnection, serve } from "./http-server.js";

let http: HttpServer;
let quiet: WebSocket;
let asked = 0;

beforeEach(async () => {
  const engine = new EchoEngine();
  engine.auto = true;
  http = await serve(engine);
  quiet = new WebSocket(http.url("/v1/ws").replace("http", "ws"));
  await once(quiet, "open");
});

afterEach(async () => {
  expect(quiet.readyState).toBe(WebSocket.OPEN);
  quiet.terminate();
  await http.stop();
  expect(http.defects).toEqual([]);
});

async function askQuietly(): Promise<void> {
  const id = ++asked;
  quiet.send(JSON.stringify({ id, method: "product.get", params: { product: "p" } }));
  const [message] = (await once(quiet, "message")) as [Buffer];
  expect(JSON.parse(message.toString())).toMatchObject({ id, status: 200 });
}

/** The same bytes for the same seed: mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const good = [
  postOf("/v1/orders", '{"account":"a1","lines":[{"product":"p1","qty":2}]}', ["Idempotency-Key: k-1"]),
  postOf("/v1/payments/alipay/notify", '{"paymentId":"p"}', ["Yifen-Signature: t=1,v1=ab"]),
  "GET /v1/orders?account=a1&limit=5 HTTP/1.1\r\nHost: localhost\r\nYifen-Deadline-Ms: 5\r\n\r\n",
  "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
];

const nasty = [
  "\0",
  "\r",
  "\n",
  "\r\n",
  " ",
  "%",
  "%00",
  "?",
  "&",
  "{",
  '"',
  "é",
  "\u{1f9fe}",
  "-1",
  "99999999999",
];

/** Bytes of no meaning, or a good request with something of it changed, doubled, cut or put in. */
function mutated(random: (below: number) => number): Buffer {
  if (random(5) === 0) return Buffer.from(Array.from({ length: 1 + random(200) }, () => random(256)));
  let text = good[random(good.length)]!;
  for (let n = random(3); n >= 0; n--) {
    const [from, length] = [random(text.length), random(12)];
    const put = [nasty[random(nasty.length)]!, "", text.slice(from, from + 2 * length)][random(3)]!;
    text = text.slice(0, from) + put + text.slice(from + (random(2) === 0 ? length : 0));
  }
  return Buffer.from(text, random(2) === 0 ? "utf8" : "latin1");
}

test("20,000 malformed requests, three to a connection", async () => {
  const random = randomOf(7);
  let connections: RawConnection[] = [];
  for (let sent = 0; sent < 20_000; sent += connections.length) {
    connections = connections.filter((each) => !each.closed && each.writes < 3);
    while (connections.length < 50) connections.push(new RawConnection(http.server.port));
    for (const each of connections) each.write(mutated(random));
    await askQuietly();
    for (const each of connections) if (each.closed || each.writes === 3) each.reset();
  }
  for (const each of connections) each.reset();
  expect(http.server.counters.httpRequests).toBeGreaterThan(1000);
  expect(http.server.counters.httpAborted).toBeGreaterThan(100);
  while (http.server.counters.httpOpen > 0) await askQuietly();
  expect(http.server.counters).toMatchObject({ httpBodyBytes: 0, inFlight: 0, httpOpen: 0 });
  expect((await fetch(http.url("/livez"))).status).toBe(200);
});
