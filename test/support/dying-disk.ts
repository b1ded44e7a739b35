/**
 * A process that dies between two calls that change files: the calls are counted, and from a chosen one on none has any effect.
 * Reads go on, so that the program under test runs to its end like one that is dead and does not know it.
 */

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Thrown by every change after the death. */
export class Died extends Error {
  override readonly name = "Died";
}

const changing = [
  "mkdirSync",
  "openSync",
  "writeSync",
  "fsyncSync",
  "fdatasyncSync",
  "renameSync",
  "rmSync",
  "truncateSync",
  "ftruncateSync",
] as const;

type Call = (...args: unknown[]) => unknown;

/**
 * Runs `work` and lets it die at change number `at` (from 1), at a write after half of its bytes. True when it died, false when it came to
 * its end before.
 */
export async function dyingAt(at: number, work: () => Promise<unknown>): Promise<boolean> {
  const real = fs as unknown as Record<string, Call>;
  const kept = changing.map((name) => [name, real[name]!] as const);
  let count = 0;
  for (const [name, call] of kept) {
    real[name] = (...args) => {
      if (name === "openSync" && args[1] === "r") return call(...args);
      count++;
      if (count < at) return call(...args);
      if (count === at && name === "writeSync") writeHalf(call, args);
      throw new Died(`at ${name}, change ${count}`);
    };
  }
  syncBuiltinESMExports();
  try {
    await work();
    if (count >= at) throw new Error("it was dead and came to its end");
    return false;
  } catch (error) {
    if (count < at) throw error;
    return true;
  } finally {
    for (const [name, call] of kept) real[name] = call;
    syncBuiltinESMExports();
  }
}

/** As in writeSync(fd, bytes, offset, length, position). */
function writeHalf(call: Call, [fd, bytes, offset, length, position]: unknown[]): void {
  call(fd, bytes, offset, Math.floor((length as number) / 2), position);
}
