/** An issued token is one account's, for one use (TOKENS-1), on whatever shards they live. */

import { describe, expect, test } from "vitest";
import { Facts } from "../../../actors/facts.js";
import { tokenClaimsMax, tokenLifeMs } from "../../../engine/seams/limits.js";
import { TokenClaims } from "../../../engine/tables/token-claims.js";
import { firstBad } from "../../support/audited.js";
import type { TestEngine } from "../../support/engine.js";
import { place, shop } from "../../support/shop.js";
import { pay, saga } from "../../support/transactions.js";

const settings = { tokenSecret: "s" };
const issue = (engine: TestEngine): string => engine.ask({ method: "token.issue" }).result.token;

/** With 3 shards ann and ben live on 1 and 2, and tokens are issued by 0. */
describe.each([1, 3])("over %i shards", (shards) => {
  const open = () => shop({ shards, settings, plan: () => saga(pay()) });

  test("used by ann it is unknown to ben, whatever he asks for, and ann's again and again", () => {
    const engine = open();
    const key = issue(engine);
    const ben = engine.ask(place("ben", "own", { tea: 1 })).result.order;
    const first = engine.ask(place("ann", key, { tea: 1 }));
    expect(first.code).toBe("ok");
    const before = engine.hashes();
    const foreign = [
      place("ben", key, { tea: 1 }),
      { method: "order.pay", key, order: ben } as const,
      { method: "order.cancel", key, order: ben } as const,
      { method: "order.refund", key, order: ben, reason: "r", restock: false } as const,
      { method: "order.advance", key, order: ben, event: "pack", restock: false } as const,
      { method: "transaction.begin", key, account: "ben", name: "gift", wait: true } as const,
    ];
    for (const asked of foreign)
      expect([asked.method, engine.ask(asked).code]).toEqual([asked.method, "token_unknown"]);
    expect(engine.hashes()).toEqual(before);
    expect(engine.ask(place("ann", key, { tea: 1 }))).toMatchObject({ replayed: true, result: first.result });
    expect(engine.ask(place("ann", key, { tea: 2 })).code).toBe("key_reused");
    const again = engine.restart();
    expect(again.ask(place("ben", key, { tea: 1 })).code).toBe("token_unknown");
    expect(again.ask(place("ann", key, { tea: 1 }))).toMatchObject({ replayed: true, result: first.result });
    expect(firstBad(again)).toBeUndefined();
  });

  test("a token is no ref, of anybody: nobody would ask whose it is", () => {
    const engine = open();
    const ref = issue(engine);
    const before = engine.hashes();
    for (const asked of [
      { method: "account.deposit", account: "ann", amount: "1.00", ref },
      { method: "account.withdraw", account: "ben", amount: "1.00", ref },
      { method: "points.spend", account: "ann", points: 1, ref },
      { method: "product.restock", product: "tea", qty: 1, ref },
    ] as const)
      expect([asked.method, engine.ask(asked)]).toMatchObject([
        asked.method,
        { code: "invalid_request", details: { path: "params.ref" } },
      ]);
    expect(engine.hashes()).toEqual(before);
    const own = { method: "account.deposit", account: "ann", amount: "1.00", ref: "tk:mine" } as const;
    expect(engine.ask(own).code).toBe("ok");
    expect(engine.ask(place("ann", ref, { tea: 1 })).code).toBe("ok");
  });

  test("two at once: one of them has it", () => {
    const engine = open();
    const key = issue(engine);
    const ids = ["ann", "ben", "ann"].map((account) => engine.submit(place(account, key, { tea: 1 })));
    engine.settle();
    const answers = ids.map((id) => engine.answerTo(id)!);
    const codes = answers.map(({ code }) => code);
    expect([codes[0], codes[2]]).toContain("ok");
    expect(codes.filter((code) => code === "token_unknown").length).toBe(codes[0] === "ok" ? 1 : 2);
    const orders = new Set(answers.flatMap(({ result }) => (result ? [result.order] : [])));
    expect(orders.size).toBe(1);
  });

  test("who has no account claims nothing; a refusal by stock does", () => {
    const engine = open();
    const key = issue(engine);
    expect(engine.ask(place("nobody", key, { tea: 1 })).code).toBe("account_not_found");
    expect(engine.ask(place("ann", key, { tea: 1000 })).code).toBe("insufficient_stock");
    expect(engine.ask(place("ben", key, { tea: 1 })).code).toBe("token_unknown");
    expect(engine.ask(place("ann", key, { tea: 1000 }))).toMatchObject({
      code: "insufficient_stock",
      replayed: true,
    });
  });

  test("a crash after any record leaves it with nobody, or with ann", () => {
    const engine = open();
    const key = issue(engine);
    engine.ask(place("ann", key, { tea: 1 }));
    const claims = engine.journals.flatMap((journal) => [...journal.read(1)]).length;
    expect(claims).toBeGreaterThan(0);
    // The claim's record alone: what a crash between it and the order leaves.
    const early = open();
    const token = issue(early);
    const home = early.shards[0]!;
    early.ask({ method: "token.claim", token, account: "ann" });
    expect([...home.books.tokens.byToken.values()]).toEqual(["ann"]);
    const later = early.restart();
    expect(later.ask(place("ben", token, { tea: 1 })).code).toBe("token_unknown");
    expect(later.ask(place("ann", token, { tea: 1 })).code).toBe("ok");
  });

  test("after its day it is expired to whoever has not used it, and ann has her answer", () => {
    const engine = open();
    const [used, unused] = [issue(engine), issue(engine)];
    const first = engine.ask(place("ann", used, { tea: 1 }, { pay: "balance" }));
    engine.pass(tokenLifeMs + 1);
    expect(engine.ask(place("ann", unused, { tea: 1 })).code).toBe("token_expired");
    expect(["token_expired", "token_unknown"]).toContain(engine.ask(place("ben", used, { tea: 1 })).code);
    expect(engine.ask(place("ann", used, { tea: 1 }, { pay: "balance" }))).toMatchObject({
      replayed: true,
      result: first.result,
    });
  });
});

test("TOKEN-CLAIMS-1: claims are dropped when their tokens are over, and beyond the bound with all that is older", () => {
  const claims = new TokenClaims();
  const type = Facts.tokenClaimed;
  const day = tokenLifeMs * 1000;
  claims.claimed({ type, issuedAt: 1, owner: "ann" }, 1);
  claims.claimed({ type, issuedAt: day, owner: "ann" }, day);
  expect([...claims.byToken.keys()]).toEqual([1, day]);
  claims.claimed({ type, issuedAt: day + 5, owner: "ann" }, day + 5);
  expect([[...claims.byToken.keys()], claims.forgottenTo]).toEqual([[day, day + 5], 0]);
  for (let n = 0; claims.byToken.size < tokenClaimsMax; n++)
    claims.claimed({ type, issuedAt: day + 10 + n, owner: "ann" }, day + 10 + n);
  claims.claimed({ type, issuedAt: 2 * day - 1, owner: "ben" }, 2 * day - 1);
  expect([claims.byToken.size, claims.forgottenTo, claims.byToken.has(day)]).toEqual([
    tokenClaimsMax,
    day,
    false,
  ]);
});
