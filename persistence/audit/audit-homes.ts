/**
 * Whether everything lives where its name says: an id has a slot for ever, a slot a shard. An engine that was started with another
 * number of shards, or on another shard's folder, books what it is asked into the wrong log, and each log by itself looks right.
 */

import { type Fact, Facts } from "../../actors/facts.js";
import { orderId, orderSlot, refundId, slotCount, slotOf, transactionId } from "../../actors/order-number.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { AuditScope } from "./audit-scope.js";

export class HomeAudit {
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #shards: number | undefined;

  /** `shards`: of the engine; undefined where nobody knows, and then nothing is looked at. */
  constructor(scope: AuditScope, ledger: LedgerAudit, shards: number | undefined) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#shards = shards;
  }

  take(fact: Fact): void {
    switch (fact.type) {
      case Facts.accountOpened:
        this.#account(fact.account);
        break;
      case Facts.productCreated:
        this.#lives(`product ${fact.id}`, slotOf(fact.id));
        break;
      case Facts.productKnown:
        this.#livesElsewhere(`product ${fact.id}`, slotOf(fact.id));
        break;
      case Facts.orderPlaced:
      case Facts.orderBegun:
        this.#account(fact.account);
        this.#lives(`order ${orderId(fact.order)}`, orderSlot(fact.order));
        break;
      case Facts.paymentBooked:
        this.#lives(
          `payment ${fact.provider}:${fact.paymentId}`,
          slotOf(`${fact.provider}:${fact.paymentId}`),
        );
        break;
      case Facts.refundRequested:
        this.#lives(`refund ${refundId(fact.refund)}`, orderSlot(fact.refund));
        break;
      case Facts.transactionBegun:
        this.#account(fact.account);
        this.#lives(`transaction ${transactionId(fact.transaction)}`, orderSlot(fact.transaction));
        break;
    }
  }

  #account(handle: number): void {
    const id = this.#ledger.accountId(handle);
    this.#lives(`account ${id}`, slotOf(id));
  }

  #lives(what: string, slot: number): void {
    const home = this.#homeOf(slot);
    if (home === undefined) return;
    this.#scope.looked("homes", 1);
    if (home !== this.#scope.shard) this.#scope.bad("homes", `${what} belongs to shard ${home}`);
  }

  #livesElsewhere(what: string, slot: number): void {
    const home = this.#homeOf(slot);
    if (home === undefined) return;
    this.#scope.looked("homes", 1);
    if (home === this.#scope.shard)
      this.#scope.bad("homes", `${what} is known as another shard's and belongs here`);
  }

  #homeOf(slot: number): number | undefined {
    return this.#shards === undefined ? undefined : Math.floor((slot * this.#shards) / slotCount);
  }
}
