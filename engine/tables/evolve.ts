/**
 * What every fact does to the books, as one total table: running and recovering go through it alike.
 *
 * EVOLVE-1  Books are a function of the log alone: no clock, no settings, no randomness.
 * EVOLVE-2  A fact cannot be refused. If it does not fit, the log or the code is wrong, it throws, and the process must stop.
 */

import { accountFromFact, evolveAccount } from "../../actors/account.js";
import { catalogue, type Fact, type FactKind, type FactOf } from "../../actors/facts.js";
import { isAccountBucket, walletIn } from "../../actors/postings.js";
import { evolveProduct, evolveUpdate, productFromFact } from "../../actors/product.js";
import type { Books } from "./books.js";
import { keyKept, keysDropped, transactionKeyRuns } from "./evolve-keys.js";
import {
  addToOrder,
  operatorNamed,
  orderAdjustmentsKept,
  orderArchived,
  orderBegun,
  orderBranchAnswered,
  orderDescriptionKept,
  orderMoved,
  orderPlaced,
  orderRefunded,
  orderRefused,
  reinstatementBegun,
  reinstatementEnded,
  toldOf,
} from "./evolve-orders.js";

/** `time`: of the fact's turn, in microseconds. */
type Applier<F> = (books: Books, fact: F, time: number) => void;

/** Applies the next fact of the log. */
export function evolve(books: Books, fact: Fact, time: number): void {
  books.position++;
  books.time = time;
  const apply = byNumber[fact.type];
  if (apply === undefined) throw new Error(`fact ${books.position}: type ${fact.type} is not known`);
  apply(books, fact, time);
}

const product: Applier<Extract<Fact, Parameters<typeof evolveProduct>[1]>> = (books, fact) =>
  evolveProduct(books.products[fact.product]!, fact);

const account: Applier<Extract<Fact, Parameters<typeof evolveAccount>[1] & { account: number }>> = (
  books,
  fact,
) => evolveAccount(books.accounts[fact.account]!, fact);

const productAppears: Applier<FactOf<"productCreated"> | FactOf<"productKnown">> = (books, fact) => {
  const former = books.productByName.get(fact.id);
  books.products.push(productFromFact(books.products.length, fact));
  books.productByName.addLast(former?.handle);
};

const payment: Applier<FactOf<"paymentBooked"> | FactOf<"paymentArrived">> = (books, fact) => {
  books.afterSales.paymentSequence = fact.payment;
};

const call: Applier<Extract<Fact, Parameters<Books["calls"]["evolve"]>[0]>> = (books, fact, time) =>
  books.calls.evolve(fact, msOf(time));

const human: Applier<FactOf<"humanOpened"> | FactOf<"humanResolved">> = (books, fact, time) =>
  books.human.evolve(fact, msOf(time));

const transaction: Applier<Extract<Fact, Parameters<Books["transactions"]["evolve"]>[0]>> = (
  books,
  fact,
  time,
) => books.transactions.evolve(fact, msOf(time));

const fence: Applier<Extract<Fact, Parameters<Books["fences"]["evolve"]>[0]>> = (books, fact, time) =>
  books.fences.evolve(fact, books.runningMs(time));

/** The fact stands in the log for its place or its event alone. */
const nothing = () => {};

const appliers: { readonly [K in FactKind]: Applier<FactOf<K>> } = {
  accountNamed: (books, fact) => {
    books.accounts.push(accountFromFact(books.accounts.length, fact));
    books.accountByName.addLast();
  },
  accountOpened: account,
  accountDeposited: account,
  accountWithdrawn: account,
  productCreated: productAppears,
  productKnown: productAppears,
  productRestocked: product,
  productRepriced: product,
  productUpdated: (books, fact, time) => evolveUpdate(books.products[fact.product]!, fact, time),
  productDelisted: product,
  backorderAllowed: product,
  stockAdjusted: product,
  productRelisted: product,
  stockHeld: product,
  stockSold: product,
  stockConfirmed: product,
  stockReleased: product,
  stockReturned: product,
  unitsTransferred: product,
  orderPlaced,
  moneyCaptured: account,
  orderPaid: orderMoved,
  orderCanceled: orderMoved,
  operatorNamed,
  orderDescribed: (books, fact) => {
    books.afterSales.described(fact);
    toldOf(books, fact.order);
  },
  orderDescriptionKept,
  orderAdjusted: (books, fact) => {
    books.afterSales.adjusted(fact);
    toldOf(books, fact.order);
  },
  orderAdjustmentsKept,
  orderMoved,
  orderSettled: orderMoved,
  orderReinstated: orderMoved,
  orderArchived,
  keyKept,
  keysDropped,
  tokenIssued: nothing,
  tokenClaimed: (books, fact, time) => books.tokens.claimed(fact, time),
  clockJumped: (books, fact) => {
    books.jumpedMs += fact.ms;
  },
  orderBegun,
  branchAnswered: orderBranchAnswered,
  branchBegun: (books, fact) => {
    books.pending.get(fact.order)!.begun = fact.branch + 1;
  },
  orderRefused,
  messageSent: (books, fact) => books.outboxes.sent(fact.peer, fact.body),
  messageReceived: (books, fact) => void books.outboxes.heardUpTo.set(fact.peer, fact.upTo),
  messagesAcked: (books, fact) => books.outboxes.acked(fact.peer, fact.upTo),
  branchTried: (books, fact) => books.branches.tried(fact),
  branchEnded: (books, fact) => books.branches.ended(fact.order, fact.branch),
  paymentBooked: payment,
  paymentArrived: payment,
  paymentForwarded: nothing,
  paymentApplied: (books, fact) => {
    books.afterSales.applied(fact);
    addToOrder(books, fact.order, fact.amount, 0, 0);
    toldOf(books, fact.order);
  },
  reinstatementBegun,
  reinstatementEnded,
  refundRequested: (books, fact) => {
    books.afterSales.asked(fact, books.orders.has(fact.order));
    toldOf(books, fact.order);
  },
  refundDone: orderRefunded,
  refundRefused: (books, fact) => {
    books.afterSales.ended(fact);
    toldOf(books, fact.order);
  },
  refundUnknown: (books, fact) => {
    books.afterSales.unknown(fact);
    toldOf(books, books.afterSales.refunds.get(fact.refund)!.order);
  },
  pointsGranted: (books, fact) => {
    account(books, fact, 0);
    addToOrder(books, fact.order, 0, 0, fact.points);
  },
  pointsReversed: (books, fact) => {
    account(books, fact, 0);
    addToOrder(books, fact.order, 0, 0, -fact.points);
  },
  pointsSpent: account,
  humanOpened: human,
  humanResolved: human,
  entryMade: (books, fact) => {
    for (const name of [fact.from, fact.to]) {
      const id = walletIn(name);
      if (id === undefined) continue;
      const wallet = books.accountByName.get(id);
      if (!wallet) throw new Error(`item ${fact.item}: an entry of ${name}, which there is not`);
      evolveAccount(wallet, fact);
    }
    books.human.booked(fact);
  },
  paymentClaimed: (books, fact) => books.human.claimed(fact),
  callMade: call,
  callFailed: call,
  callEnded: call,
  callRepeated: call,
  callStuck: call,
  transactionBegun: (books, fact, time) => {
    transaction(books, fact, time);
    transactionKeyRuns(books, fact, time);
  },
  partBegun: transaction,
  partAnswered: transaction,
  transactionDecided: transaction,
  partEnding: transaction,
  partSettled: transaction,
  partFailed: transaction,
  partRepeated: transaction,
  partStuck: transaction,
  transactionEnded: transaction,
  fenceSet: fence,
  fenceMoved: fence,
  fencesDropped: fence,
  moneyTransferred: (books, fact) => {
    if (isAccountBucket(fact.from) || isAccountBucket(fact.to))
      evolveAccount(books.accounts[fact.account]!, fact);
  },
};

/** By the fact's number: one look instead of a chain of comparisons. */
const byNumber: (Applier<Fact> | undefined)[] = [];
for (const [kind, apply] of Object.entries(appliers))
  byNumber[catalogue[kind as FactKind].number] = apply as Applier<Fact>;

function msOf(time: number): number {
  return Math.floor(time / 1000);
}
