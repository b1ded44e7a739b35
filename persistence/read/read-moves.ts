/** The rows of `order_logs`. The key that a move was asked with stands behind it in the same turn, so they wait for its end. */

import type { FactOf } from "../../actors/facts.js";
import { orderId } from "../../actors/order-number.js";
import type { OrderEvent, Status } from "../../actors/order-transitions.js";
import type { Writes } from "./read-rows.js";

interface Move {
  readonly order: number;
  readonly version: number;
  readonly from: Status | null;
  readonly to: Status;
  readonly event: OrderEvent;
  operator: string | null;
  readonly remark: string | null;
  readonly tracking: string | null;
  key: string | null;
}

export class ReadMoves {
  readonly #write: Writes["log"];
  #moves: Move[] = [];

  constructor({ log }: Writes) {
    this.#write = log;
  }

  /**
   * `version`: of the order after the move; `from` is null when it was placed. So many words and not an object to be spread
   * into the row: the spread takes 2 us a move, where all of an order takes 45.
   */
  add(
    order: number,
    version: number,
    from: Status | null,
    to: Status,
    event: OrderEvent,
    operator: string | null = null,
    remark: string | null = null,
    tracking: string | null = null,
  ): void {
    this.#moves.push({ order, version, from, to, event, operator, remark, tracking, key: null });
  }

  /** Its operator has a fact of its own, behind the move. What the engine did in the same turn keeps its name. */
  named({ order, operator }: FactOf<"operatorNamed">): void {
    for (const move of this.#moves) if (move.order === order) move.operator ??= operator;
  }

  keyed({ order, key }: FactOf<"keyKept">): void {
    if (order === 0) return;
    for (const move of this.#moves) if (move.order === order) move.key = key;
  }

  /** `ms`: time of the turn that ends. */
  endTurn(ms: number): void {
    if (this.#moves.length === 0) return;
    for (const { order, version, from, to, event, operator, remark, tracking, key } of this.#moves) {
      this.#write.run(orderId(order), version, from, to, event, operator, remark, tracking, ms, key);
    }
    this.#moves = [];
  }
}
