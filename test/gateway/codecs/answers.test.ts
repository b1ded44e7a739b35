import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMinor, scaleOf } from "../../../actors/money.js";
import { results } from "../../../actors/results.js";
import { batchMax } from "../../../engine/seams/limits.js";
import type { OrderView } from "../../../engine/seams/requester.js";
import { orderOf } from "../edge/echo-engine.js";
import { encodings, msgpack } from "./encodings.js";

const text = fc.oneof(fc.string({ maxLength: 70 }), fc.string({ unit: "grapheme", maxLength: 300 }));
const minor = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(100_000),
  fc.constantFrom(
    0,
    1,
    9,
    10,
    99,
    100,
    101,
    999,
    1000,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
  ),
);
const time = fc.oneof(
  fc.integer({ min: 1, max: 253_402_300_799_999 }),
  fc.integer({ min: 1_790_000_000_000, max: 1_790_000_010_000 }),
);
const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const id = fc.oneof(fc.maxSafeInteger(), fc.nat(300), fc.string({ minLength: 1, maxLength: 64 }));

const order: fc.Arbitrary<OrderView> = fc.record({
  order: text,
  status: fc.constantFrom("Created", "Paid"),
  version: count,
  account: text,
  lines: fc.array(fc.record({ product: text, name: text, qty: count, unitPrice: minor, subtotal: minor }), {
    maxLength: 20,
  }),
  total: minor,
  currency: fc.constantFrom("CNY", "JPY", "KWD"),
  amountPaid: minor,
  amountRefunded: minor,
  payBy: fc.oneof(fc.constant(0), time),
  createdAt: time,
  next: fc.array(fc.constantFrom("pay", "cancel", "refund"), { maxLength: 3 }),
  more: fc.oneof(
    fc.constant(undefined),
    fc.record({
      ref: text,
      metadata: fc.dictionary(
        text.filter((key) => key !== "__proto__"),
        text,
      ),
    }),
  ),
});

/** The answer as plain objects: what the hand-written encoders must amount to. */
function plainOrder(view: OrderView): object {
  const scale = scaleOf(view.currency);
  return {
    order: view.order,
    status: view.status,
    version: view.version,
    account: view.account,
    lines: view.lines.map((line) => ({
      product: line.product,
      name: line.name,
      qty: line.qty,
      unitPrice: formatMinor(line.unitPrice, scale),
      subtotal: formatMinor(line.subtotal, scale),
    })),
    total: formatMinor(view.total, scale),
    currency: view.currency,
    amountPaid: formatMinor(view.amountPaid, scale),
    amountRefunded: formatMinor(view.amountRefunded, scale),
    payBy: view.payBy === 0 ? null : new Date(view.payBy).toISOString(),
    createdAt: new Date(view.createdAt).toISOString(),
    next: view.next,
    ...view.more,
  };
}

/** One zero, as in JSON; and no `__proto__`, which the decoder of the test would rename. */
const jsonValue = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value))
  .filter((json) => !json.includes("__proto__"))
  .map((json) => JSON.parse(json) as unknown);

describe.each(encodings)("%s", (_, { codec, decode }) => {
  const outbox = codec.openOutbox();
  const taken = () => outbox.take().map(decode);

  test("an order's answer is what an ordinary encoder makes of the plain object, fields in the same order", () => {
    fc.assert(
      fc.property(id, order, fc.boolean(), (requestId, view, replayed) => {
        outbox.order(requestId, view, replayed, false);
        const [answer] = taken();
        const expected = {
          id: requestId,
          status: 200,
          ...(replayed ? { replayed: true } : {}),
          result: plainOrder(view),
        };
        expect(JSON.stringify(answer)).toBe(JSON.stringify(expected));
      }),
      { numRuns: 3000 },
    );
  });

  test("a result is what an ordinary encoder makes of it", () => {
    fc.assert(
      fc.property(
        id,
        fc.dictionary(fc.string({ maxLength: 40 }), jsonValue),
        fc.boolean(),
        (requestId, result, replayed) => {
          if (Object.hasOwn(result, "__proto__")) return;
          outbox.result(requestId, result, replayed, false);
          const expected = { id: requestId, status: 200, ...(replayed ? { replayed: true } : {}), result };
          expect(JSON.stringify(taken()[0])).toBe(JSON.stringify(expected));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("a result with large integers, fractions, undefined fields and half a surrogate pair", () => {
    const result = {
      a: 2 ** 53 - 1,
      b: -(2 ** 53) + 1,
      c: 0.1,
      d: -33,
      e: -129,
      f: 2 ** 32,
      g: undefined,
      h: [1.5],
    };
    outbox.result(1, result, false, false);
    const { g, ...sent } = result;
    expect(taken()).toEqual([{ id: 1, status: 200, result: sent }]);
    outbox.result(1, { text: "a\ud800b" }, false, false);
    const [answer] = taken() as { result: { text: string } }[];
    expect(["a\ufffdb", "a\ud800b"]).toContain(answer!.result.text);
  });

  test.each(results.map((row) => [row.code, row] as const))(
    "the refusal %s says what the table says",
    (_code, row) => {
      const { code, status, meaning, retryable } = row;
      const error = { code, message: meaning, executed: false, retryable };
      outbox.refused("r-1", { code }, false, false);
      outbox.refused(5, { code, details: { available: 3, lines: [{ product: "p" }] } }, true, false);
      expect(taken()).toEqual([
        { id: "r-1", status, error },
        {
          id: 5,
          status,
          replayed: true,
          error: { ...error, details: { available: 3, lines: [{ product: "p" }] } },
        },
      ]);
    },
  );

  test("a push", () => {
    outbox.push(3, 2 ** 40, "order.paid", 1_790_000_000_007, { order: "o1", total: "1.00" });
    expect(taken()).toEqual([
      {
        sub: 3,
        seq: 2 ** 40,
        type: "order.paid",
        time: new Date(1_790_000_000_007).toISOString(),
        data: { order: "o1", total: "1.00" },
      },
    ]);
  });

  test("array-born answers share array frames, others have a frame each, and each kind keeps its order", () => {
    const view = orderOf("a", "o", [{ product: "p", qty: 1 }]);
    outbox.result(1, {}, false, true);
    outbox.result(2, {}, false, false);
    outbox.order(3, view, false, true);
    outbox.push(1, 1, "t", 0, {});
    outbox.refused(4, { code: "overloaded" }, false, true);
    outbox.refused(5, { code: "overloaded" }, false, false);
    expect(outbox.bytes).toBeGreaterThan(0);
    expect(taken()).toMatchObject([[{ id: 1 }, { id: 3 }, { id: 4 }], { id: 2 }, { sub: 1 }, { id: 5 }]);
    expect(outbox.bytes).toBe(0);
    expect(taken()).toEqual([]);
  });

  test("an array frame holds at most 1,024 answers and is ended when it is long", () => {
    for (let i = 0; i < 2500; i++) outbox.result(i, {}, false, true);
    expect((taken() as unknown[][]).map((frame) => frame.length)).toEqual([batchMax, batchMax, 452]);
    const long = { text: "x".repeat(100_000) };
    for (let i = 0; i < 7; i++) outbox.result(i, long, false, true);
    const frames = taken() as { id: number; result: object }[][];
    expect(frames.map((frame) => frame.length)).toEqual([3, 3, 1]);
    expect(frames.flat()).toEqual(
      Array.from({ length: 7 }, (_v, i) => ({ id: i, status: 200, result: long })),
    );
  });

  test("what is cleared is gone", () => {
    outbox.result(1, {}, false, true);
    outbox.result(2, {}, false, false);
    outbox.clear();
    expect(outbox.bytes).toBe(0);
    expect(taken()).toEqual([]);
  });
});

test("outboxes that share buffers do not see each other's bytes", () => {
  const outboxes = Array.from({ length: 8 }, () => msgpack.codec.openOutbox());
  for (let round = 0; round < 50; round++) {
    for (const [n, outbox] of outboxes.entries()) {
      for (let i = 0; i <= (round * 7 + n) % 30; i++)
        outbox.result(i, { n, round, text: "x".repeat(n * 1000) }, false, true);
    }
    for (const [n, outbox] of outboxes.entries()) {
      const answers = outbox.take().flatMap((frame) => msgpack.decode(frame) as { result: object }[]);
      expect(answers.length).toBe(((round * 7 + n) % 30) + 1);
      for (const { result } of answers) expect(result).toEqual({ n, round, text: "x".repeat(n * 1000) });
    }
  }
});

test("MessagePack refuses to send what JSON cannot hold", () => {
  const outbox = msgpack.codec.openOutbox();
  for (const bad of [{ a: Number.NaN }, { a: 1n }, { a: () => 1 }, { a: [undefined] }]) {
    expect(() => outbox.result(1, bad, false, false)).toThrow(TypeError);
  }
  expect(outbox.bytes).toBe(0);
});
