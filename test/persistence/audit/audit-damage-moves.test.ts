/** Moves, times and the archive, broken on purpose: found, and where it is. */

import { Facts } from "../../../actors/facts.js";
import { OrderEvents, Statuses } from "../../../actors/order-transitions.js";
import { by, completed, every, shop, story, testRows, to } from "../damaged.js";
import { ann, ben, day, methods, week } from "../shop-log.js";

const operator = (order: number, name: string) =>
  ({ type: Facts.operatorNamed, order, operator: name }) as const;

testRows([
  // Moves.
  [
    "an order moves along no row of the table",
    "order-moves",
    /ship in status Paid/,
    story("orderMoved", to(Statuses.Packing), () => []),
  ],
  [
    "an order goes back to another status than it came from",
    "order-moves",
    /refund_ended leads to Completed, the fact says Paid/,
    story("orderMoved", by(OrderEvents.refund_ended), (fact) => [{ ...fact, to: Statuses.Paid }]),
  ],
  [
    "a dispute ends elsewhere than it began",
    "order-moves",
    /resolve_keep leads to Shipped, the fact says Delivered/,
    story("orderMoved", by(OrderEvents.resolve_keep), (fact) => [{ ...fact, to: Statuses.Delivered }]),
  ],
  [
    "an order is moved by an event that has a fact of its own",
    "order-moves",
    /moved by an event 2/,
    story("orderMoved", by(OrderEvents.pack), (fact) => [{ ...fact, event: OrderEvents.pay }]),
  ],
  [
    "a parcel is shipped without tracking",
    "order-moves",
    /shipped without tracking/,
    story("orderMoved", by(OrderEvents.ship), (fact) => [{ ...fact, tracking: "" }]),
  ],
  [
    "somebody confirms in the engine's name",
    "order-moves",
    /confirmed by itself, by ann/,
    story("orderMoved", by(OrderEvents.auto_confirm), (fact) => [{ ...fact, operator: "ann" }]),
  ],
  [
    "somebody asked for a move, and it was not one",
    "order-moves",
    /ops is named, and asked for nothing/,
    story("orderMoved", by(OrderEvents.pack), (fact) => [fact, operator(fact.order, "ops")]),
  ],
  [
    "two asked for one placement",
    "order-moves",
    /asked for by ops and li/,
    story("orderPlaced", every, (fact) => [fact, operator(fact.order, "ops"), operator(fact.order, "li")]),
  ],
  [
    "an order is reinstated that was paid",
    "order-moves",
    /reinstate in status Paid/,
    story("orderReinstated", every, (fact) => [fact, fact]),
  ],
  [
    "a refund has no key",
    "keys",
    /1 effects of method 8 under 0 keys/,
    story(
      "keyKept",
      (fact) => fact.method === methods.refund,
      () => [],
    ),
  ],
  [
    "one key stands for a move of another method",
    "keys",
    /effects of method 7 under 0 keys/,
    story(
      "keyKept",
      (fact) => fact.method === methods.advance,
      (fact) => [{ ...fact, method: methods.cancel }],
    ),
  ],
  [
    "a method is kept among names that are not its own",
    "keys",
    /method 9 in space 1/,
    story(
      "keyKept",
      (fact) => fact.space === 3,
      (fact) => [{ ...fact, space: 1 }],
    ),
  ],

  // Times.
  [
    "an order is confirmed by itself before it is due",
    "deadlines",
    /auto_confirm at \d+ with dueAt \d+, it is due at/,
    shop((log) => {
      const order = log.sold(ann, 0, 1);
      log.shipped(order);
      log.pass(week - day);
      const move = log.moved(order, "auto_confirm", "Completed", log.nowMs + week, { operator: "engine" });
      log.turn(move, log.granted(order, 3));
    }),
  ],
  [
    "an order is not confirmed although it was due",
    "deadlines",
    /is Shipped, and was to be confirmed at/,
    shop((log) => {
      log.shipped(log.sold(ann, 0, 1));
      log.pass(week);
      log.sold(ben, 0, 1);
    }),
  ],
  [
    "a refund after the after-sale",
    "deadlines",
    /its after-sale was over at/,
    shop((log) => {
      const { order, until } = completed(log, 20);
      log.pass(week);
      const refund = log.refund(order, 2000, { shares: [{ line: 0, qty: 2, amount: 2000 }] });
      log.turn(
        log.moved(order, "refund", "Refunding", until),
        [refund, log.done(refund), log.reversed(order, 20)],
        log.moved(order, "refund_all_done", "Refunded"),
        log.key(order, methods.refund),
      );
    }),
  ],
  [
    "a dispute after the after-sale",
    "deadlines",
    /dispute at \d+ with dueAt 0, its after-sale was over/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week);
      log.turn(log.moved(order, "dispute", "Disputed"), log.key(order, methods.advance));
    }),
  ],
  [
    "a dispute does not stop the time",
    "deadlines",
    /dispute at \d+ with dueAt \d+/,
    story("orderMoved", by(OrderEvents.dispute), (fact) => [{ ...fact, dueAt: 9 }]),
  ],
  [
    "after a dispute there is more time than was left",
    "deadlines",
    /resolve_keep at \d+ with dueAt \d+, \d+ ms were left/,
    story("orderMoved", by(OrderEvents.resolve_keep), (fact) => [{ ...fact, dueAt: fact.dueAt + day }]),
  ],
  [
    "a refund gives an order more time",
    "deadlines",
    /refund_ended at \d+ with dueAt \d+, it was \d+/,
    story("orderMoved", by(OrderEvents.refund_ended), (fact) => [{ ...fact, dueAt: fact.dueAt + day }]),
  ],
  [
    "a parcel is due before it is shipped",
    "deadlines",
    /ship at \d+ with dueAt 5/,
    story("orderMoved", by(OrderEvents.ship), (fact) => [{ ...fact, dueAt: 5 }]),
  ],

  // Nothing is left where nothing will happen next.
  [
    "an order stays in Refunding, and no refund is open",
    "progress",
    /in Refunding, and no refund is open/,
    story("orderMoved", by(OrderEvents.refund_ended), () => []),
  ],
  [
    "an order is Created without a deadline",
    "progress",
    /is Created without a deadline/,
    story(
      "orderPlaced",
      (fact) => fact.account === ann,
      (fact) => [{ ...fact, payBy: 0, expiresAt: 0 }],
      5,
    ),
  ],
  [
    "a parcel is under way, and nothing is due",
    "progress",
    /is Shipped, and nothing is due/,
    shop((log) => {
      const order = log.sold(ann, 0, 1);
      log.turn(log.moved(order, "pack", "Packing"), log.key(order, methods.advance));
      const move = log.moved(order, "ship", "Shipped", 0, { tracking: "SF-1" });
      log.turn(move, log.key(order, methods.advance));
    }),
  ],
  [
    "a refund from suspense is refused, and no human is told",
    "progress",
    /refused, its 1000 is in suspense, and no human was told/,
    story(
      "humanOpened",
      (fact) => fact.subject === "alipay:p-6",
      () => [],
    ),
  ],
  [
    "a refund of a canceled order is refused, and no human is told",
    "progress",
    /refused, its 400 is with a canceled order, and no human was told/,
    story(
      "humanOpened",
      (fact) => fact.amount === 400,
      () => [],
    ),
  ],

  // The archive.
  [
    "an order is archived that may still be packed",
    "archived",
    /archived in Paid/,
    shop((log) => {
      const order = log.sold(ann, 1, 0);
      log.turn(log.archived(order, 1000));
    }),
  ],
  [
    "an order is archived before its after-sale is over",
    "archived",
    /archived in Completed, until/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week - 2000);
      log.turn(log.archived(order, 2000));
    }),
  ],
  [
    "an order is archived with another amount than it has",
    "archived",
    /archived with 1332, and it has 1333/,
    story(
      "orderArchived",
      (fact) => fact.amount === 1333,
      (fact) => [{ ...fact, amount: 1332 }],
    ),
  ],
  [
    "an order is archived, and its refund is open",
    "archived",
    /archived with 1 refunds open/,
    shop((log) => {
      const order = log.placed(ann, 1, 0);
      const part = log.booked(`o${order.order}`, "p-4", 400);
      log.turn(part, log.applied(part, order, 400), log.told(part, "partially_paid", order));
      log.turn(
        log.stock("stockReleased", order),
        { type: Facts.orderCanceled, order: order.order, cause: 1, reason: "" },
        log.refund(order, 400, { payment: part }),
        log.key(order, methods.cancel),
      );
      log.turn(log.archived(order, 0));
    }),
  ],
  [
    "an order is archived twice",
    "archived",
    /archived, but it is over/,
    story("orderArchived", every, (fact) => [fact, fact]),
  ],
  [
    "an archived order moves",
    "order-moves",
    /dispute, but it is over or was never placed/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week);
      log.turn(log.archived(order, 2000));
      log.turn(log.moved(order, "dispute", "Disputed"), log.key(order, methods.advance));
    }),
  ],
  [
    "an archived order is paid once more",
    "payments",
    /applied to o\d+, which is over or was never placed/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week);
      log.turn(log.archived(order, 2000));
      const payment = log.booked(`o${order.order}`, "p-5", 10);
      log.turn(payment, log.applied(payment, order, 10), log.told(payment, "partially_paid", order));
    }),
  ],
  [
    "an archived order gives money back",
    "refunds",
    /of o\d+, which is over or was never placed/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week);
      log.turn(log.archived(order, 2000));
      const refund = log.refund(order, 10);
      log.turn(refund, log.done(refund));
    }),
  ],
  [
    "an archived order loses its points",
    "points",
    /points of o\d+, which is over or was never placed/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.pass(week);
      log.turn(log.archived(order, 2000));
      log.turn(log.reversed(order, 20));
    }),
  ],
]);
