/** Finds the log that a product, account or order is in, and explains it: of a stopped folder, or beside a running engine. */

import { orderSlot, parseOrderId, slotOf } from "../../actors/order-number.js";
import { shardOfSlot } from "../../engine/links/slots.js";
import {
  type Explained,
  type ExplainedEntry,
  type Explanation,
  explain,
} from "../../persistence/audit/explain.js";
import { checkLog } from "../../persistence/log/log-check.js";
import { readLog } from "../../persistence/log/log-reader.js";
import { readDataFolder, shardFolder } from "./data-folder.js";

/**
 * The entries that make a number, newest last, up to where the log reached when it was asked; undefined at the end when there is
 * nothing of that name. Throws what `readDataFolder` and `checkLog` throw, before the first entry.
 */
export function* explainFolder(
  folder: string,
  what: Explained,
  key: string,
): Generator<ExplainedEntry, Explanation | undefined> {
  const slot = what === "order" ? orderSlot(parseOrderId(key) ?? 0) : slotOf(key);
  const own = shardFolder(folder, shardOfSlot(slot, readDataFolder(folder).shards));
  const { position } = checkLog({ folder: own }).end;
  return yield* explain(groupsUpTo(own, position), what, key);
}

function* groupsUpTo(folder: string, position: number) {
  for (const group of readLog(folder, 1)) {
    if (group.first > position) return;
    yield group;
  }
}
