/** `openEngine` and `connect` refuse what the flags would refuse, and every name that they do not know. */

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../../client/client.js";
import { BadConfig, defineSaga, manualClock, openEngine } from "../../../gateway/embedded.js";
import { readConfig, settingsTable, unknownVariables } from "../../../gateway/host/config.js";
import { checkEngineOptions } from "../../../gateway/host/engine-options.js";

const check = (options: object) => () => checkEngineOptions(options as never);

const numbers = [
  ...(["shards", "graceMs", "payWithinMs", "autoConfirmMs", "afterSaleMs", "keysMax", "keysKeepMs"] as const),
  "callTimeoutMs" as const,
];

test("a number is held to the bounds of its flag, and a text is not a number", () => {
  for (const name of numbers) {
    const { wanted, fallback } = settingsTable[name];
    const [, min, max] = /from (\d+) to (\d+)/.exec(wanted)!.map(Number);
    for (const fine of [min, max, fallback, undefined]) expect(check({ [name]: fine }), name).not.toThrow();
    const numbers = [min! - 1, max! + 1, min! + 0.5, Number.NaN, Infinity, -Infinity, 1e21, 2 ** 53];
    for (const wrong of [...numbers, `${fallback}`, "", null, true, [], [5], {}, () => 5, 5n]) {
      expect(check({ [name]: wrong }), `${name}: ${String(wrong)}`).toThrow(
        expect.objectContaining({
          name: "BadConfig",
          message: expect.stringMatching(new RegExp(`^openEngine: ${name}: .* must be ${wanted}$`)),
        }),
      );
    }
  }
  expect(check({ graceMs: "500" })).toThrow('openEngine: graceMs: "500" must be a whole number from 0');
});

/** A saga with one call, of these functions. */
const calls = (functions: object) => defineSaga({ steps: () => [], calls: { parcel: functions as never } });

test("what is no number: data, choices, functions, outlets", () => {
  const outlet = { kind: "function", name: "a", deliver: () => {} };
  for (const wrong of [
    { data: "" },
    { data: 5 },
    { pointsGrantOn: "never" },
    { latePayment: true },
    { alert: "console.log" },
    { progress: null },
    { failed: {} },
    { clock: Date },
    { clock: { nowMs: () => 5 } },
    { clock: null },
    { acceptClock: 1 },
    { transactions: [] },
    { refunds: () => {} },
    { retryOverloaded: 1 },
    { timeoutMs: Number.NaN },
    { timeoutMs: 2 ** 31 },
    { inFlightMax: 0 },
    { transactions: { gift: 5 } },
    { transactions: { gift: { plan: () => {} } } },
    { transactions: { gift: null } },
    { transactions: { "a gift": defineSaga({ steps: () => [] }) } },
    { transactions: { gift: calls({ do: () => {} }) } },
    { transactions: { gift: calls({ do: () => {}, undo: "never" }) } },
    { transactions: { gift: calls({ do: () => {}, undo: () => {}, confirm: () => {} }) } },
    { transactions: { gift: calls({ try: () => {}, confirm: () => {} }) } },
    { transactions: { gift: calls({}) } },
    { refunds: { alipay: 5 } },
    { refunds: { "ali pay": () => {} } },
    { outlets: [{ kind: "webhook", name: "a" }] },
    { outlets: [{ kind: "file", name: "a" }] },
    { outlets: [{ kind: "function", name: "a" }] },
    { outlets: outlet },
    { outlets: [{ ...outlet, kind: "mail" }] },
    { outlets: [{ ...outlet, name: "" }] },
    { outlets: [{ ...outlet, timeoutMs: "500" }] },
    { outlets: [{ ...outlet, attemptsMax: 0 }] },
    { outlets: [{ ...outlet, attemptMax: 5 }] },
    { outlets: [{ ...outlet, events: "order." }] },
    { outlets: [{ ...outlet, events: ["orders."] }] },
    { outlets: [{ ...outlet, from: "middle" }] },
    { outlets: [{ ...outlet, deliver: undefined, url: "http://127.0.0.1/" }] },
    { outlets: [null] },
  ]) {
    expect(check(wrong), JSON.stringify(wrong)).toThrow(BadConfig);
  }
  for (const wrong of [null, [], "data", 5]) expect(check(wrong as object)).toThrow("must be an object");
  const fine = {
    clock: manualClock(),
    acceptClock: true,
    outlets: [() => {}, { ...outlet, events: ["order."], from: "start", timeoutMs: 500 }],
  };
  expect(check(fine)).not.toThrow();
});

test("a name that does not exist is refused with the nearest that does, and nothing is made", async () => {
  const meant: readonly (readonly [given: string, meant: string])[] = [
    ["gracMs", "graceMs"],
    ["graceMS", "graceMs"],
    ["shard", "shards"],
    ["dta", "data"],
    ["outlet", "outlets"],
    ["payWithin", "payWithinMs"],
    ["timeoutMS", "timeoutMs"],
  ];
  const data = join(tmpdir(), `yifen-never-${process.pid}`);
  for (const [given, name] of meant) {
    await expect(openEngine({ data, [given]: 1 })).rejects.toMatchObject({
      name: "BadConfig",
      message: `openEngine: there is no option "${given}"; did you mean ${name}?`,
    });
  }
  await expect(openEngine({ data, shards: 0 })).rejects.toThrow(
    "shards: 0 must be a whole number from 1 to 64",
  );
  for (const name of ["port", "toString", "__proto__x"])
    await expect(openEngine({ data, [name]: 1 } as object)).rejects.toThrow("there is no option");
  expect(existsSync(data)).toBe(false);
});

test("connect refuses the same kinds, before it connects", async () => {
  const nobody = "http://127.0.0.1:9";
  const wrong = [
    { timeoutMs: "500" },
    { heartbeatMs: Number.NaN },
    { encoding: "xml" },
    { reconnect: { capMs: -1 } },
  ];
  for (const options of [
    ...wrong,
    { timeoutMS: 5 },
    { reconnect: { cap: 5 } },
    { token: 5 },
    { openWithinMs: 0 },
  ]) {
    await expect(connect(nobody, options as object), JSON.stringify(options)).rejects.toThrow(TypeError);
  }
});

test("a variable that looks like a setting and is none is told, with the nearest that is one", () => {
  const environment = {
    YIFEN_GRACEMS: "1",
    YIFEN_GRACE_MS: "1",
    YIFEN_PROT: "1",
    YIFEN_URL: "http://127.0.0.1:8080",
    YIFEN_PAYMENT_SECRET_ALIPAY: "0123456789abcdef",
    YIFEN_SOMETHING_ELSE: "1",
    PATH: "/bin",
  };
  expect(unknownVariables(environment)).toEqual([
    "YIFEN_GRACEMS is set and is no setting: it has no effect; did you mean YIFEN_GRACE_MS?",
    "YIFEN_PROT is set and is no setting: it has no effect; did you mean YIFEN_PORT?",
    "YIFEN_SOMETHING_ELSE is set and is no setting: it has no effect",
  ]);
  // The configuration itself is read as before.
  expect(readConfig({}, environment, undefined).config.graceMs).toBe(1);
});

test("what may be a secret is not repeated when it is refused", () => {
  for (const wrong of [{ secret: "hunter2" }, { url: "ftp://x/hunter2" }]) {
    const outlet = { kind: "webhook", name: "w", url: "https://x/", ...wrong };
    expect(check({ outlets: [outlet] })).toThrow("what was given must be");
    expect(check({ outlets: [outlet] })).not.toThrow("hunter2");
  }
});
