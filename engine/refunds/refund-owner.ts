/** What the calls of refunds come to: their owner's row in `call-reports`. */

import { refundId } from "../../actors/order-number.js";
import type { CallOwner } from "../calls/call-owner.js";
import { refCharsMax } from "../seams/limits.js";
import { logText } from "../seams/log-text.js";
import type { Refund } from "../tables/after-sales.js";
import type { OpenCall } from "../tables/call-table.js";
import { openItem } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";
import { openRefundItem } from "./refund-calls.js";
import { refundDone, refundRefused, refundUnknown } from "./refunds.js";

export const refundOwner: CallOwner = {
  ended(turn, call, { how, text }) {
    const end = how === "done" ? refundDone : refundRefused;
    end(turn, refundOf(turn, call), refOf(text));
  },
  /** Not every failure is told: one is enough to know that nobody knows. */
  failed(turn, call, error) {
    const refund = refundOf(turn, call);
    if (refund.state === "requested") refundUnknown(turn, refund, error);
  },
  /** It went back, and somebody has said that it did not: the order has kept the money. */
  late(turn, run, text) {
    const refund = turn.books.afterSales.refunds.get(run.subject);
    if (refund?.state === "done") return;
    const said = JSON.parse(run.out.input) as { provider: string; order: string | null };
    openItem(turn, {
      kind: "late",
      subject: refundId(run.subject),
      currency: refund?.currency ?? 0,
      amount: refund?.amount ?? 0,
      units: 0,
      attempts: 0,
      error: "the provider has given the money back after it was said to have refused",
      evidence: { order: said.order, provider: said.provider, ref: refOf(text) },
    });
  },
  stuck(turn, call) {
    const error = call.error === "" ? "nobody has said what became of it" : call.error;
    openRefundItem(turn, refundOf(turn, call), error, call.failed);
  },
};

function refundOf(turn: Turn, call: OpenCall): Refund {
  return turn.books.afterSales.refunds.get(call.subject)!;
}

/** A provider's function gives `{ref}`, a text, or nothing. */
function refOf(text: string): string {
  try {
    const said = JSON.parse(text) as unknown;
    if (typeof said === "object" && said !== null && "ref" in said)
      return logText(String(said.ref), refCharsMax);
    return typeof said === "string" ? logText(said, refCharsMax) : "";
  } catch {
    return logText(text, refCharsMax);
  }
}
