/**
 * The read side as the engine uses it: ask, and get an answer that knows everything up to a position.
 *
 * With a folder a worker thread follows the logs into `read.db` and answers. Without one (`memory`) there is nothing to
 * survive, so rows are made on this thread, in slices, and only when somebody asks.
 *
 * `done` is never called before `query` has returned.
 */

import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Journal } from "../log/journal.js";
import { Follower, type ReadDone, type ReadSource } from "./read-follower.js";
import { ReadFailed, type ReadQueries, type ReadQueryKind } from "./read-queries.js";

export interface ReadSideOptions {
  /** Holds `read.db`; created by the journals before. Undefined with `memory`. */
  readonly folder?: string;
  /** Folders of the logs. */
  readonly shards?: readonly { readonly shard: number; readonly folder: string }[];
  readonly memory?: readonly { readonly shard: number; readonly journal: Journal }[];
  /** How long a question may wait for the read side to catch up; default 5,000. */
  readonly waitMs?: number;
}

export interface ReadSide {
  /**
   * Answers once the shard is projected up to `position`. `done` gets a plain JSON-ready object, or `ReadFailed`
   * (`bad_cursor`, `behind`, `broken`).
   */
  query<K extends ReadQueryKind>(
    kind: K,
    params: ReadQueries[K],
    shard: number,
    position: number,
    done: ReadDone,
  ): void;
  /** Facts of the shard up to `position` that are not projected yet, for metrics. */
  lag(shard: number, position: number): number;
  close(): Promise<void>;
}

/** What the worker is started with. */
export interface ReadSideSetup {
  readonly file: string;
  readonly shards: readonly { readonly shard: number; readonly folder: string }[];
  readonly waitMs: number;
  /** Float64 for each shard: how far it is projected. */
  readonly projected: SharedArrayBuffer;
}

export type ReadSideMessage =
  | { readonly kind: "close" }
  | {
      readonly [K in ReadQueryKind]: {
        readonly id: number;
        readonly kind: K;
        readonly params: ReadQueries[K];
        readonly shard: number;
        readonly position: number;
      };
    }[ReadQueryKind];

export type ReadSideAnswer =
  | { readonly id: number; readonly result: object }
  | { readonly id: number; readonly code: ReadFailed["code"]; readonly message: string };

const waitMsDefault = 5_000;
const closeMsMax = 10_000;

export function openReadSide(options: ReadSideOptions): ReadSide {
  const waitMs = options.waitMs ?? waitMsDefault;
  if (options.memory) return openInMemory(options.memory, waitMs);
  if (options.folder === undefined) throw new Error("a read side needs a folder or journals in memory");
  return openWorker(join(options.folder, "read.db"), options.shards ?? [], waitMs);
}

function openWorker(file: string, shards: ReadSideSetup["shards"], waitMs: number): ReadSide {
  const setup: ReadSideSetup = { file, shards, waitMs, projected: new SharedArrayBuffer(8 * shards.length) };
  const projected = new Float64Array(setup.projected);
  const waiting = new Map<number, ReadDone>();
  let lastId = 0;
  let gone: ReadFailed | undefined;

  // The flags of the program around us are not for our threads; with `--input-type` they would not even start.
  const worker = new Worker(workerFile(), { workerData: setup, execArgv: [] });
  const stopped = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const fail = (message: string) => {
    gone = new ReadFailed("broken", message);
    for (const done of waiting.values()) done(gone);
    waiting.clear();
  };
  worker.on("error", (error) => fail(`the read side has stopped: ${error.message}`));
  worker.once("exit", () => fail(gone?.message ?? "the read side is closed"));
  worker.on("message", (answer: ReadSideAnswer) => {
    const done = waiting.get(answer.id);
    waiting.delete(answer.id);
    done?.("result" in answer ? answer.result : new ReadFailed(answer.code, answer.message));
  });

  return {
    query(kind, params, shard, position, done) {
      if (gone) {
        setImmediate(done, gone);
        return;
      }
      const id = ++lastId;
      waiting.set(id, done);
      worker.postMessage({ id, kind, params, shard, position });
    },
    lag(shard, position) {
      const index = shards.findIndex((known) => known.shard === shard);
      return Math.max(0, position - (projected[index] ?? 0));
    },
    async close() {
      if (!gone) worker.postMessage({ kind: "close" });
      const overdue = setTimeout(() => void worker.terminate(), closeMsMax);
      await stopped;
      clearTimeout(overdue);
    },
  };
}

/** The compiled worker: beside this file, or in `dist` when this file runs uncompiled (tests). */
function workerFile(): URL {
  const compiled = import.meta.url.endsWith(".ts") ? "../../dist/persistence/read/" : "./";
  return new URL(`${compiled}read-side-worker.js`, import.meta.url);
}

function openInMemory(
  journals: readonly { readonly shard: number; readonly journal: Journal }[],
  waitMs: number,
): ReadSide {
  const sources = journals.map(({ shard, journal }) => journalSource(shard, journal));
  const follower = new Follower(":memory:", sources, waitMs);
  const sliceMs = 8;
  const durableSoonMs = 2;
  let running = false;
  const run = () => {
    const more = follower.step(sliceMs);
    running = follower.waiting > 0;
    if (running && more) setImmediate(run);
    else if (running) setTimeout(run, durableSoonMs);
  };
  let closed = false;
  return {
    query(kind, params, shard, position, done) {
      setImmediate(() => {
        if (closed) {
          done(new ReadFailed("broken", "the read side is closed"));
          return;
        }
        follower.ask(kind, params, shard, position, done);
        if (follower.waiting > 0 && !running) run();
      });
    },
    lag: (shard, position) => Math.max(0, position - follower.position(shard)),
    close() {
      closed = true;
      follower.close();
      return Promise.resolve();
    },
  };
}

/** About as many groups at a time as a `LogReader` gives. */
function journalSource(shard: number, journal: Journal): ReadSource {
  return {
    shard,
    readAfter(position, maxBytes) {
      const groups = [];
      let bytes = 0;
      for (const group of journal.read(position + 1)) {
        groups.push(group);
        bytes += group.body.length;
        if (bytes >= maxBytes) break;
      }
      return groups;
    },
  };
}
