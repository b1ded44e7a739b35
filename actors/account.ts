/**
 * An account: its wallet. Money moves between it and the outside (deposit, withdraw), its orders (capture, refund), transactions
 * of programs, and by the entries of a human.
 *
 * ACCOUNT-1  available and held are never negative and never over 2^53-1, after every fact.
 * ACCOUNT-2  points are below zero only by a reversal: what was spent before its order was refunded is owed.
 */

import { type FactOf, Facts } from "./facts.js";
import { addChecked, formatAmount } from "./money.js";
import { moneyBuckets, walletIn } from "./postings.js";
import { type Refusal, refuse } from "./results.js";

export interface Account {
  readonly handle: number;
  readonly id: string;
  /** Number of its currency; -1 while it is only named: somebody asked for it before it was opened. */
  currency: number;
  available: number;
  held: number;
  points: number;
  /** Requests first made at or before this time (ms) may have had a key that is forgotten now. */
  keysForgottenTo: number;
  /** Position of the placement of its first order; 0 = it has placed none. */
  firstOrderAt: number;
  /** Position of the last fact that was told under it through an order which has left the books since; 0 = none was. */
  goneTo: number;
}

export function accountFromFact(handle: number, fact: FactOf<"accountNamed">): Account {
  return {
    handle,
    id: fact.id,
    currency: -1,
    available: 0,
    held: 0,
    points: 0,
    keysForgottenTo: -1,
    firstOrderAt: 0,
    goneTo: 0,
  };
}

export function decideDeposit(account: Account, amount: number): Refusal | undefined {
  return addChecked(account.available, amount) === undefined ? refuse("amount_overflow") : undefined;
}

/** Whether so much can be taken. `more`: what the refusal says beside what is available. */
export function decideCapture(
  account: Account,
  amount: number,
  ...more: readonly ("account" | "due")[]
): Refusal | undefined {
  const { id, available, currency } = account;
  if (available >= amount) return undefined;
  return refuse("insufficient_funds", {
    ...(more.includes("account") ? { account: id } : {}),
    available: formatAmount(available, currency),
    ...(more.includes("due") ? { due: formatAmount(amount, currency) } : {}),
  });
}

type AccountFact =
  | FactOf<"accountOpened">
  | FactOf<"accountDeposited">
  | FactOf<"accountWithdrawn">
  | FactOf<"moneyCaptured">
  | FactOf<"refundDone">
  | FactOf<"pointsGranted">
  | FactOf<"pointsReversed">
  | FactOf<"pointsSpent">
  | FactOf<"moneyTransferred">
  | FactOf<"entryMade">;

/** Applies a fact. Throws when the log contradicts itself. */
export function evolveAccount(account: Account, fact: AccountFact): void {
  switch (fact.type) {
    case Facts.accountOpened:
      account.currency = fact.currency;
      return;
    case Facts.accountDeposited:
    case Facts.refundDone:
      account.available += fact.amount;
      break;
    case Facts.pointsGranted:
      account.points += fact.points;
      break;
    case Facts.pointsReversed:
      account.points -= fact.points;
      break;
    case Facts.pointsSpent:
      account.points -= fact.points;
      if (account.points < 0)
        throw new Error(`account ${account.id}: ${account.points} points after spending`);
      break;
    case Facts.accountWithdrawn:
    case Facts.moneyCaptured:
      account.available -= fact.amount;
      break;
    case Facts.moneyTransferred:
      transfer(account, fact.from, -fact.amount);
      transfer(account, fact.to, fact.amount);
      break;
    case Facts.entryMade:
      if (walletIn(fact.from) === account.id) account.available -= fact.amount;
      if (walletIn(fact.to) === account.id) account.available += fact.amount;
      break;
  }
  const { available, held } = account;
  if (available < 0 || held < 0 || !Number.isSafeInteger(available) || !Number.isSafeInteger(held)) {
    throw new Error(`account ${account.id}: available ${available}, held ${held} after ${fact.type}`);
  }
}

/** Buckets that are no account's are the ledger's alone. */
function transfer(account: Account, bucket: number, amount: number): void {
  if (bucket === moneyBuckets.wallet) account.available += amount;
  else if (bucket === moneyBuckets.held) account.held += amount;
}
