import { expect, test } from "vitest";
import {
  invalidTransition,
  isTerminal,
  nextEvents,
  type OrderEvent,
  type Status,
  Statuses,
  statusAfter,
  statuses,
} from "../../actors/order-transitions.js";

const events: readonly OrderEvent[] = ["place", "place_paid", "pay", "cancel", "expire"];

/** Every cell that leads somewhere; all the others must refuse. */
const cells: Readonly<Partial<Record<Status, Partial<Record<OrderEvent, Status>>>>> = {
  None: { place: "Created", place_paid: "Paid" },
  Created: { pay: "Paid", cancel: "Canceled", expire: "Canceled" },
};

for (const from of statuses) {
  test.each(events)(`${from} and %s`, (event) => {
    const to = cells[from]?.[event];
    expect(statusAfter(Statuses[from], event)).toBe(to === undefined ? undefined : Statuses[to]);
  });
}

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

test("next names what a caller may ask for: pay and cancel while Created, nothing anywhere else", () => {
  for (const status of statuses) {
    expect(nextEvents(Statuses[status])).toEqual(status === "Created" ? ["pay", "cancel"] : []);
  }
});

test("only None and Created lead anywhere", () => {
  expect(statuses.filter((status) => !isTerminal(Statuses[status]))).toEqual(["None", "Created"]);
});

test("invalid_transition says from where, what, and what would be allowed", () => {
  expect(invalidTransition(Statuses.Paid, "cancel")).toEqual({
    code: "invalid_transition",
    details: { from: "Paid", event: "cancel", allowed: [] },
  });
  expect(invalidTransition(Statuses.Created, "place").details?.allowed).toEqual(["pay", "cancel"]);
});
