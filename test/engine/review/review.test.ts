import { describe, expect, test } from "vitest";
import { humanAfter } from "../../../actors/transactions/retry.js";
import { firstBad } from "../../support/audited.js";
import { balanceOf, place, shop } from "../../support/shop.js";
import {
  begin,
  call,
  ledgerOf,
  leftOpen,
  lost,
  no,
  ok,
  pay,
  saga,
  tcc,
  world,
} from "../../support/transactions.js";

const resolve = (item: string, action: string, more: object = {}) =>
  ({ method: "human.resolve", item, action, reason: "seen with my own eyes", ...more }) as const;

const list = (more: object = {}) => ({ method: "human.list", ...more }) as const;

/** Ben has spent what ann's saga gave him when its last step is refused: it cannot be taken back. */
function spentGift(shards: number) {
  const outside = world({ "gift/send:do": () => undefined });
  const plan = saga(pay("30.00"), call("send"));
  const engine = shop({ shards, outCalls: outside.outCalls, plan: () => plan });
  const id = engine.submit(begin("gift"));
  engine.settle();
  for (let n = 0; n < 4; n++) engine.pass(300);
  const spent = engine.ask({ method: "account.withdraw", account: "ben", amount: "120.00", ref: "spent" });
  expect(spent.code).toBe("ok");
  outside.report(0, no);
  engine.settle();
  for (let n = 0; n < 40; n++) engine.pass(2000);
  return { engine, id };
}

describe.each([1, 3])("over %i shards", (shards) => {
  test("a compensation that keeps failing becomes an item that says what, how often and how much", () => {
    const { engine, id } = spentGift(shards);
    expect(engine.answerTo(id)).toBeUndefined();
    let page = engine.ask(list()).result;
    const items = [...page.items];
    while (page.cursor !== null) {
      page = engine.ask(list({ cursor: page.cursor })).result;
      items.push(...page.items);
    }
    expect(items).toMatchObject([
      {
        kind: "transaction",
        state: "open",
        currency: "CNY",
        amount: "30.00",
        units: 0,
        attempts: humanAfter,
        evidence: { name: "gift", part: "pay:to", what: "credit", doing: "undo" },
        actions: ["retry", "done", "undone", "entries", "write_off"],
        resolution: null,
      },
    ]);
    expect(items[0].error).toMatch(/^insufficient_funds/);
    expect(engine.ask({ method: "human.get", item: items[0].item }).result.item).toEqual(items[0]);
    expect(engine.alerts.some((line) => /failed 3 times/.test(line))).toBe(true);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  const topUp = { method: "account.deposit", account: "ben", amount: "50.00", ref: "top-up" } as const;
  const cover = { entries: [{ from: "loss", to: "suspense", amount: "30.00" }] };

  test.each([
    ["retry", {}, "100.00", "30.00"],
    ["done", {}, "70.00", "60.00"],
    ["undone", {}, "70.00", "60.00"],
    ["entries", cover, "100.00", "60.00"],
    ["write_off", {}, "100.00", "60.00"],
  ] as const)("%s ends it, with the books at zero", (action, more, ann, ben) => {
    const { engine, id } = spentGift(shards);
    // Of three shards the item lives with ann's account on the second.
    const { item } = engine.ask(list({ cursor: shards === 1 ? undefined : "1.0" })).result.items[0];
    engine.ask(topUp);
    const answer = engine.ask(resolve(item, action, more));
    expect(answer.code).toBe("ok");
    expect(answer.result.item).toMatchObject({
      state: "resolved",
      resolution: { action, reason: "seen with my own eyes" },
    });
    for (let n = 0; n < 4; n++) engine.pass(300);
    const ended = engine.answerTo(id)!.result;
    expect(ended.state).toBe("undone");
    const { transaction } = ended;
    for (const { parts } of [ended, engine.ask({ method: "transaction.get", transaction }).result]) {
      const said = parts.filter((part: object) => "resolution" in part);
      const words = {
        item,
        action,
        reason: "seen with my own eyes",
        operator: answer.result.item.resolution.operator,
      };
      expect(said).toMatchObject([{ name: "pay:to", resolution: words }]);
    }
    expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual([ann, ben]);
    expect(leftOpen(engine)).toEqual([]);
    expect(engine.ask(resolve(item, action, more)).result).toEqual(answer.result);
    const other = engine.ask(resolve(item, action === "done" ? "undone" : "done"));
    expect(other.code).toBe("invalid_transition");
    const resolved = engine.ask(list({ state: "resolved", cursor: shards === 1 ? undefined : "1.0" })).result
      .items;
    expect(resolved.map((each: { item: string }) => each.item)).toEqual([item]);
    expect(firstBad(engine)).toBeUndefined();
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  });

  test("PARTS-2: when it can be done after all, the item closes by itself", () => {
    const { engine, id } = spentGift(shards);
    engine.ask(topUp);
    for (let n = 0; n < 3; n++) engine.pass(60_000);
    for (let n = 0; n < 3; n++) engine.pass(300);
    expect(engine.answerTo(id)?.result.state).toBe("undone");
    expect(leftOpen(engine)).toEqual([]);
    const { items } = engine.ask(
      list({ state: "resolved", cursor: shards === 1 ? undefined : "1.0" }),
    ).result;
    expect(items[0].resolution).toMatchObject({ action: "itself", operator: "engine" });
  });
});

test.each([
  ["too little", [{ from: "loss", to: "suspense", amount: "29.99" }], "invalid_amount"],
  ["too much", [{ from: "loss", to: "suspense", amount: "30.01" }], "invalid_amount"],
  ["past what is missing", [{ from: "loss", to: "fees", amount: "30.00" }], "invalid_amount"],
  [
    "in and out again",
    [
      { from: "loss", to: "suspense", amount: "30.00" },
      { from: "suspense", to: "fees", amount: "30.00" },
    ],
    "invalid_amount",
  ],
  [
    "of a wallet that has less",
    [{ from: "wallet:ben", to: "suspense", amount: "30.00" }],
    "insufficient_funds",
  ],
  [
    "of a wallet that is not there",
    [{ from: "wallet:nobody", to: "suspense", amount: "30.00" }],
    "invalid_request",
  ],
  [
    "of an account that nobody may name",
    [{ from: "transit", to: "suspense", amount: "30.00" }],
    "invalid_request",
  ],
  [
    "beside which others pay each other",
    [
      { from: "loss", to: "suspense", amount: "30.00" },
      { from: "wallet:ann", to: "wallet:ben", amount: "1.00" },
    ],
    "invalid_amount",
  ],
  [
    "past what is missing, with more than a number can hold",
    Array.from({ length: 3 }, () => ({ from: "loss", to: "suspense", amount: "90071992547409.91" })),
    "invalid_amount",
  ],
  ["to what is payable", [{ from: "loss", to: "payable", amount: "30.00" }], "invalid_request"],
  [
    "through what is payable",
    [
      { from: "payable", to: "suspense", amount: "30.00" },
      { from: "loss", to: "payable", amount: "30.00" },
    ],
    "invalid_request",
  ],
  ["of nothing", [{ from: "loss", to: "suspense", amount: "0.00" }], "invalid_amount"],
  ["left out", undefined, "invalid_request"],
])(
  "HAND-ENTRIES-1, HAND-ENTRIES-2: entries that are %s are refused, and nothing moves",
  (_, entries, code) => {
    const { engine } = spentGift(1);
    const { item } = engine.ask(list()).result.items[0];
    const before = engine.hashes();
    expect(engine.ask(resolve(item, "entries", { entries })).code).toBe(code);
    expect(engine.hashes()).toEqual(before);
  },
);

test("HAND-ENTRIES-1: entries of a wallet in another currency are refused", () => {
  const { engine } = spentGift(1);
  engine.ask({ method: "account.open", account: "eve", currency: "USD" });
  engine.ask({ method: "account.deposit", account: "eve", amount: "100.00", ref: "start" });
  const { item } = engine.ask(list()).result.items[0];
  const entries = [{ from: "wallet:eve", to: "suspense", amount: "30.00" }];
  expect(engine.ask(resolve(item, "entries", { entries })).code).toBe("currency_mismatch");
});

const cover30 = [
  { from: "wallet:ben", to: "suspense", amount: "10.00" },
  { from: "fees", to: "suspense", amount: "20.00" },
];

test.each([
  ["other accounts", [{ from: "loss", to: "suspense", amount: "30.00" }], {}],
  ["another amount", [{ ...cover30[0], amount: "9.00" }, cover30[1]], {}],
  ["another order of them", [...cover30].reverse(), {}],
  ["none of them", undefined, {}],
  ["other evidence", cover30, { evidence: "a letter" }],
  ["another operator", cover30, { operator: "wu" }],
  ["an order", cover30, { order: "o1611" }],
])("entries that were booked, and then the same with %s: not the same resolution", (_, entries, more) => {
  const { engine } = spentGift(1);
  const { item } = engine.ask(list()).result.items[0];
  const said = resolve(item, "entries", { entries: cover30, evidence: "a mail", operator: "li" });
  const first = engine.ask(said);
  expect(first.code).toBe("ok");
  const again = { evidence: "a mail", operator: "li", ...more, entries };
  const before = engine.hashes();
  for (const running of [engine, engine.restart()]) {
    const other = running.ask(resolve(item, "entries", again));
    expect(other.code).toBe("invalid_transition");
    expect(other.details).toEqual({ from: "resolved", event: "entries", allowed: [] });
    expect(running.ask(said).result).toEqual(first.result);
    const spelled = [cover30[0], { ...cover30[1], amount: "20" }];
    expect(running.ask({ ...said, entries: spelled }).result).toEqual(first.result);
    expect(running.hashes()).toEqual(before);
  }
});

test("a payment that was given to one order is not said to have been given to another", () => {
  const engine = shop();
  const [first, second] = ["a", "b"].map((key) => engine.ask(place("ann", key, { tea: 1 })).result.order);
  const stray = { provider: "alipay", paymentId: "p1", order: "o999424", amount: "9.99", currency: "CNY" };
  engine.ask({ method: "payment.notify", ...stray });
  const { item } = engine.ask(list()).result.items[0];
  const done = engine.ask(resolve(item, "retry", { order: first }));
  expect(done.code).toBe("ok");
  for (const running of [engine, engine.restart()]) {
    expect(running.ask(resolve(item, "retry", { order: second })).code).toBe("invalid_transition");
    expect(running.ask(resolve(item, "retry")).code).toBe("invalid_transition");
    expect(running.ask(resolve(item, "retry", { order: first })).result).toEqual(done.result);
    expect(running.hashes()).toEqual(engine.hashes());
  }
});

test.each([
  ["entries", "write_off", { entries: [{ from: "suspense", to: "fees", amount: "30.00" }] }],
  ["order", "done", { order: "o1611" }],
  ["order", "retry", { order: "o1611" }],
])("%s with %s, which does nothing with it, are refused before anything moves", (param, action, more) => {
  const { engine } = spentGift(1);
  const { item } = engine.ask(list()).result.items[0];
  const refused = engine.ask(resolve(item, action, more));
  expect(refused).toMatchObject({ code: "invalid_request", details: { path: `params.${param}` } });
  expect(engine.ask(list()).result.items).toHaveLength(1);
});

test("a human's entries move wallets, and the ledger with them", () => {
  const { engine } = spentGift(1);
  const { item } = engine.ask(list()).result.items[0];
  const entries = [
    { from: "wallet:ben", to: "suspense", amount: "10.00" },
    { from: "fees", to: "suspense", amount: "20.00" },
  ];
  expect(engine.ask(resolve(item, "entries", { entries })).code).toBe("ok");
  engine.settle();
  expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual(["100.00", "0.00"]);
  expect(ledgerOf(engine)["fees:CNY"]).toBe(-2000);
  expect(leftOpen(engine)).toEqual([]);
  expect(firstBad(engine)).toBeUndefined();
});

test("an item that is not there is not found", () => {
  const engine = shop();
  expect(engine.ask(resolve("h1024", "retry")).code).toBe("item_not_found");
  expect(engine.ask({ method: "human.get", item: "x" }).code).toBe("item_not_found");
});

test.each(["0.x", "0", ".0", "0.", "-1.0", "00.0", "0.01", "0.1e3", "3.0", "9.5", "1024.0", "9999.1", "x"])(
  "the cursor %s was never given out, and no shard answers it",
  (cursor) => {
    for (const shards of [1, 3]) {
      const refused = shop({ shards }).ask(list({ cursor }));
      expect(refused).toMatchObject({ code: "invalid_request", details: { path: "params.cursor" } });
    }
  },
);

/** A compensation outside that fails always, of a step worth 12.00. */
function failingUndo() {
  const fates = { undo: lost };
  const outside = world({
    "gift/wrap:do": () => ok,
    "gift/wrap:undo": () => fates.undo,
    "gift/send:do": () => no,
  });
  const plan = saga(pay(), call("wrap", { amount: "12.00", currency: "CNY" }), call("send"));
  const engine = shop({ outCalls: outside.outCalls, plan: () => plan });
  const id = engine.submit(begin("gift"));
  for (let n = 0; n < 40; n++) engine.pass(2000);
  return { engine, outside, id, fates };
}

test("CALLS-3: a compensation outside that fails ten times is for a human, older ones go on, and it is tried every 60 s", () => {
  const { engine, outside } = failingUndo();
  const undos = () => outside.names().filter((name) => name === "gift/wrap:undo").length;
  expect(engine.ask(list()).result.items).toMatchObject([
    { attempts: 10, amount: "12.00", error: "no answer" },
  ]);
  expect(balanceOf(engine, "ann")).toBe("100.00");
  const before = undos();
  engine.pass(60_000);
  expect(undos()).toBe(before + 1);
  engine.pass(59_999);
  expect(undos()).toBe(before + 1);
  engine.pass(1);
  expect(undos()).toBe(before + 2);
  expect(
    new Set(outside.calls.filter(({ name }) => name === "gift/wrap:undo").map(({ call }) => call)).size,
  ).toBe(1);
});

test.each([
  ["retry", {}, ok],
  ["done", {}, lost],
  ["undone", {}, lost],
  ["entries", { entries: [{ from: "loss", to: "clearing:wrapper", amount: "12.00" }] }, lost],
  ["write_off", {}, lost],
])("TRANSACTION-ITEMS-1: %s ends a compensation outside, with the books at zero", (action, more, then) => {
  const { engine, id, fates } = failingUndo();
  const { item } = engine.ask(list()).result.items[0];
  fates.undo = then;
  expect(engine.ask(resolve(item, action, more)).code).toBe("ok");
  engine.settle();
  expect(engine.answerTo(id)?.result.state).toBe("undone");
  expect([balanceOf(engine, "ann"), balanceOf(engine, "ben")]).toEqual(["100.00", "100.00"]);
  expect(leftOpen(engine)).toEqual([]);
  expect(firstBad(engine)).toBeUndefined();
});

test("a function that nobody here has waits for a day, then for a human, who says what it did", () => {
  const outside = world({});
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(pay(), call("wrap")) });
  const id = engine.submit(begin("gift", { deadlineMs: 2_592_000_000 }));
  engine.settle();
  engine.pass(86_399_999);
  expect(engine.ask(list()).result.items).toEqual([]);
  engine.pass(2);
  const { items } = engine.ask(list()).result;
  expect(items).toMatchObject([{ attempts: 0, error: "no function gift/wrap:do is registered here" }]);
  expect(engine.ask(resolve(items[0].item, "entries")).code).toBe("invalid_request");
  expect(engine.ask(resolve(items[0].item, "done")).code).toBe("ok");
  engine.settle();
  expect(engine.answerTo(id)?.result.state).toBe("done");
  expect(leftOpen(engine)).toEqual([]);
  expect(firstBad(engine)).toBeUndefined();
});

test("an end that is refused outside contradicts its transaction, and is for a human at once", () => {
  const outside = world({ "gift/wrap:try": () => ok, "gift/wrap:confirm": () => no });
  const engine = shop({ outCalls: outside.outCalls, plan: () => tcc(call("wrap")) });
  engine.submit(begin("gift"));
  engine.settle();
  expect(engine.ask(list()).result.items).toMatchObject([{ attempts: 1, evidence: { doing: "confirm" } }]);
});
