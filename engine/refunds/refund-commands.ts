/** `refund.get`, and `refund.report`: what a provider did, told by whoever knows. */

import { orderSequence, parseRefundId } from "../../actors/order-number.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { GetRefund, ReportRefund } from "../seams/commands.js";
import { isOpen } from "../tables/after-sales.js";
import { answerRefusal, answerResult, askDeferred } from "../turns/answers.js";
import type { Turn } from "../turns/turn.js";
import { refundView } from "./refund-view.js";
import { refundDone, refundRefused, refundUnknown } from "./refunds.js";

const say = { done: refundDone, refused: refundRefused, unknown: refundUnknown };

/** Open refunds and those of orders that are not archived are in the books; the others are on the read side. */
export function getRefund(turn: Turn, command: GetRefund): void {
  const refund = turn.books.afterSales.refunds.get(parseRefundId(command.refund) ?? 0);
  if (refund) answerResult(turn, command, refundView(turn.books, refund));
  else if (wasAsked(turn, command.refund)) askDeferred(turn, command);
  else answerRefusal(turn, command, refuse("refund_not_found"));
}

/** Said twice, it is still so; said otherwise after its end, it is refused. */
export function reportRefund(turn: Turn, command: ReportRefund): void {
  const refund = turn.books.afterSales.refunds.get(parseRefundId(command.refund) ?? 0);
  if (refund && isOpen(refund)) {
    say[command.outcome](turn, refund, command.ref ?? "");
    answerResult(turn, command, refundView(turn.books, refund));
  } else if (refund) {
    answerEnded(turn, command, refundView(turn.books, refund) as RefundSeen);
  } else if (wasAsked(turn, command.refund)) {
    turn.askDeferred({ ...command, method: "refund.get" } as unknown as GetRefund, (found) => {
      if ("code" in found) answerRefusal(turn, command, found as Refusal);
      else answerEnded(turn, command, found as RefundSeen);
    });
  } else {
    answerRefusal(turn, command, refuse("refund_not_found"));
  }
}

interface RefundSeen {
  readonly state: string;
}

function answerEnded(turn: Turn, command: ReportRefund, refund: RefundSeen): void {
  const { outcome } = command;
  if (refund.state === outcome) answerResult(turn, command, refund);
  else
    answerRefusal(
      turn,
      command,
      refuse("invalid_transition", { from: refund.state, event: outcome, allowed: [] }),
    );
}

/** A refund of that number was asked for here, and is not in the books any more. */
function wasAsked(turn: Turn, id: string): boolean {
  const number = parseRefundId(id);
  return number !== undefined && orderSequence(number) <= turn.books.afterSales.refundSequence;
}
