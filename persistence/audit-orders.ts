/** The orders of one shard, followed from their placement to their end: totals, moves, deadlines. */

import type { FactOf } from "../actors/facts.js";
import { orderId, orderSequence, orderSlot, slotOf } from "../actors/order-number.js";
import { type OrderEvent, Statuses, statusAfter, statuses } from "../actors/order-transitions.js";
import type { BranchAudit, Pending } from "./audit-branches.js";
import type { Crossing } from "./audit-crossing.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import { expectLines, type LiveOrder, methods } from "./audit-turn.js";

export class OrderAudit {
  readonly byStatus = new Map<number, number>();
  count = 0;
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #branches: BranchAudit;
  readonly #crossing: Crossing;
  #lastSequence = 0;

  constructor(
    scope: AuditScope,
    ledger: LedgerAudit,
    stock: StockAudit,
    branches: BranchAudit,
    crossing: Crossing,
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
      status,
      paid,
      captured: 0,
    };
    this.#checkTotal(order, pending);
    this.#checkDeadlineSet(fact, pending);
    const expected = statusAfter(Statuses.None, status === Statuses.Paid ? "place_paid" : "place");
    this.#checkMove(number, Statuses.None, "place", expected === status);
    const turn = this.#scope.order(number);
    if (turn.order) this.#scope.bad("order-moves", `${orderId(number)} is placed twice`);
    turn.order = order;
    turn.moves.push(methods.place);
    this.#scope.live.set(number, order);
    this.count++;
    this.#count(status, 1);
    expectLines(turn, status === Statuses.Paid ? "sold" : "held", order);
    if (status === Statuses.Created) this.#stock.reserveLines(order, 1);
    this.#ledger.placed(order);
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
    if (total !== BigInt(order.total))
      this.#scope.bad("order-totals", `${id}: total ${order.total}, its lines ${total}`);
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

  moved(number: number, event: OrderEvent, amount: number): void {
    const turn = this.#scope.order(number);
    const { order } = turn;
    if (!order) {
      this.#scope.bad("order-moves", `${orderId(number)}: ${event}, but it is over or was never placed`);
      return;
    }
    const from = order.status;
    const to = statusAfter(from, event);
    this.#checkMove(number, from, event, to !== undefined);
    this.#checkDeadlineKept(order, event);
    if (from === Statuses.Created) {
      this.#stock.reserveLines(order, -1);
      expectLines(turn, event === "pay" ? "confirmed" : "released", order);
    }
    if (event !== "expire") turn.moves.push(event === "pay" ? methods.pay : methods.cancel);
    order.paid += amount;
    this.#count(from, -1);
    order.status = to ?? (event === "pay" ? Statuses.Paid : Statuses.Canceled);
    this.#count(order.status, 1);
    const crossed = this.#crossing.orders.get(number);
    if (crossed) crossed.status = order.status;
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

  /** The log is over. */
  finish(): void {
    const nowMs = this.#scope.nowMs;
    for (const order of this.#scope.live.values()) {
      this.#scope.looked("deadlines", 1);
      if (order.status !== Statuses.Created) continue;
      if (order.expiresAt !== 0 && order.expiresAt <= nowMs) {
        this.#scope.bad(
          "deadlines",
          `${orderId(order.number)} is Created, its deadline was ${order.expiresAt}`,
        );
      }
    }
    for (const { order, expiresAt } of this.#branches.pending.values()) {
      if (expiresAt <= nowMs)
        this.#scope.bad("deadlines", `${orderId(order)} is undecided, its deadline was ${expiresAt}`);
    }
  }
}
