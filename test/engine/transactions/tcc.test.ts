import { describe, expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { Facts } from "../../../actors/facts.js";
import { decodeFrame } from "../../../engine/links/channel.js";
import { decodeMessage } from "../../../engine/links/messages.js";
import { channelRetryMs, fenceKeepMs, fencesMax } from "../../../engine/seams/limits.js";
import { fenceAskMs } from "../../../engine/tables/fence-table.js";
import { loadBooks, saveBooks, stateHash } from "../../../engine/tables/snapshot.js";
import type { CarriedFrame, TestEngine } from "../../support/engine.js";
import { balanceOf, shop, stockOf } from "../../support/shop.js";
import {
  begin,
  call,
  ledgerOf,
  leftOpen,
  lost,
  no,
  ok,
  pay,
  tcc,
  tea,
  world,
} from "../../support/transactions.js";

const room = (fate = ok) => ({
  "gift/room:try": () => fate,
  "gift/room:confirm": () => ok,
  "gift/room:cancel": () => ok,
});

function tccShop(
  shards: number,
  plan = tcc(tea(), pay(), call("room")),
  functions: Parameters<typeof world>[0] = room(),
) {
  const outside = world(functions);
  return { outside, engine: shop({ shards, outCalls: outside.outCalls, plan: () => plan }) };
}

const heldOf = (engine: TestEngine, account: string) =>
  engine.ask({ method: "account.get", account }).result.held as string;

describe.each([1, 3])("over %i shards", (shards) => {
  test("everything is held until all have said yes, and then it is taken", () => {
    const { engine, outside } = tccShop(shards, undefined, { ...room(), "gift/room:try": () => undefined });
    const id = engine.submit(begin("gift"));
    for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
    expect([stockOf(engine, "tea"), balanceOf(engine, "ann"), heldOf(engine, "ann")]).toEqual([
      [8, 2, 0],
      "90.00",
      "10.00",
    ]);
    expect(ledgerOf(engine)["held:ann"]).toBe(1000);
    expect(engine.answerTo(id)).toBeUndefined();
    outside.report(0, ok);
    for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
    expect(engine.answerTo(id)?.result.state).toBe("done");
    expect([stockOf(engine, "tea"), balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual([
      [8, 0, 2],
      "90.00",
      "110.00",
    ]);
    expect(leftOpen(engine)).toEqual([]);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test.each([
    ["refuses", no, "refused", ["gift/room:try"]],
    ["is not heard of", lost, "unknown", ["gift/room:try", "gift/room:cancel"]],
  ])("TCC-2: one that %s cancels all, itself only if nobody knows", (_, fate, how, names) => {
    const { engine, outside } = tccShop(shards, undefined, room(fate));
    const { result } = engine.ask(begin("gift"));
    expect(result).toMatchObject({ state: "undone", error: { part: "room", how } });
    expect(outside.names()).toEqual(names);
    engine.pass(channelRetryMs);
    expect([stockOf(engine, "tea"), balanceOf(engine, "ann"), heldOf(engine, "ann")]).toEqual([
      [10, 0, 0],
      "100.00",
      "0.00",
    ]);
    expect(leftOpen(engine)).toEqual([]);
  });

  test("COORDINATOR-2: a freeze lasts ten minutes, and its coordinator ends it", () => {
    const { engine, outside } = tccShop(shards, undefined, { ...room(), "gift/room:try": () => undefined });
    const id = engine.submit(begin("gift"));
    engine.settle();
    engine.pass(599_999);
    expect(engine.answerTo(id)).toBeUndefined();
    expect(stockOf(engine, "tea")).toEqual([8, 2, 0]);
    for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
    expect(engine.answerTo(id)?.result).toMatchObject({ state: "undone", error: { code: "hold_expired" } });
    expect(outside.names()).toEqual(["gift/room:try", "gift/room:cancel"]);
    expect(leftOpen(engine)).toEqual([]);
    // Its try says yes too late: nobody listens.
    outside.report(0, ok);
    engine.settle();
    expect(leftOpen(engine)).toEqual([]);
  });

  test.each([
    ["too little stock", tcc(tea(11), pay()), "insufficient_stock"],
    ["too little money", tcc(tea(), pay("100.01")), "insufficient_funds"],
    [
      "no such product",
      tcc(pay(), { kind: "stock", name: "nil", product: "nil", qty: 1 }),
      "product_not_found",
    ],
    ["no such receiver", tcc(tea(), pay("1.00", "ann", "wallet:eve")), "account_not_found"],
  ])("with %s nothing is taken", (_, plan, code) => {
    const { engine } = tccShop(shards, plan);
    const { result } = engine.ask(begin("gift"));
    expect(result).toMatchObject({ state: "undone", error: { code, how: "refused" } });
    engine.pass(channelRetryMs);
    expect([stockOf(engine, "tea"), balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual([
      [10, 0, 0],
      "100.00",
      "100.00",
    ]);
    expect(leftOpen(engine)).toEqual([]);
  });

  test("to revenue: captured money is earned", () => {
    const { engine } = tccShop(shards, tcc(tea(), pay("10.00", "ann", "revenue")));
    expect(engine.ask(begin("gift")).result.state).toBe("done");
    engine.pass(channelRetryMs);
    expect(ledgerOf(engine)["revenue:CNY"]).toBe(1000);
    expect(leftOpen(engine)).toEqual([]);
  });
});

test("a participant's shard that is cut off never ends a branch by itself; it asks, and is told", () => {
  const bus = { lost: (_: CarriedFrame) => false };
  const engine = shop({
    shards: 3,
    plan: () => tcc({ kind: "stock", name: "mug", product: "mug", qty: 1 }),
    carry: (frames) => frames.filter((frame) => !bus.lost(frame)),
  });
  // Of 3 shards, ann lives on 1 and mug on 0: its yes does not come back.
  bus.lost = ({ to }) => to === 1;
  const id = engine.submit(begin("gift"));
  engine.settle();
  for (let n = 0; n < 30; n++) engine.pass(fenceAskMs / 10);
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  bus.lost = () => true;
  engine.pass(1);
  bus.lost = () => false;
  for (let n = 0; n < 4; n++) engine.pass(channelRetryMs);
  expect(engine.answerTo(id)?.result.state).toBe("undone");
  expect(leftOpen(engine)).toEqual([]);
});

test("PARTICIPANT-1: a branch that is cut off both ways keeps its hold for a day, and not a moment longer than it must", () => {
  const bus = { cut: false };
  const engine = shop({
    shards: 3,
    plan: () => tcc({ kind: "stock", name: "mug", product: "mug", qty: 1 }, call("room")),
    outCalls: world({ ...room(), "gift/room:try": () => undefined }).outCalls,
    carry: (frames) => frames.filter(({ to }) => !bus.cut || to !== 0),
  });
  engine.submit(begin("gift"));
  engine.settle();
  bus.cut = true;
  engine.pass(86_400_000);
  expect(stockOf(engine, "mug")).toEqual([1, 1, 0]);
  bus.cut = false;
  for (let n = 0; n < 4; n++) engine.pass(channelRetryMs);
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  expect(leftOpen(engine)).toEqual([]);
});

test("FENCE-TABLE-1: fences of branches that ended are kept a day, and then dropped", () => {
  const { engine } = tccShop(1, tcc(tea(), pay()));
  engine.ask(begin("gift"));
  const { fences } = engine.shards[0]!.books;
  expect([fences.size, fences.open]).toEqual([3, 0]);
  engine.pass(fenceKeepMs - 1);
  expect(fences.size).toBe(3);
  engine.pass(2);
  expect(fences.size).toBe(0);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("FENCE-TABLE-3: long after its deadline a branch that is tried asks its owner, again and again", () => {
  const bus = { cut: false };
  /** The messages that ask, by their numbers: a channel sends each of them until it is acknowledged. */
  const asked = new Set<number>();
  const engine = shop({
    shards: 3,
    plan: () => tcc({ kind: "stock", name: "mug", product: "mug", qty: 1 }, call("room")),
    outCalls: world({ ...room(), "gift/room:try": () => undefined }).outCalls,
    carry(frames) {
      for (const { frame } of frames) {
        const { first, messages } = decodeFrame(frame)!;
        for (const [index, message] of messages.entries())
          if (decodeMessage(message).kind === "outcomeQuery") asked.add(first + index);
      }
      return frames.filter(() => !bus.cut);
    },
  });
  engine.submit(begin("gift"));
  engine.settle();
  const { deadline } = [...engine.shards[1]!.books.transactions.open.values()][0]!;
  bus.cut = true;
  engine.clock.micros = (deadline + fenceAskMs - 1) * 1000;
  engine.settle();
  expect(asked.size).toBe(0);
  engine.pass(1);
  expect(asked.size).toBe(1);
  engine.pass(fenceAskMs);
  expect(asked.size).toBe(2);
});

test("PARTS-1: an answer to a try that comes after the decision is not recorded", () => {
  const bus = { lost: (_: CarriedFrame) => false };
  const engine = shop({
    shards: 3,
    plan: () => tcc({ kind: "stock", name: "mug", product: "mug", qty: 1 }),
    carry: (frames) => frames.filter((frame) => !bus.lost(frame)),
  });
  // Of 3 shards, ann lives on 1 and mug on 0: its yes does not come back before the deadline.
  bus.lost = ({ to }) => to === 1;
  const id = engine.submit(begin("gift", { deadlineMs: 5000 }));
  engine.settle();
  engine.pass(5000);
  bus.lost = () => false;
  for (let n = 0; n < 4; n++) engine.pass(channelRetryMs);
  expect(engine.answerTo(id)?.result).toMatchObject({ state: "undone", error: { code: "hold_expired" } });
  const facts: number[] = [];
  for (const { body, first } of engine.journals[1]!.read(1))
    readFacts(body, first, ({ type }) => facts.push(type));
  expect(facts).toContain(Facts.transactionDecided);
  expect(facts).not.toContain(Facts.partAnswered);
  expect(leftOpen(engine)).toEqual([]);
});

test("FENCE-TABLE-2: with as many fences as may be kept, a new try is refused before it has one", () => {
  const { engine } = tccShop(1, tcc(tea()));
  const { fences } = engine.shards[0]!.books;
  Object.defineProperty(fences, "size", { get: () => fencesMax, configurable: true });
  expect(engine.ask(begin("gift")).result).toMatchObject({ state: "undone", error: { code: "overloaded" } });
  expect(fences.nextNumber).toBe(1);
  Reflect.deleteProperty(fences, "size");
  expect(engine.ask(begin("gift", { key: "t2" })).result.state).toBe("done");
});

test("a snapshot holds transactions, calls, fences and items as they stand, and goes on with them", () => {
  const { engine } = tccShop(1, undefined, { ...room(), "gift/room:try": () => undefined });
  engine.submit(begin("gift"));
  engine.ask(begin("gift", { key: "t2", account: "ben", wait: false }));
  const { books } = engine.shards[0]!;
  const loaded = loadBooks([...saveBooks(books)].map((chunk) => chunk.slice()));
  expect(stateHash(loaded)).toBe(stateHash(books));
  expect([loaded.transactions.open.size, loaded.calls.open.size, loaded.fences.open]).toEqual([2, 2, 6]);
  expect(loaded.transactions.timers.nextDue).toBe([...books.transactions.open.values()][0]!.deadline);
  expect(loaded.calls.timers.nextDue).toBeLessThanOrEqual(engine.shards[0]!.nowMs);
  expect(loaded.fences.timers.nextDue).toBe(books.fences.timers.nextDue);
  const changes: readonly ((changed: typeof books) => void)[] = [
    (changed) => changed.transactions.open.clear(),
    (changed) => changed.calls.open.clear(),
    (changed) => void changed.fences.nextNumber++,
    (changed) => void changed.human.nextSequence++,
  ];
  for (const change of changes) {
    const changed = loadBooks([...saveBooks(books)].map((chunk) => chunk.slice()));
    change(changed);
    expect(stateHash(changed)).not.toBe(stateHash(books));
  }
});
