import type { Account } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import type { Turn } from "./turn.js";

/** The account of that name; named now if nobody asked for it before. */
export function nameAccount(turn: Turn, id: string): Account {
  const known = turn.books.accountByName.get(id);
  if (known) return known;
  turn.record({ type: Facts.accountNamed, id });
  return turn.books.accountByName.get(id)!;
}
