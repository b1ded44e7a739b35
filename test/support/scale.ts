/**
 * How much the long tests do: `npm test` in minutes, `npm run verify` (YIFEN_VERIFY=1) in full. They are the same tests; only the
 * counts differ, and what a count is too small to show is said by the test that needs it. `vitest.config.ts` starts the files that
 * import this one first, and `npm run verify` runs those only.
 */

interface Scale {
  readonly test: number;
  readonly verify: number;
}

/** True in `npm run verify`. */
export const full = process.env.YIFEN_VERIFY === "1";

function scaled({ test, verify }: Scale): number {
  return full ? verify : test;
}

/** Seeds of the simulator, each run twice: 0.35 s a seed. A hundred meet every state that `coverage` asks for, nearly always. */
export const simulatedSeeds = scaled({ test: 100, verify: 500 });

/** Runs of up to 200 commands held to the model: 14 ms a run. */
export const modelRuns = scaled({ test: 600, verify: 5000 });
/** The same over three shards, and of the ledger: 25 ms and 16 ms a run. */
export const modelRunsOverShards = scaled({ test: 150, verify: 1000 });
export const ledgerRuns = scaled({ test: 160, verify: 1000 });

/** Runs of everything that an operator can ask for, audited: 45 ms a run, 60 over three shards. */
export const operatorRuns = scaled({ test: 100, verify: 1000 });
export const operatorRunsOverShards = scaled({ test: 40, verify: 400 });

/** The log is cut and flipped at each n-th byte, from a random one on: 115,000 cases in all, about 1.2 ms each. */
export const damageStride = scaled({ test: 32, verify: 1 });

/** kill -9 of a server under load, and what follows: 1.7 s each. Twelve are every moment once. */
export const kills = scaled({ test: 12, verify: 30 });
export const killsOverShards = scaled({ test: 4, verify: 8 });
export const killsOfOutlets = scaled({ test: 3, verify: 8 });

/** Orders in ten years, 80 us each with their moves; fewer orders are fewer a day, never fewer days. */
export const ordersInTenYears = scaled({ test: 75_000, verify: 1_000_000 });

/** Orders with adjustments, refunded in random pieces: 0.1 ms each. */
export const adjustedOrders = scaled({ test: 3000, verify: 100_000 });
