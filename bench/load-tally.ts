/**
 * What the load generator counts. Counters only rise: the counted window is the difference of two marks, so that
 * counting an answer does not ask whether it is warm-up. Only the histograms start anew when the window opens.
 */

import { createHistogram, type Histogram, record, reset } from "./histogram.js";
import type { Counts } from "./load-config.js";

const STATUSES = 1000;

export interface Tally {
  readonly latency: Histogram;
  /** Open loop: how late a frame left. */
  readonly sendLag: Histogram;
  /** How many answers had this status; 0 stands for none or one that does not exist. */
  readonly statuses: Uint32Array;
  /** How many had this refusal code, by a hash of its bytes. */
  readonly codes: Map<number, { readonly code: string; count: number }>;
  answered: number;
  sent: number;
  bytesIn: number;
  bytesOut: number;
}

export interface Mark {
  readonly atMs: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly answered: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly statuses: Uint32Array;
  readonly codes: ReadonlyMap<string, number>;
}

export function createTally(): Tally {
  return {
    latency: createHistogram(),
    sendLag: createHistogram(),
    statuses: new Uint32Array(STATUSES),
    codes: new Map(),
    answered: 0,
    sent: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

export function countAnswer(tally: Tally, status: number, micros: number): void {
  const known = status < STATUSES ? status : 0;
  tally.answered++;
  tally.statuses[known] = tally.statuses[known]! + 1;
  record(tally.latency, micros);
}

/** Counts a refusal's code, `bytes[at..at + length)`. */
export function countCode(tally: Tally, bytes: Uint8Array, at: number, length: number): void {
  let hash = 0;
  for (let i = at; i < at + length; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const known = tally.codes.get(hash);
  if (known) known.count++;
  else tally.codes.set(hash, { code: Buffer.from(bytes.subarray(at, at + length)).toString(), count: 1 });
}

export function mark(tally: Tally): Mark {
  return {
    atMs: performance.now(),
    cpu: process.cpuUsage(),
    answered: tally.answered,
    bytesIn: tally.bytesIn,
    bytesOut: tally.bytesOut,
    statuses: tally.statuses.slice(),
    codes: new Map([...tally.codes.values()].map(({ code, count }) => [code, count])),
  };
}

export function openWindow(tally: Tally): Mark {
  reset(tally.latency);
  reset(tally.sendLag);
  return mark(tally);
}

export function windowOf(before: Mark, after: Mark) {
  const orders = after.answered - before.answered;
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    orders,
    ...countsOf(after, before),
    seconds,
    perSecond: orders / seconds,
    cpuUserMicros: after.cpu.user - before.cpu.user,
    cpuSystemMicros: after.cpu.system - before.cpu.system,
    bytesOut: after.bytesOut - before.bytesOut,
    bytesIn: after.bytesIn - before.bytesIn,
  };
}

export function countsOf(after: Mark, before?: Mark): Counts {
  const statuses: Record<string, number> = {};
  after.statuses.forEach((count, status) => {
    const counted = count - (before?.statuses[status] ?? 0);
    if (counted > 0) statuses[status] = counted;
  });
  const refusedByCode: Record<string, number> = {};
  for (const [code, count] of after.codes) {
    const counted = count - (before?.codes.get(code) ?? 0);
    if (counted > 0) refusedByCode[code] = counted;
  }
  return { ok: statuses[200] ?? 0, statuses, refusedByCode };
}
