/**
 * The seam between shards. A bus carries frames and promises nothing: a frame may be lost, doubled, late or out of order,
 * and nothing is wrong with the books (`channel`).
 */
export interface Bus {
  /** Sends a frame to a shard. Never throws, never waits. The bytes are the bus's own from here on. */
  send(toShard: number, frame: Uint8Array): void;
  /** Called once by each shard that lives here; `receive` is called outside of any turn. */
  listen(shard: number, receive: (frame: Uint8Array) => void): void;
}
