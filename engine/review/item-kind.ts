/** One kind of item for a human: what can be done with it. */

import type { Refusal } from "../../actors/results.js";
import type { ResolveHuman } from "../seams/commands.js";
import type { ReviewItem } from "../tables/review-queue.js";
import type { ReviewKind } from "../turns/open-item.js";
import type { Turn } from "../turns/turn.js";

/**
 * Decides whether the action can be done, and records nothing. What it gives back is run in the same turn after the
 * resolution was recorded, must leave the books at zero, and cannot fail.
 */
export type Resolve = (turn: Turn, item: ReviewItem, command: ResolveHuman) => Refusal | (() => void);

export interface ItemKind {
  readonly name: ReviewKind;
  readonly actions: { readonly [A in ResolveHuman["action"]]?: Resolve };
}
