/**
 * Drives shards by the event loop of Node: one step per iteration, after all sockets that were ready have been read. So a
 * group is whatever arrived while the group before it was being written, and nobody waits for a timer.
 *
 * While nothing comes in it sleeps until something is due. Timers of the machine count on a clock that knows of no step of the
 * wall clock, nor of the time for which the machine was asleep: so a sleep is short, and at its end the engine's clock is asked.
 */

import type { Clock, TimeSource } from "../seams/clock.js";
import { clockLookMs } from "../seams/limits.js";
import type { Shard } from "./shard.js";

export interface Loop {
  /** Something came in: step in this iteration. */
  wake(): void;
  /** Every shard is idle: nothing waits and nothing is in flight. */
  isIdle(): boolean;
  stop(): void;
}

/** `shards` is filled by the caller before the first `wake`. `onMove` as in `TimeSource`. */
export function startLoop(shards: readonly Shard[], clock: Clock, onMove?: TimeSource["onMove"]): Loop {
  let immediate: NodeJS.Immediate | undefined;
  let timeout: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let stopped = false;
  const forgetMoves = onMove?.(wake);

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
    if (due === dueAt && timeout) return;
    dueAt = due;
    sleep();
  }

  function sleep(): void {
    if (timeout) clearTimeout(timeout);
    timeout = undefined;
    if (stopped || dueAt === Number.POSITIVE_INFINITY) return;
    timeout = setTimeout(look, Math.min(Math.max(1, restMs()), clockLookMs));
  }

  function look(): void {
    timeout = undefined;
    if (restMs() <= 0) wake();
    else sleep();
  }

  function restMs(): number {
    return dueAt - Math.floor(clock.nowMicros() / 1000);
  }

  return {
    wake,
    isIdle: () => immediate === undefined && shards.every((shard) => shard.isIdle),
    stop() {
      stopped = true;
      forgetMoves?.();
      if (immediate) clearImmediate(immediate);
      if (timeout) clearTimeout(timeout);
    },
  };
}
