/**
 * When what failed is tried again: 100 ms, doubled each time, at most 30 s, and 20 % more or less, so that a thousand calls
 * that failed together do not come back together. The share follows from what failed and how often: a turn knows no randomness.
 *
 *   after failure   1      2      3      4      5     6     7     8     9      10
 *   wait about      0.1 s  0.2 s  0.4 s  0.8 s  1.6 s 3.2 s 6.4 s 13 s  26 s   60 s, from now on always
 */

/** Failures after which somebody is told, and after which an item for a human opens. */
export const alertAfter = 3;
export const humanAfter = 10;

/** Failing for so long opens an item for a human too. */
export const humanAfterMs = 300_000;

const firstMs = 100;
const capMs = 30_000;
const slowMs = 60_000;
const share = 0.2;

/** The wait after so many failures: 100 ms, doubled each time, at most 30 s, 20 % more or less; `fraction` is 0 to 1. */
export function backOffMs(failures: number, fraction: number): number {
  const plain = Math.min(capMs, firstMs * 2 ** (failures - 1));
  return Math.min(capMs, Math.round(plain * (1 - share + 2 * share * fraction)));
}

export interface NextTry {
  readonly dueAt: number;
  readonly alert: boolean;
  /** It is for a human now; trying goes on all the same. */
  readonly human: boolean;
}

/** `failures` counts the one that has just happened, `firstFailedAt` (ms) is when the first of them did. */
export function nextTry(id: number, failures: number, firstFailedAt: number, nowMs: number): NextTry {
  const human = failures >= humanAfter || nowMs - firstFailedAt >= humanAfterMs;
  return {
    dueAt: nowMs + (human ? slowMs : retryDelayMs(id, failures)),
    alert: failures === alertAfter,
    human,
  };
}

/** The wait after that many failures, before a human was told. */
export function retryDelayMs(id: number, failures: number): number {
  return backOffMs(failures, fraction(id, failures));
}

/** 0 to 1, well mixed, the same for ever. */
function fraction(id: number, failures: number): number {
  let hash = Math.imul(id % 0x100000000, 0x9e3779b1) ^ Math.imul(failures, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0xffffffff;
}
