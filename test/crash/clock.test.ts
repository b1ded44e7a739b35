/** Real servers whose wall clock is set while they run, and between two runs; their timers run on (`shifted-clock.c`). */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Order, type Yifen } from "../../client/client.js";
import { signatureOf } from "../../gateway/edge/payment-signature.js";
import { yifen as command, type ServerProcess, startServer } from "../support/server-process.js";

const secret = "0123456789abcdef";
const tenYears = 3652 * 86_400;
const folder = mkdtempSync(join(tmpdir(), "yifen-clock-"));
const library = join(folder, "shifted-clock.so");
const shift = join(folder, "shift");

beforeAll(() => {
  execFileSync("cc", ["-shared", "-fPIC", "-o", library, "test/support/shifted-clock.c", "-ldl"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));

const env = { LD_PRELOAD: library, SHIFTED_CLOCK: shift };

/** By how many seconds the server's wall clock is off from now on. */
function setClock(seconds: number): void {
  writeFileSync(shift, String(seconds));
}

async function serve(data: string, ...flags: string[]): Promise<{ server: ServerProcess; yifen: Yifen }> {
  const settings = ["--grace-ms", "0", "--payment-secret", `alipay=${secret}`];
  const server = await startServer(data, [...settings, ...flags], { env });
  return { server, yifen: await connect(server.address.replace("http", "ws")) };
}

async function openShop(yifen: Yifen): Promise<void> {
  const tea = { product: "tea", name: "Tea", price: "10.00", currency: "CNY", stock: 100 };
  await yifen.products.create(tea);
  await yifen.products.create({ ...tea, product: "soon", saleStartsAt: Date.now() + 3_600_000 });
  await yifen.accounts.open({ account: "ann", currency: "CNY" });
}

function place(yifen: Yifen, product: string, payWithinMs: number, key?: string): Promise<Order> {
  const lines = [{ product, qty: 1 }];
  return yifen.orders.place({ account: "ann", lines, payWithinMs, ...(key === undefined ? {} : { key }) });
}

/** How long until it is canceled, ms. */
async function untilCanceled(yifen: Yifen, { order }: Order): Promise<number> {
  const began = performance.now();
  while ((await yifen.orders.get(order)).status !== "Canceled") {
    expect(performance.now() - began).toBeLessThan(20_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - began;
}

/** A payment that a provider whose clock is off by so many seconds has signed. */
async function notify({ address }: ServerProcess, order: Order, seconds: number): Promise<Response> {
  const amount = { amount: order.total, currency: order.currency };
  const body = JSON.stringify({ paymentId: `for-${order.order}`, order: order.order, ...amount });
  const signedAt = Math.floor(Date.now() / 1000) + seconds;
  return fetch(`${address}/v1/payments/alipay/notify`, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "yifen-signature": signatureOf(secret, signedAt, "alipay", Buffer.from(body)),
    },
  });
}

async function aheadSeconds(server: ServerProcess): Promise<number> {
  const text = await (await fetch(`${server.address}/metrics`)).text();
  return Number(/^yifen_clock_ahead_seconds (\S+)$/m.exec(text)![1]);
}

test("two hours forward and back while it runs: followed within a second, and never back", async () => {
  setClock(0);
  const data = join(folder, "steps");
  const { server, yifen } = await serve(data);
  await openShop(yifen);
  const feed = yifen.feed("account:ann");
  const hold = await place(yifen, "tea", 60_000);
  await expect(place(yifen, "soon", 60_000)).rejects.toMatchObject({ code: "sale_not_started" });

  setClock(7200);
  const stepped = performance.now();
  // Nobody asks for anything: the loop wakes up by itself.
  for await (const event of feed) if (event.type === "order.canceled") break;
  expect(performance.now() - stepped).toBeLessThan(2000);
  expect((await yifen.orders.get(hold.order)).status).toBe("Canceled");
  const bought = await place(yifen, "soon", 60_000);
  expect((await notify(server, bought, 0)).status).toBe(401);
  expect((await notify(server, bought, 7200)).status).toBe(200);
  expect((await yifen.orders.get(bought.order)).status).toBe("Paid");
  expect(await aheadSeconds(server)).toBe(0);
  expect(await (await fetch(`${server.address}/readyz`)).text()).toBe("ready\n");

  setClock(0);
  const short = await place(yifen, "tea", 1000);
  const late = await place(yifen, "tea", 60_000);
  expect(Date.parse(late.createdAt)).toBeGreaterThan(Date.parse(bought.createdAt));
  expect(await untilCanceled(yifen, short)).toBeLessThan(3000);
  expect((await notify(server, late, 7200)).status).toBe(401);
  expect((await notify(server, late, 0)).status).toBe(200);
  expect(await aheadSeconds(server)).toBeGreaterThan(7000);
  expect(await (await fetch(`${server.address}/readyz`)).text()).toMatch(
    /^ready\nengine time is 7\d\d\d\.?\d* s ahead of the wall clock\n$/,
  );
  await yifen.close();
  expect((await server.stop()).code).toBe(0);
});

test("one start with a clock ten years fast: refused with the way on; accepted, time goes on and no answer is lost", async () => {
  setClock(0);
  const data = join(folder, "ten-years");
  const first = await serve(data);
  await openShop(first.yifen);
  const placed = await place(first.yifen, "tea", 86_400_000, "k1");
  await first.yifen.close();
  await first.server.stop();

  setClock(tenYears);
  const fast = await serve(data);
  const cancel = { order: placed.order, key: "k2" };
  await untilCanceled(fast.yifen, placed);
  await expect(fast.yifen.orders.cancel(cancel)).rejects.toMatchObject({ code: "invalid_transition" });
  await place(fast.yifen, "tea", 1000, "k3");
  await fast.yifen.close();
  await fast.server.stop();

  setClock(0);
  const refused = await command(["start", "--data", data, "--port", "0"], { env });
  expect(refused.code).toBe(5);
  expect(refused.err).toMatch(
    /^yifen: the log is 365[12] days( \d+ hours?)? ahead of the clock: its last record is of 20/,
  );
  expect(refused.err).toContain("--accept-clock");

  const { server, yifen } = await serve(data, "--accept-clock");
  expect(server.said()).toMatch(/time goes on from the log's, 365[12] days( \d+ hours?)? ahead of the clock/);
  expect(await place(yifen, "tea", 86_400_000, "k1")).toMatchObject({ order: placed.order, replayed: true });
  await expect(yifen.orders.cancel(cancel)).rejects.toMatchObject({
    code: "invalid_transition",
    replayed: true,
  });
  const again = await place(yifen, "tea", 1000, "k4");
  expect(await untilCanceled(yifen, again)).toBeLessThan(3000);
  expect(await aheadSeconds(server)).toBeGreaterThan(tenYears - 60);
  expect(await (await fetch(`${server.address}/readyz`)).text()).toMatch(/ahead of the wall clock\n$/);
  const { ok, clock } = await yifen.audit();
  expect(ok).toBe(true);
  expect(clock.aheadMs).toBeGreaterThan((tenYears - 60) * 1000);
  await yifen.close();
  await server.stop();
  const audit = await command(["audit", "--data", data]);
  expect(audit.code).toBe(0);
  expect(audit.out).toMatch(/^clock {6}20\d\d-.*Z, 3155\d{5}(\.\d+)? s ahead of the wall clock$/m);
});
