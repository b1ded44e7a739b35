/** The first start on a folder, and the first on one of before: in one order, under the lock, and gone on with wherever it died. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { auditFolder } from "../../../gateway/host/audit-run.js";
import { BadConfig } from "../../../gateway/host/config.js";
import { readDataFolder } from "../../../gateway/host/data-folder.js";
import { openDataFolder } from "../../../gateway/host/folder-start.js";
import type { OutletSetup } from "../../../gateway/outlets/outlet.js";
import { FolderRefused } from "../../../persistence/log/storage-error.js";
import { OutletStore } from "../../../persistence/outlets/outlet-store.js";
import { contentsOf, copyOf, madeBefore, newFolder, openHost } from "../../support/data-folder.js";
import { dyingAt } from "../../support/dying-disk.js";
import { startServer, yifen } from "../../support/server-process.js";

test("a first start that dies between any two changes of a file: the next one goes on, with one engine and one secret", async () => {
  let at = 1;
  for (; ; at++) {
    const folder = join(newFolder(), "above", "data");
    const died = await dyingAt(at, async () => {
      const host = await openHost(folder, 2);
      await host.stop();
    });
    const token = contentIfThere(join(folder, "token.key"));
    // With another number of shards it begins anew, or says which number it was begun with.
    if (existsSync(folder) && !existsSync(join(folder, "yifen.json"))) {
      const other = await openHost(copyOf(folder), 3).catch((error: unknown) => error);
      if (other instanceof Error)
        expect([other.name, other.message]).toEqual(["BadConfig", expect.stringContaining("--shards 2")]);
      else await (other as Awaited<ReturnType<typeof openHost>>).stop();
    }
    await (await openHost(folder, 2)).stop();
    const { engine, shards } = readDataFolder(folder);
    expect([shards, engine?.length], `died at ${at}`).toEqual([2, 32]);
    if (token !== undefined) expect(contentIfThere(join(folder, "token.key"))).toBe(token);
    await (await openHost(folder, 2)).stop();
    if (!died) break;
  }
  expect(at).toBeGreaterThan(40);
});

test("a folder of before whose takeover dies between any two changes of a file is taken over by the next start, whole", async () => {
  for (const [name, shards] of [
    ["one-shard", 1],
    ["two-shards", 2],
  ] as const) {
    const before = madeBefore(name);
    const secret = contentIfThere(join(before, "token.key"))!.trim();
    for (let at = 1; ; at++) {
      const folder = copyOf(before);
      const died = await dyingAt(at, async () => {
        const host = await openHost(folder, shards);
        await host.stop();
      });
      const half = readDataFolder(folder);
      const over = readFileSync(join(folder, "yifen.json"), "utf8").includes('"format":2');
      await (await openHost(folder, shards)).stop();
      const { engine } = readDataFolder(folder);
      expect(engine).toMatch(/^[0-9a-f]{32}$/);
      if (half.engine !== undefined) expect(half.engine).toBe(engine);
      expect(contentIfThere(join(folder, "token.key"))).toBe(`${engine}:${secret}\n`);
      expect(auditFolder(folder, () => {})).toMatchObject({ ok: true, figures: { accounts: 6 } });
      // Whoever dies later dies in the ordinary life of an engine.
      if (over || !died) break;
    }
  }
});

function contentIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

test("nothing is made before the lock is held: who is refused has changed nothing", async () => {
  const folder = join(newFolder(), "data");
  const first = openDataFolder(folder, 2, () => {});
  const before = contentsOf(folder);
  expect(before.map((line) => line.split(" ")[0])).toEqual(["yifen.json.new"]);
  for (const shards of [1, 2, 3])
    expect(() => openDataFolder(folder, shards, () => {})).toThrow(/in use by another engine/);
  expect(contentsOf(folder)).toEqual(before);
  first.complete();
  first.release();
  expect(readFileSync(join(folder, "token.key"), "utf8")).toContain(first.tokenSecret);
});

test("two starts at once on a new folder: one serves, the other ends with 5, and the secret is the first one's", async () => {
  for (let round = 0; round < 3; round++) {
    const folder = join(newFolder(), "data");
    const starts = await Promise.all(
      [0, 1].map(() => startServer(folder, ["--disk-free-mb", "0"]).catch((error: unknown) => String(error))),
    );
    const served = starts.filter((each) => typeof each !== "string");
    expect(served.length, starts.join("\n")).toBe(1);
    expect(starts.find((each) => typeof each === "string")).toMatch(/in use by another engine/);
    const token = readFileSync(join(folder, "token.key"), "utf8");
    expect((await served[0]!.stop()).code).toBe(0);
    expect(readFileSync(join(folder, "token.key"), "utf8")).toBe(token);
    await (await openHost(folder, 1)).stop();
  }
});

test("everything is made for its owner alone, also under an open umask; what is wider is told in one line, once", async () => {
  const data = join(newFolder(), "data");
  const server = await startServer(
    data,
    ["--disk-free-mb", "0", "--event-log", join(newFolder(), "events")],
    { shell: "umask 0" },
  );
  const response = await fetch(`${server.address}/v1/accounts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ account: "ann", currency: "CNY" }),
  });
  expect(response.status).toBe(200);
  const modes = () =>
    filesIn(data).map((name) => `${name} ${(statSync(join(data, name)).mode & 0o777).toString(8)}`);
  const wider = modes().filter((line) => !/ (600|700)$/.test(line));
  expect(wider).toEqual([]);
  const made = ["lock.db", "yifen.json", "token.key", "outlets.db", "shard-0/lock.db", "shard-0/anchor"];
  const segment = "shard-0/log-0000000000000001.db";
  expect(filesIn(data)).toEqual(
    expect.arrayContaining([...made, segment, `${segment}-wal`, `${segment}-shm`]),
  );
  expect(server.said()).not.toContain("other users");
  expect((await server.stop()).code).toBe(0);

  chmodSync(join(data, "shard-0/anchor"), 0o644);
  const said: string[] = [];
  await (await openHost(data, 1, said)).stop();
  expect(said.filter((line) => line.includes("other users"))).toEqual([
    `${data}: other users of this machine may read or write 1 of its files, shard-0/anchor for one: chmod -R go= ${data}`,
  ]);
});

function filesIn(folder: string): string[] {
  return [".", ...(readdirSync(folder, { recursive: true }) as string[])];
}

test("a path that can be no folder of an engine is refused in one line, and nothing is made in it", async () => {
  const above = newFolder();
  const file = join(above, "file");
  writeFileSync(file, "somebody's");
  const others = join(above, "others");
  mkdirSync(others);
  writeFileSync(join(others, "letter.txt"), "somebody's");
  const cases: readonly (readonly [data: string, kind: new (...args: never[]) => Error, says: RegExp])[] = [
    [file, BadConfig, /this is a file, not a folder/],
    [join(file, "below"), BadConfig, /this can be no folder: ENOTDIR/],
    [join(above, "x".repeat(300)), BadConfig, /ENAMETOOLONG/],
    [others, FolderRefused, /it is no engine's, and not empty: letter\.txt/],
  ];
  for (const [data, kind, says] of cases) {
    const error = await openHost(data, 1).catch((reason: unknown) => reason);
    expect(error, data).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(says);
  }
  expect(filesIn(others)).toEqual([".", "letter.txt"]);
  expect(filesIn(above).sort()).toEqual([".", "file", "others", "others/letter.txt"]);
  // What file systems and editors leave there is nobody's.
  for (const name of ["lost+found", ".gitkeep"]) mkdirSync(join(above, "mount", name), { recursive: true });
  await (await openHost(join(above, "mount"), 1)).stop();
});

test("each of them ends every command with its code: 2 for what was given, 5 for what a human must look at", async () => {
  const above = newFolder();
  const file = join(above, "file");
  writeFileSync(file, "somebody's");
  const others = join(above, "others");
  mkdirSync(others);
  writeFileSync(join(others, "letter.txt"), "somebody's");
  const ends = await Promise.all([
    ...[
      ["start", "--port", "0"],
      ["audit"],
      ["verify"],
      ["explain", "balance", "ann"],
      ["outlets", "dead"],
    ].map((command) => yifen([...command, "--data", file])),
    yifen(["start", "--port", "0", "--data", others]),
  ]);
  expect(ends.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 5]);
  for (const { err } of ends) {
    expect(err.trimEnd().split("\n").length).toBeLessThanOrEqual(2);
    expect(err).not.toMatch(/^ +at /m);
  }
});

test("a read-only file system ends every command that must write with 5, and looking at the log goes on", async (context) => {
  const mount = newFolder();
  const mounted = (...args: string[]) => spawnSync("mount", [...args, mount]).status === 0;
  if (!mounted("-t", "tmpfs", "-o", "size=16m", "tmpfs")) return context.skip("may not mount");
  try {
    const folder = join(mount, "data");
    const outlets: OutletSetup[] = [{ kind: "function", name: "mine", deliver() {} }];
    await (await openHost(folder, 1, [], outlets)).stop();
    expect(mounted("-o", "remount,ro")).toBe(true);
    for (const args of [
      ["start", "--port", "0", "--data", folder],
      ["start", "--port", "0", "--data", join(mount, "new", "deep")],
      ["outlets", "status", "--data", folder],
    ]) {
      const { code, err } = await yifen(args);
      expect([args, code, err.trim().split("\n").length, err]).toEqual([
        ...[args, 5, 2],
        expect.stringContaining("cannot be"),
      ]);
    }
    expect((await yifen(["verify", "--data", folder])).code).toBe(0);
  } finally {
    spawnSync("umount", ["-l", mount]);
  }
});

test("a folder that is another user's, or cannot be written, is refused with who, and nothing is made in it", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs the right to give a file away");
  const folder = copyOf(madeBefore("one-shard"));
  chownSync(join(folder, "yifen.json"), 4711, 4711);
  const before = contentsOf(folder);
  const error = await openHost(folder, 1).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FolderRefused);
  expect((error as Error).message).toMatch(/its engine is user 4711's/);
  expect(contentsOf(folder)).toEqual(before);
  expect(existsSync(join(folder, "lock.db"))).toBe(false);
});

test("OUTLET-STORE-5: an outlets.db of another engine is refused with both names; one of before becomes ours with the first outlet", async () => {
  const folder = newFolder();
  const outlets: OutletSetup[] = [{ kind: "function", name: "mine", deliver() {} }];
  await (await openHost(folder, 1)).stop();
  const { engine } = readDataFolder(folder);
  const file = join(folder, "outlets.db");
  const before = new OutletStore(file);
  before.place([{ outlet: "mine", shard: 0, from: 0, end: 0 }]);
  expect(before.owner()).toBeUndefined();
  before.close();
  await (await openHost(folder, 1, [], outlets)).stop();
  const ours = new OutletStore(file, true);
  expect(ours.owner()).toBe(engine);
  ours.close();

  const other = newFolder();
  await (await openHost(other, 1)).stop();
  cpSync(file, join(other, "outlets.db"));
  // Also by an engine without outlets, and by whoever looks at them.
  for (const configured of [outlets, []])
    await expect(openHost(other, 1, [], configured)).rejects.toThrow(
      `outlets.db: it is of engine ${engine}, the folder of engine ${readDataFolder(other).engine}`,
    );
  const { code, err } = await yifen(["outlets", "status", "--data", other]);
  expect([code, err]).toEqual([5, expect.stringContaining("or remove it, and every outlet begins anew")]);
  rmSync(join(other, "outlets.db"));
  await (await openHost(other, 1, [], outlets)).stop();
});

test("the folder removed, moved or replaced under a running engine: the next group is not acknowledged, and without one it stops within seconds", async () => {
  const taken: readonly (readonly [how: string, take: (folder: string) => void])[] = [
    ["removed", (folder) => rmSync(folder, { recursive: true })],
    ["moved", (folder) => renameSync(folder, `${folder}-moved`)],
    ["replaced", replaced],
    ["only its -wal", (folder) => rmSync(join(folder, "shard-0/log-0000000000000001.db-wal"))],
    ["only its lock", (folder) => rmSync(join(folder, "shard-0/lock.db"))],
  ];
  for (const [how, take] of taken) {
    const ends = [true, false].map(async (writes) => {
      const data = join(newFolder(), "data");
      const server = await startServer(data, ["--disk-free-mb", "0", "--read-side", "off"]);
      const open = (account: string) =>
        fetch(`${server.address}/v1/accounts`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ account, currency: "CNY" }),
        }).then(
          ({ status }) => status,
          () => "no answer",
        );
      expect(await open("ann")).toBe(200);
      take(data);
      if (writes) expect([how, await open("ben")]).toEqual([how, "no answer"]);
      const { code, err } = await server.ended;
      expect([how, writes, code], err).toEqual([how, writes, 5]);
      expect(err).toMatch(
        /^yifen: .* it was removed or replaced while the engine ran\n {7}nothing was answered since; /,
      );
      expect(existsSync(data)).toBe(!/removed|moved/.test(how));
    });
    await Promise.all(ends);
  }
});

/** On a folder of before and on a new one, and of what looks at the first: 6, and not a word of damage. */
async function expectUnavailable(folder: string, above: string, shell?: string): Promise<void> {
  const options = shell === undefined ? {} : { shell };
  const ends = await Promise.all([
    yifen(["start", "--port", "0", "--data", folder], options),
    yifen(["start", "--port", "0", "--data", join(above, "new")], options),
    yifen(["audit", "--data", folder], options),
  ]);
  for (const { code, err } of ends) {
    expect([code, err]).toEqual([6, expect.stringMatching(/^yifen: \S+: cannot be (read|written) now: /)]);
    expect(err).toContain("restore nothing");
    expect(err).not.toMatch(/damaged|^ +at /m);
  }
}

test("a start that may not write a file ends with 6, and with the right to it everything is there", async () => {
  const folder = madeBefore("one-shard");
  // The -shm of a segment has 32 KiB; the smallest file of a new folder is not written either.
  await expectUnavailable(folder, newFolder(), "ulimit -f 0");
  await (await openHost(folder, 1)).stop();
});

test("a full disk at the start: 6 and the place, and with room again it starts, and tells what it does without", async (context) => {
  const disk = newFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2500k", "tmpfs", disk]);
  if (mounted.status !== 0) return context.skip("needs the right to mount a small file system");
  try {
    const folder = join(disk, "data");
    cpSync(madeBefore("one-shard"), folder, { recursive: true });
    const fill = join(disk, "fill");
    spawnSync("dd", ["if=/dev/zero", `of=${fill}`, "bs=64k"]);
    await expectUnavailable(folder, disk);
    rmSync(fill);
    const server = await startServer(folder, ["--disk-free-mb", "0"]);
    expect(server.said()).toMatch(/shard-0: no room is prepared for the next segment \(ENOSPC/);
    expect((await server.stop()).code).toBe(0);
  } finally {
    spawnSync("umount", [disk]);
  }
});

function replaced(folder: string): void {
  renameSync(folder, `${folder}-moved`);
  mkdirSync(folder);
}
