/**
 * Payments from outside: each booked once, and all of its money given a place in the same turn.
 *
 *   booked ──▶ suspense ──┬─ applied ──▶ its order
 *                         ├─ refund asked ──▶ payable
 *                         ├─ stays, and an item for a human tells of it
 *                         └─ waits for the lines of a canceled order, and is applied or refunded when that ends
 */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { itemId, orderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import type { CrossShard } from "./audit-cross-shard.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { afterOf, paymentName } from "./audit-live.js";
import type { Refund } from "./audit-refunds.js";
import type { AuditScope } from "./audit-scope.js";
import { CurrencySums } from "./exact-sum.js";

/** What became of a payment that was booked in this turn. */
interface Booked {
  readonly currency: number;
  /** The order that the provider was given. */
  readonly reference: string;
  /** Minor units that have no place yet. */
  left: number;
  /** The order that it was applied to; 0 = none. */
  order: number;
  refunded: boolean;
  toHuman: boolean;
  /** What its key says; undefined until it is kept. */
  outcome: string | undefined;
}

export class PaymentAudit {
  readonly suspense = new CurrencySums();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #crossing: CrossShard;
  /** The numbers of all that were ever booked: a provider may tell of one again after years. */
  readonly #booked = new Map<string, number>();
  /** What items for humans say of suspense. */
  readonly #inItems = new CurrencySums();
  /** Payments that wait for the lines of their order, by order; and their sums. */
  readonly #reinstatements = new Map<number, FactOf<"reinstatementBegun">>();
  readonly #waiting = new CurrencySums();
  /** By how much suspense and the items were known to differ. */
  readonly #off = new Map<string, bigint>();
  #last = 0;
  // This turn.
  #turn = new Map<string, Booked>();
  #touched = false;

  constructor(scope: AuditScope, ledger: LedgerAudit, crossing: CrossShard) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#crossing = crossing;
  }

  /** Its order lives on another shard, and so does its money from now on. */
  forwarded(fact: FactOf<"paymentForwarded">): void {
    const { currency, amount, peer } = fact;
    const name = paymentName(fact);
    const booked = this.#place(name, currency, amount, 0);
    if (!booked) this.#scope.bad("payments", `${name} is sent on, but was not booked in this turn`);
    const { shard, position } = this.#scope;
    this.#crossing.forward(name, { shard, position, peer, currency, amount });
  }

  arrived(fact: FactOf<"paymentArrived">): void {
    const { currency, amount, peer } = fact;
    const { shard, position } = this.#scope;
    this.#crossing.arrive(paymentName(fact), { shard, position, peer, currency, amount });
    this.booked(fact);
  }

  booked(fact: FactOf<"paymentBooked"> | FactOf<"paymentArrived">): void {
    const { payment, currency, amount } = fact;
    const name = paymentName(fact);
    this.#scope.looked("payments", 1);
    if (payment !== this.#last + 1) this.#scope.bad("names", `payment ${payment} after ${this.#last}`);
    this.#last = Math.max(this.#last, payment);
    if (this.#booked.has(name)) this.#scope.bad("payments", `${name} is booked twice`);
    this.#booked.set(name, payment);
    this.#hold(currency, amount);
    const nothing = { order: 0, refunded: false, toHuman: false, outcome: undefined };
    this.#turn.set(name, { currency, reference: fact.reference, left: amount, ...nothing });
  }

  applied(fact: FactOf<"paymentApplied">): void {
    const { order: number, currency, amount } = fact;
    const name = paymentName(fact);
    const booked = this.#place(name, currency, amount, number);
    if (booked) booked.order = number;
    const payment = this.#booked.get(name);
    if (payment !== undefined && payment !== fact.payment)
      this.#scope.bad("payments", `${name} is payment ${payment}, and is applied as ${fact.payment}`);
    const turn = this.#scope.order(number);
    const { order } = turn;
    if (!order) {
      this.#scope.bad(
        "payments",
        `${name}: applied to ${orderId(number)}, which is over or was never placed`,
      );
      return;
    }
    if (order.currency !== currency)
      this.#scope.bad("payments", `${name}: of another currency than ${orderId(number)}`);
    const expired = order.expiresAt !== 0 && this.#scope.nowMs >= order.expiresAt;
    if (order.status === Statuses.Created && expired)
      this.#scope.bad("deadlines", `${orderId(number)}: ${name} applied after ${order.expiresAt}`);
    turn.applied += amount;
    order.paid += amount;
    this.#ledger.inOrder(order, amount);
    const after = afterOf(order);
    after.fromOutside += amount;
    after.sources.set(name, (after.sources.get(name) ?? 0) + amount);
  }

  refundRequested(fact: Refund): void {
    if (fact.source !== refundSources.suspense) return;
    const booked = this.#place(paymentName(fact), fact.currency, fact.amount, fact.order);
    if (booked) booked.refunded = true;
  }

  /** It waits in suspense until the products of its order have answered. */
  reinstating(fact: FactOf<"reinstatementBegun">): void {
    const { order, currency, amount, expiresAt } = fact;
    const name = paymentName(fact);
    const booked = this.#turn.get(name);
    const { order: known } = this.#scope.order(order);
    if (known?.status !== Statuses.Canceled || known.paid !== 0 || amount < known.total || !known.crossed)
      this.#scope.bad("payments", `${name} waits for ${orderId(order)}, which it cannot bring back`);
    if (booked?.left !== amount || booked.currency !== currency || this.#reinstatements.has(order))
      this.#scope.bad("payments", `${name} waits for ${orderId(order)}, and is not there to be waited with`);
    else booked.left = 0;
    if (expiresAt <= this.#scope.nowMs)
      this.#scope.bad("deadlines", `${name} waits for ${orderId(order)} until ${expiresAt}`);
    if (booked) this.#checkReference(name, booked, order);
    this.#reinstatements.set(order, fact);
    this.#waiting.add(currencyCode(currency), amount);
    this.#touched = true;
  }

  /** All of it has a place in this turn. */
  reclaimed({ order, how }: FactOf<"reinstatementEnded">): void {
    const waited = this.#reinstatements.get(order);
    if (!waited || (how !== 1 && how !== 2)) {
      this.#scope.bad("payments", `nothing waits for ${orderId(order)}, and it ended ${how}`);
      return;
    }
    this.#reinstatements.delete(order);
    const { currency, amount } = waited;
    this.#waiting.add(currencyCode(currency), -amount);
    this.#touched = true;
    const nothing = { order: 0, refunded: false, toHuman: false, outcome: undefined };
    this.#turn.set(paymentName(waited), { currency, reference: orderId(order), left: amount, ...nothing });
    this.#scope.order(order).reclaimed = how;
  }

  /** A refund that came from suspense goes back there. */
  refundRefused({ source, currency, amount }: FactOf<"refundRefused">): void {
    if (source === refundSources.suspense) this.#hold(currency, amount);
  }

  /** The key of a payment is kept, with what was answered. */
  kept({ key, text, code, order }: FactOf<"keyKept">): void {
    const booked = this.#turn.get(key);
    if (code !== 0) this.#scope.bad("payments", `${key} is refused for ever: its money is nowhere`);
    if (!booked) return;
    booked.outcome = outcomeOf(text);
    this.#checkReference(key, booked, order);
  }

  /** An item that tells of money in suspense; `item` is its number. */
  opened(item: number, subject: string, currency: number, amount: number): void {
    this.#inItems.add(currencyCode(currency), amount);
    this.#touched = true;
    const booked = this.#turn.get(subject);
    if (booked) {
      booked.left -= amount;
      booked.toHuman = true;
    }
    if (!this.#booked.has(subject))
      this.#scope.bad("payments", `${itemId(item)} is about ${subject}, which was never booked`);
  }

  resolved(currency: number, amount: number): void {
    this.#inItems.add(currencyCode(currency), -amount);
    this.#touched = true;
  }

  /** A human's entry. */
  byHand(currency: number, amount: number): void {
    this.#hold(currency, amount);
  }

  /** Asked before the orders of the turn are forgotten: a payment's outcome is where its order stands. */
  endTurn(): void {
    if (!this.#touched) return;
    this.#touched = false;
    for (const [name, booked] of this.#turn) {
      const { left, outcome } = booked;
      if (left !== 0) {
        const code = currencyCode(booked.currency);
        this.#scope.bad("payments", `${name}: ${left} of it have no place`);
        this.#off.set(code, (this.#off.get(code) ?? 0n) + BigInt(left));
      }
      if (outcome !== undefined && !this.#outcomesOf(booked).includes(outcome))
        this.#scope.bad("keys", `${name} was answered ${outcome}, and it is ${this.#outcomesOf(booked)[0]}`);
    }
    this.#turn = new Map();
    for (const [currency, held] of this.suspense.entries()) this.#compare(currency, held);
  }

  #compare(currency: string, held: bigint): void {
    const inItems = this.#inItems.of(currency);
    const waiting = this.#waiting.of(currency);
    const off = held - inItems - waiting;
    if (off === (this.#off.get(currency) ?? 0n)) return;
    this.#off.set(currency, off);
    // What was missing was found: it was told of when it went.
    if (off === 0n) return;
    const told = `items for humans tell of ${inItems}, ${waiting} wait for orders`;
    this.#scope.bad("payments", `suspense has ${held} ${currency}, ${told}`);
  }

  #outcomesOf({ order, refunded, toHuman }: Booked): readonly string[] {
    if (toHuman) return ["unmatched_payment", "currency_mismatch"];
    if (order === 0) return refunded ? ["late_payment", "duplicate_payment"] : ["nothing"];
    const turn = this.#scope.order(order);
    if (turn.reinstated) return ["late_payment", "paid"];
    return [turn.becamePaid ? "paid" : "partially_paid"];
  }

  /** Out of suspense, and which payment of this turn it was. */
  #place(name: string, currency: number, amount: number, order: number): Booked | undefined {
    this.#hold(currency, -amount);
    if (!this.#booked.has(name)) this.#scope.bad("payments", `${name} was never booked`);
    const booked = this.#turn.get(name);
    if (!booked) return undefined;
    booked.left -= amount;
    if (booked.currency !== currency) this.#scope.bad("payments", `${name}: booked in another currency`);
    this.#checkReference(name, booked, order);
    return booked;
  }

  /** Unless a human says so later, a payment is for no other order than the one that its provider names. */
  #checkReference(name: string, { reference }: Booked, order: number): void {
    if (order !== 0 && orderId(order) !== reference)
      this.#scope.bad("payments", `${name} is for ${reference}, and is given to ${orderId(order)}`);
  }

  #hold(currency: number, amount: number): void {
    const code = currencyCode(currency);
    this.suspense.add(code, amount);
    this.#touched = true;
    this.#scope.looked("guards", 1);
    if (this.suspense.of(code) < 0n)
      this.#scope.bad("guards", `suspense has ${this.suspense.of(code)} ${code}`);
  }
}

function outcomeOf(text: string): string {
  try {
    const { outcome } = JSON.parse(text) as { outcome?: unknown };
    return String(outcome);
  } catch {
    return "something that is not JSON";
  }
}
