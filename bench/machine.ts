/** What the figures were measured on: no figure without it. */

import { readFileSync, realpathSync } from "node:fs";
import { arch, availableParallelism, cpus, release, totalmem, type } from "node:os";
import Database from "better-sqlite3";
import { redisVersion } from "./redis-peer.js";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** `Linux 6.1.0 x64` */
  readonly kernel: string;
  readonly node: string;
  /** Of the data folder: `ext4 on /dev/vda`; `unknown` where the system does not say. */
  readonly filesystem: string;
  readonly sqlite: string;
  /** Absent when it is not installed. */
  readonly redis?: string;
}

/** `dataFolder` must exist. */
export async function describeMachine(dataFolder: string): Promise<Machine> {
  const redis = await redisVersion();
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()} ${arch()}`,
    node: process.version,
    filesystem: filesystemOf(realpathSync(dataFolder), readMounts()),
    sqlite: sqliteVersion(),
    ...(redis === undefined ? {} : { redis }),
  };
}

/** The last mounted of the deepest mount points above the folder, from the text of `/proc/mounts`. */
export function filesystemOf(folder: string, mounts: string): string {
  let deepest = "";
  let found = "unknown";
  for (const line of mounts.split("\n")) {
    const [device, point, kind] = line.split(" ").map(unescapeOctal);
    if (device === undefined || point === undefined || kind === undefined) continue;
    const isAbove = folder === point || folder.startsWith(point.endsWith("/") ? point : `${point}/`);
    if (!isAbove || point.length < deepest.length) continue;
    deepest = point;
    found = `${kind} on ${device}`;
  }
  return found;
}

/** `/proc/mounts` writes a space in a name as `\040`. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function readMounts(): string {
  try {
    return readFileSync("/proc/mounts", "utf8");
  } catch {
    return "";
  }
}

function sqliteVersion(): string {
  const database = new Database(":memory:");
  try {
    return database.prepare("select sqlite_version()").pluck().get() as string;
  } finally {
    database.close();
  }
}
