/**
 * What can be asked of the engine. An edge turns bytes into one of these after it has checked the shape of
 * the request against the schema of its method (`gateway/schemas`); the engine checks everything else.
 *
 * Amounts are still the caller's decimal strings here: only the actor knows the currency and so the scale.
 * Optional params are present and `undefined`, so that every command of a method has one hidden class.
 */

import type { Requester, RequestId } from "./requester.js";

interface Asked {
  /** Where the answer goes. One per connection and shard. */
  requester: Requester;
  /** The caller's id of the request, echoed. */
  id: RequestId;
  /** Engine time (microseconds) after which the command is refused at the head of the queue; 0 = none. */
  refuseAfter: number;
}

export interface LineAsked {
  product: string;
  /** 1..1,000,000 */
  qty: number;
}

export interface PlaceOrder extends Asked {
  method: "order.place";
  account: string;
  key: string;
  /** 1..100 lines, products may repeat. */
  lines: LineAsked[];
  pay: "later" | "balance";
  mode: "tcc" | "saga";
  /** 1,000..86,400,000; undefined = the engine's default. */
  payWithinMs: number | undefined;
  expectedTotal: string | undefined;
  /** When the caller first made this request (ms); undefined = not said. */
  at: number | undefined;
  dryRun: boolean;
}

export interface PayOrder extends Asked {
  method: "order.pay";
  key: string;
  order: string;
  at: number | undefined;
}

export interface CancelOrder extends Asked {
  method: "order.cancel";
  key: string;
  order: string;
  reason: string | undefined;
  at: number | undefined;
}

export interface GetOrder extends Asked {
  method: "order.get" | "order.history";
  order: string;
}

export interface ListOrders extends Asked {
  method: "order.list";
  account: string;
  status: string | undefined;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface LookupOrder extends Asked {
  method: "order.lookup";
  account: string;
  key: string;
}

export interface CreateProduct extends Asked {
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
}

export interface RestockProduct extends Asked {
  method: "product.restock";
  product: string;
  qty: number;
  /** Makes the call exactly-once; without it a retry restocks again. */
  ref: string | undefined;
}

export interface RepriceProduct extends Asked {
  method: "product.reprice";
  product: string;
  price: string;
}

export interface GetProduct extends Asked {
  method: "product.get";
  product: string;
}

export interface OpenAccount extends Asked {
  method: "account.open";
  account: string;
  currency: string;
}

export interface MoveMoney extends Asked {
  method: "account.deposit" | "account.withdraw";
  account: string;
  amount: string;
  /** Makes the call exactly-once, for ever. */
  ref: string;
}

export interface GetAccount extends Asked {
  method: "account.get";
  account: string;
}

export interface AccountStatement extends Asked {
  method: "account.statement";
  account: string;
  cursor: string | undefined;
  limit: number | undefined;
}

export interface Subscribe extends Asked {
  method: "feed.subscribe";
  /** `account:ID` (its orders) or `product:ID` (its stock). */
  topic: string;
  /** First sequence number wanted; undefined = from now on. */
  fromSeq: number | undefined;
}

export interface Unsubscribe extends Asked {
  method: "feed.unsubscribe";
  sub: number;
}

export interface RunAudit extends Asked {
  method: "audit.run";
}

export type Command =
  | PlaceOrder
  | PayOrder
  | CancelOrder
  | GetOrder
  | ListOrders
  | LookupOrder
  | CreateProduct
  | RestockProduct
  | RepriceProduct
  | GetProduct
  | OpenAccount
  | MoveMoney
  | GetAccount
  | AccountStatement
  | Subscribe
  | Unsubscribe
  | RunAudit;

export type Method = Command["method"];
