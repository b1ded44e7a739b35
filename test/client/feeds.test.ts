import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ConnectOptions, connect, type Feed, type Yifen } from "../../client/client.js";
import { ProtocolServer, refusal } from "../support/protocol-server.js";

let server: ProtocolServer;
let yifen: Yifen;

beforeEach(async () => {
  server = await ProtocolServer.start();
});

afterEach(async () => {
  await yifen?.close();
  await server.stop();
});

async function open(options: ConnectOptions = {}): Promise<void> {
  yifen = await connect(server.url, { timeoutMs: 2000, reconnect: { firstMs: 1, capMs: 5 }, ...options });
}

async function read(feed: Feed, count: number): Promise<number[]> {
  const seqs: number[] = [];
  while (seqs.length < count) {
    const { value } = await feed.next();
    if (!value) break;
    seqs.push(value.seq);
  }
  return seqs;
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 3000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after 3 s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe.each(["msgpack", "json"] as const)("in %s", (encoding) => {
  test("events of the topic arrive in order; leaving the loop unsubscribes", async () => {
    await open({ encoding });
    const feed = yifen.feed("account:a1");
    expect(await feed.opened()).toBe(0);
    server.publish("account:a1", "order.created", { order: "o1" });
    server.publish("account:other");
    server.publish("account:a1", "order.paid", { order: "o1" });
    const events = [];
    for await (const event of feed) {
      events.push(event);
      if (events.length === 2) break;
    }
    expect(events).toEqual([
      { seq: 1, type: "order.created", time: "1970-01-01T00:00:00.001Z", data: { order: "o1" } },
      { seq: 3, type: "order.paid", time: "1970-01-01T00:00:00.003Z", data: { order: "o1" } },
    ]);
    await until(() => server.subscriptions === 0);
  });
});

describe("resuming", () => {
  test("a feed sees what is done by a call made after it", async () => {
    await open();
    server.fate = (request) => {
      if (request.method === "order.place") server.publish("account:a1");
      return "run";
    };
    const feed = yifen.feed("account:a1");
    await yifen.orders.place({ account: "a1", lines: [{ product: "p1", qty: 1 }] });
    expect(await read(feed, 1)).toEqual([1]);
  });

  test.each([false, true])(
    "FEEDS-3: from an earlier event on (pushed before the answer: %s)",
    async (overtake) => {
      server.pushesOvertake = overtake;
      for (let i = 0; i < 5; i++) server.publish("account:a1");
      await open();
      const feed = yifen.feed("account:a1", { from: 3 });
      expect(await read(feed, 3)).toEqual([3, 4, 5]);
    },
  );

  test("nothing happened before the connection was lost: what happens meanwhile is not missed", async () => {
    await open();
    server.publish("account:a1");
    const feed = yifen.feed("account:a1");
    expect(await feed.opened()).toBe(1);
    await server.stop();
    server.publish("account:a1");
    await server.restart();
    expect(await read(feed, 1)).toEqual([2]);
    expect(server.requestsOf("feed.subscribe").at(-1)?.params).toEqual({ topic: "account:a1", from: 2 });
  });

  test("CONNECTION-4: a number that was one feed's is another's on the next connection: neither gets the other's events", async () => {
    await open();
    server.pushesOvertake = true;
    const first = yifen.feed("account:a1");
    await first.opened();
    const second = yifen.feed("product:p1");
    await second.opened();
    // The first feed comes back last, so that the second gets its number, and events before the answer says so.
    let refusals = 1;
    server.fate = (request) => {
      if (request.params.topic !== "account:a1" || refusals-- <= 0) return "run";
      return { refuse: refusal(503, "overloaded", { retryAfterMs: 20 }) };
    };
    server.dropAll();
    server.publish("product:p1", "product.held");
    await until(() => server.subscriptions === 2);
    server.publish("account:a1");
    server.publish("product:p1", "product.sold");
    expect(await read(first, 1)).toEqual([2]);
    expect(await read(second, 2)).toEqual([1, 3]);
  });

  test("CLIENT-FEED-1: a server that sends more than was asked for when a feed resumes: nothing comes twice", async () => {
    await open();
    const feed = yifen.feed("account:a1");
    await feed.opened();
    server.publish("account:a1");
    server.publish("account:a1");
    expect(await read(feed, 2)).toEqual([1, 2]);
    server.repeats = 2;
    server.dropAll();
    await until(() => server.connections === 1 && server.subscriptions === 1);
    server.publish("account:a1");
    expect(await read(feed, 1)).toEqual([3]);
  });

  test("FEEDS-2: an engine that is overloaded when the feed comes back does not end it", async () => {
    await open({ retryOverloaded: false });
    const feed = yifen.feed("account:a1");
    await feed.opened();
    let refusals = 1;
    server.fate = () => (refusals-- > 0 ? { refuse: refusal(503, "overloaded") } : "run");
    server.dropAll();
    server.publish("account:a1");
    expect(await read(feed, 1)).toEqual([1]);
  });

  test("FEEDS-1: property: random disconnects and lost subscriptions leave no gap and no repeat", async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constant("publish") },
      { weight: 1, arbitrary: fc.constant("elsewhere") },
      { weight: 1, arbitrary: fc.constant("drop") },
      { weight: 1, arbitrary: fc.constant("lose next subscribe") },
      { weight: 1, arbitrary: fc.constant("overtake") },
      { weight: 3, arbitrary: fc.constant("wait") },
    );
    await open();
    let topics = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const topic = `account:a${topics++}` as const;
        const feed = yifen.feed(topic);
        await feed.opened();
        const published: number[] = [];
        for (const [i, name] of steps.entries()) {
          if (name === "publish") published.push(server.publish(topic, "order.created", { i }));
          else if (name === "elsewhere") server.publish("account:elsewhere");
          else if (name === "drop") server.dropAll();
          else if (name === "overtake") server.pushesOvertake = !server.pushesOvertake;
          else if (name === "wait") await new Promise((resolve) => setTimeout(resolve, 3));
          else loseNext("feed.subscribe");
        }
        published.push(server.publish(topic));
        expect(await read(feed, published.length)).toEqual(published);
        await feed.return();
      }),
      { numRuns: 60 },
    );
  });
});

describe("limits and ends", () => {
  test("CLIENT-FEED-2, CLIENT-FEED-3: a reader that is too slow gets what was kept, then an error that says where to resume", async () => {
    await open({ feedBufferMax: 10 });
    const feed = yifen.feed("account:a1");
    await feed.opened();
    for (let i = 0; i < 25; i++) server.publish("account:a1");
    await until(() => server.subscriptions === 0);
    expect(await read(feed, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await expect(feed.next()).rejects.toMatchObject({
      code: "slow_consumer",
      retryable: true,
      details: { topic: "account:a1", from: 11 },
    });
    expect(await feed.next()).toEqual({ done: true, value: undefined });
    const resumed = yifen.feed("account:a1", { from: 21 });
    expect(await read(resumed, 5)).toEqual([21, 22, 23, 24, 25]);
  });

  test("a topic that is refused is the reader's error", async () => {
    await open();
    server.fate = () => ({ refuse: refusal(403, "forbidden") });
    const feed = yifen.feed("account:a2");
    await expect(feed.opened()).rejects.toMatchObject({ code: "forbidden" });
    await expect(feed.next()).rejects.toMatchObject({ code: "forbidden" });
  });

  test("left before its subscription was answered: it is unsubscribed when the answer comes", async () => {
    await open();
    server.fate = (request) => (request.method === "feed.subscribe" ? { delayMs: 30 } : "run");
    const feed = yifen.feed("account:a1");
    await until(() => server.subscriptions === 1);
    await feed.return();
    await until(() => server.subscriptions === 0);
  });

  test("FEEDS-4: the answer of a subscription comes after its timeout: what it pushes is unsubscribed once", async () => {
    await open({ timeoutMs: 20, openWithinMs: 5000 });
    server.fate = (request) => (request.method === "feed.subscribe" ? "mute" : "run");
    await expect(yifen.feed("account:a1").next()).rejects.toMatchObject({ code: "timeout" });
    for (let i = 0; i < 5; i++) server.publish("account:a1");
    await until(() => server.subscriptions === 0);
    expect(server.requestsOf("feed.unsubscribe")).toHaveLength(1);
  });

  test("close ends the loop without an error", async () => {
    await open();
    const feed = yifen.feed("account:a1");
    await feed.opened();
    const next = feed.next();
    await yifen.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

/** The next request of the method is done, and the connection drops before it is answered. */
function loseNext(method: string): void {
  let lost = false;
  server.fate = (request) => {
    if (lost || request.method !== method) return "run";
    lost = true;
    return "lose";
  };
}
