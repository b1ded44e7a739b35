/**
 * Single answers against what is possible: amounts and counts within their bounds, refusals with a reason that can be
 * true, orders that say what was asked for.
 */

import { decimal, minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { checkCartRefusal, checkPlaced } from "./audit-carts.js";
import { epochMs, type Host } from "./host.js";
import { fortune } from "./model.js";
import type { Answer, Operation, PlacedOrder } from "./operation.js";
import { absurdSkewMs } from "./requests.js";

/** Turns move engine time on by a microsecond at the least: two milliseconds are more turns than a run has at one time. */
const slackMs = 2;

export function checkAnswer(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  host: Host,
  clock: number,
): void {
  const { code, details } = answer;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { method, amount } = operation;
  if (code === "invalid_amount" || code === "amount_overflow") {
    expect(
      amount < 0 || (operation.cart !== undefined && operation.cart.costMax > 1e15),
      "the amount is good",
    );
    return;
  }
  if (code === "invalid_request") {
    const at = operation.slot?.at ?? 0;
    const crossingDryRun = operation.cart?.dryRun === true && operation.cart.crossing;
    const isAbsurd = at > epochMs + absurdSkewMs / 2;
    expect(crossingDryRun || isAbsurd || method === "feed.unsubscribe", "the request is good");
    return;
  }
  if (code === "overloaded" || code === "deadline_exceeded") return;
  if (code === "ok" || code === "already_exists") expect(amount >= 0, "must not be done");
  switch (method) {
    case "account.open":
      checkOpen(audit, operation, answer);
      return;
    case "account.get":
    case "account.deposit":
    case "account.withdraw":
      checkAccount(audit, operation, answer);
      return;
    case "product.get":
    case "product.restock":
    case "product.reprice":
    case "product.create":
      checkProduct(audit, operation, answer);
      return;
    case "order.place":
      if (code === "ok") checkPlaced(audit, operation, answer, clock);
      else checkCartRefusal(audit, operation, answer);
      return;
    case "order.pay":
    case "order.cancel":
      checkMove(audit, operation, answer, host, clock);
      return;
    case "order.get":
      checkOrder(audit, operation, answer, host);
      return;
    case "feed.subscribe":
      if (code === "ok") expect((answer.result as { seq: number }).seq <= host.durable, "seq is not durable");
      else expect(false, "a subscription is refused");
      return;
    default:
      expect(details === undefined || code !== "internal", "internal");
  }
}

function checkOpen(audit: Audit, operation: Operation, answer: Answer): void {
  const { model } = audit;
  const account = model.accounts.get(operation.params.account as string)!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (answer.code === "ok") {
    expect(++account.openings === 1, "opened twice");
    const { currency, available } = answer.result as { currency: string; available: string };
    expect(
      currency === operation.params.currency && minorOf(available, currency) === 0,
      "a strange new account",
    );
  }
  if (answer.code === "ok" || answer.code === "already_exists") account.opened = "sure";
}

function checkAccount(audit: Audit, operation: Operation, answer: Answer): void {
  const { model } = audit;
  const id = operation.params.account as string;
  const account = model.accounts.get(id);
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (answer.code === "account_not_found") {
    // Not stored for money, so it is only wrong when the account was certainly there before.
    expect(account === undefined || !operation.before.has(`open ${id}`), "the account was there");
    return;
  }
  const balance = balanceBounds(audit, operation, id, answer.code !== "ok");
  if (answer.code === "insufficient_funds") {
    const available = minorOf(answer.details!.available, account!.currency);
    expect(available >= balance.low && available <= balance.high, `available not in ${bounds(balance)}`);
    expect(available < operation.amount, "the money was there");
  } else if (answer.code === "ok") {
    expect(account !== undefined && account.opened !== "no", "the account cannot be there");
    account!.opened = "sure";
    const { available, currency } = answer.result as { available: string; currency: string };
    expect(currency === account!.currency, "another currency");
    const minor = minorOf(available, currency);
    expect(minor >= balance.low && minor <= balance.high, `available not in ${bounds(balance)}`);
  }
}

/** What the balance can have been since the operation was first sent. */
export function balanceBounds(
  audit: Audit,
  operation: Operation,
  account: string,
  refused = false,
): { low: number; high: number } {
  const { ledger } = audit.model;
  const inward = ledger.since(operation.before, `in ${account}`);
  const outward = ledger.since(operation.before, `out ${account}`);
  const paid = ledger.since(operation.before, `paid ${account}`);
  // What the operation itself would have taken is in the bounds; before it was done it had taken nothing.
  const own = operation.counted && operation.method !== "account.deposit" ? takes(operation) : 0;
  return {
    low: Math.max(0, inward.low - outward.high - paid.high + (refused ? own : 0)),
    high: inward.high - outward.low - paid.low,
  };
}

function takes({ cart, amount }: Operation): number {
  if (!cart) return amount;
  return cart.pay === "balance" && !cart.dryRun ? Math.min(cart.costMax, fortune) : 0;
}

interface Stock {
  product: string;
  name: string;
  price: string;
  currency: string;
  available: number;
  held: number;
  sold: number;
}

function checkProduct(audit: Audit, operation: Operation, answer: Answer): void {
  const { model } = audit;
  const id = operation.params.product as string;
  const product = model.products.get(id);
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (answer.code === "product_not_found") {
    expect(product === undefined || !operation.before.has(`create ${id}`), "the product was there");
    return;
  }
  if (answer.code === "already_exists") expect(product!.created !== "no", "the product cannot be there");
  if (answer.code !== "ok") return;
  expect(product !== undefined && product.created !== "no", "the product cannot be there");
  if (operation.method === "product.create") expect(++product!.creations === 1, "created twice");
  product!.created = "sure";
  const { available, held, sold, price, currency, name } = answer.result as Stock;
  const { ledger } = model;
  const supply = ledger.since(operation.before, `supply ${id}`);
  const taken = ledger.since(operation.before, `taken ${id}`);
  expect(currency === product!.currency && name === product!.name, "another name or currency");
  expect(available >= 0 && held >= 0 && sold >= 0, "less than nothing");
  const units = available + held + sold;
  expect(units >= supply.low && units <= supply.high, `units not in ${bounds(supply)}`);
  expect(held + sold <= taken.high, `more is taken than the ${taken.high} that were asked for`);
  expect(product!.prices.has(minorOf(price, currency)), "a price that nobody has set");
  if (operation.method === "product.reprice")
    expect(minorOf(price, currency) === minorOf(operation.params.price, currency), "not the new price");
}

function checkMove(audit: Audit, operation: Operation, answer: Answer, host: Host, clock: number): void {
  const known = audit.model.orders.get(operation.params.order as string);
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { code, details } = answer;
  if (code === "order_not_found") {
    expect(known === undefined, "an order that was answered is gone");
    return;
  }
  expect(known !== undefined, "there is no such order");
  if (code === "ok") {
    checkView(audit, operation, answer);
    const { status } = answer.result as PlacedOrder;
    expect(status === (operation.method === "order.pay" ? "Paid" : "Canceled"), "the wrong status");
    if (!answer.replayed) expect(clock < known!.expiresAt * 1000, "moved after its hold had ended");
    raced(audit, operation, known!.expiresAt, clock, "payment racing expiry won");
  } else if (code === "invalid_transition" || code === "hold_expired") {
    const from = code === "hold_expired" ? "Canceled" : details!.from;
    const expired = known!.expiresAt > 0 && host.clockMax / 1000 + slackMs >= known!.expiresAt;
    expect(from === "Paid" || from === "Canceled", "there is no reason");
    if (from === "Paid") expect(known!.payAsked || known!.expiresAt === 0, "nobody has paid");
    if (from === "Canceled") expect(known!.cancelAsked || expired, "nobody has canceled, and there was time");
    if (from === "Canceled") audit.gone(known!.view.order);
    if (from === "Canceled" && !known!.cancelAsked)
      raced(audit, operation, known!.expiresAt, clock, "payment racing expiry lost");
  } else if (code === "insufficient_funds") {
    const { currency, total, account } = known!.view;
    const balance = balanceBounds(audit, operation, account, true);
    const available = minorOf(details!.available, currency);
    expect(available >= balance.low && available <= balance.high, `available not in ${bounds(balance)}`);
    expect(available < total && details!.due === decimal(total, currency), "the money was there");
  }
}

function raced(
  audit: Audit,
  operation: Operation,
  expiresAt: number,
  clock: number,
  what: "payment racing expiry won" | "payment racing expiry lost",
): void {
  if (operation.method !== "order.pay" || expiresAt === 0) return;
  if (Math.abs(clock / 1000 - expiresAt) <= 5) audit.world.coverage.hit(what);
}

function checkOrder(audit: Audit, operation: Operation, answer: Answer, host: Host): void {
  const known = audit.model.orders.get(operation.params.order as string);
  if (answer.code === "ok") {
    checkView(audit, operation, answer);
    const { status } = answer.result as PlacedOrder;
    const expired = known!.expiresAt > 0 && host.clockMax / 1000 + slackMs >= known!.expiresAt;
    const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
    if (status === "Canceled")
      expect(known!.cancelAsked || expired, "nobody has canceled, and there was time");
    if (status === "Canceled" && !known!.cancelAsked) audit.world.coverage.hit("order expired");
    if (status === "Canceled") audit.gone(known!.view.order);
    if (status === "Paid") expect(known!.payAsked || known!.expiresAt === 0, "nobody has paid");
    return;
  }
  audit.expect(
    answer.code !== "order_not_found" || known === undefined,
    operation,
    answer,
    "the order is gone",
  );
}

/** What never changes about an order is as it was answered first. */
function checkView(audit: Audit, operation: Operation, answer: Answer): void {
  const view = answer.result as PlacedOrder & { amountPaid: number };
  const known = audit.model.orders.get(operation.params.order as string)!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { order, account, total, currency, createdAt, lines } = known.view;
  expect(view.order === order && view.account === account && view.total === total, "another order");
  expect(view.currency === currency && view.createdAt === createdAt, "another order");
  expect(JSON.stringify(view.lines) === JSON.stringify(lines), "other lines");
  expect(view.amountPaid === (view.status === "Paid" ? total : 0), "paid is not what the status says");
}

export function bounds({ low, high }: { low: number; high: number }): string {
  return `${low}..${high}`;
}
