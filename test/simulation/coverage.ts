/** What a set of runs must have met, each at least once: a simulation that never meets a state proves nothing about it. */

export const required = [
  // The process and its disk.
  "killed before the write",
  "killed in the write",
  "killed before the sync",
  "killed before the flush",
  "killed after the flush",
  "killed at any moment",
  "power loss",
  "synced late",
  "write error",
  "disk full",
  "sync error",
  "late sync error",
  "disk nearly full",
  "torn group dropped",
  "unacknowledged group lost",
  "unacknowledged group survived",
  "recovered from the log",
  "recovered from a snapshot",
  "snapshot taken",
  "clock stepped back",
  "clock stepped forward",
  // Between shards.
  "frame lost",
  "frame doubled",
  "frame late",
  "frame overtaken",
  "frame to a shard that is down",
  "message doubled after it was durable",
  "partition",
  "partition healed with pending orders",
  "killed with pending orders",
  // Between clients and shards.
  "request lost",
  "request doubled",
  "request late",
  "request to a shard that is down",
  "answer lost",
  "answer late",
  "answer lost with its connection",
  "connection cut",
  "same request twice in one batch",
  // Exactly once.
  "crash between commit and answer",
  "duplicate after a restart",
  "retried while running",
  "same key, other params",
  "key_too_old for a request that had run",
  "late answer found by retry",
  // Orders.
  "order placed",
  "order paid",
  "order canceled on request",
  "payment racing expiry won",
  "payment racing expiry lost",
  "order expired",
  "pending order expired",
  "order across shards paid",
  "order across shards refused",
  "cart refused in more than one line",
  "lines merged",
  "limit used up exactly",
  "limit tried at the end, within it",
  "limit tried at the end, over it",
  "dry run",
  "order placed step by step",
  "order confirmed",
  "order disputed",
  "dispute ended by a refund",
  "dispute ended, the order goes on",
  "order closed",
  "order archived",
  "archived order asked for",
  "move of a stale version",
  "move after the after-sale window",
  // Refunds.
  "refund of all",
  "refund by lines",
  "refund by amount",
  "refund with restock",
  "refund to several sources",
  "refund reported done",
  "refund reported refused",
  "refund reported unknown",
  "refund reported refused in vain",
  "refund told to have ended otherwise",
  "provider called",
  "provider called again for one refund",
  "provider refuses",
  "provider is silent",
  "call to a provider lost",
  "provider's answer lost",
  "provider's answer late",
  "provider's answer to a dead shard",
  "alert",
  "time leapt by a day",
  "time leapt by a week",
  // Payments.
  "paid",
  "partially_paid",
  "late_payment",
  "reinstated",
  "duplicate_payment",
  "unmatched_payment",
  "currency_mismatch",
  "payment told twice",
  "more was paid than was due",
  "payment for an order that is refunded",
  // Humans, points, tokens.
  "items listed",
  "item resolved already",
  "payment item: retry",
  "payment item: done",
  "payment item: undone",
  "payment item: entries",
  "payment item: write_off",
  "refund item: retry",
  "refund item: done",
  "refund item: undone",
  "refund item: entries",
  "refund item: write_off",
  "points spent",
  "points owed",
  "token used as a key",
  // The feed.
  "feed resumed after a loss",
  "feed read from the log",
  "feed event",
  // Every refusal that a client of this world can get.
  "invalid_request",
  "overloaded",
  "deadline_exceeded",
  "key_reused",
  "key_too_old",
  "product_not_found",
  "account_not_found",
  "order_not_found",
  "refund_not_found",
  "item_not_found",
  "token_unknown",
  "token_expired",
  "invalid_amount",
  "amount_overflow",
  "currency_mismatch",
  "sale_not_started",
  "sale_ended",
  "price_changed",
  "limit_exceeded",
  "insufficient_stock",
  "insufficient_funds",
  "insufficient_points",
  "version_mismatch",
  "refund_exceeds_remaining",
  "line_qty_exceeds",
  "invalid_transition",
  "hold_expired",
  "already_exists",
] as const;

export type Reached = (typeof required)[number];

export class Coverage {
  readonly counts = new Map<string, number>();

  hit(what: Reached): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** For names that come from the engine. */
  hitCode(code: string): void {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
  }

  add(other: Coverage): void {
    for (const [what, count] of other.counts) this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }

  /** What was never met. */
  get missing(): string[] {
    return required.filter((what) => !this.counts.has(what));
  }
}
