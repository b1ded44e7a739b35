import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findRoute, routes } from "../../../gateway/edge/http-routes.js";
import { signatureOf } from "../../../gateway/edge/payment-signature.js";
import { type HttpServer, serve } from "../http/http-server.js";
import { EchoEngine } from "./echo-engine.js";

const key = { "idempotency-key": "k-1" };

interface Asked {
  readonly path: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
  /** The command that it becomes; what is left out is undefined there. */
  readonly command: object;
}

const asked: Readonly<Record<string, Asked>> = {
  "order.place": {
    path: "/v1/orders",
    headers: { ...key, "yifen-at": "1790841600000", "yifen-deadline-ms": "500" },
    body: {
      account: "ann",
      lines: [{ product: "tea", qty: 2 }],
      pay: "balance",
      mode: "saga",
      payWithinMs: 1000,
      expectedTotal: "19.98",
      dryRun: true,
    },
    command: {
      method: "order.place",
      key: "k-1",
      account: "ann",
      lines: [{ product: "tea", qty: 2 }],
      pay: "balance",
      mode: "saga",
      payWithinMs: 1000,
      expectedTotal: "19.98",
      dryRun: true,
      at: 1_790_841_600_000,
      // The echo engine's clock stands at one second.
      refuseAfter: 1_500_000,
    },
  },
  "order.list": {
    path: "/v1/orders?account=ann&status=Paid&cursor=MTAuMQ&limit=20",
    command: { method: "order.list", account: "ann", status: "Paid", cursor: "MTAuMQ", limit: 20 },
  },
  "order.find": {
    path: "/v1/orders/find?ref=PO%207&product=tea&from=5&to=9",
    command: { method: "order.find", ref: "PO 7", product: "tea", from: 5, to: 9 },
  },
  "order.lookup": {
    path: "/v1/orders/lookup?account=ann&key=k%3A1",
    command: { method: "order.lookup", account: "ann", key: "k:1" },
  },
  "order.get": { path: "/v1/orders/o1611", command: { method: "order.get", order: "o1611" } },
  "order.history": {
    path: "/v1/orders/o1611/history",
    command: { method: "order.history", order: "o1611" },
  },
  "order.pay": {
    path: "/v1/orders/o1611/pay",
    headers: key,
    command: { method: "order.pay", order: "o1611", key: "k-1" },
  },
  "order.cancel": {
    path: "/v1/orders/o1611/cancel",
    headers: { "idempotency-key": '"k-1"', "yifen-at": "7" },
    body: { reason: "changed my mind" },
    command: { method: "order.cancel", order: "o1611", key: "k-1", reason: "changed my mind", at: 7 },
  },
  "order.advance": {
    path: "/v1/orders/o1611/events",
    headers: key,
    body: { event: "ship", tracking: "SF1", remark: "r", operator: "op", version: 3 },
    command: {
      method: "order.advance",
      order: "o1611",
      key: "k-1",
      event: "ship",
      tracking: "SF1",
      remark: "r",
      operator: "op",
      version: 3,
      restock: false,
    },
  },
  "order.refund": {
    path: "/v1/orders/o1611/refund",
    headers: key,
    body: { lines: [{ product: "tea", qty: 1 }], reason: "broken", restock: true },
    command: {
      method: "order.refund",
      order: "o1611",
      key: "k-1",
      lines: [{ product: "tea", qty: 1 }],
      reason: "broken",
      restock: true,
    },
  },
  "refund.get": { path: "/v1/refunds/r9", command: { method: "refund.get", refund: "r9" } },
  "refund.report": {
    path: "/v1/refunds/r9/report",
    body: { outcome: "done", ref: "the provider's words" },
    command: { method: "refund.report", refund: "r9", outcome: "done", ref: "the provider's words" },
  },
  "payment.notify": {
    path: "/v1/payments/alipay/notify",
    body: { paymentId: "p-1", order: "o1611", amount: "9.99", currency: "CNY" },
    command: {
      method: "payment.notify",
      provider: "alipay",
      paymentId: "p-1",
      order: "o1611",
      amount: "9.99",
      currency: "CNY",
    },
  },
  "token.issue": { path: "/v1/tokens", command: { method: "token.issue" } },
  "product.create": {
    path: "/v1/products",
    body: {
      product: "tea",
      name: "Tee für zwei",
      price: "9.99",
      currency: "CNY",
      stock: 10,
      limitPerAccount: 2,
      saleStartsAt: 1,
      saleEndsAt: 2,
    },
    command: {
      method: "product.create",
      product: "tea",
      name: "Tee für zwei",
      price: "9.99",
      currency: "CNY",
      stock: 10,
      limitPerAccount: 2,
      saleStartsAt: 1,
      saleEndsAt: 2,
    },
  },
  "product.get": { path: "/v1/products/a:b.c_d-e", command: { method: "product.get", product: "a:b.c_d-e" } },
  "product.restock": {
    path: "/v1/products/tea/restock",
    headers: key,
    body: { qty: 5 },
    command: { method: "product.restock", product: "tea", qty: 5, ref: "k-1" },
  },
  "product.reprice": {
    path: "/v1/products/tea/reprice",
    body: { price: "12.50" },
    command: { method: "product.reprice", product: "tea", price: "12.50" },
  },
  "product.update": {
    path: "/v1/products/tea/update",
    headers: key,
    body: { name: "Tee", saleEndsAt: 0, expectedVersion: 1 },
    command: {
      method: "product.update",
      product: "tea",
      name: "Tee",
      saleEndsAt: 0,
      expectedVersion: 1,
      ref: "k-1",
    },
  },
  "product.adjust": {
    path: "/v1/products/tea/adjust",
    headers: key,
    body: { by: -2, reason: "damage", remark: "wet" },
    command: {
      method: "product.adjust",
      product: "tea",
      by: -2,
      reason: "damage",
      remark: "wet",
      ref: "k-1",
    },
  },
  "product.count": {
    path: "/v1/products/tea/count",
    headers: key,
    body: { counted: 0, operator: "ops.li" },
    command: { method: "product.count", product: "tea", counted: 0, operator: "ops.li", ref: "k-1" },
  },
  "product.delist": {
    path: "/v1/products/tea/delist",
    body: { expectedVersion: 2, operator: "ops.li" },
    command: { method: "product.delist", product: "tea", expectedVersion: 2, operator: "ops.li" },
  },
  "product.relist": {
    path: "/v1/products/tea/relist",
    command: { method: "product.relist", product: "tea" },
  },
  "account.open": {
    path: "/v1/accounts",
    body: { account: "ann", currency: "CNY" },
    command: { method: "account.open", account: "ann", currency: "CNY" },
  },
  "account.get": { path: "/v1/accounts/ann", command: { method: "account.get", account: "ann" } },
  "account.statement": {
    path: "/v1/accounts/ann/statement?limit=1",
    command: { method: "account.statement", account: "ann", limit: 1 },
  },
  "account.deposit": {
    path: "/v1/accounts/ann/deposit",
    headers: key,
    body: { amount: "5.00" },
    command: { method: "account.deposit", account: "ann", amount: "5.00", ref: "k-1" },
  },
  "account.withdraw": {
    path: "/v1/accounts/ann/withdraw",
    body: { amount: "5.00", ref: "r-1" },
    command: { method: "account.withdraw", account: "ann", amount: "5.00", ref: "r-1" },
  },
  "points.spend": {
    path: "/v1/accounts/ann/points/spend",
    headers: key,
    body: { points: 3 },
    command: { method: "points.spend", account: "ann", points: 3, ref: "k-1" },
  },
  "transaction.begin": {
    path: "/v1/transactions",
    headers: { ...key, "yifen-at": "7", "yifen-deadline-ms": "500" },
    body: { account: "ann", name: "gift", input: { to: "ben" }, deadlineMs: 5000, wait: false },
    command: {
      ...{ method: "transaction.begin", key: "k-1", account: "ann", name: "gift", input: { to: "ben" } },
      ...{ deadlineMs: 5000, wait: false, at: 7, refuseAfter: 1_500_000 },
    },
  },
  "transaction.get": {
    path: "/v1/transactions/t1611",
    command: { method: "transaction.get", transaction: "t1611" },
  },
  "human.list": {
    path: "/v1/human?state=open&limit=5&cursor=2.17",
    command: { method: "human.list", state: "open", limit: 5, cursor: "2.17" },
  },
  "human.get": { path: "/v1/human/h3", command: { method: "human.get", item: "h3" } },
  "human.resolve": {
    path: "/v1/human/h3/resolve",
    body: { action: "write_off", reason: "too small", evidence: "e", operator: "op" },
    command: {
      method: "human.resolve",
      item: "h3",
      action: "write_off",
      reason: "too small",
      evidence: "e",
      operator: "op",
    },
  },
  "audit.run": { path: "/v1/audit", body: {}, command: { method: "audit.run" } },
};

const secret = "a-secret-of-the-provider";
let engine: EchoEngine;
let http: HttpServer;

beforeEach(async () => {
  engine = new EchoEngine();
  http = await serve(engine, new Map([["alipay", [secret]]]));
});

afterEach(async () => {
  await http.stop();
  expect(http.defects).toEqual([]);
});

test("the table of this test has every route", () => {
  expect(Object.keys(asked).sort()).toEqual(routes.map(({ method }) => method).sort());
});

describe.each(routes)("$verb $path", ({ verb, path, method, signed }) => {
  const { body, headers = {}, command, ...request } = asked[method]!;

  test(`becomes ${method}, with every param in its place`, async () => {
    const signature = signed
      ? { "yifen-signature": signatureOf(secret, 1, "alipay", Buffer.from(JSON.stringify(body))) }
      : {};
    const answered = http.ask(verb, request.path, body, { ...headers, ...signature });
    while (engine.submitted.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const { requester: _, id: __, ...submitted } = engine.submitted[0]!;
    expect(JSON.parse(JSON.stringify(submitted))).toEqual({ refuseAfter: 0, ...command });
    engine.answerAll();
    const { status, headers: came } = await answered;
    expect(status).toBe(200);
    expect(came.get("content-type")).toBe("application/json");
    expect(came.get("cache-control")).toBe("no-store");
    expect(came.has("idempotent-replayed")).toBe(false);
  });

  test("is not there for another verb, and says which there are", async () => {
    for (const other of ["PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const answer = await http.ask(other, request.path, undefined, headers);
      expect(answer).toMatchObject({ status: 405, body: { code: "invalid_request", executed: false } });
      const verbs = routes.filter((route) => route.path === path).map((route) => route.verb);
      const allow = answer.headers.get("allow")!.split(", ");
      expect(allow).toEqual(expect.arrayContaining(verbs));
      expect(allow.includes("HEAD")).toBe(allow.includes("GET"));
    }
    expect(engine.count).toBe(0);
  });

  test("refuses a query param that it has no use for", async () => {
    const mark = request.path.includes("?") ? "&" : "?";
    const { status, body: problem } = await http.ask(verb, `${request.path}${mark}acount=ann`, body, headers);
    if (signed) expect(status).toBe(401);
    else
      expect(problem.details).toMatchObject({
        path: "query.acount",
        reason: expect.stringMatching(/^unknown field/),
      });
    expect(engine.count).toBe(0);
  });
});

test.each([
  "/v1",
  "/v1/",
  "/v1/orders/",
  "/v1/orders//pay",
  "/v1/orders/o1/steal",
  "/v1/orders/%ff",
  "/v1/feed",
  "/V1/orders",
  "/openapi.yaml",
  "/problems/none",
])("%s is not there", async (path) => {
  const { status, body, headers } = await http.ask("GET", path);
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(body).toMatchObject({ type: "/problems/invalid_request", status: 404, code: "invalid_request" });
});

test("lookup is no order, and an escaped slash no separator", () => {
  expect(findRoute("GET", "/v1/orders/lookup")).toMatchObject({ route: { method: "order.lookup" } });
  expect(findRoute("GET", "/v1/products/a%2Fb")).toMatchObject({ inPath: { product: "a/b" } });
  expect(findRoute("POST", "/v1/orders/lookup")).toEqual({ allow: ["GET"] });
});
