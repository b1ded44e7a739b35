import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { prepareSpare, spareFile } from "../../../persistence/log/spare-wal.js";
import { temporaryFolder } from "../../support/persistence-log.js";

const refused = (error: unknown) => {
  throw error;
};

test("SPARE-WAL-2, SPARE-WAL-3: a spare is written off the loop, piece by piece, and has its name when it is whole", async () => {
  const folder = temporaryFolder();
  const bytes = (6 << 20) + 100;
  const spare = prepareSpare(folder, bytes, refused);
  let turns = 0;
  let unfinished = 0;
  while (spare.running) {
    await pause(1);
    turns++;
    if (existsSync(spareFile(folder))) expect(readFileSync(spareFile(folder)).length).toBe(bytes);
    else if (readdirSync(folder).some((name) => name.endsWith(".new"))) unfinished++;
  }
  expect(turns).toBeGreaterThan(3);
  expect(unfinished).toBeGreaterThan(0);
  expect(readFileSync(spareFile(folder)).equals(Buffer.alloc(bytes))).toBe(true);
  expect(readdirSync(folder)).toEqual(["spare-wal"]);
});

test("SPARE-WAL-3: one that is stopped leaves nothing", async () => {
  const folder = temporaryFolder();
  const spare = prepareSpare(folder, 64 << 20, refused);
  await pause(5);
  spare.stop();
  while (spare.running) await pause(1);
  expect(readdirSync(folder)).toEqual([]);
});
