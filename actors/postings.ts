/**
 * Double entry: what every fact moves between the accounts of the ledger. One table, and nothing else decides.
 *
 *   ledger account                 unit             balance
 *   wallet:<account>               currency         what the account may spend
 *   outside:<currency>             currency         minus what came in from outside and did not go back
 *   order:<order>                  currency         paid minus refunded; nothing once the order is archived
 *   clearing:<provider>:<currency> currency         minus what the provider took from buyers and did not give back
 *   suspense:<currency>            currency         came from outside and belongs to no order yet
 *   transit:<currency>             currency         on its way from one shard to another; over all shards what has not arrived
 *   payable:<currency>             currency         to be refunded, and not known to be
 *   revenue:<currency>             currency         earned by orders that can be refunded no more
 *   fees:<currency>                currency         written there by a human
 *   loss:<currency>                currency         written off by a human
 *   held:<account>                 currency         of the account's money, what a transaction holds
 *   transit:<currency>             currency         on its way between two wallets of one transaction
 *   points:<account>               points           what the account has; below zero: what it owes
 *   issued:points                  points           minus what was granted and not reversed
 *   redeemed:points                points           what was spent
 *   stock:<product>:available      unit:<product>   may be taken
 *   stock:<product>:held           unit:<product>   held by orders that are not paid
 *   stock:<product>:sold           unit:<product>   sold
 *   stock:<product>:supplied       unit:<product>   minus what was created and restocked
 *   stock:<product>:found          unit:<product>   minus what was found, by somebody or by a count
 *   stock:<product>:lost           unit:<product>   lost, damaged, or missing in a count
 *
 * POSTINGS-1  The postings of one fact sum to zero in every unit.
 * POSTINGS-2  A fact that is not in the table moves nothing.
 */

import { catalogue, type Fact, type FactKind, type FactOf } from "./facts.js";
import { currencyCode } from "./money.js";
import { orderId } from "./order-number.js";

/** One side of an entry: `amount` (minor units or pieces, signed) goes to the ledger account. */
export interface Posting {
  readonly account: string;
  readonly unit: string;
  readonly amount: number;
}

/** What the handles in the facts of one shard stand for. */
export interface LedgerNames {
  accountId(handle: number): string;
  /** Currency code of an account; asked only after it was opened. */
  accountCurrency(handle: number): string;
  productId(handle: number): string;
}

type Rule<K extends FactKind> = (fact: FactOf<K>, names: LedgerNames) => readonly Posting[];

const none: readonly Posting[] = [];
const nothing = () => none;

const rules: { readonly [K in FactKind]: Rule<K> } = {
  accountNamed: nothing,
  accountOpened: nothing,
  accountDeposited: (fact, names) => {
    const currency = names.accountCurrency(fact.account);
    return move(outside(currency), wallet(names, fact.account), currency, fact.amount);
  },
  accountWithdrawn: (fact, names) => {
    const currency = names.accountCurrency(fact.account);
    return move(wallet(names, fact.account), outside(currency), currency, fact.amount);
  },

  // The handle of a new product is not in its fact, but its id is.
  productCreated: (fact) => stockMove(fact.id, "supplied", "available", fact.stock),
  productKnown: nothing,
  productRestocked: (fact, names) =>
    stockMove(names.productId(fact.product), "supplied", "available", fact.qty),
  productRepriced: nothing,
  productUpdated: nothing,
  productDelisted: nothing,
  backorderAllowed: nothing,
  stockAdjusted: (fact, names) => {
    const [from, to] = fact.up === 1 ? (["found", "available"] as const) : (["available", "lost"] as const);
    return fact.qty === 0 ? none : stockMove(names.productId(fact.product), from, to, fact.qty);
  },
  productRelisted: nothing,

  stockHeld: (fact, names) => stockMove(names.productId(fact.product), "available", "held", fact.qty),
  stockSold: (fact, names) => stockMove(names.productId(fact.product), "available", "sold", fact.qty),
  stockConfirmed: (fact, names) => stockMove(names.productId(fact.product), "held", "sold", fact.qty),
  stockReleased: (fact, names) => stockMove(names.productId(fact.product), "held", "available", fact.qty),

  stockReturned: (fact, names) => stockMove(names.productId(fact.product), "sold", "available", fact.qty),

  moneyCaptured: (fact, names) =>
    move(
      wallet(names, fact.account),
      `order:${orderId(fact.order)}`,
      names.accountCurrency(fact.account),
      fact.amount,
    ),

  paymentBooked: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(clearing(fact.provider, currency), `suspense:${currency}`, currency, fact.amount);
  },
  paymentForwarded: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(`suspense:${currency}`, `transit:${currency}`, currency, fact.amount);
  },
  paymentArrived: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(`transit:${currency}`, `suspense:${currency}`, currency, fact.amount);
  },
  paymentApplied: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(`suspense:${currency}`, `order:${orderId(fact.order)}`, currency, fact.amount);
  },
  refundRequested: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(refundSource(fact, currency), `payable:${currency}`, currency, fact.amount);
  },
  refundDone: (fact, names) => {
    const currency = currencyCode(fact.currency);
    const to = fact.provider === "" ? wallet(names, fact.account) : clearing(fact.provider, currency);
    return move(`payable:${currency}`, to, currency, fact.amount);
  },
  refundRefused: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(`payable:${currency}`, refundSource(fact, currency), currency, fact.amount);
  },
  orderArchived: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(`order:${orderId(fact.order)}`, `revenue:${currency}`, currency, fact.amount);
  },
  unitsTransferred: (fact, names) => {
    const [from, to] = [stockBucketNames[fact.from]!, stockBucketNames[fact.to]!];
    return stockMove(names.productId(fact.product), from, to, fact.qty);
  },
  moneyTransferred: (fact, names) => {
    const currency = currencyCode(fact.currency);
    const moneyBucket = (number: number) =>
      moneyBucketName(number, currency, () => names.accountId(fact.account));
    return move(moneyBucket(fact.from), moneyBucket(fact.to), currency, fact.amount);
  },
  entryMade: (fact) => {
    const currency = currencyCode(fact.currency);
    return move(handAccount(fact.from, currency), handAccount(fact.to, currency), currency, fact.amount);
  },

  pointsGranted: (fact, names) => move("issued:points", points(names, fact.account), "points", fact.points),
  pointsReversed: (fact, names) => move(points(names, fact.account), "issued:points", "points", fact.points),
  pointsSpent: (fact, names) => move(points(names, fact.account), "redeemed:points", "points", fact.points),

  // What follows tells where orders, keys, branches and channels stand; what moves has a fact of its own above.
  orderPlaced: nothing,
  orderPaid: nothing,
  orderCanceled: nothing,
  operatorNamed: nothing,
  orderDescribed: nothing,
  orderAdjusted: nothing,
  orderAdjustmentsKept: nothing,
  orderDescriptionKept: nothing,
  keyKept: nothing,
  keysDropped: nothing,
  tokenIssued: nothing,
  tokenClaimed: nothing,
  clockJumped: nothing,
  orderBegun: nothing,
  branchBegun: nothing,
  branchAnswered: nothing,
  orderRefused: nothing,
  messageSent: nothing,
  messageReceived: nothing,
  messagesAcked: nothing,
  branchTried: nothing,
  branchEnded: nothing,
  orderMoved: nothing,
  orderSettled: nothing,
  orderReinstated: nothing,
  reinstatementBegun: nothing,
  reinstatementEnded: nothing,
  refundUnknown: nothing,
  humanOpened: nothing,
  humanResolved: nothing,
  paymentClaimed: nothing,
  callMade: nothing,
  callFailed: nothing,
  callEnded: nothing,
  callRepeated: nothing,
  callStuck: nothing,
  transactionBegun: nothing,
  partBegun: nothing,
  partAnswered: nothing,
  transactionDecided: nothing,
  partEnding: nothing,
  partSettled: nothing,
  partFailed: nothing,
  partRepeated: nothing,
  partStuck: nothing,
  transactionEnded: nothing,
  fenceSet: nothing,
  fenceMoved: nothing,
  fencesDropped: nothing,
};

const ruleByNumber: Rule<FactKind>[] = [];
for (const kind of Object.keys(catalogue) as FactKind[]) {
  ruleByNumber[catalogue[kind].number] = rules[kind] as Rule<FactKind>;
}

/** The postings of a fact, from-side first; none when it moves nothing. Pure. */
export function postingsOf(fact: Fact, names: LedgerNames): readonly Posting[] {
  return ruleByNumber[fact.type]!(fact, names);
}

function move(from: string, to: string, unit: string, amount: number): readonly Posting[] {
  if (amount === 0) return none;
  return [
    { account: from, unit, amount: -amount },
    { account: to, unit, amount },
  ];
}

type StockBucket = "available" | "held" | "sold" | "supplied" | "found" | "lost";

function stockMove(product: string, from: StockBucket, to: StockBucket, qty: number): readonly Posting[] {
  return move(`stock:${product}:${from}`, `stock:${product}:${to}`, `unit:${product}`, qty);
}

function wallet(names: LedgerNames, account: number): string {
  return `wallet:${names.accountId(account)}`;
}

function outside(currency: string): string {
  return `outside:${currency}`;
}

function clearing(provider: string, currency: string): string {
  return `clearing:${provider}:${currency}`;
}

function points(names: LedgerNames, account: number): string {
  return `points:${names.accountId(account)}`;
}

/** Where a refund's money comes from: its order, or suspense when it belongs to none. */
export const refundSources = { order: 1, suspense: 2 } as const;

function refundSource({ source, order }: { source: number; order: number }, currency: string): string {
  return source === refundSources.order ? `order:${orderId(order)}` : `suspense:${currency}`;
}

/** Buckets of a product's stock, as transactions number them. */
export const stockBuckets = { available: 1, held: 2, sold: 3 } as const;

const stockBucketNames: readonly (StockBucket | undefined)[] = [undefined, "available", "held", "sold"];

/** Where a transaction's money can be, as it numbers them. */
export const moneyBuckets = { wallet: 1, held: 2, transit: 3, revenue: 4, suspense: 5, loss: 6 } as const;

/** Whether money in this bucket is an account's own: its wallet, or what a transaction holds of it. */
export function isAccountBucket(bucket: number): boolean {
  return bucket <= moneyBuckets.held;
}

function moneyBucketName(number: number, currency: string, account: () => string): string {
  const [name] = Object.entries(moneyBuckets).find(([, known]) => known === number)!;
  return isAccountBucket(number) ? `${name}:${account()}` : `${name}:${currency}`;
}

/**
 * What a human may book on, by the first word of its name, and what guards it. What is payable is not there: it is the sum of the
 * refunds that are open, and only they fill and empty it.
 *
 *   free    may stand above zero and below
 *   floor   never below zero, whatever was applied last
 *   items   the same; and at the end of every turn it holds what open items tell of and what waits for an order's lines, so it is
 *           named only for money that an item has there
 */
const handGuards = {
  wallet: "floor",
  suspense: "items",
  clearing: "free",
  revenue: "free",
  fees: "free",
  loss: "free",
} as const;

export type HandGuard = (typeof handGuards)[keyof typeof handGuards];

const handNames = /^(?:(suspense|revenue|fees|loss)|(clearing|wallet):[A-Za-z0-9._:-]{1,64})$/;

/** What guards a ledger account of this name; undefined: no human may book on it. The currency is added by the book. */
export function handGuard(name: string): HandGuard | undefined {
  const [, alone, named] = handNames.exec(name) ?? [];
  const kind = alone ?? named;
  return kind === undefined ? undefined : handGuards[kind as keyof typeof handGuards];
}

/** The account whose wallet a ledger account of this name is; undefined when it is no wallet. */
export function walletIn(name: string): string | undefined {
  return name.startsWith("wallet:") ? name.slice("wallet:".length) : undefined;
}

function handAccount(name: string, currency: string): string {
  return name.startsWith("wallet:") ? name : `${name}:${currency}`;
}
