import { describe, expect, test } from "vitest";
import { transitions } from "../../../actors/order-transitions.js";
import { isoTime } from "../../../gateway/codecs/iso-time.js";
import { isMethod, methodNames, methods } from "../../../gateway/edge/methods.js";
import { explainParams, paramsFit } from "../../../gateway/edge/params-check.js";

describe.each(methodNames)("%s", (method) => {
  const schema = methods[method].params;

  test("has a title, is closed, and every field says what it is", () => {
    expect(schema).toMatchObject({ type: "object", additionalProperties: false, title: expect.any(String) });
    for (const [name, field] of Object.entries(schema.properties)) {
      expect(field, name).toMatchObject({ description: expect.any(String) });
    }
  });

  test("is a method, and refuses a field that nobody knows", () => {
    expect(isMethod(method)).toBe(true);
    const refusal = explainParams(method, { zzz: 1 });
    expect(refusal?.code).toBe("invalid_request");
  });
});

test("every status that an order can have may be asked for in order.list", () => {
  for (const { to } of transitions.filter((row) => row.to !== "back"))
    expect(paramsFit("order.list", { account: "a", status: to })).toBe(true);
  expect(explainParams("order.list", { account: "a", status: "None" })).toMatchObject({
    code: "invalid_request",
    details: { path: "params.status" },
  });
});

test("the path of an unknown field is cut, because the caller chose it", () => {
  const refusal = explainParams("order.get", { order: "o", ["x".repeat(100_000)]: 1 });
  expect(refusal?.details?.path).toMatch(/^params\.x{113}$/);
  expect(explainParams("order.get", { order: "o", "a/b~c": 1 }).details).toEqual({
    path: "params.a/b~c",
    reason: "unknown field",
  });
});

test("a time is what Date says, whatever was asked before", () => {
  const now = 1_790_000_000_000;
  const times = [0, 1, 999, 1000, now, now + 900_000, now + 1, now + 900_001, now - 1, 253_402_300_799_999];
  for (const a of times) {
    for (const b of times) {
      expect([isoTime(a), isoTime(b), isoTime(a)]).toEqual([a, b, a].map((ms) => new Date(ms).toISOString()));
    }
  }
});
