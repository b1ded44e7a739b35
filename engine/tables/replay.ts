/** Recovery: the facts of a log, applied in order. The same `evolve` as in a running turn, and nothing else. */

import { readFacts } from "../../actors/fact-codec.js";
import type { Group } from "../../persistence/log/journal.js";
import type { Books } from "./books.js";
import { evolve } from "./evolve.js";

/** Applies the part of a group that the books do not hold yet. */
export function replay(books: Books, group: Group): void {
  if (group.last <= books.position) return;
  if (group.first > books.position + 1) {
    throw new Error(`the log goes on at ${group.first}, the books end at ${books.position}`);
  }
  const known = books.position;
  readFacts(group.body, group.first, (fact, time, position) => {
    if (position > known) evolve(books, fact, time);
  });
  if (books.position !== group.last)
    throw new Error(`group ${group.first}..${group.last} ends at ${books.position}`);
}
