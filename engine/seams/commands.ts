/**
 * What can be asked of the engine. An edge turns bytes into one of these after it has checked the shape of
 * the request against the schema of its method (`gateway/edge/methods`); the engine checks everything else.
 *
 * Amounts are still the caller's decimal strings here: only the actor knows the currency and so the scale.
 * Optional params are present and `undefined`, so that every command of a method has one hidden class.
 */

import type { AdjustmentInput } from "../../actors/adjustments.js";
import type { Described } from "../../actors/order-data.js";
import type { AdjustReason } from "../../actors/product.js";
import type { Requester, RequestId } from "./requester.js";

/** What every command bears. */
export interface Envelope {
  /** Where the answer goes. One per connection and shard. */
  requester: Requester;
  /** The caller's id of the request, echoed. */
  id: RequestId;
  /**
   * Engine time (microseconds) after which the command is refused at the head of the queue, unless its key holds an answer;
   * 0 = none, `storedAnswerOnly` = in any case, because the server drains.
   */
  refuseAfter: number;
}

export const storedAnswerOnly = -1;

export interface LineInput {
  product: string;
  /** 1..1,000,000 */
  qty: number;
  /** Of `order.place`: what applies to this line. */
  adjustments?: AdjustmentInput[];
}

export interface PlaceOrder extends Envelope {
  method: "order.place";
  account: string;
  key: string;
  /** 1..100 lines, products may repeat. */
  lines: LineInput[];
  pay: "later" | "balance";
  mode: "tcc" | "saga";
  /** 1,000..86,400,000; undefined = the engine's default. */
  payWithinMs: number | undefined;
  expectedTotal: string | undefined;
  /** When the caller first made this request (ms); undefined = not said. */
  at: number | undefined;
  dryRun: boolean;
  operator: string | undefined;
  address: Described | undefined;
  contact: Described | undefined;
  shippingMethod: string | undefined;
  paymentMethod: string | undefined;
  ref: string | undefined;
  metadata: Readonly<Record<string, string>> | undefined;
  adjustments: readonly AdjustmentInput[] | undefined;
}

/** Asked by the host for a dry run across shards; no edge offers it. */
export interface QuoteLines extends Envelope {
  method: "order.quote";
  account: string;
  lines: readonly LineInput[];
}

/** Asked by the host for a token that another shard issued; no edge offers it. */
export interface ClaimToken extends Envelope {
  method: "token.claim";
  token: string;
  account: string;
}

/** Asked by the host for the orders of every shard that have the shop's number `ref`; no edge offers it. */
export interface FindByRef extends Envelope {
  method: "order.byRef";
  ref: string;
}

export interface PayOrder extends Envelope {
  method: "order.pay";
  key: string;
  order: string;
  operator: string | undefined;
  at: number | undefined;
}

export interface CancelOrder extends Envelope {
  method: "order.cancel";
  key: string;
  order: string;
  reason: string | undefined;
  operator: string | undefined;
  at: number | undefined;
}

/** Events of an order's owner and operators that move it and nothing else. */
export const advanceEvents = [
  "pack",
  "ship",
  "dispatch",
  "deliver",
  "confirm",
  "dispute",
  "resolve",
] as const;

export interface AdvanceOrder extends Envelope {
  method: "order.advance";
  key: string;
  order: string;
  event: (typeof advanceEvents)[number];
  /** With `ship`: what the carrier calls the parcel. */
  tracking: string | undefined;
  remark: string | undefined;
  operator: string | undefined;
  /** The order must be at this version; undefined = whatever it is. */
  version: number | undefined;
  /** With `resolve`: the money goes back, all that is left of it, or the order goes on. */
  resolution: "refund" | "keep" | undefined;
  /** With `resolve` and `refund`: whether all units come back too. */
  restock: boolean;
  at: number | undefined;
}

export interface RefundOrder extends Envelope {
  method: "order.refund";
  key: string;
  order: string;
  /** Units by product; with `amount` and `extras` undefined too: all that is left. */
  lines: LineInput[] | undefined;
  amount: string | undefined;
  /** Names or types of what no line pays for: all that is left of it. */
  extras: readonly string[] | undefined;
  reason: string;
  restock: boolean;
  operator: string | undefined;
  version: number | undefined;
  at: number | undefined;
}

export interface NotifyPayment extends Envelope {
  method: "payment.notify";
  provider: string;
  paymentId: string;
  order: string;
  amount: string;
  currency: string;
}

export interface GetRefund extends Envelope {
  method: "refund.get";
  refund: string;
}

/** What a provider says about a refund that it was asked for. */
export interface ReportRefund extends Envelope {
  method: "refund.report";
  refund: string;
  outcome: "done" | "refused" | "unknown";
  /** The provider's own number of it, or what it said. */
  ref: string | undefined;
}

export interface SpendPoints extends Envelope {
  method: "points.spend";
  account: string;
  points: number;
  /** Makes the call exactly-once, for ever. */
  ref: string;
}

export interface IssueToken extends Envelope {
  method: "token.issue";
}

export interface ListHuman extends Envelope {
  method: "human.list";
  state: "open" | "resolved" | undefined;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface GetHuman extends Envelope {
  method: "human.get";
  item: string;
}

export interface EntryInput {
  from: string;
  to: string;
  amount: string;
}

export interface ResolveHuman extends Envelope {
  method: "human.resolve";
  item: string;
  action: "retry" | "done" | "undone" | "entries" | "write_off";
  reason: string;
  evidence: string | undefined;
  /** With `retry` of a payment that nobody knows the order of: the order. */
  order: string | undefined;
  /** With `entries`: together they move what is at risk. */
  entries: EntryInput[] | undefined;
  operator: string | undefined;
}

export interface BeginTransaction extends Envelope {
  method: "transaction.begin";
  key: string;
  account: string;
  /** Of its definition. */
  name: string;
  input: object | undefined;
  /** How long it may be undecided; undefined = the default of its mode. */
  deadlineMs: number | undefined;
  /** Answer when it has ended, not when it has begun. */
  wait: boolean;
  at: number | undefined;
}

export interface GetTransaction extends Envelope {
  method: "transaction.get";
  transaction: string;
}

export interface GetOrder extends Envelope {
  method: "order.get" | "order.history";
  order: string;
}

export interface ListOrders extends Envelope {
  method: "order.list";
  account: string;
  status: string | undefined;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface FindOrders extends Envelope {
  method: "order.find";
  account: string | undefined;
  status: string | undefined;
  product: string | undefined;
  /** The shop's own number. */
  ref: string | undefined;
  tracking: string | undefined;
  /** As a provider calls it. */
  payment: string | undefined;
  /** When it was placed, ms: from, and up to and not with. */
  from: number | undefined;
  to: number | undefined;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface LookupOrder extends Envelope {
  method: "order.lookup";
  account: string;
  key: string;
}

export interface CreateProduct extends Envelope {
  method: "product.create";
  product: string;
  name: string;
  price: string;
  currency: string;
  stock: number;
  limitPerAccount: number | undefined;
  /** ms since the epoch */
  saleStartsAt: number | undefined;
  /** ms since the epoch */
  saleEndsAt: number | undefined;
  backorder: number | undefined;
}

export interface RestockProduct extends Envelope {
  method: "product.restock";
  product: string;
  qty: number;
  /** Makes the call exactly-once; without it a retry restocks again. */
  ref: string | undefined;
}

export interface RepriceProduct extends Envelope {
  method: "product.reprice";
  product: string;
  price: string;
  /** The `version` that the caller saw; a late copy of the request does nothing. */
  expectedVersion: number | undefined;
}

/** What is undefined stays as it is; 0 takes a limit or a bound away. */
export interface UpdateProduct extends Envelope {
  method: "product.update";
  product: string;
  name: string | undefined;
  price: string | undefined;
  limitPerAccount: number | undefined;
  saleStartsAt: number | undefined;
  saleEndsAt: number | undefined;
  backorder: number | undefined;
  expectedVersion: number | undefined;
  ref: string | undefined;
  operator: string | undefined;
}

export interface AdjustProduct extends Envelope {
  method: "product.adjust";
  product: string;
  /** Units; below zero: fewer. */
  by: number;
  reason: Exclude<AdjustReason, "count">;
  ref: string;
  operator: string | undefined;
  remark: string | undefined;
}

export interface CountProduct extends Envelope {
  method: "product.count";
  product: string;
  /** Units on the shelf that are not sold. */
  counted: number;
  ref: string;
  operator: string | undefined;
  remark: string | undefined;
}

export interface ListProduct extends Envelope {
  method: "product.delist" | "product.relist";
  product: string;
  expectedVersion: number | undefined;
  operator: string | undefined;
}

export interface GetProduct extends Envelope {
  method: "product.get";
  product: string;
}

export interface OpenAccount extends Envelope {
  method: "account.open";
  account: string;
  currency: string;
}

export interface MoveMoney extends Envelope {
  method: "account.deposit" | "account.withdraw";
  account: string;
  amount: string;
  /** Makes the call exactly-once, for ever. */
  ref: string;
}

export interface GetAccount extends Envelope {
  method: "account.get";
  account: string;
}

export interface AccountStatement extends Envelope {
  method: "account.statement";
  account: string;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface Subscribe extends Envelope {
  method: "feed.subscribe";
  /** `account:ID` (its orders, refunds and points), `product:ID` (its stock) or `shard:N` (everything there). */
  topic: string;
  /** First sequence number wanted; undefined = from now on. */
  from: number | undefined;
}

export interface Unsubscribe extends Envelope {
  method: "feed.unsubscribe";
  sub: number;
}

export interface RunAudit extends Envelope {
  method: "audit.run";
}

export type Command =
  | PlaceOrder
  | QuoteLines
  | ClaimToken
  | FindByRef
  | PayOrder
  | CancelOrder
  | AdvanceOrder
  | RefundOrder
  | NotifyPayment
  | GetRefund
  | ReportRefund
  | SpendPoints
  | IssueToken
  | ListHuman
  | GetHuman
  | ResolveHuman
  | BeginTransaction
  | GetTransaction
  | GetOrder
  | ListOrders
  | FindOrders
  | LookupOrder
  | CreateProduct
  | RestockProduct
  | RepriceProduct
  | UpdateProduct
  | ListProduct
  | AdjustProduct
  | CountProduct
  | GetProduct
  | OpenAccount
  | MoveMoney
  | GetAccount
  | AccountStatement
  | Subscribe
  | Unsubscribe
  | RunAudit;

export type Method = Command["method"];

/** What the host asks a shard for itself: no edge offers it. */
export type HostMethod = (QuoteLines | ClaimToken | FindByRef)["method"];

/** The command of a method. Two methods may have the same one. */
export type CommandOf<M extends Method> = Command extends infer C
  ? C extends { method: infer Its }
    ? M extends Its
      ? C
      : never
    : never
  : never;
