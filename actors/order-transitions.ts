/**
 * The order's state machine, as data. `next` in an answer, `invalid_transition` and the tests read it here.
 * The numbers of statuses and events are written to the log: both lists are append only.
 */

import { type Refusal, refuse } from "./results.js";

export const statuses = [
  "None", // begun across shards and not placed yet, or refused: nobody sees it
  "Created",
  "Paid",
  "Packing",
  "Shipped",
  "Shipping",
  "Delivered",
  "Completed",
  "Canceled",
  "Refunding",
  "Refunded",
  "Disputed",
] as const;

export type Status = (typeof statuses)[number];

/** The number of each status in the log and in the order table. */
export const Statuses = Object.fromEntries(statuses.map((name, number) => [name, number])) as {
  readonly [S in Status]: number;
};

export const orderEvents = [
  "place",
  "place_paid",
  "pay",
  "cancel",
  "expire", // the time to pay has passed
  "reinstate", // its money came late, and everything could be taken once more
  "pack",
  "ship",
  "dispatch",
  "deliver",
  "confirm",
  "auto_confirm", // seven days after it was shipped
  "refund",
  "refund_all_done", // nothing is left to refund
  "refund_ended", // something is left, or the refund was refused
  "dispute",
  "resolve_refund",
  "resolve_keep",
] as const;

export type OrderEvent = (typeof orderEvents)[number];

/** The number of each event in the log. */
export const OrderEvents = Object.fromEntries(orderEvents.map((name, number) => [name, number])) as {
  readonly [E in OrderEvent]: number;
};

interface Transition {
  readonly from: Status;
  readonly event: OrderEvent;
  /** "back": where the order was before its refund or its dispute; the order remembers it. */
  readonly to: Status | "back";
  /** The name under which a caller may ask for it; undefined = nobody may. Only these appear in `next`. */
  readonly offered?: string;
  /** Only an order of 0.00: it was paid as it was placed, and nobody has anything to get back. */
  readonly free?: true;
}

const afterShipment: readonly Status[] = ["Shipped", "Shipping", "Delivered"];
const refundable: readonly Status[] = ["Paid", "Packing", ...afterShipment, "Completed", "Refunding"];
const disputable: readonly Status[] = [...afterShipment, "Completed", "Refunding"];

export const transitions: readonly Transition[] = [
  { from: "None", event: "place", to: "Created" },
  { from: "None", event: "place_paid", to: "Paid" },
  { from: "Created", event: "pay", to: "Paid", offered: "pay" },
  { from: "Created", event: "cancel", to: "Canceled", offered: "cancel" },
  { from: "Created", event: "expire", to: "Canceled" },
  { from: "Paid", event: "cancel", to: "Canceled", offered: "cancel", free: true },
  { from: "Packing", event: "cancel", to: "Canceled", offered: "cancel", free: true },
  { from: "Canceled", event: "reinstate", to: "Paid" },
  { from: "Paid", event: "pack", to: "Packing", offered: "pack" },
  { from: "Packing", event: "ship", to: "Shipped", offered: "ship" },
  { from: "Shipped", event: "dispatch", to: "Shipping", offered: "dispatch" },
  { from: "Shipped", event: "deliver", to: "Delivered", offered: "deliver" },
  { from: "Shipping", event: "deliver", to: "Delivered", offered: "deliver" },
  ...afterShipment.map((from) => ({ from, event: "confirm", to: "Completed", offered: "confirm" }) as const),
  ...afterShipment.map((from) => ({ from, event: "auto_confirm", to: "Completed" }) as const),
  ...refundable.map((from) => ({ from, event: "refund", to: "Refunding", offered: "refund" }) as const),
  { from: "Refunding", event: "refund_all_done", to: "Refunded" },
  { from: "Refunding", event: "refund_ended", to: "back" },
  ...disputable.map((from) => ({ from, event: "dispute", to: "Disputed", offered: "dispute" }) as const),
  { from: "Disputed", event: "resolve_refund", to: "Refunding", offered: "resolve" },
  { from: "Disputed", event: "resolve_keep", to: "back", offered: "resolve" },
];

function offeredIn(status: Status, withRefund: boolean, free: boolean): readonly string[] {
  const names = transitions
    .filter((t) => t.from === status && t.offered !== undefined && (free || !t.free))
    .map((t) => t.offered!);
  return [...new Set(names)].filter((name) => name !== "refund" || withRefund);
}

const nextByStatus = statuses.map((status) => offeredIn(status, true, false));
const nextWithoutRefund = statuses.map((status) => offeredIn(status, false, false));
const nextOfFree = statuses.map((status) => offeredIn(status, true, true));

/** No status is the target of any event that says "back". */
export const back = -1;

const targetByEvent: readonly (readonly (number | undefined)[])[] = statuses.map((from) =>
  orderEvents.map((event) => {
    const to = transitions.find((t) => t.from === from && t.event === event)?.to;
    return to === undefined ? undefined : to === "back" ? back : Statuses[to];
  }),
);

/** Events that a caller may ask for now, in the order of the table; `refund` only while something is left to refund. */
export function nextEvents(status: number, refundLeft = true): readonly string[] {
  return refundLeft ? nextByStatus[status]! : nextWithoutRefund[status]!;
}

/** The same, by what was paid and refunded. Past Created only a free order has nothing paid, and it has units to give back. */
export function nextByPaid(status: number, paid: number, refunded: number): readonly string[] {
  return paid === 0 && status !== Statuses.Created
    ? nextOfFree[status]!
    : nextEvents(status, paid > refunded);
}

/** Whether an order of this total can take the event by its row; one that has no such row cannot in any case. */
export function isForTotal(status: number, event: OrderEvent, total: number): boolean {
  return total === 0 || !transitions.some((t) => t.free && Statuses[t.from] === status && t.event === event);
}

/** The status after the event (`back`: where it came from), or undefined when the table has no such row. */
export function statusAfter(status: number, event: OrderEvent): number | undefined {
  return targetByEvent[status]![OrderEvents[event]];
}

/** `event` under the name that the caller used. */
export function invalidTransition(
  status: number,
  event: string,
  allowed: readonly string[] = nextEvents(status),
): Refusal {
  return refuse("invalid_transition", { from: statuses[status], event, allowed });
}

/** No event leads out of it but money that comes too late: the order is over as far as its owner goes. */
export function isTerminal(status: number): boolean {
  return status === Statuses.Canceled || status === Statuses.Refunded;
}
