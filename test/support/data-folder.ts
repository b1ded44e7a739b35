/** Folders of engines for tests: made before engines had a name, made now, broken in one place; and what opens them. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach } from "vitest";
import { defaultSettings } from "../../engine/seams/settings.js";
import { auditFolder } from "../../gateway/host/audit-run.js";
import { readDataFolder } from "../../gateway/host/data-folder.js";
import { type EngineHost, openEngineHost } from "../../gateway/host/engine-host.js";
import { explainFolder } from "../../gateway/host/explain-run.js";
import type { OutletSetup } from "../../gateway/outlets/outlet.js";

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

/** A folder that is removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "yifen-folder-"));
  made.push(folder);
  return folder;
}

export type MadeBefore = "one-shard" | "two-shards";

/** A copy of a folder that the last version before engines had a name has made; two shards were stopped, one was killed. */
export function madeBefore(name: MadeBefore): string {
  const folder = newFolder();
  const archive = resolve("test/gateway/host/folders-made-before", `${name}.tar.gz`);
  const { status, stderr } = spawnSync("tar", ["-xzf", archive, "-C", folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return join(folder, name);
}

export function copyOf(folder: string): string {
  const copy = join(newFolder(), "data");
  cpSync(folder, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

/** An engine without threads, as `yifen start` opens it; `said` gets its lines. */
export function openHost(
  folder: string,
  shards: number,
  said: string[] = [],
  outlets: readonly OutletSetup[] = [],
): Promise<EngineHost> {
  return openEngineHost({
    folder,
    shards,
    settings: defaultSettings,
    segmentBytes: 60_000,
    snapshotBytes: 0,
    prove: "all",
    readSide: false,
    diskFreeBytes: 0,
    progress: (line) => said.push(line),
    failed: () => {},
    outlets,
  });
}

/** Everything that looks at a folder, `verify` and `outlets` through the function that they begin with. */
export const lookers: Readonly<Record<string, (folder: string) => unknown>> = {
  audit: (folder) => auditFolder(folder, () => {}),
  explain: (folder) => [...explainFolder(folder, "balance", "ann")],
  "verify, outlets": (folder) => readDataFolder(folder),
};

/** Name and content of every file; a lock has none, and a -shm holds no data. */
export function contentsOf(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile() && !/lock[.]db$|-shm$/.test(name))
    .map(
      (name) =>
        `${name} ${createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex")}`,
    )
    .sort();
}
