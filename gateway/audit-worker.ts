/** The audit of a running engine, in a thread of its own: waits until the log shows the positions asked for, then audits. */

import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { LogReader } from "../persistence/log-reader.js";
import { auditTask } from "./audit-run.js";
import { shardFolder } from "./data-folder.js";

export interface AuditTask {
  readonly folder: string;
  readonly shards: readonly {
    readonly shard: number;
    /** Position of the books when the audit was asked for; its group may not be on disk yet. */
    readonly upTo: number;
    /** Of the books at that position; undefined when they were too large to hash beside running. */
    readonly liveHash: string | undefined;
  }[];
}

const waitMs = 5;

const task = workerData as AuditTask;
for (const { shard, upTo } of task.shards) {
  const reader = new LogReader(shardFolder(task.folder, shard));
  let position = Math.max(0, upTo - 1);
  while (upTo > 0 && position < upTo) {
    const groups = reader.readAfter(position);
    if (groups.length === 0) await pause(waitMs);
    else position = groups.at(-1)!.last;
  }
  reader.close();
}
parentPort?.postMessage(auditTask(task));
