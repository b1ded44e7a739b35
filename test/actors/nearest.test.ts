import fc from "fast-check";
import { expect, test } from "vitest";
import { meantCurrency, unknownCurrency } from "../../actors/money.js";
import { editDistance, nearest } from "../../actors/nearest.js";

const methods = ["order.place", "order.pay", "order.list", "account.open", "payment.notify"];
const fields = ["product", "qty", "account", "key", "currency", "order", "expectedTotal"];

test.each([
  ["order.plac", methods, "order.place"],
  ["orders.place", methods, "order.place"],
  ["Order.Place", methods, "order.place"],
  ["order_place", methods, "order.place"],
  ["order.pya", methods, "order.pay"],
  ["acount.open", methods, "account.open"],
  ["order.find", methods, undefined],
  ["zzz", methods, undefined],
  ["", methods, undefined],
  ["acount", fields, "account"],
  ["accountId", fields, "account"],
  ["currencyCode", fields, "currency"],
  ["KEY", fields, "key"],
  ["kye", fields, "key"],
  ["qyt", fields, "qty"],
  ["quantity", fields, undefined],
  ["expectedtotal", fields, "expectedTotal"],
  ["x".repeat(100_000), fields, undefined],
])("%s is meant to be, of these", (given, known, meant) => {
  expect(nearest(given, known)).toBe(meant);
});

test.each([
  ["RMB", "CNY"],
  ["rmb", "CNY"],
  ["cny", "CNY"],
  ["CNH", "CNY"],
  ["YEN", "JPY"],
  ["NTD", "TWD"],
  ["EURO", "EUR"],
  ["USB", "USD"],
  ["EUD", "EUR"],
  ["XXX", undefined],
])("the currency %s is meant to be %s", (given, meant) => {
  expect(meantCurrency(given)).toBe(meant);
  const question = meant === undefined ? "" : `; did you mean ${meant}?`;
  expect(unknownCurrency(given)).toBe(`not a known currency${question}`);
});

test.each([undefined, null, 5, {}, []])(
  "what is no text is no currency, and nothing was meant: %j",
  (code) => {
    expect(unknownCurrency(code)).toBe("not a known currency");
  },
);

test("a name is the nearest to itself, whatever else there is", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,12}(\.[a-z]{1,8})?$/), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(
      names,
      fc.nat(),
      (known, n) => nearest(known[n % known.length]!, known) === known[n % known.length],
    ),
  );
});

/** As it is defined, without a table. */
function slowDistance(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const rest = slowDistance(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
  const swapped = a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0];
  const swap = swapped ? slowDistance(a.slice(2), b.slice(2)) + 1 : Number.POSITIVE_INFINITY;
  return Math.min(rest, swap, slowDistance(a.slice(1), b) + 1, slowDistance(a, b.slice(1)) + 1);
}

test("the distance is what its definition says", () => {
  const word = fc.stringMatching(/^[abc]{0,5}$/);
  fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === slowDistance(a, b)));
});
