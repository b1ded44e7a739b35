import fc from "fast-check";
import { expect, test } from "vitest";
import { type MemoryFaults, memoryJournal, memoryStore } from "../../../persistence/log/memory-journal.js";
import { testEngine } from "../../support/engine.js";
import { balanceOf, place, shop, stockOf } from "../../support/shop.js";

/** A shop whose log was written before; from now on its journals are durable when they are told, or fail. */
function gated(shards: number, faults: MemoryFaults = {}) {
  const stores = Array.from({ length: shards }, () => memoryStore());
  shop({ shards, journals: stores.map((store) => memoryJournal({ store })) });
  const journals = stores.map((store) => memoryJournal({ store, manual: true, faults }));
  const engine = testEngine({ shards, journals });
  return { engine, journals, stores };
}

const buy = place("ann", "k1", { tea: 1 }, { pay: "balance" });

/** One of everything that can leave. */
const requests = {
  "a success": buy,
  "a replay": buy,
  "a refusal": place("ann", "k2", { tea: 100 }),
  "a refusal that is not stored": { method: "order.get", order: "o999999" },
  "a read": { method: "account.get", account: "ann" },
  "a lookup": { method: "order.lookup", account: "ann", key: "k1" },
  "a deposit": { method: "account.deposit", account: "ann", amount: "1.00", ref: "r" },
  "a dry run": place("ann", "k3", { tea: 1 }, { dryRun: true }),
  "a request that is late": { ...buy, refuseAfter: 1 },
  "an order across shards": place("ann", "k4", { tea: 1, mug: 1 }),
} as const;

for (const shards of [1, 3]) {
  test(`SHARD-1, SHARD-2, FEED-2, REQUESTER-2: with a journal that is never durable nothing leaves, and no further turn runs (${shards} shards)`, () => {
    const { engine, journals } = gated(shards);
    const home = engine.shards[shards === 1 ? 0 : 1]!;
    engine.submit({ method: "feed.subscribe", topic: "account:ann" });
    engine.submit({ method: "feed.subscribe", topic: "product:tea" });
    engine.settle();
    journals.forEach((journal) => void journal.settle());
    const ids = Object.values(requests).map((request) => engine.submit(request));
    engine.settle();
    const { turns } = home.counters;
    const more = engine.submit({ method: "account.get", account: "ann" });
    for (let i = 0; i < 5; i++) {
      expect(home.step()).toBe(false);
      engine.pass(1_000_000);
    }
    for (const id of [...ids, more]) expect(engine.answerTo(id)).toBeUndefined();
    expect(engine.pushes()).toEqual([]);
    expect(engine.frames).toEqual([]);
    expect(home.counters.turns).toBe(turns);
    expect(home.waiting).toBe(1);
    expect(home.isIdle).toBe(false);
  });
}

test("once the group is durable everything leaves at once, and the loop is woken for what waits", () => {
  const { engine, journals } = gated(1);
  engine.submit({ method: "feed.subscribe", topic: "account:ann" });
  engine.settle();
  const ids = Object.values(requests).map((request) => engine.submit(request));
  engine.settle();
  const more = engine.submit({ method: "account.get", account: "ann" });
  const wakes = engine.wakes();
  journals[0]!.settle();
  for (const id of ids) expect(engine.answerTo(id)).toBeDefined();
  expect(engine.pushes().map((push) => push.type)).toEqual([
    ...["order.created", "order.paid", "account.deposited", "order.created"],
  ]);
  expect(engine.answerTo(more)).toBeUndefined();
  expect(engine.wakes()).toBe(wakes + 1);
  engine.settle();
  expect(engine.answerTo(more)!.result.available).toBe("91.01");
});

test("CHANNEL-1: a frame leaves only after the group that holds its messages is durable", () => {
  const { engine, journals } = gated(3);
  engine.submit(requests["an order across shards"]);
  engine.shards[1]!.step();
  expect(engine.frames).toEqual([]);
  journals[1]!.settle();
  expect(engine.frames.map((frame) => frame.to).sort()).toEqual([0, 1]);
});

test("a read alone waits for nothing: all that it saw is durable", () => {
  const { engine, journals } = gated(1);
  const { appended } = journals[0]!;
  expect(engine.ask({ method: "account.get", account: "ann" }).result.available).toBe("100.00");
  expect(engine.ask(requests["a request that is late"]).code).toBe("deadline_exceeded");
  expect(journals[0]!.appended).toBe(appended);
});

test("a read in the group of a write waits with it, whether it ran before or after", () => {
  const { engine, journals } = gated(1);
  const before = engine.submit({ method: "account.get", account: "ann" });
  const write = engine.submit(buy);
  const after = engine.submit({ method: "account.get", account: "ann" });
  engine.settle();
  expect([before, write, after].map((id) => engine.answerTo(id))).toEqual([undefined, undefined, undefined]);
  journals[0]!.settle();
  expect(engine.answerTo(before)!.result.available).toBe("100.00");
  expect(engine.answerTo(after)!.result.available).toBe("90.01");
});

test("an overload refusal given while a group is in flight waits for it too", () => {
  const { engine, journals } = gated(1);
  engine.submit(buy);
  engine.settle();
  engine.shards[0]!.refuseNewWith = { code: "overloaded" };
  const refused = engine.submit(place("ben", "k1", { tea: 1 }));
  engine.settle();
  expect(engine.answerTo(refused)).toBeUndefined();
  journals[0]!.settle();
  engine.settle();
  expect(engine.answerTo(refused)!.code).toBe("overloaded");
});

test("a late subscriber is not forgotten when the group before was slow to become durable", () => {
  const { engine, journals } = gated(1);
  engine.submit({ method: "feed.subscribe", topic: "account:ann", from: 1 });
  engine.submit(buy);
  engine.settle();
  const wakes = engine.wakes();
  journals[0]!.settle();
  expect(engine.wakes()).toBeGreaterThan(wakes);
  engine.settle();
  expect(engine.pushes().map((push) => push.type)).toEqual([
    ...["account.opened", "account.deposited", "order.created", "order.paid"],
  ]);
});

for (const ending of ["lost", "kept"] as const) {
  test(`SHARD-3: with a journal that fails (group ${ending}) nothing leaves, and the shard stops for good`, () => {
    const { engine, journals, stores } = gated(1, { onAppend: () => ending });
    const shard = engine.shards[0]!;
    const ids = Object.values(requests).map((request) => engine.submit(request));
    expect(shard.step()).toBe(false);
    expect(shard.hasFailed).toBe(true);
    expect(engine.failures).toMatchObject([{ name: "JournalFailed" }]);
    ids.push(engine.submit({ method: "account.get", account: "ann" }));
    journals[0]!.settle();
    for (let i = 0; i < 3; i++) expect(shard.step()).toBe(false);
    for (const id of ids) expect(engine.answerTo(id)).toBeUndefined();
    expect(engine.pushes()).toEqual([]);
    expect(engine.failures).toHaveLength(1);

    const restarted = testEngine({ journals: [memoryJournal({ store: stores[0]! })] });
    const happened = ending === "kept";
    expect(stockOf(restarted, "tea")).toEqual(happened ? [8, 1, 1] : [10, 0, 0]);
    expect(restarted.ask(buy)).toMatchObject({ code: "ok", replayed: happened });
  });
}

test("whatever is durable when, nobody ever sees what a crash could still take back", () => {
  const action = fc.oneof(
    fc.record({
      account: fc.constantFrom("ann", "ben"),
      key: fc.nat(20),
      qty: fc.integer({ min: 1, max: 3 }),
    }),
    fc.constantFrom("step", "durable", "step", "durable", "crash"),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      let { engine, journals, stores } = gated(1, { survivors: () => 0 });
      const promised = new Map<string, string>();
      let open: [string, number][] = [];
      let topics = [engine.submit({ method: "feed.subscribe", topic: "account:ann" })];
      for (const act of actions) {
        engine.pass(0);
        if (act === "durable") journals[0]!.settle();
        else if (act === "crash") {
          journals = stores.map((store) =>
            memoryJournal({ store, manual: true, faults: { survivors: () => 0 } }),
          );
          engine = testEngine({ journals, nowMs: Math.floor(engine.clock.micros / 1000) + 1000 });
          topics = [engine.submit({ method: "feed.subscribe", topic: "account:ann" })];
          open = [];
        } else if (act !== "step") {
          const { account, key, qty } = act;
          const request = place(account, `${key}-${qty}`, { tea: qty }, { pay: "balance" });
          open.push([`${account} ${key} ${qty}`, engine.submit(request)]);
        }
        for (const push of engine.pushes()) expect(push.seq).toBeLessThanOrEqual(journals[0]!.durable);
        for (const [name, id] of open) {
          const answer = engine.answerTo(id);
          if (!answer) continue;
          const said = answer.code === "ok" ? answer.result.order : answer.code;
          expect(promised.get(name) ?? said).toBe(said);
          promised.set(name, said);
        }
      }
      expect(topics).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
});

test("the balance after a crash holds every purchase that was answered", () => {
  const { engine, journals, stores } = gated(1, { survivors: () => 0 });
  const first = engine.submit(buy);
  engine.settle();
  journals[0]!.settle();
  const second = engine.submit({ ...buy, key: "k2" });
  engine.settle();
  expect(engine.answerTo(first)!.code).toBe("ok");
  expect(engine.answerTo(second)).toBeUndefined();
  const restarted = testEngine({
    journals: [memoryJournal({ store: stores[0]!, faults: { survivors: () => 0 } })],
  });
  expect(balanceOf(restarted, "ann")).toBe("90.01");
});
