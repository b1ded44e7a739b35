/** Refunds, what comes back into stock, and points, broken on purpose: found, and where it is. */

import { Facts } from "../../../actors/facts.js";
import { ask, asked, completed, every, lost, paid, shop, story, testRows } from "../damaged.js";
import { ann, ben, methods } from "../shop-log.js";

testRows([
  // Refunds.
  [
    "more is refunded than was paid",
    "refunds",
    /1000, and 0 were left/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      asked(log, order, payment, 1);
      asked(log, order, payment, 1);
    }),
  ],
  [
    "more is refunded than was paid, and the ledger shows it",
    "guards",
    /-1000 in the ledger/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      asked(log, order, payment, 1);
      asked(log, order, payment, 1);
    }),
  ],
  [
    "more goes back to a payment than it brought, and less to another",
    "refunds",
    /100 more than payment alipay:p-3 brought/,
    story(
      "refundRequested",
      (fact) => fact.paymentId === "p-3",
      (fact) => [{ ...fact, amount: 600, shares: [{ line: 0, qty: 0, amount: 600 }] }],
    ),
  ],
  [
    "more goes back to the wallet than came from it",
    "refunds",
    /1000 more than came from the wallet/,
    shop((log) => {
      const { order } = paid(log, 1);
      const refund = log.refund(order, 1000, { shares: [{ line: 0, qty: 1, amount: 1000 }] });
      log.turn(
        log.moved(order, "refund", "Refunding"),
        [refund, log.done(refund)],
        log.moved(order, "refund_all_done", "Refunded"),
        log.key(order, methods.refund),
      );
    }),
  ],
  [
    "a refund goes to a payment of another order",
    "refunds",
    /to payment alipay:p-1, which is not one of/,
    story(
      "refundRequested",
      (fact) => fact.paymentId === "p-12",
      (fact) => [{ ...fact, paymentId: "p-1" }],
    ),
  ],
  [
    "more units are refunded than the line has",
    "refunds",
    /3 units of the 2 in line 0/,
    shop((log) => {
      const { order, payment } = paid(log, 2);
      const shares = [{ line: 0, qty: 3, amount: 500 }];
      asked(log, order, payment, 0.5, { shares });
    }),
  ],
  [
    "units are refunded again in a second refund",
    "refunds",
    /3 units of the 2 in line 0/,
    shop((log) => {
      const { order, payment } = paid(log, 2);
      asked(log, order, payment, 1);
      asked(log, order, payment, 0.5, { shares: [{ line: 0, qty: 2, amount: 500 }] });
    }),
  ],
  [
    "more money is refunded of a line than it cost",
    "refunds",
    /1200 of the 1000 in line 0/,
    shop((log) => {
      const { order, payment } = paid(log, 1, 1);
      asked(log, order, payment, 1.2);
    }),
  ],
  [
    "the shares of a refund are not its amount",
    "refunds",
    /refunds of 1000 with shares of 900/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      asked(log, order, payment, 1, { shares: [{ line: 0, qty: 1, amount: 900 }] });
    }),
  ],
  [
    "a refund is done twice",
    "refunds",
    /done, but it is not open/,
    story(
      "refundDone",
      (fact) => fact.source === 2,
      (fact) => [fact, fact],
    ),
  ],
  [
    "a refund is done after it was refused",
    "refunds",
    /done, but it is not open/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      const refund = asked(log, order, payment, 1);
      log.turn(log.refused(refund), log.moved(order, "refund_ended", "Paid"));
      log.turn(log.done(refund));
    }),
  ],
  [
    "a refund is refused after it was done",
    "refunds",
    /refused, but it is not open/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      const refund = asked(log, order, payment, 1);
      log.turn(log.done(refund), log.moved(order, "refund_all_done", "Refunded"));
      log.turn(log.refused(refund));
    }),
  ],
  [
    "a refund that has ended is unknown",
    "refunds",
    /unknown, but it is not open/,
    story(
      "refundDone",
      (fact) => fact.source === 2,
      (fact) => [fact, { type: Facts.refundUnknown, refund: fact.refund, error: "" }],
    ),
  ],
  [
    "another amount is done than was asked for",
    "refunds",
    /ends otherwise than it was asked for/,
    story(
      "refundDone",
      (fact) => fact.source === 2,
      (fact) => [{ ...fact, amount: fact.amount - 1 }],
    ),
  ],
  [
    "a refund to the wallet is left open",
    "refunds",
    /to the wallet, and not done in the same turn/,
    story(
      "refundDone",
      (fact) => fact.provider === "",
      () => [],
    ),
  ],
  [
    "a refund without a move of its order",
    "refunds",
    /a refund without a move of its order/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      log.turn(ask(log, order, payment, 1), log.key(order, methods.refund));
    }),
  ],
  [
    "an order moves into Refunding, and nothing is asked for",
    "refunds",
    /in Refunding, and none was asked for/,
    shop((log) => {
      const { order } = paid(log, 1);
      log.turn(log.moved(order, "refund", "Refunding"), log.key(order, methods.refund));
    }),
  ],
  [
    "a dispute ends with a refund of less than all",
    "refunds",
    /all was to be refunded, and 1000 are left/,
    shop((log) => {
      const { order, payment } = paid(log, 2);
      log.shipped(order);
      log.turn(log.moved(order, "dispute", "Disputed"), log.key(order, methods.advance));
      const refund = ask(log, order, payment, 1);
      log.turn(log.moved(order, "resolve_refund", "Refunding"), refund, log.key(order, methods.advance));
    }),
  ],
  [
    "an order is Refunded with money left",
    "refunds",
    /Refunded with 0 refunds open and 1000 left/,
    shop((log) => {
      const { order, payment } = paid(log, 2);
      const refund = asked(log, order, payment, 1);
      log.turn(log.done(refund), log.moved(order, "refund_all_done", "Refunded"));
    }),
  ],
  [
    "an order goes back to Paid while a refund is open",
    "refunds",
    /1 refunds open in Paid/,
    shop((log) => {
      const { order, payment } = paid(log, 2);
      const first = asked(log, order, payment, 1);
      asked(log, order, payment, 1);
      log.turn(log.done(first), log.moved(order, "refund_ended", "Paid"));
    }),
  ],
  [
    "an order of which nothing is left goes back to Paid",
    "refunds",
    /nothing is left, and it is in Paid/,
    shop((log) => {
      const { order, payment } = paid(log, 1);
      const refund = asked(log, order, payment, 1);
      log.turn(log.done(refund), log.moved(order, "refund_ended", "Paid"));
    }),
  ],
  [
    "a human is told of less than a refund is",
    "refunds",
    /333, and a human was told of 332/,
    story(
      "humanOpened",
      (fact) => fact.amount === 333,
      (fact) => [{ ...fact, amount: 332 }],
    ),
  ],
  [
    "a human takes money out of what is payable to somebody else",
    "human-items",
    /an entry on payable, which is not a human's to name/,
    shop((log) => {
      const item = lost(log, 700);
      log.turn(
        log.resolved(item, 4),
        log.entry(item, "suspense", "fees", 700),
        log.entry(item, "payable", "fees", 700),
      );
    }),
  ],
  [
    "a human's entries stand for a refund that goes on",
    "human-items",
    /entries for r\d+, which is still open/,
    story(
      "refundDone",
      (fact) => fact.amount === 666,
      () => [],
    ),
  ],
  [
    "a human's entries leave the money of a refund where its provider has it",
    "human-items",
    /666 was at risk, the entries move 665 out of clearing:alipay/,
    story(
      "entryMade",
      (fact) => fact.amount === 666,
      (fact) => [{ ...fact, amount: 665 }],
    ),
  ],
  [
    "refunds are numbered with a gap",
    "names",
    /has sequence 2 after 0/,
    story("refundRequested", every, (fact) => [{ ...fact, refund: fact.refund + 1024 }]),
  ],

  // Stock that comes back.
  [
    "units come back that nobody refunded",
    "holds",
    /1 of product 0 returned without a reason/,
    shop((log) => log.turn(log.stock("stockReturned", paid(log, 1).order))),
  ],
  [
    "units of a refund do not come back",
    "holds",
    /1 of product 0 should be returned/,
    story("stockReturned", every, () => []),
  ],
  [
    "units come back and available does not say so",
    "stock",
    /tea: available \d+, the fact says/,
    story("stockReturned", every, (fact) => [{ ...fact, available: fact.available - 1 }]),
  ],
  [
    "more comes back than was ever sold",
    "guards",
    /sold -1/,
    shop((log) => {
      const { order } = paid(log, 1);
      log.turn(log.stock("stockReturned", order, [2]));
    }),
  ],

  // Points.
  [
    "points are granted twice",
    "points",
    /points granted twice/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.turn(log.granted(order, 20));
    }),
  ],
  [
    "points are granted while nothing happens to the order",
    "points",
    /neither paid nor completed just now/,
    shop((log) => log.turn(log.granted(log.sold(ann, 2, 0), 20))),
  ],
  [
    "too many points are granted",
    "points",
    /21 points granted, 20 are due/,
    shop((log) => void completed(log, 21)),
  ],
  [
    "an order is completed without its points",
    "points",
    /without its 20 points/,
    shop((log) => void completed(log, 0)),
  ],
  [
    "fewer points are reversed than go back with the money",
    "points",
    /9 of 29 points reversed, 10 go back/,
    story("pointsReversed", every, (fact) => [{ ...fact, points: 9 }]),
  ],
  [
    "points are reversed, and nothing was refunded",
    "points",
    /5 of 20 points reversed, 0 go back/,
    shop((log) => {
      const { order } = completed(log, 20);
      log.turn(log.reversed(order, 5));
    }),
  ],
  [
    "points are granted to another account",
    "points",
    /points of another account/,
    story("pointsGranted", every, (fact) => [{ ...fact, account: ben }]),
  ],
  [
    "points are spent that are not there",
    "guards",
    /account ann: -1 points after spending 30/,
    story("pointsSpent", every, (fact) => [{ ...fact, points: 30 }]),
  ],
  [
    "points are spent without a ref",
    "keys",
    /movements \[10 0 voucher-1\] under the refs \[\]/,
    story(
      "keyKept",
      (fact) => fact.method === methods.spend,
      () => [],
    ),
  ],
  [
    "the answer of a spending tells of other points",
    "keys",
    /the answer kept under ref voucher-1/,
    story(
      "keyKept",
      (fact) => fact.method === methods.spend,
      (fact) => [{ ...fact, text: fact.text.replace('"points":9', '"points":29') }],
    ),
  ],
]);
