import fc from "fast-check";
import { expect, test } from "vitest";
import { connect, type Yifen, YifenError } from "../../client/client.js";
import type { Answer, Connection, Receiver, Request } from "../../client/connection.js";
import { openSession } from "../../client/session.js";
import { type Fate, ProtocolServer, refusal } from "../support/protocol-server.js";

const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Fate>("run") },
  { weight: 2, arbitrary: fc.constantFrom<Fate>("lose", "drop", "mute", "twice") },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map((delayMs): Fate => ({ delayMs })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(1, 10, 1000)
      .map((retryAfterMs): Fate => ({ refuse: refusal(503, "overloaded", { retryAfterMs }) })),
  },
  { weight: 1, arbitrary: fc.constant<Fate>({ refuse: refusal(503, "shutting_down") }) },
);

/** A call of each kind, and the name of its effect at the server. */
const kinds: Record<string, (y: Yifen, name: string) => { effect: string; call: Promise<unknown> }> = {
  keyed: (y, name) => ({
    effect: name,
    call: y.orders.place({ account: "a1", lines: [{ product: "p1", qty: 1 }], key: name }),
  }),
  withRef: (y, name) => ({ effect: name, call: y.products.restock({ product: "p1", qty: 1, ref: name }) }),
  unsafe: (y, name) => ({
    effect: `product.restock ${name}`,
    call: y.products.restock({ product: name, qty: 1 }),
  }),
};

test("property: whatever the network does, what `executed` says is true and nothing happens twice", async () => {
  const server = await ProtocolServer.start();
  const yifen = await connect(server.url, {
    timeoutMs: 50,
    openWithinMs: 5000,
    reconnect: { firstMs: 1, capMs: 5 },
  });
  const outcomes = new Map<string, number>();
  let names = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("keyed", "withRef", "unsafe"), { minLength: 1, maxLength: 8 }),
      fc.array(fate, { maxLength: 20 }),
      async (calls, fates) => {
        server.fate = () => fates.shift() ?? "run";
        await Promise.all(
          calls.map(async (kind) => {
            const { effect, call } = kinds[kind]!(yifen, `n${names++}`);
            const executed = await call.then(
              () => true,
              (error) => {
                expect(error).toBeInstanceOf(YifenError);
                return (error as YifenError).executed;
              },
            );
            const times = server.effects.get(effect) ?? 0;
            outcomes.set(`${executed}, ${times}`, (outcomes.get(`${executed}, ${times}`) ?? 0) + 1);
            if (executed === "unknown") expect(times).toBeLessThanOrEqual(1);
            else expect(times).toBe(executed ? 1 : 0);
          }),
        );
      },
    ),
    { numRuns: 100 },
  );
  await yifen.close();
  await server.stop();
  // The faults were enough to see every outcome.
  expect([...outcomes.keys()].sort()).toEqual(["false, 0", "true, 1", "unknown, 0", "unknown, 1"]);
});

test("any connection will do: an engine in the same process answers the same calls", async () => {
  class InProcess implements Connection {
    frames: (readonly Request[])[] = [];
    #receiver!: Receiver;
    start(receiver: Receiver): void {
      this.#receiver = receiver;
      receiver.opened();
    }
    send(requests: readonly Request[]): void {
      this.frames.push(requests);
      for (const { id, method, params } of requests) {
        const answer: Answer = {
          id,
          status: 200,
          result: method === "feed.subscribe" ? { sub: 1, seq: 7 } : params,
        };
        this.#receiver.answered(answer);
      }
      this.#receiver.pushed({ sub: 1, seq: 8, type: "order.paid", time: "", data: {} });
    }
    close(): Promise<void> {
      return Promise.resolve();
    }
  }
  const connection = new InProcess();
  const yifen = await openSession(connection);
  const feed = yifen.feed("account:a1");
  const account = await yifen.accounts.get("a1");
  expect(account).toEqual({ account: "a1" });
  expect(await feed.next()).toMatchObject({ value: { seq: 8, type: "order.paid" } });
  expect(connection.frames).toHaveLength(1);
  await yifen.close();
  expect(await feed.next()).toEqual({ done: true, value: undefined });
});
