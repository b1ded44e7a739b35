/** How fast the answers came, with the outage and without it. */

import type { Outage } from "./crash.js";
import type { Attempt } from "./receipts.js";

export interface Speed {
  /** Answers to `order.place` a second while people stood at the door, the outage included. */
  readonly ordersPerSecond: number;
  /** The same without the time of the outage and without what was on its way in it. */
  readonly ordersPerSecondOutsideOutage: number;
  /** From the first send of an `order.place` to its answer, over all that were sent. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Over those that were not on their way during the outage. */
  readonly p99OutsideOutageMs: number;
}

type Window = Pick<Outage, "killedAt" | "backAt">;

export function speedOf(
  attempts: readonly Attempt[],
  rush: { readonly from: number; readonly to: number },
  outage: Window | undefined,
): Speed {
  const all = waits(attempts);
  const outside = attempts.filter((attempt) => !isDuring(attempt, outage));
  const inRush = (list: readonly Attempt[]) => list.filter(({ answeredAt }) => answeredAt <= rush.to).length;
  const rushMs = rush.to - rush.from;
  const outageMs = outage
    ? Math.max(0, Math.min(outage.backAt, rush.to) - Math.max(outage.killedAt, rush.from))
    : 0;
  return {
    ordersPerSecond: perSecond(inRush(attempts), rushMs),
    ordersPerSecondOutsideOutage: perSecond(inRush(outside), rushMs - outageMs),
    p50Ms: quantile(all, 0.5),
    p99Ms: quantile(all, 0.99),
    p99OutsideOutageMs: quantile(waits(outside), 0.99),
  };
}

/** Whether any part of its way was in the outage. */
export function isDuring({ sentAt, answeredAt }: Attempt, outage: Window | undefined): boolean {
  return outage !== undefined && sentAt <= outage.backAt && answeredAt >= outage.killedAt;
}

/** Milliseconds, shortest first. */
export function waits(attempts: readonly Attempt[]): Float64Array {
  return Float64Array.from(attempts, ({ sentAt, answeredAt }) => answeredAt - sentAt).sort();
}

/** The wait that a share `q` of them does not exceed, to a hundredth of a millisecond; 0 when there are none. */
export function quantile(sorted: Float64Array, q: number): number {
  const wait = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
  return Math.round(wait * 100) / 100;
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((count / ms) * 1000) : 0;
}
