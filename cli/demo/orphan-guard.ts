/**
 * Loaded into the demo's server before its own program (`node --import`): ends it when the demo is gone, also when
 * that was killed and could not say so. The pipe to stdin closes with the process at its other end.
 */

import type { Socket } from "node:net";
import { isMainThread } from "node:worker_threads";

// Worker threads are started with the same options as the process, and their own stdin has ended before it began.
if (isMainThread) {
  const stdin = process.stdin as typeof process.stdin & Partial<Pick<Socket, "unref">>;
  stdin.on("error", () => process.exit(1));
  stdin.on("end", () => process.exit(1));
  stdin.resume();
  // A server that was told to stop ends by itself, whether or not the pipe is still open.
  stdin.unref?.();
}
