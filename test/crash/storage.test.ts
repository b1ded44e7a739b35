/** The real server when the disk fails it, when its folder is not what it should be, and when it is told to stop. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { listSegments } from "../../persistence/log/segments.js";
import { listSnapshots } from "../../persistence/snapshots/snapshot-file.js";
import { type ProcessOptions, type ServerProcess, startServer, yifen } from "../support/server-process.js";
import { Ledger, Reader } from "./ledger.js";
import { LogView } from "./log-view.js";
import { RawConnection, type Reply } from "./wire.js";

const small = ["--segment-mb", "1", "--snapshot-mb", "1"];
const damaged = 3;
const refused = 5;
const usage = 2;

const folders: string[] = [];
const servers: ServerProcess[] = [];

/** A folder with more than a megabyte of log and a snapshot, closed in good order. Tests use copies. */
let filled = "";

beforeAll(async () => {
  filled = mkdtempSync(join(tmpdir(), "yifen-filled-"));
  const server = await startServer(filled, small);
  const connection = await RawConnection.open(server.address);
  await openShop(connection);
  const ledger = new Ledger(1);
  for (let frame = 0; frame < 12; frame++) await deposit(ledger, connection, frame, 500);
  await place(ledger, connection, 100);
  while (listSnapshots(join(filled, "shard-0")).length === 0) await sleep(20);
  expect((await server.stop()).code).toBe(0);
});

afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

afterAll(() => rmSync(filled, { recursive: true, force: true, maxRetries: 9 }));

function newFolder(copyOf?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "yifen-storage-"));
  folders.push(folder);
  if (copyOf !== undefined) cpSync(copyOf, folder, { recursive: true });
  return folder;
}

async function start(data: string, flags: readonly string[] = small, options?: ProcessOptions) {
  const server = await startServer(data, flags, options);
  servers.push(server);
  return server;
}

async function openShop(connection: RawConnection): Promise<void> {
  await connection.ask("account.open", { account: "a1", currency: "CNY" });
  const product = { product: "p1", name: "pen", price: "1.50", currency: "CNY", stock: 1_000_000 };
  await connection.ask("product.create", product);
}

/** Some deposits in one frame; the refs are as long as they may be, so that the log grows. */
function deposit(ledger: Ledger, connection: RawConnection, frame: number, count: number) {
  const refs = Array.from({ length: count }, (_, n) => `r${frame}.${n}`.padEnd(64, "_"));
  return Promise.all(
    refs.map((ref) =>
      ledger.ask(new Reader(), connection, "account.deposit", { account: "a1", amount: "2.00", ref }),
    ),
  );
}

function place(ledger: Ledger, connection: RawConnection, count: number) {
  const lines = [{ product: "p1", qty: 1 }];
  return Promise.all(
    Array.from({ length: count }, (_, n) => {
      const params = { key: `a1.k${n}`, account: "a1", lines, pay: n % 2 === 0 ? "balance" : "later" };
      return ledger.ask(new Reader(), connection, "order.place", params);
    }),
  );
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = bytes[at]! ^ 0x10;
  writeFileSync(file, bytes);
}

/** Works until the disk fails the server, then holds folder and next life to what was answered. */
async function failAndReturn(
  folder: string,
  options: ProcessOptions,
  flags: readonly string[],
  free: () => void,
) {
  const server = await start(folder, [...flags, "--disk-free-mb", "0"], options);
  const connection = await RawConnection.open(server.address);
  const ledger = new Ledger(1);
  await openShop(connection);
  // No more than one connection may have in flight when all of them are asked for again.
  for (let frame = 0; frame < 190; frame++) {
    const replies = await deposit(ledger, connection, frame, 20);
    if (replies.includes(undefined)) break;
  }
  const { code, signal, err } = await server.ended;
  expect([code, signal], err).toEqual([1, null]);
  expect(err).toMatch(/^yifen: .*shard-0: the log could not be written: /);
  expect(err).toContain("nothing unsaved was answered; look at the disk, then start again");

  const views = [new LogView(join(folder, "shard-0"))];
  views[0]!.readOn();
  ledger.check(views);
  const { unanswered } = ledger;
  expect(unanswered.length).toBe(20);
  expect(ledger.receipts.size).toBeGreaterThan(100);

  free();
  const next = await start(folder, flags);
  const again = await RawConnection.open(next.address);
  for (let round = 0; round < 2; round++) {
    const asked = [...ledger.receipts.values()];
    await Promise.all(asked.map(({ method, params }) => ledger.ask(new Reader(), again, method, params)));
  }
  const account = await again.ask("account.get", { account: "a1" });
  expect(account?.result).toMatchObject({ available: `${2 * ledger.receipts.size}.00` });
  expect((await next.stop()).code).toBe(0);
  views[0]!.readOn();
  ledger.check(views);
  for (const { replies } of ledger.receipts.values()) expect(replies.at(-1)!.replayed).toBe(true);
  const audit = await yifen(["audit", "--data", folder, "--json"]);
  expect(JSON.parse(audit.out)).toMatchObject({ ok: true });
}

test("a log that may not grow: the server stops with 1, answered nobody in vain, and the next start has it all", async () => {
  for (const [kilobytes, readSide] of [
    [300, "off"],
    [700, "on"],
  ]) {
    const flags = ["--segment-mb", "1", "--read-side", `${readSide}`];
    await failAndReturn(newFolder(), { shell: `ulimit -f ${kilobytes}` }, flags, () => {});
  }
});

test("a full disk: the server stops with 1, and with room again the next start has it all", async (context) => {
  const disk = newFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2500k", "tmpfs", disk]);
  if (mounted.status !== 0) return context.skip("needs the right to mount a small file system");
  try {
    const folder = join(disk, "data");
    const grow = () => spawnSync("mount", ["-o", "remount,size=64m", disk]);
    await failAndReturn(folder, {}, ["--segment-mb", "1", "--read-side", "off"], grow);
  } finally {
    for (const server of servers.splice(0)) await server.kill();
    spawnSync("umount", [disk]);
  }
});

test("a disk that is nearly full: what is new is refused before it happened, everything else goes on", async (context) => {
  const folder = newFolder();
  const first = await start(folder);
  const before = await RawConnection.open(first.address);
  await openShop(before);
  await before.ask("account.deposit", { account: "a1", amount: "10.00", ref: "r1" });
  const [paid, canceled] = (await place(new Ledger(1), before, 4)).filter(
    (reply) => reply?.result?.status === "Created",
  );
  await first.stop();

  const server = await start(folder, ["--disk-free-mb", "1048576"]);
  const connection = await RawConnection.open(server.address);
  const placement = { key: "a1.new", account: "a1", lines: [{ product: "p1", qty: 1 }] };
  const refused = await connection.ask("order.place", placement);
  if (refused?.result) return context.skip("this disk has more than a tebibyte free");
  const overloaded = { code: "overloaded", executed: false, details: { reason: "the disk is nearly full" } };
  expect(refused?.error).toMatchObject(overloaded);
  expect((await connection.ask("account.open", { account: "a2", currency: "CNY" }))?.error).toMatchObject(
    overloaded,
  );
  const never = await connection.ask("order.lookup", { account: "a1", key: "a1.new" });
  expect(never?.result).toEqual({ state: "never_seen" });

  const moved = await Promise.all([
    connection.ask("order.pay", { key: "a1.pay", order: paid!.result!.order }),
    connection.ask("order.cancel", { key: "a1.cancel", order: canceled!.result!.order }),
    connection.ask("order.get", { order: paid!.result!.order }),
    connection.ask("account.deposit", { account: "a1", amount: "1.00", ref: "r2" }),
    connection.ask("order.list", { account: "a1" }),
  ]);
  expect(moved.map((reply) => reply?.error)).toEqual(moved.map(() => undefined));
  expect(moved.slice(0, 3).map((reply) => reply?.result?.status)).toEqual(["Paid", "Canceled", "Paid"]);
});

test("a flipped bit in the log: nothing is served, and the file and the place are named", async () => {
  const { file } = listSegments(join(filled, "shard-0"))[0]!;
  // The start reads from the snapshot on; with it gone it reads everything.
  for (const at of [5000, Math.floor(statSync(`${file}-wal`).size / 2)]) {
    const folder = newFolder(filled);
    for (const { file } of listSnapshots(join(folder, "shard-0"))) rmSync(file);
    flip(join(folder, "shard-0", `${basename(file)}-wal`), at);
    for (const command of ["start", "verify"]) {
      const { code, out, err } = await yifen([command, "--data", folder]);
      expect(code, out + err).toBe(damaged);
      expect(out).not.toContain("listening");
      expect(err).toMatch(
        new RegExp(`^yifen: ${folder}/shard-0/${basename(file)}(-wal)?: (byte|position|row) \\d+: `),
      );
    }
  }
});

test("SNAPSHOT-FILE-4: a flipped bit in a snapshot: nothing is served, and without the file it starts from the log", async () => {
  const folder = newFolder(filled);
  const { file } = listSnapshots(join(folder, "shard-0"))[0]!;
  flip(file, Math.floor(statSync(file).size / 2));
  for (const command of ["start", "verify"]) {
    const { code, err } = await yifen([command, "--data", folder]);
    expect(code, err).toBe(damaged);
    expect(err).toMatch(new RegExp(`^yifen: ${file}: byte \\d+: the snapshot is damaged`));
    expect(err).toContain("this file may be deleted");
  }
  rmSync(file);
  const server = await start(folder);
  expect(server.said()).toContain("recovered from ");
  expect((await server.stop()).code).toBe(0);
});

test("a log without its end: the anchor knows better", async () => {
  const folder = newFolder(filled);
  const last = listSegments(join(folder, "shard-0")).at(-1)!;
  for (const suffix of ["", "-wal"]) rmSync(`${last.file}${suffix}`);
  const { code, err } = await yifen(["start", "--data", folder]);
  expect([code, err]).toEqual([damaged, expect.stringMatching(/but the (anchor|snapshot) .* proves/)]);
});

test("two engines on one folder: the second ends at once with 5, the first does not notice", async () => {
  const folder = newFolder(filled);
  const server = await start(folder);
  const started = performance.now();
  const second = await yifen(["start", "--port", "0", "--data", folder]);
  expect(second.code, second.err).toBe(refused);
  expect(second.err).toMatch(/^yifen: .* is in use by another engine/);
  expect(performance.now() - started).toBeLessThan(10_000);
  const connection = await RawConnection.open(server.address);
  expect((await connection.ask("account.get", { account: "a1" }))?.result).toMatchObject({ account: "a1" });
});

test("what cannot be used ends the start with 2 and says which setting, from where, and why", async () => {
  const folder = newFolder();
  const config = join(folder, "config.json");
  const occupied = await start(join(folder, "other"));
  const port = new URL(occupied.address).port;
  interface Case {
    readonly flags?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly file?: string;
    readonly says: string;
  }
  const cases: readonly Case[] = [
    { flags: ["--data", filled, "--shards", "2"], says: `--shards 2: ${filled} was made with 1` },
    { flags: ["--host", "0.0.0.0"], says: "host 0.0.0.0 is not a loopback address" },
    { flags: ["--port", port], says: `cannot listen on 127.0.0.1:${port}` },
    { flags: ["--segment-mb", "0"], says: 'flag --segment-mb: "0" is not a whole number' },
    { env: { YIFEN_GRACE_MS: "-1" }, says: 'YIFEN_GRACE_MS: "-1" is not a whole number' },
    { file: '{"keyMax": 5000}', says: `${config}: there is no setting "keyMax"` },
    { flags: ["--prot", "1"], says: "unknown option '--prot'" },
  ];
  for (const { flags = [], env, file, says } of cases) {
    if (file !== undefined) writeFileSync(config, file);
    const data = flags.includes("--data") ? [] : ["--data", join(folder, "new")];
    const given = file === undefined ? flags : ["--config", config];
    const options = { env: { YIFEN_PORT: "0", ...env }, killAfterMs: 10_000 };
    const { code, out, err } = await yifen(["start", ...data, ...given], options);
    expect([code, err], says).toEqual([usage, expect.stringContaining(says)]);
    expect(out).not.toContain("listening");
  }
});

test("SIGTERM under load: everything answered is there, the rest was refused before it happened, and it ends with 0", async () => {
  const folder = newFolder(filled);
  const server = await start(folder);
  const ledger = new Ledger(1);
  const connections = await Promise.all(Array.from({ length: 4 }, () => RawConnection.open(server.address)));
  const busy = connections.map(async (connection, n) => {
    for (let frame = 0; ; frame++) {
      const replies = await deposit(ledger, connection, 1000 * (n + 1) + frame, 20);
      if (replies.some((reply) => reply?.result === undefined)) return replies;
    }
  });
  // Keeps the server at it for long enough to be seen draining.
  const audit = connections[0]!.ask("audit.run", {});
  await sleep(30);
  const stopping = server.stop();
  const draining = await seenDraining(server.address);
  const { code, signal, out, err } = await stopping;
  expect([code, signal, err]).toEqual([0, null, ""]);
  expect(out).toContain("SIGTERM: draining");
  expect(out.trimEnd().split("\n").at(-1)).toBe("stopped, everything is on disk");
  expect(draining).toBe(true);
  expect((await audit)?.result).toMatchObject({ ok: true });
  const last = (await Promise.all(busy))
    .flat()
    .filter((reply) => reply !== undefined && !reply.result) as Reply[];
  for (const { error } of last) expect(error).toMatchObject({ code: "shutting_down", executed: false });
  expect(last.length).toBeGreaterThan(0);
  const views = [new LogView(join(folder, "shard-0"))];
  views[0]!.readOn();
  ledger.check(views);
  expect(ledger.answersChecked).toBeGreaterThan(20);
});

/** Whether /readyz said 503 while the server was still there. */
async function seenDraining(address: string): Promise<boolean> {
  for (;;) {
    try {
      const { status } = await fetch(`${address}/readyz`);
      if (status === 503) return true;
    } catch {
      return false;
    }
    await sleep(1);
  }
}

test("told to stop as soon as it listens, and told twice: it ends, and the folder opens again", async () => {
  const folder = newFolder(filled);
  expect((await (await start(folder)).stop()).code).toBe(0);
  const server = await start(folder);
  process.kill(server.pid, "SIGTERM");
  const { code, signal } = await server.stop();
  expect(code === 0 || signal === "SIGTERM").toBe(true);
  expect((await (await start(folder)).stop()).code).toBe(0);
});
