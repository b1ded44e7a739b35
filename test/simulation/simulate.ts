/** `npm run simulate -- --seeds 20000 [--from 1]`, or `--seed 4711` to see one run, event by event. */

import { parseArgs } from "node:util";
import { checkedRun } from "./checked-run.js";
import { Coverage, required } from "./coverage.js";
import { type Report, run } from "./simulation.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    requests: { type: "string" },
    quiet: { type: "boolean", default: false },
  },
});

const requests = values.requests === undefined ? {} : { requests: Number(values.requests) };
process.exitCode = values.seed === undefined ? many() : one(Number(values.seed));

function one(seed: number): number {
  const print = values.quiet ? {} : { print: (line: string) => console.log(line) };
  try {
    const report = run(seed, { ...requests, ...print });
    console.log(`plan ${JSON.stringify(report.plan)}`);
    console.log(`seed ${seed}: ${report.requests} requests, ${report.events} events, no violation`);
    console.log(`state ${report.stateHash}\ntrace ${report.traceHash}`);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

function many(): number {
  const from = Number(values.from);
  const until = from + Number(values.seeds);
  const coverage = new Coverage();
  const began = performance.now();
  let asked = 0;
  for (let seed = from; seed < until; seed++) {
    const report = checked(seed);
    if (!report) return 1;
    coverage.add(report.coverage);
    asked += report.requests;
    const done = seed - from + 1;
    if (done % 100 === 0 || seed + 1 === until) {
      const perSeed = ((performance.now() - began) / done).toFixed(0);
      console.log(`${done} seeds, ${asked} requests, ${perSeed} ms a seed`);
    }
  }
  for (const what of required) console.log(`${String(coverage.counts.get(what) ?? 0).padStart(9)}  ${what}`);
  if (coverage.missing.length > 0) console.error(`never met: ${coverage.missing.join(", ")}`);
  return coverage.missing.length > 0 ? 1 : 0;
}

function checked(seed: number): Report | undefined {
  try {
    return checkedRun(seed, requests);
  } catch (error) {
    console.error(error);
    return undefined;
  }
}
