import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { measureSockets, measureSync, measureSyncs } from "../../bench/ceilings.js";
import { programPath } from "../../bench/child.js";
import { describeMachine, filesystemOf } from "../../bench/machine.js";

const folder = mkdtempSync(join(tmpdir(), "ceilings-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("appends with fdatasync say their rate and latency, and the file is gone", () => {
  const ceiling = measureSync(folder, 4096, 0.3);
  expect(ceiling.appends).toBeGreaterThan(0);
  expect(ceiling.bytesPerSecond).toBeCloseTo(ceiling.perSecond * 4096);
  expect(ceiling.perSecond).toBeLessThan(1_000_000);
  expect(ceiling.p99).toBeGreaterThanOrEqual(ceiling.p50);
  expect(readdirSync(folder)).toEqual([]);
});

test("one small append and two of a group's size are measured", () => {
  expect(measureSyncs(folder, 0.1).map(({ bytes }) => bytes)).toEqual([4096, 65_536, 524_288]);
});

test.skipIf(!existsSync(programPath("echo-server"))).each(["echo", "answer"] as const)(
  "sockets with nothing behind them, %s: every order comes back",
  async (mode) => {
    for (const [framesInFlight, perFrame] of [
      [16, 1],
      [1, 64],
    ] as const) {
      const ceiling = await measureSockets(mode, { connections: 5, framesInFlight, perFrame }, 0.3);
      expect(ceiling.ordersPerSecond).toBeGreaterThan(1000);
      expect(ceiling.framesPerSecond).toBeCloseTo(ceiling.ordersPerSecond / perFrame);
      expect(ceiling.generatorCpuMicrosPerOrder).toBeGreaterThan(0);
    }
  },
);

test("the machine is described completely", async () => {
  const machine = await describeMachine(folder);
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.memoryBytes).toBeGreaterThan(2 ** 20);
  expect(machine.node).toBe(process.version);
  expect(machine.sqlite).toMatch(/^3\.\d+\.\d+$/);
  expect(machine.cpu).not.toBe("");
});

const mounts = [
  "overlay / overlay rw 0 0",
  "/dev/vda / ext4 rw 0 0",
  "tmpfs /tmp tmpfs rw 0 0",
  "/dev/vdb /data xfs rw 0 0",
  "/dev/vdc /with\\040space btrfs rw 0 0",
  "",
].join("\n");

test.each([
  ["/home/x", "ext4 on /dev/vda"],
  ["/tmp/a", "tmpfs on tmpfs"],
  ["/tmpfoo", "ext4 on /dev/vda"],
  ["/data", "xfs on /dev/vdb"],
  ["/with space/a", "btrfs on /dev/vdc"],
])("%s is on %s", (path, filesystem) => {
  expect(filesystemOf(path, mounts)).toBe(filesystem);
});

test("where the system does not say, the filesystem is unknown", () => {
  expect(filesystemOf("/x", "")).toBe("unknown");
});
