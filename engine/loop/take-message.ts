/** Which function takes which message of a peer. Each comes in order and for the first time. */

import { takeAnswer } from "../cross-shard/cross-shard.js";
import { endBranch, takeBack, tryBranch } from "../cross-shard/cross-shard-branch.js";
import type { Message } from "../links/messages.js";
import { takeForwarded } from "../payments/notify-payment.js";
import { takeSettled } from "../payments/payment-answers.js";
import { takeReinstatementAnswer } from "../payments/reinstate-order.js";
import { takeTransactionMessage } from "../transactions/coordinator.js";
import type { Turn } from "../turns/turn.js";

export function takeMessage(turn: Turn, message: Message): void {
  switch (message.kind) {
    case "payment":
      takeForwarded(turn, message);
      break;
    case "settled":
      takeSettled(turn, message);
      break;
    case "part":
    case "reply":
    case "outcomeQuery":
      takeTransactionMessage(turn, message);
      break;
    case "try":
    case "sell":
      tryBranch(turn, message);
      break;
    case "answered": {
      const reinstatement = turn.books.reinstatements.get(message.order);
      if (reinstatement) takeReinstatementAnswer(turn, reinstatement, message);
      else takeAnswer(turn, message);
      break;
    }
    case "return":
      takeBack(turn, message);
      break;
    default:
      endBranch(turn, message);
  }
}
