/**
 * The order's state machine as the tests know it: written down once more, by hand and by row, so that no change of the
 * engine's table goes unseen. What is not here must be refused.
 */

import type { OrderEvent, Status } from "../../actors/order-transitions.js";

export const cells: Readonly<Record<Status, Readonly<Partial<Record<OrderEvent, Status | "back">>>>> = {
  None: { place: "Created", place_paid: "Paid" },
  Created: { pay: "Paid", cancel: "Canceled", expire: "Canceled" },
  Paid: { cancel: "Canceled", pack: "Packing", refund: "Refunding" },
  Packing: { cancel: "Canceled", ship: "Shipped", refund: "Refunding" },
  Shipped: {
    dispatch: "Shipping",
    deliver: "Delivered",
    confirm: "Completed",
    auto_confirm: "Completed",
    refund: "Refunding",
    dispute: "Disputed",
  },
  Shipping: {
    deliver: "Delivered",
    confirm: "Completed",
    auto_confirm: "Completed",
    refund: "Refunding",
    dispute: "Disputed",
  },
  Delivered: {
    confirm: "Completed",
    auto_confirm: "Completed",
    refund: "Refunding",
    dispute: "Disputed",
  },
  Completed: { refund: "Refunding", dispute: "Disputed" },
  Canceled: { reinstate: "Paid" },
  Refunding: { refund: "Refunding", refund_all_done: "Refunded", refund_ended: "back", dispute: "Disputed" },
  Refunded: {},
  Disputed: { resolve_refund: "Refunding", resolve_keep: "back" },
};

/** Cells that only an order of 0.00 has. */
export const freeCells: ReadonlySet<string> = new Set(["Paid cancel", "Packing cancel"]);
