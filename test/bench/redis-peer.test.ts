import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { programPath } from "../../bench/child.js";
import { measureRedis, parseBenchmark, redisVersion } from "../../bench/redis-peer.js";

const folder = mkdtempSync(join(tmpdir(), "redis-peer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));
const version = await redisVersion();

test("without Redis one clear line says so", async () => {
  const figures = await measureRedis({ folder, server: "no-such-redis-server" });
  expect(figures).toEqual({ missing: "no-such-redis-server is not installed: Redis was not measured" });
});

test.skipIf(version === undefined)(
  "a short sweep has every depth, the best, and leaves nothing behind",
  async () => {
    const figures = await measureRedis({ folder, depths: [1, 8], seconds: 0.1, runs: 1 });
    if ("missing" in figures) throw new Error(figures.missing);
    expect(figures.version).toBe(version);
    expect(figures.points.map(({ depth }) => depth)).toEqual([1, 8, 16]);
    expect(figures.best.perSecond).toBe(Math.max(...figures.points.map(({ perSecond }) => perSecond)));
    expect(figures.depth16PerSecond).toBe(figures.points[2]!.perSecond);
    expect(figures.idle).toMatchObject({ connections: 1, depth: 1 });
    for (const { depth, requests, p50, p99, max } of figures.points) {
      expect(requests % depth).toBe(0);
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      expect(max).toBeGreaterThanOrEqual(p99);
    }
    expect(readdirSync(folder)).toEqual([]);
  },
);

const canBeKilled =
  version !== undefined && existsSync("/proc/self/cwd") && existsSync(programPath("redis-peer"));

test.skipIf(!canBeKilled)("a bench that is killed leaves no server behind", async () => {
  const own = mkdtempSync(join(folder, "killed-"));
  const isRunning = () =>
    readdirSync("/proc").some((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(own) && /^\d+$/.test(pid);
      } catch {
        return false;
      }
    });
  const module = JSON.stringify(programPath("redis-peer"));
  const program = `import(${module}).then((m) => m.measureRedis({ folder: ${JSON.stringify(own)} }))`;
  const child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
  while (!isRunning()) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  const deadline = performance.now() + 5000;
  while (isRunning() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isRunning()).toBe(false);
});

const header =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';

test.each([
  [
    `${header}\n"EVALSHA abc, 1 x 1","254000.50","2.900","1.008","2.815","3.9","4.303","9.999"\n`,
    { perSecond: 254000.5, p50: 2815, p99: 4303, max: 9999 },
  ],
  [
    '"test","max_latency_ms","rps","p99_latency_ms","p50_latency_ms"\n"x","4","1","3","2"',
    { perSecond: 1, p50: 2000, p99: 3000, max: 4000 },
  ],
])("redis-benchmark's columns are found by name: %#", (csv, figures) => {
  expect(parseBenchmark(csv)).toEqual(figures);
});

test.each(["", header, `${header}\n"x","n/a"`, "NOSCRIPT No matching script"])("%j is refused", (csv) => {
  expect(() => parseBenchmark(csv)).toThrow(/did not report/);
});
