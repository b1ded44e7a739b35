/** A disk that does not give what is asked of it (EIO), at one read and from one read on: nothing of the log is called damaged. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type End, startServer, yifen } from "../support/server-process.js";
import { RawConnection } from "./wire.js";

const folder = mkdtempSync(join(tmpdir(), "yifen-reads-"));
const library = join(folder, "failing-read.so");
const data = join(folder, "data");
const unavailable = 6;

/** The files that `verify` reads, read by read. */
let reads: string[] = [];

beforeAll(async () => {
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, "test/support/failing-read.c", "-ldl"]);
  const server = await startServer(data);
  const connection = await RawConnection.open(server.address);
  await connection.ask("account.open", { account: "a1", currency: "CNY" });
  for (let n = 0; n < 12; n++)
    await connection.ask("account.deposit", { account: "a1", amount: "2.00", ref: `r${n}`.padEnd(64, "_") });
  await server.kill();
  const log = join(folder, "reads");
  expect((await verify({ FAIL_READ_LOG: log })).code).toBe(0);
  reads = readFileSync(log, "utf8").trim().split("\n");
});

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));

function verify(env: Record<string, string>): Promise<End> {
  return yifen(["verify", "--data", data], { env: { LD_PRELOAD: library, FAIL_READ_IN: data, ...env } });
}

/** Numbers of reads: of each file the first, the last, and the rest at even distances. */
function someReads(): number[] {
  const byFile = new Map<string, number[]>();
  for (const [index, file] of reads.entries()) byFile.set(file, [...(byFile.get(file) ?? []), index + 1]);
  return [...byFile.values()].flatMap((all) => {
    const step = Math.max(1, Math.floor(all.length / 2));
    return all.filter((_, n) => n % step === 0 || n === all.length - 1);
  });
}

test("STORAGE-ERROR-1: a read that fails, once or from then on, ends with 6 and the file, and never with damage", async () => {
  expect(new Set(reads).size).toBeGreaterThan(3);
  const all = someReads();
  expect(all.length).toBeGreaterThan(8);
  let failed = 0;
  for (const at of all) {
    const ends = ["once", "from then on"].map(async (how) => {
      const log = join(folder, `${at} ${how}`);
      const env = { FAIL_READ_AT: String(at), FAIL_READ_LOG: log };
      const end = await verify(how === "once" ? env : { ...env, FAIL_READ_ON: "1" });
      return { ...end, how, log };
    });
    for (const { code, out, err, how, log } of await Promise.all(ends)) {
      const said = `read ${at} ${how}, of ${reads[at - 1]}: ${out}${err}`;
      // SQLite does not read as often every time: then the last reads do not come.
      if (!existsSync(log)) {
        expect(code, said).toBe(0);
        continue;
      }
      failed++;
      expect(code, said).toBe(unavailable);
      expect(err, said).toMatch(/^yifen: .*cannot be (read|written) now: /);
      expect(err, said).not.toMatch(/damaged|^ +at /m);
    }
  }
  expect(failed).toBeGreaterThan(12);
}, 60_000);
