import { describe, expect, test } from "vitest";
import { channelRetryMs } from "../../../engine/seams/limits.js";
import { testEngine } from "../../support/engine.js";
import { balanceOf, place, product, shop, stockOf } from "../../support/shop.js";
import { type Durable, journalsUpTo, watchedJournals } from "../../support/transactions.js";

const shards = 3;
const cart = { tea: 2, mug: 1, hat: 1 };
const atOnce = { pay: "balance" };
const saga = { pay: "balance", mode: "saga" };

interface Case {
  readonly place: ReturnType<typeof place>;
  readonly move?: "pay" | "cancel";
  readonly code: string;
  readonly status?: string;
}

const cases: readonly (readonly [string, Case])[] = [
  ["paid at once", { place: place("ann", "k1", cart, atOnce), code: "ok", status: "Paid" }],
  ["held, then paid", { place: place("ann", "k1", cart), move: "pay", code: "ok", status: "Paid" }],
  [
    "held, then canceled",
    { place: place("ann", "k1", cart), move: "cancel", code: "ok", status: "Canceled" },
  ],
  [
    "refused by one line",
    { place: place("ann", "k1", { ...cart, hat: 3 }, atOnce), code: "insufficient_stock" },
  ],
  [
    "refused by the money",
    { place: place("ann", "k1", { ...cart, tea: 8 }, atOnce), code: "insufficient_funds" },
  ],
  ["a saga, done", { place: place("ann", "k1", cart, saga), code: "ok", status: "Paid" }],
  [
    "a saga, refused by its last line",
    { place: place("ann", "k1", { ...cart, hat: 3 }, saga), code: "insufficient_stock" },
  ],
  [
    "a saga, refused by the money",
    { place: place("ann", "k1", { ...cart, tea: 8 }, saga), code: "insufficient_funds" },
  ],
];

type Engine = ReturnType<typeof testEngine>;

/** Asks for everything once more, under the same keys, until all is said. */
function run(engine: Engine, { place: asked, move }: Case) {
  const placed = engine.ask(asked);
  const moved = move && engine.ask({ method: `order.${move}`, order: placed.result.order, key: "k2" });
  for (let n = 0; n < 3; n++) engine.pass(channelRetryMs);
  const order = placed.code === "ok" ? placed.result.order : undefined;
  const { status } = order ? engine.ask({ method: "order.get", order }).result : { status: undefined };
  const stock = ["tea", "mug", "hat"].map((id) => stockOf(engine, id));
  const branches = engine.shards.reduce((sum, { books }) => sum + books.branches.byName.size, 0);
  const pending = engine.shards.reduce((sum, { books }) => sum + books.pending.size, 0);
  return {
    codes: [placed.code, moved?.code],
    status,
    stock,
    balance: balanceOf(engine, "ann"),
    branches,
    pending,
  };
}

describe.each(cases)("an order across shards, %s", (_, which) => {
  test("a crash after any record of any shard changes nothing", () => {
    const log: Durable[] = [];
    const engine = shop({ shards, journals: watchedJournals(shards, log) });
    engine.ask(product("hat", "5.00", { stock: 2 }));
    const first = log.length;
    const told = run(engine, which);
    expect(told).toMatchObject({ codes: [which.code, which.move && "ok"], status: which.status });
    expect({ branches: told.branches, pending: told.pending }).toEqual({ branches: 0, pending: 0 });
    expect(log.length - first).toBeGreaterThan(4);
    for (let length = first; length <= log.length; length++) {
      const again = testEngine({ shards, journals: journalsUpTo(shards, log, length) });
      expect(run(again, which), `after ${length - first} groups`).toEqual(told);
    }
  });
});
