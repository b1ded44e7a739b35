import { expect, test } from "vitest";
import type { CommandParams, TestEngine } from "../../support/engine.js";
import { balanceOf, place, shop, stockOf } from "../../support/shop.js";

const statuses = ["Created", "Paid", "Paid by placing", "Canceled", "Expired"] as const;
const events = ["pay", "cancel", "expire", "place again"] as const;

/** An order of one tea in the given status. */
function orderIn(
  engine: TestEngine,
  status: (typeof statuses)[number],
  cart: Record<string, number>,
): string {
  const pay = status === "Paid by placing" ? "balance" : "later";
  const { order } = engine.ask(
    place("ann", "place", cart, { pay, ...(pay === "later" ? { payWithinMs: 60_000 } : {}) }),
  ).result;
  if (status === "Paid") engine.ask({ method: "order.pay", order, key: "pay" });
  if (status === "Canceled") engine.ask({ method: "order.cancel", order, key: "cancel" });
  if (status === "Expired") engine.pass(100_000);
  return order;
}

/** What happens, and the order's status and version, the stock and the balance afterwards. Every cell of the table. */
const cells: Record<(typeof statuses)[number], Record<(typeof events)[number], readonly unknown[]>> = {
  Created: {
    pay: ["ok", "Paid", 2, [9, 0, 1], "90.01"],
    cancel: ["ok", "Canceled", 2, [10, 0, 0], "100.00"],
    expire: ["", "Canceled", 2, [10, 0, 0], "100.00"],
    "place again": ["ok", "Created", 1, [9, 1, 0], "100.00"],
  },
  Paid: {
    pay: ["invalid_transition", "Paid", 2, [9, 0, 1], "90.01"],
    cancel: ["invalid_transition", "Paid", 2, [9, 0, 1], "90.01"],
    expire: ["", "Paid", 2, [9, 0, 1], "90.01"],
    "place again": ["ok", "Paid", 2, [9, 0, 1], "90.01"],
  },
  "Paid by placing": {
    pay: ["invalid_transition", "Paid", 1, [9, 0, 1], "90.01"],
    cancel: ["invalid_transition", "Paid", 1, [9, 0, 1], "90.01"],
    expire: ["", "Paid", 1, [9, 0, 1], "90.01"],
    "place again": ["ok", "Paid", 1, [9, 0, 1], "90.01"],
  },
  Canceled: {
    pay: ["invalid_transition", "Canceled", 2, [10, 0, 0], "100.00"],
    cancel: ["invalid_transition", "Canceled", 2, [10, 0, 0], "100.00"],
    expire: ["", "Canceled", 2, [10, 0, 0], "100.00"],
    "place again": ["ok", "Canceled", 2, [10, 0, 0], "100.00"],
  },
  Expired: {
    pay: ["invalid_transition", "Canceled", 2, [10, 0, 0], "100.00"],
    cancel: ["invalid_transition", "Canceled", 2, [10, 0, 0], "100.00"],
    expire: ["", "Canceled", 2, [10, 0, 0], "100.00"],
    "place again": ["ok", "Canceled", 2, [10, 0, 0], "100.00"],
  },
};

const nextIn: Record<string, readonly string[]> = {
  Created: ["pay", "cancel"],
  Paid: ["pack", "refund"],
  Canceled: [],
};

// ann and tea share a shard of three; ben and tea do not.
for (const [shards, account] of [
  [1, "ann"],
  [3, "ann"],
  [3, "ben"],
] as const) {
  for (const status of statuses) {
    test.each(events)(`${status}, %s (${account} of ${shards})`, (event) => {
      const engine = shop({ shards });
      const asAccount = (params: CommandParams) => ({ ...params, ...(params.account ? { account } : {}) });
      const own = { ...engine, ask: (params: CommandParams) => engine.ask(asAccount(params)) };
      const order = orderIn(own, status, { tea: 1 });
      const [code, after, version, stock, balance] = cells[status][event];
      if (event === "pay" || event === "cancel") {
        const answer = own.ask({ method: `order.${event}`, order, key: "new" });
        expect(answer.code).toBe(code);
        if (code === "ok") expect(answer.result).toMatchObject({ status: after, version });
        else expect(answer.details).toEqual({ from: after, event, allowed: nextIn[after as string] });
      } else if (event === "expire") engine.pass(200_000);
      else {
        const pay = status === "Paid by placing" ? "balance" : "later";
        const again = own.ask(
          place("ann", "place", { tea: 1 }, { pay, ...(pay === "later" ? { payWithinMs: 60_000 } : {}) }),
        );
        expect(again).toMatchObject({ code, replayed: true, result: { order } });
      }
      const next = nextIn[after as string];
      expect(own.ask({ method: "order.get", order }).result).toMatchObject({ status: after, version, next });
      expect(stockOf(engine, "tea")).toEqual(stock);
      expect(balanceOf(engine, account)).toBe(balance);
      expect(engine.restart().hashes()).toEqual(engine.hashes());
    });
  }
}

const hour = 3_600_000;

for (const graceMs of [0, 2000]) {
  // The turns of an engine tick by microseconds, so the last millisecond is the deadline itself.
  test.each([
    [-1, "ok", "Paid"],
    [0, "invalid_transition", "Canceled"],
    [1, "invalid_transition", "Canceled"],
  ])(`paid %i ms from the deadline and a grace of ${graceMs} ms: %s`, (ms, code, status) => {
    for (const shards of [1, 3]) {
      for (const account of ["ann", "ben"]) {
        const engine = shop({ shards, settings: { graceMs } });
        const start = engine.clock.micros;
        const { order } = engine.ask(place(account, "k1", { tea: 1 }, { payWithinMs: hour })).result;
        engine.clock.micros = start + (hour + graceMs + ms) * 1000;
        expect(engine.ask({ method: "order.pay", order, key: "k2" }).code).toBe(code);
        engine.settle();
        expect(engine.ask({ method: "order.get", order }).result.status).toBe(status);
        expect(stockOf(engine, "tea")).toEqual(status === "Paid" ? [9, 0, 1] : [10, 0, 0]);
      }
    }
  });

  test.each([-1, 0, 1])(
    `SHARD-5: nobody sees the hold %i ms from the deadline and a grace of ${graceMs} ms`,
    (ms) => {
      const engine = shop({ settings: { graceMs } });
      const start = engine.clock.micros;
      engine.ask(place("ann", "k1", { tea: 10 }, { payWithinMs: hour }));
      engine.clock.micros = start + (hour + graceMs + ms) * 1000;
      const other = engine.ask(place("ben", "k1", { tea: 1 }, { pay: "balance" }));
      expect(other.code).toBe(ms < 0 ? "insufficient_stock" : "ok");
    },
  );
}

test("the buyer is told the deadline without the grace", () => {
  const engine = shop({ settings: { graceMs: 5000, payWithinMs: 60_000 } });
  expect(engine.ask(place("ann", "k1", { tea: 1 })).result.payBy).toBe("2026-01-01T00:01:00.000Z");
});

test("a timer that fires on an order that moved on changes nothing", () => {
  const engine = shop();
  for (const event of ["pay", "cancel"] as const) {
    const { order } = engine.ask(place("ann", event, { tea: 1 }, { payWithinMs: 1000 })).result;
    engine.ask({ method: `order.${event}`, order, key: `${event} it` });
  }
  const { position } = engine.shards[0]!.books;
  engine.pass(hour);
  expect(engine.shards[0]!.books.position).toBe(position);
});

test("SHARD-4: a clock that jumps back does not move the engine's time, and its orders still expire", () => {
  const engine = shop({ settings: { graceMs: 0 } });
  const first = engine.ask(place("ann", "k1", { tea: 1 }, { payWithinMs: 10_000 })).result;
  engine.clock.micros -= hour * 1000;
  const second = engine.ask(place("ann", "k2", { tea: 1 }, { payWithinMs: 10_000 })).result;
  expect(second.createdAt >= first.createdAt).toBe(true);
  engine.clock.micros += hour * 1000;
  engine.pass(10_001);
  expect(stockOf(engine, "tea")).toEqual([10, 0, 0]);
});

test("pay without enough money takes nothing and sells nothing, and may be tried again under a new key", () => {
  const engine = shop();
  engine.ask({ method: "account.withdraw", account: "ann", amount: "95.00", ref: "w" });
  const { order } = engine.ask(place("ann", "k1", { tea: 1 })).result;
  expect(engine.ask({ method: "order.pay", order, key: "k2" })).toMatchObject({
    code: "insufficient_funds",
    details: { available: "5.00", due: "9.99" },
  });
  expect([balanceOf(engine, "ann"), stockOf(engine, "tea")]).toEqual(["5.00", [9, 1, 0]]);
  engine.ask({ method: "account.deposit", account: "ann", amount: "10.00", ref: "d" });
  expect(engine.ask({ method: "order.pay", order, key: "k3" }).code).toBe("ok");
  expect(balanceOf(engine, "ann")).toBe("5.01");
});

test("10,000 holds that expire in the same millisecond, while orders go on", () => {
  const holds = 10_000;
  const each = 500;
  const engine = shop({ settings: { graceMs: 0 } });
  engine.ask({ method: "product.restock", product: "tea", qty: holds - 10 });
  const dueAt = Math.floor(engine.clock.micros / 1000) + hour;
  for (let n = 0; n < holds; n++) {
    // A turn is a microsecond: so many fit into a millisecond, and each of them has a millisecond less to pay.
    if (n % each === 0) engine.pass(1);
    const payWithinMs = dueAt - Math.floor(engine.clock.micros / 1000);
    engine.submit(place("ann", `h${n}`, { tea: 1 }, { payWithinMs }));
    if (n % each === each - 1) engine.settle();
  }
  const deadlines = new Set<number>();
  engine.shards[0]!.books.orders.each((order) => deadlines.add(order.dueAt));
  expect([...deadlines]).toEqual([dueAt]);
  engine.clock.micros = (dueAt - 1) * 1000;
  expect(stockOf(engine, "tea")).toEqual([0, holds, 0]);
  engine.clock.micros = dueAt * 1000;
  const waiting = [engine.submit(place("ben", "k1", { tea: 3 }, { pay: "balance" }))];
  waiting.push(engine.submit(place("ben", "k2", { tea: 1 })));
  engine.settle();
  expect(waiting.map((id) => engine.answerTo(id)!.code)).toEqual(["ok", "ok"]);
  expect(stockOf(engine, "tea")).toEqual([holds - 4, 1, 3]);
  // Of two, one is to be paid and one to be packed.
  expect(engine.shards[0]!.books.liveOrders).toBe(2);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("holds of exactly the same millisecond expire in the order of their placement", () => {
  const engine = shop({ settings: { graceMs: 0 } });
  const { sub } = engine.ask({ method: "feed.subscribe", topic: "product:tea" }).result;
  const placed = Array.from({ length: 10 }, (_, n) =>
    engine.submit(place("ann", `k${n}`, { tea: 1 }, { payWithinMs: hour })),
  );
  engine.settle();
  const orders = placed.map((id) => engine.answerTo(id)!.result.order);
  engine.pass(hour + 1);
  const released = engine.pushes().filter((push) => push.sub === sub && push.type === "product.released");
  expect(released.map((push) => push.data.order)).toEqual(orders);
  expect(new Set(released.map((push) => push.time)).size).toBe(1);
});
