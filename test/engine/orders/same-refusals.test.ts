import fc from "fast-check";
import { expect, test } from "vitest";
import { epochMs, type TestEngine, testEngine } from "../../support/engine.js";
import { place, product } from "../../support/shop.js";

/** Everything that can be wrong with a cart, on products of several shards. */
function troubledShop(shards: number): TestEngine {
  const engine = testEngine({ shards });
  for (const [account, amount] of [
    ["ann", "100.00"],
    ["ben", "0.01"],
  ]) {
    engine.ask({ method: "account.open", account, currency: "CNY" });
    engine.ask({ method: "account.deposit", account, amount, ref: "start" });
  }
  for (const n of [0, 1]) {
    engine.ask(product(`tea${n}`, "10.00"));
    engine.ask(product(`few${n}`, "10.00", { stock: 1 }));
    engine.ask(product(`one${n}`, "10.00", { limitPerAccount: 1 }));
    engine.ask(product(`soon${n}`, "10.00", { saleStartsAt: epochMs + 3_600_000 }));
    engine.ask(product(`over${n}`, "10.00", { saleEndsAt: epochMs + 60_000 }));
    engine.ask(product(`wein${n}`, "10.00", { currency: "EUR" }));
    engine.ask(product(`dear${n}`, "90071992547409.91"));
  }
  engine.pass(600_000);
  return engine;
}

const products = ["tea", "few", "one", "soon", "over", "wein", "dear", "nil"].flatMap((id) => [
  `${id}0`,
  `${id}1`,
]);

const carts = fc.record({
  account: fc.constantFrom("ann", "ann", "ben", "nobody"),
  cart: fc.dictionary(fc.constantFrom(...products), fc.constantFrom(1, 2, 20), { minKeys: 1, maxKeys: 4 }),
  pay: fc.constantFrom("later", "balance"),
  expectedTotal: fc.constantFrom(undefined, undefined, "20.00", "20", "1,0", "1.001", ""),
});

test("property: what stands against a cart is the same with one shard and with three, every failing line named", () => {
  fc.assert(
    fc.property(fc.array(carts, { minLength: 1, maxLength: 4 }), (asked) => {
      const [one, three] = [troubledShop(1), troubledShop(3)];
      for (const [n, { account, cart, ...more }] of asked.entries()) {
        const request = place(account, `k${n}`, cart, more);
        const dry = { ...request, key: `d${n}`, dryRun: true };
        const kept = [one.ask(dry), one.ask(request), one.ask(request)];
        const crossed = [three.ask(dry), three.ask(request), three.ask(request)];
        expect(crossed.map(({ code, details, replayed }) => ({ code, details, replayed }))).toEqual(
          kept.map(({ code, details, replayed }) => ({ code, details, replayed })),
        );
        expect(crossed[0]!.code).toBe(crossed[1]!.code);
      }
    }),
    { numRuns: 60 },
  );
});

test.each([1, 3])("no such account and no such product: the product comes first (%i shards)", (shards) => {
  const engine = troubledShop(shards);
  for (const more of [{}, { pay: "balance" }, { pay: "balance", mode: "saga" }, { dryRun: true }]) {
    const answer = engine.ask(
      place("nobody", JSON.stringify(more).length.toString(), { nil0: 1, tea1: 1 }, more),
    );
    expect(answer).toMatchObject({ code: "product_not_found", details: { lines: [{ product: "nil0" }] } });
  }
});
