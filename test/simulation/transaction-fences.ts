/**
 * What actors did for transactions, as the logs say it: fences, and the units and the money behind them.
 *
 *               tried            confirmed, done     refused, canceled, undone, tombstone
 *   stock       available, held  available, sold     nothing
 *   debit       wallet, held     wallet, where to    nothing
 *   credit      nothing          transit, wallet     nothing
 *
 * TRANSACTION-FENCES-1  After every turn a branch has moved exactly what its state says.
 * TRANSACTION-FENCES-2  A branch goes its way once; what is at its end stays there, and is remembered for a day. What a saga has done is not
 *                       at its end before it is confirmed.
 */

import type { FactOf } from "../../actors/facts.js";

const states = ["none", "refused", "tried", "confirmed", "canceled", "tombstone", "done", "undone"] as const;
export type BranchState = (typeof states)[number];

const whats = ["", "stock", "debit", "credit"] as const;
const stockBucketNames = ["", "available", "held", "sold"] as const;
const moneyBucketNames = ["", "wallet", "held", "transit", "revenue", "suspense", "loss"] as const;

const begins: Readonly<Record<string, readonly BranchState[]>> = {
  tcc: ["tried", "refused", "tombstone"],
  saga: ["done", "refused", "tombstone"],
};
const next: Readonly<Partial<Record<`${string} ${BranchState}`, readonly BranchState[]>>> = {
  "tcc refused": ["canceled"],
  "tcc tried": ["confirmed", "canceled"],
  "saga refused": ["undone"],
  "saga done": ["undone", "confirmed"],
};

/** So long what has ended is remembered, ms. */
const rememberedMs = 86_400_000;

export type StockBucket = "available" | "held" | "sold";

export interface Branch {
  readonly shard: number;
  readonly mode: "tcc" | "saga";
  readonly what: "stock" | "debit" | "credit";
  /** Names; "" of one that never had an effect. */
  readonly subject: string;
  readonly account: string;
  readonly amount: number;
  readonly to: string;
  state: BranchState;
  movedAt: number;
  dropped: boolean;
  /** By stockBucket or moneyBucket, what has gone there. */
  readonly moved: Map<string, number>;
}

export interface Transfer {
  readonly position: number;
  readonly product: string;
  readonly qty: number;
  readonly from: StockBucket;
  readonly to: StockBucket;
  readonly available: number;
}

/** What the handles of the shard whose log is read stand for. */
export interface Names {
  account(handle: number): string;
  product(handle: number): string;
}

export class Fences {
  /** By "transaction:branch". */
  readonly branches = new Map<string, Branch>();
  /** By shard, in the order of its log. */
  readonly transfers = new Map<number, Transfer[]>();
  /** What transactions did, less what they undid: by account, by product, by "account product" (held or sold). */
  readonly wallets = new Map<string, number>();
  readonly heldMoney = new Map<string, number>();
  readonly heldUnits = new Map<string, number>();
  readonly taken = new Map<string, number>();
  /** By transaction and moneyBucket, over all shards and human hands included. */
  readonly moneyBuckets = new Map<string, number>();
  /** Ended branches of the shard, first ended first. */
  #ended = new Set<Branch>();
  #touched = new Map<string, Branch>();
  readonly #wrong: (what: string) => never;

  constructor(wrong: (what: string) => never) {
    this.#wrong = wrong;
  }

  beginShard(shard: number): void {
    this.#ended = new Set();
    this.transfers.set(shard, []);
  }

  set(fact: FactOf<"fenceSet">, shard: number, names: Names, runningMs: number): void {
    const name = `${fact.transaction}:${fact.branch}`;
    if (this.branches.has(name)) this.#wrong(`branch ${name} is fenced twice`);
    const mode = fact.mode === 1 ? "tcc" : "saga";
    const state = states[fact.state]!;
    const what = whats[fact.what] as Branch["what"];
    if (!begins[mode]!.includes(state)) this.#wrong(`branch ${name} of a ${mode} begins as ${state}`);
    const had = state === "tried" || state === "done";
    const branch: Branch = {
      ...{ shard, mode, what, state, movedAt: runningMs, dropped: false, amount: fact.amount },
      subject: !had ? "" : what === "stock" ? names.product(fact.subject) : names.account(fact.subject),
      account: had ? names.account(fact.account) : "",
      ...{ to: moneyBucketNames[fact.to]!, moved: new Map<string, number>() },
    };
    this.branches.set(name, branch);
    this.#touched.set(name, branch);
    if (state !== "tried" && state !== "done") this.#ended.add(branch);
  }

  moved(fact: FactOf<"fenceMoved">, runningMs: number): void {
    const name = `${fact.transaction}:${fact.branch}`;
    const branch = this.branches.get(name);
    if (!branch || branch.dropped) this.#wrong(`branch ${name} moves and has no fence`);
    const { mode, state } = branch!;
    const to = states[fact.state]!;
    if (!next[`${mode} ${state}`]?.includes(to)) this.#wrong(`branch ${name} goes from ${state} to ${to}`);
    branch!.state = to;
    branch!.movedAt = runningMs;
    this.#touched.set(name, branch!);
    this.#ended.delete(branch!);
    this.#ended.add(branch!);
  }

  dropped({ count }: FactOf<"fencesDropped">, runningMs: number): void {
    for (const branch of [...this.#ended].slice(0, count)) {
      this.#ended.delete(branch);
      if (runningMs - branch.movedAt < rememberedMs)
        this.#wrong(`a fence is dropped after ${branch.movedAt}`);
      branch.dropped = true;
    }
  }

  units(fact: FactOf<"unitsTransferred">, shard: number, names: Names, position: number): void {
    const { qty, available } = fact;
    const [from, to] = [stockBucketNames[fact.from] as StockBucket, stockBucketNames[fact.to] as StockBucket];
    const product = names.product(fact.product);
    const account = names.account(fact.account);
    this.transfers.get(shard)!.push({ position, product, qty, from, to, available });
    const branch = this.#branch(fact);
    if (branch.what !== "stock" || branch.subject !== product || branch.account !== account)
      this.#wrong(`${fact.transaction}:${fact.branch} moves ${product} for ${account}`);
    for (const [stockBucket, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      add(branch.moved, stockBucket, sign * qty);
      if (stockBucket === "held") add(this.heldUnits, product, sign * qty);
      if (stockBucket === "available") add(this.taken, `${account} ${product}`, -sign * qty);
    }
  }

  money(fact: FactOf<"moneyTransferred">, names: Names): void {
    const [from, to] = [moneyBucketNames[fact.from]!, moneyBucketNames[fact.to]!];
    for (const [moneyBucket, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      add(this.moneyBuckets, `${fact.transaction} ${moneyBucket}`, sign * fact.amount);
      if (moneyBucket === "wallet") add(this.wallets, names.account(fact.account), sign * fact.amount);
      if (moneyBucket === "held") add(this.heldMoney, names.account(fact.account), sign * fact.amount);
    }
    // A human's hand: between where the money stands and where it comes from, and no branch has moved.
    if ([from, to].some((moneyBucket) => moneyBucket === "suspense" || moneyBucket === "loss")) return;
    const branch = this.#branch(fact);
    const owner = names.account(fact.account);
    if (branch.what === "stock" || branch.subject !== owner)
      this.#wrong(`${fact.transaction}:${fact.branch} moves money of ${owner}`);
    add(branch.moved, from, -fact.amount);
    add(branch.moved, to, fact.amount);
  }

  /** TRANSACTION-FENCES-1. */
  endTurn(): void {
    for (const [name, branch] of this.#touched) {
      const expected = effectOf(branch);
      for (const moneyBucket of new Set([...branch.moved.keys(), ...Object.keys(expected)])) {
        const moved = branch.moved.get(moneyBucket) ?? 0;
        if (moved !== (expected[moneyBucket] ?? 0))
          this.#wrong(`branch ${name} is ${branch.state}, and has moved ${moved} to ${moneyBucket}`);
      }
    }
    this.#touched.clear();
  }

  #branch({ transaction, branch }: { transaction: number; branch: number }): Branch {
    const name = `${transaction}:${branch}`;
    const known = this.branches.get(name);
    if (!known || known.dropped) this.#wrong(`branch ${name} moves something without a fence`);
    this.#touched.set(name, known!);
    return known!;
  }
}

/** What a branch has moved, by stockBucket or moneyBucket. */
function effectOf({ what, state, amount, to }: Branch): Readonly<Record<string, number>> {
  const done = state === "confirmed" || state === "done";
  if (!done && state !== "tried") return {};
  if (what === "stock")
    return done ? { available: -amount, sold: amount } : { available: -amount, held: amount };
  if (what === "debit") return done ? { wallet: -amount, [to]: amount } : { wallet: -amount, held: amount };
  return done ? { transit: -amount, wallet: amount } : {};
}

function add(to: Map<string, number>, name: string, amount: number): void {
  to.set(name, (to.get(name) ?? 0) + amount);
}
