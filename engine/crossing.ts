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
 * In saga mode there is no hold: take sells at once, keep says that it was right, undo is its compensation. Others see the
 * stock go and come back; in exchange nothing waits for a second message.
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
import { decideAnswered, payWithinMs } from "./cart.js";
import type { LineAsked, PlaceOrder } from "./commands.js";
import { type PendingOrder, payNowModes } from "./crossing-state.js";
import { keepOrder, keepRefusal, keyedMethods } from "./exactly-once.js";
import { spaces } from "./key-table.js";
import { encodeMessage, type Message, type MessageOf } from "./messages.js";
import { grantPoints } from "./points.js";
import { shardOfSlot } from "./slots.js";
import type { Turn } from "./turn.js";

const method = keyedMethods["order.place"];
const notFound = resultOf("product_not_found").number;

/** One step after the other, compensated when one fails: asked for, and only where money is taken in the same call. */
export function isSaga({ mode, pay }: PlaceOrder): boolean {
  return mode === "saga" && pay === "balance";
}

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
    payNow: command.pay === "later" ? payNowModes.later : payNowModes[command.mode],
    ...deadlines(turn.nowMs, payWithinMs(turn, command), turn.settings.graceMs),
    expectedTotal: command.expectedTotal ?? "",
    key: command.key,
    paramsHash,
    at: command.at ?? turn.nowMs,
    lines: lines.map(({ product, qty }) => ({ productId: product, qty })),
  });
  turn.waiters.set(order, [command]);
  lines.forEach(({ product, qty }, branch) => {
    const kind = isSaga(command) ? "take" : "try";
    send(turn, slotOf(product), { kind, order, branch, product, qty, account: account.id });
  });
}

/** A message about an order that crosses shards. */
export function takeOrderMessage(
  turn: Turn,
  message: Exclude<Message, MessageOf<"payment" | "settled">>,
): void {
  switch (message.kind) {
    case "try":
    case "take":
      tryBranch(turn, message);
      break;
    case "answered":
      takeAnswer(turn, message);
      break;
    case "confirm":
    case "cancel":
    case "keep":
    case "undo":
      endBranch(turn, message.order, message.branch, message.kind);
      break;
    case "return":
      takeBack(turn, message);
      break;
  }
}

/** Tells a product's shard that units come back. */
export function sendReturn(turn: Turn, slot: number, returned: Omit<ReturnMessage, "kind">): void {
  send(turn, slot, { kind: "return", ...returned });
}

type TryMessage = MessageOf<"try" | "take">;
type EndKind = "confirm" | "cancel" | "keep" | "undo";
type ReturnMessage = MessageOf<"return">;

function takeBack(turn: Turn, { order, product: id, qty, account }: ReturnMessage): void {
  const product = turn.books.productByName.get(id)!;
  const buyer = nameAccount(turn, account).handle;
  const available = product.available + qty;
  turn.record({ type: Facts.stockReturned, product: product.handle, order, account: buyer, qty, available });
}

/** Tells the shards of an order's products how it ended. */
export function endBranches(turn: Turn, order: number, kind: EndKind): void {
  const { books } = turn;
  books.orders.eachLine(order, (product, _qty, _unitPrice, branch) => {
    send(turn, slotOf(books.products[product]!.id), { kind, order, branch });
  });
}

/** Ends an order that was not placed yet. */
export function refusePending(turn: Turn, pending: PendingOrder, refusal: Refusal): void {
  const { order, account, key, paramsHash, at } = pending;
  turn.record({ type: Facts.orderRefused, order });
  keepRefusal(turn, spaces.order, account, key, method, paramsHash, at, refusal);
  const kind = pending.saga ? "undo" : "cancel";
  // The newest first, as a saga's steps are compensated.
  for (const [branch, { productId }] of [...pending.lines.entries()].reverse())
    send(turn, slotOf(productId), { kind, order, branch });
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.refused(id, refusal, index > 0);
    turn.touch(requester);
  }
}

function tryBranch(turn: Turn, asked: TryMessage): void {
  const { order, branch, qty } = asked;
  const product = turn.books.productByName.get(asked.product);
  const account = nameAccount(turn, asked.account).handle;
  const known = product && !product.remote ? product : undefined;
  const refusal = known ? decideTake(known, account, qty, turn.nowMs) : refuse("product_not_found");
  if (known && !refusal) {
    turn.record({ type: Facts.branchTried, order, branch, product: known.handle, account, qty });
    const available = known.available - qty;
    const type = asked.kind === "take" ? Facts.stockSold : Facts.stockHeld;
    turn.record({ type, product: known.handle, order, account, qty, available });
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
  const answers = pending.lines.map((_line, branch) => pending.answers[branch]!);
  const answered = pending.lines.map(({ productId, qty }, branch) => {
    const { code, product, unitPrice, text } = answers[branch]!;
    const currency = code === notFound ? undefined : books.products[product]!.currency;
    const refusal = code === 0 ? undefined : refuse(resultOfNumber(code)!.code, detailsOf(text));
    return { productId, qty, unitPrice, currency, refusal };
  });
  const expectedTotal = pending.expectedTotal === "" ? undefined : pending.expectedTotal;
  const decided = decideAnswered(account, answered, expectedTotal, pending.payNow);
  if ("code" in decided) {
    refusePending(turn, pending, decided);
    return;
  }
  const lines = answers.map(({ product, unitPrice }, branch) => ({
    product,
    qty: pending.lines[branch]!.qty,
    unitPrice,
  }));
  placePending(turn, pending, account, lines, decided.total, decided.paid);
}

function detailsOf(text: string): Record<string, unknown> | undefined {
  return text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
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
    endBranches(turn, order, pending.saga ? "keep" : "confirm");
    grantPoints(turn, order, "paid");
  }
  keepOrder(turn, account.handle, pending.key, method, pending.paramsHash, pending.at, order);
  const view = orderView(turn.books, order, turn.nowMs);
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.order(id, view, index > 0);
    turn.touch(requester);
  }
}

/** What each end does to the units of a branch, and how `branch.ended` calls it. */
const ends = {
  confirm: { type: Facts.stockConfirmed, back: false, how: 1 },
  cancel: { type: Facts.stockReleased, back: true, how: 2 },
  keep: { type: undefined, back: false, how: 1 },
  undo: { type: Facts.stockReturned, back: true, how: 2 },
} as const;

/** A branch that was refused has nothing to end; one that was held ends once. */
function endBranch(turn: Turn, order: number, branch: number, kind: EndKind): void {
  const { books } = turn;
  const { type, back, how } = ends[kind];
  const held = books.branch(order, branch);
  if (!held) {
    if (!back) throw new Error(`order ${order}: branch ${branch} is confirmed and was never held`);
    return;
  }
  const { product: handle, account, qty } = held;
  const product = books.products[handle]!;
  if (type !== undefined) {
    const available = back ? product.available + qty : product.available;
    turn.record({ type, product: handle, order, account, qty, available });
  }
  turn.record({ type: Facts.branchEnded, order, branch, how });
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
