/**
 * The books of one shard, kept a second time by an auditor: from the facts alone, with its own arithmetic, and asking of
 * every fact whether it could have happened. Nothing of the engine is used; of `actors` only the tables (catalogue,
 * transitions, postings).
 *
 * B1  A fact that makes no sense is reported and then applied as far as it can be, so that one fault does not hide another.
 * B2  Memory is bounded by what is live: orders that can move no more are forgotten, and so are dropped keys. Accounts,
 *     products, refs of deposits and orders across shards stay.
 */

import { type Fact, type FactOf, Facts } from "../actors/facts.js";
import { currencyCode, formatAmount } from "../actors/money.js";
import { orderId, orderSequence, orderSlot, slotOf } from "../actors/order-number.js";
import { isTerminal, type OrderEvent, Statuses, statusAfter, statuses } from "../actors/order-transitions.js";
import { type LedgerNames, postingsOf } from "../actors/postings.js";
import type { Crossing } from "./audit-crossing.js";
import type { CheckName, Findings } from "./audit-findings.js";
import { KeptKeys } from "./audit-keys.js";
import {
  checkTurnOrder,
  expectLines,
  type LiveOrder,
  methods,
  type StockKind,
  type TurnOrder,
  turnOrder,
} from "./audit-turn.js";
import { ExactSum } from "./exact-sum.js";

export interface AuditedAccount {
  readonly id: string;
  /** -1 until it is opened. */
  currency: number;
  available: number;
}

export interface AuditedProduct {
  readonly id: string;
  readonly currency: number;
  readonly remote: boolean;
  readonly limit: number;
  readonly taken: Map<number, number>;
  price: number;
  supplied: number;
  available: number;
  held: number;
  sold: number;
  /** What live orders and branches account for; must be `held`. */
  reserved: number;
}

/** An order across shards that is not decided yet. */
type Pending = FactOf<"orderBegun"> & { readonly answers: Map<number, FactOf<"branchAnswered">> };

type StockFact =
  | FactOf<"stockHeld">
  | FactOf<"stockSold">
  | FactOf<"stockConfirmed">
  | FactOf<"stockReleased">;

/** A deposit, withdrawal or restock of this turn, or the ref that stands for one. */
type RefName = `${number} ${number} ${string}`;

export class ShardAudit implements LedgerNames {
  readonly accounts: AuditedAccount[] = [];
  readonly products: AuditedProduct[] = [];
  readonly live = new Map<number, LiveOrder>();
  readonly byStatus = new Map<number, number>();
  /** Of every ledger account but the orders', which are one sum for each currency. */
  readonly ledger = new Map<string, { readonly unit: string; readonly sum: ExactSum }>();
  /** Captured by orders, by currency, counted from the orders. */
  readonly captured = new Map<string, ExactSum>();
  /** Microseconds. */
  time = 0;
  position = 0;
  ordersPlaced = 0;

  readonly #pending = new Map<number, Pending>();
  readonly #names = new Set<string>();
  readonly #keys = new KeptKeys();
  readonly #refs = new Set<string>();
  #lastSequence = 0;

  // This turn.
  readonly #turn = new Map<number, TurnOrder>();
  readonly #touched = new Set<AuditedProduct>();
  #refsWanted: RefName[] = [];
  #refsKept: RefName[] = [];
  #restocked: number[] = [];

  constructor(
    readonly shard: number,
    private readonly findings: Findings,
    private readonly crossing: Crossing,
  ) {}

  accountId(handle: number): string {
    return this.accounts[handle]!.id;
  }
  accountCurrency(handle: number): string {
    return currencyCode(this.accounts[handle]!.currency);
  }
  productId(handle: number): string {
    return this.products[handle]!.id;
  }

  /** Takes the next fact. */
  take(fact: Fact, time: number, position: number): void {
    if (time !== this.time) {
      this.endTurn();
      if (time < this.time) this.#bad("log", `time goes back from ${this.time} to ${time}`);
      this.time = time;
    }
    this.position = position;
    if (this.#namesKnown(fact)) {
      this.#apply(fact);
      this.#post(fact);
    }
  }

  /** The turn is over: its parts must fit together now. */
  endTurn(): void {
    for (const turn of this.#turn.values()) {
      checkTurnOrder(turn, this.#bad);
      if (turn.order && isTerminal(turn.order.status)) this.live.delete(turn.number);
    }
    this.findings.looked("order-ledger", this.#turn.size);
    for (const product of this.#touched) this.#checkProduct(product);
    if (this.#refsWanted.length > 0 || this.#refsKept.length > 0) this.#checkRefs();
    this.#turn.clear();
    this.#touched.clear();
    if (this.#early.length > 0) this.#early = [];
    if (this.#restocked.length > 0) this.#restocked = [];
  }

  /** The log is over. */
  finish(): void {
    this.endTurn();
    const nowMs = Math.floor(this.time / 1000);
    for (const order of this.live.values()) {
      this.findings.looked("deadlines", 1);
      if (order.status !== Statuses.Created) continue;
      if (order.expiresAt !== 0 && order.expiresAt <= nowMs) {
        this.#bad("deadlines", `${orderId(order.number)} is Created, its deadline was ${order.expiresAt}`);
      }
    }
    for (const { order, expiresAt } of this.#pending.values()) {
      if (expiresAt <= nowMs)
        this.#bad("deadlines", `${orderId(order)} is undecided, its deadline was ${expiresAt}`);
    }
  }

  readonly #bad = (check: CheckName, what: string): void => {
    this.findings.bad(check, this.shard, this.position, what);
  };

  /** Whether all handles in the fact stand for something; a fact for which they do not cannot be applied. */
  #namesKnown(fact: Fact): boolean {
    this.findings.looked("names", 1);
    if ("account" in fact && !this.accounts[fact.account]) {
      this.#bad("names", `account handle ${fact.account} was never named`);
      return false;
    }
    if ("currency" in fact && (currencyCode(fact.currency) as string | undefined) === undefined) {
      this.#bad("names", `currency number ${fact.currency} is not known to this build`);
      return false;
    }
    if ("product" in fact && fact.type !== Facts.branchAnswered && !this.products[fact.product]) {
      this.#bad("names", `product handle ${fact.product} was never named`);
      return false;
    }
    return true;
  }

  #apply(fact: Fact): void {
    switch (fact.type) {
      case Facts.accountNamed:
        this.#nameOnce(`account ${fact.id}`);
        this.accounts.push({ id: fact.id, currency: -1, available: 0 });
        break;
      case Facts.accountOpened: {
        const account = this.accounts[fact.account]!;
        if (account.currency >= 0) this.#bad("names", `account ${account.id} is opened twice`);
        account.currency = fact.currency;
        break;
      }
      case Facts.accountDeposited:
        this.#refsWanted.push(`${methods.deposit} ${fact.account} ${fact.ref}`);
        this.#pay(fact.account, fact.amount);
        break;
      case Facts.accountWithdrawn:
        this.#refsWanted.push(`${methods.withdraw} ${fact.account} ${fact.ref}`);
        this.#pay(fact.account, -fact.amount);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#productNamed(fact);
        break;
      case Facts.productRestocked: {
        const product = this.products[fact.product]!;
        product.supplied += fact.qty;
        product.available += fact.qty;
        this.#restocked.push(fact.product);
        this.#checkAvailable(product, fact.available);
        break;
      }
      case Facts.productRepriced:
        this.products[fact.product]!.price = fact.price;
        break;
      case Facts.stockHeld:
      case Facts.stockSold:
      case Facts.stockConfirmed:
      case Facts.stockReleased:
        this.#stock(fact);
        break;
      case Facts.orderPlaced:
        this.#placed(fact);
        break;
      case Facts.moneyCaptured:
        this.#capturedMoney(fact);
        break;
      case Facts.orderPaid:
        this.#moved(fact.order, "pay", fact.amount);
        break;
      case Facts.orderCanceled:
        if (fact.cause !== 1 && fact.cause !== 2)
          this.#bad("order-moves", `canceled for cause ${fact.cause}`);
        this.#moved(fact.order, fact.cause === 2 ? "expire" : "cancel", 0);
        break;
      case Facts.keyKept:
        this.#keyKept(fact);
        break;
      case Facts.keysDropped:
        this.#keysDropped(fact.count);
        break;
      case Facts.orderBegun:
        this.#begun(fact);
        break;
      case Facts.branchAnswered:
        this.#answered(fact);
        break;
      case Facts.orderRefused:
        this.#refused(fact.order);
        break;
      case Facts.messageSent:
        this.crossing.channel(this.shard, fact.peer).sent++;
        break;
      case Facts.messageReceived: {
        const channel = this.crossing.channel(fact.peer, this.shard);
        if (fact.upTo <= channel.heard)
          this.#bad("messages", `heard ${fact.upTo} of shard ${fact.peer} again`);
        channel.heard = fact.upTo;
        break;
      }
      case Facts.messagesAcked: {
        const channel = this.crossing.channel(this.shard, fact.peer);
        const fits = fact.upTo > channel.acked && fact.upTo <= channel.sent;
        if (!fits) this.#bad("messages", `shard ${fact.peer} acknowledged ${fact.upTo} of ${channel.sent}`);
        channel.acked = fact.upTo;
        break;
      }
      case Facts.branchTried:
        this.#tried(fact);
        break;
      case Facts.branchEnded:
        this.#ended(fact);
        break;
      default:
        fact satisfies never;
    }
  }

  // The ledger.

  #post(fact: Fact): void {
    const ofMoney =
      fact.type === Facts.accountDeposited ||
      fact.type === Facts.accountWithdrawn ||
      fact.type === Facts.moneyCaptured;
    if (ofMoney && this.accounts[fact.account]!.currency < 0) return;
    const postings = postingsOf(fact, this);
    if (postings.length === 0) return;
    this.findings.looked("entries", 1);
    let sum = 0;
    for (const { account, unit, amount } of postings) {
      if (unit !== postings[0]!.unit) this.#bad("entries", "an entry in two units");
      sum += amount;
      const name = account.startsWith("order:") ? `order: ${unit}` : account;
      let balance = this.ledger.get(name);
      if (!balance) {
        balance = { unit, sum: new ExactSum() };
        this.ledger.set(name, balance);
      }
      balance.sum.add(amount);
      if (balance.unit !== unit) this.#bad("entries", `${name} is kept in ${balance.unit}`);
    }
    if (sum !== 0) this.#bad("entries", `an entry that sums to ${sum}`);
  }

  #pay(handle: number, amount: number): void {
    const account = this.accounts[handle]!;
    if (account.currency < 0) this.#bad("names", `account ${account.id} is not open`);
    account.available += amount;
    this.findings.looked("guards", 1);
    if (account.available < 0 || !Number.isSafeInteger(account.available)) {
      this.#bad("guards", `account ${account.id}: available ${account.available}`);
    }
  }

  #capturedMoney(fact: FactOf<"moneyCaptured">): void {
    this.#pay(fact.account, -fact.amount);
    const turn = this.#order(fact.order);
    turn.captures++;
    // The placement may stand behind it in the same turn, or before: both add up at the end.
    if (turn.order) this.#capture(turn.order, fact);
    else this.#early.push(fact);
  }

  /** Captures whose order is placed later in the turn. */
  #early: FactOf<"moneyCaptured">[] = [];

  #capture(order: LiveOrder, { account, amount }: FactOf<"moneyCaptured">): void {
    if (account !== order.account)
      this.#bad("order-ledger", `${orderId(order.number)}: paid by another account`);
    order.captured += amount;
    const currency = currencyCode(order.currency);
    const sum = this.captured.get(currency) ?? new ExactSum();
    sum.add(amount);
    this.captured.set(currency, sum);
  }

  // Stock.

  #productNamed(fact: FactOf<"productCreated"> | FactOf<"productKnown">): void {
    this.#nameOnce(`product ${fact.id}`);
    const here = fact.type === Facts.productCreated ? fact : undefined;
    const stock = here?.stock ?? 0;
    this.products.push({
      id: fact.id,
      currency: fact.currency,
      remote: here === undefined,
      limit: here?.limitPerAccount ?? 0,
      taken: new Map(),
      price: here?.price ?? 0,
      supplied: stock,
      available: stock,
      held: 0,
      sold: 0,
      reserved: 0,
    });
  }

  #stock(fact: StockFact): void {
    const product = this.products[fact.product]!;
    const { qty, account } = fact;
    const kind = stockKinds[fact.type]!;
    if (product.remote) this.#bad("names", `product ${product.id} has its stock on another shard`);
    if (kind === "held" || kind === "sold") product.available -= qty;
    if (kind === "confirmed" || kind === "released") product.held -= qty;
    if (kind === "held") product.held += qty;
    if (kind === "released") product.available += qty;
    if (kind === "sold" || kind === "confirmed") product.sold += qty;
    this.#order(fact.order).actual.push({ kind, product: fact.product, qty, account });
    this.#checkAvailable(product, fact.available);
    if (product.limit > 0 && kind !== "confirmed")
      this.#take(product, account, kind === "released" ? -qty : qty);
  }

  #take(product: AuditedProduct, account: number, qty: number): void {
    const used = (product.taken.get(account) ?? 0) + qty;
    this.findings.looked("limits", 1);
    if (used < 0 || used > product.limit) {
      this.#bad(
        "limits",
        `account ${this.accountId(account)} has ${used} of ${product.id}, limit ${product.limit}`,
      );
    }
    if (used === 0) product.taken.delete(account);
    else product.taken.set(account, used);
  }

  #checkAvailable(product: AuditedProduct, recorded: number): void {
    this.#touched.add(product);
    this.findings.looked("stock", 1);
    this.findings.looked("guards", 1);
    const { id, available, held } = product;
    if (available !== recorded)
      this.#bad("stock", `${id}: available ${available}, the fact says ${recorded}`);
    if (available < 0 || held < 0) this.#bad("guards", `${id}: available ${available}, held ${held}`);
  }

  #checkProduct({ id, supplied, available, held, sold, reserved }: AuditedProduct): void {
    this.findings.looked("holds", 1);
    if (available + held + sold !== supplied) {
      this.#bad("stock", `${id}: ${available} + ${held} + ${sold} is not ${supplied}`);
    }
    if (held !== reserved) this.#bad("holds", `${id}: held ${held}, by orders and branches ${reserved}`);
  }

  #reserve(order: LiveOrder, sign: 1 | -1): void {
    if (order.crossed) return;
    for (const { product: handle, qty } of order.lines) {
      const product = this.products[handle]!;
      product.reserved += sign * qty;
      this.#touched.add(product);
    }
  }

  // Orders.

  #order(number: number): TurnOrder {
    const known = this.#turn.get(number);
    if (known) return known;
    const turn = turnOrder(number, this.live.get(number));
    this.#turn.set(number, turn);
    return turn;
  }

  #placed(fact: FactOf<"orderPlaced">): void {
    const { order: number, account, currency, total, paid, status, lines } = fact;
    const pending = this.#pending.get(number);
    if (!pending) this.#numbered(number, account);
    this.#pending.delete(number);
    if (lines.some(({ product }) => !this.products[product])) {
      this.#bad("names", `${orderId(number)}: a line of a product that was never named`);
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
    const turn = this.#order(number);
    if (turn.order) this.#bad("order-moves", `${orderId(number)} is placed twice`);
    turn.order = order;
    turn.moves.push(methods.place);
    this.live.set(number, order);
    this.ordersPlaced++;
    this.#count(status, 1);
    expectLines(turn, status === Statuses.Paid ? "sold" : "held", order);
    if (status === Statuses.Created) this.#reserve(order, 1);
    for (const early of this.#early) if (early.order === number) this.#capture(order, early);
    const crossed = this.crossing.orders.get(number);
    if (crossed) {
      crossed.status = status;
      crossed.currency = currency;
    }
  }

  /** Numbers count the orders of the shard and carry the slot of their account. */
  #numbered(number: number, account: number): void {
    const sequence = orderSequence(number);
    if (sequence !== this.#lastSequence + 1) {
      this.#bad("names", `${orderId(number)} has sequence ${sequence} after ${this.#lastSequence}`);
    }
    this.#lastSequence = Math.max(sequence, this.#lastSequence);
    if (orderSlot(number) !== slotOf(this.accountId(account))) {
      this.#bad("names", `${orderId(number)} is not in the slot of account ${this.accountId(account)}`);
    }
  }

  #checkTotal(order: LiveOrder, pending: Pending | undefined): void {
    const id = orderId(order.number);
    const { currency } = this.accounts[order.account]!;
    let total = 0n;
    for (const [index, { product: handle, qty, unitPrice }] of order.lines.entries()) {
      const product = this.products[handle]!;
      const price = pending ? pending.answers.get(index)?.unitPrice : product.price;
      if (price !== unitPrice)
        this.#bad("order-totals", `${id}: ${product.id} at ${unitPrice}, its price was ${price}`);
      if (product.currency !== order.currency)
        this.#bad("order-totals", `${id}: ${product.id} has another currency`);
      total += BigInt(unitPrice) * BigInt(qty);
    }
    this.findings.looked("order-totals", 1);
    if (total !== BigInt(order.total))
      this.#bad("order-totals", `${id}: total ${order.total}, its lines ${total}`);
    if (currency !== order.currency) this.#bad("order-totals", `${id}: its account has another currency`);
    if (!pending) return;
    const same =
      pending.account === order.account &&
      pending.lines.length === order.lines.length &&
      pending.lines.every(
        ({ productId, qty }, i) =>
          productId === this.productId(order.lines[i]!.product) && qty === order.lines[i]!.qty,
      );
    if (!same) this.#bad("order-totals", `${id}: placed otherwise than it was asked for`);
    for (const [branch, { code }] of pending.answers) {
      if (code !== 0) this.#bad("branches", `${id}: placed although branch ${branch} refused`);
    }
  }

  #checkDeadlineSet(fact: FactOf<"orderPlaced">, pending: Pending | undefined): void {
    const nowMs = Math.floor(this.time / 1000);
    const { payBy, expiresAt } = fact;
    const fits =
      fact.status === Statuses.Paid
        ? payBy === 0 && expiresAt === 0
        : payBy <= expiresAt &&
          expiresAt > nowMs &&
          (pending ? payBy === pending.payBy && expiresAt === pending.expiresAt : payBy > nowMs);
    this.findings.looked("deadlines", 1);
    if (!fits)
      this.#bad(
        "deadlines",
        `${orderId(fact.order)}: pay by ${payBy}, expires at ${expiresAt}, now ${nowMs}`,
      );
  }

  #moved(number: number, event: OrderEvent, amount: number): void {
    const turn = this.#order(number);
    const { order } = turn;
    if (!order) {
      this.#bad("order-moves", `${orderId(number)}: ${event}, but it is over or was never placed`);
      return;
    }
    const from = order.status;
    const to = statusAfter(from, event);
    this.#checkMove(number, from, event, to !== undefined);
    this.#checkDeadlineKept(order, event);
    if (from === Statuses.Created) {
      this.#reserve(order, -1);
      expectLines(turn, event === "pay" ? "confirmed" : "released", order);
    }
    if (event !== "expire") turn.moves.push(event === "pay" ? methods.pay : methods.cancel);
    order.paid += amount;
    this.#count(from, -1);
    order.status = to ?? (event === "pay" ? Statuses.Paid : Statuses.Canceled);
    this.#count(order.status, 1);
    const crossed = this.crossing.orders.get(number);
    if (crossed) crossed.status = order.status;
  }

  #checkMove(number: number, from: number, event: OrderEvent, allowed: boolean): void {
    this.findings.looked("order-moves", 1);
    if (!allowed) this.#bad("order-moves", `${orderId(number)}: ${event} in status ${statuses[from]}`);
  }

  #checkDeadlineKept({ number, expiresAt }: LiveOrder, event: OrderEvent): void {
    const nowMs = Math.floor(this.time / 1000);
    const expired = expiresAt !== 0 && nowMs >= expiresAt;
    this.findings.looked("deadlines", 1);
    if (expired === (event === "expire")) return;
    this.#bad("deadlines", `${orderId(number)}: ${event} at ${nowMs}, its deadline is ${expiresAt}`);
  }

  #count(status: number, by: 1 | -1): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + by);
  }

  // Orders across shards.

  #begun(fact: FactOf<"orderBegun">): void {
    const { order: number, account, key } = fact;
    this.#numbered(number, account);
    this.#pending.set(number, { ...fact, answers: new Map() });
    this.#newKey(account, key);
    this.#keys.keep(`${account} ${key}`, { order: number, running: true });
    this.crossing.orders.set(number, {
      shard: this.shard,
      position: this.position,
      lines: fact.lines,
      account: this.accountId(account),
      status: Statuses.None,
      refused: false,
      currency: -1,
      held: new Map(),
    });
  }

  #answered(fact: FactOf<"branchAnswered">): void {
    const pending = this.#pending.get(fact.order);
    const id = `${orderId(fact.order)} branch ${fact.branch}`;
    if (!pending || fact.branch >= pending.lines.length || pending.answers.has(fact.branch)) {
      this.#bad("branches", `${id}: an answer that nobody waits for`);
      return;
    }
    pending.answers.set(fact.branch, fact);
    if (fact.code !== 0) return;
    this.crossing.orders.get(fact.order)!.held.set(fact.branch, fact.unitPrice);
    const asked = pending.lines[fact.branch]!.productId;
    if (this.products[fact.product]?.id !== asked)
      this.#bad("branches", `${id}: answered for another product`);
  }

  #refused(number: number): void {
    const pending = this.#pending.get(number);
    if (!pending) {
      this.#bad("order-moves", `${orderId(number)}: refused, but it is not undecided`);
      return;
    }
    this.#pending.delete(number);
    const decided = pending.answers.size === pending.lines.length;
    if (!decided && Math.floor(this.time / 1000) < pending.expiresAt) {
      this.#bad("branches", `${orderId(number)}: refused before all branches had answered`);
    }
    this.#order(number).moves.push(-methods.place);
    this.crossing.orders.get(number)!.refused = true;
  }

  #tried(fact: FactOf<"branchTried">): void {
    const { order, branch, product: handle, account, qty } = fact;
    const product = this.products[handle]!;
    if (this.crossing.branch(order, branch))
      this.#bad("branches", `${orderId(order)} branch ${branch}: tried twice`);
    const { shard, position } = this;
    const { id: productId, price: unitPrice, currency } = product;
    const of = { order, branch, shard, position, account: this.accountId(account) };
    this.crossing.tried({ ...of, productId, unitPrice, currency, qty, how: 0 });
    product.reserved += qty;
    this.#touched.add(product);
    this.#order(order).expected.push({ kind: "held", product: handle, qty, account });
    this.#branchHandles.set(`${order} ${branch}`, fact);
  }

  /** Undecided branches of this shard. */
  readonly #branchHandles = new Map<string, FactOf<"branchTried">>();

  #ended({ order, branch, how }: FactOf<"branchEnded">): void {
    const tried = this.#branchHandles.get(`${order} ${branch}`);
    if (!tried || (how !== 1 && how !== 2)) {
      this.#bad("branches", `${orderId(order)} branch ${branch}: ended ${how}, but it is not undecided`);
      return;
    }
    this.#branchHandles.delete(`${order} ${branch}`);
    this.crossing.branch(order, branch)!.how = how;
    const { product: handle, account, qty } = tried;
    const product = this.products[handle]!;
    product.reserved -= qty;
    this.#touched.add(product);
    const kind = how === 1 ? "confirmed" : "released";
    this.#order(order).expected.push({ kind, product: handle, qty, account });
  }

  // Exactly once.

  #keyKept(fact: FactOf<"keyKept">): void {
    const { space, subject, key, method, code, order } = fact;
    this.findings.looked("keys", 1);
    if (!methodsOfSpace[space]?.includes(method))
      this.#bad("keys", `key ${key}: method ${method} in space ${space}`);
    if (space !== 0) {
      const name = `${space} ${subject} ${key}`;
      if (this.#refs.has(name)) this.#bad("keys", `ref ${key} is kept twice`);
      this.#refs.add(name);
      if (order !== 0) this.#bad("keys", `ref ${key} names an order`);
      if (code !== 0) return;
      if (space === 1) this.#refsKept.push(`${method} ${subject} ${key}`);
      else this.#restockKept(subject, key);
      this.#checkAnswer(fact);
      return;
    }
    const running = this.#keys.find(`${subject} ${key}`);
    if (!running?.running) this.#newKey(subject, key);
    this.#keys.keep(`${subject} ${key}`, { order: code === 0 ? order : 0, running: false });
    const settled = code === 0 ? order : running?.running ? running.order : 0;
    if (settled === 0) return;
    const turn = this.#order(settled);
    turn.keys.push(code === 0 ? method : -method);
    if (turn.order && turn.order.account !== subject)
      this.#bad("keys", `key ${key} is not of the order's account`);
    if (running?.running && running.order !== settled) this.#bad("keys", `key ${key} is of another order`);
  }

  /** The answer that was kept for a deposit, withdrawal or restock tells what was available after it. */
  #checkAnswer({ space, subject, key, text }: FactOf<"keyKept">): void {
    const account = this.accounts[subject];
    const product = this.products[subject];
    const available =
      space === 1 ? account && formatAmount(account.available, account.currency) : product?.available;
    try {
      if ((JSON.parse(text) as { available?: unknown }).available === available) return;
    } catch {
      // Not JSON: as wrong as the wrong number.
    }
    this.#bad("keys", `the answer kept under ref ${key} is not what was available then: ${available}`);
  }

  #newKey(subject: number, key: string): void {
    if (!this.accounts[subject]) this.#bad("names", `account handle ${subject} was never named`);
    if (this.#keys.find(`${subject} ${key}`)) this.#bad("keys", `key ${key} is kept twice`);
  }

  #keysDropped(count: number): void {
    for (let left = count; left > 0; left--) {
      const oldest = this.#keys.takeOldest();
      if (!oldest) {
        this.#bad("keys", `${left} more keys are dropped than were kept`);
        return;
      }
      const { order } = oldest.kept;
      const live = this.#pending.has(order) || this.live.get(order)?.status === Statuses.Created;
      if (live) this.#keys.keep(oldest.key, oldest.kept);
    }
  }

  /** A restock may come without a ref, a ref never without its restock. */
  #restockKept(product: number, key: string): void {
    const at = this.#restocked.indexOf(product);
    if (at < 0) this.#bad("keys", `ref ${key} stands for a restock that is not there`);
    else this.#restocked.splice(at, 1);
  }

  #checkRefs(): void {
    const wanted = this.#refsWanted.sort();
    const kept = this.#refsKept.sort();
    if (wanted.length !== kept.length || wanted.some((name, i) => name !== kept[i])) {
      this.#bad("keys", `deposits and withdrawals [${wanted}] under the refs [${kept}]`);
    }
    this.#refsWanted = [];
    this.#refsKept = [];
  }

  #nameOnce(name: string): void {
    if (this.#names.has(name)) this.#bad("names", `${name} is named twice`);
    this.#names.add(name);
  }
}

/** Orders' keys, refs of money, refs of stock. */
const methodsOfSpace: readonly (readonly number[])[] = [
  [methods.place, methods.pay, methods.cancel],
  [methods.deposit, methods.withdraw],
  [methods.restock],
];

const stockKinds: Readonly<Record<number, StockKind>> = {
  [Facts.stockHeld]: "held",
  [Facts.stockSold]: "sold",
  [Facts.stockConfirmed]: "confirmed",
  [Facts.stockReleased]: "released",
};
