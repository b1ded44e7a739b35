import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventOf } from "../../../actors/events.js";
import { readFacts } from "../../../actors/fact-codec.js";
import { Facts } from "../../../actors/facts.js";
import { OutletStore } from "../../../persistence/outlets/outlet-store.js";
import { groupsOf, order, shardOne, shardZero, start } from "../trading-log.js";

const logs = [groupsOf(shardZero()), groupsOf(shardOne())] as const;
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "outlet-store-"));
  folders.push(folder);
  return join(folder, "outlets.db");
}

const letter = {
  outlet: "hook",
  shard: 0,
  seq: 7,
  type: "order.paid",
  event: "{}",
  attempts: 3,
  error: "no",
};

/** Every event of both shards, told by the names of the store. */
function told(store: OutletStore): string[] {
  return logs.flatMap((groups, shard) => {
    const events: string[] = [];
    for (const { body, first } of groups) {
      readFacts(body, first, (fact, _, position) => {
        const event = eventOf(fact, store.names.of(shard));
        if (event) events.push(`${shard}:${position} ${event.type} ${JSON.stringify(event.data)}`);
      });
    }
    return events;
  });
}

test("OUTLET-NAMES-1: names are those of the log, whether it is taken at once, in pieces, twice, or over a restart", () => {
  const whole = new OutletStore(":memory:");
  for (const [shard, groups] of logs.entries()) whole.names.take(shard, groups);
  const expected = told(whole);
  expect(expected.length).toBeGreaterThan(20);
  for (const line of expected) {
    expect(line).not.toContain("undefined");
    if (/ order\./.test(line)) expect(line).toMatch(/"account":"[a-z]+".*"total":"/);
  }
  const file = newFile();
  for (let at = 0; at < Math.max(logs[0].length, logs[1].length); at++) {
    const store = new OutletStore(file);
    for (const [shard, groups] of logs.entries())
      store.names.take(shard, groups.slice(Math.max(0, at - 1), at + 1));
    store.close();
  }
  const pieces = new OutletStore(file);
  expect(told(pieces)).toEqual(expected);
  expect(logs.map((_, shard) => pieces.names.namedTo(shard))).toEqual(
    logs.map((groups) => groups.at(-1)!.last),
  );
  pieces.close();
});

test("names with a hole in front of them are a defect, and leave no trace", () => {
  const store = new OutletStore(":memory:");
  store.names.take(0, logs[0].slice(0, 1));
  const before = store.names.namedTo(0);
  expect(() => store.names.take(0, logs[0].slice(2))).toThrow("does not follow");
  expect(store.names.namedTo(0)).toBe(before);
  store.names.take(0, logs[0]);
  expect(store.names.namedTo(0)).toBe(logs[0].at(-1)!.last);
});

test("names of a refund are those that it was asked with", () => {
  const store = new OutletStore(":memory:");
  const refund = order(9);
  const asked = { refund, order: order(1), source: 1, account: 0, currency: 0, amount: 500, provider: "pay" };
  const fact = {
    type: Facts.refundRequested,
    ...asked,
    paymentId: "p-1",
    restock: 0,
    reason: "r",
    shares: [],
  };
  store.names.take(0, groupsOf([...shardZero(), { time: start * 2, facts: [fact] }]));
  expect(store.names.of(0).refund(refund)).toEqual({
    order: order(1),
    currency: 0,
    amount: 500,
    provider: "pay",
    paymentId: "p-1",
  });
  expect(store.names.of(0).refund(refund + 1)).toBeUndefined();
});

test("OUTLET-NAMES-3: names of another log are forgotten, those of the same are kept", () => {
  const store = new OutletStore(":memory:");
  for (const [shard, groups] of logs.entries()) store.names.take(shard, groups);
  const last = logs[0].at(-1)!;
  expect(store.names.verify(0, last)).toBe(true);
  expect(store.names.verify(0, { ...last, hash: new Uint8Array(32) })).toBe(false);
  expect(store.names.namedTo(0)).toBe(0);
  expect(store.names.verify(1, undefined)).toBe(false);
  for (const [shard, groups] of logs.entries()) store.names.take(shard, groups);
  expect(store.names.verify(0, last)).toBe(true);
});

test("an outlet begins where it is told when it is new, and where it was when it is not", () => {
  const file = newFile();
  const store = new OutletStore(file);
  const end = 100;
  store.place([{ outlet: "hook", shard: 0, from: 40, end }]);
  store.moved("hook", 0, 44);
  store.place([{ outlet: "file", shard: 0, from: 0, end }]);
  store.close();
  const again = new OutletStore(file, true);
  again.place([{ outlet: "hook", shard: 0, from: 90, end }]);
  expect([again.cursor("hook", 0), again.cursor("file", 0)]).toEqual([44, 0]);
  expect(again.cursors()).toEqual([
    { outlet: "file", shard: 0, position: 0 },
    { outlet: "hook", shard: 0, position: 44 },
  ]);
  again.close();
});

test("OUTLET-STORE-5: the file is the first engine's that gives an outlet its place", () => {
  const file = newFile();
  const place = (engine: string) => {
    const store = new OutletStore(file);
    try {
      store.place([{ outlet: "hook", shard: 0, from: 40, end: 100 }], engine);
      return store.cursor("hook", 0);
    } finally {
      store.close();
    }
  };
  expect(place("one")).toBe(40);
  expect(() => place("two")).toThrow(`${file}: it is of engine one, the folder of engine two`);
  expect(place("one")).toBe(40);
});

test("an outlet that stands behind the end of its log goes on at the end, and it is told where it stood", () => {
  const store = new OutletStore(":memory:");
  const place = (end: number) => store.place([{ outlet: "hook", shard: 0, from: 0, end }]);
  expect(place(50)).toEqual([]);
  store.moved("hook", 0, 50);
  expect(place(50)).toEqual([]);
  expect(place(20)).toEqual([{ outlet: "hook", shard: 0, position: 50 }]);
  expect(store.cursor("hook", 0)).toBe(20);
  store.close();
});

test("OUTLET-STORE-1: an event that is put aside is one letter, however often, and the cursor is behind it", () => {
  const store = new OutletStore(":memory:");
  store.place([{ outlet: "hook", shard: 0, from: 0, end: 100 }]);
  store.bury(letter, 1000);
  store.bury({ ...letter, attempts: 2, error: "still no" }, 2000);
  store.bury({ ...letter, seq: 9 }, 3000);
  expect(store.cursor("hook", 0)).toBe(9);
  expect(store.letters()).toMatchObject([
    { id: 1, seq: 7, attempts: 5, error: "still no", failedAtMs: 2000, wanted: false },
    { seq: 9, attempts: 3 },
  ]);
  expect([store.dead("hook"), store.dead("file")]).toEqual([2, 0]);
});

test("OUTLET-STORE-2, OUTLET-STORE-3: a letter is wanted by another process while the engine runs, and leaves when it was delivered", () => {
  const file = newFile();
  const engine = new OutletStore(file);
  engine.place([{ outlet: "hook", shard: 0, from: 0, end: 100 }]);
  engine.bury(letter, 1000);
  engine.bury({ ...letter, seq: 8 }, 1000);
  expect(engine.wanted("hook")).toBeUndefined();
  const operator = new OutletStore(file, true);
  expect([operator.want(99), operator.want(2)]).toEqual([0, 1]);
  expect(engine.wanted("hook")).toMatchObject({ id: 2, wanted: true });
  engine.failedAgain(2, "no again", 2000);
  expect(engine.wanted("hook")).toBeUndefined();
  expect(operator.letters()[1]).toMatchObject({ id: 2, attempts: 4, error: "no again", wanted: false });
  expect(operator.want("all")).toBe(2);
  for (const id of [1, 2]) {
    expect(engine.wanted("hook")?.id).toBe(id);
    engine.delivered(id);
  }
  expect(operator.letters()).toEqual([]);
  operator.close();
  engine.close();
});

test("a file that must exist is not made", () => {
  expect(() => new OutletStore(newFile(), true)).toThrow();
});
