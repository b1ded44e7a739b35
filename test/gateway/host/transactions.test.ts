import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type CallContext, defineSaga, defineTcc, openEngine, Refused } from "../../../gateway/embedded.js";
import { BadConfig } from "../../../gateway/host/config.js";
import { loadDefinitions } from "../../../gateway/host/definitions-file.js";

interface Gift {
  readonly to: string;
  readonly qty: number;
}

const pays = {
  kind: "money",
  name: "pay",
  from: "ann",
  to: "revenue",
  amount: "1.00",
  currency: "CNY",
} as const;

const calls: CallContext<Gift>[] = [];
const seen = () => calls.map(({ part, attempt }) => `${part} ${attempt}`);

function gift(send: (context: CallContext<Gift>) => unknown) {
  const note = (result: unknown) => (context: CallContext<Gift>) => {
    calls.push(context);
    return result;
  };
  return defineSaga<Gift>({
    steps: ({ to, qty }, account) => [
      { kind: "stock", name: "take", product: "tea", qty },
      { kind: "money", name: "pay", from: account, to: `wallet:${to}`, amount: "10.00", currency: "CNY" },
      { kind: "call", name: "send" },
    ],
    calls: {
      send: {
        do(context) {
          calls.push(context);
          return send(context);
        },
        undo: note("back"),
      },
    },
  });
}

async function opened(transactions: Parameters<typeof openEngine>[0]) {
  calls.length = 0;
  const yifen = await openEngine({ callTimeoutMs: 200, ...transactions });
  for (const account of ["ann", "ben"]) await yifen.accounts.open({ account, currency: "CNY" });
  await yifen.accounts.deposit({ account: "ann", amount: "100.00", ref: "1" });
  await yifen.products.create({ product: "tea", name: "Tea", price: "9.99", currency: "CNY", stock: 3 });
  return yifen;
}

const asked = { account: "ann", name: "gift", key: "k1", input: { to: "ben", qty: 1 } };

test("a saga of a program's own: its functions run, and its answer is kept under its key", async () => {
  const yifen = await opened({ transactions: { gift: gift(() => ({ parcel: 7 })) } });
  const done = await yifen.transactions.begin(asked);
  expect(done).toMatchObject({
    state: "done",
    results: { send: { parcel: 7 } },
    error: null,
    replayed: false,
  });
  expect(await yifen.transactions.begin(asked)).toEqual({ ...done, replayed: true });
  expect(calls).toHaveLength(1);
  expect(calls[0]).toMatchObject({ account: "ann", part: "send", attempt: 1, input: asked.input });
  expect(await yifen.transactions.get(done.transaction)).toMatchObject({ state: "done" });
  expect(await yifen.accounts.get("ben")).toMatchObject({ available: "10.00" });
  await yifen.close();
});

test("a function that refuses undoes the rest, and its reason is in the answer", async () => {
  const refuse = () => {
    throw new Refused("no such street", { street: 9 });
  };
  const yifen = await opened({ transactions: { gift: gift(refuse) } });
  const undone = await yifen.transactions.begin(asked);
  expect(undone).toMatchObject({
    state: "undone",
    error: { part: "send", reason: "no such street", street: 9 },
  });
  expect(await yifen.accounts.get("ann")).toMatchObject({ available: "100.00", held: "0.00" });
  expect(seen()).toEqual(["send 1"]);
  await yifen.close();
});

test("a step that ends well after it was undone is undone again, and never runs twice at once", async () => {
  const running = { now: 0, most: 0 };
  const slow = async () => {
    running.most = Math.max(running.most, ++running.now);
    await sleep(2500);
    running.now--;
    return { parcel: 7 };
  };
  const yifen = await opened({ callTimeoutMs: 600, transactions: { gift: gift(slow) } });
  const undone = await yifen.transactions.begin({ ...asked, deadlineMs: 1500 });
  expect(undone).toMatchObject({ state: "undone" });
  expect(running).toEqual({ now: 1, most: 1 });
  for (let n = 0; n < 100 && calls.length < 3; n++) await sleep(50);
  const [step, first, again] = calls;
  expect([running, calls.length]).toEqual([{ now: 0, most: 1 }, 3]);
  expect(new Set([step!.call, first!.call, again!.call]).size).toBe(3);
  expect(again).toMatchObject({ transaction: step!.transaction, part: "send", result: { parcel: 7 } });
  await yifen.close();
});

test("a function that stops as it is asked to is run again, as often as it had its time", async () => {
  const stops = ({ signal }: CallContext<Gift>) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("asked to stop"))));
  const yifen = await opened({ callTimeoutMs: 20, transactions: { gift: gift(stops) } });
  expect(await yifen.transactions.begin(asked)).toMatchObject({ state: "undone" });
  expect(seen()).toEqual(["send 1", "send 2", "send 3", "send 1"]);
  expect(new Set(calls.slice(0, 3).map(({ call }) => call)).size).toBe(1);
  await yifen.close();
});

test("a timed-out step must be compensated too", async () => {
  const yifen = await opened({
    callTimeoutMs: 20,
    transactions: { gift: gift(() => new Promise(() => {})) },
  });
  const undone = await yifen.transactions.begin(asked);
  expect(undone).toMatchObject({ state: "undone", error: { part: "send", how: "unknown" } });
  // It never ends, so it is never run again; what undoes it is.
  expect(seen()).toEqual(["send 1", "send 1"]);
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  expect(await yifen.products.get("tea")).toMatchObject({ available: 3, sold: 0 });
  await yifen.close();
});

test("a TCC of a program's own, with wait: false and a look at it later", async () => {
  const verbs: string[] = [];
  let answer = () => {};
  const room = defineTcc({
    parts: () => [
      { kind: "stock", name: "hold", product: "tea", qty: 2 },
      { kind: "call", name: "room" },
    ],
    calls: {
      room: {
        try: () => new Promise<void>((resolve) => (answer = resolve)),
        confirm: () => void verbs.push("confirm"),
        cancel: () => void verbs.push("cancel"),
      },
    },
  });
  const yifen = await opened({ callTimeoutMs: 5000, transactions: { room } });
  const { transaction, state } = await yifen.transactions.begin({
    account: "ann",
    name: "room",
    wait: false,
  });
  expect(state).toBe("running");
  expect(await yifen.products.get("tea")).toMatchObject({ available: 1, held: 2, sold: 0 });
  await new Promise(setImmediate);
  answer();
  while ((await yifen.transactions.get(transaction)).state !== "done") await new Promise(setImmediate);
  expect(verbs).toEqual(["confirm"]);
  expect(await yifen.products.get("tea")).toMatchObject({ available: 1, held: 0, sold: 2 });
  await yifen.close();
});

test("after a restart a call that has no end is made again, under the same id", async () => {
  const data = mkdtempSync(join(tmpdir(), "yifen-saga-"));
  const first = await opened({
    data,
    callTimeoutMs: 60_000,
    transactions: { gift: gift(() => new Promise(() => {})) },
  });
  const { transaction } = await first.transactions.begin({ ...asked, wait: false });
  while (calls.length === 0) await new Promise(setImmediate);
  const { call } = calls[0]!;
  await first.close();
  calls.length = 0;
  const again = await openEngine({ data, transactions: { gift: gift(() => "sent") } });
  const done = await again.transactions.begin(asked);
  expect(done).toMatchObject({ transaction, state: "done", results: { send: "sent" } });
  expect(calls.map((made) => made.call)).toEqual([call]);
  await again.close();
  rmSync(data, { recursive: true });
});

test.each([
  ["is not defined", { name: "nothing" }, "invalid_request"],
  ["throws on its input", { input: { to: "ben" } }, "invalid_request"],
  ["asks for a call without functions", { name: "empty" }, "invalid_request"],
  ["moves no amount", { name: "nought" }, "invalid_amount"],
])("a transaction that %s is refused", async (_, params, code) => {
  const empty = defineSaga({ steps: () => [{ kind: "call", name: "constructor" }] });
  const nought = defineTcc({
    parts: () => [
      { kind: "money", name: "pay", from: "ann", to: "revenue", amount: "0.00", currency: "CNY" },
    ],
  });
  const yifen = await opened({ transactions: { gift: gift(() => 1), empty, nought } });
  await expect(yifen.transactions.begin({ ...asked, ...params })).rejects.toMatchObject({
    code,
    executed: false,
  });
  await yifen.close();
});

test.each([
  ["leaves out what its input lacks", defineSaga({ steps: ({ to }) => [{ ...pays, to: to as string }] })],
  ["makes no list", defineSaga({ steps: () => 7 as never })],
  [
    "makes a promise that is rejected",
    defineTcc({ parts: (() => Promise.reject(new Error("later"))) as never }),
  ],
  ["makes parts of nothing", defineTcc({ parts: () => [null as never] })],
  [
    "throws what is no text",
    defineSaga({
      steps: () => {
        throw Object.create(null);
      },
    }),
  ],
  [
    "has a part that runs",
    defineSaga({
      steps: () => [
        {
          ...pays,
          get amount(): string {
            throw new Error("no");
          },
        },
      ],
    }),
  ],
  ["makes nothing", { calls: {}, plan: () => undefined as never }],
  ["cannot be written down", defineSaga({ steps: () => [{ ...pays, more: 1n } as never] })],
])("a definition that %s is refused, and the engine goes on", async (_, definition) => {
  const yifen = await opened({ transactions: { gift: definition } });
  const begin = yifen.transactions.begin({ ...asked, input: {} });
  await expect(begin).rejects.toMatchObject({ code: "invalid_request", executed: false });
  expect(await yifen.accounts.get("ann")).toMatchObject({ available: "100.00" });
  expect((await yifen.audit()).ok).toBe(true);
  await yifen.close();
});

test.each([
  ["something that is no text", () => Object.create(null) as unknown],
  ["an error whose message is none", () => Object.assign(new Error(), { message: Symbol("x") })],
  ["nothing", () => undefined],
])("a function that throws %s has failed like any other", async (_, thrown) => {
  const yifen = await opened({
    transactions: {
      gift: gift(({ attempt }) => {
        if (attempt === 1) throw thrown();
        return "sent";
      }),
    },
  });
  expect(await yifen.transactions.begin(asked)).toMatchObject({ state: "done", results: { send: "sent" } });
  expect(seen()).toEqual(["send 1", "send 2"]);
  await yifen.close();
});

test("the queue for humans can be read and resolved", async () => {
  const yifen = await opened({ transactions: {} });
  expect(await yifen.human.list()).toEqual({ items: [], cursor: null });
  await expect(yifen.human.get("h1024")).rejects.toMatchObject({ code: "item_not_found" });
  const asking = yifen.human.resolve({ item: "h1024", action: "done", reason: "seen" });
  await expect(asking).rejects.toMatchObject({ code: "item_not_found" });
  await yifen.close();
});

test("a file of definitions is loaded, and one that is none is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "yifen-definitions-"));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const good = write(
    "good.mjs",
    "export const refunds = { alipay: () => 1 }; export const transactions = {};",
  );
  expect(Object.keys((await loadDefinitions(good)).refunds)).toEqual(["alipay"]);
  expect(await loadDefinitions("")).toEqual({ transactions: {}, refunds: {} });
  const bad = write("bad.mjs", "export const transactions = { gift: {} };");
  await expect(loadDefinitions(bad)).rejects.toThrow(/gift is made by neither/);
  await expect(loadDefinitions(join(folder, "missing.mjs"))).rejects.toThrow(BadConfig);
  rmSync(folder, { recursive: true });
});
