/**
 * An order of the model: what was agreed, and three lists of what happened to it. Everything else is added up from them.
 *
 *   status    where its last move led            paid       its payments
 *   version   how many moves it made             refunded   its refunds that are done
 */

import { pointsFor } from "./model-money.js";

export interface ModelLine {
  readonly product: string;
  readonly qty: number;
  readonly unitPrice: number;
  readonly name: string;
}

export interface Move {
  readonly event: string;
  readonly to: string;
  /** ms; when the order moves on by itself. 0 = never. */
  readonly due: number;
  /** Of a dispute: what was left of the order's time, -1 = no time ran. */
  readonly rest?: number;
}

/** `provider` "" = the wallet. */
export interface ModelPayment {
  readonly provider: string;
  readonly paymentId: string;
  readonly amount: number;
}

export interface Share {
  readonly line: number;
  readonly qty: number;
  readonly amount: number;
}

export interface ModelRefund {
  /** Its place among all refunds. */
  readonly index: number;
  /** Its place among the refunds of its shard, from 1. */
  readonly sequence: number;
  readonly shard: number;
  readonly order: number;
  /** Of the order's money, or of money that the order did not need. */
  readonly of: "order" | "surplus";
  readonly provider: string;
  readonly paymentId: string;
  readonly amount: number;
  readonly currency: string;
  readonly shares: readonly Share[];
  readonly restock: boolean;
  readonly reason: string;
  state: "requested" | "unknown" | "done" | "refused";
  ref: string;
}

export interface ModelOrder {
  readonly account: string;
  readonly currency: string;
  readonly lines: readonly ModelLine[];
  readonly total: number;
  readonly payBy: number;
  readonly createdAt: number;
  /** Its products were asked by message. */
  readonly crossed: boolean;
  /** They were asked once more for a payment that came late, and are not asked again. */
  reclaimed: boolean;
  readonly moves: Move[];
  readonly payments: ModelPayment[];
  /** Those of the order's own money. */
  readonly refunds: ModelRefund[];
  archived: boolean;
}

const last = (order: ModelOrder): Move => order.moves.at(-1)!;
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

export const statusOf = (order: ModelOrder): string => last(order).to;
export const versionOf = (order: ModelOrder): number => order.moves.length;
export const dueOf = (order: ModelOrder): number => last(order).due;
export const paidOf = (order: ModelOrder): number => sum(order.payments.map(({ amount }) => amount));

export const isOpen = ({ state }: ModelRefund): boolean => state === "requested" || state === "unknown";

export function refundedOf({ refunds }: ModelOrder): number {
  return sum(refunds.filter(({ state }) => state === "done").map(({ amount }) => amount));
}

/** Paid, and neither given back nor on its way back. */
export function leftOf(order: ModelOrder): number {
  const gone = order.refunds.filter(({ state }) => state !== "refused");
  return paidOf(order) - sum(gone.map(({ amount }) => amount));
}

/** Of every line, the units that were not refunded and the money that is left for them. */
export function linesLeft({
  lines,
  refunds,
}: ModelOrder): { product: string; qty: number; amount: number }[] {
  return lines.map(({ product, qty, unitPrice }, line) => {
    const gone = refunds
      .filter(({ state }) => state !== "refused")
      .flatMap(({ shares }) => shares.filter((share) => share.line === line));
    return {
      product,
      qty: qty - sum(gone.map((share) => share.qty)),
      amount: qty * unitPrice - sum(gone.map((share) => share.amount)),
    };
  });
}

/** Units of a line that were sold and came back. */
export function returnedOf({ refunds }: ModelOrder, line: number): number {
  return sum(
    refunds
      .filter(({ state, restock }) => state === "done" && restock)
      .flatMap(({ shares }) => shares.filter((share) => share.line === line).map(({ qty }) => qty)),
  );
}

export function isClosed(order: ModelOrder, now: number): boolean {
  return statusOf(order) === "Completed" && now >= dueOf(order);
}

/** Nothing but money that comes too late can happen to it. */
export function isOver(order: ModelOrder, now: number): boolean {
  return ["Canceled", "Refunded"].includes(statusOf(order)) || isClosed(order, now);
}

/** Granted once in its life, and taken back with the money: always those of what the order has kept. */
export function pointsOf(order: ModelOrder, grantOn: "completed" | "paid"): number {
  const reached = grantOn === "completed" ? "Completed" : "Paid";
  if (!order.moves.some(({ to }) => to === reached)) return 0;
  return pointsFor(paidOf(order) - refundedOf(order), order.currency);
}

/** The status before its dispute, or before its refund: the last one that was neither. */
export function cameFrom(order: ModelOrder, from: "dispute" | "refund"): string {
  if (from === "dispute") {
    const at = order.moves.findLastIndex(({ event }) => event === "dispute");
    return order.moves[at - 1]!.to;
  }
  return order.moves.findLast(({ to }) => to !== "Refunding" && to !== "Disputed")!.to;
}

const afterShipment = ["Shipped", "Shipping", "Delivered"];
const refundable = ["Paid", "Packing", ...afterShipment, "Completed", "Refunding"];

/** What a caller may ask for, and where it is allowed. */
const askable: readonly (readonly [asked: string, from: readonly string[]])[] = [
  ["pay", ["Created"]],
  ["cancel", ["Created"]],
  ["pack", ["Paid"]],
  ["ship", ["Packing"]],
  ["dispatch", ["Shipped"]],
  ["deliver", ["Shipped", "Shipping"]],
  ["confirm", afterShipment],
  ["refund", refundable],
  ["dispute", [...afterShipment, "Completed", "Refunding"]],
  ["resolve", ["Disputed"]],
];

/** Where an event leads that always leads to the same status. */
export const leadsTo: Readonly<Record<string, string>> = {
  pay: "Paid",
  cancel: "Canceled",
  pack: "Packing",
  ship: "Shipped",
  dispatch: "Shipping",
  deliver: "Delivered",
  confirm: "Completed",
  refund: "Refunding",
  dispute: "Disputed",
};

export function nextOf(order: ModelOrder, now: number): string[] {
  if (isClosed(order, now)) return [];
  const something = paidOf(order) > refundedOf(order) || isFree(order);
  return askable
    .map(([asked]) => asked)
    .filter((asked) => allows(order, asked, now) && (asked !== "refund" || something));
}

/** Nothing was asked for it. */
export function isFree(order: ModelOrder): boolean {
  return order.lines.every(({ unitPrice }) => unitPrice === 0);
}

/** `refund` is allowed by the status alone; whether something is left is another question. */
export function allows(order: ModelOrder, asked: string, now: number): boolean {
  const row = askable.find(([name]) => name === asked)!;
  const from = asked === "cancel" && isFree(order) ? [...row[1], "Paid", "Packing"] : row[1];
  return from.includes(statusOf(order)) && !isClosed(order, now);
}
