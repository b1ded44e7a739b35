/**
 * The outlets as an engine uses them: started when it has recovered, asked for figures, stopped with it.
 *
 * OUTLETS-1  Before the engine answers anybody every outlet has its place in the log, on the disk: it delivers what is answered
 *            from then on, whenever the process dies.
 *
 * On a folder a thread of its own follows the logs (`outlet-worker`). Functions of an embedding program can only be called
 * where they are, so with one of those, and in memory, everything runs here, in small pieces.
 */

import { Worker } from "node:worker_threads";
import type { Journal } from "../../persistence/log/journal.js";
import { outletsFile, shardFolder } from "../host/data-folder.js";
import type { OutletSource } from "./delivery.js";
import { journalSource, ownSource } from "./log-source.js";
import type { OutletSetup } from "./outlet.js";
import { countersOf, makeCounters, type OutletTask, placeOutlets, runOutlets } from "./outlet-run.js";
import type { OutletWorkerTask } from "./outlet-worker.js";

export interface OutletFigures {
  readonly name: string;
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  /** Durable facts that it has not come to yet, of all shards. */
  readonly lag: number;
}

export interface Outlets {
  figures(): readonly OutletFigures[];
  /** Finishes what has begun, for some seconds at most. */
  stop(): Promise<void>;
}

export interface OutletsOptions {
  /** Of the engine; undefined = in memory. */
  readonly folder: string | undefined;
  /** Whose folder it is. */
  readonly engine?: string | undefined;
  /** Where cursors and dead letters are kept: outlets.db in the folder, or in memory too. */
  readonly file?: string;
  readonly journals: readonly Journal[];
  readonly outlets: readonly OutletSetup[];
  /** A line for the operator. */
  readonly say: (line: string) => void;
}

/** Bytes read at a time, here between turns of the loop, and in a thread of their own. */
const readBytesHere = 32 * 1024;
const readBytesInThread = 256 * 1024;

const restartMs = 30_000;
const closeMsMax = 8_000;

/** A name of an outlet, as it stands in outlets.db, in metrics and on the command line. */
const namePattern = /^[A-Za-z0-9._:-]{1,64}$/;

export function openOutlets(options: OutletsOptions): Outlets {
  const { folder, engine, journals, outlets, say } = options;
  checkNames(outlets);
  const counters = makeCounters(outlets.length, journals.length);
  const here = folder === undefined || outlets.some(({ kind }) => kind === "function");
  const task: OutletTask = {
    file: options.file ?? (folder === undefined ? ":memory:" : outletsFile(folder)),
    engine,
    outlets,
    ends: journals.map(({ durable }) => durable),
    counters,
    readBytes: here ? readBytesHere : readBytesInThread,
  };
  const running = here
    ? runOutlets(task, placeOutlets(task, say), (shard) => sourceHere(folder, shard, journals[shard]!), say)
    : runInThread({ ...task, folder }, say);
  const figures = outlets.map(({ name }, n) => ({ name, of: countersOf(counters, n, journals.length) }));
  return {
    figures: () =>
      figures.map(({ name, of }) => {
        const { delivered, failed, dead, positions } = of;
        const lag = journals.reduce(
          (sum, { durable }, shard) => sum + Math.max(0, durable - positions[shard]!),
          0,
        );
        return { name, delivered, failed, dead, lag };
      }),
    stop: () => running.stop(),
  };
}

function sourceHere(folder: string | undefined, shard: number, journal: Journal): OutletSource {
  if (folder === undefined) return journalSource(shard, journal);
  return ownSource(shard, shardFolder(folder, shard), journal);
}

function checkNames(outlets: readonly OutletSetup[]): void {
  const names = outlets.map(({ name }) => name);
  for (const [n, name] of names.entries()) {
    if (!namePattern.test(name)) throw new Error(`outlet ${n + 1}: "${name}" is not a name`);
    if (names.indexOf(name) !== n) throw new Error(`two outlets are called ${name}`);
  }
}

/**
 * A thread that ends by itself, or whose outlets cannot be given their places, is started again after a while: the engine goes on,
 * and what was not delivered waits.
 */
function runInThread(workerData: OutletWorkerTask, say: (line: string) => void): { stop(): Promise<void> } {
  let worker: Worker | undefined;
  let again: NodeJS.Timeout | undefined;
  let stopping = false;
  let ended = Promise.resolve();
  let placed = false;

  const startLater = () => {
    if (!stopping) again = setTimeout(start, restartMs).unref();
  };
  const sayStopped = ({ message }: Error) =>
    say(`the outlets have stopped and start again in ${restartMs / 1000} s: ${message}`);

  function start(): void {
    try {
      // Once: where they stand later is theirs, and may be past where the log ended when the engine started.
      if (!placed) placeOutlets(workerData, say).close();
      placed = true;
    } catch (error) {
      sayStopped(error as Error);
      startLater();
      return;
    }
    // The flags of the program around us are not for our threads; with `--input-type` they would not even start.
    const started = new Worker(workerFile(), { workerData, execArgv: [] });
    worker = started;
    started.on("message", say);
    started.on("error", sayStopped);
    ended = new Promise((resolve) => {
      started.once("exit", () => {
        worker = undefined;
        startLater();
        resolve();
      });
    });
  }

  start();
  return {
    async stop() {
      stopping = true;
      clearTimeout(again);
      worker?.postMessage("stop");
      const overdue = setTimeout(() => void worker?.terminate(), closeMsMax);
      await ended;
      clearTimeout(overdue);
    },
  };
}

/** The compiled worker: beside this file, or in `dist` when this file runs uncompiled (tests). */
function workerFile(): URL {
  const compiled = import.meta.url.endsWith(".ts") ? "../../dist/gateway/outlets/" : "./";
  return new URL(`${compiled}outlet-worker.js`, import.meta.url);
}
