/**
 * What the books hold of orders that cross shards: at the coordinator an order whose branches have not all answered, at a
 * product's shard the stock that branches of others hold.
 */

import type { FactOf, RequestedLine } from "../../actors/facts.js";

interface BranchAnswer {
  readonly product: number;
  readonly unitPrice: number;
  /** 0 = held, else a number of `results`. */
  readonly code: number;
  /** JSON of the refusal's details, or "". */
  readonly text: string;
}

/** An order between its first message and its placement or refusal. */
export interface PendingOrder {
  readonly order: number;
  readonly account: number;
  readonly payNow: boolean;
  /** Line after line is sold, and given back if the order does not come about. */
  readonly saga: boolean;
  readonly payBy: number;
  readonly expiresAt: number;
  readonly expectedTotal: string;
  readonly key: string;
  readonly paramsHash: number;
  readonly at: number;
  readonly lines: readonly RequestedLine[];
  /** By branch; undefined = not answered yet. */
  readonly answers: (BranchAnswer | undefined)[];
  missing: number;
  /** How many of the lines are asked for. */
  begun: number;
  /** Who asked for it; "" = not said. */
  operator: string;
  /** What the shop says of it, as in the log; "" = nothing. */
  ref: string;
  data: string;
  /** What its total is to be beyond its prices, as it was asked for; "" = nothing. */
  adjustments: string;
  answer(fact: FactOf<"branchAnswered">): void;
}

/** A canceled order whose money came late, between the first question to its products and their answers. */
export interface Reinstatement {
  readonly order: number;
  /** The payment, which lies in suspense. */
  readonly payment: number;
  readonly provider: string;
  readonly paymentId: string;
  readonly currency: number;
  readonly amount: number;
  /** ms */
  readonly expiresAt: number;
  /** By branch: whether it holds; undefined = not answered yet. */
  readonly answers: (boolean | undefined)[];
}

/** Numbers of `reinstatement.ended.how` in the log. */
export const reinstatementEnds = { done: 1, undone: 2 } as const;

/** Numbers of `order.begun.payNow` in the log. */
export const payNowModes = { later: 0, tcc: 1, saga: 2 } as const;

export function pendingFromFact(fact: FactOf<"orderBegun">): PendingOrder {
  return {
    order: fact.order,
    account: fact.account,
    payNow: fact.payNow !== payNowModes.later,
    saga: fact.payNow === payNowModes.saga,
    payBy: fact.payBy,
    expiresAt: fact.expiresAt,
    expectedTotal: fact.expectedTotal,
    key: fact.key,
    paramsHash: fact.paramsHash,
    at: fact.at,
    lines: fact.lines,
    answers: fact.lines.map(() => undefined),
    missing: fact.lines.length,
    begun: fact.payNow === payNowModes.saga ? 0 : fact.lines.length,
    operator: "",
    ref: "",
    data: "",
    adjustments: "",
    answer(answered) {
      if (this.answers[answered.branch])
        throw new Error(`order ${fact.order}: branch ${answered.branch} answered twice`);
      this.answers[answered.branch] = answered;
      this.missing--;
    },
  };
}

/** Stock that a branch of an order holds here. It ends by the word of the order's coordinator alone. */
export interface Branch {
  readonly order: number;
  readonly branch: number;
  readonly product: number;
  readonly account: number;
  readonly qty: number;
}

export class Branches {
  readonly byName = new Map<string, Branch>();

  find(order: number, branch: number): Branch | undefined {
    return this.byName.get(`${order}:${branch}`);
  }

  tried(fact: FactOf<"branchTried">): void {
    const { order, branch, product, account, qty } = fact;
    this.byName.set(`${order}:${branch}`, { order, branch, product, account, qty });
  }

  ended(order: number, branch: number): void {
    this.byName.delete(`${order}:${branch}`);
  }
}
