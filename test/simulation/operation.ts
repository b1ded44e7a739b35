/** One thing that a client wants, however often it has to ask for it; and what it is told. */

import type { Method } from "../../engine/seams/commands.js";
import type { OrderView } from "../../engine/seams/requester.js";
import type { Mark } from "./bounds.js";
import type { SimulatedTransaction } from "./transaction-plan.js";

export interface Answer {
  /** "ok" or the code of a refusal. */
  readonly code: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** An order's view (amounts in minor units), or any other result. */
  readonly result?: unknown;
  readonly replayed: boolean;
}

export interface Cart {
  readonly account: string;
  /** As asked. */
  readonly lines: readonly { readonly product: string; readonly qty: number }[];
  /** Units per product, merged. */
  readonly units: ReadonlyMap<string, number>;
  readonly pay: "later" | "balance";
  readonly payWithinMs: number | undefined;
  readonly expectedTotal: number | undefined;
  readonly dryRun: boolean;
  readonly mode: "tcc" | "saga";
  /** A product lives on another shard than the account, or the order is placed step by step: by messages. */
  readonly crossing: boolean;
  /** Most that it can cost. */
  readonly costMax: number;
}

export interface Operation {
  readonly id: number;
  readonly client: number;
  readonly method: Method;
  /** The command's own fields, as the engine expects them. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly shard: number;
  /** Its key or ref with the subject that it belongs to; undefined = nothing makes it exactly-once. */
  readonly slot: Slot | undefined;
  readonly cart: Cart | undefined;
  readonly transaction: SimulatedTransaction | undefined;
  /** Minor units of a deposit or withdrawal; units of a restock or a new product. */
  readonly amount: number;
  /** Sent at most once, because nothing would recognise a second time. */
  readonly once: boolean;
  /** World time of the first sending, microseconds; -1 before. */
  sentAt: number;
  sends: number;
  /** Life of the shard that it first reached; 0 before. Kept for what may take a while: `order.place`, `transaction.begin`. */
  arrivedIn: number;
  /** Bounds of what it depends on, when it was first sent. */
  before: Map<string, Mark>;
  /** The version that its order certainly had when it was first sent. */
  versionBefore: number;
  /** Counted as possible in the bounds. */
  counted: boolean;
  /** Told to leave the shard, whether or not it arrived. */
  left: Answer | undefined;
  /** What the client knows. */
  received: Answer | undefined;
  /** The client has given up, until the world is healed. */
  gaveUp: boolean;
}

/** A key of an account, or a ref of an account or a product. It has one effect at the most. */
export interface Slot {
  readonly name: string;
  readonly kind: "order" | "money" | "stock" | "payment";
  readonly subject: string;
  readonly key: string;
  /** ms; the same for every request that uses the key. */
  readonly at: number | undefined;
  /** Requests that have used it: more than one means that somebody used it with other params. */
  readonly variants: Operation[];
  /** Whose result is stored, and the result without `replayed`. */
  settledBy: Operation | undefined;
  /** Whose transaction runs under it, as far as was told. */
  begunBy: Operation | undefined;
  stored: string;
  /** Incarnation of the shard in which the result first left. */
  settledIn: number;
  /** Answers that left and claimed to be the first. */
  firsts: number;
  /** Refused as too old: whatever happened, nothing happens any more. */
  forgotten: boolean;
  /** Refused for an order that may be archived: whether that was stored nobody can tell. */
  maybeStored: boolean;
}

export type PlacedOrder = Pick<
  OrderView,
  | "order"
  | "account"
  | "total"
  | "currency"
  | "payBy"
  | "createdAt"
  | "status"
  | "lines"
  | "version"
  | "amountPaid"
  | "amountRefunded"
  | "next"
>;

/** A refund as an answer shows it. */
export interface SeenRefund {
  readonly refund: string;
  readonly order: string;
  readonly amount: string;
  readonly currency: string;
  readonly to: "wallet" | "provider";
  readonly provider: string | null;
  readonly paymentId: string | null;
  readonly state: "requested" | "unknown" | "done" | "refused";
  readonly restock: boolean;
}
