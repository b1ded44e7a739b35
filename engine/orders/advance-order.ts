/** `order.advance`: the moves of packing, shipping and disputes; and the confirmation that comes by itself. */

import { keyedMethods } from "../../actors/keyed-methods.js";
import { decideEvent, type Order } from "../../actors/order.js";
import type { OrderEvent } from "../../actors/order-transitions.js";
import { Statuses } from "../../actors/order-transitions.js";
import type { Part } from "../../actors/refund.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { askParts, refundOfRest } from "../refunds/refund-order.js";
import { closeRefunds } from "../refunds/refunds.js";
import type { AdvanceOrder } from "../seams/commands.js";
import { answerRefusal } from "../turns/answers.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { moveByRequest } from "./move-order.js";
import { type MoveWords, recordMove, systemOperator } from "./order-moves.js";
import { grantPoints } from "./points.js";

const hash = new ParamsHash();

export function advanceOrder(turn: Turn, command: AdvanceOrder): void {
  const wrong = refuseFields(command);
  if (wrong) {
    answerRefusal(turn, command, wrong);
    return;
  }
  let rest: readonly Part[] = [];
  moveByRequest(
    turn,
    command,
    hashOf(command),
    (order, account) => {
      const refusal = decideAdvance(turn, order, command);
      if (refusal || command.resolution !== "refund") return refusal;
      const parts = refundOfRest(turn, order, account);
      if ("code" in parts) return parts;
      rest = parts;
      return undefined;
    },
    ({ number }) => advance(turn, number, command, rest),
  );
}

type Extra = "tracking" | "resolution" | "restock";

/** What each event needs, and what it may have, beside what all have. Anything else would be swallowed, and is refused. */
export const advanceExtras: {
  readonly [E in AdvanceOrder["event"]]: { readonly [X in Extra]?: "required" | "optional" };
} = {
  pack: {},
  ship: { tracking: "required" },
  dispatch: {},
  deliver: {},
  confirm: {},
  dispute: {},
  resolve: { resolution: "required", restock: "optional" },
};

const extras: readonly Extra[] = ["tracking", "resolution", "restock"];

/** Before the key: a malformed request is not kept under it. */
function refuseFields(command: AdvanceOrder): Refusal | undefined {
  const { event, resolution, restock } = command;
  for (const extra of extras) {
    const given = extra === "restock" ? restock : command[extra] !== undefined;
    const use = advanceExtras[event]?.[extra];
    const reason =
      given && !use ? `not with ${event}` : !given && use === "required" ? `is required with ${event}` : "";
    if (reason !== "") return refuse("invalid_request", { path: `params.${extra}`, reason });
  }
  if (restock && resolution !== "refund")
    return refuse("invalid_request", { path: "params.restock", reason: "only with the resolution refund" });
  return undefined;
}

/** Seven days after it was shipped. */
export function autoConfirm(turn: Turn, number: number): void {
  confirm(turn, number, "auto_confirm", { operator: systemOperator });
}

function eventOf({ event, resolution }: AdvanceOrder): OrderEvent {
  return event === "resolve" ? (resolution === "refund" ? "resolve_refund" : "resolve_keep") : event;
}

function decideAdvance(turn: Turn, order: Order, command: AdvanceOrder): Refusal | undefined {
  const { event, version } = command;
  if (version !== undefined && version !== order.version)
    return refuse("version_mismatch", { version: order.version });
  return decideEvent(order, eventOf(command), turn.nowMs, event);
}

function advance(
  turn: Turn,
  number: number,
  command: AdvanceOrder,
  rest: readonly Part[],
): object | undefined {
  const words: MoveWords = command;
  const event = eventOf(command);
  const { nowMs, settings, books } = turn;
  switch (event) {
    case "confirm":
      confirm(turn, number, event, words);
      return undefined;
    case "ship":
      recordMove(turn, number, event, words, nowMs + settings.autoConfirmMs);
      return undefined;
    case "dispute":
      recordMove(turn, number, event, words, 0);
      return undefined;
    case "resolve_keep":
      recordMove(turn, number, event, words, dueAfterDispute(turn, number));
      // Refunds that ended meanwhile could not close it.
      if (books.orders.status(number) === Statuses.Refunding) closeRefunds(turn, number);
      return undefined;
    case "resolve_refund": {
      recordMove(turn, number, event, words, dueAfterDispute(turn, number));
      const refunds = askParts(turn, number, rest, command.remark ?? "dispute", command.restock);
      closeRefunds(turn, number);
      return { refunds };
    }
    default:
      recordMove(turn, number, event, words);
      return undefined;
  }
}

function confirm(turn: Turn, number: number, event: "confirm" | "auto_confirm", words: MoveWords): void {
  recordMove(turn, number, event, words, turn.nowMs + turn.settings.afterSaleMs);
  grantPoints(turn, number, "completed");
}

/** The time that stood still during a dispute goes on. */
function dueAfterDispute(turn: Turn, number: number): number {
  const { restMs } = turn.books.afterSales.get(number)!;
  return restMs < 0 ? 0 : turn.nowMs + restMs;
}

function hashOf(command: AdvanceOrder): number {
  const { order, event, tracking, remark, operator, version, resolution, restock } = command;
  return hash
    .begin(keyedMethods["order.advance"])
    .text(order)
    .text(event)
    .text(tracking)
    .text(remark)
    .text(operator)
    .number(version)
    .text(resolution)
    .number(restock ? 1 : 0)
    .end();
}
