/** What an audit looks for, by name, and what it has found so far. */

/** Every check, in the order of the certificate: its name, what it proves, what to do when it fails. */
export const checks = [
  check("log", "the log is contiguous and its hash chain unbroken", "restore"),
  check("names", "every fact names accounts, products and orders that exist, once each", "rebuild"),
  check("homes", "every account, product, order and payment lives in the shard that its name says", "home"),
  check("entries", "every entry of the ledger balances", "rebuild"),
  check("sums", "the ledger sums to zero in every currency, in points and in every product", "rebuild"),
  check(
    "stock",
    "available + held + sold = supplied + found - lost, nothing is taken that is off sale, and every fact records the available that follows",
    "rebuild",
  ),
  check("holds", "what is held is what live orders and undecided branches hold, line by line", "rebuild"),
  check(
    "guards",
    "no wallet, stock, order or suspense was ever below zero, and no points through spending",
    "rebuild",
  ),
  check("limits", "no account took more of a product than its limit", "rebuild"),
  check("order-ledger", "each order's paid minus refunded is its balance in the ledger", "money"),
  check(
    "order-totals",
    "each order's total is the sum of its lines at the prices of that time, and of what its adjustments came to",
    "money",
  ),
  check("order-moves", "orders moved only along the table", "rebuild"),
  check("deadlines", "nothing happened to an order after its time for it, or by itself before", "rebuild"),
  check(
    "payments",
    "each external payment was booked once, and is in its order, in a refund, in review, or waits for its order's lines",
    "provider",
  ),
  check("refunds", "no refund took more than its order, payment or line had, and each ended once", "refund"),
  check("points", "points were granted once for an order, and reversed as its money went back", "points"),
  check(
    "transactions",
    "parts of transactions moved what they say, once, and ended as they were decided",
    "money",
  ),
  check("human-items", "every review item was opened once, and resolved once in full", "human"),
  check("archived", "orders were archived when nothing could happen to them any more", "money"),
  check(
    "progress",
    "whatever is not over has something that will happen next, or waits for somebody",
    "stuck",
  ),
  check("keys", "one effect per key, and one key per effect", "money"),
  check("messages", "every message that was received or acknowledged was sent", "peers"),
  check("branches", "the branches of every order across shards ended as the order did", "peers"),
  check("state-hash", "replaying the log gives the state of the running engine", "rebuild"),
] as const;

export type CheckName = (typeof checks)[number]["name"];

const advice = {
  restore:
    "Stop the engine and keep a copy of the folder as it is. Restore the log from the newest backup or archive that `yifen verify` passes, and compare its end with the anchor: what is missing behind it was answered to somebody.",
  home: "Stop the engine at once: it works on another shard's log, or was started with another number of shards than this log was made with, and what is named here was booked where nobody will find it. Keep a copy of the folder, restore all shards from the newest backup that passes, and do again what was answered since.",
  rebuild:
    "Stop taking orders. Keep a copy of the folder, run `yifen verify` on it, and audit the newest backup: if that passes, the fault came in after it, at the position named here. A build that wrote such facts must not go on serving; report it with the group that holds the position.",
  money:
    "Take the account and the order of the fact named here, compare its statement with the payment provider's, and pay back or book the difference with a deposit or withdrawal whose ref names the position. Then treat it as a defect of the build that wrote it.",
  provider:
    "Take the payment named here and look at its statement at the provider. If the provider has the money and the books do not, have it send its notification again. If the books have it twice or nowhere, pay the buyer back, or book the difference with a deposit or withdrawal whose ref names the position. Then treat it as a defect of the build that wrote it.",
  refund:
    "Stop sending refunds. Compare the refunds of the order named here with the provider's statement: what went back twice, or beyond what was paid, must be claimed back; what was refused and counts as done must be sent. Book the difference with a deposit or withdrawal whose ref names the position, then treat it as a defect of the build that wrote it.",
  points:
    "Run `yifen explain points` for the account of the fact named here. Take what is too much with `points.spend` under a ref that names the position; what is too little is owed until it can be granted. Then treat it as a defect of the build that wrote it.",
  human:
    "Look at the item named here and at its resolution: what was at risk and what the entries moved differ. Ask the operator whose name is in it, and book the difference with a deposit or withdrawal whose ref names the position.",
  stuck:
    "Nothing will happen to what is named here unless somebody does it: ask for the refund again, cancel the order, or resolve the dispute. Start the engine again and audit once more; if it is still there, the build that wrote it has lost a timer: report it with the group that holds the position.",
  peers:
    "Audit all shards' logs, up to positions taken at one moment. If it still fails, keep copies of both folders: the message is missing in the sender's log, so one of the two was restored from an older copy. Restore both to the same moment.",
} as const;

export interface CheckResult {
  readonly name: CheckName;
  readonly what: string;
  /** null: not checked, and `detail` says why. */
  readonly ok: boolean | null;
  /** What is wrong first, or why it was not checked; "" when all is well. */
  readonly detail: string;
  /** How many times it was looked at. */
  readonly count: number;
  /** How many of those were wrong. */
  readonly bad: number;
}

export interface Bad {
  readonly shard: number;
  readonly position: number;
  readonly check: CheckName;
  readonly what: string;
}

export class Findings {
  first: Bad | undefined;
  readonly #counts = new Map<CheckName, number>(checks.map(({ name }) => [name, 0]));
  readonly #bad = new Map<CheckName, { count: number; first: string }>();
  readonly #notChecked = new Map<CheckName, string>();

  looked(check: CheckName, times: number): void {
    this.#counts.set(check, this.#counts.get(check)! + times);
  }

  bad(check: CheckName, shard: number, position: number, what: string): void {
    this.first ??= { shard, position, check, what };
    const known = this.#bad.get(check);
    if (known) known.count++;
    else this.#bad.set(check, { count: 1, first: `shard ${shard}, position ${position}: ${what}` });
  }

  notChecked(check: CheckName, why: string): void {
    this.#notChecked.set(check, why);
  }

  results(): CheckResult[] {
    return checks.map(({ name, what }) => {
      const bad = this.#bad.get(name);
      const count = this.#counts.get(name)!;
      const why = this.#notChecked.get(name);
      if (bad) return { name, what, ok: false, detail: bad.first, count, bad: bad.count };
      if (why !== undefined) return { name, what, ok: null, detail: why, count, bad: 0 };
      return { name, what, ok: true, detail: "", count, bad: 0 };
    });
  }

  /** What an operator should do, most urgent first; nothing when nothing is wrong. */
  repairPlan(): string[] {
    if (!this.first) return [];
    const { shard, position, what } = this.first;
    const plans = new Set(checks.filter(({ name }) => this.#bad.has(name)).map(({ plan }) => advice[plan]));
    return [`Begin at shard ${shard}, position ${position}: ${what}.`, ...plans];
  }
}

function check<N extends string>(name: N, what: string, plan: keyof typeof advice) {
  return { name, what, plan } as const;
}
