import { expect, test } from "vitest";
import { testEngine } from "../../support/engine.js";

function opened(currency: string) {
  const engine = testEngine();
  expect(engine.ask({ method: "account.open", account: "ann", currency }).code).toBe("ok");
  let refs = 0;
  const move = (method: "account.deposit" | "account.withdraw", amount: string) =>
    engine.ask({ method, account: "ann", amount, ref: `r${++refs}` });
  return { engine, move };
}

test("a new account is empty", () => {
  const { engine } = opened("CNY");
  const empty = { account: "ann", currency: "CNY", available: "0.00", held: "0.00", points: 0 };
  expect(engine.ask({ method: "account.get", account: "ann" }).result).toEqual(empty);
  expect(engine.ask({ method: "account.open", account: "ann", currency: "CNY" })).toMatchObject({
    code: "already_exists",
    details: { account: "ann" },
  });
});

test.each(["XXX", "cny", "", "constructor"])("an account cannot be opened in %j", (currency) => {
  expect(testEngine().ask({ method: "account.open", account: "ann", currency })).toMatchObject({
    code: "invalid_request",
    details: { path: "params.currency" },
  });
});

test.each([
  ["CNY", "0.01", "0.01"],
  ["CNY", "10", "10.00"],
  ["CNY", "10.5", "10.50"],
  ["CNY", "90071992547409.91", "90071992547409.91"],
  ["JPY", "120", "120"],
  ["JPY", "9007199254740991", "9007199254740991"],
  ["KWD", "1.001", "1.001"],
  ["KWD", "9007199254740.991", "9007199254740.991"],
])("%s: a deposit of %s makes %s available", (currency, amount, available) => {
  const { move } = opened(currency);
  expect(move("account.deposit", amount).result).toMatchObject({ available, currency });
});

test.each([
  ["CNY", "0", "invalid_amount"],
  ["CNY", "0.00", "invalid_amount"],
  ["CNY", "0.001", "invalid_amount"],
  ["CNY", "-1.00", "invalid_amount"],
  ["CNY", "1e2", "invalid_amount"],
  ["CNY", "", "invalid_amount"],
  ["JPY", "1.0", "invalid_amount"],
  ["JPY", "1.5", "invalid_amount"],
  ["KWD", "1.0001", "invalid_amount"],
  ["CNY", "90071992547409.92", "amount_overflow"],
  ["JPY", "9007199254740992", "amount_overflow"],
  ["KWD", "9007199254740.992", "amount_overflow"],
])("%s: neither a deposit nor a withdrawal of %j: %s", (currency, amount, code) => {
  const { engine, move } = opened(currency);
  move("account.deposit", "5");
  expect(move("account.deposit", amount).code).toBe(code);
  expect(move("account.withdraw", amount).code).toBe(code);
  expect(engine.ask({ method: "account.get", account: "ann" }).result.available).toMatch(/^5(\.0+)?$/);
});

test("a balance never goes over 2^53-1 minor units, and what is refused moves nothing", () => {
  const { move } = opened("CNY");
  move("account.deposit", "90071992547409.90");
  expect(move("account.deposit", "0.02").code).toBe("amount_overflow");
  expect(move("account.deposit", "0.01").result.available).toBe("90071992547409.91");
  expect(move("account.deposit", "0.01").code).toBe("amount_overflow");
  expect(move("account.withdraw", "90071992547409.91").result.available).toBe("0.00");
});

test("a withdrawal takes what is there and not a cent more", () => {
  const { move } = opened("CNY");
  move("account.deposit", "10.00");
  expect(move("account.withdraw", "10.01")).toMatchObject({
    code: "insufficient_funds",
    details: { available: "10.00" },
  });
  expect(move("account.withdraw", "10.00").result.available).toBe("0.00");
  expect(move("account.withdraw", "0.01").code).toBe("insufficient_funds");
});

test("0.1 and 0.2 are 0.3", () => {
  const { move } = opened("CNY");
  move("account.deposit", "0.1");
  expect(move("account.deposit", "0.2").result.available).toBe("0.30");
  expect(move("account.withdraw", "0.3").result.available).toBe("0.00");
});

test("statement and list are asked outside, at the position of the turn, and their answer comes later", () => {
  const asked: { method: string; position: number; done: (result: object) => void }[] = [];
  const engine = testEngine({
    outside: ({ method }, _shard, position, done) => void asked.push({ method, position, done }),
  });
  engine.ask({ method: "account.open", account: "ann", currency: "CNY" });
  const statement = engine.submit({ method: "account.statement", account: "ann" });
  const list = engine.submit({ method: "order.list", account: "ann" });
  engine.settle();
  expect(asked.map(({ method, position }) => [method, position])).toEqual([
    ["account.statement", 2],
    ["order.list", 2],
  ]);
  expect(engine.answerTo(statement)).toBeUndefined();
  asked[1]!.done({ orders: [] });
  asked[0]!.done({ code: "internal" });
  expect(engine.answerTo(list)).toBeUndefined();
  engine.settle();
  expect(engine.answerTo(list)).toMatchObject({ code: "ok", result: { orders: [] } });
  expect(engine.answerTo(statement)).toMatchObject({ code: "internal" });
});
