/**
 * What the methods of `Yifen` resolve with. Amounts are decimal strings in units of the currency, with all its
 * digits (`"0.50"`); times are ISO 8601 strings.
 */

/** Whether an answer is the stored one of an earlier attempt under the same `key` or `ref`. */
export interface Replayable {
  readonly replayed: boolean;
}

export interface OrderLine {
  readonly product: string;
  /** As it was when the order was placed, like the price. */
  readonly name: string;
  readonly qty: number;
  readonly unitPrice: string;
  readonly subtotal: string;
  /** Of an order with adjustments: what the line has of the total, and of it what is tax. */
  readonly total?: string;
  readonly tax?: string;
}

/** One thing in one text, or in several by name. */
export type Described = string | Readonly<Record<string, string>>;

export type OrderStatus =
  | "Created"
  | "Paid"
  | "Packing"
  | "Shipped"
  | "Shipping"
  | "Delivered"
  | "Completed"
  | "Canceled"
  | "Refunding"
  | "Refunded"
  | "Disputed";

export interface Order {
  readonly order: string;
  readonly status: OrderStatus;
  /** Rises by one with every move. */
  readonly version: number;
  readonly account: string;
  readonly lines: readonly OrderLine[];
  readonly total: string;
  readonly currency: string;
  readonly amountPaid: string;
  readonly amountRefunded: string;
  /** When the hold ends; null when there is nothing to pay any more. */
  readonly payBy: string | null;
  readonly createdAt: string;
  /** The events that the status allows now. */
  readonly next: readonly string[];
  /** As they were given when it was placed. */
  readonly address?: Described;
  readonly contact?: Described;
  readonly shippingMethod?: string;
  readonly paymentMethod?: string;
  readonly ref?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** What each adjustment came to, those of the lines first; `line` counts from 0. A discount is below zero. */
  readonly adjustments?: readonly Adjustment[];
  /** What no line pays for. */
  readonly extras?: readonly OrderExtra[];
  /** All the tax in the total. */
  readonly tax?: string;
}

export interface Adjustment {
  readonly type: "discount" | "tax" | "shipping" | "fee" | "rounding";
  readonly name?: string;
  readonly line?: number;
  readonly amount: string;
  readonly included?: boolean;
}

export interface OrderExtra {
  readonly type: "shipping" | "fee" | "rounding";
  readonly name?: string;
  readonly total: string;
  readonly tax: string;
}

export interface Refund {
  readonly refund: string;
  /** null for money that came for an order that is archived. */
  readonly order: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly to: "wallet" | "provider";
  /** null for a wallet. */
  readonly provider: string | null;
  readonly paymentId: string | null;
  /** `unknown`: the provider was asked and has not said what it did. It is asked about, never sent again as another one. */
  readonly state: "requested" | "unknown" | "done" | "refused";
  readonly reason: string;
  readonly restock: boolean;
  /** What the provider said of it. */
  readonly ref: string | null;
  /** What it takes of each line. An amount is spread over the lines and takes no units. */
  readonly lines: readonly { readonly product: string; readonly qty: number; readonly amount: string }[];
  /** What it takes of what no line pays for; left out when it is nothing. */
  readonly extras?: readonly { readonly type: string; readonly name?: string; readonly amount: string }[];
}

/** One refund for every source that the order's money came from. */
export interface OrderRefund {
  readonly refunds: readonly Refund[];
  readonly order: Order;
}

/** `order.advance` answers with the order; a dispute that is resolved by a refund also with its refunds. */
export type Advanced = Order | OrderRefund;

export interface PaymentOutcome {
  readonly outcome:
    | "paid"
    | "partially_paid"
    | "late_payment"
    | "duplicate_payment"
    | "unmatched_payment"
    | "currency_mismatch";
  /** Where the money is now. `suspense`: there is a review item. */
  readonly money: "applied" | "kept" | "refunded" | "reinstated" | "suspense";
  /** Of what was too much, too late or twice; null when nothing was. */
  readonly refund: string | null;
  /** null when there is no such order, or it is archived. */
  readonly order: Order | null;
}

export interface IssuedToken {
  /** To be used as a `key` until it expires. */
  readonly token: string;
  readonly expiresAt: string;
}

export interface OrderPage {
  readonly orders: readonly Order[];
  /** For the next page; null when this was the last. */
  readonly cursor: string | null;
}

export interface OrderMove {
  /** The order's version after it. */
  readonly version: number;
  /** null for the placement */
  readonly from: OrderStatus | null;
  readonly to: OrderStatus;
  readonly event: string;
  readonly time: string;
  /** Left out when nobody is known to have made it. */
  readonly operator?: string;
  readonly remark?: string;
  /** What the carrier calls the parcel; of `ship` alone. */
  readonly tracking?: string;
  /** The key of the request that made it; left out when a deadline did. */
  readonly key?: string;
}

export interface OrderHistory {
  readonly order: string;
  /** Oldest first. */
  readonly moves: readonly OrderMove[];
}

/**
 * What became of a key. `found`: it has been answered, with this. `running`: it has begun and will be answered under
 * the same key. `never_seen`: nothing has been done under it so far.
 */
export type Lookup =
  | {
      readonly state: "found";
      readonly result: Order | OrderRefund | Transaction;
      readonly error?: undefined;
    }
  | { readonly state: "found"; readonly error: StoredRefusal; readonly result?: undefined }
  | { readonly state: "running" }
  | { readonly state: "never_seen" };

export interface StoredRefusal {
  readonly code: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Product {
  readonly product: string;
  readonly name: string;
  readonly price: string;
  readonly currency: string;
  readonly available: number;
  readonly held: number;
  readonly sold: number;
  /** Units that a count found missing of those that are held. */
  readonly short: number;
  /** So many units may be sold that are not there yet. */
  readonly backorder: number;
  /** Units that were sold and are not there yet. */
  readonly backordered: number;
  /** The same as `version`. */
  readonly priceVersion: number;
  /** Rises by one with every change but of its stock. */
  readonly version: number;
  /** Held and bought; null: no limit. */
  readonly limitPerAccount: number | null;
  /** ISO 8601; null: it has always been on sale. */
  readonly saleStartsAt: string | null;
  /** ISO 8601; null: it has no end. */
  readonly saleEndsAt: string | null;
  /** It is not sold any more. */
  readonly delisted: boolean;
}

export interface Account {
  readonly account: string;
  readonly currency: string;
  readonly available: string;
  readonly held: string;
  /** Below zero: spent before their orders were refunded, and owed. */
  readonly points: number;
}

export interface LedgerEntry {
  /** Position of the fact in the log. */
  readonly seq: number;
  readonly time: string;
  /** `deposit`, `withdraw`, `capture`... */
  readonly type: string;
  /** Signed: what it added to the account. */
  readonly amount: string;
  readonly currency: string;
  /** Of the account, after it. */
  readonly available: string;
  readonly order?: string;
  readonly ref?: string;
}

export interface Statement {
  readonly account: string;
  readonly currency: string;
  /** Newest first. */
  readonly entries: readonly LedgerEntry[];
  /** For the next page; null when this was the last. */
  readonly cursor: string | null;
}

export interface AuditCheck {
  readonly name: string;
  readonly what: string;
  /** null: not checked, and `detail` says why. */
  readonly ok: boolean | null;
  readonly detail: string;
  /** How many times it was looked at, and how many of those were wrong. */
  readonly count: number;
  readonly bad: number;
}

/** What an audit found. `ok` means that every check that could be made was passed. */
export interface Certificate {
  readonly ok: boolean;
  /** First position that was audited, and how many facts. */
  readonly from: number;
  readonly to: number;
  /** Stands for the whole state; the same log always gives the same. null when it was not computed. */
  readonly stateHash: string | null;
  readonly shards: readonly {
    readonly shard: number;
    readonly from: number;
    readonly to: number;
    /** Stands for the whole log up to `to`; null for a log in memory. */
    readonly chainHash: string | null;
    readonly stateHash: string | null;
  }[];
  readonly checks: readonly AuditCheck[];
  readonly figures: {
    readonly facts: number;
    readonly accounts: number;
    readonly products: number;
    readonly orders: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly soldUnits: number;
    readonly heldUnits: number;
    readonly availableUnits: number;
    /** By currency, decimal strings. */
    readonly inWallets: Readonly<Record<string, string>>;
    readonly inOrders: Readonly<Record<string, string>>;
    /** What went back to buyers; what is asked to go back and has not yet. */
    readonly refunded: Readonly<Record<string, string>>;
    readonly payable: Readonly<Record<string, string>>;
    /** What came from outside and belongs to no order; what archived orders have earned. */
    readonly suspense: Readonly<Record<string, string>>;
    readonly revenue: Readonly<Record<string, string>>;
    /** Whole numbers as text. `left`: what accounts have, less what they owe. */
    readonly points: {
      readonly granted: string;
      readonly reversed: string;
      readonly spent: string;
      readonly left: string;
    };
    readonly archived: number;
    readonly openRefunds: number;
    readonly openItems: number;
    /** What the whole ledger sums to: zero, or something is wrong. */
    readonly ledgerDifference: Readonly<Record<string, string>>;
  };
  /** Engine time (null: nothing has happened yet), and by how much it is ahead of the wall clock. */
  readonly clock: { readonly time: string | null; readonly aheadMs: number | null };
  readonly firstBad?: { readonly shard: number; readonly position: number; readonly what: string };
  /** What an operator should do, in order; empty when all is well. */
  readonly repairPlan: readonly string[];
}

export interface TransactionPart {
  readonly name: string;
  readonly state:
    | "waiting"
    | "begun"
    | "done"
    | "refused"
    | "unknown"
    | "ending"
    | "confirmed"
    | "undone"
    | "by_human"
    | "nothing";
  /** There is a review item about it. */
  readonly stuck: boolean;
  /** What a human did about it last. */
  readonly resolution?: {
    readonly item: string;
    readonly action: string;
    readonly reason: string;
    readonly operator: string;
    readonly at: string;
  };
}

export interface Transaction {
  readonly transaction: string;
  readonly account: string;
  readonly name: string;
  readonly mode: "tcc" | "saga";
  readonly state: "running" | "confirming" | "canceling" | "done" | "undone";
  readonly parts: readonly TransactionPart[];
  /** What each part that was done gave back, by its name. */
  readonly results: Readonly<Record<string, unknown>>;
  /** Because of what it is undone. */
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly begunAt: string;
  readonly endedAt: string | null;
}

export interface HumanItem {
  readonly item: string;
  readonly kind: "payment" | "refund" | "transaction" | "late" | "stock_short";
  readonly state: "open" | "resolved";
  readonly subject: string;
  readonly currency: string | null;
  /** Money at risk. */
  readonly amount: string | null;
  /** Units of stock at risk. */
  readonly units: number;
  readonly attempts: number;
  readonly error: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly openedAt: string;
  /** What can be done about it. */
  readonly actions: readonly string[];
  readonly resolution: {
    /** `itself`: it ended before anybody did anything. */
    readonly action: string;
    readonly reason: string;
    readonly evidence: string;
    readonly operator: string;
    readonly at: string;
  } | null;
}

export interface HumanPage {
  readonly items: readonly HumanItem[];
  /** For the next page; null when this was the last. */
  readonly cursor: string | null;
}
