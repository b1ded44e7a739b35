/** The names that events are made with: those of the books, and of orders that have left them and are remembered. */

import type { EventNames, OrderNames, RefundNames } from "../../actors/events.js";
import { type Books, emptyOrder } from "../tables/books.js";

/** An order that has left the books, as its placement told of it. */
export interface GoneOrder extends OrderNames {
  /** Number of the event of its placement. */
  readonly placedAt: number;
}

/** What was read of orders and of their refunds on the way, by their numbers: the books may have forgotten them. */
export interface Gone {
  readonly orders: Map<number, GoneOrder>;
  readonly refunds: Map<number, RefundNames>;
}

/** Orders are read into a buffer of its own: events are made while a turn still holds the books' one. */
export class BookNames implements EventNames {
  readonly #row = emptyOrder();
  /** Where the remembered order was placed that was last asked for; 0 = none was. */
  placedAt = 0;

  constructor(
    readonly books: Books,
    private readonly gone?: Gone,
  ) {}

  accountId(handle: number): string {
    return this.books.accounts[handle]!.id;
  }

  productId(handle: number): string {
    return this.books.products[handle]!.id;
  }

  productCurrency(handle: number): number {
    return this.books.products[handle]!.currency;
  }

  accountCurrency(handle: number): number {
    return this.books.accounts[handle]!.currency;
  }

  order(number: number): OrderNames | undefined {
    const { orders, accounts } = this.books;
    if (!orders.has(number)) {
      const gone = this.gone?.orders.get(number);
      if (gone) this.placedAt = gone.placedAt;
      return gone;
    }
    const { account, currency, total } = orders.read(number, this.#row);
    return { account: accounts[account]!.id, currency, total };
  }

  /** Those that have ended are forgotten with their orders. */
  refund(number: number): RefundNames | undefined {
    const refund = this.books.afterSales.refunds.get(number);
    if (!refund) return this.gone?.refunds.get(number);
    const { order, currency, amount, provider, paymentId } = refund;
    return { order, currency, amount, provider, paymentId };
  }
}
