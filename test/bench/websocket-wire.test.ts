import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import {
  closeWire,
  frameHeaderBytes,
  openWire,
  type WireHandler,
  walkFrames,
  writeFrameHeader,
} from "../../bench/websocket-wire.js";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A server frame as RFC 6455 draws it: no mask, the shortest length. */
function serverFrame(firstByte: number, payload: Uint8Array): Buffer {
  const n = payload.length;
  const head =
    n < 126
      ? [firstByte, n]
      : n < 65_536
        ? [firstByte, 126, n >> 8, n & 255]
        : [firstByte, 127, 0, 0, 0, 0, 0, n >> 16, (n >> 8) & 255, n & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

function listener(): { handler: WireHandler; messages: Buffer[]; closed: Promise<string> } {
  const messages: Buffer[] = [];
  let close = (_: string) => {};
  const closed = new Promise<string>((resolve) => {
    close = resolve;
  });
  const handler: WireHandler = {
    message: (bytes, start, end) => messages.push(Buffer.from(bytes.subarray(start, end))),
    readDone: () => {},
    drained: () => {},
    closed: (reason) => close(reason),
  };
  return { handler, messages, closed };
}

function at(port: number) {
  return { host: "127.0.0.1", port, path: "/v1/ws", subprotocol: "yifen.msgpack" };
}

async function wsServer(onConnection: (client: WebSocket) => void): Promise<number> {
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    handleProtocols: (asked) => [...asked][0]!,
  });
  stops.push(() => server.close());
  server.on("connection", onConnection);
  await new Promise((resolve) => server.once("listening", resolve));
  return (server.address() as { port: number }).port;
}

async function rawServer(onConnection: (client: Socket) => void): Promise<number> {
  const server: Server = createServer(onConnection);
  stops.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test.each([0, 1, 125, 126, 65_535, 65_536, 300_000])(
  "a frame of %d bytes goes there and back whole",
  async (size) => {
    const port = await wsServer((client) => client.on("message", (message) => client.send(message)));
    const { handler, messages } = listener();
    const socket = await openWire(at(port), handler);
    const payload = Buffer.alloc(size, "payload");
    const frame = Buffer.alloc(frameHeaderBytes(size) + size);
    payload.copy(frame, writeFrameHeader(frame, 0, size));
    socket.write(frame);
    await until(() => messages.length === 1);
    closeWire(socket);
    expect(messages[0]!.equals(payload)).toBe(true);
  },
);

test("frames cut anywhere are walked once whole and not before", () => {
  const payloads = [Buffer.from("a"), Buffer.alloc(0), Buffer.alloc(126, "b"), Buffer.alloc(70_000, "c")];
  const stream = Buffer.concat(payloads.map((payload) => serverFrame(0x82, payload)));
  const cuts = [...Array(200).keys(), ...Array.from({ length: 70 }, (_, i) => i * 1000), stream.length];
  for (const cut of cuts) {
    const { handler, messages } = listener();
    const rest = walkFrames(stream, 0, cut, handler, { write: () => true });
    expect(rest).toBeLessThanOrEqual(cut);
    walkFrames(stream, rest, stream.length, handler, { write: () => true });
    expect(messages.map((message) => message.length)).toEqual([1, 0, 126, 70_000]);
  }
});

test("bytes that trickle in one by one, the upgrade's answer included, make the same messages", async () => {
  const inner = await wsServer((client) => {
    client.send(Buffer.from("one"));
    client.send(Buffer.alloc(200, "two"));
  });
  const port = await rawServer((client) => {
    const server = connect(inner, "127.0.0.1");
    client.pipe(server);
    server.on("data", async (chunk: Buffer) => {
      server.pause();
      for (const byte of chunk) {
        client.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      server.resume();
    });
    client.on("close", () => server.destroy());
    client.on("error", () => {});
  });
  const { handler, messages } = listener();
  const socket = await openWire(at(port), handler);
  await until(() => messages.length === 2);
  closeWire(socket);
  expect(messages.map(String)).toEqual(["one", String(Buffer.alloc(200, "two"))]);
});

test("a ping is answered with its own bytes", async () => {
  let pong = "";
  const port = await wsServer((client) => {
    client.on("pong", (bytes) => {
      pong = String(bytes);
    });
    client.ping("are you there");
  });
  const socket = await openWire(at(port), listener().handler);
  await until(() => pong !== "");
  closeWire(socket);
  expect(pong).toBe("are you there");
});

test("a close frame is told with its code and reason", async () => {
  const port = await wsServer((client) => client.close(4400, "malformed"));
  const { handler, closed } = listener();
  await openWire(at(port), handler);
  expect(await closed).toBe("the server closed with code 4400: malformed");
});

test("a connection that just ends is told", async () => {
  const port = await wsServer((client) => client.terminate());
  const { handler, closed } = listener();
  await openWire(at(port), handler);
  expect(await closed).toMatch(/closed the connection|ECONNRESET/);
});

test.each([
  ["HTTP/1.1 404 Not Found\r\n\r\n", /no upgrade: HTTP\/1.1 404 Not Found/],
  ["HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", /a wrong accept key/],
  ["x".repeat(20_000), /does not end/],
])("a server that answers the upgrade with %j is refused", async (answer, reason) => {
  const port = await rawServer((client) => {
    client.on("error", () => {});
    client.once("data", () => client.write(answer));
  });
  await expect(openWire(at(port), listener().handler)).rejects.toThrow(reason);
});

test("a server that does not speak the subprotocol is refused", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => false });
  stops.push(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await expect(openWire(at(port), listener().handler)).rejects.toThrow(/does not speak yifen.msgpack/);
});

test("nobody listening is a clear line", async () => {
  await expect(openWire(at(1), listener().handler)).rejects.toThrow(/127.0.0.1:1\/v1\/ws: .*ECONNREFUSED/);
});

test.each<[string, Buffer, RegExp]>([
  ["a text frame", serverFrame(0x81, Buffer.from("hi")), /not asked for/],
  ["a fragment", serverFrame(0x02, Buffer.from("hi")), /not asked for/],
  ["a masked frame", Buffer.from([0x82, 0x82, 0, 0, 0, 0, 1, 2]), /masked/],
])("%s fails the measurement", (_, bytes, reason) => {
  const walk = () => walkFrames(bytes, 0, bytes.length, listener().handler, { write: () => true });
  expect(walk).toThrow(reason);
});
