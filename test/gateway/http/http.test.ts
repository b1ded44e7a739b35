import { Agent, request } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refuse, results } from "../../../actors/results.js";
import type { Command } from "../../../engine/seams/commands.js";
import { frameBytesMax, httpBodyBytesMax, httpOpenMax } from "../../../engine/seams/limits.js";
import { EchoEngine, nextTurn } from "../edge/echo-engine.js";
import { type HttpServer, postOf, RawConnection, serve, until } from "./http-server.js";

const key = { "idempotency-key": "k-1" };
const cart = { account: "a1", lines: [{ product: "p1", qty: 2 }] };

let engine: EchoEngine;
let http: HttpServer;
const raws: RawConnection[] = [];

function raw(): RawConnection {
  const connection = new RawConnection(http.server.port);
  raws.push(connection);
  return connection;
}

async function start(made = new EchoEngine()): Promise<void> {
  await http?.stop();
  engine = made;
  engine.auto = true;
  http = await serve(engine);
}

beforeEach(() => start());

afterEach(async () => {
  for (const each of raws.splice(0)) each.end();
  await until(() => http.server.counters.httpOpen === 0);
  expect(http.server.counters).toMatchObject({ httpBodyBytes: 0, inFlight: 0 });
  await http.stop();
  expect(http.defects).toEqual([]);
});

test("an order is answered as over a WebSocket, its amounts as strings", async () => {
  const { status, headers, body } = await http.ask("POST", "/v1/orders", cart, key);
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("application/json");
  expect(body).toMatchObject({ order: "k-1", account: "a1", total: "199.98", next: ["pay", "cancel"] });
});

/** What is wrong, with what, and what is named. */
const unfit: readonly (readonly [
  what: string,
  verb: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
  details: object,
])[] = [
  ["no key", "POST", "/v1/orders", cart, {}, { path: "headers.idempotency-key", reason: "is required" }],
  [
    "a key with a space",
    "POST",
    "/v1/orders",
    cart,
    { "idempotency-key": "k 1" },
    { path: "headers.idempotency-key" },
  ],
  [
    "an empty key",
    "POST",
    "/v1/orders",
    cart,
    { "idempotency-key": '""' },
    { path: "headers.idempotency-key" },
  ],
  [
    "a key in the body",
    "POST",
    "/v1/orders",
    { ...cart, key: "k" },
    key,
    { path: "body.key", reason: "goes into the header idempotency-key" },
  ],
  ["an at in the body", "POST", "/v1/orders", { ...cart, at: 1 }, key, { path: "body.at" }],
  [
    "an at that is no time",
    "POST",
    "/v1/orders",
    cart,
    { ...key, "yifen-at": "now" },
    { path: "headers.yifen-at" },
  ],
  [
    "an at that has no effect",
    "POST",
    "/v1/products/p/reprice",
    { price: "1" },
    { "yifen-at": "1" },
    { path: "headers.yifen-at" },
  ],
  [
    "a key that has no effect",
    "POST",
    "/v1/products/p/reprice",
    { price: "1" },
    key,
    { path: "headers.idempotency-key" },
  ],
  ["a key for what is read", "GET", "/v1/orders/o1", undefined, key, { path: "headers.idempotency-key" }],
  [
    "a key beside a ref",
    "POST",
    "/v1/accounts/a/deposit",
    { amount: "1", ref: "r" },
    key,
    { path: "headers.idempotency-key", reason: "there is a ref in the body already" },
  ],
  ["neither key nor ref", "POST", "/v1/accounts/a/deposit", { amount: "1" }, {}, { path: "body.ref" }],
  [
    "a key for a provider's words",
    "POST",
    "/v1/refunds/r1/report",
    { outcome: "done" },
    key,
    { path: "headers.idempotency-key" },
  ],
  [
    "a deadline of 0",
    "GET",
    "/v1/orders/o1",
    undefined,
    { "yifen-deadline-ms": "0" },
    { path: "headers.yifen-deadline-ms" },
  ],
  [
    "a deadline with a fraction",
    "GET",
    "/v1/orders/o1",
    undefined,
    { "yifen-deadline-ms": "1.5" },
    { path: "headers.yifen-deadline-ms" },
  ],
  [
    "a typo in the body",
    "POST",
    "/v1/orders",
    { ...cart, acount: "a" },
    key,
    { path: "body.acount", reason: "unknown field; did you mean account?" },
  ],
  [
    "a line without units",
    "POST",
    "/v1/orders",
    { account: "a", lines: [{ product: "p", qty: 0 }] },
    key,
    { path: "body.lines[0].qty", reason: "must be at least 1" },
  ],
  ["no lines", "POST", "/v1/orders", { account: "a" }, key, { path: "body.lines", reason: "is required" }],
  ["a path param in the body", "POST", "/v1/orders/o1/pay", { order: "o2" }, key, { path: "body.order" }],
  ["an order with a space", "GET", "/v1/orders/a%20b", undefined, {}, { path: "path.order" }],
  ["a page of 501", "GET", "/v1/orders?account=a&limit=501", undefined, {}, { path: "query.limit" }],
  [
    "a page of a word",
    "GET",
    "/v1/orders?account=a&limit=many",
    undefined,
    {},
    { path: "query.limit", reason: "must be an integer" },
  ],
  ["a page of +1", "GET", "/v1/orders?account=a&limit=%2B1", undefined, {}, { path: "query.limit" }],
  ["no account", "GET", "/v1/orders", undefined, {}, { path: "query.account", reason: "is required" }],
  [
    "a status of another case",
    "GET",
    "/v1/orders?account=a&status=paid",
    undefined,
    {},
    { path: "query.status" },
  ],
  [
    "an account twice",
    "GET",
    "/v1/orders?account=a&account=b",
    undefined,
    {},
    { path: "query.account", reason: "is there twice" },
  ],
  [
    "__proto__ in the query",
    "GET",
    "/v1/orders?account=a&__proto__=b",
    undefined,
    {},
    { path: "query.__proto__" },
  ],
  [
    "a param of the path in the query",
    "GET",
    "/v1/orders/o1?order=o2",
    undefined,
    {},
    { path: "query.order" },
  ],
  ["no JSON", "POST", "/v1/orders", "{", key, { path: "body", reason: "not JSON" }],
  ["an array", "POST", "/v1/orders", [cart], key, { path: "body", reason: "must be an object" }],
  ["null", "POST", "/v1/orders", "null", key, { path: "body", reason: "must be an object" }],
  [
    "a key of a map twice",
    "POST",
    "/v1/orders",
    '{"account":"a","account":"b"}',
    key,
    { path: "body", reason: "a key appears twice in one object" },
  ],
  ["__proto__", "POST", "/v1/orders", '{"__proto__":{"account":"a"}}', key, { path: "body" }],
  ["an integer of 54 bits", "POST", "/v1/orders", '{"payWithinMs":9007199254740993}', key, { path: "body" }],
  [
    "too many levels",
    "POST",
    "/v1/orders",
    `{"lines":${"[".repeat(9)}${"]".repeat(9)}}`,
    key,
    { path: "body" },
  ],
];

test.each(unfit)(
  "%s is refused by name, and nothing is executed",
  async (_, verb, path, body, headers, details) => {
    const answer = await http.ask(verb, path, body, headers);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toEqual({
      type: "/problems/invalid_request",
      title: "the request is malformed; details.path names the field",
      status: 400,
      detail: `${answer.body.details.path}: ${answer.body.details.reason}`,
      code: "invalid_request",
      executed: false,
      retryable: false,
      details: { reason: expect.any(String), ...details },
    });
    expect(engine.count).toBe(0);
  },
);

test("a JSON number for an amount is named as what it is", async () => {
  const { body } = await http.ask("POST", "/v1/accounts/a/deposit", { amount: 19.99, ref: "r" });
  expect(body).toMatchObject({ code: "invalid_amount", details: { path: "body.amount" } });
});

test.each([
  ["text/plain", {}],
  ["application/x-www-form-urlencoded", {}],
  ["application/json; charset=latin1", {}],
  ["application/jsonp", {}],
  ["", {}],
  ["application/json", { "content-encoding": "gzip" }],
])("a body of %j %j is refused 415", async (type, more) => {
  const answer = await http.ask("POST", "/v1/orders", cart, { ...key, "content-type": type, ...more });
  expect(answer).toMatchObject({
    status: 415,
    body: { status: 415, code: "invalid_request", executed: false },
  });
  expect(engine.count).toBe(0);
});

test.each(["application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'])(
  "a body of %j is read",
  async (type) => {
    expect((await http.ask("POST", "/v1/orders", cart, { ...key, "content-type": type })).status).toBe(200);
  },
);

test("a GET with a body is refused, and the connection can be used on", async () => {
  const connection = raw();
  const body = '{"a":1}';
  connection.write(
    `GET /v1/orders/o1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
  );
  expect(await connection.answers(2)).toEqual(["400 Bad Request", "200 OK"]);
});

test("one of our headers that comes twice is refused: readers may differ in which they take", async () => {
  const connection = raw();
  connection.write(
    postOf("/v1/orders", JSON.stringify(cart), ["Idempotency-Key: k-1", "Idempotency-Key: k-2"]),
  );
  expect(await connection.answers(1)).toEqual(["400 Bad Request"]);
  await until(() => connection.received.includes("}}"));
  expect(connection.received).toContain('"headers.idempotency-key"');
  connection.write(postOf("/v1/orders", JSON.stringify(cart), ["Content-Length: 3", "Idempotency-Key: k-1"]));
  await connection.answers(2);
  expect(engine.count).toBe(0);
});

test("HEAD is a GET without a body, also where it is refused", async () => {
  const connection = raw();
  for (const path of ["/v1/orders/o1", "/v1/nothing", "/openapi.json", "/v1/tokens"]) {
    connection.write(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await until(() => /\r\n\r\n$/.test(connection.received));
    connection.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => connection.received.endsWith("\r\n\r\nok\n"));
  }
  expect(connection.heads()).toEqual([
    "200 OK",
    "200 OK",
    "404 Not Found",
    "200 OK",
    "200 OK",
    "200 OK",
    "405 Method Not Allowed",
    "200 OK",
  ]);
});

describe("bodies", () => {
  test("one of 1 MiB is read, one byte more is refused 413, and the connection can be used on", async () => {
    const text = JSON.stringify(cart);
    const fits = text + " ".repeat(frameBytesMax - text.length);
    expect((await http.ask("POST", "/v1/orders", fits, key)).status).toBe(200);
    expect(engine.count).toBe(1);
    const tooLarge = await http.ask("POST", "/v1/orders", `${fits} `, key);
    expect(tooLarge).toMatchObject({ status: 413, body: { status: 413, code: "invalid_request" } });
    expect(engine.count).toBe(1);
    const connection = raw();
    connection.write(postOf("/v1/orders", `${fits} `));
    connection.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await connection.answers(2)).toEqual(["413 Payload Too Large", "200 OK"]);
  });

  test("one without a declared length is refused when it has become too large", async () => {
    const connection = raw();
    connection.write(
      "POST /v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        "Idempotency-Key: k-1\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const chunk = " ".repeat(65_536);
    for (let n = 0; n < 16; n++) connection.write(`10000\r\n${chunk}\r\n`);
    await until(() => http.server.counters.httpBodyBytes === frameBytesMax);
    expect(connection.heads()).toEqual([]);
    connection.write("1\r\n \r\n0\r\n\r\n");
    expect(await connection.answers(1)).toEqual(["413 Payload Too Large"]);
  });

  test("one that comes byte by byte is read when its last byte is there, and not before", async () => {
    const connection = raw();
    const bytes = postOf("/v1/orders", JSON.stringify(cart), ["Idempotency-Key: k-1"]);
    const bodyAt = bytes.indexOf("{");
    connection.write(bytes.slice(0, bodyAt));
    for (const byte of bytes.slice(bodyAt, -1)) {
      connection.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => http.server.counters.httpBodyBytes > 0);
    expect(engine.count).toBe(0);
    connection.write(bytes.slice(-1));
    expect(await connection.answers(1)).toEqual(["200 OK"]);
    expect(engine.count).toBe(1);
  });

  test("HTTP-EXCHANGE-4: one that stops in the middle is given up, and what it took is given back", async () => {
    const connection = raw();
    connection.write(postOf("/v1/orders", JSON.stringify(cart)).slice(0, -5));
    await until(() => http.server.counters.httpBodyBytes > 0);
    // uWebSockets.js ends a connection that was silent for about ten seconds.
    const waitUntil = Date.now() + 30_000;
    while (!connection.closed && Date.now() < waitUntil)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(connection.closed).toBe(true);
    expect(http.server.counters).toMatchObject({ httpOpen: 0, httpBodyBytes: 0, httpAborted: 1 });
    expect(engine.count).toBe(0);
  });

  test("HTTP-EXCHANGE-4: unfinished ones of more than 64 MiB together are refused 503, finished ones are not", async () => {
    const part = Buffer.alloc(frameBytesMax - 1, " ");
    const head = postOf("/v1/orders", "").replace("Content-Length: 0", `Content-Length: ${frameBytesMax}`);
    const many = Array.from({ length: httpBodyBytesMax / frameBytesMax }, () => raw());
    for (const each of many) {
      each.write(head);
      each.write(part);
    }
    await until(() => http.server.counters.httpBodyBytes === many.length * part.length);
    const last = raw();
    last.write(head);
    last.write(part);
    expect(await last.answers(1)).toEqual(["503 Service Unavailable"]);
    expect(last.received).toMatch(/retry-after: 1\r\n/i);
    expect((await http.ask("POST", "/v1/orders", cart, key)).status).toBe(200);
    for (const each of many) each.end();
    await until(() => http.server.counters.httpBodyBytes === 0);
  });
});

describe("answers", () => {
  /** Answers everything as the test says. */
  class Scripted extends EchoEngine {
    script: (command: Command) => void = () => undefined;

    override answer(command: Command): void {
      this.script(command);
    }
  }

  const scripted = async (script: Scripted["script"]) => {
    const made = new Scripted();
    made.script = script;
    await start(made);
  };

  test.each(results)("a refusal $code is a problem document with what the table says", async (row) => {
    await scripted(({ requester, id }) => requester.refused(id, refuse(row.code, { a: 1 }), false));
    const { status, body, headers } = await http.ask("GET", "/v1/orders/o1");
    expect(status).toBe(row.status);
    expect(body).toEqual({
      type: `/problems/${row.code}`,
      title: row.meaning,
      status: row.status,
      code: row.code,
      executed: false,
      retryable: row.retryable,
      details: { a: 1 },
    });
    expect(headers.get("retry-after")).toBe(row.status === 503 ? "1" : null);
    const described = await http.ask("GET", body.type);
    expect(described.body).toMatchObject({ code: row.code, meaning: row.meaning });
  });

  test("Retry-After is in whole seconds, rounded up", async () => {
    for (const [ms, seconds] of [
      [1, "1"],
      [1000, "1"],
      [1001, "2"],
      [60_000, "60"],
    ] as const) {
      await scripted(({ requester, id }) =>
        requester.refused(id, refuse("overloaded", { retryAfterMs: ms }), false),
      );
      expect((await http.ask("GET", "/v1/orders/o1")).headers.get("retry-after")).toBe(seconds);
    }
  });

  test("a replay says so in a header, whatever it is", async () => {
    await scripted(({ requester, id, method }) => {
      if (method === "order.cancel") requester.refused(id, refuse("invalid_transition"), true);
      else requester.result(id, { any: "thing" }, true);
    });
    const refused = await http.ask("POST", "/v1/orders/o1/cancel", {}, key);
    expect([refused.status, refused.headers.get("idempotent-replayed")]).toEqual([409, "true"]);
    const done = await http.ask("POST", "/v1/orders/o1/pay", {}, key);
    expect([done.status, done.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    expect(done.body).toEqual({ any: "thing" });
  });

  test("what the engine says of a param is said of its place", async () => {
    const details = { path: "params.cursor", reason: "this cursor was not given out here" };
    await scripted(({ requester, id }) => requester.refused(id, refuse("invalid_request", details), false));
    const { body } = await http.ask("GET", "/v1/orders?account=a&cursor=x");
    expect(body.details.path).toBe("query.cursor");
  });

  test("a page that has one behind it links to it", async () => {
    await scripted(({ requester, id }) => requester.result(id, { items: [], cursor: "2.17+/=" }, false));
    const { headers } = await http.ask("GET", "/v1/accounts/a%3Ab/statement?limit=3&cursor=1");
    expect(headers.get("link")).toBe('</v1/accounts/a:b/statement?limit=3&cursor=2.17%2B%2F%3D>; rel="next"');
    await scripted(({ requester, id }) => requester.result(id, { items: [], cursor: null }, false));
    expect((await http.ask("GET", "/v1/human")).headers.get("link")).toBeNull();
  });

  test("an answer that cannot be written is a 500 that does not say what became of the request", async () => {
    await scripted(({ requester, id }) => requester.result(id, { big: 1n }, false));
    const { status, body } = await http.ask("GET", "/v1/orders/o1");
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: "internal", executed: "unknown" });
    expect(http.defects.splice(0)).toHaveLength(1);
  });

  test("HTTP-EXCHANGE-2: nothing leaves before the flush, also not what is given long before", async () => {
    await scripted(({ requester, id }) => requester.result(id, {}, false));
    engine.auto = false;
    const connection = raw();
    connection.write("GET /v1/orders/o1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => engine.count === 1);
    const [command] = engine.submitted.splice(0);
    engine.answer(command!);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connection.received).toBe("");
    command!.requester.flush();
    expect(await connection.answers(1)).toEqual(["200 OK"]);
    command!.requester.flush();
    await nextTurn();
    expect(connection.heads()).toEqual(["200 OK"]);
  });
});

test("an engine that throws is a 500 of that request, and of no other", async () => {
  class Broken extends EchoEngine {
    override submit(shard: number, command: Command): void {
      if ("order" in command && command.order === "break") throw new Error("a defect");
      super.submit(shard, command);
    }
  }
  await start(new Broken());
  const { status, body } = await http.ask("GET", "/v1/orders/break");
  expect([status, body.code, body.executed]).toEqual([500, "internal", "unknown"]);
  expect(http.defects.splice(0)).toHaveLength(1);
  expect((await http.ask("GET", "/v1/orders/o1")).status).toBe(200);
});

describe("connections that go", () => {
  test("HTTP-EXCHANGE-3: before their body is there: nothing is executed", async () => {
    for (let n = 0; n < 50; n++) {
      const connection = raw();
      connection.write(postOf("/v1/orders", JSON.stringify(cart)).slice(0, -1 - n));
    }
    await until(() => http.server.counters.httpOpen === 50);
    for (const each of raws) each.end();
    await until(() => http.server.counters.httpAborted === 50);
    expect(engine.count).toBe(0);
  });

  test("HTTP-EXCHANGE-5: before their answer is there: it runs, and its answer goes nowhere", async () => {
    engine.auto = false;
    const connection = raw();
    connection.write(postOf("/v1/orders", JSON.stringify(cart), ["Idempotency-Key: k-1"]));
    await until(() => engine.count === 1);
    expect(http.server.counters).toMatchObject({ httpOpen: 1, inFlight: 1 });
    connection.end();
    await until(() => http.server.counters.httpAborted === 1);
    expect(http.server.counters).toMatchObject({ httpOpen: 0, inFlight: 0 });
    engine.answerAll();
    expect((await fetch(http.url("/livez"))).status).toBe(200);
  });

  test("HTTP-EXCHANGE-1: between the answer and the flush: the same", async () => {
    engine.auto = false;
    const connection = raw();
    connection.write("GET /v1/orders/o1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await until(() => engine.count === 1);
    const [command] = engine.submitted.splice(0);
    engine.answer(command!);
    connection.end();
    await until(() => http.server.counters.httpAborted === 1);
    command!.requester.flush();
    expect((await fetch(http.url("/livez"))).status).toBe(200);
  });

  test("because a second request came before the first was answered: pipelines are not for questions", async () => {
    engine.auto = false;
    const connection = raw();
    const get = "GET /v1/orders/o1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    connection.write(get + get);
    await until(() => connection.closed);
    expect(http.server.counters.httpOpen).toBe(0);
    engine.answerAll();
  });
});

test("1,000 requests over four connections that stay open", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const ask = (n: number) =>
    new Promise<string>((resolve, reject) => {
      const body = JSON.stringify(cart);
      const headers = { "content-type": "application/json", "idempotency-key": `k-${n}` };
      const { port } = http.server;
      const asked = request({ agent, port, host: "127.0.0.1", path: "/v1/orders", method: "POST", headers });
      asked.on("error", reject);
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve((JSON.parse(text) as { order: string }).order));
      });
      asked.end(body);
    });
  const orders = await Promise.all(Array.from({ length: 1000 }, (_, n) => ask(n)));
  expect(orders).toEqual(Array.from({ length: 1000 }, (_, n) => `k-${n}`));
  agent.destroy();
});

test("HTTP-EXCHANGE-4: one request more than may be open is refused 503 before its body is read", async () => {
  http.server.counters.httpOpen += httpOpenMax;
  const { status, body, headers } = await http.ask("POST", "/v1/orders", cart, key);
  http.server.counters.httpOpen -= httpOpenMax;
  expect(status).toBe(503);
  expect(headers.get("retry-after")).toBe("1");
  expect(body).toMatchObject({ code: "overloaded", executed: "unknown", retryable: true });
  expect(engine.count).toBe(0);
});

test("draining answers what was taken and refuses what comes, also what was half there", async () => {
  engine.auto = false;
  const [taken, half] = [raw(), raw()];
  const bytes = postOf("/v1/orders", JSON.stringify(cart), ["Idempotency-Key: k-1"]);
  taken.write(bytes);
  half.write(bytes.slice(0, -3));
  await until(() => engine.count === 1 && http.server.counters.httpOpen === 2);
  engine.refusesStored = true;
  const drained = http.server.drain(5000);
  half.write(bytes.slice(-3));
  expect(await half.answers(1)).toEqual(["503 Service Unavailable"]);
  expect(half.received).toContain('"code":"shutting_down","executed":false,"retryable":true');
  expect(half.received).toMatch(/retry-after: 1\r\n/i);
  await until(() => half.closed);
  expect((await http.ask("GET", "/v1/orders/o1")).body.code).toBe("shutting_down");
  expect((await fetch(http.url("/readyz"))).status).toBe(503);
  engine.answerAll();
  expect(await taken.answers(1)).toEqual(["200 OK"]);
  expect(await drained).toBe(0);
});

test.each([
  ["a page of another site", { origin: "https://evil.example" }],
  ["a page of nowhere", { origin: "null" }],
  ["a page whose name was pointed at this machine", { host: "evil.example" }],
  ["a name that only looks like this machine", { host: "127.0.0.1.evil.example:8080" }],
])("%s is refused, whatever it asks", async (_, headers) => {
  for (const [verb, path] of [
    ["POST", "/v1/orders"],
    ["GET", "/v1/orders/o1"],
  ] as const) {
    const connection = raw();
    const all = { host: "127.0.0.1", "content-length": "0", ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    connection.write(`${verb} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    expect(await connection.answers(1)).toEqual(["403 Forbidden"]);
  }
  expect(engine.count).toBe(0);
});

test("SOCKET-SERVER-4: a page of this machine and a program are let in", async () => {
  const origin = "http://localhost:3000";
  expect((await http.ask("POST", "/v1/orders", cart, { ...key, origin })).status).toBe(200);
  const connection = raw();
  connection.write("GET /v1/orders/o1 HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n");
  expect(await connection.answers(1)).toEqual(["200 OK"]);
});
