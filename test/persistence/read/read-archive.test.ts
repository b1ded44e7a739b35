import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../../actors/byte-writer.js";
import { writeFact, writeTurn } from "../../../actors/fact-codec.js";
import { Facts } from "../../../actors/facts.js";
import { itemId, orderId, parseOrderId, refundId } from "../../../actors/order-number.js";
import { statuses } from "../../../actors/order-transitions.js";
import type { Command } from "../../../engine/seams/commands.js";
import type { Requester } from "../../../engine/seams/requester.js";
import { makeDeferredQueries } from "../../../gateway/host/deferred-queries.js";
import { memoryJournal } from "../../../persistence/log/memory-journal.js";
import type { ReadGroup } from "../../../persistence/read/read-model.js";
import type { ReadAnswers } from "../../../persistence/read/read-queries.js";
import { openReadSide } from "../../../persistence/read/read-side.js";
import { place, shop } from "../../support/shop.js";
import { afterSale, at, projected } from "../after-sale-log.js";
import { groupsOf, order } from "../trading-log.js";

describe("queries", () => {
  const { answers } = projected();

  test("the history tells every move after the payment, the automatic ones too", () => {
    const { moves } = answers.history({ order: orderId(order(1)) });
    expect(moves).toEqual([
      { version: 1, from: null, to: "Created", event: "place", time: at(5), key: "k1" },
      { version: 2, from: "Created", to: "Paid", event: "pay", time: at(6), key: "k2" },
      {
        version: 3,
        from: "Paid",
        to: "Packing",
        event: "pack",
        time: at(7),
        operator: "wei",
        remark: "fragile",
        key: "k3",
      },
      {
        version: 4,
        from: "Packing",
        to: "Shipped",
        event: "ship",
        time: at(8),
        operator: "wei",
        tracking: "SF-1",
        key: "k4",
      },
      { version: 5, from: "Shipped", to: "Shipping", event: "dispatch", time: at(9), key: "k5" },
      { version: 6, from: "Shipping", to: "Delivered", event: "deliver", time: at(10), key: "k6" },
      {
        version: 7,
        from: "Delivered",
        to: "Completed",
        event: "auto_confirm",
        time: at(11),
        operator: "engine",
      },
      {
        version: 8,
        from: "Completed",
        to: "Refunding",
        event: "refund",
        time: at(13),
        remark: "stale",
        key: "k7",
      },
      { version: 9, from: "Refunding", to: "Completed", event: "refund_ended", time: at(13), key: "k7" },
    ]);
  });

  test.each([
    [2, "pay", "Created", "Paid", "alipay:p2"],
    [4, "reinstate", "Canceled", "Paid", "alipay:p4"],
    [5, "resolve_keep", "Disputed", "Shipped", "k12"],
  ])(
    "order %i: %s from where it stood, with the key or the payment that moved it",
    (sequence, event, from, to, key) => {
      const { moves } = answers.history({ order: orderId(order(sequence)) });
      expect(moves).toContainEqual(expect.objectContaining({ event, from, to, key }));
    },
  );

  test("the statement has what moved the wallet, and no points", () => {
    const rows = (account: string) =>
      (answers.statement({ account }).entries as Record<string, string>[]).map((entry) => [
        entry.type,
        entry.amount,
        entry.available,
        entry.ref ?? entry.order,
      ]);
    expect(rows("alice")).toEqual([
      ["capture", "-10.00", "77.00", orderId(order(5))],
      ["refund_done", "10.00", "87.00", refundId(order(1))],
      ["capture", "-23.00", "77.00", orderId(order(1))],
      ["deposit", "100.00", "100.00", "d-alice"],
    ]);
    expect(rows("bob")).toEqual([
      ["entry", "5.00", "105.00", itemId(order(1))],
      ["deposit", "100.00", "100.00", "d-bob"],
    ]);
  });

  test("archived orders stand in the list among the others, and nothing can happen to them", () => {
    const all = answers.orders({ account: "alice" }).orders as {
      order: string;
      status: string;
      next: string[];
    }[];
    expect(all.map(({ order: id, status, next }) => [id, status, next])).toEqual([
      [orderId(order(7)), "Created", ["pay", "cancel"]],
      [orderId(order(6)), "Canceled", []],
      [orderId(order(5)), "Shipped", ["dispatch", "deliver", "confirm", "refund", "dispute"]],
      [orderId(order(1)), "Completed", []],
    ]);
    for (let limit = 1; limit <= 5; limit++) {
      const seen: object[] = [];
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = answers.orders({ account: "alice", limit, cursor });
        seen.push(...page.orders);
        cursor = page.cursor ?? undefined;
      }
      expect(seen).toEqual(all);
    }
    for (const status of statuses) {
      const { orders } = answers.orders({ account: "alice", status });
      expect(orders).toEqual(all.filter((each) => each.status === status));
    }
    for (const each of all) expect(answers.order({ order: each.order })).toEqual(each);
  });

  test("a refund is offered until everything was given back", () => {
    const next = (turns: number) =>
      (answersAfter(turns).order({ order: orderId(order(2)) }) as { next: string[] }).next;
    const answersAfter = (turns: number) => projected(groupsOf(afterSale().slice(0, turns))).answers;
    expect(next(17)).toContain("refund");
    expect(next(20)).toContain("refund");
    expect((answers.order({ order: orderId(order(1)) }) as { next: string[] }).next).not.toContain("refund");
  });

  test("refunds and payments are found by their numbers, and an order's refunds by the order", () => {
    const wallet = {
      refund: refundId(order(1)),
      order: orderId(order(1)),
      amount: "10.00",
      currency: "CNY",
      to: "wallet",
      provider: null,
      paymentId: null,
      state: "done",
      reason: "stale",
      restock: true,
      ref: null,
      lines: [{ product: "tea", qty: 1, amount: "10.00" }],
    };
    expect(answers.refund({ refund: refundId(order(1)) })).toEqual(wallet);
    expect(answers.refunds({ order: orderId(order(1)) })).toEqual({
      order: orderId(order(1)),
      refunds: [wallet],
    });
    expect(answers.refunds({ order: orderId(order(2)) }).refunds).toMatchObject([
      { state: "done", provider: "alipay", paymentId: "p2", ref: "ali-77", lines: [] },
      { state: "done", ref: "ali-78", lines: [{ product: "tea", qty: 1, amount: "6.00" }] },
      { state: "refused", ref: "card closed", lines: [{ product: "tea", qty: 0, amount: "4.00" }] },
    ]);
    expect(answers.payment({ provider: "alipay", paymentId: "p4" })).toEqual({
      provider: "alipay",
      paymentId: "p4",
      reference: orderId(order(4)),
      order: orderId(order(4)),
      amount: "3.00",
      applied: "3.00",
      currency: "CNY",
      outcome: "late_payment",
      money: "reinstated",
      time: at(27),
    });
  });

  test.each<[string, (answers: ReadAnswers) => object]>([
    ["order", (of) => of.order({ order: "o99999999" })],
    ["order", (of) => of.history({ order: "o99999999" })],
    ["order", (of) => of.refunds({ order: "o99999999" })],
    ["refund", (of) => of.refund({ refund: "r99999999" })],
    ["payment", (of) => of.payment({ provider: "alipay", paymentId: "p99" })],
  ])("what was never there is not found: %s", (what, ask) => {
    expect(() => ask(answers)).toThrow(`no such ${what}`);
  });
});

/** The log of an engine, and one more turn in which it archives these orders. */
function archived(groups: readonly ReadGroup[], orders: readonly string[]): ReadGroup[] {
  const writer = new ByteWriter();
  writeTurn(Date.UTC(2026, 5, 1) * 1000, 0, writer);
  for (const id of orders)
    writeFact({ type: Facts.orderArchived, order: parseOrderId(id)!, currency: 0, amount: 0 }, writer);
  const { last } = groups.at(-1)!;
  return [...groups, { first: last + 1, last: last + orders.length, body: writer.view().slice() }];
}

describe("an archived order", () => {
  const engine = shop();
  const canceled = engine.ask(place("ann", "k1", { tea: 2, mug: 1 })).result.order as string;
  engine.ask({ method: "order.cancel", key: "k2", order: canceled });
  const expired = engine.ask(place("ben", "k1", { tea: 1 })).result.order as string;
  engine.pass(3_600_000);
  const paid = engine.ask(place("ann", "k3", { mug: 1, tea: 3 }, { pay: "balance" })).result.order as string;
  const groups = archived([...engine.journals[0]!.read(1)], [canceled, expired, paid]);

  test("is read back byte for byte as the engine answered before it forgot it", () => {
    const { answers } = projected(groups);
    const [now, before] = [
      answers.order.bind(answers),
      (id: string) => engine.ask({ method: "order.get", order: id }),
    ];
    for (const id of [canceled, expired])
      expect(JSON.stringify(now({ order: id }))).toBe(JSON.stringify(before(id).result));
    expect(JSON.stringify(now({ order: paid }))).toBe(JSON.stringify({ ...before(paid).result, next: [] }));
    expect(answers.history({ order: canceled }).moves).toHaveLength(2);
  });

  test("is what the engine's edge answers with, and what never was is refused", async () => {
    const journal = memoryJournal();
    for (const group of groups) journal.append(group);
    const deferred = makeDeferredQueries(
      openReadSide({ memory: [{ shard: 0, journal }] }),
      () => {},
      1,
      () => Promise.resolve({}),
      () => 0,
    );
    const requester = {} as Requester;
    const ask = (params: object) =>
      new Promise((done) => {
        const command = { requester, refuseAfter: 0, ...params } as Command;
        deferred.ask(command, 0, groups.at(-1)!.last, done);
      });
    expect(await ask({ method: "order.get", order: canceled })).toMatchObject({
      order: canceled,
      status: "Canceled",
    });
    expect(await ask({ method: "order.get", order: "o99999999" })).toEqual({ code: "order_not_found" });
    expect(await ask({ method: "order.history", order: "o99999999" })).toEqual({ code: "order_not_found" });
    expect(await ask({ method: "refund.get", refund: "r99999999" })).toEqual({ code: "refund_not_found" });
  });
});
