/** The seam to time. The engine reads it once per turn and never lets it run backwards (`Shard`). */
export interface Clock {
  /** Microseconds since the Unix epoch, an integer. May jump in either direction. */
  nowMicros(): number;
}

/** The machine's wall clock, with the resolution of the monotonic one. */
export const systemClock: Clock = {
  nowMicros: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
};
