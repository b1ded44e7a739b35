/**
 * The money in the logs, followed fact by fact by rules of the auditor's own: every cent is somewhere, in one place, and
 * every order, payment, refund and item goes through its life once.
 *
 * AUDIT-LEDGER-1  Wallets, orders, suspense and what is payable are never below nothing. A payment is in one place: on its way, in
 *                 suspense, in its order, payable, given back, or moved by a human.
 * AUDIT-LEDGER-2  A payment is booked once, over all shards; a refund is asked once and ends once; an item is resolved once.
 * AUDIT-LEDGER-3  The refunds of an order are never more than was paid, open ones included, and all of it when it is Refunded. By line
 *                 they are never more than the line.
 * AUDIT-LEDGER-4  An order moves along its table, and by itself when its time has come, before anything else. After it was archived it
 *                 never moves again.
 * AUDIT-LEDGER-5  Points are granted once, as many as were earned; in the end the order has kept what the money that it kept has earned.
 * AUDIT-LEDGER-6  Units come back with the refund that says so, and with no other.
 * AUDIT-LEDGER-7  A refund that is open has a call that is open, or an item for a human.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { orderId, refundId } from "../../actors/order-number.js";
import { orderEvents, statuses } from "../../actors/order-transitions.js";
import { decodeMessage } from "../../engine/links/messages.js";
import { Life, moveName, offers } from "./order-life.js";
import type { World } from "./world.js";

const fromOrder = 1;

/** Calls that refunds make, by their owner's number. */
const ofRefunds = 1;

/** So long nobody has said what became of a refund; then a human knows. A minute more, for what is tried once a minute. */
const unansweredMs = 86_400_000 + 60_000;

interface Order {
  readonly shard: number;
  readonly account: string;
  readonly currency: number;
  readonly total: number;
  /** Behind the lines, what no line pays for: without a product and units. */
  readonly lines: { product: string; qty: number; share: number }[];
  readonly life: Life;
  /** ms; when it moves on by itself, and what was left when that stood still. */
  due: number;
  rest: number;
  /** ms; when it last moved, or one of its refunds ended: until then neither it nor its keys could go. */
  movedAt: number;
  paid: number;
  refunded: number;
  /** Of open refunds. */
  refunding: number;
  open: number;
  /** By line, open refunds included. */
  readonly gone: { qty: number; amount: number }[];
  points: number;
  grants: number;
  grantDue: boolean;
  archived: boolean;
  /** product -> units that must come back, less those that have. */
  readonly returns: Map<string, number>;
}

/** Its logs may be read in any order: the places are added up at the end. */
interface Payment {
  booked: number;
  amount: number;
  forwarded: number;
  arrived: number;
  applied: number;
  /** Out of suspense by a human. */
  hand: number;
  readonly refunds: Refund[];
}

interface Refund {
  readonly fact: FactOf<"refundRequested">;
  state: "open" | "done" | "refused";
}

export interface Item {
  readonly kind: number;
  readonly subject: string;
  resolved: boolean;
}

export class Money {
  readonly orders = new Map<number, Order>();
  readonly payments = new Map<string, Payment>();
  readonly refunds = new Map<number, Refund>();
  readonly items = new Map<number, Item>();
  /** "provider currency": minor units that were booked. */
  readonly received = new Map<string, number>();
  readonly #balances = new Map<string, number>();
  /** By refund number, while its call is open: since when (ms) it is waited for, on which shard. */
  readonly calls = new Map<number, { since: number; readonly shard: number }>();
  /** The refund of each call. */
  readonly #callFor = new Map<number, number>();
  readonly #world: World;
  #shard = 0;
  #accounts: { id: string; currency: number }[] = [];
  #products: string[] = [];
  #now = 0;
  /** Facts of the turn so far. */
  #turn = 0;

  constructor(world: World) {
    this.#world = world;
    for (const { number, disk } of world.hosts) {
      this.#shard = number;
      this.#accounts = [];
      this.#products = [];
      for (const { body, first } of disk.groups)
        readFacts(body, first, (fact, time) => {
          this.#turn = time;
          this.#now = Math.floor(time / 1000);
          this.#take(fact);
        });
    }
  }

  #wrong(what: string): never {
    this.#world.audit.violation(`log of ${this.#shard}, turn ${this.#turn}: ${what}`);
  }

  /** AUDIT-LEDGER-1. What the outside, providers and revenue owe each other is of no matter here. */
  #move(from: string, to: string, currency: number, amount: number): void {
    const left = this.#add(from, currency, -amount);
    this.#add(to, currency, amount);
    if (left < 0 && /^(wallet:|held:|order:|payable$|suspense$)/.test(from))
      this.#wrong(`${from} holds ${left}`);
  }

  /** Each shard has books of its own. */
  #add(name: string, currency: number, amount: number): number {
    const account = `${name} ${currencyCode(currency)} ${this.#shard}`;
    const balance = (this.#balances.get(account) ?? 0) + amount;
    this.#balances.set(account, balance);
    return balance;
  }

  refund(id: string): Refund | undefined {
    return this.refunds.get(Number(id.slice(1)));
  }

  /** Over all shards, minor units. */
  balance(name: string, currency: string): number {
    let sum = 0;
    for (const { number } of this.#world.hosts)
      sum += this.#balances.get(`${name} ${currency} ${number}`) ?? 0;
    return sum;
  }

  #order(number: number): Order {
    return this.orders.get(number) ?? this.#wrong(`there is no order ${number}`);
  }

  #payment(name: string): Payment {
    let payment = this.payments.get(name);
    if (!payment) {
      payment = { booked: 0, amount: 0, forwarded: 0, arrived: 0, applied: 0, hand: 0, refunds: [] };
      this.payments.set(name, payment);
    }
    return payment;
  }

  #take(fact: Fact): void {
    switch (fact.type) {
      case Facts.accountNamed:
        this.#accounts.push({ id: fact.id, currency: -1 });
        break;
      case Facts.accountOpened:
        this.#accounts[fact.account]!.currency = fact.currency;
        break;
      case Facts.accountDeposited:
        this.#move(
          "outside",
          this.#wallet(fact.account),
          this.#accounts[fact.account]!.currency,
          fact.amount,
        );
        break;
      case Facts.accountWithdrawn:
        this.#move(
          this.#wallet(fact.account),
          "outside",
          this.#accounts[fact.account]!.currency,
          fact.amount,
        );
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#products.push(fact.id);
        break;
      case Facts.stockReturned:
        this.#returned(fact.order, this.#products[fact.product]!, fact.qty);
        break;
      case Facts.messageSent:
        this.#sent(fact.body);
        break;
      case Facts.orderPlaced:
        this.#placed(fact);
        break;
      case Facts.orderAdjusted: {
        const { lines, gone, total } = this.#order(fact.order);
        const sum = fact.parts.reduce((all, { amount }) => all + amount, 0);
        if (sum !== total) this.#wrong(`order ${fact.order} costs ${total}, and its parts ${sum}`);
        fact.parts.forEach(({ amount }, n) => {
          lines[n] = { ...(lines[n] ?? { product: "", qty: 0 }), share: amount };
          gone[n] ??= { qty: 0, amount: 0 };
        });
        break;
      }
      case Facts.moneyCaptured: {
        const order = this.#order(fact.order);
        this.#move(this.#wallet(fact.account), `order:${fact.order}`, order.currency, fact.amount);
        if (order.account !== this.#accounts[fact.account]!.id) this.#wrong("somebody else pays");
        order.paid += fact.amount;
        if (order.paid !== order.total)
          this.#wrong(`order ${fact.order}: ${order.paid} of ${order.total} is paid`);
        break;
      }
      case Facts.orderPaid:
      case Facts.orderSettled:
      case Facts.orderReinstated:
      case Facts.orderCanceled:
        this.#oldMove(fact);
        break;
      case Facts.orderMoved:
        this.#moved(fact);
        break;
      case Facts.orderArchived:
        this.#archived(fact);
        break;
      case Facts.paymentBooked: {
        const payment = this.#payment(nameOf(fact));
        if (++payment.booked > 1) this.#wrong(`payment ${nameOf(fact)} is booked twice`);
        payment.amount = fact.amount;
        const taken = `${fact.provider} ${currencyCode(fact.currency)}`;
        this.received.set(taken, (this.received.get(taken) ?? 0) + fact.amount);
        this.#move(`clearing:${fact.provider}`, "suspense", fact.currency, fact.amount);
        break;
      }
      case Facts.paymentForwarded:
        this.#payment(nameOf(fact)).forwarded += fact.amount;
        this.#move("suspense", "transit", fact.currency, fact.amount);
        break;
      case Facts.paymentArrived:
        this.#payment(nameOf(fact)).arrived += fact.amount;
        this.#move("transit", "suspense", fact.currency, fact.amount);
        break;
      case Facts.paymentApplied: {
        const order = this.#order(fact.order);
        order.paid += fact.amount;
        this.#payment(nameOf(fact)).applied += fact.amount;
        if (order.paid > order.total)
          this.#wrong(`order ${fact.order}: ${order.paid} of ${order.total} is paid`);
        if (order.currency !== fact.currency) this.#wrong("an order is paid in another currency");
        this.#move("suspense", `order:${fact.order}`, fact.currency, fact.amount);
        break;
      }
      case Facts.refundRequested:
        this.#asked(fact);
        break;
      case Facts.refundDone:
        this.#done(fact);
        break;
      case Facts.refundRefused:
        this.#refused(fact);
        break;
      case Facts.pointsGranted:
      case Facts.pointsReversed:
        this.#points(fact);
        break;
      case Facts.humanOpened: {
        const { kind, subject } = fact;
        for (const item of this.items.values())
          if (!item.resolved && item.kind === kind && item.subject === subject)
            this.#wrong(`${subject} has two open items`);
        this.items.set(fact.item, { kind, subject, resolved: false });
        break;
      }
      case Facts.humanResolved: {
        const item = this.items.get(fact.item);
        if (!item || item.resolved) this.#wrong(`item ${fact.item} is resolved and not open`);
        item!.resolved = true;
        break;
      }
      case Facts.entryMade: {
        const item = this.items.get(fact.item)!;
        this.#move(fact.from, fact.to, fact.currency, fact.amount);
        if (item.kind !== 1) break;
        if (fact.from === "suspense") this.#payment(item.subject).hand += fact.amount;
        if (fact.to === "suspense") this.#payment(item.subject).hand -= fact.amount;
        break;
      }
      case Facts.moneyTransferred: {
        const moneyBucket = (number: number) => this.#moneyBucket(number, fact.account);
        this.#move(moneyBucket(fact.from), moneyBucket(fact.to), fact.currency, fact.amount);
        break;
      }
      case Facts.callMade:
        if (fact.owner !== ofRefunds) break;
        if (this.calls.has(fact.subject)) this.#wrong(`refund ${fact.subject} has two open calls`);
        this.calls.set(fact.subject, { since: this.#now, shard: this.#shard });
        this.#callFor.set(fact.call, fact.subject);
        break;
      case Facts.callRepeated:
        if (this.#callFor.has(fact.call)) this.calls.get(this.#callFor.get(fact.call)!)!.since = this.#now;
        break;
      case Facts.callEnded:
        if (this.#callFor.has(fact.call)) this.calls.delete(this.#callFor.get(fact.call)!);
        break;
    }
  }

  /** Where a transaction's money can be. */
  #moneyBucket(number: number, account: number): string {
    const name = ["", "wallet", "held", "transit", "revenue", "suspense", "loss"][number]!;
    return number <= 2 ? `${name}:${this.#accounts[account]!.id}` : name;
  }

  #wallet(handle: number): string {
    return `wallet:${this.#accounts[handle]!.id}`;
  }

  #placed(fact: FactOf<"orderPlaced">): void {
    if (this.orders.has(fact.order)) this.#wrong(`order ${fact.order} is placed twice`);
    const life = new Life();
    life.status = statuses[fact.status]!;
    const lines = fact.lines.map(({ product, qty, unitPrice }) => ({
      ...{ product: this.#products[product]!, qty, share: qty * unitPrice },
    }));
    this.orders.set(fact.order, {
      shard: this.#shard,
      account: this.#accounts[fact.account]!.id,
      ...{
        currency: fact.currency,
        total: fact.total,
        lines,
        life,
        due: fact.expiresAt,
        rest: 0,
        movedAt: 0,
      },
      ...{ paid: 0, refunded: 0, refunding: 0, open: 0, points: 0, grants: 0, archived: false },
      grantDue: life.status === "Paid" && this.#grantOn === "paid",
      gone: lines.map(() => ({ qty: 0, amount: 0 })),
      returns: new Map(),
    });
  }

  get #grantOn(): string {
    return this.#world.plan.settings.pointsGrantOn;
  }

  #oldMove(
    fact: FactOf<"orderPaid"> | FactOf<"orderSettled"> | FactOf<"orderReinstated"> | FactOf<"orderCanceled">,
  ): void {
    const order = this.#order(fact.order);
    const { life } = order;
    if (order.archived) this.#wrong(`order ${fact.order} is archived, and moves`);
    const expected = fact.type === Facts.orderReinstated ? "Canceled" : "Created";
    const free = fact.type === Facts.orderCanceled && order.total === 0;
    const fits = free ? offers(life.status, "cancel", true) : life.status === expected;
    if (!fits) this.#wrong(`order ${fact.order}: ${fact.type} in ${life.status}`);
    if (expected === "Created" && !free) {
      const late = this.#now >= order.due;
      if (late !== (fact.type === Facts.orderCanceled && fact.cause === 2))
        this.#wrong(`order ${fact.order}: ${fact.type} out of time`);
    }
    const canceled = fact.type === Facts.orderCanceled;
    life.status = canceled ? "Canceled" : "Paid";
    order.due = canceled ? this.#now : 0;
    if (!canceled && this.#grantOn === "paid") order.grantDue = true;
  }

  /** AUDIT-LEDGER-4. */
  #moved(fact: FactOf<"orderMoved">): void {
    const order = this.#order(fact.order);
    const name = moveName(orderEvents[fact.event]!);
    const { settings } = this.#world.plan;
    const { life, due } = order;
    const from = life.status;
    const wrong = (what: string) =>
      this.#wrong(`order ${fact.order}: ${name} from ${from} to ${statuses[fact.to]}, ${what}`);
    if (order.archived) wrong("and it is archived");
    if (!life.move(name, statuses[fact.to]!)) wrong("which it cannot");
    order.movedAt = this.#now;
    const runs = ["Shipped", "Shipping", "Delivered", "Completed"].includes(from) && due > 0;
    if (runs && this.#now >= due !== (name === "auto_confirm")) wrong(`at ${this.#now}, due ${due}`);
    let expected = due;
    if (name === "ship") expected = this.#now + settings.autoConfirmMs;
    else if (name === "confirm" || name === "auto_confirm") {
      expected = this.#now + settings.afterSaleMs;
      if (this.#grantOn === "completed") order.grantDue = true;
    } else if (name === "dispute") {
      expected = 0;
      order.rest = due === 0 ? -1 : Math.max(0, due - this.#now);
    } else if (name.startsWith("resolve")) expected = order.rest < 0 ? 0 : this.#now + order.rest;
    if (fact.dueAt !== expected) wrong(`due ${fact.dueAt} instead of ${expected}`);
    order.due = life.status === "Refunded" ? this.#now : expected;
    if (life.status === "Refunded" && order.refunded !== order.paid) wrong("and not all of it is refunded");
    if (name === "refund ended" && order.refunding > 0) wrong("and a refund is open");
  }

  #archived(fact: FactOf<"orderArchived">): void {
    const order = this.#order(fact.order);
    const { status } = order.life;
    const wrong = (what: string) => this.#wrong(`order ${fact.order} is archived, ${what}`);
    if (order.archived) wrong("and it was");
    if (!["Canceled", "Refunded", "Completed"].includes(status)) wrong(`and it is ${status}`);
    if (this.#now < order.due + this.#world.plan.settings.keysKeepMs) wrong("too early");
    if (order.open > 0) wrong("and a refund is open");
    if (fact.amount !== order.paid - order.refunded) wrong(`with ${fact.amount}`);
    this.#move(`order:${fact.order}`, "revenue", order.currency, fact.amount);
    order.archived = true;
    this.#world.coverage.hit("order archived");
  }

  /** AUDIT-LEDGER-2, AUDIT-LEDGER-3. */
  #asked(fact: FactOf<"refundRequested">): void {
    const wrong = (what: string) => this.#wrong(`refund ${fact.refund} of ${fact.amount}, ${what}`);
    if (this.refunds.has(fact.refund)) wrong("and it was asked for before");
    const refund: Refund = { fact, state: "open" };
    this.refunds.set(fact.refund, refund);
    if (fact.provider !== "") this.#payment(nameOf(fact)).refunds.push(refund);
    const order = this.orders.get(fact.order);
    if (order && !order.archived) order.open++;
    if (fact.amount <= 0 && fact.shares.every(({ qty }) => qty === 0)) wrong("of nothing");
    if (fact.source !== fromOrder) {
      this.#move("suspense", "payable", fact.currency, fact.amount);
      return;
    }
    if (!order || order.archived) wrong("and there is no such order");
    const { life, gone, lines } = order!;
    if (!["Refunding", "Canceled"].includes(life.status)) wrong(`and the order is ${life.status}`);
    order!.refunding += fact.amount;
    if (order!.refunded + order!.refunding > order!.paid)
      wrong(`${order!.refunded} and ${order!.refunding} of ${order!.paid}`);
    for (const { line, qty, amount } of fact.shares) {
      const left = gone[line]!;
      left.qty += qty;
      left.amount += amount;
      if (left.qty > lines[line]!.qty || left.amount > lines[line]!.share)
        wrong(`${left.qty} units and ${left.amount} of line ${line}`);
    }
    const shared = fact.shares.reduce((sum, { amount }) => sum + amount, 0);
    if (life.status === "Refunding" && shared !== fact.amount) wrong(`of which its lines share ${shared}`);
    this.#move(`order:${fact.order}`, "payable", fact.currency, fact.amount);
  }

  #done(fact: FactOf<"refundDone">): void {
    const { asked, order } = this.#ends(fact);
    asked.state = "done";
    const to = fact.provider === "" ? this.#wallet(fact.account) : `clearing:${fact.provider}`;
    this.#move("payable", to, fact.currency, fact.amount);
    if (fact.provider === "" && order!.account !== this.#accounts[fact.account]!.id)
      this.#wrong(`refund ${fact.refund} goes to somebody else`);
    if (!order || fact.source !== fromOrder) return;
    order.refunding -= fact.amount;
    order.refunded += fact.amount;
    if (asked.fact.restock !== 1) return;
    for (const { line, qty } of asked.fact.shares) {
      if (qty === 0) continue;
      const { product } = order.lines[line]!;
      order.returns.set(product, (order.returns.get(product) ?? 0) + qty);
    }
  }

  #refused(fact: FactOf<"refundRefused">): void {
    const { asked, order } = this.#ends(fact);
    asked.state = "refused";
    if (fact.source !== fromOrder || !order || order.life.status === "Canceled")
      this.#wrong(`refund ${fact.refund} is refused, and nobody keeps the money`);
    order!.refunding -= fact.amount;
    for (const { line, qty, amount } of asked.fact.shares) {
      order!.gone[line]!.qty -= qty;
      order!.gone[line]!.amount -= amount;
    }
    this.#move("payable", `order:${fact.order}`, fact.currency, fact.amount);
  }

  #ends(fact: FactOf<"refundDone"> | FactOf<"refundRefused">): { asked: Refund; order: Order | undefined } {
    const asked = this.refunds.get(fact.refund);
    if (asked?.state !== "open") this.#wrong(`refund ${fact.refund} ends, and is ${asked?.state}`);
    const { amount, currency, order: number, provider, source } = asked!.fact;
    const same = amount === fact.amount && currency === fact.currency && source === fact.source;
    if (!same || number !== fact.order || provider !== fact.provider)
      this.#wrong(`refund ${fact.refund} ends as another`);
    const order = this.orders.get(fact.order);
    if (order && !order.archived) order.open--;
    if (order) order.movedAt = this.#now;
    return { asked: asked!, order };
  }

  /** AUDIT-LEDGER-6. A saga's compensation is a return too, of an order that never was. */
  #returned(number: number, product: string, qty: number): void {
    this.returned.set(`${number} ${product}`, (this.returned.get(`${number} ${product}`) ?? 0) + qty);
  }

  /** "order product": units that came back, on whichever shard. */
  readonly returned = new Map<string, number>();

  /** AUDIT-LEDGER-5. */
  #points(fact: FactOf<"pointsGranted"> | FactOf<"pointsReversed">): void {
    const order = this.#order(fact.order);
    const wrong = (what: string) => this.#wrong(`order ${fact.order}: ${fact.points} points, ${what}`);
    if (this.#accounts[fact.account]!.id !== order.account) wrong("of somebody else");
    const earned = this.#earned(order);
    if (fact.type === Facts.pointsGranted) {
      if (!order.grantDue || ++order.grants > 1) wrong("granted out of time");
      if (fact.points !== earned) wrong(`and ${earned} are earned`);
      order.points = fact.points;
    } else {
      order.points -= fact.points;
      if (order.points !== earned)
        wrong(`taken back of what leaves ${order.points}, and ${earned} are earned`);
    }
  }

  #earned(order: Order): number {
    const whole = currencyCode(order.currency) === "JPY" ? 1 : 100;
    return Math.floor((order.paid - order.refunded) / whole);
  }

  /** What was sent between shards moves nothing that the facts beside it do not say; but it must be readable. */
  #sent(body: Uint8Array): void {
    decodeMessage(body);
  }

  /** The end of the world. */
  expectWhole(): void {
    const { audit, hosts, plan } = this.#world;
    const wrong = (what: string): never => audit.violation(`the logs: ${what}`);
    this.#expectPayments(wrong);
    for (const [number, order] of this.orders) {
      const id = orderId(number);
      const { life, total, paid, refunded, refunding, due, points, movedAt } = order;
      const { status } = life;
      const unpaid = status === "Created" || status === "Canceled";
      if (status === "Created") wrong(`${id} is still Created`);
      if (!unpaid && paid !== total) wrong(`${id} is ${status}, and ${paid} of ${total} is paid`);
      if (unpaid && total > 0 && paid >= total) wrong(`${id} is ${status}, and paid`);
      const left = order.archived ? 0 : paid - refunded - refunding;
      const balance = this.balance(`order:${number}`, currencyCode(order.currency));
      if (balance !== left) wrong(`${id} holds ${balance}, and ${left} is left`);
      if (status === "Canceled" && left !== 0) wrong(`${id} is canceled, and keeps ${left}`);
      if ((status === "Refunding") !== refunding > 0 && status !== "Disputed" && status !== "Canceled")
        wrong(`${id} is ${status}, and ${refunding} is open`);
      if (order.grantDue && points !== this.#earned(order))
        wrong(`${id} has ${points} points, and ${this.#earned(order)} are earned`);
      if (!order.grantDue && points !== 0) wrong(`${id} has points, and was not ${this.#grantOn}`);
      const now = hosts[order.shard]!.shard!.nowMs;
      if (["Shipped", "Shipping", "Delivered"].includes(status) && due > 0 && now >= due)
        wrong(`${id} is ${status}, and was due at ${due}`);
      for (const { product } of order.lines) {
        const came = this.returned.get(`${number} ${product}`) ?? 0;
        const said = order.returns.get(product) ?? 0;
        if (came !== said) wrong(`${id}: ${came} of ${product} came back, refunds say ${said}`);
      }
      // Its keys may stand behind that of a transaction, which is completed where it stands and then stays as long itself.
      // And no key grows older while the clock jumps.
      const { jumpedMs } = hosts[order.shard]!.shard!.books;
      const keysGone = Math.max(due, movedAt) + 2 * plan.settings.keysKeepMs + jumpedMs;
      const overdue = due > 0 && now > keysGone + 120_000;
      if (this.#world.leapt && overdue && !order.archived && order.open === 0 && mayArchive(status))
        wrong(`${id} is ${status}, and was to be archived at ${due + plan.settings.keysKeepMs}`);
    }
    for (const [number, { state, fact }] of this.refunds) {
      if (state !== "open") continue;
      const item = this.#hasItem(refundId(number));
      const call = this.calls.get(number);
      if (!item && !call) wrong(`${refundId(number)} is open, and nobody looks after it`);
      if (!item && hosts[call!.shard]!.shard!.nowMs > call!.since + unansweredMs)
        wrong(`${refundId(number)} is open for a day, and no human knows`);
      if (fact.provider === "") wrong(`${refundId(number)} to a wallet is open`);
    }
  }

  #hasItem(subject: string): boolean {
    for (const item of this.items.values()) if (!item.resolved && item.subject === subject) return true;
    return false;
  }

  /** AUDIT-LEDGER-1: each payment is in one place, and there to the cent. */
  #expectPayments(wrong: (what: string) => never): void {
    for (const [name, payment] of this.payments) {
      const { booked, amount, forwarded, arrived, applied, hand } = payment;
      if (booked !== 1 || forwarded !== arrived)
        wrong(`${name} is booked ${booked} times, ${arrived} of it arrived`);
      let suspense = amount - applied - hand;
      let order = applied;
      for (const { fact, state } of payment.refunds) {
        if (state === "refused") continue;
        if (fact.source === fromOrder) order -= fact.amount;
        else suspense -= fact.amount;
      }
      if (Math.min(order, suspense, hand) < 0)
        wrong(`${name} of ${amount}: ${suspense} in suspense, ${order} in its order, ${hand} by hand`);
      if (suspense > 0 && !this.#hasItem(name)) wrong(`${name}: ${suspense} in suspense, and no human knows`);
    }
  }
}

function nameOf({ provider, paymentId }: { provider: string; paymentId: string }): string {
  return `${provider}:${paymentId}`;
}

function mayArchive(status: string): boolean {
  return status === "Canceled" || status === "Refunded" || status === "Completed";
}
