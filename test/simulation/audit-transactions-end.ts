/**
 * SimulatedTransactions at the end of the world: what was asked for, what the logs say, what was answered, and what the carrier remembers
 * are one story.
 *
 * AUDIT-TRANSACTIONS-END-1  A transaction in the log was asked for, once, and is what was asked for; what was answered about it is what became of it.
 * AUDIT-TRANSACTIONS-END-2  A transaction that is open waits for something that will come: a call, its next try, a human; and not past its deadline.
 * AUDIT-TRANSACTIONS-END-3  A transaction that is done has moved what it was to move, one that is undone has moved nothing, over all shards. Where a
 *                           human has settled a part, it has done either, and nothing is left between.
 * AUDIT-TRANSACTIONS-END-4  The carrier has done what is done and called off what is undone, newest first in a saga.
 */

import { transactionId } from "../../actors/order-number.js";
import type { Audit } from "./audit.js";
import type { TransactionView } from "./audit-transactions.js";
import type { Answer, Operation } from "./operation.js";
import type { LoggedPart, LoggedTransaction, TransactionLog } from "./transaction-log.js";
import type { World } from "./world.js";

/** Failures after which a human must know. */
const failuresMax = 10;

/** A call that was due is out for no longer, ms. */
const outMs = 3000;

export function auditTransactions(world: World, log: TransactionLog, reads: readonly Operation[]): void {
  const { audit } = world;
  for (const transaction of log.transactions.values()) {
    const wrong = (what: string): never =>
      audit.violation(
        `${transactionId(transaction.number)} (${transaction.mode} of ${transaction.account}): ${what}`,
      );
    expectAsked(audit, transaction, wrong);
    expectRest(world, transaction, wrong);
    transaction.parts.forEach((part, at) => {
      expectEffect(world, log, transaction, part, at, wrong);
    });
    expectMoneyBuckets(log, transaction, wrong);
    if (transaction.mode === "saga") expectNewestFirst(world, transaction, wrong);
  }
  for (const name of log.fences.branches.keys()) {
    const [transaction, part] = name.split(":").map(Number);
    if (!log.transactions.get(transaction!)?.parts[part!])
      audit.violation(`branch ${name} is of no transaction`);
  }
  for (const subject of world.carrier.works.keys()) {
    const [id, name] = subject.split("/");
    const transaction = log.transactions.get(Number(id!.slice(1)));
    if (!transaction?.parts.some((part) => part.name === name))
      audit.violation(`${subject} was called for nobody`);
  }
  expectAnswered(audit, log, reads);
}

type Wrong = (what: string) => never;

/** AUDIT-TRANSACTIONS-END-1. */
function expectAsked({ model }: Audit, { account, key, mode, parts }: LoggedTransaction, wrong: Wrong): void {
  const slot = model.slots.get(`order ${account} ${key}`);
  const say = (part: { name: string; what: string; subject: string; account: string; amount: number }) =>
    `${part.name} ${part.what} ${part.subject} ${part.account} ${part.amount}`;
  const logged = parts.map(say).join(", ");
  const asked = slot?.variants.some(
    ({ transaction }) => transaction?.mode === mode && transaction.parts.map(say).join(", ") === logged,
  );
  if (!asked) wrong(`nobody has asked for ${logged}`);
}

/** AUDIT-TRANSACTIONS-END-2. */
function expectRest({ hosts, coverage }: World, transaction: LoggedTransaction, wrong: Wrong): void {
  const { parts, ended, decision, deadline, calls } = transaction;
  if (ended) return;
  const now = hosts[transaction.shard]!.shard!.nowMs;
  coverage.hit("transaction open at the end");
  if (decision === "" && now >= deadline) wrong(`undecided at ${now}, past ${deadline}`);
  let waits = false;
  for (const part of parts) {
    if (part.state !== "begun" && part.state !== "ending") continue;
    const call = [...calls.values()].find((one) => one.part === part);
    if (part.what === "call") {
      if (!call) wrong(`${part.name} is ${part.state}, and nothing is called`);
      const homeless = part.name.startsWith("n");
      if (!homeless && call!.dueAt < now - outMs)
        wrong(`${part.name} was due at ${call!.dueAt}, it is ${now}`);
      if (call!.failures >= failuresMax && part.item === 0) wrong(`${part.name} fails, and no human knows`);
    } else if (part.state === "begun") wrong(`${part.name} is begun, and nobody answers`);
    else {
      if (part.dueAt <= now) wrong(`${part.name} ends, and was due at ${part.dueAt}`);
      if (part.failures >= failuresMax && part.item === 0) wrong(`${part.name} fails, and no human knows`);
    }
    waits = true;
  }
  if (!waits) wrong("it is open, and waits for nothing");
}

/** AUDIT-TRANSACTIONS-END-3, AUDIT-TRANSACTIONS-END-4: what a part has moved, in its actor or outside, is what the transaction says of it. */
function expectEffect(
  { coverage, carrier }: World,
  log: TransactionLog,
  transaction: LoggedTransaction,
  part: LoggedPart,
  at: number,
  wrong: Wrong,
): void {
  const { mode, ended, decision } = transaction;
  const { name, what, state, settled } = part;
  const forward = mode === "saga" && decision === "done" ? "done" : settled;
  if (what === "call") {
    const work = carrier.works.get(`${transactionId(transaction.number)}/${name}`);
    const is = work?.state ?? "none";
    const fits: Readonly<Record<string, readonly string[]>> = {
      confirmed: ["confirmed"],
      undone: ["canceled", "undone", "tombstone"],
      nothing: ["none", "refused", "tombstone"],
      done: ["done"],
    };
    if (ended && forward !== "by_human" && !fits[forward]!.includes(is))
      wrong(`${name} is ${forward}, and the carrier says ${is}`);
    if (!ended && settled === "confirmed" && is !== "confirmed") wrong(`${name} is confirmed, and is ${is}`);
    return;
  }
  const branch = log.branch(transaction, at);
  if (branch && branch.shard !== transaction.shard) coverage.hit("transaction over shards");
  if (branch && branch.subject !== "") {
    const same = branch.what === what && branch.subject === part.subject && branch.account === part.account;
    const to = what === "debit" ? (part.pair >= 0 ? "transit" : "revenue") : branch.to;
    if (!same || branch.amount !== part.amount || branch.to !== to || branch.mode !== mode)
      wrong(`${name} is another thing at its actor: ${JSON.stringify(branch)}`);
  }
  const is = branch?.state ?? "none";
  const fits: Readonly<Record<string, readonly string[]>> = {
    confirmed: ["confirmed"],
    undone: ["canceled", "undone", "tombstone"],
    nothing: ["none", "refused"],
    done: ["confirmed"],
    by_human: ended ? ["confirmed", "undone", "tombstone", "canceled"] : ["done", "undone", "tombstone"],
  };
  if ((ended || state === "settled") && !fits[forward]!.includes(is))
    wrong(`${name} is ${forward}, and its actor says ${is}`);
  const stays = ended && settled === "by_human";
  if (is === "confirmed" && decision !== "done" && !stays)
    wrong(`${name} is confirmed, and the transaction is ${decision}`);
  if ((is === "canceled" || is === "undone") && decision !== "undone")
    wrong(`${name} is ${is}, and the transaction is ${decision}`);
}

/** AUDIT-TRANSACTIONS-END-3: nothing is left between two wallets or held, whoever has settled it. */
function expectMoneyBuckets({ fences }: TransactionLog, transaction: LoggedTransaction, wrong: Wrong): void {
  if (!transaction.ended) return;
  for (const moneyBucket of ["held", "transit", "suspense"]) {
    const left = fences.moneyBuckets.get(`${transaction.number} ${moneyBucket}`) ?? 0;
    if (left !== 0) wrong(`it has ended, and ${left} is left in ${moneyBucket}`);
  }
}

/** AUDIT-TRANSACTIONS-END-4: of two steps outside the newer is undone first, unless a human had to look after it. */
function expectNewestFirst({ carrier }: World, { number, parts }: LoggedTransaction, wrong: Wrong): void {
  let latest = 0;
  for (const { name, wasStuck } of [...parts].reverse()) {
    // Older ones go on past it.
    if (wasStuck) return;
    const first = carrier.works.get(`${transactionId(number)}/${name}`)?.calls.get("undo")?.first ?? 0;
    if (first > 0 && first < latest) wrong(`${name} was undone before a newer step`);
    latest = Math.max(latest, first);
  }
}

/** AUDIT-TRANSACTIONS-END-1: every answer that told an end, and what can be read now. */
function expectAnswered(audit: Audit, log: TransactionLog, reads: readonly Operation[]): void {
  for (const [id, { state, begunBy }] of audit.model.transactions) {
    const transaction = log.transactions.get(Number(id.slice(1)));
    if (!transaction) audit.violation(`${id} was answered to request ${begunBy.id}, and is in no log`);
    const open = state === "running" || state === "confirming" || state === "canceling";
    if (!open && (!transaction!.ended || transaction!.decision !== state))
      audit.violation(
        `${id} was answered to be ${state}, and is ${transaction!.decision}, ended: ${transaction!.ended}`,
      );
  }
  for (const operation of reads) {
    const { method, received, params } = operation;
    if (method !== "transaction.get") continue;
    const transaction = log.transactions.get(Number((params.transaction as string).slice(1)))!;
    expectView(audit, operation, received!, transaction);
  }
}

/** What is read of a transaction is what its log says. */
function expectView(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  transaction: LoggedTransaction,
): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { state, parts } = answer.result as TransactionView;
  const { decision, ended } = transaction;
  const open = { "": "running", done: "confirming", undone: "canceling" }[decision];
  expect(state === (ended ? decision : open), `the log says ${decision || "running"}, ended: ${ended}`);
  transaction.parts.forEach((part, at) => {
    const its = part.settled === "" ? part.state : part.settled;
    expect(parts[at]!.state === its, `${part.name} is ${its} in the log`);
    expect(parts[at]!.stuck === (part.item !== 0), `${part.name}: an item for a human, or none`);
  });
}

/** Whether the transaction of this request runs yet: then whoever waits for it waits. */
export function runsYet(log: TransactionLog, { transaction, params }: Operation): boolean {
  if (!transaction) return false;
  for (const { account, key, ended } of log.transactions.values())
    if (!ended && account === params.account && key === params.key) return true;
  return false;
}
