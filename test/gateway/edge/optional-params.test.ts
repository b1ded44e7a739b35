/**
 * Every param that may be left out, and what shows that it was given: what is seen with it is not what is seen without it. A new one
 * without an entry does not compile; one that a method swallows fails here.
 */

import type { Static, TOptional, TSchema } from "typebox";
import { expect, test } from "vitest";
import { makers } from "../../../gateway/edge/command-makers.js";
import { type EngineMethod, methodNames, methods, type ParamSchemas } from "../../../gateway/edge/methods.js";
import { paramsFit } from "../../../gateway/edge/params-check.js";
import { makeDeferredQueries } from "../../../gateway/host/deferred-queries.js";
import { memoryJournal } from "../../../persistence/log/memory-journal.js";
import { openReadSide } from "../../../persistence/read/read-side.js";
import { type Answer, epochMs, testEngine } from "../../support/engine.js";
import { call, pay, saga, world } from "../../support/transactions.js";

type OptionalOf<M extends EngineMethod> = {
  [P in keyof ParamSchemas<M>]: ParamSchemas<M>[P] extends TOptional<TSchema> ? P : never;
}[keyof ParamSchemas<M>];

type ValueOf<M extends EngineMethod, P> = P extends keyof ParamSchemas<M>
  ? ParamSchemas<M>[P] extends TSchema
    ? Static<ParamSchemas<M>[P]>
    : never
  : never;

type Given = Readonly<Record<string, unknown>>;

/** What to give, and what is then seen in a shop of its own; `given` holds it, or nothing. */
type Shown<V> = readonly [value: V, see: (shop: Shop, given: Given) => Promise<unknown>];

type Walk = {
  readonly [M in EngineMethod]: { readonly [P in OptionalOf<M>]: Shown<ValueOf<M, P>> };
};

const day = 86_400_000;

/** An engine with its read side, asked as by an edge: params are checked, and made into a command. */
class Shop {
  readonly #journal = memoryJournal();
  readonly #readSide = openReadSide({ memory: [{ shard: 0, journal: this.#journal }] });
  readonly #deferred = makeDeferredQueries(
    this.#readSide,
    () => {},
    1,
    () => Promise.resolve({}),
    () => 0,
  );
  readonly engine = testEngine({
    journals: [this.#journal],
    settings: { keysKeepMs: 1000, afterSaleMs: 30 * day },
    outside: this.#deferred.ask,
    outCalls: world({ send: () => undefined }).outCalls,
    plan: (name, input) =>
      name === "tip" ? saga(pay((input as { amount?: string }).amount ?? "1.00")) : saga(call("send")),
  });
  #keys = 0;

  async ask(method: EngineMethod, params: Given): Promise<Answer> {
    const answer = await this.maybe(method, params);
    if (!answer) throw new Error(`no answer to ${method}`);
    return answer;
  }

  /** Undefined: it waits for something that does not happen. */
  async maybe(method: EngineMethod, params: Given): Promise<Answer | undefined> {
    if (!paramsFit(method, params)) throw new Error(`${method} does not take ${JSON.stringify(params)}`);
    const make = makers[method] as unknown as (...of: unknown[]) => Record<string, unknown>;
    const { requester: _, id: __, refuseAfter: ___, ...fields } = make(undefined, 0, 0, params);
    const id = this.engine.submit({ method, ...fields });
    for (let tries = 0; tries < 50 && !this.engine.answerTo(id); tries++) {
      this.engine.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.engine.answerTo(id);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every shape
  async result(method: EngineMethod, params: Given): Promise<any> {
    const { code, result } = await this.ask(method, params);
    if (code !== "ok") throw new Error(`${method}: ${code}`);
    return result;
  }

  key(): string {
    return `k${++this.#keys}`;
  }

  place(given: Given = {}): Promise<Answer> {
    const lines = [{ product: "tea", qty: 1 }];
    return this.ask("order.place", { key: this.key(), account: "ann", lines, ...given });
  }

  async placed(given: Given = {}): Promise<string> {
    return (await this.place(given)).result.order;
  }

  async paid(events: readonly string[] = []): Promise<string> {
    const order = await this.placed({ pay: "balance" });
    for (const event of events) await this.advance(order, event, event === "ship" ? { tracking: "SF" } : {});
    return order;
  }

  advance(order: string, event: string, given: Given = {}): Promise<Answer> {
    return this.ask("order.advance", { key: this.key(), order, event, ...given });
  }

  move(method: "order.pay" | "order.cancel" | "order.refund", order: string, given: Given): Promise<Answer> {
    const reason = method === "order.refund" ? { reason: "late" } : {};
    return this.ask(method, { key: this.key(), order, ...reason, ...given });
  }

  async moves(order: string): Promise<unknown> {
    const { moves } = await this.result("order.history", { order });
    return moves.map(({ time: _, key: __, ...move }: Given) => move);
  }

  async stock(): Promise<unknown> {
    const { available, held, sold } = await this.result("product.get", { product: "tea" });
    return [available, held, sold];
  }

  /** A request of now, after those of before are forgotten: it is refused when it says that it is of then. */
  async afterForgetting(order: string, request: (order: string) => Promise<Answer>): Promise<unknown> {
    const gone = await this.placed({ at: epochMs });
    await this.move("order.cancel", gone, { at: epochMs });
    for (let n = 0; n < 3; n++) this.engine.pass(2000);
    return (await request(order)).code;
  }

  notify(given: Given = {}): Promise<Answer> {
    const payment = { provider: "alipay", paymentId: this.key(), order: "nobody's", amount: "9.99" };
    return this.ask("payment.notify", { ...payment, currency: "CNY", ...given });
  }

  async item(): Promise<string> {
    await this.notify();
    return (await this.result("human.list", {})).items[0].item;
  }
}

async function open(): Promise<Shop> {
  const shop = new Shop();
  for (const product of ["tea", "mug"]) {
    const what = { name: product, price: "9.99", currency: "CNY", stock: 10 };
    await shop.ask("product.create", { product, ...what });
  }
  for (const account of ["ann", "ben"]) await shop.ask("account.open", { account, currency: "CNY" });
  for (const ref of ["d1", "d2"]) await shop.ask("account.deposit", { account: "ann", amount: "50.00", ref });
  return shop;
}

/** What is said of an order stands in it. */
function describing<D extends object>(data: D) {
  const shown = Object.entries(data).map(([name, value]) => [
    name,
    [value, async (shop: Shop, given: Given) => (await shop.place(given)).result[name]],
  ]);
  return Object.fromEntries(shown) as { readonly [F in keyof D]: Shown<D[F]> };
}

const codeOf = async (answer: Promise<Answer>) => (await answer).code;

const moved = (shop: Shop, event: string, before: readonly string[], given: Given) =>
  shop.paid(before).then(async (order) => {
    await shop.advance(order, event, given);
    return shop.moves(order);
  });

const refunded = async (shop: Shop, given: Given) => {
  const order = await shop.placed({ pay: "balance", lines: [{ product: "tea", qty: 3 }] });
  const { code, result } = await shop.move("order.refund", order, given);
  return [code, result?.refunds, await shop.stock(), await shop.moves(order)];
};

const canceled = async (shop: Shop, given: Given) => {
  const order = await shop.placed();
  await shop.move("order.cancel", order, given);
  return shop.moves(order);
};

const resolved = async (shop: Shop, action: string, given: Given) => {
  const item = await shop.item();
  const { code } = await shop.ask("human.resolve", { item, action, reason: "looked", ...given });
  const { resolution } = (await shop.result("human.get", { item })).item;
  return [code, resolution?.evidence, resolution?.operator];
};

/** The second of two pages of one entry: the cursor of the first is not known before. */
const secondPage = async (shop: Shop, method: EngineMethod, params: Given, given: Given) => {
  const { cursor } = await shop.result(method, { ...params, limit: 1 });
  return shop.result(method, { ...params, limit: 1, ...("cursor" in given ? { cursor } : {}) });
};

const created = async (shop: Shop, given: Given) => {
  const what = { name: "Pen", price: "1.00", currency: "CNY", stock: 5 };
  return shop.result("product.create", { product: "pen", ...what, ...given });
};

const updated = async (shop: Shop, given: Given) => {
  const { code, result } = await shop.ask("product.update", { product: "tea", ...given });
  return [code, result];
};

const fewer = { by: -1, reason: "loss", ref: "l1" };

/** What the shard tells of a request. */
const told = async (shop: Shop, method: EngineMethod, given: Given) => {
  await shop.ask("feed.subscribe", { topic: "shard:0" });
  await shop.ask(method, { product: "tea", ...given });
  return shop.engine.pushes().map(({ type, data }) => [type, data]);
};

const begun = (shop: Shop, name: string, given: Given) =>
  shop.maybe("transaction.begin", { key: shop.key(), account: "ann", name, ...given });

/** Two orders that have nothing in common. */
const found = async (shop: Shop, given: Given) => {
  await shop.ask("account.open", { account: "eve", currency: "CNY" });
  const lines = [{ product: "mug", qty: 1 }];
  const other = await shop.placed({ account: "eve", ref: "PO-1", lines });
  const { total } = await shop.result("order.get", { order: other });
  await shop.ask("payment.notify", {
    ...{ provider: "bank", paymentId: "p-1", order: other, amount: total, currency: "CNY" },
  });
  await shop.advance(await shop.paid(["pack"]), "ship", { tracking: "T-1" });
  const { orders } = await shop.result("order.find", given);
  return (orders as { order: string }[]).map(({ order }) => order);
};

const walk: Walk = {
  "order.place": {
    pay: ["balance", async (shop, given) => (await shop.place(given)).result.status],
    mode: [
      "saga",
      // A saga is refused by its first line, a TCC by all that stand against it.
      async (shop, given) => {
        const lines = ["tea", "mug"].map((product) => ({ product, qty: 11 }));
        return (await shop.place({ lines, pay: "balance", ...given })).details;
      },
    ],
    payWithinMs: [60_000, async (shop, given) => (await shop.place(given)).result.payBy],
    expectedTotal: ["1.00", (shop, given) => codeOf(shop.place(given))],
    at: [epochMs, (shop, given) => shop.afterForgetting("", () => shop.place(given))],
    dryRun: [
      true,
      async (shop, given) => {
        await shop.place(given);
        return shop.stock();
      },
    ],
    operator: ["li", async (shop, given) => shop.moves(await shop.placed(given))],
    ...describing({
      address: "here",
      contact: { mail: "a@b" },
      shippingMethod: "van",
      paymentMethod: "cash",
    }),
    ...describing({ ref: "PO-1", metadata: { a: "b" } }),
    adjustments: [
      [{ type: "shipping", amount: "1.00" }],
      async (shop, given) => (await shop.place(given)).result.total,
    ],
  },
  "order.pay": {
    operator: [
      "li",
      async (shop, given) => {
        const order = await shop.placed();
        await shop.move("order.pay", order, given);
        return shop.moves(order);
      },
    ],
    at: [
      epochMs,
      async (shop, given) =>
        shop.afterForgetting(await shop.placed(), (order) => shop.move("order.pay", order, given)),
    ],
  },
  "order.cancel": {
    reason: ["a slip", canceled],
    operator: ["li", canceled],
    at: [
      epochMs,
      async (shop, given) =>
        shop.afterForgetting(await shop.placed(), (order) => shop.move("order.cancel", order, given)),
    ],
  },
  "order.advance": {
    tracking: ["SF-1", (shop, given) => moved(shop, "ship", ["pack"], given)],
    remark: ["fragile", (shop, given) => moved(shop, "pack", [], given)],
    operator: ["li", (shop, given) => moved(shop, "pack", [], given)],
    version: [9, async (shop, given) => codeOf(shop.advance(await shop.paid(), "pack", given))],
    resolution: ["keep", (shop, given) => moved(shop, "resolve", ["pack", "ship", "dispute"], given)],
    restock: [
      true,
      async (shop, given) => {
        const order = await shop.paid(["pack", "ship", "dispute"]);
        await shop.advance(order, "resolve", { resolution: "refund", ...given });
        return shop.stock();
      },
    ],
    at: [
      epochMs,
      async (shop, given) =>
        shop.afterForgetting(await shop.paid(), (order) => shop.advance(order, "pack", given)),
    ],
  },
  "order.refund": {
    lines: [[{ product: "tea", qty: 1 }], refunded],
    extras: [
      ["shipping"],
      async (shop, given) => {
        const adjustments = [{ type: "shipping", amount: "1.00" }];
        const order = await shop.placed({ pay: "balance", adjustments });
        return (await shop.move("order.refund", order, given)).result?.refunds;
      },
    ],
    amount: ["1.00", refunded],
    restock: [true, refunded],
    operator: ["li", refunded],
    version: [9, refunded],
    at: [
      epochMs,
      async (shop, given) =>
        shop.afterForgetting(await shop.paid(), (order) => shop.move("order.refund", order, given)),
    ],
  },
  "order.find": {
    account: ["ann", found],
    status: ["Paid", found],
    product: ["mug", found],
    ref: ["PO-1", found],
    tracking: ["T-1", found],
    payment: ["p-1", found],
    from: [epochMs + day, found],
    to: [epochMs, found],
    cursor: [
      "",
      async (shop, given) => {
        await found(shop, {});
        return secondPage(shop, "order.find", {}, given);
      },
    ],
    limit: [1, found],
  },
  "order.list": {
    status: ["Paid", (shop, given) => listed(shop, given)],
    cursor: ["", (shop, given) => listedAfter(shop, given)],
    limit: [1, (shop, given) => listed(shop, given)],
  },
  "refund.report": {
    ref: [
      "rf-7",
      async (shop, given) => {
        const order = await shop.placed();
        await shop.notify({ order });
        const { refunds } = (await shop.move("order.refund", order, {})).result;
        return shop.result("refund.report", { refund: refunds[0].refund, outcome: "done", ...given });
      },
    ],
  },
  "product.create": {
    limitPerAccount: [2, created],
    saleStartsAt: [epochMs + 1000, created],
    saleEndsAt: [epochMs + day, created],
    backorder: [3, created],
  },
  "product.restock": {
    ref: [
      "r1",
      async (shop, given) => {
        for (const qty of [5, 5]) await shop.ask("product.restock", { product: "tea", qty, ...given });
        return shop.stock();
      },
    ],
  },
  "product.reprice": {
    expectedVersion: [
      7,
      (shop, given) => codeOf(shop.ask("product.reprice", { product: "tea", price: "1.00", ...given })),
    ],
  },
  "product.update": {
    name: ["Oolong", (shop, given) => updated(shop, { limitPerAccount: 9, ...given })],
    price: ["1.00", (shop, given) => updated(shop, { limitPerAccount: 9, ...given })],
    limitPerAccount: [2, (shop, given) => updated(shop, { name: "Oolong", ...given })],
    saleStartsAt: [epochMs + 1000, (shop, given) => updated(shop, { name: "Oolong", ...given })],
    saleEndsAt: [epochMs + day, (shop, given) => updated(shop, { name: "Oolong", ...given })],
    backorder: [3, (shop, given) => updated(shop, { name: "Oolong", ...given })],
    expectedVersion: [7, (shop, given) => updated(shop, { name: "Oolong", ...given })],
    ref: [
      "u1",
      async (shop, given) => {
        await updated(shop, { name: "Oolong", ...given });
        return updated(shop, { name: "Oolong", ...given });
      },
    ],
    operator: ["ops.li", (shop, given) => told(shop, "product.update", { name: "Oolong", ...given })],
  },
  "product.adjust": {
    operator: ["ops.li", (shop, given) => told(shop, "product.adjust", { ...fewer, ...given })],
    remark: ["broken", (shop, given) => told(shop, "product.adjust", { ...fewer, ...given })],
  },
  "product.count": {
    operator: ["ops.li", (shop, given) => told(shop, "product.count", { counted: 9, ref: "c1", ...given })],
    remark: ["shelf 3", (shop, given) => told(shop, "product.count", { counted: 9, ref: "c1", ...given })],
  },
  "product.delist": {
    expectedVersion: [7, (shop, given) => codeOf(shop.ask("product.delist", { product: "tea", ...given }))],
    operator: ["ops.li", (shop, given) => told(shop, "product.delist", given)],
  },
  "product.relist": {
    expectedVersion: [7, (shop, given) => codeOf(shop.ask("product.relist", { product: "tea", ...given }))],
    operator: [
      "ops.li",
      async (shop, given) => {
        await shop.ask("product.delist", { product: "tea" });
        return told(shop, "product.relist", given);
      },
    ],
  },
  "account.statement": {
    cursor: ["", (shop, given) => secondPage(shop, "account.statement", { account: "ann" }, given)],
    limit: [1, (shop, given) => shop.result("account.statement", { account: "ann", ...given })],
  },
  "transaction.begin": {
    input: [
      { amount: "3.00" },
      async (shop, given) => {
        await begun(shop, "tip", given);
        return shop.result("account.get", { account: "ben" });
      },
    ],
    deadlineMs: [
      5000,
      async (shop, given) => {
        const { transaction } = (await begun(shop, "call", { wait: false, ...given }))!.result;
        shop.engine.pass(10_000);
        return shop.result("transaction.get", { transaction });
      },
    ],
    wait: [false, (shop, given) => begun(shop, "call", given)],
    at: [epochMs, (shop, given) => shop.afterForgetting("", async () => (await begun(shop, "tip", given))!)],
  },
  "human.list": {
    state: [
      "resolved",
      async (shop, given) => {
        await shop.item();
        return shop.result("human.list", given);
      },
    ],
    cursor: [
      "",
      async (shop, given) => {
        for (let n = 0; n < 2; n++) await shop.notify();
        return secondPage(shop, "human.list", {}, given);
      },
    ],
    limit: [
      1,
      async (shop, given) => {
        for (let n = 0; n < 2; n++) await shop.notify();
        return shop.result("human.list", given);
      },
    ],
  },
  "human.resolve": {
    evidence: ["a slip", (shop, given) => resolved(shop, "done", given)],
    order: [
      "o1024",
      async (shop, given) => {
        const order = await shop.placed();
        return resolved(shop, "retry", "order" in given ? { order } : {});
      },
    ],
    entries: [
      [{ from: "suspense", to: "revenue", amount: "9.99" }],
      (shop, given) => resolved(shop, "entries", given),
    ],
    operator: ["li", (shop, given) => resolved(shop, "done", given)],
  },
  "feed.subscribe": {
    from: [
      1,
      async (shop, given) => {
        await shop.ask("feed.subscribe", { topic: "account:ann", ...given });
        shop.engine.settle();
        return shop.engine.pushes();
      },
    ],
  },
  ...none("order.get", "order.lookup", "order.history", "refund.get", "payment.notify", "points.spend"),
  ...none("token.issue", "product.get", "account.open", "account.get", "account.deposit"),
  ...none("account.withdraw", "transaction.get", "human.get", "feed.unsubscribe", "audit.run"),
};

async function listed(shop: Shop, given: Given) {
  await shop.placed();
  await shop.paid();
  return shop.result("order.list", { account: "ann", ...given });
}

async function listedAfter(shop: Shop, given: Given) {
  for (let n = 0; n < 2; n++) await shop.placed();
  return secondPage(shop, "order.list", { account: "ann" }, given);
}

/** Methods whose every param must be given. */
function none<M extends EngineMethod>(...names: M[]): { readonly [N in M]: Record<never, never> } {
  return Object.fromEntries(names.map((name) => [name, {}])) as { [N in M]: Record<never, never> };
}

const optional = methodNames.flatMap((method) => {
  const { properties, required = [] } = methods[method].params as { properties: object; required?: string[] };
  return Object.keys(properties)
    .filter((param) => !required.includes(param))
    .map((param) => ({ method, param }));
});

test("every param that may be left out has its entry, and no other has", () => {
  const entries = Object.entries(walk).flatMap(([method, params]) =>
    Object.keys(params).map((param) => `${method} ${param}`),
  );
  expect(entries.sort()).toEqual(optional.map(({ method, param }) => `${method} ${param}`).sort());
});

test.each(optional)(
  "$method: with $param something else is seen than without it",
  async ({ method, param }) => {
    const [value, see] = (walk as Readonly<Record<string, Record<string, Shown<unknown>>>>)[method]![param]!;
    const without = await see(await open(), {});
    expect(await see(await open(), {})).toEqual(without);
    expect(await see(await open(), { [param]: value })).not.toEqual(without);
  },
);
