/**
 * What a program calls, the same whether the engine is a server or in the same process.
 *
 * Every method rejects with `YifenError` (see there for what `executed` promises). Calls with a `key` or a `ref`,
 * and reads, are sent again by themselves when the connection was lost; others fail with `executed: "unknown"`.
 * Methods of products and `deposit`, `withdraw`, `open` and `audit` want the operator's role.
 */

import type { Feed } from "./feed.js";
import type {
  CallOptions,
  CancelParams,
  CreateProductParams,
  FeedParams,
  ListParams,
  LookupParams,
  MoveMoneyParams,
  OpenAccountParams,
  PayParams,
  PlaceParams,
  RepriceParams,
  RestockParams,
  StatementParams,
  Topic,
} from "./params.js";
import type {
  Account,
  Certificate,
  Lookup,
  Order,
  OrderHistory,
  OrderPage,
  Product,
  Replayable,
  Statement,
} from "./results.js";

export interface Orders {
  /**
   * Takes stock, and with `pay: "balance"` money, for all lines or for none. Errors: `insufficient_stock`,
   * `insufficient_funds`, `limit_exceeded`, `price_changed`, `sale_not_started`, `sale_ended`, `product_not_found`,
   * `account_not_found`, `currency_mismatch`, `key_reused`.
   */
  place(params: PlaceParams, options?: CallOptions): Promise<Order & Replayable>;
  /** Pays from the account's balance. Errors: `insufficient_funds`, `hold_expired`, `invalid_transition`. */
  pay(params: PayParams, options?: CallOptions): Promise<Order & Replayable>;
  /** Gives the held stock back. Errors: `invalid_transition {from, event, allowed}`. */
  cancel(params: CancelParams, options?: CallOptions): Promise<Order & Replayable>;
  /** Errors: `order_not_found`. */
  get(order: string, options?: CallOptions): Promise<Order>;
  /** An account's orders, newest first. */
  list(params: ListParams, options?: CallOptions): Promise<OrderPage>;
  history(order: string, options?: CallOptions): Promise<OrderHistory>;
  /** What became of a key, for whoever has no answer. */
  lookup(params: LookupParams, options?: CallOptions): Promise<Lookup>;
}

export interface Products {
  /** Errors: `already_exists`, `invalid_amount`. */
  create(params: CreateProductParams, options?: CallOptions): Promise<Product>;
  restock(params: RestockParams, options?: CallOptions): Promise<Product & Replayable>;
  /** Orders placed before keep their price. */
  reprice(params: RepriceParams, options?: CallOptions): Promise<Product>;
  /** Errors: `product_not_found`. */
  get(product: string, options?: CallOptions): Promise<Product>;
}

export interface Accounts {
  /** Errors: `already_exists`. */
  open(params: OpenAccountParams, options?: CallOptions): Promise<Account>;
  deposit(params: MoveMoneyParams, options?: CallOptions): Promise<Account & Replayable>;
  /** Errors: `insufficient_funds {available}`. */
  withdraw(params: MoveMoneyParams, options?: CallOptions): Promise<Account & Replayable>;
  /** Errors: `account_not_found`. */
  get(account: string, options?: CallOptions): Promise<Account>;
  statement(params: StatementParams, options?: CallOptions): Promise<Statement>;
}

export interface Yifen {
  readonly orders: Orders;
  readonly products: Products;
  readonly accounts: Accounts;
  /**
   * Events of a topic, subscribed to at once, without a gap across lost connections. Reads
   * `for await (const event of yifen.feed("account:a1"))`. Ends when `close` is called; throws `slow_consumer` when
   * `feedBufferMax` events are unread.
   */
  feed(topic: Topic, params?: FeedParams): Feed;
  /** Checks the books from the log. May take long on a large log: give it a `timeoutMs`. */
  audit(options?: CallOptions): Promise<Certificate>;
  /** Milliseconds until the engine answered. */
  ping(options?: CallOptions): Promise<number>;
  /** Fails what is still unanswered with `closed` and ends the feeds. */
  close(): Promise<void>;
}
