/**
 * Single answers against what is possible: amounts and counts within their bounds, refusals with a reason that can be
 * true, orders that say what was asked for.
 */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { checkCartRefusal, checkPlaced } from "./audit-carts.js";
import { checkMove, checkOrder } from "./audit-orders.js";
import {
  checkHuman,
  checkNotified,
  checkPoints,
  checkRefund,
  checkToken,
  checkTokenRefusal,
} from "./audit-outside.js";
import { checkTransaction } from "./audit-transactions.js";
import { guess } from "./clerk.js";
import { epochMs, type Host } from "./host.js";
import { fortune, type KnownProduct } from "./model.js";
import type { Answer, Operation } from "./operation.js";
import { absurdSkewMs } from "./requests.js";

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
      amount < 0 ||
        operation.params.evidence === guess ||
        (operation.cart !== undefined && operation.cart.costMax > 1e15),
      "the amount is good",
    );
    return;
  }
  if (code === "token_unknown" || code === "token_expired") {
    checkTokenRefusal(audit, operation, answer, host.clockMax);
    return;
  }
  if (code === "invalid_request" && method !== "human.resolve") {
    const at = operation.slot?.at ?? 0;
    const isAbsurd = at > epochMs + absurdSkewMs / 2;
    // A clock that jumped may have ended the sale before it was made.
    const isOver = method === "product.create" && Number(operation.params.saleEndsAt) * 1000 <= host.clockMax;
    // A token says when it was issued, and the clock of its shard may have jumped ahead of this one's by more than a day.
    const [, issuedAt = ""] = /^tk:([0-9a-z]+):/.exec(String(operation.params.key)) ?? [];
    const isEarly = Number.parseInt(issuedAt, 36) > host.clockMax + 86_400_000_000;
    const isGood = !isAbsurd && !isOver && !isEarly && amount >= 0 && method !== "feed.unsubscribe";
    expect(!isGood, "the request is good");
    return;
  }
  if (code === "overloaded" || code === "deadline_exceeded") return;
  if (code === "ok" || code === "already_exists") expect(amount >= 0, "must not be done");
  if (code === "key_reused" || code === "key_too_old") return;
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
    case "product.update":
    case "product.adjust":
    case "product.delist":
    case "product.relist":
    case "product.create":
      checkProduct(audit, operation, answer);
      return;
    case "order.place":
      if (code === "ok") checkPlaced(audit, operation, answer, clock);
      else checkCartRefusal(audit, operation, answer);
      return;
    case "order.pay":
    case "order.cancel":
    case "order.advance":
    case "order.refund":
      checkMove(audit, operation, answer, clock);
      return;
    case "order.get":
      checkOrder(audit, operation, answer);
      return;
    case "payment.notify":
      checkNotified(audit, operation, answer);
      return;
    case "refund.report":
    case "refund.get":
      checkRefund(audit, operation, answer);
      return;
    case "human.list":
    case "human.get":
    case "human.resolve":
      checkHuman(audit, operation, answer);
      return;
    case "transaction.begin":
    case "transaction.get":
      checkTransaction(audit, operation, answer, host);
      return;
    case "points.spend":
      checkPoints(audit, operation, answer);
      return;
    case "token.issue":
      checkToken(audit, operation, answer, clock);
      return;
    case "feed.subscribe":
      if (code === "ok") expect((answer.result as { seq: number }).seq <= host.durable, "seq is not durable");
      else {
        const { topic, from } = operation.params as { topic: string; from?: number };
        const tooOld = code === "seq_too_old" && topic.startsWith("account:") && from !== undefined;
        expect(tooOld && (details!.completeFrom as number) > from, "a subscription is refused");
      }
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
  const back = ledger.since(operation.before, `back ${account}`);
  // What the operation itself would have taken is in the bounds; before it was done it had taken nothing.
  const own = operation.counted && operation.method !== "account.deposit" ? takes(operation) : 0;
  return {
    low: Math.max(0, inward.low + back.low - outward.high - paid.high + (refused ? own : 0)),
    high: inward.high + back.high - outward.low - paid.low,
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
  version: number;
  delisted: boolean;
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
  const { available, held, sold, price, currency, name, version, delisted } = answer.result as Stock;
  const { ledger } = model;
  const supply = ledger.since(operation.before, `supply ${id}`);
  const taken = ledger.since(operation.before, `taken ${id}`);
  expect(currency === product!.currency && product!.names.has(name), "another name or currency");
  expect(available >= 0 && held >= 0 && sold >= 0, "less than nothing");
  const units = available + held + sold;
  const lost = ledger.since(operation.before, `lost ${id}`);
  expect(units >= supply.low - lost.high && units <= supply.high, `units not in ${bounds(supply)}`);
  expect(held + sold <= taken.high, `more is taken than the ${taken.high} that were asked for`);
  expect(product!.prices.has(minorOf(price, currency)), "a price that nobody has set");
  if (operation.method === "product.adjust" && !answer.replayed) audit.world.coverage.hit("units adjusted");
  checkVersion(audit, operation, answer, product!, version);
  expect(!delisted || product!.mayBeDelisted, "nobody has taken it off sale");
  if (operation.method === "product.delist") expect(delisted, "it is still sold");
  if (operation.method === "product.relist") expect(!delisted, "it is not sold again");
  if (operation.method === "product.update") expect(name === operation.params.name, "not the new name");
  if (operation.method === "product.reprice")
    expect(minorOf(price, currency) === minorOf(operation.params.price, currency), "not the new price");
}

/** One version per product: what is seen of a version is always the same, and no answer goes behind one that came before its request. */
function checkVersion(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  product: KnownProduct,
  version: number,
): void {
  const { name, price, delisted } = answer.result as Stock;
  const seen = `${name} ${price} ${delisted}`;
  const known = product.versions.get(version) ?? seen;
  audit.expect(known === seen, operation, answer, `version ${version} was ${known}`);
  product.versions.set(version, seen);
  if (operation.params.expectedVersion !== undefined) {
    const made = (operation.params.expectedVersion as number) + 1;
    audit.expect(version === made, operation, answer, `version ${version}, not ${made}`);
    audit.world.coverage.hit("product updated");
  }
}

export function bounds({ low, high }: { low: number; high: number }): string {
  return `${low}..${high}`;
}
