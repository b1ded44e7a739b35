/**
 * Every fact that can stand in the log: what happened, never what was asked. State is what is left when facts are
 * applied in order, so this table is also the definition of what is durable.
 *
 * Rules for changing it, because logs live for years:
 *   - a number is never given a second meaning and a layout never changes;
 *   - a fact that needs other fields gets a new number and the next version under the same name, and the old number an
 *     `upgrade`; both stay readable for ever (`test/actors/facts.test.ts` reads one of every fact ever written).
 *
 * Handles: products and accounts are named by the order of their first fact on this shard, from 0. Orders are named by
 * their number (`actors/order-number`). Amounts are minor units. `available` is the product's stock after the fact: it
 * is redundant on purpose, for the feed and so that every replay proves itself. It may be below zero
 * (`units`, see `fact-codec`): sold before it is there, or fewer on the shelf than are held.
 */

/** How a field is written: see `byte-writer`, and `fact-codec` for the lists. */
type Kind = "uint" | "units" | "text" | "bytes" | "lines" | "asked" | "shares" | "parts";

/** A line of a placed order. */
export interface Line {
  readonly product: number;
  readonly qty: number;
  readonly unitPrice: number;
}

/** A line that was asked for and whose product may live on another shard. */
export interface RequestedLine {
  readonly productId: string;
  readonly qty: number;
}

/** What a refund takes of one line of its order: units and minor units. */
export interface LineShare {
  readonly line: number;
  readonly qty: number;
  readonly amount: number;
}

/** What a part of an order has of its total: a line ("" for both texts), or what no line pays for, such as "shipping" by name. */
export interface PartShare {
  readonly extra: string;
  readonly name: string;
  readonly amount: number;
  readonly tax: number;
}

export const catalogue = {
  // Accounts. Named = seen in a request or a message; opened = may hold money.
  accountNamed: fact(1, "account.named", { id: "text" }),
  accountOpened: fact(2, "account.opened", { account: "uint", currency: "uint" }),
  accountDeposited: fact(3, "account.deposited", { account: "uint", amount: "uint", ref: "text" }),
  accountWithdrawn: fact(4, "account.withdrawn", { account: "uint", amount: "uint", ref: "text" }),

  // Products. Known = sold on another shard, its name kept for the lines of orders here. 0 = no limit, no window.
  productCreated: fact(5, "product.created", {
    id: "text",
    name: "text",
    price: "uint",
    currency: "uint",
    stock: "uint",
    limitPerAccount: "uint",
    saleStartsAt: "uint",
    saleEndsAt: "uint",
  }),
  /** A product of another shard. Known again: under another name, by which new orders of this shard call it; old ones keep the handle. */
  productKnown: fact(6, "product.known", { id: "text", name: "text", currency: "uint" }),
  productRestocked: fact(7, "product.restocked", { product: "uint", qty: "uint", available: "units" }),
  productRepriced: fact(8, "product.repriced", { product: "uint", price: "uint" }),
  /** As it is from now on, whatever of it has changed; `version` is the product's after it. 0 = no limit, no bound, no backorder. */
  productUpdated: fact(120, "product.updated", {
    product: "uint",
    version: "uint",
    name: "text",
    price: "uint",
    limitPerAccount: "uint",
    saleStartsAt: "uint",
    saleEndsAt: "uint",
    backorder: "uint",
    operator: "text",
  }),
  /** Nobody may take units of it any more; who holds some goes on. */
  productDelisted: fact(121, "product.delisted", listing()),
  productRelisted: fact(122, "product.relisted", listing()),
  /** So many units of it may be sold that are not there yet: behind `product.created`, of the same turn. */
  backorderAllowed: fact(124, "backorder.allowed", { product: "uint", backorder: "uint" }),
  /**
   * Units that were lost or found. up: 1 = found, 0 = lost. `reason`: a number of `adjustReasons`; `counted`: units on the shelf, of a count,
   * whose difference may be 0.
   */
  stockAdjusted: fact(123, "stock.adjusted", {
    product: "uint",
    qty: "uint",
    up: "uint",
    available: "units",
    reason: "uint",
    counted: "uint",
    ref: "text",
    operator: "text",
    remark: "text",
  }),

  // Stock. Sold = held and confirmed in one fact, when the order is paid as it is placed.
  stockHeld: fact(9, "stock.held", stock()),
  stockSold: fact(10, "stock.sold", stock()),
  stockConfirmed: fact(11, "stock.confirmed", stock()),
  stockReleased: fact(12, "stock.released", stock()),

  // Orders. Times in ms; payBy and expiresAt are 0 when nothing is due. An order paid as it is placed has paid = total.
  orderPlaced: fact(13, "order.placed", {
    order: "uint",
    account: "uint",
    currency: "uint",
    total: "uint",
    paid: "uint",
    status: "uint",
    payBy: "uint",
    expiresAt: "uint",
    lines: "lines",
  }),
  /** From the account's wallet to the order; recorded once the order is paid, also for a total of 0: it is the event. */
  moneyCaptured: fact(14, "money.captured", { account: "uint", order: "uint", amount: "uint" }),
  orderPaid: fact(15, "order.paid", { order: "uint", amount: "uint" }),
  /** cause: 1 = on request, 2 = the deadline passed. */
  orderCanceled: fact(16, "order.canceled", { order: "uint", cause: "uint", reason: "text" }),
  /**
   * Who asked for the placement, the payment or the cancellation of the same turn, where the request said so. Of an order that
   * crosses shards it is said as it begins, and once more as it is placed. Other moves name theirs themselves.
   */
  operatorNamed: fact(96, "operator.named", { order: "uint", operator: "text" }),

  /**
   * What the shop says of an order that is placed in the same turn, where it says something: its own number for it (`ref`, "" =
   * none) and the rest as JSON. Of an order that crosses shards it is kept from its beginning, by the other fact.
   */
  orderDescribed: fact(100, "order.described", { order: "uint", account: "uint", ref: "text", data: "text" }),
  orderDescriptionKept: fact(101, "order.description.kept", { order: "uint", ref: "text", data: "text" }),

  /**
   * The total of an order that is placed in the same turn is more than its prices: what each part has of it (lines first, in their
   * order), and what each adjustment came to (`applied` is JSON). Across shards the adjustments are kept from its beginning as they
   * were asked for, by the other fact.
   */
  orderAdjusted: fact(110, "order.adjusted", {
    order: "uint",
    account: "uint",
    currency: "uint",
    parts: "parts",
    applied: "text",
  }),
  orderAdjustmentsKept: fact(111, "order.adjustments.kept", { order: "uint", asked: "text" }),

  // Exactly once. `order` is 0 when the result is not an order; `code` 0 = success, else a number of `results`;
  // `text` holds JSON: the details of a refusal, or a result that is not an order.
  keyKept: fact(17, "key.kept", {
    space: "uint",
    subject: "uint",
    key: "text",
    method: "uint",
    paramsHash: "uint",
    at: "uint",
    code: "uint",
    order: "uint",
    text: "text",
  }),
  keysDropped: fact(18, "keys.dropped", { count: "uint" }),
  /** It stands there for its turn's time, which is the token: no turn may have it again. */
  tokenIssued: fact(86, "token.issued", {}),
  /** A token of this shard is that account's now: no other may use it. `issuedAt` (microseconds) is the token's own number. */
  tokenClaimed: fact(95, "token.claimed", { issuedAt: "uint", owner: "text" }),
  /** The clock has skipped so many ms before this turn: a machine that slept, or a clock that was set. Ages do not count them. */
  clockJumped: fact(87, "clock.jumped", { ms: "uint" }),

  // An order that crosses shards, at its coordinator.
  orderBegun: fact(19, "order.begun", {
    order: "uint",
    account: "uint",
    payNow: "uint",
    payBy: "uint",
    expiresAt: "uint",
    /** "" = not said. */
    expectedTotal: "text",
    key: "text",
    paramsHash: "uint",
    at: "uint",
    lines: "asked",
  }),
  /** A product answered: code 0 = held at unitPrice, else a number of `results` with its details as JSON. */
  branchAnswered: fact(20, "branch.answered", {
    order: "uint",
    branch: "uint",
    product: "uint",
    unitPrice: "uint",
    code: "uint",
    text: "text",
  }),
  /** Of a saga: this line is asked for. The lines of a TCC are all asked for with `order.begun`. */
  branchBegun: fact(85, "branch.begun", { order: "uint", branch: "uint" }),
  /** The order ended before it was placed; its key holds the refusal. */
  orderRefused: fact(21, "order.refused", { order: "uint" }),

  // Channels between shards: the log is the outbox. A message's number is its place among all sent to that peer.
  messageSent: fact(22, "message.sent", { peer: "uint", body: "bytes" }),
  messageReceived: fact(23, "message.received", { peer: "uint", upTo: "uint" }),
  messagesAcked: fact(24, "messages.acked", { peer: "uint", upTo: "uint" }),

  // A branch of an order of another shard, at the product. how: 1 = confirmed, 2 = canceled.
  branchTried: fact(25, "branch.tried", {
    order: "uint",
    branch: "uint",
    product: "uint",
    account: "uint",
    qty: "uint",
  }),
  branchEnded: fact(26, "branch.ended", { order: "uint", branch: "uint", how: "uint" }),

  // What becomes of an order that was paid. `event` is a number of `order-transitions`, `to` the status after it. `dueAt`
  // (ms, 0 = never) is when the order moves on by itself: the end of the after-sale window, the automatic confirmation.
  orderMoved: fact(27, "order.moved", {
    order: "uint",
    event: "uint",
    to: "uint",
    dueAt: "uint",
    operator: "text",
    remark: "text",
    tracking: "text",
  }),
  /** Nothing can happen to it any more: what it earned is revenue, and the read side alone remembers it. */
  orderArchived: fact(28, "order.archived", { order: "uint", currency: "uint", amount: "uint" }),

  // Money from outside: first of all to suspense, whatever it turns out to be. Payments count from 1 on their shard.
  // `reference` is the order's id as
  // the caller gave it: there may be no such order.
  paymentBooked: fact(29, "payment.booked", {
    payment: "uint",
    provider: "text",
    paymentId: "text",
    reference: "text",
    currency: "uint",
    amount: "uint",
  }),
  /** From suspense to the order. */
  paymentApplied: fact(30, "payment.applied", {
    payment: "uint",
    order: "uint",
    provider: "text",
    paymentId: "text",
    currency: "uint",
    amount: "uint",
  }),
  /** The order is paid in full, and the last of it came from outside. */
  orderSettled: fact(31, "order.settled", { order: "uint" }),
  /** It was canceled, its money came too late, and everything could be taken once more. */
  orderReinstated: fact(32, "order.reinstated", { order: "uint" }),
  // The money of a canceled order came late, and its lines live on other shards, which are asked once more. Until they have
  // answered the money lies in suspense. how: 1 = it has them again, 2 = it has not.
  reinstatementBegun: fact(83, "reinstatement.begun", {
    order: "uint",
    payment: "uint",
    provider: "text",
    paymentId: "text",
    currency: "uint",
    amount: "uint",
    expiresAt: "uint",
  }),
  reinstatementEnded: fact(84, "reinstatement.ended", { order: "uint", how: "uint" }),

  // A payment is booked on the shard of its own name, so that it is booked once whatever order it is said to be for; when the
  // order lives elsewhere its money goes there by message, and counts as a payment of that shard from then on.
  paymentForwarded: fact(80, "payment.forwarded", {
    payment: "uint",
    provider: "text",
    paymentId: "text",
    currency: "uint",
    amount: "uint",
    peer: "uint",
  }),
  paymentArrived: fact(81, "payment.arrived", {
    payment: "uint",
    provider: "text",
    paymentId: "text",
    reference: "text",
    currency: "uint",
    amount: "uint",
    peer: "uint",
  }),

  // Refunds. Asked = the intent, before anybody is told: from its order (source 1) or from suspense (2) to what is payable.
  // provider "" = back to the account's wallet. Numbers are made like those of orders.
  refundRequested: fact(33, "refund.requested", {
    refund: "uint",
    order: "uint",
    source: "uint",
    account: "uint",
    currency: "uint",
    amount: "uint",
    provider: "text",
    paymentId: "text",
    restock: "uint",
    reason: "text",
    shares: "shares",
  }),
  /** From what is payable to the provider's clearing account, or to the wallet. `ref`: the provider's own number. */
  refundDone: fact(34, "refund.done", { ...refund(), ref: "text" }),
  /** Back from what is payable to where it came from: the provider will not do it, and has not. */
  refundRefused: fact(35, "refund.refused", { ...refund(), ref: "text" }),
  /** Nobody knows whether it was done. It stays payable, and is asked about, never sent as another. */
  refundUnknown: fact(36, "refund.unknown", { refund: "uint", error: "text" }),
  /** Units that come back from a refund: sold -> available. */
  stockReturned: fact(37, "stock.returned", stock()),

  // Points: whole numbers, given by the order's payment and taken back with its refund.
  pointsGranted: fact(38, "points.granted", { account: "uint", order: "uint", points: "uint" }),
  pointsReversed: fact(39, "points.reversed", { account: "uint", order: "uint", points: "uint" }),
  pointsSpent: fact(40, "points.spent", { account: "uint", points: "uint", ref: "text" }),

  // What only a human can end. `kind` and `action` are numbers of `human-queue`; `evidence` is JSON.
  humanOpened: fact(41, "human.opened", {
    item: "uint",
    kind: "uint",
    subject: "text",
    currency: "uint",
    amount: "uint",
    units: "uint",
    attempts: "uint",
    error: "text",
    evidence: "text",
  }),
  humanResolved: fact(42, "human.resolved", {
    item: "uint",
    action: "uint",
    reason: "text",
    evidence: "text",
    operator: "text",
  }),
  /** One balanced entry by a human's hand, between two accounts of the ledger that `postings` lets a human name. */
  entryMade: fact(43, "entry.made", {
    item: "uint",
    from: "text",
    to: "text",
    currency: "uint",
    amount: "uint",
  }),
  /** Which order the money of an item is for, says a human; after its resolution, and where it went follows. */
  paymentClaimed: fact(82, "payment.claimed", { item: "uint", reference: "text" }),

  // Calls to functions outside the engine. Made = the intent, before anybody is told. `owner` is a number of `call-owners`,
  // `subject` and `part` say which of its things the call is for. `input` and `text` are JSON.
  callMade: fact(44, "call.made", {
    call: "uint",
    owner: "uint",
    subject: "uint",
    part: "uint",
    name: "text",
    input: "text",
  }),
  /** Nobody knows what it did. It is made again at dueAt (ms), under the same number. */
  callFailed: fact(45, "call.failed", { call: "uint", dueAt: "uint", error: "text" }),
  /** how: 1 = done, 2 = refused, 3 = its owner wants it no more. */
  callEnded: fact(46, "call.ended", { call: "uint", how: "uint", text: "text" }),
  /** It is made again at once, and its failures are counted anew: a human said so. */
  callRepeated: fact(47, "call.repeated", { call: "uint" }),
  /** A human was told of it; told once until it is repeated. */
  callStuck: fact(48, "call.stuck", { call: "uint" }),

  // Transactions over several actors, at their coordinator. mode: 1 = TCC, 2 = saga. `plan` is JSON: the parts as they were
  // when it began, so that a definition that changes changes no transaction under way. deadline in ms.
  transactionBegun: fact(50, "transaction.begun", {
    transaction: "uint",
    account: "uint",
    mode: "uint",
    name: "text",
    input: "text",
    plan: "text",
    deadline: "uint",
    key: "text",
    paramsHash: "uint",
    at: "uint",
  }),
  /** Its try or its step may have an effect from now on; what undoes it is known to the log before. */
  partBegun: fact(51, "part.begun", part()),
  /** how: 1 = done (a TCC: tried), 2 = refused, 3 = nobody knows. `text` is JSON: the result, or why. */
  partAnswered: fact(52, "part.answered", { ...part(), how: "uint", text: "text" }),
  /** The only point of no return. how: 1 = it will be done, 2 = it will be undone. `text` is JSON: why. */
  transactionDecided: fact(53, "transaction.decided", { transaction: "uint", how: "uint", text: "text" }),
  /** Its confirm, its cancel or its compensation is under way. */
  partEnding: fact(54, "part.ending", part()),
  /** how: 1 = confirmed, 2 = undone, 3 = a human says so, 4 = there was nothing to undo. */
  partSettled: fact(55, "part.settled", { ...part(), how: "uint" }),
  /** An actor could not confirm or undo it; it is asked again at dueAt (ms). */
  partFailed: fact(56, "part.failed", { ...part(), dueAt: "uint", error: "text" }),
  partRepeated: fact(57, "part.repeated", part()),
  partStuck: fact(58, "part.stuck", part()),
  /** how: as it was decided. */
  transactionEnded: fact(59, "transaction.ended", { transaction: "uint", how: "uint" }),

  // What an actor remembers of its part, in the record that holds the effect. state: a number of `fence`. what: 1 = stock,
  // 2 = money out of a wallet, 3 = money into one. `subject` is the handle of the product or of the wallet's account.
  fenceSet: fact(60, "fence.set", {
    transaction: "uint",
    branch: "uint",
    mode: "uint",
    state: "uint",
    what: "uint",
    subject: "uint",
    account: "uint",
    amount: "uint",
    to: "uint",
    deadline: "uint",
    code: "uint",
    text: "text",
  }),
  fenceMoved: fact(61, "fence.moved", { transaction: "uint", branch: "uint", state: "uint" }),
  fencesDropped: fact(62, "fences.dropped", { count: "uint" }),
  /** Units between two stockBuckets of a product, numbers of `stockBuckets`. */
  unitsTransferred: fact(63, "units.transferred", {
    transaction: "uint",
    branch: "uint",
    product: "uint",
    account: "uint",
    qty: "uint",
    available: "units",
    from: "uint",
    to: "uint",
  }),
  /** Money between two moneyBuckets, numbers of `moneyBuckets`; `account` means something when one of them is an account's. */
  moneyTransferred: fact(64, "money.transferred", {
    transaction: "uint",
    branch: "uint",
    account: "uint",
    currency: "uint",
    amount: "uint",
    from: "uint",
    to: "uint",
  }),
} as const;

/** Numbers of `mode` in the log and in messages; never re-used. */
export const modes = { tcc: 1, saga: 2 } as const;
export type Mode = keyof typeof modes;

interface FieldTypes {
  uint: number;
  units: number;
  text: string;
  bytes: Uint8Array;
  lines: readonly Line[];
  asked: readonly RequestedLine[];
  shares: readonly LineShare[];
  parts: readonly PartShare[];
}

type Catalogue = typeof catalogue;
export type FactKind = keyof Catalogue;

/** One fact, by its name in the catalogue: `FactOf<"stockHeld">`. */
export type FactOf<K extends FactKind> = {
  readonly type: Catalogue[K]["number"];
} & { readonly [F in keyof Catalogue[K]["fields"]]: FieldTypes[Catalogue[K]["fields"][F] & Kind] };

/** Any fact; `type` tells which: `fact.type === Facts.stockHeld`. */
export type Fact = { [K in FactKind]: FactOf<K> }[FactKind];

type Numbers = { readonly [K in FactKind]: Catalogue[K]["number"] };

/** The number of each fact: `Facts.stockHeld` is 9. */
export const Facts: Numbers = Object.fromEntries(
  Object.entries(catalogue).map(([kind, { number }]) => [kind, number]),
) as unknown as Numbers;

function fact<N extends number, F extends Record<string, Kind>>(number: N, name: string, fields: F) {
  return { number, name, version: 1, fields } as const;
}

function stock() {
  return { product: "uint", order: "uint", account: "uint", qty: "uint", available: "units" } as const;
}

function listing() {
  return { product: "uint", version: "uint", operator: "text" } as const;
}

function part() {
  return { transaction: "uint", part: "uint" } as const;
}

function refund() {
  return {
    refund: "uint",
    order: "uint",
    source: "uint",
    account: "uint",
    currency: "uint",
    amount: "uint",
    provider: "text",
  } as const;
}
