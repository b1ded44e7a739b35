/**
 * What lies where in an engine's folder:
 *
 *   data/
 *     yifen.json   how many shards, which never changes
 *     read.db      the read side, rebuildable
 *     outlets.db   how far the outlets have come, and what they could not deliver
 *     shard-0/     lock, log, anchor, snapshots
 *     shard-1/ ...
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileDurably, createFolder } from "../persistence/folder.js";
import { BadConfig } from "./config.js";

export function shardFolder(folder: string, shard: number): string {
  return join(folder, `shard-${shard}`);
}

/** The number of shards is part of where everything lives, so a folder keeps it. */
export function prepareFolder(folder: string, shards: number): void {
  createFolder(folder);
  const file = join(folder, "yifen.json");
  if (!existsSync(file)) {
    createFileDurably(file, Buffer.from(`${JSON.stringify({ format: 1, shards })}\n`));
    return;
  }
  const kept = shardsOf(folder);
  if (kept !== shards) throw new BadConfig(`--shards ${shards}: ${folder} was made with ${kept}`);
}

/** The number of shards that a folder was made with. Throws `BadConfig` when it is not a folder of an engine. */
export function shardsOf(folder: string): number {
  const file = join(folder, "yifen.json");
  if (!existsSync(file))
    throw new BadConfig(`--data ${folder}: there is no engine's data here (${file} is missing)`);
  const { shards } = JSON.parse(readFileSync(file, "utf8")) as { shards: number };
  return shards;
}
