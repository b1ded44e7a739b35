/**
 * Orders in answers: what never changes about one is as it was answered first, and where it stands can be. Every move that
 * was made was possible, and every one that was refused was not.
 */

import { decimal, minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { balanceBounds, bounds } from "./audit-answers.js";
import type { Host } from "./host.js";
import type { KnownOrder, KnownRefund } from "./model.js";
import type { Answer, Operation, PlacedOrder, SeenRefund } from "./operation.js";
import { endings, nextOf, offers } from "./order-life.js";

/** Turns move engine time on by a microsecond at the least: two milliseconds are more turns than a run has at one time. */
const slackMs = 2;

/** The order of a result, whichever way it was written. */
export function viewOf(result: object): PlacedOrder {
  const view = result as PlacedOrder;
  if (typeof view.total === "number") return view;
  const { currency } = view;
  const minor = (text: unknown) => minorOf(text, currency);
  return {
    ...view,
    lines: view.lines.map((line) => ({
      ...line,
      unitPrice: minor(line.unitPrice),
      subtotal: minor(line.subtotal),
      ...(line.total === undefined ? {} : { total: minor(line.total), tax: minor(line.tax) }),
    })),
    total: minor(view.total),
    amountPaid: minor(view.amountPaid),
    amountRefunded: minor(view.amountRefunded),
    payBy: view.payBy === null ? 0 : Date.parse(view.payBy as unknown as string),
    createdAt: Date.parse(view.createdAt as unknown as string),
  };
}

/** What time alone may have done to the order by now. */
function doneByTime(audit: Audit, order: KnownOrder): string[] {
  const { settings } = audit.world.plan;
  const now = homeOf(audit, order).clockMax / 1000 + slackMs;
  const may: string[] = [];
  if (order.expiresAt > 0 && now >= order.expiresAt) may.push("expire");
  if (now >= order.view.createdAt + settings.autoConfirmMs) may.push("auto_confirm");
  return may;
}

function homeOf({ world }: Audit, { view }: KnownOrder): Host {
  return world.hosts[world.requests.shardOf({ method: "order.get", order: view.order })]!;
}

function statusesOf(audit: Audit, order: KnownOrder): ReadonlySet<string> {
  return audit.model.statuses(order, doneByTime(audit, order));
}

/** Whether the order can have come to an end, as far as anybody knows. */
export function mayBeOver(audit: Audit, order: KnownOrder): boolean {
  for (const status of statusesOf(audit, order)) if (endings.has(status)) return true;
  return false;
}

/** Completed, and its time for refunds and disputes may be over. */
function mayBeClosed(audit: Audit, order: KnownOrder, status: string): boolean {
  const { afterSaleMs } = audit.world.plan.settings;
  const now = homeOf(audit, order).clockMax / 1000 + slackMs;
  return status === "Completed" && now >= order.view.createdAt + afterSaleMs;
}

/**
 * An order that is archived never moves again, so that need not be kept under the key; whether it was, nobody can tell from
 * the first answer.
 */
export function refusedForGood(audit: Audit, { params }: Operation, { code, details }: Answer): boolean {
  const order = audit.model.orders.get(params.order as string);
  if (code !== "invalid_transition" || (details!.allowed as string[]).length > 0 || !order) return false;
  const now = homeOf(audit, order).clockMax / 1000 + slackMs;
  const kept = audit.world.plan.settings.keysKeepMs;
  return endings.has(details!.from as string) && now >= order.view.createdAt + kept;
}

/** An order that an answer shows. */
export function seeOrder(audit: Audit, operation: Operation, answer: Answer, result: object): PlacedOrder {
  const view = viewOf(result);
  const known = audit.model.orders.get(view.order)!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  expect(known !== undefined, "an order that nobody has placed");
  const { order, account, total, currency, createdAt, lines } = known.view;
  expect(view.order === order && view.account === account && view.total === total, "another order");
  expect(view.currency === currency && view.createdAt === createdAt, "another order");
  expect(JSON.stringify(view.lines) === JSON.stringify(lines), "other lines");
  const { status, version, amountPaid, amountRefunded } = view;
  expect(statusesOf(audit, known).has(status), `nothing can have made it ${status}`);
  expect(version >= operation.versionBefore, `it was at version ${operation.versionBefore} before`);
  const atVersion = known.statusAt.get(version);
  expect(atVersion === undefined || atVersion === status, `version ${version} was ${atVersion}`);
  known.statusAt.set(version, status);
  known.version = Math.max(known.version, version);
  expectAmounts(audit, operation, answer, known, view);
  const next = nextOf(status, amountPaid, amountRefunded);
  const closed = view.next.length === 0 && mayBeClosed(audit, known, status);
  expect(closed || JSON.stringify(view.next) === JSON.stringify(next), "other events are next");
  if (closed && next.length > 0) audit.world.coverage.hit("order closed");
  expect(view.payBy === (status === "Created" ? known.view.payBy : 0), "another time to pay");
  if (status === "Canceled") {
    if (!known.asked.has("cancel")) audit.world.coverage.hit("order expired");
    audit.gone(order);
  }
  return view;
}

function expectAmounts(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  known: KnownOrder,
  { status, amountPaid, amountRefunded, total }: PlacedOrder,
): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (status === "Created" || status === "Canceled") {
    expect(amountPaid === 0 || amountPaid < total, "it is paid, and does not say so");
    expect(amountPaid <= known.outsideMost, `nobody has paid more than ${known.outsideMost}`);
  } else expect(amountPaid === total, "paid is not what the status says");
  expect(amountRefunded >= 0 && amountRefunded <= amountPaid, "more went back than was paid");
  if (status === "Created") expect(amountRefunded === 0, "refunded before it was paid");
  if (status === "Refunded") expect(amountRefunded === amountPaid, "refunded, and not all of it");
  if (!known.asked.has("refund") && !known.asked.has("resolve refund") && status !== "Canceled")
    expect(amountRefunded === 0, "nobody has asked for a refund");
  const partly = amountPaid > amountRefunded || total === 0;
  if (status !== "Refunded" && status !== "Disputed" && status !== "Canceled" && status !== "Created")
    expect(partly, "all of it is refunded, and it goes on");
}

/** `order.pay`, `order.cancel`, `order.advance`, `order.refund`. */
export function checkMove(audit: Audit, operation: Operation, answer: Answer, clock: number): void {
  const known = audit.model.orders.get(operation.params.order as string);
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { code } = answer;
  if (code === "order_not_found") {
    expect(known === undefined, "an order that was answered is gone");
    return;
  }
  expect(known !== undefined, "there is no such order");
  if (code === "ok") checkMoved(audit, operation, answer, known!, clock);
  else if (code === "invalid_transition" || code === "hold_expired")
    checkNotMoved(audit, operation, answer, known!, clock);
  else if (code === "insufficient_funds") checkUnpaid(audit, operation, answer, known!);
  else if (code === "version_mismatch") {
    const version = answer.details!.version as number;
    expect(
      operation.params.version !== undefined && version !== operation.params.version,
      "it is that version",
    );
    expect(version >= operation.versionBefore, "an older version");
    audit.world.coverage.hit("move of a stale version");
  } else if (code === "refund_exceeds_remaining" || code === "line_qty_exceeds")
    checkNotRefunded(audit, operation, answer, known!);
}

const after: Readonly<Record<string, string>> = {
  pay: "Paid",
  cancel: "Canceled",
  pack: "Packing",
  ship: "Shipped",
  dispatch: "Shipping",
  deliver: "Delivered",
  confirm: "Completed",
  dispute: "Disputed",
};

export function eventOf({ method, params }: Operation): string {
  return method === "order.advance" ? (params.event as string) : method.slice("order.".length);
}

function checkMoved(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  known: KnownOrder,
  clock: number,
): void {
  const { coverage } = audit.world;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { params } = operation;
  const { refunds } = answer.result as { refunds?: SeenRefund[] };
  const view = seeOrder(
    audit,
    operation,
    answer,
    refunds ? (answer.result as { order: object }).order : (answer.result as object),
  );
  const event = eventOf(operation);
  const to = after[event];
  if (to !== undefined) expect(view.status === to, "the wrong status");
  expect(
    (refunds !== undefined) === (event === "refund" || params.resolution === "refund"),
    "refunds, or none",
  );
  if (params.version !== undefined) expect(view.version > (params.version as number), "it has not moved");
  if (refunds) checkRefunds(audit, operation, answer, refunds);
  if (answer.replayed) return;
  const free = view.total === 0;
  if (free && event === "cancel") audit.world.coverage.hit("free order canceled");
  if ((event === "pay" || event === "cancel") && !free) {
    expect(clock < known.expiresAt * 1000, "moved after its hold had ended");
    raced(audit, operation, known.expiresAt, clock, "payment racing expiry won");
  } else if (event === "resolve") {
    coverage.hit(
      params.resolution === "refund" ? "dispute ended by a refund" : "dispute ended, the order goes on",
    );
  } else if (event === "dispute") coverage.hit("order disputed");
  else if (event === "confirm") coverage.hit("order confirmed");
}

function checkRefunds(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  refunds: readonly SeenRefund[],
): void {
  const { coverage } = audit.world;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { params } = operation;
  const known = audit.model.orders.get(params.order as string)!;
  const { currency, total } = known.view;
  let sum = 0;
  for (const refund of refunds) {
    expect(refund.order === known.view.order && refund.currency === currency, "a refund of another order");
    expect((refund.to === "wallet") === (refund.provider === null), "neither to a wallet nor to a provider");
    if (refund.to === "wallet") expect(refund.state === "done", "a refund to a wallet waits");
    seeRefund(audit, operation, answer, refund).ofOrder = true;
    sum += minorOf(refund.amount, currency);
  }
  if (params.amount !== undefined) {
    expect(sum === minorOf(params.amount, currency), `${sum} went back`);
    if (!answer.replayed) coverage.hit("refund by amount");
  } else if (params.lines !== undefined) {
    expect(sum <= costOf(known, params.lines as LineInput[]), `${sum} went back`);
    if (!answer.replayed) coverage.hit("refund by lines");
  } else {
    expect(sum <= total, `${sum} went back`);
    if (!answer.replayed && operation.method === "order.refund") coverage.hit("refund of all");
  }
  if (refunds.length > 1) coverage.hit("refund to several sources");
  if (!answer.replayed && params.restock === true) coverage.hit("refund with restock");
  const away = refundedSurely(audit, known.view.order, currency);
  expect(away <= total, `${away} of ${total} have gone back`);
}

type LineInput = { readonly product: string; readonly qty: number };

function costOf({ view }: KnownOrder, asked: readonly LineInput[]): number {
  return asked.reduce((sum, { product, qty }) => {
    const line = view.lines.find((one) => one.product === product);
    // Of a line with adjustments its share is the bound.
    return sum + (line ? (line.total ?? line.unitPrice * qty) : 0);
  }, 0);
}

/** Refunds of the order that have certainly ended well. */
function refundedSurely({ model }: Audit, order: string, currency: string): number {
  let sum = 0;
  for (const { seen, end, ofOrder } of model.refunds.values()) {
    if (seen.order === order && end === "done" && ofOrder) sum += minorOf(seen.amount, currency);
  }
  return sum;
}

/** A refund that an answer shows: its words never change, and it ends once. */
export function seeRefund(audit: Audit, operation: Operation, answer: Answer, seen: SeenRefund): KnownRefund {
  const { refunds } = audit.model;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  let known = refunds.get(seen.refund);
  if (!known) {
    known = { seen, end: "", ofOrder: false };
    refunds.set(seen.refund, known);
  }
  const first = known.seen;
  expect(first.order === seen.order && first.amount === seen.amount, `it was ${JSON.stringify(first)}`);
  expect(
    first.paymentId === seen.paymentId && first.provider === seen.provider,
    `it was ${JSON.stringify(first)}`,
  );
  // A stored answer shows it as it was.
  if (seen.state !== "done" && seen.state !== "refused") return known;
  expect(known.end === "" || known.end === seen.state, `it was ${known.end}`);
  known.end = seen.state;
  return known;
}

function checkNotMoved(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  known: KnownOrder,
  clock: number,
): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { code, details } = answer;
  const from = code === "hold_expired" ? "Canceled" : (details!.from as string);
  const event = eventOf(operation);
  expect(statusesOf(audit, known).has(from), `nothing can have made it ${from}`);
  if (code !== "hold_expired") {
    const allowed = JSON.stringify(details!.allowed);
    // Of an order that was free or has been refunded there is nothing to refund.
    const { total, order } = known.view;
    const empty = total === 0 || audit.model.ledger.of(`refunds ${order}`).possible >= total;
    const free = total === 0;
    const others = empty ? JSON.stringify(nextOf(from, total, total)) : "";
    expect(details!.event === event, "another event");
    const closed = mayBeClosed(audit, known, from);
    expect(!offers(from, event, free) || closed, "it was allowed");
    expect(
      allowed === JSON.stringify(nextOf(from, 1, 0)) || allowed === others || closed,
      "others are allowed",
    );
    if (offers(from, event, free) && closed && !answer.replayed)
      audit.world.coverage.hit("move after the after-sale window");
  }
  if (from !== "Canceled") return;
  audit.gone(known.view.order);
  if (!known.asked.has("cancel"))
    raced(audit, operation, known.expiresAt, clock, "payment racing expiry lost");
}

function checkUnpaid(audit: Audit, operation: Operation, answer: Answer, known: KnownOrder): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { currency, total, account } = known.view;
  const balance = balanceBounds(audit, operation, account, true);
  const available = minorOf(answer.details!.available, currency);
  const due = minorOf(answer.details!.due, currency);
  expect(available >= balance.low && available <= balance.high, `available not in ${bounds(balance)}`);
  expect(available < due && due <= total, "the money was there");
  expect(due >= total - known.outsideMost, `more was due: ${decimal(total, currency)}`);
}

function checkNotRefunded(audit: Audit, operation: Operation, answer: Answer, known: KnownOrder): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { params, before } = operation;
  const { total, currency, order } = known.view;
  if (answer.code === "line_qty_exceeds") {
    const { product, left } = answer.details as { product: string; left: number };
    const line = (params.lines as LineInput[]).filter((asked) => asked.product === product);
    const asked = line.reduce((sum, { qty }) => sum + qty, 0);
    expect(asked > left && left >= 0 && left <= (known.units.get(product) ?? 0), "so many were left");
    return;
  }
  const remaining = minorOf(answer.details!.remaining, currency);
  const asked = params.amount === undefined ? 0 : minorOf(params.amount, currency);
  expect(remaining >= 0 && remaining <= total, "more is left than was paid");
  expect(remaining === 0 || asked > remaining, "so much was left");
  const own = operation.counted ? operation.amount : 0;
  const most = audit.model.ledger.since(before, `refunds ${order}`).high - own;
  expect(remaining >= total - most, `at least ${total - most} was left`);
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

export function checkOrder(audit: Audit, operation: Operation, answer: Answer): void {
  const known = audit.model.orders.get(operation.params.order as string);
  if (answer.code === "ok") seeOrder(audit, operation, answer, answer.result as object);
  else {
    const gone = answer.code === "order_not_found" && known !== undefined;
    audit.expect(!gone, operation, answer, "the order is gone");
  }
}
