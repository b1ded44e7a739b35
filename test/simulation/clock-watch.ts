/**
 * Watches the clocks of the shards that run: whatever becomes of a wall clock, engine time goes on. A time that stood still would
 * be healed by the quiet at the end, in which nobody moves a clock, and nobody would have noticed.
 */

import type { World } from "./world.js";

/** What engine time may lose against the world's while it waits for a wall clock that was set back. */
const pace = 0.998;

interface Reading {
  readonly incarnation: number;
  readonly world: number;
  readonly engine: number;
}

export class ClockWatch {
  readonly #last = new Map<number, Reading>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  look(): void {
    const { hosts, schedule, audit } = this.#world;
    for (const host of hosts) {
      const { number, incarnation } = host;
      const last = this.#last.get(number);
      if (!host.shard) continue;
      const engine = host.nowMicros();
      this.#last.set(number, { incarnation, world: schedule.now, engine });
      const behind = host.wallMicros - engine;
      if (behind > 1) audit.violation(`engine time of ${number} is ${behind} behind its wall clock`);
      if (last?.incarnation !== incarnation) continue;
      const passed = engine - last.engine;
      const world = schedule.now - last.world;
      if (passed < Math.floor(world * pace))
        audit.violation(`engine time of ${number} went on by ${passed} while ${world} passed`);
    }
  }
}
