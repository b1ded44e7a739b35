/** What one connection can make the feed do. */

import { expect, test } from "vitest";
import { Feed } from "../../../engine/links/feed.js";
import {
  connectionSubscriptionsMax,
  feedReplayBytesPerStep,
  feedReplayPushesPerStep,
  topicSubscriptionsMax,
} from "../../../engine/seams/limits.js";
import type { Requester } from "../../../engine/seams/requester.js";
import type { Books } from "../../../engine/tables/books.js";
import type { Group } from "../../../persistence/log/journal.js";
import type { TestEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";

/** A shop whose log has some thousand facts, in groups of one order. */
function busyShop(orders: number): TestEngine {
  const engine = shop();
  engine.ask({ method: "product.restock", product: "tea", qty: orders });
  for (let n = 0; n < orders; n++) engine.ask(place("ann", `k${n}`, { tea: 1 }));
  return engine;
}

interface Listener extends Requester {
  readonly seen: Map<number, number[]>;
}

function listener(owner: object = {}): Listener {
  const seen = new Map<number, number[]>();
  const nothing = () => {};
  return {
    ...{ owner, seen, order: nothing, result: nothing, refused: nothing, flush: nothing },
    push(sub, seq) {
      const before = seen.get(sub);
      if (before) before.push(seq);
      else seen.set(sub, [seq]);
    },
  };
}

/** One step for late subscribers of a feed beside the engine's; what it read and gave. */
function step(feed: Feed, engine: TestEngine): { reads: number; bytes: number } {
  const { books } = engine.shards[0]!;
  const done = { reads: 0, bytes: 0 };
  const read = function* (from: number): Iterable<Group> {
    done.reads++;
    for (const group of engine.journals[0]!.read(from)) {
      done.bytes += group.body.length;
      yield group;
    }
  };
  feed.catchUp(books as Books, read, () => {});
  return done;
}

const given = (...listeners: Listener[]) =>
  listeners.reduce((sum, { seen }) => sum + [...seen.values()].reduce((n, seqs) => n + seqs.length, 0), 0);

test("FEED-4: a thousand late subscriptions of one topic cost one reading of the log", () => {
  const engine = busyShop(1500);
  const { position } = engine.shards[0]!.books;
  const feed = new Feed();
  const rude = listener();
  for (let n = 0; n < 1000; n++) feed.subscribe(rude, `product:none-${n % 125}`, 1, position, 0, 1);
  let bytes = 0;
  while (feed.isBehind) {
    const done = step(feed, engine);
    expect(done.bytes).toBeLessThan(feedReplayBytesPerStep + 1024);
    bytes += done.bytes;
  }
  const all = [...engine.journals[0]!.read(1)].reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThan(all * 1.2);
});

test("FEED-4: so does one that begins at a thousand different places", () => {
  const engine = busyShop(1500);
  const { position } = engine.shards[0]!.books;
  const feed = new Feed();
  const rude = listener();
  const subs = Array.from({ length: 1000 }, (_, n) => [
    n + 1,
    feed.subscribe(rude, "product:tea", n + 1, position, 0, 1),
  ]);
  let bytes = 0;
  while (feed.isBehind) bytes += step(feed, engine).bytes;
  const all = [...engine.journals[0]!.read(1)].reduce((sum, { body }) => sum + body.length, 0);
  expect(bytes).toBeLessThan(all * 30);
  const whole = rude.seen.get(subs[0]![1]!)!;
  for (const [from, sub] of subs) expect(rude.seen.get(sub!)).toEqual(whole.filter((seq) => seq >= from!));
});

test("FEED-4: a step gives a bounded number of events, and none is lost or doubled at its end", () => {
  const engine = busyShop(400);
  const { position } = engine.shards[0]!.books;
  const feed = new Feed();
  const crowd = Array.from({ length: 50 }, () => listener());
  for (const one of crowd) feed.subscribe(one, "shard:0", 1, position, 0, 1);
  for (let before = 0; feed.isBehind; before = given(...crowd)) {
    step(feed, engine);
    expect(given(...crowd) - before).toBeLessThan(feedReplayPushesPerStep + crowd.length);
  }
  const [first] = [...crowd[0]!.seen.values()];
  expect(new Set(first).size).toBe(first!.length);
  for (const one of crowd) expect([...one.seen.values()]).toEqual([first]);
});

test("FEED-4: who resumes near the end is live soon, whatever others read from the beginning", () => {
  const engine = busyShop(4000);
  const { position } = engine.shards[0]!.books;
  const feed = new Feed();
  const rude = Array.from({ length: 5 }, () => listener());
  for (const [n, one] of rude.entries()) feed.subscribe(one, "shard:0", n * 40 + 1, position, 0, 1);
  step(feed, engine);
  const polite = listener();
  feed.subscribe(polite, "product:tea", position - 2, position, 0, 1);
  for (let n = 0; n < rude.length + 1; n++) step(feed, engine);
  expect(given(polite)).toBeGreaterThan(0);
  expect(feed.isBehind).toBe(true);
});

test("FEED-5: what a connection may have of a topic, and of all, is bounded; another connection is not touched by it", () => {
  const engine = shop();
  const subscribe = (topic: string) => engine.ask({ method: "feed.subscribe", topic });
  for (let n = 0; n < topicSubscriptionsMax; n++) expect(subscribe("shard:0").code).toBe("ok");
  expect(subscribe("shard:0")).toMatchObject({ code: "overloaded", details: { topicSubscriptionsMax } });
  for (let n = topicSubscriptionsMax; n < connectionSubscriptionsMax; n++) {
    expect(subscribe(`product:${n}`).code).toBe("ok");
  }
  expect(subscribe("product:one-more")).toMatchObject({
    code: "overloaded",
    details: { connectionSubscriptionsMax },
  });
  const { feed } = engine.shards[0]!;
  expect(feed.boundOf(listener(), "shard:0")).toBeUndefined();
  engine.shards[0]!.forget(engine.requesters[0]!);
  expect(feed.size).toBe(0);
  expect(subscribe("shard:0").code).toBe("ok");
});

test("FEED-5: a hang-up costs as much as the connection had, wherever its subscriptions stood", () => {
  const feed = new Feed();
  const owners = Array.from({ length: 60 }, () => listener());
  for (const one of owners) {
    for (let n = 0; n < 1000; n++)
      feed.subscribe(one, `product:${n}`, n % 2 === 0 ? 1 + (n % 7) : 11, 10, 0, 1);
  }
  const began = performance.now();
  for (const one of owners) feed.forget(one);
  expect(performance.now() - began).toBeLessThan(1000);
  expect([feed.size, feed.isBehind]).toEqual([0, false]);
});
