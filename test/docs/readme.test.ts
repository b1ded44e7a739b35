/** The README's path, walked: its program runs, runs again, and what it left is there for a server, a terminal and every command. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { startServer, yifen } from "../support/server-process.js";
import { blocksOf, readDocument } from "./document.js";

const blocks = blocksOf(readDocument("README.md"));
const blockOf = (info: string) => blocks.find((block) => block.info === info)!.text;
let program = "";

/** A project of somebody's own, with `yifen` installed. */
beforeAll(() => {
  program = mkdtempSync(join(tmpdir(), "yifen-readme-"));
  mkdirSync(join(program, "node_modules"));
  symlinkSync(resolve("."), join(program, "node_modules", "yifen"));
});

afterAll(() => rmSync(program, { recursive: true, force: true, maxRetries: 9 }));

function run(name: string, source: string): string {
  const file = join(program, name);
  writeFileSync(file, source);
  // It ends by itself, or is killed and fails.
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: program,
    encoding: "utf8",
    timeout: 60_000,
  });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

test("the program prints what its comment says, ends by itself, and runs a second time to the same end", () => {
  const source = blockOf("js use");
  const printed = /console\.log\(.*\); \/\/ (.*)/.exec(source)![1];
  for (let n = 0; n < 2; n++) expect(run("use.mjs", source)).toBe(`${printed}\n`);
});

test("a server on the same folder answers on the terminal what is shown; the same program runs against it", async () => {
  const server = await startServer(join(program, "data"));
  try {
    const [, url, , request, answer] = /-c (\S+)(\n> )(.*)\n< (.*)/.exec(blockOf("text wscat"))!;
    expect(url).toBe("ws://127.0.0.1:8080/v1/ws");
    const socket = new WebSocket(`${server.address.replace("http", "ws")}/v1/ws`);
    const said = new Promise<string>((resolve, reject) => {
      socket.once("message", (text) => resolve(String(text)));
      socket.once("error", reject);
    });
    socket.once("open", () => socket.send(request!));
    expect(await said).toBe(answer);
    socket.close();
    const source = blockOf("js use")
      .replace(/^import .*$/m, 'import { connect } from "yifen/client";')
      .replace(/openEngine\(.*?\);/, `connect("${server.address}");`);
    expect(run("connected.mjs", source)).toBe("Paid 9.99\n");
  } finally {
    await server.stop();
  }
});

/** `npm run x -- --y`: every command that the README names, once each. */
const commands = [
  ...new Set(
    [...readDocument("README.md").matchAll(/^(?:\$ )?(np[mx] [^`]*)$|`(np[mx] [^`]+)`/gm)]
      .flatMap(([, line, inText]) => (line ?? inText!).split(" && "))
      .filter((command) => /^np[mx] /.test(command)),
  ),
];

const { name, version, scripts, dependencies } = JSON.parse(readDocument("package.json")) as {
  name: string;
  version: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

const npm = (...args: string[]) => spawnSync("npm", args, { encoding: "utf8", timeout: 120_000 });

/** What is said of a command, run here as far as seconds allow; a file is where it is run in full. */
const held: readonly (readonly [command: RegExp, by: string | ((command: string) => unknown)])[] = [
  [/^npm (?:ci|test|run verify|run demo)$/, ".ci/run"],
  [/^npm pack$|^npm run pack:client$/, "test/packages.test.ts"],
  [
    /^npm install \S+$/,
    (command) =>
      expect([`${name}-${version}.tgz`, `${name}-client-${version}.tgz`]).toContain(
        command.split("/").at(-1),
      ),
  ],
  [
    /^npm (?:approve-scripts|install-scripts approve|rebuild) /,
    (command) => expect(dependencies).toHaveProperty([command.split(" ").at(-1)!]),
  ],
  [/^npx wscat -c ws:/, "test/docs/readme.test.ts"],
  [/^npx yifen start --data \.\/data$/, "test/docs/readme.test.ts"],
  [
    /^npm start -- --data \.\/data$/,
    () =>
      expect(npm("-s", "start", "--", "--help").stdout).toMatch(/^Usage: yifen start [\s\S]*--data <FOLDER>/),
  ],
  [
    /^npx yifen (?:audit|explain .*)$/,
    async (command) => {
      const { code, out } = await yifen([...command.split(" ").slice(2), "--data", join(program, "data")]);
      expect([code, out]).toEqual([0, expect.stringMatching(/^audit: ok$|the books say the same$/m)]);
    },
  ],
  [
    /^npx yifen human list$/,
    async () => {
      const server = await startServer(join(program, "data"));
      try {
        const { code, out } = await yifen(["human", "list", "--url", server.address]);
        expect([code, out]).toEqual([0, "nothing waits for a human\n"]);
      } finally {
        await server.stop();
      }
    },
  ],
  [
    /^npm run bench -- --quick$/,
    async () => expect((await yifen(["bench", "--help"])).out).toContain("--quick"),
  ],
  [
    /^npm run simulate -- --seeds \d+$/,
    () => {
      // One of them, as `--seed N` replays it: what so few never meet is not asked for.
      const { status, stdout, stderr } = npm("run", "-s", "simulate", "--", "--seed", "7", "--quiet");
      expect(status, stdout + stderr).toBe(0);
    },
  ],
];

test.each(commands)("the README's command is one that works: %s", async (command) => {
  const script = /^npm run (\S+)/.exec(command)?.[1] ?? /^npm (start|test)\b/.exec(command)?.[1];
  if (script) expect(scripts).toHaveProperty([script]);
  const [, by] = held.find(([pattern]) => pattern.test(command))!;
  if (typeof by === "string") expect(existsSync(by)).toBe(true);
  else await by(command);
});

test("the figures are those of docs/benchmarks.md, which is made from one run", () => {
  const section = readDocument("README.md").split("\n## Figures\n")[1]!.split("\n\n`npm run bench")[0]!;
  const rows = section.split("\n").filter((line) => /^\| .*\d/.test(line));
  const numbers = rows.flatMap(
    (row) =>
      row
        .split("|")
        .at(-2)!
        .match(/\d[\d,.]*/g)!,
  );
  expect(numbers.length).toBeGreaterThanOrEqual(8);
  const measured = new Set(readDocument("docs/benchmarks.md").match(/\d[\d,.]*\d|\d/g));
  expect(numbers.filter((figure) => !measured.has(figure))).toEqual([]);
});
