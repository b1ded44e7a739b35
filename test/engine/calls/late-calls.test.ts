/** Runs that end after their time: never two of one call at once, and what one did too late is undone again or told to a human. */

import { expect, test } from "vitest";
import { firstBad } from "../../support/audited.js";
import { place, shop } from "../../support/shop.js";
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

const late = { how: "failed", error: "no answer in time", running: true } as const;
const silent = () => undefined;

/** A saga of ann's money and a function that is slow; `undo` says what its undoing answers. */
function slowStep(shards = 1) {
  const outside = world({ "gift/send:do": silent, "gift/send:undo": () => ok });
  const engine = shop({ shards, outCalls: outside.outCalls, plan: () => saga(pay(), call("send")) });
  const id = engine.submit(begin("gift"));
  for (let n = 0; n < 6; n++) engine.pass(200);
  const report = (at: number, said: Parameters<typeof outside.report>[1]) => {
    outside.report(at, said);
    engine.settle();
    for (let n = 0; n < 6; n++) engine.pass(200);
  };
  return { engine, outside, id, report };
}

const lateItems = (engine: ReturnType<typeof shop>) =>
  engine.shards.flatMap(({ books }) => [...books.human.open.values()]).filter(({ kind }) => kind === 4);

test.each([1, 3])("over %i shards: a run whose time is up is not made again while it runs", (shards) => {
  const { engine, outside, report, id } = slowStep(shards);
  report(0, late);
  for (let n = 0; n < 10; n++) engine.pass(60_000);
  expect(outside.names()).toEqual(["gift/send:do"]);
  report(0, lost);
  expect(outside.calls.map(({ name, attempt }) => [name, attempt])).toEqual([
    ["gift/send:do", 1],
    ["gift/send:do", 2],
  ]);
  report(1, ok);
  expect(engine.answerTo(id)?.result.state).toBe("done");
  expect(leftOpen(engine)).toEqual([]);
});

test("a run that fails as soon as its time is up has failed once", () => {
  const { outside, report, engine } = slowStep();
  report(0, late);
  report(0, lost);
  expect([...engine.shards[0]!.books.calls.open.values()].map(({ failed }) => failed)).toEqual([1]);
  expect(outside.calls).toHaveLength(2);
});

test.each([1, 3])(
  "LATE-CALLS-1: over %i shards: done after its step was undone, it is undone again",
  (shards) => {
    const { engine, outside, report, id } = slowStep(shards);
    for (let n = 0; n < 3; n++) report(0, late);
    expect(engine.answerTo(id)?.result.state).toBe("undone");
    expect(outside.names()).toEqual(["gift/send:do", "gift/send:undo"]);
    report(0, { how: "done", text: '{"parcel":7}' });
    expect(outside.names()).toEqual(["gift/send:do", "gift/send:undo", "gift/send:undo"]);
    const [, first, again] = outside.calls;
    expect(again!.call).not.toBe(first!.call);
    expect(JSON.parse(again!.input)).toMatchObject({ account: "ann", part: "send", result: { parcel: 7 } });
    // Told twice, it is undone once.
    report(0, ok);
    expect(outside.calls).toHaveLength(3);
    expect(leftOpen(engine)).toEqual([]);
    expect(firstBad(engine)).toBeUndefined();
    expect(engine.restart().hashes()).toEqual(engine.hashes());
  },
);

test("done while its undoing runs, it is undone once more; done before that runs, it is not", () => {
  const fates: { undo: typeof ok | typeof lost | undefined } = { undo: undefined };
  const outside = world({ "gift/send:do": silent, "gift/send:undo": () => fates.undo });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(call("send")) });
  engine.submit(begin("gift"));
  engine.settle();
  for (let n = 0; n < 3; n++) outside.report(0, late);
  engine.settle();
  expect(outside.names()).toEqual(["gift/send:do", "gift/send:undo"]);
  outside.report(0, ok);
  engine.settle();
  expect(outside.names()).toEqual(["gift/send:do", "gift/send:undo", "gift/send:undo"]);
  for (const at of [1, 2]) outside.report(at, ok);
  engine.settle();
  expect(leftOpen(engine)).toEqual([]);

  fates.undo = lost;
  engine.submit(begin("gift", { key: "t2" }));
  engine.settle();
  for (let n = 0; n < 3; n++) outside.report(3, late);
  engine.settle();
  fates.undo = ok;
  outside.report(3, ok);
  for (let n = 0; n < 6; n++) engine.pass(200);
  expect(outside.names().slice(3)).toEqual(["gift/send:do", "gift/send:undo", "gift/send:undo"]);
  expect(outside.calls[5]!.call).toBe(outside.calls[4]!.call);
  expect(leftOpen(engine)).toEqual([]);
});

test("tried after it was canceled, it is canceled again", () => {
  const outside = world({ "gift/box:try": silent, "gift/box:cancel": () => ok });
  const engine = shop({ outCalls: outside.outCalls, plan: () => tcc(pay(), call("box")) });
  const id = engine.submit(begin("gift"));
  engine.settle();
  outside.report(0, late);
  for (let n = 0; n < 6; n++) engine.pass(200);
  expect(engine.answerTo(id)?.result.state).toBe("undone");
  outside.report(0, ok);
  engine.settle();
  expect(outside.names()).toEqual(["gift/box:try", "gift/box:cancel", "gift/box:cancel"]);
  expect(leftOpen(engine)).toEqual([]);
});

test("done while it is asked about, that is the answer", () => {
  const outside = world({ "gift/send:do": silent, "gift/send:ask": silent, "gift/send:undo": () => ok });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(pay(), call("send", { ask: true })) });
  const id = engine.submit(begin("gift"));
  engine.settle();
  for (let n = 0; n < 3; n++) outside.report(0, late);
  engine.settle();
  expect(outside.names()).toEqual(["gift/send:do", "gift/send:ask"]);
  outside.report(0, ok);
  engine.settle();
  expect(engine.answerTo(id)?.result.state).toBe("done");
  outside.report(1, no);
  engine.settle();
  expect(outside.names()).toEqual(["gift/send:do", "gift/send:ask"]);
  expect(leftOpen(engine)).toEqual([]);
});

test.each([
  ["retry", {}],
  ["done", {}],
  ["entries", { entries: [{ from: "loss", to: "clearing:wrapper", amount: "12.00" }] }],
  ["write_off", {}],
])(
  "LATE-CALLS-1: undone again and again in vain, it is an item for a human, who ends it by %s",
  (action, more) => {
    const fates: { undo: typeof ok | typeof lost } = { undo: ok };
    const outside = world({ "gift/send:do": silent, "gift/send:undo": () => fates.undo });
    const plan = saga(call("send", { amount: "12.00", currency: "CNY" }));
    const engine = shop({ outCalls: outside.outCalls, plan: () => plan });
    engine.submit(begin("gift"));
    engine.settle();
    for (let n = 0; n < 3; n++) outside.report(0, late);
    engine.settle();
    fates.undo = lost;
    outside.report(0, ok);
    for (let n = 0; n < 40; n++) engine.pass(2000);
    const [item] = engine.ask({ method: "human.list" }).result.items;
    expect(item).toMatchObject({
      kind: "late",
      amount: "12.00",
      attempts: 10,
      evidence: { part: "send", doing: "undo", result: { ok: true } },
    });
    const other = engine.ask({ method: "human.resolve", item: item.item, action: "undone", reason: "x" });
    expect(other.code).toBe("invalid_request");
    fates.undo = ok;
    const again = { method: "human.resolve", item: item.item, action, reason: "seen", ...more } as const;
    expect(engine.ask(again).code).toBe("ok");
    engine.pass(60_000);
    expect(engine.restart().hashes()).toEqual(engine.hashes());
    expect(leftOpen(engine)).toEqual([]);
    expect(firstBad(engine)).toBeUndefined();
  },
);

test("done after a human has ended its part, it is for a human at once", () => {
  const outside = world({ "gift/send:do": silent, "gift/send:undo": () => lost });
  const engine = shop({ outCalls: outside.outCalls, plan: () => saga(call("send")) });
  engine.submit(begin("gift"));
  engine.settle();
  for (let n = 0; n < 3; n++) outside.report(0, late);
  for (let n = 0; n < 40; n++) engine.pass(2000);
  const [{ item }] = engine.ask({ method: "human.list" }).result.items;
  expect(engine.ask({ method: "human.resolve", item, action: "undone", reason: "by phone" }).code).toBe("ok");
  outside.report(0, ok);
  engine.settle();
  expect(lateItems(engine)).toMatchObject([
    { error: expect.stringContaining("after its part was ended by hand") },
  ]);
  const [open] = engine.ask({ method: "human.list" }).result.items;
  const retry = { method: "human.resolve", item: open.item, action: "retry", reason: "x" } as const;
  expect(engine.ask(retry).code).toBe("invalid_request");
  expect(engine.ask({ ...retry, action: "done" }).code).toBe("ok");
  expect(leftOpen(engine)).toEqual([]);
  expect(firstBad(engine)).toBeUndefined();
});

test.each([
  ["done", {}, 0],
  ["entries", { entries: [{ from: "fees", to: "clearing:alipay", amount: "9.99" }] }, -999],
  ["write_off", {}, -999],
])("a refund that was refused by hand and comes about late is for a human: %s", (action, more, paid) => {
  const outside = world({ "refund:alipay": silent });
  const engine = shop({ outCalls: outside.outCalls });
  const { order } = engine.ask(place("ann", "k", { tea: 1 })).result;
  const payment = { provider: "alipay", paymentId: "p1", order, amount: "9.99", currency: "CNY" };
  engine.ask({ method: "payment.notify", ...payment });
  const { refunds } = engine.ask({ method: "order.refund", key: "r", order, reason: "broken" }).result;
  const { refund } = refunds[0];
  outside.report(0, late);
  engine.ask({ method: "refund.report", refund, outcome: "refused", ref: "they say so" });
  outside.report(0, { how: "done", text: '{"ref":"z9"}' });
  engine.settle();
  const [item] = engine.ask({ method: "human.list" }).result.items;
  expect(item).toMatchObject({
    kind: "late",
    subject: refund,
    amount: "9.99",
    evidence: { order, ref: "z9" },
  });
  expect(engine.ask({ method: "human.resolve", item: item.item, action, reason: "seen", ...more }).code).toBe(
    "ok",
  );
  expect(lateItems(engine)).toEqual([]);
  const ledger = ledgerOf(engine);
  expect((ledger["loss:CNY"] ?? 0) + (ledger["fees:CNY"] ?? 0)).toBe(paid);
  expect(firstBad(engine)).toBeUndefined();
  expect(engine.restart().hashes()).toEqual(engine.hashes());
});
