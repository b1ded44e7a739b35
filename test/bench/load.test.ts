import { existsSync } from "node:fs";
import { Packr } from "msgpackr";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { programPath } from "../../bench/child.js";
import { runLoad, startLoad } from "../../bench/load.js";
import { flashTraffic, hotTraffic, type LoadConfig, uniformTraffic } from "../../bench/load-config.js";

const packr = new Packr({ useRecords: false, variableMapSize: true });

interface Placed {
  id: number;
  method: string;
  params: { key: string; account: string; lines: { product: string; qty: number }[]; pay: string };
}
type Answer = (request: Placed) => object;

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const paid: Answer = ({ id, params }) => ({
  id,
  status: 200,
  result: { order: `o-${id}`, status: "Paid", account: params.account, lines: [{ qty: 1 }], total: "9.99" },
});

/** A server that shares no code with the load generator: it decodes, answers each frame, and keeps what it saw. */
async function answering(
  answer: Answer,
  send: (client: WebSocket, bytes: Uint8Array) => void = (client, bytes) => client.send(bytes),
): Promise<{ port: number; placed: Placed[]; frames: number[] }> {
  const placed: Placed[] = [];
  const frames: number[] = [];
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/v1/ws" });
  stops.push(() => server.close());
  server.on("connection", (client) => {
    client.on("message", (message: Buffer) => {
      const request: Placed | Placed[] = packr.unpack(message);
      const requests = Array.isArray(request) ? request : [request];
      placed.push(...requests);
      frames.push(Array.isArray(request) ? request.length : 0);
      send(client, packr.pack(Array.isArray(request) ? requests.map(answer) : answer(request)));
    });
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return { port: (server.address() as { port: number }).port, placed, frames };
}

function load(port: number, changes: Partial<LoadConfig>): LoadConfig {
  return {
    port,
    connections: 4,
    framesInFlight: 3,
    perFrame: 1,
    traffic: hotTraffic(100),
    bound: { warmupOrders: 0, orders: 600 },
    keyPrefix: "test-",
    ...changes,
  };
}

describe("what is sent", () => {
  test("a request is what the protocol says, alone in its frame", async () => {
    const { port, placed, frames } = await answering(paid);
    await runLoad(load(port, { traffic: { ...hotTraffic(1), firstProduct: 42, firstAccount: 1234567 } }));
    expect(placed[0]).toEqual({
      id: 0,
      method: "order.place",
      params: {
        key: expect.stringMatching(/^test-000[0-3]\.00000000$/),
        account: "a1234567",
        lines: [{ product: "p0000042", qty: 1 }],
        pay: "balance",
      },
    });
    expect(new Set(frames)).toEqual(new Set([0]));
  });

  test.each([2, 15, 16, 64, 1024])("frames hold %d requests", async (perFrame) => {
    const { port, placed, frames } = await answering(paid);
    const orders = perFrame * 30;
    const result = await runLoad(load(port, { perFrame, bound: { warmupOrders: 0, orders } }));
    expect(frames).toEqual(Array(30).fill(perFrame));
    expect(new Set(placed.map(({ params }) => params.key)).size).toBe(orders);
    expect(result).toMatchObject({ orders, ok: orders, total: { orders, ok: orders } });
  });

  test("no key is used twice, and every key has its prefix", async () => {
    const { port, placed } = await answering(paid);
    await runLoad(load(port, { keyPrefix: "run7-", bound: { warmupOrders: 0, orders: 20_000 } }));
    const keys = new Set(placed.map(({ params }) => params.key));
    expect(keys.size).toBe(20_000);
    expect(placed.every(({ id, params }) => Number.parseInt(params.key.slice(-8), 16) === id)).toBe(true);
    expect([...keys].every((key) => /^run7-000[0-3]\.[0-9a-f]{8}$/.test(key))).toBe(true);
  });

  test("uniform traffic spreads over all products and accounts and names no other", async () => {
    const { port, placed } = await answering(paid);
    await runLoad(load(port, { traffic: uniformTraffic(20, 30), bound: { warmupOrders: 0, orders: 6000 } }));
    const counts = new Map<string, number>();
    for (const { params } of placed) {
      for (const id of [params.account, params.lines[0]!.product]) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(counts.size).toBe(50);
    for (const [id, count] of counts) {
      expect(Number(id.slice(1))).toBeLessThanOrEqual(id[0] === "p" ? 20 : 30);
      // 300 and 200 are expected; six standard deviations below.
      expect(count).toBeGreaterThan(id[0] === "p" ? 200 : 115);
    }
  });

  test("in flash traffic every buyer asks exactly once", async () => {
    const { port, placed } = await answering(paid);
    await runLoad(load(port, { traffic: flashTraffic(600) }));
    expect(new Set(placed.map(({ params }) => params.account)).size).toBe(600);
    expect(new Set(placed.map(({ params }) => params.lines[0]!.product))).toEqual(new Set(["p0000001"]));
  });
});

describe("what is counted", () => {
  test("successes, and refusals by status and code", async () => {
    const { port } = await answering((request) => {
      const turn = request.id % 4;
      if (turn < 2) return paid(request);
      const code = turn === 2 ? "insufficient_stock" : "overloaded";
      return {
        id: request.id,
        status: turn === 2 ? 409 : 503,
        error: { code, message: "no", details: { n: 1 } },
      };
    });
    const result = await runLoad(
      load(port, { connections: 1, perFrame: 4, bound: { warmupOrders: 0, orders: 800 } }),
    );
    const counts = {
      ok: 400,
      statuses: { "200": 400, "409": 200, "503": 200 },
      refusedByCode: { insufficient_stock: 200, overloaded: 200 },
    };
    expect(result).toMatchObject({ orders: 800, ...counts, total: { orders: 800, ...counts } });
  });

  test("the warm-up is in the total and not in the window", async () => {
    const { port, placed } = await answering(paid);
    const result = await runLoad(load(port, { bound: { warmupOrders: 500, orders: 1000 } }));
    expect(placed.length).toBe(1500);
    expect(result.total).toMatchObject({ orders: 1500, ok: 1500 });
    // The window opens with the read in which the last warm-up answer came; that read may hold a few more.
    expect(result.orders).toBeGreaterThan(980);
    expect(result.orders).toBeLessThanOrEqual(1000);
    expect(result.ok).toBe(result.orders);
  });

  test("a run bounded by seconds counts so many seconds and waits for what is under way", async () => {
    const { port, placed } = await answering(paid);
    const result = await runLoad(load(port, { bound: { warmupSeconds: 0.2, seconds: 0.5 } }));
    expect(result.seconds).toBeGreaterThan(0.3);
    expect(result.seconds).toBeLessThan(1);
    expect(result.perSecond).toBeCloseTo(result.orders / result.seconds);
    expect(result.total.ok).toBe(placed.length);
    expect(result.orders).toBeLessThan(result.total.orders);
  });

  test("bytes are those of the frames", async () => {
    const { port } = await answering(({ id }) => ({ id: id & 127, status: 200, result: null }));
    const changes = { connections: 1, framesInFlight: 1, bound: { warmupOrders: 0, orders: 100 } };
    const result = await runLoad(load(port, changes));
    // {id: 1 byte, status: uint8, result: nil} in an unmasked frame.
    expect(result.bytesIn).toBe(100 * (2 + 1 + 3 + 1 + 7 + 2 + 7 + 1));
    expect(result.bytesOut / 100).toBeGreaterThan(100);
  });

  test("never more is under way than asked for", async () => {
    let most = 0;
    const waiting: (() => void)[] = [];
    const { port } = await answering(paid, (client, bytes) => {
      waiting.push(() => client.send(bytes));
      most = Math.max(most, waiting.length);
    });
    // One by one: were they answered all at once, one too many would not be seen.
    const server = setInterval(() => waiting.shift()?.(), 1);
    stops.push(() => clearInterval(server));
    await runLoad(load(port, { connections: 2, framesInFlight: 5, perFrame: 3 }));
    expect(most).toBe(10);
  });
});

describe("latency", () => {
  /** Answers at once, but for 200 ms once, after so many frames. */
  function stallingOnce(afterFrames: number) {
    let frames = 0;
    let stalledUntil = 0;
    return answering(paid, (client, bytes) => {
      frames++;
      if (frames === afterFrames) stalledUntil = performance.now() + 200;
      setTimeout(() => client.send(bytes), Math.max(0, stalledUntil - performance.now()));
    });
  }

  test("a stall of 200 ms shows in the open loop's p99: every order that it delayed counts", async () => {
    const { port } = await stallingOnce(500);
    const bound = { warmupSeconds: 0.2, seconds: 1.8 };
    const result = await runLoad(load(port, { ratePerSecond: 1000, framesInFlight: 64, bound }));
    // 200 of 1,800 orders were meant to be sent in the stall: their latencies are spread over 0..200 ms.
    expect(result.max).toBeGreaterThan(195_000);
    expect(result.p99).toBeGreaterThan(150_000);
    expect(result.p50).toBeLessThan(50_000);
    expect(result.orders).toBeGreaterThan(1600);
    expect(result.orders).toBeLessThan(2000);
  });

  test("and hides from the closed loop's p99, which is why there is an open loop", async () => {
    const { port } = await stallingOnce(500);
    const bound = { warmupOrders: 0, orders: 1800 };
    const result = await runLoad(load(port, { connections: 1, framesInFlight: 1, bound }));
    expect(result.max).toBeGreaterThan(195_000);
    expect(result.p99).toBeLessThan(100_000);
  });

  test("a process that cannot keep its timetable says so and does not flatter the server", async () => {
    const { port } = await answering(paid);
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300), 500);
    const bound = { warmupSeconds: 0.1, seconds: 1 };
    const result = await runLoad(load(port, { ratePerSecond: 1000, bound }));
    expect(result.sendLag!.max).toBeGreaterThan(250_000);
    expect(result.p99).toBeGreaterThan(200_000);
  });

  test("frames of the open loop leave at the rate of their orders", async () => {
    const { port, frames } = await answering(paid);
    const bound = { warmupSeconds: 0, seconds: 1 };
    await runLoad(load(port, { ratePerSecond: 3200, perFrame: 16, bound }));
    expect(frames.length).toBeGreaterThan(150);
    expect(frames.length).toBeLessThan(215);
  });
});

describe("a measurement that cannot be trusted fails with one line", () => {
  test("a second answer", async () => {
    const { port } = await answering(paid, (client, bytes) => {
      client.send(bytes);
      client.send(bytes);
    });
    await expect(runLoad(load(port, {}))).rejects.toThrow(/an answer to no order that is under way, id 0/);
  });

  test("an order that is never answered", async () => {
    const { port } = await answering(paid, (client, bytes) => {
      if (Math.random() < 0.99) client.send(bytes);
    });
    const run = runLoad(load(port, { stallMsMax: 200, bound: { warmupOrders: 0, orders: 6000 } }));
    await expect(run).rejects.toThrow(/no answer for 200 ms, \d+ orders are due/);
  });

  test("a connection that ends", async () => {
    const { port } = await answering(paid, (client) => client.close(4400, "malformed"));
    await expect(runLoad(load(port, {}))).rejects.toThrow(/connection \d: the server closed with code 4400/);
  });

  test.each<[Partial<LoadConfig>, RegExp]>([
    [{ connections: 0 }, /connections is 0/],
    [{ perFrame: 1025 }, /more than 1024/],
    [{ perFrame: 64, bound: { warmupOrders: 0, orders: 100 } }, /not whole frames of 64/],
    [{ bound: { warmupOrders: 0, orders: 0 } }, /nothing would be counted/],
    [{ traffic: hotTraffic(10_000_000) }, /do not fit in 7 digits/],
    [{ keyPrefix: "nineteen-characters" }, /longer than 23/],
    [{ ratePerSecond: 0 }, /not positive/],
  ])("%j", async (changes, reason) => {
    expect(() => runLoad(load(1, changes))).toThrow(reason);
  });
});

describe.skipIf(!existsSync(programPath("load")))("in a process of its own", () => {
  test("it says the same", async () => {
    const { port, placed } = await answering(paid);
    const result = await startLoad(load(port, {}));
    expect(result).toMatchObject({ orders: 600, ok: 600, total: { orders: 600 } });
    expect(result.cpuUserMicros).toBeGreaterThan(0);
    expect(placed.length).toBe(600);
  });

  test("it fails with its one line", async () => {
    await expect(startLoad(load(1, {}))).rejects.toThrow(
      /^bench\/load: 127.0.0.1:1\/v1\/ws: .*ECONNREFUSED[^\n]*$/,
    );
  });
});
