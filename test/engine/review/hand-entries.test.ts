/** Entries by hand are judged by what they bring and take on the whole (HAND-ENTRIES-1 to HAND-ENTRIES-3): their order decides nothing. */

import { expect, test } from "vitest";
import { firstBad } from "../../support/audited.js";
import { balanceOf, shop } from "../../support/shop.js";
import { call, lost, no, pay, saga, world } from "../../support/transactions.js";

type Entry = readonly [from: string, to: string, amount: string];

function strayPayment(amount = "7.00") {
  const engine = shop();
  const name = { provider: "alipay", paymentId: "p1", order: "o999424" };
  engine.ask({ method: "payment.notify", ...name, amount, currency: "CNY" });
  return engine;
}

/** A payment that came too late, and whose refund the provider does not do: its money is payable. */
function refusedRefund() {
  const engine = shop();
  const lines = [{ product: "tea", qty: 1 }];
  const { order } = engine.ask({
    method: "order.place",
    account: "ann",
    key: "k",
    lines,
    pay: "later",
    mode: "tcc",
  }).result;
  engine.ask({ method: "order.cancel", key: "c", order });
  const late = {
    method: "payment.notify",
    provider: "alipay",
    paymentId: "p1",
    order,
    amount: "7.00",
    currency: "CNY",
  } as const;
  const { refund } = engine.ask(late).result;
  engine.ask({ method: "refund.report", refund, outcome: "refused", ref: "no such card" });
  return engine;
}

/** A function outside that keeps failing to undo what is worth 7.00. */
function failingUndo() {
  const fates = {
    "gift/wrap:do": () => ({ how: "done", text: "1" }) as const,
    "gift/wrap:undo": () => lost,
    "gift/send:do": () => no,
  };
  const plan = saga(pay(), call("wrap", { amount: "7.00", currency: "CNY" }), call("send"));
  const engine = shop({ outCalls: world(fates).outCalls, plan: () => plan });
  engine.submit({ method: "transaction.begin", key: "t", account: "ann", name: "gift", wait: true });
  for (let n = 0; n < 40; n++) engine.pass(2000);
  return engine;
}

const cases: readonly (readonly [string, () => ReturnType<typeof shop>, readonly Entry[], string])[] = [
  ["of a payment, all of it", strayPayment, [["suspense", "revenue", "7.00"]], "ok"],
  [
    "of a payment, in parts",
    strayPayment,
    [
      ["suspense", "fees", "2.00"],
      ["suspense", "loss", "5.00"],
    ],
    "ok",
  ],
  [
    "of a payment, by way of an account without a floor",
    strayPayment,
    [
      ["suspense", "fees", "7.00"],
      ["fees", "loss", "2.00"],
    ],
    "ok",
  ],
  [
    "of a payment, more and a little back",
    strayPayment,
    [
      ["suspense", "revenue", "8.00"],
      ["revenue", "suspense", "1.00"],
    ],
    "invalid_amount",
  ],
  [
    "of a payment, much more and much back",
    strayPayment,
    [
      ["suspense", "loss", "107.00"],
      ["loss", "suspense", "100.00"],
    ],
    "invalid_amount",
  ],
  [
    "of a payment, through a wallet that has enough",
    strayPayment,
    [
      ["suspense", "wallet:ann", "7.00"],
      ["wallet:ann", "fees", "2.00"],
    ],
    "ok",
  ],
  [
    "of a payment, through a wallet that has less",
    () => withoutMoney(strayPayment()),
    [
      ["suspense", "wallet:ann", "7.00"],
      ["wallet:ann", "fees", "2.00"],
    ],
    "insufficient_funds",
  ],
  ["of a refund, all of it", refusedRefund, [["clearing:alipay", "loss", "7.00"]], "ok"],
  [
    "of a refund, to suspense, where nobody would ask for it",
    refusedRefund,
    [["clearing:alipay", "suspense", "7.00"]],
    "invalid_request",
  ],
  [
    "of a refund, by way of suspense",
    refusedRefund,
    [
      ["clearing:alipay", "suspense", "7.00"],
      ["suspense", "loss", "7.00"],
    ],
    "invalid_request",
  ],
  ["of a call, between accounts without a floor", failingUndo, [["loss", "clearing:wrapper", "7.00"]], "ok"],
  [
    "of a call, out of suspense, which has nothing of it",
    failingUndo,
    [["suspense", "clearing:wrapper", "7.00"]],
    "invalid_request",
  ],
  ["of a call, into suspense", failingUndo, [["loss", "suspense", "7.00"]], "invalid_request"],
];

function withoutMoney(engine: ReturnType<typeof shop>) {
  engine.ask({ method: "account.withdraw", account: "ann", amount: "100.00", ref: "all" });
  return engine;
}

test.each(cases)("%s: the same answer in either order, and the audit agrees", (_, begin, entries, code) => {
  for (const order of [entries, [...entries].reverse()]) {
    // Also with the money of others in suspense.
    for (const others of [false, true]) {
      const engine = begin();
      const { item } = engine.ask({ method: "human.list" }).result.items[0];
      const other = { provider: "wx", paymentId: "other", order: "none", amount: "500.00", currency: "CNY" };
      if (others) engine.ask({ method: "payment.notify", ...other });
      const booked = order.map(([from, to, amount]) => ({ from, to, amount }));
      const answer = engine.ask({
        method: "human.resolve",
        item,
        action: "entries",
        reason: "seen",
        entries: booked,
      });
      expect([answer.code, others]).toEqual([code, others]);
      expect(firstBad(engine)).toBeUndefined();
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    }
  }
});

test("what comes into a wallet must fit beside what it has, whatever leaves it with the same entries", () => {
  const engine = strayPayment("90071992547400.00");
  const { item } = engine.ask({ method: "human.list" }).result.items[0];
  const entries = [
    { from: "suspense", to: "wallet:ann", amount: "90071992547400.00" },
    { from: "wallet:ann", to: "fees", amount: "100.00" },
  ];
  for (const each of [entries, [...entries].reverse()]) {
    const answer = engine.ask({
      method: "human.resolve",
      item,
      action: "entries",
      reason: "seen",
      entries: each,
    });
    expect(answer.code).toBe("amount_overflow");
  }
  expect(balanceOf(engine, "ann")).toBe("100.00");
});
