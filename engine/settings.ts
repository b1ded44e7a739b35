/** What an operator may choose about a shard; the bounds that nobody needs to choose are in `limits`. */
export interface Settings {
  /** How much longer than the buyer is told the engine waits for the money. */
  readonly graceMs: number;
  /** How long an order holds its lines when the request does not say. */
  readonly payWithinMs: number;
  /** Keys of orders kept at most; the oldest go first. At about 150 bytes each, the default is 3 GB. */
  readonly keysMax: number;
  /** How long a key is kept after its request is done. */
  readonly keysKeepMs: number;
}

export const defaultSettings: Settings = {
  graceMs: 30_000,
  payWithinMs: 900_000,
  keysMax: 20_000_000,
  keysKeepMs: 86_400_000,
};
