/** The table of appliers: every fact does something to the books, and one that this build does not know stops the process. */

import { expect, test } from "vitest";
import { type Fact, Facts } from "../../../actors/facts.js";
import { Books } from "../../../engine/tables/books.js";
import { evolve } from "../../../engine/tables/evolve.js";

const time = 1_767_225_600_000_000;

test("EVOLVE-2: a fact of an unknown type throws, whatever its number", () => {
  const known = new Set<number>(Object.values(Facts));
  for (let type = 0; type < 256; type++) {
    if (known.has(type)) continue;
    const fact = { type } as unknown as Fact;
    expect(() => evolve(new Books(), fact, time), String(type)).toThrow(`fact 1: type ${type} is not known`);
  }
});

test("an entry by a human's hand moves two wallets, and throws where one is not there or would be below zero", () => {
  const books = new Books();
  for (const [handle, id] of ["ann", "ben"].entries()) {
    evolve(books, { type: Facts.accountNamed, id }, time);
    evolve(books, { type: Facts.accountOpened, account: handle, currency: 0 }, time);
  }
  evolve(books, { type: Facts.accountDeposited, account: 0, amount: 500, ref: "r" }, time);
  const entry = (from: string, to: string, amount: number): Fact => ({
    ...{ type: Facts.entryMade, item: 1, currency: 0 },
    ...{ from, to, amount },
  });
  const opened = {
    kind: 1,
    subject: "",
    currency: 0,
    amount: 0,
    units: 0,
    attempts: 0,
    error: "",
    evidence: "",
  };
  evolve(books, { type: Facts.humanOpened, item: 1, ...opened }, time);
  const resolved = { action: 1, reason: "", evidence: "", operator: "" };
  evolve(books, { type: Facts.humanResolved, item: 1, ...resolved }, time);
  evolve(books, entry("wallet:ann", "wallet:ben", 200), time);
  expect(books.accounts.map(({ available }) => available)).toEqual([300, 200]);
  evolve(books, entry("wallet:ann", "loss", 100), time);
  expect(books.accounts.map(({ available }) => available)).toEqual([200, 200]);
  expect(() => evolve(books, entry("wallet:cid", "loss", 1), time)).toThrow("which there is not");
  expect(() => evolve(books, entry("wallet:ben", "wallet:ann", 201), time)).toThrow("account ben");
});
