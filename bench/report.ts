/** docs/benchmarks.md from one document and remarks on it: `node dist/bench/report.js FILE.json REMARKS.md > docs/benchmarks.md`. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BenchDocument, LevelPoint, Point, Ratios } from "./document.js";

interface Goal {
  readonly ratio: keyof Ratios;
  readonly about: string;
  readonly asked: string;
  readonly met: (value: number) => boolean;
}

/** What was set out to be reached on two cores, load generator included. */
const goals: readonly Goal[] = [
  goal(
    "redisStockDepth16",
    "one order a frame, 50 x 16 in flight / Redis `always`, `-c 50 -P 16`",
    ">= 1",
    (v) => v >= 1,
  ),
  goal("redisStockFrames64", "frames of 64 orders / Redis `always` at its best depth", ">= 3", (v) => v >= 3),
  goal("hotOverUniform", "one product / 100,000 products", ">= 0.9", (v) => v >= 0.9),
  goal("idleP50OverFdatasync", "one client, one order in flight / fdatasync of 4 KiB", "<= 2", (v) => v <= 2),
  goal("recoveryFactsPerSecond", "recovery, facts a second", ">= 500,000", (v) => v >= 500_000),
  goal("snapshotAddsMs", "what a running snapshot adds to the longest answer, ms", "<= 10", (v) => v <= 10),
];

/** What a snapshot adds is known only when one was written: the difference of two runs without one is noise. */
export function snapshotRatio({
  maxMs,
  maxMsWithout,
  snapshotsWritten,
}: BenchDocument["snapshot"]): Pick<Ratios, "snapshotAddsMs"> {
  return snapshotsWritten > 0 ? { snapshotAddsMs: maxMs - maxMsWithout } : {};
}

export function renderReport(document: BenchDocument, remarks: string): string {
  const { machine, date, points, recovery, snapshot, audit, peers, ceilings } = document;
  const { snapshotAddsMs: _, ...others } = document.ratios;
  const ratios: Ratios = { ...others, ...snapshotRatio(snapshot) };
  const sockets = points.filter((point): point is Point => point.level === "L3");
  const levels = points.filter((point): point is LevelPoint => point.level !== "L3");
  const lines = [
    "# Benchmarks",
    "",
    "Generated from one run of `npm run bench -- --output FILE` by `node dist/bench/report.js FILE REMARKS`. Not edited by hand.",
    "",
    `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, ${gigabytes(machine.memoryBytes)} GB, ` +
      `${machine.kernel}, node ${machine.node}, ${machine.filesystem}, SQLite ${machine.sqlite}` +
      `${machine.redis ? `, Redis ${machine.redis}` : ""}. The load generator shares the cores with what it measures.`,
    "",
    "## Asked and reached",
    "",
    "An order here is the whole of it: idempotency key, stock, money, order record, ledger, answer after fsync. Redis does a",
    "bare check and `DECRBY` in a Lua script under `appendfsync always`.",
    "",
    "| ratio | what | asked | reached | |",
    "|---|---|---|---|---|",
    ...goals.map((g) => goalRow(g, ratios)),
    "",
    remarks.trim(),
    "",
    "## Over sockets (L3)",
    "",
    "Answers a second, counted at the client; latency from the (intended) send; CPU of the server. The read side is off",
    "except where it says otherwise: it has no counterpart in what is compared.",
    "",
    "| scenario | | orders/s | p50 ms | p99 ms | p99.9 ms | CPU us/order | log bytes/order | fsyncs/order |",
    "|---|---|---|---|---|---|---|---|---|",
    ...sockets.map(socketRow),
    "",
    "## Without sockets (L0 rules, L1 + encoding, L2 + durable log)",
    "",
    "| level | scenario | orders/s | CPU us/order | log bytes/order | fsyncs/order |",
    "|---|---|---|---|---|---|",
    ...levels.map(levelRow),
    "",
    "## Peers",
    "",
    ...peerLines(peers.redis),
    "",
    "## Ceilings of this machine",
    "",
    "| what | | per second | p50 us | p99 us |",
    "|---|---|---|---|---|",
    ...ceilings.syncs.map(
      (s) => `| fdatasync of an append | ${s.bytes} bytes | ${count(s.perSecond)} | ${s.p50} | ${s.p99} |`,
    ),
    ...ceilings.echoes.map(
      (e) =>
        `| uWebSockets.js echo of the same requests | ${e.perFrame} a frame, ${e.framesInFlight} frames x ` +
        `${e.connections} | ${count(e.ordersPerSecond)} | ${e.p50} | ${e.p99} |`,
    ),
    "",
    "## Recovery, snapshots, books",
    "",
    `- Recovery after kill -9: ${count(recovery.facts)} facts in ${recovery.seconds} s, ${count(recovery.factsPerSecond)}/s.`,
    snapshotLine(snapshot),
    `- Audit of the books that this run left: ${audit.ok ? "ok" : "NOT OK"}, ${count(audit.facts)} facts, ` +
      `${count(audit.orders)} orders, as many as clients were told.`,
    "",
    "## Not measured here",
    "",
    "Networks (all of it is loopback), more than one shard, carts of several lines, other disks, TLS.",
    "",
  ];
  return lines.join("\n");
}

function snapshotLine(s: BenchDocument["snapshot"]): string {
  const without = `Longest answer at a steady 10,000 orders/s: ${s.maxMsWithout} ms (p99 ${s.p99MsWithout} ms)`;
  if (s.snapshotsWritten === 0)
    return `- ${without}. No snapshot was written while it was measured with them.`;
  return `- ${without}, and ${s.maxMs} ms (p99 ${s.p99Ms} ms) while ${s.snapshotsWritten} snapshots were written.`;
}

function goal(ratio: keyof Ratios, about: string, asked: string, met: (value: number) => boolean): Goal {
  return { ratio, about, asked, met };
}

function goalRow({ ratio, about, asked, met }: Goal, ratios: Ratios): string {
  const value = ratios[ratio];
  if (value === undefined) return `| \`${ratio}\` | ${about} | ${asked} | not measured | |`;
  const shown = value > 1000 ? count(value) : value.toFixed(2);
  return `| \`${ratio}\` | ${about} | ${asked} | ${shown} | ${met(value) ? "reached" : "**not reached**"} |`;
}

function socketRow(p: Point): string {
  const refused = p.refused > 0 ? ` (${count(p.ok)} placed, ${count(p.refused)} refused)` : "";
  return (
    `| ${p.scenario} | ${p.about}${refused} | ${count(p.perSecond)} | ${milli(p.p50Micros)} | ${milli(p.p99Micros)} | ` +
    `${milli(p.p999Micros)} | ${p.cpuMicrosPerOrder.toFixed(2)} | ${p.logBytesPerOrder.toFixed(0)} | ${p.syncsPerOrder.toFixed(4)} |`
  );
}

function levelRow(p: LevelPoint): string {
  return (
    `| ${p.level} | ${p.scenario} | ${count(p.perSecond)} | ${p.cpuMicrosPerOrder.toFixed(2)} | ` +
    `${p.logBytesPerOrder.toFixed(0)} | ${p.syncsPerOrder.toFixed(5)} |`
  );
}

function peerLines(redis: BenchDocument["peers"]["redis"]): string[] {
  if ("missing" in redis) return [redis.missing];
  return [
    `Redis ${redis.version}, \`${redis.settings.join(" ")}\`, driven by redis-benchmark; the better of two measurements, before`,
    "and after the engine's:",
    "",
    "```lua",
    redis.script,
    "```",
    "",
    "| connections | depth | per second | p50 ms | p99 ms |",
    "|---|---|---|---|---|",
    ...[redis.idle, ...redis.points].map(
      (p) => `| ${p.connections} | ${p.depth} | ${count(p.perSecond)} | ${milli(p.p50)} | ${milli(p.p99)} |`,
    ),
  ];
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function milli(micros: number): string {
  return (micros / 1000).toFixed(2);
}

function gigabytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(0);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = "", remarks] = process.argv.slice(2);
  const document = JSON.parse(readFileSync(file, "utf8")) as BenchDocument;
  process.stdout.write(renderReport(document, remarks ? readFileSync(remarks, "utf8") : ""));
}
