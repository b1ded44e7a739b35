/** The command line as an operator meets it: help, audit and verify, and exit codes that mean something. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/client.js";
import { settingsTable } from "../../gateway/config.js";
import { listSegments } from "../../persistence/segments.js";
import { type ServerProcess, startServer, yifen } from "../support/server-process.js";

const done = 0;
const usage = 2;
const damaged = 3;

let folder = "";
let server: ServerProcess;
const made: string[] = [];

/** Two shards, an order that crosses them, one that is canceled; stopped, and a copy of it that runs. */
beforeAll(async () => {
  folder = newFolder();
  const first = await startServer(folder, ["--shards", "2"]);
  const client = await connect(first.address);
  for (const product of ["p1", "p2", "p3"]) {
    await client.products.create({ product, name: product, price: "2.50", currency: "CNY", stock: 100 });
  }
  await client.accounts.open({ account: "a1", currency: "CNY" });
  await client.accounts.deposit({ account: "a1", amount: "100.00", ref: "d1" });
  const lines = ["p1", "p2", "p3"].map((product) => ({ product, qty: 2 }));
  await client.orders.place({ account: "a1", lines, pay: "balance" });
  const { order } = await client.orders.place({ account: "a1", lines });
  await client.orders.cancel({ order });
  await client.close();
  expect((await first.stop()).code).toBe(done);
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  server = await startServer(copy, ["--shards", "2"]);
});

afterAll(async () => {
  await server.kill();
  for (const one of made) rmSync(one, { recursive: true, force: true });
});

function newFolder(): string {
  const one = mkdtempSync(join(tmpdir(), "yifen-cli-"));
  made.push(one);
  return one;
}

test("--help names every command, and every command's help names its options", async () => {
  const { code, out, err } = await yifen(["--help"]);
  expect([code, err]).toEqual([done, ""]);
  const commands = ["start", "demo", "audit", "verify", "bench"];
  for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
  const helps = await Promise.all(commands.map((command) => yifen([command, "--help"])));
  for (const [n, help] of helps.entries()) {
    expect([help.code, help.err]).toEqual([done, ""]);
    expect(help.out).toContain(`Usage: yifen ${commands[n]}`);
    expect(help.out).toContain("--json");
  }
  for (const { flag } of Object.values(settingsTable)) expect(helps[0]!.out).toContain(`${flag} <`);
  expect((await yifen(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("an unknown command, an unknown option, a missing value: exit 2, and the help", async () => {
  for (const args of [["strat"], ["audit", "--jsn"], ["start", "--port"], []]) {
    const { code, out, err } = await yifen(args);
    expect([code, out], args.join(" ")).toEqual([usage, ""]);
    expect(err).toContain("Usage: yifen");
  }
});

test("audit of a folder: a certificate for people, one for programs, exit 0", async () => {
  const text = await yifen(["audit", "--data", folder]);
  expect([text.code, text.err]).toEqual([done, ""]);
  expect(text.out).toMatch(/^audit: ok\n/);
  expect(text.out).toMatch(/^units +294 available, 0 held, 6 sold$/m);
  expect(text.out).toMatch(/^orders +2: 1 Paid, 1 Canceled$/m);

  const json = await yifen(["audit", "--data", folder, "--json"]);
  expect([json.code, json.err]).toEqual([done, ""]);
  const certificate = JSON.parse(json.out) as { checks: { name: string; ok: boolean | null }[] };
  expect(certificate).toMatchObject({ ok: true, figures: { orders: 2 }, repairPlan: [] });
  expect(certificate.checks.length).toBeGreaterThan(5);
  for (const { name, ok } of certificate.checks) expect([name, ok]).not.toEqual([name, false]);
});

test("audit of a running engine says the same as of its folder", async () => {
  const [running, beside] = await Promise.all([
    yifen(["audit", "--url", server.address, "--json"]),
    yifen(["audit", "--data", folder, "--json"]),
  ]);
  expect([running.code, running.err]).toEqual([done, ""]);
  const [online, offline] = [JSON.parse(running.out), JSON.parse(beside.out)];
  expect(online).toMatchObject({ ok: true, figures: offline.figures, shards: offline.shards });
});

test("verify of a folder: one line per shard, or one document, exit 0", async () => {
  const text = await yifen(["verify", "--data", folder]);
  expect([text.code, text.err]).toEqual([done, ""]);
  expect(text.out).toMatch(
    /^shard 0: ok, \d+ groups, \d+ facts, 0 snapshots, chain [0-9a-f]{64}\nshard 1: ok, /,
  );
  const json = await yifen(["verify", "--data", folder, "--json"]);
  expect(JSON.parse(json.out)).toMatchObject({ ok: true, shards: [{ shard: 0 }, { shard: 1 }] });
});

test("neither changes the folder that it looks at", async () => {
  const content = () =>
    listSegments(join(folder, "shard-0")).map(({ file }) => [
      readFileSync(file).toString("hex"),
      readFileSync(`${file}-wal`).toString("hex"),
    ]);
  const before = content();
  for (const command of ["audit", "verify"]) await yifen([command, "--data", folder]);
  expect(content()).toEqual(before);
});

test("a damaged log: audit and verify say where, exit 3", async () => {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  const wal = `${listSegments(join(copy, "shard-1"))[0]!.file}-wal`;
  const bytes = readFileSync(wal);
  bytes[4096 + 600] = bytes[4096 + 600]! ^ 1;
  writeFileSync(wal, bytes);
  for (const command of ["audit", "verify"]) {
    for (const json of [[], ["--json"]]) {
      const { code, out, err } = await yifen([command, "--data", copy, ...json]);
      expect(code, out + err).toBe(damaged);
      expect(out).toBe("");
      expect(err).toMatch(/^yifen: \S+\/shard-1\/log-\d+\.db(-wal)?: (byte|position|row) \d+: /);
    }
  }
});

test("a folder without an engine's data: exit 2, and nothing is made there", async () => {
  const empty = join(newFolder(), "nothing");
  for (const command of ["audit", "verify"]) {
    const { code, out, err } = await yifen([command, "--data", empty]);
    expect([code, out], command).toEqual([usage, ""]);
    expect(err).toContain(`--data ${empty}: there is no engine's data here`);
  }
});

test("nobody listens at --url: exit 1 and one line that says so", async () => {
  const { code, out, err } = await yifen(["audit", "--url", "http://127.0.0.1:9"], { killAfterMs: 20_000 });
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(/^yifen: no connection within \d+ ms/);
});
