import fc from "fast-check";
import { expect, test } from "vitest";
import type { FactOf } from "../../../actors/facts.js";
import type { Order } from "../../../actors/order.js";
import { orderNumber, slotCount } from "../../../actors/order-number.js";
import { Statuses } from "../../../actors/order-transitions.js";
import { emptyOrder } from "../../../engine/tables/books.js";
import { OrderTable } from "../../../engine/tables/order-table.js";

const perChunk = 8192;

type Placed = FactOf<"orderPlaced">;
type Line = Placed["lines"][number];

/** Every order's slot and figures are made from its sequence, so that no two are alike. */
function numberOf(sequence: number): number {
  return orderNumber(sequence, (sequence * 7) % slotCount);
}

function linesOf(sequence: number): Line[] {
  return Array.from({ length: 1 + (sequence % 3) }, (_, n) => ({
    product: sequence % 5,
    qty: n + 1,
    unitPrice: sequence * 10 + n,
  }));
}

function placed(sequence: number, lines = linesOf(sequence)): Placed {
  return {
    type: 13,
    order: numberOf(sequence),
    account: sequence % 97,
    currency: sequence % 2,
    total: sequence * 100,
    paid: 0,
    status: Statuses.Created,
    payBy: sequence + 900,
    expiresAt: sequence + 930,
    lines,
  };
}

/** What the table must say of an order that was placed by `placed(sequence)` at that time. */
function orderOf(sequence: number, more: Partial<Order> = {}): Order {
  const { type: _, order, lines: __, expiresAt: dueAt, ...rest } = placed(sequence);
  return { ...emptyOrder(), ...rest, dueAt, number: order, version: 1, createdAt: sequence, ...more };
}

function tableOf(count: number): OrderTable {
  const table = new OrderTable();
  for (let sequence = 1; sequence <= count; sequence++) table.place(placed(sequence), sequence);
  return table;
}

function linesIn(table: OrderTable, order: number): Line[] {
  const lines: Line[] = [];
  table.eachLine(order, (product, qty, unitPrice, index) => {
    expect(index).toBe(lines.length);
    lines.push({ product, qty, unitPrice });
  });
  expect(table.lineCount(order)).toBe(lines.length);
  return lines;
}

function ordersIn(table: OrderTable): number[] {
  const found: number[] = [];
  table.each((order) => found.push(order.number));
  return found;
}

function bytesOf(table: OrderTable): Buffer {
  return Buffer.concat([...table.rows.save(), ...table.lines.save()]);
}

function reloaded(table: OrderTable): OrderTable {
  const bytes = bytesOf(table);
  const copy = new OrderTable();
  let at = 0;
  const take = (count: number) => {
    at += count;
    return bytes.subarray(at - count, at);
  };
  copy.rows.load(take);
  copy.lines.load(take);
  expect(at).toBe(bytes.length);
  return copy;
}

/**
 * `rows` ROWS-2 for rows of 128 bytes and lines of 24: 16 times what is there and its places of 2 bytes, and a chunk of each,
 * 1,216 KiB.
 */
function bytesMax(orders: number, lines: number): number {
  return 16 * (130 * orders + 26 * lines) + perChunk * (128 + 24);
}

test("an order is read back as it was placed, with 0 points, and as it was written", () => {
  const table = tableOf(2);
  expect(table.read(numberOf(2), emptyOrder())).toEqual(orderOf(2));
  const moved = orderOf(2, { status: Statuses.Paid, version: 2, paid: 200, refunded: 7, points: 31 });
  table.write(moved);
  expect(table.read(numberOf(2), emptyOrder())).toEqual(moved);
  expect(table.read(numberOf(1), emptyOrder())).toEqual(orderOf(1));
});

test("each gives an order's points, too", () => {
  const table = tableOf(2);
  table.write(orderOf(1, { points: 5 }));
  const points: number[] = [];
  table.each((order) => points.push(order.points));
  expect(points).toEqual([5, 0]);
});

test("ORDER-TABLE-2: a dropped order is not there, and nobody reads it", () => {
  const table = tableOf(3);
  const order = numberOf(2);
  table.drop(order);
  expect([table.has(order), table.wasDropped(order), table.count]).toEqual([false, true, 2]);
  expect(ordersIn(table)).toEqual([numberOf(1), numberOf(3)]);
  const asks: (() => unknown)[] = [
    () => table.read(order, emptyOrder()),
    () => table.status(order),
    () => table.account(order),
    () => table.isCrossed(order),
    () => table.lineCount(order),
    () => table.eachLine(order, () => {}),
    () => table.drop(order),
  ];
  for (const ask of asks) expect(ask).toThrow(`order ${order} is not here`);
  expect(table.count).toBe(2);
});

test.each([0, 1, 1023, 1024 * 4, 1024 * 100_000, 2 ** 53 - 1])(
  "the number %i was never given out, hence not dropped, and is not there",
  (order) => {
    const table = tableOf(3);
    expect([table.has(order), table.wasDropped(order)]).toEqual([false, false]);
    expect(() => table.read(order, emptyOrder())).toThrow("is not here");
    expect(() => table.drop(order)).toThrow("is not here");
  },
);

test("a number with the sequence of an order that is there, but another slot, is neither there nor dropped", () => {
  const table = tableOf(3);
  const other = numberOf(2) + 1;
  expect([table.has(other), table.wasDropped(other)]).toEqual([false, false]);
  expect(() => table.drop(other)).toThrow("is not here");
  expect(table.has(numberOf(2))).toBe(true);
});

test("ORDER-TABLE-3: the number of a dropped order is not given out again, even if it was the last", () => {
  const table = tableOf(3);
  table.drop(numberOf(3));
  expect(table.nextSequence).toBe(4);
  expect(() => table.place(placed(3), 3)).toThrow("expected sequence");
});

test("an order that was begun long before it is placed has its lines, whatever was dropped around it", () => {
  const table = new OrderTable();
  table.begin(numberOf(1), 5);
  for (let sequence = 2; sequence <= 3 * perChunk; sequence++) table.place(placed(sequence), sequence);
  for (let sequence = 2; sequence <= 2 * perChunk; sequence++) table.drop(numberOf(sequence));
  expect([table.status(numberOf(1)), table.account(numberOf(1))]).toEqual([Statuses.None, 5]);
  table.place(placed(1), 1);
  expect(table.read(numberOf(1), emptyOrder())).toEqual(orderOf(1));
  expect(table.isCrossed(numberOf(1))).toBe(true);
  expect(linesIn(table, numberOf(1))).toEqual(linesOf(1));
  expect(linesIn(reloaded(table), numberOf(1))).toEqual(linesOf(1));
});

test("one that was begun and refused can be dropped", () => {
  const table = new OrderTable();
  table.begin(numberOf(1), 5);
  table.drop(numberOf(1));
  expect([table.count, table.wasDropped(numberOf(1))]).toEqual([0, true]);
});

const all = Array.from({ length: 40_000 }, (_, n) => n + 1);

test.each([
  ["oldest first", all],
  ["newest first", all.toReversed()],
  ["every second, then the others", [...all.filter((n) => n % 2), ...all.filter((n) => n % 2 === 0)]],
])(
  "ORDER-TABLE-1: when all of 40,000 are dropped, %s, no more than the newest chunks is kept",
  (_, sequences) => {
    const table = tableOf(all.length);
    for (const sequence of sequences) table.drop(numberOf(sequence));
    expect(table.count).toBe(0);
    expect(table.bytes).toBe(perChunk * (128 + 24));
    expect(bytesOf(table).length).toBe(2 * 32);
    expect(ordersIn(table)).toEqual([]);
  },
);

test("ORDER-TABLE-1: 2,000,000 orders of 2 lines in a window of 10,000, one in 5,000 a straggler, take 5.1 MB, not 352", () => {
  const table = new OrderTable();
  const line = { product: 1, qty: 1, unitPrice: 0 };
  const fact = { ...placed(1), order: 0, lines: [line, { product: 2, qty: 3, unitPrice: 4 }] };
  const window = 10_000;
  const apart = 5_000;
  let most = 0;
  for (let sequence = 1; sequence <= 2_000_000; sequence++) {
    fact.order = numberOf(sequence);
    line.unitPrice = sequence;
    table.place(fact, sequence);
    const leaves = sequence - window;
    if (leaves > 0 && leaves % apart !== 0) table.drop(numberOf(leaves));
    if (sequence % 1000 === 0) most = Math.max(most, table.bytes);
  }
  const stragglers = 2_000_000 / apart - window / apart;
  expect(table.count).toBe(window + stragglers);
  // The window lies in three chunks of orders and four of lines at most, the newest included; for a straggler there is
  // room for 16 in the chunk that was thinned around it.
  const windowBytes = perChunk * (3 * 128 + 4 * 24);
  expect(most).toBeLessThanOrEqual(windowBytes + stragglers * 16 * (130 + 2 * 26));
  expect(most).toBeLessThanOrEqual(5_100_000);
  expect(table.bytes).toBeLessThanOrEqual(bytesMax(table.count, table.lines.count));
  const left = Array.from({ length: stragglers }, (_, n) => (n + 1) * apart);
  expect(ordersIn(table).slice(0, stragglers)).toEqual(left.map(numberOf));
  for (const sequence of left) expect(linesIn(table, numberOf(sequence))[0]!.unitPrice).toBe(sequence);
});

const share = fc.double({ min: 0, max: 1, noNaN: true });
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ place: fc.integer({ min: 1, max: 6000 }) }) },
  { weight: 1, arbitrary: fc.record({ begin: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 2, arbitrary: fc.record({ placeBegun: fc.integer({ min: 1, max: 50 }), from: share }) },
  {
    weight: 4,
    arbitrary: fc.record({
      drop: fc.integer({ min: 1, max: 20_000 }),
      from: share,
      butEvery: fc.constantFrom(2, 30, 700, Number.POSITIVE_INFINITY),
    }),
  },
  { weight: 2, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 20 }), from: share }) },
  { weight: 2, arbitrary: fc.constant("save and load" as const) },
);

interface Modelled {
  order: Order;
  lines: Line[];
  crossed: boolean;
}

/** What an obvious table of orders would hold. */
class Model {
  readonly orders = new Map<number, Modelled>();
  next = 1;

  /** `count` of the orders that are there and that `which` is true of, from a share of the way on. */
  some(from: number, count: number, which: (order: Order) => boolean = () => true): number[] {
    const of = [...this.orders].filter(([, { order }]) => which(order)).map(([sequence]) => sequence);
    const first = Math.floor(from * of.length);
    return of.slice(first, first + count);
  }
}

function begin(tables: OrderTable[], model: Model): void {
  const sequence = model.next++;
  for (const table of tables) table.begin(numberOf(sequence), sequence % 97);
  const order = { ...emptyOrder(), number: numberOf(sequence), account: sequence % 97 };
  model.orders.set(sequence, { order, lines: [], crossed: true });
}

function place(tables: OrderTable[], model: Model, sequence: number): void {
  for (const table of tables) table.place(placed(sequence), sequence);
  const crossed = model.orders.get(sequence)?.crossed ?? false;
  model.orders.set(sequence, { order: orderOf(sequence), lines: linesOf(sequence), crossed });
}

function write(tables: OrderTable[], model: Model, sequence: number): void {
  const { order } = model.orders.get(sequence)!;
  order.version++;
  order.points = order.version * 3;
  order.refunded = sequence % 11;
  order.status = Statuses.Canceled;
  for (const table of tables) table.write(order);
}

function expectSame(table: OrderTable, model: Model): void {
  expect([table.count, table.nextSequence]).toEqual([model.orders.size, model.next]);
  expect(table.bytes).toBeLessThanOrEqual(bytesMax(table.count, table.lines.count));
  for (let sequence = 1; sequence < model.next + 3; sequence += 101) {
    const number = numberOf(sequence);
    const known = model.orders.get(sequence);
    expect(table.has(number)).toBe(known !== undefined);
    expect(table.wasDropped(number)).toBe(known === undefined && sequence < model.next);
    if (!known) continue;
    expect(table.read(number, emptyOrder())).toEqual(known.order);
    expect(table.isCrossed(number)).toBe(known.crossed);
    expect(linesIn(table, number)).toEqual(known.lines);
  }
}

test("in any mix of beginning, placing, writing, dropping, saving and loading, the table is a Map", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30, size: "max" }), (actions) => {
      const model = new Model();
      // One that is never saved goes along: both must always give the same bytes.
      const tables = [new OrderTable(), new OrderTable()];
      for (const act of actions) {
        if (act === "save and load") {
          tables[1] = reloaded(tables[1]!);
        } else if ("place" in act) {
          for (let n = 0; n < act.place; n++) place(tables, model, model.next++);
        } else if ("begin" in act) {
          for (let n = 0; n < act.begin; n++) begin(tables, model);
        } else if ("placeBegun" in act) {
          const some = model.some(act.from, act.placeBegun, ({ version }) => version === 0);
          for (const sequence of some) place(tables, model, sequence);
        } else if ("write" in act) {
          const some = model.some(act.from, act.write, ({ version }) => version > 0);
          for (const sequence of some) write(tables, model, sequence);
        } else {
          for (const sequence of model.some(act.from, act.drop)) {
            if (sequence % act.butEvery === 0) continue;
            for (const table of tables) table.drop(numberOf(sequence));
            model.orders.delete(sequence);
          }
        }
        for (const table of tables) expectSame(table, model);
      }
      expect(ordersIn(tables[1]!)).toEqual([...model.orders.keys()].map(numberOf));
      expect(Buffer.compare(bytesOf(tables[0]!), bytesOf(tables[1]!))).toBe(0);
    }),
    { numRuns: 40, interruptAfterTimeLimit: 60_000 },
  );
});
