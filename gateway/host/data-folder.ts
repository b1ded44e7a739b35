/**
 * What lies where in an engine's folder:
 *
 *   data/
 *     yifen.json   how many shards, which never changes
 *     token.key    the secret that proves issued tokens; losing it makes unused tokens unknown, and nothing else
 *     read.db      the read side, rebuildable
 *     outlets.db   how far the outlets have come, and what they could not deliver
 *     shard-0/     lock, log, anchor, snapshots
 *     shard-1/ ...
 */

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileDurably, createFolder } from "../../persistence/log/folder.js";
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

/** The secret of issued tokens: made once for a folder, or for as long as an engine in memory lives. */
export function tokenSecret(folder: string | undefined): string {
  if (folder === undefined) return randomBytes(32).toString("hex");
  const file = join(folder, "token.key");
  if (!existsSync(file)) createFileDurably(file, Buffer.from(`${randomBytes(32).toString("hex")}\n`));
  return readFileSync(file, "utf8").trim();
}

/** The number of shards that a folder was made with. Throws `BadConfig` when it is not a folder of an engine. */
export function shardsOf(folder: string): number {
  const file = join(folder, "yifen.json");
  if (!existsSync(file))
    throw new BadConfig(`--data ${folder}: there is no engine's data here (${file} is missing)`);
  const { shards } = JSON.parse(readFileSync(file, "utf8")) as { shards: number };
  return shards;
}
