/**
 * What one client can do to the others, each as a program of its own: `node dist/test/support/abuses.js NAME ADDRESS SIZE`
 * does it until it is killed, and says "at it" when it has begun. `neighbour` measures what somebody else feels of it.
 */

import { connect, type Socket } from "node:net";
import { pathToFileURL } from "node:url";
import WebSocket from "ws";

type Request = { readonly id: number; readonly method: string; readonly params: object };
type Abuse = (address: string, size: number) => Promise<void>;

let lastId = 0;

function request(method: string, params: object = {}): Request {
  return { id: ++lastId, method, params };
}

function frame(count: number, method: string, params: (n: number) => object): string {
  return JSON.stringify(Array.from({ length: count }, (_, n) => request(method, params(n))));
}

async function open(address: string): Promise<WebSocket> {
  const socket = new WebSocket(`${address.replace("http", "ws")}/v1/ws`);
  socket.on("error", () => {});
  await new Promise((opened, failed) => {
    socket.once("open", opened);
    socket.once("error", failed);
  });
  return socket;
}

/** Frame after frame on each of `connections`, a new one for every answer frame that comes. */
function flood(connections: number, make: () => string): Abuse {
  return async (address, frames) => {
    for (let n = 0; n < connections; n++) {
      const socket = await open(address);
      socket.on("message", () => socket.send(make()));
      for (let sent = 0; sent < frames; sent++) socket.send(make());
    }
  };
}

let lastKey = 0;
const order = () => ({
  key: `${process.pid}-${++lastKey}`,
  account: "rude",
  lines: [{ product: "tea", qty: 1 }],
});

export const abuses = {
  /** In one frame. */
  subscriptionsFromTheBeginning: async (address, size) => {
    const socket = await open(address);
    socket.send(frame(size, "feed.subscribe", () => ({ topic: "product:none", from: 1 })));
  },
  /** In one frame, and gone before the answers. */
  longLists: async (address, size) => {
    for (;;) {
      const socket = await open(address);
      socket.send(frame(size, "order.list", () => ({ account: "rude", limit: 500 })));
      await new Promise((later) => setTimeout(later, 300));
      socket.terminate();
    }
  },
  subscriptionsAndHangUp: async (address, size) => {
    for (;;) {
      const socket = await open(address);
      for (let n = 0; n < size; n += 1000) {
        socket.send(frame(1000, "feed.subscribe", () => ({ topic: "shard:0" })));
        await new Promise((answered) => socket.once("message", answered));
      }
      socket.terminate();
    }
  },
  audits: flood(20, () => frame(1, "audit.run", () => ({}))),
  statements: flood(20, () => frame(64, "account.statement", () => ({ account: "rude", limit: 50 }))),
  pings: flood(20, () => frame(1024, "session.ping", () => ({}))),
  orders: flood(20, () => frame(256, "order.place", order)),
  refusals: flood(20, () => frame(1024, "no.such", () => ({}))),
  idleTcp: async (address, size) => {
    const { hostname, port } = new URL(address);
    const sockets: Socket[] = [];
    for (let n = 0; n < size; n++) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      sockets.push(socket);
      if (n % 50 === 49) await new Promise((later) => setTimeout(later, 5));
    }
  },
  idleWebSockets: async (address, size) => {
    const opening: Promise<unknown>[] = [];
    for (let n = 0; n < size; n++) {
      opening.push(open(address).catch(() => {}));
      if (n % 50 === 49) await Promise.all(opening.splice(0));
    }
  },
  /** They place orders and read no answer. */
  deaf: async (address, size) => {
    for (let n = 0; n < size; n++) {
      const socket = await open(address);
      socket.pause();
      const send = () => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(frame(64, "order.place", order));
        setTimeout(send, 20);
      };
      send();
    }
  },
} as const satisfies Record<string, Abuse>;

export type AbuseName = keyof typeof abuses;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [name, address, size] = process.argv.slice(2);
  const begun = abuses[name as AbuseName](address!, Number(size));
  setTimeout(() => console.log("at it"), 200);
  await begun.catch(() => {});
  setInterval(() => {}, 60_000);
}
