import fc from "fast-check";
import { Packr } from "msgpackr";
import { expect, test } from "vitest";
import { readAnswers, skipValue } from "../../bench/answers.js";

const packr = new Packr({ useRecords: false, variableMapSize: true, useFloat32: 0 });
const fixedMaps = new Packr({ useRecords: false });

interface Seen {
  id: number;
  status: number;
  code: string;
}

function read(message: Uint8Array): Seen[] {
  // The message stands between other bytes, as it does in the inbox.
  const bytes = Buffer.concat([Buffer.alloc(7, 0xc1), message, Buffer.alloc(9, 0xc1)]);
  const seen: Seen[] = [];
  readAnswers(bytes, 7, 7 + message.length, {
    answered: (id, status, from, at, length) =>
      seen.push({ id, status, code: Buffer.from(from).toString("latin1", at, at + length) }),
  });
  return seen;
}

const anything = fc.anything({
  key: fc.string({ maxLength: 40 }),
  values: [fc.integer(), fc.double(), fc.string({ maxLength: 400 }), fc.boolean(), fc.constant(null)],
  withBigInt: false,
  maxDepth: 4,
});
const id = fc.oneof(fc.nat(127), fc.nat(255), fc.nat(65_535), fc.nat(0xffffffff));
const success = fc.record({ id, status: fc.constant(200), result: anything });
const refusal = fc.record({
  id,
  status: fc.constantFrom(400, 409, 422, 503),
  error: fc.record({ code: fc.constantFrom("insufficient_stock", "overloaded", "x"), details: anything }),
});
const answer = fc.oneof(success, refusal, fc.record({ id, method: fc.string() }));

function expected(value: { id: number; status?: number; error?: { code: string } }): Seen {
  return { id: value.id, status: value.status ?? 0, code: value.error?.code ?? "" };
}

test("a value is stepped over to exactly its end, whatever it is", () => {
  fc.assert(
    fc.property(anything, fc.boolean(), (value, isVariable) => {
      const bytes = (isVariable ? packr : fixedMaps).pack(value);
      expect(skipValue(Buffer.concat([bytes, Buffer.alloc(5)]), 0)).toBe(bytes.length);
    }),
    { numRuns: 1000 },
  );
});

test("every answer of a message is found, alone or in an array, with maps of either size", () => {
  const messages = fc.oneof(answer, fc.array(answer, { maxLength: 40 }));
  fc.assert(
    fc.property(messages, fc.boolean(), (message, isVariable) => {
      const answers = Array.isArray(message) ? message : [message];
      expect(read((isVariable ? packr : fixedMaps).pack(message))).toEqual(answers.map(expected));
    }),
    { numRuns: 1000 },
  );
});

test("fields may come in any order", () => {
  const message = [
    { error: { message: "no", code: "insufficient_stock" }, status: 409, id: 3 },
    { result: { id: 99, status: 7 }, replayed: true, status: 200, id: 4 },
  ];
  expect(read(packr.pack(message))).toEqual([
    { id: 3, status: 409, code: "insufficient_stock" },
    { id: 4, status: 200, code: "" },
  ]);
});

test("successes of one length, then of another, then refusals: none is jumped over", () => {
  const order = (number: number) => ({ id: number, status: 200, result: { order: `o${number}` } });
  const refused = (number: number) => ({ id: number, status: 409, error: { code: "sale_ended" } });
  const message = [
    order(1),
    order(2),
    order(1000),
    order(70_000),
    refused(5),
    refused(6),
    order(7),
    order(8),
  ];
  expect(read(packr.pack(message)).map((seen) => seen.id)).toEqual([1, 2, 1000, 70_000, 5, 6, 7, 8]);
});

test.each<[string, Uint8Array]>([
  ["a string", packr.pack("hello")],
  ["an answer without an id", packr.pack({ status: 200, result: {} })],
  ["an id that is no integer", packr.pack({ id: "x", status: 409, error: { code: "overloaded" } })],
  ["a refusal without a code", packr.pack({ id: 1, status: 409, error: { message: "no" } })],
  ["fewer answers than announced", Buffer.concat([Buffer.from([0x92]), packr.pack({ id: 1, status: 409 })])],
  ["bytes after the last answer", Buffer.concat([packr.pack([{ id: 1, status: 409 }]), Buffer.from([0])])],
  ["an answer cut short", packr.pack([{ id: 1, status: 409, error: { code: "x" } }]).subarray(0, -1)],
  ["an extension type", Buffer.from([0x82, 0xa2, 0x69, 0x64, 0xd4, 0, 0, 0xa1, 0x61, 0])],
])("%s fails the measurement", (_, message) => {
  expect(() => read(message)).toThrow(/./);
});
