/**
 * The thread that follows the logs into read.db.
 *
 * It shares two cores with the engine and whoever loads it, and nobody waits for it but those who ask it something. So
 * it works in slices and rests twice as long as it worked (as long as it worked, while somebody waits); when
 * there is nothing to do it looks again every `pollMs`.
 */

import { parentPort, workerData } from "node:worker_threads";
import { LogReader } from "../log/log-reader.js";
import { Follower } from "./read-follower.js";
import { ReadFailed } from "./read-queries.js";
import type { ReadSideAnswer, ReadSideMessage, ReadSideSetup } from "./read-side.js";

const sliceMs = 8;
const pollMs = 25;

const setup = workerData as ReadSideSetup;
const port = parentPort!;
const projected = new Float64Array(setup.projected);
const readers = setup.shards.map(({ folder }) => new LogReader(folder));
const sources = setup.shards.map(({ shard }, index) => ({
  shard,
  readAfter: (position: number, maxBytes: number) => readers[index]!.readAfter(position, maxBytes),
}));
const follower = new Follower(setup.file, sources, setup.waitMs);
let timer: NodeJS.Timeout;

function slice(): void {
  const began = performance.now();
  const more = follower.step(sliceMs);
  const spent = performance.now() - began;
  for (const [index, { shard }] of sources.entries()) projected[index] = follower.position(shard);
  // A worker is late by a millisecond anyway; what is asked meanwhile is answered between slices.
  timer = setTimeout(slice, more ? Math.max(1, spent * (follower.waiting > 0 ? 1 : 2)) : idleMs());
}

/** What waits is not durable yet, or not seen yet: it will be in a moment. */
function idleMs(): number {
  return follower.waiting > 0 ? 2 : pollMs;
}

port.on("message", (message: ReadSideMessage) => {
  if (message.kind === "close") {
    clearTimeout(timer);
    follower.close();
    for (const reader of readers) reader.close();
    port.close();
    return;
  }
  const { id, kind, params, shard, position } = message;
  const waitedBefore = follower.waiting;
  follower.ask(kind, params, shard, position, (result) => {
    const answer: ReadSideAnswer =
      result instanceof ReadFailed ? { id, code: result.code, message: result.message } : { id, result };
    port.postMessage(answer);
  });
  if (waitedBefore === 0 && follower.waiting > 0) {
    clearTimeout(timer);
    timer = setTimeout(slice, 0);
  }
});

slice();
