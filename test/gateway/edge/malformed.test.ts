import { describe, expect, test } from "vitest";
import { encodings, json, msgpack } from "../codecs/encodings.js";
import { nextTurn, wire } from "./echo-engine.js";

const place = {
  id: 7,
  method: "order.place",
  params: { key: "k1", account: "a1", lines: [{ product: "p1", qty: 2 }] },
};

const utf8 = (text: string) => Buffer.from(text);
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const head = '{"id":7,"method":"order.get","params":{"order":"o1"';

/** Frames that are answered under id 7, and what the answer says. */
const answered: readonly (readonly [string, Buffer, RegExp])[] = [
  ["a key twice", utf8(`${head},"order":"o2"}}`), /twice/],
  ["a key twice, once escaped", utf8(`${head},"\\u006frder":"o2"}}`), /twice/],
  [
    "a colon in a string does not hide a key that is there twice",
    utf8(`${head},"a":":","order":"\\":"}}`),
    /twice/,
  ],
  ["__proto__", utf8(`${head},"__proto__":{"x":1}}}`), /__proto__/],
  ["__proto__, escaped", utf8(`${head},"__pr\\u006fto__":1}}`), /__proto__/],
  ["NaN", utf8(`${head},"a":NaN}}`), /not JSON/],
  ["a number beyond float64", utf8(`${head},"a":1e400}}`), /finite/],
  ["an integer beyond 2^53", utf8(`${head},"a":9007199254740993}}`), /53 bits/],
  ["half a surrogate pair", utf8(`${head},"a":"\\ud800"}}`), /Unicode/],
  ["half a surrogate pair in a key", utf8(`${head},"\\udc00":1}}`), /Unicode/],
  ["bytes that are not UTF-8", Buffer.concat([utf8(`${head},"a":"`), hex("c328"), utf8('"}}')]), /UTF-8/],
  ["an encoded surrogate", Buffer.concat([utf8(`${head},"a":"`), hex("eda080"), utf8('"}}')]), /UTF-8/],
  ["nested 9 deep", utf8(`${head},"a":[[[[[[[]]]]]]]}}`), /nested/],
  ["nested 100,000 deep", utf8(`${head},"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`), /nested/],
  ["an array of 1,025", utf8(`${head},"a":[${"0,".repeat(1024)}0]}}`), /array of more/],
  [
    "an object of 33 fields",
    utf8(`${head},${Array.from({ length: 33 }, (_, i) => `"f${i}":0`)}}}`),
    /object of more/,
  ],
  ["two values", utf8(`${head}}}{}`), /not JSON/],
  ["a cut value", utf8(head), /not JSON/],
  ["a byte order mark inside", utf8(`${head}\ufeff}}`), /not JSON/],
];

/** {"id": 7, "x": VALUE} */
const withValue = (value: string) => hex(`82 a2 6964 07 a1 78 ${value}`);

const answeredBinary: readonly (readonly [string, Buffer, RegExp])[] = [
  ["bin 8", withValue("c4 01 00"), /0xc4/],
  ["bin 16", withValue("c5 0001 00"), /0xc5/],
  ["bin 32", withValue("c6 00000001 00"), /0xc6/],
  ["ext 8", withValue("c7 01 05 00"), /0xc7/],
  ["fixext 1", withValue("d4 00 00"), /0xd4/],
  ["a timestamp", withValue("d6 ff 00000000"), /0xd6/],
  ["msgpackr's record", withValue("d4 72 40 91 a1 61 01"), /0xd4/],
  ["fixext 16", withValue(`d8 00 ${"00".repeat(16)}`), /0xd8/],
  ["the byte that is never used", withValue("c1"), /0xc1/],
  ["float32", withValue("ca 3f800000"), /0xca/],
  ["NaN", withValue("cb 7ff8000000000000"), /finite/],
  ["infinity", withValue("cb 7ff0000000000000"), /finite/],
  ["a float64 that is an integer beyond 2^53", withValue("cb 4340000000000000"), /53 bits/],
  ["uint64 2^53", withValue("cf 0020000000000000"), /53 bits/],
  ["uint64 2^64-1", withValue("cf ffffffffffffffff"), /53 bits/],
  ["int64 -2^53", withValue("d3 ffe0000000000000"), /53 bits/],
  ["a key twice", hex("83 a2 6964 07 a1 78 01 a1 78 02"), /twice/],
  ["a key twice, written differently", hex("83 a2 6964 07 a1 78 01 d901 78 02"), /twice/],
  ["an integer as key", hex("82 a2 6964 07 01 02"), /not a string/],
  ["nil as key", hex("82 a2 6964 07 c0 02"), /not a string/],
  ["__proto__", withValue(`81 a9 ${utf8("__proto__").toString("hex")} 80`), /__proto__/],
  ["a string that is not UTF-8", withValue("a2 c328"), /UTF-8/],
  ["an overlong encoding", withValue("a2 c080"), /UTF-8/],
  ["an encoded surrogate", withValue("a3 eda080"), /UTF-8/],
  ["nested 9 deep", withValue("91 91 91 91 91 91 91 91 c0"), /nested/],
  ["a string longer than the frame", withValue("db ffffffff 61"), /beyond the end/],
  ["an array longer than the frame", withValue("dc 0400 c0"), /end inside/],
  ["an array of 2^32-1", withValue("dd ffffffff"), /array of more/],
  ["a map of 2^32-1", withValue("df ffffffff"), /map of more/],
  ["a cut length", withValue("da 00"), /end inside/],
  ["a cut number", withValue("cf 00"), /end inside/],
  ["no value", withValue(""), /end inside/],
  ["bytes behind the value", hex("81 a2 6964 07 c0"), /behind/],
];

/** Frames without an id under which they could be answered: the connection is closed with 4400. */
const closed: readonly (readonly [string, Buffer])[] = [
  ["nothing", utf8("")],
  ["not JSON at all", utf8("hello")],
  ["a number", utf8("7")],
  ["null", utf8("null")],
  ["an empty array", utf8("[]")],
  ["an array in an array", utf8("[[]]")],
  ["no id", utf8('{"method":"session.ping"}')],
  ["an id that is a fraction", utf8('{"id":1.5,"method":"session.ping"}')],
  ["an id that is an object", utf8('{"id":{},"method":"session.ping"}')],
  ["an empty id", utf8('{"id":"","method":"session.ping"}')],
  ["an id of 65 characters", utf8(`{"id":"${"x".repeat(65)}","method":"session.ping"}`)],
  ["an id beyond 2^53", utf8('{"id":9007199254740993,"method":"session.ping"}')],
  ["one request of a batch without id", utf8('[{"id":1,"method":"session.ping"},{"method":"session.ping"}]')],
  ["a batch with a key twice", utf8('[{"id":1,"method":"session.ping","method":"session.ping"}]')],
  ["1,025 requests", utf8(`[${Array(1025).fill('{"id":1,"method":"session.ping"}')}]`)],
];

const closedBinary: readonly (readonly [string, Buffer])[] = [
  ["nothing", hex("")],
  ["text", utf8('{"id":7}')],
  ["a number", hex("07")],
  ["an empty array", hex("90")],
  ["an empty array 32", hex("dd 00000000")],
  ["an array in an array", hex("91 90")],
  ["2^32-1 requests", hex("dd ffffffff")],
  ["a cut array head", hex("dc 00")],
  ["no id", msgpack.encode({ method: "session.ping" })],
  ["an id that is a map", hex("81 a2 6964 80")],
  ["an id that is nil", hex("81 a2 6964 c0")],
  ["an id beyond 2^53", hex("81 a2 6964 cf 0020000000000000")],
  ["an id cut off", hex("81 a2 6964")],
  ["a bin in a batch", hex("91 82 a2 6964 07 a1 78 c4 01 00")],
  ["bytes behind a batch", Buffer.concat([msgpack.encode([place]), hex("c0")])],
  ["a good order before a bad request", Buffer.concat([hex("92"), msgpack.encode(place), hex("c1")])],
];

describe.each([
  ["yifen.json", json, answered],
  ["yifen.msgpack", msgpack, answeredBinary],
] as const)(
  "SESSION-2: %s: a malformed request with a readable id is answered and nothing is executed",
  (_, encoding, table) => {
    test.each(table)("%s", async (_name, bytes, reason) => {
      const wired = wire(encoding.codec);
      wired.session.receive(bytes, encoding.codec.binary);
      await nextTurn();
      expect(wired.frames.map(encoding.decode)).toMatchObject([
        {
          id: 7,
          status: 400,
          error: {
            code: "invalid_request",
            executed: false,
            retryable: false,
            details: { path: "frame", reason: expect.stringMatching(reason) },
          },
        },
      ]);
      expect(wired.engine.count).toBe(0);
      expect(wired.ends).toEqual([]);
      expect(wired.defects).toEqual([]);
    });
  },
);

describe.each([
  ["yifen.json", json, closed],
  ["yifen.msgpack", msgpack, closedBinary],
] as const)(
  "SESSION-2: %s: a frame without a readable id closes the connection and nothing is executed",
  (_, encoding, table) => {
    test.each(table)("%s", async (_name, bytes) => {
      const wired = wire(encoding.codec);
      wired.session.receive(bytes, encoding.codec.binary);
      await nextTurn();
      expect(wired.frames).toEqual([]);
      expect(wired.engine.count).toBe(0);
      expect(wired.ends).toEqual([{ code: 4400, reason: expect.stringMatching(/.{5,123}/) }]);
      expect(wired.defects).toEqual([]);
    });
  },
);

/** Well-formed requests that do not fit: answered under their own id, the connection goes on. */
const unfit: readonly (readonly [string, object, string, string])[] = [
  ["an unknown envelope field", { ...place, extra: 1 }, "invalid_request", "extra"],
  ["an unknown method", { ...place, method: "order.steal" }, "invalid_request", "method"],
  ["a method that is a number", { ...place, method: 5 }, "invalid_request", "method"],
  ["an inherited name as method", { ...place, method: "toString" }, "invalid_request", "method"],
  ["no method", { id: 7 }, "invalid_request", "method"],
  ["a deadline of 0", { ...place, deadlineMs: 0 }, "invalid_request", "deadlineMs"],
  ["a deadline that is a string", { ...place, deadlineMs: "1" }, "invalid_request", "deadlineMs"],
  ["params that are an array", { ...place, params: [] }, "invalid_request", "params"],
  ["params that are null", { ...place, params: null }, "invalid_request", "params"],
  ["no params", { id: 7, method: "order.place" }, "invalid_request", "params.key"],
  ["an unknown param", placeWith({ kye: "k" }), "invalid_request", "params.kye"],
  ["an id with a space", placeWith({ account: "a b" }), "invalid_request", "params.account"],
  ["an id with a newline at its end", placeWith({ account: "ab\n" }), "invalid_request", "params.account"],
  ["an empty id", placeWith({ key: "" }), "invalid_request", "params.key"],
  ["an id of 65 characters", placeWith({ key: "k".repeat(65) }), "invalid_request", "params.key"],
  ["no lines", placeWith({ lines: [] }), "invalid_request", "params.lines"],
  [
    "101 lines",
    placeWith({ lines: Array(101).fill({ product: "p", qty: 1 }) }),
    "invalid_request",
    "params.lines",
  ],
  ["a qty of 0", placeLine({ product: "p", qty: 0 }), "invalid_request", "params.lines[0].qty"],
  [
    "a qty of 1,000,001",
    placeLine({ product: "p", qty: 1_000_001 }),
    "invalid_request",
    "params.lines[0].qty",
  ],
  ["a qty of 1.5", placeLine({ product: "p", qty: 1.5 }), "invalid_request", "params.lines[0].qty"],
  ["a qty that is a string", placeLine({ product: "p", qty: "1" }), "invalid_request", "params.lines[0].qty"],
  ["a line without qty", placeLine({ product: "p" }), "invalid_request", "params.lines[0].qty"],
  [
    "a line with more",
    placeLine({ product: "p", qty: 1, price: 1 }),
    "invalid_request",
    "params.lines[0].price",
  ],
  ["an unknown way to pay", placeWith({ pay: "never" }), "invalid_request", "params.pay"],
  ["an unknown mode", placeWith({ mode: "2pc" }), "invalid_request", "params.mode"],
  ["a hold of 999 ms", placeWith({ payWithinMs: 999 }), "invalid_request", "params.payWithinMs"],
  [
    "a hold of more than a day",
    placeWith({ payWithinMs: 86_400_001 }),
    "invalid_request",
    "params.payWithinMs",
  ],
  ["a total that is a number", placeWith({ expectedTotal: 99.99 }), "invalid_amount", "params.expectedTotal"],
  [
    "a total of 41 characters",
    placeWith({ expectedTotal: "9".repeat(41) }),
    "invalid_amount",
    "params.expectedTotal",
  ],
  [
    "a wrong total and a wrong key",
    placeWith({ expectedTotal: 1, key: "" }),
    "invalid_request",
    "params.key",
  ],
  ["a price that is a number", productWith({ price: 1 }), "invalid_amount", "params.price"],
  ["no price", productWith({ price: undefined }), "invalid_request", "params.price"],
  ["a name of 201 characters", productWith({ name: "x".repeat(201) }), "invalid_request", "params.name"],
  ["an empty name", productWith({ name: "" }), "invalid_request", "params.name"],
  ["a negative stock", productWith({ stock: -1 }), "invalid_request", "params.stock"],
  ["a stock beyond 10^9", productWith({ stock: 1_000_000_001 }), "invalid_request", "params.stock"],
  ["a lower-case currency", productWith({ currency: "cny" }), "invalid_request", "params.currency"],
  ["a page of 501", list({ limit: 501 }), "invalid_request", "params.limit"],
  ["a page of 0", list({ limit: 0 }), "invalid_request", "params.limit"],
  ["a status that does not exist", list({ status: "paid" }), "invalid_request", "params.status"],
  [
    "a topic of nothing",
    { id: 7, method: "feed.subscribe", params: { topic: "x" } },
    "invalid_request",
    "params.topic",
  ],
];

describe.each(encodings)("%s: a request that does not fit its method names the field", (_, encoding) => {
  test.each(unfit)("%s", async (_name, request, code, path) => {
    const wired = wire(encoding.codec);
    wired.session.receive(encoding.encode(JSON.parse(JSON.stringify(request))), encoding.codec.binary);
    await nextTurn();
    expect(wired.frames.map(encoding.decode)).toMatchObject([
      { id: 7, status: 400, error: { code, executed: false, details: { path, reason: expect.any(String) } } },
    ]);
    expect(wired.engine.count).toBe(0);
    expect(wired.ends).toEqual([]);
  });
});

test("text on a MessagePack connection, or binary on a JSON one, closes it", async () => {
  for (const [, encoding] of encodings) {
    const wired = wire(encoding.codec);
    wired.session.receive(encoding.encode(place), !encoding.codec.binary);
    await nextTurn();
    expect(wired.ends).toMatchObject([{ code: 4400 }]);
  }
});

function placeWith(params: object): object {
  return { ...place, params: { ...place.params, ...params } };
}

function placeLine(line: object): object {
  return placeWith({ lines: [line] });
}

function productWith(params: object): object {
  const product = { product: "p", name: "n", price: "1.00", currency: "CNY", stock: 1 };
  return { id: 7, method: "product.create", params: { ...product, ...params } };
}

function list(params: object): object {
  return { id: 7, method: "order.list", params: { account: "a", ...params } };
}
