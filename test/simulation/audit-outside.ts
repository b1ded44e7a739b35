/** Answers about money from outside and what goes back there: payments, refunds, items for a human; and points and tokens. */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { seeOrder, seeRefund } from "./audit-orders.js";
import type { Answer, Operation, SeenRefund } from "./operation.js";

interface Notified {
  readonly outcome: string;
  readonly money: string;
  readonly refund: string | null;
  readonly order: object | null;
}

/** What may become of the money of each outcome. */
const monies: Readonly<Record<string, readonly string[]>> = {
  paid: ["applied"],
  partially_paid: ["kept"],
  late_payment: ["refunded", "reinstated"],
  duplicate_payment: ["refunded"],
  unmatched_payment: ["suspense"],
  currency_mismatch: ["suspense"],
};

export function checkNotified(audit: Audit, operation: Operation, answer: Answer): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { params, amount } = operation;
  const { coverage, plan } = audit.world;
  if (answer.code !== "ok") {
    expect(
      answer.code === "key_reused" || (answer.code === "invalid_amount" && amount < 0),
      "the word is good",
    );
    return;
  }
  const { outcome, money, refund, order } = answer.result as Notified;
  const known = audit.model.orders.get(params.order as string);
  expect(monies[outcome]?.includes(money) === true, "no such end of a payment");
  if (outcome === "unmatched_payment") expect(known === undefined, "the order was there");
  else expect(known !== undefined, "there is no such order");
  const currency = known?.view.currency;
  // Of an archived order nobody here knows the currency.
  if (known && !order) expect(outcome === "late_payment", "the order is not shown");
  if (known && order)
    expect(
      (outcome === "currency_mismatch") === (params.currency !== currency),
      "the currency says otherwise",
    );
  if (order) {
    const view = seeOrder(audit, operation, answer, order);
    const { total } = view;
    expect(view.order === params.order, "another order");
    if (outcome === "paid" || money === "reinstated") {
      expect(view.status === "Paid", "paid, and not Paid");
      const surplusMost = amount - Math.max(0, total - (known!.outsideMost - amount));
      if (refund === null) expect(amount <= total, "the surplus is gone");
      else expect(surplusMost > 0, "there was no surplus");
    }
    if (outcome === "partially_paid")
      expect(view.status === "Created" && view.amountPaid >= amount, "not kept");
    if (outcome === "late_payment" && money === "refunded")
      expect(["Canceled", "Refunding", "Refunded"].includes(view.status), "it was not too late");
    if (outcome === "duplicate_payment") expect(view.amountPaid === total, "it was not paid before");
  }
  if (money === "reinstated") expect(plan.settings.latePayment === "reinstate", "nobody wants it back");
  if (money === "refunded") expect(refund !== null, "the refund is not named");
  if (money === "kept" || money === "suspense") expect(refund === null, "nothing is to be refunded");
  if (answer.replayed) coverage.hit("payment told twice");
  else {
    coverage.hitCode(money === "reinstated" ? money : outcome);
    if (money === "reinstated" && known?.placedBy.cart?.crossing) coverage.hit("reinstated across shards");
    if (outcome === "paid" && refund !== null) coverage.hit("more was paid than was due");
    if (known && known.expiresAt > 0 && outcome === "late_payment" && known.asked.has("refund"))
      coverage.hit("payment for an order that is refunded");
  }
}

/** `refund.report`, `refund.get`. */
export function checkRefund(audit: Audit, operation: Operation, answer: Answer): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { params } = operation;
  const { refunds } = audit.model;
  const { coverage } = audit.world;
  const known = refunds.get(params.refund as string);
  if (answer.code === "refund_not_found") {
    expect(params.refund === "r999424", "the refund is gone");
    return;
  }
  if (answer.code === "ok") {
    const seen = answer.result as SeenRefund;
    expect(seen.refund === params.refund, "another refund");
    seeRefund(audit, operation, answer, seen);
    if (operation.method !== "refund.report") return;
    const { outcome } = params;
    // Money that no order can keep stays to be refunded, whatever its provider says.
    expect(
      seen.state === outcome || (outcome === "refused" && seen.state === "unknown"),
      "not as it was told",
    );
    coverage.hitCode(`refund reported ${seen.state === outcome ? outcome : "refused in vain"}`);
  } else if (answer.code === "invalid_transition") {
    const from = answer.details!.from as "done" | "refused";
    expect(from !== params.outcome && (from === "done" || from === "refused"), "it was not otherwise");
    expect(known === undefined || known.end === "" || known.end === from, `it was ${known?.end}`);
    if (known) known.end = from;
    coverage.hit("refund told to have ended otherwise");
  } else expect(false, "no report is refused so");
}

interface Item {
  readonly item: string;
  readonly kind: string;
  readonly subject: string;
  readonly currency: string | null;
  readonly amount: string | null;
  readonly state: "open" | "resolved";
  readonly actions: readonly string[];
  readonly resolution: { readonly action: string; readonly reason: string } | null;
}

export function checkHuman(audit: Audit, operation: Operation, answer: Answer): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { method, params } = operation;
  const { coverage } = audit.world;
  const { code } = answer;
  if (method === "human.list") {
    const { items, cursor } = answer.result as { items: Item[]; cursor: string | null };
    expect(code === "ok" && items.length <= (params.limit as number), "more than were asked for");
    expect(cursor === null || /^[0-9]+\.[0-9]+$/.test(cursor), "no cursor");
    for (const { state } of items) expect(state === (params.state ?? "open"), "of another state");
    coverage.hit("items listed");
    return;
  }
  if (code === "item_not_found") {
    expect(params.item === "h999424", "the item is gone");
    return;
  }
  if (code === "ok") {
    const { item } = answer.result as { item: Item };
    expect(item.item === params.item, "another item");
    expect((item.state === "resolved") === (item.resolution !== null), "resolved, or not");
    if (method === "human.get") return;
    const { action, reason } = item.resolution!;
    expect(action === params.action && reason === params.reason, "resolved otherwise");
    coverage.hitCode(`${item.kind} item: ${action}`);
    if (item.kind === "payment" && (action === "done" || action === "undone"))
      audit.world.providers.payByHand(
        item.item,
        item.subject,
        item.currency!,
        minorOf(item.amount, item.currency!),
      );
  } else if (code === "invalid_transition") {
    expect(method === "human.resolve" && answer.details!.from === "resolved", "it was open");
    coverage.hit("item resolved already");
  } else {
    const allowed = ["invalid_request", "order_not_found", "currency_mismatch", "insufficient_funds"];
    expect([...allowed, "invalid_amount", "amount_overflow"].includes(code), "no item is refused so");
  }
}

export function checkPoints(audit: Audit, operation: Operation, answer: Answer): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { code, result, details } = answer;
  const { params, amount } = operation;
  const account = audit.model.accounts.get(params.account as string);
  if (code === "account_not_found") {
    expect(account === undefined || !operation.before.has(`open ${params.account}`), "the account was there");
  } else if (code === "insufficient_points") {
    const available = details!.available as number;
    expect(available >= 0 && available < amount, "the points were there");
  } else if (code === "ok") {
    const { points, currency, available } = result as { points: number; currency: string; available: string };
    expect(Number.isSafeInteger(points) && points >= 0, "spent more than there was");
    expect(account !== undefined && currency === account.currency, "another currency");
    expect(minorOf(available, currency) >= 0, "no balance");
    if (!answer.replayed) audit.world.coverage.hit("points spent");
  } else expect(code === "key_reused", "no points are refused so");
}

/** A day, in which an issued token may be used for the first time. */
const tokenLifeMs = 86_400_000;

export function checkToken(audit: Audit, operation: Operation, answer: Answer, clock: number): void {
  const { token, expiresAt } = answer.result as { token: string; expiresAt: string };
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  expect(/^[A-Za-z0-9._:-]{1,64}$/.test(token), "a token that no key can be");
  const { tokens } = audit.model;
  expect(!tokens.has(token), "a token was issued twice");
  // The answer may wait for the disk; the engine's time may be ahead of the clock.
  expect(Date.parse(expiresAt) >= tokenLifeMs, "no time");
  tokens.set(token, Date.parse(expiresAt) - tokenLifeMs);
  expect(clock > 0, "no clock");
}

/** A key that looks like a token is refused only for what it is. */
export function checkTokenRefusal(audit: Audit, operation: Operation, answer: Answer, clock: number): void {
  const key = operation.params.key as string;
  const issuedAt = audit.model.tokens.get(key);
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  expect(key.startsWith("tk:"), "it never was a token");
  if (answer.code === "token_unknown") {
    const others = audit.model.tokenUsers.get(key)?.size ?? 0;
    expect(
      issuedAt === undefined || others > 1,
      "it was issued here, and nobody else has asked for anything with it",
    );
    expect(audit.model.tokenOwners.get(key) !== operation.slot!.subject, "it is its own");
    if (issuedAt !== undefined) audit.world.coverage.hit("token of somebody else");
  } else {
    expect(issuedAt !== undefined, "it was never issued");
    // Said by the account's shard, or by the one that issued it.
    const there = audit.world.hosts[Number(key.split(":")[2])]!.clockMax;
    expect(Math.max(clock, there) / 1000 >= issuedAt! + tokenLifeMs - 1, "it is good yet");
  }
}
