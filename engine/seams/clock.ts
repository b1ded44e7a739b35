/**
 * The seam to time. Engine time is the wall clock's, with two differences: it never goes back, and it never stands still.
 *
 *      wall     ──────╮  ╭──────   the machine's clock: set by people, stepped by NTP, wrong after a boot
 *      steady   ──────────────     counts milliseconds, and knows no date
 *      engine   the wall clock's time as long as that runs forward; else goes on by the steady one
 *
 * CLOCK-1  Engine time never goes back, whatever the wall clock does.
 * CLOCK-2  It follows every step forward of the wall clock, at the next reading.
 * CLOCK-3  While the wall clock is behind, it runs on at its usual speed, less one part in a thousand, until they meet: a hold of a
 *      minute ends after a minute, and a clock that is set back again and again does not leave it ever further ahead.
 * CLOCK-4  What it skipped is counted. Nobody can tell a machine that was asleep from a clock that was set wrong, so what must
 *      really have been kept for so long is measured in time without the jumps (`Turn.runningMs`).
 */

import { clockJumpMs } from "./limits.js";

/** Engine time, as a shard reads it once per turn. */
export interface Clock {
  /** Microseconds since the Unix epoch, an integer. */
  nowMicros(): number;
  /** By how much it is ahead of the wall clock, as of the last reading. */
  readonly aheadMicros: number;
  /** All that it has skipped, what lies between the end of the log and the start included. */
  readonly jumpedMicros: number;
}

/** Where time comes from. */
export interface TimeSource {
  /** Milliseconds since the Unix epoch. May step in either direction. */
  wallMs(): number;
  /** Milliseconds since any moment, with fractions. Never steps. */
  steadyMs(): number;
  /** For so many steady milliseconds the wall clock need not be read again: it shows nothing new. */
  readonly resolutionMs: number;
  /** Takes what is to be called when a hand has moved it; gives what ends that. The machine's clock tells nobody. */
  onMove?(moved: () => void): () => void;
}

export const systemTime: TimeSource = {
  wallMs: () => Date.now(),
  steadyMs: () => performance.now(),
  resolutionMs: 1,
};

export interface ClockState {
  readonly micros: number;
  readonly steadyMicros: number;
  readonly aheadMicros: number;
  readonly jumpedMicros: number;
}

/** CLOCK-3: 86 seconds a day. */
const slowerBy = 0.001;

const jumpMicros = clockJumpMs * 1000;

/** `logMicros`: the time of the last turn in the log, 0 when there is none. */
export function beginClock(logMicros: number, wallMicros: number, steadyMicros: number): ClockState {
  const micros = Math.max(logMicros, wallMicros);
  const skipped = logMicros === 0 ? 0 : micros - logMicros;
  return {
    micros,
    steadyMicros,
    aheadMicros: micros - wallMicros,
    jumpedMicros: skipped > jumpMicros ? skipped : 0,
  };
}

/** Engine time at the next pair of readings. */
export function followClock(before: ClockState, wallMicros: number, steadyMicros: number): ClockState {
  const elapsed = Math.max(0, steadyMicros - before.steadyMicros);
  const expected = before.micros + elapsed;
  const skipped = wallMicros - expected;
  const micros = skipped >= 0 ? wallMicros : expected - Math.min(-skipped, Math.round(elapsed * slowerBy));
  return {
    micros,
    steadyMicros,
    aheadMicros: micros - wallMicros,
    jumpedMicros: before.jumpedMicros + (skipped > jumpMicros ? skipped : 0),
  };
}

/** A running clock. Mostly it reads the steady clock only: reading both costs twice as much. */
export function startClock(source: TimeSource, logMicros = 0): Clock {
  const wallMicros = () => Math.floor(source.wallMs() * 1000);
  const steadyMicros = () => Math.floor(source.steadyMs() * 1000);
  // The wall clock first: a pause of the process between the two must not look like a step forward.
  let state = beginClock(logMicros, wallMicros(), steadyMicros());
  const lookMicros = source.resolutionMs * 1000;
  return {
    nowMicros() {
      const elapsed = steadyMicros() - state.steadyMicros;
      if (elapsed >= 0 && elapsed < lookMicros) return state.micros + elapsed;
      state = followClock(state, wallMicros(), steadyMicros());
      return state.micros;
    },
    get aheadMicros() {
      return state.aheadMicros;
    },
    get jumpedMicros() {
      return state.jumpedMicros;
    },
  };
}
