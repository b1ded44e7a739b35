/** Three shards, transactions of programs, payments from another shard and late ones, as the engine itself writes them into its logs. */

import { readFacts } from "../../actors/fact-codec.js";
import type { Fact } from "../../actors/facts.js";
import type { TestEngine } from "../support/engine.js";
import { place, product, shop } from "../support/shop.js";
import { begin, call, lost, no, ok, pay, saga, tcc, tea, world } from "../support/transactions.js";
import type { Turn } from "./trading-log.js";

const minute = 60_000;

/** Gifts that are done, refused and stuck until a human says so; trips that are confirmed and canceled. */
export function transactionStory(): Turn[][] {
  let answers = 0;
  const outside = world({
    "gift/wrap:do": () => (answers++ === 0 ? lost : ok),
    "gift/wrap:undo": () => ok,
    "bad/wrap:do": () => no,
    "bad/wrap:undo": () => ok,
    "stuck/wrap:do": () => lost,
    "stuck/wrap:undo": () => lost,
    "trip/seat:try": () => ok,
    "trip/seat:confirm": () => ok,
    "trip/seat:cancel": () => ok,
    "full/seat:try": () => no,
    "full/seat:cancel": () => ok,
  });
  const plans = {
    gift: saga(tea(), pay(), call("wrap")),
    bad: saga(tea(), pay(), call("wrap")),
    stuck: saga(tea(1), pay("1.00"), call("wrap")),
    trip: tcc(tea(1), pay("5.00"), call("seat")),
    full: tcc(tea(1), pay("5.00"), call("seat")),
    greedy: tcc(tea(100), pay("5.00")),
  };
  const plan = (name: string) => plans[name as keyof typeof plans];
  const engine = shop({
    shards: 3,
    outCalls: outside.outCalls,
    plan,
    settings: { latePayment: "reinstate" },
  });
  for (const name of ["gift", "bad", "trip", "full", "greedy"]) {
    const id = engine.submit({ ...begin(name), key: name });
    for (let tries = 0; tries < 20 && !engine.answerTo(id); tries++) engine.pass(200);
  }
  engine.submit({ ...begin("stuck"), key: "stuck" });
  for (let minutes = 0; minutes < 20; minutes++) engine.pass(minute);
  for (const { item } of engine.shards.flatMap((_, shard) => itemsOf(engine, shard))) {
    engine.ask({ method: "human.resolve", item, action: "retry", reason: "once more" });
    engine.ask({ method: "human.resolve", item, action: "write_off", reason: "it is gone" });
  }
  payFromOutside(engine);
  payTooLate(engine);
  for (let minutes = 0; minutes < 20; minutes++) engine.pass(minute);
  // A day later nobody needs the fences any more.
  for (let hours = 0; hours < 30; hours++) engine.pass(60 * minute);
  engine.ask({ method: "account.get", account: "ann" });
  engine.ask({ method: "account.get", account: "ben" });
  engine.ask({ method: "product.get", product: "mug" });
  return engine.journals.map((journal) => turnsOf(journal.read(1)));
}

function itemsOf(engine: TestEngine, shard: number): { item: string }[] {
  return engine.ask({ method: "human.list", cursor: `${shard}.0` }).result.items;
}

/** Enough names that some order lives on another shard than its payment. */
function payFromOutside(engine: TestEngine): void {
  for (const paymentId of ["p1", "p2", "p3", "p4"]) {
    const { order } = engine.ask(place("ann", paymentId, { mug: 1 }, { payWithinMs: 60_000 })).result ?? {};
    if (order === undefined) break;
    const word = { provider: "alipay", paymentId, order, amount: "25.00", currency: "CNY" };
    engine.ask({ method: "payment.notify", ...word });
  }
}

/** Two canceled orders for the last cap, and the money for both comes late: one gets it after all. */
function payTooLate(engine: TestEngine): void {
  engine.ask(product("cap", "5.00", { stock: 1 }));
  engine.ask({ method: "product.restock", product: "tea", qty: 10 });
  const orders = ["late-1", "late-2"].map((key) => {
    const { order } = engine.ask(place("ben", key, { tea: 1, cap: 1 })).result;
    engine.ask({ method: "order.cancel", key: `${key}:cancel`, order });
    return order as string;
  });
  for (const [index, order] of orders.entries()) {
    const word = { provider: "alipay", paymentId: `late-${index}`, order, amount: "14.99", currency: "CNY" };
    engine.ask({ method: "payment.notify", ...word });
  }
}

function turnsOf(groups: Iterable<{ body: Uint8Array; first: number }>): Turn[] {
  const turns: { time: number; facts: Fact[] }[] = [];
  for (const { body, first } of groups) {
    readFacts(body, first, (fact, time) => {
      const last = turns.at(-1);
      if (last?.time === time) last.facts.push(fact);
      else turns.push({ time, facts: [fact] });
    });
  }
  return turns;
}
