/**
 * The refunds of one shard: each asked for once, ended once, and never more than there was to give back.
 *
 *   order or suspense ──asked──▶ payable ──done──▶ provider or wallet
 *           ▲                       └──refused──┐
 *           └───────────────────────────────────┘       unknown: still payable
 */

import { type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { orderId, orderSequence, orderSlot, parseRefundId, refundId } from "../../actors/order-number.js";
import { Statuses, statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import type { CrossShard } from "./audit-cross-shard.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { afterOf, type LiveOrder, paymentName, remainingOf } from "./audit-live.js";
import type { AuditScope } from "./audit-scope.js";
import type { TurnOrder } from "./audit-turn.js";
import { CurrencySums } from "./exact-sum.js";

export type Refund = FactOf<"refundRequested">;
type RefundEnd = FactOf<"refundDone"> | FactOf<"refundRefused">;

const fromOrder = refundSources.order;

export class RefundAudit {
  /** Asked, and neither done nor refused. */
  readonly open = new Map<number, Refund>();
  readonly payable = new CurrencySums();
  readonly done = new CurrencySums();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #crossing: CrossShard;
  #lastSequence = 0;
  /** Asked in this turn, back to the wallet: they end in the same turn. */
  #toWallet: number[] = [];

  constructor(scope: AuditScope, ledger: LedgerAudit, crossing: CrossShard) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#crossing = crossing;
  }

  asked(fact: Refund): void {
    const { refund, order: number, source, currency, amount, provider, restock } = fact;
    this.#scope.looked("refunds", 1);
    this.#numbered(fact);
    if (restock > 1) this.#bad(refund, `restock ${restock}`);
    if (source !== fromOrder && source !== refundSources.suspense)
      this.#bad(refund, `from a source ${source} that there is not`);
    this.payable.add(currencyCode(currency), amount);
    this.open.set(refund, fact);
    if (provider === "") this.#toWallet.push(refund);
    if (source !== fromOrder) return;
    const turn = this.#scope.order(number);
    turn.asks++;
    turn.asked += amount;
    const { order } = turn;
    if (!order) {
      this.#bad(refund, `of ${orderId(number)}, which is over or was never placed`);
      return;
    }
    this.#ledger.inOrder(order, -amount);
    const after = afterOf(order);
    after.refunding += amount;
    after.openRefunds++;
    this.#checkOwner(fact, order);
    if (remainingOf(order) < 0) this.#bad(refund, `${amount}, and ${amount + remainingOf(order)} were left`);
    this.#takeSource(fact, order, 1);
    turn.shared += this.#takeShares(fact, order, 1);
  }

  ended(fact: RefundEnd): Refund | undefined {
    const { refund, currency, amount } = fact;
    const done = fact.type === Facts.refundDone;
    this.#scope.looked("refunds", 1);
    const asked = this.open.get(refund);
    const same = asked && sameRefund(asked, fact);
    if (!asked) this.#bad(refund, `${done ? "done" : "refused"}, but it is not open`);
    else if (!same) this.#bad(refund, "ends otherwise than it was asked for");
    this.payable.add(currencyCode(currency), -amount);
    this.open.delete(refund);
    if (done) this.done.add(currencyCode(currency), amount);
    if (done && fact.provider === "") this.#ledger.pay(fact.account, amount);
    if (fact.source === fromOrder) this.#endOfOrder(fact, asked, done);
    return asked;
  }

  unknown({ refund }: FactOf<"refundUnknown">): void {
    this.#scope.looked("refunds", 1);
    if (!this.open.has(refund)) this.#bad(refund, "unknown, but it is not open");
  }

  /** An item says what is at risk. The refund that it is about, when it is open. */
  opened(subject: string, currency: number, amount: number): Refund | undefined {
    const asked = this.#openOf(subject);
    if (asked && (asked.amount !== amount || asked.currency !== currency))
      this.#bad(asked.refund, `${asked.amount}, and a human was told of ${amount}`);
    return asked;
  }

  isOpen(subject: string): boolean {
    return this.#openOf(subject) !== undefined;
  }

  #openOf(subject: string): Refund | undefined {
    return this.open.get(parseRefundId(subject) ?? 0);
  }

  endTurn(): void {
    for (const refund of this.#toWallet)
      if (this.open.has(refund)) this.#bad(refund, "to the wallet, and not done in the same turn");
    if (this.#toWallet.length > 0) this.#toWallet = [];
  }

  /** An order at the end of a turn: its refunds and its status belong together. `byHuman`: an item was resolved. */
  check(turn: TurnOrder, byHuman: boolean): void {
    const { order, number } = turn;
    if (!order) return;
    const bad = (what: string) => this.#scope.bad("refunds", `${orderId(number)}: ${what}`);
    if (turn.asks > 0 && turn.refundMoves === 0 && !turn.canceled && !byHuman)
      bad("a refund without a move of its order");
    if (turn.refundMoves > 0 && turn.asks === 0 && !turn.refundsAll)
      bad("in Refunding, and none was asked for");
    // Of an order that was never paid in full no line has a share.
    if (turn.shared !== turn.asked && !(order.status === Statuses.Canceled && turn.shared === 0))
      bad(`refunds of ${turn.asked} with shares of ${turn.shared}`);
    if (turn.refundsAll && remainingOf(order) !== 0)
      bad(`all was to be refunded, and ${remainingOf(order)} are left`);
    this.#checkOpen(order, bad);
  }

  #checkOpen(order: LiveOrder, bad: (what: string) => void): void {
    const { status, after } = order;
    if (!after) return;
    const { openRefunds } = after;
    const place = statuses[status];
    if (status === Statuses.Refunding) {
      this.#scope.looked("progress", 1);
      if (openRefunds === 0)
        this.#scope.bad("progress", `${orderId(order.number)}: in Refunding, and no refund is open`);
    } else if (status === Statuses.Refunded) {
      if (openRefunds > 0 || remainingOf(order) > 0)
        bad(`${place} with ${openRefunds} refunds open and ${remainingOf(order)} left`);
    } else if (status !== Statuses.Disputed && status !== Statuses.Canceled) {
      if (openRefunds > 0) bad(`${openRefunds} refunds open in ${place}`);
      else if (after.refunded > 0 && remainingOf(order) === 0) bad(`nothing is left, and it is in ${place}`);
    }
  }

  #endOfOrder(fact: RefundEnd, asked: Refund | undefined, done: boolean): void {
    const { order: number, refund, amount } = fact;
    const turn = this.#scope.order(number);
    const { order } = turn;
    if (!order) {
      this.#bad(refund, `of ${orderId(number)}, which is over or was never placed`);
      return;
    }
    const after = afterOf(order);
    after.refunding -= amount;
    if (asked) after.openRefunds--;
    if (done) {
      after.refunded += amount;
      turn.done += amount;
      if (asked?.restock) this.#giveBack(asked, order, turn);
    } else {
      this.#ledger.inOrder(order, amount);
      if (asked) this.#takeSource(asked, order, -1);
      if (asked) this.#takeShares(asked, order, -1);
    }
  }

  /** The units of its shares come back: here, or where the order's branches are. */
  #giveBack({ shares }: Refund, order: LiveOrder, turn: TurnOrder): void {
    const sentBack = this.#crossing.orders.get(order.number)?.returned;
    for (const { line, qty } of shares) {
      const product = order.lines[line]?.product;
      if (qty === 0 || product === undefined) continue;
      if (!order.crossed) turn.expected.push({ kind: "returned", product, qty, account: order.account });
      else sentBack?.set(line, (sentBack.get(line) ?? 0) + qty);
    }
  }

  /** Never more than its payment brought, each for itself. */
  #takeSource(fact: Refund, order: LiveOrder, sign: 1 | -1): void {
    const after = afterOf(order);
    const amount = sign * fact.amount;
    if (fact.provider === "") {
      after.toWallet += amount;
      const left = order.paid - after.fromOutside - after.toWallet;
      if (left < 0) this.#bad(fact.refund, `${-left} more than came from the wallet`);
      return;
    }
    const name = paymentName(fact);
    const left = after.sources.get(name);
    if (left === undefined) {
      this.#bad(fact.refund, `to payment ${name}, which is not one of ${orderId(order.number)}`);
      return;
    }
    after.sources.set(name, left - amount);
    if (left - amount < 0) this.#bad(fact.refund, `${amount - left} more than payment ${name} brought`);
  }

  /** Never more units, and never more money, than a line has. The shares' minor units together. */
  #takeShares({ refund, shares }: Refund, order: LiveOrder, sign: 1 | -1): number {
    const { taken } = afterOf(order);
    let sum = 0;
    for (const { line: index, qty, amount } of shares) {
      const units = order.lines[index]?.qty ?? 0;
      const part = shareOf(order, index);
      const of = taken[index];
      sum += amount;
      if (part === undefined || !of) {
        this.#bad(refund, `a share of line ${index}, which ${orderId(order.number)} does not have`);
        continue;
      }
      of.qty += sign * qty;
      of.amount += sign * amount;
      if (of.qty > units) this.#bad(refund, `${of.qty} units of the ${units} in line ${index}`);
      if (of.amount > part) this.#bad(refund, `${of.amount} of the ${part} in line ${index}`);
    }
    return sum;
  }

  #checkOwner({ refund, account, currency }: Refund, order: LiveOrder): void {
    if (account !== order.account || currency !== order.currency)
      this.#bad(refund, `of another account or currency than ${orderId(order.number)}`);
  }

  #numbered({ refund, order }: Refund): void {
    const sequence = orderSequence(refund);
    if (sequence !== this.#lastSequence + 1)
      this.#scope.bad("names", `${refundId(refund)} has sequence ${sequence} after ${this.#lastSequence}`);
    this.#lastSequence = Math.max(sequence, this.#lastSequence);
    if (order !== 0 && orderSlot(refund) !== orderSlot(order))
      this.#scope.bad("names", `${refundId(refund)} is not in the slot of ${orderId(order)}`);
  }

  #bad(refund: number, what: string): void {
    this.#scope.bad("refunds", `${refundId(refund)}: ${what}`);
  }
}

/** What a part of an order has of its total; undefined when there is no such part. */
function shareOf({ parts, lines }: LiveOrder, index: number): number | undefined {
  if (parts) return parts[index]?.amount;
  const line = lines[index];
  return line && line.qty * line.unitPrice;
}

function sameRefund(asked: Refund, ended: RefundEnd): boolean {
  return (["order", "source", "account", "currency", "amount", "provider"] as const).every(
    (field) => asked[field] === ended[field],
  );
}
