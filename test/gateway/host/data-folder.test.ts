/** What a folder is: taken over from before, refused when it is not whole, not of one engine or newer, and never mended in silence. */

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditFolder } from "../../../gateway/host/audit-run.js";
import { BadConfig } from "../../../gateway/host/config.js";
import { readDataFolder } from "../../../gateway/host/data-folder.js";
import { anchorFile } from "../../../persistence/log/anchor.js";
import { logIdentity } from "../../../persistence/log/log-reader.js";
import { FolderRefused } from "../../../persistence/log/storage-error.js";
import {
  contentsOf,
  copyOf,
  lookers,
  type MadeBefore,
  madeBefore,
  newFolder,
  openHost,
} from "../../support/data-folder.js";
import { yifen } from "../../support/server-process.js";

describe("a folder made before engines had a name", () => {
  for (const [name, shards] of [
    ["one-shard", 1],
    ["two-shards", 2],
  ] as const) {
    test(`FOLDER-START-3: ${name}: everybody may look at it, the first start takes it over and says so in one line, the second says nothing`, async () => {
      const folder = madeBefore(name);
      const before = contentsOf(folder);
      for (const look of Object.values(lookers)) look(folder);
      expect(contentsOf(folder)).toEqual(before);
      expect(readDataFolder(folder)).toEqual({ folder, shards, engine: undefined });

      const said: string[] = [];
      const first = await openHost(folder, shards, said);
      expect(first.parts.map(({ books }) => books.position >= 142)).toEqual(first.parts.map(() => true));
      await first.stop();
      expect(said.filter((line) => line.includes("taken over"))).toEqual([
        expect.stringMatching(/ was made by an older version and is taken over: engine [0-9a-f]{32}$/),
      ]);
      const { engine } = readDataFolder(folder);
      expect(engine).toMatch(/^[0-9a-f]{32}$/);
      for (let shard = 0; shard < shards; shard++)
        expect(logIdentity(join(folder, `shard-${shard}`))).toEqual({ engine, shard, shards });
      expect(readFileSync(join(folder, "token.key"), "utf8")).toMatch(
        new RegExp(`^${engine}:[0-9a-f]{64}\n$`),
      );

      const again: string[] = [];
      await (await openHost(folder, shards, again)).stop();
      expect(again.filter((line) => line.includes("taken over"))).toEqual([]);
      expect(readDataFolder(folder).engine).toBe(engine);
      expect(auditFolder(folder, () => {})).toMatchObject({
        ok: true,
        figures: { accounts: 6, products: 4 },
      });
    });
  }

  const lost: readonly (readonly [
    what: string,
    of: MadeBefore,
    breaks: (folder: string) => void,
    says: RegExp,
  ])[] = [
    ["no yifen.json", "two-shards", (f) => rmSync(join(f, "yifen.json")), /yifen\.json: it is missing/],
    [
      "fewer shards in yifen.json",
      "two-shards",
      (f) => writeFileSync(join(f, "yifen.json"), '{"format":1,"shards":1}'),
      /yifen\.json: it says 1 shard, and there is shard-1/,
    ],
    [
      "more shards in yifen.json",
      "one-shard",
      (f) => writeFileSync(join(f, "yifen.json"), '{"format":1,"shards":2}'),
      /shard-1: it is missing/,
    ],
    [
      "a shard without its log",
      "two-shards",
      (f) => emptied(join(f, "shard-1")),
      /shard-1\/anchor: it is missing/,
    ],
    [
      "an empty token.key",
      "one-shard",
      (f) => writeFileSync(join(f, "token.key"), ""),
      /token\.key: it is empty/,
    ],
  ];
  for (const [what, of, breaks, says] of lost) {
    test(`${what}: refused, and nothing is touched`, async () => {
      const folder = madeBefore(of);
      breaks(folder);
      const before = contentsOf(folder);
      for (const shards of [1, 2])
        await expect(openHost(folder, shards)).rejects.toThrow(/it is|there is|was made with/);
      for (const look of Object.values(lookers)) expect(() => look(folder)).toThrow(says);
      expect(contentsOf(folder)).toEqual(before);
    });
  }

  test("without token.key it gets a new one: those versions allowed to delete it", async () => {
    const folder = madeBefore("one-shard");
    rmSync(join(folder, "token.key"));
    await (await openHost(folder, 1)).stop();
    expect(readFileSync(join(folder, "token.key"), "utf8")).toMatch(/^[0-9a-f]{32}:[0-9a-f]{64}\n$/);
  });
});

function emptied(folder: string): void {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
}

describe("a folder of two shards", () => {
  let whole: string;
  /** Of another engine. */
  let other: string;
  let engine: string;
  const kept: string[] = [];

  beforeAll(async () => {
    for (const name of ["two-shards", "two-shards"] as const) {
      const folder = madeBefore(name);
      await (await openHost(folder, 2)).stop();
      // Not removed after the first test: they serve them all.
      const keep = `${newFolder()}-kept`;
      cpSync(folder, keep, { recursive: true });
      kept.push(keep);
    }
    [whole, other] = kept as [string, string];
    engine = readDataFolder(whole).engine!;
  });

  afterAll(() => {
    for (const folder of kept) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
  });

  test("is opened, looked at, and opened again", async () => {
    const folder = copyOf(whole);
    for (let i = 0; i < 2; i++) await (await openHost(folder, 2)).stop();
    for (const look of Object.values(lookers)) look(folder);
  });

  const manifest = (content: unknown) => (folder: string) =>
    writeFileSync(
      join(folder, "yifen.json"),
      typeof content === "string" ? content : JSON.stringify(content),
    );
  const token = (content: string) => (folder: string) => writeFileSync(join(folder, "token.key"), content);
  const secret = "5".repeat(64);

  interface Broken {
    readonly what: string;
    readonly breaks: (folder: string) => void;
    /** The place first. */
    readonly says: RegExp;
    /** In the way on. */
    readonly advice?: RegExp;
  }
  const table: readonly Broken[] = [
    {
      what: "yifen.json is missing",
      breaks: (f) => rmSync(join(f, "yifen.json")),
      says: /\/yifen\.json: it is missing/,
      advice: /echo '\{"format":2,"engine":"[0-9a-f]{32}","shards":2\}' > /,
    },
    {
      what: "yifen.json is empty",
      breaks: manifest(""),
      says: /\/yifen\.json: it is empty/,
      advice: /"shards":2/,
    },
    { what: "yifen.json is white", breaks: manifest(" \n"), says: /\/yifen\.json: it is empty/ },
    {
      what: "yifen.json is cut",
      breaks: manifest('{"format":2,"eng'),
      says: /\/yifen\.json: it is not JSON/,
      advice: /"shards":2/,
    },
    { what: "yifen.json is null", breaks: manifest("null"), says: /\/yifen\.json: it is not a JSON object/ },
    { what: "yifen.json is a list", breaks: manifest("[2]"), says: /\/yifen\.json: its format is missing/ },
    {
      what: "its format is newer",
      breaks: (f) => manifest({ format: 9, shards: 2 })(f),
      says: /\/yifen\.json: its format 9 is newer/,
      advice: /version of yifen that has worked here/,
    },
    {
      what: "its format is 0",
      breaks: manifest({ format: 0, shards: 2 }),
      says: /\/yifen\.json: its format is 0/,
    },
    {
      what: "its format is a text",
      breaks: manifest({ format: "2", shards: 2 }),
      says: /\/yifen\.json: its format is "2"/,
    },
    {
      what: "it is of before",
      breaks: (f) => manifest({ format: 1, shards: 3 })(f),
      says: /\/yifen\.json: it says 3 shards, and the logs are of engine/,
    },
    ...[undefined, 0, -1, 1.5, "2", null, 1025].map((shards) => ({
      what: `its shards are ${shards}`,
      breaks: (f: string) => manifest({ format: 2, engine, shards })(f),
      says: /\/yifen\.json: its number of shards is /,
      advice: /"shards":2/,
    })),
    {
      what: "it says fewer shards",
      breaks: (f) => manifest({ format: 2, engine, shards: 1 })(f),
      says: /\/yifen\.json: it says 1 shards?, and the logs are of engine [0-9a-f]+ with 2/,
      advice: /"shards":2/,
    },
    {
      what: "it says more shards",
      breaks: (f) => manifest({ format: 2, engine, shards: 3 })(f),
      says: /\/yifen\.json: it says 3 shards, and the logs/,
      advice: /"shards":2/,
    },
    {
      what: "it names no engine",
      breaks: manifest({ format: 2, shards: 2 }),
      says: /\/yifen\.json: it does not name an engine/,
    },
    {
      what: "it is another engine's",
      breaks: (f) => cpSync(join(other, "yifen.json"), join(f, "yifen.json")),
      says: /\/yifen\.json: it says engine [0-9a-f]+, and the logs are of engine/,
    },
    {
      what: "yifen.json is a folder",
      breaks: (f) => instead(join(f, "yifen.json"), (name) => mkdirSync(name)),
      says: /\/yifen\.json: cannot be read: EISDIR/,
    },
    {
      what: "token.key is missing",
      breaks: (f) => rmSync(join(f, "token.key")),
      says: /\/token\.key: it is missing/,
      advice: /openssl rand -hex 32/,
    },
    {
      what: "token.key is empty",
      breaks: token(""),
      says: /\/token\.key: it is empty/,
      advice: /openssl rand -hex 32/,
    },
    {
      what: "token.key is cut",
      breaks: (f) => token(`${engine}:${secret.slice(1)}\n`)(f),
      says: /\/token\.key: it is not what was written there/,
    },
    {
      what: "token.key is of before",
      breaks: token(`${secret}\n`),
      says: /\/token\.key: it does not say which engine it is of/,
    },
    {
      what: "token.key is another engine's",
      breaks: (f) => cpSync(join(other, "token.key"), join(f, "token.key")),
      says: /\/token\.key: it is of engine [0-9a-f]+, the folder of engine/,
    },
    {
      what: "a shard is missing",
      breaks: (f) => rmSync(join(f, "shard-1"), { recursive: true }),
      says: /\/shard-1: it is missing/,
      advice: /together with the others/,
    },
    {
      what: "the first shard is missing",
      breaks: (f) => rmSync(join(f, "shard-0"), { recursive: true }),
      says: /\/shard-0: it is missing/,
    },
    {
      what: "a shard is empty",
      breaks: (f) => emptied(join(f, "shard-1")),
      says: /\/shard-1: its log does not say whose it is/,
    },
    {
      what: "a shard is a file",
      breaks: (f) => instead(join(f, "shard-1"), (name) => writeFileSync(name, "")),
      says: /\/shard-1\/anchor: cannot be read: ENOTDIR/,
    },
    {
      what: "a shard is of before",
      breaks: (f) =>
        instead(join(f, "shard-1"), (name) =>
          cpSync(join(madeBefore("two-shards"), "shard-1"), name, { recursive: true }),
        ),
      says: /\/shard-1: its log does not say whose it is/,
    },
    {
      what: "the shards are swapped",
      breaks: swap,
      says: /\/shard-0: it holds shard 1 of 2 of engine [0-9a-f]+, and shard 0 of 2 of/,
      advice: /name shard-1/,
    },
    {
      what: "a shard is there twice",
      breaks: (f) =>
        instead(join(f, "shard-1"), (name) => cpSync(join(f, "shard-0"), name, { recursive: true })),
      says: /\/shard-1: it holds shard 0 of 2/,
    },
    {
      what: "a shard is another engine's",
      breaks: (f) =>
        instead(join(f, "shard-1"), (name) => cpSync(join(other, "shard-1"), name, { recursive: true })),
      says: /\/shard-1: it holds shard 1 of 2 of engine [0-9a-f]+, and shard 1 of 2 of engine/,
    },
    {
      what: "there is a shard too many",
      breaks: (f) => mkdirSync(join(f, "shard-2")),
      says: /\/yifen\.json: it says 2 shards, and there is shard-2/,
    },
    {
      what: "an anchor is another shard's",
      breaks: (f) => cpSync(join(f, "shard-0/anchor"), join(f, "shard-1/anchor")),
      says: /\/shard-1: it holds shard 0 of 2/,
    },
    {
      what: "a log's format is newer",
      breaks: newerIdentity,
      says: /\/shard-1\/anchor: the log's format 7 is newer/,
      advice: /version of yifen that has worked here/,
    },
  ];

  for (const { what, breaks, says, advice } of table) {
    test(`DATA-FOLDER-1, DATA-FOLDER-2: ${what}: refused by all alike, with the place and the way on, and nothing is touched`, async () => {
      const folder = copyOf(whole);
      breaks(folder);
      const before = contentsOf(folder);
      for (const [name, look] of Object.entries(lookers)) {
        const error = thrownBy(() => look(folder));
        expect(error, name).toBeInstanceOf(FolderRefused);
        expect((error as Error).message, name).toMatch(says);
        expect((error as FolderRefused).wayOn, name).toMatch(advice ?? /./);
      }
      const error = await openHost(folder, 2).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error instanceof FolderRefused || error instanceof BadConfig).toBe(true);
      if (error instanceof FolderRefused) expect(error.message).toMatch(says);
      else expect((error as Error).message).toMatch(/^--shards 2: .* was made with [13]/);
      expect(contentsOf(folder)).toEqual(before);
    });
  }

  test("another number of shards is refused with the right one", async () => {
    for (const shards of [1, 3, 64]) {
      await expect(openHost(copyOf(whole), shards)).rejects.toThrow(
        `was made with 2, which never changes: --shards 2`,
      );
    }
  });

  test("what the way on says is enough: a lost yifen.json and a lost token.key are written by it", async () => {
    const folder = copyOf(whole);
    for (const name of ["yifen.json", "token.key"]) {
      rmSync(join(folder, name));
      const { wayOn } = thrownBy(() => readDataFolder(folder)) as FolderRefused;
      const command = /\(umask 077; .*\)$/.exec(wayOn)![0];
      execFileSync("sh", ["-c", command]);
    }
    await (await openHost(folder, 2)).stop();
    expect(readDataFolder(folder).engine).toBe(engine);
  });

  test("every command says it in one line and one for the way on, and exits 5", async () => {
    const folder = copyOf(whole);
    rmSync(join(folder, "yifen.json"));
    const commands = [
      ["start", "--port", "0"],
      ["start", "--port", "0", "--shards", "2"],
      ["audit"],
      ["verify"],
      ["explain", "balance", "ann"],
      ["outlets", "status"],
    ];
    const ends = await Promise.all(commands.map((command) => yifen([...command, "--data", folder])));
    for (const [n, { code, out, err }] of ends.entries()) {
      expect([commands[n], code], out + err).toEqual([commands[n], 5]);
      expect(err.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^yifen: \S+\/yifen\.json: it is missing, and an engine's data is here$/),
        expect.stringMatching(/^ {7}restore it from a backup/),
      ]);
      expect(out).not.toContain("listening");
    }
  });

  function newerIdentity(folder: string): void {
    const file = anchorFile(join(folder, "shard-1"));
    const anchor = readFileSync(file);
    for (const at of [2048, 6144]) {
      anchor.writeUInt32LE(7, at + 8);
      anchor.writeUInt32LE(crc32(anchor.subarray(at, at + 36)), at + 36);
    }
    writeFileSync(file, anchor);
  }

  function swap(folder: string): void {
    renameSync(join(folder, "shard-0"), join(folder, "between"));
    renameSync(join(folder, "shard-1"), join(folder, "shard-0"));
    renameSync(join(folder, "between"), join(folder, "shard-1"));
  }
});

function instead(name: string, put: (name: string) => void): void {
  rmSync(name, { recursive: true });
  put(name);
}

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
