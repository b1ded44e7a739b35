import fc from "fast-check";
import { expect, test } from "vitest";
import { readFacts } from "../../actors/fact-codec.js";
import { formatAmount } from "../../actors/money.js";
import { type LedgerNames, postingsOf } from "../../actors/postings.js";
import type { TestEngine } from "../support/engine.js";
import { runBoth, steps } from "../support/model-run.js";

/** Balances of all ledger accounts, added up from the log alone; "account unit" -> amount. */
function ledgerOf(engine: TestEngine): Map<string, number> {
  const ledger = new Map<string, number>();
  for (const [shard, journal] of engine.journals.entries()) {
    const { books } = engine.shards[shard]!;
    const names: LedgerNames = {
      accountId: (handle) => books.accounts[handle]!.id,
      accountCurrency: (handle) => String(books.accounts[handle]!.currency),
      productId: (handle) => books.products[handle]!.id,
    };
    for (const group of journal.read(1)) {
      readFacts(group.body, group.first, (fact) => {
        let sum = 0n;
        for (const { account, unit, amount } of postingsOf(fact, names)) {
          const name = `${account} ${unit}`;
          ledger.set(name, (ledger.get(name) ?? 0) + amount);
          sum += BigInt(amount);
        }
        if (sum !== 0n) throw new Error(`a fact ${fact.type} makes ${sum}`);
      });
    }
  }
  return ledger;
}

for (const shards of [1, 3]) {
  test(`money and stock are conserved: the log adds up to what the engine shows (${shards} shards)`, () => {
    fc.assert(
      fc.property(steps({ batches: shards === 1, restarts: shards === 1, maxLength: 80 }), (run) => {
        const engine = runBoth(shards, run);
        const ledger = ledgerOf(engine);
        for (const { books } of engine.shards) {
          for (const { id, currency, available } of books.accounts) {
            if (currency < 0) continue;
            expect([id, ledger.get(`wallet:${id} ${currency}`) ?? 0]).toEqual([id, available]);
            expect(available).toBeGreaterThanOrEqual(0);
          }
          for (const { id, remote, available, held, sold } of books.products) {
            if (remote) continue;
            const shelf = (name: string) => ledger.get(`stock:${id}:${name} unit:${id}`) ?? 0;
            expect([shelf("available"), shelf("held"), shelf("sold")]).toEqual([available, held, sold]);
            expect(available + held + sold + shelf("supplied")).toBe(0);
          }
          books.orders.each(({ number, paid, refunded, currency }) => {
            const booked = ledger.get(`order:o${number} ${currency}`) ?? 0;
            expect(formatAmount(booked, currency)).toBe(formatAmount(paid - refunded, currency));
          });
        }
      }),
      { numRuns: shards === 1 ? 200 : 60 },
    );
  });
}
