/**
 * `human.list`, `human.get`, `human.resolve`. A resolution is one turn: its reason, and everything that follows from it. The
 * same resolution again gives the same answer; another one of an item that is resolved is refused: one that differs in anything
 * that is kept or has an effect must not be told that it was done.
 */

import { Facts } from "../../actors/facts.js";
import { currencyCode, formatAmount } from "../../actors/money.js";
import { itemId, orderNumber, orderSequence, parseItemId } from "../../actors/order-number.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { GetHuman, ListHuman, ResolveHuman } from "../seams/commands.js";
import type { Resolution, ReviewItem } from "../tables/review-queue.js";
import { answerRefusal, answerResult } from "../turns/answers.js";
import { actionName, reviewActions } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";
import { sameEntries } from "./hand-entries.js";
import type { Resolve } from "./item-kind.js";
import { kindName, kindOf } from "./item-kinds.js";

const listedByDefault = 100;

/** Shard by shard, newest first within each. The cursor is `<shard>.<sequence>`: go on there, below it; 0 = from the top. */
export function listHuman(turn: Turn, command: ListHuman): void {
  const below = sequenceOfCursor(turn.shard, command.cursor);
  if (below === undefined) {
    const details = { path: "params.cursor", reason: "not a cursor of human.list" };
    answerRefusal(turn, command, refuse("invalid_request", details));
    return;
  }
  const limit = command.limit ?? listedByDefault;
  const first = below === 0 ? Number.POSITIVE_INFINITY : orderNumber(below, 0);
  const found = turn.books.human.newestFirst(command.state ?? "open", first);
  const items = found.slice(0, limit).map((item) => itemView(turn, item));
  const last = found[limit - 1];
  const cursor =
    found.length > limit
      ? `${turn.shard}.${orderSequence(last!.item)}`
      : turn.shard + 1 < turn.shards
        ? `${turn.shard + 1}.0`
        : null;
  answerResult(turn, command, { items, cursor });
}

export function getHuman(turn: Turn, command: GetHuman): void {
  const item = find(turn, command.item);
  if (item) answerResult(turn, command, { item: itemView(turn, item) });
  else answerRefusal(turn, command, refuse("item_not_found"));
}

export function resolveHuman(turn: Turn, command: ResolveHuman): void {
  const item = find(turn, command.item);
  const refusal = decideResolve(turn, item, command);
  if (refusal) answerRefusal(turn, command, refusal);
  else if (item!.resolved) answerResult(turn, command, { item: itemView(turn, item!) });
  else resolve(turn, item!, command);
}

function resolve(turn: Turn, item: ReviewItem, command: ResolveHuman): void {
  const { action, reason, evidence, operator } = command;
  const decided = kindOf(item)!.actions[action]!(turn, item, command);
  if (typeof decided !== "function") {
    answerRefusal(turn, command, decided);
    return;
  }
  turn.record({
    type: Facts.humanResolved,
    item: item.item,
    action: reviewActions[action],
    reason,
    evidence: evidence ?? "",
    operator: operator ?? "",
  });
  decided();
  answerResult(turn, command, { item: itemView(turn, item) });
}

function decideResolve(turn: Turn, item: ReviewItem | undefined, command: ResolveHuman): Refusal | undefined {
  if (!item) return refuse("item_not_found");
  const { action } = command;
  if (item.resolved) {
    if (isSame(item, item.resolved, command)) return undefined;
    return refuse("invalid_transition", { from: "resolved", event: action, allowed: [] });
  }
  if (kindOf(item)?.actions[action]) return refuseIdleParams(item, command);
  const details = {
    path: "params.action",
    reason: `not for an item of kind ${kindName(item)}`,
    allowed: actionsOf(turn, item),
  };
  return refuse("invalid_request", details);
}

/** `done` and `write_off` book entries that nobody asked for; they follow from the action. */
function isSame(item: ReviewItem, done: Resolution, command: ResolveHuman): boolean {
  const { action, reason, evidence = "", operator = "", order = "", entries } = command;
  return (
    done.action === reviewActions[action] &&
    done.reason === reason &&
    done.evidence === evidence &&
    done.operator === operator &&
    done.order === order &&
    (action === "entries" ? sameEntries(item, entries ?? [], done.entries) : entries === undefined)
  );
}

/** Whoever names an order or entries expects something of it. */
function refuseIdleParams(item: ReviewItem, { action, order, entries }: ResolveHuman): Refusal | undefined {
  if (entries !== undefined && action !== "entries")
    return refuse("invalid_request", { path: "params.entries", reason: "only with the action entries" });
  if (order !== undefined && !(action === "retry" && kindName(item) === "payment"))
    return refuse("invalid_request", { path: "params.order", reason: "only with retry of a payment" });
  return undefined;
}

function find(turn: Turn, id: string): ReviewItem | undefined {
  const number = parseItemId(id);
  return number === undefined ? undefined : turn.books.human.get(number);
}

/** The router gives the last shard those of shards that there are not: its page would look like an answer to them. */
function sequenceOfCursor(shard: number, cursor: string | undefined): number | undefined {
  if (cursor === undefined) return 0;
  const [, of, sequence] = /^([0-9]{1,4})\.(0|[1-9][0-9]{0,12})$/.exec(cursor) ?? [];
  return of === String(shard) ? Number(sequence) : undefined;
}

function itemView(turn: Turn, item: ReviewItem): object {
  const { kind: _, currency, amount, openedAt, resolved, ...rest } = item;
  return {
    ...rest,
    item: itemId(item.item),
    kind: kindName(item),
    state: resolved ? "resolved" : "open",
    currency: amount > 0 ? currencyCode(currency) : null,
    amount: amount > 0 ? formatAmount(amount, currency) : null,
    evidence: JSON.parse(item.evidence) as unknown,
    openedAt: new Date(openedAt).toISOString(),
    actions: resolved ? [] : actionsOf(turn, item),
    resolution: resolved && resolutionView(resolved),
  };
}

function resolutionView({ action, reason, evidence, operator, at }: Resolution): object {
  return { action: actionName(action), reason, evidence, operator, at: new Date(at).toISOString() };
}

/** What works now: an action is left out when it is refused for what it is, and not for what should be said with it. */
function actionsOf(turn: Turn, item: ReviewItem): readonly string[] {
  const actions = Object.entries(kindOf(item)?.actions ?? {}) as [ResolveHuman["action"], Resolve][];
  return actions
    .filter(([action, decide]) => works(decide(turn, item, bare(item, action))))
    .map(([name]) => name);
}

function works(decided: ReturnType<Resolve>): boolean {
  return typeof decided === "function" || decided.details?.path !== "params.action";
}

/** The action alone, to see what stands against it. */
function bare({ item }: ReviewItem, action: ResolveHuman["action"]): ResolveHuman {
  return {
    ...{ method: "human.resolve", requester: nobody, id: 0, refuseAfter: 0, item: itemId(item), action },
    ...{ reason: "", evidence: undefined, order: undefined, entries: undefined, operator: undefined },
  };
}

/** Nothing is answered when an action is only looked at. */
const nobody = { order() {}, result() {}, refused() {}, push() {}, flush() {} };
