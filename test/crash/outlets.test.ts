/** Outlets of a real server that is killed, told to stop, and looked into from outside while it runs. */

import { createHmac } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { connect, type Yifen, YifenError } from "../../client/client.js";
import type { OutletEvent } from "../../gateway/outlets/outlet.js";
import { type EventSink, openEventSink } from "../support/event-sink.js";
import { killsOfOutlets } from "../support/scale.js";
import { freePort, type ServerProcess, startServer, yifen } from "../support/server-process.js";
import { LogView } from "./log-view.js";

const secret = "a-secret-of-sixteen-or-more";
const folders: string[] = [];
const servers = new Set<ServerProcess>();
const clients: Yifen[] = [];
const sinks: EventSink[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers) await server.kill();
  servers.clear();
  for (const sink of sinks.splice(0)) await sink.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "yifen-outlets-"));
  folders.push(folder);
  return folder;
}

async function newSink(...respond: Parameters<typeof openEventSink>): Promise<EventSink> {
  const sink = await openEventSink(...respond);
  sinks.push(sink);
  return sink;
}

async function start(data: string, flags: readonly string[]): Promise<ServerProcess> {
  const server = await startServer(data, flags, { env: { YIFEN_WEBHOOK_SECRET: secret } });
  servers.add(server);
  return server;
}

async function stop(server: ServerProcess): Promise<void> {
  const { code, err } = await server.stop();
  servers.delete(server);
  expect([code, err]).toEqual([0, ""]);
}

async function shopAt(address: string): Promise<Yifen> {
  const client = await connect(address);
  clients.push(client);
  for (const product of ["p1", "p2", "p3"]) {
    await client.products.create({ product, name: product, price: "1.00", currency: "CNY", stock: 100_000 });
  }
  for (const account of ["a1", "a2", "a3"]) {
    await client.accounts.open({ account, currency: "CNY" });
    await client.accounts.deposit({ account, amount: "50000.00", ref: "r" });
  }
  return client;
}

/** Orders without an end: paid at once, paid later, canceled; over every kill, with the same keys. */
async function trade(client: Yifen, account: string, going: () => boolean): Promise<void> {
  for (let n = 0; going(); n++) {
    const product = `p${(n % 3) + 1}`;
    try {
      const pay = n % 2 === 0 ? "balance" : "later";
      const { order } = await client.orders.place({ account, pay, lines: [{ product, qty: 1 }] });
      if (n % 4 === 1) await client.orders.pay({ order });
      if (n % 4 === 3) await client.orders.cancel({ order });
      // Slower than the receiver, or most of the events would come after the last kill.
      await sleep(5);
    } catch (error) {
      if (!(error instanceof YifenError)) throw error;
    }
  }
}

/** What the logs say was to be told, by its id: `shard:seq` and type. */
function toldByLog(data: string, shards: number): Map<string, string> {
  const told = new Map<string, string>();
  for (let shard = 0; shard < shards; shard++) {
    const view = new LogView(join(data, `shard-${shard}`));
    view.readOn();
    for (const { seq, type } of [...view.events.values()].flat()) told.set(`${shard}:${seq}`, type);
  }
  return told;
}

/** Everything that was to be told came, nothing else did, and the first time of each is in the order of its shard. */
function expectAll(came: readonly OutletEvent[], told: ReadonlyMap<string, string>): void {
  const first = new Map<string, OutletEvent>();
  for (const event of came) {
    const before = first.get(event.id);
    if (before) expect(event).toEqual(before);
    else first.set(event.id, event);
  }
  expect(new Map([...first.values()].map(({ id, type }) => [id, type]))).toEqual(
    new Map([...first.keys()].map((id) => [id, told.get(id)])),
  );
  expect(first.size).toBe(told.size);
  const seqs = new Map<number, number>();
  for (const { shard, seq } of first.values()) {
    expect(seq).toBeGreaterThan(seqs.get(shard) ?? 0);
    seqs.set(shard, seq);
  }
}

function linesOf(file: string): OutletEvent[] {
  const number = (name: string) => Number(name.slice(basename(file).length + 1) || Number.POSITIVE_INFINITY);
  const names = readdirSync(dirname(file)).filter((name) => name.startsWith(basename(file)));
  return names
    .sort((a, b) => number(a) - number(b))
    .flatMap((name) =>
      readFileSync(join(dirname(file), name), "utf8")
        .split("\n")
        .slice(0, -1),
    )
    .map((line) => JSON.parse(line) as OutletEvent);
}

test("kill -9 under load, again and again: every event leaves at least once, in order, and none that was not recorded", async () => {
  const data = newFolder();
  const logFile = join(newFolder(), "events.jsonl");
  // Every hundredth request fails, so that retries and kills meet.
  const sink = await newSink((_, n) => (n % 100 === 0 ? 500 : 200));
  const port = await freePort();
  const flags = ["--port", `${port}`, "--shards", "2", "--webhook-url", sink.url];
  flags.push("--event-log", logFile, "--event-log-mb", "1", "--outlets-from", "start", "--grace-ms", "0");
  let server = await start(data, flags);
  const client = await shopAt(server.address);
  let going = true;
  const traders = ["a1", "a2", "a3"].flatMap((account) =>
    [1, 2].map(() => trade(client, account, () => going)),
  );
  for (let n = 1; n <= killsOfOutlets; n++) {
    const seen = sink.accepted.length;
    await sink.until(() => sink.accepted.length > seen + 300, 20_000);
    await server.kill();
    servers.delete(server);
    server = await start(data, flags);
  }
  going = false;
  await Promise.all(traders);
  await caughtUp(server);
  await stop(server);

  const told = toldByLog(data, 2);
  expect(told.size).toBeGreaterThan(250 * killsOfOutlets);
  expectAll(sink.accepted, told);
  expectAll(linesOf(logFile), told);
  for (const { headers, body } of sink.requests) {
    const [, t, v1] = /^t=(\d+),v1=(\w+)$/.exec(headers["yifen-signature"] as string)!;
    expect(v1).toBe(createHmac("sha256", secret).update(`${t}.${body}`).digest("hex"));
  }
});

test("OUTLET-STORE-4, OUTLETS-1: kill -9 in the first moments of an outlet's first start: all that was answered since is told", async () => {
  const shop = newFolder();
  // What is older than the outlet is not for it.
  const before = await start(shop, []);
  await shopAt(before.address);
  await stop(before);
  const older = toldByLog(shop, 1);
  for (const afterMs of [0, 300]) {
    const data = newFolder();
    cpSync(shop, data, { recursive: true });
    const sink = await newSink();
    const flags = ["--webhook-url", sink.url];
    const server = await start(data, flags);
    const client = await connect(server.address);
    clients.push(client);
    const lines = [{ product: "p1", qty: 1 }];
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    await Promise.all(keys.map((key) => client.orders.place({ account: "a1", key, pay: "balance", lines })));
    await sleep(afterMs);
    await server.kill();
    servers.delete(server);
    await client.close();
    const again = await start(data, flags);
    await caughtUp(again);
    await stop(again);
    const told = [...toldByLog(data, 1)].filter(([seq]) => !older.has(seq));
    expect(told.length).toBeGreaterThanOrEqual(40);
    expectAll(sink.accepted, new Map(told));
  }
});

/** Waits until every outlet has come to the end of the log, as the metrics say. */
async function caughtUp(server: ServerProcess, withinMs = 60_000): Promise<string> {
  const end = performance.now() + withinMs;
  for (;;) {
    const metrics = await (await fetch(`${server.address}/metrics`)).text();
    const lags = [...metrics.matchAll(/^yifen_outlet_lag_positions\{outlet="[^"]+"\} (\d+)$/gm)];
    if (lags.length > 0 && lags.every(([, lag]) => lag === "0")) return metrics;
    if (performance.now() > end) throw new Error(`the outlets did not catch up\n${metrics}`);
    await sleep(50);
  }
}

test("SIGTERM ends with 0 while the receiver hangs; after the restart what hung is delivered", async () => {
  const data = newFolder();
  const sink = await newSink(() => "hang");
  const flags = ["--webhook-url", sink.url, "--webhook-events", "order."];
  const server = await start(data, flags);
  const client = await shopAt(server.address);
  await client.orders.place({ account: "a1", pay: "balance", lines: [{ product: "p1", qty: 1 }] });
  await sink.until(() => sink.requests.length === 1);
  await client.close();
  const began = performance.now();
  await stop(server);
  expect(performance.now() - began).toBeLessThan(9000);
  sink.respond = () => 200;
  const again = await start(data, flags);
  await caughtUp(again);
  expect(sink.accepted.map(({ type }) => type)).toEqual(["order.created", "order.paid"]);
  await stop(again);
});

test("SIGTERM finishes the delivery that has begun, and it is not made again", async () => {
  const data = newFolder();
  const sink = await newSink(() => (response) => {
    setTimeout(() => response.writeHead(200).end(), 1000);
  });
  const flags = ["--webhook-url", sink.url, "--webhook-events", "order.created"];
  const server = await start(data, flags);
  const client = await shopAt(server.address);
  await client.orders.place({ account: "a1", lines: [{ product: "p1", qty: 1 }] });
  await sink.until(() => sink.requests.length === 1);
  await client.close();
  await stop(server);
  const again = await start(data, flags);
  await caughtUp(again);
  expect(sink.requests).toHaveLength(1);
  await stop(again);
});

test("dead letters of a running server: listed, asked for again, delivered; the secret is never shown", async () => {
  const data = newFolder();
  const sink = await newSink(() => 503);
  const flags = ["--webhook-url", sink.url, "--webhook-attempts", "2", "--webhook-events", "order."];
  const server = await start(data, flags);
  expect(server.said()).toMatch(/^webhook-secret +set +YIFEN_WEBHOOK_SECRET$/m);
  expect(server.said()).not.toContain(secret);
  const client = await shopAt(server.address);
  const { order } = await client.orders.place({
    account: "a1",
    pay: "balance",
    lines: [{ product: "p1", qty: 1 }],
  });
  const metrics = await caughtUp(server);
  expect(metrics).toMatch(/^yifen_outlet_dead_letters\{outlet="webhook"\} 2$/m);
  expect(metrics).toMatch(/^yifen_outlet_failed_total\{outlet="webhook"\} 4$/m);

  const outlets = async (...args: string[]) => {
    const { code, out, err } = await yifen(["outlets", ...args, "--data", data]);
    expect([code, err], out).toEqual([0, ""]);
    return out;
  };
  expect(await outlets("status")).toMatch(
    /^webhook, shard 0: at position \d+, 0 facts behind, 2 dead letters\n$/,
  );
  expect(await outlets("dead")).toMatch(
    /^1 {2}webhook {2}0:\d+ {2}order\.created {2}2 attempts, last \S+: status 503\n2 .* order\.paid /,
  );
  expect(JSON.parse(await outlets("dead", "--json"))).toMatchObject([
    { id: 1, type: "order.created", attempts: 2, wanted: false },
    { id: 2, type: "order.paid", attempts: 2, wanted: false },
  ]);
  for (const args of [["retry"], ["retry", "1", "--all"], ["retry", "7"], ["retry", "x"]]) {
    const { code, out } = await yifen(["outlets", ...args, "--data", data]);
    expect([code, out], args.join(" ")).toEqual([2, ""]);
  }
  sink.respond = () => 200;
  expect(await outlets("retry", "2")).toContain("1 to be tried again");
  await sink.until(() => sink.accepted.length === 1);
  expect(await outlets("retry", "--all")).toContain("1 to be tried again");
  await sink.until(() => sink.accepted.length === 2);
  expect(sink.accepted).toMatchObject([
    { type: "order.paid", data: { order, effects: ["packing_task", "notification"] } },
    { type: "order.created", data: { order } },
  ]);
  expect(await outlets("dead")).toBe("");
  await stop(server);
  expect(await outlets("status", "--json")).toContain('"dead":0');
});

test("a folder where no outlet has run: exit 2 and one line that says so", async () => {
  const data = newFolder();
  await stop(await start(data, []));
  for (const command of ["status", "dead"]) {
    const { code, out, err } = await yifen(["outlets", command, "--data", data]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("no outlet has ever run here");
  }
});

test("an outlets.db that cannot be used: the engine says so, serves without outlets, and stops with 0", async () => {
  const data = newFolder();
  await stop(await start(data, []));
  writeFileSync(join(data, "outlets.db"), "this is not a database, whatever its name says".repeat(100));
  const sink = await newSink();
  const server = await start(data, ["--webhook-url", sink.url]);
  const client = await shopAt(server.address);
  await client.orders.place({ account: "a1", pay: "balance", lines: [{ product: "p1", qty: 1 }] });
  await sink.until(() => server.said().includes("the outlets have stopped and start again in 30 s"));
  expect(sink.requests).toEqual([]);
  await client.close();
  await stop(server);
});
