/** Orders across shards, as one shard sees them: those it coordinates, and the branches of others that hold its stock. */

import type { FactOf } from "../actors/facts.js";
import { orderId } from "../actors/order-number.js";
import { Statuses } from "../actors/order-transitions.js";
import type { Crossing } from "./audit-crossing.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import { methods } from "./audit-turn.js";

/** An order across shards that is not decided yet. */
export type Pending = FactOf<"orderBegun"> & { readonly answers: Map<number, FactOf<"branchAnswered">> };

export class BranchAudit {
  readonly pending = new Map<number, Pending>();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #crossing: Crossing;
  /** Undecided branches of this shard. */
  readonly #undecided = new Map<string, FactOf<"branchTried">>();

  constructor(scope: AuditScope, ledger: LedgerAudit, stock: StockAudit, crossing: Crossing) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#crossing = crossing;
  }

  begun(fact: FactOf<"orderBegun">): void {
    const { order: number, account } = fact;
    this.pending.set(number, { ...fact, answers: new Map() });
    this.#crossing.orders.set(number, {
      shard: this.#scope.shard,
      position: this.#scope.position,
      lines: fact.lines,
      account: this.#ledger.accountId(account),
      status: Statuses.None,
      refused: false,
      currency: -1,
      held: new Map(),
    });
  }

  answered(fact: FactOf<"branchAnswered">): void {
    const pending = this.pending.get(fact.order);
    const id = `${orderId(fact.order)} branch ${fact.branch}`;
    if (!pending || fact.branch >= pending.lines.length || pending.answers.has(fact.branch)) {
      this.#scope.bad("branches", `${id}: an answer that nobody waits for`);
      return;
    }
    pending.answers.set(fact.branch, fact);
    if (fact.code !== 0) return;
    this.#crossing.orders.get(fact.order)!.held.set(fact.branch, fact.unitPrice);
    const asked = pending.lines[fact.branch]!.productId;
    if (this.#stock.products[fact.product]?.id !== asked)
      this.#scope.bad("branches", `${id}: answered for another product`);
  }

  refused(number: number): void {
    const pending = this.pending.get(number);
    if (!pending) {
      this.#scope.bad("order-moves", `${orderId(number)}: refused, but it is not undecided`);
      return;
    }
    this.pending.delete(number);
    const decided = pending.answers.size === pending.lines.length;
    if (!decided && this.#scope.nowMs < pending.expiresAt) {
      this.#scope.bad("branches", `${orderId(number)}: refused before all branches had answered`);
    }
    this.#scope.order(number).moves.push(-methods.place);
    this.#crossing.orders.get(number)!.refused = true;
  }

  tried(fact: FactOf<"branchTried">): void {
    const { order, branch, product: handle, account, qty } = fact;
    const product = this.#stock.products[handle]!;
    if (this.#crossing.branch(order, branch))
      this.#scope.bad("branches", `${orderId(order)} branch ${branch}: tried twice`);
    const { shard, position } = this.#scope;
    const { id: productId, price: unitPrice, currency } = product;
    const of = { order, branch, shard, position, account: this.#ledger.accountId(account) };
    this.#crossing.tried({ ...of, productId, unitPrice, currency, qty, how: 0 });
    this.#stock.reserve(handle, qty);
    this.#scope.order(order).expected.push({ kind: "held", product: handle, qty, account });
    this.#undecided.set(`${order} ${branch}`, fact);
  }

  ended({ order, branch, how }: FactOf<"branchEnded">): void {
    const tried = this.#undecided.get(`${order} ${branch}`);
    if (!tried || (how !== 1 && how !== 2)) {
      this.#scope.bad(
        "branches",
        `${orderId(order)} branch ${branch}: ended ${how}, but it is not undecided`,
      );
      return;
    }
    this.#undecided.delete(`${order} ${branch}`);
    this.#crossing.branch(order, branch)!.how = how;
    const { product: handle, account, qty } = tried;
    this.#stock.reserve(handle, -qty);
    const kind = how === 1 ? "confirmed" : "released";
    this.#scope.order(order).expected.push({ kind, product: handle, qty, account });
  }

  sent({ peer }: FactOf<"messageSent">): void {
    this.#crossing.channel(this.#scope.shard, peer).sent++;
  }

  received({ peer, upTo }: FactOf<"messageReceived">): void {
    const channel = this.#crossing.channel(peer, this.#scope.shard);
    if (upTo <= channel.heard) this.#scope.bad("messages", `heard ${upTo} of shard ${peer} again`);
    channel.heard = upTo;
  }

  acked({ peer, upTo }: FactOf<"messagesAcked">): void {
    const channel = this.#crossing.channel(this.#scope.shard, peer);
    const fits = upTo > channel.acked && upTo <= channel.sent;
    if (!fits) this.#scope.bad("messages", `shard ${peer} acknowledged ${upTo} of ${channel.sent}`);
    channel.acked = upTo;
  }
}
