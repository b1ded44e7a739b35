import { expect, test } from "vitest";
import { CallDispatcher, type OutCall } from "../../../engine/links/call-dispatcher.js";
import { callsOutMax } from "../../../engine/seams/limits.js";

function dispatcher() {
  const out: OutCall[] = [];
  const calls = new CallDispatcher({
    knows: () => true,
    call: (call) => void out.push(call),
  });
  const attempts = new Map<number, number>();
  const dispatch = () =>
    calls.dispatch(
      (number) => ({ call: `c${number}`, attempt: attempts.get(number) ?? 1, name: "f", input: "" }),
      () => {},
    );
  return { calls, out, attempts, dispatch };
}

test("CALL-DISPATCHER-2: of one call one attempt is out, until its own report came", () => {
  const { calls, out, attempts, dispatch } = dispatcher();
  calls.wait(7);
  calls.wait(7);
  dispatch();
  attempts.set(7, 2);
  calls.wait(7);
  dispatch();
  expect(out.map(({ attempt }) => attempt)).toEqual([1]);
  calls.returned(7, 2);
  calls.wait(7);
  dispatch();
  expect(out).toHaveLength(1);
  calls.returned(7, 1);
  calls.wait(7);
  dispatch();
  expect(out.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

test("CALL-DISPATCHER-3: no more than callsOutMax are out, and who waited first goes next", () => {
  const { calls, out, dispatch } = dispatcher();
  for (let n = 1; n <= callsOutMax + 3; n++) calls.wait(n);
  dispatch();
  expect([out.length, calls.out]).toEqual([callsOutMax, callsOutMax]);
  calls.returned(5, 1);
  calls.returned(9, 1);
  dispatch();
  expect(out.slice(callsOutMax).map(({ call }) => call)).toEqual([
    `c${callsOutMax + 1}`,
    `c${callsOutMax + 2}`,
  ]);
});
