/** Starts a follower (`snapshot-worker`) for a shard whenever enough log has come since its last snapshot. */

import { Worker } from "node:worker_threads";
import type { Journal } from "../../persistence/log/journal.js";
import { shardFolder } from "./data-folder.js";
import type { SnapshotTask } from "./snapshot-worker.js";

export interface Snapshots {
  written(): number;
  /** Ends a follower that is still at work; its unfinished file is removed by the next start. */
  stop(): Promise<void>;
}

export interface SnapshotOptions {
  readonly snapshotBytes: number;
  readonly progress: (line: string) => void;
}

const lookMs = 1000;

export function startSnapshots(
  folder: string,
  journals: readonly Journal[],
  options: SnapshotOptions,
): Snapshots {
  const since = journals.map(() => 0);
  let worker: Worker | undefined;
  let written = 0;

  /** One follower at a time: each needs the memory of a shard's books. */
  function look(): void {
    if (worker) return;
    const shard = journals.findIndex(
      (journal, n) => journal.bytesAppended - since[n]! >= options.snapshotBytes,
    );
    const journal = journals[shard];
    if (!journal) return;
    since[shard] = journal.bytesAppended;
    const workerData: SnapshotTask = { folder: shardFolder(folder, shard), upTo: journal.durable };
    // The flags of the program around us are not for our threads; with `--input-type` they would not even start.
    worker = new Worker(new URL("./snapshot-worker.js", import.meta.url), { workerData, execArgv: [] });
    worker.on("message", () => {
      written++;
    });
    worker.on("error", (error) =>
      options.progress(`shard ${shard}: no snapshot this time: ${error.message}`),
    );
    worker.on("exit", () => {
      worker = undefined;
    });
  }

  const timer = options.snapshotBytes > 0 ? setInterval(look, lookMs).unref() : undefined;
  return {
    written: () => written,
    async stop() {
      clearInterval(timer);
      await worker?.terminate();
    },
  };
}
