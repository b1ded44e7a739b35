/** The product's own audit, over the logs that the simulator has written: what the auditor here finds good, it must too. */

import { auditLogs } from "../../persistence/audit/audit.js";
import type { World } from "./world.js";

/** It reads every log once more, so one seed in ten stands for all. That a replay gives the same books is seen elsewhere. */
const every = 10;

export function auditCertificate({ hosts, audit, seed, coverage }: World): void {
  if (seed % every !== 0) return;
  const certificate = auditLogs({
    count: hosts.length,
    shards: hosts.map(({ number, disk }) => ({ shard: number, groups: disk.groups })),
  });
  coverage.hit("audited by the product itself");
  if (certificate.ok) return;
  const { firstBad, checks } = certificate;
  const failed = checks.filter(({ ok }) => ok === false);
  audit.violation(`the product's audit: ${JSON.stringify(firstBad)}\n  ${JSON.stringify(failed)}`);
}
