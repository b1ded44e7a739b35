/**
 * Ten years of orders, day by day on a clock that jumps: what is over leaves the memory, and nothing of it happens again.
 * Fewer orders are fewer a day, never fewer days.
 */

import { expect, test } from "vitest";
import { orderSequence, parseOrderId } from "../../../actors/order-number.js";
import { Shard } from "../../../engine/loop/shard.js";
import type { Command } from "../../../engine/seams/commands.js";
import { keysDroppedPerStep } from "../../../engine/seams/limits.js";
import type { OrderView, Requester } from "../../../engine/seams/requester.js";
import { defaultSettings } from "../../../engine/seams/settings.js";
import { Books } from "../../../engine/tables/books.js";
import type { Group, Journal } from "../../../persistence/log/journal.js";
import { advanceParams, day, notifyParams, refundParams } from "../../support/after-sale.js";
import { type CommandParams, epochMs, inStep } from "../../support/engine.js";
import { ordersInTenYears } from "../../support/scale.js";
import { place, product } from "../../support/shop.js";

const days = 3650;
const ordersADay = Math.ceil(ordersInTenYears / days);
/** A window of seven days, a day for the keys, and the day itself. */
const daysKept = 9;
const movesOfAnOrder = 4;

/** A log that keeps nothing: ten years of it would be what fills the memory. */
function forgetfulJournal(): Journal {
  const journal = {
    appended: 0,
    bytesAppended: 0,
    syncs: 0,
    onDurable: (_position: number) => {},
    get durable() {
      return journal.appended;
    },
    append(group: Group) {
      journal.appended = group.last;
      journal.bytesAppended += group.body.length;
      journal.onDurable(group.last);
    },
    read: () => [],
    close: () => {},
  };
  return journal;
}

type Seen = { code: string; replayed: boolean; order?: OrderView; result?: Record<string, unknown> };

function yearsShard() {
  const clock = { micros: epochMs * 1000, nowMicros: () => clock.micros, ...inStep };
  const outside: Command[] = [];
  const shard = new Shard({
    shard: 0,
    shards: 1,
    books: new Books(),
    journal: forgetfulJournal(),
    clock,
    bus: { send: () => {}, listen: () => {} },
    settings: defaultSettings,
    outside: (command, _shard, _position, done) => {
      outside.push(command);
      done({
        order: (command as { order?: string }).order,
        account: "ann",
        status: "Completed",
        from: "outside",
      });
    },
    wake: () => {},
    failed: (error) => {
      throw error;
    },
  });
  let seen: Seen[] = [];
  const requester: Requester = {
    order: (_id, order, replayed) => void seen.push({ code: "ok", replayed, order }),
    result: (_id, result, replayed) =>
      void seen.push({ code: "ok", replayed, result: result as Record<string, unknown> }),
    refused: (_id, { code }, replayed) => void seen.push({ code, replayed }),
    push: () => {},
    flush: () => {},
  };
  /** Asks all of it, and gives the answers in order. */
  const ask = (requests: readonly CommandParams[]): Seen[] => {
    seen = [];
    for (const params of requests)
      shard.submit({ requester, id: 0, refuseAfter: 0, ...params } as unknown as Command);
    while (shard.step());
    return seen;
  };
  return { shard, clock, outside, ask };
}

test("ten years of orders: what is over is not in memory, and the oldest that may still move are", () => {
  const { shard, clock, outside, ask } = yearsShard();
  const { books } = shard;
  ask([
    { method: "account.open", account: "ann", currency: "CNY" },
    { method: "account.deposit", account: "ann", amount: "1000000000.00", ref: "start" },
    product("tea", "9.99", { stock: 1_000_000_000 }),
  ]);
  const request = (on: number, n: number) =>
    place("ann", `d${on}-${n}`, { tea: 1 }, { pay: "balance", at: epochMs + on * day });
  /** The first order of each of the last days. */
  const firsts: string[] = [];
  const most = { orders: 0, keys: 0, timers: 0, bytes: 0, afterSales: 0 };
  for (let on = 0; on < days; on++) {
    clock.micros = (epochMs + on * day) * 1000;
    // A step drops a bounded number of keys; a loop that runs has many of them in a day.
    for (let steps = 0; steps <= books.keys.count / keysDroppedPerStep + 1; steps++) shard.step();
    const placed: string[] = [];
    for (let from = 0; from < ordersADay; from += 4000) {
      const some = Math.min(4000, ordersADay - from);
      const answers = ask(Array.from({ length: some }, (_, n) => request(on, from + n)));
      for (const { order } of answers) placed.push(order!.order);
    }
    for (let from = 0; from < placed.length; from += 1000) {
      const some = placed.slice(from, from + 1000);
      for (const event of ["pack", "ship", "confirm"]) {
        const answers = ask(
          some.map((order, n) => advanceParams(order, event, { key: `${event}${on}-${from + n}` })),
        );
        if (answers.some(({ code }) => code !== "ok"))
          throw new Error(`day ${on}: ${JSON.stringify(answers[0])}`);
      }
    }
    firsts.push(placed[0]!);
    most.orders = Math.max(most.orders, books.orders.count);
    most.keys = Math.max(most.keys, books.keys.count);
    most.timers = Math.max(most.timers, books.timers.size);
    most.bytes = Math.max(most.bytes, books.orders.bytes);
    most.afterSales = Math.max(
      most.afterSales,
      books.afterSales.byOrder.size + books.afterSales.refunds.size,
    );
    if (on % 365 === 364) {
      tryOldOnes(on);
    }
  }

  function tryOldOnes(on: number): void {
    const archived = firsts[on - 30]!;
    const young = firsts[on - 6]!;
    expect(books.orders.has(parseOrderId(archived)!)).toBe(false);
    expect(books.orders.wasDropped(parseOrderId(archived)!)).toBe(true);
    // Within its window an order is refunded like on its first day.
    expect(ask([refundParams(young, { amount: "9.99", key: `refund${on}` })])[0]!.result).toMatchObject({
      refunds: [{ state: "done", amount: "9.99" }],
    });
    // A retry that comes a month late does not run again.
    const next = books.orders.nextSequence;
    expect(ask([request(on - 30, 0)])[0]).toMatchObject({ code: "key_too_old", replayed: false });
    expect(books.orders.nextSequence).toBe(next);
    // The read side remembers what the engine does not.
    outside.length = 0;
    expect(ask([{ method: "order.get", order: archived }])[0]!.result).toMatchObject({ from: "outside" });
    expect(ask([refundParams(archived, { key: `late${on}`, at: epochMs + on * day })])[0]!.code).toBe(
      "invalid_transition",
    );
    expect(outside.map(({ method }) => method)).toEqual(["order.get", "order.get"]);
    expect(ask([notifyParams(archived, "9.99", { paymentId: `late${on}` })])[0]!.result).toMatchObject({
      outcome: "late_payment",
      money: "refunded",
      order: null,
    });
  }

  expect(orderSequence(parseOrderId(firsts.at(-1)!)!)).toBeGreaterThan((days - 2) * ordersADay);
  expect(most.orders).toBeLessThanOrEqual(daysKept * ordersADay);
  expect(most.keys).toBeLessThanOrEqual(daysKept * ordersADay * movesOfAnOrder + 10);
  // An order confirmed early leaves the timer of its own confirmation, which finds nothing to do after seven days; and it has
  // the one of its window, then of its archive. Both are there for a day more than the order, at the most.
  expect(most.timers).toBeLessThanOrEqual(2 * (daysKept + 1) * ordersADay);
  // Ten late refunds a decade that nobody reported are all that is left over.
  expect(most.afterSales).toBeLessThanOrEqual(10 + 3 * 10);
  // `rows` ROWS-2: never more than sixteen times what is there, and a chunk of orders and one of lines.
  const row = 8 * 16 + 2;
  const line = 8 * 3 + 2;
  expect(most.bytes).toBeLessThanOrEqual(16 * daysKept * ordersADay * (row + line) + 8192 * 8 * (16 + 3));
}, 3_600_000);
