import fc from "fast-check";
import { expect, test } from "vitest";
import { FairQueue } from "../../../engine/loop/fair-queue.js";

const owner = (name: string) => ({ name });
const [ann, ben, cat] = ["ann", "ben", "cat"].map(owner) as [object, object, object];

function takeAll<T>(queue: FairQueue<T>): T[] {
  const taken: T[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

test("FAIR-QUEUE-2: whoever has much waiting gets a turn, then the others get theirs", () => {
  const queue = new FairQueue<string>(2);
  for (const item of ["a1", "a2", "a3", "a4", "a5"]) queue.put(ann, item);
  for (const item of ["b1", "b2", "b3"]) queue.put(ben, item);
  queue.put(cat, "c1");
  expect(takeAll(queue)).toEqual(["a1", "a2", "b1", "b2", "c1", "a3", "a4", "b3", "a5"]);
});

test("who had nothing waiting is served at the end of the turn that runs, before all who wait", () => {
  const queue = new FairQueue<string>(1);
  const crowd = Array.from({ length: 20 }, (_, n) => owner(`crowd ${n}`));
  for (const one of crowd) for (let n = 0; n < 100; n++) queue.put(one, "rude");
  for (let n = 0; n < 200; n++) queue.take();
  queue.put(ann, "polite");
  expect([queue.take(), queue.take()]).toContain("polite");
});

test("FAIR-QUEUE-3: nobody is new again by asking bit by bit", () => {
  const queue = new FairQueue<string>(1);
  queue.put(ann, "a");
  for (let n = 0; n < 4; n++) queue.put(ben, "b");
  const taken: string[] = [];
  for (let n = 0; n < 6; n++) {
    const item = queue.take()!;
    taken.push(item);
    if (item === "a") queue.put(ann, "a");
  }
  expect(taken.filter((item) => item === "b").length).toBeGreaterThanOrEqual(3);
});

test("FAIR-QUEUE-3: newcomers without end do not starve the others", () => {
  const queue = new FairQueue<string>(1);
  for (let n = 0; n < 100; n++) queue.put(ann, "old");
  queue.take();
  const taken = [];
  for (let n = 0; n < 100; n++) {
    queue.put(owner(`${n}`), "new");
    queue.put(owner(`${n} too`), "new");
    taken.push(queue.take());
  }
  expect(taken.filter((item) => item === "old").length).toBeGreaterThan(4);
});

test("what was dropped is not taken, and its owner may come again", () => {
  const queue = new FairQueue<string>(4);
  for (const item of ["a1", "a2", "a3"]) queue.put(ann, item);
  queue.put(ben, "b1");
  expect(queue.take()).toBe("a1");
  expect([queue.drop(ann), queue.drop(cat), queue.size]).toEqual([2, 0, 1]);
  queue.put(ann, "a4");
  expect(takeAll(queue).sort()).toEqual(["a4", "b1"]);
});

test("FAIR-QUEUE-1: in any mix nothing is lost, and each owner's items keep their order", () => {
  const action = fc.oneof(
    fc.record({ owner: fc.nat(4), put: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ owner: fc.nat(4), back: fc.constant(true) }),
    fc.record({ take: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ owner: fc.nat(4), drop: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(action, { maxLength: 60 }), (quantum, actions) => {
      const owners = Array.from({ length: 5 }, (_, n) => owner(`${n}`));
      const queue = new FairQueue<{ of: number; n: number }>(quantum);
      const waiting: number[][] = owners.map(() => []);
      let last = 0;
      const take = () => {
        const item = queue.take();
        if (item) expect(waiting[item.of]!.shift()).toBe(item.n);
        else expect(waiting.flat()).toEqual([]);
      };
      for (const act of actions) {
        if ("take" in act) for (let n = 0; n < act.take; n++) take();
        else if ("put" in act) {
          for (let n = 0; n < act.put; n++) {
            queue.put(owners[act.owner]!, { of: act.owner, n: ++last });
            waiting[act.owner]!.push(last);
          }
        } else if ("back" in act) {
          queue.putBack(owners[act.owner]!, { of: act.owner, n: ++last });
          waiting[act.owner]!.unshift(last);
        } else {
          expect(queue.drop(owners[act.owner]!)).toBe(waiting[act.owner]!.length);
          waiting[act.owner] = [];
        }
        expect(queue.size).toBe(waiting.flat().length);
        for (const [n, one] of owners.entries()) expect(queue.sizeOf(one)).toBe(waiting[n]!.length);
      }
      for (let n = queue.size; n >= 0; n--) take();
    }),
    { numRuns: 300 },
  );
});
