/** What somebody gets who installs it: the package, the client alone, and one line where a compiled part is missing. */

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { full } from "./support/scale.js";
import { startServer } from "./support/server-process.js";

const root = resolve(".");
let place = "";
let clone = "";
/** A program's folder with `yifen` and `yifen-client` unpacked, and of all dependencies only those of the client. */
let program = "";
let listed: string[] = [];

function run(command: string, args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
}

function node(source: string, ...flags: string[]): SpawnSyncReturns<string> {
  return run(process.execPath, [...flags, "--input-type=module", "-e", source], program);
}

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "yifen-packages-"));
  // As after `git clone` and `npm ci`: nothing is compiled.
  clone = join(place, "clone");
  const left = new Set(["node_modules", "dist", ".git"]);
  cpSync(root, clone, {
    recursive: true,
    filter: (file) => file === root || !left.has(file.slice(root.length + 1)),
  });
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  const packed = run("npm", ["pack", "--json", "--pack-destination", place], clone);
  expect(packed.status, packed.stderr).toBe(0);
  const [{ files, filename }] = JSON.parse(packed.stdout) as [
    { files: { path: string }[]; filename: string },
  ];
  listed = files.map(({ path }) => path);
  const client = run(process.execPath, ["pack-client.js", place], clone);
  expect(client.status, client.stderr).toBe(0);

  program = join(place, "program");
  mkdirSync(join(program, "node_modules"), { recursive: true });
  for (const [name, file] of [
    ["yifen", filename],
    ["yifen-client", client.stdout.trim()],
  ] as const) {
    mkdirSync(join(program, "node_modules", name));
    const unpacked = run(
      "tar",
      ["xzf", join(place, file), "--strip-components=1", "-C", `node_modules/${name}`],
      program,
    );
    expect(unpacked.status, unpacked.stderr).toBe(0);
  }
  for (const name of ["ws", "msgpackr"]) copyPackage(name);
  // Half a minute of compiling, and a machine that does other things besides.
}, 240_000);

afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 9 }));

function copyPackage(name: string): void {
  cpSync(join(root, "node_modules", name), join(program, "node_modules", name), {
    recursive: true,
    dereference: true,
  });
}

test("npm pack in a clone compiles first: the package holds what runs, and no test", () => {
  for (const file of [
    "dist/gateway/embedded.js",
    "dist/client/client.js",
    "dist/cli/yifen.js",
    "dist/client/client.d.ts",
  ])
    expect(listed).toContain(file);
  expect(
    listed.filter(
      (file) => /(^|\/)(test|examples|node_modules)\/|\.ts$/.test(file) && !file.endsWith(".d.ts"),
    ),
  ).toEqual([]);
});

test("what is compiled is not compiled again; a changed source is, and so is one whose output is gone", () => {
  const build = () => run(process.execPath, ["build.js"], clone);
  expect(build()).toMatchObject({ status: 0, stdout: "", stderr: "" });
  const [source, output] = [join(clone, "actors/points.ts"), join(clone, "dist/actors/points.js")];
  appendFileSync(source, "\nexport const changed = 1;\n");
  expect(build().stderr).toMatch(/^build: compiling \d+ files; .*\n$/);
  expect(readFileSync(output, "utf8")).toContain("changed");
  expect(build().stderr).toBe("");
  rmSync(output);
  expect(build().stderr).toMatch(/^build: compiling/);
  expect(readFileSync(output, "utf8")).toContain("changed");
  appendFileSync(source, "this does not compile;\n");
  for (let n = 0; n < 2; n++)
    expect(build()).toMatchObject({ status: expect.not.toBeOneOf([0]), stdout: "" });
});

test("the client alone: two dependencies, the versions of ours, and it speaks to a server", async () => {
  const manifest = JSON.parse(readFileSync(join(program, "node_modules/yifen-client/package.json"), "utf8"));
  const { version, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: "yifen-client", version });
  expect(manifest.dependencies).toEqual({ msgpackr: dependencies.msgpackr, ws: dependencies.ws });
  const data = mkdtempSync(join(tmpdir(), "yifen-packages-data-"));
  const server = await startServer(data);
  try {
    for (const name of ["yifen-client", "yifen/client"]) {
      const { status, stdout, stderr } = node(`
        import { connect } from "${name}";
        const yifen = await connect("${server.address}");
        await yifen.ping();
        await yifen.close();
        console.log("spoke");`);
      expect([status, stdout], stderr).toEqual([0, "spoke\n"]);
    }
  } finally {
    await server.stop();
    rmSync(data, { recursive: true, force: true, maxRetries: 9 });
  }
});

/** Vite, as vitest brings it: the bundler that most pages are made with. */
const fromVitest = createRequire(createRequire(import.meta.url).resolve("vitest/package.json"));

interface Chunk {
  readonly code: string;
  readonly imports: readonly string[];
  readonly modules: Readonly<Record<string, unknown>>;
}

/** One script for a browser, of a program that stands beside `yifen` and `yifen-client` and of nothing else. */
async function bundled(source: string): Promise<Chunk> {
  const { build } = (await import(fromVitest.resolve("vite"))) as {
    build: (config: object) => Promise<{ output: Chunk[] }>;
  };
  const input = join(program, "page.js");
  writeFileSync(input, source);
  const output = { format: "iife", name: "page", codeSplitting: false };
  const { output: chunks } = await build({
    root: program,
    configFile: false,
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input, output, preserveEntrySignatures: "strict" },
    },
  });
  expect(chunks).toHaveLength(1);
  return chunks[0]!;
}

/** Runs a script where there is what browsers have, and nothing of Node. */
function inBrowser(code: string, url: string): unknown {
  const web = { WebSocket, URL, crypto, performance, TextEncoder, TextDecoder, ArrayBuffer, Uint8Array };
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask };
  return runInNewContext(`${code}\npage.run(${JSON.stringify(url)});`, { ...web, ...timers });
}

test.each(["yifen", "yifen/client", "yifen-client"])(
  "a page that imports `%s` is bundled without Node and without the engine, and speaks to a server",
  async (name) => {
    const { code, imports, modules } = await bundled(`
      import { connect } from "${name}";
      export async function run(url) {
        const yifen = await connect(url);
        await yifen.accounts.open({ account: "ann", currency: "CNY" }).catch(() => {});
        const { available } = await yifen.accounts.get("ann");
        await yifen.close();
        return available;
      }`);
    expect(imports).toEqual([]);
    const ours = /\/(?:yifen\/dist\/(?:client\/[\w-]+|gateway\/browser)|yifen-client\/[\w-]+)\.js$/;
    const others = /\/msgpackr\/(?:index|pack|unpack|iterators)\.js$|\/ws\/browser\.js$|\/page\.js$|^\0/;
    const strange = Object.keys(modules).filter((file) => !ours.test(file) && !others.test(file));
    expect(strange).toEqual([]);
    expect(code.split("\n").filter((line) => /["']node:|__vite-browser|openEngine/.test(line))).toEqual([]);
    const data = mkdtempSync(join(tmpdir(), "yifen-packages-data-"));
    const server = await startServer(data);
    try {
      expect(await inBrowser(code, server.address)).toBe("0.00");
    } finally {
      await server.stop();
      rmSync(data, { recursive: true, force: true, maxRetries: 9 });
    }
  },
);

test("a page that imports the engine is bundled all the same, and says where to go when it opens one", async () => {
  const { code } = await bundled(`
    import { openEngine, BadConfig } from "yifen";
    export const run = () => {
      try {
        return openEngine({ data: "./data" });
      } catch (error) {
        return [error instanceof BadConfig, error.message];
      }
    };`);
  const line =
    'openEngine of "yifen" needs Node: run a server there (`yifen start`) and reach it from the browser with connect(url)';
  expect(inBrowser(code, "")).toEqual([false, line]);
});

test("in a browser `yifen` has every name that it has in Node, so that no import of one is a riddle", async () => {
  const [inNode, inPage] = await Promise.all([
    import("../gateway/embedded.js"),
    import("../gateway/browser.js"),
  ]);
  expect(Object.keys(inPage).sort()).toEqual(Object.keys(inNode).sort());
});

/** Half a minute and a registry: in `npm run verify`. */
test.each(full ? ["yifen", "yifen-client"] : [])(
  "`npm install` of the packed %s in a project of somebody's own: it runs, with the types that a compiler finds",
  (name) => {
    const project = join(place, `project-${name}`);
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), '{"private":true,"type":"module"}');
    const file = readdirSync(place).find(
      (each) => each.startsWith(`${name}-0`) || each.startsWith(`${name}-1`),
    )!;
    // Compiling takes minutes where no ready-made build can be fetched; it was done here, of the same version, by `npm ci`.
    const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    const installed = run("npm", ["install", `../${file}`, ...flags], project);
    expect(installed.status, installed.stderr).toBe(0);
    const compiledPart = "node_modules/better-sqlite3/build";
    if (name === "yifen")
      cpSync(join(root, compiledPart), join(project, compiledPart), { recursive: true, dereference: true });
    writeFileSync(
      join(project, "use.ts"),
      name === "yifen"
        ? `import { openEngine } from "yifen";
           const yifen = await openEngine();
           const { account }: { account: string } = await yifen.accounts.open({ account: "ann", currency: "CNY" });
           console.log(account);
           await yifen.close();`
        : `import { connect, YifenError } from "yifen-client";
           await connect("http://127.0.0.1:9", { connectTimeoutMs: 1 } as object).catch((error: unknown) =>
             console.log(error instanceof YifenError || error instanceof TypeError ? "ann" : error));`,
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const compiled = run(
      process.execPath,
      [tsc, "--module", "nodenext", "--target", "es2022", "--strict", "use.ts"],
      project,
    );
    expect(compiled.status, compiled.stdout).toBe(0);
    const { status, stdout, stderr } = run(process.execPath, ["use.js"], project);
    expect([status, stdout], stderr).toEqual([0, "ann\n"]);
  },
);

test("a package or its compiled part that is missing: one line with the way on, exit 4, and JSON with --json", () => {
  const yifen = (...args: string[]) =>
    run(process.execPath, ["node_modules/yifen/dist/cli/yifen.js", ...args], program);
  const missing =
    /^yifen: the package [\w.-]+ is not installed: run `npm install` where yifen is installed\n$/;
  const bare = yifen("start", "--json");
  expect([bare.status, bare.stderr]).toEqual([4, expect.stringMatching(missing)]);
  expect(JSON.parse(bare.stdout)).toMatchObject({ ok: false, exitCode: 4, error: { code: "missing" } });

  copyPackage("better-sqlite3");
  for (const name of readdirSync(join(root, "node_modules"))) {
    const link = join(program, "node_modules", name);
    if (name !== "uWebSockets.js" && !existsSync(link)) symlinkSync(join(root, "node_modules", name), link);
  }
  const start = ["start", "--port", "0", "--data", "data"];
  const server = yifen(...start);
  expect([server.status, server.stderr]).toEqual([4, expect.stringMatching(missing)]);
  expect(server.stderr).toContain("uWebSockets.js");

  mkdirSync(join(program, "node_modules/uWebSockets.js"));
  cpSync(
    join(root, "node_modules/uWebSockets.js/uws.js"),
    join(program, "node_modules/uWebSockets.js/uws.js"),
  );
  writeFileSync(join(program, "node_modules/uWebSockets.js/package.json"), '{"main":"uws.js"}');
  const unfit = yifen(...start);
  expect([unfit.status, unfit.stderr]).toEqual([
    4,
    expect.stringMatching(/^yifen: uWebSockets\.js has no compiled part for Node .*\n$/),
  ]);

  const build = join(program, "node_modules/better-sqlite3/build");
  expect(readdirSync(build).length).toBeGreaterThan(0);
  rmSync(build, { recursive: true, force: true, maxRetries: 9 });
  const compiled = /better-sqlite3 is installed without its compiled part: run `npm rebuild better-sqlite3`/;
  const audit = yifen("audit", "--data", "data");
  expect([audit.status, audit.stderr.trimEnd().split("\n").length], audit.stderr).toEqual([2, 1]);
  const embedded = node(`
    import { openEngine } from "yifen";
    await openEngine({ data: "./data" }).catch((error) => console.log(error.name, error.message));`);
  expect(embedded.stdout, embedded.stderr).toMatch(new RegExp(`^BindingMissing ${compiled.source}.*\\n$`));
});
