/** The engine inside a program, in memory and on a folder: the same calls, the same promises as behind a socket. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, type Yifen } from "../../client/client.js";
import type * as Embedded from "../../gateway/embedded.js";
import { listSegments } from "../../persistence/log/segments.js";
import { compiledUrl, node, type ServerProcess, startServer } from "../support/server-process.js";

let openEngine: typeof Embedded.openEngine;
let server: ServerProcess;

beforeAll(async () => {
  // The compiled engine: its threads cannot be started from uncompiled files.
  ({ openEngine } = (await import(compiledUrl("gateway/embedded.js"))) as typeof Embedded);
  server = await startServer(newFolder());
});

const folders: string[] = [];
const open: Yifen[] = [];

afterEach(async () => {
  for (const yifen of open.splice(0)) await yifen.close();
});

afterAll(async () => {
  await server.kill();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "yifen-embedded-"));
  folders.push(folder);
  return folder;
}

async function engine(options: Embedded.EngineOptions = {}): Promise<Yifen> {
  const yifen = await openEngine(options);
  open.push(yifen);
  return yifen;
}

/** What is told of it. */
const filling = ["product.created", "product.created", "account.opened", "account.deposited"];

async function fillShop(yifen: Yifen): Promise<void> {
  await yifen.products.create({ product: "p1", name: "pen", price: "1.50", currency: "CNY", stock: 10 });
  await yifen.products.create({ product: "p2", name: "ink", price: "9.99", currency: "CNY", stock: 3 });
  await yifen.accounts.open({ account: "a1", currency: "CNY" });
  await yifen.accounts.deposit({ account: "a1", amount: "50.00", ref: "d1" });
}

/** Numbers and times that differ between two runs of the same calls. */
function withoutChance(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, field) =>
      /^(time|at|createdAt|payBy|cursor|seq)$/.test(name) ? typeof field : field,
    ),
  );
}

/** A visit to the shop; everything that was answered, pushed and refused. */
async function visit(yifen: Yifen): Promise<unknown> {
  await fillShop(yifen);
  const feed = yifen.feed("account:a1");
  await feed.opened();
  const lines = [
    { product: "p1", qty: 2 },
    { product: "p2", qty: 1 },
  ];
  const seen: unknown[] = [];
  const attempt = (call: Promise<unknown>) =>
    call.catch(({ code, status, executed, retryable, details, replayed }) => {
      return { code, status, executed, retryable, details, replayed };
    });
  const paid = await yifen.orders.place({ key: "k1", account: "a1", lines, pay: "balance" });
  const held = await yifen.orders.place({ key: "k2", account: "a1", lines });
  seen.push(paid, held);
  seen.push(await yifen.orders.place({ key: "k1", account: "a1", lines, pay: "balance" }));
  seen.push(await attempt(yifen.orders.place({ key: "k1", account: "a1", lines })));
  seen.push(
    await attempt(yifen.orders.place({ key: "k3", account: "a1", lines: [{ product: "p2", qty: 9 }] })),
  );
  seen.push(
    await attempt(yifen.orders.place({ key: "k4", account: "a1", lines: [{ product: "p2", qty: 0 }] })),
  );
  seen.push(await attempt(yifen.orders.place({ key: "k5", account: "nobody", lines })));
  seen.push(await attempt(yifen.orders.get("o1")));
  seen.push(await yifen.orders.cancel({ key: "k6", order: held.order, reason: "too dear" }));
  seen.push(await attempt(yifen.orders.pay({ key: "k7", order: held.order })));
  seen.push(await yifen.orders.lookup({ account: "a1", key: "k3" }));
  seen.push(await yifen.orders.lookup({ account: "a1", key: "k99" }));
  seen.push(await yifen.orders.list({ account: "a1", limit: 1 }));
  seen.push(await yifen.orders.history(held.order));
  seen.push(await yifen.accounts.statement({ account: "a1" }));
  seen.push(await yifen.accounts.get("a1"), await yifen.products.get("p2"));
  for (let n = 0; n < 3; n++) seen.push((await feed.next()).value);
  seen.push((await yifen.audit()).ok);
  return withoutChance(seen);
}

describe("the same calls", () => {
  let remote: unknown;
  beforeAll(async () => {
    const yifen = await connect(server.address);
    remote = await visit(yifen);
    await yifen.close();
  });

  test("in memory and on a folder everything is answered as it is behind a socket", async () => {
    expect((remote as unknown[]).slice(0, 3)).toMatchObject([
      { status: "Paid", total: "12.99" },
      { status: "Created" },
      { replayed: true },
    ]);
    expect(await visit(await engine())).toEqual(remote);
    expect(await visit(await engine({ data: newFolder() }))).toEqual(remote);
  });

  test("with three shards, orders cross them and the answers are the same", async () => {
    const three = (await visit(await engine({ shards: 3, data: newFolder() }))) as unknown[];
    expect(three.length).toBe((remote as unknown[]).length);
    expect(three.at(-1)).toBe(true);
    expect(three[0]).toMatchObject({ status: "Paid", total: "12.99" });
  });
});

test("opened again, everything is found: orders, money, stock, keys, refs, lists and the feed's past", async () => {
  const data = newFolder();
  const first = await engine({ data });
  await visit(first);
  const [order] = (await first.orders.list({ account: "a1" })).orders;
  await first.close();

  const again = await engine({ data });
  expect(await again.orders.get(order!.order)).toEqual(order);
  expect((await again.orders.list({ account: "a1" })).orders.length).toBe(2);
  expect(await again.accounts.get("a1")).toMatchObject({ available: "37.01" });
  expect(await again.products.get("p1")).toMatchObject({ available: 8, held: 0, sold: 2 });
  const deposit = await again.accounts.deposit({ account: "a1", amount: "50.00", ref: "d1" });
  expect(deposit).toMatchObject({ available: "50.00", replayed: true });
  const lines = [{ product: "p2", qty: 9 }];
  await expect(again.orders.place({ key: "k3", account: "a1", lines })).rejects.toMatchObject({
    code: "insufficient_stock",
    replayed: true,
  });
  const past = again.feed("account:a1", { from: 1 });
  const types: unknown[] = [];
  for (let n = 0; n < 5; n++) types.push((await past.next()).value?.type);
  expect(types).toEqual([
    ...["account.opened", "account.deposited", "order.created", "order.paid", "order.created"],
  ]);
  expect((await again.audit()).ok).toBe(true);
});

test("two engines on one folder: the second is refused, and can have it when the first has closed", async () => {
  const data = newFolder();
  const first = await engine({ data, shards: 2 });
  await expect(openEngine({ data, shards: 2 })).rejects.toMatchObject({ name: "FolderInUse" });
  await expect(openEngine({ data, shards: 3 })).rejects.toMatchObject({ name: "BadConfig" });
  await fillShop(first);
  await first.close();
  const second = await engine({ data, shards: 2 });
  expect(await second.accounts.get("a1")).toMatchObject({ available: "50.00" });
});

test("a damaged shard keeps the folder shut, and once it is repaired the same program can open it", async () => {
  const data = newFolder();
  const yifen = await engine({ data, shards: 2 });
  for (let n = 0; n < 20; n++) await yifen.accounts.open({ account: `a${n}`, currency: "CNY" });
  await yifen.close();
  const wal = `${listSegments(join(data, "shard-1"))[0]!.file}-wal`;
  const copy = join(newFolder(), "wal");
  cpSync(wal, copy);
  const bytes = readFileSync(wal);
  bytes[5000] = bytes[5000]! ^ 1;
  writeFileSync(wal, bytes);
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openEngine({ data, shards: 2 })).rejects.toMatchObject({ name: "LogDamaged", file: wal });
  }
  cpSync(copy, wal);
  const repaired = await engine({ data, shards: 2 });
  expect(await repaired.accounts.get("a7")).toMatchObject({ available: "0.00" });
});

test("one audit at a time: who comes meanwhile is told to come again, and our client does", async () => {
  const patient = await connect(server.address);
  const impatient = await connect(server.address, { retryOverloaded: false });
  open.push(patient, impatient);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => impatient.audit()));
  const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(refused.length).toBe(19);
  for (const { code, executed } of refused) expect([code, executed]).toEqual(["overloaded", false]);
  const audits = await Promise.all([patient.audit(), patient.audit(), patient.audit()]);
  expect(audits.map(({ ok }) => ok)).toEqual([true, true, true]);
});

test("a call that is open when the engine is closed fails as closed, and so does every later one", async () => {
  const yifen = await engine();
  await fillShop(yifen);
  const call = yifen.accounts.get("a1");
  await yifen.close();
  await expect(call).rejects.toMatchObject({ code: "closed" });
  await expect(yifen.accounts.get("a1")).rejects.toMatchObject({ code: "closed", executed: false });
  await yifen.close();
});

test("closed, it leaves nothing running: the program ends by itself", async () => {
  const program = (options: object) => `
    import { openEngine } from ${JSON.stringify(compiledUrl("gateway/embedded.js"))};
    const yifen = await openEngine(${JSON.stringify(options)});
    await yifen.products.create({ product: "p1", name: "pen", price: "1.50", currency: "CNY", stock: 10 });
    await yifen.accounts.open({ account: "a1", currency: "CNY" });
    await yifen.accounts.deposit({ account: "a1", amount: "50.00", ref: "d1" });
    const events = yifen.feed("account:a1");
    const { order } = await yifen.orders.place({ account: "a1", lines: [{ product: "p1", qty: 1 }] });
    const { orders } = await yifen.orders.list({ account: "a1" });
    const { ok } = await yifen.audit();
    console.log(orders[0].order === order, ok);
    await yifen.close();
    globalThis.closedAt = performance.now();
    process.on("exit", () => console.log(Math.round(performance.now() - closedAt)));
  `;
  for (const options of [{}, { data: newFolder() }, { data: newFolder(), shards: 2 }]) {
    const { code, out, err } = await node(["--input-type=module", "--eval", program(options)]);
    expect([code, err]).toEqual([0, ""]);
    const [answers, endedAfterMs] = out.split("\n");
    expect(answers).toBe("true true");
    expect(Number(endedAfterMs)).toBeLessThan(2000);
  }
});

test("not closed, the program that forgot it still runs, and what was answered is there for the next", async () => {
  const data = newFolder();
  const program = `
    import { openEngine } from ${JSON.stringify(compiledUrl("gateway/embedded.js"))};
    const yifen = await openEngine({ data: ${JSON.stringify(data)} });
    await yifen.accounts.open({ account: "a1", currency: "CNY" });
    await yifen.accounts.deposit({ account: "a1", amount: "50.00", ref: "d1" });
    process.exit(7);
  `;
  expect((await node(["--input-type=module", "--eval", program])).code).toBe(7);
  const yifen = await engine({ data });
  expect(await yifen.accounts.get("a1")).toMatchObject({ available: "50.00" });
});

describe("functions as outlets", () => {
  const until = async (holds: () => boolean) => {
    for (let waited = 0; !holds() && waited < 10_000; waited += 5)
      await new Promise((go) => setTimeout(go, 5));
    expect(holds()).toBe(true);
  };

  test("in memory: are given every event once it is durable, in order, and again what they refuse", async () => {
    const given: Embedded.OutletEvent[] = [];
    let refusals = 2;
    const yifen = await engine({
      outlets: [
        async (event) => {
          if (event.type === "order.paid" && refusals-- > 0) throw new Error("not now");
          given.push(event);
        },
      ],
    });
    await fillShop(yifen);
    const { order } = await yifen.orders.place({
      account: "a1",
      lines: [{ product: "p1", qty: 1 }],
      pay: "balance",
    });
    await until(() => given.length === 7);
    expect(given.splice(0, 4).map(({ type }) => type)).toEqual(filling);
    expect(given.map(({ type, data }) => [type, data.order])).toEqual([
      ["product.sold", order],
      ["order.created", order],
      ["order.paid", order],
    ]);
    expect(given[2]).toMatchObject({ shard: 0, data: { effects: ["packing_task", "notification"] } });
  });

  test("on a folder: go on where they were, under their names, and see what they choose", async () => {
    const data = newFolder();
    const [first, second]: string[][] = [[], []];
    const options = {
      data,
      outlets: [
        (event: Embedded.OutletEvent) => void first!.push(event.type),
        {
          kind: "function" as const,
          name: "mail",
          events: ["order."],
          deliver: (event: Embedded.OutletEvent) => void second!.push(event.type),
        },
      ],
    };
    for (const key of ["k1", "k2"]) {
      const yifen = await engine(options);
      if (key === "k1") await fillShop(yifen);
      await yifen.orders.place({ account: "a1", key, lines: [{ product: "p1", qty: 1 }] });
      await until(() => second!.length >= (key === "k1" ? 1 : 2) && first!.length === 4 + 2 * second!.length);
      await yifen.close();
    }
    expect(second).toEqual(["order.created", "order.created"]);
    expect(first!.splice(0, 4)).toEqual(filling);
    expect(first).toEqual(["product.held", "order.created", "product.held", "order.created"]);
  });

  test("a name twice is refused, and the folder is free again", async () => {
    const data = newFolder();
    const twice = { kind: "function" as const, name: "mail", deliver: () => {} };
    await expect(openEngine({ data, outlets: [twice, twice] })).rejects.toThrow(
      "two outlets are called mail",
    );
    await engine({ data, outlets: [twice] });
  });
});
