/** What a coordinator does next, as the rules of TCC and saga say it; and what they look at to say so. */

import type { FenceCall } from "./fence.js";

/** Numbers in the log; never re-used. */
export const decisions = { done: 1, undone: 2 } as const;
export const settlements = { confirmed: 1, undone: 2, byHuman: 3, nothing: 4 } as const;

export type PartState = "waiting" | "begun" | "done" | "refused" | "unknown" | "ending" | "settled";

/** Where a transaction stands: one of a program, or an order that crosses shards. */
export interface Standing {
  readonly progress: readonly { readonly state: PartState; readonly stuck: boolean }[];
  /** The part that moves the same money; -1 = none. */
  readonly parts: readonly { readonly pair: number }[];
  /** A number of `decisions`; 0 = undecided. */
  readonly decision: number;
  /** Nothing is decided while a part has not answered: whoever is refused is told everything that stands against it. */
  readonly hearsAll?: boolean;
}

export type NextStep =
  | { readonly step: "begin"; readonly part: number; readonly call: FenceCall }
  /** `part`: because of which it is undone. */
  | { readonly step: "decide"; readonly how: "done" | "undone"; readonly part?: number }
  | { readonly step: "end"; readonly part: number; readonly call: FenceCall }
  | { readonly step: "settle"; readonly part: number; readonly how: number }
  | { readonly step: "finish" };
