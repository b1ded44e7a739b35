import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, describe, expect, test } from "vitest";
import { orderId } from "../../../actors/order-number.js";
import type { Journal } from "../../../persistence/log/journal.js";
import { Follower, type ReadSource } from "../../../persistence/read/read-follower.js";
import { type ReadGroup, ReadModel } from "../../../persistence/read/read-model.js";
import { prepareAnswers, type ReadAnswers, ReadFailed } from "../../../persistence/read/read-queries.js";
import { closeReadDatabase, openReadDatabase } from "../../../persistence/read/read-schema.js";
import { openReadSide } from "../../../persistence/read/read-side.js";
import { groupsOf, order, shardOne, shardZero } from "../trading-log.js";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 9 });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "read-model-"));
  folders.push(made);
  return made;
}

const logs = [groupsOf(shardZero()), groupsOf(shardOne())] as const;
const ends = logs.map((groups) => groups.at(-1)!.last) as [number, number];

function projected(file = ":memory:"): { db: Database.Database; answers: ReadAnswers } {
  const db = openReadDatabase(file);
  const model = new ReadModel(db);
  for (const shard of [0, 1]) model.project(shard, logs[shard]!);
  model.commit();
  return { db, answers: prepareAnswers(db) };
}

/** Every row of every table, to compare two databases. */
function contents(db: Database.Database): Record<string, unknown[]> {
  const tables = [
    "orders",
    "order_items",
    "order_logs",
    "accounts",
    "products",
    "ledger_entries",
    "cursors",
    "handles",
  ];
  return Object.fromEntries(
    tables.map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2, 3`).all()]),
  );
}

describe("queries", () => {
  test("an order is listed as its own answer shows it", () => {
    const { answers } = projected();
    const { orders, cursor } = answers.orders({ account: "alice", status: "Created" });
    expect(cursor).toBeNull();
    expect(orders).toEqual([
      {
        order: orderId(order(5)),
        status: "Created",
        version: 1,
        account: "alice",
        lines: [{ product: "tea", name: "绿茶", qty: 3, unitPrice: "15.00", subtotal: "45.00" }],
        total: "45.00",
        currency: "CNY",
        amountPaid: "0.00",
        amountRefunded: "0.00",
        payBy: "2026-01-01T00:15:15.000Z",
        createdAt: "2026-01-01T00:00:15.000Z",
        next: ["pay", "cancel"],
      },
    ]);
  });

  test("pages run from the newest to the oldest, each order once, with any page size", () => {
    const { answers } = projected();
    const numbers = [7, 6, 5, 4, 3, 2, 1].map((sequence) => orderId(order(sequence)));
    for (let limit = 1; limit <= 8; limit++) {
      const seen: unknown[] = [];
      let cursor: string | null | undefined;
      do {
        const page = answers.orders({ account: "alice", limit, cursor: cursor ?? undefined });
        seen.push(...page.orders.map((found) => (found as { order: string }).order));
        cursor = page.cursor;
      } while (cursor !== null);
      expect(seen).toEqual(numbers);
    }
  });

  test("the history tells every move, with its key and why", () => {
    const { answers } = projected();
    const moves = (sequence: number) => answers.history({ order: orderId(order(sequence)) }).moves;
    expect(moves(1)).toEqual([
      { version: 1, from: null, to: "Created", event: "place", time: "2026-01-01T00:00:04.000Z", key: "k1" },
      { version: 2, from: "Created", to: "Paid", event: "pay", time: "2026-01-01T00:00:05.000Z", key: "k2" },
    ]);
    expect(moves(3)[1]).toMatchObject({
      to: "Canceled",
      event: "cancel",
      remark: "changed my mind",
      key: "k5",
    });
    expect(moves(4)[1]).toMatchObject({ to: "Canceled", event: "expire", operator: "engine" });
    expect(() => moves(99)).toThrow("no such order");
  });

  test("the statement runs back from the balance to nothing", () => {
    const { answers } = projected();
    const { entries, currency } = answers.statement({ account: "alice" });
    expect(currency).toBe("CNY");
    const rows = entries as {
      type: string;
      amount: string;
      available: string;
      order?: string;
      ref?: string;
    }[];
    expect(rows.map(({ type, amount, available }) => [type, amount, available])).toEqual([
      ["capture", "-21.00", "924.00"],
      ["capture", "-15.00", "945.00"],
      ["withdraw", "-5.00", "960.00"],
      ["capture", "-15.00", "965.00"],
      ["capture", "-20.00", "980.00"],
      ["deposit", "1000.00", "1000.00"],
    ]);
    expect(rows[0]!.order).toBe(orderId(order(7)));
    expect(rows[5]!.ref).toBe("d1");
    const first = answers.statement({ account: "alice", limit: 4 });
    const rest = answers.statement({ account: "alice", limit: 4, cursor: first.cursor! });
    expect([...first.entries, ...rest.entries]).toEqual(entries);
    expect(rest.cursor).toBeNull();
  });

  test("a cursor that was never given out is refused", () => {
    const { answers } = projected();
    for (const cursor of ["x", "", "MS4y", Buffer.from("1.2.3").toString("base64url")]) {
      expect(() => answers.orders({ account: "alice", cursor }), cursor).toThrow(ReadFailed);
    }
  });
});

describe("the tables", () => {
  test("the views show amounts as decimals and times in ISO 8601; the ledger sums to zero", () => {
    const { db } = projected();
    expect(
      db
        .prepare(
          "SELECT total, created_at, canceled_at, cancel_reason FROM readable_orders WHERE order_no = ?",
        )
        .get(orderId(order(3))),
    ).toEqual({
      total: "15.00",
      created_at: "2026-01-01T00:00:10.000Z",
      canceled_at: "2026-01-01T00:00:11.000Z",
      cancel_reason: "changed my mind",
    });
    expect(
      db.prepare("SELECT unit, sum(amount_minor) AS sum FROM ledger_entries GROUP BY unit").all(),
    ).toEqual([
      { unit: "CNY", sum: 0 },
      { unit: "unit:cup", sum: 0 },
      { unit: "unit:tea", sum: 0 },
    ]);
    expect(db.prepare("SELECT product, price, available, held, sold FROM readable_products").all()).toEqual([
      { product: "cup", price: "3.00", available: 48, held: 0, sold: 2 },
      { product: "tea", price: "15.00", available: 102, held: 3, sold: 5 },
    ]);
    expect(db.prepare("SELECT account, available FROM readable_accounts").all()).toEqual([
      { account: "alice", available: "924.00" },
    ]);
  });

  test.each([
    [
      "an account's orders by status",
      "SELECT * FROM orders WHERE account = 'a' AND status = 'Paid' ORDER BY number DESC",
      "orders_by_account_and_status",
    ],
    [
      "orders by status and time",
      "SELECT * FROM readable_orders WHERE status = 'Paid' AND created_at_ms > 5 ORDER BY created_at_ms",
      "orders_by_status_and_time",
    ],
    [
      "an order's history",
      "SELECT * FROM readable_order_logs WHERE order_no = 'o1025' ORDER BY version",
      "PRIMARY KEY",
    ],
    [
      "a ledger account, newest first",
      "SELECT * FROM readable_ledger_entries WHERE account = 'wallet:a' ORDER BY shard DESC, position DESC",
      "PRIMARY KEY",
    ],
  ])("%s: by an index, without a sort", (_, sql, index) => {
    const { db } = projected();
    const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
    expect(plan.map(({ detail }) => detail).join()).toContain(index);
    expect(plan.map(({ detail }) => detail).join()).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  test("READ-MODEL-1, READ-MODEL-2, READ-SCHEMA-2: however the log is cut and wherever it is interrupted, the rows are the same", () => {
    const whole = contents(projected().db);
    for (const turnsPerGroup of [1, 4, 100]) {
      const file = join(folder(), "read.db");
      const cut = [groupsOf(shardZero(), turnsPerGroup), groupsOf(shardOne(), turnsPerGroup)];
      for (const shard of [1, 0]) {
        for (const group of cut[shard]!) {
          // A new process for every group, and one that dies before its commit.
          const dying = openReadDatabase(file);
          new ReadModel(dying).project(shard, [group]);
          dying.close();
          const db = openReadDatabase(file);
          const model = new ReadModel(db);
          model.project(shard, [group]);
          model.commit();
          closeReadDatabase(db);
        }
      }
      const found = contents(openReadDatabase(file));
      expect({ ...found, cursors: [] }).toEqual({ ...whole, cursors: [] });
    }
  });
});

function sources(groups: readonly (readonly ReadGroup[])[]): ReadSource[] {
  return groups.map((log, shard) => ({
    shard,
    readAfter: (position) => log.filter(({ last }) => last > position).slice(0, 2),
  }));
}

function catchUp(file: string, groups: readonly (readonly ReadGroup[])[]): Follower {
  const follower = new Follower(file, sources(groups), 50);
  for (let steps = 0; steps < 100; steps++) follower.step(5);
  return follower;
}

describe("READ-FOLLOWER-3, READ-SCHEMA-1, READ-SCHEMA-3: a file that cannot be right is built again", () => {
  const spoil: Record<string, (file: string) => void> = {
    "not a database": (file) =>
      writeFileSync(file, "this is not a database, and it is long enough to be read as one".repeat(50)),
    "another schema version": (file) => new Database(file).exec("PRAGMA user_version = 999").close(),
    "a table is gone": (file) => new Database(file).exec("DROP TABLE orders").close(),
    "open when the machine went down": (file) =>
      new Database(file).exec("INSERT INTO opened_in_boot VALUES ('another boot')").close(),
    "ahead of the log": (file) =>
      new Database(file).exec("UPDATE cursors SET position = position + 1000").close(),
    "of another log": (file) => new Database(file).exec("UPDATE cursors SET hash = zeroblob(32)").close(),
  };
  test.each(Object.entries(spoil))("%s", (_, change) => {
    const file = join(folder(), "read.db");
    catchUp(file, logs).close();
    change(file);
    const follower = catchUp(file, logs);
    expect([follower.position(0), follower.position(1)]).toEqual(ends);
    follower.close();
    const db = new Database(file);
    expect(contents(db)).toEqual(contents(projected().db));
    expect(db.prepare("SELECT count(*) AS open FROM opened_in_boot").get()).toEqual({ open: 0 });
    db.close();
  });

  test("a file that is right is kept: nothing is read again", () => {
    const file = join(folder(), "read.db");
    catchUp(file, logs).close();
    const asked: number[] = [];
    const follower = new Follower(
      file,
      sources(logs).map((source, shard) => ({
        shard,
        readAfter: (position, maxBytes) => {
          asked.push(position);
          return source.readAfter(position, maxBytes);
        },
      })),
      50,
    );
    follower.step(5);
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(Math.min(...ends) - 1);
    follower.close();
  });
});

describe("questions", () => {
  test("READ-FOLLOWER-1: are answered when their shard is projected up to their position, and not before", () => {
    const visible: ReadGroup[] = [];
    const follower = new Follower(":memory:", sources([visible]), 10_000);
    const got: unknown[] = [];
    const first = logs[0]![0]!;
    follower.ask("statement", { account: "alice" }, 0, first.last, (result) => got.push(result));
    follower.step(5);
    expect(got).toEqual([]);
    visible.push(first);
    follower.step(5);
    expect(got).toMatchObject([{ account: "alice", entries: [{ type: "deposit" }] }]);
  });

  test("READ-FOLLOWER-2: that wait too long fail as behind, and say how far", async () => {
    const follower = new Follower(":memory:", sources([[]]), 10);
    const got: unknown[] = [];
    follower.ask("history", { order: "o1025" }, 0, 7, (result) => got.push(result));
    follower.step(5);
    await new Promise((resolve) => setTimeout(resolve, 20));
    follower.step(5);
    expect(got).toMatchObject([{ code: "behind", message: expect.stringContaining("7 facts behind") }]);
  });

  test("to a read side in memory are answered later than they are asked, and after close as broken", async () => {
    const journal = {
      read: (from: number) => logs[0]!.filter(({ last }) => last >= from),
    } as Partial<Journal> as Journal;
    const side = openReadSide({ memory: [{ shard: 0, journal }] });
    const ask = () =>
      new Promise<object>((resolve) => {
        let returned = false;
        side.query("orders", { account: "alice", limit: 1 }, 0, ends[0], (result) => {
          expect(returned).toBe(true);
          resolve(result);
        });
        returned = true;
      });
    expect(await ask()).toMatchObject({ orders: [{ order: orderId(order(7)) }] });
    expect(side.lag(0, ends[0] + 5)).toBe(5);
    await side.close();
    expect(await ask()).toMatchObject({ code: "broken" });
    expect(existsSync(":memory:")).toBe(false);
  });
});
