/** What a human can do with each kind of item: one table. A kind has a row for every action that makes sense for it. */

import type { Refusal } from "../../actors/results.js";
import type { ResolveHuman } from "../commands.js";
import { transactionItems } from "../transactions/transaction-items.js";
import type { Turn } from "../turn.js";
import { type HumanKind, humanKinds } from "./human-queue.js";
import type { HumanItem } from "./human-table.js";
import { paymentKind, refundKind } from "./money-items.js";

/**
 * Decides whether the action can be done, and records nothing. What it gives back is run in the same turn after the
 * resolution was recorded, must leave the books at zero, and cannot fail.
 */
export type Resolve = (turn: Turn, item: HumanItem, command: ResolveHuman) => Refusal | (() => void);

export interface ItemKind {
  readonly name: HumanKind;
  readonly actions: { readonly [A in ResolveHuman["action"]]?: Resolve };
}

/** Kinds that this build can resolve. */
const itemKinds: readonly ItemKind[] = [paymentKind, refundKind, transactionItems];

const byNumber = new Map<number, ItemKind>(itemKinds.map((kind) => [humanKinds[kind.name], kind]));
const names = new Map<number, string>(Object.entries(humanKinds).map(([name, number]) => [number, name]));

export function kindOf(item: HumanItem): ItemKind | undefined {
  return byNumber.get(item.kind);
}

export function kindName(item: HumanItem): string {
  return names.get(item.kind)!;
}
