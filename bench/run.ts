/**
 * The whole bench, in one run: ceilings, Redis, the levels in process, the scenarios over sockets, recovery, a running
 * snapshot, and an audit of the books that all of it left behind. Everything that is compared was measured in this run.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../client/client.js";
import { auditFolder } from "../gateway/host/audit-run.js";
import { measureSockets, measureSyncs } from "./ceilings.js";
import { runProgram } from "./child.js";
import type { BenchDocument, LevelPoint, Point, Ratios } from "./document.js";
import type { LevelConfig, LevelResult } from "./levels.js";
import { startLoad } from "./load.js";
import { describeMachine } from "./machine.js";
import { MeasurementFailed } from "./measurement-failed.js";
import { productId } from "./order-frames.js";
import { measureRedis } from "./redis-peer.js";
import { snapshotRatio } from "./report.js";
import { flashBuyers, type Scenario, scenarios, shop } from "./scenarios.js";
import { type BenchServer, startServer } from "./server.js";
import { fillShop } from "./setup.js";

export interface BenchOptions {
  /** A smaller shop, shorter and single runs. */
  readonly quick: boolean;
  /** Where the log goes; a new folder in it, removed afterwards. Default: the system's temporary folder. */
  readonly folder?: string;
  readonly say: (line: string) => void;
}

interface Plan {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly runs: number;
  readonly redisSeconds: number;
  readonly redisDepths: readonly number[];
  readonly levelOrders: number;
  readonly accounts: number;
  readonly products: number;
}

const thorough: Plan = {
  seconds: 3,
  warmupSeconds: 1,
  runs: 3,
  redisSeconds: 2,
  redisDepths: [1, 16, 64, 128, 256],
  levelOrders: 1_000_000,
  accounts: shop.accounts,
  products: shop.products,
};

const quick: Plan = {
  seconds: 1.5,
  warmupSeconds: 0.5,
  runs: 1,
  redisSeconds: 0.7,
  redisDepths: [16, 128],
  levelOrders: 200_000,
  accounts: 50_000,
  products: 5_000,
};

/** Throws `MeasurementFailed` when a figure cannot be trusted or the books do not add up. */
export async function runBench(options: BenchOptions): Promise<BenchDocument> {
  const plan = options.quick ? quick : thorough;
  const parent = options.folder ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "yifen-bench-"));
  try {
    return await measureAll(folder, plan, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(
  folder: string,
  plan: Plan,
  { quick: isQuick, say }: BenchOptions,
): Promise<BenchDocument> {
  const machine = await describeMachine(folder);
  say(`machine: ${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, node ${machine.node}`);
  const syncs = measureSyncs(folder, plan.redisSeconds);
  say(`fdatasync of 4 KiB: p50 ${syncs[0]!.p50} us, p99 ${syncs[0]!.p99} us`);
  const echoes = [];
  for (const shape of [
    { connections: 50, framesInFlight: 16, perFrame: 1 },
    { connections: 50, framesInFlight: 2, perFrame: 64 },
  ]) {
    const echo = await measureSockets("echo", shape, plan.seconds);
    say(`uWebSockets.js echo, ${shape.perFrame} a frame: ${thousands(echo.ordersPerSecond)} orders/s`);
    echoes.push(echo);
  }
  const levels = await measureLevels(folder, plan, say);
  // Redis before and after the engine: the machine drifts, and the better of the two is the one to beat.
  const redisOptions = { folder, depths: plan.redisDepths, seconds: plan.redisSeconds, runs: plan.runs };
  const before = await measureRedis(redisOptions);
  sayRedis(say, before);
  const sockets = await measureServer(join(folder, "data"), plan, say);
  const after = await measureRedis(redisOptions);
  sayRedis(say, after);
  const redis = "missing" in before || "missing" in after ? before : better(before, after);
  const ratios = ratiosOf(
    sockets.points,
    redis,
    syncs[0]!.p50,
    sockets.recovery.factsPerSecond,
    sockets.snapshot,
  );
  return {
    machine,
    date: new Date().toISOString(),
    quick: isQuick,
    points: [...levels, ...sockets.points],
    recovery: sockets.recovery,
    snapshot: sockets.snapshot,
    audit: sockets.audit,
    peers: { redis },
    ceilings: { syncs, echoes },
    ratios,
  };
}

async function measureLevels(folder: string, plan: Plan, say: (line: string) => void): Promise<LevelPoint[]> {
  const points: LevelPoint[] = [];
  for (const level of ["L0", "L1", "L2"] as const) {
    for (const [scenario, products] of [
      ["hot", 1],
      ["uniform", plan.products],
    ] as const) {
      const config: LevelConfig = {
        level,
        products,
        accounts: plan.accounts,
        orders: plan.levelOrders - (plan.levelOrders % 2048),
        perGroup: 2048,
        folder: join(folder, `${level}-${scenario}`),
      };
      const result = JSON.parse(await runProgram("levels", JSON.stringify(config), 600_000)) as LevelResult;
      rmSync(config.folder, { recursive: true, force: true });
      say(
        `${level} ${scenario}: ${thousands(result.perSecond)} orders/s, ${result.cpuMicrosPerOrder.toFixed(2)} us CPU each`,
      );
      points.push({ level, scenario, ...result });
    }
  }
  return points;
}

interface ServerFigures {
  readonly points: readonly Point[];
  readonly recovery: BenchDocument["recovery"];
  readonly snapshot: BenchDocument["snapshot"];
  readonly audit: BenchDocument["audit"];
}

/** The read side is off, as it has no counterpart in what is compared; a point of its own shows what it costs. */
const flags = ["--read-side", "off", "--snapshot-mb", "0"];

async function measureServer(data: string, plan: Plan, say: (line: string) => void): Promise<ServerFigures> {
  const state: RunState = { data, plan, say, flashSales: 0, keys: 0, ok: 0 };
  let server = await startServer(data, flags);
  await fillShop(server.port, { ...shop, products: plan.products, accounts: plan.accounts });
  say(`filled: ${thousands(plan.products)} products, ${thousands(plan.accounts)} accounts`);
  const points: Point[] = [];
  for (const scenario of scenarios) {
    const runs: Point[] = [];
    for (let run = 0; run < plan.runs; run++) runs.push(await measurePoint(server, scenario, state));
    const point = median(runs);
    say(describePoint(point));
    points.push(point);
  }
  await server.kill();
  server = await startServer(data, ["--snapshot-mb", "0"]);
  const recovery = readRecovery(server);
  say(`recovery after kill -9: ${thousands(recovery.facts)} facts, ${thousands(recovery.factsPerSecond)}/s`);
  const withReads = scenarios.find(({ name }) => name === "uniform-frames64")!;
  points.push({
    ...(await measurePoint(server, withReads, state)),
    scenario: "uniform-frames64 with read side",
  });
  say(describePoint(points.at(-1)!));
  await server.stop();

  const snapshot = await measureSnapshot(state);
  say(`a running snapshot: longest answer ${snapshot.maxMs} ms, without ${snapshot.maxMsWithout} ms`);
  const audit = await auditBooks(state);
  say(
    `audit: ${audit.ok ? "ok" : "NOT OK"}, ${thousands(audit.facts)} facts, ${thousands(audit.orders)} orders`,
  );
  return { points, recovery, snapshot, audit };
}

interface RunState {
  readonly data: string;
  readonly plan: Plan;
  readonly say: (line: string) => void;
  flashSales: number;
  keys: number;
  /** Orders that clients were told were placed. */
  ok: number;
}

async function measurePoint(server: BenchServer, scenario: Scenario, state: RunState): Promise<Point> {
  const { plan } = state;
  const isFlash = scenario.name === "flash";
  const traffic = isFlash
    ? { ...scenario.traffic, firstProduct: plan.products + 1 + state.flashSales++ }
    : {
        ...scenario.traffic,
        products: Math.min(scenario.traffic.products, plan.products),
        accounts: Math.min(scenario.traffic.accounts, plan.accounts),
      };
  const { connections, framesInFlight, perFrame, ratePerSecond } = scenario;
  const before = await server.metrics();
  const result = await startLoad({
    port: server.port,
    connections,
    framesInFlight,
    perFrame,
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    traffic,
    bound: scenario.orders
      ? { warmupOrders: 0, orders: scenario.orders }
      : { warmupSeconds: plan.warmupSeconds, seconds: plan.seconds },
    keyPrefix: `r${state.keys++}-`,
  });
  const after = await server.metrics();
  const { total } = result;
  state.ok += total.ok;
  if (isFlash) await checkFlash(server.port, traffic.firstProduct!, total.ok);
  else if (total.ok !== total.orders)
    throw new MeasurementFailed(`${scenario.name}: ${JSON.stringify(total)}`);
  const perOrder = (name: string) => (after(name) - before(name)) / total.orders;
  return {
    level: "L3",
    scenario: scenario.name,
    about: scenario.about,
    perSecond: result.perSecond,
    ok: result.ok,
    refused: result.orders - result.ok,
    p50Micros: result.p50,
    p99Micros: result.p99,
    p999Micros: result.p999,
    maxMicros: result.max,
    cpuMicrosPerOrder: perOrder("process_cpu_seconds_total") * 1e6,
    logBytesPerOrder: perOrder("yifen_log_bytes_total"),
    syncsPerOrder: perOrder("yifen_log_syncs_total"),
  };
}

/** A flash sale sells what there was, to the unit. */
async function checkFlash(port: number, product: number, ok: number): Promise<void> {
  const yifen = await connect(`ws://127.0.0.1:${port}`);
  const { available, sold } = await yifen.products.get(productId(product));
  await yifen.close();
  if (sold !== shop.flashStock || ok !== sold || available !== 0) {
    throw new MeasurementFailed(
      `flash sale: ${sold} sold, ${available} left, ${ok} buyers of ${flashBuyers} were told so`,
    );
  }
}

/** The server prints what it recovered from. */
function readRecovery(server: BenchServer): BenchDocument["recovery"] {
  const found = server.lines
    .map((line) => /recovered from (\d+) facts in ([\d.]+) s/.exec(line))
    .find(Boolean);
  if (!found) throw new MeasurementFailed("the server did not say what it recovered from");
  const facts = Number(found[1]);
  const seconds = Number(found[2]);
  return { facts, seconds, factsPerSecond: facts / seconds };
}

const steady = {
  name: "steady",
  about: "",
  connections: 50,
  framesInFlight: 16,
  perFrame: 1,
  ratePerSecond: 10_000,
};

/** The same steady load without and with a snapshot in the making. */
async function measureSnapshot(state: RunState): Promise<BenchDocument["snapshot"]> {
  const traffic = scenarios.find(({ name }) => name === "uniform-depth16")!.traffic;
  const run = async (snapshotMb: number) => {
    const server = await startServer(state.data, ["--read-side", "off", "--snapshot-mb", String(snapshotMb)]);
    const written = async () => (await server.metrics())("yifen_snapshots_total");
    const before = await written();
    const point = await measurePoint(server, { ...steady, traffic }, state);
    const during = (await written()) - before;
    await server.stop();
    return { point, written: during };
  };
  const without = await run(0);
  const during = await run(1);
  return {
    maxMs: during.point.maxMicros / 1000,
    maxMsWithout: without.point.maxMicros / 1000,
    p99Ms: during.point.p99Micros / 1000,
    p99MsWithout: without.point.p99Micros / 1000,
    snapshotsWritten: during.written,
  };
}

async function auditBooks(state: RunState): Promise<BenchDocument["audit"]> {
  const certificate = await auditFolder(state.data, () => {});
  const { ok, figures, shards } = certificate;
  if (!ok) throw new MeasurementFailed(`the audit found ${JSON.stringify(certificate.firstBad)}`);
  const orders = Number(figures.orders);
  if (orders !== state.ok)
    throw new MeasurementFailed(`the log holds ${orders} orders, clients were told ${state.ok}`);
  return { ok, facts: shards.reduce((sum, { to }) => sum + to, 0), orders };
}

function ratiosOf(
  points: readonly Point[],
  redis: BenchDocument["peers"]["redis"],
  syncP50: number,
  factsPerSecond: number,
  snapshot: BenchDocument["snapshot"],
): Ratios {
  const of = (name: string) => points.find(({ scenario }) => scenario === name)!;
  const hotOverUniform = of("hot-frames64").perSecond / of("uniform-frames64").perSecond;
  const redisRatios =
    "missing" in redis
      ? {}
      : {
          redisStockDepth16: of("hot-depth16").perSecond / redis.depth16PerSecond,
          redisStockFrames64: of("hot-frames64").perSecond / redis.best.perSecond,
        };
  return {
    ...redisRatios,
    hotOverUniform,
    idleP50OverFdatasync: of("idle").p50Micros / syncP50,
    recoveryFactsPerSecond: factsPerSecond,
    ...snapshotRatio(snapshot),
  };
}

type Redis = Exclude<BenchDocument["peers"]["redis"], { missing: string }>;

function better(a: Redis, b: Redis): Redis {
  const best = a.best.perSecond > b.best.perSecond ? a : b;
  return { ...best, depth16PerSecond: Math.max(a.depth16PerSecond, b.depth16PerSecond) };
}

function sayRedis(say: (line: string) => void, redis: BenchDocument["peers"]["redis"]): void {
  if ("missing" in redis) say(redis.missing);
  else {
    const { depth16PerSecond, best } = redis;
    say(
      `Redis always: ${thousands(depth16PerSecond)}/s at depth 16, ${thousands(best.perSecond)}/s at ${best.depth}`,
    );
  }
}

function median(points: readonly Point[]): Point {
  const sorted = [...points].sort((a, b) => a.perSecond - b.perSecond);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function describePoint(point: Point): string {
  const { scenario, perSecond, p50Micros, p99Micros, cpuMicrosPerOrder } = point;
  const latency = `p50 ${(p50Micros / 1000).toFixed(2)} ms, p99 ${(p99Micros / 1000).toFixed(2)} ms`;
  return `L3 ${scenario}: ${thousands(perSecond)} orders/s, ${latency}, ${cpuMicrosPerOrder.toFixed(2)} us CPU each`;
}

export function thousands(value: number): string {
  return Math.round(value).toLocaleString("en");
}
