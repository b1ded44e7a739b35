/** The bus of shards that share a process: nothing to install. Frames are handed over in the next task. */

import type { Bus } from "./bus.js";

export function memoryBus(): Bus {
  const listeners = new Map<number, (frame: Uint8Array) => void>();
  return {
    send: (toShard, frame) => queueMicrotask(() => listeners.get(toShard)?.(frame)),
    listen: (shard, receive) => listeners.set(shard, receive),
  };
}
