import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { unknownCallMs } from "../../engine/loop/call-reports.js";
import { methods } from "../../engine/loop/methods.js";
import { resultCharsMax } from "../../engine/seams/limits.js";
import { saveBooks, snapshotFormat, stateHash } from "../../engine/tables/snapshot.js";
import { recoverShard } from "../../gateway/host/recovery.js";
import { LogDamaged } from "../../persistence/log/journal.js";
import { checkLog } from "../../persistence/log/log-check.js";
import { LogReader, logIdentity } from "../../persistence/log/log-reader.js";
import { Follower } from "../../persistence/read/read-follower.js";
import { writeSnapshot } from "../../persistence/snapshots/snapshot-file.js";
import { projected } from "../persistence/after-sale-log.js";
import { yifen } from "../support/server-process.js";
import { blocksOf, cellsOf, readDocument, tableOf } from "./document.js";
import { type DocumentEngine, openDocumentEngine, runExamples } from "./examples-run.js";
import { checksTable, exitCodeNumbers, number, settingsRows } from "./tables.js";

const markdown = readDocument("docs/OPERATING.md");
const megabyte = 1024 * 1024;

/** The first table under a heading. */
function tableUnder(heading: string): string[][] {
  const section = markdown.slice(markdown.indexOf(`\n## ${heading}\n`));
  return cellsOf(section.slice(section.indexOf("\n|") + 1).split("\n\n")[0]!);
}

function block(info: string, containing: string): string {
  return blocksOf(markdown).find((each) => each.info === info && each.text.includes(containing))!.text;
}

/** The document's queries; `shown` is what it says they find. */
const queries = blocksOf(markdown).flatMap(({ info, text }, index, blocks) => {
  const next = blocks[index + 1];
  return info === "sql"
    ? [{ sql: text, shown: next?.info === "text" ? next.text.trimEnd() : undefined }]
    : [];
});

test("the settings are those of the program", () => {
  expect(tableOf(markdown, "settings")).toBe(settingsRows());
});

test("the checks of an audit are those of the program", () => {
  expect(tableOf(markdown, "checks")).toBe(checksTable());
});

test("the exit codes are those of the program", () => {
  const rows = markdown.slice(markdown.indexOf("| exit code |")).split("\n\n")[0]!;
  expect(cellsOf(rows).map(([code]) => Number(code))).toEqual(exitCodeNumbers());
});

test("what a nearly full disk refuses is what the program refuses", () => {
  const section = markdown.split("\n## When the disk is full\n")[1]!.split("\n\n")[0]!;
  const named = [...section.matchAll(/`([a-z]+\.[a-z]+)`/g)].map(([, name]) => name);
  const growing = Object.entries(methods).filter(([, { grows }]) => grows);
  expect(named.sort()).toEqual(growing.map(([name]) => name).sort());
});

/** Sentences with a number in them that is the program's. */
const prose = markdown.replaceAll(/\s+/g, " ");

test.each([
  `at most ${number(resultCharsMax)} characters of JSON`,
  `What is still open after ${unknownCallMs === 86_400_000 ? "a day" : "?"} is an item`,
])("the text says what the program does: %s", (said) => {
  expect(prose).toContain(said);
});

test("every metric of the alarms is one of PROTOCOL", () => {
  const known = new Set(cellsOf(tableOf(readDocument("docs/PROTOCOL.md"), "metrics")!).map(([name]) => name));
  const named = markdown.match(/`(?:yifen|process)_[a-z_]+`/g)!.map((name) => name.slice(1, -1));
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect(known).toContain(name);
});

describe("a folder", () => {
  let data: string;
  let shard: string;

  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), "operating-"));
    shard = join(data, "shard-0");
  });

  afterEach(() => rmSync(data, { recursive: true, force: true, maxRetries: 9 }));

  /** A shop with two paid orders, one that is not paid and one that is canceled; stopped. */
  async function trade(): Promise<void> {
    const engine = await openDocumentEngine(data, false);
    await ask(engine, [
      ["account.open", { account: "ann", currency: "CNY" }],
      ["account.deposit", { account: "ann", amount: "100.00", ref: "r1" }],
      ["product.create", { product: "tea", name: "Tea", price: "9.99", currency: "CNY", stock: 10 }],
      ["product.create", { product: "mug", name: "Mug", price: "25.00", currency: "CNY", stock: 10 }],
      ["order.place", place("k1", { tea: 2, mug: 1 }, "balance")],
      ["order.place", place("k2", { tea: 1 }, "balance")],
      ["order.place", place("k3", { mug: 1 }, "later")],
      ["order.place", place("k4", { mug: 2 }, "later")],
      ["order.cancel", { order: "o4683", key: "k5" }],
    ]);
    await engine.stop();
  }

  async function readSide(): Promise<Database.Database> {
    const reader = new LogReader(shard);
    const source = {
      shard: 0,
      readAfter: (position: number, bytes: number) => reader.readAfter(position, bytes),
    };
    const follower = new Follower(join(data, "read.db"), [source], 1000);
    while (follower.step(100));
    follower.close();
    reader.close();
    return new Database(join(data, "read.db"), { readonly: true });
  }

  test("holds no file that the document does not know", async () => {
    await trade();
    const { books, journal } = recoverShard(shard, logIdentity(shard)!, megabyte, "all", () => {});
    const { position, hash } = journal.end;
    journal.close();
    await writeSnapshot(shard, { position, chainHash: hash, format: snapshotFormat }, saveBooks(books), 0);
    (await readSide()).close();
    const patterns = tableUnder("The data folder").flatMap(([files]) =>
      files!.split(", ").map((file) => {
        const name = file.replaceAll("`", "").replaceAll(".", "[.]").replaceAll("*", ".*");
        return new RegExp(`^${name.replace("shard-N", "shard-0").replace("POSITION", "[0-9]{16}")}$`);
      }),
    );
    const found = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(data.length + 1));
    expect(found.length).toBeGreaterThanOrEqual(8);
    for (const file of found)
      expect(
        patterns.some((pattern) => pattern.test(file)),
        file,
      ).toBe(true);
  });

  test("is whole without what may be deleted", async () => {
    await trade();
    const first = recoverShard(shard, logIdentity(shard)!, megabyte, "all", () => {});
    const { position, hash } = first.journal.end;
    first.journal.close();
    const before = stateHash(first.books);
    await writeSnapshot(
      shard,
      { position, chainHash: hash, format: snapshotFormat },
      saveBooks(first.books),
      0,
    );
    for (const name of readdirSync(shard)) {
      if (/[.]snap$|-shm$|^spare-wal$/.test(name)) rmSync(join(shard, name));
    }
    const { books, journal, fromSnapshot } = recoverShard(
      shard,
      logIdentity(shard)!,
      megabyte,
      "all",
      () => {},
    );
    journal.close();
    expect(fromSnapshot).toBe(0);
    expect(stateHash(books)).toBe(before);
  });

  test("is refused without its anchor, and with a damaged segment in words that the document explains", async () => {
    await trade();
    const wal = join(
      shard,
      readdirSync(shard).find((name) => name.endsWith("-wal") && name.startsWith("log-"))!,
    );
    const anchor = join(shard, "anchor");
    const kept = readFileSync(anchor);
    rmSync(anchor);
    expect(() => checkLog({ folder: shard })).toThrow(LogDamaged);
    expect(() => checkLog({ folder: shard })).toThrow("acceptMissingAnchor");
    writeFileSync(anchor, kept);
    const bytes = readFileSync(wal);
    bytes[5000]! ^= 1;
    writeFileSync(wal, bytes);
    expect(() => checkLog({ folder: shard })).toThrow("a damaged frame in front of a later transaction");
    expect(markdown).toContain("a damaged frame in front of a later transaction");
  });

  test("is copied while it is written, by the commands of the document, and goes on from the copy", async () => {
    const engine = await openDocumentEngine(data, false);
    await ask(engine, [
      ["account.open", { account: "ann", currency: "CNY" }],
      ["account.deposit", { account: "ann", amount: "100.00", ref: "r1" }],
    ]);
    const to = join(data, "copy");
    mkdirSync(to);
    const script = `set -e\nyifen() { test "$1" = verify; }\n${block("sh", "anchor")}`;
    // A process of its own: nothing in this one may open these files.
    execFileSync("sh", ["-c", script], { env: { ...process.env, DATA: data, TO: to } });
    await ask(engine, [["account.deposit", { account: "ann", amount: "5.00", ref: "r2" }]]);
    await engine.stop();

    expect(checkLog({ folder: join(to, "shard-0") }).end.position).toBeGreaterThan(0);
    const copy = await openDocumentEngine(to, false);
    const [answer] = await ask(copy, [["account.get", { account: "ann" }]]);
    await copy.stop();
    expect(answer).toMatchObject({ result: { available: "100.00" } });
  });

  test("answers the queries of the document from read.db", async () => {
    await trade();
    const db = await readSide();
    const found = queries.filter(({ shown }) => !shown).map(({ sql }) => db.prepare(sql).all());
    db.close();
    expect(found).toEqual([
      [
        { product: "mug", units: 1, sold_minor: 2500 },
        { product: "tea", units: 3, sold_minor: 2997 },
      ],
      [{ order_no: "o3659", account: "ann", total: "25.00", pay_by: "2026-10-01T08:15:00.000Z" }],
      [{ unit: "CNY", difference_minor: 0 }],
    ]);
  });

  test("shows what the queries of payments and refunds find", () => {
    const { db } = projected();
    const withAnswer = queries.filter(({ shown }) => shown);
    expect(withAnswer).toHaveLength(2);
    for (const { sql, shown } of withAnswer) {
      const query = db.prepare(sql).raw();
      const rows = [query.columns().map(({ name }) => name), ...(query.all() as unknown[][])];
      expect(rows.map((row) => row.join("|")).join("\n")).toBe(shown);
    }
  });

  test("explains a balance and a product's stock as the document shows it", async () => {
    await trade();
    for (const asked of ["balance ann", "stock mug"]) {
      const shown = block("text", `explain ${asked}`);
      const { code, out } = await yifen(["explain", ...asked.split(" "), "--data", data]);
      expect([code, `$ yifen explain ${asked}\n${out}`.trim()]).toEqual([0, shown.trim()]);
    }
  });

  test("has the tables and views of the document in read.db, and no others", async () => {
    await trade();
    const db = await readSide();
    const names = (type: string) =>
      db.prepare("SELECT name FROM sqlite_schema WHERE type = ?").pluck().all(type);
    const listed = tableUnder("read.db").map(([table]) => table!);
    expect([...names("table")].sort()).toEqual([...listed].sort());
    expect([...names("view")].sort()).toEqual(
      listed
        .slice(0, 11)
        .map((table) => `readable_${table}`)
        .sort(),
    );
    db.close();
  });
});

type Asked = readonly [method: string, params: object];

async function ask(engine: DocumentEngine, asked: readonly Asked[]): Promise<unknown[]> {
  const exchanges = asked.map(([method, params], n) => ({
    passMs: 0,
    request: { id: n + 1, method, params },
    frames: [],
    line: 0,
  }));
  const answers = (await runExamples(engine, "yifen.json", [], exchanges)).flat();
  for (const answer of answers) expect(answer).toMatchObject({ status: 200 });
  return answers;
}

function place(key: string, cart: Readonly<Record<string, number>>, pay: "balance" | "later"): object {
  return {
    account: "ann",
    key,
    pay,
    lines: Object.entries(cart).map(([product, qty]) => ({ product, qty })),
  };
}
