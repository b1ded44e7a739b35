/** Logs for the tests of what reads logs: every kind of fact that there is, on two shards that trade with each other. */

import { ByteWriter } from "../../actors/byte-writer.js";
import { writeFact, writeTurn } from "../../actors/fact-codec.js";
import { type Fact, Facts } from "../../actors/facts.js";
import { orderNumber, slotOf } from "../../actors/order-number.js";
import { Statuses } from "../../actors/order-transitions.js";
import { chainHash, genesisHash, type LoggedGroup, noOrigin } from "../../persistence/log/hash-chain.js";

export interface Turn {
  /** Microseconds. */
  readonly time: number;
  readonly facts: readonly Fact[];
}

/** 2026-01-01T00:00:00Z, in microseconds. */
export const start = Date.UTC(2026, 0, 1) * 1000;
const second = 1_000_000;

/** One group for every `turnsPerGroup` turns, chained from genesis. */
export function groupsOf(turns: readonly Turn[], turnsPerGroup = 3): LoggedGroup[] {
  const groups: LoggedGroup[] = [];
  let prev: Uint8Array = genesisHash;
  let last = 0;
  for (let at = 0; at < turns.length; at += turnsPerGroup) {
    const writer = new ByteWriter();
    const first = last + 1;
    let time = 0;
    for (const turn of turns.slice(at, at + turnsPerGroup)) {
      writeTurn(turn.time, time, writer);
      time = turn.time;
      for (const fact of turn.facts) writeFact(fact, writer);
      last += turn.facts.length;
    }
    // A group without facts is never written.
    if (last < first) continue;
    const body = writer.view().slice();
    const hash = chainHash(prev, first, last, noOrigin, body);
    groups.push({ first, last, body, prev, hash, origin: noOrigin });
    prev = hash;
  }
  return groups;
}

export function order(sequence: number): number {
  return orderNumber(sequence, slotOf("alice"));
}

const alice = 0;
const tea = 0;
const cup = 1;
const CNY = 0;

export function key(
  name: string,
  method: number,
  of: { order?: number; code?: number; text?: string } = {},
): Fact {
  const { order: number = 0, code = 0, text = "" } = of;
  const kept = {
    space: 0,
    subject: alice,
    key: name,
    method,
    paramsHash: 7,
    at: 1,
    code,
    order: number,
    text,
  };
  return { type: Facts.keyKept, ...kept };
}

function ref(space: number, name: string, method: number, available: string | number): Fact {
  const text = JSON.stringify({ available });
  const kept = { subject: 0, key: name, method, paramsHash: 7, at: 1, code: 0, order: 0, text };
  return { type: Facts.keyKept, space, ...kept };
}

/** Shard 0: alice and the tea, and the orders of both with the cup of shard 1. */
export function shardZero(): Turn[] {
  const turns: Turn[] = [];
  let time = start;
  let available = 100;
  const turn = (...facts: Fact[]) => {
    time += second;
    turns.push({ time, facts });
  };
  const stock = (
    kind: "stockHeld" | "stockSold" | "stockConfirmed" | "stockReleased",
    number: number,
    qty: number,
  ): Fact => {
    if (kind === "stockHeld" || kind === "stockSold") available -= qty;
    if (kind === "stockReleased") available += qty;
    return { type: Facts[kind], product: tea, order: number, account: alice, qty, available };
  };
  const placed = (number: number, qty: number, unitPrice: number, paid: boolean, payMs = 900_000): Fact => {
    const payBy = paid ? 0 : (time + second) / 1000 + payMs;
    return {
      type: Facts.orderPlaced,
      order: number,
      account: alice,
      currency: CNY,
      total: qty * unitPrice,
      paid: paid ? qty * unitPrice : 0,
      status: paid ? Statuses.Paid : Statuses.Created,
      payBy,
      expiresAt: paid ? 0 : payBy + 500,
      lines: [{ product: tea, qty, unitPrice }],
    };
  };
  const captured = (number: number, amount: number): Fact => ({
    type: Facts.moneyCaptured,
    account: alice,
    order: number,
    amount,
  });
  const sent = (peer: number): Fact => ({ type: Facts.messageSent, peer, body: new Uint8Array([1, 2]) });
  const received = (peer: number, upTo: number): Fact => ({ type: Facts.messageReceived, peer, upTo });

  const product = { id: "tea", name: "绿茶", price: 1000, currency: CNY, stock: 100, limitPerAccount: 50 };
  turn({ type: Facts.productCreated, ...product, saleStartsAt: 0, saleEndsAt: 0 });
  turn(
    { type: Facts.accountNamed, id: "alice" },
    { type: Facts.accountOpened, account: alice, currency: CNY },
  );
  turn(
    { type: Facts.accountDeposited, account: alice, amount: 100_000, ref: "d1" },
    ref(1, "d1", 4, "1000.00"),
  );
  turn(stock("stockHeld", order(1), 2), placed(order(1), 2, 1000, false), key("k1", 1, { order: order(1) }));
  turn(
    stock("stockConfirmed", order(1), 2),
    captured(order(1), 2000),
    { type: Facts.orderPaid, order: order(1), amount: 2000 },
    key("k2", 2, { order: order(1) }),
  );
  turn({ type: Facts.productRepriced, product: tea, price: 1500 });
  turn(
    stock("stockSold", order(2), 1),
    placed(order(2), 1, 1500, true),
    captured(order(2), 1500),
    key("k3", 1, { order: order(2) }),
  );
  available += 10;
  turn({ type: Facts.productRestocked, product: tea, qty: 10, available }, ref(2, "r1", 6, available));
  turn({ type: Facts.accountWithdrawn, account: alice, amount: 500, ref: "w1" }, ref(1, "w1", 5, "960.00"));
  turn(stock("stockHeld", order(3), 1), placed(order(3), 1, 1500, false), key("k4", 1, { order: order(3) }));
  turn(
    stock("stockReleased", order(3), 1),
    { type: Facts.orderCanceled, order: order(3), cause: 1, reason: "changed my mind" },
    key("k5", 3, { order: order(3) }),
  );
  turn(key("k6", 1, { code: 21, text: '{"available":3}' }));
  turn(
    stock("stockHeld", order(4), 1),
    placed(order(4), 1, 1500, false, 100),
    key("k7", 1, { order: order(4) }),
  );
  turn(stock("stockReleased", order(4), 1), {
    type: Facts.orderCanceled,
    order: order(4),
    cause: 2,
    reason: "too late",
  });
  turn(stock("stockHeld", order(5), 3), placed(order(5), 3, 1500, false), key("k8", 1, { order: order(5) }));
  // The first three are of orders that may still move, and stay.
  turn({ type: Facts.keysDropped, count: 4 });
  turn(
    stock("stockSold", order(6), 1),
    placed(order(6), 1, 1500, true),
    captured(order(6), 1500),
    key("k4", 1, { order: order(6) }),
  );

  // Two cups of shard 1 and a tea of this one, paid as they are placed.
  const deadline = { payBy: (time + second) / 1000 + 900_000, expiresAt: (time + second) / 1000 + 930_000 };
  const begun = { account: alice, payNow: 1, ...deadline, expectedTotal: "", paramsHash: 7, at: 1 };
  const lines = [
    { productId: "cup", qty: 2 },
    { productId: "tea", qty: 1 },
  ];
  turn({ type: Facts.orderBegun, order: order(7), ...begun, key: "k9", lines }, sent(1), sent(0));
  turn(
    { type: Facts.branchTried, order: order(7), branch: 1, product: tea, account: alice, qty: 1 },
    stock("stockHeld", order(7), 1),
    sent(0),
    received(0, 1),
  );
  turn(
    { type: Facts.messagesAcked, peer: 1, upTo: 1 },
    { type: Facts.productKnown, id: "cup", name: "杯子", currency: CNY },
    {
      type: Facts.branchAnswered,
      order: order(7),
      branch: 0,
      product: cup,
      unitPrice: 300,
      code: 0,
      text: "",
    },
    received(1, 1),
  );
  turn(
    {
      type: Facts.branchAnswered,
      order: order(7),
      branch: 1,
      product: tea,
      unitPrice: 1500,
      code: 0,
      text: "",
    },
    {
      type: Facts.orderPlaced,
      order: order(7),
      account: alice,
      currency: CNY,
      total: 2100,
      paid: 2100,
      status: Statuses.Paid,
      payBy: 0,
      expiresAt: 0,
      lines: [
        { product: cup, qty: 2, unitPrice: 300 },
        { product: tea, qty: 1, unitPrice: 1500 },
      ],
    },
    captured(order(7), 2100),
    sent(1),
    sent(0),
    key("k9", 1, { order: order(7) }),
    received(0, 2),
  );
  turn(
    stock("stockConfirmed", order(7), 1),
    { type: Facts.branchEnded, order: order(7), branch: 1, how: 1 },
    received(0, 3),
  );
  // More cups than there are.
  const tooMany = [{ productId: "cup", qty: 100 }];
  turn({ type: Facts.orderBegun, order: order(8), ...begun, key: "k10", lines: tooMany }, sent(1));
  turn(
    {
      type: Facts.branchAnswered,
      order: order(8),
      branch: 0,
      product: 0,
      unitPrice: 300,
      code: 21,
      text: "{}",
    },
    { type: Facts.orderRefused, order: order(8) },
    key("k10", 1, { code: 21, text: "{}" }),
    sent(1),
    received(1, 2),
  );
  return turns;
}

/** Shard 1: the cups. */
export function shardOne(): Turn[] {
  const product = { id: "cup", name: "杯子", price: 300, currency: CNY, stock: 50, limitPerAccount: 0 };
  const move = { product: 0, order: order(7), account: 0, qty: 2, available: 48 };
  const sent: Fact = { type: Facts.messageSent, peer: 0, body: new Uint8Array([3]) };
  const received = (upTo: number): Fact => ({ type: Facts.messageReceived, peer: 0, upTo });
  const turns: Fact[][] = [
    [{ type: Facts.productCreated, ...product, saleStartsAt: 0, saleEndsAt: 0 }],
    [
      { type: Facts.accountNamed, id: "alice" },
      { type: Facts.branchTried, order: order(7), branch: 0, product: 0, account: 0, qty: 2 },
      { type: Facts.stockHeld, ...move },
      sent,
      received(1),
    ],
    [
      { type: Facts.stockConfirmed, ...move },
      { type: Facts.branchEnded, order: order(7), branch: 0, how: 1 },
      received(2),
    ],
    [sent, received(3)],
    [received(4)],
  ];
  return turns.map((facts, index) => ({ time: start + (index + 1) * second, facts }));
}
