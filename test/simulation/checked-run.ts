/** A seed, run twice: chance must not have come from anywhere else. */

import { type Report, type RunOptions, run } from "./simulation.js";

/** Throws with the seed and the command that shows the run. */
export function checkedRun(seed: number, options: RunOptions = {}): Report {
  try {
    const first = run(seed, options);
    const second = run(seed, { ...options, verify: false });
    if (first.traceHash !== second.traceHash) throw new Error("two runs of the seed differ in what happened");
    if (first.stateHash !== second.stateHash) throw new Error("two runs of the seed end in other books");
    return first;
  } catch (error) {
    throw new Error(`seed ${seed} (npm run simulate -- --seed ${seed}): ${String(error)}`, { cause: error });
  }
}
