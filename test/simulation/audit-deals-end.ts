/**
 * Deals at the end of the world: what was asked for, what the logs say, what was answered, and what the carrier remembers
 * are one story.
 *
 * DE1  A deal in the log was asked for, once, and is what was asked for; what was answered about it is what became of it.
 * DE2  A deal that is open waits for something that will come: a call, its next try, a human; and not past its deadline.
 * DE3  A deal that is done has moved what it was to move, one that is undone has moved nothing, over all shards. Where a
 *      human has settled a part, it has done either, and nothing is left between.
 * DE4  The carrier has done what is done and called off what is undone, newest first in a saga.
 */

import { transactionId } from "../../actors/order-number.js";
import type { Audit } from "./audit.js";
import type { DealView } from "./audit-deals.js";
import type { DealLog, LoggedDeal, LoggedPart } from "./deal-log.js";
import type { Answer, Operation } from "./operation.js";
import type { World } from "./world.js";

/** Failures after which a human must know. */
const failuresMax = 10;

/** A call that was due is out for no longer, ms. */
const outMs = 3000;

export function auditDeals(world: World, log: DealLog, reads: readonly Operation[]): void {
  const { audit } = world;
  for (const deal of log.deals.values()) {
    const wrong = (what: string): never =>
      audit.violation(`${transactionId(deal.number)} (${deal.mode} of ${deal.account}): ${what}`);
    expectAsked(audit, deal, wrong);
    expectRest(world, deal, wrong);
    deal.parts.forEach((part, at) => {
      expectEffect(world, log, deal, part, at, wrong);
    });
    expectPurses(log, deal, wrong);
    if (deal.mode === "saga") expectNewestFirst(world, deal, wrong);
  }
  for (const name of log.fences.branches.keys()) {
    const [transaction, part] = name.split(":").map(Number);
    if (!log.deals.get(transaction!)?.parts[part!]) audit.violation(`branch ${name} is of no deal`);
  }
  for (const subject of world.carrier.works.keys()) {
    const [transaction, name] = subject.split("/");
    const deal = log.deals.get(Number(transaction!.slice(1)));
    if (!deal?.parts.some((part) => part.name === name)) audit.violation(`${subject} was called for nobody`);
  }
  expectAnswered(audit, log, reads);
}

type Wrong = (what: string) => never;

/** DE1. */
function expectAsked({ model }: Audit, { account, key, mode, parts }: LoggedDeal, wrong: Wrong): void {
  const slot = model.slots.get(`order ${account} ${key}`);
  const say = (part: { name: string; what: string; subject: string; account: string; amount: number }) =>
    `${part.name} ${part.what} ${part.subject} ${part.account} ${part.amount}`;
  const logged = parts.map(say).join(", ");
  const asked = slot?.variants.some(
    ({ deal }) => deal?.mode === mode && deal.parts.map(say).join(", ") === logged,
  );
  if (!asked) wrong(`nobody has asked for ${logged}`);
}

/** DE2. */
function expectRest({ hosts, coverage }: World, deal: LoggedDeal, wrong: Wrong): void {
  const { parts, ended, decision, deadline, calls } = deal;
  if (ended) return;
  const now = hosts[deal.shard]!.shard!.nowMs;
  coverage.hit("deal open at the end");
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

/** DE3, DE4: what a part has moved, in its actor or outside, is what the deal says of it. */
function expectEffect(
  { coverage, carrier }: World,
  log: DealLog,
  deal: LoggedDeal,
  part: LoggedPart,
  at: number,
  wrong: Wrong,
): void {
  const { mode, ended, decision } = deal;
  const { name, what, state, settled } = part;
  const forward = mode === "saga" && decision === "done" ? "done" : settled;
  if (what === "call") {
    const work = carrier.works.get(`${transactionId(deal.number)}/${name}`);
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
  const branch = log.branch(deal, at);
  if (branch && branch.shard !== deal.shard) coverage.hit("deal over shards");
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
    wrong(`${name} is confirmed, and the deal is ${decision}`);
  if ((is === "canceled" || is === "undone") && decision !== "undone")
    wrong(`${name} is ${is}, and the deal is ${decision}`);
}

/** DE3: nothing is left between two wallets or held, whoever has settled it. */
function expectPurses({ fences }: DealLog, deal: LoggedDeal, wrong: Wrong): void {
  if (!deal.ended) return;
  for (const purse of ["held", "transit", "suspense"]) {
    const left = fences.purses.get(`${deal.number} ${purse}`) ?? 0;
    if (left !== 0) wrong(`it has ended, and ${left} is left in ${purse}`);
  }
}

/** DE4: of two steps outside the newer is undone first, unless a human had to look after it. */
function expectNewestFirst({ carrier }: World, { number, parts }: LoggedDeal, wrong: Wrong): void {
  let latest = 0;
  for (const { name, wasStuck } of [...parts].reverse()) {
    // Older ones go on past it.
    if (wasStuck) return;
    const first = carrier.works.get(`${transactionId(number)}/${name}`)?.calls.get("undo")?.first ?? 0;
    if (first > 0 && first < latest) wrong(`${name} was undone before a newer step`);
    latest = Math.max(latest, first);
  }
}

/** DE1: every answer that told an end, and what can be read now. */
function expectAnswered(audit: Audit, log: DealLog, reads: readonly Operation[]): void {
  for (const [id, { state, begunBy }] of audit.model.deals) {
    const deal = log.deals.get(Number(id.slice(1)));
    if (!deal) audit.violation(`${id} was answered to request ${begunBy.id}, and is in no log`);
    const open = state === "running" || state === "confirming" || state === "canceling";
    if (!open && (!deal!.ended || deal!.decision !== state))
      audit.violation(`${id} was answered to be ${state}, and is ${deal!.decision}, ended: ${deal!.ended}`);
  }
  for (const operation of reads) {
    const { method, received, params } = operation;
    if (method !== "transaction.get") continue;
    const deal = log.deals.get(Number((params.transaction as string).slice(1)))!;
    expectView(audit, operation, received!, deal);
  }
}

/** What is read of a deal is what its log says. */
function expectView(audit: Audit, operation: Operation, answer: Answer, deal: LoggedDeal): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const { state, parts } = answer.result as DealView;
  const { decision, ended } = deal;
  const open = { "": "running", done: "confirming", undone: "canceling" }[decision];
  expect(state === (ended ? decision : open), `the log says ${decision || "running"}, ended: ${ended}`);
  deal.parts.forEach((part, at) => {
    const its = part.settled === "" ? part.state : part.settled;
    expect(parts[at]!.state === its, `${part.name} is ${its} in the log`);
    expect(parts[at]!.stuck === (part.item !== 0), `${part.name}: an item for a human, or none`);
  });
}

/** Whether the deal of this request runs yet: then whoever waits for it waits. */
export function runsYet(log: DealLog, { deal, params }: Operation): boolean {
  if (!deal) return false;
  for (const { account, key, ended } of log.deals.values())
    if (!ended && account === params.account && key === params.key) return true;
  return false;
}
