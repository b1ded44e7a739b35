/** Real answers of an engine over HTTP: they have the shape that the documents promise. */

import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { methods as shardRows } from "../../../engine/loop/methods.js";
import { routes, webSocketOnly } from "../../../gateway/edge/http-routes.js";
import { type Method, methods } from "../../../gateway/edge/methods.js";
import { signatureOf } from "../../../gateway/edge/payment-signature.js";
import { shapes } from "../../../gateway/edge/result-shapes.js";
import type { EngineHost } from "../../../gateway/host/engine-host.js";
import { defineSaga, Refused } from "../../../gateway/host/transactions.js";
import { type Answered, type HttpServer, serveEngine } from "./http-server.js";

let http: HttpServer & { readonly host: EngineHost };
const seen = new Set<Method>();
const secret = "a-secret-of-the-provider";

/** A cup is taken, paid for and wrapped; nobody wraps for the moon. */
const gift = defineSaga<{ to: string }>({
  steps: (_input, account) => [
    { kind: "stock", name: "take", product: "cup", qty: 1 },
    { kind: "money", name: "pay", from: account, to: "revenue", amount: "1.00", currency: "CNY" },
    { kind: "call", name: "wrap" },
  ],
  calls: {
    wrap: {
      do({ input: { to } }) {
        if (to === "the moon") throw new Refused("no paper goes there");
        return { paper: "red" };
      },
      undo() {},
    },
  },
});

beforeAll(async () => {
  http = await serveEngine(
    3,
    { transactions: { gift }, refunds: { alipay: () => ({ number: "2088-1" }) } },
    new Map(["alipay", "paypal"].map((provider) => [provider, [secret]])),
  );
});

afterAll(async () => {
  await http.stop();
  expect(http.defects).toEqual([]);
});

/** Asks, and holds the answer to its schema. */
async function ask(
  method: Method,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const route = routes.find((each) => each.method === method)!;
  const answer = await http.ask(route.verb, path, route.verb === "POST" ? (body ?? {}) : undefined, headers);
  if (answer.status === 200) seen.add(method);
  expectShape(answer.status === 200 ? methods[method].result : shapes.Problem, answer.body);
  return answer;
}

function expectShape(shape: TSchema, value: unknown): void {
  const validator = Compile(shape);
  expect(
    [...validator.Errors(value)].map(({ instancePath, message }) => `${instancePath} ${message}`),
  ).toEqual([]);
  expect(unknownFields(shape as Schema, value, "answer")).toEqual([]);
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Schemas are open; the engine's answers may still hold nothing that no schema tells of. */
function unknownFields(schema: Schema, value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item) => (schema.items ? unknownFields(schema.items, item, `${path}[]`) : []));
  }
  if (typeof value !== "object" || value === null) return [];
  const open = fitting(schema, value);
  if (!open.properties) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const known = open.properties![name];
    return known ? unknownFields(known, each, `${path}.${name}`) : [`${path}.${name}`];
  });
}

/** Of several shapes the one that the value has. */
function fitting(schema: Schema, value: unknown): Schema {
  return schema.anyOf?.find((each) => each.properties && Compile(each as object).Check(value)) ?? schema;
}

test("a shop over HTTP, from its first product to its audit", async () => {
  await ask("product.create", "/v1/products", {
    product: "tea",
    name: "Tea",
    price: "9.99",
    currency: "CNY",
    stock: 10,
  });
  const restocked = await ask("product.restock", "/v1/products/tea/restock", { qty: 5 }, key("delivery-1"));
  expect(restocked.body.available).toBe(15);
  await ask("product.reprice", "/v1/products/tea/reprice", { price: "12.50" });
  await ask("product.delist", "/v1/products/tea/delist", {});
  await ask("product.update", "/v1/products/tea/update", { limitPerAccount: 0, name: "Tea, green" });
  await ask("product.update", "/v1/products/tea/update", { name: "Tea" });
  await ask("product.relist", "/v1/products/tea/relist", {});
  const fewer = { by: -2, reason: "damage" };
  const adjusted = await ask("product.adjust", "/v1/products/tea/adjust", fewer, key("wet-1"));
  expect(adjusted.body.available).toBe(13);
  const counted = await ask("product.count", "/v1/products/tea/count", { counted: 15 }, key("inventory"));
  expect(counted.body.available).toBe(15);
  await ask("account.open", "/v1/accounts", { account: "ann", currency: "CNY" });
  await ask("account.deposit", "/v1/accounts/ann/deposit", { amount: "500.00" }, key("bank-1"));
  await ask("account.withdraw", "/v1/accounts/ann/withdraw", { amount: "60.00", ref: "payout-1" });

  const placed = await ask(
    "order.place",
    "/v1/orders",
    { account: "ann", lines: [{ product: "tea", qty: 2 }] },
    key("cart-1"),
  );
  expect(placed.body).toMatchObject({ status: "Created", total: "25.00", amountPaid: "0.00" });
  const paid = await ask("order.pay", `/v1/orders/${placed.body.order}/pay`, undefined, key("pay-1"));
  expect(paid.body).toMatchObject({ status: "Paid", amountPaid: "25.00", payBy: null });
  const other = await ask(
    "order.place",
    "/v1/orders",
    { account: "ann", lines: [{ product: "tea", qty: 1 }] },
    key("cart-2"),
  );
  const canceled = await ask(
    "order.cancel",
    `/v1/orders/${other.body.order}/cancel`,
    { reason: "changed my mind" },
    key("cancel-2"),
  );
  expect(canceled.body.status).toBe("Canceled");

  expect((await ask("order.get", `/v1/orders/${placed.body.order}`)).body).toEqual(paid.body);
  const { body: history } = await ask("order.history", `/v1/orders/${other.body.order}/history`);
  expect(history.moves.map(({ to }: { to: string }) => to)).toEqual(["Created", "Canceled"]);
  expect((await ask("product.get", "/v1/products/tea")).body).toMatchObject({ available: 13, sold: 2 });
  expect((await ask("account.get", "/v1/accounts/ann")).body.available).toBe("415.00");
  const lookup = await ask("order.lookup", "/v1/orders/lookup?account=ann&key=cart-1");
  expect(lookup.body).toMatchObject({ state: "found", result: { status: "Created" } });
  expect((await ask("order.lookup", "/v1/orders/lookup?account=ann&key=none")).body.state).toBe("never_seen");
  expect((await ask("audit.run", "/v1/audit")).body.ok).toBe(true);
});

test("a request that is sent twice under one key happens once, and the second answer says so", async () => {
  const buy = () =>
    ask("order.place", "/v1/orders", { account: "ann", lines: [{ product: "tea", qty: 1 }] }, key("twice"));
  const [first, second] = [await buy(), await buy()];
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect(second.body).toEqual(first.body);
  const together = await Promise.all([1, 2, 3, 4].map(() => ask("account.deposit", ...deposit("r-4"))));
  expect(together.filter(({ headers }) => headers.get("idempotent-replayed") === "true").length).toBe(3);
  const other = await ask("account.deposit", "/v1/accounts/ann/deposit", { amount: "2.00" }, key("r-4"));
  expect([other.status, other.body.code, other.body.executed]).toEqual([422, "key_reused", false]);
});

const deposit = (ref: string) => ["/v1/accounts/ann/deposit", { amount: "1.00" }, key(ref)] as const;

test("a refusal that is kept under its key is replayed as a problem", async () => {
  const buy = () =>
    ask("order.place", "/v1/orders", { account: "ann", lines: [{ product: "tea", qty: 999 }] }, key("much"));
  const [first, second] = [await buy(), await buy()];
  expect(first.body).toMatchObject({ code: "insufficient_stock", status: 409, executed: false });
  expect(second.body).toEqual(first.body);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  const { body } = await ask("order.lookup", "/v1/orders/lookup?account=ann&key=much");
  expect(body.error.code).toBe("insufficient_stock");
});

test("lists are read to their ends by following links", async () => {
  const { body: all } = await ask("order.list", "/v1/orders?account=ann");
  const found: unknown[] = [];
  let path: string | undefined = "/v1/orders?account=ann&limit=1";
  for (; path !== undefined; path = nextOf(path)) found.push(await pageOf(path));
  expect(all.orders.length).toBe(3);
  const { body: everywhere } = await ask("order.find", "/v1/orders/find?account=ann&from=1");
  expect(everywhere.orders).toEqual(all.orders);
  expect(found).toEqual(all.orders);
  const entries = await ask("account.statement", "/v1/accounts/ann/statement?limit=2");
  expect(entries.headers.get("link")).toMatch(
    /^<\/v1\/accounts\/ann\/statement\?limit=2&cursor=.+>; rel="next"$/,
  );

  async function pageOf(at: string): Promise<unknown> {
    const { body, headers } = await ask("order.list", at);
    links.set(at, headers.get("link"));
    return body.orders[0];
  }
});

const links = new Map<string, string | null>();

function nextOf(path: string): string | undefined {
  return /^<([^>]+)>; rel="next"$/.exec(links.get(path) ?? "")?.[1];
}

test("a cursor that was never given out names its place", async () => {
  const { status, body } = await ask("order.list", "/v1/orders?account=ann&cursor=nonsense!");
  expect(status).toBe(400);
  expect(body.details.path).toBe("query.cursor");
});

test("a payment from outside: paid, twice, not enough, and for nothing", async () => {
  const order = await placed("out-1", 2);
  const paid = await notify("alipay", "p-1", order, "25.00");
  expect(paid.body).toMatchObject({
    ...{ outcome: "paid", money: "applied", refund: null },
    order: { order, status: "Paid", amountPaid: "25.00" },
  });
  expect((await notify("alipay", "p-1", order, "25.00")).headers.get("idempotent-replayed")).toBe("true");
  expect((await notify("alipay", "p-1", order, "26.00")).body.code).toBe("key_reused");
  const twice = await notify("alipay", "p-2", order, "25.00");
  expect(twice.body).toMatchObject({ outcome: "duplicate_payment", money: "refunded" });
  expect((await ask("refund.get", `/v1/refunds/${twice.body.refund}`)).body).toMatchObject({
    ...{ order, amount: "25.00", to: "provider", provider: "alipay", paymentId: "p-2", lines: [] },
  });
  const part = await notify("alipay", "p-3", await placed("out-2", 1), "5.00");
  expect(part.body).toMatchObject({ outcome: "partially_paid", money: "kept" });
  const lost = await notify("alipay", "p-4", "o999999", "5.00");
  expect(lost.body).toEqual({ outcome: "unmatched_payment", money: "suspense", refund: null, order: null });
  const unsigned = await ask("payment.notify", "/v1/payments/alipay/notify", notified("p-5", order, "1.00"));
  expect([unsigned.status, unsigned.body.code]).toEqual([401, "unauthenticated"]);
});

test("an order is packed, shipped, disputed and confirmed, and what was said of it is in its history", async () => {
  const order = await paidFromBalance("life", 1);
  const advance = (name: string, body: object) =>
    ask("order.advance", `/v1/orders/${order}/events`, body, key(name));
  expect((await advance("life-1", { event: "pack", version: 9 })).body).toMatchObject({
    code: "version_mismatch",
    details: { version: 1 },
  });
  expect((await advance("life-2", { event: "pack", version: 1, operator: "li" })).body.status).toBe(
    "Packing",
  );
  expect((await advance("life-3", { event: "ship" })).body.details.path).toBe("body.tracking");
  expect((await advance("life-4", { event: "ship", tracking: "SF-1" })).body.status).toBe("Shipped");
  expect((await advance("life-5", { event: "dispute", remark: "empty" })).body.status).toBe("Disputed");
  const kept = await advance("life-6", { event: "resolve", resolution: "keep" });
  expect(kept.body).toMatchObject({ status: "Shipped" });
  expect((await advance("life-7", { event: "confirm" })).body.status).toBe("Completed");
  const { body } = await ask("order.history", `/v1/orders/${order}/history`);
  expect(body.moves.map(({ event }: { event: string }) => event)).toEqual([
    "place",
    "pack",
    "ship",
    "dispute",
    "resolve_keep",
    "confirm",
  ]);
  const points = await ask("points.spend", "/v1/accounts/ann/points/spend", { points: 12 }, key("pt-1"));
  expect(points.body).toMatchObject({ account: "ann", points: 0 });
  expect(
    (await ask("points.spend", "/v1/accounts/ann/points/spend", { points: 1 }, key("pt-2"))).body,
  ).toMatchObject({ code: "insufficient_points", details: { available: 0 } });
  const disputed = await paidFromBalance("dispute", 1);
  const move = (name: string, body: object) =>
    ask("order.advance", `/v1/orders/${disputed}/events`, body, key(name));
  for (const [n, event] of ["pack", "ship", "dispute"].entries())
    await move(`d-${n}`, { event, ...(event === "ship" ? { tracking: "SF-2" } : {}) });
  const back = await move("d-4", { event: "resolve", resolution: "refund", restock: true });
  expect(back.body).toMatchObject({
    refunds: [{ state: "done", restock: true }],
    order: { status: "Refunded" },
  });
});

test("money goes back to the wallet and to the provider, and a lookup finds what a key became", async () => {
  const order = await paidFromBalance("back", 2);
  const refund = (name: string, body: object) =>
    ask("order.refund", `/v1/orders/${order}/refund`, { reason: "broken", ...body }, key(name));
  const one = await refund("back-1", { lines: [{ product: "tea", qty: 1 }], restock: true });
  expect(one.body).toMatchObject({
    refunds: [{ to: "wallet", state: "done", amount: "12.50", lines: [{ product: "tea", qty: 1 }] }],
    order: { status: "Paid", amountRefunded: "12.50" },
  });
  expect((await refund("back-2", { amount: "20.00" })).body.code).toBe("refund_exceeds_remaining");
  expect((await refund("back-3", { lines: [{ product: "tea", qty: 2 }] })).body.code).toBe(
    "line_qty_exceeds",
  );
  expect((await ask("order.lookup", "/v1/orders/lookup?account=ann&key=back-1")).body).toEqual({
    state: "found",
    result: one.body,
  });
  expect((await ask("refund.get", `/v1/refunds/${one.body.refunds[0].refund}`)).body).toEqual(
    one.body.refunds[0],
  );
  expect((await ask("refund.get", "/v1/refunds/r999999")).body.code).toBe("refund_not_found");

  const outside = await placed("back-4", 1);
  await notify("paypal", "p-9", outside, "12.50");
  const asked = await ask("order.refund", `/v1/orders/${outside}/refund`, { reason: "x" }, key("back-5"));
  expect(asked.body).toMatchObject({ refunds: [{ to: "provider", state: "requested", ref: null }] });
  const path = `/v1/refunds/${asked.body.refunds[0].refund}/report`;
  expect((await ask("refund.report", path, { outcome: "unknown" })).body.state).toBe("unknown");
  const done = await ask("refund.report", path, { outcome: "done", ref: "2088-7" });
  expect(done.body).toMatchObject({ state: "done", ref: "2088-7" });
  expect((await ask("refund.report", path, { outcome: "refused" })).body.code).toBe("invalid_transition");
});

test("what only a human can end is listed over all shards, shown, and ended", async () => {
  const items = async (query: string) => {
    const found: { item: string; subject: string }[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body }: Answered = await ask(
        "human.list",
        `/v1/human?${query}${cursor && `&cursor=${cursor}`}`,
      );
      found.push(...body.items);
      cursor = body.cursor;
    }
    return found;
  };
  const { item } = (await items("limit=1")).find(({ subject }) => subject === "alipay:p-4")!;
  expect((await ask("human.get", `/v1/human/${item}`)).body.item).toMatchObject({
    ...{ kind: "payment", state: "open", amount: "5.00", currency: "CNY", resolution: null },
  });
  const resolve = (body: object) => ask("human.resolve", `/v1/human/${item}/resolve`, body);
  const entries = [{ from: "suspense", to: "loss", amount: "4.00" }];
  expect((await resolve({ action: "entries", reason: "r", entries })).body.code).toBe("invalid_amount");
  const done = await resolve({ action: "done", reason: "sent back", evidence: "a slip", operator: "li" });
  expect(done.body.item).toMatchObject({ state: "resolved", actions: [], resolution: { action: "done" } });
  expect((await items("state=resolved")).map((each) => each.item)).toContain(item);
  expect((await ask("human.get", "/v1/human/h999999")).body.code).toBe("item_not_found");
});

test("a token is a key", async () => {
  const { body } = await ask("token.issue", "/v1/tokens");
  const buy = (name: string) =>
    ask("order.place", "/v1/orders", { account: "ann", lines: [{ product: "tea", qty: 1 }] }, key(name));
  expect((await buy(body.token)).status).toBe(200);
  expect((await buy(`${body.token.slice(0, -1)}x`)).body.code).toBe("token_unknown");
});

test("a transaction of the program: done, undone, and looked at", async () => {
  const cup = { product: "cup", name: "Cup", price: "1.00", currency: "CNY", stock: 2 };
  await ask("product.create", "/v1/products", cup);
  const begin = (name: string, body: object) =>
    ask("transaction.begin", "/v1/transactions", { account: "ann", name: "gift", ...body }, key(name));
  const done = await begin("gift-1", { input: { to: "ben" } });
  expect(done.body).toMatchObject({ state: "done", mode: "saga", results: { wrap: { paper: "red" } } });
  expect((await begin("gift-1", { input: { to: "ben" } })).headers.get("idempotent-replayed")).toBe("true");
  const undone = await begin("gift-2", { input: { to: "the moon" }, deadlineMs: 5000, wait: true });
  expect(undone.body).toMatchObject({ state: "undone", error: { part: "wrap", how: "refused" } });
  const read = await ask("transaction.get", `/v1/transactions/${undone.body.transaction}`);
  expect(read.body).toEqual(undone.body);
  const lookup = await ask("order.lookup", "/v1/orders/lookup?account=ann&key=gift-2");
  expect(lookup.body).toEqual({ state: "found", result: undone.body });
  expect((await begin("gift-3", { name: "other" })).body.details.path).toBe("body.name");
  expect((await ask("transaction.get", "/v1/transactions/t999999")).body.code).toBe("transaction_not_found");
  const audit = await ask("audit.run", "/v1/audit");
  expect(audit.body.ok).toBe(true);
});

/** A tea or two, for money that is still to come. */
async function placed(name: string, qty: number, more: object = {}): Promise<string> {
  const lines = [{ product: "tea", qty }];
  const { body } = await ask("order.place", "/v1/orders", { account: "ann", lines, ...more }, key(name));
  return body.order;
}

function paidFromBalance(name: string, qty: number): Promise<string> {
  return placed(name, qty, { pay: "balance" });
}

function notified(paymentId: string, order: string, amount: string): object {
  return { paymentId, order, amount, currency: "CNY" };
}

function notify(provider: string, paymentId: string, order: string, amount: string): Promise<Answered> {
  const body = notified(paymentId, order, amount);
  const seconds = Math.floor(Date.now() / 1000);
  const signature = signatureOf(secret, seconds, provider, Buffer.from(JSON.stringify(body)));
  const headers = { "yifen-signature": signature };
  return ask("payment.notify", `/v1/payments/${provider}/notify`, body, headers);
}

test("every method that this engine runs was answered here, in the shape that is promised", () => {
  const run = Object.keys(shardRows).filter(
    (method) =>
      method !== "order.quote" &&
      method !== "order.byRef" &&
      method !== "token.claim" &&
      !webSocketOnly.includes(method as Method),
  );
  expect([...seen].sort()).toEqual(run.sort());
});

function key(value: string): Record<string, string> {
  return { "idempotency-key": value };
}
