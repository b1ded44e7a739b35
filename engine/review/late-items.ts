/**
 * What a human can do about an effect outside that came after its part was undone, or its refund refused.
 *
 *             a part                          a refund
 *   retry     undo it once more, at once      -
 *   done      it is undone, by hand           the provider has taken it back
 *   entries   that, and these entries         that money is with the payer: these entries pay for it
 *   write_off it stays as it is               the loss account pays for it
 */

import { parseRefundId } from "../../actors/order-number.js";
import { refuse } from "../../actors/results.js";
import { dropCall, repeatCall } from "../calls/calls.js";
import type { HandEntry, ReviewItem } from "../tables/review-queue.js";
import { lateCallOf } from "../transactions/late-calls.js";
import type { Turn } from "../turns/turn.js";
import { decideEntries, recordEntries } from "./hand-entries.js";
import type { ItemKind } from "./item-kind.js";

export const lateKind: ItemKind = {
  name: "late",
  actions: {
    retry(turn, item) {
      const call = lateCallOf(turn, item.subject);
      if (call) return () => repeatCall(turn, call);
      return refuse("invalid_request", {
        path: "params.action",
        reason: "there is nothing to be tried again",
      });
    },
    done: (turn, item) => () => settle(turn, item, []),
    entries(turn, item, { entries }) {
      const account = clearingOf(item);
      const decided = decideEntries(turn, item, entries, account ? { account, way: "in" } : undefined);
      return "code" in decided ? decided : () => settle(turn, item, decided);
    },
    write_off: (turn, item) => () => {
      const to = clearingOf(item);
      settle(turn, item, to && item.amount > 0 ? [{ from: "loss", to, amount: item.amount }] : []);
    },
  },
};

/** Nobody undoes it any more. */
function settle(turn: Turn, item: ReviewItem, entries: readonly HandEntry[]): void {
  const call = lateCallOf(turn, item.subject);
  if (call) dropCall(turn, call);
  recordEntries(turn, item, entries);
}

/** Of a refund: where its money left. */
function clearingOf({ subject, evidence }: ReviewItem): string | undefined {
  if (parseRefundId(subject) === undefined) return undefined;
  return `clearing:${(JSON.parse(evidence) as { provider: string }).provider}`;
}
