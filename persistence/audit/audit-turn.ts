/**
 * What one turn did to one order, and whether its parts belong together: a placement needs its lines in stock, its
 * money and its key, all in the same turn, and nothing else. Facts of a turn may stand in any order, so this is asked
 * at its end.
 */

import type { PartShare } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { orderId } from "../../actors/order-number.js";
import type { Applied } from "../../actors/order-total.js";
import { Statuses, statuses } from "../../actors/order-transitions.js";
import type { CheckName } from "./audit-findings.js";
import { type LiveOrder, remainingOf } from "./audit-live.js";

export type StockKind = "held" | "sold" | "confirmed" | "released" | "returned";

export interface StockMove {
  readonly kind: StockKind;
  readonly product: number;
  readonly qty: number;
  readonly account: number;
}

/** Everything in this turn that names one order. */
export interface TurnOrder {
  readonly number: number;
  order: LiveOrder | undefined;
  readonly expected: StockMove[];
  readonly actual: StockMove[];
  /** Accounts from whose wallets money was captured. */
  readonly payers: number[];
  /** Moves that a request with a key asked for, by method, negative when it was refused; each wants one key. */
  readonly moves: number[];
  readonly keys: number[];
  /** To its account in the ledger, minor units. */
  posted: number;
  /** Who asked for its moves of this turn, by facts of their own. */
  readonly operators: string[];
  /** It crosses shards and was begun in this turn; or placed, and stands where it was begun. */
  begun: { operator: string; description: string; adjusted: boolean } | undefined;
  placedFrom:
    | { readonly operator: string; readonly description: string; readonly adjusted: boolean }
    | undefined;
  /** It was placed, and its lines come to so much by their prices. */
  prices: bigint | undefined;
  /** What its adjustments came to, as JSON. */
  readonly adjustments: string[];
  /** What was said of it. */
  readonly descriptions: string[];
  becamePaid: boolean;
  canceled: boolean;
  reinstated: boolean;
  /** How its reinstatement ended in this turn: 1 = it has its lines again, 2 = it has not, 0 = none ended. */
  reclaimed: number;
  completed: boolean;
  /** Minor units of payments from outside. */
  applied: number;
  /** Moves into Refunding; of them one that a dispute ended with, which is of all that is left. */
  refundMoves: number;
  refundsAll: boolean;
  /** Refunds asked from the order: how many, their minor units, and those of their shares. */
  asks: number;
  asked: number;
  shared: number;
  /** Minor units of refunds from the order that were done. */
  done: number;
  reversedBefore: number;
  archived: LiveOrder | undefined;
}

export function turnOrder(number: number, order: LiveOrder | undefined): TurnOrder {
  return {
    number,
    order,
    expected: [],
    actual: [],
    payers: [],
    moves: [],
    keys: [],
    posted: 0,
    operators: [],
    begun: undefined,
    placedFrom: undefined,
    descriptions: [],
    prices: undefined,
    adjustments: [],
    becamePaid: false,
    canceled: false,
    reinstated: false,
    reclaimed: 0,
    completed: false,
    applied: 0,
    refundMoves: 0,
    refundsAll: false,
    asks: 0,
    asked: 0,
    shared: 0,
    done: 0,
    reversedBefore: order?.after?.reversed ?? 0,
    archived: undefined,
  };
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
  checkOperator(turn, id, bad);
  checkDescription(turn, id, bad);
  checkTotal(turn, id, bad);
  for (const method of new Set([...turn.moves, ...turn.keys])) {
    const moved = turn.moves.filter((m) => m === method).length;
    const kept = turn.keys.filter((m) => m === method).length;
    if (moved !== kept) bad("keys", `${id}: ${moved} effects of method ${method} under ${kept} keys`);
  }
  const { order, archived } = turn;
  if (archived && archived.balance + turn.posted !== 0) {
    bad("archived", `${id}: ${archived.balance + turn.posted} is left in the ledger`);
  }
  if (order) checkMoney(turn, order, id, bad);
  else if (turn.payers.length > 0 || (!archived && turn.posted !== 0)) {
    bad("order-ledger", `${id}: money for an order that is not live`);
  }
}

/** The methods whose operator has a fact of its own. */
const namedApart: ReadonlySet<number> = new Set([
  keyedMethods["order.place"],
  keyedMethods["order.pay"],
  keyedMethods["order.cancel"],
]);

/** Who asked for it is told of a move that is there, once; and who began an order across shards has placed it. */
function checkOperator({ operators, moves, begun, placedFrom }: TurnOrder, id: string, bad: Bad): void {
  const operator = operators[0] ?? "";
  if (operators.length > 1) bad("order-moves", `${id}: asked for by ${operators.join(" and ")}`);
  if (operators.length > 0 && !begun && !moves.some((method) => namedApart.has(method)))
    bad("order-moves", `${id}: ${operator} is named, and asked for nothing`);
  if (begun) begun.operator = operator;
  if (placedFrom && placedFrom.operator !== operator)
    bad("order-moves", `${id}: begun by "${placedFrom.operator}" and placed by "${operator}"`);
}

/** It is said of an order in the turn that places it, once, and of one across shards what was said as it began. */
function checkDescription({ descriptions, moves, placedFrom }: TurnOrder, id: string, bad: Bad): void {
  const placed = moves.includes(keyedMethods["order.place"]);
  if (descriptions.length > (placed ? 1 : 0))
    bad("order-moves", `${id}: described ${descriptions.length} times${placed ? "" : ", and not placed"}`);
  if (placedFrom && placedFrom.description !== (descriptions[0] ?? ""))
    bad("order-moves", `${id}: begun as ${placedFrom.description} and placed as ${descriptions[0]}`);
}

/** A total is the sum of the prices, or what the adjustments made of it; and its parts sum to it. */
function checkTotal({ prices, adjustments, order, placedFrom }: TurnOrder, id: string, bad: Bad): void {
  if (adjustments.length > (prices === undefined ? 0 : 1))
    bad(
      "order-totals",
      `${id}: adjusted ${adjustments.length} times${prices === undefined ? ", and not placed" : ""}`,
    );
  if (prices === undefined || !order) return;
  if (placedFrom && placedFrom.adjusted !== adjustments.length > 0)
    bad(
      "order-totals",
      `${id}: begun ${placedFrom.adjusted ? "with" : "without"} adjustments, and not so placed`,
    );
  let total = prices;
  for (const { amount, included } of JSON.parse(adjustments[0] ?? "[]") as Applied[])
    if (!included) total += BigInt(amount);
  if (total !== BigInt(order.total))
    bad("order-totals", `${id}: total ${order.total}, its lines and adjustments ${total}`);
  if (order.parts) checkParts(order.parts, order, id, bad);
}

function checkParts(parts: readonly PartShare[], { lines, total }: LiveOrder, id: string, bad: Bad): void {
  const sum = parts.reduce((all, { amount }) => all + BigInt(amount), 0n);
  if (sum !== BigInt(total)) bad("order-totals", `${id}: total ${total}, its parts ${sum}`);
  if (
    parts.length < lines.length ||
    parts.some(({ extra }, index) => (extra === "") !== index < lines.length)
  )
    bad("order-totals", `${id}: ${parts.length} parts for ${lines.length} lines`);
  if (parts.some(({ amount, tax }) => tax > amount))
    bad("order-totals", `${id}: a part with more tax than it has`);
}

function checkMoney(turn: TurnOrder, order: LiveOrder, id: string, bad: Bad): void {
  order.balance += turn.posted;
  const remaining = remainingOf(order);
  if (order.balance !== remaining) {
    const { refunded = 0, refunding = 0 } = order.after ?? {};
    const parts = `paid ${order.paid}, refunded ${refunded}, to be refunded ${refunding}`;
    bad("order-ledger", `${id}: ${parts}, in the ledger ${order.balance}`);
  }
  if (order.balance < 0) bad("guards", `${id}: ${order.balance} in the ledger`);
  checkDue(turn, order, remaining, id, bad);
  if (turn.payers.some((account) => account !== order.account))
    bad("order-ledger", `${id}: paid by another account`);
  // One capture for one payment, also when the amount is 0 because the order costs nothing.
  if (turn.payers.length > 1) bad("order-ledger", `${id}: ${turn.payers.length} captures in one turn`);
}

/** What must be there of its money in the order's status. */
function checkDue(turn: TurnOrder, order: LiveOrder, remaining: number, id: string, bad: Bad): void {
  const { status, total } = order;
  const place = `in ${statuses[status]}`;
  if (turn.becamePaid && remaining + turn.asked !== total) {
    bad("order-ledger", `${id}: Paid with ${remaining + turn.asked} of ${total}`);
  } else if (status === Statuses.Created && remaining >= total && order.paid > 0) {
    bad("order-ledger", `${id}: ${remaining} of ${total}, and still Created`);
  } else if (status === Statuses.Canceled && turn.canceled && remaining !== 0) {
    bad("order-ledger", `${id}: canceled with ${remaining} that nobody is asked to give back`);
  } else if (remaining > total) {
    bad("order-ledger", `${id}: has ${remaining} of ${total} ${place}`);
  }
  if (turn.applied > 0 && status !== Statuses.Created && !turn.becamePaid) {
    bad("payments", `${id}: ${turn.applied} applied ${place}`);
  }
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
