import fc from "fast-check";
import { expect, test } from "vitest";
import type { Order } from "../../../actors/order.js";
import { orderId, orderNumber, slotOf } from "../../../actors/order-number.js";
import { Books, emptyOrder } from "../../../engine/tables/books.js";
import type { Reinstatement } from "../../../engine/tables/cross-shard-table.js";
import { replay } from "../../../engine/tables/replay.js";
import { loadBooks, saveBooks, stateHash } from "../../../engine/tables/snapshot.js";
import { place, product, shop } from "../../support/shop.js";

/** Saved and loaded through one array of bytes, cut anew into chunks of `size`. */
function reloaded(books: Books, size: number): Books {
  const bytes = Buffer.concat([...saveBooks(books)].map((chunk) => chunk.slice()));
  function* cut() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  return loadBooks(cut());
}

test.each([1, 3])("empty books are saved and loaded (%i bytes at a time)", (size) => {
  const books = new Books();
  expect(stateHash(reloaded(books, size))).toBe(stateHash(books));
});

test("a snapshot that ends too early is refused", () => {
  const chunks = [...saveBooks(shop().shards[0]!.books)].map((chunk) => chunk.slice());
  for (let kept = 0; kept < chunks.length; kept++) {
    expect(() => loadBooks(chunks.slice(0, kept))).toThrow(/ends too early/);
  }
});

test("every part of the books is in the hash", () => {
  const changes: readonly [string, (books: Books) => void][] = [
    ["position", (books) => void books.position++],
    ["time", (books) => void books.time++],
    ["a balance", (books) => void books.accounts[0]!.available++],
    ["what an account forgot", (books) => void books.accounts[0]!.keysForgottenTo++],
    ["a price", (books) => void books.products[0]!.price++],
    ["a product's version", (books) => void books.products[0]!.version++],
    ["a product's name", (books) => void Object.assign(books.products[0]!, { name: "Other" })],
    [
      "what a product was called before",
      (books) => void Object.assign(books.products[0]!, { formerNames: [{ name: "Old", until: 1 }] }),
    ],
    ["a product that is off sale", (books) => void Object.assign(books.products[0]!, { delisted: true })],
    ["a product's backorder", (books) => void books.products[0]!.backorder++],
    ["a limit that came late", (books) => void Object.assign(books.products[0]!, { limitIsLate: true })],
    ["who took how much", (books) => void books.products[2]!.taken!.set(0, 9)],
    ["an order", (books) => books.orders.rows.set(0, 3, 9)],
    ["an order's points", (books) => books.orders.write({ ...firstOrder(books), points: 9 })],
    ["that an order was dropped", (books) => books.orders.drop(firstOrder(books).number)],
    ["a line", (books) => books.orders.lines.set(0, 1, 9)],
    ["a key's result", (books) => books.keys.rows.set(0, 6, 9)],
    ["a ref's result", (books) => books.refs.rows.set(0, 6, 9)],
    ["a pending order", (books) => void books.pending.clear()],
    ["how far a pending order has asked", (books) => void only(books.pending).begun++],
    [
      "a reinstatement",
      (books) => void books.reinstatements.set(1, { order: 1, answers: [] } as unknown as Reinstatement),
    ],
    [
      "that an order was reclaimed",
      (books) => Object.assign(only(books.afterSales.byOrder), { reclaimed: true }),
    ],
    ["a branch", (books) => void books.branches.byName.clear()],
    ["a message", (books) => books.outboxes.sent(2, Uint8Array.of(1))],
    ["a cursor", (books) => void books.outboxes.heardUpTo.set(2, 9)],
    ["an account's points", (books) => void books.accounts[0]!.points++],
    ["how many orders are live", (books) => void books.liveOrders++],
    ["what was refunded of an order", (books) => void only(books.afterSales.byOrder).refunding++],
    ["a payment that was applied", (books) => void only(books.afterSales.byOrder).payments[0]!.refunded++],
    ["what was refunded of a line", (books) => void only(books.afterSales.byOrder).lines[0]!.amount++],
    ["a refund", (books) => void Object.assign(only(books.afterSales.refunds), { state: "unknown" })],
    ["the number of the next refund", (books) => void books.afterSales.refundSequence++],
    ["the number of the next payment", (books) => void books.afterSales.paymentSequence++],
    ["a call to the outside", (books) => void only(books.calls.open).failed++],
    ["the number of the next call", (books) => void books.calls.nextSequence++],
    ["an item for a human", (books) => void books.human.open.clear()],
    ["the number of the next item", (books) => void books.human.nextSequence++],
  ];
  for (const [what, change] of changes) {
    const books = busyBooks();
    const before = stateHash(books);
    change(books);
    expect(stateHash(books), what).not.toBe(before);
  }
});

function only<T>(values: ReadonlyMap<unknown, T>): T {
  expect(values.size).toBe(1);
  return [...values.values()][0]!;
}

function firstOrder(books: Books): Order {
  return books.orders.read(books.orders.rows.get(0, 0), emptyOrder());
}

/** Books of the one shard of three that ann lives on, with one of everything in them. */
function busyBooks(): Books {
  let cut = false;
  const engine = shop({
    shards: 3,
    carry: (frames) => frames.filter(({ to }) => !cut || to !== 0),
  });
  // Their names put them on shard 1, as ann and tea.
  engine.ask(product("mug2", "1.00", { limitPerAccount: 5 }));
  engine.ask(product("p0", "1.00", { limitPerAccount: 5 }));
  engine.ask(place("ann", "k1", { tea: 1 }));
  engine.ask(place("ann", "k2", { tea: 1, mug: 1 }));
  engine.ask(place("ben", "k1", { tea: 1 }));
  const { order, total } = engine.ask(place("ann", "k4", { tea: 2 })).result;
  const pay = { method: "payment.notify", provider: "alipay", currency: "CNY" } as const;
  engine.ask({ ...pay, paymentId: "p1", order, amount: total });
  engine.ask({ method: "order.refund", key: "k5", order, amount: "1.00", reason: "late", restock: false });
  engine.ask({ ...pay, paymentId: "p2", order: orderId(orderNumber(999, slotOf("ann"))), amount: "1.00" });
  cut = true;
  engine.submit(place("ann", "k3", { tea: 1, mug: 1 }));
  engine.settle();
  const { books } = engine.shards[1]!;
  expect(books.products.map(({ id }) => id).slice(0, 3)).toEqual(["tea", "mug2", "p0"]);
  expect([books.pending.size, books.branches.byName.size > 0, books.outboxes.heardUpTo.size > 0]).toEqual([
    1,
    true,
    true,
  ]);
  // One branch has answered, the other is not heard of.
  expect([...books.pending.values()].map(({ missing }) => missing)).toEqual([1]);
  return books;
}

/** Orders that move on by themselves, be it into the archive. */
function dueOf({ orders, pending }: Books): number {
  let due = pending.size;
  orders.each(({ dueAt }) => {
    if (dueAt !== 0) due++;
  });
  return due;
}

test("books with one of everything in them are saved and loaded", () => {
  const books = busyBooks();
  const copy = reloaded(books, 1000);
  expect(stateHash(copy)).toBe(stateHash(books));
  expect([...copy.pending.values()].map(({ missing }) => missing)).toEqual([1]);
});

test("an order that was dropped is not in a snapshot, and its timer is not armed again", () => {
  const books = busyBooks();
  const dropped = firstOrder(books).number;
  const timers = reloaded(books, 1000).timers.size;
  books.orders.drop(dropped);
  const copy = reloaded(books, 1000);
  expect(stateHash(copy)).toBe(stateHash(books));
  expect([copy.orders.has(dropped), copy.orders.wasDropped(dropped)]).toEqual([false, true]);
  expect(copy.timers.size).toBe(timers - 1);
  expect(copy.orders.nextSequence).toBe(books.orders.nextSequence);
});

const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      account: fc.constantFrom("ann", "ben", "nobody"),
      key: fc.nat(30),
      cart: fc.record(
        { tea: fc.nat(2), mug: fc.nat(1), pen: fc.nat(2), p0: fc.nat(1) },
        { noNullPrototype: true },
      ),
      pay: fc.constantFrom("later", "balance"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ end: fc.constantFrom("pay", "cancel"), nth: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ deposit: fc.nat(9), amount: fc.constantFrom("1.00", "0", "1000") }) },
  { weight: 2, arbitrary: fc.record({ ms: fc.constantFrom(1, 300, 3000, 20_000) }) },
  { weight: 4, arbitrary: fc.record({ step: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ carry: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant("settle" as const) },
  { weight: 2, arbitrary: fc.record({ snapshot: fc.integer({ min: 64, max: 5000 }) }) },
);

for (const shards of [1, 3]) {
  test(`EVOLVE-1: at any moment of any run a snapshot has the hash of the books, and the rest of the log makes the same of both (${shards} shards)`, () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: "max" }), (actions) => {
        const engine = shop({ shards, settings: { graceMs: 0, keysMax: 6, keysKeepMs: 10_000 } });
        engine.ask(product("pen", "1.00", { limitPerAccount: 3 }));
        engine.ask(product("p0", "0", { saleEndsAt: 2_000_000_000_000 }));
        const orders: string[] = [];
        const placed: number[] = [];
        const snapshots: Books[][] = [];
        for (const act of actions) {
          if (act === "settle") engine.settle();
          else if ("ms" in act) engine.pass(act.ms);
          else if ("step" in act) engine.shards[act.step % shards]!.step();
          else if ("carry" in act) {
            for (const { to, frame } of engine.frames.splice(
              act.carry % Math.max(1, engine.frames.length),
              1,
            )) {
              engine.shards[to]!.receive(frame);
            }
          } else if ("snapshot" in act) {
            snapshots.push(
              engine.shards.map(({ books }) => {
                const copy = reloaded(books, act.snapshot);
                expect(stateHash(copy)).toBe(stateHash(books));
                expect(copy.timers.size).toBe(dueOf(books));
                return copy;
              }),
            );
          } else if ("deposit" in act) {
            engine.submit({
              method: "account.deposit",
              account: "ann",
              amount: act.amount,
              ref: `r${act.deposit}`,
            });
          } else if ("end" in act) {
            const order = orders[act.nth % Math.max(1, orders.length)] ?? "o1024";
            engine.submit({
              method: `order.${act.end as "pay" | "cancel"}`,
              order,
              key: `${act.end}${act.nth}`,
            });
          } else {
            const cart = Object.fromEntries(Object.entries(act.cart).filter(([, qty]) => qty > 0));
            if (Object.keys(cart).length === 0) continue;
            placed.push(
              engine.submit(
                place(act.account, `k${act.key}`, cart, {
                  pay: act.pay,
                  ...(act.pay === "later" ? { payWithinMs: 5000 } : {}),
                }),
              ),
            );
          }
          for (const id of placed) {
            const answer = engine.answerTo(id);
            if (answer?.code === "ok") orders.push(answer.result.order);
          }
        }
        engine.settle();
        for (const copies of snapshots) {
          for (const [shard, books] of copies.entries()) {
            for (const group of engine.journals[shard]!.read(books.position + 1)) replay(books, group);
            expect(stateHash(books)).toBe(stateHash(engine.shards[shard]!.books));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
}
