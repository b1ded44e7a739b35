import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { CallReport } from "../../../engine/links/call-dispatcher.js";
import { runDefinitions } from "../../../gateway/host/call-runner.js";
import { type Definitions, Refused } from "../../../gateway/host/transactions.js";

const timeoutMs = 40;

/** What is reported of a call to `run`, from its start until well after its time is up. */
async function reportsOf(run: () => unknown): Promise<CallReport[]> {
  const definitions = { transactions: {}, refunds: { p: run } } as unknown as Definitions;
  const { outCalls } = runDefinitions(definitions, timeoutMs);
  const reports: CallReport[] = [];
  outCalls.call({ call: "c1", attempt: 1, name: "refund:p", input: "{}" }, (report) => reports.push(report));
  await pause(4 * timeoutMs);
  return reports;
}

test.each<[string, () => unknown, readonly object[]]>([
  ["done", async () => ({ ok: true }), [{ how: "done", text: '{"ok":true}' }]],
  ["refused", () => Promise.reject(new Refused("no")), [{ how: "refused", text: '{"reason":"no"}' }]],
  ["failed at once", () => Promise.reject(new Error("lost")), [{ how: "failed", error: "lost" }]],
])("CALL-RUNNER-1: a run that is %s is reported once", async (_, run, reports) => {
  expect(await reportsOf(run)).toEqual(reports);
});

test("CALL-RUNNER-2: a run that takes longer is failed and running each time that its time is up, and then what it became", async () => {
  expect((await reportsOf(() => pause(100, { ok: true }))).at(-1)).toEqual({
    how: "done",
    text: '{"ok":true}',
  });
  const silent = await reportsOf(() => new Promise(() => {}));
  expect(silent.length).toBeGreaterThan(1);
  expect(silent).toEqual(
    silent.map((_, n) => ({
      how: "failed",
      error: `no answer within ${(n + 1) * timeoutMs} ms`,
      running: true,
    })),
  );
});
