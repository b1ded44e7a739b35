import { expect, test } from "vitest";
import { CallDispatcher, type OutCall } from "../../../engine/links/call-dispatcher.js";
import { callsOutMax } from "../../../engine/seams/limits.js";

const failed = { how: "failed", error: "no answer" } as const;
const late = { ...failed, running: true };

function dispatcher() {
  const out: OutCall[] = [];
  const calls = new CallDispatcher({
    knows: () => true,
    call: (call) => void out.push(call),
  });
  const attempts = new Map<number, number>();
  const dispatch = () =>
    calls.dispatch(
      (number) => ({
        out: { call: `c${number}`, attempt: attempts.get(number) ?? 1, name: "f", input: "" },
        owner: 1,
        subject: number,
        part: 0,
      }),
      () => {},
    );
  return { calls, out, attempts, dispatch };
}

test("CALL-DISPATCHER-2: of one call one run is out, until it has ended, whatever was said of it before", () => {
  const { calls, out, attempts, dispatch } = dispatcher();
  calls.wait(7);
  calls.wait(7);
  dispatch();
  attempts.set(7, 2);
  calls.wait(7);
  dispatch();
  expect(out.map(({ attempt }) => attempt)).toEqual([1]);
  calls.returned(7, 2, failed);
  calls.wait(7);
  dispatch();
  expect(out).toHaveLength(1);
  expect(calls.returned(7, 1, late)?.subject).toBe(7);
  calls.wait(7);
  dispatch();
  expect(out).toHaveLength(1);
  expect(calls.returned(7, 1, failed)?.subject).toBe(7);
  expect(calls.returned(7, 1, failed)).toBeUndefined();
  calls.wait(7);
  dispatch();
  expect(out.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

test("CALL-DISPATCHER-3: no more than callsOutMax are out, and who waited first goes next", () => {
  const { calls, out, dispatch } = dispatcher();
  for (let n = 1; n <= callsOutMax + 3; n++) calls.wait(n);
  dispatch();
  expect([out.length, calls.out]).toEqual([callsOutMax, callsOutMax]);
  calls.returned(5, 1, failed);
  calls.returned(9, 1, failed);
  dispatch();
  expect(out.slice(callsOutMax).map(({ call }) => call)).toEqual([
    `c${callsOutMax + 1}`,
    `c${callsOutMax + 2}`,
  ]);
  // Runs whose time is up keep nobody waiting.
  for (let n = 20; n < 30; n++) calls.returned(n, 1, late);
  dispatch();
  expect(out).toHaveLength(callsOutMax + 3);
});
