/**
 * Orders whose products live on other shards than their account. The order is the coordinator of a transaction whose parts
 * are its lines, each a branch at its product's shard, and last the order itself with its money, which waits for their prices.
 * What comes next is said by the rules that programs' transactions follow: `tcc/tcc`, or in saga mode `saga/saga`.
 *
 *   coordinator             product's shard (crossing-branch)
 *   begun    ── try ──▶     holds, or refuses
 *            ◀─ answered ──
 *   all answered: placed, or refused; paid at once, it is decided
 *   Created: paid, canceled or expired decides; the one point of no return
 *            ── confirm ──▶ sold
 *            ── cancel ──▶  given back
 *
 * In saga mode there is no hold: line after line is sold, then the money taken. Whatever refuses, the lines before it are given
 * back, newest first. Others see the stock go and come back; in exchange nothing waits for a second message.
 *
 * Every arrow is written into the log of the shard that it leaves and numbered there, so it arrives once and in
 * order (`channel`). Lines that happen to live here take the same way, through a channel to oneself.
 *
 * CROSS-SHARD-1  A product's shard never decides how a branch ends.
 * CROSS-SHARD-2  A pending order ends: all answers come, or its deadline does.
 */

import { Facts, type Line } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { deadlines } from "../../actors/order.js";
import { orderDataText } from "../../actors/order-data.js";
import { orderNumber, slotOf } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { type Refusal, refuse, resultOf, resultOfNumber } from "../../actors/results.js";
import { decisions, type PartState } from "../../actors/transactions/next-step.js";
import type { MessageOf } from "../links/messages.js";
import { shardOfSlot } from "../links/slots.js";
import { recordAdjusted } from "../orders/adjust.js";
import {
  type AnsweredLine,
  type Decided,
  decideAnswered,
  lineFailures,
  payWithinMs,
  refuseCart,
} from "../orders/cart.js";
import { describeOrder, nameOperator } from "../orders/order-moves.js";
import { grantPoints } from "../orders/points.js";
import type { LineInput, PlaceOrder } from "../seams/commands.js";
import { type PendingOrder, payNowModes } from "../tables/cross-shard-table.js";
import { spaces } from "../tables/key-table.js";
import { orderView } from "../turns/answers.js";
import { firstMadeAt, keepOrder, keepRefusal } from "../turns/exactly-once.js";
import type { Turn } from "../turns/turn.js";
import { advance, giveUp, linesOf, newRun, type Run } from "./cross-shard-run.js";

const method = keyedMethods["order.place"];
const notFound = resultOf("product_not_found").number;

/** One step after the other, compensated when one fails: asked for, and only where money is taken in the same call. */
export function isSaga({ mode, pay }: PlaceOrder): boolean {
  return mode === "saga" && pay === "balance";
}

export function crosses(turn: Turn, lines: readonly LineInput[]): boolean {
  return lines.some(({ product }) => shardOfSlot(slotOf(product), turn.shards) !== turn.shard);
}

/** Starts an order, whose account must be open and whose `expectedTotal` an amount. Its request is answered when all branches have. */
export function beginCrossShard(
  turn: Turn,
  command: PlaceOrder,
  lines: readonly LineInput[],
  adjustments: string,
  paramsHash: number,
): void {
  const account = turn.books.accountByName.get(command.account)!;
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
    at: firstMadeAt(turn, command.key, command.at),
    lines: lines.map(({ product, qty }) => ({ productId: product, qty })),
  });
  nameOperator(turn, order, command.operator);
  const { ref = "" } = command;
  const data = orderDataText(command);
  if (ref !== "" || data !== "") turn.record({ type: Facts.orderDescriptionKept, order, ref, data });
  if (adjustments !== "") turn.record({ type: Facts.orderAdjustmentsKept, order, asked: adjustments });
  turn.waiters.set(order, [command]);
  const pending = turn.books.pending.get(order)!;
  const untouched = lines.map((): PartState => "waiting");
  advance(turn, runOf(turn, pending, untouched));
}

/** A branch has answered. */
export function takeAnswer(turn: Turn, answer: MessageOf<"answered">): void {
  const { order, branch, code, unitPrice, currency, name, text } = answer;
  const { books } = turn;
  // The deadline may have come first: then the branch was told to give its stock back already.
  const pending = books.pending.get(order);
  if (!pending) return;
  const id = pending.lines[branch]!.productId;
  // Also when the line is refused: its currency and its price still have a say in what the whole cart is refused for.
  if (code !== notFound) learnName(turn, id, name, currency);
  const product = books.productByName.get(id)?.handle ?? 0;
  turn.record({ type: Facts.branchAnswered, order, branch, product, unitPrice, code, text });
  advance(turn, runOf(turn, pending, progressOf(pending)));
}

/** What a product of another shard is called, as its own shard says now. */
function learnName(turn: Turn, id: string, name: string, currency: number): void {
  const known = turn.books.productByName.get(id);
  if (!known || (known.remote && known.name !== name))
    turn.record({ type: Facts.productKnown, id, name, currency });
}

/** The time to pay has passed, and not everybody has answered. */
export function expirePending(turn: Turn, pending: PendingOrder): void {
  giveUp(turn, runOf(turn, pending, progressOf(pending), refuse("hold_expired")));
}

/** The record of an order that holds its lines has decided what becomes of them: their shards are told. */
export function endBranches(turn: Turn, order: number, how: keyof typeof decisions): void {
  const lines = linesOf(turn, order);
  const states = lines.map((): PartState => "done");
  advance(turn, newRun({ order, saga: false, lines, states, decision: decisions[how] }));
}

/** The order's own part answers when all lines have: placed, refused, or paid as well. Held, it stays begun until it is paid. */
function runOf(turn: Turn, pending: PendingOrder, lines: readonly PartState[], why?: Refusal): Run {
  const { order, saga } = pending;
  let refusal = why;
  // A saga's own step begins and ends in one turn; the one of a TCC waits for the prices of all lines.
  const own: PartState = saga || lines.includes("waiting") ? "waiting" : "begun";
  const run = newRun({
    order,
    saga,
    lines: pending.lines,
    states: [...lines, own],
    hearsAll: !saga,
    answerOwn() {
      const part = run.progress[lines.length]!;
      if (part.state !== "begun" || pending.missing > 0) return;
      const decided = decidePending(turn, pending);
      if ("code" in decided) {
        refusal = decided;
        part.state = "refused";
        return;
      }
      placePending(turn, pending, decided);
      if (decided.paid) part.state = "done";
    },
    decided(how) {
      if (how === "undone") refusePending(turn, pending, refusal ?? refusalOfLine(turn, pending));
    },
  });
  return run;
}

function progressOf({ lines, answers, begun }: PendingOrder): PartState[] {
  return lines.map((_line, branch) => {
    const answer = answers[branch];
    if (answer) return answer.code === 0 ? "done" : "refused";
    return branch < begun ? "begun" : "waiting";
  });
}

function decidePending(turn: Turn, pending: PendingOrder): ReturnType<typeof decideAnswered> {
  const account = turn.books.accounts[pending.account]!;
  const expectedTotal = pending.expectedTotal === "" ? undefined : pending.expectedTotal;
  return decideAnswered(account, answered(turn, pending), pending.adjustments, expectedTotal, pending.payNow);
}

/** Of a saga, which is refused before all lines were asked. */
function refusalOfLine(turn: Turn, pending: PendingOrder): Refusal {
  return refuseCart(lineFailures(turn.books.accounts[pending.account]!, answered(turn, pending)));
}

/** The lines that have answered, as their products did. */
function answered({ books }: Turn, { lines, answers }: PendingOrder): AnsweredLine[] {
  return lines.flatMap(({ productId, qty }, branch) => {
    const answer = answers[branch];
    if (!answer) return [];
    const { code, product, unitPrice, text } = answer;
    const currency = code === notFound ? undefined : books.products[product]!.currency;
    const refusal = code === 0 ? undefined : refuse(resultOfNumber(code)!.code, detailsOf(text));
    return [{ productId, qty, unitPrice, currency, refusal }];
  });
}

function detailsOf(text: string): Record<string, unknown> | undefined {
  return text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
}

/** Ends an order that was not placed. */
function refusePending(turn: Turn, pending: PendingOrder, refusal: Refusal): void {
  const { order, account, key, paramsHash, at } = pending;
  turn.record({ type: Facts.orderRefused, order });
  keepRefusal(turn, spaces.order, account, key, method, paramsHash, at, refusal);
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.refused(id, refusal, index > 0);
    turn.touch(requester);
  }
}

function placePending(turn: Turn, pending: PendingOrder, { total, paid, adjusted }: Decided): void {
  const { order, answers } = pending;
  const account = turn.books.accounts[pending.account]!;
  const lines: Line[] = pending.lines.map(({ qty }, branch) => {
    const { product, unitPrice } = answers[branch]!;
    return { product, qty, unitPrice };
  });
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
  nameOperator(turn, order, pending.operator);
  describeOrder(turn, order, account.handle, pending.ref, pending.data);
  recordAdjusted(turn, order, account.handle, account.currency, adjusted);
  if (paid) {
    turn.record({ type: Facts.moneyCaptured, account: account.handle, order, amount: total });
    grantPoints(turn, order, "paid");
  }
  keepOrder(turn, account.handle, pending.key, method, pending.paramsHash, pending.at, order);
  const view = orderView(turn.books, order, turn.nowMs);
  for (const [index, { requester, id }] of takeWaiters(turn, order).entries()) {
    requester.order(id, view, index > 0);
    turn.touch(requester);
  }
}

function takeWaiters(turn: Turn, order: number) {
  const waiting = turn.waiters.get(order) ?? [];
  turn.waiters.delete(order);
  return waiting;
}
