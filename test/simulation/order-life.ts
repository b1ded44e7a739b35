/** The life of an order as the auditor understands it, written down by itself: from, what happens, to. */

const afterShipment = ["Shipped", "Shipping", "Delivered"];
const refundable = ["Paid", "Packing", ...afterShipment, "Completed", "Refunding"];
const disputable = [...afterShipment, "Completed", "Refunding"];

interface Step {
  readonly from: string;
  readonly event: string;
  /** "back": any status in which its refund or dispute can have begun. */
  readonly to: string;
  /** Only an order of 0.00. */
  readonly free?: true;
}

const steps: readonly Step[] = [
  { from: "Created", event: "pay", to: "Paid" },
  { from: "Created", event: "notify", to: "Paid" },
  { from: "Created", event: "cancel", to: "Canceled" },
  { from: "Created", event: "expire", to: "Canceled" },
  { from: "Paid", event: "cancel", to: "Canceled", free: true },
  { from: "Packing", event: "cancel", to: "Canceled", free: true },
  { from: "Canceled", event: "reinstate", to: "Paid" },
  { from: "Paid", event: "pack", to: "Packing" },
  { from: "Packing", event: "ship", to: "Shipped" },
  { from: "Shipped", event: "dispatch", to: "Shipping" },
  { from: "Shipped", event: "deliver", to: "Delivered" },
  { from: "Shipping", event: "deliver", to: "Delivered" },
  ...afterShipment.map((from) => ({ from, event: "confirm", to: "Completed" })),
  ...afterShipment.map((from) => ({ from, event: "auto_confirm", to: "Completed" })),
  ...refundable.map((from) => ({ from, event: "refund", to: "Refunding" })),
  ...disputable.map((from) => ({ from, event: "dispute", to: "Disputed" })),
  { from: "Disputed", event: "resolve refund", to: "Refunding" },
  { from: "Disputed", event: "resolve keep", to: "back" },
  { from: "Refunding", event: "refund ended", to: "back" },
  { from: "Refunding", event: "refund ended", to: "Refunded" },
];

/** What may be asked for in each status, in the order in which it is told. */
const offered: Readonly<Record<string, readonly string[]>> = {
  Created: ["pay", "cancel"],
  Paid: ["cancel", "pack", "refund"],
  Packing: ["cancel", "ship", "refund"],
  Shipped: ["dispatch", "deliver", "confirm", "refund", "dispute"],
  Shipping: ["deliver", "confirm", "refund", "dispute"],
  Delivered: ["confirm", "refund", "dispute"],
  Completed: ["refund", "dispute"],
  Canceled: [],
  Refunding: ["refund", "dispute"],
  Refunded: [],
  Disputed: ["resolve"],
};

export function nextOf(status: string, paid: number, refunded: number): readonly string[] {
  const free = isFree(status, paid);
  return (offered[status] ?? []).filter(
    (event) => offers(status, event, free) && (event !== "refund" || paid > refunded || free),
  );
}

/** Past Created, an order for which nothing was paid. */
function isFree(status: string, paid: number): boolean {
  return paid === 0 && status !== "Created";
}

/** Whether an order in this status can take the event, as its caller names it. */
export function offers(status: string, event: string, free: boolean): boolean {
  const known = (offered[status] ?? []).includes(event);
  return known && (free || !steps.some((step) => step.free && step.from === status && step.event === event));
}

/** Every status that an order can be in when such things may have happened to it. */
export function reachable(first: string, may: ReadonlySet<string>, free: boolean): ReadonlySet<string> {
  const found = new Set([first]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { from, event, to, free: onlyFree } of steps) {
      if (onlyFree && !free) continue;
      if (!found.has(from) || !(may.has(event) || event === "refund ended")) continue;
      if (to !== "back") found.add(to);
    }
  }
  return found;
}

/** Statuses out of which nothing leads on but what has been seen to. */
export const endings: ReadonlySet<string> = new Set(["Canceled", "Refunded", "Completed"]);

/** One order followed move by move: where it stands, and where it would go back to. */
export class Life {
  status = "";
  refundFrom = "";
  disputeFrom = "";

  /** False when the move is not one that an order can make. */
  move(event: string, to: string): boolean {
    const from = this.status;
    const base = to === "Refunded" ? "refund ended" : event;
    const fits = steps.filter((step) => step.from === from && step.event === base);
    const back = event === "resolve keep" ? this.disputeFrom : this.refundFrom;
    if (!fits.some((step) => step.to === to || (step.to === "back" && back === to))) return false;
    if (event === "refund" && from !== "Refunding") this.refundFrom = from;
    if (event === "dispute") this.disputeFrom = from;
    if (event === "resolve refund" && this.disputeFrom !== "Refunding") this.refundFrom = this.disputeFrom;
    this.status = to;
    return true;
  }
}

/** The feed's and the log's names of moves, as they are called here. */
export function moveName(event: string): string {
  if (event === "resolve_refund") return "resolve refund";
  if (event === "resolve_keep") return "resolve keep";
  return event === "refund_ended" || event === "refund_all_done" ? "refund ended" : event;
}
