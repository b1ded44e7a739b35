/** How the parts of the projection say which facts they take: a table each, joined into one list by fact number. */

import { catalogue, type Fact, type FactKind, type FactOf } from "../../actors/facts.js";
import type { ShardNames } from "./read-names.js";

/** Where in the logs a fact stands. One object, filled anew for every fact. */
export interface At {
  shard: number;
  names: ShardNames;
  position: number;
  /** Of its turn. */
  ms: number;
}

/** What a fact writes into the tables. A fact without a rule is no row of any. */
export type ReadRules = { readonly [K in FactKind]?: (fact: FactOf<K>, at: At) => void };

type Rule = (fact: Fact, at: At) => void;

/** By fact number; several tables may take the same fact, and do so in the order given. */
export function rulesByNumber(...tables: readonly ReadRules[]): readonly (readonly Rule[])[] {
  const byNumber: Rule[][] = [];
  for (const kind of Object.keys(catalogue) as FactKind[]) {
    byNumber[catalogue[kind].number] = tables.flatMap((rules) => (rules[kind] as Rule | undefined) ?? []);
  }
  return byNumber;
}
