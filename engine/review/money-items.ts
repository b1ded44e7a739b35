/**
 * What a human can do about money that stands still: their rows in `human-kinds`. Each leaves nothing behind: the money is
 * out of suspense, or the refund has ended.
 *
 *             payment that belongs to no order           refund that nobody knows the end of
 *   retry     it is for this order                       ask the provider again
 *   done      the money went back to the payer           the money went back to the payer
 *   undone    the money never came                       it did not, and the order keeps it
 *   entries   out of suspense, as the human says         as done; then out of clearing, as the human says
 *   write_off out of suspense to loss                    as done; then out of clearing to loss
 */

import { Facts } from "../../actors/facts.js";
import { parseRefundId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { refundSources } from "../../actors/postings.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { callOf, repeatCall } from "../calls/calls.js";
import { settlePayment, whySuspended } from "../payments/settle-payment.js";
import { askProvider, type SuspendedPayment } from "../refunds/refund-calls.js";
import { refundDone, refundRefused } from "../refunds/refunds.js";
import type { ResolveHuman } from "../seams/commands.js";
import { refCharsMax } from "../seams/limits.js";
import { logText } from "../seams/log-text.js";
import type { Refund } from "../tables/after-sales.js";
import type { HandEntry, ReviewItem } from "../tables/review-queue.js";
import type { Turn } from "../turns/turn.js";
import { decideEntries, recordEntries } from "./hand-entries.js";
import type { ItemKind, Resolve } from "./item-kind.js";

export const paymentKind: ItemKind = {
  name: "payment",
  actions: {
    retry(turn, item, command) {
      const payment = paymentOf(item, command.order);
      const why = whySuspended(turn, payment);
      if (why) return refuse(why.code, { order: payment.reference });
      return () => {
        const { order: reference } = command;
        if (reference !== undefined) turn.record({ type: Facts.paymentClaimed, item: item.item, reference });
        settlePayment(turn, payment);
      };
    },
    done: backToPayer,
    undone: backToPayer,
    entries: (turn, item, { entries }) =>
      booked(turn, item, decideEntries(turn, item, entries, { account: "suspense", way: "out" })),
    write_off: (turn, item) => booked(turn, item, [{ from: "suspense", to: "loss", amount: item.amount }]),
  },
};

export const refundKind: ItemKind = {
  name: "refund",
  actions: {
    retry: (turn, item) => () => {
      const refund = refundOf(turn, item);
      const call = callOf(turn, "refund", refund.number);
      if (call) repeatCall(turn, call);
      else askProvider(turn, refund);
    },
    done: (turn, item, command) => () => refundDone(turn, refundOf(turn, item), refOf(command)),
    undone(turn, item, command) {
      const refund = refundOf(turn, item);
      const { orders } = turn.books;
      if (refund.source !== refundSources.order || orders.status(refund.order) === Statuses.Canceled)
        return refuse("invalid_request", { path: "params.action", reason: "no order can keep the money" });
      return () => refundRefused(turn, refund, refOf(command));
    },
    entries(turn, item, command) {
      const account = `clearing:${refundOf(turn, item).provider}`;
      const entries = decideEntries(turn, item, command.entries, { account, way: "out" });
      return "code" in entries ? entries : endAndBook(turn, item, command, entries);
    },
    write_off(turn, item, command) {
      const from = `clearing:${refundOf(turn, item).provider}`;
      return endAndBook(turn, item, command, [{ from, to: "loss", amount: item.amount }]);
    },
  },
};

function backToPayer(turn: Turn, item: ReviewItem): ReturnType<Resolve> {
  const to = `clearing:${paymentOf(item, undefined).provider}`;
  return booked(turn, item, [{ from: "suspense", to, amount: item.amount }]);
}

function booked(turn: Turn, item: ReviewItem, entries: readonly HandEntry[] | Refusal): ReturnType<Resolve> {
  return "code" in entries ? entries : () => recordEntries(turn, item, entries);
}

function endAndBook(
  turn: Turn,
  item: ReviewItem,
  command: ResolveHuman,
  entries: readonly HandEntry[],
): () => void {
  return () => {
    refundDone(turn, refundOf(turn, item), refOf(command));
    recordEntries(turn, item, entries);
  };
}

function refundOf(turn: Turn, item: ReviewItem): Refund {
  return turn.books.afterSales.refunds.get(parseRefundId(item.subject)!)!;
}

function refOf({ evidence, reason }: ResolveHuman): string {
  return logText(evidence ?? reason, refCharsMax);
}

/** `order`: what the human says it is for, instead of what the provider said. */
function paymentOf({ evidence, currency, amount }: ReviewItem, order: string | undefined): SuspendedPayment {
  const said = JSON.parse(evidence) as {
    payment: number;
    provider: string;
    paymentId: string;
    order: string;
  };
  const { payment: number, provider, paymentId } = said;
  return { number, provider, paymentId, reference: order ?? said.order, currency, amount };
}
