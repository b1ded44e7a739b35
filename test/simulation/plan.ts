/** What a seed decides before its world begins: how big it is, how its shop is set up, and how badly its parts behave. */

import { defaultSettings, type Settings } from "../../engine/seams/settings.js";
import type { Fate } from "./disk.js";
import type { Random } from "./random.js";

export interface Plan {
  readonly shards: number;
  readonly clients: number;
  readonly accounts: number;
  readonly products: number;
  /** Requests that clients make up; retries come on top. */
  readonly requests: number;
  readonly settings: Settings;
  /** Microseconds between two requests of the world. */
  readonly paceMicros: number;
  /** How many requests come in one burst at the most. */
  readonly burstMax: number;
  readonly stockMax: number;
  readonly keysCanBeDropped: boolean;
  readonly network: {
    readonly lose: number;
    readonly double: number;
    readonly late: number;
    /** Connections cut, per burst. */
    readonly cut: number;
  };
  readonly bus: {
    readonly lose: number;
    readonly double: number;
    readonly late: number;
    /** Partitions begun, per burst. */
    readonly partition: number;
  };
  readonly providers: {
    /** Of a call, or of its answer. */
    readonly lose: number;
    readonly double: number;
    readonly late: number;
    readonly refuse: number;
    /** Refunds that the provider never says a word about. */
    readonly silent: number;
  };
  /** What follows when all has come to rest: nothing, or time in one leap, and what is due by then. */
  readonly epilogue: "none" | "day" | "weeks";
  readonly disk: Readonly<Record<Exclude<Fate, "synced">, number>>;
  /** Per burst. */
  readonly kill: number;
  readonly powerLoss: number;
  readonly snapshot: number;
  readonly nearlyFull: number;
  readonly clockStep: number;
  /** Of a step: by days, not by seconds. */
  readonly clockJump: number;
}

export function makePlan(random: Random, requests: number): Plan {
  const shards = random.pick([1, 1, 2, 3, 4, 5]);
  const clients = random.between(2, 40);
  const dropKeys = random.chance(0.5);
  const settings: Settings = {
    ...defaultSettings,
    graceMs: random.pick([0, 0, 20, 300]),
    payWithinMs: random.pick([1000, 1500, 4000]),
    autoConfirmMs: random.pick([300, 1500, defaultSettings.autoConfirmMs]),
    afterSaleMs: random.pick([200, 1500, defaultSettings.afterSaleMs]),
    pointsGrantOn: random.pick(["completed", "paid"]),
    latePayment: random.pick(["refund", "reinstate"]),
    tokenSecret: "a secret of this engine",
    keysMax: dropKeys && random.chance(0.5) ? random.between(20, 200) : defaultSettings.keysMax,
    keysKeepMs: dropKeys ? random.between(200, 4000) : defaultSettings.keysKeepMs,
  };
  // Some worlds are calm, so that long stretches of plain work are met too; some are all storm.
  const storm = random.pick([0.2, 1, 1, 3]);
  const append = (weight: number) => (weight * storm) / 1000;
  return {
    shards,
    clients,
    accounts: random.between(1, Math.max(2, Math.floor(clients * 0.8))),
    products: random.between(1, 8),
    requests,
    settings,
    paceMicros: random.pick([4000, 8000, 16000]),
    burstMax: random.pick([1, 4, 12]),
    stockMax: random.pick([5, 40, 400]),
    keysCanBeDropped: dropKeys,
    network: { lose: 0.03 * storm, double: 0.02 * storm, late: 0.02 * storm, cut: 0.01 * storm },
    bus: { lose: 0.05 * storm, double: 0.05 * storm, late: 0.03 * storm, partition: 0.01 * storm },
    providers: {
      lose: 0.1 * storm,
      double: 0.1,
      late: 0.1 * storm,
      refuse: random.pick([0, 0.2]),
      silent: random.pick([0, 0, 0.3]),
    },
    epilogue: random.pick(["none", "none", "none", "day", "weeks"]),
    disk: {
      "synced late": random.pick([0, 0.3, 0.9]),
      "killed before the write": append(0.7),
      "killed in the write": append(0.7),
      "killed before the sync": append(0.7),
      "killed before the flush": append(1),
      "killed after the flush": append(0.7),
      "write error": append(0.4),
      "disk full": append(0.4),
      "sync error": append(0.5),
      "late sync error": append(0.5),
    },
    kill: 0.002 * storm,
    powerLoss: random.pick([0, 0.5, 1]),
    snapshot: random.pick([0, 0.02, 0.05]),
    nearlyFull: 0.004 * storm,
    clockStep: random.chance(0.5) ? 0.015 * storm : 0,
    clockJump: random.pick([0, 0, 0, 0.3]),
  };
}
