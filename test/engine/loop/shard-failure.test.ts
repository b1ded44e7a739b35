import { expect, test } from "vitest";
import { ByteWriter } from "../../../actors/byte-writer.js";
import { writeFact, writeTurn } from "../../../actors/fact-codec.js";
import { type Fact, Facts } from "../../../actors/facts.js";
import { encodeFrame } from "../../../engine/links/channel.js";
import { Books } from "../../../engine/tables/books.js";
import { replay } from "../../../engine/tables/replay.js";
import { place, shop } from "../../support/shop.js";

test("SHARD-3: an exception in a turn stops the shard: nobody is answered any more, not even who asked before it", () => {
  const engine = shop();
  const shard = engine.shards[0]!;
  const { appended } = engine.journals[0]!;
  engine.submit({ method: "feed.subscribe", topic: "product:tea" });
  engine.settle();
  // Books that contradict themselves, as a defect or a flipped bit would leave them.
  shard.books.productByName.get("mug")!.held = -5;
  const ids = [
    engine.submit(place("ann", "k1", { tea: 1 })),
    engine.submit(place("ann", "k2", { mug: 1 })),
    engine.submit({ method: "account.get", account: "ann" }),
  ];
  expect(shard.step()).toBe(false);
  expect(shard.hasFailed).toBe(true);
  expect(String(engine.failures[0])).toMatch(/product mug/);
  ids.push(engine.submit({ method: "account.get", account: "ann" }));
  for (let n = 0; n < 3; n++) expect(shard.step()).toBe(false);
  expect(ids.map((id) => engine.answerTo(id))).toEqual([undefined, undefined, undefined, undefined]);
  expect(engine.pushes()).toEqual([]);
  expect(engine.failures).toHaveLength(1);
  expect(engine.journals[0]!.appended).toBe(appended);
});

test("the other shards go on without it", () => {
  const engine = shop({ shards: 3 });
  engine.shards[0]!.books.productByName.get("mug")!.held = -5;
  const crossing = engine.submit(place("ann", "k1", { mug: 1 }));
  expect(() => engine.settle()).toThrow(/product mug/);
  engine.failures.length = 0;
  expect(engine.ask(place("ann", "k2", { tea: 1 })).code).toBe("ok");
  expect(engine.answerTo(crossing)).toBeUndefined();
  expect(engine.shards.map((shard) => shard.hasFailed)).toEqual([true, false, false]);
});

test("a confirmation of a branch that was never held is a defect, and stops the shard", () => {
  const engine = shop({ shards: 3 });
  const confirm = Uint8Array.of(3, 1, 0);
  engine.shards[0]!.receive(encodeFrame({ sender: 1, ack: 0, first: 1, messages: [confirm] }));
  expect(() => engine.settle()).toThrow(/is to confirm: not_tried/);
});

function groupOf(first: number, facts: readonly Fact[]) {
  const to = new ByteWriter();
  writeTurn(1000, 0, to);
  for (const fact of facts) writeFact(fact, to);
  return { first, last: first + facts.length - 1, body: to.view() };
}

const named = (id: string): Fact => ({ type: Facts.accountNamed, id });

test("a log with a gap is not replayed", () => {
  const books = new Books();
  replay(books, groupOf(1, [named("a")]));
  expect(() => replay(books, groupOf(3, [named("c")]))).toThrow(/goes on at 3, the books end at 1/);
  expect(books.position).toBe(1);
});

test("a group that is known already is skipped, and one that is known in part is applied from there", () => {
  const books = new Books();
  replay(books, groupOf(1, [named("a"), named("b")]));
  replay(books, groupOf(1, [named("a"), named("b")]));
  replay(books, groupOf(2, [named("b"), named("c")]));
  expect(books.accounts.map((account) => account.id)).toEqual(["a", "b", "c"]);
});

test("a group that holds fewer facts than it says is not replayed", () => {
  expect(() => replay(new Books(), { ...groupOf(1, [named("a")]), last: 2 })).toThrow(/ends at 1/);
});

test("EVOLVE-2: a log that overdraws an account is not replayed", () => {
  const facts: Fact[] = [
    named("a"),
    { type: Facts.accountOpened, account: 0, currency: 0 },
    { type: Facts.accountWithdrawn, account: 0, amount: 1, ref: "r" },
  ];
  expect(() => replay(new Books(), groupOf(1, facts))).toThrow(/account a: available -1/);
});
