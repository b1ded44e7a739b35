/**
 * Entries by a human's hand: balanced, between ledger accounts that `postings` lets a human name, and together exactly what
 * is at risk. They are judged by what they bring to and take from each account, so their order decides nothing.
 *
 * HAND-ENTRIES-1  A wallet that is named is open on this shard and has the item's currency.
 * HAND-ENTRIES-2  Where it is known where the money at risk stands, nobody pays for anything but that: what leaves there arrives
 *                 elsewhere, or the other way round. An entry that moves other people's money beside it is not of this item.
 * HAND-ENTRIES-3  Of an account with a floor no more is taken than it had before the first of them: so it is never below zero, in
 *                 whatever order they are booked. Suspense has what the item has there, and nothing for anybody else.
 */

import { decideCapture } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { addChecked, formatAmount, parsePositiveAmount } from "../../actors/money.js";
import { handGuard, walletIn } from "../../actors/postings.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { EntryInput } from "../seams/commands.js";
import type { HandEntry, ReviewItem } from "../tables/review-queue.js";
import type { Turn } from "../turns/turn.js";

/** The ledger account where the money at risk stands, and which way it must go. */
interface Place {
  readonly account: string;
  readonly way: "in" | "out";
}

/** The entries as they will be booked, or why not. Without a place the amounts together are what is at risk. */
export function decideEntries(
  turn: Turn,
  item: ReviewItem,
  asked: readonly EntryInput[] | undefined,
  place?: Place,
): readonly HandEntry[] | Refusal {
  if (asked === undefined)
    return refuse("invalid_request", { path: "params.entries", reason: "is required" });
  const entries: HandEntry[] = [];
  for (const [index, { from, to, amount: text }] of asked.entries()) {
    const nameable = [from, to].every((name) => canName(name, place));
    if (!nameable || from === to) return badEntry(index, "not two accounts that may be named here");
    const amount = parsePositiveAmount(text, item.currency);
    if (typeof amount !== "number") return amount;
    entries.push({ from, to, amount });
  }
  const flows = flowsOf(entries);
  return decideMoved(item, entries, flows, place) ?? decideWallets(turn, item, entries, flows) ?? entries;
}

/** Of suspense only the money of its own item is a human's to move. */
function canName(name: string, place: Place | undefined): boolean {
  const guard = handGuard(name);
  return guard === "items" ? name === place?.account : guard !== undefined;
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

/** What entries bring to an account and what they take from it: sums that only grow, so their order does not matter. */
interface Flow {
  in: number;
  out: number;
}

/** Sums that are no safe integers stand for more than can be booked. */
function flowsOf(entries: readonly HandEntry[]): Map<string, Flow> {
  const flows = new Map<string, Flow>();
  const flow = (name: string): Flow => {
    const known = flows.get(name) ?? { in: 0, out: 0 };
    flows.set(name, known);
    return known;
  };
  for (const { from, to, amount } of entries) {
    flow(from).out += amount;
    flow(to).in += amount;
  }
  return flows;
}

/** HAND-ENTRIES-2, and of suspense HAND-ENTRIES-3: all of it goes one way there, so no more than the item has is ever taken. */
function decideMoved(
  item: ReviewItem,
  entries: readonly HandEntry[],
  flows: ReadonlyMap<string, Flow>,
  place: Place | undefined,
): Refusal | undefined {
  const { moved, back, onlyThat } = place
    ? movedAt(flows, place)
    : { moved: entries.reduce((sum, { amount }) => sum + amount, 0), back: 0, onlyThat: true };
  if (moved === item.amount && item.amount > 0 && back === 0 && onlyThat) return undefined;
  const where = place ? ` ${place.way === "in" ? "into" : "out of"} ${place.account}, and nothing else` : "";
  return refuse("invalid_amount", {
    reason: `the entries must move what is at risk${where}`,
    atRisk: formatAmount(item.amount, item.currency),
    moved: Number.isSafeInteger(moved) ? formatAmount(moved, item.currency) : null,
  });
}

/** What goes the place's way there, what goes the other, and whether all other accounts only give, or only get, on the whole. */
function movedAt(
  flows: ReadonlyMap<string, Flow>,
  { account, way }: Place,
): { moved: number; back: number; onlyThat: boolean } {
  const other = way === "in" ? "out" : "in";
  const at = flows.get(account) ?? { in: 0, out: 0 };
  const others = [...flows].filter(([name]) => name !== account).map(([, flow]) => flow);
  const onlyThat = others.every((flow) => flow[way] <= flow[other] && Number.isSafeInteger(flow[other]));
  return { moved: at[way], back: at[other], onlyThat };
}

/** HAND-ENTRIES-1, and of wallets HAND-ENTRIES-3. */
function decideWallets(
  turn: Turn,
  item: ReviewItem,
  entries: readonly HandEntry[],
  flows: ReadonlyMap<string, Flow>,
): Refusal | undefined {
  for (const [name, flow] of flows) {
    const id = walletIn(name);
    if (id === undefined) continue;
    const account = turn.books.accountByName.get(id);
    if (!account || account.currency < 0) {
      const index = entries.findIndex(({ from, to }) => from === name || to === name);
      return badEntry(index, `${name} is not open on the item's shard`);
    }
    if (account.currency !== item.currency) return refuse("currency_mismatch", { account: id });
    const refusal = decideCapture(account, flow.out, "account");
    if (refusal) return refusal;
    if (addChecked(account.available, flow.in) === undefined) return refuse("amount_overflow");
  }
  return undefined;
}

function badEntry(index: number, reason: string): Refusal {
  return refuse("invalid_request", { path: `params.entries[${index}]`, reason });
}
