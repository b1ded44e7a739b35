import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  readPaymentSecrets,
  signatureOf,
  signatureProblem,
} from "../../../gateway/edge/payment-signature.js";
import { type HttpServer, serve } from "../http/http-server.js";
import { EchoEngine } from "./echo-engine.js";

const now = 1_790_841_600;
const body = '{"paymentId":"p-1","order":"o1","amount":"9.99","currency":"CNY"}';
const secret = "the-secret-of-today";
const next = "the-secret-of-tomorrow";

const hmac = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
const v1 = (key: string, t: number | string = now) => `v1=${hmac(key, `${t}.${body}`)}`;

/** A header, the secrets that we know, and whether it is believed. */
const table: readonly (readonly [
  what: string,
  signature: string,
  secrets: string[] | undefined,
  why: RegExp | undefined,
])[] = [
  ["a good one", `t=${now},${v1(secret)}`, [secret], undefined],
  ["with blanks", ` t=${now} , ${v1(secret)} `, [secret], undefined],
  ["the other way around", `${v1(secret)},t=${now}`, [secret], undefined],
  ["in capitals", `t=${now},${v1(secret).toUpperCase().replace("V1", "v1")}`, [secret], undefined],
  ["300 s old", `t=${now - 300},${v1(secret, now - 300)}`, [secret], undefined],
  ["300 s ahead", `t=${now + 300},${v1(secret, now + 300)}`, [secret], undefined],
  ["under two secrets of theirs, the new one ours", `t=${now},${v1(secret)},${v1(next)}`, [next], undefined],
  [
    "under two secrets of theirs, the old one ours",
    `t=${now},${v1(secret)},${v1(next)}`,
    [secret],
    undefined,
  ],
  ["under one of two secrets of ours", `t=${now},${v1(secret)}`, [next, secret], undefined],
  ["beside one of a version to come", `t=${now},v2=abc,${v1(secret)}`, [secret], undefined],
  ["beside one that is no digest", `t=${now},v1=ab,${v1(secret)}`, [secret], undefined],
  ["none", "", [secret], /must be t=/],
  ["no time", v1(secret), [secret], /must be t=/],
  ["no digest", `t=${now}`, [secret], /must be t=/],
  ["two times", `t=${now},t=${now},${v1(secret)}`, [secret], /must be t=/],
  ["a time that is none", `t=now,${v1(secret)}`, [secret], /must be t=/],
  ["a time in hex", `t=6abe14c0,${v1(secret, "6abe14c0")}`, [secret], /must be t=/],
  ["a negative time", `t=-1,${v1(secret, -1)}`, [secret], /must be t=/],
  ["a digest that is cut", `t=${now},${v1(secret).slice(0, -2)}`, [secret], /must be t=/],
  ["a digest that is longer", `t=${now},${v1(secret)}00`, [secret], /must be t=/],
  ["301 s old", `t=${now - 301},${v1(secret, now - 301)}`, [secret], /ago/],
  ["301 s ahead", `t=${now + 301},${v1(secret, now + 301)}`, [secret], /ahead/],
  ["of another secret", `t=${now},${v1(next)}`, [secret], /not of this body/],
  ["of another time", `t=${now},${v1(secret, now - 1)}`, [secret], /not of this body/],
  ["of the body alone", `t=${now},v1=${hmac(secret, body)}`, [secret], /not of this body/],
  ["of another body", `t=${now},v1=${hmac(secret, `${now}.{}`)}`, [secret], /not of this body/],
  ["one digit off", `t=${now},${flipped(v1(secret))}`, [secret], /not of this body/],
  ["for a provider that we have no secret of", `t=${now},${v1(secret)}`, undefined, /no secret/],
  ["under the empty secret, for such a provider", `t=${now},${v1("")}`, undefined, /no secret/],
  ["when all secrets were taken away", `t=${now},${v1("")}`, [], /not of this body/],
];

test.each(table)("a signature %s", (_, signature, secrets, why) => {
  const doubt = signatureProblem(signature, Buffer.from(body), secrets, now);
  if (why === undefined) expect(doubt).toBeUndefined();
  else expect(doubt).toMatch(why);
});

test("what we show providers to do is what we believe", () => {
  const bytes = Buffer.from(body);
  expect(signatureOf(secret, now, bytes)).toBe(`t=${now},${v1(secret)}`);
  expect(signatureProblem(signatureOf(secret, now, bytes), bytes, [secret], now)).toBeUndefined();
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
    override nowMicros(): number {
      return now * 1_000_000 + 999_999;
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
    expect((await notify(`t=${now},${v1(secret)}`)).status).toBe(200);
    expect((await notify(`t=${now},${v1(secret)}`, spaced)).status).toBe(401);
    expect((await notify(signatureOf(secret, now, Buffer.from(spaced)), spaced)).status).toBe(200);
    expect(engine.count).toBe(2);
  });

  test("it is refused 401 otherwise, before a word of it was read", async () => {
    const cases = [
      notify(undefined),
      notify(`t=${now},${v1(next)}`),
      notify(`t=${now - 400},${v1(secret, now - 400)}`),
      notify(`t=${now},${v1(secret)}`, body.replace("9.99", "9999.99")),
      notify(`t=${now},${v1(secret)}`, body, "wechat"),
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

  test("a signature does not make a wrong notification right", async () => {
    for (const text of ['{"paymentId":5}', "[]", "", '{"provider":"wechat"}']) {
      const { status, body: problem } = await notify(signatureOf(secret, now, Buffer.from(text)), text);
      expect([status, problem.code]).toEqual([400, "invalid_request"]);
    }
    expect(engine.count).toBe(0);
  });
});

function flipped(digest: string): string {
  return digest.slice(0, -1) + (digest.endsWith("0") ? "1" : "0");
}
