/** The rows of `ledger_entries`, and the balances that they leave in `accounts` and `products`. */

import { catalogue, type Fact, type FactKind, type FactOf } from "../../actors/facts.js";
import { scaleOf } from "../../actors/money.js";
import { itemId, orderId, refundId, transactionId } from "../../actors/order-number.js";
import { type Posting, postingsOf } from "../../actors/postings.js";
import type { NamedAccount, NamedProduct, ReadNames } from "./read-names.js";
import type { Writes } from "./read-rows.js";
import type { At } from "./read-rules.js";

/** What an entry is called, and what leads from it to where it came from. */
interface EntryWords<K extends FactKind> {
  readonly type: string;
  readonly ref?: (fact: FactOf<K>) => string;
}

const words: { readonly [K in FactKind]?: EntryWords<K> } = {
  accountDeposited: { type: "deposit", ref: ({ ref }) => ref },
  accountWithdrawn: { type: "withdraw", ref: ({ ref }) => ref },
  moneyCaptured: { type: "capture" },
  productCreated: { type: "create" },
  productRestocked: { type: "restock" },
  stockAdjusted: { type: "adjust", ref: ({ ref }) => ref },
  stockHeld: { type: "hold" },
  stockSold: { type: "sell" },
  stockConfirmed: { type: "confirm" },
  stockReleased: { type: "release" },
  stockReturned: { type: "return" },
  paymentBooked: { type: "payment", ref: ({ paymentId }) => paymentId },
  paymentForwarded: { type: "forward", ref: ({ paymentId }) => paymentId },
  paymentArrived: { type: "arrive", ref: ({ paymentId }) => paymentId },
  paymentApplied: { type: "apply", ref: ({ paymentId }) => paymentId },
  refundRequested: { type: "refund", ref: ({ refund }) => refundId(refund) },
  refundDone: { type: "refund_done", ref: ({ refund }) => refundId(refund) },
  refundRefused: { type: "refund_refused", ref: ({ refund }) => refundId(refund) },
  orderArchived: { type: "revenue" },
  moneyTransferred: { type: "transaction", ref: ({ transaction }) => transactionId(transaction) },
  unitsTransferred: { type: "transaction", ref: ({ transaction }) => transactionId(transaction) },
  entryMade: { type: "entry", ref: ({ item }) => itemId(item) },
  pointsGranted: { type: "grant" },
  pointsReversed: { type: "reverse" },
  pointsSpent: { type: "spend", ref: ({ ref }) => ref },
};

const wordsByNumber: EntryWords<FactKind>[] = [];
for (const [kind, entry] of Object.entries(words)) {
  wordsByNumber[catalogue[kind as FactKind].number] = entry as EntryWords<FactKind>;
}

export class ReadLedger {
  readonly #writes: Writes;
  readonly #names: ReadNames;
  /** Rows to be written once at the end of the transaction, however often they changed in it. */
  readonly #changed = new Set<NamedAccount | NamedProduct>();

  constructor(writes: Writes, names: ReadNames) {
    this.#writes = writes;
    this.#names = names;
  }

  /** Both sides of the fact's entry, when it has one. */
  post(fact: Fact, { shard, names, position, ms }: At): void {
    const postings = postingsOf(fact, names);
    if (postings.length === 0) return;
    if (postings.length !== 2) throw new Error(`position ${position}: ${postings.length} postings`);
    const [from, to] = postings as readonly [Posting, Posting];
    const { type, ref } = wordsByNumber[fact.type]!;
    const order = "order" in fact && fact.order !== 0 ? orderId(fact.order) : null;
    const leadsTo = ref ? ref(fact) : null;
    const { unit } = from;
    const scale = isCounted(unit) ? 0 : scaleOf(unit);
    const balanceFrom = this.#addTo(from);
    const balanceTo = this.#addTo(to);
    this.#writes.entry.run(
      shard,
      position,
      type,
      unit,
      scale,
      order,
      leadsTo,
      ms,
      from.account,
      from.amount,
      balanceFrom,
      to.account,
      to.amount,
      balanceTo,
    );
  }

  /** The row of an account or a product is no longer what was written of it. */
  changed(row: NamedAccount | NamedProduct): void {
    this.#changed.add(row);
  }

  writeBalances(): void {
    for (const row of this.#changed) {
      if (row.kind === "account") {
        this.#writes.accountBalance.run(this.#at(`wallet:${row.id}`), this.#at(`points:${row.id}`), row.id);
      } else {
        const on = (stockBucket: string) => this.#at(`stock:${row.id}:${stockBucket}`);
        this.#writes.productFigures.run(row.price, on("available"), on("held"), on("sold"), row.id);
      }
    }
    this.#changed.clear();
  }

  /** The balance after the posting; null for ledger accounts whose balance is only ever a sum. */
  #addTo({ account, amount }: Posting): number | null {
    const balance = this.#names.balances.get(account);
    if (!balance) return null;
    balance.amount += amount;
    this.#changed.add(balance.of);
    return balance.amount;
  }

  #at(account: string): number {
    return this.#names.balances.get(account)!.amount;
  }
}

/** Pieces and points have no currency, and no minor units. */
function isCounted(unit: string): boolean {
  return unit.startsWith("unit:") || unit === "points";
}
