/**
 * More units are held than are there: a count has found fewer. Nothing new is sold, a human is told, and it ends by itself as soon as
 * enough units have come back, from wherever.
 *
 * SHORTAGE-1  While a count has left a product short, an item is open for it, until it is short no more or a human has seen to it.
 */

import { type Product, shortOf } from "../../actors/product.js";
import { closeItem, openItem, reviewKinds } from "./open-item.js";
import type { Turn } from "./turn.js";

export function openShortage(turn: Turn, product: Product, counted: number): void {
  const units = shortOf(product);
  if (units === 0) return;
  const { id, currency, available, held } = product;
  openItem(turn, {
    ...{ kind: "stock_short", subject: id, currency, amount: 0, units, attempts: 0 },
    error: `${units} units that orders hold are not there`,
    evidence: { counted, available, held },
  });
}

/** Asked behind every fact: units come back in many ways, and none of them need know of this. */
export function endShortages(turn: Turn): void {
  const { human, productByName } = turn.books;
  if (human.openOfKind(reviewKinds.stock_short).size === 0) return;
  for (const { subject } of [...human.openOfKind(reviewKinds.stock_short)]) {
    if (shortOf(productByName.get(subject)!) === 0)
      closeItem(turn, "stock_short", subject, "the units are there again");
  }
}
