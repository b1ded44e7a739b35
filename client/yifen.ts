/**
 * What a program calls, the same whether the engine is a server or in the same process.
 *
 * Every method rejects with `YifenError` (see there for what `executed` promises). Calls with a `key` or a `ref`,
 * and reads, are sent again by themselves when the connection was lost; others fail with `executed: "unknown"`.
 * Methods of products and `deposit`, `withdraw`, `open` and `audit` want the operator's role.
 */

import type { Feed } from "./feed.js";
import type {
  AdjustParams,
  AdvanceParams,
  BeginParams,
  CallOptions,
  CancelParams,
  CountParams,
  CreateProductParams,
  FeedParams,
  FindOrdersParams,
  ListHumanParams,
  ListingParams,
  ListParams,
  LookupParams,
  MoveMoneyParams,
  OpenAccountParams,
  PaymentParams,
  PayParams,
  PlaceParams,
  RefundParams,
  RefundReportParams,
  RepriceParams,
  ResolveHumanParams,
  RestockParams,
  SpendPointsParams,
  StatementParams,
  Topic,
  UpdateProductParams,
} from "./params.js";
import type {
  Account,
  Advanced,
  Certificate,
  HumanItem,
  HumanPage,
  IssuedToken,
  Lookup,
  Order,
  OrderHistory,
  OrderPage,
  OrderRefund,
  PaymentOutcome,
  Product,
  Refund,
  Replayable,
  Statement,
  Transaction,
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
  /** Errors: `invalid_transition {from, event, allowed}`, `version_mismatch {version}`. */
  advance(params: AdvanceParams, options?: CallOptions): Promise<Advanced & Replayable>;
  /**
   * Gives money back to where it came from. Errors: `refund_exceeds_remaining {remaining}`, `line_qty_exceeds {left}`,
   * `invalid_transition`, `version_mismatch`.
   */
  refund(params: RefundParams, options?: CallOptions): Promise<OrderRefund & Replayable>;
  /** Errors: `order_not_found`. */
  get(order: string, options?: CallOptions): Promise<Order>;
  /** An account's orders, newest first. */
  list(params: ListParams, options?: CallOptions): Promise<OrderPage>;
  /** Orders of any account, newest first; for operators. */
  find(params: FindOrdersParams, options?: CallOptions): Promise<OrderPage>;
  history(order: string, options?: CallOptions): Promise<OrderHistory>;
  /** What became of a key, for whoever has no answer. */
  lookup(params: LookupParams, options?: CallOptions): Promise<Lookup>;
}

export interface Payments {
  /** Books money from outside; a payment told twice counts once. Errors: `key_reused`, `invalid_amount`. */
  notify(params: PaymentParams, options?: CallOptions): Promise<PaymentOutcome & Replayable>;
  /** Tells what a provider did about a refund. Errors: `refund_not_found`, `invalid_transition`. */
  reportRefund(params: RefundReportParams, options?: CallOptions): Promise<Refund>;
  /** Errors: `refund_not_found`. */
  refund(refund: string, options?: CallOptions): Promise<Refund>;
}

export interface Products {
  /** Errors: `already_exists`, `invalid_amount`. */
  create(params: CreateProductParams, options?: CallOptions): Promise<Product>;
  restock(params: RestockParams, options?: CallOptions): Promise<Product & Replayable>;
  /** Orders placed before keep their price. */
  reprice(params: RepriceParams, options?: CallOptions): Promise<Product>;
  /** Orders placed before keep their name and price. Errors: `version_mismatch`, `invalid_request` (`params.saleEndsAt`...). */
  update(params: UpdateProductParams, options?: CallOptions): Promise<Product & Replayable>;
  /** Units that were lost or found. Errors: `insufficient_stock`, `invalid_request` (`params.by`). */
  adjust(params: AdjustParams, options?: CallOptions): Promise<Product & Replayable>;
  /** The difference to what should be on the shelf is booked; fewer than are held: the product is `short`, and a review item is opened. */
  count(params: CountParams, options?: CallOptions): Promise<Product & Replayable>;
  /** Nobody may take units of it any more; holds go on. Both may be asked again: what is so already is answered. */
  delist(params: ListingParams, options?: CallOptions): Promise<Product>;
  relist(params: ListingParams, options?: CallOptions): Promise<Product>;
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
  /** Errors: `insufficient_points {available}`. */
  spendPoints(params: SpendPointsParams, options?: CallOptions): Promise<Account & Replayable>;
  statement(params: StatementParams, options?: CallOptions): Promise<Statement>;
}

/** Transactions across actors that the engine's program has defined. */
export interface Transactions {
  /**
   * Resolves when it has ended: `state` is `done`, or `undone` and `error` says why. With `wait: false` it resolves when it
   * is on disk. Errors: `invalid_request` (no such transaction), `invalid_amount`, `key_reused`.
   */
  begin(params: BeginParams, options?: CallOptions): Promise<Transaction & Replayable>;
  /** Errors: `transaction_not_found`. */
  get(transaction: string, options?: CallOptions): Promise<Transaction>;
}

/** What only a human can end. Wants the operator's role. */
export interface Human {
  /** Shard by shard, newest first in each; a page may be empty and still have a cursor. */
  list(params?: ListHumanParams, options?: CallOptions): Promise<HumanPage>;
  /** Errors: `item_not_found`. */
  get(item: string, options?: CallOptions): Promise<HumanItem>;
  /**
   * The same resolution again gives the same item. Errors: `item_not_found`, `invalid_transition` (resolved otherwise),
   * `invalid_request` (not for this item; details say what is), `invalid_amount`, `insufficient_funds`.
   */
  resolve(params: ResolveHumanParams, options?: CallOptions): Promise<HumanItem>;
}

export interface Yifen {
  readonly orders: Orders;
  readonly transactions: Transactions;
  readonly human: Human;
  readonly products: Products;
  readonly accounts: Accounts;
  readonly payments: Payments;
  /** A key that the engine vouches for, for callers that cannot make one. */
  issueToken(options?: CallOptions): Promise<IssuedToken>;
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
