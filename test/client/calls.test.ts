import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConnectOptions, connect, type Yifen, YifenError } from "../../client/client.js";
import { type Fate, ProtocolServer, refusal, type WireRequest } from "../support/protocol-server.js";

let server: ProtocolServer;
let yifen: Yifen;

beforeEach(async () => {
  server = await ProtocolServer.start();
});

afterEach(async () => {
  await yifen?.close();
  await server.stop();
});

const quick: ConnectOptions = { timeoutMs: 2000, reconnect: { firstMs: 5, capMs: 20 } };

async function open(options: ConnectOptions = {}): Promise<Yifen> {
  yifen = await connect(server.url, { ...quick, ...options });
  return yifen;
}

async function errorOf(promise: Promise<unknown>): Promise<YifenError> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(YifenError);
  return error as YifenError;
}

/** Also long enough for the client to notice that the server has gone. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The fates of a method's requests, in order; after them all are answered. */
function fates(method: string, ...list: Fate[]): void {
  server.fate = (request) => (request.method === method ? (list.shift() ?? "run") : "run");
}

const line = [{ product: "p1", qty: 1 }];
const overloaded = (retryAfterMs: number, executed?: "unknown"): Fate => ({
  refuse: refusal(503, "overloaded", { retryAfterMs }, executed),
});

describe.each(["msgpack", "json"] as const)("in %s", (encoding) => {
  test("an order is placed with everything that was said, and nothing that was left undefined", async () => {
    await open({ encoding });
    const order = await yifen.orders.place({ account: "a1", lines: line, key: "k1", at: 1_700_000_000_123 });
    expect(order).toMatchObject({
      method: "order.place",
      account: "a1",
      lines: line,
      key: "k1",
      replayed: false,
    });
    expect(server.requests[0]?.params).toEqual({
      account: "a1",
      lines: line,
      key: "k1",
      at: 1_700_000_000_123,
    });
    expect(server.subprotocols).toEqual([`yifen.${encoding}`]);
  });

  test("an order placed under the same key a second time is answered from the first", async () => {
    await open({ encoding });
    const params = { account: "a1", lines: line, key: "k1", at: 1_700_000_000_000 };
    await yifen.orders.place(params);
    const second = await yifen.orders.place(params);
    expect(second.replayed).toBe(true);
    expect(server.effects.get("k1")).toBe(1);
  });

  test("a refusal becomes an error with its code, status, promise and details", async () => {
    await open({ encoding });
    const error = await errorOf(yifen.products.get("sold-out"));
    expect(error).toMatchObject({
      code: "insufficient_stock",
      status: 409,
      executed: false,
      retryable: false,
      details: { available: 0 },
    });
  });
});

describe("frames", () => {
  test.each(["array", "single", "reversed"] as const)(
    "1,500 requests of one tick go out in two frames; answers come back %s",
    async (answering) => {
      await open();
      server.answering = answering;
      const names = Array.from({ length: 1500 }, (_, i) => `p${i}`);
      const products = await Promise.all(names.map((name) => yifen.products.get(name)));
      expect(products.map((product) => product.product)).toEqual(names);
      expect(server.frames.map((frame) => frame.length)).toEqual([1024, 476]);
    },
  );

  test("a frame that would be too large is split", async () => {
    await open();
    const reason = "r".repeat(100_000);
    await Promise.all([1, 2, 3, 4].map((i) => yifen.orders.cancel({ order: `o${i}`, reason })));
    expect(server.frames.map((frame) => frame.length)).toEqual([2, 2]);
  });

  test("CLIENT-CALLS-6: no more than inFlightMax requests are unanswered at once", async () => {
    let unanswered = 0;
    let most = 0;
    await open({ inFlightMax: 10 });
    server.fate = () => {
      most = Math.max(most, ++unanswered);
      setTimeout(() => unanswered--, 4);
      return { delayMs: 5 };
    };
    await Promise.all(Array.from({ length: 50 }, () => yifen.products.get("p1")));
    expect(most).toBe(10);
  });

  test("CLIENT-CALLS-6: more than pendingMax calls fail at once, not executed", async () => {
    await open({ pendingMax: 2 });
    server.fate = () => ({ delayMs: 30 });
    const calls = [1, 2].map(() => yifen.products.get("p1"));
    expect(await errorOf(yifen.products.get("p1"))).toMatchObject({
      code: "too_many_calls",
      executed: false,
    });
    await Promise.all(calls);
  });

  test("CLIENT-CALLS-2: params changed by the caller after the call change nothing", async () => {
    await open();
    const params = { account: "a1", lines: [{ product: "p1", qty: 1 }] };
    const placed = yifen.orders.place(params);
    params.lines[0]!.qty = 99;
    expect(await placed).toMatchObject({ lines: [{ qty: 1 }] });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, new Date()])(
    "%s in the params is a programmer's error and is not sent",
    async (qty) => {
      await open();
      const lines = [{ product: "p1", qty: qty as number }];
      await expect(yifen.orders.place({ account: "a1", lines })).rejects.toThrow(TypeError);
      expect(server.requests).toEqual([]);
    },
  );
});

test("a field that is undefined is not sent; the times of a sale are sent in ms", async () => {
  await open();
  const sale = { saleStartsAt: "2026-11-11T00:00:00+08:00", saleEndsAt: 1_800_000_000_000 };
  const params = { product: "p1", name: "P", price: "1.00", currency: "CNY", stock: 1, ...sale };
  await yifen.products.create({ ...params, limitPerAccount: undefined } as typeof params);
  expect(server.requests[0]?.params).toEqual({ ...params, saleStartsAt: 1_794_326_400_000 });
  await expect(yifen.products.create({ ...params, saleStartsAt: "soon" })).rejects.toThrow(TypeError);
});

describe("keys", () => {
  test("a key left out is made, different for every call, with the time of the first attempt", async () => {
    await open();
    const before = Date.now();
    await Promise.all([
      yifen.orders.place({ account: "a1", lines: line }),
      yifen.orders.pay({ order: "o1" }),
      yifen.orders.cancel({ order: "o1" }),
    ]);
    const sent = server.requests.map((request) => request.params);
    expect(new Set(sent.map((params) => params.key)).size).toBe(3);
    for (const params of sent) expect(params.at).toBeGreaterThanOrEqual(before);
  });
});

describe("lost connections", () => {
  test.each([
    ["the answer is lost: the order is placed once, the second answer is a replay", "lose", true],
    ["the request is lost: the order is placed once, by the second attempt", "drop", false],
  ] as const)("%s", async (_, fate, replayed) => {
    await open();
    fates("order.place", fate);
    const order = await yifen.orders.place({ account: "a1", lines: line });
    expect(order.replayed).toBe(replayed);
    const sent = server.requestsOf("order.place");
    expect(sent).toHaveLength(2);
    expect(sent[1]?.params).toEqual(sent[0]?.params);
    expect([...server.effects.values()]).toEqual([1]);
  });

  test("many orders, a connection that keeps dropping: every order is placed exactly once", async () => {
    await open();
    // Two frames of three are cut somewhere in the middle: what came before in them was done and is not answered.
    server.fate = (request) => {
      if (server.frames.length % 3 === 0 || Number(request.id) % 4 !== 0) return "run";
      return server.frames.length % 3 === 1 ? "lose" : "drop";
    };
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    const orders: Promise<unknown>[] = [];
    for (const [i, key] of keys.entries()) {
      if (i % 20 === 0) await pause(2);
      orders.push(yifen.orders.place({ account: "a1", lines: line, key }));
    }
    await Promise.all(orders);
    expect(server.subprotocols.length).toBeGreaterThan(3);
    expect(keys.map((key) => server.effects.get(key))).toEqual(keys.map(() => 1));
  });

  const unsafe: [string, (y: Yifen) => Promise<unknown>][] = [
    [
      "product.create",
      (y) => y.products.create({ product: "p", name: "P", price: "1", currency: "CNY", stock: 1 }),
    ],
    ["product.reprice", (y) => y.products.reprice({ product: "p", price: "2" })],
    ["product.restock", (y) => y.products.restock({ product: "p", qty: 1 })],
    ["account.open", (y) => y.accounts.open({ account: "a", currency: "CNY" })],
  ];
  test.each(unsafe)(
    "CLIENT-CALLS-4: %s is not sent twice: nobody knows whether it happened",
    async (method, call) => {
      await open();
      fates(method, "lose");
      expect(await errorOf(call(yifen))).toMatchObject({ code: "connection_lost", executed: "unknown" });
      await yifen.ping();
      expect(server.requestsOf(method)).toHaveLength(1);
    },
  );

  const safe: [string, (y: Yifen) => Promise<unknown>][] = [
    ["product.restock", (y) => y.products.restock({ product: "p", qty: 1, ref: "r1" })],
    ["account.deposit", (y) => y.accounts.deposit({ account: "a", amount: "1.00", ref: "r1" })],
    ["account.withdraw", (y) => y.accounts.withdraw({ account: "a", amount: "1.00", ref: "r1" })],
  ];
  test.each(safe)("%s with a ref is sent again and happens once", async (method, call) => {
    await open();
    fates(method, "lose");
    expect(await call(yifen)).toMatchObject({ replayed: true });
    expect(server.effects.get("r1")).toBe(1);
  });

  test("a call made while the server is away is answered when it is back", async () => {
    await open();
    await server.stop();
    await pause(30);
    const opened = yifen.accounts.open({ account: "a1", currency: "CNY" });
    setTimeout(() => void server.restart(), 100);
    expect(await opened).toMatchObject({ account: "a1" });
  });

  test("SOCKET-CONNECTION-3: a server that says nothing any more is given up, and the call answered by the next connection", async () => {
    await open({ heartbeatMs: 50 });
    server.freezeAll();
    expect(await yifen.products.get("p1")).toMatchObject({ product: "p1" });
    expect(server.subprotocols).toHaveLength(2);
  });

  test("SOCKET-CONNECTION-4: a quiet connection to a live server is kept, and asked under ids that are no call's", async () => {
    await open({ heartbeatMs: 20 });
    await pause(300);
    expect(server.subprotocols).toHaveLength(1);
    expect(server.requestsOf("session.ping").length).toBeGreaterThan(2);
    for (const { id } of server.requestsOf("session.ping")) expect(typeof id).toBe("string");
  });

  test("SOCKET-CONNECTION-2: a server that accepts and drops at once is asked more and more slowly", async () => {
    await open({ reconnect: { firstMs: 20, capMs: 10_000 } });
    const drop = setInterval(() => server.dropAll(), 2);
    await pause(700);
    clearInterval(drop);
    expect(server.subprotocols.length).toBeGreaterThan(2);
    expect(server.subprotocols.length).toBeLessThan(9);
  });
});

describe("timeouts", () => {
  test("CLIENT-CALLS-1: no answer in time: unknown, with the key under which it can be looked up", async () => {
    await open();
    fates("order.place", "mute");
    const error = await errorOf(yifen.orders.place({ account: "a1", lines: line }, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "timeout", status: 0, executed: "unknown", retryable: true });
    expect(error.key).toBe(server.requests[0]?.params.key);
  });

  test("never sent: not executed", async () => {
    await open();
    await server.stop();
    await pause(30);
    const error = await errorOf(yifen.orders.place({ account: "a1", lines: line }, { timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "timeout", executed: false });
  });

  test("CLIENT-CALLS-3: an answer that comes too late disturbs no other call", async () => {
    await open();
    fates("product.get", { delayMs: 60 });
    const late = errorOf(yifen.products.get("p1", { timeoutMs: 30 }));
    expect(await late).toMatchObject({ code: "timeout" });
    await pause(60);
    expect(await yifen.products.get("p2")).toMatchObject({ product: "p2" });
  });

  test("CLIENT-CALLS-1: an answer that comes twice is taken once", async () => {
    await open();
    server.fate = () => "twice";
    const names = ["p1", "p2", "p3"];
    const products = await Promise.all(names.map((name) => yifen.products.get(name)));
    expect(products.map((product) => product.product)).toEqual(names);
  });

  test("the engine is told to give up before the client does, if the call names its timeout", async () => {
    await open();
    await yifen.products.get("p1", { timeoutMs: 1000 });
    const deadlineMs = server.requests[0]?.deadlineMs;
    expect(deadlineMs).toBeGreaterThan(500);
    expect(deadlineMs).toBeLessThanOrEqual(900);
    await yifen.products.get("p1");
    expect(server.requests[1]).not.toHaveProperty("deadlineMs");
  });
});

describe("overload", () => {
  test("CLIENT-CALLS-2: an overloaded engine is asked again after the time it named, under the same key", async () => {
    await open();
    fates("order.place", overloaded(50), overloaded(50));
    const before = performance.now();
    expect(await yifen.orders.place({ account: "a1", lines: line })).toMatchObject({ replayed: false });
    expect(performance.now() - before).toBeGreaterThanOrEqual(100);
    const sent = server.requestsOf("order.place");
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map((request: WireRequest) => JSON.stringify(request.params))).size).toBe(1);
  });

  test("CLIENT-CALLS-4: a request that was refused as overloaded is safe to send again, also without a key", async () => {
    await open();
    fates("account.open", overloaded(5));
    expect(await yifen.accounts.open({ account: "a1", currency: "CNY" })).toMatchObject({ account: "a1" });
  });

  test("the pause does not fit into the timeout: the refusal is the answer, at once", async () => {
    await open();
    fates("order.place", overloaded(5000));
    const before = performance.now();
    const error = await errorOf(yifen.orders.place({ account: "a1", lines: line }));
    expect(error).toMatchObject({ code: "overloaded", executed: false, retryable: true });
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test("closed while it waits to ask an overloaded engine again: not executed", async () => {
    await open();
    fates("order.place", overloaded(1000));
    const error = errorOf(yifen.orders.place({ account: "a1", lines: line }));
    await pause(30);
    await yifen.close();
    expect(await error).toMatchObject({ code: "closed", executed: false });
  });

  test("refused before its key was looked up: asked again if it has a key, and unknown if that does not help", async () => {
    await open();
    const unlooked = overloaded(5, "unknown");
    fates("order.place", unlooked, unlooked);
    expect(await yifen.orders.place({ account: "a1", lines: line })).toMatchObject({ replayed: false });
    fates("order.place", overloaded(1000, "unknown"));
    const error = errorOf(yifen.orders.place({ account: "a1", lines: line }));
    await pause(30);
    await yifen.close();
    expect(await error).toMatchObject({ code: "closed", executed: "unknown" });
  });

  test("switched off: the refusal is the answer", async () => {
    await open({ retryOverloaded: false });
    fates("order.place", overloaded(5));
    const error = await errorOf(yifen.orders.place({ account: "a1", lines: line }));
    expect(error).toMatchObject({ code: "overloaded", details: { retryAfterMs: 5 } });
  });

  test("CLIENT-CALLS-5: lost once and then refused as overloaded: whether the first attempt ran is unknown", async () => {
    await open({ retryOverloaded: false });
    fates("order.place", "lose", overloaded(5));
    const error = await errorOf(yifen.orders.place({ account: "a1", lines: line }));
    expect(error).toMatchObject({ code: "overloaded", executed: "unknown" });
    expect(server.effects.get(error.key ?? "")).toBe(1);
  });
});

describe("opening and closing", () => {
  test("nobody listens: connection_lost, with the reason", async () => {
    await server.stop();
    const error = await errorOf(connect(server.url, { openWithinMs: 100 }));
    expect(error).toMatchObject({ code: "connection_lost", executed: false });
    expect(error.message).toContain("ECONNREFUSED");
    await server.restart();
  });

  test("not an address: a programmer's error", async () => {
    await expect(connect("ftp://example.org")).rejects.toThrow(TypeError);
  });

  test("the token is presented on every connection, before anything else", async () => {
    await open({ token: "t1" });
    fates("order.place", "lose");
    await yifen.orders.place({ account: "a1", lines: line });
    expect(server.requests.map((request) => request.method)).toEqual([
      "session.auth",
      "order.place",
      "session.auth",
      "order.place",
    ]);
    expect(server.requests[2]?.params).toEqual({ token: "t1" });
  });

  test("a token that is not accepted is not tried again", async () => {
    fates("session.auth", { refuse: refusal(401, "unauthenticated") });
    const error = await errorOf(connect(server.url, { ...quick, token: "t1" }));
    expect(error).toMatchObject({ code: "unauthenticated", status: 401 });
    await pause(50);
    expect(server.requestsOf("session.auth")).toHaveLength(1);
  });

  test("close fails what is unanswered, and what comes after", async () => {
    await open();
    fates("order.place", "mute");
    const sent = errorOf(yifen.orders.place({ account: "a1", lines: line }));
    await yifen.ping();
    await yifen.close();
    expect(await sent).toMatchObject({ code: "closed", executed: "unknown" });
    expect(await errorOf(yifen.products.get("p1"))).toMatchObject({ code: "closed", executed: false });
    expect(server.connections).toBe(0);
  });
});
