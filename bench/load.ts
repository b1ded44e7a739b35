/**
 * The load generator: a process of its own that sends `order.place` over WebSocket and counts the answers.
 *
 *     node dist/bench/load.js '{"port": 8080, "connections": 50, ...}'      one line of JSON on stdout
 *
 * It costs as little CPU as it can, because it shares the machine with what it measures. Two modes:
 *
 * - closed loop (no `ratePerSecond`): every connection keeps `framesInFlight` frames of `perFrame` orders under way.
 *   The figure is throughput; latency is from the write, and a server that stalls also stalls the asking.
 * - open loop (`ratePerSecond`): frames have a timetable, whatever the server does. Latency is from the time at which
 *   the order was meant to be sent, so a stall counts against every order that it delayed.
 */

import { fileURLToPath } from "node:url";
import { runProgram } from "./child.js";
import type { LoadConfig, LoadResult } from "./load-config.js";
import { createGenerator, generate } from "./load-generator.js";
import { MeasurementFailed } from "./measurement-failed.js";

/** Runs in this process. Throws `MeasurementFailed`, also when an order stays without its one answer. */
export function runLoad(config: LoadConfig): Promise<LoadResult> {
  return generate(createGenerator(config));
}

/** Runs in a process of its own. Throws `MeasurementFailed`. */
export async function startLoad(config: LoadConfig): Promise<LoadResult> {
  const seconds = "seconds" in config.bound ? config.bound.seconds + config.bound.warmupSeconds : 0;
  const line = await runProgram("load", JSON.stringify(config), (seconds + 300) * 1000);
  return JSON.parse(line) as LoadResult;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  runLoad(JSON.parse(process.argv[2] ?? "{}") as LoadConfig).then(
    (result) => console.log(JSON.stringify(result)),
    (error) => {
      console.error(error instanceof MeasurementFailed ? error.message : error);
      process.exit(1);
    },
  );
}
