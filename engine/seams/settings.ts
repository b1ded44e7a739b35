/** What an operator may choose about a shard; the bounds that nobody needs to choose are in `limits`. */
export interface Settings {
  /** How much longer than the buyer is told the engine waits for the money. */
  readonly graceMs: number;
  /** How long an order holds its lines when the request does not say. */
  readonly payWithinMs: number;
  /** How long after it was shipped an order is confirmed by itself. */
  readonly autoConfirmMs: number;
  /** How long a completed order may still be refunded or disputed. */
  readonly afterSaleMs: number;
  /** When an order's points are granted. */
  readonly pointsGrantOn: "completed" | "paid";
  /** Money for an order that was canceled: sent back, or the order reinstated if everything can be taken once more. */
  readonly latePayment: "refund" | "reinstate";
  /** Keys of orders kept at most; the oldest go first. At about 150 bytes each, the default is 3 GB. */
  readonly keysMax: number;
  /** Proves that a token was issued here. Of the engine, kept with its log; never printed. */
  readonly tokenSecret: string;
  /** How long a key is kept after its request is done. */
  readonly keysKeepMs: number;
}

export const defaultSettings: Settings = {
  graceMs: 30_000,
  payWithinMs: 900_000,
  autoConfirmMs: 604_800_000,
  afterSaleMs: 604_800_000,
  pointsGrantOn: "completed",
  latePayment: "refund",
  tokenSecret: "",
  keysMax: 20_000_000,
  keysKeepMs: 86_400_000,
};
