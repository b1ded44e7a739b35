/** Points of orders: granted once, taken back with their refunds; and spending them. */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyCode } from "../../actors/money.js";
import { pointsFor, pointsToReverse } from "../../actors/points.js";
import { refuse } from "../../actors/results.js";
import type { SpendPoints } from "../seams/commands.js";
import type { Settings } from "../seams/settings.js";
import { spaces } from "../tables/key-table.js";
import { accountView, answerRefusal, answerResult } from "../turns/answers.js";
import { keepRefusal, keepResult, settledByRef } from "../turns/exactly-once.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";

const hash = new ParamsHash();
const method = keyedMethods["points.spend"];

/**
 * The order has come so far. Both moments come once in an order's life, and its completion grants what its payment did not:
 * whatever the setting was at either of them, its points are granted once. (Points that were granted are gone only when what
 * is left of the money earns none.)
 */
export function grantPoints(turn: Turn, number: number, when: Settings["pointsGrantOn"]): void {
  if (when === "paid" && turn.settings.pointsGrantOn !== "paid") return;
  const { books } = turn;
  const order = books.orders.read(number, books.order);
  if (order.points > 0) return;
  const account = books.accounts[order.account]!;
  const earned = pointsFor(order.paid - order.refunded, currencyCode(order.currency));
  // A balance that no number can hold is not reached by buying; should it be, the rest is not granted.
  const points = Math.min(earned, Number.MAX_SAFE_INTEGER - Math.max(0, account.points));
  if (points > 0) turn.record({ type: Facts.pointsGranted, account: account.handle, order: number, points });
}

/** Some of the order's money has gone back. */
export function reversePoints(turn: Turn, number: number): void {
  const { books } = turn;
  const order = books.orders.read(number, books.order);
  const points = pointsToReverse(order.points, order.paid - order.refunded, currencyCode(order.currency));
  if (points > 0) turn.record({ type: Facts.pointsReversed, account: order.account, order: number, points });
}

/** `points.spend`: like a withdrawal, of points. */
export function spendPoints(turn: Turn, command: SpendPoints): void {
  const account = turn.books.accountByName.get(command.account);
  const { ref, points } = command;
  const paramsHash = hash.begin(method).number(points).end();
  if (account && settledByRef(turn, command, spaces.money, account.handle, ref, paramsHash)) return;
  // Not kept, as with money.
  if (!account || account.currency < 0) {
    answerRefusal(turn, command, refuse("account_not_found", { account: command.account }));
    return;
  }
  if (account.points < points) {
    const refusal = refuse("insufficient_points", { available: Math.max(0, account.points) });
    keepRefusal(turn, spaces.money, account.handle, ref, method, paramsHash, undefined, refusal);
    answerRefusal(turn, command, refusal);
    return;
  }
  turn.record({ type: Facts.pointsSpent, account: account.handle, points, ref });
  const result = accountView(account);
  keepResult(turn, spaces.money, account.handle, ref, method, paramsHash, result);
  answerResult(turn, command, result);
}
