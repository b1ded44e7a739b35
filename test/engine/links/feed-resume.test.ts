/**
 * Resuming an account's feed after its orders have left the books (FEED-3): whoever is given a stream is given all of it, and
 * whoever cannot be is refused, or told that it ends.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Push, TestEngine } from "../../support/engine.js";
import { place, product, shop } from "../../support/shop.js";

const settings = { graceMs: 0, keysKeepMs: 1000, afterSaleMs: 1000, autoConfirmMs: 1000 };

function subscribe(engine: TestEngine, topic: string, from: number) {
  return engine.ask({ method: "feed.subscribe", topic, from });
}

const of = (engine: TestEngine, sub: number): Push[] => engine.pushes().filter((push) => push.sub === sub);
const named = (pushes: readonly Push[]) => pushes.map(({ seq, type }) => [seq, type]);

test("FEED-3: a cancellation that was archived since is not left out of a resumed feed", () => {
  const engine = shop({ settings });
  const { order } = engine.ask(place("ann", "k1", { tea: 1 })).result;
  const seen = engine.shards[0]!.books.position;
  engine.ask({ method: "order.cancel", order, key: "k2" });
  const canceled = engine.shards[0]!.books.position;
  for (let n = 0; n < 5; n++) engine.pass(1000);
  expect(engine.ask({ method: "order.get", order }).result.status).toBe("Canceled");
  expect(engine.shards[0]!.books.orders.count).toBe(0);
  const refused = subscribe(engine, "account:ann", seen + 1);
  expect([refused.code, Object.keys(refused.details!)]).toEqual(["seq_too_old", ["completeFrom"]]);
  expect(refused.details!.completeFrom).toBeLessThanOrEqual(canceled);
  // Read from its placement on, it is all there; after it, nothing is missing.
  const all = subscribe(engine, "account:ann", 1);
  expect(of(engine, all.result.sub).map(({ type }) => type)).toContain("order.canceled");
  expect(subscribe(engine, "account:ann", refused.details!.completeFrom as number).code).toBe("ok");
  expect(subscribe(engine, "shard:0", seen + 1).code).toBe("ok");
});

const step = fc.oneof(
  fc.record({ do: fc.constant("place"), account: fc.constantFrom("ann", "ben"), paid: fc.boolean() }),
  fc.record({ do: fc.constantFrom("cancel", "refund", "ship", "late"), nth: fc.nat(5) }),
  fc.record({ do: fc.constant("pass"), ms: fc.constantFrom(10, 500, 1500, 4000) }),
);

test.each([1, 3])(
  "over %i shards, from wherever a feed is resumed: all that was told live, or seq_too_old",
  (shards) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const engine = shop({ shards, settings });
        engine.ask(product("cup", "1.00", { stock: 1000 }));
        const live = new Map<string, { sub: number; shard: number }>();
        for (const id of ["ann", "ben"]) {
          const { sub } = engine.ask({ method: "feed.subscribe", topic: `account:${id}` }).result;
          live.set(id, { sub, shard: sub % shards });
        }
        const orders: string[] = [];
        let key = 0;
        for (const asked of steps) {
          const order = "nth" in asked ? orders.at(-1 - asked.nth) : undefined;
          if ("account" in asked) {
            const pay = asked.paid ? "balance" : "later";
            const placed = engine.ask(
              place(
                asked.account,
                `k${++key}`,
                { cup: 1 },
                { pay, ...(pay === "later" ? { payWithinMs: 2000 } : {}) },
              ),
            );
            if (placed.code === "ok") orders.push(placed.result.order);
          } else if ("ms" in asked) engine.pass(asked.ms);
          else if (order === undefined) continue;
          else if (asked.do === "cancel") engine.ask({ method: "order.cancel", order, key: `k${++key}` });
          else if (asked.do === "refund")
            engine.ask({ method: "order.refund", order, key: `k${++key}`, reason: "r", restock: false });
          else if (asked.do === "late")
            engine.ask({
              ...{ method: "payment.notify", provider: "p", paymentId: `p${++key}`, order },
              ...{ amount: "1.00", currency: "CNY" },
            });
          else for (const event of ["pack", "ship", "confirm"]) advance(engine, order, `k${++key}`, event);
        }
        for (const [id, { sub, shard }] of live) {
          const told = named(of(engine, sub));
          for (let from = 1; from <= engine.shards[shard]!.books.position + 1; from++) {
            const again = subscribe(engine, `account:${id}`, from);
            if (again.code !== "ok") {
              expect(again.code).toBe("seq_too_old");
              const { completeFrom } = again.details as { completeFrom: number };
              expect(completeFrom).toBeGreaterThan(from);
              continue;
            }
            const given = named(of(engine, again.result.sub));
            const first = told[0]?.[0] ?? Number.POSITIVE_INFINITY;
            expect(given.filter(([seq]) => seq! >= first)).toEqual(
              told.filter(([seq]) => (seq as number) >= from),
            );
            engine.ask({ method: "feed.unsubscribe", sub: again.result.sub });
          }
        }
      }),
      { numRuns: 60 },
    );
  },
);

function advance(engine: TestEngine, order: string, key: string, event: string): void {
  const tracking = event === "ship" ? { tracking: "SF-1" } : {};
  engine.ask({ method: "order.advance", order, key, event, restock: false, ...tracking });
}

test("an order that is archived while a feed catches up is told to whoever read its placement; others are ended", () => {
  const engine = shop({ settings });
  const [shard] = engine.shards;
  const { order } = engine.ask(place("ann", "k", { tea: 1 })).result;
  const placedAt = shard!.books.position;
  // A log of many groups, so that reading it takes several steps; without keys that would be dropped before.
  for (let n = 0; n < 4000; n++) {
    engine.submit(product(`q${n}`, "1.00", { name: "x".repeat(200) }));
    if (n % 100 === 0) engine.settle();
  }
  engine.settle();
  engine.ask({ method: "order.cancel", order, key: "c" });
  const late = (from: number) => engine.submit({ method: "feed.subscribe", topic: "account:ann", from });
  const ids = [late(1), late(placedAt + 1)];
  shard!.step();
  engine.clock.micros += 5_000_000;
  engine.settle();
  for (let n = 0; n < 5; n++) engine.pass(1000);
  expect(shard!.books.orders.has(order)).toBe(false);
  const [whole, cut] = ids.map((id) => of(engine, engine.answerTo(id)!.result.sub).map(({ type }) => type));
  expect(whole!.filter((type) => type.startsWith("order."))).toEqual(["order.created", "order.canceled"]);
  expect(cut).toEqual(["feed.ended"]);
});
