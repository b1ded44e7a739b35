import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { storedAnswerOnly } from "../../../engine/seams/commands.js";
import {
  drainLookupsMax,
  explainedPerTurn,
  inFlightMax,
  sendBufferBytesMax,
} from "../../../engine/seams/limits.js";
import { encodings, json, msgpack } from "../codecs/encodings.js";
import { EchoEngine, nextTurn, orderOf, wire } from "./echo-engine.js";

const place = (id: number | string, account = "a1") => ({
  id,
  method: "order.place",
  params: { key: `k-${id}`, account, lines: [{ product: "p1", qty: 2 }] },
});
const read = (id: number) => ({ id, method: "product.get", params: { product: "p1" } });
const ping = (id: number | string) => ({ id, method: "session.ping" });

describe.each(encodings)("%s", (_, encoding) => {
  const { codec, encode, decode } = encoding;
  const start = (engine?: EchoEngine) => {
    const wired = wire(codec, engine);
    const ask = (value: unknown) => wired.session.receive(encode(value), codec.binary);
    const got = () => wired.frames.splice(0).map(decode) as Record<string, unknown>[];
    return { ...wired, wired, ask, got };
  };

  test("SESSION-1: nothing leaves before flush, and a single request is answered by a single object", () => {
    const { ask, got, engine } = start();
    ask(place(1));
    const [command] = engine.submitted;
    engine.answer(command!);
    expect(got()).toEqual([]);
    command!.requester.flush();
    expect(got()).toMatchObject([
      { id: 1, status: 200, result: { order: "k-1", total: "199.98", payBy: expect.any(String) } },
    ]);
  });

  test("REQUESTER-1: what was given is the engine's again when the call returns, and may be changed", () => {
    const { ask, got, engine } = start();
    ask([place(1), { id: 2, method: "account.get", params: { account: "a1" } }]);
    const { requester } = engine.submitted[0]!;
    const view = orderOf("a1", "k-1", [{ product: "p1", qty: 2 }]) as unknown as {
      status: string;
      lines: object[];
    };
    const result = { available: "1.00" };
    requester.order(1, view as unknown as Parameters<typeof requester.order>[1], false);
    requester.result(2, result, false);
    view.status = "Paid";
    view.lines.length = 0;
    result.available = "2.00";
    requester.flush();
    expect(got().flat()).toMatchObject([
      { id: 1, result: { status: "Created", lines: [{ qty: 2 }] } },
      { id: 2, result: { available: "1.00" } },
    ]);
  });

  test("SESSION-2: of a frame full of mistakes so many are explained at a time, in order, and none twice", () => {
    const { session, ask, got, engine } = start();
    const wrong = (id: number) => ({ id, method: "order.plac" });
    const wrongs = Array.from({ length: 3 * explainedPerTurn }, (_, n) => wrong(n));
    const answered: unknown[] = [];
    let turns = 1;
    for (let more = ask([place(-1), ...wrongs, place(-2)]); more; more = session.resume()) {
      answered.push(...got().flat());
      expect(answered).toHaveLength(turns++ * explainedPerTurn);
    }
    answered.push(...got().flat());
    expect(answered).toMatchObject(wrongs.map(({ id }) => ({ id, error: { code: "invalid_request" } })));
    expect(engine.submitted.map(({ id }) => id)).toEqual([-1, -2]);
    expect(session.resume()).toBe(false);
  });

  test("SESSION-5: of a frame that is half taken nothing more is done for a connection that has gone", async () => {
    const { session, ask, engine } = start();
    const wrongs = Array.from({ length: explainedPerTurn + 1 }, (_, id) => ({ id, method: "order.plac" }));
    expect(ask([...wrongs, place(-1)])).toBe(true);
    session.gone();
    expect(session.resume()).toBe(false);
    await nextTurn();
    expect(engine.submitted).toEqual([]);
  });

  test("a payment of a provider that signs is not believed here, alone or in an array; others' are", () => {
    const { session, frames, engine } = wire(codec, new EchoEngine(), new Map([["alipay", ["s"]]]));
    const notify = (id: number, provider: string) => ({
      id,
      method: "payment.notify",
      params: { provider, paymentId: "p1", order: "o1", amount: "1.00", currency: "CNY" },
    });
    session.receive(encode([notify(1, "alipay"), notify(2, "wechat")]), codec.binary);
    session.receive(encode(notify(3, "alipay")), codec.binary);
    expect(engine.submitted.map(({ id }) => id)).toEqual([2]);
    const refused = { status: 401, error: { code: "unauthenticated", executed: "unknown" } };
    expect(frames.flatMap(decode)).toMatchObject([
      { id: 1, ...refused },
      { id: 3, ...refused },
    ]);
  });

  test("a flush with nothing to say sends no frame", () => {
    const { ask, got, engine } = start();
    ask(place(1));
    engine.submitted[0]!.requester.flush();
    expect(got()).toEqual([]);
  });

  test("a batch is answered in one array frame, also when other requests came alone", () => {
    const { ask, got, engine } = start();
    ask([place(1), place(2), place(3)]);
    ask(place(4));
    engine.answerAll();
    expect(got()).toMatchObject([[{ id: 1 }, { id: 2 }, { id: 3 }], { id: 4 }]);
  });

  test("a batch of one is answered by an array", () => {
    const { ask, got, engine } = start();
    ask([place(1)]);
    engine.answerAll();
    expect(got()).toMatchObject([[{ id: 1 }]]);
  });

  test("an id used twice at once is answered twice, each in the shape that it came in", () => {
    const { ask, got, engine } = start();
    ask(place("x"));
    ask(place("x"));
    ask([place("x")]);
    engine.answerAll();
    expect(got()).toMatchObject([[{ id: "x" }], { id: "x" }, { id: "x" }]);
  });

  test('the id 7 and the id "7" are two ids', () => {
    const { ask, got, engine } = start();
    ask(place(7));
    ask([place("7")]);
    engine.answerAll();
    expect(got()).toMatchObject([[{ id: "7" }], { id: 7 }]);
  });

  test("a command carries what was asked, and undefined for what was not", () => {
    const { ask, engine } = start();
    ask({ ...place(1), deadlineMs: 250 });
    ask({ id: 2, method: "feed.subscribe", params: { topic: "account:a1", from: 9 } });
    ask({ id: 3, method: "audit.run" });
    const [first, second, third] = engine.submitted.map(({ requester, ...rest }) => rest);
    expect(first).toStrictEqual({
      id: 1,
      refuseAfter: 1_250_000,
      method: "order.place",
      account: "a1",
      key: "k-1",
      lines: [{ product: "p1", qty: 2 }],
      pay: "later",
      mode: "tcc",
      payWithinMs: undefined,
      expectedTotal: undefined,
      at: undefined,
      dryRun: false,
      operator: undefined,
      address: undefined,
      contact: undefined,
      shippingMethod: undefined,
      paymentMethod: undefined,
      ref: undefined,
      metadata: undefined,
      adjustments: undefined,
    });
    expect(second).toStrictEqual({
      id: 2,
      refuseAfter: 0,
      method: "feed.subscribe",
      topic: "account:a1",
      from: 9,
    });
    expect(third).toStrictEqual({ id: 3, refuseAfter: 0, method: "audit.run" });
  });

  test("SESSION-1: a ping is answered at once and does not wait for the disk", () => {
    const { ask, got } = start();
    ask([ping(1), place(2), ping("p")]);
    ask(ping(3));
    expect(got()).toEqual([
      [
        { id: 1, status: 200, result: {} },
        { id: "p", status: 200, result: {} },
      ],
      { id: 3, status: 200, result: {} },
    ]);
  });

  test("one bad request of a batch is refused and the others run", () => {
    const { ask, got, engine } = start();
    ask([place(1), { ...place(2), method: "nope" }, place(3)]);
    expect(got()).toMatchObject([[{ id: 2, error: { code: "invalid_request" } }]]);
    engine.answerAll();
    expect(got()).toMatchObject([[{ id: 1 }, { id: 3 }]]);
  });

  test("shards have a requester each, and one may flush before the other", () => {
    const { ask, got, engine } = start(new EchoEngine(2));
    ask([place(1, "aa"), place(2, "aaa"), place(3, "aa")]);
    const [one, two, three] = engine.submitted;
    expect(one!.requester).toBe(three!.requester);
    expect(one!.requester).not.toBe(two!.requester);
    for (const command of engine.submitted) engine.answer(command);
    two!.requester.flush();
    expect(got()).toMatchObject([[{ id: 2 }]]);
    one!.requester.flush();
    expect(got()).toMatchObject([[{ id: 1 }, { id: 3 }]]);
  });

  test("replays, refusals and pushes come through", () => {
    const { ask, got, engine } = start();
    ask(place(1));
    ask(place(2));
    const { requester } = engine.submitted[0]!;
    requester.order(1, orderOf("a1", "o1", [{ product: "p", qty: 1 }]), true);
    requester.refused(2, { code: "insufficient_stock", details: { available: 1 } }, true);
    requester.push(5, 77, "order.created", 1_790_000_000_000, { order: "o1" });
    requester.flush();
    expect(got()).toMatchObject([
      { id: 1, status: 200, replayed: true },
      { id: 2, status: 409, replayed: true, error: { executed: false, details: { available: 1 } } },
      { sub: 5, seq: 77 },
    ]);
  });

  test("SESSION-3: beyond the requests in flight of a connection: overloaded, its key not looked up; later it goes on", () => {
    const { ask, got, engine, session, counters } = start();
    const batch = Array.from({ length: 1024 }, (_v, i) => place(i));
    for (let sent = 0; sent < inFlightMax; sent += 1024) ask(batch);
    expect(got()).toEqual([]);
    ask(place("late"));
    expect(got()).toMatchObject([
      { id: "late", status: 503, error: { code: "overloaded", executed: "unknown", retryable: true } },
    ]);
    expect(engine.count).toBe(inFlightMax);
    expect(counters.inFlight).toBe(inFlightMax);
    engine.answerAll();
    expect((got() as unknown as unknown[][]).flat().length).toBe(inFlightMax);
    expect([session.inFlight, counters.inFlight]).toEqual([0, 0]);
    ask(place("again"));
    expect(engine.count).toBe(inFlightMax + 1);
  });

  test("while draining: shutting_down for new commands, answers for the old ones and for what keys hold", () => {
    const { ask, got, engine, session } = start();
    ask(place(1));
    session.draining = true;
    ask([read(2), ping(3)]);
    ask(place(4));
    expect(got()).toMatchObject([
      [{ id: 2, status: 503, error: { code: "shutting_down", executed: false } }, { id: 3 }],
    ]);
    expect(engine.submitted.map(({ id, refuseAfter }) => [id, refuseAfter])).toEqual([
      [1, 0],
      [4, storedAnswerOnly],
    ]);
    engine.answerAll();
    expect(got()).toMatchObject([
      { id: 1, status: 200 },
      { id: 4, status: 200 },
    ]);
  });

  test("while draining a connection gets a batch of keys looked up; of more it is not known what they hold", () => {
    const { ask, got, engine, session } = start();
    session.draining = true;
    ask(Array.from({ length: drainLookupsMax }, (_, n) => place(n)));
    expect(engine.count).toBe(drainLookupsMax);
    ask(place("more"));
    expect(got()).toMatchObject([{ id: "more", error: { code: "shutting_down", executed: "unknown" } }]);
    expect(engine.count).toBe(drainLookupsMax);
  });

  test("a peer that does not read: closed with 4408, and not one frame more", async () => {
    const { ask, got, engine, ends, wired, counters } = start();
    ask([place(1), place(2)]);
    const [one, two] = engine.submitted;
    engine.answer(one!);
    wired.takes = false;
    one!.requester.flush();
    wired.takes = true;
    engine.answer(two!);
    two!.requester.flush();
    expect(ends).toEqual([]);
    await nextTurn();
    expect(got()).toEqual([]);
    expect(ends).toEqual([{ code: 4408, reason: "reads too slowly" }]);
    expect(engine.closedRequesters).toEqual([one!.requester]);
    expect([counters.inFlight, counters.slowReaders]).toEqual([0, 1]);
  });

  test("SESSION-4: more kept for one peer than the send buffer may hold: closed with 4408", async () => {
    const { ask, engine, ends, got } = start();
    ask({ id: 1, method: "feed.subscribe", params: { topic: "account:a1" } });
    const { requester } = engine.submitted[0]!;
    const event = { text: "x".repeat(1_000_000) };
    for (let seq = 1; seq * 1_000_000 < sendBufferBytesMax + 2_000_000; seq++)
      requester.push(1, seq, "t", 0, event);
    requester.flush();
    await nextTurn();
    expect(ends).toMatchObject([{ code: 4408 }]);
    expect(got()).toEqual([]);
  });

  test("SESSION-5: after the peer has gone everything given is dropped, and the engine is told once", async () => {
    const { ask, engine, session, got, ends, counters } = start(new EchoEngine(2));
    ask([place(1, "aa"), place(2, "aaa")]);
    session.gone();
    session.gone();
    expect(engine.closedRequesters).toEqual([]);
    engine.answerAll();
    ask(place(3));
    await nextTurn();
    expect(got()).toEqual([]);
    expect(ends).toEqual([]);
    expect(engine.closedRequesters.length).toBe(2);
    expect(engine.count).toBe(2);
    expect([session.inFlight, counters.inFlight]).toEqual([2, 0]);
  });

  test("REQUESTER-3, SESSION-4: a result that cannot be encoded is a defect: reported, the connection ends, nothing is thrown", async () => {
    const { ask, engine, ends, defects, got } = start();
    ask(place(1));
    const { requester } = engine.submitted[0]!;
    requester.result(1, { bad: 1n }, false);
    requester.flush();
    await nextTurn();
    expect(defects.length).toBe(1);
    expect(ends).toEqual([{ code: 1011, reason: "internal" }]);
    expect(got()).toEqual([]);
  });
});

/** A small, fast generator with a seed (mulberry32): 200,000 frames need no cryptography. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe.each([
  ["yifen.json", json, 1],
  ["yifen.msgpack", msgpack, 2],
] as const)("%s: 100,000 mutated and random frames", (_, encoding, seed) => {
  const { codec, encode, decode } = encoding;

  test("each is executed, answered or closed; none throws, none is a defect, memory stays flat", async () => {
    const pick = random(seed);
    const samples = [
      place(1),
      [place(1), ping(2), place("three")],
      {
        id: 4,
        method: "product.create",
        params: { product: "p", name: "一分", price: "1.00", currency: "CNY", stock: 5 },
      },
      { id: 5, method: "order.list", params: { account: "a", status: "Paid", limit: 10 }, deadlineMs: 100 },
      { id: 6, method: "account.deposit", params: { account: "a", amount: "1.00", ref: "r" } },
    ].map(encode);
    const seen = { executed: 0, answered: 0, closed: 0 };
    let wired = wire(codec);
    let memoryBefore = 0;
    for (let n = 0; n < 100_000; n++) {
      if (n === 50_000) memoryBefore = heapUsed();
      if (wired.session.ended) {
        // Ended sessions are held until their transport was told, which takes a turn of the event loop.
        await nextTurn();
        wired = wire(codec);
      }
      const closedBefore = wired.session.ended;
      const executedBefore = wired.engine.count;
      wired.session.receive(garbled(samples[pick(samples.length)]!, pick), codec.binary);
      const executed = wired.engine.count - executedBefore;
      wired.engine.answerAll();
      const answers = wired.frames.splice(0).flatMap((frame) => decode(frame) as object | object[]);
      const closed = wired.session.ended && !closedBefore;
      // One `expect` a frame would be most of this test's time.
      const fine = closed ? executed === 0 && answers.length === 0 : answers.length > 0;
      if (!fine || wired.defects.length > 0 || wired.counters.inFlight !== 0) {
        expect.fail(`frame ${n}: ${JSON.stringify({ closed, executed, answers })} ${wired.defects}`);
      }
      if (executed > 0) seen.executed++;
      else if (closed) seen.closed++;
      else seen.answered++;
    }
    // All three ways were really taken.
    expect(Math.min(seen.executed, seen.answered, seen.closed)).toBeGreaterThan(1000);
    // A leak of 100 bytes a frame would be 5 MB.
    expect(heapUsed() - memoryBefore).toBeLessThan(1_000_000);
  });
});

function garbled(sample: Buffer, pick: (below: number) => number): Buffer {
  if (pick(20) === 0) return Buffer.from(Array.from({ length: pick(60) }, () => pick(256)));
  let bytes = Buffer.from(sample);
  for (let i = pick(4); i > 0; i--) {
    const at = pick(bytes.length + 1);
    const kind = pick(4);
    if (kind === 0 && at < bytes.length) bytes[at] = pick(256);
    else if (kind === 1) bytes = bytes.subarray(0, at);
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.of(pick(256)), bytes.subarray(at)]);
    else if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << pick(8));
  }
  return bytes;
}

/** What is really held: without a collection first, the figure is mostly garbage. */
function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}
