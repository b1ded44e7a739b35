/** An engine in a program lives by the clock that it is given: a week passes at once, and what is due by then happens. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Yifen } from "../../client/client.js";
import type * as Embedded from "../../gateway/embedded.js";
import { compiledUrl } from "../support/server-process.js";

let embedded: typeof Embedded;
const folder = mkdtempSync(join(tmpdir(), "yifen-manual-clock-"));
const open: Yifen[] = [];
const day = 86_400_000;
/** Years away from the present: nothing may look at the machine's clock. */
const start = Date.UTC(2031, 0, 1);

beforeAll(async () => {
  // The compiled engine: its threads cannot be started from uncompiled files.
  embedded = (await import(compiledUrl("gateway/embedded.js"))) as typeof Embedded;
});

afterEach(async () => {
  for (const yifen of open.splice(0)) await yifen.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));

async function engine(options: Embedded.EngineOptions): Promise<Yifen> {
  const yifen = await embedded.openEngine(options);
  open.push(yifen);
  return yifen;
}

async function shop(options: Embedded.EngineOptions): Promise<Yifen> {
  const yifen = await engine(options);
  await yifen.products.create({ product: "tea", name: "Tea", price: "9.99", currency: "CNY", stock: 9 });
  await yifen.accounts.open({ account: "ann", currency: "CNY" });
  await yifen.accounts.deposit({ account: "ann", amount: "50.00", ref: "d1" });
  return yifen;
}

const buy = { account: "ann", lines: [{ product: "tea", qty: 1 }] };

for (const [where, data] of [
  ["in memory", undefined],
  ["on a folder", join(folder, "week")],
] as const) {
  test(`seven days in one moment: a shipped order is confirmed, and whoever listens is told (${where})`, async () => {
    const clock = embedded.manualClock(start);
    const yifen = await shop({ clock, ...(data ? { data } : {}) });
    const { order, createdAt } = await yifen.orders.place({ ...buy, pay: "balance" });
    expect(createdAt).toBe(new Date(start).toISOString());
    await yifen.orders.advance({ order, event: "pack" });
    await yifen.orders.advance({ order, event: "ship", tracking: "T1" });
    clock.advance(7 * day - 1000);
    expect((await yifen.orders.get(order)).status).toBe("Shipped");

    const feed = yifen.feed("account:ann");
    const told: string[] = [];
    const hearing = (async () => {
      for await (const event of feed) {
        told.push(event.type, event.time);
        if (event.type === "order.completed") return;
      }
    })();
    await yifen.products.get("tea");
    const jumped = performance.now();
    clock.advance(1000);
    await hearing;
    expect(performance.now() - jumped).toBeLessThan(200);
    expect((await yifen.orders.get(order)).status).toBe("Completed");
    expect(told.at(-1)).toBe(new Date(start + 7 * day).toISOString());
    // Requests say when they were made by the engine's clock, or they would be refused.
    expect(await yifen.orders.place({ ...buy, pay: "balance" })).toMatchObject({ status: "Paid" });
  });
}

test("a clock that is set back while the engine runs: a hold of a minute ends when a minute has passed", async () => {
  const clock = embedded.manualClock(start);
  const yifen = await shop({ clock, graceMs: 0 });
  const { order } = await yifen.orders.place({ ...buy, payWithinMs: 60_000 });
  clock.step(-30 * day);
  expect((await yifen.orders.get(order)).status).toBe("Created");
  clock.advance(59_000);
  expect((await yifen.orders.get(order)).status).toBe("Created");
  clock.advance(1100);
  expect((await yifen.orders.get(order)).status).toBe("Canceled");
  const { clock: distance } = await yifen.audit();
  expect(Math.round(distance.aheadMs! / 1000)).toBe((30 * day) / 1000);
});

test("a log that is ahead of the clock: refused with the distance, opened when that is accepted, and the folder is free again", async () => {
  const data = join(folder, "ahead");
  const clock = embedded.manualClock(start);
  await (await shop({ clock, data })).close();
  open.length = 0;
  clock.step(-60_000);
  await (await engine({ clock, data })).close();
  open.length = 0;
  clock.step(-2 * day);
  const error = await embedded.openEngine({ clock, data }).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(embedded.LogAheadOfClock);
  expect(error).toMatchObject({ name: "LogAheadOfClock" });
  expect((error as Embedded.LogAheadOfClock).aheadMs).toBeGreaterThanOrEqual(2 * day + 60_000);
  expect((error as Error).message).toMatch(/^the log is 2 days ahead of the clock/);

  const yifen = await engine({ clock, data, acceptClock: true, graceMs: 0 });
  const { order } = await yifen.orders.place({ ...buy, payWithinMs: 1000 });
  clock.advance(1100);
  expect((await yifen.orders.get(order)).status).toBe("Canceled");
});
