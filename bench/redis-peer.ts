/**
 * The peer that everybody knows: Redis with the usual stock script, every write fsynced before its answer.
 *
 * The script checks, then takes one. It keeps no order, no account, no key and no ledger, so it does less than an
 * order here; it is compared because it is what shops use against overselling, and because it is hard to beat.
 * Redis' own `redis-benchmark` drives it, at 50 connections and several depths of pipelining.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { MeasurementFailed } from "./measurement-failed.js";

const run = promisify(execFile);

const SCRIPT =
  "local left = tonumber(redis.call('GET', KEYS[1])) " +
  "if not left or left < tonumber(ARGV[1]) then return -1 end " +
  "return redis.call('DECRBY', KEYS[1], ARGV[1])";
/** No snapshot and no rewrite of the append-only file meanwhile: both would only slow it down. */
const SETTINGS = [
  ...["--appendonly", "yes", "--appendfsync", "always"],
  ...["--save", "", "--auto-aof-rewrite-percentage", "0"],
];
/** Runs the server until stdin closes, so that a bench killed before its time leaves none behind. */
const GUARD = '"$@" & server=$!; cat >/dev/null; kill "$server"; wait "$server"';
const STOCK_KEY = "stock:p0000001";
const STOCK = 1_000_000_000;

const CONNECTIONS = 50;
const DEPTHS = [1, 16, 64, 128, 256];
/** A depth is measured for about so long: enough for hundreds of fsyncs, short enough for a sweep. */
const SECONDS = 2;
const RUNS = 3;
/** A first short run says how many requests fill the time: so many round trips of every connection. */
const PROBE_ROUNDS = 40;
const START_MS_MAX = 5_000;
const CLIENT_MS_MAX = 120_000;

export interface RedisPoint {
  readonly connections: number;
  readonly depth: number;
  readonly requests: number;
  /** Median of the runs. */
  readonly perSecond: number;
  readonly perSecondOfRuns: readonly number[];
  /** Microseconds, of the median run, as redis-benchmark reports them: of a whole pipeline. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface RedisFigures {
  readonly version: string;
  readonly settings: readonly string[];
  readonly script: string;
  readonly depth16PerSecond: number;
  readonly best: RedisPoint;
  /** One connection, one request at a time: what a quiet shop's customer waits. */
  readonly idle: RedisPoint;
  readonly points: readonly RedisPoint[];
}

export interface RedisPeerOptions {
  /** The server's files go in a new folder in here, removed afterwards: choose the disk that is compared. */
  readonly folder: string;
  /** Default 1, 16, 64, 128, 256; 16 is always measured. */
  readonly depths?: readonly number[];
  /** Per depth and run; default 2. */
  readonly seconds?: number;
  /** Default 3. */
  readonly runs?: number;
  /** Default redis-server, from the PATH. */
  readonly server?: string;
}

/** Throws `MeasurementFailed` when Redis is there but the measurement cannot be trusted. */
export async function measureRedis(options: RedisPeerOptions): Promise<RedisFigures | { missing: string }> {
  const program = options.server ?? "redis-server";
  const version = await redisVersion(program);
  if (version === undefined) return { missing: `${program} is not installed: Redis was not measured` };

  const folder = mkdtempSync(join(options.folder, "redis-"));
  const server = await startServer(program, folder);
  try {
    const sha = await cli(server.port, ["SCRIPT", "LOAD", SCRIPT]);
    const depths = [...new Set([16, ...(options.depths ?? DEPTHS)])].sort((a, b) => a - b);
    const seconds = options.seconds ?? SECONDS;
    const runs = options.runs ?? RUNS;
    const points: RedisPoint[] = [];
    for (const depth of depths) points.push(await point(server.port, sha, CONNECTIONS, depth, seconds, runs));
    const idle = await point(server.port, sha, 1, 1, seconds, runs);
    const best = points.reduce((a, b) => (b.perSecond > a.perSecond ? b : a));
    const depth16PerSecond = points.find(({ depth }) => depth === 16)!.perSecond;
    return { version, settings: SETTINGS, script: SCRIPT, depth16PerSecond, best, idle, points };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `7.0.15`; undefined when the program is not there. */
export async function redisVersion(program = "redis-server"): Promise<string | undefined> {
  try {
    return /v=(\S+)/.exec((await run(program, ["--version"])).stdout)?.[1];
  } catch {
    return undefined;
  }
}

async function point(
  port: number,
  sha: string,
  connections: number,
  depth: number,
  seconds: number,
  runs: number,
): Promise<RedisPoint> {
  const probe = await benchmark(port, sha, connections, depth, PROBE_ROUNDS * connections * depth);
  const measured: BenchmarkLine[] = [];
  for (let i = 0; i < runs; i++) {
    measured.push(await benchmark(port, sha, connections, depth, probe.perSecond * seconds));
  }
  measured.sort((a, b) => a.perSecond - b.perSecond);
  const median = measured[Math.floor(runs / 2)]!;
  return { connections, depth, ...median, perSecondOfRuns: measured.map(({ perSecond }) => perSecond) };
}

interface BenchmarkLine {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One run; asserts that the stock went down by exactly the requests made. */
async function benchmark(
  port: number,
  sha: string,
  connections: number,
  depth: number,
  requestsWanted: number,
): Promise<BenchmarkLine> {
  // redis-benchmark sends whole pipelines: any other number would be exceeded.
  const requests = Math.ceil(requestsWanted / depth) * depth;
  await cli(port, ["SET", STOCK_KEY, String(STOCK)]);
  const load = [
    "-c",
    String(connections),
    "-P",
    String(depth),
    "-n",
    String(requests),
    "--csv",
    "--precision",
    "3",
  ];
  const command = ["EVALSHA", sha, "1", STOCK_KEY, "1"];
  const options = { timeout: CLIENT_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run("redis-benchmark", ["-p", String(port), ...load, ...command], options);
  const taken = STOCK - Number(await cli(port, ["GET", STOCK_KEY]));
  if (taken !== requests)
    throw new MeasurementFailed(`Redis took ${taken} of stock for ${requests} requests`);
  return { requests, ...parseBenchmark(stdout) };
}

/** Reads the last line of `redis-benchmark --csv` by the names in its header; milliseconds become microseconds. */
export function parseBenchmark(csv: string): Omit<BenchmarkLine, "requests"> {
  const rows = csv
    .split("\n")
    .map((line) => [...line.matchAll(/"([^"]*)"/g)].map((cell) => cell[1]!))
    .filter((cells) => cells.length > 1);
  const header = rows[0] ?? [];
  const values = rows.at(-1) ?? [];
  const read = (name: string) => {
    const value = Number(values[header.indexOf(name)]);
    if (!(value >= 0)) throw new MeasurementFailed(`redis-benchmark did not report ${name}: ${csv.trim()}`);
    return value;
  };
  const micros = (name: string) => Math.round(read(name) * 1000);
  return {
    perSecond: read("rps"),
    p50: micros("p50_latency_ms"),
    p99: micros("p99_latency_ms"),
    max: micros("max_latency_ms"),
  };
}

async function startServer(program: string, folder: string) {
  const port = await freePort();
  const address = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder];
  const child = spawn("sh", ["-c", GUARD, "sh", program, ...address, ...SETTINGS], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  try {
    await waitForPong(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

async function waitForPong(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline && child.exitCode === null) {
    if ((await cli(port, ["PING"]).catch(() => "")) === "PONG") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new MeasurementFailed(`redis-server did not answer on port ${port} in ${START_MS_MAX} ms`);
}

async function cli(port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await run("redis-cli", ["-p", String(port), ...words], { timeout: CLIENT_MS_MAX });
  return stdout.trim();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(address)));
    });
  });
}
