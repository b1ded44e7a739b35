import { expect, test } from "vitest";
import { epochMs } from "../../support/engine.js";
import { place, product, shop, stockOf } from "../../support/shop.js";

// Of 3 shards, ann lives on 1, ben on 2, mug2 on 1 and tea2 on 2: each crosses for one of them.
for (const [shards, limitedId] of [
  [1, "tea2"],
  [3, "tea2"],
  [3, "mug2"],
] as const) {
  const limited = () => {
    const engine = shop({ shards, settings: { graceMs: 0 } });
    engine.ask(product(limitedId, "1.00", { limitPerAccount: 3 }));
    return engine;
  };
  const take = (account: string, key: string, qty: number, more: Record<string, unknown> = {}) =>
    place(account, key, { [limitedId]: qty }, { payWithinMs: 60_000, ...more });

  test(`a limit counts what is held and what is bought, for each account (${limitedId}, ${shards} shards)`, () => {
    const engine = limited();
    expect(engine.ask(take("ann", "k1", 2)).code).toBe("ok");
    expect(engine.ask(take("ann", "k2", 2))).toMatchObject({
      code: "limit_exceeded",
      details: { limit: 3, used: 2, requested: 2 },
    });
    expect(engine.ask(take("ann", "k3", 1, { pay: "balance", payWithinMs: undefined })).code).toBe("ok");
    expect(engine.ask(take("ann", "k4", 1)).details).toMatchObject({ used: 3, requested: 1 });
    expect(engine.ask(take("ben", "k1", 3)).code).toBe("ok");
  });

  test.each(["cancel", "expire"])(
    `a limit is given back on %s, and not on pay (${limitedId}, ${shards} shards)`,
    (how) => {
      const engine = limited();
      const paid = engine.ask(take("ann", "k1", 1)).result.order;
      engine.ask({ method: "order.pay", order: paid, key: "pay" });
      const { order } = engine.ask(take("ann", "k2", 2)).result;
      expect(engine.ask(take("ann", "k3", 1)).code).toBe("limit_exceeded");
      if (how === "cancel") engine.ask({ method: "order.cancel", order, key: "cancel" });
      else engine.pass(60_001);
      expect(engine.ask(take("ann", "k4", 3)).details).toMatchObject({ used: 1, requested: 3 });
      expect(engine.ask(take("ann", "k5", 2)).code).toBe("ok");
      expect(engine.restart().ask(take("ann", "k6", 1)).details).toMatchObject({ used: 3 });
    },
  );
}

test("the lines of one cart are counted together", () => {
  const engine = shop();
  engine.ask(product("pen", "1.00", { limitPerAccount: 3 }));
  const lines = [
    { product: "pen", qty: 2 },
    { product: "pen", qty: 2 },
  ];
  expect(engine.ask(place("ann", "k1", {}, { lines })).details).toMatchObject({ used: 0, requested: 4 });
});

const opens = epochMs + 1000;
const closes = epochMs + 5000;

test.each([
  [-1, "sale_not_started"],
  [0, "ok"],
  [1, "ok"],
])("%i ms from the start of the sale: %s", (ms, code) => {
  const engine = shop();
  engine.ask(product("pen", "1.00", { saleStartsAt: opens, saleEndsAt: closes }));
  engine.clock.micros = (opens + ms) * 1000;
  const answer = engine.ask(place("ann", "k1", { pen: 1 }));
  expect(answer.code).toBe(code);
  if (code !== "ok") expect(answer.details).toMatchObject({ startsAt: new Date(opens).toISOString() });
});

test.each([
  [-1, "ok"],
  [0, "sale_ended"],
  [1, "sale_ended"],
])("%i ms from the end of the sale: %s", (ms, code) => {
  const engine = shop();
  engine.ask(product("pen", "1.00", { saleStartsAt: opens, saleEndsAt: closes }));
  engine.clock.micros = (closes + ms) * 1000;
  expect(engine.ask(place("ann", "k1", { pen: 1 })).code).toBe(code);
});

test("what is held when the sale ends can still be paid, and what is given back is not sold any more", () => {
  const engine = shop();
  engine.ask(product("pen", "1.00", { saleEndsAt: closes }));
  const first = engine.ask(place("ann", "k1", { pen: 1 })).result.order;
  const second = engine.ask(place("ann", "k2", { pen: 1 })).result.order;
  engine.pass(closes - epochMs);
  expect(engine.ask({ method: "order.pay", order: first, key: "p" }).code).toBe("ok");
  expect(engine.ask({ method: "order.cancel", order: second, key: "c" }).code).toBe("ok");
  expect(stockOf(engine, "pen")).toEqual([9, 0, 1]);
  expect(engine.ask(place("ben", "k1", { pen: 1 })).code).toBe("sale_ended");
});
