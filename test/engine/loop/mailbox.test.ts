import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "../../../engine/loop/mailbox.js";
import { methods } from "../../../engine/loop/methods.js";
import type { Method } from "../../../engine/seams/commands.js";
import { mailboxMax } from "../../../engine/seams/limits.js";

test("what ends or serves orders that exist is urgent, and nothing else is", () => {
  const urgent = (Object.keys(methods) as Method[]).filter((method) => methods[method].lane === "urgent");
  expect(urgent).toEqual([
    "order.pay",
    "order.cancel",
    "order.advance",
    "order.refund",
    "refund.report",
    "payment.notify",
    "feed.unsubscribe",
    "human.resolve",
  ]);
});

test("an empty mailbox gives nothing", () => {
  expect(new Mailbox().take()).toBeUndefined();
});

test("in any mix, the urgent lane goes first and each lane keeps its order", () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.record({ urgent: fc.boolean(), count: fc.integer({ min: 1, max: 900 }) }) },
    { weight: 2, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 2000 }) }) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
      const mailbox = new Mailbox<number>();
      const urgent: number[] = [];
      const ordinary: number[] = [];
      let last = 0;
      for (const act of actions) {
        if ("take" in act) {
          for (let n = 0; n < act.take; n++) {
            if (mailbox.take() !== (urgent.length > 0 ? urgent.shift() : ordinary.shift()))
              throw new Error("order");
          }
        } else {
          for (let n = 0; n < act.count; n++) {
            expect(mailbox.put(++last, act.urgent)).toBe(true);
            (act.urgent ? urgent : ordinary).push(last);
          }
        }
        expect(mailbox.size).toBe(urgent.length + ordinary.length);
      }
    }),
    { numRuns: 100 },
  );
});

test("a full lane takes no more, and leaves room in the other", () => {
  const mailbox = new Mailbox<number>();
  for (let n = 0; n < mailboxMax; n++) mailbox.put(n, false);
  expect(mailbox.put(-1, false)).toBe(false);
  expect(mailbox.put(-2, true)).toBe(true);
  expect([mailbox.take(), mailbox.take()]).toEqual([-2, 0]);
  expect(mailbox.put(-3, false)).toBe(true);
  expect(mailbox.put(-4, false)).toBe(false);
});
