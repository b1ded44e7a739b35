/** All outlets of an engine at work: a delivery for each of them and each shard, on one store, in whichever thread calls this. */

import { OutletStore } from "../../persistence/outlets/outlet-store.js";
import {
  type DeliveryParts,
  type OutletCounters,
  type OutletSource,
  runDelivery,
  runLetters,
} from "./delivery.js";
import { eventFileOutlet } from "./event-file.js";
import { functionOutlet } from "./function-outlet.js";
import type { Outlet, OutletSetup } from "./outlet.js";
import { webhookOutlet } from "./webhook.js";

export interface OutletTask {
  /** outlets.db, or `:memory:`. */
  readonly file: string;
  /** Whose logs they follow; undefined in memory. */
  readonly engine: string | undefined;
  readonly outlets: readonly OutletSetup[];
  /** By shard: the position of its last fact when the engine started. */
  readonly ends: readonly number[];
  readonly counters: SharedArrayBuffer;
  /** Bytes of the log that are read at a time. */
  readonly readBytes: number;
}

export interface RunningOutlets {
  /** Finishes the deliveries that have begun, or gives them up after `stopWithinMs`, and closes everything. */
  stop(): Promise<void>;
}

const stopWithinMs = 3_000;

/** Opens outlets.db and gives every outlet its place in every shard, on the disk. Throws when the file cannot be used. */
export function placeOutlets(
  { file, engine, outlets, ends }: OutletTask,
  say: (line: string) => void,
): OutletStore {
  const store = new OutletStore(file);
  try {
    const places = outlets.flatMap(({ name: outlet, from }) =>
      ends.map((end, shard) => ({ outlet, shard, from: from === "start" ? 0 : end, end })),
    );
    const known = new Set(store.cursors().map(({ outlet }) => outlet));
    for (const { name, from } of outlets)
      if (!known.has(name) && from !== "start" && ends.some((end) => end > 0))
        say(`outlet ${name} is new here: it begins behind what there is, not with the first event`);
    for (const { outlet, shard, position } of store.place(places, engine)) {
      const end = `the log ends with ${ends[shard]}; going on there`;
      say(`outlet ${outlet}, shard ${shard}: ${position} was delivered, but ${end}`);
    }
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

/** On a store in which all outlets have their places; it is closed when they stop. */
export function runOutlets(
  task: OutletTask,
  store: OutletStore,
  openSource: (shard: number) => OutletSource,
  say: (line: string) => void,
): RunningOutlets {
  const stopping = new AbortController();
  const stopped = new AbortController();
  const outlets: Outlet[] = [];
  const sources: OutletSource[] = [];
  const running: Promise<void>[] = [];
  try {
    for (const shard of task.ends.keys()) verifyNames(store, openSource(shard), say);
    for (const [n, setup] of task.outlets.entries()) {
      const outlet = makeOutlet(setup);
      outlets.push(outlet);
      const parts: DeliveryParts = {
        outlet,
        store,
        counters: countersOf(task.counters, n, task.ends.length),
        readBytes: task.readBytes,
        stopping: stopping.signal,
        stopped: stopped.signal,
        say,
      };
      for (const shard of task.ends.keys()) {
        const source = openSource(shard);
        sources.push(source);
        running.push(runDelivery(parts, source));
      }
      running.push(runLetters(parts));
    }
  } catch (error) {
    stopping.abort();
    store.close();
    throw error;
  }
  return {
    async stop() {
      stopping.abort();
      const overdue = setTimeout(() => stopped.abort(), stopWithinMs);
      await Promise.all(running);
      clearTimeout(overdue);
      for (const outlet of outlets) await outlet.close();
      for (const source of sources) source.close();
      store.close();
    },
  };
}

/** Numbers of counters for so many outlets. */
export function makeCounters(outlets: number, shards: number): SharedArrayBuffer {
  return new SharedArrayBuffer(8 * outlets * (fields + shards));
}

const fields = 3;

/** The counters of one outlet, shared between the thread that delivers and the one that is asked for metrics. */
export function countersOf(buffer: SharedArrayBuffer, outlet: number, shards: number): OutletCounters {
  const numbers = new Float64Array(buffer, 8 * outlet * (fields + shards), fields + shards);
  const field = (at: number): PropertyDescriptor => ({
    get: () => numbers[at],
    set: (value: number) => {
      numbers[at] = value;
    },
  });
  const counters = { positions: numbers.subarray(fields) };
  Object.defineProperties(counters, { delivered: field(0), failed: field(1), dead: field(2) });
  return counters as unknown as OutletCounters;
}

function makeOutlet(setup: OutletSetup): Outlet {
  if (setup.kind === "webhook") return webhookOutlet(setup);
  if (setup.kind === "file") return eventFileOutlet(setup);
  return functionOutlet(setup);
}

/** Whether the names in outlets.db are of this log. */
function verifyNames(store: OutletStore, source: OutletSource, say: (line: string) => void): void {
  const { shard } = source;
  const named = store.names.namedTo(shard);
  const atEnd = named > 0 ? source.readAfter(named - 1, 1)[0] : undefined;
  if (!store.names.verify(shard, atEnd)) {
    say(`shard ${shard}: outlets.db belongs to another log than this one; the names in it are read again`);
  }
  source.close();
}
