/** What docs/OPERATING.md shows of a running server: its module of definitions, and the queue for humans. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Yifen } from "../../client/client.js";
import { type ServerProcess, startServer, yifen } from "../support/server-process.js";
import { blocksOf, projectFile, readDocument } from "./document.js";

const markdown = readDocument("docs/OPERATING.md");
const folder = mkdtempSync(join(tmpdir(), "yifen-definitions-"));
let shop: Server;
let server: ServerProcess;
let client: Yifen;
const asked: string[] = [];

/** Loses its first answer, sends nobody to the moon, and calls every refund by one number. */
function openShop(): Promise<Server> {
  const open = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      asked.push(`${request.url} ${request.headers["idempotency-key"]}`);
      response.statusCode = asked.length === 1 ? 500 : body.includes("moon") ? 422 : 200;
      response.end(response.statusCode === 422 ? "no courier goes there" : '{"number":"2088-1"}');
    });
  });
  return new Promise((resolve) => open.listen(0, "127.0.0.1", () => resolve(open)));
}

beforeAll(async () => {
  shop = await openShop();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(fileURLToPath(projectFile("./")), join(folder, "node_modules", "yifen"));
  const file = join(folder, "definitions.mjs");
  const shown = blocksOf(markdown).find(({ info, text }) => info === "js" && text.includes("defineSaga"))!;
  writeFileSync(file, shown.text);
  const services = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  server = await startServer(join(folder, "data"), ["--definitions", file], {
    env: { SHOP_SERVICES: services },
  });
  client = await connect(server.address);
  await client.accounts.open({ account: "ann", currency: "CNY" });
  await client.accounts.deposit({ account: "ann", amount: "100.00", ref: "r-1" });
  const cup = { product: "cup", name: "Cup", price: "12.50", currency: "CNY", stock: 5 };
  await client.products.create(cup);
});

afterAll(async () => {
  await client?.close();
  await server?.kill();
  shop?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

test("the module that is shown does what is said of it", async () => {
  const gift = (to: string) =>
    client.transactions.begin({ account: "ann", name: "gift", input: { product: "cup", to } });
  const done = await gift("ben");
  expect(done).toMatchObject({ state: "done", results: { courier: { number: "2088-1" } } });
  expect(asked).toEqual([`/couriers ${done.transaction}`, `/couriers ${done.transaction}`]);
  const undone = await gift("the moon");
  expect(undone).toMatchObject({
    state: "undone",
    error: { part: "courier", reason: "no courier goes there" },
  });

  const { order } = await client.orders.place({ account: "ann", lines: [{ product: "cup", qty: 1 }] });
  const payment = { provider: "alipay", paymentId: "p-1", order, amount: "12.50", currency: "CNY" };
  expect((await client.payments.notify(payment)).outcome).toBe("paid");
  const { refunds } = await client.orders.refund({ order, reason: "broken" });
  const { refund } = refunds[0]!;
  for (let n = 0; n < 200 && (await client.payments.refund(refund)).state !== "done"; n++)
    await new Promise((go) => setTimeout(go, 20));
  expect(await client.payments.refund(refund)).toMatchObject({ state: "done", ref: "2088-1" });
  expect(asked).toContain(`/refunds ${refund}`);
});

test("the commands for humans print what is shown", async () => {
  const stray = { provider: "alipay", paymentId: "2026100122003", order: "o46830", amount: "12.50" };
  await client.payments.notify({ ...stray, currency: "CNY" });
  const shown = blocksOf(markdown).find(({ info, text }) => info === "text" && text.includes("human list"))!;
  let printed = "";
  for (const [line] of shown.text.matchAll(/^\$ yifen .*$/gm)) {
    const words = [...line.slice("$ yifen ".length).matchAll(/"([^"]*)"|(\S+)/g)];
    const { code, out, err } = await yifen([
      ...words.map(([, quoted, plain]) => quoted ?? plain!),
      ...["--url", server.address],
    ]);
    expect([code, err], line).toEqual([0, ""]);
    printed += `${line}\n${out}`;
  }
  expect(withoutTimes(printed.trim())).toBe(withoutTimes(shown.text.trim()));
  expect((await client.audit()).ok).toBe(true);
});

function withoutTimes(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
}
