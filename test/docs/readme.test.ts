/** The README's path, walked: its program runs, runs again, and what it left is there for a server and a terminal. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { startServer } from "../support/server-process.js";
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

afterAll(() => rmSync(program, { recursive: true, force: true }));

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
