/**
 * Every method, as a shard sees it: one row. A method without a row, or a row without a method, does not compile. Its other row,
 * which says how it is asked for, is the edge's: `gateway/edge/methods`.
 */

import { type KeyedMethod, keyedMethods } from "../../actors/keyed-methods.js";
import { askAboutAccount, getAccount, moveMoney, openAccount } from "../catalog/account-commands.js";
import { subscribe, unsubscribe } from "../catalog/feed-commands.js";
import { createProduct, getProduct, restockProduct } from "../catalog/product-commands.js";
import { adjustProduct, countProduct } from "../catalog/product-counts.js";
import { listProduct, repriceProduct, updateProduct } from "../catalog/product-updates.js";
import {
  anywhere,
  withAccount,
  withCursor,
  withItem,
  withOrder,
  withPayment,
  withProduct,
  withRefund,
  withSubscription,
  withToken,
  withTopic,
  withTransaction,
} from "../links/homes.js";
import { shardOfSlot } from "../links/slots.js";
import { advanceOrder } from "../orders/advance-order.js";
import { getOrder, lookupOrder, orderHistory } from "../orders/look-order.js";
import { cancelOrder, payOrder } from "../orders/move-order.js";
import { findByRef } from "../orders/order-ref.js";
import { placeOrder } from "../orders/place-order.js";
import { spendPoints } from "../orders/points.js";
import { quoteLines } from "../orders/quote.js";
import { notifyPayment } from "../payments/notify-payment.js";
import { getRefund, reportRefund } from "../refunds/refund-commands.js";
import { refundOrder } from "../refunds/refund-order.js";
import { getHuman, listHuman, resolveHuman } from "../review/review-commands.js";
import type { Command, CommandOf, Method } from "../seams/commands.js";
import { beginTransaction, getTransaction } from "../transactions/transaction-commands.js";
import { askDeferred } from "../turns/answers.js";
import { claimToken, issueToken } from "../turns/tokens.js";
import type { Turn } from "../turns/turn.js";
import { knownPayment, knownToAccount, knownToOrder, knownToProduct, knownToWallet } from "./known-keys.js";

interface Row<M extends Method> {
  /** What it does, in one turn. */
  readonly run: (turn: Turn, command: CommandOf<M>) => void;
  /** The slot whose shard runs it. */
  readonly home: (command: CommandOf<M>, shards: number) => number;
  /** `urgent`: it ends or serves what exists, and goes ahead of what does not, so that overload cannot cause an expiry. */
  readonly lane: "urgent" | "ordinary";
  /** It adds to the books; everything else goes on while the disk is nearly full. */
  readonly grows: boolean;
  /** Undefined: nothing makes it exactly-once. */
  readonly key: M extends KeyedMethod ? Key<M> : undefined;
}

/** What makes a method exactly-once. */
interface Key<M extends KeyedMethod> {
  /** Of the method in the log, under which its answers are kept. */
  readonly number: (typeof keyedMethods)[M];
  /** The param that bears it; where that was left out, the request has none. */
  readonly param: keyof CommandOf<M>;
  /** Whether something stands under it: an answer, or a first attempt that still runs. */
  readonly isKnown: IsKnown<M>;
}

type IsKnown<M extends Method> = (turn: Turn, command: CommandOf<M>) => boolean;

type Rows = { readonly [M in Method]: Row<M> };

const ordinary = { lane: "ordinary", grows: false } as const;
const urgent = { lane: "urgent", grows: false } as const;
const growing = { lane: "ordinary", grows: true } as const;
const noKey = { key: undefined } as const;

function keyed<M extends KeyedMethod>(
  method: M,
  param: keyof CommandOf<M>,
  isKnown: IsKnown<M>,
): { readonly key: Key<M> } {
  return { key: { number: keyedMethods[method], param, isKnown } };
}

export const methods: Rows = {
  "order.place": {
    run: placeOrder,
    home: withAccount,
    ...growing,
    ...keyed("order.place", "key", knownToAccount),
  },
  "order.quote": { run: quoteLines, home: withAccount, ...ordinary, ...noKey },
  "order.byRef": { run: findByRef, home: anywhere, ...urgent, ...noKey },
  "token.claim": { run: claimToken, home: withToken, ...urgent, ...noKey },
  "order.pay": { run: payOrder, home: withOrder, ...urgent, ...keyed("order.pay", "key", knownToOrder) },
  "order.cancel": {
    run: cancelOrder,
    home: withOrder,
    ...urgent,
    ...keyed("order.cancel", "key", knownToOrder),
  },
  "order.advance": {
    run: advanceOrder,
    home: withOrder,
    ...urgent,
    ...keyed("order.advance", "key", knownToOrder),
  },
  "order.refund": {
    run: refundOrder,
    home: withOrder,
    ...urgent,
    ...keyed("order.refund", "key", knownToOrder),
  },
  "order.get": { run: getOrder, home: withOrder, ...ordinary, ...noKey },
  "order.history": { run: orderHistory, home: withOrder, ...ordinary, ...noKey },
  "order.list": { run: askAboutAccount, home: withAccount, ...ordinary, ...noKey },
  "order.find": { run: askDeferred, home: anywhere, ...ordinary, ...noKey },
  "order.lookup": { run: lookupOrder, home: withAccount, ...ordinary, ...noKey },
  "refund.get": { run: getRefund, home: withRefund, ...ordinary, ...noKey },
  "refund.report": { run: reportRefund, home: withRefund, ...urgent, ...noKey },
  "payment.notify": {
    run: notifyPayment,
    home: withPayment,
    ...urgent,
    ...keyed("payment.notify", "paymentId", knownPayment),
  },
  "points.spend": {
    run: spendPoints,
    home: withAccount,
    ...ordinary,
    ...keyed("points.spend", "ref", knownToWallet),
  },
  "token.issue": { run: issueToken, home: anywhere, ...ordinary, ...noKey },
  "product.create": { run: createProduct, home: withProduct, ...growing, ...noKey },
  "product.restock": {
    run: restockProduct,
    home: withProduct,
    ...ordinary,
    ...keyed("product.restock", "ref", knownToProduct),
  },
  "product.reprice": { run: repriceProduct, home: withProduct, ...ordinary, ...noKey },
  "product.update": {
    run: updateProduct,
    home: withProduct,
    ...ordinary,
    ...keyed("product.update", "ref", knownToProduct),
  },
  "product.adjust": {
    run: adjustProduct,
    home: withProduct,
    ...ordinary,
    ...keyed("product.adjust", "ref", knownToProduct),
  },
  "product.count": {
    run: countProduct,
    home: withProduct,
    ...ordinary,
    ...keyed("product.count", "ref", knownToProduct),
  },
  "product.delist": { run: listProduct, home: withProduct, ...ordinary, ...noKey },
  "product.relist": { run: listProduct, home: withProduct, ...ordinary, ...noKey },
  "product.get": { run: getProduct, home: withProduct, ...ordinary, ...noKey },
  "account.open": { run: openAccount, home: withAccount, ...growing, ...noKey },
  "account.deposit": {
    run: moveMoney,
    home: withAccount,
    ...ordinary,
    ...keyed("account.deposit", "ref", knownToWallet),
  },
  "account.withdraw": {
    run: moveMoney,
    home: withAccount,
    ...ordinary,
    ...keyed("account.withdraw", "ref", knownToWallet),
  },
  "account.get": { run: getAccount, home: withAccount, ...ordinary, ...noKey },
  "account.statement": { run: askAboutAccount, home: withAccount, ...ordinary, ...noKey },
  "feed.subscribe": { run: subscribe, home: withTopic, ...ordinary, ...noKey },
  "feed.unsubscribe": { run: unsubscribe, home: withSubscription, ...urgent, ...noKey },
  "transaction.begin": {
    run: beginTransaction,
    home: withAccount,
    ...growing,
    ...keyed("transaction.begin", "key", knownToAccount),
  },
  "transaction.get": { run: getTransaction, home: withTransaction, ...ordinary, ...noKey },
  "human.list": { run: listHuman, home: withCursor, ...ordinary, ...noKey },
  "human.get": { run: getHuman, home: withItem, ...ordinary, ...noKey },
  "human.resolve": { run: resolveHuman, home: withItem, ...urgent, ...noKey },
  "audit.run": { run: askDeferred, home: anywhere, ...ordinary, ...noKey },
};

/** Runs a command in a turn. */
export function runCommand<M extends Method>(turn: Turn, method: M, command: CommandOf<M>): void {
  methods[method].run(turn, command);
}

/** The shard that runs the command: id -> slot (1,024, fixed for ever) -> shard. */
export function shardOf(command: Command, shards: number): number {
  return shards === 1 ? 0 : shardOfSlot(slotOfCommand(command.method, command, shards), shards);
}

function slotOfCommand<M extends Method>(method: M, command: CommandOf<M>, shards: number): number {
  return methods[method].home(command, shards);
}
