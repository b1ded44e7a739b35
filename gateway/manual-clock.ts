/** A clock that a test moves by hand: `openEngine({ clock })` lives by it, and seven days pass at once. */

import type { TimeSource } from "../engine/seams/clock.js";

export interface ManualClock extends TimeSource {
  /** What it shows, ms since the Unix epoch. */
  readonly nowMs: number;
  /** Lets so many milliseconds pass. What is due by then happens at once. */
  advance(ms: number): void;
  /** Sets the wall clock forward or back by so many milliseconds, as NTP does, and no time passes. */
  step(ms: number): void;
}

/** Stands still at `start` (a Date, or milliseconds since the Unix epoch; the present when left out) until it is moved. */
export function manualClock(start: Date | number = Date.now()): ManualClock {
  const listeners = new Set<() => void>();
  let wall = Number(start);
  let steady = 0;
  const move = (wallBy: number, steadyBy: number) => {
    if (!Number.isFinite(wallBy) || steadyBy < 0)
      throw new RangeError(`a clock cannot be moved by ${wallBy} ms`);
    wall += wallBy;
    steady += steadyBy;
    for (const moved of [...listeners]) moved();
  };
  return {
    wallMs: () => wall,
    steadyMs: () => steady,
    resolutionMs: 0,
    get nowMs() {
      return wall;
    },
    advance: (ms) => move(ms, ms),
    step: (ms) => move(ms, 0),
    onMove(moved) {
      listeners.add(moved);
      return () => void listeners.delete(moved);
    },
  };
}
