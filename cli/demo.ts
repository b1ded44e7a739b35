/**
 * `yifen demo`: ten thousand buyers and a thousand units on this machine, and the server is killed in the middle.
 *
 * Nothing is left behind, however it ends: no process, and no folder unless `--keep-data` was given.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { openPanel } from "./demo/panel.js";
import type { DemoOptions } from "./demo/run.js";
import { ServerDied } from "./demo/server-process.js";
import { summaryOf } from "./demo/summary.js";
import { exitCodes, fail } from "./fail.js";

interface Flags extends Omit<DemoOptions, "folder"> {
  readonly json?: boolean;
  readonly keepData?: boolean;
}

/** A demo that takes longer is not a demo. */
const demoWithinMs = 120_000;

export function addDemo(program: Command): void {
  program
    .command("demo")
    .description("sell 1,000 units to 10,000 buyers, kill -9 in the middle, and count what went wrong")
    .addOption(whole("--buyers", "N", 10_000, 2, 100_000, "buyers, at least two for each unit"))
    .addOption(whole("--stock", "N", 1000, 1, 50_000, "units on sale"))
    .addOption(whole("--connections", "N", 100, 1, 2000, "WebSocket connections of the buyers"))
    .addOption(whole("--seed", "N", 1, 0, 2 ** 32 - 1, "who comes when, and who behaves how"))
    .option("--no-kill", "leave the server alone")
    .option("--keep-data", "keep the folder of the engine, and say where it is")
    .option("--json", "one JSON document on standard output, progress on standard error")
    .action(async (flags: Flags, command: Command) => {
      if (flags.buyers < 2 * flags.stock) {
        command.error("error: option '--buyers' must be at least twice '--stock', or not all is sold");
      }
      await demo(flags);
    });
}

async function demo({ json, keepData, ...options }: Flags): Promise<void> {
  const output = json ? process.stderr : process.stdout;
  const folder = mkdtempSync(join(tmpdir(), "yifen-demo-"));
  const panel = openPanel(output, process.env, performance.now());
  const cleanUp = leaveNothing(folder, keepData === true);
  const tooLong = setTimeout(() => {
    panel.close();
    console.error(`yifen: the demo did not end within ${demoWithinMs / 1000} s`);
    process.exit(exitCodes.stopped);
  }, demoWithinMs);
  let exitCode: number;
  try {
    const { runDemo } = await import("./demo/run.js");
    const hooks = { panel, owns: cleanUp.owns };
    const report = await runDemo({ ...options, folder }, hooks);
    panel.close();
    if (json) console.log(JSON.stringify(report));
    else for (const line of summaryOf(report)) console.log(line);
    for (const problem of json ? report.problems : []) console.error(`yifen: ${problem}`);
    exitCode = report.ok ? exitCodes.done : exitCodes.stopped;
  } catch (error) {
    panel.close();
    exitCode = error instanceof ServerDied ? serverDied(error, json) : fail(error, json);
  }
  clearTimeout(tooLong);
  cleanUp.now();
  if (keepData) output.write(`data kept in ${folder}\n`);
  // After a failure nothing that buyers still wait for is worth waiting for.
  if (exitCode === exitCodes.done) process.exitCode = exitCode;
  else process.exit(exitCode);
}

/** Its message ends with what the server said, and it said why. */
function serverDied({ message }: ServerDied, json = false): number {
  if (json)
    console.log(
      JSON.stringify({ ok: false, exitCode: exitCodes.stopped, error: { code: "stopped", message } }),
    );
  console.error(`yifen: ${message}`);
  return exitCodes.stopped;
}

/** Ends the server and removes the folder: now, or at the last moment when a signal or a failure ends this process. */
function leaveNothing(folder: string, keep: boolean): { owns(server: Killable): void; now(): void } {
  let server: Killable | undefined;
  const clean = () => {
    server?.killNow();
    // A server that was killed this moment may still be making a file.
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  process.once("exit", clean);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return {
    owns(owned) {
      server = owned;
    },
    now() {
      process.removeListener("exit", clean);
      clean();
    },
  };
}

interface Killable {
  killNow(): void;
}

function whole(
  flag: string,
  value: string,
  fallback: number,
  min: number,
  max: number,
  about: string,
): Option {
  return new Option(`${flag} <${value}>`, about).default(fallback).argParser((text) => {
    const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  });
}
