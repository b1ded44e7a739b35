/**
 * Orders whose products live on other shards than their account. The order is the coordinator; every line is a branch.
 *
 *   coordinator             product's shard
 *   begun    ── try ──▶     holds, or refuses
 *            ◀─ answered ──
 *   all answered: placed, or refused; the one point of no return
 *            ── confirm ──▶ sold         paid as it was placed, or later
 *            ── cancel ──▶  given back   refused, canceled, expired
 *
 * Every arrow is written into the log of the shard that it leaves and numbered there, so it arrives once and in
 * order (`channel`). Lines that happen to live here take the same way, through a channel to oneself.
 *
 * V1  A product's shard never decides how a branch ends.
 * V2  A pending order ends: all answers come, or its deadline does.
 */

import type { Account } from "../actors/account.js";
import { Facts, type Line } from "../actors/facts.js";
import { deadlines } from "../actors/order.js";
import { orderNumber, orderSlot, slotOf } from "../actors/order-number.js";
import { Statuses } from "../actors/order-transitions.js";
import { decideTake } from "../actors/product.js";
import { type Refusal, refuse, resultOf, resultOfNumber } from "../actors/results.js";
import { nameAccount } from "./account-commands.js";
import { answerRefusal, orderView } from "./answers.js";
import { addSubtotal, decideTotal, type Failure, payWithinMs, refuseCart } from "./cart.js";
import type { LineAsked, PlaceOrder } from "./commands.js";
import type { PendingOrder } from "./crossing-state.js";
import { keepOrder, keepRefusal, keyedMethods } from "./exactly-once.js";
import { spaces } from "./key-table.js";
import { encodeMessage, type Message } from "./messages.js";
import { shardOfSlot } from "./slots.js";
import { takeTransactionMessage } from "./transactions/coordinator.js";
import type { Turn } from "./turn.js";

const method = keyedMethods["order.place"];
const notFound = resultOf("product_not_found").number;

export function crosses(turn: Turn, lines: readonly LineAsked[]): boolean {
  return lines.some(({ product }) => shardOfSlot(slotOf(product), turn.shards) !== turn.shard);
}

/** Starts an order. Its request is answered when all branches have. */
export function beginCrossing(
  turn: Turn,
  command: PlaceOrder,
  lines: readonly LineAsked[],
  paramsHash: number,
): void {
  if (command.dryRun) {
    const reason = "not for an order whose products live on other shards than its account";
    answerRefusal(turn, command, refuse("invalid_request", { path: "params.dryRun", reason }));
    return;
  }
  const account = nameAccount(turn, command.account);
  // In the fact an expectedTotal of "" means that nothing was said, so it is refused before it could mean that.
  const refusal =
    account.currency < 0
      ? refuse("account_not_found", { account: command.account })
      : command.expectedTotal === ""
        ? refuse("invalid_amount", { amount: "" })
        : undefined;
  if (refusal) {
    keepRefusal(turn, spaces.order, account.handle, command.key, method, paramsHash, command.at, refusal);
    answerRefusal(turn, command, refusal);
    return;
  }
  const order = orderNumber(turn.books.orders.nextSequence, slotOf(account.id));
  turn.record({
    type: Facts.orderBegun,
    order,
    account: account.handle,
    payNow: command.pay === "balance" ? 1 : 0,
    ...deadlines(turn.nowMs, payWithinMs(turn, command), turn.settings.graceMs),
    expectedTotal: command.expectedTotal ?? "",
    key: command.key,
    paramsHash,
    at: command.at ?? turn.nowMs,
    lines: lines.map(({ product, qty }) => ({ productId: product, qty })),
  });
  turn.waiters.set(order, [command]);
  lines.forEach(({ product, qty }, branch) => {
    send(turn, slotOf(product), { kind: "try", order, branch, product, qty, account: account.id });
  });
}

/** A message of a peer, in order and for the first time. */
export function takeMessage(turn: Turn, message: Message): void {
  switch (message.kind) {
    case "try":
      tryBranch(turn, message);
      break;
    case "answered":
      takeAnswer(turn, message);
      break;
    case "confirm":
      endBranch(turn, message.order, message.branch, "confirm");
      break;
    case "cancel":
      endBranch(turn, message.order, message.branch, "release");
      break;
    default:
      takeTransactionMessage(turn, message);
  }
}

/** Tells the shards of an order's products how it ended. */
export function endBranches(turn: Turn, order: number, how: "confirm" | "release"): void {
  const { books } = turn;
  books.orders.eachLine(order, (product, _qty, _unitPrice, branch) => {
    const kind = how === "confirm" ? "confirm" : "cancel";
    send(turn, slotOf(books.products[product]!.id), { kind, order, branch });
  });
}

/** Ends an order that was not placed yet. */
export function refusePending(turn: Turn, pending: PendingOrder, refusal: Refusal): void {
  const { order, account, key, paramsHash, at } = pending;
  turn.record({ type: Facts.orderRefused, order });
  keepRefusal(turn, spaces.order, account, key, method, paramsHash, at, refusal);
  pending.lines.forEach(({ productId }, branch) => {
    send(turn, slotOf(productId), { kind: "cancel", order, branch });
  });
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.refused(id, refusal, index > 0);
    turn.touch(requester);
  }
}

function tryBranch(turn: Turn, asked: Extract<Message, { kind: "try" }>): void {
  const { order, branch, qty } = asked;
  const product = turn.books.productByName.get(asked.product);
  const account = nameAccount(turn, asked.account).handle;
  const known = product && !product.remote ? product : undefined;
  const refusal = known ? decideTake(known, account, qty, turn.nowMs) : refuse("product_not_found");
  if (known && !refusal) {
    turn.record({ type: Facts.branchTried, order, branch, product: known.handle, account, qty });
    const available = known.available - qty;
    turn.record({ type: Facts.stockHeld, product: known.handle, order, account, qty, available });
  }
  send(turn, orderSlot(order), {
    kind: "answered",
    order,
    branch,
    code: refusal ? resultOf(refusal.code).number : 0,
    unitPrice: known?.price ?? 0,
    currency: known?.currency ?? 0,
    name: known?.name ?? "",
    text: refusal?.details ? JSON.stringify(refusal.details) : "",
  });
}

function takeAnswer(turn: Turn, answer: Extract<Message, { kind: "answered" }>): void {
  const { order, branch, code, unitPrice, currency, name, text } = answer;
  const { books } = turn;
  // The deadline may have come first: then the branch was told to give its stock back already.
  const pending = books.pending.get(order);
  if (!pending) return;
  const id = pending.lines[branch]!.productId;
  // Also when the line is refused: its currency and its price still have a say in what the whole cart is refused for.
  if (code !== notFound && !books.productByName.has(id))
    turn.record({ type: Facts.productKnown, id, name, currency });
  const product = books.productByName.get(id)?.handle ?? 0;
  turn.record({ type: Facts.branchAnswered, order, branch, product, unitPrice, code, text });
  if (pending.missing === 0) decidePending(turn, pending);
}

function decidePending(turn: Turn, pending: PendingOrder): void {
  const { books } = turn;
  const account = books.accounts[pending.account]!;
  const failures: Failure[] = [];
  const lines: Line[] = [];
  let total: number | undefined = 0;
  pending.lines.forEach(({ productId, qty }, branch) => {
    const { code, product, unitPrice, text } = pending.answers[branch]!;
    if (code !== notFound && books.products[product]!.currency !== account.currency) {
      failures.push({ product: productId, refusal: refuse("currency_mismatch") });
    } else if (code !== 0) {
      const details = text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
      failures.push({ product: productId, refusal: refuse(resultOfNumber(code)!.code, details) });
    }
    total = addSubtotal(total, unitPrice, qty);
    lines.push({ product, qty, unitPrice });
  });
  const paid = pending.payNow || total === 0;
  const expectedTotal = pending.expectedTotal === "" ? undefined : pending.expectedTotal;
  const refusal = decideTotal(account, total, expectedTotal, paid);
  if (refusal) failures.push({ refusal });
  if (failures.length > 0) refusePending(turn, pending, refuseCart(failures));
  else placePending(turn, pending, account, lines, total!, paid);
}

function placePending(
  turn: Turn,
  pending: PendingOrder,
  account: Account,
  lines: readonly Line[],
  total: number,
  paid: boolean,
): void {
  const { order } = pending;
  turn.record({
    type: Facts.orderPlaced,
    order,
    account: account.handle,
    currency: account.currency,
    total,
    paid: paid ? total : 0,
    status: paid ? Statuses.Paid : Statuses.Created,
    payBy: paid ? 0 : pending.payBy,
    expiresAt: paid ? 0 : pending.expiresAt,
    lines,
  });
  if (paid) {
    turn.record({ type: Facts.moneyCaptured, account: account.handle, order, amount: total });
    endBranches(turn, order, "confirm");
  }
  keepOrder(turn, account.handle, pending.key, method, pending.paramsHash, pending.at, order);
  const view = orderView(turn.books, order);
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.order(id, view, index > 0);
    turn.touch(requester);
  }
}

/** A branch that was refused has nothing to end; one that was held ends once. */
function endBranch(turn: Turn, order: number, branch: number, how: "confirm" | "release"): void {
  const { books } = turn;
  const held = books.branch(order, branch);
  if (!held) {
    if (how === "confirm")
      throw new Error(`order ${order}: branch ${branch} is confirmed and was never held`);
    return;
  }
  const { product: handle, account, qty } = held;
  const product = books.products[handle]!;
  const confirmed = how === "confirm";
  turn.record({
    type: confirmed ? Facts.stockConfirmed : Facts.stockReleased,
    product: handle,
    order,
    account,
    qty,
    available: confirmed ? product.available : product.available + qty,
  });
  turn.record({ type: Facts.branchEnded, order, branch, how: confirmed ? 1 : 2 });
}

function takeWaiters(turn: Turn, order: number) {
  const waiting = turn.waiters.get(order) ?? [];
  turn.waiters.delete(order);
  return waiting;
}

function send(turn: Turn, slot: number, message: Message): void {
  turn.record({
    type: Facts.messageSent,
    peer: shardOfSlot(slot, turn.shards),
    body: encodeMessage(message),
  });
}
