/** Real processes on a real file system: killed, out of room, and with an fsync that fails. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listSegments } from "../../../persistence/log/segments.js";
import { openLog, temporaryFolder } from "../../support/persistence-log.js";
import { type ChildEnd, childProgram, run } from "../../support/persistence-process.js";

/** Opens the log and says where it ends; its positions are those the child writes. */
function endOf(folder: string): number {
  const { journal, groups } = openLog(folder);
  journal.close();
  for (const [i, { first, last, body }] of groups.entries()) {
    expect([first, last]).toEqual([i * 2 + 1, i * 2 + 2]);
    expect(body.every((byte) => byte === (first & 0xff))).toBe(true);
  }
  return groups.at(-1)?.last ?? 0;
}

/** A failed append: announced, final, answered with the exit code, and unknown rather than absent. */
function expectFailure(end: ChildEnd, folder: string): void {
  expect(end.lines.find((line) => line.startsWith("failed"))).toMatch(/^failed JournalFailed: /);
  expect(end.lines).toContain("again the same");
  expect(end.code).toBe(3);
  expect([end.promised, end.promised + 2]).toContain(endOf(folder));
}

test("kill -9 again and again: everything that was acknowledged is there", async () => {
  const folder = temporaryFolder();
  let before = 0;
  for (let round = 0; round < 10; round++) {
    const deadline = 1 + Math.random() * 60;
    const bodyBytes = round % 2 === 0 ? 300 : 30_000;
    const command = [process.execPath, childProgram, folder, "400000", String(bodyBytes)];
    let killing = false;
    const end = await run(command, {}, (_, process) => {
      if (!killing) setTimeout(() => process.kill("SIGKILL"), deadline);
      killing = true;
    });
    expect(end.code).toBe(null);
    expect(end.promised).toBeGreaterThanOrEqual(before);
    before = endOf(folder);
    expect(before).toBeGreaterThanOrEqual(end.promised);
    expect(before).toBeLessThanOrEqual(end.promised + 2);
  }
  expect(before).toBeGreaterThan(20);
});

test("SEGMENTS-1, SEGMENTS-3: a process that ends without closing leaves its segments as they are", async () => {
  const folder = temporaryFolder();
  for (const groups of ["30", "60"]) {
    const end = await run([process.execPath, childProgram, folder, "100000", "3000", groups]);
    expect([end.code, end.errors, end.promised]).toEqual([0, "", Number(groups) * 2]);
  }
  for (const { file } of listSegments(folder)) {
    expect(statSync(file).size).toBe(3 * 4096);
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(4096);
  }
  expect(endOf(folder)).toBe(120);
});

test("ANCHOR-1, JOURNAL-3, SQLITE-JOURNAL-4: a file that may not grow: the append fails, the next one too, and nothing acknowledged is lost", async () => {
  for (const kilobytes of [40, 41, 90, 263, 400]) {
    const folder = temporaryFolder();
    const command = `ulimit -f ${kilobytes} && exec "$@"`;
    const args = [process.execPath, childProgram, folder, "1000000", "700"];
    expectFailure(await run(["bash", "-c", command, "bash", ...args]), folder);
  }
});

test("SPARE-WAL-1: a full disk: the append fails, the next one too, and nothing acknowledged is lost", async (context) => {
  const disk = join(temporaryFolder(), "disk");
  mkdirSync(disk);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=600k", "tmpfs", disk]);
  if (mounted.status !== 0) return context.skip("needs the right to mount a small file system");
  try {
    for (const bodyBytes of [100, 5_000]) {
      const folder = join(disk, String(bodyBytes));
      const end = await run([process.execPath, childProgram, folder, "120000", String(bodyBytes)]);
      expect(end.lines.find((line) => line.startsWith("failed"))).toMatch(/^failed JournalFailed: /);
      expect(end.lines).toContain("again the same");
      expect([end.code, end.errors]).toEqual([3, ""]);
      const copy = join(temporaryFolder(), "copy");
      execFileSync("cp", ["-r", folder, copy]);
      expect([end.promised, end.promised + 2]).toContain(endOf(copy));
      execFileSync("rm", ["-r", folder]);
    }
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("JOURNAL-3, SQLITE-JOURNAL-4, SEGMENTS-5: an fsync that fails once is never tried again, and no file is fsynced after it", async (context) => {
  const library = join(temporaryFolder(), "failing-sync.so");
  const source = "test/support/failing-sync.c";
  const compiled = spawnSync("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"], { encoding: "utf8" });
  if (compiled.status !== 0) return context.skip("needs a C compiler");
  let failures = 0;
  for (const at of [8, 10, 12, 13, 14, 15, 16, 17, 18, 19, 24, 33]) {
    const folder = temporaryFolder();
    const log = join(temporaryFolder(), "syncs");
    const env = { LD_PRELOAD: library, FAIL_SYNC_AT: String(at), FAIL_SYNC_LOG: log };
    const end = await run([process.execPath, childProgram, folder, "60000", "700", "200"], env);
    const [failed, ...after] = readFileSync(log, "utf8").trim().split("\n");
    if (end.code === 0) {
      // SQLite fsyncs the folder for the name of the -wal and ignores the outcome. It was durable before (SEGMENTS-4).
      expect(failed).toBe(`fsync ${at} ${folder}`);
      expect(endOf(folder)).toBe(end.promised);
      continue;
    }
    failures += 1;
    if (end.lines[0]?.startsWith("open")) expectFailure(end, folder);
    else expect(end.errors).toMatch(/EIO|JournalFailed/);
    expect(after).toEqual([]);
  }
  expect(failures).toBeGreaterThan(8);
});
