/** Two shards: ann's orders are sagas, their cups are on the other shard. One is bought and half refunded, one is undone. */

import { type Fact, Facts } from "../../actors/facts.js";
import { orderNumber, slotOf } from "../../actors/order-number.js";
import { OrderEvents, Statuses } from "../../actors/order-transitions.js";
import { key, start, type Turn } from "./trading-log.js";

const second = 1_000_000;
const bought = orderNumber(1, slotOf("ann"));
const undone = orderNumber(2, slotOf("ann"));
const insufficientFunds = 22;

const asked = (order: number): Fact => ({ type: Facts.branchBegun, order, branch: 0 });
const sent = (peer: number): Fact => ({ type: Facts.messageSent, peer, body: new Uint8Array([1]) });
const received = (peer: number, upTo: number): Fact => ({ type: Facts.messageReceived, peer, upTo });

function turnsOf(turns: readonly (readonly Fact[])[]): Turn[] {
  return turns.map((facts, index) => ({ time: start + (index + 1) * second, facts }));
}

/** The coordinator: ann with 10.00. */
export function sagaZero(): Turn[] {
  const times = { payBy: start / 1000 + 900_000, expiresAt: start / 1000 + 930_000 };
  const lines = [{ productId: "cup", qty: 2 }];
  const begun = { account: 0, payNow: 2, ...times, expectedTotal: "", paramsHash: 7, at: 1, lines };
  const answered = { branch: 0, product: 0, unitPrice: 300, code: 0, text: "" };
  const account = { account: 0, currency: 0 };
  const placed = { ...account, total: 600, paid: 600, status: Statuses.Paid, payBy: 0, expiresAt: 0 };
  const refund = orderNumber(1, slotOf("ann"));
  const money = { refund, order: bought, source: 1, ...account, amount: 300, provider: "" };
  const moved = { order: bought, dueAt: 0, operator: "", remark: "", tracking: "" };
  const deposit = {
    ...{ space: 1, subject: 0, key: "d1", method: 4, paramsHash: 7, at: 1, code: 0, order: 0 },
    text: '{"available":"10.00"}',
  };
  return turnsOf([
    [
      { type: Facts.accountNamed, id: "ann" },
      { type: Facts.accountOpened, ...account },
    ],
    [
      { type: Facts.accountDeposited, account: 0, amount: 1000, ref: "d1" },
      { type: Facts.keyKept, ...deposit },
    ],
    [{ type: Facts.orderBegun, order: bought, ...begun, key: "k1" }, asked(bought), sent(1)],
    [
      { type: Facts.productKnown, id: "cup", name: "Cup", currency: 0 },
      { type: Facts.branchAnswered, order: bought, ...answered },
      {
        ...{ type: Facts.orderPlaced, order: bought, ...placed },
        lines: [{ product: 0, qty: 2, unitPrice: 300 }],
      },
      { type: Facts.moneyCaptured, account: 0, order: bought, amount: 600 },
      sent(1),
      key("k1", 1, { order: bought }),
      received(1, 1),
    ],
    [
      { type: Facts.orderMoved, ...moved, event: OrderEvents.refund, to: Statuses.Refunding },
      {
        ...{ type: Facts.refundRequested, ...money, paymentId: "", restock: 1, reason: "chipped" },
        shares: [{ line: 0, qty: 1, amount: 300 }],
      },
      { type: Facts.refundDone, ...money, ref: "" },
      sent(1),
      { type: Facts.orderMoved, ...moved, event: OrderEvents.refund_ended, to: Statuses.Paid },
      key("k2", 8, { order: bought }),
    ],
    [{ type: Facts.orderBegun, order: undone, ...begun, key: "k3" }, asked(undone), sent(1)],
    [
      { type: Facts.branchAnswered, order: undone, ...answered },
      { type: Facts.orderRefused, order: undone },
      key("k3", 1, { code: insufficientFunds, text: "{}" }),
      sent(1),
      received(1, 2),
    ],
  ]);
}

/** The cups: they are sold at once, and come back when the order does not come about. */
export function sagaOne(): Turn[] {
  const product = { id: "cup", name: "Cup", price: 300, currency: 0, stock: 50, limitPerAccount: 3 };
  const tried = { branch: 0, product: 0, account: 0, qty: 2 };
  const stock = (type: 10 | 37, order: number, qty: number, available: number): Fact => ({
    ...{ type, product: 0, order, account: 0, qty, available },
  });
  return turnsOf([
    [{ type: Facts.productCreated, ...product, saleStartsAt: 0, saleEndsAt: 0 }],
    [
      { type: Facts.accountNamed, id: "ann" },
      { type: Facts.branchTried, order: bought, ...tried },
      stock(Facts.stockSold, bought, 2, 48),
      sent(0),
      received(0, 1),
    ],
    // The confirm and the unit of the refund behind it came in one frame.
    [
      { type: Facts.branchEnded, order: bought, branch: 0, how: 1 },
      stock(Facts.stockReturned, bought, 1, 49),
      received(0, 3),
    ],
    [
      { type: Facts.branchTried, order: undone, ...tried },
      stock(Facts.stockSold, undone, 2, 47),
      sent(0),
      received(0, 4),
    ],
    [
      stock(Facts.stockReturned, undone, 2, 49),
      { type: Facts.branchEnded, order: undone, branch: 0, how: 2 },
      received(0, 5),
    ],
  ]);
}
