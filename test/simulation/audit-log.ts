/**
 * The logs, read with the catalogue of facts and nothing else of the engine: sums of their own, held against what could be
 * read from outside.
 *
 * AUDIT-LOG-1  Positions have no gap and time only rises.
 * AUDIT-LOG-2  Every key has one success at the most.
 * AUDIT-LOG-3  Stock and money, summed up fact by fact, are never negative and end where the books end.
 *              Money is followed in `audit-ledger`.
 * AUDIT-LOG-4  What a shard sent, its peer has taken, each message once; what was tried has ended.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import type { Host } from "./host.js";
import type { World } from "./world.js";

interface Sums {
  readonly accounts: { id: string; balance: number; held: number }[];
  readonly products: { id: string; local: boolean; available: number; held: number; sold: number }[];
  readonly keys: Map<string, number>;
  readonly branches: Set<string>;
  readonly sent: Map<number, number>;
  readonly acked: Map<number, number>;
  readonly received: Map<number, number>;
}

export function auditLogs({ hosts, audit }: World): void {
  const logs = hosts.map((host) => sumsOf(host, (what) => audit.violation(`log of ${host.number}: ${what}`)));
  logs.forEach((log, shard) => {
    for (const [peer, count] of log.sent) {
      const taken = logs[peer]!.received.get(shard) ?? 0;
      if (taken !== count || log.acked.get(peer) !== count)
        audit.violation(`${shard} has sent ${count} messages to ${peer}, which has taken ${taken}`);
    }
  });
  for (const host of hosts) host.expectBooksOfLog();
}

function sumsOf(host: Host, wrong: (what: string) => never): Sums {
  const sums: Sums = {
    accounts: [],
    products: [],
    keys: new Map(),
    branches: new Set(),
    sent: new Map(),
    acked: new Map(),
    received: new Map(),
  };
  let next = 1;
  let lastTime = 0;
  for (const group of host.disk.groups) {
    if (group.first !== next) wrong(`a group begins at ${group.first}, not at ${next}`);
    readFacts(group.body, group.first, (fact, time, position) => {
      if (time < lastTime || (position === group.first && time === lastTime))
        wrong(`time stands at ${position}`);
      lastTime = time;
      next = position + 1;
      addTo(sums, fact, wrong);
    });
    if (next !== group.last + 1) wrong(`the group of ${group.first} ends at ${next - 1}`);
  }
  expectSameBooks(sums, host, wrong);
  return sums;
}

function addTo(sums: Sums, fact: Fact, wrong: (what: string) => never): void {
  switch (fact.type) {
    case Facts.accountNamed:
      sums.accounts.push({ id: fact.id, balance: 0, held: 0 });
      break;
    case Facts.accountDeposited:
      pay(sums, fact.account, fact.amount, wrong);
      break;
    case Facts.accountWithdrawn:
    case Facts.moneyCaptured:
      pay(sums, fact.account, -fact.amount, wrong);
      break;
    case Facts.productCreated:
      sums.products.push({ id: fact.id, local: true, available: fact.stock, held: 0, sold: 0 });
      break;
    case Facts.productKnown:
      sums.products.push({ id: fact.id, local: false, available: 0, held: 0, sold: 0 });
      break;
    case Facts.productRestocked:
      take(sums, fact.product, [fact.qty, 0, 0], wrong);
      break;
    case Facts.stockAdjusted:
      take(sums, fact.product, [fact.up === 1 ? fact.qty : -fact.qty, 0, 0], wrong);
      break;
    case Facts.stockHeld:
      take(sums, fact.product, [-fact.qty, fact.qty, 0], wrong);
      break;
    case Facts.stockSold:
      take(sums, fact.product, [-fact.qty, 0, fact.qty], wrong);
      break;
    case Facts.stockConfirmed:
      take(sums, fact.product, [0, -fact.qty, fact.qty], wrong);
      break;
    case Facts.stockReleased:
      take(sums, fact.product, [fact.qty, -fact.qty, 0], wrong);
      break;
    case Facts.stockReturned:
      take(sums, fact.product, [fact.qty, 0, -fact.qty], wrong);
      break;
    case Facts.refundDone:
      if (fact.provider === "") pay(sums, fact.account, fact.amount, wrong);
      break;
    case Facts.unitsTransferred:
      transfer(sums, fact, wrong);
      break;
    case Facts.moneyTransferred:
      if (fact.from === wallet) pay(sums, fact.account, -fact.amount, wrong);
      if (fact.to === wallet) pay(sums, fact.account, fact.amount, wrong);
      if (fact.from === held) sums.accounts[fact.account]!.held -= fact.amount;
      if (fact.to === held) sums.accounts[fact.account]!.held += fact.amount;
      if ((sums.accounts[fact.account]?.held ?? 0) < 0) wrong(`less than nothing is held`);
      break;
    case Facts.entryMade:
      payByHand(sums, fact.from, -fact.amount, wrong);
      payByHand(sums, fact.to, fact.amount, wrong);
      break;
    case Facts.keyKept: {
      const name = `${fact.space} ${fact.subject} ${fact.key}`;
      const successes = (sums.keys.get(name) ?? 0) + (fact.code === 0 ? 1 : 0);
      if (successes > 1) wrong(`key ${name} has ${successes} successes`);
      sums.keys.set(name, successes);
      break;
    }
    case Facts.branchTried:
      sums.branches.add(`${fact.order}:${fact.branch}`);
      break;
    case Facts.branchEnded:
      if (!sums.branches.delete(`${fact.order}:${fact.branch}`))
        wrong(`a branch of ${fact.order} ends twice`);
      break;
    case Facts.messageSent:
      sums.sent.set(fact.peer, (sums.sent.get(fact.peer) ?? 0) + 1);
      break;
    case Facts.messagesAcked:
      sums.acked.set(fact.peer, fact.upTo);
      break;
    case Facts.messageReceived:
      sums.received.set(fact.peer, fact.upTo);
      break;
  }
}

function pay(sums: Sums, account: number, amount: number, wrong: (what: string) => never): void {
  const known = sums.accounts[account]!;
  known.balance += amount;
  if (known.balance < 0) wrong(`${known.id} holds ${known.balance}`);
}

function payByHand(sums: Sums, name: string, amount: number, wrong: (what: string) => never): void {
  const account = sums.accounts.findIndex(({ id }) => name === `wallet:${id}`);
  if (account >= 0) pay(sums, account, amount, wrong);
}

/** Purses of transactions, as the catalogue numbers them. */
const wallet = 1;
const held = 2;

/** StockBuckets are numbered from 1: available, held, sold. */
function transfer(
  sums: Sums,
  { product, qty, from, to, available }: FactOf<"unitsTransferred">,
  wrong: (what: string) => never,
): void {
  const moved: [number, number, number] = [0, 0, 0];
  moved[from - 1]! -= qty;
  moved[to - 1]! += qty;
  take(sums, product, moved, wrong);
  if (sums.products[product]!.available !== available) wrong(`${available} are not available`);
}

function take(
  sums: Sums,
  handle: number,
  [available, held, sold]: readonly [number, number, number],
  wrong: (what: string) => never,
): void {
  const product = sums.products[handle]!;
  if (!product.local) wrong(`${product.id} is not sold here`);
  product.available += available;
  product.held += held;
  product.sold += sold;
  if (product.available < 0 || product.held < 0 || product.sold < 0)
    wrong(`${product.id}: ${product.available} available, ${product.held} held, ${product.sold} sold`);
}

function expectSameBooks(sums: Sums, host: Host, wrong: (what: string) => never): void {
  const { accounts, products } = host.shard!.books;
  sums.accounts.forEach((sum, handle) => {
    const { id, balance } = sum;
    if (accounts[handle]!.available !== balance) wrong(`${id} holds ${balance}`);
    if (accounts[handle]!.held !== sum.held) wrong(`transactions hold ${sum.held} of ${id}`);
  });
  sums.products.forEach(({ id, available, held, sold }, handle) => {
    const product = products[handle]!;
    if (product.available !== available || product.held !== held || product.sold !== sold)
      wrong(`${id}: ${available} available, ${held} held, ${sold} sold`);
  });
  if (sums.branches.size > 0) wrong(`${sums.branches.size} branches have not ended`);
}
