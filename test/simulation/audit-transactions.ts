/**
 * Answers about transactions: a transaction is what was asked for, goes forward only, and what it says of its parts fits what it says of
 * itself. Why it is undone: `audit-transaction-reasons`.
 *
 *   running ──▶ confirming ──▶ done          a saga is done without confirming
 *      └──────▶ canceling ───▶ undone
 */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { checkReason } from "./audit-transaction-reasons.js";
import type { Host } from "./host.js";
import type { KnownTransaction } from "./model.js";
import type { Answer, Operation } from "./operation.js";
import { type SimulatedTransaction, transactionName } from "./transaction-plan.js";

export interface TransactionView {
  readonly transaction: string;
  readonly account: string;
  readonly name: string;
  readonly mode: "tcc" | "saga";
  readonly state: string;
  readonly parts: readonly { readonly name: string; readonly state: string; readonly stuck: boolean }[];
  readonly results: Readonly<Record<string, unknown>>;
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly begunAt: string;
  readonly endedAt: string | null;
}

/** What may follow what, of a transaction. */
const follows: Readonly<Record<string, readonly string[]>> = {
  running: ["confirming", "canceling", "done", "undone"],
  confirming: ["done"],
  canceling: ["undone"],
  done: [],
  undone: [],
};

/** How far a part is: it never goes back. */
const ranks: Readonly<Record<string, number>> = {
  ...{ waiting: 0, begun: 1, done: 2, refused: 2, unknown: 2, ending: 3 },
  ...{ confirmed: 4, undone: 4, by_human: 4, nothing: 4 },
};

/** How parts can be while their transaction is. */
const within: Readonly<Record<string, readonly string[]>> = {
  "tcc running": ["begun", "done"],
  "tcc confirming": ["ending", "confirmed", "by_human"],
  "tcc canceling": ["ending", "undone", "nothing", "by_human"],
  "tcc done": ["confirmed", "by_human"],
  "tcc undone": ["undone", "nothing", "by_human"],
  "saga running": ["waiting", "begun", "done"],
  "saga canceling": ["done", "ending", "undone", "nothing", "by_human"],
  "saga done": ["done"],
  "saga undone": ["undone", "nothing", "by_human"],
};

/** How long a transaction may be undecided when nobody says so: ten minutes, a day. */
export const patienceMs = { tcc: 600_000, saga: 86_400_000 } as const;

/** As of orders: engine time moves a microsecond with every turn. */
const slackMs = 2;

/** Whether the answer tells an end, which is kept under the key. */
export function endedTransaction({ result }: Answer): boolean {
  const { state } = result as TransactionView;
  return state === "done" || state === "undone";
}

/** `transaction.begin`, `transaction.get`. */
export function checkTransaction(audit: Audit, operation: Operation, answer: Answer, host: Host): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (answer.code === "transaction_not_found") {
    expect(operation.params.transaction === "t999424", "the transaction is gone");
    return;
  }
  expect(answer.code === "ok", "no transaction is refused so");
  const view = answer.result as TransactionView;
  const known = knownTransaction(audit, operation, answer, view);
  const transaction = known.begunBy.transaction!;
  expect(
    view.account === known.begunBy.params.account && view.name === transactionName,
    "another transaction",
  );
  expect(view.mode === transaction.mode && view.begunAt === known.begunAt, "another transaction");
  const names = JSON.stringify(transaction.parts.map(({ name }) => name));
  expect(JSON.stringify(view.parts.map(({ name }) => name)) === names, "other parts");
  checkStates(expect, view);
  checkProgress(expect, known, view);
  checkTimes(expect, transaction, view, host);
  checkResults(audit, expect, known, view);
  if (view.error) checkReason(audit, operation, answer, known, view.error);
  const wasOpen = follows[known.state]!.length > 0;
  if (follows[view.state]!.length === 0 && wasOpen) ended(audit, known, view);
  if (endedTransaction(answer)) meet(audit, operation, answer, view, host);
  known.state = view.state;
  known.parts = view.parts.map(({ state }) => state);
}

function knownTransaction(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  view: TransactionView,
): KnownTransaction {
  const { transactions } = audit.model;
  const { transaction: id, begunAt } = view;
  let known = transactions.get(id);
  if (!known) {
    const begin = operation.method === "transaction.begin";
    audit.expect(begin, operation, answer, "a transaction that nobody has begun");
    known = { id, begunBy: operation, begunAt, state: "running", parts: [] };
    transactions.set(id, known);
  }
  if (operation.method === "transaction.get")
    audit.expect(operation.params.transaction === id, operation, answer, "another transaction");
  else audit.expect(known.begunBy === operation, operation, answer, `${id} was begun by ${known.begunBy.id}`);
  return known;
}

type Expect = (condition: boolean, what: string) => void;

function checkStates(expect: Expect, { mode, state, parts, error, endedAt }: TransactionView): void {
  const allowed = within[`${mode} ${state}`] ?? [];
  for (const { name, state: its, stuck } of parts) {
    expect(allowed.includes(its), `${name} is ${its}, and the transaction is ${state}`);
    expect(!stuck || its === "begun" || its === "ending", `${name} is ${its}, and stuck`);
  }
  const open = follows[state]!.length > 0;
  if (open && state !== "running")
    expect(
      parts.some((part) => ranks[part.state]! < 4),
      "there is nothing left to end",
    );
  if (mode === "saga" && state === "running") {
    const order = parts.map((part) => ({ done: 0, begun: 1, waiting: 2 })[part.state]!);
    expect(order.filter((rank) => rank === 1).length === 1, "not one step at a time");
    expect(
      order.every((rank, at) => at === 0 || rank >= order[at - 1]!),
      "steps out of order",
    );
  }
  if (mode === "tcc" && state === "running")
    expect(
      parts.some((part) => part.state === "begun"),
      "all is tried, and nothing is decided",
    );
  expect((error !== null) === (state === "canceling" || state === "undone"), "a reason, or none");
  expect((endedAt === null) === open, "ended, or not");
}

function checkProgress(expect: Expect, known: KnownTransaction, { state, parts }: TransactionView): void {
  expect(
    state === known.state || follows[known.state]!.includes(state),
    `it was ${known.state}, and is ${state}`,
  );
  for (const [at, before] of known.parts.entries()) {
    const now = parts[at]!;
    const goes = ranks[now.state]! > ranks[before]! || now.state === before;
    expect(goes, `${now.name} was ${before}, and is ${now.state}`);
  }
}

function checkTimes(
  expect: Expect,
  transaction: SimulatedTransaction,
  view: TransactionView,
  host: Host,
): void {
  const now = host.clockMax / 1000 + slackMs;
  const begunAt = Date.parse(view.begunAt);
  expect(begunAt <= now, "begun in the future");
  if (view.endedAt !== null) {
    const endedAt = Date.parse(view.endedAt);
    expect(endedAt >= begunAt && endedAt <= now, "ended at no such time");
  }
  if (view.error?.code !== "hold_expired") return;
  const deadline = begunAt + (transaction.deadlineMs ?? patienceMs[transaction.mode]);
  expect(now >= deadline, `its deadline is ${new Date(deadline).toISOString()}`);
}

/** What parts gave back: only such as were done, and what can be known about it. */
function checkResults(
  audit: Audit,
  expect: Expect,
  { id, begunBy }: KnownTransaction,
  { state, parts, results }: TransactionView,
): void {
  const { products } = audit.model;
  for (const [name, result] of Object.entries(results)) {
    const at = parts.findIndex((part) => part.name === name);
    const { what, subject, amount } = begunBy.transaction!.parts[at]!;
    expect(parts[at]!.state !== "nothing", `${name} has a result, and did nothing`);
    if (what === "stock") {
      const { product, qty, unitPrice, currency } = result as Record<string, unknown>;
      const known = products.get(subject);
      expect(product === subject && qty === amount, `${name} took something else`);
      expect(known !== undefined && known.currency === currency, `${name} has another currency`);
      expect(known!.prices.has(minorOf(unitPrice, known!.currency)), `${name} has a price that nobody set`);
    } else
      expect(
        what === "call" && (result as { ref: string }).ref === `${id}/${name}`,
        `${name} has a strange result`,
      );
  }
  if (state !== "done") return;
  for (const { name, what } of begunBy.transaction!.parts)
    if (what === "stock") expect(results[name] !== undefined, `${name} has no result`);
}

/** It has ended, and nobody had heard of it before: what it may have moved, it has moved or not. */
function ended({ model }: Audit, { begunBy }: KnownTransaction, { state, parts }: TransactionView): void {
  const transaction = begunBy.transaction!;
  const byHand = parts.some(
    (part, at) => part.state === "by_human" && transaction.parts[at]!.what !== "call",
  );
  if (byHand || !begunBy.counted) return;
  if (state === "undone") {
    model.drop(begunBy);
    return;
  }
  model.settle(begunBy, {});
  for (const { what, subject, account, amount } of transaction.parts) {
    if (what !== "stock") continue;
    const product = model.products.get(subject)!;
    product.sold += amount;
    product.bought.set(account, (product.bought.get(account) ?? 0) + amount);
  }
}

function meet(
  { world }: Audit,
  { method, params }: Operation,
  { replayed }: Answer,
  { mode, state, error, begunAt, endedAt }: TransactionView,
  host: Host,
): void {
  const { coverage } = world;
  if (method === "transaction.get") {
    coverage.hit("transaction looked at");
    return;
  }
  if (replayed) {
    coverage.hit("transaction's key replayed");
    return;
  }
  if (params.wait === true && Date.parse(begunAt) < host.bornMs && Date.parse(endedAt!) >= host.bornMs)
    coverage.hit("transaction waited for over a restart");
  if (state === "done") coverage.hit(mode === "tcc" ? "tcc done" : "saga done");
  else if (error!.code === "hold_expired")
    coverage.hit(mode === "tcc" ? "tcc undone by its deadline" : "saga undone by its deadline");
  else if (error!.how === "refused")
    coverage.hit(mode === "tcc" ? "tcc undone by a refusal" : "saga undone by a refusal");
  else coverage.hit(mode === "tcc" ? "tcc undone by an unknown try" : "saga undone by an unknown step");
}
