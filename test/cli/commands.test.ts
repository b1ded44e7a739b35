/** The command line as an operator meets it: help, audit and verify, and exit codes that mean something. */

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/client.js";
import { settingsTable } from "../../gateway/host/config.js";
import { listSegments } from "../../persistence/log/segments.js";
import { type ServerProcess, startServer, yifen } from "../support/server-process.js";

const done = 0;
const usage = 2;
const damaged = 3;
const missing = 4;
const refused = 5;

let folder = "";
/** Of the server. */
let running = "";
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
  running = newFolder();
  cpSync(folder, running, { recursive: true });
  server = await startServer(running, ["--shards", "2"]);
});

afterAll(async () => {
  await server.kill();
  for (const one of made) rmSync(one, { recursive: true, force: true, maxRetries: 9 });
});

function newFolder(): string {
  const one = mkdtempSync(join(tmpdir(), "yifen-cli-"));
  made.push(one);
  return one;
}

test("--help names every command, and every command's help names its options", async () => {
  const { code, out, err } = await yifen(["--help"]);
  expect([code, err]).toEqual([done, ""]);
  const commands = ["start", "demo", "audit", "explain", "verify", "bench"];
  const groups = [
    "human list",
    "human show",
    "human resolve",
    "outlets status",
    "outlets dead",
    "outlets retry",
  ];
  for (const command of [...commands, "human", "outlets"])
    expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
  commands.push(...groups);
  const helps = await Promise.all(commands.map((command) => yifen([...command.split(" "), "--help"])));
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

test("explain: every entry of a balance, newest last, and what they come to, exit 0", async () => {
  const { code, out, err } = await yifen(["explain", "balance", "a1", "--data", folder]);
  expect([code, err]).toEqual([done, ""]);
  const [head, deposit, order, total, ...rest] = out.split("\n");
  expect(head).toMatch(/^ position {2}time +what +order, ref +balance$/);
  expect(deposit).toMatch(/^ +\d+ {2}\S+Z {2}account[.]deposited {2}d1 +[+]100[.]00 +100[.]00$/);
  expect(order).toMatch(/^ +\d+ {2}\S+Z {2}money[.]captured +o\d+ +-15[.]00 +85[.]00$/);
  expect(total).toBe("2 entries: 85.00 balance; the books say the same");
  expect(rest).toEqual([""]);
});

test("explain beside a running engine, as JSON: one document with every entry and what they come to", async () => {
  const { code, out, err } = await yifen(["explain", "stock", "p1", "--data", running, "--json"]);
  expect([code, err]).toEqual([done, ""]);
  const { entries, ...end } = JSON.parse(out) as { entries: { what: string }[] };
  expect(entries.map(({ what }) => what)).toEqual([
    ...["product.created", "stock.held", "stock.confirmed", "stock.held", "stock.released"],
  ]);
  expect(entries.at(-1)).toMatchObject({
    amounts: { available: 2, held: -2, sold: 0 },
    after: { available: 98, held: 0, sold: 2 },
  });
  const total = { available: 98, held: 0, sold: 2 };
  expect(end).toEqual({ ok: true, count: 5, total, books: total, firstBad: null });
});

test("explain of what is not there, or of nothing that can be explained: exit 2", async () => {
  for (const asked of [
    ["stock", "p9"],
    ["balance", "nobody"],
    ["order", "p1"],
    ["weather", "a1"],
  ]) {
    const { code, out, err } = await yifen(["explain", ...asked, "--data", folder]);
    expect([code, out], asked.join(" ")).toEqual([usage, ""]);
    expect(err).toMatch(/there is nothing of that name|Allowed choices are/);
  }
});

test("none of them changes the folder that it looks at", async () => {
  const content = () =>
    listSegments(join(folder, "shard-0")).map(({ file }) => [
      readFileSync(file).toString("hex"),
      readFileSync(`${file}-wal`).toString("hex"),
    ]);
  const before = content();
  for (const command of ["audit", "verify"]) await yifen([command, "--data", folder]);
  await yifen(["explain", "balance", "a1", "--data", folder]);
  expect(content()).toEqual(before);
});

test("a damaged log: audit, verify and explain say where, exit 3", async () => {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  const wal = `${listSegments(join(copy, "shard-1"))[0]!.file}-wal`;
  const bytes = readFileSync(wal);
  bytes[4096 + 600] = bytes[4096 + 600]! ^ 1;
  writeFileSync(wal, bytes);
  // The products live there; a1's balance is on the other shard, which is whole.
  expect((await yifen(["explain", "balance", "a1", "--data", copy])).code).toBe(done);
  for (const command of [["audit"], ["verify"], ["explain", "stock", "p1"]]) {
    for (const json of [[], ["--json"]]) {
      const { code, out, err } = await yifen([...command, "--data", copy, ...json]);
      expect(code, out + err).toBe(damaged);
      if (json.length === 0) expect(out).toBe("");
      else
        expect(JSON.parse(out)).toMatchObject({ ok: false, exitCode: damaged, error: { code: "damaged" } });
      expect(err).toMatch(/^yifen: \S+\/shard-1\/log-\d+\.db(-wal)?: (byte|position|row) \d+: /);
    }
  }
});

test("a folder without an engine's data: exit 2, and nothing is made there", async () => {
  const empty = join(newFolder(), "nothing");
  for (const command of [["audit"], ["verify"], ["explain", "points", "a1"]]) {
    const { code, out, err } = await yifen([...command, "--data", empty]);
    expect([code, out], command[0]).toEqual([usage, ""]);
    expect(err).toContain(`--data ${empty}: there is no engine's data here`);
  }
});

test("nobody listens at --url: exit 4 and one line that says so", async () => {
  const { code, out, err } = await yifen(["audit", "--url", "http://127.0.0.1:9"], { killAfterMs: 20_000 });
  expect([code, out]).toEqual([4, ""]);
  expect(err).toMatch(/^yifen: no connection within \d+ ms/);
});

test("an address that is none at --url: exit 2 and one line that says so", async () => {
  for (const url of ["nonsense", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:99999", ""]) {
    for (const command of [["audit"], ["human", "list"]]) {
      const { code, out, err } = await yifen([...command, "--url", url]);
      expect([code, out], url).toEqual([usage, ""]);
      expect(err).toBe(`yifen: --url ${url}: not an address like http://127.0.0.1:8080\n`);
    }
  }
});

test("--json: whatever goes wrong, in any command, is one JSON document with the exit code", async () => {
  const empty = join(newFolder(), "nothing");
  const nobody = "http://127.0.0.1:9";
  const cases: readonly (readonly [args: readonly string[], code: number, meaning: string])[] = [
    [["start", "--data", empty, "--port", "65536"], usage, "usage"],
    [["start", "--data", empty, "--prot", "1"], usage, "usage"],
    [["start", "--data", empty, "--host", "0.0.0.0"], usage, "usage"],
    [["start", "--data", empty, "--port", new URL(server.address).port], usage, "usage"],
    [["start", "--data", running, "--port", "0", "--shards", "2"], refused, "refused"],
    [["demo", "--buyers", "0"], usage, "usage"],
    [["demo", "--buyers", "2", "--stock", "2"], usage, "usage"],
    [["audit", "--data", empty], usage, "usage"],
    [["audit", "--url", "nonsense"], usage, "usage"],
    [["audit", "--url", nobody], missing, "connection_lost"],
    [["verify", "--data", empty], usage, "usage"],
    [["explain", "stock", "p9", "--data", folder], usage, "usage"],
    [["explain", "weather", "a1", "--data", folder], usage, "usage"],
    [["explain", "stock"], usage, "usage"],
    [["outlets", "status", "--data", empty], usage, "usage"],
    [["outlets", "retry", "x", "--data", folder], usage, "usage"],
    [["human", "show", "i1", "--url", server.address], usage, "item_not_found"],
    [["human", "show", "--url", server.address], usage, "usage"],
    [["bench", "--quik"], usage, "usage"],
    [["strat"], usage, "usage"],
  ];
  const ends = await Promise.all(cases.map(([args]) => yifen([...args, "--json"])));
  for (const [n, [args, exitCode, code]] of cases.entries()) {
    const end = ends[n]!;
    expect(end.code, args.join(" ") + end.err).toBe(exitCode);
    expect(JSON.parse(end.out), end.err).toMatchObject({ ok: false, exitCode, error: { code } });
    expect(end.err).not.toMatch(/^ +at /m);
  }
});

test("start --json: one document when it listens, with each setting and where it came from; the rest on standard error", async () => {
  const started = await startServer(newFolder(), ["--json", "--shards", "2"]);
  expect((await fetch(`${started.address}/readyz`)).status).toBe(200);
  const { code, out, err } = await started.stop();
  expect(code).toBe(done);
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    address: started.address,
    settings: {
      shards: { value: "2", origin: "flag --shards" },
      host: { value: "127.0.0.1", origin: "default" },
    },
  });
  for (const line of err.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("time");
  expect(err).toContain("everything is on disk");
});

test("a file for events that can be none is found before anything is made, in one line", async () => {
  const folder = newFolder();
  const file = join(folder, "file");
  writeFileSync(file, "");
  const cases: readonly (readonly [path: string, says: string])[] = [
    [folder, "this is a folder, not a file"],
    [join(file, "below"), `${file} is a file, not a folder`],
    [join(file, "far", "below"), `${file} is a file, not a folder`],
  ];
  for (const [path, says] of cases) {
    const data = join(newFolder(), "new");
    const { code, err } = await yifen(["start", "--data", data, "--port", "0", "--event-log", path]);
    expect([code, err], err).toEqual([usage, expect.stringContaining(`--event-log ${path}: ${says}`)]);
    expect(err.trim().split("\n").length).toBeLessThan(3);
    expect(existsSync(data)).toBe(false);
  }
});

test("a port that cannot be listened on is found before the recovery, and what stands against it is said", async () => {
  const port = new URL(server.address).port;
  const cases: readonly (readonly [flags: readonly string[], says: string, advice: string])[] = [
    [["--port", port], `127.0.0.1:${port} is in use`, "stop that program, or choose another --port"],
    [["--port", port, "--host", "localhost"], "is in use", "stop that program, or choose another --port"],
    [["--port", "0", "--host", "127.0.0.999"], "127.0.0.999 is no address", "choose another --host"],
    [["--port", "0", "--host", "127.999.0.1"], "127.999.0.1 is no address", "choose another --host"],
  ];
  for (const [flags, says, advice] of cases) {
    const data = join(newFolder(), "new");
    const { code, out, err } = await yifen(["start", "--data", data, ...flags]);
    expect([code, err], err).toEqual([usage, expect.stringContaining(says)]);
    expect(err).toContain(advice);
    expect(out).not.toMatch(/recovered|listening/);
    expect(existsSync(data), "nothing is made for a server that cannot start").toBe(false);
  }
});
