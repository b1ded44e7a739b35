/** Who reads what a command says, and on what: a reader that goes away, a terminal of any width. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openPanel } from "../../cli/demo/panel.js";
import { openLog } from "../../cli/log.js";
import { connect } from "../../client/client.js";
import { compiled, freePort, startServer } from "../support/server-process.js";

let folder: string;
let stop: () => void = () => {};

afterEach(() => {
  stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
});

test("a reader of stdout and stderr that goes away does not end the server: it says its lines to nobody, and stops with 0", async () => {
  folder = mkdtempSync(join(tmpdir(), "yifen-streams-"));
  const port = await freePort();
  // Nobody takes the events: each is a dead letter, and a line that somebody should read.
  const nobody = await freePort();
  const hook = ["--webhook-url", `http://127.0.0.1:${nobody}/`, "--webhook-attempts", "1"];
  const args = [compiled("cli/yifen.js"), "start", "--port", `${port}`, "--data", folder, ...hook];
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  stop = () => void server.kill("SIGKILL");
  const ended = new Promise((resolve) => server.once("close", (code, signal) => resolve([code, signal])));
  await new Promise((resolve) => server.stdout.once("data", resolve));
  server.stdout.destroy();
  server.stderr.destroy();

  const client = await connect(`http://127.0.0.1:${port}`, { openWithinMs: 20_000 });
  await client.accounts.open({ account: "ann", currency: "CNY" });
  await client.accounts.deposit({ account: "ann", amount: "10.00", ref: "d1" });
  await client.products.create({ product: "tea", name: "Tea", price: "1.00", currency: "CNY", stock: 5 });
  const lines = [{ product: "tea", qty: 1 }];
  await client.orders.place({ account: "ann", lines, pay: "balance" });
  for (let dead = 0; dead === 0; ) {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    dead = Number(/^yifen_outlet_dead_letters\{.*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  }
  expect((await client.orders.place({ account: "ann", lines, pay: "balance" })).status).toBe("Paid");
  await client.close();
  server.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");

/** All that the panel writes on a terminal of so many columns, line by line, without its colours. */
function linesAt(columns: number | undefined): string[] {
  let written = "";
  const write = (text: string) => {
    written += text;
    return true;
  };
  const output = { isTTY: true, write, columns };
  const panel = openPanel(output as Parameters<typeof openPanel>[0], {}, performance.now());
  const product = { product: "p", name: "Pen", price: "1.00", currency: "CNY" } as const;
  const figures = {
    available: 300,
    held: 200,
    sold: 500,
    short: 0,
    backorder: 0,
    backordered: 0,
    priceVersion: 1,
    version: 1,
    limitPerAccount: null,
    saleStartsAt: null,
    saleEndsAt: null,
    delisted: false,
  };
  panel.watch(() => ({
    products: [{ ...product, ...figures }],
    stock: 1000,
    waiting: 12_345,
    answered: 99_999,
    p99Ms: 1234.5,
  }));
  panel.say("kill -9");
  panel.close();
  return written.replace(escapes, "").split(/[\r\n]+/);
}

test("a terminal of any width, 0 and unknown too: the demo draws, and no line of its panel wraps", () => {
  folder = "";
  for (const columns of [undefined, 0, ...Array.from({ length: 500 }, (_, n) => n + 1)]) {
    // What happens is said above the panel and scrolls away with the rest; it may wrap.
    const panel = linesAt(columns).filter((line) => line !== "" && !/^ *\d+\.\d s /.test(line));
    expect(panel.length, `${columns} columns`).toBe(
      columns !== undefined && columns > 0 && columns < 5 ? 0 : 5,
    );
    for (const line of panel) expect(line.length, `${columns}: ${line}`).toBeLessThan(columns || 80);
  }
});

test("the log is JSON with time and level, on a terminal lines to read; what is less than its level is left out", () => {
  folder = "";
  const lines = (isTTY: boolean, level: "info" | "warn" | "silent") => {
    const written: string[] = [];
    const write = (text: string) => written.push(text) > 0;
    const log = openLog({ isTTY, write } as Parameters<typeof openLog>[0], level);
    log("recovered");
    log("a webhook fails\nagain", "warn");
    log("a defect", "error");
    return written;
  };
  const records = lines(false, "info").map((line) => JSON.parse(line));
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(records).toEqual([
    { level: "info", time, msg: "recovered" },
    { level: "warn", time, msg: "a webhook fails\nagain" },
    { level: "error", time, msg: "a defect" },
  ]);
  expect(lines(false, "warn").length).toBe(2);
  expect(lines(false, "silent")).toEqual([]);
  expect(lines(true, "info")[1]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {3}a webhook fails\nagain\n$/);
});

test("a server says its settings and its address as text, the address on a line of its own, and logs the rest as JSON", async () => {
  folder = mkdtempSync(join(tmpdir(), "yifen-streams-"));
  const server = await startServer(folder, [], { env: { YIFEN_GRACEMS: "5" } });
  stop = () => void server.kill();
  expect(server.said()).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+$/m);
  const { out, err, code } = await server.stop();
  expect([code, err]).toEqual([0, ""]);
  const records = out
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  expect(records).toMatchObject([
    { level: "warn", msg: expect.stringContaining("did you mean YIFEN_GRACE_MS?") },
    { level: "info", msg: expect.stringMatching(/^shard 0: recovered from 0 facts/) },
  ]);
  expect(out).toMatch(/^log-level +info +default$/m);
});
