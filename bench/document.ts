/** What a run of the bench says, as one JSON document; docs/benchmarks.md is made from it. Times as the names say. */

import type { SocketCeiling, SyncCeiling } from "./ceilings.js";
import type { LevelResult } from "./levels.js";
import type { Machine } from "./machine.js";
import type { RedisFigures } from "./redis-peer.js";

export interface LevelPoint extends LevelResult {
  readonly level: "L0" | "L1" | "L2";
  readonly scenario: string;
}

export interface Point {
  readonly level: "L3";
  readonly scenario: string;
  readonly about: string;
  /** Answers a second, counted at the client. */
  readonly perSecond: number;
  readonly ok: number;
  readonly refused: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  readonly maxMicros: number;
  /** Of the server. */
  readonly cpuMicrosPerOrder: number;
  readonly logBytesPerOrder: number;
  readonly syncsPerOrder: number;
}

/** What was asked for is in docs/benchmarks.md beside each. */
export interface Ratios {
  readonly redisStockDepth16?: number;
  readonly redisStockFrames64?: number;
  readonly hotOverUniform: number;
  readonly idleP50OverFdatasync: number;
  readonly recoveryFactsPerSecond: number;
  /** Left out when no snapshot was written while it was measured. */
  readonly snapshotAddsMs?: number;
}

export interface BenchDocument {
  readonly machine: Machine;
  readonly date: string;
  readonly quick: boolean;
  readonly points: readonly (LevelPoint | Point)[];
  readonly recovery: { readonly facts: number; readonly seconds: number; readonly factsPerSecond: number };
  readonly snapshot: {
    readonly maxMs: number;
    readonly maxMsWithout: number;
    readonly p99Ms: number;
    readonly p99MsWithout: number;
    readonly snapshotsWritten: number;
  };
  readonly audit: { readonly ok: boolean; readonly facts: number; readonly orders: number };
  readonly peers: { readonly redis: RedisFigures | { readonly missing: string } };
  readonly ceilings: { readonly syncs: readonly SyncCeiling[]; readonly echoes: readonly SocketCeiling[] };
  readonly ratios: Ratios;
}
