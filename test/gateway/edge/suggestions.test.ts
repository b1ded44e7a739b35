/** What a caller is told about a request with a slip in it: where, what is wrong in words, and what was probably meant. */

import { describe, expect, test } from "vitest";
import { nearestPath } from "../../../gateway/edge/http-routes.js";
import { methodNames, methods } from "../../../gateway/edge/methods.js";
import { explainParams, paramsFit } from "../../../gateway/edge/params-check.js";
import { readRequest } from "../../../gateway/edge/protocol.js";
import { messageOf } from "../../../gateway/edge/refusal-text.js";

const requester = { order() {}, result() {}, refused() {}, push() {}, flush() {} };
const cart = { key: "k", account: "a", lines: [{ product: "p", qty: 1 }] };

function messageTo(request: object): string {
  const asked = readRequest({ id: 1, ...request }, { requester, nowMicros: () => 0 })!;
  if (asked.method !== "answered at edge") throw new Error("it was not refused");
  return messageOf(asked.explain!());
}

test.each([
  [{ method: "order.plac" }, "method: unknown method; did you mean order.place?"],
  [{ method: "orders.place" }, "method: unknown method; did you mean order.place?"],
  [{ method: "order.steal" }, "method: unknown method"],
  [{}, "method: is required"],
  [{ method: 5 }, "method: must be a string"],
  [{ method: "order.get", parms: {} }, "parms: unknown field; did you mean params?"],
  [{ method: "order.get", params: {}, deadline: 5 }, "deadline: unknown field; did you mean deadlineMs?"],
  [{ method: "order.get", params: { orderId: "o" } }, "params.orderId: unknown field; did you mean order?"],
  [{ method: "order.get", params: { id: "o" } }, "params.id: unknown field; did you mean order?"],
  [{ method: "order.get", params: {} }, "params.order: is required"],
  [
    { method: "order.place", params: { ...cart, acount: "a" } },
    "params.acount: unknown field; did you mean account?",
  ],
  [
    { method: "order.place", params: { ...cart, lines: [{ product: "p", quantity: 1 }] } },
    "params.lines[0].quantity: unknown field; did you mean qty?",
  ],
  [
    { method: "order.place", params: { ...cart, lines: [{ prodct: "p", qty: 1 }] } },
    "params.lines[0].prodct: unknown field; did you mean product?",
  ],
  [
    { method: "order.place", params: { ...cart, pay: "balence" } },
    "params.pay: must be one of later, balance; did you mean balance?",
  ],
  [
    { method: "account.open", params: { account: "a", currency: "rmb" } },
    "params.currency: must be three capital letters, such as CNY; did you mean CNY?",
  ],
  [
    { method: "order.get", params: { order: "a b" } },
    "params.order: must be 1 to 64 letters, digits or . _ : -",
  ],
  [
    { method: "feed.subscribe", params: { topic: "tea" } },
    "params.topic: must be account:ID, product:ID or shard:N",
  ],
  [
    { method: "account.deposit", params: { account: "a", amount: 5, ref: "r" } },
    'params.amount: must be a decimal string, such as "99.99"',
  ],
])("%j: %s", (request, message) => {
  expect(messageTo(request)).toBe(message);
});

test.each([
  ["/v1/order", "/v1/orders"],
  ["/v1/orders/o1/cancle", "/v1/orders/{order}/cancel"],
  ["/v2/orders", "/v1/orders"],
  ["/v1/nothing", undefined],
  [`/v1/${"x".repeat(100_000)}`, undefined],
  ["/", undefined],
])("the path %s is meant to be %s", (path, meant) => {
  expect(nearestPath(path)).toBe(meant);
});

const wrongValues: readonly unknown[] = [
  ...[5, -1, 1.5, 1e16, Number.MAX_SAFE_INTEGER, true, null, "", "!", "a b", "x".repeat(2000)],
  ...[{}, [], [{}], [5], { zz: 1 }, Array(200).fill({ product: "p", qty: 1 })],
  ...[[{ product: "a b", qty: 0 }], [{ product: "p", qty: 1e9 }], [{ from: "", to: 5, amount: 5 }]],
];

/** What only an expression has. */
const expression = /[\^\\]|\{\d|\(\?|\]\{|\[A-Z/;

describe.each(methodNames)("%s", (method) => {
  const params = Object.keys(methods[method].params.properties);

  test("no caller is shown an expression or a reason without words, whatever the value", () => {
    for (const name of params) {
      for (const value of wrongValues) {
        if (paramsFit(method, { [name]: value })) continue;
        const message = messageOf(explainParams(method, { [name]: value }));
        expect(message).not.toMatch(expression);
        expect(message).toMatch(/^params\S*: [a-z]/);
        expect(message).not.toContain("does not fit");
        expect(message).not.toContain("of another");
      }
    }
  });

  test("every param with a letter too many is asked back", () => {
    for (const name of params) {
      const refusal = explainParams(method, { [`${name}s`]: 1 });
      expect(refusal?.details).toMatchObject({
        path: `params.${name}s`,
        reason: params.includes(`${name}s`) ? expect.any(String) : `unknown field; did you mean ${name}?`,
      });
    }
  });

  test("its name with a letter too few is asked back", () => {
    expect(messageTo({ method: method.slice(0, -1) })).toBe(
      `method: unknown method; did you mean ${method}?`,
    );
  });
});
