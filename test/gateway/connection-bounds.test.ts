/** How many connections there may be, and what may wait for all of them. */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import WebSocket from "ws";
import { sendBufferBytesMax } from "../../engine/seams/limits.js";
import { openSocketServer, type SocketServer } from "../../gateway/socket-server.js";
import { EchoEngine } from "./edge/echo-engine.js";

let server: SocketServer;
const sockets: Socket[] = [];
const clients: WebSocket[] = [];

async function start(
  bounds: { filesForConnections?: number; sendBuffersBytes?: number } = {},
): Promise<EchoEngine> {
  const engine = new EchoEngine();
  engine.auto = true;
  const onDefect = (defect: unknown) => {
    throw defect;
  };
  server = await openSocketServer({
    ...{ host: "127.0.0.1", port: 0, engine, onDefect, ...bounds },
    ready: () => true,
    metrics: () => "",
  });
  return engine;
}

async function tcp(): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  sockets.push(socket);
  await once(socket, "connect");
  return socket;
}

async function webSocket(): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/v1/ws`);
  client.on("error", () => {});
  clients.push(client);
  await once(client, "open");
  return client;
}

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 2000 && !holds(); n++) await new Promise((later) => setTimeout(later, 2));
  expect(holds()).toBe(true);
}

const ping = async (client: WebSocket) => {
  client.send(JSON.stringify({ id: 1, method: "session.ping", params: {} }));
  await once(client, "message");
};

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of clients.splice(0)) client.terminate();
  server.close();
});

test("SOCKET-SERVER-5: TCP connections past the bound are closed at once, those within it live, and one that goes makes room", async () => {
  await start({ filesForConnections: 5 });
  const first = await webSocket();
  for (let n = 0; n < 4; n++) await tcp();
  await until(() => server.counters.tcpConnections === 5);
  const refused = await tcp();
  await once(refused, "close");
  expect(server.counters).toMatchObject({ tcpConnections: 5, tcpRefused: 1 });
  await ping(first);
  sockets[0]!.destroy();
  await until(() => server.counters.tcpConnections === 4);
  await ping(await webSocket());
});

test("SOCKET-SERVER-5: a WebSocket counts until it is closed, by either side, in good order or not", async () => {
  await start({ filesForConnections: 5 });
  for (let round = 0; round < 5; round++) {
    const open = [await webSocket(), await webSocket(), await webSocket()];
    expect(server.counters.tcpConnections).toBe(3);
    open[0]!.close();
    open[1]!.terminate();
    open[2]!.send("nonsense");
    await until(() => server.counters.tcpConnections === 0);
  }
  expect(server.counters).toMatchObject({ tcpRefused: 0, connections: 0 });
});

/** A request of 1,024 orders, whose answers are some 350 KB. */
const orders = JSON.stringify(
  Array.from({ length: 1024 }, (_, id) => ({
    ...{ id, method: "order.place" },
    params: { key: `k${id}`, account: "a1", lines: [{ product: "p1", qty: 2 }] },
  })),
);

test("SOCKET-SERVER-6: clients that place and never read are cut off before they hold more than the bound", async () => {
  const sendBuffersBytes = 2 * sendBufferBytesMax;
  await start({ sendBuffersBytes });
  const other = await webSocket();
  const crowd: WebSocket[] = [];
  for (let n = 0; n < 8; n++) {
    const deaf = await webSocket();
    deaf.pause();
    crowd.push(deaf);
  }
  let most = 0;
  // All at once, so that none of them is over its own bound before they are over that of all.
  for (let sent = 0; sent < 60 && server.counters.slowReaders < 4; sent++) {
    for (const deaf of crowd) if (deaf.readyState === WebSocket.OPEN) deaf.send(orders);
    await ping(other);
    most = Math.max(most, server.counters.bufferedBytes);
  }
  expect(most).toBeGreaterThan(sendBuffersBytes / 2);
  // What one turn gives to all of them before it is looked at again.
  expect(most).toBeLessThanOrEqual(sendBuffersBytes + sendBufferBytesMax / 2);
  expect(server.counters.slowReaders).toBeGreaterThanOrEqual(4);
  expect(server.counters.connections).toBeLessThan(9);
  await ping(other);
});

test("a client that reads too slowly and never again is cut off, and nothing waits for it any more", async () => {
  await start();
  const deaf = await webSocket();
  deaf.pause();
  for (let n = 0; n < 60; n++) deaf.send(orders);
  await until(() => server.counters.slowReaders === 1);
  await until(() => server.counters.connections === 0);
  expect(server.counters).toMatchObject({ bufferedBytes: 0, tcpConnections: 0, inFlight: 0 });
});
