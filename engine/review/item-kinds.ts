/** What a human can do with each kind of item: one table. A kind has a row for every action that makes sense for it. */

import type { ReviewItem } from "../tables/review-queue.js";
import { reviewKinds } from "../turns/open-item.js";
import type { ItemKind } from "./item-kind.js";
import { lateKind } from "./late-items.js";
import { paymentKind, refundKind } from "./money-items.js";
import { stockKind } from "./stock-items.js";
import { transactionItems } from "./transaction-items.js";

/** Kinds that this build can resolve. */
const itemKinds: readonly ItemKind[] = [paymentKind, refundKind, transactionItems, lateKind, stockKind];

const byNumber = new Map<number, ItemKind>(itemKinds.map((kind) => [reviewKinds[kind.name], kind]));
const names = new Map<number, string>(Object.entries(reviewKinds).map(([name, number]) => [number, name]));

export function kindOf(item: ReviewItem): ItemKind | undefined {
  return byNumber.get(item.kind);
}

export function kindName(item: ReviewItem): string {
  return names.get(item.kind)!;
}
