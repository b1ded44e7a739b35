/** kill -9 under load, again and again on one folder; after each, the log is held to what was seen outside. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { kills, killsOverShards } from "../support/scale.js";
import { freePort, type ServerProcess, startServer, yifen } from "../support/server-process.js";
import { decimal, Ledger, Reader } from "./ledger.js";
import { accounts, Load, products, randomFrom } from "./load.js";
import { LogView } from "./log-view.js";

const folders: string[] = [];
const servers = new Set<ServerProcess>();
const loads: Load[] = [];

afterEach(async () => {
  for (const load of loads.splice(0)) await load.close();
  for (const server of servers) await server.kill();
  servers.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

/** When the server is killed: after some answers, or while it does what it does seldom. */
type Moment = "any" | "spare" | "snapshot" | "after a snapshot" | "starting";

/** A snapshot stays when it is there, and on a loaded machine it takes its time. */
const momentWithinMs = { any: 3000, spare: 3000, snapshot: 3000, starting: 3000, "after a snapshot": 60_000 };

interface Siege {
  readonly folder: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly views: readonly LogView[];
  readonly ledger: Ledger;
  readonly load: Load;
  server: ServerProcess;
  readonly said: string[];
}

async function lay(shards: number, seed: number): Promise<Siege> {
  const folder = mkdtempSync(join(tmpdir(), "yifen-crash-"));
  folders.push(folder);
  const port = await freePort();
  const flags = [
    "--port",
    `${port}`,
    "--shards",
    `${shards}`,
    "--segment-mb",
    "1",
    "--snapshot-mb",
    "1",
    "--grace-ms",
    "0",
  ];
  const server = await startServer(folder, flags);
  servers.add(server);
  const ledger = new Ledger(shards);
  const load = new Load(server.address, ledger, randomFrom(seed));
  loads.push(load);
  await load.start();
  const views = Array.from({ length: shards }, (_, shard) => new LogView(join(folder, `shard-${shard}`)));
  return { folder, port, flags, views, ledger, load, server, said: [] };
}

async function waitFor(moment: Moment, { folder, ledger, load }: Siege, random: () => number): Promise<void> {
  if (moment === "snapshot" || moment === "after a snapshot") await load.ballast();
  const answers = ledger.answersSeen + 30 + random() * 300;
  await until(() => isAt(folder, moment) ?? ledger.answersSeen >= answers, momentWithinMs[moment]);
  await sleep(random() * 20);
}

async function kill(siege: Siege): Promise<void> {
  const down = siege.load.down();
  const { signal, err } = await siege.server.kill();
  servers.delete(siege.server);
  siege.said.push(siege.server.said());
  expect([signal, err]).toEqual(["SIGKILL", ""]);
  await down;
}

/** Undefined when the folder does not show it. */
function isAt(folder: string, moment: Moment): boolean | undefined {
  if (moment === "any" || moment === "starting") return undefined;
  const names = readdirSync(join(folder, "shard-0"));
  if (moment === "spare") return names.some((name) => /^spare-wal\..*new$/.test(name));
  if (moment === "snapshot") return names.some((name) => name.endsWith(".snap.new"));
  return names.some((name) => name.endsWith(".snap"));
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const end = performance.now() + withinMs;
  while (!holds() && performance.now() < end) await sleep(1);
}

async function cycle(siege: Siege, moment: Moment, random: () => number): Promise<void> {
  const { folder, flags, views, ledger, load } = siege;
  const hold = () => {
    for (const view of views) view.readOn();
    ledger.check(views);
  };
  await waitFor(moment, siege, random);
  await kill(siege);
  hold();
  if (moment === "starting") {
    const killAfterMs = 100 + random() * 600;
    const { signal, err } = await yifen(["start", "--data", folder, ...flags], { killAfterMs });
    expect([signal, err]).toEqual(["SIGKILL", ""]);
    hold();
  }
  siege.server = await startServer(folder, flags);
  servers.add(siege.server);
  load.up();
}

/** Whatever had no answer is asked again, and everything that was answered is asked for once more. */
async function settle({ ledger, load }: Siege): Promise<void> {
  const reader = new Reader();
  const { unanswered } = ledger;
  const orders = [...ledger.receipts.values()].filter(({ name }) => name.startsWith("order:"));
  for (let round = 0; round < 2; round++) {
    await Promise.all(unanswered.map(({ method, params }) => ledger.ask(reader, load.wire, method, params)));
    reader.round++;
  }
  for (const { replies } of unanswered) expect(replies.map(({ replayed }) => replayed).at(-1)).toBe(true);
  for (let at = 0; at < orders.length; at += 5000) {
    await Promise.all(
      orders.slice(at, at + 5000).map(async ({ method, params, name, replies: [first] }) => {
        const [, account] = name.split(":");
        const { result } = (await load.wire.ask("order.lookup", { account, key: params.key }))!;
        const stored = first!.result ? { result: first!.result } : { error: { code: first!.error!.code } };
        expect(result, `${method} ${name}`).toMatchObject({ state: "found", ...stored });
      }),
    );
  }
  reader.round++;
  for (const account of accounts) await ledger.ask(reader, load.wire, "account.get", { account });
  for (const { product } of products) await ledger.ask(reader, load.wire, "product.get", { product });
}

/** The books that the answers alone add up to are those of the log. */
function compareBooks({ ledger, views }: Siege): void {
  const done = [...ledger.receipts.values()].filter(({ replies }) => replies[0]!.result);
  const orders = new Map<
    string,
    { account: string; total: number; lines: readonly { product: string; qty: number }[] }
  >();
  const wallets = new Map(accounts.map((account) => [account, 0]));
  const supplied = new Map(products.map(({ product, stock }) => [product, stock]));
  for (const { method, params, replies } of done) {
    const { account, product, amount, qty } = params as {
      account: string;
      product: string;
      amount: string;
      qty: number;
    };
    if (method === "account.deposit") add(wallets, account, minorOf(amount));
    if (method === "product.restock") add(supplied, product, qty);
    if (method !== "order.place") continue;
    const { order, total, lines } = replies[0]!.result as { order: string; total: string; lines: [] };
    expect(orders.has(order), `${order} under two keys`).toBe(false);
    orders.set(order, { account, total: minorOf(total), lines });
  }
  const logged = views.flatMap((view) => [...view.orders]);
  expect(logged.length).toBe(orders.size);
  const held = new Map<string, number>();
  const sold = new Map<string, number>();
  for (const [number, moves] of logged) {
    const { account, total, lines } = orders.get(`o${number}`)!;
    const status = moves.at(-1)!.state;
    if (status === "Paid") add(wallets, account, -total);
    for (const { product, qty } of lines) {
      if (status === "Paid") add(sold, product, qty);
      if (status === "Created") add(held, product, qty);
    }
  }
  for (const account of accounts) {
    const view = views[ledger.shardOf(account)]!;
    expect(decimal(view.wallets.get(account)!.at(-1)!.state), account).toBe(decimal(wallets.get(account)!));
  }
  for (const { product } of products) {
    const stock = views[ledger.shardOf(product)]!.stocks.get(product)!.at(-1)!.state;
    const [soldUnits, heldUnits] = [sold.get(product) ?? 0, held.get(product) ?? 0];
    const available = supplied.get(product)! - soldUnits - heldUnits;
    expect(stock, product).toEqual({ available, held: heldUnits, sold: soldUnits });
  }
}

function add(to: Map<string, number>, name: string, amount: number): void {
  to.set(name, (to.get(name) ?? 0) + amount);
}

function minorOf(amount: string): number {
  return Math.round(Number(amount) * 100);
}

/** Topics that our own client followed from the first event on through every kill, and of which it does not have all. */
function missedPushes({ ledger, views }: Siege): string[] {
  const followed = ledger.feeds.slice(0, accounts.length + products.length);
  return followed.flatMap(({ topic, events }) => {
    const view = views[ledger.shardOf(topic.slice(topic.indexOf(":") + 1))]!;
    const logged = view.events.get(topic)?.length ?? 0;
    return events.length === logged ? [] : [`${topic}: ${events.length} of ${logged}`];
  });
}

/** `times`: how often it was killed; a kill that nothing was seen around proves nothing. */
async function finish(siege: Siege, times: number): Promise<void> {
  const { folder, views, ledger, load } = siege;
  await load.end();
  await settle(siege);
  // Before it is told to stop: holds still expire, orders across shards still arrive, and a server that stops pushes nothing more.
  const readOn = () => {
    for (const view of views) view.readOn();
  };
  await until(() => {
    readOn();
    return missedPushes(siege).length === 0;
  }, 10_000);
  expect(missedPushes(siege)).toEqual([]);
  const { code, err } = await siege.server.stop();
  servers.delete(siege.server);
  expect([code, err]).toEqual([0, ""]);
  readOn();
  await load.close();
  ledger.check(views);
  compareBooks(siege);
  for (const command of ["audit", "verify"]) {
    const { code, out, err } = await yifen([command, "--data", folder, "--json"]);
    expect(code, out + err).toBe(0);
    expect(JSON.parse(out), command).toMatchObject({ ok: true });
  }
  for (const checked of [ledger.answersChecked, ledger.readsChecked, ledger.pushesChecked]) {
    expect(checked).toBeGreaterThan(25 * times);
  }
}

/** Each third kill is at one of these, in turn; the others come at any moment. */
const seldom: readonly Moment[] = ["spare", "after a snapshot", "snapshot", "starting"];

function momentOf(kill: number): Moment {
  return kill % 3 === 0 ? seldom[(kill / 3 - 1) % seldom.length]! : "any";
}

test("kill -9, again and again: nothing accepted is lost, nothing is done twice, nothing was seen too early", async () => {
  const random = randomFrom(7);
  const siege = await lay(1, 11);
  for (let n = 1; n <= kills; n++) await cycle(siege, momentOf(n), random);
  await finish(siege, kills);
  // What is seldom happened too.
  expect(siege.said.filter((lines) => lines.includes("recovered from a snapshot")).length).toBeGreaterThan(1);
  const segments = readdirSync(join(siege.folder, "shard-0")).filter((name) => /^log-\d+\.db$/.test(name));
  expect(segments.length).toBeGreaterThan(kills + 1);
});

test("kill -9 with three shards, again and again: orders that cross them are whole", async () => {
  const random = randomFrom(8);
  const siege = await lay(3, 12);
  for (let n = 1; n <= killsOverShards; n++) await cycle(siege, "any", random);
  await finish(siege, killsOverShards);
});
