import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Receiver } from "../../client/connection.js";
import { encodings } from "../../client/encoding.js";
import type { Socket, SocketClass } from "../../client/socket.js";
import { SocketConnection } from "../../client/socket-connection.js";

/** Sockets that a test works by hand. */
class ManualSocket implements Socket {
  binaryType = "";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onerror: Socket["onerror"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: unknown[] = [];
  fails = false;
  send(frame: string | Uint8Array): void {
    if (this.fails) throw new Error("not open");
    this.sent.push(JSON.parse(frame as string));
  }
  close(): void {}
  terminate(): void {}
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function connection(token?: string) {
  const sockets: ManualSocket[] = [];
  const heard: string[] = [];
  const receiver: Receiver = {
    opened: () => void heard.push("opened"),
    lost: () => void heard.push("lost"),
    answered: ({ id }) => void heard.push(`answered ${id}`),
    pushed: ({ seq }) => void heard.push(`pushed ${seq}`),
    ended: ({ code }) => void heard.push(`ended ${code}`),
  };
  class Opened extends ManualSocket {
    constructor() {
      super();
      sockets.push(this);
    }
  }
  const settings = { encoding: encodings.json, token, firstMs: 1, capMs: 2, openWithinMs: 1000 };
  const made = new SocketConnection(Opened as unknown as SocketClass, "ws://x", {
    ...settings,
    heartbeatMs: 60_000,
    frameBytesMax: 1000,
  });
  made.start(receiver);
  return { made, sockets, heard };
}

const request = { id: 1, method: "product.get", params: {} };

test("CONNECTION-1, CONNECTION-2: a frame that cannot be sent loses the connection, and it opens again", async () => {
  const { made, sockets, heard } = connection();
  sockets[0]!.onopen!();
  sockets[0]!.fails = true;
  made.send([request]);
  expect(heard).toEqual(["opened", "lost"]);
  await pause(20);
  sockets[1]!.onopen!();
  expect(heard).toEqual(["opened", "lost", "opened"]);
  await made.close();
});

test("CONNECTION-3, SOCKET-CONNECTION-1: what an abandoned socket still says is not heard", async () => {
  const { made, sockets, heard } = connection();
  const [first] = sockets;
  first!.onopen!();
  made.send([request]);
  first!.onclose!({ code: 1006, reason: "" });
  await pause(20);
  first!.says({ id: 1, status: 200, result: {} });
  first!.says({ sub: 1, seq: 7, type: "t", time: "", data: {} });
  first!.onclose!({ code: 1006, reason: "" });
  first!.onerror!({});
  expect(heard).toEqual(["opened", "lost"]);
  expect(sockets).toHaveLength(2);
  await made.close();
});

test("CONNECTION-5, SOCKET-CONNECTION-4: a token that is refused ends it, and nothing is heard after that", async () => {
  const { sockets, heard } = connection("t1");
  sockets[0]!.onopen!();
  expect(sockets[0]!.sent).toEqual([{ id: "auth", method: "session.auth", params: { token: "t1" } }]);
  const error = { code: "unauthenticated", message: "no", executed: false, retryable: false };
  sockets[0]!.says({ id: "auth", status: 401, error });
  sockets[0]!.says({ id: 1, status: 200, result: {} });
  sockets[0]!.onclose!({ code: 1000, reason: "" });
  await pause(20);
  expect(heard).toEqual(["ended unauthenticated"]);
  expect(sockets).toHaveLength(1);
});
