/**
 * What the methods of `Yifen` take. Amounts are decimal strings in units of the currency (`"99.90"`), never numbers;
 * quantities are integers 1..1,000,000; ids are 1..64 of `[A-Za-z0-9._:-]`.
 */

import type { Described, OrderStatus } from "./results.js";

export interface CallOptions {
  /**
   * Milliseconds until the call fails with `timeout`, at most a day; 10,000 unless `connect` was told otherwise. When it
   * is given here the engine is told too, and refuses the request if its turn does not come in time.
   */
  readonly timeoutMs?: number;
}

/** What makes a call on an order exactly-once. Both are filled in when left out. */
export interface Keyed {
  /**
   * The same key with the same params is the same request, however often it is sent. A program that wants to ask
   * again after its own crash makes the key itself and stores it first, with `at`.
   */
  readonly key?: string;
  /** When the request was first made (ms since the epoch): a retry from before the kept range of keys never runs. */
  readonly at?: number;
}

export interface OrderLineParams {
  readonly product: string;
  readonly qty: number;
}

export interface PlaceParams extends Keyed {
  readonly account: string;
  /** 1..100; lines of one product are merged. All of them are taken, or none. */
  readonly lines: readonly PlacedLineParams[];
  /** `later` (default): created now, paid within the hold. `balance`: paid in this call. */
  readonly pay?: "later" | "balance";
  /** How parts on several shards are taken together; `tcc` is the default. */
  readonly mode?: "tcc" | "saga";
  /** How long the lines are held: 1,000..86,400,000, default 900,000. */
  readonly payWithinMs?: number;
  /** Refuse with `price_changed` if the total is another. */
  readonly expectedTotal?: string;
  /** Answer what would happen and record nothing. */
  readonly dryRun?: boolean;
  /** Who asks for it, kept in the order's history. */
  readonly operator?: string;
  /** Where it goes, and whom to ask about it: a text of up to 500 characters, or up to 16 texts by name. */
  readonly address?: Described;
  readonly contact?: Described;
  /** In the shop's words, up to 100 characters. */
  readonly shippingMethod?: string;
  readonly paymentMethod?: string;
  /** The shop's own number, up to 64 characters: the order is found by it, and a payment may name it. */
  readonly ref?: string;
  /** Up to 16 names of 40 characters with texts of up to 500. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Of the whole order, in the order in which they apply, after those of the lines; at most 20. */
  readonly adjustments?: readonly AdjustmentParams[];
}

export interface PlacedLineParams extends OrderLineParams {
  /** Of this line: a discount, a tax or a fee; at most 20. */
  readonly adjustments?: readonly AdjustmentParams[];
}

/**
 * What changes a total: a discount (`amount` or `percent`), a tax (`percent`, on top unless `included`), shipping or a fee (`amount`), rounding
 * (`amount`, which may be below zero, or `to` the nearest multiple of an amount).
 */
export interface AdjustmentParams {
  readonly type: "discount" | "tax" | "shipping" | "fee" | "rounding";
  /** In the shop's words, up to 40 characters. */
  readonly name?: string;
  readonly amount?: string;
  /** `"12.5"`; at most four digits behind the point. */
  readonly percent?: string;
  readonly to?: string;
  readonly included?: boolean;
}

export interface PayParams extends Keyed {
  readonly order: string;
  /** Kept in the order's history. */
  readonly operator?: string;
}

export interface CancelParams extends Keyed {
  readonly order: string;
  readonly reason?: string;
  /** Kept in the order's history. */
  readonly operator?: string;
}

/** Who does it, and what the order must look like for it. */
export interface MoveParams extends Keyed {
  readonly order: string;
  /** Kept in the order's history. */
  readonly operator?: string;
  /** Refused with `version_mismatch` when the order has another one by then. */
  readonly version?: number;
}

export interface AdvanceParams extends MoveParams {
  /** One of the order's `next`. */
  readonly event: "pack" | "ship" | "dispatch" | "deliver" | "confirm" | "dispute" | "resolve";
  /** Required with `ship`. */
  readonly tracking?: string;
  readonly remark?: string;
  /** Required with `resolve`: all that is left goes back, or the order goes on. */
  readonly resolution?: "refund" | "keep";
  /** With `resolve` and `refund`: the units come back into stock. */
  readonly restock?: boolean;
}

/** With `lines`: these units. With `amount`: so much. With neither: all that is left. */
export interface RefundParams extends MoveParams {
  readonly lines?: readonly OrderLineParams[];
  readonly amount?: string;
  /** Names or types of what no line pays for, such as `"shipping"`: all that is left of it. */
  readonly extras?: readonly string[];
  readonly reason: string;
  /** The refunded units come back into stock. */
  readonly restock?: boolean;
}

/** What a provider did about a refund that it was asked for. */
export interface RefundReportParams {
  readonly refund: string;
  readonly outcome: "done" | "refused" | "unknown";
  /** The provider's own number of it, or its words. */
  readonly ref?: string;
}

export interface PaymentParams {
  readonly provider: string;
  /** What the provider calls the payment, 1 to 256 characters. The same one never counts twice. */
  readonly paymentId: string;
  /** What it is said to be for, 1 to 256 characters: whatever names no order is booked for a human to look at. */
  readonly order: string;
  readonly amount: string;
  /** ISO 4217 */
  readonly currency: string;
}

export interface SpendPointsParams {
  readonly account: string;
  readonly points: number;
  /** Makes the call exactly-once, for ever. */
  readonly ref: string;
}

export interface PageParams {
  /** From the page before; left out for the first. */
  readonly cursor?: string;
  readonly limit?: number;
}

/** What is known of the orders; without any of it all are found. */
export interface FindOrdersParams {
  readonly account?: string;
  readonly status?: OrderStatus;
  /** With a line of it. */
  readonly product?: string;
  /** The shop's own number. */
  readonly ref?: string;
  readonly tracking?: string;
  /** What the provider calls a payment. */
  readonly payment?: string;
  /** Placed at `from` or later, and before `to`: ms since the epoch. */
  readonly from?: number;
  readonly to?: number;
  readonly cursor?: string;
  /** 1..500; default 50. */
  readonly limit?: number;
}

export interface ListParams extends PageParams {
  readonly account: string;
  readonly status?: OrderStatus;
}

export interface LookupParams {
  readonly account: string;
  readonly key: string;
}

/** An ISO 8601 string, or ms since the epoch. */
export type Time = string | number;

export interface CreateProductParams {
  readonly product: string;
  readonly name: string;
  readonly price: string;
  /** ISO 4217 */
  readonly currency: string;
  readonly stock: number;
  /** Units that one account may hold and have bought together. */
  readonly limitPerAccount?: number;
  readonly saleStartsAt?: Time;
  readonly saleEndsAt?: Time;
  /** So many units may be sold that are not there yet. */
  readonly backorder?: number;
}

export interface RestockParams {
  readonly product: string;
  readonly qty: number;
  /** Makes the call exactly-once. Without it a call whose answer is lost fails with `executed: "unknown"`. */
  readonly ref?: string;
}

export interface RepriceParams {
  readonly product: string;
  readonly price: string;
  /** The `version` that was seen: refused with `version_mismatch` when it is another. Makes the call safe to repeat. */
  readonly expectedVersion?: number;
}

/** What is left out stays as it is. Without `ref` or `expectedVersion` a call whose answer is lost fails with `executed: "unknown"`. */
export interface UpdateProductParams {
  readonly product: string;
  readonly name?: string;
  readonly price?: string;
  /** 0: no limit. */
  readonly limitPerAccount?: number;
  /** 0: it has always been on sale. */
  readonly saleStartsAt?: Time;
  /** 0: it has no end. */
  readonly saleEndsAt?: Time;
  /** So many units may be sold that are not there yet; 0: none. */
  readonly backorder?: number;
  /** The `version` that was seen: refused with `version_mismatch` when it is another. */
  readonly expectedVersion?: number;
  /** Makes the call exactly-once. */
  readonly ref?: string;
  readonly operator?: string;
}

export interface AdjustParams {
  readonly product: string;
  /** Units more; below zero: fewer, and no more than are available. */
  readonly by: number;
  /** `loss` and `damage` are below zero, `found` is above, a `correction` either. */
  readonly reason: "loss" | "damage" | "found" | "correction";
  /** Makes the call exactly-once, for ever. */
  readonly ref: string;
  readonly operator?: string;
  readonly remark?: string;
}

export interface CountParams {
  readonly product: string;
  /** Units that are there and not sold, those that orders hold included. */
  readonly counted: number;
  /** Makes the call exactly-once, for ever. */
  readonly ref: string;
  readonly operator?: string;
  readonly remark?: string;
}

export interface ListingParams {
  readonly product: string;
  /** The `version` that was seen: refused with `version_mismatch` when it is another. */
  readonly expectedVersion?: number;
  readonly operator?: string;
}

export interface OpenAccountParams {
  readonly account: string;
  /** ISO 4217 */
  readonly currency: string;
}

export interface MoveMoneyParams {
  readonly account: string;
  readonly amount: string;
  /** Makes the call exactly-once, for ever. */
  readonly ref: string;
}

export interface StatementParams extends PageParams {
  readonly account: string;
}

/** `account:ID`: its orders, refunds and points. `product:ID`: its stock. `shard:N`: everything, for operators. */
export type Topic = `account:${string}` | `product:${string}` | `shard:${number}`;

export interface FeedParams {
  /** The lowest `seq` wanted: the last one that was handled, plus one. Left out: what happens from now on. */
  readonly from?: number;
}

export interface BeginParams extends Keyed {
  readonly account: string;
  /** As the program that runs the engine has defined it. */
  readonly name: string;
  /** Plain JSON. */
  readonly input?: Readonly<Record<string, unknown>>;
  /** How long it may be undecided: 1,000..2,592,000,000; default 600,000 for a TCC, 86,400,000 for a saga. */
  readonly deadlineMs?: number;
  /** false: resolve when it has begun. Default true. */
  readonly wait?: boolean;
}

export interface ListHumanParams extends PageParams {
  /** Default `open`. */
  readonly state?: "open" | "resolved";
}

export interface ResolveHumanParams {
  readonly item: string;
  /** One of the item's `actions`. */
  readonly action: "retry" | "done" | "undone" | "entries" | "write_off";
  /** Kept for ever. */
  readonly reason: string;
  readonly evidence?: string;
  /** With `retry` of a payment of which nobody knows the order. */
  readonly order?: string;
  /** With `entries`: together they move what is at risk. */
  readonly entries?: readonly { readonly from: string; readonly to: string; readonly amount: string }[];
  readonly operator?: string;
}
