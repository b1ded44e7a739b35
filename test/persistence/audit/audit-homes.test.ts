/** Everything lives in the shard that its name says, or the audit names the first that does not. */

import { join } from "node:path";
import { expect, test } from "vitest";
import { auditLogs, type Certificate } from "../../../persistence/audit/audit.js";
import { readLog } from "../../../persistence/log/log-reader.js";
import { madeBefore } from "../../support/data-folder.js";

/** The logs of two shards, audited as those of an engine with so many, each in the place of the other if so wished. */
function audit(count: number, swapped = false): Certificate {
  const folder = madeBefore("two-shards");
  const logs = swapped ? [1, 0] : [0, 1];
  return auditLogs({
    count,
    shards: logs
      .slice(0, count)
      .map((log, shard) => ({ shard, groups: readLog(join(folder, `shard-${log}`), 1) })),
  });
}

function homes({ checks }: Certificate) {
  return checks.find(({ name }) => name === "homes")!;
}

test("of an engine that wrote its own logs all is at home", () => {
  const certificate = audit(2);
  expect(certificate.ok).toBe(true);
  expect(homes(certificate)).toMatchObject({ ok: true, bad: 0 });
  expect(homes(certificate).count).toBeGreaterThan(20);
});

test("one shard of two that is taken for the whole, and two that are swapped: the first name that lives elsewhere, and its position", () => {
  for (const certificate of [audit(1), audit(2, true), audit(3)]) {
    const found = homes(certificate);
    expect([certificate.ok, found.ok]).toEqual([false, false]);
    expect(found.detail).toMatch(
      /^shard \d, position \d+: \w+ \S+ (belongs to shard \d|is known as another shard's and belongs here)$/,
    );
    expect(certificate.firstBad!.position).toBeGreaterThan(0);
    expect(certificate.repairPlan.join(" ")).toContain("another number of shards");
  }
});

test("without the number of shards nobody knows where a name belongs, and it is said that it was not looked at", () => {
  const folder = madeBefore("one-shard");
  const certificate = auditLogs({ shards: [{ shard: 0, groups: readLog(join(folder, "shard-0"), 1) }] });
  expect([certificate.ok, homes(certificate).ok]).toEqual([true, null]);
});
