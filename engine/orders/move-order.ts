/** Moving an order: the path that all requests for it share, and the two first moves, pay and cancel. */

import { type Account, decideCapture } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { decideEvent, type Order } from "../../actors/order.js";
import { Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import { shareAll } from "../../actors/refund.js";
import { type Refusal, refuse, unlooked } from "../../actors/results.js";
import { endBranches } from "../cross-shard/cross-shard.js";
import { askRefund } from "../refunds/refunds.js";
import type {
  AdvanceOrder,
  CancelOrder,
  Command,
  GetOrder,
  PayOrder,
  RefundOrder,
} from "../seams/commands.js";
import { spaces } from "../tables/key-table.js";
import { answerOrder, answerRefusal, answerResult, orderView } from "../turns/answers.js";
import { keepOrder, keepRefusal, settledByKey } from "../turns/exactly-once.js";
import { viewToResult } from "../turns/order-result.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { linesLeft } from "./lines-left.js";
import { isArchived, placedOrder } from "./look-order.js";
import { nameOperator } from "./order-moves.js";
import { grantPoints } from "./points.js";

/** Why an order was canceled, in the log. */
export const causes = { request: 1, deadline: 2 } as const;

const hash = new ParamsHash();

type MoveCommand = PayOrder | CancelOrder | AdvanceOrder | RefundOrder;

/** Whether the order may move so now. */
export type Decide = (order: Order, account: Account) => Refusal | undefined;

/** Records the move; what it returns stands beside the order in the answer. */
export type Move = (order: Order, account: Account) => object | undefined;

export function payOrder(turn: Turn, command: PayOrder): void {
  const { order: id, operator } = command;
  const params = hash.begin(keyedMethods[command.method]).text(id).text(undefined).added(operator).end();
  moveByRequest(
    turn,
    command,
    params,
    (order, account) => decidePay(order, account, turn.nowMs),
    (order, account) => recordPayment(turn, order, account, operator),
  );
}

export function cancelOrder(turn: Turn, command: CancelOrder): void {
  const { order: id, reason, operator } = command;
  const params = hash.begin(keyedMethods[command.method]).text(id).text(reason).added(operator).end();
  moveByRequest(
    turn,
    command,
    params,
    (order) => decideEvent(order, "cancel", turn.nowMs),
    (order) => recordCancel(turn, order, causes.request, reason ?? "", operator),
  );
}

/** Find, key, decide, record, keep, answer. */
export function moveByRequest(
  turn: Turn,
  command: MoveCommand,
  paramsHash: number,
  decide: Decide,
  move: Move,
  writtenHash = paramsHash,
): void {
  const { books } = turn;
  const number = placedOrder(turn, command.order);
  if (number === undefined) {
    if (isArchived(turn, command.order)) refuseArchived(turn, command, paramsHash, writtenHash);
    else answerRefusal(turn, command, refuse("order_not_found"));
    return;
  }
  const account = books.accounts[books.orders.account(number)]!;
  const method = keyedMethods[command.method];
  if (settledByKey(turn, command, account, command.key, paramsHash, command.at, writtenHash)) return;

  const order = books.orders.read(number, books.order);
  const refusal = decide(order, account);
  if (refusal) {
    keepRefusal(turn, spaces.order, account.handle, command.key, method, paramsHash, command.at, refusal);
    answerRefusal(turn, command, refusal);
    return;
  }
  const beside = move(order, account);
  const text = beside === undefined ? "" : JSON.stringify(beside);
  keepOrder(turn, account.handle, command.key, method, paramsHash, command.at, number, text);
  if (beside === undefined) answerOrder(turn, command, number);
  else {
    const view = viewToResult(orderView(books, number, turn.nowMs));
    answerResult(turn, command, { ...beside, order: view });
  }
}

/**
 * Nothing moves an archived order. But its account's key may have been used for a move that did happen, and the read side
 * alone knows whose the order was: the key is asked for, and kept with the refusal, once that is known.
 */
function refuseArchived(turn: Turn, command: MoveCommand, paramsHash: number, writtenHash: number): void {
  const ask = { ...command, method: "order.get" } as Command as GetOrder;
  turn.askDeferred(ask, (found) => {
    if ("code" in found) {
      // That there never was such an order is certain; of anything else the key was not looked up.
      const refusal = found as Refusal;
      answerRefusal(turn, command, refusal.code === "order_not_found" ? refusal : unlooked(refusal));
      return;
    }
    const { account: id, status } = found as { account: string; status: string };
    const { key, at, method } = command;
    const account = turn.books.accountByName.get(id)!;
    if (settledByKey(turn, command, account, key, paramsHash, at, writtenHash)) return;
    const event = method === "order.advance" ? command.event : method.slice("order.".length);
    const refusal = refuse("invalid_transition", { from: status, event, allowed: [] });
    const number = keyedMethods[method];
    keepRefusal(turn, spaces.order, account.handle, key, number, paramsHash, at, refusal);
    answerRefusal(turn, command, refusal);
  });
}

/**
 * The event stands before the funds here, against the order of precedence: an order that cannot be paid any more has
 * nothing due, and "insufficient funds" would send its buyer off to top up for nothing.
 */
function decidePay(order: Order, account: Account, nowMs: number): Refusal | undefined {
  const refusal = decideEvent(order, "pay", nowMs);
  if (refusal) return refusal;
  return decideCapture(account, order.total - order.paid, "due");
}

/** `order` is a shared row buffer: recording reads other orders into it. */
function recordPayment(turn: Turn, order: Order, account: Account, operator: string | undefined): undefined {
  const { number } = order;
  const amount = order.total - order.paid;
  endHolds(turn, number, "confirm");
  turn.record({ type: Facts.orderPaid, order: number, amount });
  nameOperator(turn, number, operator);
  turn.record({ type: Facts.moneyCaptured, account: account.handle, order: number, amount });
  grantPoints(turn, number, "paid");
  return undefined;
}

/**
 * What came from outside and was not enough goes back to where it came from. A free order has its units already: they come back with
 * a refund of 0.00, as those of any order that was paid.
 */
export function recordCancel(
  turn: Turn,
  order: Order,
  cause: number,
  reason: string,
  operator?: string,
): undefined {
  const { number, status } = order;
  const holds = status === Statuses.Created;
  const shares = holds ? [] : shareAll(linesLeft(turn, number));
  if (holds) endHolds(turn, number, "release");
  turn.record({ type: Facts.orderCanceled, order: number, cause, reason });
  nameOperator(turn, number, operator);
  if (!holds) {
    const source = refundSources.order;
    const nothing = { amount: 0, provider: "", paymentId: "" };
    askRefund(turn, { order: number, source, ...nothing, reason, restock: true, shares });
  }
  for (const { provider, paymentId, amount } of turn.books.afterSales.get(number)?.payments ?? []) {
    const source = refundSources.order;
    askRefund(turn, {
      order: number,
      source,
      amount,
      provider,
      paymentId,
      reason,
      restock: false,
      shares: [],
    });
  }
  return undefined;
}

/** Stock that the order holds is sold or given back: here directly, on other shards by message. */
export function endHolds(turn: Turn, number: number, how: "confirm" | "release"): void {
  const { books } = turn;
  if (books.orders.isCrossed(number)) {
    endBranches(turn, number, how === "confirm" ? "done" : "undone");
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
