import { expect, test } from "vitest";
import { keyedMethods } from "../../../actors/keyed-methods.js";
import { orderId } from "../../../actors/order-number.js";
import { methods, shardOf } from "../../../engine/loop/methods.js";
import type { Command, Method } from "../../../engine/seams/commands.js";

const names = Object.keys(methods) as Method[];

test("the numbers of keyed methods in the log are what they always were", () => {
  expect(Object.entries(keyedMethods)).toEqual([
    ["order.place", 1],
    ["order.pay", 2],
    ["order.cancel", 3],
    ["account.deposit", 4],
    ["account.withdraw", 5],
    ["product.restock", 6],
    ["order.advance", 7],
    ["order.refund", 8],
    ["payment.notify", 9],
    ["points.spend", 10],
    ["transaction.begin", 11],
    ["product.update", 20],
    ["product.adjust", 21],
    ["product.count", 22],
  ]);
});

test("each keyed method has its number in its row, and nothing else has one", () => {
  const numbered = names.flatMap((name) => (methods[name].key === undefined ? [] : [name]));
  expect([...numbered].sort()).toEqual(Object.keys(keyedMethods).sort());
  const numbers = numbered.map((name) => methods[name].key?.number);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test("what makes new things grows the books, and nothing else does", () => {
  expect(names.filter((name) => methods[name].grows)).toEqual([
    "order.place",
    "product.create",
    "account.open",
    "transaction.begin",
  ]);
});

test("nothing that grows the books is urgent: overload must not help it past what ends orders", () => {
  expect(names.filter((name) => methods[name].grows && methods[name].lane === "urgent")).toEqual([]);
});

const requester = { order() {}, result() {}, refused() {}, push() {}, flush() {} };
const envelope = { requester, id: 1, refuseAfter: 0 };

interface Named {
  readonly method: Method;
  readonly [param: string]: unknown;
}

function shardsOf(commands: readonly Named[]): number[] {
  return commands.map((command) => shardOf({ ...envelope, ...command } as unknown as Command, 7));
}

test("all that names one thing goes to one shard", () => {
  const order = orderId(123_456_789);
  const things: readonly (readonly Named[])[] = [
    [
      { method: "order.place", account: "ann" },
      { method: "account.get", account: "ann" },
      { method: "order.lookup", account: "ann" },
      { method: "feed.subscribe", topic: "account:ann" },
    ],
    [
      { method: "product.get", product: "tea" },
      { method: "product.restock", product: "tea" },
      { method: "feed.subscribe", topic: "product:tea" },
    ],
    [
      { method: "order.get", order },
      { method: "order.pay", order },
      { method: "order.refund", order },
    ],
  ];
  for (const together of things) expect(new Set(shardsOf(together)).size).toBe(1);
});

test("whatever is asked for goes to a shard that there is", () => {
  const odd: readonly Named[] = [
    { method: "order.get", order: "nothing" },
    { method: "refund.get", refund: "" },
    { method: "transaction.get", transaction: "t99999999999999999999" },
    { method: "human.get", item: "i1" },
    { method: "human.list", cursor: "9999.1" },
    { method: "human.list", cursor: "no cursor" },
    { method: "human.list" },
    { method: "feed.subscribe", topic: "shard:9999" },
    { method: "feed.unsubscribe", sub: Number.MAX_SAFE_INTEGER },
    { method: "payment.notify", provider: "p", paymentId: "1" },
    { method: "audit.run" },
    { method: "token.issue" },
  ];
  for (const shard of shardsOf(odd)) expect([0, 1, 2, 3, 4, 5, 6]).toContain(shard);
  expect(shardsOf([{ method: "feed.subscribe", topic: "shard:3" }])).toEqual([3]);
});
