/** The orders of one shard, followed from their placement to their end: totals, moves, deadlines. */

import type { FactOf } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyCode } from "../../actors/money.js";
import { orderId, orderSequence, orderSlot, slotOf } from "../../actors/order-number.js";
import {
  isForTotal,
  isTerminal,
  type OrderEvent,
  Statuses,
  statusAfter,
  statuses,
} from "../../actors/order-transitions.js";
import type { BranchAudit, Pending } from "./audit-branches.js";
import type { CrossShard } from "./audit-cross-shard.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { type LiveOrder, remainingOf } from "./audit-live.js";
import { eventOf, moveOrder } from "./audit-moves.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import { expectLines, type TurnOrder } from "./audit-turn.js";

export class OrderAudit {
  /** Where each order stands, or stood when it was archived. */
  readonly byStatus = new Map<number, number>();
  count = 0;
  archivedCount = 0;
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #branches: BranchAudit;
  readonly #crossing: CrossShard;
  #lastSequence = 0;

  constructor(
    scope: AuditScope,
    ledger: LedgerAudit,
    stock: StockAudit,
    branches: BranchAudit,
    crossing: CrossShard,
  ) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#branches = branches;
    this.#crossing = crossing;
  }

  placed(fact: FactOf<"orderPlaced">): void {
    const { order: number, account, currency, total, paid, status, lines } = fact;
    const pending = this.#branches.pending.get(number);
    if (!pending) this.numbered(number, account);
    this.#branches.pending.delete(number);
    if (lines.some(({ product }) => !this.#stock.products[product])) {
      this.#scope.bad("names", `${orderId(number)}: a line of a product that was never named`);
      return;
    }
    const order: LiveOrder = {
      number,
      account,
      currency,
      total,
      lines,
      expiresAt: fact.expiresAt,
      crossed: pending !== undefined,
      parts: undefined,
      status,
      paid,
      balance: 0,
      after: undefined,
    };
    this.#checkTotal(order, pending);
    this.#checkDeadlineSet(fact, pending);
    const expected = statusAfter(Statuses.None, status === Statuses.Paid ? "place_paid" : "place");
    this.#checkMove(number, Statuses.None, "place", expected === status);
    const turn = this.#scope.order(number);
    if (turn.order) this.#scope.bad("order-moves", `${orderId(number)} is placed twice`);
    turn.order = order;
    turn.moves.push(keyedMethods["order.place"]);
    turn.placedFrom = pending;
    turn.becamePaid = status === Statuses.Paid;
    this.#scope.live.set(number, order);
    this.count++;
    this.#count(status, 1);
    expectLines(turn, status === Statuses.Paid ? "sold" : "held", order);
    if (status === Statuses.Created) this.#stock.reserveLines(order, 1);
    this.#ledger.inOrder(order, paid);
    const crossed = this.#crossing.orders.get(number);
    if (crossed) {
      crossed.status = status;
      crossed.currency = currency;
    }
  }

  /** Numbers count the orders of the shard and carry the slot of their account. */
  numbered(number: number, account: number): void {
    const sequence = orderSequence(number);
    if (sequence !== this.#lastSequence + 1) {
      this.#scope.bad("names", `${orderId(number)} has sequence ${sequence} after ${this.#lastSequence}`);
    }
    this.#lastSequence = Math.max(sequence, this.#lastSequence);
    if (orderSlot(number) !== slotOf(this.#ledger.accountId(account))) {
      this.#scope.bad(
        "names",
        `${orderId(number)} is not in the slot of account ${this.#ledger.accountId(account)}`,
      );
    }
  }

  #checkTotal(order: LiveOrder, pending: Pending | undefined): void {
    const id = orderId(order.number);
    const { currency } = this.#ledger.accounts[order.account]!;
    let total = 0n;
    for (const [index, { product: handle, qty, unitPrice }] of order.lines.entries()) {
      const product = this.#stock.products[handle]!;
      const price = pending ? pending.answers.get(index)?.unitPrice : product.price;
      if (price !== unitPrice)
        this.#scope.bad("order-totals", `${id}: ${product.id} at ${unitPrice}, its price was ${price}`);
      if (product.currency !== order.currency)
        this.#scope.bad("order-totals", `${id}: ${product.id} has another currency`);
      total += BigInt(unitPrice) * BigInt(qty);
    }
    this.#scope.looked("order-totals", 1);
    this.#scope.order(order.number).prices = total;
    if (currency !== order.currency)
      this.#scope.bad("order-totals", `${id}: its account has another currency`);
    if (!pending) return;
    const same =
      pending.account === order.account &&
      pending.lines.length === order.lines.length &&
      pending.lines.every(
        ({ productId, qty }, i) =>
          productId === this.#ledger.productId(order.lines[i]!.product) && qty === order.lines[i]!.qty,
      );
    if (!same) this.#scope.bad("order-totals", `${id}: placed otherwise than it was asked for`);
    for (const [branch, { code }] of pending.answers) {
      if (code !== 0) this.#scope.bad("branches", `${id}: placed although branch ${branch} refused`);
    }
  }

  #checkDeadlineSet(fact: FactOf<"orderPlaced">, pending: Pending | undefined): void {
    const nowMs = this.#scope.nowMs;
    const { payBy, expiresAt } = fact;
    const fits =
      fact.status === Statuses.Paid
        ? payBy === 0 && expiresAt === 0
        : payBy <= expiresAt &&
          expiresAt > nowMs &&
          (pending ? payBy === pending.payBy && expiresAt === pending.expiresAt : payBy > nowMs);
    this.#scope.looked("deadlines", 1);
    if (!fits)
      this.#scope.bad(
        "deadlines",
        `${orderId(fact.order)}: pay by ${payBy}, expires at ${expiresAt}, now ${nowMs}`,
      );
  }

  /** From the account's wallet. */
  paid({ order: number, amount }: FactOf<"orderPaid">): void {
    const turn = this.#leaveCreated(number, "pay", "confirmed");
    if (!turn) return;
    turn.moves.push(keyedMethods["order.pay"]);
    turn.becamePaid = true;
    turn.order.paid += amount;
    this.#ledger.inOrder(turn.order, amount);
  }

  canceled({ order: number, cause }: FactOf<"orderCanceled">): void {
    if (cause !== 1 && cause !== 2) this.#scope.bad("order-moves", `canceled for cause ${cause}`);
    const turn = this.#leaveCreated(number, cause === 2 ? "expire" : "cancel", "released");
    if (!turn) return;
    if (cause !== 2) turn.moves.push(keyedMethods["order.cancel"]);
    turn.canceled = true;
  }

  operatorNamed({ order, operator }: FactOf<"operatorNamed">): void {
    this.#scope.order(order).operators.push(operator);
  }

  described({ order, account, ref, data }: FactOf<"orderDescribed">): void {
    const turn = this.#scope.order(order);
    turn.descriptions.push(descriptionOf(ref, data));
    if (turn.order?.account !== account)
      this.#scope.bad("order-moves", `${orderId(order)}: described for account ${account}`);
  }

  adjusted(fact: FactOf<"orderAdjusted">): void {
    const turn = this.#scope.order(fact.order);
    const { order } = turn;
    turn.adjustments.push(fact.applied);
    if (order?.account !== fact.account || order.currency !== fact.currency)
      this.#scope.bad("order-totals", `${orderId(fact.order)}: adjusted for account ${fact.account}`);
    else order.parts = fact.parts;
  }

  adjustmentsKept({ order }: FactOf<"orderAdjustmentsKept">): void {
    const { begun } = this.#scope.order(order);
    if (begun) begun.adjusted = true;
    else this.#scope.bad("order-totals", `${orderId(order)}: adjusted, and not begun`);
  }

  descriptionKept({ order, ref, data }: FactOf<"orderDescriptionKept">): void {
    const { begun } = this.#scope.order(order);
    if (begun) begun.description = descriptionOf(ref, data);
    else this.#scope.bad("order-moves", `${orderId(order)}: described, and not begun`);
  }

  /** By a payment from outside, which has a key of its own. */
  settled({ order: number }: FactOf<"orderSettled">): void {
    const turn = this.#leaveCreated(number, "pay", "confirmed");
    if (turn) turn.becamePaid = true;
  }

  reinstated({ order: number }: FactOf<"orderReinstated">): void {
    const turn = this.#turnOf(number, "reinstate");
    if (!turn) return;
    const to = statusAfter(turn.order.status, "reinstate");
    this.#checkMove(number, turn.order.status, "reinstate", to !== undefined);
    // The lines of other shards were held when its reinstatement ended, and are confirmed there.
    if (!turn.order.crossed) expectLines(turn, "sold", turn.order);
    else if (turn.reclaimed !== 1)
      this.#scope.bad("order-moves", `${orderId(number)}: reinstated, and nobody asked for its lines`);
    turn.becamePaid = true;
    turn.reinstated = true;
    this.#stand(turn.order, turn.order.status, Statuses.Paid);
  }

  /** What follows its payment. */
  moved(fact: FactOf<"orderMoved">): void {
    const { order: number } = fact;
    const move = eventOf(fact);
    const event = move?.event ?? "pack";
    if (!move) this.#scope.bad("order-moves", `${orderId(number)}: moved by an event ${fact.event}`);
    const turn = move && this.#turnOf(number, event);
    if (!turn) return;
    const from = turn.order.status;
    this.#scope.looked("order-moves", 1);
    moveOrder(turn.order, event, fact, this.#scope);
    this.#stand(turn.order, from, turn.order.status);
    if (move.method !== 0) turn.moves.push(move.method);
    if (event === "refund" || event === "resolve_refund") turn.refundMoves++;
    if (event === "resolve_refund") turn.refundsAll = true;
    if (event === "confirm" || event === "auto_confirm") turn.completed = true;
  }

  /** Nothing can happen to it any more: it is forgotten here, too. */
  archived({ order: number, currency, amount }: FactOf<"orderArchived">): void {
    const bad = (what: string) => this.#scope.bad("archived", `${orderId(number)}: ${what}`);
    this.#scope.looked("archived", 1);
    this.#ledger.revenue.add(currencyCode(currency), amount);
    const turn = this.#scope.order(number);
    const { order } = turn;
    if (!order) {
      bad("archived, but it is over or was never placed");
      return;
    }
    const { status, after } = order;
    const over =
      isTerminal(status) || (status === Statuses.Completed && this.#scope.nowMs >= (after?.dueAt ?? 0));
    if (!over) bad(`archived in ${statuses[status]}, until ${after?.dueAt ?? 0}`);
    if (after && after.openRefunds > 0) bad(`archived with ${after.openRefunds} refunds open`);
    if (amount !== remainingOf(order)) bad(`archived with ${amount}, and it has ${remainingOf(order)}`);
    if (currency !== order.currency) bad("archived in another currency");
    this.#ledger.inOrder(order, -amount);
    turn.archived = order;
    turn.order = undefined;
    this.#scope.live.delete(number);
    this.archivedCount++;
  }

  /** A Created order is decided: its lines are no longer held for it. */
  #leaveCreated(number: number, event: OrderEvent, kind: "confirmed" | "released"): Moving | undefined {
    const turn = this.#turnOf(number, event);
    if (!turn) return undefined;
    const { order } = turn;
    const from = order.status;
    const to = statusAfter(from, event);
    this.#checkMove(number, from, event, to !== undefined && isForTotal(from, event, order.total));
    this.#checkDeadlineKept(order, event);
    if (from === Statuses.Created) {
      this.#stock.reserveLines(order, -1);
      expectLines(turn, kind, order);
    }
    this.#stand(order, from, to ?? (event === "pay" ? Statuses.Paid : Statuses.Canceled));
    return turn;
  }

  #turnOf(number: number, event: OrderEvent): Moving | undefined {
    const turn = this.#scope.order(number);
    if (turn.order) return turn as Moving;
    this.#scope.bad("order-moves", `${orderId(number)}: ${event}, but it is over or was never placed`);
    return undefined;
  }

  #stand(order: LiveOrder, from: number, to: number): void {
    this.#count(from, -1);
    order.status = to;
    this.#count(to, 1);
    const crossed = this.#crossing.orders.get(order.number);
    if (!crossed) return;
    crossed.status = to;
    crossed.canceledFree = to === Statuses.Canceled && from !== Statuses.Created;
  }

  #checkMove(number: number, from: number, event: OrderEvent, allowed: boolean): void {
    this.#scope.looked("order-moves", 1);
    if (!allowed) this.#scope.bad("order-moves", `${orderId(number)}: ${event} in status ${statuses[from]}`);
  }

  #checkDeadlineKept({ number, expiresAt }: LiveOrder, event: OrderEvent): void {
    const nowMs = this.#scope.nowMs;
    const expired = expiresAt !== 0 && nowMs >= expiresAt;
    this.#scope.looked("deadlines", 1);
    if (expired === (event === "expire")) return;
    this.#scope.bad("deadlines", `${orderId(number)}: ${event} at ${nowMs}, its deadline is ${expiresAt}`);
  }

  #count(status: number, by: 1 | -1): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + by);
  }

  /** The log is over: everything that is not must have a reason to wait. */
  finish(): void {
    const nowMs = this.#scope.nowMs;
    for (const order of this.#scope.live.values()) {
      this.#scope.looked("deadlines", 1);
      this.#scope.looked("progress", 1);
      if (order.status === Statuses.Created) this.#finishCreated(order, nowMs);
      else if (movesByItself.has(order.status)) this.#finishDue(order, nowMs);
    }
    for (const { order, expiresAt } of this.#branches.pending.values()) {
      if (expiresAt <= nowMs)
        this.#scope.bad("deadlines", `${orderId(order)} is undecided, its deadline was ${expiresAt}`);
    }
  }

  #finishCreated({ number, expiresAt }: LiveOrder, nowMs: number): void {
    if (expiresAt === 0) this.#scope.bad("progress", `${orderId(number)} is Created without a deadline`);
    else if (expiresAt <= nowMs)
      this.#scope.bad("deadlines", `${orderId(number)} is Created, its deadline was ${expiresAt}`);
  }

  #finishDue({ number, status, after }: LiveOrder, nowMs: number): void {
    const { dueAt = 0, movedAt = 0 } = after ?? {};
    const place = `${orderId(number)} is ${statuses[status]}`;
    if (dueAt === 0) this.#scope.bad("progress", `${place}, and nothing is due`);
    // When it came back there only now, the next turn is the first that can move it on.
    const overdue = dueAt <= nowMs && movedAt < this.#scope.time && status !== Statuses.Completed;
    if (dueAt !== 0 && overdue) this.#scope.bad("deadlines", `${place}, and was to be confirmed at ${dueAt}`);
  }
}

/** An order that a fact of this turn is about. */
type Moving = TurnOrder & { readonly order: LiveOrder };

/** They are confirmed by themselves, and their after-sale ends by itself. */
const movesByItself: ReadonlySet<number> = new Set([
  Statuses.Shipped,
  Statuses.Shipping,
  Statuses.Delivered,
  Statuses.Completed,
]);

function descriptionOf(ref: string, data: string): string {
  return JSON.stringify([ref, data]);
}
