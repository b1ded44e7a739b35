import { describe, expect, test } from "vitest";
import { amountOf, centsOf } from "../../cli/demo/amounts.js";
import type { Outage } from "../../cli/demo/crash.js";
import { makePlan } from "../../cli/demo/plan.js";
import { newReceipts, type Receipt, type Receipts } from "../../cli/demo/receipts.js";
import { type Run, reportOf } from "../../cli/demo/report.js";
import type { Account, Order, OrderStatus, Product } from "../../client/client.js";
import type { Certificate } from "../../persistence/audit/audit.js";

/** What was seen after a sale, to be spoiled by a test. */
interface World {
  plan: Run["plan"];
  receipts: Receipts;
  products: Spoilable<Product>[];
  accounts: Spoilable<Account>[];
  orders: Map<string, Order>;
  listed: Map<string, string[]>;
  outage: Outage | undefined;
  auditOk: boolean;
}

type Spoilable<T> = { -readonly [K in keyof T]: T[K] };

const price = "10.10";

/**
 * Two units, four buyers: buyer-0 and buyer-1 bought, buyer-2 held a unit and never paid, buyer-3 was refused. buyer-0 sent
 * its key twice.
 */
function honestWorld(): World {
  const plan: Run["plan"] = {
    products: [{ product: "cup", name: "Cup", price, units: 2 }],
    buyers: [0, 1, 2, 3].map((n) => ({
      account: `buyer-${n}`,
      money: 100_00n + BigInt(n),
      product: "cup",
      payment: "balance",
      repeat: "none",
      thinkMs: 0,
    })),
  };
  const receipts = newReceipts();
  const receipt = (account: string, answers: Receipt["answers"], sends = answers.length) =>
    receipts.keys.push({
      account,
      key: `${account}.1`,
      method: "order.place",
      product: "cup",
      sends,
      answers,
    });
  const bought = order("o1024", "buyer-0", "Paid");
  receipt("buyer-0", [
    { order: bought, replayed: false },
    { order: bought, replayed: true },
  ]);
  receipt("buyer-1", [{ order: order("o2048", "buyer-1", "Paid"), replayed: false }]);
  receipt("buyer-2", [{ order: order("o3072", "buyer-2", "Created"), replayed: false }]);
  receipt("buyer-3", [{ code: "insufficient_stock", replayed: false }]);
  const orders = [bought, order("o2048", "buyer-1", "Paid"), order("o3072", "buyer-2", "Canceled", 2)];
  const left = ["89.90", "89.91", "100.02", "100.03"];
  return {
    plan,
    receipts,
    products: [
      {
        product: "cup",
        name: "Cup",
        price,
        currency: "CNY",
        available: 0,
        held: 0,
        sold: 2,
        short: 0,
        backorder: 0,
        backordered: 0,
        priceVersion: 1,
        version: 1,
        limitPerAccount: null,
        saleStartsAt: null,
        saleEndsAt: null,
        delisted: false,
      },
    ],
    accounts: left.map((available, n) => ({
      account: `buyer-${n}`,
      currency: "CNY",
      available,
      held: "0.00",
      points: 0,
    })),
    orders: new Map(orders.map((o) => [o.order, o])),
    listed: new Map([
      ["buyer-0", ["o1024"]],
      ["buyer-1", ["o2048"]],
      ["buyer-2", ["o3072"]],
      ["buyer-3", []],
    ]),
    outage: { signal: "SIGKILL", killedAt: 1000, answeredAt: 1400, backAt: 1600, unanswered: 7 },
    auditOk: true,
  };
}

function order(number: string, account: string, status: OrderStatus, version = 1): Order {
  return {
    order: number,
    status,
    version,
    account,
    lines: [{ product: "cup", name: "Cup", qty: 1, unitPrice: price, subtotal: price }],
    total: price,
    currency: "CNY",
    amountPaid: status === "Paid" ? price : "0.00",
    amountRefunded: "0.00",
    payBy: null,
    createdAt: "2025-01-01T00:00:00.000Z",
    next: [],
  };
}

function judge(world: World) {
  const { plan, receipts, products, accounts, orders, listed, outage } = world;
  const certificate = { ok: world.auditOk, checks: [{ name: "stock", ok: world.auditOk }] };
  return reportOf({
    plan,
    connections: 1,
    receipts,
    seen: {
      products,
      accounts,
      orders,
      listed,
      audit: { certificate: certificate as unknown as Certificate },
    },
    outage,
    rush: { from: 0, to: 2000 },
    seconds: 2,
  });
}

test("an honest sale: everything is counted and nothing is wrong", () => {
  expect(judge(honestWorld())).toMatchObject({
    ok: true,
    problems: [],
    buyers: 4,
    stock: 2,
    sold: 2,
    refused: 1,
    expired: 1,
    oversold: 0,
    duplicatesSent: 1,
    duplicatesApplied: 0,
    contradictions: 0,
    unanswered: 0,
    killed: true,
    unansweredAtKill: 7,
    recoveredMs: 400,
    lostAfterKill: 0,
    ledgerDifference: "0.00",
    accountsWrong: 0,
    auditOk: true,
  });
});

test("without a kill, nothing was killed and there is no recovery", () => {
  const world = { ...honestWorld(), outage: undefined };
  expect(judge(world)).toMatchObject({ ok: true, killed: false, recoveredMs: null, unansweredAtKill: 0 });
});

const wrongs: readonly (readonly [what: string, spoil: (world: World) => void, found: object])[] = [
  [
    "the product says that more was sold than there was",
    (world) => {
      world.products[0]!.sold = 3;
    },
    { sold: 3, oversold: 1 },
  ],
  [
    "more orders are paid than there were units, whatever the product says",
    (world) => {
      world.orders.set("o3072", order("o3072", "buyer-2", "Paid", 2));
    },
    { sold: 2, oversold: 1 },
  ],
  [
    "a unit was not sold",
    (world) => {
      Object.assign(world.products[0]!, { sold: 1, available: 1 });
    },
    { sold: 1, oversold: 0 },
  ],
  [
    "a unit is nowhere",
    (world) => {
      world.plan = { ...world.plan, products: [{ ...world.plan.products[0]!, units: 3 }] };
    },
    { oversold: 0 },
  ],
  [
    "one key made two orders",
    (world) => {
      const second = order("o4096", "buyer-0", "Paid");
      world.receipts.keys[0]!.answers[1] = { order: second, replayed: false };
    },
    { duplicatesApplied: 1, contradictions: 1 },
  ],
  [
    "an account has an order that no key was answered with",
    (world) => {
      world.listed.get("buyer-0")!.push("o4096");
      world.orders.set("o4096", order("o4096", "buyer-0", "Canceled"));
    },
    { duplicatesApplied: 1, ledgerDifference: "0.00" },
  ],
  [
    "an account was charged twice for one order",
    (world) => {
      world.accounts[0]!.available = "79.80";
    },
    { duplicatesApplied: 1, ledgerDifference: "10.10", accountsWrong: 1 },
  ],
  [
    "one cent went from one account to another",
    (world) => {
      world.accounts[2]!.available = "100.01";
      world.accounts[3]!.available = "100.04";
    },
    { ledgerDifference: "0.00", accountsWrong: 2 },
  ],
  [
    "one cent came from nowhere",
    (world) => {
      world.accounts[3]!.available = "100.04";
    },
    { ledgerDifference: "-0.01", accountsWrong: 1, duplicatesApplied: 0 },
  ],
  [
    "an answered order is gone",
    (world) => {
      world.orders.delete("o2048");
    },
    { lostAfterKill: 1, ledgerDifference: "10.10" },
  ],
  [
    "an order that was answered as paid is not paid any more",
    (world) => {
      world.orders.set("o2048", order("o2048", "buyer-1", "Canceled", 2));
    },
    { lostAfterKill: 1 },
  ],
  [
    "an order went back to an older version",
    (world) => {
      world.receipts.keys[1]!.answers[0] = { order: order("o2048", "buyer-1", "Paid", 3), replayed: false };
    },
    { lostAfterKill: 1 },
  ],
  [
    "an order that nobody paid is still held",
    (world) => {
      world.orders.set("o3072", order("o3072", "buyer-2", "Created"));
    },
    { lostAfterKill: 1 },
  ],
  [
    "an order costs something else than was answered",
    (world) => {
      world.orders.set("o3072", { ...order("o3072", "buyer-2", "Canceled", 2), total: "9.99" });
    },
    { lostAfterKill: 1 },
  ],
  [
    "a key was refused once and answered with an order once",
    (world) => {
      world.receipts.keys[1]!.answers.push({ code: "insufficient_stock", replayed: false });
    },
    { contradictions: 1, duplicatesApplied: 0 },
  ],
  [
    "a key was never answered",
    (world) => {
      world.receipts.keys[3]!.answers.length = 0;
    },
    { unanswered: 1 },
  ],
  [
    "the server was not killed but ended by itself",
    (world) => {
      world.outage = { ...world.outage!, signal: null };
    },
    { killed: false },
  ],
  [
    "the engine's audit found something",
    (world) => {
      world.auditOk = false;
    },
    { auditOk: false },
  ],
];

describe("a wrong is reported as wrong", () => {
  test.each(wrongs)("%s", (_, spoil, found) => {
    const world = honestWorld();
    spoil(world);
    const report = judge(world);
    expect(report).toMatchObject({ ok: false, ...found });
    expect(report.problems.length).toBeGreaterThan(0);
  });
});

describe("speed", () => {
  test("waits during the outage count, and are left out where it says so", () => {
    const world = honestWorld();
    for (let n = 0; n < 98; n++) world.receipts.attempts.push({ sentAt: n, answeredAt: n + 2 });
    world.receipts.attempts.push({ sentAt: 900, answeredAt: 1500 }, { sentAt: 1550, answeredAt: 1650 });
    expect(judge(world)).toMatchObject({
      ordersPerSecond: 50,
      // 98 answers in 2,000 ms less the 600 ms from the kill until everybody was back.
      ordersPerSecondOutsideOutage: 70,
      p50Ms: 2,
      p99Ms: 100,
      p99OutsideOutageMs: 2,
    });
  });
});

describe("amounts", () => {
  test.each(["0.00", "0.01", "10.10", "-0.05", "90071992547409.93"])(
    "%s is read and written alike",
    (amount) => {
      expect(amountOf(centsOf(amount))).toBe(amount);
    },
  );
  test.each(["1", "1.5", "1.005", "", "NaN", "1e3", "+1.00"])("%s is not an amount", (amount) => {
    expect(() => centsOf(amount)).toThrow(/is not an amount/);
  });
});

describe("the plan", () => {
  test("follows from the seed, and gives every product its units and twice as many buyers", () => {
    const options = { buyers: 2000, stock: 997, seed: 7 };
    const plan = makePlan(options);
    expect(makePlan(options)).toEqual(plan);
    expect(makePlan({ ...options, seed: 8 })).not.toEqual(plan);
    expect(plan.products.reduce((sum, { units }) => sum + units, 0)).toBe(997);
    expect(new Set(plan.buyers.map(({ account }) => account)).size).toBe(2000);
    for (const { product, units, price: asked } of plan.products) {
      const buyers = plan.buyers.filter((buyer) => buyer.product === product);
      expect(buyers.filter(({ payment }) => payment !== "never").length).toBeGreaterThanOrEqual(units);
      expect(buyers.every(({ money }) => money >= centsOf(asked))).toBe(true);
    }
  });
});
