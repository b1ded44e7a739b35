/** Where the audit of one shard stands: the fact it looks at, the turn that fact is in, and the orders that are live. */

import type { CheckName, Findings } from "./audit-findings.js";
import type { LiveOrder } from "./audit-live.js";
import { checkTurnOrder, type TurnOrder, turnOrder } from "./audit-turn.js";

export class AuditScope {
  /** Of the fact that is looked at. */
  position = 0;
  /** Of the turn, microseconds. */
  time = 0;
  /** Orders that were placed and are not archived. */
  readonly live = new Map<number, LiveOrder>();
  readonly #turn = new Map<number, TurnOrder>();

  constructor(
    readonly shard: number,
    readonly findings: Findings,
  ) {}

  get nowMs(): number {
    return Math.floor(this.time / 1000);
  }

  readonly bad = (check: CheckName, what: string): void => {
    this.findings.bad(check, this.shard, this.position, what);
  };

  looked(check: CheckName, times: number): void {
    this.findings.looked(check, times);
  }

  /** What this turn did to an order, whether it is of this shard or not. */
  order(number: number): TurnOrder {
    const known = this.#turn.get(number);
    if (known) return known;
    const turn = turnOrder(number, this.live.get(number));
    this.#turn.set(number, turn);
    return turn;
  }

  /** Looks at the orders of the turn. */
  endTurn(check: (turn: TurnOrder) => void): void {
    for (const turn of this.#turn.values()) {
      check(turn);
      checkTurnOrder(turn, this.bad);
    }
    this.looked("order-ledger", this.#turn.size);
    this.#turn.clear();
  }
}
