/** Real answers of an engine over HTTP: they have the shape that the documents promise. */

import { createHmac } from "node:crypto";
import { Compile } from "typebox/compile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handlers } from "../../engine/handlers.js";
import type { EngineHost } from "../../gateway/engine-host.js";
import { routes, webSocketOnly } from "../../gateway/http-routes.js";
import { namedSchemas, resultSchemas, type SchemaName } from "../../gateway/result-schemas.js";
import type { Method } from "../../gateway/schemas.js";
import { type Answered, type HttpServer, notifySecret, serveEngine } from "./http-server.js";

let http: HttpServer & { readonly host: EngineHost };
const seen = new Set<Method>();

beforeAll(async () => {
  http = await serveEngine(3);
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
  expectShape(answer.status === 200 ? resultSchemas[method] : "Problem", answer.body);
  return answer;
}

function expectShape(name: SchemaName, value: unknown): void {
  const validator = Compile(namedSchemas[name]);
  expect(
    [...validator.Errors(value)].map(({ instancePath, message }) => `${instancePath} ${message}`),
  ).toEqual([]);
  expect(unknownFields(namedSchemas[name] as Schema, value, name)).toEqual([]);
}

interface Schema {
  readonly required?: readonly string[];
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
  const fits = ({ properties, required }: Schema) => properties && required?.every((field) => field in value);
  const open = schema.anyOf?.find(fits) ?? schema;
  if (!open.properties) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const known = open.properties![name];
    return known ? unknownFields(known, each, `${path}.${name}`) : [`${path}.${name}`];
  });
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

test("after the payment: moves, refunds, points, transactions, tokens, in the shapes that are promised", async () => {
  const line = [{ product: "tea", qty: 2 }];
  const { body: order } = await ask(
    "order.place",
    "/v1/orders",
    { account: "ann", lines: line },
    key("late-1"),
  );
  const events = `/v1/orders/${order.order}/events`;
  const money = { order: order.order, amount: "30.00", currency: "CNY" };
  const paid = await notify({ paymentId: "p1", ...money });
  expect(paid.body).toMatchObject({ outcome: "paid", money: "applied", order: { status: "Paid" } });
  await ask("order.advance", events, { event: "pack" }, key("late-2"));
  await ask("order.advance", events, { event: "ship", tracking: "SF-1" }, key("late-3"));
  const refund = await ask(
    "order.refund",
    `/v1/orders/${order.order}/refund`,
    { lines: [{ product: "tea", qty: 1 }], reason: "broken", restock: true },
    key("late-4"),
  );
  const { refund: number } = refund.body.refunds[0];
  expect((await ask("refund.get", `/v1/refunds/${number}`)).body.state).toBe("requested");
  const report = await ask("refund.report", `/v1/refunds/${number}/report`, { outcome: "done", ref: "a-1" });
  expect(report.body).toMatchObject({ state: "done", to: "provider", amount: "12.50" });
  await ask("order.advance", events, { event: "dispute" }, key("late-5"));
  const resolve = { event: "resolve", resolution: "refund" };
  const resolved = await ask("order.advance", events, resolve, key("late-6"));
  expect(resolved.body.refunds).toMatchObject([{ state: "requested" }]);

  await notify({ paymentId: "p2", ...money, order: "o999424" });
  const { body: page } = await ask("human.list", "/v1/human?state=open");
  const items = page.cursor === null ? page.items : [...page.items, ...(await moreItems(page.cursor))];
  const { item } = items[0];
  expect((await ask("human.get", `/v1/human/${item}`)).body.item.state).toBe("open");
  const end = { action: "done", reason: "sent back", operator: "li" };
  expect((await ask("human.resolve", `/v1/human/${item}/resolve`, end)).body.item.state).toBe("resolved");

  const spend = await ask("points.spend", "/v1/accounts/ann/points/spend", { points: 1 }, key("v-1"));
  expect(spend.body.code).toBe("insufficient_points");
  const { body: rich } = await ask(
    "order.place",
    "/v1/orders",
    { account: "ann", lines: line, pay: "balance" },
    key("rich-1"),
  );
  const moves = `/v1/orders/${rich.order}/events`;
  for (const event of ["pack", "ship", "confirm"])
    await ask(
      "order.advance",
      moves,
      event === "ship" ? { event, tracking: "x" } : { event },
      key(`rich-${event}`),
    );
  await ask("points.spend", "/v1/accounts/ann/points/spend", { points: 1 }, key("v-2"));

  const gift = await ask(
    "transaction.begin",
    "/v1/transactions",
    { account: "ann", name: "gift" },
    key("g-1"),
  );
  expect(gift.body.state).toBe("done");
  await ask("transaction.get", `/v1/transactions/${gift.body.transaction}`);
  expect((await ask("token.issue", "/v1/tokens")).body.token).toMatch(/^tk:/);
});

async function moreItems(cursor: string): Promise<{ item: string }[]> {
  const { body } = await ask("human.list", `/v1/human?cursor=${cursor}`);
  return body.cursor === null ? body.items : [...body.items, ...(await moreItems(body.cursor))];
}

/** Signed, as the provider does it. */
async function notify(params: object): Promise<Answered> {
  const text = JSON.stringify(params);
  const seconds = Math.floor(Date.now() / 1000);
  const proof = createHmac("sha256", notifySecret).update(`${seconds}.${text}`).digest("hex");
  const headers = { "yifen-signature": `t=${seconds},v1=${proof}` };
  return ask("payment.notify", "/v1/payments/alipay/notify", params, headers);
}

test("every method that this engine runs was answered here, in the shape that is promised", () => {
  const inside = ["order.quote"];
  const offered = Object.keys(handlers).filter((method) => !inside.includes(method));
  const run = offered.filter((method) => !webSocketOnly.includes(method as Method));
  expect([...seen].sort()).toEqual(run.sort());
});

function key(value: string): Record<string, string> {
  return { "idempotency-key": value };
}
