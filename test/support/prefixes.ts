/** Crashes everywhere: an engine on every beginning of what others wrote to their disks, group by group in their real order. */

import type { Group, Journal } from "../../persistence/log/journal.js";
import { memoryJournal, memoryStore } from "../../persistence/log/memory-journal.js";
import { type TestEngine, type TestEngineOptions, testEngine } from "./engine.js";

export interface Recorded {
  readonly engine: TestEngine;
  /** Every group in the order in which they became durable. */
  readonly groups: readonly { readonly shard: number; readonly group: Group }[];
}

/** Journals that write down what they are given. */
export function recording(shards: number): {
  journals: Journal[];
  groups: { shard: number; group: Group }[];
} {
  const groups: { shard: number; group: Group }[] = [];
  const journals = Array.from({ length: shards }, (_, shard) => {
    const journal = memoryJournal();
    const append = journal.append.bind(journal);
    journal.append = (group) => {
      const { first, last, body } = group;
      groups.push({ shard, group: { first, last, body: Uint8Array.from(body) } });
      append(group);
    };
    return journal;
  });
  return { journals, groups };
}

/** The engine after a crash that came when so many groups were durable. */
export function crashedAfter(
  groups: readonly { readonly shard: number; readonly group: Group }[],
  count: number,
  options: TestEngineOptions,
): TestEngine {
  const shards = options.shards ?? 1;
  const stores = Array.from({ length: shards }, memoryStore);
  for (const { shard, group } of groups.slice(0, count)) stores[shard]!.synced.push(group);
  return testEngine({ ...options, journals: stores.map((store) => memoryJournal({ store })) });
}
