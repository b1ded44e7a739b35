import { expect, test } from "vitest";
import { channelRetryMs } from "../../../engine/seams/limits.js";
import { defaultSettings } from "../../../engine/seams/settings.js";
import type { CarriedFrame } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";

const saga = { pay: "balance", mode: "saga" };

for (const shards of [1, 3]) {
  test(`an order in saga mode sells, takes the money and is paid (${shards} shards)`, () => {
    const engine = shop({ shards });
    const { result } = engine.ask(place("ann", "k", { tea: 2, mug: 1 }, saga));
    expect(result).toMatchObject({ status: "Paid", total: "44.98", amountPaid: "44.98" });
    expect(balanceOf(engine, "ann")).toBe("55.02");
    expect([stockOf(engine, "tea"), stockOf(engine, "mug")]).toEqual([
      [8, 0, 2],
      [1, 0, 1],
    ]);
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 1 }, saga)).replayed).toBe(true);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test(`what was sold comes back when the money is short, or another line (${shards} shards)`, () => {
    const engine = shop({ shards });
    engine.ask(product("gold", "99.99", { stock: 1 }));
    expect(engine.ask(place("ann", "k1", { tea: 1, gold: 1 }, saga)).code).toBe("insufficient_funds");
    expect(engine.ask(place("ann", "k2", { tea: 1, mug: 3 }, saga))).toMatchObject({
      code: "insufficient_stock",
      details: { lines: [{ product: "mug", available: 2 }] },
    });
    expect(balanceOf(engine, "ann")).toBe("100.00");
    expect([stockOf(engine, "tea"), stockOf(engine, "gold")]).toEqual([
      [10, 0, 0],
      [1, 0, 0],
    ]);
  });

  test(`a dry run answers what would happen and records nothing (${shards} shards)`, () => {
    const engine = shop({ shards });
    const before = engine.hashes();
    const dry = { pay: "balance", dryRun: true };
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 1 }, dry)).result).toMatchObject({
      order: "",
      status: "Paid",
      total: "44.98",
      lines: [
        { product: "tea", name: "Tea", subtotal: "19.98" },
        { product: "mug", name: "Mug" },
      ],
    });
    expect(engine.ask(place("ann", "k", { tea: 2, mug: 3 }, dry))).toMatchObject({
      code: "insufficient_stock",
      details: { lines: [{ product: "mug", code: "insufficient_stock", available: 2 }] },
    });
    expect(engine.ask(place("ann", "k", { tea: 11, mug: 1 }, dry)).code).toBe("insufficient_stock");
    expect(engine.ask(place("eve", "k", { tea: 1 }, dry)).code).toBe("account_not_found");
    expect(engine.hashes()).toEqual(before);
  });
}

/** Of 3 shards, ann and tea live on 1, mug on 0. `lost` says which frames do not arrive. */
function cut(lost: (frame: CarriedFrame) => boolean) {
  const bus = { lost };
  const carry = (frames: CarriedFrame[]) => frames.filter((frame) => !bus.lost(frame));
  return { engine: shop({ shards: 3, settings: { graceMs: 0 }, carry }), bus };
}

test("step after step: a line is asked for when all before it are sold", () => {
  const { engine, bus } = cut(({ to }) => to === 0);
  const waiting = engine.submit(place("ann", "k1", { mug: 1, tea: 2 }, saga));
  engine.submit(place("ann", "k2", { tea: 3, mug: 1 }, saga));
  engine.settle();
  expect(engine.answerTo(waiting)).toBeUndefined();
  // Of the first order mug was never heard of, so nobody asked for its tea; the second one's tea is sold.
  expect(stockOf(engine, "tea")).toEqual([7, 0, 3]);
  bus.lost = () => false;
  engine.pass(channelRetryMs);
  expect(stockOf(engine, "tea")).toEqual([7 - 2, 0, 5]);
});

test("a step of which nobody knows when the time is over is compensated like one that was done", () => {
  const { engine, bus } = cut(({ to }) => to === 1);
  // ben lives on 2; his order hears nothing of tea, which is sold on 1 or not.
  const id = engine.submit(place("ben", "k1", { mug: 1, tea: 1 }, saga));
  engine.settle();
  expect(stockOf(engine, "mug")).toEqual([1, 0, 1]);
  engine.pass(defaultSettings.payWithinMs + 1);
  expect(engine.answerTo(id)!.code).toBe("hold_expired");
  expect(stockOf(engine, "mug")).toEqual([2, 0, 0]);
  bus.lost = () => false;
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  expect([stockOf(engine, "tea"), stockOf(engine, "mug"), balanceOf(engine, "ben")]).toEqual([
    [10, 0, 0],
    [2, 0, 0],
    "100.00",
  ]);
  expect(engine.shards.reduce((sum, { books }) => sum + books.branches.byName.size, 0)).toBe(0);
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});

test("a saga that is refused names the line that refused it, and never asked the lines behind it", () => {
  const engine = shop({ shards: 3 });
  const { code, details } = engine.ask(place("ann", "k", { mug: 3, nil: 1, tea: 99 }, saga));
  expect({ code, details }).toMatchObject({
    code: "insufficient_stock",
    details: { lines: [{ product: "mug", code: "insufficient_stock", available: 2 }] },
  });
});
