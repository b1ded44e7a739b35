/**
 * Points: one for each whole unit of currency that was paid and not refunded.
 *
 * An order is granted its points once: when it is paid, if the setting says so then, else when it is completed. A
 * refund takes back what the rest of the money does not earn any more, so all refunds together take back what was granted
 * and never more. What the account has spent by then, it owes: its balance goes below zero.
 */

import { scaleOf } from "./money.js";

/** `minor`: paid less refunded. 99.90 CNY are 99 points, 980 JPY are 980. */
export function pointsFor(minor: number, currency: string): number {
  return Math.floor(minor / 10 ** scaleOf(currency));
}

/** Points to take back from an order that has `points` and keeps `minor` of its money. */
export function pointsToReverse(points: number, minor: number, currency: string): number {
  return Math.max(0, points - pointsFor(minor, currency));
}
