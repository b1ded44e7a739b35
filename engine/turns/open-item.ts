/**
 * Opening an item for a human, and closing it when what it was about has ended by itself. What a human can do with an
 * item: `human-commands`.
 */

import { Facts } from "../../actors/facts.js";
import { itemId, orderNumber } from "../../actors/order-number.js";
import { firstSlot } from "../links/slots.js";
import type { Turn } from "./turn.js";

/** Numbers of kinds in the log; never re-used. */
export const reviewKinds = { payment: 1, refund: 2, transaction: 3, late: 4, stock_short: 5 } as const;
export type ReviewKind = keyof typeof reviewKinds;

/** Numbers of actions in the log; never re-used. `itself`: it ended before a human did anything. */
export const reviewActions = { itself: 0, retry: 1, done: 2, undone: 3, entries: 4, write_off: 5 } as const;

export function actionName(action: number): string {
  return Object.entries(reviewActions).find(([, number]) => number === action)![0];
}

export interface ItemSpec {
  readonly kind: ReviewKind;
  /** What it is about; of one subject and kind at most one item is open. */
  readonly subject: string;
  readonly currency: number;
  /** Minor units at risk. */
  readonly amount: number;
  readonly units: number;
  readonly attempts: number;
  readonly error: string;
  readonly evidence: object;
}

/** Records the item and tells whoever listens to alerts. The number of the one that is open already, if there is one. */
export function openItem(turn: Turn, asked: ItemSpec): number {
  const { human } = turn.books;
  const kind = reviewKinds[asked.kind];
  const known = human.openOf(kind, asked.subject);
  if (known) return known.item;
  const item = orderNumber(human.nextSequence, firstSlot(turn.shard, turn.shards));
  const { subject, currency, amount, units, attempts, error } = asked;
  const evidence = JSON.stringify(asked.evidence);
  turn.record({
    ...{ type: Facts.humanOpened, item, kind, subject, currency, amount, units, attempts, error, evidence },
  });
  turn.alert(`item ${itemId(item)} for a human: ${asked.kind} ${subject}: ${error}`);
  return item;
}

/** What the item was about has ended: nobody has to look any more. */
export function closeItem(turn: Turn, kind: ReviewKind, subject: string, reason: string): void {
  const open = turn.books.human.openOf(reviewKinds[kind], subject);
  if (!open) return;
  turn.record({
    type: Facts.humanResolved,
    item: open.item,
    action: reviewActions.itself,
    reason,
    evidence: "",
    operator: "engine",
  });
}
