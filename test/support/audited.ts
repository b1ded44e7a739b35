/** What the audit says of an engine's logs and books. */

import { auditLogs } from "../../persistence/audit/audit.js";
import type { TestEngine } from "./engine.js";

/** The first thing that it does not like. */
export function firstBad(engine: TestEngine) {
  const hashes = engine.hashes();
  return auditLogs({
    count: engine.journals.length,
    shards: engine.journals.map((journal, shard) => ({
      shard,
      groups: journal.read(1),
      replayHash: () => hashes[shard]!,
      liveHash: () => hashes[shard]!,
    })),
  }).firstBad;
}
