import { expect, test } from "vitest";
import {
  back,
  invalidTransition,
  isForTotal,
  isTerminal,
  nextByPaid,
  nextEvents,
  OrderEvents,
  orderEvents,
  type Status,
  Statuses,
  statusAfter,
  statuses,
  transitions,
} from "../../actors/order-transitions.js";
import { cells } from "../support/order-cells.js";

for (const from of statuses) {
  test.each(orderEvents)(`${from} and %s`, (event) => {
    const to = cells[from][event];
    const number = to === undefined ? undefined : to === "back" ? back : Statuses[to];
    expect(statusAfter(Statuses[from], event)).toBe(number);
  });
}

test("the table has one row for every cell that leads somewhere, and no other", () => {
  const named = Object.entries(cells).flatMap(([from, row]) =>
    Object.entries(row).map(([event, to]) => `${from} ${event} ${to}`),
  );
  expect(transitions.map(({ from, event, to }) => `${from} ${event} ${to}`).sort()).toEqual(named.sort());
});

test("numbers of statuses are in the log for ever", () => {
  expect(Statuses).toEqual({
    None: 0,
    Created: 1,
    Paid: 2,
    Packing: 3,
    Shipped: 4,
    Shipping: 5,
    Delivered: 6,
    Completed: 7,
    Canceled: 8,
    Refunding: 9,
    Refunded: 10,
    Disputed: 11,
  });
});

test("numbers of events are in the log for ever", () => {
  expect(OrderEvents).toEqual({
    place: 0,
    place_paid: 1,
    pay: 2,
    cancel: 3,
    expire: 4,
    reinstate: 5,
    pack: 6,
    ship: 7,
    dispatch: 8,
    deliver: 9,
    confirm: 10,
    auto_confirm: 11,
    refund: 12,
    refund_all_done: 13,
    refund_ended: 14,
    dispute: 15,
    resolve_refund: 16,
    resolve_keep: 17,
  });
});

/** What a caller may ask for, in the order of the table. */
const next: Readonly<Record<Status, readonly string[]>> = {
  None: [],
  Created: ["pay", "cancel"],
  Paid: ["pack", "refund"],
  Packing: ["ship", "refund"],
  Shipped: ["dispatch", "deliver", "confirm", "refund", "dispute"],
  Shipping: ["deliver", "confirm", "refund", "dispute"],
  Delivered: ["confirm", "refund", "dispute"],
  Completed: ["refund", "dispute"],
  Canceled: [],
  Refunding: ["refund", "dispute"],
  Refunded: [],
  Disputed: ["resolve"],
};

test.each(statuses)(
  "next in %s names what a caller may ask for, refund only while something is left",
  (status) => {
    expect(nextEvents(Statuses[status])).toEqual(next[status]);
    const withoutRefund = next[status].filter((event) => event !== "refund");
    expect(nextEvents(Statuses[status], false)).toEqual(withoutRefund);
  },
);

test.each(statuses)("next of a free order in %s: it can be canceled until it is shipped", (status) => {
  const early = status === "Paid" || status === "Packing";
  const all = early ? ["cancel", ...next[status]] : next[status];
  expect(nextByPaid(Statuses[status], 0, 0)).toEqual(all);
  // Of one that was paid, nothing of that.
  expect(nextByPaid(Statuses[status], 5, 0)).toEqual(next[status]);
  expect(nextByPaid(Statuses[status], 5, 5)).toEqual(next[status].filter((event) => event !== "refund"));
  expect(isForTotal(Statuses[status], "cancel", 1)).toBe(!early);
  for (const event of orderEvents) expect(isForTotal(Statuses[status], event, 0)).toBe(true);
});

test("an order is over when it is canceled or refunded, and never otherwise", () => {
  expect(statuses.filter((status) => isTerminal(Statuses[status]))).toEqual(["Canceled", "Refunded"]);
});

test("whatever leads nowhere is over; a canceled order is revived by its money alone", () => {
  const leads = (from: Status) => Object.keys(cells[from]);
  expect(statuses.filter((from) => leads(from).length === 0)).toEqual(["Refunded"]);
  expect(leads("Canceled")).toEqual(["reinstate"]);
});

test("invalid_transition says from where, what, and what would be allowed", () => {
  expect(invalidTransition(Statuses.Paid, "cancel")).toEqual({
    code: "invalid_transition",
    details: { from: "Paid", event: "cancel", allowed: ["pack", "refund"] },
  });
  expect(invalidTransition(Statuses.Created, "place").details?.allowed).toEqual(["pay", "cancel"]);
  expect(invalidTransition(Statuses.Completed, "refund", []).details?.allowed).toEqual([]);
});
