import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkSignature, readPaymentSecrets, signatureOf } from "../../../gateway/edge/payment-signature.js";
import { type HttpServer, serve } from "../http/http-server.js";
import { EchoEngine } from "./echo-engine.js";

const now = 1_790_841_600;
const body = '{"paymentId":"p-1","order":"o1","amount":"9.99","currency":"CNY"}';
const secret = "the-secret-of-today";
const next = "the-secret-of-tomorrow";

const hmac = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
const v2 = (key: string, t: number | string = now, provider = "alipay") =>
  `v2=${hmac(key, `${t}.${provider}.${body}`)}`;
const v1 = (key: string, t: number | string = now) => `v1=${hmac(key, `${t}.${body}`)}`;

/** A header, the secrets that we know, and whether it is believed. */
const table: readonly (readonly [
  what: string,
  signature: string,
  secrets: string[] | undefined,
  why: RegExp | undefined,
])[] = [
  ["a good one", `t=${now},${v2(secret)}`, [secret], undefined],
  ["with blanks", ` t=${now} , ${v2(secret)} `, [secret], undefined],
  ["the other way around", `${v2(secret)},t=${now}`, [secret], undefined],
  ["in capitals", `t=${now},${v2(secret).toUpperCase().replace("V2", "v2")}`, [secret], undefined],
  ["300 s old", `t=${now - 300},${v2(secret, now - 300)}`, [secret], undefined],
  ["300 s ahead", `t=${now + 300},${v2(secret, now + 300)}`, [secret], undefined],
  ["under two secrets of theirs, the new one ours", `t=${now},${v2(secret)},${v2(next)}`, [next], undefined],
  [
    "under two secrets of theirs, the old one ours",
    `t=${now},${v2(secret)},${v2(next)}`,
    [secret],
    undefined,
  ],
  ["under one of two secrets of ours", `t=${now},${v2(secret)}`, [next, secret], undefined],
  ["beside one of a version to come", `t=${now},v3=abc,${v2(secret)}`, [secret], undefined],
  ["beside one that is no digest", `t=${now},v2=ab,${v2(secret)}`, [secret], undefined],
  ["none", "", [secret], /must be t=/],
  ["no time", v2(secret), [secret], /must be t=/],
  ["no digest", `t=${now}`, [secret], /must be t=/],
  ["two times", `t=${now},t=${now},${v2(secret)}`, [secret], /must be t=/],
  ["a time that is none", `t=now,${v2(secret)}`, [secret], /must be t=/],
  ["a time in hex", `t=6abe14c0,${v2(secret, "6abe14c0")}`, [secret], /must be t=/],
  ["a negative time", `t=-1,${v2(secret, -1)}`, [secret], /must be t=/],
  ["a digest that is cut", `t=${now},${v2(secret).slice(0, -2)}`, [secret], /must be t=/],
  ["a digest that is longer", `t=${now},${v2(secret)}00`, [secret], /must be t=/],
  ["301 s old", `t=${now - 301},${v2(secret, now - 301)}`, [secret], /ago/],
  ["301 s ahead", `t=${now + 301},${v2(secret, now + 301)}`, [secret], /ahead/],
  ["of another secret", `t=${now},${v2(next)}`, [secret], /not of this provider and body/],
  ["of another time", `t=${now},${v2(secret, now - 1)}`, [secret], /not of this provider and body/],
  ["of the body alone", `t=${now},v2=${hmac(secret, body)}`, [secret], /not of this provider and body/],
  [
    "of another body",
    `t=${now},v2=${hmac(secret, `${now}.alipay.{}`)}`,
    [secret],
    /not of this provider and body/,
  ],
  ["of another provider", `t=${now},${v2(secret, now, "wechat")}`, [secret], /not of this provider and body/],
  [
    "of the provider and body, named v1",
    `t=${now},${v2(secret).replace("v2", "v1")}`,
    [secret],
    /not of this/,
  ],
  [
    "of the body without the provider, named v2",
    `t=${now},${v1(secret).replace("v1", "v2")}`,
    [secret],
    /not of this/,
  ],
  ["one digit off", `t=${now},${flipped(v2(secret))}`, [secret], /not of this provider and body/],
  ["for a provider that we have no secret of", `t=${now},${v2(secret)}`, undefined, /no secret/],
  ["under the empty secret, for such a provider", `t=${now},${v2("")}`, undefined, /no secret/],
  ["when all secrets were taken away", `t=${now},${v2("")}`, [], /not of this provider and body/],
];

const check = (signature: string, provider: string, secrets: Record<string, readonly string[]>) =>
  checkSignature(signature, Buffer.from(body), provider, new Map(Object.entries(secrets)), now);

test.each(table)("a signature %s", (_, signature, secrets, why) => {
  const checked = check(signature, "alipay", secrets ? { alipay: secrets } : {});
  if (why === undefined) expect(checked).toEqual({ form: "v2" });
  else expect(checked).toEqual({ problem: expect.stringMatching(why) });
});

test("what we show providers to do is what we believe", () => {
  const signature = signatureOf(secret, now, "alipay", Buffer.from(body));
  expect(signature).toBe(`t=${now},${v2(secret)}`);
  expect(check(signature, "alipay", { alipay: [secret] })).toEqual({ form: "v2" });
});

describe("providers that share a secret", () => {
  const shared = { alipay: [secret], wechat: [next, secret], paypal: [next] };
  const refused = { problem: "the signature is not of this provider and body" };

  test("what one has signed is nobody else's", () => {
    expect(check(`t=${now},${v2(secret)}`, "alipay", shared)).toEqual({ form: "v2" });
    expect(check(`t=${now},${v2(secret)}`, "wechat", shared)).toEqual(refused);
    expect(check(`t=${now},${v2(secret, now, "wechat")}`, "wechat", shared)).toEqual({ form: "v2" });
    expect(check(`t=${now},${v2(secret, now, "wechat")}`, "alipay", shared)).toEqual(refused);
  });

  test("the form without a name is taken from the first of them alone", () => {
    expect(check(`t=${now},${v1(secret)}`, "alipay", shared)).toEqual({ form: "v1" });
    expect(check(`t=${now},${v1(secret)}`, "wechat", shared)).toEqual(refused);
    expect(check(`t=${now},${v1(next)}`, "wechat", shared)).toEqual({ form: "v1" });
    expect(check(`t=${now},${v1(next)}`, "paypal", shared)).toEqual(refused);
  });
});

test("secrets are read by provider, and one provider may have several while they change", () => {
  expect(readPaymentSecrets("")).toEqual(new Map());
  expect(readPaymentSecrets("a=0123456789abcdef,b:1=fedcba9876543210,a==+/0123456789abc")).toEqual(
    new Map([
      ["a", ["0123456789abcdef", "=+/0123456789abc"]],
      ["b:1", ["fedcba9876543210"]],
    ]),
  );
});

describe("over HTTP", () => {
  let engine: EchoEngine;
  let http: HttpServer;

  class Now extends EchoEngine {
    override wallMs(): number {
      return now * 1000 + 999;
    }
  }

  beforeEach(async () => {
    engine = new Now();
    engine.auto = true;
    http = await serve(engine, new Map([["alipay", [secret]]]));
  });

  afterEach(async () => {
    await http.stop();
    expect(http.defects).toEqual([]);
  });

  const notify = (signature: string | undefined, text = body, provider = "alipay") =>
    http.ask(
      "POST",
      `/v1/payments/${provider}/notify`,
      text,
      signature === undefined ? {} : { "yifen-signature": signature },
    );

  test("a notification is booked when its signature is of the bytes that came", async () => {
    const spaced = ` ${body}\n`;
    expect((await notify(`t=${now},${v2(secret)}`)).status).toBe(200);
    expect((await notify(`t=${now},${v2(secret)}`, spaced)).status).toBe(401);
    expect((await notify(signatureOf(secret, now, "alipay", Buffer.from(spaced)), spaced)).status).toBe(200);
    expect(engine.count).toBe(2);
  });

  test("it is refused 401 otherwise, before a word of it was read", async () => {
    const cases = [
      notify(undefined),
      notify(`t=${now},${v2(next)}`),
      notify(`t=${now - 400},${v2(secret, now - 400)}`),
      notify(`t=${now},${v2(secret)}`, body.replace("9.99", "9999.99")),
      notify(`t=${now},${v2(secret)}`, body, "wechat"),
      notify(undefined, "not JSON at all"),
      notify(undefined, '{"paymentId":5}'),
    ];
    for (const { status, body: problem } of await Promise.all(cases)) {
      expect(status).toBe(401);
      expect(problem).toMatchObject({ code: "unauthenticated", executed: "unknown", retryable: false });
      expect(JSON.stringify(problem)).not.toContain(secret);
    }
    expect(engine.count).toBe(0);
  });

  test("signed without the provider's name it is booked too, and counted", async () => {
    expect((await notify(`t=${now},${v1(secret)}`)).status).toBe(200);
    expect(http.server.counters.unnamedSignatures).toBe(1);
    expect((await notify(`t=${now},${v2(secret)}`)).status).toBe(200);
    expect(http.server.counters.unnamedSignatures).toBe(1);
  });

  test("a signature does not make a wrong notification right", async () => {
    for (const text of ['{"paymentId":5}', "[]", "", '{"provider":"wechat"}']) {
      const { status, body: problem } = await notify(
        signatureOf(secret, now, "alipay", Buffer.from(text)),
        text,
      );
      expect([status, problem.code]).toEqual([400, "invalid_request"]);
    }
    expect(engine.count).toBe(0);
  });
});

function flipped(digest: string): string {
  return digest.slice(0, -1) + (digest.endsWith("0") ? "1" : "0");
}
