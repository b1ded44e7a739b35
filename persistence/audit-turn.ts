/**
 * What one turn did to one order, and whether its parts belong together: a placement needs its lines in stock, its
 * money and its key, all in the same turn, and nothing else. Facts of a turn may stand in any order, so this is asked
 * at its end.
 */

import type { Line } from "../actors/facts.js";
import { orderId } from "../actors/order-number.js";
import { Statuses } from "../actors/order-transitions.js";
import type { CheckName } from "./audit-findings.js";

/** An order that may still move, or that moved in this turn. */
export interface LiveOrder {
  readonly number: number;
  readonly account: number;
  readonly currency: number;
  readonly total: number;
  readonly lines: readonly Line[];
  /** ms; 0 = none. */
  readonly expiresAt: number;
  /** Its stock is held by branches. */
  readonly crossed: boolean;
  status: number;
  /** By its own facts. */
  paid: number;
  /** By the ledger. */
  captured: number;
}

export type StockKind = "held" | "sold" | "confirmed" | "released";

interface StockMove {
  readonly kind: StockKind;
  readonly product: number;
  readonly qty: number;
  readonly account: number;
}

/** Numbers of keyed methods in the log. */
export const methods = { place: 1, pay: 2, cancel: 3, deposit: 4, withdraw: 5, restock: 6 } as const;

/** Everything in this turn that names one order. */
export interface TurnOrder {
  readonly number: number;
  order: LiveOrder | undefined;
  readonly expected: StockMove[];
  readonly actual: StockMove[];
  captures: number;
  /** Moves that a request with a key asked for, by method, negative when it was refused; each wants one key. */
  readonly moves: number[];
  readonly keys: number[];
}

export function turnOrder(number: number, order: LiveOrder | undefined): TurnOrder {
  return { number, order, expected: [], actual: [], captures: 0, moves: [], keys: [] };
}

/** The lines of an order that holds its stock itself. */
export function expectLines(turn: TurnOrder, kind: StockKind, order: LiveOrder): void {
  if (order.crossed) return;
  for (const { product, qty } of order.lines) {
    turn.expected.push({ kind, product, qty, account: order.account });
  }
}

type Bad = (check: CheckName, what: string) => void;

/** Looks at an order at the end of a turn. */
export function checkTurnOrder(turn: TurnOrder, bad: Bad): void {
  const id = orderId(turn.number);
  checkStock(turn, id, bad);
  for (const method of new Set([...turn.moves, ...turn.keys])) {
    const moved = turn.moves.filter((m) => m === method).length;
    const kept = turn.keys.filter((m) => m === method).length;
    if (moved !== kept) bad("keys", `${id}: ${moved} effects of method ${method} under ${kept} keys`);
  }
  const { order } = turn;
  if (!order) {
    if (turn.captures > 0) bad("order-ledger", `${id}: money for an order that is not live`);
    return;
  }
  if (order.captured !== order.paid) {
    bad("order-ledger", `${id}: paid ${order.paid}, in the ledger ${order.captured}`);
  }
  const due = order.status === Statuses.Created || order.status === Statuses.Canceled ? 0 : order.total;
  if (order.paid !== due) bad("order-ledger", `${id}: paid ${order.paid} of ${due} due in its status`);
  // One capture for one payment, also when the amount is 0 because the order costs nothing.
  if (turn.captures > 1) bad("order-ledger", `${id}: ${turn.captures} captures in one turn`);
}

function checkStock({ expected, actual }: TurnOrder, id: string, bad: Bad): void {
  const missing = [...expected];
  for (const move of actual) {
    const at = missing.findIndex(
      ({ kind, product, qty, account }) =>
        kind === move.kind && product === move.product && qty === move.qty && account === move.account,
    );
    if (at >= 0) missing.splice(at, 1);
    else bad("holds", `${id}: ${move.qty} of product ${move.product} ${move.kind} without a reason`);
  }
  for (const { kind, product, qty } of missing) {
    bad("holds", `${id}: ${qty} of product ${product} should be ${kind}`);
  }
}
