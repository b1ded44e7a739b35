import { expect, test } from "vitest";
import { accountFromFact, decideCapture, decideDeposit, evolveAccount } from "../../actors/account.js";
import { Facts } from "../../actors/facts.js";
import { currencyNumber } from "../../actors/money.js";

const max = Number.MAX_SAFE_INTEGER;

function withMoney(available: number) {
  const account = accountFromFact(4, { type: Facts.accountNamed, id: "ann" });
  evolveAccount(account, { type: Facts.accountOpened, account: 4, currency: 3 });
  if (available > 0) {
    evolveAccount(account, { type: Facts.accountDeposited, account: 4, amount: available, ref: "r" });
  }
  return account;
}

test("an account that is only named has no currency and no money, and has forgotten no key", () => {
  expect(accountFromFact(4, { type: Facts.accountNamed, id: "ann" })).toEqual({
    handle: 4,
    id: "ann",
    currency: -1,
    available: 0,
    held: 0,
    points: 0,
    keysForgottenTo: -1,
    firstOrderAt: 0,
    goneTo: 0,
  });
});

test("money comes in, goes out and is captured", () => {
  const account = withMoney(1000);
  evolveAccount(account, { type: Facts.accountWithdrawn, account: 4, amount: 300, ref: "w" });
  evolveAccount(account, { type: Facts.moneyCaptured, account: 4, order: 1024, amount: 700 });
  expect(account).toMatchObject({ currency: 3, available: 0 });
});

test.each([
  [0, max, undefined],
  [1, max - 1, undefined],
  [1, max, "amount_overflow"],
  [max, 1, "amount_overflow"],
])("with %i, a deposit of %i", (available, amount, code) => {
  expect(decideDeposit(withMoney(available), amount)?.code).toBe(code);
});

test.each([
  [99, 100, "insufficient_funds"],
  [100, 100, undefined],
  [0, 0, undefined],
])("with %i, taking %i: %s", (available, amount, code) => {
  expect(decideCapture(withMoney(available), amount)?.code).toBe(code);
});

test("a refusal to take money says what is available, and what else was asked of it, in this order", () => {
  const account = { ...withMoney(99), currency: currencyNumber("CNY")! };
  expect(JSON.stringify(decideCapture(account, 100)?.details)).toBe('{"available":"0.99"}');
  const all = JSON.stringify(decideCapture(account, 100, "due", "account")?.details);
  expect(all).toBe('{"account":"ann","available":"0.99","due":"1.00"}');
});

test("ACCOUNT-1: a log that overdraws or overflows an account is not applied", () => {
  const capture = { type: Facts.moneyCaptured, account: 4, order: 1024, amount: 101 } as const;
  expect(() => evolveAccount(withMoney(100), capture)).toThrow(/account ann: available -1/);
  const deposit = { type: Facts.accountDeposited, account: 4, amount: 1, ref: "r" } as const;
  expect(() => evolveAccount(withMoney(max), deposit)).toThrow(/account ann/);
});
