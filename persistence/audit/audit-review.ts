/** Items for humans: each opened once and resolved once, with entries that move what was at risk, no more and no less. */

import type { FactOf } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { itemId, orderId, orderSequence, refundId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { handGuard, refundSources } from "../../actors/postings.js";
import type { LedgerAudit } from "./audit-ledger.js";
import { paymentName } from "./audit-live.js";
import type { PaymentAudit } from "./audit-payments.js";
import type { Refund, RefundAudit } from "./audit-refunds.js";
import type { AuditScope } from "./audit-scope.js";

/** Numbers of kinds and actions in the log. */
const kinds = { payment: 1, refund: 2, stockShort: 5 } as const;
const actions = { itself: 0, retry: 1, done: 2, undone: 3, entries: 4, writeOff: 5 } as const;
const actionNames = Object.keys(actions);

interface Item {
  readonly item: number;
  readonly kind: number;
  readonly subject: string;
  readonly currency: number;
  readonly amount: number;
  /** Its money stands in suspense. */
  suspended: boolean;
  /** Of a refund: where its provider's money stands. */
  readonly clearing: string | undefined;
}

interface Resolution {
  readonly item: Item;
  readonly action: number;
  /** Minor units that its entries brought to each ledger account, and all of them together. */
  readonly moved: Map<string, number>;
  total: number;
}

export class ReviewAudit {
  readonly open = new Map<number, Item>();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #payments: PaymentAudit;
  readonly #refunds: RefundAudit;
  /** Open items, by kind and by subject. */
  readonly #bySubject = new Map<string, Item>();
  #lastSequence = 0;

  // This turn.
  #entries: FactOf<"entryMade">[] = [];
  readonly #resolved = new Map<number, Resolution>();
  /** Refunds that were refused and whose money nobody but a human can give a place. */
  #homeless: Refund[] = [];

  constructor(scope: AuditScope, ledger: LedgerAudit, payments: PaymentAudit, refunds: RefundAudit) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#payments = payments;
    this.#refunds = refunds;
  }

  /** Whether an item was resolved in this turn. */
  get acted(): boolean {
    return this.#resolved.size > 0;
  }

  opened(fact: FactOf<"humanOpened">): void {
    const { item: number, kind, subject, currency, amount } = fact;
    this.#scope.looked("human-items", 1);
    const sequence = orderSequence(number);
    if (sequence !== this.#lastSequence + 1)
      this.#scope.bad("names", `${itemId(number)} has sequence ${sequence} after ${this.#lastSequence}`);
    this.#lastSequence = Math.max(sequence, this.#lastSequence);
    if (this.#bySubject.has(`${kind} ${subject}`)) this.#bad(number, `a second open item about ${subject}`);
    const refund = kind === kinds.refund ? this.#refunds.opened(subject, currency, amount) : undefined;
    const clearing = refund && `clearing:${refund.provider}`;
    const item = {
      item: number,
      kind,
      subject,
      currency,
      amount,
      suspended: kind === kinds.payment,
      clearing,
    };
    this.open.set(number, item);
    this.#bySubject.set(`${kind} ${subject}`, item);
    if (item.suspended) this.#payments.opened(number, subject, currency, amount);
  }

  resolved({ item: number, action }: FactOf<"humanResolved">): void {
    this.#scope.looked("human-items", 1);
    const item = this.open.get(number);
    if (actionNames[action] === undefined)
      this.#bad(number, `resolved by an action ${action} that there is not`);
    if (!item) {
      this.#bad(number, "resolved, but it is not open");
      return;
    }
    this.open.delete(number);
    this.#bySubject.delete(`${item.kind} ${item.subject}`);
    this.#resolved.set(number, { item, action, moved: new Map(), total: 0 });
    if (item.suspended) this.#payments.resolved(item.currency, item.amount);
  }

  /** An entry by a human's hand: in the turn of the resolution, which may stand behind it. */
  entry(fact: FactOf<"entryMade">): void {
    this.#scope.looked("human-items", 1);
    const { item, from, to, currency, amount } = fact;
    for (const name of [from, to])
      if (handGuard(name) === undefined)
        this.#bad(item, `an entry on ${name}, which is not a human's to name`);
    this.#book(fact, from, -amount);
    this.#book(fact, to, amount);
    this.#entries.push(fact);
    if (from === to) this.#bad(item, `an entry from ${from} to itself, in ${currencyCode(currency)}`);
  }

  /** A human named an order: of a payment that is tried again, and of nothing else. */
  claimed({ item: number }: FactOf<"paymentClaimed">): void {
    this.#scope.looked("human-items", 1);
    const resolution = this.#resolved.get(number);
    if (resolution?.item.kind !== kinds.payment || resolution.action !== actions.retry)
      this.#bad(number, "an order is named, and it is not a payment that is tried again");
  }

  /** A refund was refused: where its money stands now, somebody must be told of it. */
  refused(refund: Refund): void {
    const status = this.#scope.order(refund.order).order?.status;
    if (refund.source === refundSources.suspense || status === Statuses.Canceled) this.#homeless.push(refund);
  }

  /** Whether somebody knows of a product that is short. */
  knowsShort(product: string): boolean {
    return this.#bySubject.has(`${kinds.stockShort} ${product}`);
  }

  endTurn(): void {
    if (this.#homeless.length > 0) this.#findHomes();
    if (this.#entries.length > 0) this.#assign();
    if (this.#resolved.size > 0) for (const resolution of this.#resolved.values()) this.#check(resolution);
    this.#resolved.clear();
  }

  #findHomes(): void {
    for (const refund of this.#homeless) {
      const { source, currency, amount } = refund;
      const subjects = [paymentName(refund), refundId(refund.refund), orderId(refund.order)];
      const items = subjects.flatMap((subject) =>
        Object.values(kinds).map((kind) => this.#bySubject.get(`${kind} ${subject}`)),
      );
      const item = items.find((known) => known?.amount === amount && known.currency === currency);
      const suspended = source === refundSources.suspense;
      this.#scope.looked("progress", 1);
      if (!item) {
        const place = suspended ? "in suspense" : "with a canceled order";
        const id = refundId(refund.refund);
        this.#scope.bad("progress", `${id}: refused, its ${amount} is ${place}, and no human was told`);
      } else if (suspended && !item.suspended) {
        item.suspended = true;
        this.#payments.opened(item.item, paymentName(refund), currency, amount);
      }
    }
    this.#homeless = [];
  }

  #book({ item, currency }: FactOf<"entryMade">, name: string, amount: number): void {
    const code = currencyCode(currency);
    if (name === "suspense") this.#payments.byHand(currency, amount);
    else if (name === "revenue") this.#ledger.revenue.add(code, amount);
    else if (name.startsWith("wallet:")) {
      const handle = this.#ledger.openHandle(name.slice("wallet:".length));
      if (handle === undefined || this.#ledger.accounts[handle]!.currency !== currency)
        this.#bad(item, `an entry on ${name}, which is not open here in ${code}`);
      else this.#ledger.pay(handle, amount);
    }
  }

  /** Each entry to the resolution that it belongs to. */
  #assign(): void {
    for (const { item, from, to, currency, amount } of this.#entries) {
      const resolution = this.#resolved.get(item);
      if (!resolution) {
        this.#bad(item, "an entry without its resolution");
        continue;
      }
      if (resolution.item.currency !== currency) this.#bad(item, `an entry in ${currencyCode(currency)}`);
      const { moved } = resolution;
      moved.set(from, (moved.get(from) ?? 0) - amount);
      moved.set(to, (moved.get(to) ?? 0) + amount);
      resolution.total += amount;
    }
    this.#entries = [];
  }

  #check({ item, action, moved, total }: Resolution): void {
    const { item: number, subject, amount, clearing, suspended } = item;
    if (amount === 0 || (moved.size === 0 && action !== actions.entries)) return;
    if (clearing !== undefined && this.#refunds.isOpen(subject))
      this.#bad(number, `entries for ${subject}, which is still open`);
    // Out of where it stood, or where the refund that is done has brought it; of other kinds it is not known where that was.
    const outOf = suspended ? "suspense" : clearing;
    const taken = outOf === undefined ? total : -(moved.get(outOf) ?? 0);
    const elsewhere = outOf === undefined && [...moved.values()].some((sum) => Math.abs(sum) === amount);
    if (taken !== amount && !elsewhere) {
      const name = actionNames[action] ?? action;
      const where = outOf === undefined ? "" : ` out of ${outOf}`;
      this.#bad(number, `${name}: ${amount} was at risk, the entries move ${taken}${where}`);
    }
  }

  #bad(item: number, what: string): void {
    this.#scope.bad("human-items", `${itemId(item)}: ${what}`);
  }
}
