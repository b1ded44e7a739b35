import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Requester } from "../../../engine/seams/requester.js";
import { decodeMsgpack } from "../../../gateway/codecs/msgpack-codec.js";
import { PlaceReader } from "../../../gateway/codecs/msgpack-place.js";
import type { Frame, Malformed } from "../../../gateway/edge/protocol.js";
import { msgpack, msgpackShort } from "./encodings.js";

const requester: Requester = { order() {}, result() {}, refused() {}, push() {}, flush() {} };
const intake = { requester, nowMicros: () => 5_000_000 };

function decodeBothWays(bytes: Buffer): void {
  const short = explained(decodeMsgpack(bytes, intake, true));
  const general = explained(decodeMsgpack(bytes, intake, false));
  // A tenth of the time of `expect`, which then says what differs.
  if (!isDeepStrictEqual(short, general)) expect(short).toStrictEqual(general);
}

/** What is wrong with a request is said when it is asked for. */
function explained(frame: Frame | Malformed): object {
  if ("malformed" in frame) return frame;
  const requests = frame.requests.map((asked) =>
    asked.method === "answered at edge" ? { ...asked, explain: asked.explain?.() } : asked,
  );
  return { ...frame, requests };
}

const idChars = "ABCZabcz0129._:-";
const id = fc.string({ unit: fc.constantFrom(...idChars), minLength: 1, maxLength: 64 });
const nearlyId = fc.oneof(
  { weight: 20, arbitrary: id },
  fc.constantFrom("", "a b", "é", "x".repeat(65), "a\n", "一分", "a\u0000"),
);
const number = fc.constantFrom(
  0,
  1,
  2,
  31,
  32,
  127,
  128,
  255,
  256,
  999,
  1000,
  65535,
  65536,
  1e6,
  1e6 + 1,
  86_400_000,
);
const oddNumber = fc.constantFrom(
  -0,
  -1,
  -33,
  1.5,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  8.64e15,
  8.64e15 + 1,
);
const anyNumber = fc.oneof({ weight: 10, arbitrary: number }, oddNumber);
const oddValue = fc.constantFrom<unknown>(null, true, [], {}, "", "x", 1, -1, 1.5);
const odd = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 30, arbitrary }, oddValue);

const line = fc.record({ product: odd(nearlyId), qty: odd(anyNumber) });
const lines = fc.oneof(
  { weight: 20, arbitrary: fc.array(line, { minLength: 1, maxLength: 4 }) },
  fc.array(fc.constant({ product: "p", qty: 1 }), { minLength: 0, maxLength: 120 }),
);
const params = fc.record(
  {
    key: odd(nearlyId),
    account: odd(nearlyId),
    lines: odd(lines),
    pay: odd(fc.constantFrom("later", "balance", "now")),
    mode: odd(fc.constantFrom("tcc", "saga", "tcx")),
    payWithinMs: odd(anyNumber),
    expectedTotal: odd(
      fc.constantFrom("99.99", "0", "1e3", "-1", "", ".", "9".repeat(31), "9".repeat(32), "9".repeat(41)),
    ),
    at: odd(fc.oneof(anyNumber, fc.integer({ min: 1_790_000_000_000, max: 1_790_000_900_000 }))),
    dryRun: odd(fc.boolean()),
    operator: odd(nearlyId),
    other: fc.constant(1),
  },
  { requiredKeys: ["key", "account", "lines"] },
);

/** Fields in another order, as a caller may write them. */
const shuffled = (value: fc.Arbitrary<object>) =>
  fc.tuple(value, fc.boolean(), fc.infiniteStream(fc.nat())).map(([object, shuffle, order]) =>
    shuffle
      ? Object.fromEntries(
          Object.entries(object)
            .map((entry) => [order.next().value, entry] as const)
            .sort((a, b) => a[0] - b[0])
            .map(([, entry]) => entry),
        )
      : object,
  );

const request = fc.record(
  {
    id: fc.oneof({ weight: 10, arbitrary: anyNumber }, id, nearlyId),
    method: fc.oneof(
      { weight: 20, arbitrary: fc.constant("order.place") },
      fc.constantFrom("order.pay", "x"),
    ),
    params: odd(shuffled(params)),
    deadlineMs: fc.constantFrom(1, 1000),
  },
  { requiredKeys: ["id", "method", "params"] },
);
const frame = fc.oneof(request, fc.array(request, { minLength: 1, maxLength: 5 }));
const encoded = fc
  .tuple(frame, fc.boolean())
  .map(([value, short]) => (short ? msgpackShort : msgpack).encode(value));

const usualParams = {
  key: "k1",
  account: "a1",
  lines: [{ product: "p1", qty: 200 }],
  pay: "balance",
  mode: "saga",
  payWithinMs: 60_000,
  expectedTotal: "19.98",
  at: 1_790_000_000_000,
  dryRun: false,
};
const usual = { id: 300, method: "order.place", params: usualParams };

const boundaries: unknown[] = [
  ...[
    0, -0, 1, -1, -32, -33, 127, 128, 255, 256, 999, 1000, 1001, 65_535, 65_536, 999_999, 1_000_000,
    1_000_001,
  ],
  ...[
    86_399_999,
    86_400_000,
    86_400_001,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 1,
    1.5,
    1e300,
  ],
  ...[
    8.64e15 - 1,
    8.64e15,
    8.64e15 + 1,
    1_790_000_000_000,
    1_790_000_000_000.5,
    Number.NaN,
    5n,
    2n ** 53n,
    2n ** 63n,
  ],
  ...[
    "",
    "a",
    "a b",
    "a\n",
    "é",
    "一分",
    ".",
    "9.99",
    "later",
    "balance",
    "tcc",
    "saga",
    "Later",
    "order.place",
  ],
  ...[31, 32, 40, 41, 63, 64, 65, 255, 256].flatMap((length) => ["9".repeat(length), "x".repeat(length)]),
  ...[
    null,
    true,
    false,
    [],
    {},
    [1],
    { a: 1 },
    [usualParams.lines[0]],
    new Array(100).fill(usualParams.lines[0]),
  ],
  ...[
    new Array(101).fill(usualParams.lines[0]),
    [{ product: "p" }],
    [{ qty: 1 }],
    [{ qty: 1, product: "p" }],
  ],
  [{ product: "p", qty: 1, more: 1 }],
];

test.each(Object.keys(usualParams))("every boundary value as params.%s: both ways read the same", (field) => {
  for (const value of boundaries) {
    for (const encoding of [msgpack, msgpackShort]) {
      decodeBothWays(encoding.encode({ ...usual, params: { ...usualParams, [field]: value } }));
    }
  }
});

test("every boundary value in a line, as id, method or params: both ways read the same", () => {
  for (const value of boundaries) {
    for (const encoding of [msgpack, msgpackShort]) {
      decodeBothWays(encoding.encode({ ...usual, id: value }));
      decodeBothWays(encoding.encode({ ...usual, method: value }));
      decodeBothWays(encoding.encode({ ...usual, params: value }));
      for (const line of [
        { product: value, qty: 1 },
        { product: "p", qty: value },
      ]) {
        decodeBothWays(encoding.encode({ ...usual, params: { ...usualParams, lines: [line] } }));
      }
    }
  }
});

test("every field left out, or written twice with another value or the same: both ways read the same", () => {
  const entries = Object.entries(usualParams);
  for (const [name] of entries) {
    const rest = entries.filter(([other]) => other !== name);
    decodeBothWays(withParams(rest));
    for (const [again, value] of entries) decodeBothWays(withParams([...entries, [again, value]]));
  }
  // No more fields than the method has, so that only the repetition is wrong.
  const required = entries.slice(0, 3);
  for (const [again, value] of entries) {
    const [, other] = again === "mode" ? [again, "tcc"] : again === "pay" ? [again, "later"] : [again, value];
    decodeBothWays(withParams([...required, [again, value], [again, other]]));
  }
  for (const again of [{ mode: "tcc" }, { pay: "later" }, { at: 5 }, { dryRun: true }, { key: "k2" }]) {
    decodeBothWays(withParams([...entries, ...Object.entries(again)]));
  }
});

/** The usual request with these params, repeated ones included. */
function withParams(entries: [string, unknown][]): Buffer {
  return Buffer.concat([
    Buffer.of(0x83),
    ...["id", 300, "method", "order.place", "params"].map(msgpackShort.encode),
    Buffer.of(0x80 | entries.length),
    ...entries.flat().map(msgpackShort.encode),
  ]);
}

test("generated frames: the short way of order.place and the general way read the same", () => {
  fc.assert(fc.property(encoded, decodeBothWays), { numRuns: 6_000 });
});

test("mutated frames: the short way of order.place and the general way read the same", () => {
  const mutation = fc.record({
    at: fc.nat(),
    to: fc.nat(255),
    kind: fc.constantFrom("set", "cut", "insert", "double"),
  });
  fc.assert(
    fc.property(encoded, fc.array(mutation, { minLength: 1, maxLength: 3 }), (bytes, mutations) => {
      decodeBothWays(mutations.reduce(mutate, bytes));
    }),
    { numRuns: 10_000 },
  );
});

test("every single-byte change of one frame: both ways read the same", () => {
  const bytes = msgpackShort.encode(usual);
  for (let at = 0; at < bytes.length; at++) {
    for (let to = 0; to < 256; to++) {
      const changed = Buffer.from(bytes);
      changed[at] = to;
      decodeBothWays(changed);
    }
  }
});

test("usual requests do take the short way, from any encoder", () => {
  const common = {
    id: 70_000,
    method: "order.place",
    params: {
      account: "buyer-1",
      key: "k-0123456789abcdef0123456789abcdef",
      lines: Array.from({ length: 20 }, (_, i) => ({ product: `sku-${i}`, qty: i + 1 })),
      pay: "later",
      payWithinMs: 60_000,
      expectedTotal: "19.98",
      at: 1_790_000_000_000,
    },
  };
  for (const encoding of [msgpack, msgpackShort]) {
    const bytes = encoding.encode(common);
    const reader = new PlaceReader(bytes);
    reader.begin(bytes.length, 0);
    expect(reader.read(requester)).toMatchObject({
      id: 70_000,
      ...common.params,
      mode: "tcc",
      dryRun: false,
    });
    expect(reader.at).toBe(bytes.length);
  }
});

test("a string seen before under the same hash is not taken for another", () => {
  // "Aa" and "BB" have one hash under h * 31 + c.
  for (const product of ["Aa", "BB", "AaAa", "BBBB", "AaBB", "BBAa", "Aa"]) {
    const bytes = msgpack.encode({
      id: 1,
      method: "order.place",
      params: { key: "k", account: product, lines: [{ product, qty: 1 }] },
    });
    const reader = new PlaceReader(bytes);
    reader.begin(bytes.length, 0);
    expect(reader.read(requester)).toMatchObject({
      account: product,
      lines: [{ product }],
    });
  }
});

function mutate(bytes: Buffer, mutation: { at: number; to: number; kind: string }): Buffer {
  const at = mutation.at % (bytes.length + 1);
  switch (mutation.kind) {
    case "cut":
      return bytes.subarray(0, at);
    case "insert":
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(mutation.to), bytes.subarray(at)]);
    case "double":
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(0, at), bytes.subarray(at)]);
    default: {
      const changed = Buffer.from(bytes);
      if (at < bytes.length) changed[at] = mutation.to;
      return changed;
    }
  }
}
