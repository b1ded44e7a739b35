import fc from "fast-check";
import { expect, test } from "vitest";
import { parseOrderId } from "../../../actors/order-number.js";
import type { Push, TestEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop } from "../../support/shop.js";
import { begin, pay, tea } from "../../support/transactions.js";

function subscribe(engine: TestEngine, topic: string, from?: number): { sub: number; seq: number } {
  const answer = engine.ask({ method: "feed.subscribe", topic, from });
  expect(answer.code).toBe("ok");
  return answer.result;
}

const of = (engine: TestEngine, sub: number): Push[] => engine.pushes().filter((push) => push.sub === sub);
const typesOf = (engine: TestEngine, sub: number) => of(engine, sub).map((push) => push.type);

test("the events of an account are what became of its orders and its money", () => {
  const engine = shop();
  const { sub } = subscribe(engine, "account:ann");
  const { order } = engine.ask(place("ann", "k1", { tea: 2 })).result;
  engine.ask({ method: "order.pay", order, key: "k2" });
  const second = engine.ask(place("ann", "k3", { mug: 1 })).result.order;
  engine.ask({ method: "order.cancel", order: second, key: "k4", reason: "changed my mind" });
  const third = engine.ask(place("ann", "k5", { mug: 1 }, { payWithinMs: 1000 })).result.order;
  engine.pass(60_000);
  engine.ask(place("ben", "k1", { tea: 1 }));
  engine.ask({ method: "account.deposit", account: "ann", amount: "1.00", ref: "r" });
  const about = (id: string, status: string, total: string) => ({
    order: id,
    account: "ann",
    status,
    total,
    currency: "CNY",
  });
  const effects = ["notification"];
  expect(of(engine, sub).map(({ type, data }) => [type, data])).toEqual([
    ["order.created", about(order, "Created", "19.98")],
    ["order.paid", { ...about(order, "Paid", "19.98"), effects: ["packing_task", "notification"] }],
    ["order.created", about(second, "Created", "25.00")],
    [
      "order.canceled",
      { ...about(second, "Canceled", "25.00"), cause: "request", reason: "changed my mind", effects },
    ],
    ["order.created", about(third, "Created", "25.00")],
    [
      "order.canceled",
      { ...about(third, "Canceled", "25.00"), cause: "deadline", reason: expect.any(String), effects },
    ],
    ["account.deposited", { account: "ann", amount: "1.00", currency: "CNY", ref: "r" }],
  ]);
});

test("an order paid as it is placed is created and paid", () => {
  for (const shards of [1, 3]) {
    const engine = shop({ shards });
    const { sub } = subscribe(engine, "account:ann");
    engine.ask(place("ann", "k1", { tea: 1, mug: 1 }, { pay: "balance" }));
    engine.ask(product("free", "0"));
    engine.ask(place("ann", "k2", { free: 1 }));
    expect(of(engine, sub).map(({ type, data }) => [type, data.status])).toEqual([
      ["order.created", "Paid"],
      ["order.paid", "Paid"],
      ["order.created", "Paid"],
      ["order.paid", "Paid"],
    ]);
  }
});

test("the events of a product are what became of its stock and price", () => {
  const engine = shop();
  const { sub } = subscribe(engine, "product:tea");
  const { order } = engine.ask(place("ann", "k1", { tea: 2 })).result;
  engine.ask({ method: "order.pay", order, key: "k2" });
  const second = engine.ask(place("ann", "k3", { tea: 1 })).result.order;
  engine.ask({ method: "order.cancel", order: second, key: "k4" });
  const third = engine.ask(place("ann", "k5", { tea: 1 }, { pay: "balance" })).result.order;
  engine.ask({ method: "product.restock", product: "tea", qty: 5 });
  engine.ask({ method: "product.reprice", product: "tea", price: "8" });
  engine.ask(place("ann", "k6", { mug: 1 }));
  const moved = (id: string, qty: number, available: number) => ({
    product: "tea",
    order: id,
    qty,
    available,
  });
  expect(of(engine, sub).map(({ type, data }) => [type, data])).toEqual([
    ["product.held", moved(order, 2, 8)],
    ["product.confirmed", moved(order, 2, 8)],
    ["product.held", moved(second, 1, 7)],
    ["product.released", moved(second, 1, 8)],
    ["product.sold", moved(third, 1, 7)],
    ["product.restocked", { product: "tea", qty: 5, available: 12 }],
    ["product.repriced", { product: "tea", price: "8.00", currency: "CNY" }],
  ]);
});

test("a refusal, a replay and a dry run are no events", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 1 }));
  const subs = [subscribe(engine, "account:ann"), subscribe(engine, "product:tea")];
  engine.ask(place("ann", "k1", { tea: 1 }));
  engine.ask(place("ann", "k2", { tea: 100 }));
  engine.ask(place("ann", "k3", { tea: 1 }, { dryRun: true }));
  for (const { sub } of subs) expect(of(engine, sub)).toEqual([]);
});

test("seq is the place in the log: it rises, and the time is that of the turn", () => {
  const engine = shop();
  const { sub, seq } = subscribe(engine, "account:ann");
  engine.pass(5000);
  for (let n = 0; n < 5; n++) engine.ask(place("ann", `k${n}`, { tea: 1 }, { pay: "balance" }));
  const seqs = of(engine, sub).map((push) => push.seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  expect(seqs[0]).toBeGreaterThan(seq);
  expect(seqs.at(-1)).toBeLessThanOrEqual(engine.shards[0]!.books.position);
  for (const push of of(engine, sub)) expect(push.time).toBe(Math.floor(engine.clock.micros / 1000));
});

for (const shards of [1, 3]) {
  test(`EVENTS-1, FEED-1: resuming from any number gives exactly what a live subscriber was given from there on (${shards} shards)`, () => {
    const engine = shop({ shards });
    const topics = ["account:ann", "product:tea", "product:mug"];
    const live = new Map(topics.map((topic) => [topic, subscribe(engine, topic, 0).sub]));
    busyDay(engine);
    for (const topic of topics) {
      const given = of(engine, live.get(topic)!);
      expect(given.length).toBeGreaterThan(5);
      const last = Math.max(...engine.shards.map((shard) => shard.books.position));
      for (let from = 0; from <= last + 1; from += 3) {
        const answer = engine.ask({ method: "feed.subscribe", topic, from });
        if (answer.code !== "ok") break;
        const resumed = of(engine, answer.result.sub).map(({ sub: _, ...push }) => push);
        expect(resumed).toEqual(given.filter((push) => push.seq >= from).map(({ sub: _, ...push }) => push));
        engine.ask({ method: "feed.unsubscribe", sub: answer.result.sub });
      }
    }
  });
}

function busyDay(engine: TestEngine): void {
  for (let n = 0; n < 8; n++) {
    const { result } = engine.ask(place("ann", `k${n}`, { tea: 1 }, { payWithinMs: 1000 }));
    if (n % 3 === 0 && result) engine.ask({ method: "order.pay", order: result.order, key: `p${n}` });
    if (n % 3 === 1 && result) engine.ask({ method: "order.cancel", order: result.order, key: `c${n}` });
    engine.ask(place("ben", `k${n}`, { tea: 1, mug: 1 }, { pay: "balance" }));
    engine.ask({ method: "product.restock", product: "mug", qty: 1 });
    engine.pass(20_000);
  }
  engine.pass(60_000);
}

test("FEED-1: whoever subscribes at any moment, with whatever came before and comes after in the same group, misses nothing", () => {
  const action = fc.oneof(
    fc.record({ from: fc.nat(60) }),
    fc.record({ buy: fc.constantFrom("ann", "ben") }),
    fc.constantFrom("settle", "settle", "pass"),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const engine = shop();
      engine.ask({ method: "product.restock", product: "tea", qty: 1000 });
      const live = subscribe(engine, "product:tea", 0).sub;
      const asked: [number, number][] = [];
      for (const [n, act] of actions.entries()) {
        if (act === "settle") engine.settle();
        else if (act === "pass") engine.pass(60_000);
        else if ("from" in act) {
          asked.push([
            act.from,
            engine.submit({ method: "feed.subscribe", topic: "product:tea", from: act.from }),
          ]);
        } else engine.submit(place(act.buy, `k${n}`, { tea: 1 }, { payWithinMs: 1000 }));
      }
      engine.settle();
      engine.pass(100_000);
      const seqs = of(engine, live).map((push) => push.seq);
      for (const [from, id] of asked) {
        const answer = engine.answerTo(id)!;
        if (answer.code !== "ok") continue;
        expect(of(engine, answer.result.sub).map((push) => push.seq)).toEqual(
          seqs.filter((seq) => seq >= from),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test("a log that is longer than one step reads is given whole, while orders go on", () => {
  const engine = shop();
  engine.ask({ method: "product.restock", product: "tea", qty: 100_000 });
  for (let batch = 0; batch < 30; batch++) {
    for (let n = 0; n < 500; n++) engine.submit(place("ann", `${batch}-${n}`, { tea: 1 }));
    engine.settle();
  }
  expect((engine.journals[0] as { bytesAppended: number }).bytesAppended).toBeGreaterThan(600_000);
  const id = engine.submit({ method: "feed.subscribe", topic: "product:tea", from: 0 });
  for (let n = 0; n < 5; n++) {
    engine.submit(place("ben", `late-${n}`, { tea: 1 }));
    engine.shards[0]!.step();
  }
  engine.settle();
  const given = of(engine, engine.answerTo(id)!.result.sub);
  const held = given.filter((push) => push.type === "product.held");
  expect(held).toHaveLength(15_005);
  const seqs = given.map((push) => push.seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
});

test("after a restart a subscriber resumes where it was", () => {
  const before = shop();
  const { sub } = subscribe(before, "account:ann");
  before.ask(place("ann", "k1", { tea: 1 }));
  before.ask(place("ann", "k2", { tea: 1 }));
  const seen = of(before, sub)[0]!.seq;
  const engine = before.restart();
  const again = subscribe(engine, "account:ann", seen + 1);
  engine.ask(place("ann", "k3", { tea: 1 }));
  expect(typesOf(engine, again.sub)).toEqual(["order.created", "order.created"]);
});

test.each([1, 3])(
  "what a program's transaction moves is told to both accounts and its product, and how it ends (%i shards)",
  (shards) => {
    const plan = { mode: "saga", parts: [tea(1), pay("5.00", "ann", "wallet:ben")] } as const;
    const engine = shop({ shards, plan: () => plan });
    const subs = ["account:ann", "account:ben", "product:tea"].map((topic) => subscribe(engine, topic).sub);
    expect(engine.ask(begin("gift")).result.state).toBe("done");
    expect(subs.map((sub) => typesOf(engine, sub))).toEqual([
      ["transaction.begun", "account.transferred", "transaction.ended"],
      ["account.transferred"],
      ["product.transferred"],
    ]);
  },
);

test("a subject may be subscribed to before it exists", () => {
  const engine = shop();
  const { sub } = subscribe(engine, "product:new");
  engine.ask(product("new", "1.00"));
  engine.ask({ method: "product.restock", product: "new", qty: 1 });
  expect(typesOf(engine, sub)).toEqual(["product.created", "product.restocked"]);
});

test("two subscriptions of one topic are both served; one that ended is not", () => {
  const engine = shop();
  const first = subscribe(engine, "account:ann").sub;
  const second = subscribe(engine, "account:ann").sub;
  engine.ask(place("ann", "k1", { tea: 1 }));
  expect(engine.ask({ method: "feed.unsubscribe", sub: first })).toMatchObject({
    code: "ok",
    result: { sub: first },
  });
  engine.ask(place("ann", "k2", { tea: 1 }));
  expect([of(engine, first).length, of(engine, second).length]).toEqual([1, 2]);
  expect(engine.ask({ method: "feed.unsubscribe", sub: first })).toMatchObject({
    code: "invalid_request",
    details: { path: "params.sub" },
  });
});

test("nobody can end the subscription of another connection", () => {
  const engine = shop();
  const { sub } = subscribe(engine, "account:ann");
  expect(engine.shards[0]!.feed.unsubscribe({ ...engine.requesters[0]! }, sub)).toBe(false);
  engine.ask(place("ann", "k1", { tea: 1 }));
  expect(of(engine, sub)).toHaveLength(1);
});

test.each(["is gone", "unsubscribed"])(
  "a connection that %s while it is behind is given nothing more",
  (how) => {
    const engine = shop();
    engine.ask({ method: "product.restock", product: "tea", qty: 1 });
    subscribe(engine, "account:ann");
    const late = engine.submit({ method: "feed.subscribe", topic: "product:tea", from: 1 });
    const shard = engine.shards[0]!;
    shard.step();
    expect(shard.feed.isBehind).toBe(true);
    if (how === "is gone") shard.forget(engine.requesters[0]!);
    else shard.feed.unsubscribe(engine.requesters[0]!, engine.answerTo(late)!.result.sub);
    expect(shard.feed.size).toBe(how === "is gone" ? 0 : 1);
    expect(shard.feed.isBehind).toBe(false);
    engine.ask({ method: "product.restock", product: "tea", qty: 1 });
    engine.ask(place("ben", "k1", { tea: 1 }));
    if (how === "is gone") engine.ask(place("ann", "k1", { tea: 1 }));
    expect(engine.pushes()).toEqual([]);
  },
);

test("numbers of subscriptions differ between shards, and lead back to theirs", () => {
  const engine = shop({ shards: 3 });
  const subs = ["account:ann", "account:ben", "product:tea", "product:mug"].map(
    (topic) => subscribe(engine, topic).sub,
  );
  expect(new Set(subs).size).toBe(4);
  for (const sub of subs) expect(engine.ask({ method: "feed.unsubscribe", sub }).code).toBe("ok");
});

test.each([0, 1])("a number %i after the end of the log is refused beyond the next one", (more) => {
  const engine = shop();
  const { position } = engine.shards[0]!.books;
  const answer = engine.ask({ method: "feed.subscribe", topic: "account:ann", from: position + 1 + more });
  expect(answer.code).toBe(more === 0 ? "ok" : "invalid_request");
  if (more > 0) expect(answer.details).toMatchObject({ path: "params.from", seq: position });
});

test("with nobody listening, orders cost the feed nothing and lose nothing", () => {
  const engine = shop();
  engine.ask(place("ann", "k1", { tea: 1 }, { pay: "balance" }));
  expect(engine.pushes()).toEqual([]);
  const { sub } = subscribe(engine, "account:ann", 1);
  expect(typesOf(engine, sub)).toEqual([
    ...["account.opened", "account.deposited", "order.created", "order.paid"],
  ]);
  expect(balanceOf(engine, "ann")).toBe("90.01");
});

test.each([
  ["in time", "order.paid", ["packing_task", "notification"]],
  ["too late", "order.canceled", ["notification"]],
])(
  "a payment against the deadline, %s: no side effect leaves for the move that lost",
  (when, ending, effects) => {
    const engine = shop({ settings: { graceMs: 0 } });
    const { sub } = subscribe(engine, "shard:0");
    const { order } = engine.ask(place("ann", "k1", { tea: 1 }, { payWithinMs: 1000 })).result;
    engine.submit({ method: "order.pay", order, key: "k2" });
    engine.pass(when === "in time" ? 999 : 1000);
    engine.pass(60_000);
    const told = of(engine, sub).filter(({ type }) => type.startsWith("order."));
    expect(told.map(({ type, data }) => [type, data.effects])).toEqual([
      ["order.created", undefined],
      [ending, effects],
    ]);
  },
);

test("the events of a shard are all that its topics are told, in the order of the log", () => {
  const engine = shop({ shards: 3 });
  const topics = ["account:ann", "account:ben", "product:tea", "product:mug"];
  const ofTopics = topics.map((topic) => subscribe(engine, topic, 0).sub);
  const ofShards = [0, 1, 2].map((shard) => subscribe(engine, `shard:${shard}`, 0).sub);
  busyDay(engine);
  const plain = ({ seq, type, data }: Push) => JSON.stringify([seq, type, data]);
  const told = ofShards.flatMap((sub) => of(engine, sub).map(plain));
  expect(told.length).toBeGreaterThan(20);
  expect(told.sort()).toEqual(ofTopics.flatMap((sub) => of(engine, sub).map(plain)).sort());
  for (const sub of ofShards) {
    const seqs = of(engine, sub).map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  }
  expect(engine.ask({ method: "feed.unsubscribe", sub: ofShards[1] }).code).toBe("ok");
});

test.each([1, 3])("a shard that does not exist is refused (%i shards)", (shards) => {
  const engine = shop({ shards });
  const answer = engine.ask({ method: "feed.subscribe", topic: `shard:${shards}` });
  expect(answer).toMatchObject({ code: "invalid_request", details: { path: "params.topic", shards } });
});

test("FEED-3: an order that has left the books is told under its account from its placement on, and under its shard without it", () => {
  const engine = shop();
  const first = engine.ask(place("ann", "k1", { tea: 1 })).result.order;
  engine.ask({ method: "order.cancel", order: first, key: "k2" });
  const { orders, position } = engine.shards[0]!.books;
  orders.drop(parseOrderId(first)!);
  const told = (topic: string, from: number) => {
    const { sub } = subscribe(engine, topic, from);
    return of(engine, sub)
      .filter(({ type }) => type.startsWith("order."))
      .map(({ type, data }) => [type, data.account, data.total]);
  };
  const whole = ["order.canceled", "ann", "9.99"];
  expect(told("account:ann", 1)).toEqual([["order.created", "ann", "9.99"], whole]);
  expect(told("account:ben", 1)).toEqual([]);
  expect(told("account:ann", position - 2)).toEqual([]);
  expect(told("shard:0", 1)).toEqual([
    ["order.created", "ann", "9.99"],
    ["order.canceled", undefined, undefined],
  ]);
});
