/**
 * Bytes of memory that the books take for each order, key, ref and account. The figures of docs/OPERATING.md:
 * `npm run build && node --expose-gc dist/test/docs/memory.js`.
 */

import { randomUUID } from "node:crypto";
import { type Fact, Facts } from "../../actors/facts.js";
import { orderNumber } from "../../actors/order-number.js";
import { Books } from "../../engine/tables/books.js";
import { evolve } from "../../engine/tables/evolve.js";
import { spaces } from "../../engine/tables/key-table.js";

const count = 1_000_000;
const books = new Books();
const { gc } = globalThis as { gc?: () => void };
if (!gc) throw new Error("run with --expose-gc");

const start = 1_790_000_000_000_000;
const apply = (fact: Fact) => evolve(books, fact, start);

measure("account, opened", (n) => {
  apply({ type: Facts.accountNamed, id: `account-${String(n).padStart(8, "0")}` });
  apply({ type: Facts.accountOpened, account: n, currency: 0 });
});

apply({
  type: Facts.productCreated,
  id: "p",
  name: "p",
  price: 100,
  currency: 0,
  stock: count * 10,
  limitPerAccount: 0,
  saleStartsAt: 0,
  saleEndsAt: 0,
});

const linesOf = (lines: number) =>
  Array.from({ length: lines }, () => ({ product: 0, qty: 1, unitPrice: 100 }));

measure("order of 1 line, paid as it was placed", (n) => place(n, linesOf(1), 2));
measure("order of 3 lines, paid as it was placed", (n) => place(count + n, linesOf(3), 2));
measure("order of 1 line, Created, with its timer", (n) => place(2 * count + n, linesOf(1), 1));
measure("key of 36 characters", (n) => keep(spaces.order, n, orderNumber(n + 1, 0), ""));
measure("key of 36 characters, of a refusal with details", (n) =>
  keep(spaces.order, n, 0, JSON.stringify({ available: 0, lines: [{ product: `p-${n}`, available: 0 }] })),
);
measure("ref of 36 characters, of a deposit", (n) =>
  keep(
    spaces.money,
    n,
    0,
    JSON.stringify({
      account: `account-${n}`,
      currency: "CNY",
      available: "100.00",
      held: "0.00",
      points: 0,
    }),
  ),
);

function place(
  sequence: number,
  lines: { product: number; qty: number; unitPrice: number }[],
  status: number,
): void {
  const account = sequence % count;
  apply({
    type: Facts.orderPlaced,
    order: orderNumber(sequence + 1, 0),
    account,
    currency: 0,
    total: 100 * lines.length,
    paid: status === 2 ? 100 * lines.length : 0,
    status,
    payBy: status === 2 ? 0 : 1,
    expiresAt: status === 2 ? 0 : start / 1000 + sequence,
    lines,
  });
}

function keep(space: number, subject: number, order: number, text: string): void {
  const code = order !== 0 || space !== spaces.order ? 0 : 21;
  const key = randomUUID();
  apply({ type: Facts.keyKept, space, subject, key, method: 1, paramsHash: 1, at: 1, code, order, text });
}

function measure(what: string, add: (n: number) => void): void {
  const before = used();
  for (let n = 0; n < count; n++) add(n);
  console.log(`${what.padEnd(50)} ${Math.round((used() - before) / count)} bytes`);
}

function used(): number {
  for (let n = 0; n < 3; n++) gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
