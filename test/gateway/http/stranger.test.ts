/**
 * Requests of somebody who has read the documents and does not mean well: each is answered with a problem and its code, moves
 * nothing, and the audit finds nothing afterwards.
 */

import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { signatureOf } from "../../../gateway/edge/payment-signature.js";
import { defineSaga } from "../../../gateway/host/transactions.js";
import { type Answered, type HttpServer, serveEngine } from "./http-server.js";

const secret = "a-secret-of-the-provider";
const gift = defineSaga<{ to: string }>({
  steps: ({ to }, account) => [
    { kind: "money", name: "pay", from: account, to, amount: "1.00", currency: "CNY" },
  ],
});

let http: HttpServer;
/** Paid, of 2 teas at 10.00. */
let order = "";
/** An open one, of 12.50 in suspense. */
let item = "";
let books = "";

const key = (name: string) => ({ "idempotency-key": name });
const line = (qty: unknown) => ({ lines: [{ product: "tea", qty }] });

function notify(body: object, signed: object = body, secondsAgo = 0): Promise<Answered> {
  const bytes = Buffer.from(JSON.stringify(signed));
  const signature = signatureOf(secret, Math.floor(Date.now() / 1000) - secondsAgo, "alipay", bytes);
  return http.ask("POST", "/v1/payments/alipay/notify", body, { "yifen-signature": signature });
}

function notified(more: object = {}) {
  return { paymentId: "new", order, amount: "1.00", currency: "CNY", ...more };
}

/** What can be lost: the wallet, the stockBucket, the order and the queue. */
async function standing(): Promise<string> {
  const paths = ["/v1/accounts/ann", "/v1/products/tea", `/v1/orders/${order}`, "/v1/human"];
  const answers = await Promise.all(paths.map((path) => http.ask("GET", path)));
  return JSON.stringify(answers.map(({ body }) => body));
}

beforeAll(async () => {
  http = await serveEngine(1, { transactions: { gift }, refunds: {} }, new Map([["alipay", [secret]]]));
  const tea = { product: "tea", name: "Tea", price: "10.00", currency: "CNY", stock: 100 };
  await http.ask("POST", "/v1/products", tea);
  await http.ask("POST", "/v1/accounts", { account: "ann", currency: "CNY" });
  await http.ask("POST", "/v1/accounts/ann/deposit", { amount: "100.00", ref: "start" });
  const bought = await http.ask(
    "POST",
    "/v1/orders",
    { account: "ann", ...line(2), pay: "balance" },
    key("o"),
  );
  order = bought.body.order;
  await notify(notified({ paymentId: "stray", order: "nobody", amount: "12.50" }));
  item = (await http.ask("GET", "/v1/human")).body.items[0].item;
  books = await standing();
});

afterAll(async () => {
  expect((await http.ask("POST", "/v1/audit", {})).body.ok).toBe(true);
  await http.stop();
  expect(http.defects).toEqual([]);
});

type Row = readonly [what: string, send: () => Promise<Answered>, status: number, code: string];

const refund = (name: string, body: object) => () =>
  http.ask("POST", `/v1/orders/${order}/refund`, body, key(name));
const resolve = (body: object) => () =>
  http.ask("POST", `/v1/human/${item}/resolve`, { reason: "because", ...body });
const booked = (...entries: object[]) => resolve({ action: "entries", entries });
const begin =
  (body: object, headers: Record<string, string> = key("t")) =>
  () =>
    http.ask("POST", "/v1/transactions", { account: "ann", ...body }, headers);
const all = { from: "suspense", to: "fees", amount: "12.50" };

const rows: readonly Row[] = [
  [
    "a payment that is not signed",
    () => http.ask("POST", "/v1/payments/alipay/notify", notified()),
    401,
    "unauthenticated",
  ],
  [
    "a signature of another body",
    () => notify(notified({ amount: "20.00" }), notified()),
    401,
    "unauthenticated",
  ],
  ["a signature of an hour ago", () => notify(notified(), notified(), 3600), 401, "unauthenticated"],
  ["a payment below zero", () => notify(notified({ amount: "-1.00" })), 400, "invalid_amount"],
  [
    "a payment that no number can hold",
    () => notify(notified({ amount: "90071992547409.92" })),
    400,
    "amount_overflow",
  ],
  ["a payment with a number as its amount", () => notify(notified({ amount: 1 })), 400, "invalid_amount"],
  ["a payment in no currency", () => notify(notified({ currency: "XXX" })), 400, "invalid_request"],
  [
    "a payment with more than there is to say",
    () => notify(notified({ provider: "alipay" })),
    400,
    "invalid_request",
  ],
  [
    "a payment that was another",
    () => notify(notified({ paymentId: "stray", order: "nobody", amount: "99.00" })),
    422,
    "key_reused",
  ],

  [
    "a refund without a key",
    () => http.ask("POST", `/v1/orders/${order}/refund`, { reason: "x" }),
    400,
    "invalid_request",
  ],
  [
    "a refund of lines and of an amount",
    refund("r1", { reason: "x", ...line(1), amount: "1.00" }),
    400,
    "invalid_request",
  ],
  ["a refund below zero", refund("r2", { reason: "x", amount: "-1.00" }), 400, "invalid_amount"],
  ["a refund of no units", refund("r3", { reason: "x", ...line(0) }), 400, "invalid_request"],
  [
    "a refund of more units than there are",
    refund("r4", { reason: "x", ...line(3) }),
    409,
    "line_qty_exceeds",
  ],
  [
    "a refund of all the money in the world",
    refund("r5", { reason: "x", amount: "90071992547409.91" }),
    409,
    "refund_exceeds_remaining",
  ],
  [
    "a report of no refund",
    () => http.ask("POST", "/v1/refunds/r9007199254740993/report", { outcome: "done" }),
    404,
    "refund_not_found",
  ],

  ["entries of less", booked({ ...all, amount: "12.49" }), 400, "invalid_amount"],
  [
    "entries that go round",
    booked(all, { from: "fees", to: "suspense", amount: "12.50" }),
    400,
    "invalid_amount",
  ],
  [
    "entries with somebody's wallet beside them",
    booked(all, { from: "wallet:ann", to: "fees", amount: "80.00" }),
    400,
    "invalid_amount",
  ],
  ["entries into what is payable", booked({ ...all, to: "payable" }), 400, "invalid_request"],
  ["entries on a prototype", booked({ ...all, to: "__proto__" }), 400, "invalid_request"],
  ["entries with another action", resolve({ action: "done", entries: [all] }), 400, "invalid_request"],
  ["an action of the engine's own", resolve({ action: "itself" }), 400, "invalid_request"],

  ["a transaction of no name", begin({ name: "nothing" }), 400, "invalid_request"],
  ["a transaction of every object's name", begin({ name: "constructor" }), 400, "invalid_request"],
  ["a transaction without its input", begin({ name: "gift" }), 400, "invalid_request"],
  [
    "a transaction with an input of another type",
    begin({ name: "gift", input: { to: 7 } }),
    400,
    "invalid_request",
  ],
  [
    "a transaction without a key",
    begin({ name: "gift", input: { to: "revenue" } }, {}),
    400,
    "invalid_request",
  ],

  ["a cursor of another shard", () => http.ask("GET", "/v1/human?cursor=7.1"), 400, "invalid_request"],
  [
    "a cursor of somebody's own",
    () => http.ask("GET", "/v1/orders?account=ann&cursor=MTEuMQ"),
    400,
    "invalid_request",
  ],
  [
    "a body of another type",
    () => http.ask("POST", "/v1/orders", {}, { "content-type": "text/plain", ...key("c") }),
    415,
    "invalid_request",
  ],
  [
    "a body of more than a mebibyte",
    () => http.ask("POST", "/v1/orders", { account: "x".repeat(1 << 20) }, key("b")),
    413,
    "invalid_request",
  ],
];

describe("one by one", () => {
  test.each(rows)("%s", async (_, send, status, code) => {
    const answer = await send();
    expect([answer.status, answer.body.code, answer.body.status]).toEqual([status, code, status]);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    // What is not signed is refused before its name was looked up.
    const executed = code === "unauthenticated" ? "unknown" : false;
    expect(answer.body).toMatchObject({ type: `/problems/${code}`, executed });
    expect(await standing()).toBe(books);
  });

  test("a token that is altered by one character, wherever", async () => {
    const { token } = (await http.ask("POST", "/v1/tokens")).body as { token: string };
    for (let at = 3; at < token.length; at++) {
      const altered = `${token.slice(0, at)}${token[at] === "0" ? "1" : "0"}${token.slice(at + 1)}`;
      const answer = await http.ask("POST", `/v1/orders/${order}/refund`, { reason: "x" }, key(altered));
      expect([altered, answer.status, answer.body.code]).toEqual([altered, 422, "token_unknown"]);
    }
    expect(await standing()).toBe(books);
  });
});

test("all at once, a hundred times the same among them: it happens once, and nobody else waits", async () => {
  const other = new WebSocket(http.url("/v1/ws").replace("http", "ws"));
  await once(other, "open");
  const buy = { account: "ann", ...line(1), pay: "balance" };
  const storm = Array.from({ length: 100 }, () => http.ask("POST", "/v1/orders", buy, key("storm")));
  const noise = rows.map(([, send]) => send());
  other.send(JSON.stringify({ id: 1, method: "product.get", params: { product: "tea" } }));
  const [pushed] = (await once(other, "message")) as [Buffer];
  expect(JSON.parse(pushed.toString())).toMatchObject({ id: 1, status: 200 });
  other.terminate();

  const answers = await Promise.all(storm);
  expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") === null)).toHaveLength(1);
  for (const [index, { status, body }] of (await Promise.all(noise)).entries())
    expect([rows[index]![0], status, body.code]).toEqual([rows[index]![0], rows[index]![2], rows[index]![3]]);
  expect((await http.ask("GET", "/v1/accounts/ann")).body.available).toBe("70.00");
});
