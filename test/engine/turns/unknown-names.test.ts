/** What is asked of accounts, products and payments that do not exist leaves no memory behind, or a bounded one. */

import { expect, test } from "vitest";
import { accountsUnopenedMax } from "../../../engine/seams/limits.js";
import type { CommandParams, TestEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";

const counts = (engine: TestEngine) =>
  engine.shards.map(({ books }) => [
    books.position,
    books.accounts.length,
    books.products.length,
    books.refs.count,
    books.keys.count,
  ]);

const askedOfNobody: readonly ((n: number) => CommandParams)[] = [
  (n) => ({ method: "account.deposit", account: `nobody-${n}`, amount: "1", ref: `r${n}` }),
  (n) => ({ method: "account.withdraw", account: `nobody-${n}`, amount: "1", ref: `r${n}` }),
  (n) => ({ method: "points.spend", account: `nobody-${n}`, points: 1, ref: `r${n}` }),
  (n) => ({ method: "account.get", account: `nobody-${n}` }),
  (n) => ({ method: "account.statement", account: `nobody-${n}` }),
  (n) => ({ method: "order.list", account: `nobody-${n}` }),
  (n) => ({ method: "order.lookup", account: `nobody-${n}`, key: `k${n}` }),
  (n) => place(`nobody-${n}`, `k${n}`, { tea: 1 }, { dryRun: true }),
  (n) => ({ method: "product.restock", product: `nothing-${n}`, qty: 1, ref: `r${n}` }),
  (n) => ({ method: "product.reprice", product: `nothing-${n}`, price: "1" }),
  (n) => ({ method: "product.get", product: `nothing-${n}` }),
  (n) => ({ method: "order.get", order: `o${n}` }),
  (n) => ({ method: "order.history", order: `o${n}` }),
  (n) => ({ method: "order.pay", order: `o${n}`, key: `k${n}` }),
  (n) => ({ method: "order.cancel", order: `o${n}`, key: `k${n}` }),
  (n) => ({ method: "order.advance", order: `o${n}`, key: `k${n}`, event: "pack" }),
  (n) => ({ method: "order.refund", order: `o${n}`, key: `k${n}`, reason: "none" }),
  (n) => ({ method: "refund.get", refund: `r${n}` }),
  (n) => ({ method: "refund.report", refund: `r${n}`, outcome: "done" }),
  (n) => ({ method: "human.get", item: `h${n}` }),
  (n) => ({ method: "human.resolve", item: `h${n}`, action: "done", reason: "none" }),
  (n) => ({ method: "transaction.get", transaction: `t${n}` }),
  (n) => ({ method: "transaction.begin", key: `k${n}`, account: `nobody-${n}`, name: "none" }),
];

test.each([1, 3])(
  "what is refused because its subject does not exist is not in the log (%i shards)",
  (shards) => {
    const engine = shop({ shards });
    const before = counts(engine);
    for (const ask of askedOfNobody) {
      for (let n = 900_000; n < 900_020; n++) {
        const { code } = engine.ask(ask(n));
        // A lookup finds that nothing is there.
        expect(code === "ok", ask(n).method).toBe(ask(n).method === "order.lookup");
      }
    }
    expect(counts(engine)).toEqual(before);
  },
);

/** Fills the shard with accounts that were never opened, all by orders that were refused. */
function fill(engine: TestEngine): void {
  for (let n = 0; n < accountsUnopenedMax; n++) engine.submit(place(`nobody-${n}`, "k", { tea: 1 }));
  engine.settle();
}

test("orders for accounts that never were keep so many names and no more; what was kept stays refused, after a restart too", () => {
  let engine = shop();
  fill(engine);
  const [full] = counts(engine);
  expect(engine.shards[0]!.unopened.count).toBe(accountsUnopenedMax);
  for (const restarted of [false, true]) {
    if (restarted) engine = engine.restart();
    expect(engine.ask(place("one-more", "k", { tea: 1 }))).toMatchObject({
      code: "overloaded",
      details: { accountsUnopenedMax },
    });
    expect(engine.ask(place("nobody-7", "k", { tea: 1 }))).toMatchObject({
      code: "account_not_found",
      replayed: true,
    });
    expect(counts(engine)).toEqual([full]);
  }
  // Whoever is opened is as good as anybody, whether it was named before or not, and makes room or needs none.
  for (const account of ["nobody-7", "one-more"]) {
    expect(engine.ask({ method: "account.open", account, currency: "CNY" }).code).toBe("ok");
    expect(engine.ask(place(account, "first", { tea: 1 })).code).toBe("ok");
  }
  expect(engine.ask(place("nobody-7", "k", { tea: 1 })).code).toBe("account_not_found");
  expect(engine.ask(place("one-more", "k", { tea: 1 })).code).toBe("ok");
  expect(engine.shards[0]!.unopened.count).toBe(accountsUnopenedMax - 1);
  expect(engine.ask(place("another", "k", { tea: 1 })).code).toBe("account_not_found");
});
