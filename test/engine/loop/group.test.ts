import { expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { type Fact, Facts } from "../../../actors/facts.js";
import { GroupWriter } from "../../../engine/loop/group.js";
import type { Group } from "../../../persistence/log/journal.js";
import { testEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";

const named = (id: string): Fact => ({ type: Facts.accountNamed, id });

function read({ body, first }: Group): [string, number, number][] {
  const facts: [string, number, number][] = [];
  readFacts(body, first, (fact, time, position) =>
    facts.push([(fact as unknown as { id: string }).id, time, position]),
  );
  return facts;
}

test("GROUP-1: the turns of a group are read in the order in which they ran, each with its time; an empty one leaves no trace", () => {
  const writer = new GroupWriter(7);
  const groups: [string, number, number][][] = [];
  writer.beginTurn(100);
  writer.add(named("a"));
  writer.add(named("b"));
  writer.beginTurn(200);
  writer.beginTurn(300);
  writer.add(named("c"));
  writer.seal((group) => groups.push(read(group)));
  writer.beginTurn(400);
  writer.add(named("d"));
  writer.seal((group) => groups.push(read(group)));
  expect(groups).toEqual([
    [
      ["a", 100, 8],
      ["b", 100, 9],
      ["c", 300, 10],
    ],
    [["d", 400, 11]],
  ]);
});

test("GROUP-2: a group that the journal did not take is still in the buffer", () => {
  const writer = new GroupWriter(0);
  writer.beginTurn(100);
  writer.add(named("a"));
  const full = () => {
    throw new Error("disk full");
  };
  expect(() => writer.seal(full)).toThrow("disk full");
  writer.seal((group) => expect(read(group)).toEqual([["a", 100, 1]]));
});

test("GROUP-1, TURN-2: no turn is cut in two, however full a group is", () => {
  const engine = shop();
  engine.ask({ method: "product.restock", product: "tea", qty: 3000 });
  const placed = Array.from({ length: 3000 }, (_, n) => engine.submit(place("ann", `k${n}`, { tea: 1 })));
  engine.settle();
  const { groups } = engine.shards[0]!.counters;
  const reason = "x".repeat(500);
  for (const [n, id] of placed.entries()) {
    const { order } = engine.answerTo(id)!.result;
    engine.submit({ method: "order.cancel", order, key: `c${n}`, reason });
  }
  engine.settle();
  expect(engine.shards[0]!.counters.groups).toBeGreaterThan(groups + 1);
  for (const journal of engine.journals) {
    const seen = new Set<number>();
    for (const { body, first } of journal.read(1)) {
      const times = new Set<number>();
      readFacts(body, first, (_fact, time) => times.add(time));
      for (const time of times) expect(seen.has(time)).toBe(false);
      for (const time of times) seen.add(time);
    }
  }
});

test("SHARD-6: a jump of the clock is in the log before the fact that follows it", () => {
  const time = { wall: 1_767_225_600_000, steady: 0 };
  const source = { wallMs: () => time.wall, steadyMs: () => time.steady, resolutionMs: 0 };
  const engine = testEngine({ time: source });
  engine.ask({ method: "account.open", account: "ann", currency: "CNY" });
  time.wall += 7_200_000;
  time.steady += 10;
  engine.ask({ method: "account.deposit", account: "ann", amount: "1.00", ref: "r" });
  const types: number[] = [];
  for (const { body, first } of engine.journals[0]!.read(1))
    readFacts(body, first, ({ type }) => types.push(type));
  expect(types.slice(types.indexOf(Facts.clockJumped), -1)).toEqual([
    Facts.clockJumped,
    Facts.accountDeposited,
  ]);
  const { jumpedMs } = engine.shards[0]!.books;
  expect(jumpedMs).toBeGreaterThan(7_100_000);
  expect(engine.restart().shards[0]!.books.jumpedMs).toBe(jumpedMs);
});
