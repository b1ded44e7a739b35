import fc from "fast-check";
import { expect, test } from "vitest";
import { Channels, decodeFrame, encodeFrame, type Frame } from "../../../engine/links/channel.js";
import { decodeMessage, encodeMessage, type Message } from "../../../engine/links/messages.js";
import { channelFrameBytes, channelRetryMs } from "../../../engine/seams/limits.js";
import { Outboxes } from "../../../engine/tables/outboxes.js";

function sender() {
  const outboxes = new Outboxes();
  const sent: { to: number; frame: Frame }[] = [];
  const bus = {
    send: (to: number, bytes: Uint8Array) => void sent.push({ to, frame: decodeFrame(bytes)! }),
    listen: () => {},
  };
  const channels = new Channels(0, outboxes, bus);
  const frames = () =>
    sent.splice(0).map(({ to, frame: { ack, first, messages } }) => [to, ack, first, messages.length]);
  return { outboxes, channels, frames };
}

const body = (length = 3) => new Uint8Array(length).fill(7);

test("what is new is sent once; nothing is sent twice before its time", () => {
  const { outboxes, channels, frames } = sender();
  outboxes.sent(1, body());
  outboxes.sent(1, body());
  channels.send(1000);
  expect(frames()).toEqual([[1, 0, 1, 2]]);
  channels.send(1000 + channelRetryMs - 1);
  expect(frames()).toEqual([]);
  outboxes.sent(1, body());
  channels.send(1001);
  expect(frames()).toEqual([[1, 0, 3, 1]]);
});

test("CHANNEL-2: what is not acknowledged is sent again from the first that is missing", () => {
  const { outboxes, channels, frames } = sender();
  for (let n = 0; n < 4; n++) outboxes.sent(1, body());
  channels.send(1000);
  frames();
  outboxes.acked(1, 2);
  channels.send(1050);
  expect(frames()).toEqual([]);
  expect(channels.nextDue).toBe(1050 + channelRetryMs);
  channels.send(1050 + channelRetryMs - 1);
  expect(frames()).toEqual([]);
  channels.send(1050 + channelRetryMs);
  expect(frames()).toEqual([[1, 0, 3, 2]]);
  outboxes.acked(1, 4);
  expect(channels.nextDue).toBe(Number.POSITIVE_INFINITY);
  channels.send(1050 + 2 * channelRetryMs);
  expect(frames()).toEqual([]);
});

test("CHANNEL-2: a steady flow of later messages does not hide that the first was lost", () => {
  const { outboxes, channels, frames } = sender();
  for (let nowMs = 1000; nowMs < 1000 + channelRetryMs; nowMs += channelRetryMs / 4) {
    outboxes.sent(1, body());
    channels.send(nowMs);
  }
  expect(frames()).toEqual([1, 2, 3, 4].map((first) => [1, 0, first, 1]));
  channels.send(1000 + channelRetryMs);
  expect(frames()).toEqual([[1, 0, 1, 4]]);
});

test("an acknowledgement that is owed is sent at once, with or without messages", () => {
  const { outboxes, channels, frames } = sender();
  outboxes.heardUpTo.set(2, 9);
  channels.oweAck(2);
  channels.send(1000);
  expect(frames()).toEqual([[2, 9, 1, 0]]);
  channels.send(1001);
  expect(frames()).toEqual([]);
  outboxes.sent(2, body());
  channels.oweAck(2);
  channels.send(1002);
  expect(frames()).toEqual([[2, 9, 1, 1]]);
});

test("many messages go in frames of a bounded size, in order", () => {
  const { outboxes, channels, frames } = sender();
  for (let n = 0; n < 80; n++) outboxes.sent(1, body(channelFrameBytes / 8));
  channels.send(1000);
  expect(frames()).toEqual(Array.from({ length: 10 }, (_, n) => [1, 0, n * 8 + 1, 8]));
});

test("a channel that remembers nothing begins with the first message that is not acknowledged", () => {
  const { outboxes, channels, frames } = sender();
  for (let n = 0; n < 5; n++) outboxes.sent(1, body());
  outboxes.acked(1, 3);
  expect(channels.nextDue).toBe(Number.NEGATIVE_INFINITY);
  channels.send(1000);
  expect(frames()).toEqual([[1, 0, 4, 2]]);
});

test("OUTBOXES-2: an acknowledgement of what was never sent is a defect", () => {
  const { outboxes } = sender();
  outboxes.sent(1, body());
  expect(() => outboxes.acked(1, 2)).toThrow(/never sent/);
  outboxes.acked(1, 1);
  expect(() => outboxes.acked(1, 0)).toThrow(/never sent/);
});

test("looking at a peer leaves no trace in the books", () => {
  const { outboxes, channels } = sender();
  outboxes.heard(5);
  channels.oweAck(5);
  channels.send(1000);
  expect([...outboxes.outboxes.keys()]).toEqual([]);
  expect([...outboxes.heardUpTo.keys()]).toEqual([]);
});

const anyFrame = fc.record(
  {
    sender: fc.nat(1023),
    ack: fc.maxSafeNat(),
    first: fc.maxSafeNat(),
    messages: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
  },
  { noNullPrototype: true },
);

test("a frame is read as it was written; cut short it is as good as lost", () => {
  fc.assert(
    fc.property(anyFrame, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (frame, share) => {
      const bytes = encodeFrame(frame);
      expect(decodeFrame(bytes)).toEqual(frame);
      expect(decodeFrame(bytes.subarray(0, Math.floor(bytes.length * share)))).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("noise is no frame, and never more than lost", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      decodeFrame(bytes);
    }),
    { numRuns: 1000 },
  );
});

const order = fc.integer({ min: 1024, max: Number.MAX_SAFE_INTEGER });
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("try" as const),
      order,
      branch: fc.nat(99),
      product: fc.string(),
      qty: fc.nat(),
      account: fc.string(),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant("answered" as const),
      order,
      branch: fc.nat(99),
      code: fc.nat(255),
      unitPrice: fc.maxSafeNat(),
      currency: fc.nat(200),
      name: fc.string({ unit: "grapheme" }),
      text: fc.string(),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    { kind: fc.constantFrom("confirm" as const, "cancel" as const), order, branch: fc.nat(99) },
    { noNullPrototype: true },
  ),
);

test("a message is read as it was written", () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      expect(decodeMessage(encodeMessage(message))).toEqual(message);
    }),
  );
});

/** The bytes of old logs and of other builds on the bus: they never change their meaning. */
test.each<[string, Message]>([
  [
    "01cb0c000374656102" + "03616e6e",
    { kind: "try", order: 1611, branch: 0, product: "tea", qty: 2, account: "ann" },
  ],
  [
    "02cb0c0115e707000354656102" + "7b7d",
    {
      kind: "answered",
      order: 1611,
      branch: 1,
      code: 21,
      unitPrice: 999,
      currency: 0,
      name: "Tea",
      text: "{}",
    },
  ],
  ["03cb0c02", { kind: "confirm", order: 1611, branch: 2 }],
  ["04cb0c63", { kind: "cancel", order: 1611, branch: 99 }],
])("message %s", (hex, message) => {
  expect(decodeMessage(Buffer.from(hex, "hex"))).toEqual(message);
  expect(Buffer.from(encodeMessage(message)).toString("hex")).toBe(hex);
});

test("a message of a newer build is not guessed", () => {
  expect(() => decodeMessage(Uint8Array.of(9, 1, 1))).toThrow(/message kind 9/);
});
