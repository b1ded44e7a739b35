import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader } from "../../actors/byte-reader.js";
import { ByteWriter } from "../../actors/byte-writer.js";
import { readFacts, writeFact, writeTurn } from "../../actors/fact-codec.js";
import { catalogue, type Fact, type FactKind, Facts } from "../../actors/facts.js";

/** One of every fact ever written, as the objects that the bytes of `facts-every.hex` must still mean. */
const every: { readonly [K in FactKind]: object } = {
  accountNamed: { type: 1, id: "ann" },
  accountOpened: { type: 2, account: 0, currency: 3 },
  accountDeposited: { type: 3, account: 127, amount: 128, ref: "r-1" },
  accountWithdrawn: { type: 4, account: 16383, amount: 16384, ref: "r:2" },
  productCreated: {
    type: 5,
    id: "tea",
    name: "龙井 Tea",
    price: 9007199254740991,
    currency: 49,
    stock: 1000000000,
    limitPerAccount: 2,
    saleStartsAt: 1767225600000,
    saleEndsAt: 8640000000000000,
  },
  productKnown: { type: 6, id: "cup", name: "Cup", currency: 0 },
  productRestocked: { type: 7, product: 1, qty: 1000000, available: 1000001 },
  productRepriced: { type: 8, product: 1, price: 0 },
  productUpdated: {
    type: 120,
    product: 1,
    version: 2,
    name: "龙井 Tea",
    price: 1250,
    limitPerAccount: 2,
    saleStartsAt: 0,
    saleEndsAt: 1767225600000,
    backorder: 1000000000,
    operator: "ops.li",
  },
  stockAdjusted: {
    ...{ type: 123, product: 1, qty: 7, up: 0, available: -5, reason: 5, counted: 3 },
    ...{ ref: "count-1", operator: "ops.li", remark: "shelf 3" },
  },
  backorderAllowed: { type: 124, product: 1, backorder: 1000000000 },
  productDelisted: { type: 121, product: 1, version: 3, operator: "ops.li" },
  productRelisted: { type: 122, product: 1, version: 4, operator: "" },
  stockHeld: { type: 9, product: 1, order: 1611, account: 0, qty: 2, available: 8 },
  stockSold: { type: 10, product: 1, order: 1611, account: 0, qty: 2, available: 8 },
  stockConfirmed: { type: 11, product: 1, order: 1611, account: 0, qty: 2, available: 8 },
  stockReleased: { type: 12, product: 1, order: 1611, account: 0, qty: 2, available: 10 },
  orderPlaced: {
    type: 13,
    order: 1611,
    account: 0,
    currency: 0,
    total: 4498,
    paid: 0,
    status: 1,
    payBy: 1767226500000,
    expiresAt: 1767226530000,
    lines: [
      { product: 0, qty: 2, unitPrice: 999 },
      { product: 1, qty: 1, unitPrice: 2500 },
    ],
  },
  moneyCaptured: { type: 14, account: 0, order: 1611, amount: 4498 },
  orderPaid: { type: 15, order: 1611, amount: 4498 },
  orderCanceled: { type: 16, order: 1611, cause: 1, reason: "changed my mind" },
  keyKept: {
    type: 17,
    space: 1,
    subject: 0,
    key: "k-1",
    method: 4,
    paramsHash: 9007199254740990,
    at: 1767225600000,
    code: 22,
    order: 0,
    text: '{"available":"1.00"}',
  },
  keysDropped: { type: 18, count: 1000 },
  orderBegun: {
    type: 19,
    order: 1611,
    account: 0,
    payNow: 1,
    payBy: 1767226500000,
    expiresAt: 1767226530000,
    expectedTotal: "9.99",
    key: "k-1",
    paramsHash: 1,
    at: 0,
    lines: [{ productId: "tea", qty: 1 }],
  },
  orderDescribed: { type: 100, order: 1611, account: 1, ref: "PO-7", data: '{"address":"here"}' },
  orderDescriptionKept: { type: 101, order: 1611, ref: "PO-7", data: "" },
  orderAdjusted: {
    type: 110,
    order: 1611,
    account: 1,
    currency: 0,
    parts: [
      { extra: "", name: "", amount: 900, tax: 100 },
      { extra: "shipping", name: "van", amount: 500, tax: 0 },
    ],
    applied: "[]",
  },
  orderAdjustmentsKept: { type: 111, order: 1611, asked: "{}" },
  operatorNamed: { type: 96, order: 1611, operator: "ops.li" },
  tokenIssued: { type: 86 },
  tokenClaimed: { type: 95, issuedAt: 1_767_225_600_000_000, owner: "ann" },
  clockJumped: { type: 87, ms: 172_800_000 },
  reinstatementBegun: {
    ...{ type: 83, order: 1611, payment: 6, provider: "alipay", paymentId: "2026-1", currency: 0 },
    ...{ amount: 4498, expiresAt: 1_767_225_600_000 },
  },
  reinstatementEnded: { type: 84, order: 1611, how: 1 },
  branchBegun: { type: 85, order: 1611, branch: 3 },
  branchAnswered: {
    type: 20,
    order: 1611,
    branch: 99,
    product: 1,
    unitPrice: 999,
    code: 21,
    text: '{"available":0}',
  },
  orderRefused: { type: 21, order: 1611 },
  messageSent: { type: 22, peer: 2, body: Uint8Array.of(1, 203, 12, 0, 255) },
  messageReceived: { type: 23, peer: 2, upTo: 9 },
  messagesAcked: { type: 24, peer: 2, upTo: 9 },
  branchTried: { type: 25, order: 1611, branch: 0, product: 1, account: 3, qty: 2 },
  branchEnded: { type: 26, order: 1611, branch: 0, how: 2 },
  orderMoved: {
    type: 27,
    order: 1611,
    event: 7,
    to: 4,
    dueAt: 1767830400000,
    operator: "ops.li",
    remark: "in two boxes",
    tracking: "SF-1",
  },
  orderArchived: { type: 28, order: 1611, currency: 0, amount: 4498 },
  paymentBooked: {
    type: 29,
    payment: 1,
    provider: "alipay",
    paymentId: "2026-1",
    reference: "o1611",
    currency: 0,
    amount: 4498,
  },
  paymentForwarded: {
    type: 80,
    payment: 1,
    provider: "alipay",
    paymentId: "2026-1",
    currency: 0,
    amount: 4498,
    peer: 2,
  },
  paymentArrived: {
    type: 81,
    payment: 1,
    provider: "alipay",
    paymentId: "2026-1",
    reference: "o1611",
    currency: 0,
    amount: 4498,
    peer: 0,
  },
  paymentApplied: {
    type: 30,
    payment: 1,
    order: 1611,
    provider: "alipay",
    paymentId: "2026-1",
    currency: 0,
    amount: 4498,
  },
  orderSettled: { type: 31, order: 1611 },
  orderReinstated: { type: 32, order: 1611 },
  refundRequested: {
    type: 33,
    refund: 1611,
    order: 1611,
    source: 1,
    account: 0,
    currency: 0,
    amount: 1998,
    provider: "alipay",
    paymentId: "2026-1",
    restock: 1,
    reason: "broken",
    shares: [{ line: 0, qty: 2, amount: 1998 }],
  },
  refundDone: {
    type: 34,
    refund: 1611,
    order: 1611,
    source: 1,
    account: 0,
    currency: 0,
    amount: 1998,
    provider: "alipay",
    ref: "rf-9",
  },
  refundRefused: {
    type: 35,
    refund: 1611,
    order: 1611,
    source: 2,
    account: 0,
    currency: 0,
    amount: 1998,
    provider: "",
    ref: "",
  },
  refundUnknown: { type: 36, refund: 1611, error: "no answer in 10 s" },
  stockReturned: { type: 37, product: 1, order: 1611, account: 0, qty: 2, available: 10 },
  pointsGranted: { type: 38, account: 0, order: 1611, points: 44 },
  pointsReversed: { type: 39, account: 0, order: 1611, points: 19 },
  pointsSpent: { type: 40, account: 0, points: 5, ref: "p-1" },
  humanOpened: {
    type: 41,
    item: 1024,
    kind: 1,
    subject: "alipay:2026-1",
    currency: 0,
    amount: 4498,
    units: 0,
    attempts: 0,
    error: "no such order",
    evidence: "{}",
  },
  humanResolved: { type: 42, item: 1024, action: 2, reason: "sent back", evidence: "", operator: "ops.li" },
  entryMade: { type: 43, item: 1024, from: "suspense", to: "wallet:ann", currency: 0, amount: 4498 },
  paymentClaimed: { type: 82, item: 1024, reference: "o1611" },
  callMade: {
    type: 44,
    call: 1024,
    owner: 2,
    subject: 1611,
    part: 9,
    name: "refund:alipay",
    input: '{"refund":"r1611"}',
  },
  callFailed: { type: 45, call: 1024, dueAt: 1767225600100, error: "no answer within 30000 ms" },
  callEnded: { type: 46, call: 1024, how: 1, text: '{"ref":"2026-1"}' },
  callRepeated: { type: 47, call: 1024 },
  callStuck: { type: 48, call: 1024 },
  transactionBegun: {
    type: 50,
    transaction: 1611,
    account: 0,
    mode: 2,
    name: "gift",
    input: '{"to":"ben"}',
    plan: '[{"name":"take","kind":"stock"}]',
    deadline: 1767226200000,
    key: "k-1",
    paramsHash: 9007199254740990,
    at: 1767225600000,
  },
  partBegun: { type: 51, transaction: 1611, part: 31 },
  partAnswered: { type: 52, transaction: 1611, part: 0, how: 2, text: '{"code":"insufficient_stock"}' },
  transactionDecided: { type: 53, transaction: 1611, how: 2, text: '{"part":"take"}' },
  partEnding: { type: 54, transaction: 1611, part: 0 },
  partSettled: { type: 55, transaction: 1611, part: 0, how: 4 },
  partFailed: { type: 56, transaction: 1611, part: 0, dueAt: 1767225600100, error: "insufficient_funds" },
  partRepeated: { type: 57, transaction: 1611, part: 0 },
  partStuck: { type: 58, transaction: 1611, part: 0 },
  transactionEnded: { type: 59, transaction: 1611, how: 1 },
  fenceSet: {
    type: 60,
    transaction: 1611,
    branch: 1,
    mode: 1,
    state: 2,
    what: 3,
    subject: 7,
    account: 3,
    amount: 4498,
    to: 3,
    deadline: 1767226200000,
    code: 22,
    text: '{"available":"1.00"}',
  },
  fenceMoved: { type: 61, transaction: 1611, branch: 1, state: 4 },
  fencesDropped: { type: 62, count: 1000 },
  unitsTransferred: {
    type: 63,
    transaction: 1611,
    branch: 0,
    product: 1,
    account: 3,
    qty: 2,
    available: 8,
    from: 1,
    to: 2,
  },
  moneyTransferred: {
    type: 64,
    transaction: 1611,
    branch: 1,
    account: 3,
    currency: 0,
    amount: 4498,
    from: 1,
    to: 2,
  },
};

const kinds = Object.keys(catalogue) as FactKind[];

function encode(facts: readonly Fact[]): Uint8Array {
  const to = new ByteWriter(16);
  for (const fact of facts) writeFact(fact, to);
  return to.view().slice();
}

function decode(body: Uint8Array): Fact[] {
  const facts: Fact[] = [];
  readFacts(body, 1, (fact) => facts.push(fact));
  return facts;
}

/** Lines of "name hex", written by the build that first wrote the fact. */
const written = new Map(
  readFileSync(new URL("./facts-every.hex", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string]),
);

test.each(kinds)("%s of an old log still means what it meant", (kind) => {
  const hex = written.get(catalogue[kind].name);
  expect(hex, `facts-every.hex has no ${catalogue[kind].name}`).toBeDefined();
  expect(decode(Buffer.from(hex!, "hex"))).toEqual([every[kind]]);
});

test.each(kinds)("%s is written as it was", (kind) => {
  expect(Buffer.from(encode([every[kind] as Fact])).toString("hex")).toBe(written.get(catalogue[kind].name));
});

test("numbers and names are unique, fit into a byte and leave 0 to the turn", () => {
  const rows = Object.values(catalogue);
  expect(new Set(rows.map((row) => row.number)).size).toBe(rows.length);
  expect(new Set(rows.map((row) => row.name)).size).toBe(rows.length);
  for (const { number } of rows) expect(number > 0 && number < 256).toBe(true);
  for (const kind of kinds) expect(Facts[kind]).toBe(catalogue[kind].number);
});

test.each(["\ufeff", "\ufeffTea", `\ufeff${"龙井".repeat(30)}`, "Tea\ufeff", "\u0000", "\u2028", "😀"])(
  "a text %j is read back as it was written, whatever it begins with",
  (text) => {
    const fact = { type: Facts.accountNamed, id: text } as const;
    expect(decode(encode([fact]))).toEqual([fact]);
  },
);

const fields = {
  uint: fc.oneof(
    fc.maxSafeNat(),
    fc.nat(300),
    fc.constantFrom(127, 128, 16383, 16384, 2 ** 28, 2 ** 32, 2 ** 49),
  ),
  units: fc.oneof(fc.nat(1_000_000), fc.integer({ min: -1e12, max: 1e12 }), fc.constantFrom(-1, 0, 1e12)),
  text: fc.oneof(fc.string({ unit: "binary", maxLength: 50 }), fc.string({ maxLength: 300 })),
  bytes: fc.uint8Array({ maxLength: 300 }),
  lines: fc.array(
    fc.record({ product: fc.nat(), qty: fc.nat(), unitPrice: fc.maxSafeNat() }, { noNullPrototype: true }),
    {
      maxLength: 100,
    },
  ),
  shares: fc.array(
    fc.record({ line: fc.nat(), qty: fc.nat(), amount: fc.maxSafeNat() }, { noNullPrototype: true }),
    { maxLength: 100 },
  ),
  parts: fc.array(
    fc.record(
      { extra: fc.string(), name: fc.string(), amount: fc.maxSafeNat(), tax: fc.nat() },
      { noNullPrototype: true },
    ),
    { maxLength: 100 },
  ),
  asked: fc.array(fc.record({ productId: fc.string(), qty: fc.nat() }, { noNullPrototype: true }), {
    maxLength: 100,
  }),
};

const anyFact = fc.oneof(
  ...Object.values(catalogue).map(({ number, fields: layout }) =>
    fc.record(
      {
        type: fc.constant(number),
        ...Object.fromEntries(Object.entries(layout).map(([name, kind]) => [name, fields[kind]])),
      },
      { noNullPrototype: true },
    ),
  ),
) as unknown as fc.Arbitrary<Fact>;

test("any facts in any turns are read back as they were written, with their times and positions", () => {
  const turns = fc.array(
    fc.record({
      after: fc.integer({ min: 1, max: 10 ** 9 }),
      facts: fc.array(anyFact, { minLength: 1, maxLength: 5 }),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(turns, fc.integer({ min: 1, max: 2 ** 40 }), (given, first) => {
      const to = new ByteWriter(8);
      const expected: unknown[] = [];
      let time = 1_767_225_600_000_000;
      let before = 0;
      for (const { after, facts } of given) {
        time += after;
        writeTurn(time, before, to);
        before = time;
        for (const fact of facts) {
          writeFact(fact, to);
          expected.push([fact, time, first + expected.length]);
        }
      }
      const read: unknown[] = [];
      const next = readFacts(to.view(), first, (fact, at, position) => read.push([fact, at, position]));
      expect(read).toEqual(expected);
      expect(next).toBe(first + expected.length);
    }),
    { numRuns: 1000 },
  );
});

test("a body that is cut short anywhere inside a fact is refused, never read as less", () => {
  for (const kind of kinds) {
    const body = encode([every[kind] as Fact]);
    for (let length = 1; length < body.length; length++) {
      expect(() => decode(body.subarray(0, length)), `${kind} cut at ${length}`).toThrow(RangeError);
    }
  }
});

test("a fact of a newer build is named, not skipped", () => {
  expect(() => decode(Uint8Array.of(255))).toThrow(/fact number 255 is not known/);
});

test("a number over 2^53-1 and bytes that are not UTF-8 are refused", () => {
  expect(() => new ByteReader(new Uint8Array(8).fill(255)).uint()).toThrow(/2\^53-1|ends inside/);
  expect(() => new ByteReader(Uint8Array.of(1, 0xff)).text()).toThrow();
});
