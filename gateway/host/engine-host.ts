/**
 * The composition root: makes an engine out of its parts, on a folder or in memory, and takes it apart again. The
 * server (`server`) and the embedding program (`embedded`) both stand on it.
 */

import { statfsSync } from "node:fs";
import { refuse } from "../../actors/results.js";
import { type Loop, startLoop } from "../../engine/loop/loop.js";
import { shardOf } from "../../engine/loop/methods.js";
import { Shard } from "../../engine/loop/shard.js";
import { type Clock, startClock, systemTime, type TimeSource } from "../../engine/seams/clock.js";
import { memoryBus } from "../../engine/seams/memory-bus.js";
import type { Requester } from "../../engine/seams/requester.js";
import type { Settings } from "../../engine/seams/settings.js";
import { Books } from "../../engine/tables/books.js";
import { isAt, type Place } from "../../persistence/log/folder.js";
import type { Journal } from "../../persistence/log/journal.js";
import { memoryJournal } from "../../persistence/log/memory-journal.js";
import { movedAway, type SqliteJournal } from "../../persistence/log/sqlite-journal.js";
import { openReadSide, type ReadSide } from "../../persistence/read/read-side.js";
import type { Engine } from "../edge/session.js";
import type { OutletSetup } from "../outlets/outlet.js";
import { type OutletFigures, type Outlets, openOutlets } from "../outlets/outlets.js";
import { auditRunning } from "./audit-run.js";
import type { RunningDefinitions } from "./call-runner.js";
import { shardFolder } from "./data-folder.js";
import { makeDeferredQueries } from "./deferred-queries.js";
import { newSecret, type OpenedFolder, openDataFolder } from "./folder-start.js";
import { checkLogClock, span } from "./log-clock.js";
import { checkMachine, thisMachine } from "./machine.js";
import { recoverShard, snapshotBytes } from "./recovery.js";
import { startSnapshots } from "./snapshots.js";

export interface HostOptions {
  /** Undefined = in memory: nothing survives the process. */
  readonly folder: string | undefined;
  readonly shards: number;
  readonly settings: Omit<Settings, "tokenSecret">;
  readonly segmentBytes: number;
  /** How much of the log is proven before it is served; "all" reads it from its first byte. */
  readonly prove: "all" | "recent";
  /** 0 = never. */
  readonly snapshotBytes: number;
  readonly readSide: boolean;
  /** New orders are refused while less is free. */
  readonly diskFreeBytes: number;
  /** A line for whoever waits for the start. */
  readonly progress: (line: string) => void;
  /** The engine has stopped for good and must not be asked any more: a storage failure or a defect. */
  readonly failed: (error: unknown) => void;
  /** What transactions and refunds call; absent: nothing is defined here. */
  readonly definitions?: RunningDefinitions;
  /** A line about something that keeps failing. */
  readonly alert?: (line: string) => void;
  /** Where time comes from; absent: the machine. */
  readonly time?: TimeSource;
  /** Start although the log is ahead of the wall clock; time then goes on from the log's. */
  readonly acceptClock?: boolean;
  /** Where events go besides the feed. */
  readonly outlets?: readonly OutletSetup[];
}

export interface EngineHost extends Engine {
  readonly parts: readonly Shard[];
  readonly journals: readonly Journal[];
  /** Facts of a shard that the read side does not show yet. */
  readSideLag(shard: number): number;
  /** Questions to the read side without an answer. */
  readQuestionsOpen(): number;
  /** Snapshots written since the start. */
  snapshotsWritten(): number;
  /** Of every outlet. */
  outletFigures(): readonly OutletFigures[];
  /** By how much engine time is ahead of the wall clock. */
  clockAheadMs(): number;
  hasFailed(): boolean;
  /** Finishes what was taken, closes the files. Nothing may be submitted any more. */
  stop(): Promise<void>;
}

interface Recovered {
  readonly books: Books;
  readonly journal: Journal | SqliteJournal;
}

const diskCheckMs = 1000;
const placeCheckMs = 1000;

/** Recovers and starts. Throws what `openDataFolder` and `recoverShard` throw, `MachineUnfit` and `LogAheadOfClock`. */
export async function openEngineHost(options: HostOptions): Promise<EngineHost> {
  const { folder, time = systemTime } = options;
  checkMachine(thisMachine(), options.shards, folder === undefined ? 0 : snapshotBytes(folder));
  const taken = folder === undefined ? undefined : openDataFolder(folder, options.shards, options.progress);
  const settings: Settings = { ...options.settings, tokenSecret: taken?.tokenSecret ?? newSecret() };
  const recovered = openShards(options, taken);
  const journals = recovered.map(({ journal }) => journal);
  const giveBack = () => closeAll(journals, taken);
  const clock = orGiveBack(giveBack, () => openClock(time, recovered, options));
  const outlets = orGiveBack(giveBack, () => {
    taken?.complete();
    return startOutlets(options, journals, taken?.identities[0]?.engine);
  });
  const readSide = options.readSide ? openReads(folder, journals) : undefined;
  const shards: Shard[] = [];
  const loop: Loop = startLoop(shards, clock, time.onMove);
  const bus = memoryBus();
  const engineMs = () => Math.floor(Math.max(clock.nowMicros(), ...shards.map((s) => s.nowMicros)) / 1000);

  const deferred = makeDeferredQueries(
    readSide,
    (shard, command) => shards[shard]!.submit(command),
    options.shards,
    () => auditRunning(folder, shards, journals, { wallMs: time.wallMs(), engineMs: engineMs() }),
    () => clock.nowMicros(),
    () => shards.map(({ books }) => books.position),
  );
  const outside = deferred.ask;
  for (const [shard, { books, journal }] of recovered.entries()) {
    const { wake } = loop;
    const { shards: count, failed } = options;
    const { definitions = {}, alert = () => {} } = options;
    shards.push(
      new Shard({
        ...{ shard, shards: count, books, journal, clock, bus, settings, outside, wake, failed, alert },
        ...definitions,
      }),
    );
  }
  const snapshots = folder === undefined ? undefined : startSnapshots(folder, journals, options);
  const diskWatch = folder === undefined ? undefined : watchDisk(folder, options.diskFreeBytes, shards);
  const placeWatch = taken && watchPlace(taken.place, recovered, options.failed);
  loop.wake();

  return {
    shards: options.shards,
    parts: shards,
    journals,
    readSideLag: (shard) => readSide?.lag(shard, shards[shard]!.books.position) ?? 0,
    route: (command) => shardOf(command, options.shards),
    submit: (shard, command) => shards[shard]!.submit(command),
    closed(shard: number, requester: Requester) {
      deferred.forget(requester);
      shards[shard]!.forget(requester);
    },
    nowMicros: () => clock.nowMicros(),
    wallMs: () => time.wallMs(),
    clockAheadMs: () => Math.max(0, engineMs() - time.wallMs()),
    readQuestionsOpen: () => deferred.open,
    snapshotsWritten: () => snapshots?.written() ?? 0,
    outletFigures: () => outlets?.figures() ?? [],
    hasFailed: () => shards.some((shard) => shard.hasFailed),
    async stop() {
      clearInterval(diskWatch);
      clearInterval(placeWatch);
      while (!loop.isIdle() && !shards.some((shard) => shard.hasFailed)) await new Promise(setImmediate);
      loop.stop();
      await outlets?.stop();
      await snapshots?.stop();
      await readSide?.close();
      giveBack();
    },
  };
}

/** All of them, whatever one says against it: what stayed locked could not be opened again by this program. */
function closeAll([first, ...rest]: readonly Journal[], taken: OpenedFolder | undefined): void {
  if (!first) {
    taken?.release();
    return;
  }
  try {
    first.close();
  } finally {
    closeAll(rest, taken);
  }
}

/** What was opened before something that cannot be is given back, so that the program may try again. */
function orGiveBack<T>(giveBack: () => void, work: () => T): T {
  try {
    return work();
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** Engine time goes on from where the logs end, if the wall clock is not far behind it, or somebody has accepted that. */
function openClock(time: TimeSource, recovered: readonly Recovered[], options: HostOptions): Clock {
  const logMicros = Math.max(...recovered.map(({ books }) => books.time));
  const logMs = Math.floor(logMicros / 1000);
  const wallMs = time.wallMs();
  if (!options.acceptClock) checkLogClock(logMs, wallMs);
  if (options.acceptClock && logMs > wallMs)
    options.progress(`time goes on from the log's, ${span(logMs - wallMs)} ahead of the clock`);
  return startClock(time, logMicros);
}

function startOutlets(
  options: HostOptions,
  journals: readonly Journal[],
  engine: string | undefined,
): Outlets | undefined {
  const { folder, outlets = [], progress: say } = options;
  if (outlets.length === 0) return undefined;
  return openOutlets({ folder, engine, journals, outlets, say });
}

/** All or none. */
function openShards(options: HostOptions, taken: OpenedFolder | undefined): Recovered[] {
  const recovered: Recovered[] = [];
  const giveBack = () =>
    closeAll(
      recovered.map(({ journal }) => journal),
      taken,
    );
  orGiveBack(giveBack, () => {
    for (let shard = 0; shard < options.shards; shard++) recovered.push(openShard(options, taken, shard));
  });
  return recovered;
}

function openShard(options: HostOptions, taken: OpenedFolder | undefined, shard: number): Recovered {
  if (options.folder === undefined || !taken) return { books: new Books(), journal: memoryJournal() };
  const started = performance.now();
  const name = `shard ${shard}`;
  const recovered = recoverShard(
    shardFolder(options.folder, shard),
    taken.identities[shard]!,
    options.segmentBytes,
    options.prove,
    (facts) => options.progress(`${name}: ${facts.toLocaleString("en")} facts so far`),
    options.progress,
  );
  const { books, fromSnapshot } = recovered;
  const facts = books.position - fromSnapshot;
  const seconds = (performance.now() - started) / 1000;
  const source = fromSnapshot > 0 ? `a snapshot at ${fromSnapshot} and ` : "";
  options.progress(
    `${name}: recovered from ${source}${facts} facts in ${seconds.toFixed(2)} s, position ${books.position}`,
  );
  return recovered;
}

function openReads(folder: string | undefined, journals: readonly Journal[]): ReadSide {
  if (folder === undefined) {
    return openReadSide({ memory: journals.map((journal, shard) => ({ shard, journal })) });
  }
  return openReadSide({
    folder,
    shards: journals.map((_, shard) => ({ shard, folder: shardFolder(folder, shard) })),
  });
}

/** Nearly full: what makes new things is refused before anything happened, everything else goes on. */
function watchDisk(folder: string, freeBytesMin: number, shards: readonly Shard[]): NodeJS.Timeout {
  const look = () => {
    const full = freeBytes(folder) < freeBytesMin;
    const refusal = refuse("overloaded", { retryAfterMs: diskCheckMs, reason: "the disk is nearly full" });
    for (const shard of shards) shard.refuseNewWith = full ? refusal : undefined;
  };
  look();
  return setInterval(look, diskCheckMs).unref();
}

/**
 * An engine that has nothing to write would not notice that its folder is gone, and go on answering what it remembers: so it looks
 * once a second. What it writes is looked after by the journal, at each commit.
 */
function watchPlace(
  place: Place,
  recovered: readonly Recovered[],
  failed: (error: unknown) => void,
): NodeJS.Timeout {
  const look = () => {
    try {
      for (const { journal } of recovered) if ("checkPlace" in journal) journal.checkPlace();
      if (!isAt(place)) throw movedAway(place.file);
    } catch (error) {
      clearInterval(timer);
      failed(error);
    }
  };
  const timer = setInterval(look, placeCheckMs).unref();
  return timer;
}

/** A disk that does not answer has no room either. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
