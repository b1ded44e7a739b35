/**
 * Watches the channels between shards that are well: whatever the bus loses in passing, the oldest message that is not
 * acknowledged does not stay the same for long. A channel that stands still would be healed by the quiet at the end, and
 * nobody would have noticed.
 */

import type { World } from "./world.js";

/** Fifteen repetitions, each with its acknowledgement: lost all of them one time in a hundred million. */
const patienceMicros = 3_000_000;

interface Waiting {
  readonly message: number;
  readonly since: number;
}

export class ChannelWatch {
  readonly #waiting = new Map<string, Waiting>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  look(): void {
    const { hosts, schedule, audit } = this.#world;
    for (const host of hosts) {
      for (const [peer, { firstUnacked, unacked }] of host.shard?.books.outboxes.outboxes ?? []) {
        const way = `${host.number}>${peer}`;
        const waiting = this.#waiting.get(way);
        if (unacked.length === 0) this.#waiting.delete(way);
        else if (waiting?.message !== firstUnacked)
          this.#waiting.set(way, { message: firstUnacked, since: schedule.now });
        else if (schedule.now - Math.max(waiting.since, this.#wellSince(host.number, peer)) > patienceMicros)
          audit.violation(`channel ${way} stands still at message ${firstUnacked}`);
      }
    }
  }

  /** When the sender, the receiver or the way between them was last disturbed. */
  #wellSince(from: number, to: number): number {
    const { hosts, bus } = this.#world;
    if (!hosts[to]!.shard) return Number.POSITIVE_INFINITY;
    const steady = Math.max(hosts[from]!.steadySince, hosts[to]!.steadySince);
    return Math.max(steady, bus.wholeSince(from, to));
  }
}
