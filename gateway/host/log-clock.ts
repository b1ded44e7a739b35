/**
 * The log's time against the wall clock's, when an engine starts. A log that is ahead was written by a clock that ran fast, or
 * this one is slow: holds, sales and refunds would follow a time that nobody else has, so a start wants a human's word for it.
 */

import { clockAheadMsMax } from "../../engine/seams/limits.js";

/** The log is ahead of the wall clock, and nobody has said that this is accepted. */
export class LogAheadOfClock extends Error {
  override readonly name = "LogAheadOfClock";

  constructor(
    readonly aheadMs: number,
    logMs: number,
    wallMs: number,
  ) {
    super(
      `the log is ${span(aheadMs)} ahead of the clock: its last record is of ${iso(logMs)}, and it is ${iso(wallMs)} now`,
    );
  }
}

/** `logMs`: the time of the last turn of all shards, 0 when there is none. Throws `LogAheadOfClock`. */
export function checkLogClock(logMs: number, wallMs: number): void {
  const aheadMs = logMs - wallMs;
  if (aheadMs > clockAheadMsMax) throw new LogAheadOfClock(aheadMs, logMs, wallMs);
}

const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** In words, the two largest units: "3652 days 2 hours". */
export function span(ms: number): string {
  const first = units.findIndex(([, unit]) => ms >= unit);
  if (first < 0) return `${Math.floor(ms)} ms`;
  let rest = ms;
  const parts: string[] = [];
  for (const [name, unit] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
  }
  return parts.join(" ");
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
