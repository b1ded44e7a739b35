/** `yifen human` against a running engine: an operator finds a payment that belongs to nothing, and ends it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type HumanItem } from "../../client/client.js";
import { type ServerProcess, startServer, yifen } from "../support/server-process.js";

const folder = mkdtempSync(join(tmpdir(), "yifen-human-"));
let server: ServerProcess;

async function human(...args: string[]) {
  return yifen(["human", ...args, "--url", server.address]);
}

async function items(...args: string[]): Promise<HumanItem[]> {
  return JSON.parse((await human("list", "--json", ...args)).out) as HumanItem[];
}

beforeAll(async () => {
  server = await startServer(folder);
  const client = await connect(server.address);
  await client.accounts.open({ account: "ann", currency: "CNY" });
  for (const paymentId of ["p1", "p2", "p3"]) {
    const stray = { provider: "alipay", paymentId, order: "o999424", amount: "12.50", currency: "CNY" };
    await client.payments.notify(stray);
  }
  await client.close();
});

afterAll(async () => {
  await server.kill();
  rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

test("what waits is listed, shown, and ended: to the payer, to a wallet, and given up", async () => {
  const list = await human("list");
  expect(list.code).toBe(0);
  expect(list.out.trim().split("\n")).toHaveLength(3);
  expect(list.out).toContain("payment alipay:p1: 12.50 CNY at risk");

  const open = await items();
  const of = (subject: string) => open.find((item) => item.subject === subject)!.item;
  const show = await human("show", of("alipay:p1"));
  expect(show.out).toMatch(/^actions {5}retry, done, undone, entries, write_off$/m);

  const back = await human("resolve", of("alipay:p1"), "done", "--reason", "sent back", "--operator", "li");
  expect(back.out).toMatch(/^resolved {4}done at \S+ by li: sent back$/m);
  expect(back.out).toMatch(/^proof {7}none$/m);
  const entry = ["--entry", "suspense,wallet:ann,12.50"];
  const booked = await human("resolve", of("alipay:p2"), "entries", "--reason", "it was ann's", ...entry);
  expect([booked.code, booked.err]).toEqual([0, ""]);
  const proof = ["--evidence", "mail of 1 May"];
  await human("resolve", of("alipay:p3"), "write_off", "--reason", "nobody knows", ...proof);
  expect((await human("show", of("alipay:p3"))).out).toMatch(/^proof {7}mail of 1 May$/m);

  expect((await human("list")).out).toBe("nothing waits for a human\n");
  expect(await items("--resolved")).toHaveLength(3);
  const client = await connect(server.address);
  try {
    const { account, available } = await client.accounts.get("ann");
    expect([account, available]).toEqual(["ann", "12.50"]);
    expect((await client.audit()).ok).toBe(true);
  } finally {
    await client.close();
  }
});

test("what cannot be done says why, and the exit code says so", async () => {
  const unknown = await human("show", "h999424");
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining("item_not_found")]);
  const entry = await human("resolve", "h999424", "entries", "--reason", "x", "--entry", "suspense");
  expect([entry.code, entry.err]).toEqual([2, expect.stringContaining("FROM,TO,AMOUNT")]);
  const nobody = await yifen(["human", "list", "--url", "http://127.0.0.1:1"]);
  expect(nobody.code).toBe(4);
});
