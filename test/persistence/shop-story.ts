/** A month of a shop: everything that can follow an order's payment happens in it at least once, and all of it is right. */

import { Facts } from "../../actors/facts.js";
import { orderId, refundId } from "../../actors/order-number.js";
import { ann, ben, day, methods, ShopLog, USD, week } from "./shop-log.js";
import type { Turn } from "./trading-log.js";

const payment = 1;
const refund = 2;
const [retry, done, entries, writeOff] = [1, 2, 4, 5];

export function shopStory(): Turn[] {
  const shop = new ShopLog();
  completedAndRefunded(shop);
  paidTooMuch(shop);
  paidInParts(shop);
  canceledWithMoney(shop);
  paidTwice(shop);
  paidForNothing(shop);
  paidTooLate(shop);
  disputed(shop);
  settledByHand(shop);
  refundedAndRefused(shop);
  stillOpen(shop);
  return shop.turns;
}

/** From the placement to the archive: points, a refund of a unit that comes back, and then of all the rest. */
function completedAndRefunded(shop: ShopLog): void {
  const order = shop.placed(ann, 2, 3);
  const { payment: paid } = shop.paidFromOutside(order, "p-1");
  const dueAt = shop.shipped(order);
  shop.turn(shop.moved(order, "dispatch", "Shipping", dueAt), shop.key(order, methods.advance));
  shop.turn(shop.moved(order, "deliver", "Delivered", dueAt), shop.key(order, methods.advance));
  const until = shop.nowMs + week;
  shop.turn(
    shop.moved(order, "confirm", "Completed", until),
    shop.granted(order, 29),
    shop.key(order, methods.advance),
  );
  shop.spent(ann, 20, "voucher-1");

  const unit = { payment: paid, restock: 1, shares: [{ line: 0, qty: 1, amount: 1000 }] };
  const first = shop.refund(order, 1000, unit);
  shop.turn(shop.moved(order, "refund", "Refunding", until), first, shop.key(order, methods.refund));
  shop.turn(
    shop.done(first),
    shop.stock("stockReturned", order, [1, 0]),
    shop.reversed(order, 10),
    shop.moved(order, "refund_ended", "Completed", until),
  );
  const rest = [
    { line: 0, qty: 1, amount: 1000 },
    { line: 1, qty: 3, amount: 999 },
  ];
  const second = shop.refund(order, 1999, { payment: paid, shares: rest });
  shop.turn(shop.moved(order, "refund", "Refunding", until), second, shop.key(order, methods.refund));
  shop.turn(shop.unknown(second));
  // Twenty points were spent by then: ann owes some.
  shop.turn(shop.done(second), shop.reversed(order, 19), shop.moved(order, "refund_all_done", "Refunded"));
  shop.pass(day);
  shop.turn(shop.archived(order, 0));
}

function paidTooMuch(shop: ShopLog): void {
  const { surplus } = shop.paidFromOutside(shop.placed(ben, 1, 0), "p-2", 250);
  shop.turn(shop.done(surplus));
}

/** In part from outside and the rest from the wallet; a refund by amount takes from both, and one is refused. */
function paidInParts(shop: ShopLog): void {
  const order = shop.placed(ben, 2, 0);
  const part = shop.booked(orderId(order.order), "p-3", 500);
  shop.turn(part, shop.applied(part, order, 500), shop.told(part, "partially_paid", order));
  shop.turn(
    shop.stock("stockConfirmed", order),
    shop.captured(order, 1500),
    { type: Facts.orderPaid, order: order.order, amount: 1500 },
    shop.key(order, methods.pay),
  );
  const toWallet = shop.refund(order, 300, { shares: [{ line: 0, qty: 0, amount: 300 }] });
  const outside = shop.refund(order, 500, { payment: part, shares: [{ line: 0, qty: 0, amount: 500 }] });
  shop.turn(
    shop.moved(order, "refund", "Refunding"),
    [toWallet, shop.done(toWallet), outside],
    shop.key(order, methods.refund),
  );
  shop.turn(shop.refused(outside), shop.moved(order, "refund_ended", "Paid"));
}

/** Paid in part until its deadline; what comes after it is late. Its refund is refused first, and then done. */
function canceledWithMoney(shop: ShopLog): void {
  const order = shop.placed(ann, 1, 1);
  const part = shop.booked(orderId(order.order), "p-4", 400);
  shop.turn(part, shop.applied(part, order, 400), shop.told(part, "partially_paid", order));
  shop.pass(930_000);
  const back = shop.refund(order, 400, { payment: part });
  shop.turn(
    shop.stock("stockReleased", order),
    { type: Facts.orderCanceled, order: order.order, cause: 2, reason: "" },
    back,
  );
  const late = shop.booked(orderId(order.order), "p-5", 933);
  const lateBack = shop.refund(order, 933, { payment: late, source: 2 });
  shop.turn(late, lateBack, shop.told(late, "late_payment", order));
  const item = shop.opened(refund, refundId(back.refund), 400);
  shop.turn(shop.refused(back), item);
  const again = shop.refund(order, 400, { payment: part });
  shop.turn(shop.resolved(item, retry), again);
  shop.turn(shop.done(again));
  shop.turn(shop.done(lateBack));
  shop.pass(day);
  shop.turn(shop.archived(order, 0));
}

/** A second payment goes back; the provider refuses, and a human books it. */
function paidTwice(shop: ShopLog): void {
  const order = shop.sold(ann, 1, 0);
  const twice = shop.booked(orderId(order.order), "p-6", 1000);
  const back = shop.refund(order, 1000, { payment: twice, source: 2 });
  shop.turn(twice, back, shop.told(twice, "duplicate_payment", order));
  const item = shop.opened(payment, "alipay:p-6", 1000);
  shop.turn(shop.refused(back), item);
  shop.turn(
    shop.resolved(item, entries),
    shop.entry(item, "suspense", "wallet:ann", 900),
    shop.entry(item, "suspense", "fees", 100),
  );
}

/** Two payments that no order takes: one is given its order by a human, one is written off. */
function paidForNothing(shop: ShopLog): void {
  const order = shop.placed(ben, 0, 3);
  const lost = shop.booked("nothing-known", "p-7", 999);
  const item = shop.opened(payment, "alipay:p-7", 999);
  shop.turn(lost, item, shop.told(lost, "unmatched_payment"));
  shop.turn(shop.resolved(item, retry), shop.stock("stockConfirmed", order), shop.applied(lost, order, 999), {
    type: Facts.orderSettled,
    order: order.order,
  });
  const foreign = shop.booked(orderId(order.order), "p-8", 150, USD);
  const other = shop.opened(payment, "alipay:p-8", 150, USD);
  shop.turn(foreign, other, shop.told(foreign, "currency_mismatch", order));
  shop.turn(shop.resolved(other, writeOff), shop.entry(other, "suspense", "loss", 150));
}

/** Canceled, and everything could be taken once more. */
function paidTooLate(shop: ShopLog): void {
  const order = shop.placed(ben, 1, 1);
  shop.turn(
    shop.stock("stockReleased", order),
    { type: Facts.orderCanceled, order: order.order, cause: 1, reason: "" },
    shop.key(order, methods.cancel),
  );
  const late = shop.booked(orderId(order.order), "p-9", 1333);
  shop.turn(
    late,
    shop.stock("stockSold", order),
    shop.applied(late, order, 1333),
    { type: Facts.orderReinstated, order: order.order },
    shop.told(late, "late_payment", order),
  );
}

/** One dispute ends as if it had not been, and its time goes on; one ends with all the money back in the wallet. */
function disputed(shop: ShopLog): void {
  const kept = shop.sold(ann, 1, 1);
  const dueAt = shop.shipped(kept);
  shop.pass(2 * day);
  const rest = dueAt - shop.nowMs;
  shop.turn(shop.moved(kept, "dispute", "Disputed"), shop.key(kept, methods.advance));
  shop.pass(10 * day);
  const resumed = shop.nowMs + rest;
  shop.turn(shop.moved(kept, "resolve_keep", "Shipped", resumed), shop.key(kept, methods.advance));
  shop.pass(rest);
  const until = shop.nowMs + week;
  shop.turn(
    shop.moved(kept, "auto_confirm", "Completed", until, { operator: "engine" }),
    shop.granted(kept, 13),
  );
  shop.pass(week + day);
  shop.turn(shop.archived(kept, 1333));

  const returned = shop.sold(ben, 2, 0);
  const shippedUntil = shop.shipped(returned);
  shop.turn(shop.moved(returned, "deliver", "Delivered", shippedUntil), shop.key(returned, methods.advance));
  shop.turn(shop.moved(returned, "dispute", "Disputed"), shop.key(returned, methods.advance));
  const all = shop.refund(returned, 2000, { restock: 1, shares: [{ line: 0, qty: 2, amount: 2000 }] });
  shop.turn(
    shop.moved(returned, "resolve_refund", "Refunding"),
    [all, shop.done(all)],
    shop.stock("stockReturned", returned),
    shop.moved(returned, "refund_all_done", "Refunded"),
    shop.key(returned, methods.advance),
  );
}

/** Two refunds at once, a dispute over them, and a provider that does not answer: one is done after all, one is not. */
function settledByHand(shop: ShopLog): void {
  const order = shop.placed(ben, 0, 4);
  const { payment: paid } = shop.paidFromOutside(order, "p-10");
  const dueAt = shop.shipped(order);
  const ask = (qty: number) =>
    shop.refund(order, qty * 333, { payment: paid, shares: [{ line: 0, qty, amount: qty * 333 }] });
  const [one, two, three] = [ask(1), ask(1), ask(2)];
  shop.turn(shop.moved(order, "refund", "Refunding", dueAt), one, shop.key(order, methods.refund));
  shop.turn(shop.moved(order, "refund", "Refunding", dueAt), two, shop.key(order, methods.refund));
  const rest = dueAt - shop.nowMs;
  shop.turn(shop.moved(order, "dispute", "Disputed"), shop.key(order, methods.advance));
  shop.turn(shop.done(one));
  const resumed = shop.nowMs + rest;
  shop.turn(shop.moved(order, "resolve_keep", "Refunding", resumed), shop.key(order, methods.advance));
  const item = shop.opened(refund, refundId(two.refund), 333);
  shop.turn(shop.unknown(two), item);
  shop.turn(shop.resolved(item, done), shop.done(two), shop.moved(order, "refund_ended", "Shipped", resumed));
  shop.turn(shop.moved(order, "refund", "Refunding", resumed), three, shop.key(order, methods.refund));
  const stuck = shop.opened(refund, refundId(three.refund), 666);
  shop.turn(shop.unknown(three), stuck);
  shop.turn(
    shop.resolved(stuck, entries),
    shop.done(three),
    shop.entry(stuck, "clearing:alipay", "wallet:ben", 666),
    shop.moved(order, "refund_all_done", "Refunded"),
  );
}

/** A dispute ends with a refund of all, the provider refuses it: the order goes on where it was. */
function refundedAndRefused(shop: ShopLog): void {
  const order = shop.placed(ann, 1, 0);
  const { payment: paid } = shop.paidFromOutside(order, "p-11");
  const rest = shop.shipped(order) - shop.nowMs;
  shop.turn(shop.moved(order, "dispute", "Disputed"), shop.key(order, methods.advance));
  const all = shop.refund(order, 1000, { payment: paid, shares: [{ line: 0, qty: 1, amount: 1000 }] });
  shop.turn(shop.moved(order, "resolve_refund", "Refunding"), all, shop.key(order, methods.advance));
  shop.turn(shop.refused(all), shop.moved(order, "refund_ended", "Shipped", shop.nowMs + rest));
}

/** What stands open at the end: each of them waits for something. */
function stillOpen(shop: ShopLog): void {
  shop.placed(ann, 1, 0);
  const order = shop.placed(ben, 1, 0);
  const { payment: paid } = shop.paidFromOutside(order, "p-12");
  const back = shop.refund(order, 1000, { payment: paid, shares: [{ line: 0, qty: 1, amount: 1000 }] });
  shop.turn(shop.moved(order, "refund", "Refunding"), back, shop.key(order, methods.refund));
  const lost = shop.booked("cart-9", "p-13", 700);
  shop.turn(lost, shop.opened(payment, "alipay:p-13", 700), shop.told(lost, "unmatched_payment"));
  const disputedOrder = shop.sold(ben, 0, 1);
  shop.shipped(disputedOrder);
  shop.turn(shop.moved(disputedOrder, "dispute", "Disputed"), shop.key(disputedOrder, methods.advance));
}
