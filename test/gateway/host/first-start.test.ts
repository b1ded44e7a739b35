/** The first start on a folder, step by step: nothing before the lock, yifen.json last, and on from wherever a process died. */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readDataFolder } from "../../../gateway/host/data-folder.js";
import { openDataFolder } from "../../../gateway/host/folder-start.js";
import { FolderInUse, lockFolder } from "../../../persistence/log/lock.js";
import { newFolder, openHost } from "../../support/data-folder.js";

test("FOLDER-START-1: who does not get the lock has made nothing", () => {
  const folder = join(newFolder(), "data");
  mkdirSync(folder);
  const lock = lockFolder(folder);
  expect(() => openDataFolder(folder, 2, () => {})).toThrow(FolderInUse);
  expect(readdirSync(folder)).toEqual(["lock.db"]);
  lock.release();
});

test("DATA-FOLDER-3, FOLDER-START-2: yifen.json has its name last; a start that died before that is completed in the same name", async () => {
  const folder = join(newFolder(), "data");
  await (await openHost(folder, 2)).stop();
  const manifest = join(folder, "yifen.json");
  const { engine } = readDataFolder(folder);
  const before = readFileSync(manifest, "utf8");
  // As it was when everything but the name was there, and no log had a group.
  renameSync(manifest, `${manifest}.new`);
  rmSync(join(folder, "token.key"));
  expect(() => readDataFolder(folder)).toThrow();
  await (await openHost(folder, 2)).stop();
  expect(readDataFolder(folder).engine).toBe(engine);
  expect(readFileSync(manifest, "utf8")).toBe(before);
  expect(existsSync(join(folder, "token.key"))).toBe(true);
});
