/**
 * What this machine allows at most, whatever the engine does: the disk's fsync and the sockets. A figure of the
 * engine means something only beside the one that it cannot exceed.
 */

import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { serveProgram } from "./child.js";
import { createHistogram, type Latency, latencyOf, record } from "./histogram.js";
import { startLoad } from "./load.js";
import { uniformTraffic } from "./load-config.js";
import { MeasurementFailed } from "./measurement-failed.js";

const WARMUP_APPENDS = 20;
const APPEND_BYTES = [4 * 1024, 64 * 1024, 512 * 1024];
const FILE_BYTES_MAX = 512 * 1024 * 1024;

export interface SyncCeiling extends Latency {
  readonly bytes: number;
  readonly appends: number;
  readonly perSecond: number;
  readonly bytesPerSecond: number;
}

/** Appends of so many bytes to one new file, each followed by fdatasync, for so long. The file is removed. */
export function measureSync(folder: string, bytes: number, seconds: number): SyncCeiling {
  const own = mkdtempSync(join(folder, "sync-"));
  const file = openSync(join(own, "appends"), "a");
  const block = Buffer.alloc(bytes, 0x5a);
  const latency = createHistogram();
  const append = () => {
    if (writeSync(file, block) !== bytes) throw new MeasurementFailed("the disk took only a part of a write");
    fdatasyncSync(file);
  };
  try {
    for (let i = 0; i < WARMUP_APPENDS; i++) append();
    const start = performance.now();
    const appendsMax = Math.floor(FILE_BYTES_MAX / bytes);
    let now = start;
    while (now - start < seconds * 1000 && latency.count < appendsMax) {
      const before = now;
      append();
      now = performance.now();
      record(latency, (now - before) * 1000);
    }
    const perSecond = (latency.count * 1000) / (now - start);
    return {
      bytes,
      appends: latency.count,
      perSecond,
      bytesPerSecond: perSecond * bytes,
      ...latencyOf(latency),
    };
  } finally {
    closeSync(file);
    rmSync(own, { recursive: true, force: true });
  }
}

/** Small appends for the time of one fsync, large ones for what a group can carry. */
export function measureSyncs(folder: string, secondsEach = 3): SyncCeiling[] {
  return APPEND_BYTES.map((bytes) => measureSync(folder, bytes, secondsEach));
}

export interface SocketShape {
  readonly connections: number;
  readonly framesInFlight: number;
  readonly perFrame: number;
}

export interface SocketCeiling extends SocketShape, Latency {
  /** `echo`: the requests come back as they are. `answer`: answers of an order's size. */
  readonly mode: "echo" | "answer";
  readonly framesPerSecond: number;
  readonly ordersPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Of the load generator: what it takes away from a server on the same machine. */
  readonly generatorCpuMicrosPerOrder: number;
}

/** uWebSockets.js with nothing behind it under the load generator, both in processes of their own. */
export async function measureSockets(
  mode: "echo" | "answer",
  shape: SocketShape,
  seconds = 3,
): Promise<SocketCeiling> {
  const server = await serveProgram("echo-server", mode);
  try {
    const traffic = uniformTraffic(1_000, 100_000);
    const bound = { warmupSeconds: 1, seconds };
    const load = await startLoad({ port: server.port, ...shape, traffic, bound, keyPrefix: "ceiling-" });
    const answered = mode === "answer" ? load.ok : (load.statuses["0"] ?? 0);
    if (answered !== load.orders)
      throw new MeasurementFailed(`${load.orders - answered} answers are not echoes`);
    return {
      mode,
      ...shape,
      framesPerSecond: load.perSecond / shape.perFrame,
      ordersPerSecond: load.perSecond,
      bytesInPerSecond: load.bytesIn / load.seconds,
      bytesOutPerSecond: load.bytesOut / load.seconds,
      generatorCpuMicrosPerOrder: (load.cpuUserMicros + load.cpuSystemMicros) / load.orders,
      p50: load.p50,
      p99: load.p99,
      p999: load.p999,
      max: load.max,
    };
  } finally {
    await server.stop();
  }
}
