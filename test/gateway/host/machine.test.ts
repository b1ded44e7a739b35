/** What the machine must have, said before anything is opened. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  checkMachine,
  checkNode,
  filesNeeded,
  type Machine,
  MachineUnfit,
  nodeVersions,
  thisMachine,
} from "../../../gateway/host/machine.js";
import { newFolder } from "../../support/data-folder.js";
import { yifen } from "../../support/server-process.js";

const good: Machine = { node: "20.20.2", filesMax: 1024, memoryMax: 1e9, heapMax: 500e6 };

test("this machine is good enough for one shard, and one that says nothing of open files may be", () => {
  checkMachine(thisMachine(), 1);
  checkMachine({ ...good, filesMax: undefined }, 64);
});

const unfit: readonly (readonly [
  machine: Partial<Machine>,
  shards: number,
  booksBytes: number,
  says: string,
])[] = [
  [{ filesMax: 95 }, 1, 0, "may have 95 files open: 96 are needed for 1 shard"],
  [{ filesMax: 256 }, 12, 0, "may have 256 files open: 272 are needed for 12 shards"],
  [{ memoryMax: 100e6 }, 1, 0, "may have 100 MB of memory: 160 are needed"],
  [{ memoryMax: 400e6 }, 1, 300e6, "may have 400 MB of memory: 460 are needed"],
  [{ heapMax: 67e6 }, 1, 0, "heap may grow to 67 MB: 96 are needed"],
  [{ node: "18.20.0" }, 1, 0, "Node 18.20.0 is not supported"],
];

test("too little of something is said with what there is and what is needed", () => {
  for (const [less, shards, books, says] of unfit) {
    expect(() => checkMachine({ ...good, ...less }, shards, books)).toThrow(MachineUnfit);
    expect(() => checkMachine({ ...good, ...less }, shards, books)).toThrow(says);
  }
  checkMachine({ ...good, filesMax: filesNeeded(12) }, 12, 800e6);
});

test("the versions of Node are those of package.json", () => {
  const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
  expect(nodeVersions.map((each) => `^${each.join(".")}.0`).join(" || ")).toBe(engines.node);
  for (const version of ["20.20.0", "20.21.3", "22.0.0", "22.12.1", "24.9.0"]) checkNode(version);
  for (const version of ["18.20.8", "20.19.9", "21.7.0", "23.1.0", "25.0.0", "2.20.0", ""])
    expect(() => checkNode(version), version).toThrow(MachineUnfit);
});

test("a start with too few open files, or too small a heap, ends with 4 and one line, and makes nothing", async () => {
  const data = join(newFolder(), "data");
  const [files, heap] = await Promise.all([
    yifen(["start", "--port", "0", "--data", data], { shell: "ulimit -n 64" }),
    yifen(["start", "--port", "0", "--data", data], { env: { NODE_OPTIONS: "--max-old-space-size=40" } }),
  ]);
  expect([files.code, files.err]).toEqual([
    4,
    expect.stringMatching(/^yifen: .* 64 files open: 96 are needed .*\n$/),
  ]);
  expect([heap.code, heap.err]).toEqual([
    4,
    expect.stringMatching(/^yifen: Node's heap may grow to \d+ MB: 96 are needed .*\n$/),
  ]);
  expect(() => readFileSync(join(data, "yifen.json"))).toThrow("ENOENT");
});

test("with 256 open files it starts, and works until it is told to stop", async () => {
  const data = join(newFolder(), "data");
  const { code, out, err } = await yifen(["start", "--port", "0", "--data", data], {
    shell: "ulimit -n 256",
    killAfterMs: 4000,
  });
  expect([code, err]).toEqual([null, ""]);
  expect(out).toContain("listening on ");
});
