/**
 * What ARCHITECTURE, OPERATING, benchmarks and the decisions say in numbers and names, beside the program's own. What they say of
 * behavior is held by the test of that behavior; here is what would otherwise change in the code and stay in the text.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { slotCount } from "../../actors/order-number.js";
import { alertAfter, backOffMs, humanAfter, humanAfterMs, nextTry } from "../../actors/transactions/retry.js";
import { exitCodes, worthRestarting } from "../../cli/fail.js";
import * as limits from "../../engine/seams/limits.js";
import { methods } from "../../gateway/edge/methods.js";
import { LogAheadOfClock } from "../../gateway/host/log-clock.js";
import { filesNeeded } from "../../gateway/host/machine.js";
import { blocksOf, cellsOf, projectFile, readDocument } from "./document.js";
import { number } from "./tables.js";

const operating = readDocument("docs/OPERATING.md");
const architecture = readDocument("docs/ARCHITECTURE.md");
const root = fileURLToPath(projectFile("./"));
const inOneLine = (text: string) => text.replaceAll(/\s+/g, " ");

/** The document, or the decision with that number. */
function read(name: string): string {
  const file = /^\d{4}$/.test(name)
    ? `decisions/${readdirSync(`${root}docs/decisions`).find((each) => each.startsWith(name))}`
    : `${name}.md`;
  return inOneLine(readDocument(`docs/${file}`));
}

/** The first table that has this cell in its head. */
function tableWith(markdown: string, head: string): string[][] {
  const from = markdown.indexOf(`| ${head} |`);
  return cellsOf(markdown.slice(markdown.lastIndexOf("\n", from) + 1).split("\n\n")[0]!);
}

const codesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);

/** A number that a source keeps to itself: `const NAME = 64 * 1024;`. */
function constant(file: string, name: string): number {
  const found = new RegExp(`^(?:export )?const ${name} = ([\\d_.e *<]+);`, "m").exec(
    readFileSync(root + file, "utf8"),
  );
  const [shifted, by = "0"] = found![1]!.replaceAll("_", "").split("<<");
  return shifted!.split("*").reduce((product, factor) => product * Number(factor), 1) * 2 ** Number(by);
}

const s = (ms: number) => `${number(ms / 1000)}`;
const mib = (bytes: number) => `${bytes / 1024 / 1024} MiB`;
const kib = (bytes: number) => `${bytes / 1024} KiB`;
const words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const once = (ms: number, unit: string) =>
  `once a ${ms === { second: 1000, minute: 60_000 }[unit] ? unit : "?"}`;

const readWaitMs = constant("persistence/read/read-side.ts", "waitMsDefault");
const machine = (name: string) => constant("gateway/host/machine.ts", name);
const pieces = mib(constant("persistence/snapshots/snapshot-file.ts", "pieceBytes"));

test.each([
  [
    "OPERATING",
    `After ${s(constant("gateway/server.ts", "drainMs"))} seconds at most the connections are closed with 1001`,
  ],
  [
    "OPERATING",
    `needs ${machine("memoryNeeded") / 1e6} MB of memory and what its books take, ${machine("heapNeeded") / 1e6} MB of Node's heap, ` +
      `and ${filesNeeded(0)} open files, ${filesNeeded(1) - filesNeeded(0)} more for each shard`,
  ],
  [
    "OPERATING",
    `a ${1 / constant("engine/seams/clock.ts", "slowerBy") === 1000 ? "thousandth" : "?"} slower`,
  ],
  ["OPERATING", `more than a ${limits.clockAheadMsMax === 60_000 ? "minute" : "?"} ahead of the wall clock`],
  ["OPERATING", `looked at ${once(constant("gateway/host/engine-host.ts", "diskCheckMs"), "second")}`],
  ["OPERATING", `and all files ${once(constant("gateway/host/engine-host.ts", "placeCheckMs"), "second")}`],
  ["OPERATING", `for up to ${s(readWaitMs)} seconds and are then refused \`overloaded\``],
  ["OPERATING", `are \`overloaded\` after ${s(readWaitMs)} seconds`],
  ["OPERATING", `a WebSocket after ${limits.idleSeconds} seconds without a sign of life`],
  [
    "OPERATING",
    `called again, after ${s(backOffMs(1, 0.5))} s, doubled each time, at most ${s(backOffMs(100, 0.5))} s. ` +
      `After ${alertAfter} failures there is a line in the log, after ${humanAfter}, or ${humanAfterMs / 60_000} minutes`,
  ],
  ["OPERATING", `from then on it is called ${once(nextTry(1, humanAfter, 0, 0).dueAt, "minute")}`],
  [
    "OPERATING",
    `2xx within ${s(constant("gateway/outlets/webhook.ts", "timeoutMs"))} seconds means delivered`,
  ],
  [
    "OPERATING",
    `after ${backOffMs(1, 0.5)} ms, doubled each time, ${backOffMs(1, 1) - backOffMs(1, 0.5)} % more or less, at most ${s(backOffMs(100, 0.5))} s`,
  ],
  [
    "OPERATING",
    `takes longer than ${s(constant("gateway/outlets/function-outlet.ts", "timeoutMsDefault"))} seconds, has failed; ` +
      `it is tried like a webhook, ${constant("gateway/outlets/function-outlet.ts", "attemptsDefault")} times`,
  ],
  [
    "OPERATING",
    `for ${s(constant("gateway/outlets/outlet-run.ts", "stopWithinMs"))} seconds at most. \`outlets.db\``,
  ],
  ["OPERATING", `tries again every ${s(constant("gateway/outlets/outlets.ts", "restartMs"))} seconds`],
  ["OPERATING", `\`yifen_accounts_unopened\` | near ${number(limits.accountsUnopenedMax)} |`],
  ["ARCHITECTURE", `id -> slot (${number(slotCount)}, fixed) -> shard`],
  ["0004", `in chunks of ${number(constant("engine/tables/rows.ts", "rowsPerChunk"))}`],
  [
    "0004",
    `in pieces of ${mib(constant("engine/tables/key-table.ts", "arenaBytes"))}, and ` +
      `${number(constant("engine/tables/hash-index.ts", "tables"))} small open-addressing tables`,
  ],
  ["0003", `one write of ${constant("persistence/log/anchor.ts", "slotBytes")} bytes`],
  ["0005", `\`sequence * ${slotCount} + slot\``],
  ["0007", `more than a ${limits.atAheadMsMax === 86_400_000 ? "day" : "?"} ahead is refused`],
  ["0010", `written in pieces of ${pieces}, each fsynced`],
  ["0010", `${words[constant("persistence/snapshots/snapshot-file.ts", "kept")]} are kept`],
  ["0011", `waits ${s(readWaitMs)} seconds at most`],
  ["0014", `not older than ${limits.tokenLifeMs / 3_600_000} hours`],
  ["0014", `at most ${number(limits.tokenClaimsMax)} a shard`],
  ["0017", `after ${words[humanAfter]} failures or ${words[humanAfterMs / 60_000]} minutes`],
  ["0019", `What fails ${words[constant("gateway/outlets/function-outlet.ts", "attemptsDefault")]} times`],
  ["0022", `sleeps a ${limits.clockLookMs === 250 ? "quarter of a second" : "?"} at most`],
  ["0022", `a jump of more than a ${limits.clockJumpMs === 60_000 ? "minute" : "?"} is a fact`],
  ["0024", `a group ends after ${limits.groupMicrosMax / 1000} ms of turns`],
  [
    "0024",
    `share ${kib(limits.feedReplayBytesPerStep)} of the log and ${number(limits.feedReplayPushesPerStep)} events per step`,
  ],
  [
    "0024",
    `in pieces of ${limits.readRowsPerTurn} rows, frames are read for ${limits.intakeMsPerTurn} ms per turn`,
  ],
  ["0024", `a share of ${limits.mailboxShare} commands`],
  ["0025", `it names ${number(limits.accountsUnopenedMax)}`],
])("docs/%s says: %s", (name, said) => {
  expect(read(name).toLowerCase()).toContain(said.toLowerCase());
});

test("the bounds of OPERATING are those of `limits`", () => {
  const bounds = tableWith(operating, "what happens past it").flatMap(([bound]) => codesIn(bound!));
  const named = bounds.filter((name) => /^[a-z]+[A-Z]\w+$/.test(name));
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !(name in limits))).toEqual([]);
});

test("a supervisor restarts after the exit codes that get better by themselves", () => {
  const prevented = /^RestartPreventExitStatus=(.*)$/m.exec(operating)![1]!.split(" ").map(Number);
  const others = Object.values(exitCodes).filter((code) => code !== 0 && !worthRestarting.includes(code));
  expect(prevented).toEqual(others);
  expect(inOneLine(operating)).toContain(`may restart after ${worthRestarting.join(" and ")}, with a pause`);
});

test("a log that is ahead of the clock is refused in the words that are shown", () => {
  const shown = blocksOf(operating).find(({ text }) => text.includes("ahead of the clock"))!.text;
  const [log, wall] = ["2026-10-03T11:00:00Z", "2026-10-01T08:00:00Z"].map((time) => Date.parse(time));
  expect(shown).toContain(`yifen: ${new LogAheadOfClock(log! - wall!, log!, wall!).message}\n`);
  const ways = readFileSync(`${root}cli/fail.ts`, "utf8");
  expect(ways).toContain(shown.split("\n")[1]!.trim());
});

test("what a damaged log is said to be is what the program says", () => {
  const sources = readdirSync(`${root}persistence/log`).map((file) =>
    readFileSync(`${root}persistence/log/${file}`, "utf8"),
  );
  for (const said of [
    "a damaged frame in front of a later transaction",
    "does not match its hash",
    "groups are missing or doubled",
    "the log ends with ",
    " proves that it reached ",
    "neither slot is readable",
    "it is missing, and its -wal holds groups",
    "acceptMissingAnchor",
  ]) {
    expect(inOneLine(operating), said).toContain(said.trim());
    expect(
      sources.some((text) => text.includes(said)),
      said,
    ).toBe(true);
  }
});

describe("the ledger", () => {
  /** `wallet:ACCOUNT` of the document, as a pattern. */
  const listed = codesIn(/Ledger accounts are (.*?)[.]\s/s.exec(operating)![1]!)
    .map((name, n, all) =>
      name.startsWith(":")
        ? all.findLast((each, m) => m < n && !each.startsWith(":"))!.replace(/:[^:]+$/, name)
        : name,
    )
    .map((name) => new RegExp(`^${name.replaceAll(/[A-Z]+/g, "[^:]+")}$`));

  test("the accounts that OPERATING lists are those that entries are made on", () => {
    const source = readFileSync(`${root}actors/postings.ts`, "utf8").split("*/")[0]!;
    const known = [...source.matchAll(/^ \* {3}([a-z]+:\S+)/gm)].map(([, name]) =>
      name!.replaceAll(/<\w+>/g, "x"),
    );
    expect(known.length).toBeGreaterThan(15);
    expect(known.filter((name) => !listed.some((pattern) => pattern.test(name)))).toEqual([]);
    expect(listed.filter((pattern) => !known.some((name) => pattern.test(name)))).toEqual([]);
  });
});

test("the figures of an audit are those that OPERATING explains", () => {
  const source = readFileSync(`${root}persistence/audit/audit-figures.ts`, "utf8");
  const fields = /export interface AuditFigures \{([\s\S]*?)\n\}/.exec(source)![1]!;
  const known = [...fields.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name!);
  const explained = operating
    .slice(operating.indexOf("| figure |"))
    .split("\n\n")[0]!
    .split("\n")
    .slice(2)
    .flatMap((row) => codesIn(row.split("|")[1]!));
  expect([...explained].sort()).toEqual([...known].sort());
});

test("the tree in ARCHITECTURE names modules that exist, every part and every command", () => {
  const sources = new Set<string>();
  const folders = new Set<string>();
  for (const part of [
    "actors",
    "engine",
    "persistence",
    "gateway",
    "client",
    "cli",
    "examples",
    "bench",
    "test",
  ]) {
    folders.add(part);
    for (const entry of readdirSync(root + part, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) folders.add(entry.name);
      else sources.add(entry.name.replace(/(\.test)?\.ts$/, ""));
    }
  }
  const section = architecture.split("\n## Where things are\n")[1]!;
  const tree = blocksOf(`\n${section.replace("```\n", "```text\n")}`)[0]!.text;
  const plain = tree.replaceAll(/\([^)]*\)/g, "");
  // Names of two words and more are files; a single word may be just a word.
  const files = [...new Set(plain.match(/\b[a-z]+(?:-[a-z]+)+\b/g))].filter((name) => !folders.has(name));
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((name) => !sources.has(name))).toEqual([]);
  const named = [...tree.matchAll(/(?:^|\s)([a-z-]+)\//gm)].map(([, folder]) => folder!);
  expect(named.filter((folder) => !folders.has(folder))).toEqual([]);

  const commands = /^cli\/ +yifen (.*)$/m.exec(tree)![1]!.split(" | ");
  expect(commands.filter((name) => !existsSync(`${root}cli/${name}.ts`))).toEqual([]);
  const added = [...readFileSync(`${root}cli/program.ts`, "utf8").matchAll(/^import \{ add(\w+) \}/gm)];
  expect([...commands].sort()).toEqual(added.map(([, name]) => name!.toLowerCase()).sort());
  const programs = readdirSync(`${root}examples`).filter((name) => name.endsWith(".ts")).length;
  expect(tree).toMatch(new RegExp(`^examples/ +${words[programs]} programs`, "m"));
});

test("the path of an order in ARCHITECTURE goes through files that exist", () => {
  const path = architecture.split("```")[1]!;
  const named = path.match(/\b(?:gateway|engine|actors|persistence)\/[\w/-]+(?:, [\w/-]+)*/g)!;
  expect(named.length).toBeGreaterThan(10);
  for (const list of named) {
    const [first, ...others] = list.split(", ");
    const part = first!.split("/")[0]!;
    for (const name of [
      first!,
      ...others.map((each) => (existsSync(`${root}${each}.ts`) ? each : `${part}/${each}`)),
    ])
      expect(existsSync(`${root}${name}.ts`) || existsSync(root + name), name).toBe(true);
  }
});

test("an item has as many ways to end as ARCHITECTURE says", () => {
  const { properties } = methods["human.resolve"].params as unknown as {
    properties: { action: { enum: readonly string[] } };
  };
  expect(inOneLine(architecture)).toContain(`whose ${words[properties.action.enum.length]} ways to end it`);
});

test("decision 0009 names every library that we depend on, in its version, and no other", () => {
  const { dependencies, devDependencies } = JSON.parse(readDocument("package.json")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  const versions = Object.entries({ ...dependencies, ...devDependencies })
    .filter(([name]) => !name.startsWith("@types/"))
    .map(([name, version]) => [name, version.replace(/^npm:[^@]+@/, "")]);
  const table = readDocument("docs/decisions/0009-libraries.md");
  const named = tableWith(table, "package").flatMap(([cell]) =>
    cell!.split(", ").map((each) => {
      const [, name, version] = /^(\S+) (?:\(as `\w+` )?([\d.]+)/.exec(each)!;
      return [name === "biome" ? "@biomejs/biome" : name!, version!] as const;
    }),
  );
  expect(named.map(([name]) => name).sort()).toEqual(versions.map(([name]) => name).sort());
  for (const [name, version] of named)
    expect(versions.find(([known]) => known === name)![1], name).toMatch(
      new RegExp(`^${version.replaceAll(".", "[.]")}(?:[.]|$)`),
    );
});
