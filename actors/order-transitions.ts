/**
 * The order's state machine, as data. `next` in an answer, `invalid_transition` and the tests read it here.
 * The numbers of statuses are written to the log.
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

export type OrderEvent = "place" | "place_paid" | "pay" | "cancel" | "expire";

interface Transition {
  readonly from: Status;
  readonly event: OrderEvent;
  readonly to: Status;
  /** Whether a caller may ask for it: only these appear in `next`. */
  readonly offered: boolean;
}

export const transitions: readonly Transition[] = [
  { from: "None", event: "place", to: "Created", offered: false },
  { from: "None", event: "place_paid", to: "Paid", offered: false },
  { from: "Created", event: "pay", to: "Paid", offered: true },
  { from: "Created", event: "cancel", to: "Canceled", offered: true },
  { from: "Created", event: "expire", to: "Canceled", offered: false },
];

const nextByStatus: readonly (readonly OrderEvent[])[] = statuses.map((status) =>
  transitions.filter((t) => t.from === status && t.offered).map((t) => t.event),
);

const targetByEvent = new Map(transitions.map((t) => [`${t.from} ${t.event}`, Statuses[t.to]]));

/** Events that a caller may ask for now, in the order of the table. */
export function nextEvents(status: number): readonly OrderEvent[] {
  return nextByStatus[status]!;
}

/** The status after the event, or undefined when the table has no such row. */
export function statusAfter(status: number, event: OrderEvent): number | undefined {
  return targetByEvent.get(`${statuses[status]} ${event}`);
}

export function invalidTransition(status: number, event: OrderEvent): Refusal {
  return refuse("invalid_transition", { from: statuses[status], event, allowed: nextEvents(status) });
}

/** No event leads out of it: the order is over as far as this engine goes. */
export function isTerminal(status: number): boolean {
  return !transitions.some((t) => t.from === statuses[status]);
}
