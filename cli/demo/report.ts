/**
 * Holds the engine to what it answered. Everything here is computed from what was seen from outside: the buyers'
 * receipts, and what products, accounts, orders and the audit said afterwards.
 */

import type { Order } from "../../client/client.js";
import type { Certificate } from "../../persistence/audit/audit.js";
import { amountOf, type Cents, centsOf } from "./amounts.js";
import type { Outage } from "./crash.js";
import type { Seen } from "./inspect.js";
import type { Plan } from "./plan.js";
import { type Answered, answersRecovered, type Receipts, repeatsOf } from "./receipts.js";
import { type Speed, speedOf } from "./speed.js";

export interface Run {
  readonly plan: Plan;
  readonly connections: number;
  readonly receipts: Receipts;
  readonly seen: Seen;
  /** Undefined when nothing was killed. */
  readonly outage: Outage | undefined;
  /** From the first order until everybody had had a first answer. Times as of `performance.now`. */
  readonly rush: { readonly from: number; readonly to: number };
  /** Of the whole run. */
  readonly seconds: number;
}

export interface Report extends Speed {
  /** Everything that must be so is so. */
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly buyers: number;
  readonly connections: number;
  /** Units on sale. */
  readonly stock: number;
  /** Units sold, by the products' own figures. */
  readonly sold: number;
  /** Buyers who left without ever holding a unit. */
  readonly refused: number;
  /** Buyers who held a unit and did not pay. */
  readonly expired: number;
  /** Units sold or paid for beyond those on sale, product by product. */
  readonly oversold: number;
  /** Keys that buyers sent once more. */
  readonly duplicatesSent: number;
  /** Orders and charges that no key accounts for. */
  readonly duplicatesApplied: number;
  /** Keys with two answers that differ. */
  readonly contradictions: number;
  /** Keys without any answer. */
  readonly unanswered: number;
  readonly killed: boolean;
  readonly unansweredAtKill: number;
  /** Done before the kill, answered after it when the client sent the key again. */
  readonly answersRecovered: number;
  /** Milliseconds from the kill until somebody was answered again; null without a kill. */
  readonly recoveredMs: number | null;
  /** Orders answered to a buyer that are gone, or not what was answered. */
  readonly lostAfterKill: number;
  /** Deposits less wallets less what orders were paid. */
  readonly ledgerDifference: string;
  /** Accounts for which that difference is not zero. */
  readonly accountsWrong: number;
  readonly auditOk: boolean;
  /** Null when the engine answered the audit with an error. */
  readonly certificate: Certificate | null;
  readonly seconds: number;
}

export function reportOf(run: Run): Report {
  const { plan, receipts, seen, outage } = run;
  const stock = plan.products.reduce((sum, { units }) => sum + units, 0);
  const ledger = ledgerOf(run);
  const measured = {
    buyers: plan.buyers.length,
    connections: run.connections,
    stock,
    sold: seen.products.reduce((sum, { sold }) => sum + sold, 0),
    ...endOfBuyers(run),
    oversold: oversoldUnits(run),
    duplicatesSent: repeatsOf(receipts),
    duplicatesApplied: appliedTwice(run),
    contradictions: receipts.keys.filter(({ answers }) => contradicts(answers)).length,
    unanswered: receipts.keys.filter(({ answers }) => answers.length === 0).length,
    killed: outage?.signal === "SIGKILL",
    unansweredAtKill: outage?.unanswered ?? 0,
    answersRecovered: answersRecovered(receipts),
    recoveredMs: outage ? Math.round(outage.answeredAt - outage.killedAt) : null,
    lostAfterKill: lostOrders(run),
    ...ledger,
    ...speedOf(receipts.attempts, run.rush, outage),
    auditOk: seen.audit.certificate?.ok === true,
    certificate: seen.audit.certificate ?? null,
    seconds: run.seconds,
  };
  const problems = problemsOf(measured, run);
  return { ok: problems.length === 0, problems, ...measured };
}

function problemsOf(measured: Omit<Report, "ok" | "problems">, run: Run): string[] {
  const paid = [...paidUnits(run).values()].reduce((sum, units) => sum + units, 0);
  const { sold, stock, outage } = { ...measured, outage: run.outage };
  const astray = run.plan.products.filter(({ product, units }) => {
    const now = run.seen.products.find((p) => p.product === product);
    return !now || now.available + now.held + now.sold !== units;
  });
  const { buyers, refused, expired } = measured;
  const rules: readonly (readonly [wrong: boolean, problem: string])[] = [
    [sold !== stock, `${sold} of ${stock} units were sold`],
    [paid !== sold, `the products say ${sold} sold, the paid orders say ${paid}`],
    [astray.length > 0, `units are missing or too many: ${astray.map(({ product }) => product).join(", ")}`],
    [sold + refused + expired !== buyers, `of ${buyers} buyers ${sold + refused + expired} had an end`],
    [measured.oversold > 0, `${measured.oversold} units were sold that did not exist`],
    [measured.duplicatesApplied > 0, `${measured.duplicatesApplied} requests were applied twice`],
    [measured.contradictions > 0, `${measured.contradictions} keys had two answers that differ`],
    [measured.unanswered > 0, `${measured.unanswered} keys were never answered`],
    [measured.lostAfterKill > 0, `${measured.lostAfterKill} answered orders are lost or changed`],
    [measured.ledgerDifference !== amountOf(0n), `the ledger differs by ${measured.ledgerDifference}`],
    [measured.accountsWrong > 0, `${measured.accountsWrong} accounts have the wrong balance`],
    [outage !== undefined && !measured.killed, `the server ended with ${outage?.signal}, not SIGKILL`],
    [!measured.auditOk, `the audit failed: ${auditProblem(run.seen)}`],
  ];
  return rules.filter(([wrong]) => wrong).map(([, problem]) => problem);
}

function auditProblem({ audit: { certificate, failure } }: Seen): string {
  if (!certificate) return failure;
  const failed = certificate.checks.filter(({ ok }) => ok === false).map(({ name }) => name);
  return failed.join(", ") || "its certificate is not ok";
}

function endOfBuyers({ receipts, seen, plan }: Run): { refused: number; expired: number } {
  const held = new Set<string>();
  for (const { account, answers } of receipts.keys) if (answers.some(({ order }) => order)) held.add(account);
  const paid = new Set([...seen.orders.values()].filter(isPaid).map(({ account }) => account));
  return {
    refused: plan.buyers.filter(({ account }) => !held.has(account)).length,
    expired: [...held].filter((account) => !paid.has(account)).length,
  };
}

/** Units in paid orders, by product. */
function paidUnits({ seen }: Run): Map<string, number> {
  const units = new Map<string, number>();
  for (const order of seen.orders.values()) {
    if (!isPaid(order)) continue;
    for (const { product, qty } of order.lines) units.set(product, (units.get(product) ?? 0) + qty);
  }
  return units;
}

function oversoldUnits(run: Run): number {
  const paid = paidUnits(run);
  const sold = new Map(run.seen.products.map((product) => [product.product, product.sold]));
  return run.plan.products.reduce((over, { product, units }) => {
    return over + Math.max(0, (sold.get(product) ?? 0) - units, (paid.get(product) ?? 0) - units);
  }, 0);
}

/**
 * A key may make one order. So whatever an account has beyond the orders that its keys were answered with is a
 * second effect: orders that one key was answered with, orders that only the list knows, and money that is gone
 * without an order.
 */
function appliedTwice({ plan, receipts, seen }: Run): number {
  const answered = new Map<string, Set<string>>();
  let applied = 0;
  for (const { account, method, answers } of receipts.keys) {
    const orders = new Set(answers.flatMap(({ order }) => (order ? [order.order] : [])));
    if (method === "order.place" && orders.size > 1) applied += orders.size - 1;
    const known = answered.get(account) ?? new Set();
    for (const order of orders) known.add(order);
    answered.set(account, known);
  }
  const wallets = walletsOf(seen);
  const paid = paidByAccount(seen);
  for (const { account, money } of plan.buyers) {
    const known = answered.get(account);
    applied += (seen.listed.get(account) ?? []).filter((order) => !known?.has(order)).length;
    if ((wallets.get(account) ?? 0n) + (paid.get(account) ?? 0n) < money) applied++;
  }
  return applied;
}

/** What does not change from one answer under a key to the next: all of it. */
function contradicts(answers: readonly Answered[]): boolean {
  const [first] = answers;
  const text = ({ order, code }: Answered) => JSON.stringify([order, code]);
  return first !== undefined && answers.some((answer) => text(answer) !== text(first));
}

function lostOrders({ receipts, seen }: Run): number {
  const newest = new Map<string, Order>();
  for (const { answers } of receipts.keys) {
    for (const { order } of answers) {
      if (order && order.version >= (newest.get(order.order)?.version ?? 0)) newest.set(order.order, order);
    }
  }
  return [...newest.values()].filter((order) => !isKept(order, seen.orders.get(order.order))).length;
}

/** Nobody cancels or refunds here: paid is for ever, and what was never paid has expired by now. */
function isKept(answered: Order, now: Order | undefined): boolean {
  if (!now || now.version < answered.version) return false;
  const terms = ({ account, lines, total, currency }: Order) =>
    JSON.stringify([
      account,
      total,
      currency,
      lines.map(({ product, qty, unitPrice }) => [product, qty, unitPrice]),
    ]);
  if (terms(now) !== terms(answered)) return false;
  return now.status === (answered.status === "Created" ? "Canceled" : answered.status);
}

function ledgerOf({ plan, seen }: Run): { ledgerDifference: string; accountsWrong: number } {
  const wallets = walletsOf(seen);
  const paid = paidByAccount(seen);
  let difference: Cents = 0n;
  let accountsWrong = 0;
  for (const { account, money } of plan.buyers) {
    const missing = money - (wallets.get(account) ?? 0n) - (paid.get(account) ?? 0n);
    difference += missing;
    if (missing !== 0n) accountsWrong++;
  }
  return { ledgerDifference: amountOf(difference), accountsWrong };
}

function walletsOf({ accounts }: Seen): Map<string, Cents> {
  return new Map(
    accounts.map(({ account, available, held }) => [account, centsOf(available) + centsOf(held)]),
  );
}

function paidByAccount({ orders }: Seen): Map<string, Cents> {
  const paid = new Map<string, Cents>();
  for (const { account, amountPaid, amountRefunded } of orders.values()) {
    paid.set(account, (paid.get(account) ?? 0n) + centsOf(amountPaid) - centsOf(amountRefunded));
  }
  return paid;
}

function isPaid({ status }: Order): boolean {
  return status === "Paid";
}
