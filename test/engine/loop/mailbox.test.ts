import fc from "fast-check";
import { expect, test } from "vitest";
import { Mailbox } from "../../../engine/loop/mailbox.js";
import { methods } from "../../../engine/loop/methods.js";
import type { Method } from "../../../engine/seams/commands.js";
import { mailboxMax, mailboxShare, mailboxTurn } from "../../../engine/seams/limits.js";

test("what ends or serves orders that exist is urgent, and nothing else is", () => {
  const urgent = (Object.keys(methods) as Method[]).filter((method) => methods[method].lane === "urgent");
  expect(urgent).toEqual([
    // Of a payment that names a shop's number, or has a token of another shard: it must not wait behind new orders either.
    "order.byRef",
    "token.claim",
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

const one = { name: "the only one" };

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
            expect(mailbox.put(one, ++last, act.urgent)).toBe(true);
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
  for (let n = 0; n < mailboxMax; n++) mailbox.put(one, n, false);
  expect(mailbox.put(one, -1, false)).toBe(false);
  expect(mailbox.put(one, -2, true)).toBe(true);
  expect([mailbox.take(), mailbox.take()]).toEqual([-2, 0]);
  expect(mailbox.put(one, -3, false)).toBe(true);
  expect(mailbox.put(one, -4, false)).toBe(false);
});

test("whoever fills a lane is refused, and a share of it is left for everybody else", () => {
  const mailbox = new Mailbox<number>();
  const other = { name: "another" };
  for (let n = 0; n < mailboxMax; n++) mailbox.put(one, n, false);
  for (let n = 0; n < mailboxShare; n++) expect(mailbox.put(other, -n - 1, false)).toBe(true);
  expect([mailbox.put(other, -100, false), mailbox.put(one, -100, false)]).toEqual([false, false]);
});

test("a command of somebody else waits for one turn of those who came first, not for all they have", () => {
  const mailbox = new Mailbox<string>();
  for (let n = 0; n < 5000; n++) mailbox.put(one, "rude", false);
  mailbox.put({ name: "another" }, "polite", false);
  const taken = Array.from({ length: mailboxTurn + 1 }, () => mailbox.take());
  expect(taken.at(-1)).toBe("polite");
});
