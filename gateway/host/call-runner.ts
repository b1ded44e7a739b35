/**
 * Runs the functions of a program's definitions for the engine, and reports what became of each call.
 *
 * CALL-RUNNER-1  Every run is reported when it has ended: done, refused or failed.
 * CALL-RUNNER-2  Until then it is reported as failed and running each time that its time is up. Nothing ends a function from
 *                outside: its `signal` asks it to.
 */

import { type Refusal, refuse } from "../../actors/results.js";
import type { PlanSpec } from "../../actors/transactions/plan.js";
import type { CallReport, OutCall, OutCalls } from "../../engine/links/call-dispatcher.js";
import { resultCharsMax } from "../../engine/seams/limits.js";
import { type Definitions, Refused } from "./transactions.js";

export const callTimeoutMsDefault = 30_000;

type OutFunction = (context: object) => unknown;

/** What a shard is given. */
export interface RunningDefinitions {
  readonly outCalls?: OutCalls;
  readonly plan?: (name: string, input: unknown, account: string) => PlanSpec | Refusal | undefined;
}

export function runDefinitions(definitions: Definitions, timeoutMs: number): Required<RunningDefinitions> {
  const functions = functionsByName(definitions);
  return {
    outCalls: {
      knows: (name) => functions.has(name),
      call: (call, report) => run(functions.get(call.name)!, call, timeoutMs, report),
    },
    plan: (name, input, account) => planOf(definitions, name, input, account),
  };
}

/** By the names that the engine calls them: `gift/parcel:do`, `refund:alipay`. */
function functionsByName({ transactions, refunds }: Definitions): ReadonlyMap<string, OutFunction> {
  const functions = new Map<string, OutFunction>();
  for (const [name, { calls }] of Object.entries(transactions)) {
    for (const [part, verbs] of Object.entries(calls)) {
      for (const [verb, run] of Object.entries(verbs))
        if (run) functions.set(`${name}/${part}:${verb}`, run as OutFunction);
    }
  }
  for (const [provider, run] of Object.entries(refunds))
    functions.set(`refund:${provider}`, run as OutFunction);
  return functions;
}

/** A definition that throws refuses its input: what it says is its author's. */
function planOf(
  { transactions }: Definitions,
  name: string,
  input: unknown,
  account: string,
): PlanSpec | Refusal | undefined {
  if (!Object.hasOwn(transactions, name)) return undefined;
  try {
    const { mode, parts } = transactions[name]!.plan(structuredClone(input), account);
    // As it will stand in the log: nothing of its author's runs while the engine reads it.
    return { mode, parts: JSON.parse(JSON.stringify(parts ?? null)) as PlanSpec["parts"] };
  } catch (error) {
    return refuse("invalid_request", { path: "params.input", reason: messageOf(error) });
  }
}

function run(
  run: OutFunction,
  { call, attempt, input }: OutCall,
  timeoutMs: number,
  report: (report: CallReport) => void,
): void {
  const abort = new AbortController();
  let times = 0;
  const late = setInterval(() => {
    const error = `no answer within ${++times * timeoutMs} ms`;
    report({ how: "failed", error, running: true });
    abort.abort();
  }, timeoutMs).unref();
  const context = { ...(JSON.parse(input) as object), call, attempt, signal: abort.signal };
  // In a promise from its first line on, so that what it throws at once is a failure like any other.
  void new Promise<unknown>((resolve) => resolve(run(context)))
    .then(doneReport, failedReport)
    .then((ended) => {
      clearInterval(late);
      report(ended);
    });
}

function doneReport(result: unknown): CallReport {
  try {
    const text = JSON.stringify(result) ?? "null";
    if (text.length <= resultCharsMax) return { how: "done", text };
    return {
      how: "failed",
      error: `its result has ${text.length} characters, at most ${resultCharsMax} are kept`,
    };
  } catch (error) {
    return { how: "failed", error: `its result is not JSON: ${messageOf(error)}` };
  }
}

function failedReport(error: unknown): CallReport {
  if (!(error instanceof Refused)) return { how: "failed", error: messageOf(error) };
  const details = doneReport(error.details);
  return details.how === "done"
    ? { how: "refused", text: JSON.stringify({ ...error.details, reason: error.message }) }
    : { how: "refused", text: JSON.stringify({ reason: error.message }) };
}

/** Anything can be thrown, also what is no text and cannot be made one. */
function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "what it threw is no text";
  }
}
