/**
 * A canceled order whose money came late, where the operator wants it reinstated and its products live on other shards: they are
 * asked for its lines once more, a TCC of its own. Until they have answered the money lies in suspense.
 *
 *   reinstatement.begun ── try ──▶      holds, or refuses
 *                 ◀─ answered ──
 *   all hold: applied, Paid;  one refuses, or the deadline: refunded       the one point of no return
 *                 ── confirm ──▶  sold            ── cancel ──▶  given back
 *
 * REINSTATE-ORDER-1  A reinstatement ends: all answers come, or its deadline does.
 * REINSTATE-ORDER-2  An order is reinstated once. An answer to a first try may still be on its way when a second would be asked for, and the
 *                    same branch could not tell them apart; so another late payment is refunded.
 */

import { Facts } from "../../actors/facts.js";
import { orderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import type { PartState } from "../../actors/transactions/next-step.js";
import { advance, giveUp, linesOf, newRun, type Run } from "../cross-shard/cross-shard-run.js";
import type { MessageOf } from "../links/messages.js";
import { placedOrder } from "../orders/look-order.js";
import type { SuspendedPayment } from "../refunds/refund-calls.js";
import { type Reinstatement, reinstatementEnds } from "../tables/cross-shard-table.js";
import type { Turn } from "../turns/turn.js";
import { tellSettled } from "./payment-answers.js";
import { giveBack, recordReinstated } from "./settle-payment.js";

/** Whether the order would come back for this payment, if all that it was to have can be taken again. */
export function canReinstateAcross(turn: Turn, { reference, amount }: SuspendedPayment): boolean {
  const { books, settings } = turn;
  const number = placedOrder(turn, reference);
  if (settings.latePayment !== "reinstate" || number === undefined || !books.orders.isCrossed(number))
    return false;
  if (books.afterSales.get(number)?.reclaimed) return false;
  const { status, paid, total } = books.orders.read(number, books.order);
  return status === Statuses.Canceled && paid === 0 && total > 0 && amount >= total;
}

/** Asks for every line. The payment must lie in suspense, and its name be kept as running. */
export function beginReinstatement(turn: Turn, payment: SuspendedPayment): void {
  const { number, provider, paymentId, currency, amount } = payment;
  const order = placedOrder(turn, payment.reference)!;
  const expiresAt = turn.nowMs + turn.settings.payWithinMs;
  const name = { payment: number, provider, paymentId, currency, amount };
  turn.record({ type: Facts.reinstatementBegun, order, ...name, expiresAt });
  advance(turn, runOf(turn, turn.books.reinstatements.get(order)!, "waiting"));
}

/** A product has answered. */
export function takeReinstatementAnswer(
  turn: Turn,
  reinstatement: Reinstatement,
  answer: MessageOf<"answered">,
): void {
  const { order, branch, code, unitPrice, text } = answer;
  const product = turn.books.productByName.get(linesOf(turn, order)[branch]!.productId)!.handle;
  turn.record({ type: Facts.branchAnswered, order, branch, product, unitPrice, code, text });
  advance(turn, runOf(turn, reinstatement, "begun"));
}

/** The products had their time. */
export function expireReinstatement(turn: Turn, reinstatement: Reinstatement): void {
  giveUp(turn, runOf(turn, reinstatement, "begun"));
}

/** `unanswered`: where the lines stand that have not answered. */
function runOf(turn: Turn, reinstatement: Reinstatement, unanswered: PartState): Run {
  const { order, answers } = reinstatement;
  const states = answers.map(
    (holds): PartState => (holds === undefined ? unanswered : holds ? "done" : "refused"),
  );
  const lines = linesOf(turn, order);
  return newRun({ order, saga: false, lines, states, decided: (how) => end(turn, reinstatement, how) });
}

/** The money leaves suspense. */
function end(turn: Turn, reinstatement: Reinstatement, how: keyof typeof reinstatementEnds): void {
  const { order, payment: number, provider, paymentId, currency, amount } = reinstatement;
  const payment: SuspendedPayment = {
    number,
    provider,
    paymentId,
    reference: orderId(order),
    currency,
    amount,
  };
  turn.record({ type: Facts.reinstatementEnded, order, how: reinstatementEnds[how] });
  const settled =
    how === "done"
      ? recordReinstated(turn, payment, order)
      : giveBack(turn, payment, "late_payment", order, amount);
  tellSettled(turn, order, payment, settled);
}
