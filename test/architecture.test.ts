/** The rules that no compiler checks: who may import whom, what the rules may not touch, and where each package lives. */

import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const parts = ["actors", "engine", "persistence", "gateway", "client", "cli", "bench", "examples", "test"];

interface Source {
  /** From the root, with slashes: `engine/loop/shard.ts`. */
  readonly file: string;
  readonly part: string;
  readonly text: string;
  /** The text without comments and without what stands in quotes. */
  readonly code: string;
  readonly imports: readonly Import[];
}

interface Import {
  /** A file of ours from the root (`actors/money.ts`), or a package or builtin by its name. */
  readonly of: string;
  readonly ours: boolean;
  readonly typesOnly: boolean;
}

function filesUnder(folder: string): string[] {
  let entries: ReturnType<typeof readFolder>;
  try {
    entries = readFolder(folder);
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesUnder(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function readFolder(folder: string) {
  return readdirSync(join(root, folder), { withFileTypes: true });
}

/** `import X from "of"`, `import "of"`, `export {X} from "of"`; not `export const x = "of"`. */
const statement =
  /^\s*(?:import|export)\s+(?:(type\s+)?([\w$]+(?:,\s*\{[^}]*\})?|\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+)?["']([^"'\n]+)["']/gm;

function sourceOf(file: string, part: string): Source {
  const text = readFileSync(join(root, file), "utf8");
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
  const imports: Import[] = [];
  for (const [, kind, names, of] of bare.matchAll(statement)) {
    const list = /^\{([\s\S]*)\}$/.exec(names?.trim() ?? "")?.[1];
    const every = list?.split(",").filter((name) => name.trim() !== "");
    const typesOnly = kind !== undefined || (every?.every((name) => /^\s*type\s/.test(name)) ?? false);
    imports.push(importOf(file, of!, typesOnly));
  }
  for (const [, of] of bare.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)) {
    imports.push(importOf(file, of!, false));
  }
  const code = bare.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
  return { file, part, text, code, imports };
}

function importOf(from: string, of: string, typesOnly: boolean): Import {
  if (!of.startsWith(".")) return { of: packageOf(of), ours: false, typesOnly };
  const path = normalize(join(dirname(from), of)).replace(/\.js$/, ".ts");
  return { of: path, ours: true, typesOnly };
}

function packageOf(of: string): string {
  if (of.startsWith("node:") || builtinModules.includes(of)) return "node";
  return of
    .split("/")
    .slice(0, of.startsWith("@") ? 2 : 1)
    .join("/");
}

const sources = parts.flatMap((part) => filesUnder(part).map((file) => sourceOf(file, part)));
const outside = sources.filter(({ part }) => part !== "test");

/** Every import that `allowed` does not allow, as "file imports what". */
function violations(part: string, allowed: (source: Source, imported: Import) => boolean): string[] {
  return sources
    .filter((source) => source.part === part)
    .flatMap((source) =>
      source.imports.filter((i) => !allowed(source, i)).map((i) => `${source.file} imports ${i.of}`),
    );
}

const within = (folder: string, { of, ours }: Import) => ours && of.startsWith(`${folder}/`);

test("the tree that is checked is the tree that there is", () => {
  const names = outside.map(({ file }) => file);
  expect(names).toEqual(
    expect.arrayContaining(["actors/money.ts", "engine/loop/shard.ts", "persistence/log/journal.ts"]),
  );
  const shard = sources.find(({ file }) => file === "engine/loop/shard.ts")!;
  expect(shard.imports).toContainEqual({ of: "actors/facts.ts", ours: true, typesOnly: true });
  expect(shard.imports).toContainEqual({ of: "engine/links/feed.ts", ours: true, typesOnly: false });
  for (const { file, imports } of sources) {
    for (const { of, ours } of imports) {
      if (ours && of.endsWith(".ts"))
        expect(
          sources.some((s) => s.file === of),
          `${file}: ${of}`,
        ).toBe(true);
    }
  }
});

test("actors import nobody but themselves, and decimal.js in money only", () => {
  const allowed = (source: Source, i: Import) =>
    within("actors", i) || (i.of === "decimal.js" && source.file === "actors/money.ts");
  expect(violations("actors", allowed)).toEqual([]);
});

test("engine imports actors, itself, and the types of the journal", () => {
  const allowed = (source: Source, i: Import) =>
    within("actors", i) ||
    within("engine", i) ||
    (i.of === "persistence/log/journal.ts" && i.typesOnly) ||
    (source.file === "engine/tables/hash-index.ts" && i.of === "node") ||
    (source.file === "engine/turns/tokens.ts" && i.of === "node") ||
    (source.file === "engine/tables/snapshot.ts" && (i.of === "msgpackr" || i.of === "node"));
  expect(violations("engine", allowed)).toEqual([]);
});

test("persistence imports actors, itself, Node and better-sqlite3", () => {
  const allowed = (_: Source, i: Import) =>
    within("actors", i) || within("persistence", i) || i.of === "node" || i.of === "better-sqlite3";
  expect(violations("persistence", allowed)).toEqual([]);
});

test("client imports nothing of the server", () => {
  const ownPackages = ["node", "ws", "msgpackr"];
  const allowed = (_: Source, i: Import) => within("client", i) || ownPackages.includes(i.of);
  expect(violations("client", allowed)).toEqual([]);
});

test("nothing that runs imports a test, and only tests import vitest and fast-check", () => {
  const wrong = outside.flatMap(({ file, imports }) =>
    imports
      .filter((i) => within("test", i) || ["vitest", "fast-check"].includes(i.of))
      .map((i) => `${file} imports ${i.of}`),
  );
  expect(wrong).toEqual([]);
});

test("nothing that an engine is made of imports the command line, the bench or the examples", () => {
  const base = ["actors", "engine", "persistence", "gateway", "client"];
  const wrong = base.flatMap((part) =>
    violations(part, (_, i) => !["cli", "bench", "examples"].some((folder) => within(folder, i))),
  );
  expect(wrong).toEqual([]);
});

/** Packages, and the files or folders that may import them. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "uWebSockets.js": ["gateway/socket-server.ts", "gateway/http/http-server.ts", "bench/echo-server.ts"],
  // The bench opens no log with it: it writes down which SQLite was measured.
  "better-sqlite3": ["persistence/", "bench/machine.ts"],
  "decimal.js": ["actors/money.ts"],
  typebox: ["gateway/"],
  commander: ["cli/"],
  pino: ["cli/log.ts"],
};

test.each(Object.entries(homes))("%s is imported in %s only", (name, allowed) => {
  const users = outside.filter(({ imports }) => imports.some((i) => i.of === name)).map(({ file }) => file);
  expect(users.filter((file) => !allowed.some((home) => file.startsWith(home)))).toEqual([]);
});

test("every package that is imported is a dependency", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const used = new Set(outside.flatMap(({ imports }) => imports.filter((i) => !i.ours).map((i) => i.of)));
  used.delete("node");
  expect([...used].filter((name) => !(name in dependencies) && name !== "yifen")).toEqual([]);
});

test("no file imports itself, over however many others, types included", () => {
  const next = new Map(
    outside.map(({ file, imports }) => [file, imports.filter((i) => i.ours).map((i) => i.of)]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});

/** The rooms of each part from the bottom up; "" is the part's own folder. Whoever lives in one imports what lies below. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  actors: ["", "transactions"],
  engine: [
    ...["seams", "tables", "links", "turns", "calls"],
    ...["orders", "cross-shard", "refunds", "payments", "transactions", "catalog", "review", "loop"],
  ],
  persistence: ["log", "snapshots", "audit", "read", "outlets"],
  gateway: ["edge", "codecs", "describe", "http", "outlets", "host", ""],
};

/** What points up all the same, and why: an order that is placed, canceled or ended does so on other shards and to its refunds. */
const upward = [
  "engine/orders/advance-order.ts imports engine/refunds/refund-order.ts",
  "engine/orders/advance-order.ts imports engine/refunds/refunds.ts",
  "engine/orders/move-order.ts imports engine/cross-shard/cross-shard.ts",
  "engine/orders/move-order.ts imports engine/refunds/refunds.ts",
  "engine/orders/place-order.ts imports engine/cross-shard/cross-shard.ts",
  // A scrape reads the counters of the sockets.
  "gateway/host/engine-metrics.ts imports gateway/socket-server.ts",
  // The thread of the sinks opens the logs of a data folder.
  "gateway/outlets/outlet-worker.ts imports gateway/host/data-folder.ts",
  "gateway/outlets/outlets.ts imports gateway/host/data-folder.ts",
];

test("ARCHITECTURE says how many they are", () => {
  const words = ["six", "seven", "eight", "nine", "ten"];
  const text = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8").replaceAll(/\s+/g, " ");
  expect(text).toContain(`imports point down, but for ${words[upward.length - 6]} that are named`);
});

const roomOf = (part: string, file: string) => file.slice(part.length + 1).replace(/\/?[^/]+$/, "");

test.each(Object.keys(rooms))("every file of %s is in a room, and imports from the rooms below", (part) => {
  const order = rooms[part]!;
  const inPart = sources.filter((source) => source.part === part);
  expect(inPart.filter(({ file }) => !order.includes(roomOf(part, file))).map(({ file }) => file)).toEqual(
    [],
  );
  const up = violations(part, ({ file }, i) => {
    if (!within(part, i)) return true;
    return order.indexOf(roomOf(part, i.of)) <= order.indexOf(roomOf(part, file));
  });
  expect(up.sort()).toEqual(upward.filter((arrow) => arrow.startsWith(`${part}/`)).sort());
});

/** "SHARD-4": a line of a doc comment that opens with the file's own name in capitals and a number states an invariant. */
const invariant = /^ \*\s{1,4}([A-Z][A-Z-]*-\d{1,2})\s{2,}\S/gm;

/** Of every invariant, the file that states it. */
const statedIn = new Map<string, string>();
const statedTwice: string[] = [];
for (const { file, text } of sources) {
  for (const [, label] of text.matchAll(invariant)) {
    if (statedIn.has(label!)) statedTwice.push(`${label} of ${file} is ${statedIn.get(label!)}'s`);
    statedIn.set(label!, file);
  }
}

test("an invariant's label is its file's alone, and tells which file that is", () => {
  expect(statedTwice).toEqual([]);
  const wrong = [...statedIn].filter(([label, file]) => {
    const prefix = label.replace(/-\d+$/, "");
    const name = file.split("/").at(-1)!.replace(/\.ts$/, "").toUpperCase();
    return prefix !== name && !prefix.endsWith(`-${name}`);
  });
  expect(wrong).toEqual([]);
  expect(statedIn.size).toBeGreaterThan(200);
});

/** What a label can begin with: a label's own first part, or the name of a file. */
const prefixes = new Set([
  ...[...statedIn.keys()].map((label) => label.replace(/-\d+$/, "")),
  ...outside.map(({ file }) => file.split("/").at(-1)!.replace(/\.ts$/, "").toUpperCase()),
]);

/** The labels that a text cites. "UTF-8" is none, because no file is called so. */
function citedIn(text: string): string[] {
  const words = [...text.matchAll(/(?<![A-Za-z0-9-])([A-Z][A-Z-]*)-(\d{1,2})(?![\dA-Za-z-])/g)];
  return words.filter(([, prefix]) => prefixes.has(prefix!)).map(([label]) => label);
}

test("every invariant of what ships is cited by a test that fails when it is broken", () => {
  const cited = new Set(
    sources.filter(({ file }) => file.endsWith(".test.ts")).flatMap(({ text }) => citedIn(text)),
  );
  const shipping = [...statedIn].filter(([, file]) => !/^(?:test|bench)\//.test(file));
  expect(shipping.map(([label]) => label).filter((label) => !cited.has(label))).toEqual([]);
});

test("every invariant that is cited, in the code, a test or a document, is stated somewhere", () => {
  const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)]
    .filter((file) => file.endsWith(".md"))
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
  const unknown = [...sources, ...documents].flatMap(({ file, text }) =>
    citedIn(text)
      .filter((label) => !statedIn.has(label))
      .map((label) => `${label} in ${file}`),
  );
  expect(unknown).toEqual([]);
});

test("every row of the table of invariants names labels that keep it, and rows are numbered without a gap", () => {
  const rows = readFileSync(join(root, "docs/ARCHITECTURE.md"), "utf8")
    .split("\n")
    .filter((line) => /^\| I\d+ \|/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.map(([, number]) => number)).toEqual(rows.map((_, n) => `I${n + 1}`));
  expect(rows.length).toBeGreaterThan(10);
  for (const [, number, , labels] of rows) {
    expect(citedIn(labels!).join(", "), number).toBe(labels);
    for (const label of citedIn(labels!)) expect(statedIn.has(label), label).toBe(true);
  }
});

const forbidden: readonly (readonly [string, RegExp])[] = [
  ["the clock", /\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bprocess\.hrtime\b/],
  ["a timer", /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/],
  ["randomness", /\bMath\.random\b|\bcrypto\.random|\brandomUUID\b/],
  ["a promise", /\basync\b|\bawait\b|\bPromise\b/],
  ["the console", /\bconsole\b/],
  ["the process", /\bprocess\./],
];

/** Where the engine meets the machine: its clock, its loop, and the bus that hands frames over in the next task. */
const seams = ["engine/seams/clock.ts", "engine/loop/loop.ts", "engine/seams/memory-bus.ts"];

test.each(forbidden)("TURN-3, EVOLVE-1: rules and engine do not know %s", (_, pattern) => {
  const pure = sources.filter(
    ({ part, file }) => ["actors", "engine"].includes(part) && !seams.includes(file),
  );
  expect(pure.filter(({ code }) => pattern.test(code)).map(({ file }) => file)).toEqual([]);
});

test("files are named in kebab-case, and none is a drawer for everything", () => {
  const names = sources.map(({ file }) =>
    file
      .split("/")
      .at(-1)!
      .replace(/(\.test)?\.ts$/, ""),
  );
  expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  const drawers = ["utils", "util", "helpers", "helper", "common", "misc", "shared", "index", "types"];
  expect(names.filter((name) => drawers.includes(name))).toEqual([]);
});

test("no barrel files: a file that only exports from others", () => {
  const barrels = outside.filter(({ code }) => {
    const statements = code
      .split(";")
      .map((statement) => statement.trim())
      .filter((statement) => statement !== "");
    return statements.length > 0 && statements.every((statement) => /^export\b.*\bfrom\b/s.test(statement));
  });
  expect(barrels.map(({ file }) => file)).toEqual([]);
});

test("nothing is left for later", () => {
  // In pieces, so that this file is not one of them.
  const later = new RegExp(["TO", "DO|FIX", "ME|HA", "CK"].join(""));
  expect(sources.filter(({ text }) => later.test(text)).map(({ file }) => file)).toEqual([]);
});

test("no test is skipped or alone", () => {
  const marked = sources.filter(
    ({ part, code }) => part === "test" && /\b(?:test|it|describe)\.(?:only|skip|todo)\b/.test(code),
  );
  expect(marked.map(({ file }) => relative("test", file))).toEqual([]);
});
