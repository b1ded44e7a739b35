/** What facts do to the keys that make requests exactly-once. */

import type { FactOf } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { isClosed } from "../../actors/order.js";
import { isTerminal } from "../../actors/order-transitions.js";
import type { Books } from "./books.js";
import { closedStatus, type KeptResult, running, spaces } from "./key-table.js";

/** Filled anew for every key: an entry is copied into the table's rows. */
const kept: KeptResult = {
  space: 0,
  subject: 0,
  key: "",
  method: 0,
  paramsHash: 0,
  at: 0,
  doneAt: 0,
  code: 0,
  order: 0,
  orderStatus: 0,
  orderVersion: 0,
  orderPaid: 0,
  orderRefunded: 0,
  text: "",
};

export function keyKept(books: Books, fact: FactOf<"keyKept">, time: number): void {
  kept.space = fact.space;
  kept.subject = fact.subject;
  kept.key = fact.key;
  kept.method = fact.method;
  kept.paramsHash = fact.paramsHash;
  kept.at = fact.at;
  kept.doneAt = books.runningMs(time);
  kept.code = fact.code;
  kept.order = fact.order;
  kept.text = fact.text;
  let live = 0;
  if (fact.order !== 0 && fact.code === 0) {
    const order = books.orders.read(fact.order, books.order);
    live = isTerminal(order.status) ? 0 : 1;
    kept.orderStatus = isClosed(order, Math.floor(time / 1000)) ? closedStatus : order.status;
    kept.orderVersion = order.version;
    kept.orderPaid = order.paid;
    kept.orderRefunded = order.refunded;
  } else {
    kept.orderStatus = kept.orderVersion = kept.orderPaid = kept.orderRefunded = 0;
  }
  if (fact.space !== spaces.order) books.refs.keep(kept);
  // A key that was running when its order began is counted already. Not by `countKey`: the order was just read.
  else if (books.keys.keep(kept) && fact.order !== 0 && fact.code === 0) {
    books.orders.addKeys(fact.order, 1);
    books.liveKeys += live;
  }
}

/** `order`: the result of a key that is kept, or dropped. */
export function countKey(books: Books, order: number, by: 1 | -1): void {
  if (order === 0 || !books.orders.has(order)) return;
  books.orders.addKeys(order, by);
  if (!isTerminal(books.orders.status(order))) books.liveKeys += by;
}

/** Drops the oldest keys; one whose order may still move joins the back of the queue instead. */
export function keysDropped(books: Books, { count }: FactOf<"keysDropped">, time: number): void {
  for (let left = count; left > 0; left--) {
    const oldest = books.keys.oldest()!;
    books.keys.dropOldest();
    if (books.isLive(oldest.order, Math.floor(time / 1000))) {
      books.keys.keep({ ...oldest, doneAt: books.runningMs(time) });
    } else {
      if (oldest.code === 0) dropKeyOf(books, oldest.order);
      const account = books.accounts[oldest.subject]!;
      account.keysForgottenTo = Math.max(account.keysForgottenTo, oldest.at);
    }
  }
}

/** An order that is over waits for its last key to be gone; then it is due again. */
function dropKeyOf(books: Books, order: number): void {
  countKey(books, order, -1);
  if (!books.orders.has(order) || books.orders.keys(order) > 0) return;
  const { dueAt } = books.orders.read(order, books.order);
  if (dueAt !== 0) books.timers.add(dueAt, order);
}

/** The key of an order that is being placed across shards. */
export function orderKeyRuns(books: Books, fact: FactOf<"orderBegun">, time: number): void {
  countKey(books, fact.order, 1);
  keyRuns(books, fact, keyedMethods["order.place"], fact.order, time);
}

/** The key of a transaction that runs. Its number stands there negative: orders and transactions count for themselves. */
export function transactionKeyRuns(books: Books, fact: FactOf<"transactionBegun">, time: number): void {
  keyRuns(books, fact, keyedMethods["transaction.begin"], -fact.transaction, time);
}

function keyRuns(
  books: Books,
  { account: subject, key, paramsHash, at }: FactOf<"orderBegun"> | FactOf<"transactionBegun">,
  method: number,
  order: number,
  time: number,
): void {
  books.keys.keep({
    ...{ space: spaces.order, subject, key, method, paramsHash, at, doneAt: books.runningMs(time) },
    ...{ code: running, order, text: "" },
    ...{ orderStatus: 0, orderVersion: 0, orderPaid: 0, orderRefunded: 0 },
  });
}
