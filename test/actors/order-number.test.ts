import fc from "fast-check";
import { expect, test } from "vitest";
import {
  orderId,
  orderNumber,
  orderSequence,
  orderSlot,
  parseOrderId,
  slotCount,
  slotOf,
} from "../../actors/order-number.js";

test.each([
  [1, 0, "o1024"],
  [1, 1023, "o2047"],
  [2, 5, "o2053"],
  [8_796_093_022_207, 1023, "o9007199254740991"],
])("order %i of slot %i is %s", (sequence, slot, id) => {
  const number = orderNumber(sequence, slot);
  expect(orderId(number)).toBe(id);
  expect(parseOrderId(id)).toBe(number);
  expect([orderSequence(number), orderSlot(number)]).toEqual([sequence, slot]);
});

test.each(["", "o", "1024", "o0", "o1023", "o01024", "o1024 ", "O1024", "o-1024", "o1e9", "o1024.5"])(
  "%j is not an order's id",
  (id) => {
    expect(parseOrderId(id)).toBeUndefined();
  },
);

test("an id over 2^53-1 is not an order's id: it would be rounded to another order", () => {
  expect(parseOrderId("o9007199254740992")).toBeUndefined();
  expect(parseOrderId("o9999999999999999")).toBeUndefined();
});

test("number and id lead back to sequence and slot", () => {
  const sequence = fc.integer({ min: 1, max: 8_796_093_022_207 });
  fc.assert(
    fc.property(sequence, fc.integer({ min: 0, max: slotCount - 1 }), (seq, slot) => {
      const number = parseOrderId(orderId(orderNumber(seq, slot)))!;
      expect([orderSequence(number), orderSlot(number)]).toEqual([seq, slot]);
    }),
  );
});

/** Logs and routes depend on these: a slot never changes. */
test.each([
  ["ann", 587],
  ["ben", 1014],
  ["tea", 554],
  ["cup", 163],
  ["a", 308],
  ["account-000001", 440],
])("slot of %s", (id, slot) => {
  expect(slotOf(id)).toBe(slot);
});

test("slots of running numbers are spread: no slot has twice its share", () => {
  const counts = new Array<number>(slotCount).fill(0);
  for (let i = 0; i < 102_400; i++) counts[slotOf(`buyer-${i}`)]!++;
  expect(Math.max(...counts)).toBeLessThan(200);
  expect(Math.min(...counts)).toBeGreaterThan(30);
});
