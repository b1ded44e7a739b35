/** A transaction as its owner sees it. */

import { itemId, transactionId } from "../../actors/order-number.js";
import { decisions, settlements } from "../../actors/transactions/next-step.js";
import type { Books } from "../tables/books.js";
import type { Transaction } from "../tables/transaction-table.js";
import { actionName, reviewActions, reviewKinds } from "../turns/open-item.js";
import { parsed } from "./parts.js";

const states = {
  open: { 0: "running", [decisions.done]: "confirming", [decisions.undone]: "canceling" },
  ended: { [decisions.done]: "done", [decisions.undone]: "undone" },
} as const;

const settledNames = new Map<number, string>([
  [settlements.confirmed, "confirmed"],
  [settlements.undone, "undone"],
  [settlements.byHuman, "by_human"],
  [settlements.nothing, "nothing"],
]);

/** `results` holds what each part that was done gave back, by its name; `error` tells because of what it is undone. */
export function transactionView(books: Books, transaction: Transaction): object {
  const { account, name, mode, parts, progress, decision, reason, begunAt, endedAt } = transaction;
  const by: Readonly<Record<number, string>> = endedAt === 0 ? states.open : states.ended;
  return {
    transaction: transactionId(transaction.transaction),
    account: books.accounts[account]!.id,
    name,
    mode,
    state: by[decision]!,
    parts: parts.map((part, index) => {
      const { state, settled, stuck } = progress[index]!;
      const resolution = resolutionOf(books, transaction, part.name);
      return {
        name: part.name,
        state: settledNames.get(settled) ?? state,
        stuck,
        ...(resolution ? { resolution } : {}),
      };
    }),
    results: resultsOf(transaction),
    error: parsed(reason),
    begunAt: new Date(begunAt).toISOString(),
    endedAt: endedAt === 0 ? null : new Date(endedAt).toISOString(),
  };
}

/** What a human did about a part last; undefined: nobody had to. */
function resolutionOf(books: Books, { transaction }: Transaction, part: string): object | undefined {
  const item = books.human.resolvedOf(reviewKinds.transaction, `${transactionId(transaction)}/${part}`);
  const resolved = item?.resolved;
  if (!resolved || resolved.action === reviewActions.itself) return undefined;
  const { action, reason, operator, at } = resolved;
  return {
    item: itemId(item.item),
    action: actionName(action),
    reason,
    operator,
    at: new Date(at).toISOString(),
  };
}

/** What the parts that were done gave back, by name. */
export function resultsOf({ parts, progress }: Transaction): Record<string, unknown> {
  const results: [string, unknown][] = [];
  for (const [index, { state, text, settled }] of progress.entries()) {
    const known = state === "done" || (state !== "refused" && settled !== settlements.nothing);
    if (known && text !== "") results.push([parts[index]!.name, parsed(text)]);
  }
  return Object.fromEntries(results);
}
