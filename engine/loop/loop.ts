/**
 * Drives shards by the event loop of Node: one step per iteration, after all sockets that were ready have been read. So a
 * group is whatever arrived while the group before it was being written, and nobody waits for a timer.
 */

import type { Clock } from "../seams/clock.js";
import type { Shard } from "./shard.js";

/** setTimeout cannot wait longer. */
const timeoutMaxMs = 2_147_483_647;

export interface Loop {
  /** Something came in: step in this iteration. */
  wake(): void;
  /** Every shard is idle: nothing waits and nothing is in flight. */
  isIdle(): boolean;
  stop(): void;
}

/** `shards` is filled by the caller before the first `wake`. */
export function startLoop(shards: readonly Shard[], clock: Clock): Loop {
  let immediate: NodeJS.Immediate | undefined;
  let timeout: NodeJS.Timeout | undefined;
  let timeoutAt = Number.POSITIVE_INFINITY;
  let stopped = false;

  function wake(): void {
    if (immediate === undefined && !stopped) immediate = setImmediate(iterate);
  }

  function iterate(): void {
    immediate = undefined;
    let more = false;
    let due = Number.POSITIVE_INFINITY;
    for (const shard of shards) {
      if (shard.step()) more = true;
      due = Math.min(due, shard.nextDue);
    }
    if (more) wake();
    arm(due);
  }

  function arm(due: number): void {
    if (due === timeoutAt && timeout) return;
    if (timeout) clearTimeout(timeout);
    timeout = undefined;
    timeoutAt = due;
    if (stopped || due === Number.POSITIVE_INFINITY) return;
    const wait = Math.max(1, due - Math.floor(clock.nowMicros() / 1000));
    timeout = setTimeout(
      () => {
        timeout = undefined;
        wake();
      },
      Math.min(wait, timeoutMaxMs),
    );
  }

  return {
    wake,
    isIdle: () => immediate === undefined && shards.every((shard) => shard.isIdle),
    stop() {
      stopped = true;
      if (immediate) clearImmediate(immediate);
      if (timeout) clearTimeout(timeout);
    },
  };
}
