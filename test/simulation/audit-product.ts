/** The product's own audit, over the logs that the simulator has written: what the auditor here finds good, it must too. */

import { stateHash } from "../../engine/snapshot.js";
import { auditLogs } from "../../persistence/audit.js";
import { booksOf } from "./host.js";
import type { World } from "./world.js";

/** It reads every log once more, so one seed in ten stands for all. */
const every = 10;

export function auditCertificate({ hosts, audit, seed, coverage }: World): void {
  if (seed % every !== 0) return;
  const certificate = auditLogs({
    shards: hosts.map(({ number, disk, shard }) => ({
      shard: number,
      groups: disk.groups,
      replayHash: () => stateHash(booksOf(disk.groups)),
      liveHash: () => stateHash(shard!.books),
    })),
  });
  coverage.hit("audited by the product itself");
  if (certificate.ok) return;
  const { firstBad, checks } = certificate;
  const failed = checks.filter(({ ok }) => ok === false);
  audit.violation(`the product's audit: ${JSON.stringify(firstBad)}\n  ${JSON.stringify(failed)}`);
}
