/**
 * What a human can do about a part that keeps failing, that nobody here can do, or that contradicts its fence.
 *
 *              a step or try that waits        an end (confirm, cancel, compensation)
 *   retry      at once, counted anew           at once, counted anew
 *   done       it was done                     it has come about otherwise: what stands in the books stays
 *   undone     it was not done                 it has not, and will not
 *   entries    -                               these entries pay for what cannot be moved
 *   write_off  nobody knows: undo it           the loss account pays for it
 *
 * Money of a part that cannot end stands between two wallets: what is missing there is put in from suspense, which the
 * entries fill, and what is left there is taken out to suspense, which the entries empty. So the books are at zero again.
 *
 * TRANSACTION-ITEMS-1  A resolution ends the part or starts it again; the transaction goes on in the same turn.
 * TRANSACTION-ITEMS-2  While an actor of another shard is asked to end the part, no resolution is: it would be ended twice.
 */

import { Facts } from "../../actors/facts.js";
import { parseTransactionId } from "../../actors/order-number.js";
import { moneyBuckets } from "../../actors/postings.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { Part } from "../../actors/transactions/plan.js";
import { callOf, repeatCall } from "../calls/calls.js";
import type { ResolveHuman } from "../seams/commands.js";
import type { ReviewItem } from "../tables/review-queue.js";
import type { Transaction } from "../tables/transaction-table.js";
import { advance } from "../transactions/coordinator.js";
import { answerPart, codesOfPart, endOf, endPart, failureCode, settlePart } from "../transactions/parts.js";
import { transferMoney } from "../transactions/transfers.js";
import type { Turn } from "../turns/turn.js";
import { decideEntries, recordEntries } from "./hand-entries.js";
import type { ItemKind, Resolve } from "./item-kind.js";

interface Stuck {
  readonly transaction: Transaction;
  readonly part: number;
  readonly plan: Part;
  /** It has an effect to confirm or to undo; else its try or step is what waits. */
  readonly ending: boolean;
}

type Decide = (turn: Turn, stuck: Stuck, item: ReviewItem, command: ResolveHuman) => Refusal | (() => void);

const retry: Decide = (turn, { transaction, part, plan }) => {
  return () => {
    turn.record({ type: Facts.partRepeated, transaction: transaction.transaction, part });
    if (plan.what !== "call") endPart(turn, transaction, part, endOf(transaction));
    for (const code of codesOfPart(part)) {
      const call = callOf(turn, "transaction", transaction.transaction, code);
      if (call) repeatCall(turn, call);
    }
  };
};

const done: Decide = (turn, stuck) =>
  stuck.ending ? stand(turn, stuck) : () => answerPart(turn, stuck.transaction, stuck.part, "done", "");

const undone: Decide = (turn, stuck, _item, { reason }) =>
  stuck.ending
    ? stand(turn, stuck)
    : () => answerPart(turn, stuck.transaction, stuck.part, "refused", JSON.stringify({ reason }));

const entries: Decide = (turn, stuck, item, command) => {
  const { ending, transaction, part } = stuck;
  if (!ending) return notHere("a step that waits has moved nothing: say whether it was done");
  const gap = gapOf(stuck);
  const refusal = refuseGap(stuck);
  if (refusal) return refusal;
  const at = gap && ({ account: "suspense", way: gap.way } as const);
  const decided = decideEntries(turn, item, command.entries, at);
  if ("code" in decided) return decided;
  return () => {
    if (gap?.way === "out") transfer(turn, stuck, gap.moneyBucket, moneyBuckets.suspense);
    recordEntries(turn, item, decided);
    if (gap?.way === "in") transfer(turn, stuck, moneyBuckets.suspense, gap.moneyBucket);
    settlePart(turn, transaction, part, "byHuman");
  };
};

const writeOff: Decide = (turn, stuck) => {
  const { transaction, part, ending } = stuck;
  if (!ending) return () => answerPart(turn, transaction, part, "unknown", "");
  const refusal = refuseGap(stuck);
  if (refusal) return refusal;
  const gap = gapOf(stuck);
  return () => {
    if (gap?.way === "in") transfer(turn, stuck, moneyBuckets.loss, gap.moneyBucket);
    if (gap?.way === "out") transfer(turn, stuck, gap.moneyBucket, moneyBuckets.loss);
    settlePart(turn, transaction, part, "byHuman");
  };
};

export const transactionItems: ItemKind = {
  name: "transaction",
  actions: {
    retry: resolving(retry),
    done: resolving(done),
    undone: resolving(undone),
    entries: resolving(entries),
    write_off: resolving(writeOff),
  },
};

/** Finds the part of the item, and lets its transaction go on after the resolution. */
function resolving(decide: Decide): Resolve {
  return (turn, item, command) => {
    const stuck = stuckOf(turn, item);
    if (!stuck) return refuse("transaction_not_found");
    if (isAsked(stuck)) return notHere("it is tried just now on another shard: wait for what comes of that");
    const decided = decide(turn, stuck, item, command);
    if (typeof decided !== "function") return decided;
    return () => {
      decided();
      advance(turn, stuck.transaction);
    };
  };
}

/** Between two tries it has a time at which it is due; an actor of this shard answers in the turn that asks. */
function isAsked({ ending, plan, transaction, part }: Stuck): boolean {
  return ending && plan.what !== "call" && transaction.progress[part]!.dueAt === 0;
}

function stuckOf(turn: Turn, { subject }: ReviewItem): Stuck | undefined {
  const slash = subject.indexOf("/");
  const number = parseTransactionId(subject.slice(0, slash));
  const transaction = number === undefined ? undefined : turn.books.transactions.open.get(number);
  const part = transaction?.parts.findIndex(({ name }) => name === subject.slice(slash + 1)) ?? -1;
  if (!transaction || part < 0) return undefined;
  const { state } = transaction.progress[part]!;
  return { transaction, part, plan: transaction.parts[part]!, ending: state === "ending" };
}

/** What the books say stays as it is. Money must not be left between two wallets by that. */
function stand(turn: Turn, { transaction, part, plan }: Stuck): Refusal | (() => void) {
  const rests = transaction.mode === "saga" && (plan.what === "credit" || plan.to === moneyBuckets.revenue);
  if (isMoney(plan) && !rests)
    return notHere("the money would stay between two wallets: book entries, write it off, or retry");
  return () => {
    settlePart(turn, transaction, part, "byHuman");
    // Whoever paid has nothing to get back from whoever keeps it.
    if (plan.pair >= 0) settlePart(turn, transaction, plan.pair, "byHuman");
  };
}

interface Gap {
  /** A number of `moneyBuckets`: where money is missing (`in`) or left over (`out`). */
  readonly moneyBucket: number;
  readonly way: "in" | "out";
}

/**
 *            confirm cannot be       cancel or undo cannot be
 *   debit    it never came: in       it was never given back: out
 *   credit   it was never given: out it never came back: in
 */
function gapOf({ plan, transaction }: Stuck): Gap | undefined {
  if (!isMoney(plan)) return undefined;
  const moneyBucket = plan.what === "debit" ? plan.to : moneyBuckets.transit;
  const forward = endOf(transaction) === "confirm";
  return { moneyBucket, way: (plan.what === "debit") === forward ? "in" : "out" };
}

/** Money that is still held for the account is nowhere between: it goes back as soon as the wallet has room. */
function refuseGap({ plan, transaction, part }: Stuck): Refusal | undefined {
  const { error } = transaction.progress[part]!;
  const held =
    plan.what === "debit" && transaction.mode === "tcc" && failureCode(error) === "amount_overflow";
  return held
    ? notHere("the account's money is still held for it: make room in its wallet and retry")
    : undefined;
}

function transfer(turn: Turn, { transaction, part, plan }: Stuck, from: number, to: number): void {
  const where = { transaction: transaction.transaction, branch: part };
  transferMoney(turn, where, 0, plan.currency, plan.amount, from, to);
}

function isMoney({ what }: Part): boolean {
  return what === "debit" || what === "credit";
}

function notHere(reason: string): Refusal {
  return refuse("invalid_request", { path: "params.action", reason });
}
