/**
 * Runs the audit where it belongs: of a folder (stopped, or running beside us) in this thread, of the running engine in a
 * worker thread, of an engine in memory between its own steps. Adds what only the engine's code can say: the state hash
 * by replay, and that of the living books.
 */

import { Worker } from "node:worker_threads";
import type { Shard } from "../../engine/loop/shard.js";
import { Books } from "../../engine/tables/books.js";
import { replay } from "../../engine/tables/replay.js";
import { stateHash } from "../../engine/tables/snapshot.js";
import {
  type AuditClock,
  type AuditProgress,
  auditLogs,
  auditSteps,
  type Certificate,
} from "../../persistence/audit/audit.js";
import type { Group, Journal } from "../../persistence/log/journal.js";
import { checkLog } from "../../persistence/log/log-check.js";
import { readLog } from "../../persistence/log/log-reader.js";
import { readDataFolder, shardFolder } from "./data-folder.js";

/** Books of more rows than this are not hashed while the engine runs: it would stop the loop for more than 10 ms. */
const liveHashRowsMax = 10_000;

/** What the worker is asked for. */
export interface AuditTask {
  readonly folder: string;
  readonly clock: AuditClock;
  readonly shards: readonly {
    readonly shard: number;
    /** Position of the books when the audit was asked for; its group may not be on disk yet. */
    readonly upTo: number;
    /** Of the books at that position; undefined when they were too large to hash beside running. */
    readonly liveHash: string | undefined;
  }[];
}

/**
 * The logs of a folder, from first to last, once they are proven to be what was written: from a spoilt -wal SQLite shows
 * fewer groups and says nothing. Throws what `readDataFolder` and `checkLog` throw.
 */
export function auditFolder(folder: string, progress: (progress: AuditProgress) => void): Certificate {
  const shards = Array.from({ length: readDataFolder(folder).shards }, (_, shard) => {
    const own = shardFolder(folder, shard);
    const upTo = checkLog({ folder: own }).end.position;
    return { shard, groups: readLog(own, 1), upTo, replayHash: replayHashOf(() => readLog(own, 1)) };
  });
  return auditLogs({ count: shards.length, shards, progress, clock: { wallMs: Date.now() } });
}

/** What the worker does for `auditRunning`. */
export function auditTask({ folder, shards, clock }: AuditTask): Certificate {
  return auditLogs({
    clock,
    count: shards.length,
    shards: shards.map(({ shard, upTo, liveHash }) => {
      const own = shardFolder(folder, shard);
      const groups = () => readLog(own, 1);
      return {
        shard,
        groups: groups(),
        upTo,
        replayHash: replayHashOf(groups),
        liveHash: (position: number) => (position === upTo ? liveHash : undefined),
      };
    }),
  });
}

/** The engine that runs in this process, as it stands now. */
export function auditRunning(
  folder: string | undefined,
  shards: readonly Shard[],
  journals: readonly Journal[],
  clock: AuditClock,
): Promise<Certificate> {
  const now = shards.map(({ shard, books }) => ({
    shard,
    upTo: books.position,
    liveHash: liveHashOf(books),
  }));
  if (folder !== undefined) return auditInWorker({ folder, shards: now, clock });
  return auditInSlices(now, journals, clock);
}

function auditInWorker(task: AuditTask): Promise<Certificate> {
  const worker = new Worker(new URL("./audit-worker.js", import.meta.url), {
    workerData: task,
    // The flags of the program around us are not for our threads; with `--input-type` they would not even start.
    execArgv: [],
  });
  // An engine that was stopped does not wait for it.
  worker.unref();
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

async function auditInSlices(
  shards: AuditTask["shards"],
  journals: readonly Journal[],
  clock: AuditClock,
): Promise<Certificate> {
  // The turn that asked is still open: its group is appended when it ends.
  await new Promise(setImmediate);
  const steps = auditSteps({
    clock,
    count: shards.length,
    shards: shards.map(({ shard, upTo, liveHash }) => {
      const groups = () => journals[shard]!.read(1);
      return { shard, groups: groups(), upTo, replayHash: replayHashOf(groups), liveHash: () => liveHash };
    }),
  });
  for (let count = 1; ; count++) {
    const step = steps.next();
    if (step.done) return step.value;
    if (count % 16 === 0) await new Promise(setImmediate);
  }
}

function replayHashOf(groups: () => Iterable<Group>): (position: number) => string {
  return (position) => {
    const books = new Books();
    for (const group of groups()) {
      if (group.last > position) break;
      replay(books, group);
    }
    return stateHash(books);
  };
}

function liveHashOf(books: Books): string | undefined {
  const { accounts, products, orders, keys, refs } = books;
  const rows = accounts.length + products.length + orders.count + keys.count + refs.count;
  return rows > liveHashRowsMax ? undefined : stateHash(books);
}
