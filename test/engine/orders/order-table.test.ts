/** The state machine through the engine: an order in every status, and everything that can be asked of it there. */

import { describe, expect, test } from "vitest";
import type { OrderEvent, Status } from "../../../actors/order-transitions.js";
import { Statuses } from "../../../actors/order-transitions.js";
import {
  advance,
  annsTea,
  type Buyer,
  cancel,
  day,
  notify,
  orderIn,
  orderOf,
  pay,
  refund,
  report,
  type Seen,
  seen,
} from "../../support/after-sale.js";
import type { Answer, TestEngine } from "../../support/engine.js";
import { cells, freeCells } from "../../support/order-cells.js";
import { shop } from "../../support/shop.js";

/** ann and tea share a shard of three; ben and tea do not, nor ann and mug. */
const places: readonly (readonly [string, number, Buyer])[] = [
  ["one shard", 1, annsTea],
  ["one of three shards", 3, annsTea],
  ["across three shards", 3, { account: "ben", cart: { tea: 1, mug: 1 } }],
];

interface Request {
  /** As a caller calls it: this is what `next` names. */
  readonly asked: string;
  readonly event: OrderEvent;
  readonly ask: (engine: TestEngine, order: string) => Answer;
}

const advancing = ["pack", "ship", "dispatch", "deliver", "confirm", "dispute"] as const;

const requests: readonly Request[] = [
  { asked: "pay", event: "pay", ask: pay },
  { asked: "cancel", event: "cancel", ask: cancel },
  { asked: "refund", event: "refund", ask: (engine, order) => refund(engine, order, { amount: "0.50" }) },
  ...advancing.map((event) => ({
    asked: event,
    event,
    ask: (engine: TestEngine, order: string) => advance(engine, order, event),
  })),
  ...(["keep", "refund"] as const).map((resolution) => ({
    asked: "resolve",
    event: `resolve_${resolution}` as const,
    ask: (engine: TestEngine, order: string) => advance(engine, order, "resolve", { resolution }),
  })),
];

/**
 * Where an accepted request leaves an order of `orderIn`. Money that goes back to a wallet is there in the same turn, so such
 * a refund is over when it is answered; one that goes outside is not.
 */
function landing(from: Seen, event: OrderEvent): Status {
  const to = cells[from][event]!;
  if (event === "resolve_refund") return "Refunded";
  if (event === "refund") return from === "Refunding" ? "Refunding" : from;
  return to === "back" ? "Shipped" : to;
}

/** What an order and everything around it come to. */
function everything(engine: TestEngine, order: string): unknown[] {
  return [
    orderOf(engine, order),
    ...["tea", "mug"].map((product) => engine.ask({ method: "product.get", product }).result),
    ...["ann", "ben"].map((account) => engine.ask({ method: "account.get", account }).result),
    engine.ask({ method: "human.list" }).result.items,
  ];
}

describe.each(places)("%s", (_, shards, buyer) => {
  for (const from of seen) {
    test.each(requests)(`${from} and $event`, ({ asked, event, ask }) => {
      const engine = shop({ shards });
      const order = orderIn(engine, from, buyer);
      const before = everything(engine, order);
      const { status, version, next } = orderOf(engine, order);
      expect(status).toBe(from);

      const answer = ask(engine, order);
      const allowed = cells[from][event] !== undefined && !freeCells.has(`${from} ${event}`);
      expect(next.includes(asked)).toBe(allowed);
      if (allowed) {
        expect(answer.code).toBe("ok");
        const after = orderOf(engine, order);
        expect(after.status).toBe(landing(from, event));
        expect(after.version).toBeGreaterThan(version);
        expect(answer.result.order.status ?? answer.result.status).toBe(after.status);
        expect(engine.restart().hashes()).toEqual(engine.hashes());
      } else {
        expect(answer).toMatchObject({ code: "invalid_transition" });
        expect(answer.details).toEqual({ from, event: asked, allowed: next });
        expect(everything(engine, order)).toEqual(before);
      }
    });

    test(`${from} and an order.advance of a version that is not its own: version_mismatch, before its status is looked at`, () => {
      const engine = shop({ shards });
      const order = orderIn(engine, from, buyer);
      const before = everything(engine, order);
      const { version } = orderOf(engine, order);
      for (const { ask } of advancing.map((event) => ({
        ask: (wrong: number) => advance(engine, order, event, { version: wrong }),
      }))) {
        expect(ask(version + 1)).toMatchObject({ code: "version_mismatch", details: { version } });
      }
      expect(refund(engine, order, { version: version - 1 }).code).toBe("version_mismatch");
      expect(everything(engine, order)).toEqual(before);
    });

    /** Outcome and status afterwards of the sum that the order costs, once more. */
    const paidOnceMore: Record<Seen, readonly [string, string, Status]> = {
      Created: ["paid", "applied", "Paid"],
      Paid: ["duplicate_payment", "refunded", "Paid"],
      Packing: ["duplicate_payment", "refunded", "Packing"],
      Shipped: ["duplicate_payment", "refunded", "Shipped"],
      Shipping: ["duplicate_payment", "refunded", "Shipping"],
      Delivered: ["duplicate_payment", "refunded", "Delivered"],
      Completed: ["duplicate_payment", "refunded", "Completed"],
      Canceled: ["late_payment", "refunded", "Canceled"],
      Refunding: ["late_payment", "refunded", "Refunding"],
      Refunded: ["late_payment", "refunded", "Refunded"],
      Disputed: ["duplicate_payment", "refunded", "Disputed"],
    };

    test(`${from} and payment.notify`, () => {
      const engine = shop({ shards });
      const order = orderIn(engine, from, buyer);
      const { total, version, amountPaid } = orderOf(engine, order);
      const [outcome, money, status] = paidOnceMore[from];
      const { result } = notify(engine, order, total);
      expect(result).toMatchObject({ outcome, money, order: { order, status } });
      const after = orderOf(engine, order);
      expect(after).toMatchObject({ status, version: from === "Created" ? version + 1 : version });
      expect(after.amountPaid).toBe(from === "Created" ? total : amountPaid);
      expect(result.refund === null).toBe(money === "applied");
      if (result.refund) expect(report(engine, result.refund, "done").result.state).toBe("done");
      expect(orderOf(engine, order)).toEqual(after);
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    });

    test(`${from}, and time: only what is due by itself moves it`, () => {
      const engine = shop({ shards });
      const order = orderIn(engine, from, buyer);
      engine.pass(8 * day);
      const moved: Partial<Record<Seen, Status>> = {
        Created: "Canceled",
        Shipped: "Completed",
        Shipping: "Completed",
        Delivered: "Completed",
      };
      const books = engine.shards
        .map((shard) => shard.books)
        .find(({ orders }) => orders.has(numberOf(order)));
      // What is over is in the archive by now.
      if (!books) expect(["Canceled", "Refunded", "Created", "Completed"]).toContain(from);
      else expect(books.orders.status(numberOf(order))).toBe(Statuses[moved[from] ?? from]);
    });
  }

  test("after its window a completed order moves no more, and next says so", () => {
    const engine = shop({ shards });
    const order = orderIn(engine, "Completed", buyer);
    engine.pass(7 * day - 1);
    expect(orderOf(engine, order).next).toEqual(["refund", "dispute"]);
    engine.pass(1);
    expect(orderOf(engine, order)).toMatchObject({ status: "Completed", next: [] });
    for (const { asked, ask } of requests) {
      const details = { from: "Completed", event: asked, allowed: [] };
      expect(ask(engine, order)).toMatchObject({ code: "invalid_transition", details });
    }
  });
});

test("a free order has units to give back: it is offered that it is canceled, and refunded", () => {
  const engine = shop();
  engine.ask({ method: "product.reprice", product: "tea", price: "0" });
  const order = orderIn(engine, "Paid");
  expect(orderOf(engine, order).next).toEqual(["cancel", "pack", "refund"]);
  expect(refund(engine, order).code).toBe("ok");
  expect(orderOf(engine, order)).toMatchObject({ status: "Refunded", next: [] });
});

test("ship without a tracking number and resolve without a resolution are malformed, and use no key", () => {
  const engine = shop();
  const order = orderIn(engine, "Packing");
  const ship = { key: "k", tracking: undefined };
  expect(advance(engine, order, "ship", ship)).toMatchObject({
    code: "invalid_request",
    details: { path: "params.tracking" },
  });
  expect(advance(engine, order, "ship", { key: "k" }).code).toBe("ok");
  advance(engine, order, "dispute");
  const { code, details } = advance(engine, order, "resolve");
  expect([code, details?.path]).toEqual(["invalid_request", "params.resolution"]);
});

/** [from, what leads into the dispute, what is left of its time] */
test.each([
  ["Shipped", 7 * day],
  ["Shipping", 7 * day],
  ["Delivered", 7 * day],
  ["Completed", 7 * day],
] as const)("a dispute of an order in %s stops its time, and keep goes on where it stood", (from, rest) => {
  const engine = shop();
  const order = orderIn(engine, from);
  engine.pass(2 * day);
  advance(engine, order, "dispute");
  engine.pass(100 * day);
  const kept = advance(engine, order, "resolve", { resolution: "keep" });
  expect(kept.result.status).toBe(from);
  engine.pass(rest - 2 * day - 1000);
  expect(orderOf(engine, order)).toMatchObject({ status: from });
  expect(orderOf(engine, order).next).toContain("dispute");
  engine.pass(1000);
  const over = from === "Completed" ? { next: [] } : { status: "Completed", next: ["refund", "dispute"] };
  expect(orderOf(engine, order)).toMatchObject(over);
});

test("a refund that ends during a dispute closes when the dispute does, whichever way that goes", () => {
  for (const outcome of ["done", "refused"] as const) {
    for (const amount of ["9.99", undefined]) {
      for (const resolution of ["keep", "refund"] as const) {
        const engine = shop();
        const order = orderIn(engine, "Created", { account: "ann", cart: { tea: 1 } });
        notify(engine, order, "9.99");
        for (const event of ["pack", "ship"]) advance(engine, order, event);
        const { refunds } = refund(engine, order, { amount }).result;
        expect(advance(engine, order, "dispute").result.status).toBe("Disputed");
        report(engine, refunds[0].refund, outcome);
        expect(orderOf(engine, order).status).toBe("Disputed");
        const resolved = advance(engine, order, "resolve", { resolution });
        for (const { refund: id } of resolved.result.refunds ?? []) report(engine, id, "done");
        const gone = outcome === "done" || resolution === "refund";
        expect(orderOf(engine, order)).toMatchObject({
          status: gone ? "Refunded" : "Shipped",
          amountRefunded: gone ? "9.99" : "0.00",
        });
        expect(engine.restart().hashes()).toEqual(engine.hashes());
      }
    }
  }
});

test("the time to confirm goes on during a refund: one that is refused after seven days completes the order at once", () => {
  const engine = shop();
  const order = orderIn(engine, "Created");
  notify(engine, order, "19.98");
  for (const event of ["pack", "ship"]) advance(engine, order, event);
  const { refunds } = refund(engine, order).result;
  engine.pass(8 * day);
  expect(orderOf(engine, order).status).toBe("Refunding");
  report(engine, refunds[0].refund, "refused");
  expect(orderOf(engine, order).status).toBe("Completed");
  expect(orderOf(engine, order).next).toEqual(["refund", "dispute"]);
});

function numberOf(order: string): number {
  return Number(order.slice(1));
}
