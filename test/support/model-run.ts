/** Runs the same requests through an engine and through the model, and compares every answer. */

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { orderSlot, parseOrderId, refundId, slotCount, slotOf } from "../../actors/order-number.js";
import { type Answer, type CommandParams, epochMs, type TestEngine, testEngine } from "./engine.js";
import { Model, type ModelReply } from "./model.js";
import { decimal } from "./model-money.js";
import { nextOf, paidOf, versionOf } from "./model-order.js";

/**
 * One step of a run; it prints itself. `order` in a request is the place of an order among all placed so far, `refund` that of
 * a refund; an amount of "due+1" is what the order costs and a cent, a version of 1 one more than it has, an event of "onward"
 * what the order allows.
 */
export class Step {
  constructor(
    readonly kind: "ask" | "batch" | "again" | "pass" | "restart",
    readonly requests: readonly CommandParams[] = [],
    /** Of a pass: milliseconds. Of again: which of the requests so far, counted back. */
    readonly count = 1,
  ) {}

  toString(): string {
    if (this.kind === "pass" || this.kind === "again") return `${this.kind}(${this.count})`;
    if (this.kind === "restart") return "restart()";
    const asked = this.requests.map(({ method, ...params }) => `${method}(${JSON.stringify(params)})`);
    return this.kind === "ask" ? asked.join() : `batch(${asked.join(", ")})`;
  }
}

const accounts = ["ann", "ben", "cat"];
const products = ["tea", "mug", "pen", "cup"];
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true });
const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);

const account = () => oneOf("ann", "ann", "ann", "ann", "ben", "ben", "ben", "ben", "ben", "cat");
const product = () => oneOf("tea", "tea", "tea", "tea", "mug", "mug", "mug", "mug", "pen", "cup", "nil");
const key = () =>
  fc.oneof(
    { weight: 1, arbitrary: fc.nat(40).map((n) => `k${n}`) },
    { weight: 3, arbitrary: fc.nat(9999).map((n) => `f${n}`) },
  );
const ref = () => fc.nat(9).map((n) => `r${n}`);
/** How long ago the request was first made; the runner makes `at` of it. */
const ago = () => oneOf(undefined, undefined, 0, 1000, 1_800_000, 7_200_000);
const amount = () =>
  oneOf("0.01", "1.00", "10", "10.50", "99.99", "0", "0.00", "1.001", "-1", "01", "1e3", "90071992547409.91");
const price = () => oneOf("0", "1.00", "2.50", "3", "9.99", "1.999", "90071992547409.91");
const operator = () => oneOf(undefined, undefined, "op");
const orderIndex = () => fc.oneof(fc.nat(60), fc.nat(3));

const placing = () =>
  record({
    method: oneOf("order.place" as const),
    account: account(),
    key: key(),
    lines: fc.array(record({ product: product(), qty: oneOf(1, 1, 1, 2, 3, 7) }), {
      minLength: 1,
      maxLength: 3,
    }),
    pay: oneOf("later", "later", "balance"),
    mode: oneOf("tcc", "tcc", "tcc", "saga"),
    payWithinMs: oneOf(undefined, 1000, 60_000, 1_800_000),
    expectedTotal: oneOf(...Array<undefined>(8).fill(undefined), "1.00", "2.50", "7", "1.001"),
    ago: ago(),
    dryRun: oneOf(false, false, false, false, true),
    operator: operator(),
  }).map(oftenMeant);
/** Of those that are paid at once, a quarter says how long they are held, and is refused. */
const oftenMeant = <P extends { pay: string; payWithinMs: number | undefined }>(placed: P): P =>
  placed.pay === "balance" && placed.payWithinMs !== 1000 ? { ...placed, payWithinMs: undefined } : placed;
const paying = () =>
  record({
    method: oneOf("order.pay" as const),
    order: orderIndex(),
    key: key(),
    operator: operator(),
    ago: ago(),
  });
const canceling = () =>
  record({
    method: oneOf("order.cancel" as const),
    order: orderIndex(),
    key: key(),
    reason: oneOf(undefined, "changed my mind"),
    operator: operator(),
    ago: ago(),
  });
const version = () => oneOf(...Array<undefined>(6).fill(undefined), 0, 0, 1, -1);
const advancing = () =>
  record({
    method: oneOf("order.advance" as const),
    order: orderIndex(),
    key: key(),
    event: oneOf(
      ...["onward", "onward", "onward", "onward", "onward", "onward", "onward", "onward"],
      ...["pack", "ship", "dispatch", "deliver", "confirm", "dispute", "resolve"],
    ),
    /** Of "onward": which of the events that are allowed. */
    nth: fc.nat(3),
    tracking: oneOf("SF-1", "SF-1", "SF-1", undefined),
    remark: oneOf(undefined, undefined, "as told"),
    operator: operator(),
    version: version(),
    resolution: oneOf("keep", "refund", "keep", "refund", undefined),
    restock: fc.boolean(),
    ago: ago(),
  });
const refunding = () =>
  record({
    method: oneOf("order.refund" as const),
    order: orderIndex(),
    key: key(),
    what: fc.oneof(
      { weight: 3, arbitrary: oneOf({}) },
      {
        weight: 4,
        arbitrary: record({
          lines: fc.array(record({ product: product(), qty: oneOf(1, 1, 1, 2, 3) }), {
            minLength: 1,
            maxLength: 2,
          }),
        }),
      },
      { weight: 4, arbitrary: record({ amount: oneOf("0.01", "1.00", "1", "2.49", "7", "0", "1.001") }) },
      {
        weight: 1,
        arbitrary: record({ amount: oneOf("1.00"), lines: oneOf([{ product: "tea", qty: 1 }]) }),
      },
    ),
    reason: oneOf("broken", "late"),
    restock: fc.boolean(),
    operator: operator(),
    version: version(),
    ago: ago(),
  });
const notifying = () =>
  record({
    method: oneOf("payment.notify" as const),
    provider: oneOf("alipay", "alipay", "wechat"),
    paymentId: fc.nat(300).map((n) => `p${n}`),
    order: orderIndex(),
    amount: oneOf("due", "due", "due", "due", "due+1", "due-1", "due-1", "1", "0.50", "0.50", "200", "0"),
    currency: oneOf("own", "own", "own", "own", "own", "own", "JPY", "CNY"),
  });
const reporting = () =>
  record({
    method: oneOf("refund.report" as const, "refund.report" as const, "refund.get" as const),
    refund: fc.oneof(fc.nat(40), fc.nat(2)),
    outcome: oneOf("done", "done", "done", "refused", "unknown"),
    ref: oneOf(undefined, "R-1"),
  });
const rest = () =>
  fc.oneof(
    record({
      method: oneOf("points.spend" as const),
      account: account(),
      points: oneOf(1, 2, 7, 1000),
      ref: ref(),
    }),
    record({ method: oneOf("token.issue" as const) }),
    record({ method: oneOf("order.get" as const), order: orderIndex() }),
    record({ method: oneOf("order.lookup" as const), account: account(), key: key() }),
    record({ method: oneOf("account.get" as const), account: account() }),
    record({ method: oneOf("product.get" as const), product: product() }),
    record({
      method: oneOf("account.deposit" as const, "account.withdraw" as const),
      account: account(),
      amount: amount(),
      ref: ref(),
    }),
    record({ method: oneOf("account.open" as const), account: account(), currency: oneOf("CNY", "JPY") }),
    record({
      method: oneOf("product.restock" as const),
      product: product(),
      qty: oneOf(1, 5),
      ref: oneOf(undefined, "s1", "s2", "s3"),
    }),
    record({ method: oneOf("product.reprice" as const), product: product(), price: price() }),
    record({
      method: oneOf("product.update" as const),
      product: product(),
      name: oneOf(undefined, undefined, "Oolong", "Pen"),
      price: fc.oneof(fc.constant(undefined), price()),
      saleStartsAt: oneOf(undefined, undefined, undefined, 0, epochMs + 60_000),
      saleEndsAt: oneOf(undefined, undefined, undefined, 0, epochMs + 1_800_000),
      backorder: oneOf(undefined, undefined, undefined, 0, 2),
      expectedVersion: oneOf(undefined, undefined, 1, 2, 3),
      ref: oneOf(undefined, "s1", "s4", "s5"),
    }),
    record({
      method: oneOf("product.adjust" as const),
      product: product(),
      by: oneOf(-3, -1, 0, 1, 2),
      reason: oneOf("loss", "found", "correction", "correction"),
      ref: oneOf("s2", "s6", "s7", "s8"),
    }),
    record({
      method: oneOf("product.count" as const),
      product: product(),
      counted: oneOf(0, 1, 3, 8),
      ref: oneOf("s3", "s9", "s10", "s11"),
    }),
    record({
      method: oneOf("product.delist" as const, "product.relist" as const, "product.relist" as const),
      product: product(),
      expectedVersion: oneOf(undefined, undefined, 1, 2, 3),
    }),
    record({
      method: oneOf("product.create" as const),
      product: oneOf("cup", "tea"),
      name: oneOf("Cup"),
      price: price(),
      currency: oneOf("CNY", "JPY"),
      stock: oneOf(0, 3),
      limitPerAccount: oneOf(undefined, 2),
      saleStartsAt: oneOf(undefined, epochMs + 60_000),
      saleEndsAt: oneOf(undefined, epochMs + 1_800_000),
      backorder: oneOf(undefined, undefined, 2),
    }),
  );

const request = () =>
  fc.oneof(
    { weight: 7, arbitrary: placing() },
    { weight: 2, arbitrary: paying() },
    { weight: 1, arbitrary: canceling() },
    { weight: 5, arbitrary: advancing() },
    { weight: 3, arbitrary: refunding() },
    { weight: 3, arbitrary: notifying() },
    { weight: 2, arbitrary: reporting() },
    { weight: 4, arbitrary: rest() },
  ) as fc.Arbitrary<CommandParams>;

export function steps(options: {
  batches: boolean;
  restarts: boolean;
  maxLength: number;
}): fc.Arbitrary<Step[]> {
  const ask = request().map((asked) => new Step("ask", [asked]));
  const pass = oneOf(1, 999, 5000, 60_000, 930_000, 1_830_000, 3_600_000, 7_200_000).map(
    (ms) => new Step("pass", [], ms),
  );
  const again = fc.nat(30).map((back) => new Step("again", [], back));
  const batch = fc
    .array(request(), { minLength: 2, maxLength: 5 })
    .map((asked) => new Step("batch", asked.map(withoutMessages)));
  return fc.array(
    fc.oneof(
      { weight: 80, arbitrary: ask },
      { weight: options.batches ? 8 : 0, arbitrary: batch },
      { weight: 12, arbitrary: again },
      { weight: 8, arbitrary: pass },
      { weight: options.restarts ? 1 : 0, arbitrary: oneOf(new Step("restart")) },
    ),
    { maxLength: options.maxLength, size: "max" },
  );
}

/**
 * An order in saga mode goes by message, also on one shard: it takes several steps of the loop, and so do the units that come
 * back from it. Others of its batch go before it then, and the model knows nothing of that.
 */
function withoutMessages(asked: CommandParams): CommandParams {
  const { mode, restock } = asked;
  // A free order may have been placed in saga mode before: its cancellation gives its units back.
  const method = asked.method === "order.cancel" ? "order.pay" : asked.method;
  const { reason: _, ...rest } = asked;
  return {
    ...(method === asked.method ? asked : rest),
    method,
    ...(mode ? { mode: "tcc" } : {}),
    ...(restock === undefined ? {} : { restock: false }),
  };
}

const unknownOrder = "o999999999";
const unknownRefund = "r999999999";
const settings = {
  graceMs: 2000,
  payWithinMs: 900_000,
  keysKeepMs: 3_600_000,
  keysMax: 1_000_000,
  autoConfirmMs: 7_200_000,
  afterSaleMs: 3_600_000,
};

/** What an operator may have chosen. */
export interface Policy {
  readonly latePayment: "refund" | "reinstate";
  readonly pointsGrantOn: "completed" | "paid";
}

export const policies: fc.Arbitrary<Policy> = record({
  latePayment: oneOf("refund", "reinstate"),
  pointsGrantOn: oneOf("completed", "paid"),
});

/** To move an archived order the read side is asked first, so such a request runs a step after the others of its batch. */
function outsideLast(order: readonly number[], asked: readonly CommandParams[], model: Model): number[] {
  const moves = new Set(["order.pay", "order.cancel", "order.advance", "order.refund"]);
  const waits = (index: number) =>
    moves.has(asked[index]!.method) && model.orders[Number(asked[index]!.order)]?.archived === true;
  return [...order.filter((index) => !waits(index)), ...order.filter(waits)];
}

/** What every run begins with. */
const stage: CommandParams[] = [
  { method: "account.open", account: "ann", currency: "CNY" },
  { method: "account.open", account: "ben", currency: "CNY" },
  { method: "account.deposit", account: "ann", amount: "160.00", ref: "stage" },
  { method: "account.deposit", account: "ben", amount: "60.00", ref: "stage" },
  { method: "product.create", product: "tea", name: "Tea", price: "2.50", currency: "CNY", stock: 40 },
  {
    method: "product.create",
    product: "mug",
    name: "Mug",
    price: "1.00",
    currency: "CNY",
    stock: 20,
    limitPerAccount: 6,
  },
  { method: "product.create", product: "pen", name: "Pen", price: "3", currency: "JPY", stock: 5 },
];

/** Runs the steps; throws on the first answer that differs. Gives both as they stand at the end. */
export function runBoth(
  shards: number,
  run: readonly Step[],
  policy: Policy,
): { readonly engine: TestEngine; readonly model: Model } {
  let engine = testEngine({ shards, settings: { ...settings, ...policy } });
  const crosses = (id: string, names: readonly string[]) =>
    shards > 1 && names.some((name) => shardOf(slotOf(name), shards) !== shardOf(slotOf(id), shards));
  const shardOfAccount = (id: string) => shardOf(slotOf(id), shards);
  const model = new Model({ ...settings, ...policy, crosses, shardOf: shardOfAccount });
  /** Engine's ids, in the order of the model's orders. */
  const ids: string[] = [];

  /** Every request so far, as it was asked. */
  const past: CommandParams[] = [];

  /** The model follows the clock; which orders are archived by now, it is told. */
  const tick = () => {
    model.tick(engine.clock.micros / 1000);
    for (const [index, { archived }] of model.orders.entries()) {
      if (archived) continue;
      const number = parseOrderId(ids[index]!)!;
      if (!engine.shards[shardOf(orderSlot(number), shards)]!.books.orders.has(number)) model.archived(index);
    }
  };

  const both = (requests: readonly CommandParams[]) => {
    // More than the microseconds that turns take, so that a step's time is the clock's.
    engine.clock.micros += 1000;
    const now = engine.clock.micros / 1000;
    const asked = requests.map((r) => complete(r, now, model));
    past.push(...asked);
    const numbers = asked.map((r) => engine.submit(forEngine(r, ids, model)));
    engine.settle();
    tick();
    for (const index of outsideLast(inDeliveries(asked), asked, model)) {
      const answer = engine.answerTo(numbers[index]!);
      if (asked[index]!.method === "token.issue") {
        if (!isToken(answer, now)) differ(asked[index]!, { code: "a token", replayed: false }, answer);
        continue;
      }
      const expected = model.ask(asked[index]!);
      if (expected.code === "ok" && expected.result.order === ids.length) {
        const id = answer?.result?.order;
        if (typeof id !== "string" || parseOrderId(id) === undefined || ids.includes(id))
          differ(asked[index]!, expected, answer);
        if (orderSlot(parseOrderId(id)!) !== slotOf(String(asked[index]!.account)))
          differ(asked[index]!, expected, answer);
        ids.push(id);
      }
      const translated = { ...expected, result: translate(expected.result, ids, model) };
      if (!answer || !sameReply(translated, answer)) differ(asked[index]!, translated, answer);
    }
  };

  for (const asked of stage) both([asked]);
  for (const step of run) {
    if (step.kind === "ask" || step.kind === "batch") both(step.requests);
    else if (step.kind === "pass") {
      engine.pass(step.count);
      tick();
    } else if (step.kind === "again") both([past[Math.max(0, past.length - 1 - step.count)]!]);
    else engine = restarted(engine);
  }
  for (const id of accounts) both([{ method: "account.get", account: id }]);
  for (const id of products) both([{ method: "product.get", product: id }]);
  for (const order of ids.keys()) both([{ method: "order.get", order }]);
  for (const refund of model.refunds.keys()) both([{ method: "refund.get", refund }]);
  return { engine, model };
}

/** The same logs, read anew: the books must be the same to the last bit. */
export function restarted(engine: TestEngine): TestEngine {
  const again = engine.restart();
  if (!isDeepStrictEqual(again.hashes(), engine.hashes())) throw new Error("a restart changes the books");
  return again;
}

function shardOf(slot: number, shards: number): number {
  return Math.floor((slot * shards) / slotCount);
}

/** The request as it is really made, from what the run only hints at. */
function complete(hinted: CommandParams, now: number, model: Model): CommandParams {
  const { ago: ms, nth, what, ...asked } = hinted;
  const { orders, refunds } = model;
  if (typeof ms === "number") asked.at = now - ms;
  if (typeof what === "object") Object.assign(asked, what);
  if (typeof asked.refund === "number")
    asked.refund = refunds.length === 0 ? -1 : asked.refund % refunds.length;
  if (typeof asked.order === "number") asked.order = orders.length === 0 ? -1 : asked.order % orders.length;
  const order = orders[asked.order as number];
  if (asked.currency === "own") asked.currency = order?.currency ?? "CNY";
  if (typeof asked.amount === "string" && asked.amount.startsWith("due")) {
    const due = order ? order.total - paidOf(order) : 0;
    const amount = (due > 0 ? due : (order?.total ?? 1)) + Number(asked.amount.slice("due".length));
    asked.amount = decimal(Math.max(1, amount), String(asked.currency));
  }
  if (typeof asked.version === "number") asked.version += order ? versionOf(order) : 0;
  if (asked.event === "onward") {
    const allowed = order ? nextOf(order, now).filter((event) => advanceEvents.includes(event)) : [];
    asked.event = allowed[Number(nth) % allowed.length] ?? "confirm";
  }
  return asked as CommandParams;
}

const advanceEvents = ["pack", "ship", "dispatch", "deliver", "confirm", "dispute", "resolve"];

function forEngine(asked: CommandParams, ids: readonly string[], model: Model): CommandParams {
  const { order, refund } = asked;
  return {
    ...asked,
    ...(typeof order === "number" ? { order: ids[order] ?? unknownOrder } : {}),
    ...(typeof refund === "number" ? { refund: refundName(refund, ids, model) } : {}),
  };
}

/** A refund is numbered like an order: its place among those of its shard, and its order's slot. */
function refundName(index: number, ids: readonly string[], model: Model): string {
  const refund = model.refunds[index];
  if (!refund) return unknownRefund;
  return refundId(refund.sequence * slotCount + orderSlot(parseOrderId(ids[refund.order]!)!));
}

function isToken(answer: Answer | undefined, now: number): boolean {
  return (
    answer?.code === "ok" &&
    /^tk:[A-Za-z0-9:]{1,57}$/.test(answer.result.token) &&
    answer.result.expiresAt === new Date(Math.floor(now) + 86_400_000).toISOString()
  );
}

const urgentMethods = [
  "order.pay",
  "order.cancel",
  "order.advance",
  "order.refund",
  "refund.report",
  "payment.notify",
];

/** What serves orders that exist goes ahead of the rest; each lane in order of arrival. */
function inDeliveries(asked: readonly CommandParams[]): number[] {
  const urgent = (index: number) => urgentMethods.includes(asked[index]!.method);
  const all = [...asked.keys()];
  return [...all.filter(urgent), ...all.filter((index) => !urgent(index))];
}

/** Places to ids, wherever they stand in a result. */
function translate(value: unknown, ids: readonly string[], model: Model): unknown {
  if (Array.isArray(value)) return value.map((each) => translate(each, ids, model));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (name === "order" && typeof field === "number") return [name, ids[field]];
      if (name === "refund" && typeof field === "number") return [name, refundName(field, ids, model)];
      if (name === "reason" && typeof field === "string")
        return [name, field.replace(/#([0-9]+)$/, (_, index) => ids[Number(index)]!)];
      return [name, translate(field, ids, model)];
    }),
  );
}

/** Of the details, what a caller may rely on; the engine may say more. */
const promised = [
  ...["available", "due", "limit", "used", "requested", "startsAt"],
  ...["from", "event", "allowed", "remaining", "left", "version"],
];

function sameReply(expected: ModelReply, answer: Answer): boolean {
  if (expected.code !== answer.code || expected.replayed !== answer.replayed) return false;
  if (expected.code === "ok") {
    const { result } = expected;
    if (!result.error) return isDeepStrictEqual(answer.result, result);
    return (
      answer.result.state === result.state &&
      answer.result.error?.code === result.error.code &&
      sameDetails(result.error.details, answer.result.error.details)
    );
  }
  return sameDetails(expected.details, answer.details);
}

function sameDetails(
  expected: Readonly<Record<string, unknown>> = {},
  given: Readonly<Record<string, unknown>> = {},
): boolean {
  for (const name of promised) {
    if (name in expected && !isDeepStrictEqual(expected[name], given[name])) return false;
  }
  const lines = (expected.lines ?? []) as Record<string, unknown>[];
  const named = (given.lines ?? []) as Record<string, unknown>[];
  return (
    lines.length === named.length &&
    lines.every(
      (line, i) =>
        line.product === named[i]!.product && line.code === named[i]!.code && sameDetails(line, named[i]!),
    )
  );
}

function differ(asked: CommandParams, expected: ModelReply, answer: Answer | undefined): never {
  throw new Error(
    `${fc.stringify(asked)}\n  the model says ${JSON.stringify(expected)}\n  the engine says ${JSON.stringify(answer)}`,
  );
}
