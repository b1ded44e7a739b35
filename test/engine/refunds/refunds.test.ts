/** Refunds: in any pieces to exactly what was paid; to providers who answer, refuse, or are silent; and to humans. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFacts } from "../../../actors/fact-codec.js";
import { type Fact, Facts } from "../../../actors/facts.js";
import {
  advance,
  type Buyer,
  cancel,
  day,
  fresh,
  held,
  humanItems,
  notify,
  orderOf,
  paid,
  pay,
  refund,
  refundParams,
  report,
  reportParams,
  resolve,
} from "../../support/after-sale.js";
import type { Answer, TestEngine } from "../../support/engine.js";
import { onItsWay, standing } from "../../support/ledger-of.js";
import { providers } from "../../support/providers.js";
import { balanceOf, product, shop, stockOf } from "../../support/shop.js";

function factsOf(engine: TestEngine): Fact[] {
  const facts: Fact[] = [];
  for (const journal of engine.journals)
    for (const group of journal.read(1)) readFacts(group.body, group.first, (fact) => void facts.push(fact));
  return facts;
}

/** Prices that divide badly. */
function oddShop(options: Parameters<typeof shop>[0] = {}): TestEngine {
  const engine = shop(options);
  engine.ask(product("pen", "0.07", { stock: 100 }));
  engine.ask(product("hat", "3.33", { stock: 100 }));
  engine.ask(product("gift", "0", { stock: 100 }));
  return engine;
}

const cart = { tea: 2, pen: 7, hat: 3 };
const total = "30.46";
const threeLines: Buyer = { account: "ann", cart };

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first, i) =>
    permutations(items.filter((_, j) => j !== i)).map((rest) => [first, ...rest]),
  );
}

/** Answers every refund that a request asked for. */
function settleAll(engine: TestEngine, answer: Answer, outcome = "done"): void {
  for (const each of answer.result.refunds)
    if (each.state === "requested") report(engine, each.refund, outcome);
}

const ways = [
  ["from the wallet", (engine: TestEngine) => paid(engine, threeLines)],
  [
    "from outside",
    (engine: TestEngine) => {
      const order = held(engine, threeLines);
      notify(engine, order, total);
      return order;
    },
  ],
  [
    "by two providers and the wallet",
    (engine: TestEngine) => {
      const order = held(engine, threeLines);
      notify(engine, order, "10.01");
      notify(engine, order, "0.99", { provider: "wechat" });
      pay(engine, order);
      return order;
    },
  ],
] as const;

describe.each(ways)("an order of three lines, paid %s", (_, place) => {
  for (const shards of [1, 3]) {
    test.each(
      permutations(Object.entries(cart)).map((lines) => [lines.map(([id]) => id).join(", "), lines] as const),
    )(`refunded line by line, %s: all of it comes back (${shards} shards)`, (_name, lines) => {
      const engine = oddShop({ shards });
      const order = place(engine);
      for (const [n, [id, qty]] of lines.entries()) {
        const answer = refund(engine, order, { lines: [{ product: id, qty }], restock: true });
        expect(answer.code).toBe("ok");
        settleAll(engine, answer);
        expect(orderOf(engine, order).status).toBe(n === 2 ? "Refunded" : "Paid");
      }
      expect(orderOf(engine, order)).toMatchObject({ amountRefunded: total, next: [] });
      expect(balanceOf(engine, "ann")).toBe("100.00");
      expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
      expect(stockOf(engine, "pen")).toEqual([100, 0, 0]);
      expect(standing(engine, "order:", "clearing:", ...onItsWay)).toEqual({});
      expect(refund(engine, order).code).toBe("invalid_transition");
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    });
  }

  test("ORDER-4, AFTER-SALES-3: in any pieces, by lines, by amount and the rest: exactly what was paid, and never more", () => {
    const piece = fc.oneof(
      fc.record({
        amount: fc
          .integer({ min: 1, max: 900 })
          .map((fen) => `${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`),
      }),
      fc.record({
        lines: fc.array(
          fc.record({ product: fc.constantFrom("tea", "pen", "hat"), qty: fc.integer({ min: 1, max: 4 }) }),
          { minLength: 1, maxLength: 3 },
        ),
      }),
      fc.constant({}),
    );
    const pieces = fc.array(fc.record({ piece, restock: fc.boolean() }), { maxLength: 15 });
    fc.assert(
      fc.property(pieces, fc.constantFrom(1, 3), (run, shards) => {
        const engine = oddShop({ shards });
        const order = place(engine);
        let sum = 0;
        const take = (answer: Answer) => {
          settleAll(engine, answer);
          for (const { amount } of answer.result.refunds) sum += fenOf(amount);
          expect(fenOf(orderOf(engine, order).amountRefunded)).toBe(sum);
          expect(sum).toBeLessThanOrEqual(fenOf(total));
        };
        for (const { piece: asked, restock } of run) {
          const answer = refund(engine, order, { ...asked, restock: restock && !("amount" in asked) });
          const before = sum;
          if (answer.code === "ok") {
            take(answer);
            if ("amount" in asked) expect(sum - before).toBe(fenOf(asked.amount));
          } else
            expect(["refund_exceeds_remaining", "line_qty_exceeds", "invalid_transition"]).toContain(
              answer.code,
            );
        }
        const rest = refund(engine, order);
        if (rest.code === "ok") take(rest);
        else expect(rest.code).toBe("invalid_transition");
        expect(sum).toBe(fenOf(total));
        expect(orderOf(engine, order).status).toBe("Refunded");
        expect(balanceOf(engine, "ann")).toBe("100.00");
        expect(standing(engine, "order:", "clearing:", ...onItsWay)).toEqual({});
      }),
      { numRuns: 60 },
    );
  });

  test("ORDER-4: with one cent left it is not refunded, and with none it is", () => {
    const engine = oddShop();
    const order = place(engine);
    settleAll(engine, refund(engine, order, { amount: "30.45" }));
    expect(orderOf(engine, order)).toMatchObject({ status: "Paid", amountRefunded: "30.45" });
    settleAll(engine, refund(engine, order, { amount: "0.01" }));
    expect(orderOf(engine, order)).toMatchObject({ status: "Refunded", amountRefunded: total });
  });

  test("several at once, with providers that answer done, refused or unknown in any order: never more than was paid", () => {
    const run = fc.record({
      asked: fc.array(fc.constantFrom("1.00", "7.77", "20.00", "30.46", "0.01"), {
        minLength: 2,
        maxLength: 6,
      }),
      said: fc.array(fc.tuple(fc.nat(20), fc.constantFrom("done", "refused", "unknown")), { maxLength: 25 }),
    });
    fc.assert(
      fc.property(run, ({ asked, said }) => {
        const engine = oddShop();
        const order = place(engine);
        const ids = asked.map((amount) => engine.submit(refundParams(order, { amount })));
        engine.settle();
        const refunds = ids.flatMap((id) => engine.answerTo(id)!.result?.refunds ?? []);
        const taken = refunds.reduce((sum, { amount }) => sum + fenOf(amount), 0);
        expect(taken).toBeLessThanOrEqual(fenOf(total));
        const outside = refunds.filter(({ to }) => to === "provider").map(({ refund: id }) => id as string);
        for (const [n, outcome] of outside.length === 0 ? [] : said) {
          engine.ask(reportParams(outside[n % outside.length]!, outcome));
          const { amountRefunded, status } = orderOf(engine, order);
          expect(fenOf(amountRefunded)).toBeLessThanOrEqual(fenOf(total));
          const open = outside.some((id) => ["requested", "unknown"].includes(stateOf(engine, id)));
          if (open) expect(status).toBe("Refunding");
          else expect(status).toBe(amountRefunded === total ? "Refunded" : "Paid");
        }
        for (const id of outside) engine.ask(reportParams(id, "done"));
        const rest = refund(engine, order);
        if (rest.code === "ok") settleAll(engine, rest);
        expect(orderOf(engine, order)).toMatchObject({ status: "Refunded", amountRefunded: total });
        expect(standing(engine, "order:", "clearing:", ...onItsWay)).toEqual({});
        expect(balanceOf(engine, "ann")).toBe("100.00");
        expect(engine.restart().hashes()).toEqual(engine.hashes());
      }),
      { numRuns: 60 },
    );
  });
});

test("an order with a part to the wallet and a part to a provider is in Refunding until both have ended", () => {
  const engine = oddShop();
  const order = held(engine, threeLines);
  notify(engine, order, "10.00");
  pay(engine, order);
  const { refunds, order: after } = refund(engine, order).result;
  expect(refunds.map(({ state }: { state: string }) => state)).toEqual(["done", "requested"]);
  expect(after.status).toBe("Refunding");
  expect(advance(engine, order, "pack").code).toBe("invalid_transition");
  report(engine, refunds[1].refund, "refused");
  expect(orderOf(engine, order)).toMatchObject({ status: "Paid", amountRefunded: "20.46" });
});

test("units that cost nothing come back with the money of their order, when that is back", () => {
  const engine = oddShop();
  const order = held(engine, { account: "ann", cart: { gift: 1, tea: 1 } });
  notify(engine, order, "9.99");
  const { refunds } = refund(engine, order, { restock: true }).result;
  expect(refunds).toMatchObject([{ amount: "9.99", to: "provider" }]);
  expect(stockOf(engine, "gift")).toEqual([99, 0, 1]);
  report(engine, refunds[0].refund, "done");
  expect(stockOf(engine, "gift")).toEqual([100, 0, 0]);
});

test("no provider is asked for 0.00: units that cost nothing, alone, come back at once", () => {
  const engine = oddShop();
  const order = held(engine, { account: "ann", cart: { gift: 2, tea: 1 } });
  notify(engine, order, "9.99");
  const gift = { lines: [{ product: "gift", qty: 1 }], restock: true };
  const { refunds, order: after } = refund(engine, order, gift).result;
  expect(refunds).toMatchObject([{ amount: "0.00", to: "wallet", state: "done" }]);
  expect([after.status, stockOf(engine, "gift")]).toEqual(["Paid", [99, 0, 1]]);
  // Nor does it end a refund of money that is still on its way.
  const money = refund(engine, order, { amount: "1.00" }).result.refunds[0].refund;
  expect(refund(engine, order, gift).result.order.status).toBe("Refunding");
  report(engine, money, "done");
  expect(orderOf(engine, order)).toMatchObject({ status: "Paid", amountRefunded: "1.00" });
  expect(stockOf(engine, "gift")).toEqual([100, 0, 0]);
});

// A provider that says nothing.

const alipay = "refund:alipay";

/** An order of one mug, paid from outside, with a refund of all of it on its way. */
function onTheWay(engine: TestEngine): { order: string; id: string } {
  const order = held(engine, { account: "ann", cart: { mug: 1 } });
  notify(engine, order, "25.00");
  return { order, id: refund(engine, order).result.refunds[0].refund };
}

test("CALLS-1, REFUNDS-1, REFUNDS-2: a provider that fails: the refund is unknown, asked again under the same id, and never a second refund", () => {
  const outCalls = providers([alipay], { how: "failed", error: "timeout" });
  const engine = shop({ outCalls });
  const { order, id } = onTheWay(engine);
  expect(stateOf(engine, id)).toBe("unknown");
  expect(refund(engine, order).code).toBe("refund_exceeds_remaining");
  for (let n = 0; n < 30; n++) engine.pass(10_000);
  expect(outCalls.asked.length).toBeGreaterThanOrEqual(10);
  expect(new Set(outCalls.asked.map(({ call }) => call.call)).size).toBe(1);
  expect(new Set(outCalls.asked.map(({ call }) => JSON.parse(call.input).refund))).toEqual(new Set([id]));
  expect(new Set(outCalls.asked.map(({ call }) => call.attempt)).size).toBe(outCalls.asked.length);
  expect(factsOf(engine).filter(({ type }) => type === Facts.refundRequested).length).toBe(1);
  expect(humanItems(engine)).toMatchObject([{ kind: "refund", subject: id, amount: "25.00" }]);
  expect(orderOf(engine, order).status).toBe("Refunding");
  // It knows at last, and what it did first counts.
  outCalls.asked[0]!.report({ how: "done", text: '{"ref":"A-1"}' });
  engine.settle();
  expect(engine.ask({ method: "refund.get", refund: id }).result).toMatchObject({
    state: "done",
    ref: "A-1",
  });
  expect([humanItems(engine), standing(engine, ...onItsWay)]).toEqual([[], {}]);
  const { length } = outCalls.asked;
  engine.pass(day);
  expect(outCalls.asked.length).toBe(length);
});

test("after the tenth failure a human is told, not before", () => {
  const outCalls = providers([alipay]);
  const engine = shop({ outCalls });
  onTheWay(engine);
  for (let n = 1; n <= 10; n++) {
    expect(outCalls.asked.length).toBe(n);
    expect(humanItems(engine)).toEqual([]);
    outCalls.asked[n - 1]!.report({ how: "failed", error: `no answer ${n}` });
    engine.settle();
    if (n < 10) engine.pass(30_000);
  }
  expect(humanItems(engine)).toMatchObject([{ attempts: 10 }]);
  // An old attempt that fails once more is no news.
  const { position } = engine.shards[0]!.books;
  outCalls.asked[3]!.report({ how: "failed", error: "no answer 4" });
  engine.settle();
  expect(engine.shards[0]!.books.position).toBe(position);
});

test("a provider that nobody here can call: after 24 hours without a report a human is told", () => {
  const engine = shop();
  const { id } = onTheWay(engine);
  engine.pass(day - 1000);
  expect([stateOf(engine, id), humanItems(engine)]).toEqual(["requested", []]);
  engine.pass(1000);
  expect(humanItems(engine)).toMatchObject([{ kind: "refund", subject: id, amount: "25.00" }]);
  engine.pass(30 * day);
  expect(humanItems(engine).length).toBe(1);
  // It was done after all: nobody has to look any more.
  report(engine, id, "done");
  expect([humanItems(engine), standing(engine, ...onItsWay)]).toEqual([[], {}]);
});

/** Its last character is a pair of which one half is cut off; half a pair can also come by itself. */
const cutPair = `${"x".repeat(199)}😀😀`;
const kept = `${"x".repeat(199)}\ufffd`;

test("what is kept of a long answer or of a human's evidence is the same after a restart", () => {
  for (const text of [JSON.stringify({ ref: cutPair }), JSON.stringify(cutPair)]) {
    const engine = shop({ outCalls: providers([alipay], { how: "done", text }) });
    const { id } = onTheWay(engine);
    expect(engine.ask({ method: "refund.get", refund: id }).result.ref).toBe(kept);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  }
  const engine = shop();
  const { id } = onTheWay(engine);
  engine.pass(day);
  const evidence = { evidence: `${cutPair} is what it is called` };
  expect(resolve(engine, humanItems(engine)[0]!.item, "done", evidence).code).toBe("ok");
  expect(engine.ask({ method: "refund.get", refund: id }).result.ref).toBe(kept);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("why a call failed is kept as it is after a restart, whatever was thrown", () => {
  for (const error of [`${"x".repeat(499)}😀`, "half a \ud83d"]) {
    const engine = shop({ outCalls: providers([alipay], { how: "failed", error }) });
    onTheWay(engine);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  }
});

test("an open refund and its item survive a restart", () => {
  const engine = shop();
  const { id } = onTheWay(engine);
  engine.pass(day);
  const again = engine.restart();
  again.settle();
  expect(humanItems(again)).toMatchObject([{ subject: id }]);
  expect(report(again, id, "done").result.state).toBe("done");
});

test("a provider that refuses, where no order can keep the money: open, with an item, until somebody finds a way", () => {
  const engine = shop();
  const order = held(engine, { account: "ann", cart: { mug: 1 } });
  cancel(engine, order);
  const { refund: id } = notify(engine, order, "25.00").result;
  expect(report(engine, id, "refused").result.state).toBe("unknown");
  expect(humanItems(engine)).toMatchObject([{ kind: "refund", subject: id }]);
  expect(resolve(engine, humanItems(engine)[0]!.item, "undone").code).toBe("invalid_request");
  expect(standing(engine, ...onItsWay)).toEqual({ "payable:CNY": "25.00" });
});

// What a human does.

const actions = ["retry", "done", "undone", "entries", "write_off"] as const;

/** [what stands in wallets and at losses and clearing afterwards] */
const refundEnds: Record<(typeof actions)[number], Record<string, string>> = {
  retry: { "wallet:ann": "100.00" },
  done: { "wallet:ann": "100.00" },
  undone: { "wallet:ann": "100.00", "clearing:alipay:CNY": "-25.00", order: "25.00" },
  entries: { "wallet:ann": "125.00", "clearing:alipay:CNY": "-25.00" },
  write_off: { "wallet:ann": "100.00", "clearing:alipay:CNY": "-25.00", "loss:CNY": "25.00" },
};

test.each(actions)("a refund that nobody knows the end of, %s: nothing is left on its way", (action) => {
  const engine = shop();
  const { order, id } = onTheWay(engine);
  engine.pass(day);
  const [item] = humanItems(engine);
  expect(item!.actions).toEqual(actions);
  const entries = [{ from: "clearing:alipay", to: "wallet:ann", amount: "25.00" }];
  const answer = resolve(engine, item!.item, action, action === "entries" ? { entries } : {});
  expect(answer.code).toBe("ok");
  if (action === "retry") report(engine, id, "done");
  expect(humanItems(engine)).toEqual([]);
  expect(standing(engine, ...onItsWay)).toEqual({});
  const found = standing(engine, "wallet:ann", "clearing:", "loss:", "order:");
  const { [`order:${order}`]: kept, ...rest } = found;
  expect(kept === undefined ? rest : { ...rest, order: kept }).toEqual(refundEnds[action]);
  expect(orderOf(engine, order).status).toBe(action === "undone" ? "Paid" : "Refunded");
  // The same resolution again is the same answer; another one comes too late.
  expect(resolve(engine, item!.item, action, action === "entries" ? { entries } : {}).code).toBe("ok");
  expect(resolve(engine, item!.item, action === "done" ? "write_off" : "done").code).toBe(
    "invalid_transition",
  );
  expect(standing(engine, "wallet:ann", "clearing:", "loss:", "order:")).toEqual(found);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

const paymentEnds: Record<(typeof actions)[number], Record<string, string>> = {
  retry: { "wallet:ann": "100.00", "clearing:alipay:CNY": "-25.00", order: "25.00" },
  done: { "wallet:ann": "100.00" },
  undone: { "wallet:ann": "100.00" },
  entries: { "wallet:ann": "125.00", "clearing:alipay:CNY": "-25.00" },
  write_off: { "wallet:ann": "100.00", "clearing:alipay:CNY": "-25.00", "loss:CNY": "25.00" },
};

test.each(actions)("a payment of no order, %s: nothing is left on its way", (action) => {
  const engine = shop();
  const order = held(engine, { account: "ann", cart: { mug: 1 } });
  notify(engine, "typo", "25.00");
  expect(standing(engine, ...onItsWay)).toEqual({ "suspense:CNY": "25.00" });
  const [item] = humanItems(engine);
  expect(item!.actions).toEqual(actions);
  const more = {
    ...(action === "retry" ? { order } : {}),
    ...(action === "entries" ? { entries: [{ from: "suspense", to: "wallet:ann", amount: "25.00" }] } : {}),
  };
  if (action === "retry") expect(resolve(engine, item!.item, "retry").code).toBe("order_not_found");
  expect(resolve(engine, item!.item, action, more).code).toBe("ok");
  expect([humanItems(engine), standing(engine, ...onItsWay)]).toEqual([[], {}]);
  const found = standing(engine, "wallet:ann", "clearing:", "loss:", "order:");
  const { [`order:${order}`]: kept, ...rest } = found;
  expect(kept === undefined ? rest : { ...rest, order: kept }).toEqual(paymentEnds[action]);
  expect(orderOf(engine, order).status).toBe(action === "retry" ? "Paid" : "Created");
  expect(resolve(engine, item!.item, action, more).code).toBe("ok");
  expect(standing(engine, "wallet:ann", "clearing:", "loss:", "order:")).toEqual(found);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test.each([
  ["less than is at risk", [{ from: "suspense", to: "wallet:ann", amount: "24.99" }], "invalid_amount"],
  ["more than is at risk", [{ from: "suspense", to: "wallet:ann", amount: "25.01" }], "invalid_amount"],
  [
    "what is at risk, and somebody else's money",
    [
      { from: "suspense", to: "fees", amount: "25.00" },
      { from: "wallet:ben", to: "wallet:ann", amount: "1.00" },
    ],
    "invalid_amount",
  ],
  ["out of somewhere else", [{ from: "revenue", to: "wallet:ann", amount: "25.00" }], "invalid_amount"],
  [
    "to a wallet that is not there",
    [{ from: "suspense", to: "wallet:eve", amount: "25.00" }],
    "invalid_request",
  ],
  ["to an order", [{ from: "suspense", to: "order:o1024", amount: "25.00" }], "invalid_request"],
] as const)("entries by hand that move %s are refused, and nothing moves", (_, entries, code) => {
  const engine = shop();
  notify(engine, "typo", "25.00");
  const [item] = humanItems(engine);
  const { position } = engine.shards[0]!.books;
  expect(resolve(engine, item!.item, "entries", { entries }).code).toBe(code);
  expect(engine.shards[0]!.books.position).toBe(position);
});

test("a refund of an order across shards gives its units back to the products' shards once, whatever the bus does", () => {
  for (const carry of [
    (frames: never[]) => [...frames, ...frames],
    (frames: never[]) => [...frames].reverse(),
  ]) {
    const engine = shop({ shards: 3, carry: carry as never });
    const order = paid(engine, { account: "ben", cart: { tea: 2, mug: 1 } });
    refund(engine, order, { lines: [{ product: "tea", qty: 1 }], restock: true });
    engine.pass(1000);
    expect(stockOf(engine, "tea")).toEqual([9, 0, 1]);
    refund(engine, order, { restock: true });
    engine.pass(1000);
    expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
      [10, 0, 0],
      [2, 0, 0],
    ]);
  }
});

function stateOf(engine: TestEngine, id: string): string {
  return engine.ask({ method: "refund.get", refund: id }).result.state;
}

function fenOf(amount: string): number {
  return Number(amount.replace(".", ""));
}

test("the key of a refund is kept: the same request again refunds nothing", () => {
  const engine = shop();
  const order = paid(engine);
  const request = refundParams(order, { amount: "1.00", key: fresh() });
  const first = engine.ask(request);
  expect(engine.ask(request)).toEqual({ ...first, replayed: true });
  expect(engine.restart().ask(request)).toEqual({ ...first, replayed: true });
  expect(engine.ask({ ...request, amount: "2.00" }).code).toBe("key_reused");
  expect(orderOf(engine, order).amountRefunded).toBe("1.00");
});
