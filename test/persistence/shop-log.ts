/**
 * Writes the log of a shop by hand, turn by turn: what follows an order's payment, without the engine that would write
 * it. It counts what facts must record (numbers, what is available, balances in answers) and decides nothing.
 */

import { type Fact, type FactOf, Facts, type Line, type LineShare } from "../../actors/facts.js";
import { currencyCode, formatAmount } from "../../actors/money.js";
import { orderNumber, orderSlot, slotOf } from "../../actors/order-number.js";
import { type OrderEvent, OrderEvents, type Status, Statuses } from "../../actors/order-transitions.js";
import { start, type Turn } from "./trading-log.js";

export const day = 86_400_000;
export const week = 7 * day;
const second = 1_000_000;

const CNY = 0;
export const USD = 1;
/** Accounts by handle. */
export const ann = 0;
export const ben = 1;
const accounts = ["ann", "ben"];
/** Products by handle, with their prices. */
export const tea = 0;
export const cup = 1;
const prices = [1000, 333];

/** Numbers of keyed methods in the log. */
export const methods = {
  place: 1,
  pay: 2,
  cancel: 3,
  deposit: 4,
  advance: 7,
  refund: 8,
  notify: 9,
  spend: 10,
};

export interface ShopOrder {
  readonly order: number;
  readonly account: number;
  readonly total: number;
  readonly lines: readonly Line[];
}

export type Payment = FactOf<"paymentBooked">;
export type Refund = FactOf<"refundRequested">;
type StockKind = "stockHeld" | "stockSold" | "stockConfirmed" | "stockReleased" | "stockReturned";

export class ShopLog {
  readonly turns: Turn[] = [];
  #time = start;
  #orders = 0;
  #payments = 0;
  #refunds = 0;
  #items = 0;
  #keys = 0;
  readonly #available = [100, 100];
  readonly #wallets = [0, 0];
  readonly #points = [0, 0];

  /** Two products and two accounts with 500.00 each. */
  constructor() {
    for (const [index, id] of ["tea", "cup"].entries()) {
      const product = { id, name: id, price: prices[index]!, currency: CNY, stock: 100, limitPerAccount: 60 };
      this.turn({ type: Facts.productCreated, ...product, saleStartsAt: 0, saleEndsAt: 0 });
    }
    for (const [account, id] of accounts.entries()) {
      this.turn({ type: Facts.accountNamed, id }, { type: Facts.accountOpened, account, currency: CNY });
      this.#wallets[account]! += 50_000;
      const ref = `d-${id}`;
      this.turn(
        { type: Facts.accountDeposited, account, amount: 50_000, ref },
        this.#ref(account, ref, methods.deposit),
      );
    }
  }

  /** Of the turn that is written next. */
  get nowMs(): number {
    return (this.#time + second) / 1000;
  }

  turn(...facts: readonly (Fact | readonly Fact[])[]): void {
    this.#time += second;
    this.turns.push({ time: this.#time, facts: facts.flat() as Fact[] });
  }

  pass(ms: number): void {
    this.#time += ms * 1000;
  }

  order(account: number, teas: number, cups: number): ShopOrder {
    const order = orderNumber(++this.#orders, slotOf(accounts[account]!));
    const lines = [teas, cups].map((qty, product) => ({ product, qty, unitPrice: prices[product]! }));
    const total = lines.reduce((sum, { qty, unitPrice }) => sum + qty * unitPrice, 0);
    return { order, account, total, lines: lines.filter(({ qty }) => qty > 0) };
  }

  /** An order that is not paid yet: its stock is held for 15 minutes. */
  placed(account: number, teas: number, cups: number): ShopOrder {
    const order = this.order(account, teas, cups);
    const payBy = this.nowMs + 900_000;
    const rest = { status: Statuses.Created, paid: 0, payBy, expiresAt: payBy + 30_000, currency: CNY };
    this.turn(
      this.stock("stockHeld", order),
      { type: Facts.orderPlaced, ...order, ...rest },
      this.key(order, methods.place),
    );
    return order;
  }

  /** An order that is paid from the wallet as it is placed. */
  sold(account: number, teas: number, cups: number): ShopOrder {
    const order = this.order(account, teas, cups);
    const rest = { status: Statuses.Paid, paid: order.total, payBy: 0, expiresAt: 0, currency: CNY };
    this.turn(
      this.stock("stockSold", order),
      { type: Facts.orderPlaced, ...order, ...rest },
      this.captured(order, order.total),
      this.key(order, methods.place),
    );
    return order;
  }

  stock(kind: StockKind, { order, account, lines }: ShopOrder, units?: readonly number[]): Fact[] {
    const sign = { stockHeld: -1, stockSold: -1, stockConfirmed: 0, stockReleased: 1, stockReturned: 1 }[
      kind
    ];
    return lines.flatMap(({ product, qty: all }, index) => {
      const qty = units ? units[index]! : all;
      if (qty === 0) return [];
      this.#available[product]! += sign * qty;
      return [{ type: Facts[kind], product, order, account, qty, available: this.#available[product]! }];
    });
  }

  captured({ order, account }: ShopOrder, amount: number): Fact {
    this.#wallets[account]! -= amount;
    return { type: Facts.moneyCaptured, account, order, amount };
  }

  key({ order, account }: ShopOrder, method: number): Fact {
    const of = { subject: account, key: `k${++this.#keys}`, method, paramsHash: 7, at: 1, code: 0 };
    return { type: Facts.keyKept, space: 0, ...of, order, text: "" };
  }

  moved(
    { order }: ShopOrder,
    event: OrderEvent,
    to: Status,
    dueAt = 0,
    texts: { operator?: string; tracking?: string } = {},
  ): Fact {
    const { operator = "", tracking = "" } = texts;
    const move = { order, event: OrderEvents[event], to: Statuses[to], dueAt };
    return { type: Facts.orderMoved, ...move, operator, remark: "", tracking };
  }

  /** Paid, packed, shipped; the time when it is confirmed by itself. */
  shipped(order: ShopOrder): number {
    this.turn(this.moved(order, "pack", "Packing"), this.key(order, methods.advance));
    const dueAt = this.nowMs + week;
    this.turn(
      this.moved(order, "ship", "Shipped", dueAt, { tracking: "SF-1" }),
      this.key(order, methods.advance),
    );
    return dueAt;
  }

  booked(reference: string, paymentId: string, amount: number, currency = CNY): Payment {
    const payment = ++this.#payments;
    return { type: Facts.paymentBooked, payment, provider: "alipay", paymentId, reference, currency, amount };
  }

  applied({ type: _, reference: __, ...payment }: Payment, { order }: ShopOrder, amount: number): Fact {
    return { type: Facts.paymentApplied, ...payment, order, amount };
  }

  /** The key of a payment, with what was answered. */
  told({ provider, paymentId }: Payment, outcome: string, of?: ShopOrder): Fact {
    const key = { subject: 0, key: `${provider}:${paymentId}`, method: methods.notify, paramsHash: 7, at: 1 };
    const text = JSON.stringify({ outcome, refund: null });
    return { type: Facts.keyKept, space: 3, ...key, code: 0, order: of?.order ?? 0, text };
  }

  /** Paid in full by one payment from outside; `extra` is what it brought too much, and goes back. */
  paidFromOutside(order: ShopOrder, paymentId: string, extra = 0): { payment: Payment; surplus: Refund } {
    const payment = this.booked(`o${order.order}`, paymentId, order.total + extra);
    const surplus = extra > 0 ? this.refund(order, extra, { payment, source: 2 }) : [];
    this.turn(
      payment,
      this.stock("stockConfirmed", order),
      this.applied(payment, order, order.total),
      { type: Facts.orderSettled, order: order.order },
      surplus,
      this.told(payment, "paid", order),
    );
    return { payment, surplus: surplus as Refund };
  }

  /** Asks for a refund: to the wallet, or to the payment that it came with. */
  refund(
    { order, account }: ShopOrder,
    amount: number,
    of: { payment?: Payment; source?: number; restock?: number; shares?: readonly LineShare[] } = {},
  ): Refund {
    const refund = orderNumber(++this.#refunds, orderSlot(order));
    const { provider = "", paymentId = "" } = of.payment ?? {};
    const { source = 1, restock = 0, shares = [] } = of;
    const money = { source, account, currency: of.payment?.currency ?? CNY, amount, provider, paymentId };
    return { type: Facts.refundRequested, refund, order, ...money, restock, reason: "broken", shares };
  }

  done(asked: Refund, ref = "rf"): FactOf<"refundDone"> {
    if (asked.provider === "") this.#wallets[asked.account]! += asked.amount;
    return { type: Facts.refundDone, ...endOf(asked), ref };
  }

  refused(asked: Refund): FactOf<"refundRefused"> {
    return { type: Facts.refundRefused, ...endOf(asked), ref: "closed" };
  }

  unknown({ refund }: Refund): Fact {
    return { type: Facts.refundUnknown, refund, error: "no answer in 10 s" };
  }

  granted({ order, account }: ShopOrder, points: number): Fact {
    this.#points[account]! += points;
    return { type: Facts.pointsGranted, account, order, points };
  }

  reversed({ order, account }: ShopOrder, points: number): Fact {
    this.#points[account]! -= points;
    return { type: Facts.pointsReversed, account, order, points };
  }

  spent(account: number, points: number, ref: string): void {
    this.#points[account]! -= points;
    this.turn({ type: Facts.pointsSpent, account, points, ref }, this.#ref(account, ref, methods.spend));
  }

  opened(kind: number, subject: string, amount: number, currency = CNY): FactOf<"humanOpened"> {
    const item = orderNumber(++this.#items, 0);
    const rest = { units: 0, attempts: 0, error: "no such order", evidence: "{}" };
    return { type: Facts.humanOpened, item, kind, subject, currency, amount, ...rest };
  }

  resolved({ item }: FactOf<"humanOpened">, action: number): Fact {
    const by = { reason: "looked at the statement", evidence: "", operator: "ops.li" };
    return { type: Facts.humanResolved, item, action, ...by };
  }

  entry({ item, currency }: FactOf<"humanOpened">, from: string, to: string, amount: number): Fact {
    for (const [name, sign] of [
      [from, -1],
      [to, 1],
    ] as const) {
      const account = accounts.indexOf(name.slice("wallet:".length));
      if (name.startsWith("wallet:") && account >= 0) this.#wallets[account]! += sign * amount;
    }
    return { type: Facts.entryMade, item, from, to, currency, amount };
  }

  archived({ order }: ShopOrder, amount: number): Fact {
    return { type: Facts.orderArchived, order, currency: CNY, amount };
  }

  #ref(account: number, name: string, method: number): Fact {
    const available = formatAmount(this.#wallets[account]!, CNY);
    const answer = { account: accounts[account], currency: currencyCode(CNY), available };
    const text = JSON.stringify({ ...answer, held: "0.00", points: this.#points[account] });
    const of = { subject: account, key: name, method, paramsHash: 7, at: 1, code: 0, order: 0, text };
    return { type: Facts.keyKept, space: 1, ...of };
  }
}

function endOf({ refund, order, source, account, currency, amount, provider }: Refund) {
  return { refund, order, source, account, currency, amount, provider };
}
