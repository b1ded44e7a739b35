/** What happens to an order after it was placed: pay, cancel, expire; and looking at it. */

import { type Account, canTakeMoney } from "../actors/account.js";
import { Facts } from "../actors/facts.js";
import { formatAmount } from "../actors/money.js";
import { decideEvent, isExpired, type Order } from "../actors/order.js";
import { parseOrderId } from "../actors/order-number.js";
import { Statuses } from "../actors/order-transitions.js";
import { type Refusal, refuse } from "../actors/results.js";
import {
  answerOrder,
  answerRefusal,
  answerResult,
  askOutside,
  keptOrderView,
  keptRefusal,
} from "./answers.js";
import type { CancelOrder, GetOrder, LookupOrder, PayOrder } from "./commands.js";
import { endBranches, refusePending } from "./crossing.js";
import { keepOrder, keepRefusal, keyedMethods, settledByKey } from "./exactly-once.js";
import { running, spaces } from "./key-table.js";
import { viewToResult } from "./order-result.js";
import { ParamsHash } from "./params-hash.js";
import type { Turn } from "./turn.js";

/** Why an order was canceled, in the log. */
const causes = { request: 1, deadline: 2 } as const;

const hash = new ParamsHash();

export function payOrder(turn: Turn, command: PayOrder): void {
  moveByRequest(turn, command, undefined, decidePay, (order, account) => recordPayment(turn, order, account));
}

export function cancelOrder(turn: Turn, command: CancelOrder): void {
  const reason = command.reason;
  moveByRequest(turn, command, reason, decideCancel, (order) =>
    recordCancel(turn, order, causes.request, reason ?? ""),
  );
}

/** A timer fired. Does nothing when the order has moved on. */
export function expireOrder(turn: Turn, number: number): void {
  const { books } = turn;
  const pending = books.pending.get(number);
  if (pending) {
    refusePending(turn, pending, refuse("hold_expired"));
    return;
  }
  const order = books.orders.read(number, books.order);
  if (isExpired(order, turn.nowMs)) recordCancel(turn, order, causes.deadline, "the time to pay has passed");
}

export function getOrder(turn: Turn, command: GetOrder): void {
  const order = placedOrder(turn, command.order);
  if (order === undefined) answerRefusal(turn, command, refuse("order_not_found"));
  else answerOrder(turn, command, order);
}

/** The moves of an order come from the read side, once it has come as far as this turn. */
export function orderHistory(turn: Turn, command: GetOrder): void {
  if (placedOrder(turn, command.order) === undefined) answerRefusal(turn, command, refuse("order_not_found"));
  else askOutside(turn, command);
}

/** What became of a key: never seen, still running, or its stored answer. */
export function lookupOrder(turn: Turn, command: LookupOrder): void {
  const { accountByName, keys } = turn.books;
  const account = accountByName.get(command.account);
  const entry = account ? keys.find(spaces.order, account.handle, command.key) : -1;
  if (entry < 0) {
    answerResult(turn, command, { state: "never_seen" });
    return;
  }
  const kept = keys.read(entry);
  if (kept.code === running) answerResult(turn, command, { state: "running" });
  else if (kept.code !== 0) answerResult(turn, command, { state: "found", error: keptRefusal(kept) });
  else answerResult(turn, command, { state: "found", result: viewToResult(keptOrderView(turn.books, kept)) });
}

/** The number of an order that can be seen here. */
function placedOrder(turn: Turn, id: string): number | undefined {
  const number = parseOrderId(id);
  const { orders } = turn.books;
  if (number === undefined || !orders.has(number) || orders.status(number) === Statuses.None)
    return undefined;
  return number;
}

type Decide = (turn: Turn, order: Order, account: Account) => Refusal | undefined;

/** The path that pay and cancel share: find, key, decide, record, keep, answer. */
function moveByRequest(
  turn: Turn,
  command: PayOrder | CancelOrder,
  reason: string | undefined,
  decide: Decide,
  move: (order: Order, account: Account) => void,
): void {
  const { books } = turn;
  const number = placedOrder(turn, command.order);
  if (number === undefined) {
    answerRefusal(turn, command, refuse("order_not_found"));
    return;
  }
  const account = books.accounts[books.orders.account(number)]!;
  const method = keyedMethods[command.method];
  const paramsHash = hash.begin(method).text(command.order).text(reason).end();
  if (settledByKey(turn, command, account, command.key, paramsHash, command.at)) return;

  const order = books.orders.read(number, books.order);
  const refusal = decide(turn, order, account);
  if (refusal) {
    keepRefusal(turn, spaces.order, account.handle, command.key, method, paramsHash, command.at, refusal);
    answerRefusal(turn, command, refusal);
    return;
  }
  move(order, account);
  keepOrder(turn, account.handle, command.key, method, paramsHash, command.at, number);
  answerOrder(turn, command, number);
}

/**
 * The event stands before the funds here, against the order of precedence: an order that cannot be paid any more has
 * nothing due, and "insufficient funds" would send its buyer off to top up for nothing.
 */
function decidePay(turn: Turn, order: Order, account: Account): Refusal | undefined {
  const refusal = decideEvent(order, "pay", turn.nowMs);
  if (refusal) return refusal;
  const due = order.total - order.paid;
  if (canTakeMoney(account, due)) return undefined;
  return refuse("insufficient_funds", {
    available: formatAmount(account.available, account.currency),
    due: formatAmount(due, account.currency),
  });
}

function decideCancel(turn: Turn, order: Order): Refusal | undefined {
  return decideEvent(order, "cancel", turn.nowMs);
}

function recordPayment(turn: Turn, order: Order, account: Account): void {
  // `order` is a shared row buffer: recording reads other orders into it.
  const { number, total } = order;
  endHolds(turn, number, "confirm");
  turn.record({ type: Facts.orderPaid, order: number, amount: total });
  turn.record({ type: Facts.moneyCaptured, account: account.handle, order: number, amount: total });
}

function recordCancel(turn: Turn, order: Order, cause: number, reason: string): void {
  const { number } = order;
  endHolds(turn, number, "release");
  turn.record({ type: Facts.orderCanceled, order: number, cause, reason });
}

/** Stock that the order holds is sold or given back: here directly, on other shards by message. */
function endHolds(turn: Turn, number: number, how: "confirm" | "release"): void {
  const { books } = turn;
  if (books.orders.isCrossed(number)) {
    endBranches(turn, number, how);
    return;
  }
  const account = books.orders.account(number);
  const type = how === "confirm" ? Facts.stockConfirmed : Facts.stockReleased;
  books.orders.eachLine(number, (handle, qty) => {
    const product = books.products[handle]!;
    const available = how === "confirm" ? product.available : product.available + qty;
    turn.record({ type, product: handle, order: number, account, qty, available });
  });
}
