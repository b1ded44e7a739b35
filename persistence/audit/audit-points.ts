/**
 * Points: granted once for an order, as many as whole units of currency were paid for it; taken back as its money goes
 * back, never more than were granted. What an account has may fall below zero by that, and never by spending.
 */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode, scaleOf } from "../../actors/money.js";
import { orderId } from "../../actors/order-number.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { afterOf, type LiveOrder } from "./audit-live.js";
import type { AuditScope } from "./audit-scope.js";
import type { TurnOrder } from "./audit-turn.js";
import { ExactSum } from "./exact-sum.js";

interface Grant {
  readonly account: number;
  readonly order: number;
  readonly points: number;
  /** Minor units of the order that had gone back by then. */
  readonly refunded: number;
}

export class PointsAudit {
  readonly granted = new ExactSum();
  readonly reversed = new ExactSum();
  readonly spent = new ExactSum();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  /** Of this turn. */
  #grants: Grant[] = [];

  constructor(scope: AuditScope, ledger: LedgerAudit) {
    this.#scope = scope;
    this.#ledger = ledger;
  }

  /** How much was refunded is known now; what was paid may still be told in this turn, so the rest is asked at its end. */
  grant(fact: FactOf<"pointsGranted">): void {
    const { account, order, points } = fact;
    this.#scope.looked("points", 1);
    this.granted.add(points);
    this.#ledger.accounts[account]!.points += points;
    const refunded = this.#scope.order(order).order?.after?.refunded ?? 0;
    this.#grants.push({ account, order, points, refunded });
  }

  reverse(fact: FactOf<"pointsReversed">): void {
    const { points } = fact;
    this.reversed.add(points);
    this.#ledger.accounts[fact.account]!.points -= points;
    this.#scope.looked("points", 1);
    const { order } = this.#scope.order(fact.order);
    if (!order)
      this.#scope.bad("points", `points of ${orderId(fact.order)}, which is over or was never placed`);
    else if (fact.account !== order.account) this.#bad(order, "points of another account");
    if (order) afterOf(order).reversed += points;
  }

  spend({ account: handle, points }: FactOf<"pointsSpent">): void {
    this.spent.add(points);
    const account = this.#ledger.accounts[handle]!;
    account.points -= points;
    this.#scope.looked("guards", 1);
    if (account.points < 0)
      this.#scope.bad("guards", `account ${account.id}: ${account.points} points after spending ${points}`);
  }

  endTurn(): void {
    for (const grant of this.#grants) this.#settle(grant);
    if (this.#grants.length > 0) this.#grants = [];
  }

  #settle({ account, order: number, points, refunded }: Grant): void {
    const { order, becamePaid, completed } = this.#scope.order(number);
    if (!order) {
      this.#scope.bad("points", `points for ${orderId(number)}, which is over or was never placed`);
      return;
    }
    if (account !== order.account) this.#bad(order, "points of another account");
    const after = afterOf(order);
    if (after.granted >= 0) this.#bad(order, "points granted twice");
    else after.granted = points;
    if (!becamePaid && !completed)
      this.#bad(order, "points granted, and it is neither paid nor completed just now");
    const due = pointsOf(order, refunded);
    if (points !== due) this.#bad(order, `${points} points granted, ${due} are due`);
  }

  /** An order at the end of a turn. */
  check({ order, completed, done, reversedBefore }: TurnOrder): void {
    if (!order) return;
    const granted = order.after?.granted ?? -1;
    const due = pointsOf(order, order.after?.refunded ?? 0);
    if (completed && granted < 0 && due > 0) this.#bad(order, `completed without its ${due} points`);
    const reversed = order.after?.reversed ?? 0;
    if (done === 0 && reversed === reversedBefore) return;
    this.#scope.looked("points", 1);
    const wanted = done === 0 ? reversedBefore : Math.max(reversedBefore, Math.max(0, granted) - due);
    if (reversed === wanted) return;
    const of = `${reversed} of ${Math.max(0, granted)} points reversed`;
    this.#bad(order, `${of}, ${wanted} go back with what was refunded`);
  }

  #bad({ number }: LiveOrder, what: string): void {
    this.#scope.bad("points", `${orderId(number)}: ${what}`);
  }
}

/** One for each whole unit of currency that was paid and did not go back. */
function pointsOf({ paid, currency }: LiveOrder, refunded: number): number {
  return Math.floor((paid - refunded) / 10 ** scaleOf(currencyCode(currency)));
}
