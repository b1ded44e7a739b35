import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const program = "dist/cli/yifen.js";

/** Everything that a demo makes is made below this. */
let place: string;
let demo: ChildProcess | undefined;

beforeEach(() => {
  expect(existsSync(program), `${program} is missing: npm run build`).toBe(true);
  place = mkdtempSync(join(tmpdir(), "yifen-demo-test-"));
});

afterEach(() => {
  demo?.kill("SIGKILL");
  rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function startDemo(flags: readonly string[], heard: (stderr: string) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, "demo", ...flags], {
    env: { ...process.env, TMPDIR: place },
  });
  demo = child;
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    heard(stderr);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Process numbers of the servers that a demo said it had started. */
function serversIn(stderr: string): number[] {
  return [...stderr.matchAll(/(?:server: |recovered in .*\()process (\d+)/g)].map(([, pid]) => Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process that was not waited for yet is still listed, but it does nothing any more.
  const status = `/proc/${pid}/status`;
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

async function eventually(isSo: () => boolean, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (!isSo() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
  return isSo();
}

const small = ["--json", "--buyers", "1000", "--stock", "100", "--connections", "20"];

describe("the demo", () => {
  test("SALE-1, SALE-2, SALE-3, CLI-SERVER-PROCESS-1: a thousand buyers, a hundred units, kill -9 in the middle: nothing is lost, doubled or off by a cent", async () => {
    const { code, stdout, stderr } = await startDemo([...small, "--seed", "3"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length, stderr).toBe(1);
    const report = JSON.parse(lines[0]!);
    expect(report).toMatchObject({
      ok: true,
      problems: [],
      buyers: 1000,
      connections: 20,
      stock: 100,
      sold: 100,
      oversold: 0,
      duplicatesApplied: 0,
      contradictions: 0,
      unanswered: 0,
      killed: true,
      lostAfterKill: 0,
      ledgerDifference: "0.00",
      accountsWrong: 0,
      auditOk: true,
      certificate: { ok: true },
    });
    expect(code).toBe(0);
    expect(report.sold + report.refused + report.expired).toBe(1000);
    expect(report.expired).toBeGreaterThan(0);
    expect(report.duplicatesSent).toBeGreaterThan(100);
    expect(report.unansweredAtKill).toBeGreaterThan(0);
    expect(report.recoveredMs).toBeGreaterThan(0);
    for (const figure of ["ordersPerSecond", "ordersPerSecondOutsideOutage", "seconds"] as const) {
      expect(report[figure], figure).toBeGreaterThan(0);
    }
    expect(report.p50Ms).toBeGreaterThan(0);
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
    expect(report.p99OutsideOutageMs).toBeLessThanOrEqual(report.p99Ms);
    const servers = serversIn(stderr);
    expect(servers.length).toBe(2);
    expect(servers.filter(isAlive)).toEqual([]);
    expect(readdirSync(place)).toEqual([]);
  });

  test("--no-kill as text: plain lines, the certificate, and the line that says it all", async () => {
    const flags = ["--no-kill", "--buyers", "200", "--stock", "20", "--connections", "5"];
    const { code, stdout } = await startDemo(flags);
    expect(code, stdout).toBe(0);
    expect(stdout).not.toContain("\x1b");
    expect(stdout).not.toContain("kill -9");
    expect(stdout).toMatch(/^audit: ok$/m);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("20 sold, 0 oversold, ledger difference 0.00");
  });

  test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "CLI-SERVER-PROCESS-3: ended by %s it leaves no process behind",
    async (signal) => {
      const {
        stderr,
        code,
        signal: endedBy,
      } = await startDemo(small, (heard) => {
        if (serversIn(heard).length > 0) demo?.kill(signal);
      });
      if (signal === "SIGKILL") expect(endedBy).toBe("SIGKILL");
      else expect(code).toBe(signal === "SIGINT" ? 130 : 143);
      const servers = serversIn(stderr);
      expect(servers.length).toBeGreaterThan(0);
      expect(await eventually(() => !servers.some(isAlive), 5000)).toBe(true);
      // Nobody can remove a folder after kill -9.
      if (signal !== "SIGKILL") expect(readdirSync(place)).toEqual([]);
    },
  );

  test.each([
    ["--buyers", "ten"],
    ["--stock", "0"],
    ["--connections", "-1"],
    ["--stock", "6000"],
  ])("%s %s cannot be used: exit 2, and nothing was started", async (flag, value) => {
    const { code, stdout, stderr } = await startDemo(["--json", flag, value]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, exitCode: 2, error: { code: "usage" } });
    expect(stderr).toContain(flag);
    expect(readdirSync(place)).toEqual([]);
  });
});
