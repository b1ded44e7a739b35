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
  ["silent for ever", () => new Promise(() => {}), [{ how: "failed", error: "no answer within 40 ms" }]],
])("CALL-RUNNER-1: a call that is %s is reported once", async (_, run, reports) => {
  expect(await reportsOf(run)).toEqual(reports);
});

test("CALL-RUNNER-2: one that is done after its time was up is reported again, as done", async () => {
  const slow = () => pause(2 * timeoutMs, { ok: true });
  expect(await reportsOf(slow)).toEqual([
    { how: "failed", error: "no answer within 40 ms" },
    { how: "done", text: '{"ok":true}' },
  ]);
});
