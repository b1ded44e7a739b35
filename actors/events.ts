/**
 * What the world outside is told of a fact: one event at most, so the fact's place in the log (shard and position) is the
 * event's identity, and a move that was not recorded cannot be told. The feed and the outlets read the same table.
 *
 * What has to be done because of an event outside of the engine (a parcel to pack, a mail to write) is part of the event:
 * `effects`. It is told after the fact is durable, at least once, and whoever does it drops what he has seen.
 *
 * EVENTS-1  An event says only what its fact says and what never changes, because an old fact is told again with the names of today.
 * EVENTS-2  An order may have left the books since: then its account, total and currency are left out, unless the fact has them.
 */

import { appliedView } from "./adjustments.js";
import type { Fact, FactKind, FactOf } from "./facts.js";
import { catalogue, modes } from "./facts.js";
import { keyedMethods } from "./keyed-methods.js";
import { currencyCode, formatAmount } from "./money.js";
import { orderDataOf } from "./order-data.js";
import { itemId, orderId, refundId, transactionId } from "./order-number.js";
import { type OrderEvent, orderEvents, statuses } from "./order-transitions.js";
import { isAccountBucket, moneyBuckets, refundSources, stockBuckets, walletIn } from "./postings.js";
import { adjustReasons } from "./product.js";

/** What never changes of an order. */
export interface OrderNames {
  readonly account: string;
  readonly currency: number;
  readonly total: number;
}

/** What never changes of a refund; order 0 = of a payment that belongs to none. Whose it is, its order says. */
export interface RefundNames {
  readonly order: number;
  readonly currency: number;
  readonly amount: number;
  readonly provider: string;
  readonly paymentId: string;
}

/** What the numbers in the facts of one shard stand for. */
export interface EventNames {
  accountId(handle: number): string;
  productId(handle: number): string;
  /** The number of the product's currency. */
  productCurrency(handle: number): number;
  /** The number of an account's currency, once it is open. */
  accountCurrency(handle: number): number;
  order(number: number): OrderNames | undefined;
  refund(number: number): RefundNames | undefined;
}

/** The last push of a subscription that cannot be told all that it asked for any more; no fact's event. */
export const feedEnded = "feed.ended";

export interface Event {
  readonly type: EventType;
  readonly data: object;
}

/** The topic under which an event is found besides that of its shard. */
export type EventSubject = "account" | "product" | "shard";

const moneyMoved = "{account, transaction, amount, currency, from, to}";

interface EventKind {
  readonly subject: EventSubject;
  /** What stands in `data`, and when it is told: for the documents. */
  readonly data: string;
  readonly about: string;
  readonly effects?: readonly string[];
}

const anOrder = "{order, account, status, total, currency}";
const aMovedOrder = "{order, account, status, total, currency, event, [operator, remark]}";
const someStock = "{product, order, qty, available}";
const somePoints = "{account, order, points}";
const aRefund = "{refund, order, account, amount, currency, provider, paymentId, ref}";

/** Every event, and what it asks somebody outside to do. */
export const eventKinds = {
  "order.created": {
    subject: "account",
    data: anOrder,
    about: "status is Paid for an order that was paid as it was placed",
  },
  "order.described": {
    subject: "account",
    data: "{order, account, [address, contact, shippingMethod, paymentMethod, ref, metadata]}",
    about: "what was said of the order as it was placed, behind its order.created",
  },
  "order.adjusted": {
    subject: "account",
    data: "{order, account, adjustments}",
    about: "what its discounts, taxes, shipping, fees and rounding came to, behind its order.created",
  },
  "order.paid": {
    subject: "account",
    data: anOrder,
    about: "paid in full, from its account or from outside",
    effects: ["packing_task", "notification"],
  },
  "order.canceled": {
    subject: "account",
    data: "{order, account, status, total, currency, cause, reason}",
    about: "cause is `request` or `deadline`",
    effects: ["notification"],
  },
  "order.reinstated": {
    subject: "account",
    data: anOrder,
    about: "it was canceled, its money came late, and all of it could be taken once more: it is Paid",
    effects: ["packing_task", "notification"],
  },
  "order.packing": { subject: "account", data: aMovedOrder, about: "somebody packs it" },
  "order.shipped": {
    subject: "account",
    data: "{order, account, status, total, currency, event, tracking, [operator, remark]}",
    about: "it was handed to the carrier",
    effects: ["shipping_notice"],
  },
  "order.shipping": { subject: "account", data: aMovedOrder, about: "the carrier is on its way" },
  "order.delivered": { subject: "account", data: aMovedOrder, about: "it has arrived" },
  "order.completed": {
    subject: "account",
    data: aMovedOrder,
    about: "confirmed by the buyer (event `confirm`) or by time (`auto_confirm`)",
    effects: ["review_invitation"],
  },
  "order.refunding": { subject: "account", data: aMovedOrder, about: "money is on its way back" },
  "order.refunded": {
    subject: "account",
    data: aMovedOrder,
    about: "all that was paid went back",
    effects: ["notification"],
  },
  "order.resumed": {
    subject: "account",
    data: aMovedOrder,
    about: "its refund or dispute ended, and it is back in `status`, where it came from",
  },
  "order.disputed": { subject: "account", data: aMovedOrder, about: "its timers stand still" },
  "order.archived": {
    subject: "shard",
    data: "{order, amount, currency}",
    about: "nothing can happen to it any more: the amount is revenue, and the engine forgets the order",
  },
  "account.opened": { subject: "account", data: "{account, currency}", about: "it may hold money" },
  "account.deposited": {
    subject: "account",
    data: "{account, amount, currency, ref}",
    about: "money came in from outside",
  },
  "account.withdrawn": {
    subject: "account",
    data: "{account, amount, currency, ref}",
    about: "money went out",
  },
  "account.transferred": {
    subject: "account",
    data: moneyMoved,
    about:
      "a program's transaction moved it: `from` and `to` are `wallet`, `held`, `transit`, `revenue`, `suspense` or `loss`. Without an account, and under its shard alone, when neither is an account's",
  },
  "transaction.begun": {
    subject: "account",
    data: "{transaction, account, name, mode}",
    about: "a program's transaction is under way",
  },
  "transaction.ended": {
    subject: "account",
    data: "{transaction, account, name, state, error}",
    about: "state is `done` or `undone`",
  },
  "product.created": {
    subject: "product",
    data: "{product, name, price, currency, stock}",
    about: "it is there to be bought",
  },
  "product.transferred": {
    subject: "product",
    data: "{product, account, transaction, qty, available, from, to}",
    about: "a program's transaction moved units: `from` and `to` are `available`, `held` or `sold`",
  },
  "product.held": { subject: "product", data: someStock, about: "an order holds units" },
  "product.sold": { subject: "product", data: someStock, about: "held and sold at once" },
  "product.confirmed": { subject: "product", data: someStock, about: "held units are sold" },
  "product.released": { subject: "product", data: someStock, about: "held units are given back" },
  "product.returned": { subject: "product", data: someStock, about: "sold units came back with a refund" },
  "product.restocked": {
    subject: "product",
    data: "{product, qty, available}",
    about: "there are more units",
  },
  "product.repriced": {
    subject: "product",
    data: "{product, price, currency}",
    about: "new orders pay this price",
  },
  "product.updated": {
    subject: "product",
    data: "{product, version, name, price, currency, limitPerAccount, saleStartsAt, saleEndsAt, backorder, operator}",
    about: "as it is from now on, whatever of it has changed; no limit, start or end: `null`",
  },
  "product.adjusted": {
    subject: "product",
    data: "{product, by, available, reason, ref, operator, remark}",
    about:
      "units were lost (`by` is below zero) or found; `reason` is `loss`, `damage`, `found` or `correction`",
  },
  "product.counted": {
    subject: "product",
    data: "{product, counted, by, available, ref, operator, remark}",
    about: "units on the shelf were counted, and so many more than known were there",
  },
  "product.backorder_allowed": {
    subject: "product",
    data: "{product, backorder}",
    about: "so many units of a new product may be sold that are not there yet",
  },
  "product.delisted": {
    subject: "product",
    data: "{product, version, operator}",
    about: "nobody may take units of it any more",
  },
  "product.relisted": {
    subject: "product",
    data: "{product, version, operator}",
    about: "it is sold again",
  },
  "payment.received": {
    subject: "shard",
    data: "{provider, paymentId, order, amount, currency}",
    about: "an external payment was booked; `order` is what the provider was given, and may not exist",
  },
  "payment.applied": {
    subject: "account",
    data: "{order, account, provider, paymentId, amount, currency}",
    about: "so much of it belongs to the order now",
  },
  "refund.requested": {
    subject: "account",
    data: "{refund, order, account, amount, currency, provider, paymentId, restock, reason}",
    about:
      "it will be paid; provider is empty when it goes back to the account. Without order and account when the payment belongs to no order",
  },
  "refund.done": {
    subject: "account",
    data: aRefund,
    about: "it was paid; ref is the provider's own number",
  },
  "refund.refused": { subject: "account", data: aRefund, about: "the provider will not do it, and has not" },
  "refund.unknown": {
    subject: "account",
    data: "{refund, order, account, amount, currency, provider, paymentId, error}",
    about: "nobody knows whether it was paid: it is asked about, never sent as another",
  },
  "points.granted": { subject: "account", data: somePoints, about: "the account has so many more" },
  "points.reversed": { subject: "account", data: somePoints, about: "taken back with a refund" },
  "points.spent": {
    subject: "account",
    data: "{account, points, ref}",
    about: "the account has so many less",
  },
  "human.opened": {
    subject: "shard",
    data: "{item, kind, subject, amount, currency, units, attempts, error, evidence}",
    about: "something needs a person: a review item was opened",
  },
  "human.resolved": {
    subject: "shard",
    data: "{item, action, reason, evidence, operator}",
    about: "a review item was resolved",
  },
  "entry.made": {
    subject: "account",
    data: "{item, from, to, amount, currency}",
    about:
      "a person moved money between two accounts of the ledger; published under each wallet that it names",
  },
} as const satisfies Record<string, EventKind>;

export type EventType = keyof typeof eventKinds;

export const eventTypes = Object.keys(eventKinds) as readonly EventType[];

export function effectsOf(type: EventType): readonly string[] {
  return (eventKinds[type] as EventKind).effects ?? [];
}

/** Moves that are told under a name of their own; the others have facts of their own. */
const movedTypes: Partial<Record<OrderEvent, EventType>> = {
  pack: "order.packing",
  ship: "order.shipped",
  dispatch: "order.shipping",
  deliver: "order.delivered",
  confirm: "order.completed",
  auto_confirm: "order.completed",
  refund: "order.refunding",
  refund_all_done: "order.refunded",
  refund_ended: "order.resumed",
  dispute: "order.disputed",
  resolve_refund: "order.refunding",
  resolve_keep: "order.resumed",
};

const typeByMove = orderEvents.map((event) => movedTypes[event]);

interface Rule<K extends FactKind> {
  readonly type: (fact: FactOf<K>) => EventType | undefined;
  /** `account:ID`, `product:ID`, several when it concerns several, undefined: found under its shard only. */
  readonly topic: (fact: FactOf<K>, names: EventNames) => string | readonly string[] | undefined;
  readonly data: (fact: FactOf<K>, names: EventNames) => object;
}

/** Each fact has its event, or the reason why it is told as none. */
export const rules: { readonly [K in FactKind]: Rule<K> | string } = {
  accountNamed: "somebody was asked for by this name; nothing happened to it",
  accountOpened: {
    type: () => "account.opened",
    topic: byAccount,
    data: ({ account, currency }, names) => ({
      account: names.accountId(account),
      currency: currencyCode(currency),
    }),
  },
  accountDeposited: walletMoved("account.deposited"),
  accountWithdrawn: walletMoved("account.withdrawn"),
  productCreated: {
    type: () => "product.created",
    topic: ({ id }) => `product:${id}`,
    data: ({ id, name, price, currency, stock }) => ({
      product: id,
      name,
      ...money("price", price, currency),
      stock,
    }),
  },
  productKnown: "a name for the lines of orders here; its own shard told of the product",
  orderPaid: "money.captured, of the same turn, is told as order.paid",
  orderBegun: "its lines are asked for: order.created follows, or a refusal",
  branchAnswered: "order.created follows, or a refusal",
  branchBegun: "order.created follows, or a refusal",
  orderRefused: "no order came about: its request is answered",
  keyKept: {
    // The answer that is kept for a transaction is how it ended.
    type: ({ method, code, text }) =>
      method === keyedMethods["transaction.begin"] && code === 0 && text !== ""
        ? "transaction.ended"
        : undefined,
    topic: ({ subject }, names) => `account:${names.accountId(subject)}`,
    data: ({ text }) => {
      const { transaction, account, name, state, error } = JSON.parse(text) as Record<string, unknown>;
      return { transaction, account, name, state, error };
    },
  },
  keysDropped: "memory of answers that were given",
  clockJumped: "time goes on from another hour; nothing was moved by it",
  operatorNamed: "whose request it was: what it did is told",
  orderDescribed: {
    type: () => "order.described",
    topic: byAccount,
    data: ({ order, account, ref, data }, names) => ({
      order: orderId(order),
      account: names.accountId(account),
      ...orderDataOf(ref, data),
    }),
  },
  orderAdjusted: {
    type: () => "order.adjusted",
    topic: byAccount,
    data: ({ order, account, currency, applied }, names) => ({
      order: orderId(order),
      account: names.accountId(account),
      adjustments: appliedView(applied, currency),
    }),
  },
  orderAdjustmentsKept: "order.adjusted follows, when the order comes about",
  orderDescriptionKept: "order.described follows, when the order comes about",
  tokenIssued: "a key that nobody has used yet",
  tokenClaimed: "an account used a token: what it used it for is told",
  messageSent: "between shards: what it causes is told where it happens",
  messageReceived: "between shards: what it causes is told where it happens",
  messagesAcked: "between shards: what it causes is told where it happens",
  branchTried: "product.held or product.sold, of the same turn, tells it",
  branchEnded: "product.confirmed, product.released or product.returned, of the same turn, tells it",
  reinstatementBegun: "order.reinstated follows, or refund.requested",
  reinstatementEnded: "order.reinstated or refund.requested, of the same turn, tells it",
  paymentForwarded: "payment.received told it; it goes to the shard of its order",
  paymentArrived:
    "payment.received told it on the shard of its name; payment.applied or refund.requested follows",
  paymentClaimed: "human.resolved, of the same turn, tells it",
  callMade: "a function is called: what it does to a refund or a transaction is told as theirs",
  callFailed: "a function is called: what it does to a refund or a transaction is told as theirs",
  callEnded: "a function is called: what it does to a refund or a transaction is told as theirs",
  callRepeated: "a function is called: what it does to a refund or a transaction is told as theirs",
  callStuck: "human.opened tells it",
  transactionBegun: {
    type: () => "transaction.begun",
    topic: byAccount,
    data: ({ transaction, account, name, mode }, names) => ({
      transaction: transactionId(transaction),
      account: names.accountId(account),
      name,
      mode: mode === modes.tcc ? "tcc" : "saga",
    }),
  },
  partBegun: "a step of a transaction: what it moves and how all ends is told",
  partAnswered: "a step of a transaction: what it moves and how all ends is told",
  transactionDecided: "its parts are ended now: what they move and how all ends is told",
  partEnding: "a step of a transaction: what it moves and how all ends is told",
  partSettled: "a step of a transaction: what it moves and how all ends is told",
  partFailed: "a step of a transaction: what it moves and how all ends is told",
  partRepeated: "a step of a transaction: what it moves and how all ends is told",
  partStuck: "human.opened tells it",
  transactionEnded: "the answer kept for it, of the same turn, is told as transaction.ended",
  fenceSet: "an actor's memory of its part: what it moved is told",
  fenceMoved: "an actor's memory of its part: what it moved is told",
  fencesDropped: "an actor's memory of its part: what it moved is told",
  unitsTransferred: {
    type: () => "product.transferred",
    topic: byProduct,
    data: ({ product, account, transaction, qty, available, from, to }, names) => ({
      product: names.productId(product),
      account: names.accountId(account),
      transaction: transactionId(transaction),
      qty,
      available,
      from: bucketName(stockBuckets, from),
      to: bucketName(stockBuckets, to),
    }),
  },
  moneyTransferred: {
    type: () => "account.transferred",
    topic: (fact, names) => (isAccounts(fact) ? byAccount(fact, names) : undefined),
    data: (fact, names) => ({
      ...(isAccounts(fact) ? { account: names.accountId(fact.account) } : {}),
      transaction: transactionId(fact.transaction),
      ...money("amount", fact.amount, fact.currency),
      from: bucketName(moneyBuckets, fact.from),
      to: bucketName(moneyBuckets, fact.to),
    }),
  },

  orderPlaced: {
    type: () => "order.created",
    topic: byAccount,
    data: (fact, names) => ({
      order: orderId(fact.order),
      account: names.accountId(fact.account),
      status: fact.paid === fact.total ? "Paid" : "Created",
      ...money("total", fact.total, fact.currency),
    }),
  },
  moneyCaptured: {
    type: () => "order.paid",
    topic: byAccount,
    data: ({ order, account }, names) => ({
      order: orderId(order),
      account: names.accountId(account),
      status: "Paid",
      ...totalOf(order, names),
    }),
  },
  orderSettled: {
    type: () => "order.paid",
    topic: byOrder,
    data: ({ order }, names) => orderData(order, "Paid", names),
  },
  orderCanceled: {
    type: () => "order.canceled",
    topic: byOrder,
    data: ({ order, cause, reason }, names) => ({
      ...orderData(order, "Canceled", names),
      cause: cause === 1 ? "request" : "deadline",
      reason,
    }),
  },
  orderReinstated: {
    type: () => "order.reinstated",
    topic: byOrder,
    data: ({ order }, names) => orderData(order, "Paid", names),
  },
  orderMoved: {
    type: ({ event }) => typeByMove[event],
    topic: byOrder,
    data: ({ order, event, to, tracking, operator, remark }, names) => ({
      ...orderData(order, statuses[to]!, names),
      event: orderEvents[event],
      ...said({ tracking, operator, remark }),
    }),
  },
  orderArchived: {
    type: () => "order.archived",
    topic: nobody,
    data: ({ order, amount, currency }) => ({
      order: orderId(order),
      ...money("amount", amount, currency),
    }),
  },

  stockHeld: stock("product.held"),
  stockSold: stock("product.sold"),
  stockConfirmed: stock("product.confirmed"),
  stockReleased: stock("product.released"),
  stockReturned: stock("product.returned"),
  productRestocked: {
    type: () => "product.restocked",
    topic: byProduct,
    data: ({ product, qty, available }, names) => ({ product: names.productId(product), qty, available }),
  },
  productRepriced: {
    type: () => "product.repriced",
    topic: byProduct,
    data: ({ product, price }, names) => ({
      product: names.productId(product),
      ...money("price", price, names.productCurrency(product)),
    }),
  },
  productUpdated: {
    type: () => "product.updated",
    topic: byProduct,
    data: (fact, names) => ({
      product: names.productId(fact.product),
      version: fact.version,
      name: fact.name,
      ...money("price", fact.price, names.productCurrency(fact.product)),
      limitPerAccount: fact.limitPerAccount === 0 ? null : fact.limitPerAccount,
      saleStartsAt: timeOrNull(fact.saleStartsAt),
      saleEndsAt: timeOrNull(fact.saleEndsAt),
      backorder: fact.backorder,
      ...said({ operator: fact.operator }),
    }),
  },
  stockAdjusted: {
    type: ({ reason }) => (reason === adjustReasons.count ? "product.counted" : "product.adjusted"),
    topic: byProduct,
    data: ({ product, qty, up, available, reason, counted, ref, operator, remark }, names) => ({
      product: names.productId(product),
      ...(reason === adjustReasons.count ? { counted } : { reason: bucketName(adjustReasons, reason) }),
      by: up === 1 ? qty : -qty,
      available,
      ref,
      ...said({ operator, remark }),
    }),
  },
  backorderAllowed: {
    type: () => "product.backorder_allowed",
    topic: byProduct,
    data: ({ product, backorder }, names) => ({ product: names.productId(product), backorder }),
  },
  productDelisted: listing("product.delisted"),
  productRelisted: listing("product.relisted"),

  // Whose money it is nobody knows yet: the order that it names may not exist, or come to exist later.
  paymentBooked: {
    type: () => "payment.received",
    topic: nobody,
    data: ({ provider, paymentId, reference, amount, currency }) => ({
      provider,
      paymentId,
      order: reference,
      ...money("amount", amount, currency),
    }),
  },
  paymentApplied: {
    type: () => "payment.applied",
    topic: byOrder,
    data: ({ order, provider, paymentId, amount, currency }, names) => ({
      order: orderId(order),
      ...accountOf(order, names),
      provider,
      paymentId,
      ...money("amount", amount, currency),
    }),
  },

  refundRequested: {
    type: () => "refund.requested",
    topic: byRefund,
    data: (fact, names) => ({
      ...refundData(fact, names),
      paymentId: fact.paymentId,
      restock: fact.restock !== 0,
      reason: fact.reason,
    }),
  },
  refundDone: refundEnd("refund.done"),
  refundRefused: refundEnd("refund.refused"),
  refundUnknown: {
    type: () => "refund.unknown",
    topic: ({ refund }, names) => {
      const owner = names.order(names.refund(refund)?.order ?? 0)?.account;
      return owner === undefined ? undefined : `account:${owner}`;
    },
    data: ({ refund, error }, names) => {
      const known = names.refund(refund);
      if (!known) return { refund: refundId(refund), error };
      const { order, provider, paymentId, amount, currency } = known;
      return {
        refund: refundId(refund),
        ...(order === 0 ? {} : { order: orderId(order), ...accountOf(order, names) }),
        ...money("amount", amount, currency),
        provider,
        paymentId,
        error,
      };
    },
  },

  pointsGranted: points("points.granted"),
  pointsReversed: points("points.reversed"),
  pointsSpent: {
    type: () => "points.spent",
    topic: byAccount,
    data: ({ account, points, ref }, names) => ({ account: names.accountId(account), points, ref }),
  },

  humanOpened: {
    type: () => "human.opened",
    topic: nobody,
    data: ({ item, kind, subject, amount, currency, units, attempts, error, evidence }) => ({
      item: itemId(item),
      kind,
      subject,
      ...money("amount", amount, currency),
      units,
      attempts,
      error,
      evidence,
    }),
  },
  humanResolved: {
    type: () => "human.resolved",
    topic: nobody,
    data: ({ item, action, reason, evidence, operator }) => ({
      item: itemId(item),
      action,
      reason,
      evidence,
      operator,
    }),
  },
  entryMade: {
    type: () => "entry.made",
    topic: ({ from, to }) =>
      [from, to].flatMap((name) => {
        const id = walletIn(name);
        return id === undefined ? [] : [`account:${id}`];
      }),
    data: ({ item, from, to, amount, currency }) => ({
      item: itemId(item),
      from,
      to,
      ...money("amount", amount, currency),
    }),
  },
};

const ruleByNumber: (Rule<FactKind> | undefined)[] = [];
for (const kind of Object.keys(catalogue) as FactKind[]) {
  const rule = rules[kind] as Rule<FactKind> | string;
  if (typeof rule !== "string") ruleByNumber[catalogue[kind].number] = rule;
}

/** Whether facts of this number are told at all: the first question of everybody who looks at every fact. */
export function isPublic(fact: Fact): boolean {
  return ruleByNumber[fact.type] !== undefined;
}

/** `account:ID` or `product:ID`, each that the fact concerns; none when the event is found under its shard only, or there is none. */
export function topicsOf(fact: Fact, names: EventNames): readonly string[] {
  const rule = ruleByNumber[fact.type];
  if (!rule || rule.type(fact) === undefined) return none;
  const topic = rule.topic(fact, names);
  return topic === undefined ? none : typeof topic === "string" ? [topic] : [...new Set(topic)];
}

const none: readonly string[] = [];

/** The event of a fact; undefined when it has none. */
export function eventOf(fact: Fact, names: EventNames): Event | undefined {
  const rule = ruleByNumber[fact.type];
  const type = rule?.type(fact);
  if (!rule || type === undefined) return undefined;
  const data = rule.data(fact, names);
  const { effects } = eventKinds[type] as EventKind;
  return { type, data: effects === undefined ? data : { ...data, effects } };
}

/** The topic of everything that a shard tells. */
export function shardTopic(shard: number): string {
  return `shard:${shard}`;
}

export function isShardTopic(topic: string): boolean {
  return topic.startsWith("shard:");
}

function isAccounts({ from, to }: FactOf<"moneyTransferred">): boolean {
  return isAccountBucket(from) || isAccountBucket(to);
}

function bucketName(buckets: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(buckets).find((name) => buckets[name] === number)!;
}

function walletMoved(type: EventType): Rule<"accountDeposited" | "accountWithdrawn"> {
  return {
    type: () => type,
    topic: byAccount,
    data: ({ account, amount, ref }, names) => ({
      account: names.accountId(account),
      ...money("amount", amount, names.accountCurrency(account)),
      ref,
    }),
  };
}

function byAccount({ account }: { account: number }, names: EventNames): string {
  return `account:${names.accountId(account)}`;
}

function byProduct({ product }: { product: number }, names: EventNames): string {
  return `product:${names.productId(product)}`;
}

function byOrder({ order }: { order: number }, names: EventNames): string | undefined {
  const known = names.order(order);
  return known && `account:${known.account}`;
}

type RefundFact = FactOf<"refundRequested"> | FactOf<"refundDone"> | FactOf<"refundRefused">;

function byRefund(fact: RefundFact, names: EventNames): string | undefined {
  const owner = ownerOfRefund(fact, names);
  return owner === undefined ? undefined : `account:${owner}`;
}

/**
 * Of money out of suspense the order may be archived or none at all, and the fact's account means nothing then: it would be
 * that of a stranger.
 */
function ownerOfRefund({ source, order, account }: RefundFact, names: EventNames): string | undefined {
  return source === refundSources.order && order !== 0
    ? names.accountId(account)
    : names.order(order)?.account;
}

function nobody(): undefined {
  return undefined;
}

function orderData(order: number, status: string, names: EventNames): object {
  return { order: orderId(order), ...accountOf(order, names), status, ...totalOf(order, names) };
}

function accountOf(order: number, names: EventNames): object {
  const known = names.order(order);
  return known ? { account: known.account } : {};
}

function totalOf(order: number, names: EventNames): object {
  const known = names.order(order);
  return known ? money("total", known.total, known.currency) : {};
}

function money<N extends string>(name: N, amount: number, currency: number): object {
  return { [name]: formatAmount(amount, currency), currency: currencyCode(currency) };
}

/** Without what nobody said. */
function said(texts: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

function listing(type: EventType): Rule<"productDelisted" | "productRelisted"> {
  return {
    type: () => type,
    topic: byProduct,
    data: ({ product, version, operator }, names) => ({
      product: names.productId(product),
      version,
      ...said({ operator }),
    }),
  };
}

function timeOrNull(ms: number): string | null {
  return ms === 0 ? null : new Date(ms).toISOString();
}

type StockKind = "stockHeld" | "stockSold" | "stockConfirmed" | "stockReleased" | "stockReturned";

function stock(type: EventType): Rule<StockKind> {
  return {
    type: () => type,
    topic: byProduct,
    data: ({ product, order, qty, available }, names) => ({
      product: names.productId(product),
      order: orderId(order),
      qty,
      available,
    }),
  };
}

function refundData(fact: RefundFact, names: EventNames): object {
  const { refund, order, amount, currency, provider } = fact;
  const account = ownerOfRefund(fact, names);
  return {
    refund: refundId(refund),
    ...(order === 0 ? {} : { order: orderId(order) }),
    ...(account === undefined ? {} : { account }),
    ...money("amount", amount, currency),
    provider,
  };
}

function refundEnd(type: EventType): Rule<"refundDone" | "refundRefused"> {
  return {
    type: () => type,
    topic: byRefund,
    data: (fact, names) => {
      const paymentId = names.refund(fact.refund)?.paymentId;
      return {
        ...refundData(fact as RefundFact, names),
        ...(paymentId === undefined ? {} : { paymentId }),
        ref: fact.ref,
      };
    },
  };
}

function points(type: EventType): Rule<"pointsGranted" | "pointsReversed"> {
  return {
    type: () => type,
    topic: byAccount,
    data: ({ account, order, points }, names) => ({
      account: names.accountId(account),
      order: orderId(order),
      points,
    }),
  };
}
