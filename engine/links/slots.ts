/** Slots (1,024, fixed for ever) and the shards that hold them. */

import { slotCount } from "../../actors/order-number.js";

export function shardOfSlot(slot: number, shards: number): number {
  return Math.floor((slot * shards) / slotCount);
}

/** A slot of that shard. */
export function firstSlot(shard: number, shards: number): number {
  return Math.ceil((shard * slotCount) / shards);
}
