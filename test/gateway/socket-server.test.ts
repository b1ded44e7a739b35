import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import type { Command } from "../../engine/seams/commands.js";
import { frameBytesMax } from "../../engine/seams/limits.js";
import { UnsafeHost } from "../../gateway/host/port.js";
import { openSocketServer, type SocketServer } from "../../gateway/socket-server.js";
import { encodings, json, msgpack } from "./codecs/encodings.js";
import { EchoEngine } from "./edge/echo-engine.js";

const place = (id: number | string) => ({
  id,
  method: "order.place",
  params: { key: `k-${id}`, account: "a1", lines: [{ product: "p1", qty: 2 }] },
});

let server: SocketServer | undefined;
const clients: WebSocket[] = [];
const defects: unknown[] = [];

async function start(
  engine: EchoEngine,
  ready = () => true,
  metrics = () => "yifen_up 1\n",
): Promise<SocketServer> {
  engine.auto = true;
  const onDefect = (defect: unknown) => void defects.push(defect);
  server = await openSocketServer({ host: "127.0.0.1", port: 0, engine, ready, metrics, onDefect });
  return server;
}

async function open(protocol?: string, headers = {}): Promise<WebSocket> {
  const client = new WebSocket(
    `ws://127.0.0.1:${server!.port}/v1/ws`,
    protocol === undefined ? [] : [protocol],
    {
      headers,
    },
  );
  clients.push(client);
  await once(client, "open");
  return client;
}

async function next(client: WebSocket): Promise<Buffer> {
  const [message] = (await once(client, "message")) as [Buffer];
  return message;
}

const url = (path: string) => `http://127.0.0.1:${server!.port}${path}`;

afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
  server?.close();
  server = undefined;
  defects.length = 0;
});

test("without a subprotocol it speaks JSON, one object for one object", async () => {
  await start(new EchoEngine());
  const client = await open();
  expect(client.protocol).toBe("");
  client.send(JSON.stringify(place(1)));
  expect(JSON.parse((await next(client)).toString())).toMatchObject({
    id: 1,
    status: 200,
    result: { total: "199.98" },
  });
});

describe.each(encodings)("%s", (name, { codec, encode, decode }) => {
  test("a batch of 64 comes back in one array frame of the asked-for kind", async () => {
    await start(new EchoEngine());
    const client = await open(name);
    expect(client.protocol).toBe(name);
    client.send(encode(Array.from({ length: 64 }, (_, i) => place(i))), { binary: codec.binary });
    const [message, binary] = (await once(client, "message")) as [Buffer, boolean];
    expect(binary).toBe(codec.binary);
    const answers = decode(message) as { id: number; status: number }[];
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  });

  test("SOCKET-SERVER-2: 5,000 mutated frames on other connections leave one connection undisturbed", async () => {
    await start(new EchoEngine());
    const quiet = await open(name);
    const sample = encode([place(1), place(2)]);
    let answered = 0;
    let noisy = await open(name);
    for (let n = 0; n < 5000; n++) {
      const bytes = Buffer.from(sample);
      bytes[(n * 31) % bytes.length] = (n * 17) % 256;
      if (noisy.readyState !== WebSocket.OPEN) {
        noisy.terminate();
        noisy = await open(name);
        noisy.on("error", () => noisy.terminate());
      }
      noisy.send(bytes, { binary: codec.binary });
      if (n % 50 === 0) {
        quiet.send(encode(place(n)), { binary: codec.binary });
        expect(decode(await next(quiet))).toMatchObject({ id: n, status: 200 });
        answered++;
      }
    }
    expect(answered).toBe(100);
    expect(quiet.readyState).toBe(WebSocket.OPEN);
    expect(server!.counters.malformed).toBeGreaterThan(10);
    expect(defects).toEqual([]);
  });
});

test("of several subprotocols the first that it knows is taken; of none that it knows, none is", async () => {
  await start(new EchoEngine());
  const client = new WebSocket(url("/v1/ws").replace("http", "ws"), ["other", "yifen.msgpack"]);
  clients.push(client);
  await once(client, "open");
  expect(client.protocol).toBe("yifen.msgpack");
  await expect(open("yifen.xml")).rejects.toThrow("400");
});

test("a malformed frame closes with 4400 and says why", async () => {
  await start(new EchoEngine());
  const client = await open("yifen.msgpack");
  client.send(Buffer.of(0x91, 0xc1));
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([4400, "type 0xc1 is not allowed"]);
});

test("a frame of more than 1 MiB closes its connection, one of 1 MiB is read", async () => {
  const engine = new EchoEngine();
  await start(engine);
  const client = await open();
  client.on("error", () => undefined);
  client.send(`{"id":1,"method":"session.ping"${" ".repeat(frameBytesMax - 32)}}`);
  expect(JSON.parse((await next(client)).toString())).toMatchObject({ id: 1 });
  client.send(`{"id":1,"method":"session.ping"${" ".repeat(frameBytesMax)}}`);
  await once(client, "close");
  expect(engine.count).toBe(0);
});

test("SOCKET-SERVER-4: a page of another site is refused, a page of this machine and a program are not", async () => {
  await start(new EchoEngine());
  await expect(open(undefined, { origin: "https://evil.example" })).rejects.toThrow("403");
  await expect(open(undefined, { origin: "null" })).rejects.toThrow("403");
  await expect(open(undefined, { origin: "http://127.0.0.1.evil.example" })).rejects.toThrow("403");
  await open(undefined, { origin: "http://localhost:3000" });
  await open(undefined, { origin: "http://[::1]:3000" });
  expect(server!.counters.upgradesRefused).toBe(3);
});

test.each(["0.0.0.0", "::", "192.168.1.5", "example.com", "127.0.0.1.example.com", ""])(
  "it does not listen on %j",
  async (host) => {
    const engine = new EchoEngine();
    const options = { port: 0, engine, ready: () => true, metrics: () => "", onDefect: () => undefined };
    await expect(openSocketServer({ ...options, host })).rejects.toThrow(UnsafeHost);
  },
);

test("a port that is taken is refused, not shared", async () => {
  const first = await start(new EchoEngine());
  const options = {
    engine: new EchoEngine(),
    ready: () => true,
    metrics: () => "",
    onDefect: () => undefined,
  };
  await expect(openSocketServer({ ...options, host: "127.0.0.1", port: first.port })).rejects.toThrow(
    "cannot listen",
  );
});

test("HEAD is answered wherever GET is: the same head, no body, and the connection goes on", async () => {
  let ready = true;
  const server = await start(new EchoEngine(), () => ready);
  for (const path of ["/livez", "/readyz", "/metrics", "/", "/openapi.json", "/asyncapi.json", "/nothing"]) {
    for (const state of [true, false]) {
      ready = state;
      const [get, head] = [await fetch(url(path)), await fetch(url(path), { method: "HEAD" })];
      const body = await get.arrayBuffer();
      const headers = (of: Response) =>
        ["content-type", "content-length"].map((name) => of.headers.get(name));
      expect([path, head.status, headers(head)]).toEqual([path, get.status, headers(get)]);
      expect(get.headers.get("content-length")).toBe(String(body.byteLength));
      expect((await head.arrayBuffer()).byteLength).toBe(0);
    }
  }
  const raw = connect(server.port, "127.0.0.1");
  let received = "";
  raw.on("data", (bytes: Buffer) => {
    received += bytes.toString("latin1");
  });
  for (let n = 0; n < 3; n++) raw.write("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  while ((received.match(/HTTP\/1\.1 200 OK/g) ?? []).length < 3) await once(raw, "data");
  raw.destroy();
  for (const head of received.split("HTTP/1.1 ").slice(1))
    expect(head).toMatch(/^200 OK\r\n(?:[^\r\n]+\r\n)+\r\n$/);
});

test("SOCKET-SERVER-4: whatever is asked for, a host that is not ours is refused", async () => {
  const server = await start(new EchoEngine());
  const paths = [
    "/",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/asyncapi.json",
    "/v1/products/tea",
    "/nothing",
  ];
  for (const verb of ["GET", "HEAD"]) {
    for (const path of paths) {
      for (const host of ["evil.example", "127.0.0.1.evil.example:80"]) {
        const raw = connect(server.port, "127.0.0.1");
        raw.write(`${verb} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
        const [bytes] = (await once(raw, "data")) as [Buffer];
        raw.destroy();
        expect([verb, path, bytes.toString("latin1").slice(0, 12)]).toEqual([verb, path, "HTTP/1.1 403"]);
      }
    }
  }
});

test("the address that is printed shows a page, and every link on it leads somewhere", async () => {
  await start(new EchoEngine());
  const page = await fetch(url("/"));
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const links = [...(await page.text()).matchAll(/href="([^"]+)"/g)].map(([, path]) => path!);
  expect(links).toEqual(
    expect.arrayContaining(["/openapi.json", "/asyncapi.json", "/livez", "/readyz", "/metrics"]),
  );
  for (const link of links) expect((await fetch(url(link))).status, link).toBe(200);
});

test("livez, readyz and metrics", async () => {
  let ready = false;
  await start(new EchoEngine(), () => ready);
  expect((await fetch(url("/livez"))).status).toBe(200);
  expect((await fetch(url("/readyz"))).status).toBe(503);
  ready = true;
  expect((await fetch(url("/readyz"))).status).toBe(200);
  const metrics = await fetch(url("/metrics"));
  expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await metrics.text()).toBe("yifen_up 1\n");
  expect((await fetch(url("/v1/nothing"))).status).toBe(404);
});

test("SOCKET-SERVER-1: an exception in a callback is reported, answered 500, and the process lives", async () => {
  const broken = (): never => {
    throw new Error("a defect");
  };
  await start(new EchoEngine(), broken, broken);
  expect((await fetch(url("/metrics"))).status).toBe(500);
  expect((await fetch(url("/readyz"))).status).toBe(500);
  expect((await fetch(url("/livez"))).status).toBe(200);
  expect(defects.length).toBe(2);
});

test("SOCKET-SERVER-1: an engine that throws closes the connection that asked, and no other", async () => {
  class Broken extends EchoEngine {
    override submit(shard: number, command: Command): void {
      if (command.id === "break") throw new Error("a defect");
      super.submit(shard, command);
    }
  }
  await start(new Broken());
  const other = await open();
  const client = await open();
  client.send(JSON.stringify(place("break")));
  expect(await once(client, "close")).toEqual([1011, Buffer.from("internal")]);
  other.send(JSON.stringify(place(1)));
  expect(JSON.parse((await next(other)).toString())).toMatchObject({ id: 1, status: 200 });
  expect(defects.length).toBe(1);
});

test("drain answers what was taken, refuses what comes, and then closes with 1001", async () => {
  const engine = new EchoEngine();
  const { drain } = await start(engine);
  engine.auto = false;
  const client = await open();
  client.send(JSON.stringify(place(1)));
  while (engine.count === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  engine.refusesStored = true;
  const drained = drain(5000);
  expect((await fetch(url("/readyz"))).status).toBe(503);
  client.send(JSON.stringify(place(2)));
  expect(JSON.parse((await next(client)).toString())).toMatchObject({
    id: 2,
    error: { code: "shutting_down" },
  });
  await expect(open()).rejects.toThrow("503");
  engine.answerAll();
  expect(JSON.parse((await next(client)).toString())).toMatchObject({ id: 1, status: 200 });
  expect(await once(client, "close")).toEqual([1001, Buffer.from("shutting down")]);
  expect(await drained).toBe(0);
});

test("drain gives up after its grace and says how many have no answer", async () => {
  const engine = new EchoEngine();
  const { drain } = await start(engine);
  engine.auto = false;
  const client = await open();
  client.send(JSON.stringify([place(1), place(2)]));
  while (engine.count < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(await drain(50)).toBe(2);
});

test("SOCKET-SERVER-3: when a peer goes the engine is told, and its answers go nowhere", async () => {
  const engine = new EchoEngine();
  await start(engine);
  engine.auto = false;
  const client = await open();
  client.send(JSON.stringify(place(1)));
  while (engine.count === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  client.terminate();
  while (engine.closedRequesters.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  engine.answerAll();
  expect(server!.counters).toMatchObject({ connections: 0, inFlight: 0 });
  expect(defects).toEqual([]);
});

test("a peer that stops reading is closed, what it got has no hole, and others go on", async () => {
  await start(new EchoEngine());
  const other = await open();
  const raw = await rawClient();
  const frame = clientFrame(json.encode(Array.from({ length: 1000 }, (_, i) => place(i))));
  let closed = false;
  raw.on("close", () => {
    closed = true;
  });
  raw.on("error", () => undefined);
  raw.pause();
  for (let n = 0; n < 200 && server!.counters.slowReaders === 0 && !closed; n++) {
    if (!raw.destroyed) raw.write(frame);
    other.send(JSON.stringify(place(n)));
    expect(JSON.parse((await next(other)).toString())).toMatchObject({ id: n });
  }
  expect(server!.counters.slowReaders).toBe(1);
  const received: Buffer[] = [];
  raw.on("data", (chunk: Buffer) => received.push(chunk));
  raw.resume();
  await once(raw, "end");
  const ids = serverFrames(Buffer.concat(received)).flatMap((text) => JSON.parse(text) as { id: number }[]);
  expect(ids.length).toBeGreaterThan(1000);
  expect(ids.every(({ id }, n) => id === n % 1000)).toBe(true);
  raw.destroy();
});

/** A WebSocket that can really stop reading: a TCP socket and the handshake by hand. */
async function rawClient(): Promise<Socket> {
  const socket = connect(server!.port, "127.0.0.1");
  socket.write(
    "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).toContain("101 Switching Protocols");
  return socket;
}

/** A masked text frame with a mask of zeros. */
function clientFrame(payload: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 0x81;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

/** The texts of the whole text frames in what a server sent. */
function serverFrames(bytes: Buffer): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const opcode = bytes[at]! & 0x0f;
    let length = bytes[at + 1]!;
    let start = at + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    if (start + length > bytes.length) break;
    if (opcode === 1) texts.push(bytes.toString("utf8", start, start + length));
    at = start + length;
  }
  return texts;
}

test("msgpack and JSON connections live beside each other", async () => {
  await start(new EchoEngine());
  const [one, two] = [await open("yifen.json"), await open("yifen.msgpack")];
  one.send(json.encode(place(1)), { binary: false });
  two.send(msgpack.encode(place(2)));
  expect(json.decode(await next(one))).toMatchObject({ id: 1 });
  expect(msgpack.decode(await next(two))).toMatchObject({ id: 2 });
});
