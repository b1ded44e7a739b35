/** `order.refund`: how much, out of which lines, back to where; and what the order does meanwhile. */

import type { Account } from "../../actors/account.js";
import type { LineShare, PartShare } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { addChecked, formatAmount, parsePositiveAmount } from "../../actors/money.js";
import { decideEvent, type Order } from "../../actors/order.js";
import { refundSources } from "../../actors/postings.js";
import {
  cutToSources,
  type LineLeft,
  type Part,
  type Source,
  shareAll,
  shareAmount,
  shareUnits,
  sumOf,
} from "../../actors/refund.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { mergeLines } from "../orders/cart.js";
import { linesLeft } from "../orders/lines-left.js";
import { moveByRequest } from "../orders/move-order.js";
import { recordMove } from "../orders/order-moves.js";
import type { LineInput, RefundOrder } from "../seams/commands.js";
import { answerRefusal } from "../turns/answers.js";
import { type AmountForm, ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { refundView } from "./refund-view.js";
import { askRefunds } from "./refunds.js";

const hash = new ParamsHash();

export function refundOrder(turn: Turn, command: RefundOrder): void {
  const { reason, restock, operator } = command;
  const idle = refuseIdle(command);
  if (idle) {
    answerRefusal(turn, command, idle);
    return;
  }
  let parts: readonly Part[] = [];
  moveByRequest(
    turn,
    command,
    hashOf(command, "normal"),
    (order, account) => {
      const decided = decideRefund(turn, order, account, command);
      if ("code" in decided) return decided;
      parts = decided;
      return undefined;
    },
    ({ number }) => {
      recordMove(turn, number, "refund", { operator, remark: reason });
      return { refunds: askParts(turn, number, parts, reason, restock) };
    },
    command.amount === undefined ? undefined : hashOf(command, "written"),
  );
}

/** What the request says and cannot mean. Before the key: a malformed request is not kept under it. */
function refuseIdle({ lines, amount, extras, restock }: RefundOrder): Refusal | undefined {
  const path = "params.amount";
  if ((lines !== undefined || extras !== undefined) && amount !== undefined)
    return refuse("invalid_request", { path, reason: "either lines and extras, or an amount" });
  if (restock && extras !== undefined && lines === undefined)
    return refuse("invalid_request", { path: "params.restock", reason: "extras have no units" });
  // An amount is of no units in particular.
  if (restock && amount !== undefined)
    return refuse("invalid_request", { path: "params.restock", reason: "with lines, or a refund of all" });
  const merged = lines && mergeLines(lines);
  return merged && "code" in merged ? merged : undefined;
}

/** Asks for the parts of a refund; their views, as they stand at the end of the turn. */
export function askParts(
  turn: Turn,
  order: number,
  parts: readonly Part[],
  reason: string,
  restock: boolean,
): object[] {
  const wanted = parts.map(({ source, amount, shares }) => ({
    order,
    source: refundSources.order,
    amount,
    provider: source.provider,
    paymentId: source.paymentId,
    reason,
    restock,
    shares,
  }));
  const numbers = askRefunds(turn, wanted);
  return numbers.map((number) => refundView(turn.books, turn.books.afterSales.refunds.get(number)!));
}

/** All that is left of an order, cut to where it came from. */
export function refundOfRest(turn: Turn, order: Order, account: Account): readonly Part[] | Refusal {
  const left = linesLeft(turn, order.number);
  const shares = shareAll(left);
  return payableOf(turn, order, account, shares);
}

function decideRefund(
  turn: Turn,
  order: Order,
  account: Account,
  command: RefundOrder,
): readonly Part[] | Refusal {
  const amount =
    command.amount === undefined ? undefined : parsePositiveAmount(command.amount, order.currency);
  if (amount !== undefined && typeof amount !== "number") return amount;
  if (command.version !== undefined && command.version !== order.version)
    return refuse("version_mismatch", { version: order.version });
  const refusal = decideEvent(order, "refund", turn.nowMs);
  if (refusal) return refusal;
  const remaining = order.paid - order.refunded - (turn.books.afterSales.get(order.number)?.refunding ?? 0);
  // A free order has units to give back.
  if ((remaining === 0 && order.total > 0) || (amount ?? 0) > remaining)
    return refuse("refund_exceeds_remaining", { remaining: formatAmount(remaining, order.currency) });
  const shares = sharesOf(turn, order.number, command, amount);
  return "code" in shares ? shares : payableOf(turn, order, account, shares);
}

function sharesOf(
  turn: Turn,
  order: number,
  { lines, extras }: RefundOrder,
  amount: number | undefined,
): readonly LineShare[] | Refusal {
  const left = linesLeft(turn, order);
  if (amount !== undefined) return shareAmount(left, amount);
  if (lines === undefined && extras === undefined) return shareAll(left);
  const ofLines = lines === undefined ? [] : shareUnits(left, mergeLines(lines) as readonly LineInput[]);
  if ("code" in ofLines || extras === undefined) return ofLines;
  const ofExtras = sharesOfExtras(turn.books.afterSales.get(order)?.parts ?? [], left, extras);
  return "code" in ofExtras ? ofExtras : [...ofLines, ...ofExtras];
}

/** All that is left of what no line pays for and is called so, or is of that type. */
function sharesOfExtras(
  parts: readonly PartShare[],
  left: readonly LineLeft[],
  extras: readonly string[],
): readonly LineShare[] | Refusal {
  const shares: LineShare[] = [];
  for (const wanted of new Set(extras)) {
    const called = parts.flatMap(({ extra, name }, line) =>
      extra !== "" && (name === "" ? extra : name) === wanted && left[line]!.amount > 0 ? [line] : [],
    );
    if (called.length === 0) return refuse("line_qty_exceeds", { extra: wanted, left: 0 });
    for (const line of called) shares.push({ line, qty: 0, amount: left[line]!.amount });
  }
  return shares;
}

function payableOf(
  turn: Turn,
  order: Order,
  account: Account,
  shares: readonly LineShare[],
): readonly Part[] | Refusal {
  const parts = cutToSources(shares, sumOf(shares) === 0 ? nothingToPay : sourcesOf(turn, order));
  const toWallet = parts.reduce((sum, { source, amount }) => sum + (source.provider === "" ? amount : 0), 0);
  if (addChecked(account.available, toWallet) === undefined) return refuse("amount_overflow");
  if (parts.reduce((sum, part) => sum + part.amount, 0) !== sumOf(shares))
    throw new Error(`order ${order.number}: its sources do not hold what its lines do`);
  return parts;
}

/** Units that cost nothing come back at once: no provider is asked for 0.00, so no refund that is open has an amount of 0. */
const nothingToPay: readonly Source[] = [{ provider: "", paymentId: "", left: 0 }];

/** The wallet first, whose money came last; then the payments from outside, the newest first. */
function sourcesOf(turn: Turn, order: Order): Source[] {
  const afterSale = turn.books.afterSales.get(order.number);
  const payments = afterSale?.payments ?? [];
  const outside = payments.reduce((sum, { amount, refunded }) => sum + amount - refunded, 0);
  const left = order.paid - order.refunded - (afterSale?.refunding ?? 0);
  return [
    { provider: "", paymentId: "", left: left - outside },
    ...[...payments].reverse().map(({ provider, paymentId, amount, refunded }) => ({
      provider,
      paymentId,
      left: amount - refunded,
    })),
  ].filter((source) => source.left > 0);
}

function hashOf(
  { order, lines, amount, extras, reason, restock, operator, version }: RefundOrder,
  form: AmountForm,
): number {
  hash.begin(keyedMethods["order.refund"]).text(order).number(lines?.length);
  for (const { product, qty } of lines ?? []) hash.text(product).number(qty);
  return hash
    .amount(amount, form)
    .text(reason)
    .number(restock ? 1 : 0)
    .text(operator)
    .number(version)
    .added(extras === undefined ? undefined : JSON.stringify(extras))
    .end();
}
