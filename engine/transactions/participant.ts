/**
 * The participants that live here: a product's stock, money out of a wallet, money into one. Each call is looked up in the
 * fence, has its effect or none, and gives an answer; effect and fence are in one turn.
 *
 *              try (TCC)              confirm             cancel               do (saga)           undo
 *   stock      available -> held      held -> sold        held -> available    available -> sold   sold -> available
 *   debit      wallet -> held         held -> to          held -> wallet       wallet -> to        to -> wallet
 *   credit     nothing, but may it be transit -> wallet   nothing              transit -> wallet   wallet -> transit
 *
 * `to` is transit when a credit of the same transaction takes it on, else revenue.
 *
 * PARTICIPANT-1  A participant never ends a branch by itself: it holds until it is told.
 * PARTICIPANT-2  A call that the fence has seen changes nothing.
 */

import { decideCapture } from "../../actors/account.js";
import { Facts, type Mode, modes } from "../../actors/facts.js";
import { addChecked, currencyCode, formatAmount } from "../../actors/money.js";
import { moneyBuckets } from "../../actors/postings.js";
import { decideTake } from "../../actors/product.js";
import { type Refusal, refuse, resultOf, resultOfNumber } from "../../actors/results.js";
import {
  type Cell,
  type FenceCall,
  fenceCell,
  fenceStates,
  type Participant,
  participants,
} from "../../actors/transactions/fence.js";
import { fencesMax, retryAfterMs } from "../seams/limits.js";
import type { Fence } from "../tables/fence-table.js";
import { nameAccount } from "../turns/name-account.js";
import type { Turn } from "../turns/turn.js";
import { transferMoney, transferUnits } from "./transfers.js";

/** A call to a participant of this shard. */
export interface ParticipantCall {
  readonly transaction: number;
  readonly branch: number;
  readonly mode: Mode;
  readonly call: FenceCall;
  readonly what: Participant;
  /** Id of the product or of the wallet's account. */
  readonly subject: string;
  /** Id of the account that takes. */
  readonly account: string;
  readonly amount: number;
  readonly currency: number;
  /** A number of `moneyBuckets`. */
  readonly to: number;
  readonly deadline: number;
}

/** Undefined = ok. Records what follows. */
export function callParticipant(turn: Turn, asked: ParticipantCall): Refusal | undefined {
  const { fences } = turn.books;
  const fence = fences.find(asked.transaction, asked.branch);
  const cell = fenceCell(asked.mode, fence?.state ?? "none", asked.call);
  if (cell.answer === "same") return keptRefusal(fence!);
  if (cell.answer !== "ok") return refuse(cell.answer);
  if (cell.effect === undefined) return undefined;
  if (!fence) return begin(turn, asked, cell);
  return end(turn, fence, cell, asked.currency);
}

/** JSON of what a participant says about what it did. */
export function participantResult(turn: Turn, { what, subject, amount }: ParticipantCall): string {
  const product = what === "stock" ? turn.books.productByName.get(subject) : undefined;
  if (!product) return "";
  const unitPrice = formatAmount(product.price, product.currency);
  return JSON.stringify({
    product: subject,
    qty: amount,
    unitPrice,
    currency: currencyCode(product.currency),
  });
}

/** The first call of a branch: it takes, is refused, or leaves a tombstone. */
function begin(turn: Turn, asked: ParticipantCall, cell: Cell): Refusal | undefined {
  if (cell.effect === "remember") {
    setFence(turn, asked, cell, { subject: 0, account: 0 }, undefined);
    return undefined;
  }
  if (turn.books.fences.size >= fencesMax) return refuse("overloaded", { retryAfterMs });
  const decided = decide[asked.what](turn, asked);
  const refused = "code" in decided ? decided : undefined;
  const handles = "code" in decided ? { subject: 0, account: 0 } : decided;
  setFence(turn, asked, cell, handles, refused);
  if (!refused) {
    const fence = turn.books.fences.find(asked.transaction, asked.branch)!;
    apply[asked.what](turn, fence, cell.effect!, asked.currency);
  }
  return refused;
}

/** A later call: the effect comes first, because it may be refused, and then the state stays as it is. */
function end(turn: Turn, fence: Fence, cell: Cell, currency: number): Refusal | undefined {
  const refused = cell.effect === "remember" ? undefined : refuseEnd(turn, fence, cell.effect!, currency);
  if (refused) return refused;
  const { transaction, branch, what } = fence;
  if (cell.effect !== "remember") apply[what](turn, fence, cell.effect!, currency);
  turn.record({ type: Facts.fenceMoved, transaction, branch, state: fenceStates[cell.to!] });
  return undefined;
}

interface Handles {
  readonly subject: number;
  readonly account: number;
}

type Decide = (turn: Turn, asked: ParticipantCall) => Refusal | Handles;

const decide: { readonly [P in Participant]: Decide } = {
  stock(turn, { subject, account, amount }) {
    const product = turn.books.productByName.get(subject);
    if (!product || product.remote) return refuse("product_not_found", { product: subject });
    const taker = turn.books.accountByName.get(account);
    const refusal = decideTake(product, taker?.handle, amount, turn.nowMs);
    if (refusal) return refuse(refusal.code, { product: subject, ...refusal.details });
    return { subject: product.handle, account: nameAccount(turn, account).handle };
  },
  debit(turn, asked) {
    const account = openAccount(turn, asked);
    if ("code" in account) return account;
    const refusal = decideCapture(account, asked.amount, "account", "due");
    return refusal ?? { subject: account.handle, account: account.handle };
  },
  credit(turn, asked) {
    const account = openAccount(turn, asked);
    if ("code" in account) return account;
    const sum = addChecked(account.available, asked.amount);
    if (sum === undefined) return refuse("amount_overflow", { account: account.id });
    return { subject: account.handle, account: account.handle };
  },
};

/** What can stand against an end: money that was spent since, or a wallet that can hold no more. */
function refuseEnd(turn: Turn, fence: Fence, effect: string, currency: number): Refusal | undefined {
  if (fence.what === "stock") return undefined;
  const account = turn.books.accounts[fence.subject]!;
  if (fence.what === "credit" && effect === "undo") {
    const refusal = decideCapture(account, fence.amount, "account", "due");
    if (refusal) return refusal;
  }
  const into = fence.what === "credit" ? effect === "confirm" : effect === "cancel" || effect === "undo";
  if (into && addChecked(account.available, fence.amount) === undefined)
    return refuse("amount_overflow", { account: account.id, currency });
  return undefined;
}

type Apply = (turn: Turn, fence: Fence, effect: string, currency: number) => void;

const apply: { readonly [P in Participant]: Apply } = {
  stock(turn, fence, effect) {
    const transfer = stockTransfers[effect]!;
    const product = turn.books.products[fence.subject]!;
    transferUnits(turn, fence, product, fence.account, fence.amount, transfer[0], transfer[1]);
  },
  debit(turn, fence, effect, currency) {
    const { wallet, held } = moneyBuckets;
    const [from, to] = {
      try: [wallet, held],
      confirm: [held, fence.to],
      cancel: [held, wallet],
      do: [wallet, fence.to],
      undo: [fence.to, wallet],
    }[effect]!;
    transferMoney(turn, fence, fence.subject, currency, fence.amount, from!, to!);
  },
  credit(turn, fence, effect, currency) {
    if (effect === "try" || effect === "cancel") return;
    const { wallet, transit } = moneyBuckets;
    const [from, to] = effect === "undo" ? [wallet, transit] : [transit, wallet];
    transferMoney(turn, fence, fence.subject, currency, fence.amount, from, to);
  },
};

const stockTransfers: Readonly<
  Record<string, readonly ["available" | "held" | "sold", "available" | "held" | "sold"]>
> = {
  try: ["available", "held"],
  confirm: ["held", "sold"],
  cancel: ["held", "available"],
  do: ["available", "sold"],
  undo: ["sold", "available"],
};

function openAccount(turn: Turn, { subject, currency }: ParticipantCall) {
  const account = turn.books.accountByName.get(subject);
  if (!account || account.currency < 0) return refuse("account_not_found", { account: subject });
  if (account.currency !== currency) return refuse("currency_mismatch", { account: subject });
  return account;
}

function setFence(
  turn: Turn,
  asked: ParticipantCall,
  cell: Cell,
  { subject, account }: Handles,
  refused: Refusal | undefined,
): void {
  const { transaction, branch, amount, to, deadline } = asked;
  turn.record({
    type: Facts.fenceSet,
    transaction,
    branch,
    mode: modes[asked.mode],
    state: fenceStates[refused ? cell.refusedTo! : cell.to!],
    what: participants[asked.what],
    subject,
    account,
    amount,
    to,
    deadline,
    code: refused ? resultOf(refused.code).number : 0,
    text: refused?.details ? JSON.stringify(refused.details) : "",
  });
}

function keptRefusal({ code, text }: Fence): Refusal {
  const details = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
  return refuse(resultOfNumber(code)!.code, details);
}
