/** The audit of a running engine, in a thread of its own: waits until the log shows the positions asked for, then audits. */

import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { LogReader } from "../../persistence/log/log-reader.js";
import { type AuditTask, auditTask } from "./audit-run.js";
import { shardFolder } from "./data-folder.js";

const waitMs = 5;

/** Nobody waits for an audit as somebody waits for an order. Only Linux has a priority for one thread. */
if (process.platform === "linux") setPriority(Number(basename(readlinkSync("/proc/thread-self"))), 10);

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
