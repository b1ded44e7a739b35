/** The ledger of an engine, added up from its logs and from nothing else. */

import { readFacts } from "../../actors/fact-codec.js";
import { currencyCode, formatMinor, scaleOf } from "../../actors/money.js";
import { type LedgerNames, postingsOf } from "../../actors/postings.js";
import type { TestEngine } from "./engine.js";

/** Balances of all ledger accounts, added up from the log alone; "account unit" -> amount. Of a whole ledger they may need more than 53 bits. */
export function ledgerOf(engine: TestEngine): Map<string, bigint> {
  const ledger = new Map<string, bigint>();
  for (const [shard, journal] of engine.journals.entries()) {
    const { books } = engine.shards[shard]!;
    const names: LedgerNames = {
      accountId: (handle) => books.accounts[handle]!.id,
      accountCurrency: (handle) => currencyCode(books.accounts[handle]!.currency),
      productId: (handle) => books.products[handle]!.id,
    };
    for (const group of journal.read(1)) {
      readFacts(group.body, group.first, (fact) => {
        let sum = 0n;
        for (const { account, unit, amount } of postingsOf(fact, names)) {
          const name = `${account} ${unit}`;
          ledger.set(name, (ledger.get(name) ?? 0n) + BigInt(amount));
          sum += BigInt(amount);
        }
        if (sum !== 0n) throw new Error(`a fact ${fact.type} makes ${sum}`);
      });
    }
  }
  return ledger;
}

/** What stands on the ledger accounts of that beginning, in CNY; those at zero are left out. */
export function standing(engine: TestEngine, ...beginnings: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, sum] of ledgerOf(engine)) {
    const amount = Number(sum);
    const [account, unit] = name.split(" ") as [string, string];
    if (amount === 0 || unit.startsWith("unit:") || !beginnings.some((b) => account.startsWith(b))) continue;
    const sign = amount < 0 ? "-" : "";
    found[account] = unit === "points" ? String(amount) : sign + formatMinor(Math.abs(amount), scaleOf(unit));
  }
  return found;
}

/** Where money is only on its way. */
export const onItsWay = ["suspense:", "payable:", "transit:"] as const;
