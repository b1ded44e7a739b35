import { expect, test } from "vitest";
import { type KeyedMethod, keyedMethods } from "../../../actors/keyed-methods.js";
import { refuse } from "../../../actors/results.js";
import { hasKey } from "../../../engine/loop/key-lookup.js";
import { methods } from "../../../engine/loop/methods.js";
import { type Command, storedAnswerOnly } from "../../../engine/seams/commands.js";
import { mailboxMax } from "../../../engine/seams/limits.js";
import { advanceParams, held, notifyParams, paid, refundParams } from "../../support/after-sale.js";
import type { CommandParams, TestEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";

const day = 86_400_000;

/** A request of each method that a key protects, under the key or ref `name`; it goes well when it runs. */
const requests: Readonly<Record<KeyedMethod, (engine: TestEngine, name: string) => CommandParams>> = {
  "order.place": (_, name) => place("ann", name, { tea: 1, mug: 1 }),
  "order.pay": (engine, key) => ({ method: "order.pay", order: held(engine), key }),
  "order.cancel": (engine, key) => ({ method: "order.cancel", order: held(engine), key }),
  "order.advance": (engine, key) => advanceParams(paid(engine), "pack", { key }),
  "order.refund": (engine, key) => refundParams(paid(engine), { key }),
  "transaction.begin": (_, key) => ({
    ...{ method: "transaction.begin", account: "ann", name: "tip", key, input: undefined, wait: true },
  }),
  "account.deposit": (_, ref) => ({ method: "account.deposit", account: "ann", amount: "1.00", ref }),
  "account.withdraw": (_, ref) => ({ method: "account.withdraw", account: "ann", amount: "1.00", ref }),
  "points.spend": (_, ref) => ({ method: "points.spend", account: "ann", points: 1, ref }),
  "product.restock": (_, ref) => ({ method: "product.restock", product: "tea", qty: 1, ref }),
  "product.update": (_, ref) => ({ method: "product.update", product: "tea", name: "Tea", ref }),
  "product.adjust": (_, ref) => ({ method: "product.adjust", product: "tea", by: 1, reason: "found", ref }),
  "product.count": (_, ref) => ({ method: "product.count", product: "tea", counted: 9, ref }),
  "payment.notify": (engine, paymentId) => notifyParams(held(engine), "19.98", { paymentId }),
};

const tip = {
  mode: "saga",
  parts: [{ kind: "money", name: "tip", from: "ann", to: "wallet:ben", amount: "1.00", currency: "CNY" }],
} as const;

function open(shards: number, more: object = {}): TestEngine {
  const engine = shop({ shards, plan: () => tip, settings: { pointsGrantOn: "paid", ...more } });
  engine.ask({ method: "product.restock", product: "tea", qty: 100 });
  engine.ask({ method: "product.restock", product: "mug", qty: 100 });
  engine.ask({ method: "account.deposit", account: "ann", amount: "900.00", ref: "more" });
  paid(engine);
  return engine;
}

/** What stands against anything new. `asked` goes on top of the request, `everywhere` into the shards. */
const reasons = [
  {
    why: "its deadline is over",
    code: "deadline_exceeded",
    asked: { refuseAfter: 1 },
    everywhere: undefined,
  },
  {
    ...{ why: "the server drains", code: "shutting_down", everywhere: undefined },
    asked: { refuseAfter: storedAnswerOnly },
  },
  { why: "the disk is nearly full", code: "overloaded", asked: {}, everywhere: refuse("overloaded") },
] as const;

const cases = (Object.keys(keyedMethods) as KeyedMethod[]).flatMap((method) =>
  [1, 3].flatMap((shards) =>
    reasons
      .filter(({ everywhere }) => !everywhere || methods[method].grows)
      .map((reason) => ({ method, shards, ...reason })),
  ),
);

test.each(cases)(
  "$method with $shards shards while $why: the stored answer of a key that has one, else not executed",
  ({ method, shards, code, asked, everywhere }) => {
    const engine = open(shards);
    const done = requests[method](engine, "done");
    const first = engine.ask(done);
    expect(first).toMatchObject({ code: "ok", replayed: false });
    const fresh = requests[method](engine, "fresh");
    for (const shard of engine.shards) shard.refuseNewWith = everywhere;
    const positions = engine.shards.map(({ books }) => books.position);

    expect(engine.ask({ ...done, ...asked })).toEqual({ ...first, replayed: true });
    const refused = engine.ask({ ...fresh, ...asked });
    expect(refused).toMatchObject({ code, replayed: false });
    expect(refused.executed).toBe(undefined);
    expect(engine.shards.map(({ books }) => books.position)).toEqual(positions);
    for (const shard of engine.shards) shard.refuseNewWith = undefined;
    expect(engine.ask(fresh)).toMatchObject({ code: "ok", replayed: false });
  },
);

test.each(Object.keys(keyedMethods) as KeyedMethod[])(
  "%s and a full mailbox: its key was not looked up, so whether it was done is unknown",
  (method) => {
    const engine = open(1);
    const done = requests[method](engine, "done");
    const first = engine.ask(done);
    const ordinary = { method: "account.get", account: "ann" } as const;
    const urgent = { method: "feed.unsubscribe", sub: 99 } as const;
    for (let n = 0; n < mailboxMax; n++) {
      engine.submit(ordinary);
      engine.submit(urgent);
    }
    const [keyless, refused] = [engine.submit(ordinary), engine.submit(done)];
    engine.settle();
    expect(engine.answerTo(keyless)!.executed).toBe(undefined);
    expect(engine.answerTo(refused)).toMatchObject({ code: "overloaded", executed: "unknown" });
    expect(engine.ask(done)).toEqual({ ...first, replayed: true });
  },
);

test("other params under a used key: what stands against new work comes first, and says no more than it knows", () => {
  const engine = open(1);
  engine.ask(place("ann", "k", { tea: 1 }));
  const other = place("ann", "k", { tea: 2 });
  expect(engine.ask({ ...other, refuseAfter: 1 })).toMatchObject({
    ...{ code: "deadline_exceeded", executed: "unknown" },
  });
  const at = new Date(Math.floor(engine.clock.micros / 1000)).toISOString();
  expect(engine.ask(other)).toMatchObject({ code: "key_reused", details: { method: "order.place", at } });
});

test.each([1, 3])("a late move of an archived order is answered, and moves nothing (%i shards)", (shards) => {
  const engine = open(shards);
  const order = held(engine);
  const cancel = { method: "order.cancel", order, key: "c" } as const;
  expect(engine.ask(cancel).code).toBe("ok");
  for (let days = 0; days < 3; days++) engine.pass(day + 61_000);
  expect(engine.ask({ ...cancel, refuseAfter: 1 })).toMatchObject({ code: "invalid_transition" });
});

test("a restock without a ref has no key: not executed, wherever it is refused", () => {
  const command = { method: "product.restock", product: "tea", qty: 1, ref: undefined } as Command;
  expect([hasKey(command), hasKey({ ...command, ref: "r" } as Command)]).toEqual([false, true]);
});
