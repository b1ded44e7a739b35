/**
 * What the machine must have before an engine begins: a version of Node, memory, and room in the table of open files. Said
 * at the start in one line with the number that is needed, not found out under load.
 */

import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** This machine, or what the process may have of it, is not enough. */
export class MachineUnfit extends Error {
  override readonly name = "MachineUnfit";
}

export interface Machine {
  /** As in `process.versions.node`. */
  readonly node: string;
  /** Files that the process may have open; undefined where the system does not say. */
  readonly filesMax: number | undefined;
  /** Bytes that the process may have in all. */
  readonly memoryMax: number;
  /** Bytes that V8's heap may grow to. */
  readonly heapMax: number;
}

/** The same as `engines` of package.json: the lowest minor of each major version. */
export const nodeVersions: readonly (readonly [major: number, minor: number])[] = [
  [20, 20],
  [22, 0],
  [24, 0],
];

/** What an idle process with its threads has open, and a margin for requests; measured: 36 with one shard. */
const filesOfProcess = 80;

/** Lock, anchor, the segment twice, its -wal and -shm, and three who read it; twice as much while segments change. */
const filesOfShard = 16;

/** Resident after a start on an empty folder, measured: 143 MB. */
const memoryNeeded = 160e6;

/** A start on an empty folder ends in an abort of V8 up to 67 MB, measured. */
const heapNeeded = 96e6;

/** Open files that an engine needs besides its clients' sockets. */
export function filesNeeded(shards: number): number {
  return filesOfProcess + filesOfShard * shards;
}

/** Open files that are left for clients' sockets; undefined where the system does not say. */
export function filesForConnections(shards: number): number | undefined {
  const filesMax = openFilesMax();
  return filesMax === undefined ? undefined : Math.max(1, filesMax - filesNeeded(shards));
}

export function thisMachine(): Machine {
  // Without a limit some versions answer 0, others more than there is.
  const constrained = process.constrainedMemory() ?? 0;
  return {
    node: process.versions.node,
    filesMax: openFilesMax(),
    memoryMax: constrained > 0 ? Math.min(constrained, totalmem()) : totalmem(),
    heapMax: getHeapStatistics().heap_size_limit,
  };
}

/** The soft limit on open files; undefined where the system does not say. */
export function openFilesMax(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}

/** Throws `MachineUnfit`. */
export function checkNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (nodeVersions.some(([known, least]) => major === known && minor >= least)) return;
  const wanted = nodeVersions.map((each) => each.join(".")).join(", ");
  throw new MachineUnfit(
    `Node ${version} is not supported: one of ${wanted}, or newer of the same is needed`,
  );
}

/** Throws `MachineUnfit`. */
export function checkFiles(shards: number, filesMax: number | undefined = openFilesMax()): void {
  const needed = filesNeeded(shards);
  if (filesMax === undefined || filesMax >= needed) return;
  const ofShards = shards === 1 ? "1 shard" : `${shards} shards`;
  throw new MachineUnfit(
    `this process may have ${filesMax} files open: ${needed} are needed for ${ofShards}, and one more for each connection (ulimit -n, LimitNOFILE=)`,
  );
}

/** `booksBytes`: what the books have at least, as their snapshots say. Throws `MachineUnfit`. */
export function checkMachine(machine: Machine, shards: number, booksBytes = 0): void {
  checkNode(machine.node);
  checkFiles(shards, machine.filesMax);
  const memory = memoryNeeded + booksBytes;
  if (machine.memoryMax < memory) {
    throw new MachineUnfit(
      `this process may have ${mb(machine.memoryMax)} MB of memory: ${mb(memory)} are needed`,
    );
  }
  if (machine.heapMax < heapNeeded) {
    throw new MachineUnfit(
      `Node's heap may grow to ${mb(machine.heapMax)} MB: ${mb(heapNeeded)} are needed (NODE_OPTIONS=--max-old-space-size=MB)`,
    );
  }
}

function mb(bytes: number): string {
  return String(Math.ceil(bytes / 1e6));
}
