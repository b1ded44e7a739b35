/**
 * `transaction.begin` and `transaction.get`. The key of a begin is in the space of orders, so an account has one kind of
 * key. It is kept as running from the first fact on; its answer is how the transaction ended.
 */

import type { Account } from "../../actors/account.js";
import { Facts, type Mode, modes } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { orderNumber, parseTransactionId, slotOf } from "../../actors/order-number.js";
import { type Refusal, refuse, resultOf } from "../../actors/results.js";
import { type Part, readPlan } from "../../actors/transactions/plan.js";
import type { BeginTransaction, GetTransaction } from "../seams/commands.js";
import { inputCharsMax, retryAfterMs, transactionsOpenMax } from "../seams/limits.js";
import { running, spaces } from "../tables/key-table.js";
import type { Transaction } from "../tables/transaction-table.js";
import { answerRefusal, answerResult } from "../turns/answers.js";
import { firstMadeAt, keepRefusal, settledByKey } from "../turns/exactly-once.js";
import { nameAccount, nameRefused } from "../turns/name-account.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { advance } from "./coordinator.js";
import { transactionView } from "./transaction-view.js";

/** How long a transaction may be undecided when the request does not say: a freeze of a TCC, the steps of a saga. */
const deadlineMs: { readonly [M in Mode]: number } = { tcc: 600_000, saga: 86_400_000 };

const method = keyedMethods["transaction.begin"];
const hash = new ParamsHash();

export function beginTransaction(turn: Turn, command: BeginTransaction): void {
  const { name, key, at } = command;
  const input = jsonOf(command.input);
  if (input === undefined) {
    const reason = `must be JSON of at most ${inputCharsMax} characters`;
    answerRefusal(turn, command, refuse("invalid_request", { path: "params.input", reason }));
    return;
  }
  const account = turn.books.accountByName.get(command.account);
  const paramsHash = hash.begin(method).text(name).text(input).number(command.deadlineMs).end();
  if (settledByRunning(turn, command, account, paramsHash)) return;
  if (settledByKey(turn, command, account, key, paramsHash, at)) return;

  const planned = decideBegin(turn, command);
  if ("code" in planned) {
    refuseUnderKey(turn, command, planned, paramsHash);
    return;
  }
  const beginner = nameRefused(turn, command.account);
  if ("code" in beginner) {
    answerRefusal(turn, command, beginner);
    return;
  }
  answerWhenEnded(turn, command, record(turn, command, planned, input, paramsHash));
}

function refuseUnderKey(turn: Turn, command: BeginTransaction, refusal: Refusal, paramsHash: number): void {
  const { key, at } = command;
  const named = resultOf(refusal.code).stored ? nameRefused(turn, command.account) : undefined;
  if (named && "code" in named) {
    answerRefusal(turn, command, named);
    return;
  }
  if (named) keepRefusal(turn, spaces.order, named.handle, key, method, paramsHash, at, refusal);
  answerRefusal(turn, command, refusal);
}

export function getTransaction(turn: Turn, command: GetTransaction): void {
  const number = parseTransactionId(command.transaction);
  const transaction = number === undefined ? undefined : turn.books.transactions.get(number);
  if (transaction) answerResult(turn, command, transactionView(turn.books, transaction));
  else answerRefusal(turn, command, refuse("transaction_not_found"));
}

/** The first request under this key still runs: this one waits with it, or is told how far it is. */
function settledByRunning(
  turn: Turn,
  command: BeginTransaction,
  account: Account | undefined,
  paramsHash: number,
): boolean {
  const { keys, transactions } = turn.books;
  const entry = account ? keys.find(spaces.order, account.handle, command.key) : -1;
  if (entry < 0 || keys.code(entry) !== running || keys.paramsHash(entry) !== paramsHash) return false;
  const transaction = transactions.open.get(-keys.order(entry));
  if (!transaction) return false;
  answerWhenEnded(turn, command, transaction);
  return true;
}

interface Planned {
  readonly mode: Mode;
  readonly parts: readonly Part[];
}

function decideBegin(turn: Turn, { name, account, input }: BeginTransaction): Planned | Refusal {
  const plan = turn.plan(name, input ?? {}, account);
  if (!plan) {
    return refuse("invalid_request", { path: "params.name", reason: "no such transaction is defined here" });
  }
  if ("code" in plan) return plan;
  if (turn.books.transactions.open.size >= transactionsOpenMax) return refuse("overloaded", { retryAfterMs });
  const parts = readPlan(plan, account);
  return "code" in parts ? parts : { mode: plan.mode, parts };
}

function record(
  turn: Turn,
  command: BeginTransaction,
  { mode, parts }: Planned,
  input: string,
  paramsHash: number,
): Transaction {
  const { transactions } = turn.books;
  const account = nameAccount(turn, command.account);
  const transaction = orderNumber(transactions.nextSequence, slotOf(account.id));
  turn.record({
    type: Facts.transactionBegun,
    transaction,
    account: account.handle,
    mode: modes[mode],
    name: command.name,
    input,
    plan: JSON.stringify(parts),
    deadline: turn.nowMs + (command.deadlineMs ?? deadlineMs[mode]),
    key: command.key,
    paramsHash,
    at: firstMadeAt(turn, command.key, command.at),
  });
  const begun = transactions.open.get(transaction)!;
  turn.transactionWaiters.set(transaction, command.wait ? [command] : []);
  advance(turn, begun);
  return begun;
}

/** Who does not want to wait is told how far it is; who waits stands in line already, or joins it. */
function answerWhenEnded(turn: Turn, command: BeginTransaction, transaction: Transaction): void {
  const { transaction: number, endedAt } = transaction;
  if (!command.wait) {
    answerResult(turn, command, transactionView(turn.books, transaction));
    return;
  }
  if (endedAt !== 0) return;
  const waiting = turn.transactionWaiters.get(number) ?? [];
  if (!waiting.includes(command)) waiting.push(command);
  turn.transactionWaiters.set(number, waiting);
}

/** Undefined when it cannot be told in JSON, or is too long. */
function jsonOf(input: object | undefined): string | undefined {
  try {
    const text = JSON.stringify(input ?? {});
    return text.length <= inputCharsMax ? text : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
