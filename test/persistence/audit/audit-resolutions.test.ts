/** The auditor against logs of an engine whose items were ended by a human, in every way that there is. */

import { expect, test } from "vitest";
import { day, held, humanItems, notify, refund, resolve } from "../../support/after-sale.js";
import { firstBad } from "../../support/audited.js";
import { shop } from "../../support/shop.js";

const mug = { account: "ann", cart: { mug: 1 } };

test.each([
  ["retry", {}],
  ["done", {}],
  ["undone", {}],
  ["entries", { entries: [{ from: "clearing:alipay", to: "wallet:ann", amount: "25.00" }] }],
  ["write_off", {}],
])("a refund that nobody knows the end of, %s: the audit finds nothing", (action, more) => {
  const engine = shop();
  const order = held(engine, mug);
  notify(engine, order, "25.00");
  refund(engine, order);
  engine.pass(day);
  const [item] = humanItems(engine);
  expect(resolve(engine, item!.item, action, more).code).toBe("ok");
  expect(firstBad(engine)).toBeUndefined();
});

test.each([
  ["retry", true],
  ["done", {}],
  ["undone", {}],
  ["entries", { entries: [{ from: "suspense", to: "wallet:ann", amount: "25.00" }] }],
  ["write_off", {}],
])("a payment of no order, %s: the audit finds nothing", (action, more) => {
  const engine = shop();
  const order = held(engine, mug);
  notify(engine, "typo", "25.00");
  const [item] = humanItems(engine);
  expect(resolve(engine, item!.item, action, more === true ? { order } : more).code).toBe("ok");
  expect(firstBad(engine)).toBeUndefined();
});
