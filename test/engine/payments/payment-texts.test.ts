/** Whatever a provider calls a payment, and whatever it says that it is for: the money is booked, once. */

import { describe, expect, test } from "vitest";
import { explainParams, paramsFit } from "../../../gateway/edge/params-check.js";
import { firstBad } from "../../support/audited.js";
import { place, shop } from "../../support/shop.js";
import { ledgerOf } from "../../support/transactions.js";

const texts = [
  "Rechnung 4711/2 danke",
  "NOTPROVIDED/77",
  "a+b=",
  "für Müller & Söhne",
  "订单 o1024，谢谢",
  "🫖".repeat(256),
  "👩‍👩‍👧‍👦 tea",
  "x".repeat(65),
  "x".repeat(256),
  " ",
  "two\nlines\r\n\ttabbed",
  "\u0000\u001b[31m\u007f\u2028\u202e",
  "e\u0301",
  "\u00e9",
  "Ã©",
  "\uffff\ufffd",
  "__proto__",
  "o1024 ",
  "O1024",
  "o01024",
  "p:q:r",
  "%2F..%2f",
  "'; DROP TABLE payments; --",
  '{"order":"o1024"}',
];

const notify = (paymentId: string, order: string, amount = "7.00") =>
  ({ method: "payment.notify", provider: "bank", paymentId, order, amount, currency: "CNY" }) as const;

const params = (paymentId: unknown, order: unknown) => {
  const { method: _, ...rest } = notify(paymentId as string, order as string);
  return paramsFit("payment.notify", rest) ? undefined : explainParams("payment.notify", rest);
};

test.each(["", "x".repeat(257), "🫖".repeat(257), "\ud83e", "x\udd56", 7, null])(
  "%j is not such a text",
  (wrong) => {
    expect(params(wrong, "o1")).toMatchObject({
      code: "invalid_request",
      details: { path: "params.paymentId" },
    });
    expect(params("p1", wrong)).toMatchObject({ code: "invalid_request", details: { path: "params.order" } });
  },
);

describe.each([1, 3])("over %i shards", (shards) => {
  test.each(texts)("a payment called, or said to be for, %j", (text) => {
    expect(params(text, text)).toBeUndefined();
    const engine = shop({ shards });
    const { order, total } = engine.ask(place("ann", "k", { tea: 1 })).result;
    const paid = engine.ask(notify(text, order, total));
    expect([paid.code, paid.result.outcome]).toEqual(["ok", "paid"]);
    const stray = engine.ask(notify("p2", text));
    expect([stray.code, stray.result.outcome, stray.result.order]).toEqual(["ok", "unmatched_payment", null]);
    const both = engine.ask({ ...notify(text, text), provider: "other" });
    expect([both.code, both.result.outcome]).toEqual(["ok", "unmatched_payment"]);

    for (const running of [engine, engine.restart()]) {
      expect(running.ask(notify(text, order, total))).toMatchObject({ result: paid.result, replayed: true });
      expect(running.ask({ ...notify(text, text), provider: "other" }).replayed).toBe(true);
      expect(running.ask(notify(text, text))).toMatchObject({ code: "key_reused" });
      expect(running.hashes()).toEqual(engine.hashes());
      expect(ledgerOf(running)["suspense:CNY"]).toBe(1400);
      expect(firstBad(running)).toBeUndefined();
    }
  });
});

test("texts that differ name different payments, also where their bytes, sorted or cut, would be the same", () => {
  const engine = shop();
  for (const text of texts) expect(engine.ask(notify(text, "o1024")).replayed).toBe(false);
  for (const text of texts) expect(engine.ask(notify(text, "o1024")).replayed).toBe(true);
  const { books } = engine.shards[0]!;
  expect(books.afterSales.paymentSequence).toBe(texts.length);
  const subjects = [...books.human.open.values()].map(({ subject }) => subject);
  expect(subjects).toEqual(texts.map((text) => `bank:${text}`));
  expect(firstBad(engine)).toBeUndefined();
});

test("a line about it is one line, and moves nobody's cursor", () => {
  const engine = shop();
  engine.ask(notify("a\nitem h1 for a human: all is well\u001b[2J", "b\r\u2028c\u202e"));
  const [line] = engine.alerts;
  expect(line).toContain("bank:a\\u{a}item h1 for a human: all is well\\u{1b}[2J");
  expect(line).toContain("b\\u{d}\\u{2028}c\\u{202e}");
  expect(engine.alerts).toHaveLength(1);
});

test("a refund of such a payment goes back under the same name", () => {
  const name = "Überweisung 4711/2 🫖";
  const engine = shop();
  const { order, total } = engine.ask(place("ann", "k", { tea: 1 })).result;
  engine.ask(notify(name, order, total));
  const { refunds } = engine.ask({ method: "order.refund", key: "r", order, reason: "broken" }).result;
  expect(refunds).toMatchObject([{ provider: "bank", paymentId: name, amount: total }]);
  engine.ask({ method: "refund.report", refund: refunds[0].refund, outcome: "done" });
  expect(firstBad(engine)).toBeUndefined();
});
