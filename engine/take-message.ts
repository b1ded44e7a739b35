/** Which function takes which message of a peer. Each comes in order and for the first time. */

import { takeOrderMessage } from "./crossing.js";
import type { Message } from "./messages.js";
import { takeForwarded, takeSettled } from "./notify-payment.js";
import { takeTransactionMessage } from "./transactions/coordinator.js";
import type { Turn } from "./turn.js";

export function takeMessage(turn: Turn, message: Message): void {
  switch (message.kind) {
    case "payment":
      takeForwarded(turn, message);
      break;
    case "settled":
      takeSettled(turn, message);
      break;
    case "part":
    case "told":
    case "fate":
      takeTransactionMessage(turn, message);
      break;
    default:
      takeOrderMessage(turn, message);
  }
}
