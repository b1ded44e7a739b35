/**
 * Units and money that a transaction moves: recorded by participants, applied to the books here.
 *
 * SH1  Units leave one bucket of a product for another, money one bucket for another; no bucket of a product or of an account is
 *      left below zero.
 */

import type { Account } from "../../actors/account.js";
import { type FactOf, Facts } from "../../actors/facts.js";
import { moneyBuckets, stockBuckets } from "../../actors/postings.js";
import type { Product } from "../../actors/product.js";
import type { Turn } from "../turns/turn.js";

type StockBucket = keyof typeof stockBuckets;
type MoneyBucket = keyof typeof moneyBuckets;

interface Where {
  readonly transaction: number;
  readonly branch: number;
}

export function transferUnits(
  turn: Turn,
  { transaction, branch }: Where,
  product: Product,
  account: number,
  qty: number,
  from: StockBucket,
  to: StockBucket,
): void {
  const moved = from === "available" ? -qty : to === "available" ? qty : 0;
  turn.record({
    type: Facts.unitsTransferred,
    transaction,
    branch,
    product: product.handle,
    account,
    qty,
    available: product.available + moved,
    from: stockBuckets[from],
    to: stockBuckets[to],
  });
}

/** `account` is the handle of the one whose wallet or held money it is; 0 when neither end is an account's. */
export function transferMoney(
  turn: Turn,
  { transaction, branch }: Where,
  account: number,
  currency: number,
  amount: number,
  from: number,
  to: number,
): void {
  turn.record({ type: Facts.moneyTransferred, transaction, branch, account, currency, amount, from, to });
}

/** Applies a fact. Throws when the log contradicts itself. */
export function evolveUnits(product: Product, fact: FactOf<"unitsTransferred">): void {
  const { account, qty, from, to } = fact;
  product[stockBucketNames[from]!] -= qty;
  product[stockBucketNames[to]!] += qty;
  const taken = from === stockBuckets.available ? qty : to === stockBuckets.available ? -qty : 0;
  if (product.taken && taken !== 0) {
    const used = (product.taken.get(account) ?? 0) + taken;
    if (used < 0) throw new Error(`product ${product.id}: account ${account} gives back more than it took`);
    if (used === 0) product.taken.delete(account);
    else product.taken.set(account, used);
  }
  const { available, held, sold } = product;
  if (available < 0 || held < 0 || sold < 0 || available !== fact.available) {
    throw new Error(`product ${product.id}: ${available}, ${held}, ${sold} after fact ${fact.type}`);
  }
}

/** Applies a fact. Throws when the log contradicts itself. */
export function evolveMoney(accounts: readonly Account[], fact: FactOf<"moneyTransferred">): void {
  add(accounts, fact, fact.from, -fact.amount);
  add(accounts, fact, fact.to, fact.amount);
}

function add(
  accounts: readonly Account[],
  fact: FactOf<"moneyTransferred">,
  moneyBucket: number,
  amount: number,
): void {
  const field: "available" | "held" | undefined = moneyBucketFields.get(moneyBucket);
  if (field === undefined) return;
  const account = accounts[fact.account]!;
  account[field] += amount;
  if (account[field] < 0 || !Number.isSafeInteger(account[field]))
    throw new Error(`account ${account.id}: ${field} ${account[field]} after fact ${fact.type}`);
}

const stockBucketNames: readonly (StockBucket | undefined)[] = [undefined, "available", "held", "sold"];

const moneyBucketFields = new Map<number, "available" | "held">([
  [moneyBuckets.wallet, "available"],
  [moneyBuckets.held, "held"],
] satisfies [number, "available" | "held"][]);

export type { MoneyBucket, StockBucket };
