import type { Shard } from "../engine/shard.js";
import type { Journal } from "../persistence/journal.js";
export async function runAudit(
  _folder: string | undefined,
  _shards: readonly Shard[],
  _journals: readonly Journal[],
): Promise<object> {
  throw new Error("not yet");
}
