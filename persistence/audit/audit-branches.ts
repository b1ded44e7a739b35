/**
 * Orders across shards, as one shard sees them: those it coordinates, and the branches of others that hold its stock or,
 * when the order is a saga, have sold it at once.
 */

import type { FactOf } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { orderId } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import type { AuditedBranch, CrossShard } from "./audit-cross-shard.js";
import type { LedgerAudit } from "./audit-ledger.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockAudit } from "./audit-stock.js";
import type { StockKind } from "./audit-turn.js";

/** An order across shards that is not decided yet. */
export type Pending = FactOf<"orderBegun"> & {
  readonly answers: Map<number, FactOf<"branchAnswered">>;
  /** Lines that are asked for: of a saga one after the other. */
  asked: number;
  /** Who asked for it; "" = not said. */
  operator: string;
  /** What was said of it, to be said when it is placed. */
  description: string;
  /** Its total is to be more than its prices. */
  adjusted: boolean;
};

/** What a branch did in a turn. */
type Step =
  | { readonly fact: FactOf<"branchTried">; readonly branch: AuditedBranch }
  | {
      readonly fact: FactOf<"branchEnded">;
      readonly branch: AuditedBranch;
      readonly tried: FactOf<"branchTried">;
    }
  | { readonly fact: FactOf<"stockReturned"> };

/** Of orders that pay as they are placed, in the mode in which branches sell at once. */
const payNowAsSaga = 2;

export class BranchAudit {
  readonly pending = new Map<number, Pending>();
  /** Answers to canceled orders that ask for their lines once more. */
  readonly #reinstatements = new Map<number, Map<number, number>>();
  readonly #scope: AuditScope;
  readonly #ledger: LedgerAudit;
  readonly #stock: StockAudit;
  readonly #crossing: CrossShard;
  /** Undecided branches of this shard. */
  readonly #undecided = new Map<string, FactOf<"branchTried">>();
  /** All branches of this shard, by order and product: an order has a product in one line only. */
  readonly #byProduct = new Map<string, AuditedBranch>();
  /** This turn's: whether a branch holds or has sold is told by the stock's fact, which may stand behind. */
  #turn: Step[] = [];

  constructor(scope: AuditScope, ledger: LedgerAudit, stock: StockAudit, crossing: CrossShard) {
    this.#scope = scope;
    this.#ledger = ledger;
    this.#stock = stock;
    this.#crossing = crossing;
  }

  begun(fact: FactOf<"orderBegun">): void {
    const { order: number, account } = fact;
    const asked = fact.payNow === payNowAsSaga ? 0 : fact.lines.length;
    const pending = { ...fact, answers: new Map(), asked, operator: "", description: "", adjusted: false };
    this.pending.set(number, pending);
    this.#scope.order(number).begun = pending;
    this.#crossing.orders.set(number, {
      shard: this.#scope.shard,
      position: this.#scope.position,
      lines: fact.lines,
      account: this.#ledger.accountId(account),
      saga: fact.payNow === payNowAsSaga,
      status: Statuses.None,
      refused: false,
      currency: -1,
      held: new Map(),
      canceledFree: false,
      returned: new Map(),
      reinstating: false,
    });
  }

  reinstating({ order: number }: FactOf<"reinstatementBegun">): void {
    const order = this.#crossing.orders.get(number);
    if (!order) return;
    order.reinstating = true;
    order.held.clear();
    this.#reinstatements.set(number, new Map());
  }

  /** With the lines if all of them are held, without them if one is not or the time was over. */
  reclaimed({ order: number, how }: FactOf<"reinstatementEnded">): void {
    const order = this.#crossing.orders.get(number);
    const answers = this.#reinstatements.get(number);
    if (!order || !answers) return;
    order.reinstating = false;
    this.#reinstatements.delete(number);
    const allHold = order.held.size === order.lines.length;
    if (allHold !== (how === 1))
      this.#scope.bad(
        "branches",
        `${orderId(number)}: ${order.held.size} of its lines are held, ended ${how}`,
      );
  }

  /** A saga asks for a line when all lines before it are sold. */
  asked({ order, branch }: FactOf<"branchBegun">): void {
    const pending = this.pending.get(order);
    const sold = pending && [...pending.answers.values()].filter(({ code }) => code === 0).length;
    if (pending?.payNow !== payNowAsSaga || branch !== pending.asked || branch !== sold)
      this.#scope.bad("branches", `${orderId(order)} branch ${branch}: asked for before its turn`);
    if (pending) pending.asked = branch + 1;
  }

  answered(fact: FactOf<"branchAnswered">): void {
    const pending = this.pending.get(fact.order);
    const id = `${orderId(fact.order)} branch ${fact.branch}`;
    const reinstatement = this.#reinstatements.get(fact.order);
    if (reinstatement) {
      const order = this.#crossing.orders.get(fact.order)!;
      if (fact.branch >= order.lines.length || reinstatement.has(fact.branch))
        this.#scope.bad("branches", `${id}: an answer that nobody waits for`);
      reinstatement.set(fact.branch, fact.code);
      if (fact.code === 0) order.held.set(fact.branch, fact.unitPrice);
      return;
    }
    if (!pending || fact.branch >= pending.asked || pending.answers.has(fact.branch)) {
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
    const isRefused = [...pending.answers.values()].some(({ code }) => code !== 0);
    const decided =
      pending.answers.size === pending.lines.length || (pending.payNow === payNowAsSaga && isRefused);
    if (!decided && this.#scope.nowMs < pending.expiresAt) {
      this.#scope.bad("branches", `${orderId(number)}: refused before all branches had answered`);
    }
    this.#scope.order(number).moves.push(-keyedMethods["order.place"]);
    this.#crossing.orders.get(number)!.refused = true;
  }

  /** Units came back, perhaps to a branch. */
  returned(fact: FactOf<"stockReturned">): void {
    this.#turn.push({ fact });
  }

  tried(fact: FactOf<"branchTried">): void {
    const { order, branch: index, product: handle, account, qty } = fact;
    const product = this.#stock.products[handle]!;
    const before = this.#crossing.branch(order, index);
    // Of a canceled order that comes back: its first branch was given back.
    if (before && before.how !== 2)
      this.#scope.bad("branches", `${orderId(order)} branch ${index}: tried twice`);
    const { shard, position } = this.#scope;
    const { id: productId, price: unitPrice, currency } = product;
    const of = { order, branch: index, shard, position, account: this.#ledger.accountId(account) };
    const branch = { ...of, productId, unitPrice, currency, qty, how: 0, saga: false, returned: 0 };
    this.#crossing.tried(branch);
    this.#byProduct.set(`${order} ${handle}`, branch);
    this.#undecided.set(`${order} ${index}`, fact);
    this.#turn.push({ fact, branch });
  }

  ended(fact: FactOf<"branchEnded">): void {
    const { order, branch: index, how } = fact;
    const name = `${order} ${index}`;
    const tried = this.#undecided.get(name);
    if (!tried || (how !== 1 && how !== 2)) {
      this.#scope.bad("branches", `${orderId(order)} branch ${index}: ended ${how}, but it is not undecided`);
      return;
    }
    this.#undecided.delete(name);
    const branch = this.#crossing.branch(order, index)!;
    branch.how = how;
    this.#turn.push({ fact, branch, tried });
  }

  /** In the order of the turn: a confirm and the refund behind it may have come in one frame. */
  endTurn(): void {
    if (this.#turn.length === 0) return;
    for (const step of this.#turn) {
      if (!("branch" in step)) this.#settleReturned(step.fact);
      else if ("tried" in step) this.#settleEnded(step.branch, step.tried);
      else this.#settleTried(step.branch, step.fact);
    }
    this.#turn = [];
  }

  #settleTried(branch: AuditedBranch, fact: FactOf<"branchTried">): void {
    const { order, product, qty } = fact;
    const { actual } = this.#scope.order(order);
    branch.saga = actual.some((move) => move.kind === "sold" && move.product === product && move.qty === qty);
    if (!branch.saga) this.#stock.reserve(product, qty);
    this.#expect(fact, branch.saga ? "sold" : "held");
  }

  #settleEnded({ how, saga }: AuditedBranch, tried: FactOf<"branchTried">): void {
    if (!saga) {
      this.#stock.reserve(tried.product, -tried.qty);
      this.#expect(tried, how === 1 ? "confirmed" : "released");
    } else if (how === 2) {
      this.#expect(tried, "returned");
    }
  }

  /** Units of a confirmed branch come back with a refund of its order; those of a compensated one with its end. */
  #settleReturned(fact: FactOf<"stockReturned">): void {
    const branch = this.#byProduct.get(`${fact.order} ${fact.product}`);
    if (branch?.how !== 1) return;
    branch.returned += fact.qty;
    if (branch.returned > branch.qty) {
      const id = `${orderId(fact.order)} branch ${branch.branch}`;
      this.#scope.bad("branches", `${id}: ${branch.returned} units of ${branch.qty} came back`);
    }
    this.#expect(fact, "returned");
  }

  #expect(of: FactOf<"branchTried"> | FactOf<"stockReturned">, kind: StockKind): void {
    const { product, qty, account } = of;
    this.#scope.order(of.order).expected.push({ kind, product, qty, account });
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
