/** Settings: flags, then the environment, then a file, then defaults; and what is not a value is named. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import {
  describeConfig,
  environmentName,
  eventsNamed,
  readConfig,
  settingsTable,
} from "../../gateway/host/config.js";

const folder = mkdtempSync(join(tmpdir(), "yifen-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 9 }));

function fileOf(content: string): string {
  const file = join(folder, "config.json");
  writeFileSync(file, content);
  return file;
}

test("a flag beats the environment, which beats the file, which beats the default; each is told apart", () => {
  const file = fileOf('{"port": 1003, "graceMs": 3, "keysMax": 3000, "data": "/from/file"}');
  const environment = { YIFEN_PORT: "1002", YIFEN_GRACE_MS: "2", YIFEN_SHARDS: "", OTHER: "x" };
  const found = readConfig({ port: "1001" }, { ...environment, YIFEN_SHARDS: "2" }, file);
  expect(found.config).toMatchObject({
    port: 1001,
    graceMs: 2,
    keysMax: 3000,
    data: "/from/file",
    segmentMb: 64,
  });
  expect(found.origins).toMatchObject({
    port: "flag --port",
    graceMs: "YIFEN_GRACE_MS",
    shards: "YIFEN_SHARDS",
    keysMax: file,
    segmentMb: "default",
  });
  const lines = describeConfig(found);
  expect(lines.length).toBe(Object.keys(settingsTable).length);
  expect(lines).toContainEqual(expect.stringMatching(/^grace-ms +2 +YIFEN_GRACE_MS$/));
});

test("every setting has a flag, a variable and a default that it accepts itself", () => {
  for (const [name, { flag, fallback, parse }] of Object.entries(settingsTable)) {
    expect(flag).toMatch(/^--[a-z]+(-[a-z]+)*$/);
    expect(environmentName(name as "port")).toMatch(/^YIFEN_[A-Z_]+$/);
    expect((parse as (text: string) => unknown)(String(fallback)), flag).toBe(fallback);
  }
});

const wrong: readonly (readonly [name: string, text: string])[] = [
  ["port", "65536"],
  ["port", "-1"],
  ["port", "0x10"],
  ["port", "1e3"],
  ["port", " 80"],
  ["port", ""],
  ["shards", "0"],
  ["shards", "65"],
  ["graceMs", "1.5"],
  ["payWithinMs", "999"],
  ["keysMax", "999"],
  ["segmentMb", "0"],
  ["snapshotMb", "x"],
  ["readSide", "ON"],
  ["diskFreeMb", "NaN"],
  ["data", ""],
  ["host", ""],
  ["webhookUrl", "ftp://127.0.0.1/"],
  ["webhookUrl", "127.0.0.1:80"],
  ["webhookUrl", "http://user:password@127.0.0.1/"],
  ["webhookEvents", "orders."],
  ["webhookEvents", "order.,"],
  ["webhookEvents", ""],
  ["webhookAttempts", "0"],
  ["webhookBatch", "0"],
  ["eventLogMb", "0"],
  ["outletsFrom", "middle"],
];

test("what is not a value is refused wherever it comes from, with its place and what would be right", () => {
  for (const [name, text] of wrong) {
    const setting = settingsTable[name as "port"];
    const given = name === "webhookUrl" ? "what was given" : `"${text}"`;
    const says = `${given} is not ${setting.wanted}`;
    expect(() => readConfig({ [name]: text }, {}, undefined)).toThrow(`flag ${setting.flag}: ${says}`);
    const variable = environmentName(name as "port");
    expect(() => readConfig({}, { [variable]: text }, undefined)).toThrow(`${variable}: ${says}`);
    const file = fileOf(JSON.stringify({ [name]: text }));
    expect(() => readConfig({}, {}, file)).toThrow(`${file}: ${says}`);
  }
});

test("of a webhook's URL only whose it is is shown: the rest may be a token", () => {
  const url = "https://hooks.example:8443/services/T0/B0/token?key=secret";
  const lines = describeConfig(readConfig({ webhookUrl: url }, {}, undefined));
  expect(lines).toContainEqual(
    expect.stringMatching(/^webhook-url +https:\/\/hooks\.example:8443\/\.\.\. +flag/),
  );
  expect(lines.join("\n")).not.toMatch(/token|secret=|B0/);
  expect(() => readConfig({ webhookUrl: "ftp://x/token" }, {}, undefined)).toThrow(
    "what was given is not an http",
  );
  expect(() => readConfig({ webhookUrl: "ftp://x/token" }, {}, undefined)).not.toThrow("token");
});

test("a secret is never shown: not when it is set, and not when it cannot be used", () => {
  const shown = (webhookSecret: string) => describeConfig(readConfig({ webhookSecret }, {}, undefined));
  expect(shown("0123456789abcdef")).toContainEqual(expect.stringMatching(/^webhook-secret +set +flag/));
  expect(shown("")).toContainEqual(expect.stringMatching(/^webhook-secret +none +flag/));
  expect(shown("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).toContainEqual(
    expect.stringMatching(/^webhook-secret +set/),
  );
  for (const text of [
    "short-secret",
    "with some spaces in it",
    "whsec_not-base64-at-all",
    "whsec_c2hvcnQgc2VjcmV0",
  ]) {
    expect(() => shown(text)).toThrow("flag --webhook-secret: what was given is not 16 to 256 characters");
    expect(() => shown(text)).not.toThrow(text);
  }
});

test("events are chosen by their types, or by how types begin", () => {
  const { config } = readConfig({ webhookEvents: "order.,refund.done" }, {}, undefined);
  expect(eventsNamed(config.webhookEvents)).toEqual(["order.", "refund.done"]);
  expect(eventsNamed(config.eventLogEvents)).toBeUndefined();
});

test("a file that cannot be used is named, and so is the setting that does not exist", () => {
  const cases: readonly (readonly [content: string, says: string | RegExp])[] = [
    ["{", /config\.json: .*JSON/],
    ["[]", "not a JSON object"],
    ["null", "not a JSON object"],
    ['"port"', "not a JSON object"],
    ['{"grace-ms": 1}', 'there is no setting "grace-ms"'],
    ['{"toString": 1}', 'there is no setting "toString"'],
    ['{"port": null}', '"port" is neither a text nor a number'],
    ['{"port": [1]}', '"port" is neither a text nor a number'],
    ['{"data": {}}', '"data" is neither a text nor a number'],
    ['{"port": 1.5}', '"1.5" is not a whole number'],
  ];
  for (const [content, says] of cases)
    expect(() => readConfig({}, {}, fileOf(content)), content).toThrow(says);
  expect(() => readConfig({}, {}, join(folder, "none.json"))).toThrow("none.json");
});

const [first, second] = ["a-secret-of-16-chars", "another-secret-of-it"];

test("secrets come from flags, the environment or a file, and are never shown", () => {
  const text = `alipay=${first},wechat=${second}`;
  for (const [flags, environment, file] of [
    [{ paymentSecret: text }, {}, undefined],
    [{}, { YIFEN_PAYMENT_SECRET: text }, undefined],
    [{}, { YIFEN_PAYMENT_SECRET_ALIPAY: first, YIFEN_PAYMENT_SECRET_WECHAT: second }, undefined],
    [{}, { YIFEN_PAYMENT_SECRET: `alipay=${first}`, YIFEN_PAYMENT_SECRET_WECHAT: second }, undefined],
    [{}, {}, fileOf(JSON.stringify({ paymentSecret: text }))],
  ] as const) {
    const found = readConfig(flags, environment, file);
    expect(found.config.paymentSecret).toBe(text);
    const lines = describeConfig(found);
    expect(lines).toContainEqual(expect.stringMatching(/^payment-secret +set +\S/));
    expect(lines.join()).not.toContain("-secret-of");
  }
  expect(describeConfig(readConfig({}, {}, undefined))).toContainEqual(
    expect.stringMatching(/^payment-secret +none +default$/),
  );
});

test("a secret that cannot be used is refused without being named", () => {
  const mistakes = [
    "alipay",
    "alipay=short",
    `=${first}`,
    `a b=${first}`,
    `alipay=${first},`,
    `alipay=${first} x`,
  ];
  for (const text of mistakes) {
    let message = "";
    try {
      readConfig({ paymentSecret: text }, {}, undefined);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message, text).toMatch(/^flag --payment-secret: what was given is not PROVIDER=SECRET/);
    expect(message).not.toContain(first);
  }
});
