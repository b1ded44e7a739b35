/**
 * Transactions that programs define: what their participants of this shard moved, and whether each moved once.
 *
 *                 tried               confirmed           canceled            done                undone
 *   stock         available -> held   held -> sold        held -> available   available -> sold   sold -> available
 *   debit         wallet -> held      held -> to          held -> wallet      wallet -> to        to -> wallet
 *   credit        nothing             transit -> wallet   nothing             transit -> wallet   wallet -> transit
 *
 * What is done and then confirmed has moved before.
 *
 * AUDIT-TRANSACTIONS-1  A fence moves along its states only, and what it says and what was moved stand in one turn.
 * AUDIT-TRANSACTIONS-2  What tried branches hold is what products and accounts have in `held`.
 * AUDIT-TRANSACTIONS-3  A transaction is decided once, and ends as it was decided. A call to the outside ends once.
 */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { moneyBuckets, stockBuckets } from "../../actors/postings.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { PaymentAudit } from "./audit-payments.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";

/** Numbers of fence states in the log. */
const states = { none: 0, refused: 1, tried: 2, confirmed: 3, canceled: 4, tombstone: 5, done: 6, undone: 7 };

/** Which state may follow which. */
const follows: Readonly<Record<number, readonly number[]>> = {
  [states.none]: [states.refused, states.tried, states.tombstone, states.done],
  [states.refused]: [states.canceled, states.undone],
  [states.tried]: [states.confirmed, states.canceled],
  [states.done]: [states.undone, states.confirmed],
};

/** Numbers of participants in the log. */
const kinds = { stock: 1, debit: 2, credit: 3 };

interface Fence {
  readonly transaction: number;
  readonly branch: number;
  readonly what: number;
  readonly subject: number;
  readonly amount: number;
  readonly to: number;
  state: number;
}

type Transfer = readonly [from: number, to: number, amount: number];
type BranchTransfer = readonly [name: string, transfer: Transfer];

interface Transaction {
  /** 0 = not yet. */
  decided: number;
}

export class TransactionAudit {
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #payments: PaymentAudit;
  readonly #fences = new Map<string, Fence>();
  /** Fences that hold nothing, in the order in which they ended: the oldest are dropped. */
  readonly #ended = new Map<string, Fence>();
  readonly #open = new Map<number, Transaction>();
  readonly #calls = new Set<number>();
  // This turn: what fences wait for, what was moved, and whether a human did it. A branch may be done and undone in one turn.
  readonly #expected: BranchTransfer[] = [];
  readonly #moved: BranchTransfer[] = [];
  #byHuman = false;

  constructor(scope: AuditScope, ledger: LedgerAudit, stock: StockAudit, payments: PaymentAudit) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#payments = payments;
  }

  callMade({ call }: FactOf<"callMade">): void {
    if (this.#calls.has(call)) this.#bad(`call ${call} is made twice`);
    this.#calls.add(call);
  }

  callEnded({ call }: FactOf<"callEnded">): void {
    if (!this.#calls.delete(call)) this.#bad(`call ${call} ends and is not open`);
  }

  begun({ transaction }: FactOf<"transactionBegun">): void {
    if (this.#open.has(transaction)) this.#bad(`transaction ${transaction} begins twice`);
    this.#open.set(transaction, { decided: 0 });
  }

  decided({ transaction, how }: FactOf<"transactionDecided">): void {
    const open = this.#open.get(transaction);
    this.#scope.looked("transactions", 1);
    if (!open) this.#bad(`transaction ${transaction} is decided and is not open`);
    else if (open.decided !== 0) this.#bad(`transaction ${transaction} is decided twice`);
    else open.decided = how;
  }

  finished({ transaction, how }: FactOf<"transactionEnded">): void {
    const open = this.#open.get(transaction);
    this.#scope.looked("transactions", 1);
    if (!open) this.#bad(`transaction ${transaction} ends and is not open`);
    else if (open.decided !== how) this.#bad(`transaction ${transaction} ends otherwise than it was decided`);
    this.#open.delete(transaction);
  }

  isOpen(transaction: number): boolean {
    return this.#open.has(transaction);
  }

  fenceSet(fact: FactOf<"fenceSet">): void {
    const { transaction, branch, what, subject, amount, to, state } = fact;
    const name = `${transaction} ${branch}`;
    if (this.#fences.has(name)) this.#bad(`branch ${name} has two fences`);
    const fence: Fence = { transaction, branch, what, subject, amount, to, state: states.none };
    this.#fences.set(name, fence);
    this.#move(name, fence, state);
  }

  fenceMoved({ transaction, branch, state }: FactOf<"fenceMoved">): void {
    const name = `${transaction} ${branch}`;
    const fence = this.#fences.get(name);
    if (fence) this.#move(name, fence, state);
    else this.#bad(`branch ${name} moves and has no fence`);
  }

  fencesDropped({ count }: FactOf<"fencesDropped">): void {
    let left = count;
    for (const name of this.#ended.keys()) {
      if (left-- === 0) break;
      this.#ended.delete(name);
      this.#fences.delete(name);
    }
    if (left > 0) this.#bad(`${left} more fences are dropped than had ended`);
  }

  unitsTransferred(fact: FactOf<"unitsTransferred">): void {
    const { transaction, branch, from, to, qty } = fact;
    this.#stock.transferred(fact);
    this.#moved.push([`${transaction} ${branch}`, [from, to, qty]]);
  }

  moneyTransferred(fact: FactOf<"moneyTransferred">): void {
    const { transaction, branch, account, currency, amount, from, to } = fact;
    for (const [moneyBucket, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      if (moneyBucket === moneyBuckets.wallet) this.#ledger.pay(account, sign * amount);
      else if (moneyBucket === moneyBuckets.held) this.#ledger.hold(account, sign * amount);
      else if (moneyBucket === moneyBuckets.revenue)
        this.#ledger.revenue.add(currencyCode(currency), sign * amount);
      else if (moneyBucket === moneyBuckets.suspense) this.#payments.byHand(currency, sign * amount);
    }
    this.#moved.push([`${transaction} ${branch}`, [from, to, amount]]);
  }

  resolved(): void {
    this.#byHuman = true;
  }

  /** AUDIT-TRANSACTIONS-1: everything that a fence says was moved was, and nothing else, unless a human did it. */
  endTurn(): void {
    if (this.#moved.length === 0 && this.#expected.length === 0) {
      this.#byHuman = false;
      return;
    }
    for (const moved of this.#moved) {
      const [name, [from, to, amount]] = moved;
      const at = this.#expected.findIndex((expected) => isSame(expected, moved));
      if (at >= 0) this.#expected.splice(at, 1);
      else if (!this.#byHuman)
        this.#bad(`branch ${name}: ${amount} moved from ${from} to ${to} without a reason`);
    }
    for (const [name, [from, to, amount]] of this.#expected)
      this.#bad(`branch ${name}: ${amount} should have moved from ${from} to ${to}`);
    this.#moved.length = 0;
    this.#expected.length = 0;
    this.#byHuman = false;
  }

  #move(name: string, fence: Fence, state: number): void {
    this.#scope.looked("transactions", 1);
    const from = fence.state;
    if (!follows[from]?.includes(state)) this.#bad(`branch ${name} goes from state ${from} to ${state}`);
    fence.state = state;
    if (state !== states.tried && state !== states.done) {
      this.#ended.delete(name);
      this.#ended.set(name, fence);
    }
    const transfer = transferOf(fence, from);
    if (transfer) this.#expected.push([name, transfer]);
    const held = (state === states.tried ? 1 : 0) - (from === states.tried ? 1 : 0);
    if (held === 0) return;
    if (fence.what === kinds.stock) this.#stock.reserve(fence.subject, held * fence.amount);
    else if (fence.what === kinds.debit) this.#ledger.reserve(fence.subject, held * fence.amount);
  }

  #bad(what: string): void {
    this.#scope.bad("transactions", what);
  }
}

function isSame([nameA, a]: BranchTransfer, [nameB, b]: BranchTransfer): boolean {
  return nameA === nameB && a.every((value, index) => value === b[index]);
}

/** What moves when a fence comes into its state from another. */
function transferOf({ what, state, to, amount }: Fence, from: number): Transfer | undefined {
  const [free, kept, gone] =
    what === kinds.stock
      ? [stockBuckets.available, stockBuckets.held, stockBuckets.sold]
      : what === kinds.debit
        ? [moneyBuckets.wallet, moneyBuckets.held, to]
        : [moneyBuckets.transit, moneyBuckets.transit, moneyBuckets.wallet];
  const ways: Readonly<Record<number, readonly [number, number] | undefined>> = {
    [states.tried]: [free, kept],
    [states.confirmed]: from === states.tried ? [kept, gone] : undefined,
    [states.canceled]: from === states.tried ? [kept, free] : undefined,
    [states.done]: [free, gone],
    [states.undone]: from === states.done ? [gone, free] : undefined,
  };
  const way = ways[state];
  return way && way[0] !== way[1] ? [way[0], way[1], amount] : undefined;
}
