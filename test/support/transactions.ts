/** Transactions for the engine's tests: functions outside that do what a test says, plans, and the ledger of all shards. */

import { readFacts } from "../../actors/fact-codec.js";
import { currencyCode } from "../../actors/money.js";
import { postingsOf } from "../../actors/postings.js";
import type { PartSpec, PlanSpec } from "../../actors/transactions/plan.js";
import type { CallReport, OutCall, OutCalls } from "../../engine/links/call-dispatcher.js";
import type { Group, Journal } from "../../persistence/log/journal.js";
import { memoryJournal, memoryStore } from "../../persistence/log/memory-journal.js";
import type { TestEngine } from "./engine.js";

export const ok: CallReport = { how: "done", text: '{"ok":true}' };
export const no: CallReport = { how: "refused", text: '{"reason":"no"}' };
export const lost: CallReport = { how: "failed", error: "no answer" };

/** What a function answers to a call; undefined = nothing, as yet. */
export type Fate = (call: OutCall) => CallReport | undefined;

/** Functions by name. `calls` holds every call that left, in order, and `report` answers one later. */
export function world(functions: Record<string, Fate>) {
  const calls: OutCall[] = [];
  const reports: ((report: CallReport) => void)[] = [];
  const outCalls: OutCalls = {
    knows: (name) => name in functions,
    call(call, report) {
      calls.push(call);
      reports.push(report);
      const fate = functions[call.name]!(call);
      if (fate) report(fate);
    },
  };
  return {
    functions,
    calls,
    outCalls,
    report: (index: number, report: CallReport) => reports[index]!(report),
    names: () => calls.map(({ name }) => name),
  };
}

export function saga(...parts: PartSpec[]): PlanSpec {
  return { mode: "saga", parts };
}

export function tcc(...parts: PartSpec[]): PlanSpec {
  return { mode: "tcc", parts };
}

export const tea = (qty = 2): PartSpec => ({ kind: "stock", name: "tea", product: "tea", qty });
export const pay = (amount = "10.00", from = "ann", to = "wallet:ben"): PartSpec => ({
  kind: "money",
  name: "pay",
  from,
  to,
  amount,
  currency: "CNY",
});
export const call = (name: string, more: object = {}): PartSpec => ({ kind: "call", name, ...more });

export function begin(name: string, more: Record<string, unknown> = {}) {
  return { method: "transaction.begin", key: "t1", account: "ann", name, wait: true, ...more } as const;
}

/** Balances of the ledger over all shards, those that are not zero, from their logs alone. */
export function ledgerOf(engine: Pick<TestEngine, "shards" | "journals">): Record<string, number> {
  const balances = new Map<string, number>();
  for (const [shard, { books }] of engine.shards.entries()) {
    const names = {
      accountId: (handle: number) => books.accounts[handle]!.id,
      accountCurrency: (handle: number) => currencyCode(books.accounts[handle]!.currency),
      productId: (handle: number) => books.products[handle]!.id,
    };
    for (const { body, first } of engine.journals[shard]!.read(1)) {
      readFacts(body, first, (fact) => {
        for (const { account, amount } of postingsOf(fact, names))
          balances.set(account, (balances.get(account) ?? 0) + amount);
      });
    }
  }
  return Object.fromEntries([...balances].filter(([, sum]) => sum !== 0).sort());
}

/** What is wrong with the books when every transaction has ended; nothing, if they are right. */
export function leftOpen(engine: Pick<TestEngine, "shards" | "journals">): string[] {
  const wrong: string[] = [];
  const ledger = ledgerOf(engine);
  for (const name of Object.keys(ledger))
    if (/^(transit|suspense|held):/.test(name)) wrong.push(`${name} holds ${ledger[name]}`);
  let sum = 0;
  for (const [name, amount] of Object.entries(ledger)) if (!name.startsWith("stock:")) sum += amount;
  if (sum !== 0) wrong.push(`the ledger sums to ${sum}`);
  for (const [shard, { books }] of engine.shards.entries()) {
    for (const { id, available, held, currency } of books.accounts) {
      if (currency < 0) continue;
      if (available !== (ledger[`wallet:${id}`] ?? 0))
        wrong.push(`${id} has ${available}, not what its ledger says`);
      if (held !== 0) wrong.push(`${id} holds ${held}`);
    }
    for (const { id, available, held, sold, remote } of books.products) {
      if (remote) continue;
      const stockBucket = (name: string) => ledger[`stock:${id}:${name}`] ?? 0;
      if (held !== 0 || available !== stockBucket("available") || sold !== stockBucket("sold"))
        wrong.push(`${id}: ${available}, ${held}, ${sold}`);
    }
    if (books.transactions.open.size > 0) wrong.push(`shard ${shard}: a transaction is open`);
    if (books.calls.open.size > 0) wrong.push(`shard ${shard}: a call is open`);
    if (books.fences.open > 0) wrong.push(`shard ${shard}: a branch holds something`);
    if (books.human.open.size > 0) wrong.push(`shard ${shard}: an item is open`);
    for (const { unacked } of books.outboxes.outboxes.values())
      if (unacked.length > 0) wrong.push(`shard ${shard}: a message is under way`);
  }
  return wrong;
}

/** A group that became durable, and on which shard. */
export interface Durable {
  readonly shard: number;
  readonly group: Group;
}

/** Journals that also write down, over all of them, what became durable and in which order. */
export function watchedJournals(shards: number, log: Durable[]): Journal[] {
  return Array.from({ length: shards }, (_, shard) => {
    const journal = memoryJournal();
    const { append } = journal;
    journal.append = (group) => {
      // Before its answers leave: what they cause must stand behind it.
      log.push({ shard, group: { ...group, body: Uint8Array.from(group.body) } });
      append(group);
    };
    return journal;
  });
}

/** Journals that hold the first `length` groups of the log: the process died there. */
export function journalsUpTo(shards: number, log: readonly Durable[], length: number): Journal[] {
  const stores = Array.from({ length: shards }, () => memoryStore());
  for (const { shard, group } of log.slice(0, length)) stores[shard]!.synced.push(group);
  return stores.map((store) => memoryJournal({ store }));
}
