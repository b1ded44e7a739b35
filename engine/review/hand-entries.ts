/**
 * Entries by a human's hand: balanced, between ledger accounts that `postings` lets a human name, and together exactly what
 * is at risk.
 *
 * HAND-ENTRIES-1  A wallet that is named is open on this shard, has the item's currency, and is never left below zero.
 * HAND-ENTRIES-2  Where it is known where the money at risk stands, nobody pays for anything but that: what leaves there arrives elsewhere, or
 *                 the other way round. An entry that moves other people's money beside it is not of this item.
 */

import { Facts } from "../../actors/facts.js";
import { addChecked, formatAmount, parsePositiveAmount } from "../../actors/money.js";
import { isHandAccount, walletIn } from "../../actors/postings.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { EntryInput } from "../seams/commands.js";
import type { HandEntry, ReviewItem } from "../tables/review-queue.js";
import type { Turn } from "../turns/turn.js";

/**
 * The entries as they will be booked, or why not. `at`: the ledger account where the money at risk stands, and which way it
 * must go. Left out: the amounts together are what is at risk.
 */
export function decideEntries(
  turn: Turn,
  item: ReviewItem,
  asked: readonly EntryInput[] | undefined,
  at?: { readonly account: string; readonly way: "in" | "out" },
): readonly HandEntry[] | Refusal {
  if (asked === undefined)
    return refuse("invalid_request", { path: "params.entries", reason: "is required" });
  const entries: HandEntry[] = [];
  for (const [index, { from, to, amount: text }] of asked.entries()) {
    const wrong = [from, to].find((name) => !isHandAccount(name));
    if (wrong !== undefined || from === to) return badEntry(index, "not two accounts that may be named here");
    const amount = parsePositiveAmount(text, item.currency);
    if (typeof amount !== "number") return amount;
    entries.push({ from, to, amount });
  }
  return decideMoved(item, entries, at) ?? decideWallets(turn, item, entries) ?? entries;
}

/** Whether what is asked for is what was booked, however the amounts are written. */
export function sameEntries(
  item: ReviewItem,
  asked: readonly EntryInput[],
  booked: readonly HandEntry[],
): boolean {
  return (
    asked.length === booked.length &&
    asked.every(({ from, to, amount }, index) => {
      const entry = booked[index]!;
      return (
        from === entry.from && to === entry.to && parsePositiveAmount(amount, item.currency) === entry.amount
      );
    })
  );
}

/** Books them. */
export function recordEntries(turn: Turn, item: ReviewItem, entries: readonly HandEntry[]): void {
  for (const { from, to, amount } of entries) {
    turn.record({ type: Facts.entryMade, item: item.item, from, to, currency: item.currency, amount });
  }
}

function decideMoved(
  item: ReviewItem,
  entries: readonly HandEntry[],
  at: { readonly account: string; readonly way: "in" | "out" } | undefined,
): Refusal | undefined {
  const { moved, onlyThat } = at ? movedAt(entries, at.account, at.way) : movedInAll(entries);
  if (moved === item.amount && item.amount > 0 && onlyThat) return undefined;
  const where = at ? ` ${at.way === "in" ? "into" : "out of"} ${at.account}, and nothing else` : "";
  return refuse("invalid_amount", {
    reason: `the entries must move what is at risk${where}`,
    atRisk: formatAmount(item.amount, item.currency),
    moved: moved === undefined ? null : formatAmount(moved, item.currency),
  });
}

interface Moved {
  /** Undefined: more than a number can hold. */
  readonly moved: number | undefined;
  /** HAND-ENTRIES-2 */
  readonly onlyThat: boolean;
}

/** What comes into the account, or goes out of it, and whether all others only give, or only get. */
function movedAt(entries: readonly HandEntry[], account: string, way: "in" | "out"): Moved {
  const sign = way === "in" ? 1 : -1;
  const nets = new Map<string, number | undefined>();
  const add = (name: string, amount: number) =>
    void nets.set(name, addChecked(nets.get(name) ?? (nets.has(name) ? Number.NaN : 0), amount));
  for (const { from, to, amount } of entries) {
    add(from, -sign * amount);
    add(to, sign * amount);
  }
  const moved = nets.has(account) ? nets.get(account) : 0;
  nets.delete(account);
  return { moved, onlyThat: [...nets.values()].every((net) => net !== undefined && net <= 0) };
}

function movedInAll(entries: readonly HandEntry[]): Moved {
  let moved: number | undefined = 0;
  for (const { amount } of entries) moved = addChecked(moved ?? Number.NaN, amount);
  return { moved, onlyThat: true };
}

/** In the order of the entries: what an earlier one brings, a later one may take. */
function decideWallets(turn: Turn, item: ReviewItem, entries: readonly HandEntry[]): Refusal | undefined {
  const balances = new Map<string, number>();
  for (const [index, { from, to, amount }] of entries.entries()) {
    for (const [name, moved] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      const id = walletIn(name);
      if (id === undefined) continue;
      const account = turn.books.accountByName.get(id);
      if (!account || account.currency < 0) return badEntry(index, `${name} is not open on the item's shard`);
      if (account.currency !== item.currency) return refuse("currency_mismatch", { account: id });
      const balance = addChecked(balances.get(id) ?? account.available, moved);
      if (balance === undefined) return refuse("amount_overflow");
      if (balance < 0) {
        return refuse("insufficient_funds", {
          account: id,
          available: formatAmount(account.available, account.currency),
        });
      }
      balances.set(id, balance);
    }
  }
  return undefined;
}

function badEntry(index: number, reason: string): Refusal {
  return refuse("invalid_request", { path: `params.entries[${index}]`, reason });
}
