/**
 * SimulatedTransactions in the logs, followed fact by fact by rules of the auditor's own.
 *
 * TRANSACTION-LOG-1  A transaction is decided once: for it only when all its parts are done and its deadline has not come; against it only when
 *                    a part is refused or unknown, or the deadline has come.
 * TRANSACTION-LOG-2  No part is ended before the decision; a saga begins a step when all before are done, and compensates newest first.
 *                    Only what a human looks after is passed by, and of a move of money never.
 * TRANSACTION-LOG-3  A part is settled as the transaction was decided, or as a human says in the same turn; the transaction has ended when all are.
 *
 * Their calls and their items: `transaction-outside`.
 */

import { readFacts } from "../../actors/fact-codec.js";
import { type Fact, type FactOf, Facts } from "../../actors/facts.js";
import { currencyCode } from "../../actors/money.js";
import { type Branch, Fences } from "./transaction-fences.js";
import {
  TransactionServices,
  transactionCalls,
  transactionItems,
  transactionOfItem,
} from "./transaction-outside.js";
import type { World } from "./world.js";

export type PartState = "waiting" | "begun" | "done" | "refused" | "unknown" | "ending" | "settled";
export type Settled = "" | "confirmed" | "undone" | "by_human" | "nothing";

export interface LoggedPart {
  readonly name: string;
  readonly what: "call" | "stock" | "debit" | "credit";
  readonly subject: string;
  readonly account: string;
  readonly amount: number;
  readonly currency: string;
  readonly pair: number;
  state: PartState;
  settled: Settled;
  /** Since it was last repeated; an open item of it; ms when it is due again. */
  failures: number;
  item: number;
  wasStuck: boolean;
  dueAt: number;
}

export interface LoggedTransaction {
  readonly number: number;
  readonly shard: number;
  readonly account: string;
  readonly key: string;
  readonly mode: "tcc" | "saga";
  readonly deadline: number;
  readonly parts: readonly LoggedPart[];
  /** By number: the open calls. */
  readonly calls: Map<
    number,
    { readonly part: LoggedPart; readonly verb: string; failures: number; dueAt: number }
  >;
  decision: "" | "done" | "undone";
  ended: boolean;
}

const settleNames: readonly Settled[] = ["", "confirmed", "undone", "by_human", "nothing"];

export class TransactionLog {
  readonly transactions = new Map<number, LoggedTransaction>();
  readonly fences: Fences;
  readonly #outside: TransactionServices;
  readonly #world: World;
  #shard = 0;
  #turn = 0;
  #now = 0;
  /** What the shard's clock has skipped. */
  #jumpedMs = 0;
  #position = 0;
  #accounts: string[] = [];
  #products: string[] = [];

  constructor(world: World) {
    this.#world = world;
    this.fences = new Fences((what) => this.#wrong(what));
    this.#outside = new TransactionServices(world.coverage, (what) => this.#wrong(what));
    for (const { number, disk } of world.hosts) {
      this.#shard = number;
      this.#accounts = [];
      this.#jumpedMs = 0;
      this.#products = [];
      this.fences.beginShard(number);
      for (const { body, first } of disk.groups)
        readFacts(body, first, (fact, time, position) => {
          if (time !== this.#turn) this.#beginTurn(time);
          this.#position = position;
          this.#take(fact);
        });
      this.#beginTurn(-1);
    }
  }

  #wrong(what: string): never {
    return this.#world.audit.violation(`log of ${this.#shard}, turn ${this.#turn}: ${what}`);
  }

  #beginTurn(time: number): void {
    this.fences.endTurn();
    this.#outside.resolved.clear();
    this.#turn = time;
    this.#now = Math.floor(time / 1000);
  }

  branch(transaction: LoggedTransaction, part: number): Branch | undefined {
    return this.fences.branches.get(`${transaction.number}:${part}`);
  }

  readonly #names = {
    account: (handle: number) => this.#accounts[handle] ?? "",
    product: (handle: number) => this.#products[handle] ?? "",
  };

  #take(fact: Fact): void {
    const { fences } = this;
    switch (fact.type) {
      case Facts.clockJumped:
        this.#jumpedMs += fact.ms;
        break;
      case Facts.accountNamed:
        this.#accounts.push(fact.id);
        break;
      case Facts.productCreated:
      case Facts.productKnown:
        this.#products.push(fact.id);
        break;
      case Facts.fenceSet:
        fences.set(fact, this.#shard, this.#names, this.#now - this.#jumpedMs);
        break;
      case Facts.fenceMoved:
        fences.moved(fact, this.#now - this.#jumpedMs);
        break;
      case Facts.fencesDropped:
        this.#world.coverage.hit("fences dropped");
        fences.dropped(fact, this.#now - this.#jumpedMs);
        break;
      case Facts.unitsTransferred:
        fences.units(fact, this.#shard, this.#names, this.#position);
        break;
      case Facts.moneyTransferred:
        fences.money(fact, this.#names);
        break;
      case Facts.transactionBegun:
        this.#begun(fact);
        break;
      case Facts.transactionDecided:
        this.#decided(fact);
        break;
      case Facts.transactionEnded:
        this.#ended(fact);
        break;
      case Facts.partBegun:
      case Facts.partAnswered:
      case Facts.partEnding:
      case Facts.partSettled:
      case Facts.partFailed:
      case Facts.partRepeated:
      case Facts.partStuck:
        this.#part(fact);
        break;
      case Facts.callMade:
        if (fact.owner === transactionCalls)
          this.#outside.made(fact, this.#transaction(fact.subject), this.#now);
        break;
      case Facts.callFailed:
      case Facts.callEnded:
      case Facts.callRepeated:
        this.#outside.call(fact, this.#now);
        break;
      case Facts.humanOpened:
        if (fact.kind === transactionItems)
          this.#outside.opened(fact, this.#transaction(transactionOfItem(fact.subject)));
        break;
      case Facts.humanResolved:
        this.#outside.resolve(fact);
        break;
      case Facts.entryMade:
        this.#outside.entry(fact, this.fences.moneyBuckets);
        break;
    }
  }

  #begun(fact: FactOf<"transactionBegun">): void {
    if (this.transactions.has(fact.transaction)) this.#wrong(`transaction ${fact.transaction} begins twice`);
    const plan = JSON.parse(fact.plan) as (Omit<LoggedPart, "currency"> & { currency: number })[];
    const parts = plan.map(({ name, what, subject, account, amount, currency, pair }): LoggedPart => {
      const said = { name, what, subject, account, amount, currency: currencyCode(currency), pair };
      return { ...said, state: "waiting", settled: "", failures: 0, item: 0, wasStuck: false, dueAt: 0 };
    });
    this.transactions.set(fact.transaction, {
      ...{
        number: fact.transaction,
        shard: this.#shard,
        account: this.#accounts[fact.account]!,
        key: fact.key,
      },
      ...{ mode: fact.mode === 1 ? "tcc" : "saga", deadline: fact.deadline, parts, calls: new Map() },
      ...{ decision: "", ended: false },
    });
  }

  #transaction(number: number): LoggedTransaction {
    const transaction = this.transactions.get(number);
    if (!transaction || transaction.ended) this.#wrong(`transaction ${number} is not open`);
    return transaction!;
  }

  /** TRANSACTION-LOG-1. */
  #decided(fact: FactOf<"transactionDecided">): void {
    const transaction = this.#transaction(fact.transaction);
    const { parts, decision, deadline } = transaction;
    if (decision !== "") this.#wrong(`transaction ${transaction.number} is decided twice`);
    const late = this.#now >= deadline;
    if (fact.how === 1) {
      if (!parts.every(({ state }) => state === "done"))
        this.#wrong(`transaction ${transaction.number}: not all is done`);
      if (late) this.#wrong(`transaction ${transaction.number} is decided for after its deadline`);
    } else if (!late && !parts.some(({ state }) => state === "refused" || state === "unknown"))
      this.#wrong(`transaction ${transaction.number} is decided against, and nothing is`);
    transaction.decision = fact.how === 1 ? "done" : "undone";
  }

  #ended(fact: FactOf<"transactionEnded">): void {
    const transaction = this.#transaction(fact.transaction);
    const { mode, parts, decision } = transaction;
    if (decision === "" || (fact.how === 1) !== (decision === "done"))
      this.#wrong(`transaction ${transaction.number} ends as ${fact.how}, and is ${decision}`);
    const forward = mode === "saga" && decision === "done";
    if (!parts.every(({ state }) => state === (forward ? "done" : "settled")))
      this.#wrong(`transaction ${transaction.number} has ended, and a part has not`);
    if (transaction.calls.size > 0)
      this.#wrong(`transaction ${transaction.number} has ended, and something is called`);
    transaction.ended = true;
  }

  #part(fact: Extract<Fact, { transaction: number; part: number }>): void {
    const transaction = this.#transaction(fact.transaction);
    const part = transaction.parts[fact.part]!;
    const wrong = (what: string) =>
      this.#wrong(`transaction ${transaction.number}, ${part.name} is ${part.state}: ${what}`);
    switch (fact.type) {
      case Facts.partBegun: {
        if (part.state !== "waiting" || transaction.decision !== "") wrong("begun");
        const before = transaction.parts.slice(0, fact.part);
        if (transaction.mode === "saga" && !before.every(({ state }) => state === "done"))
          wrong("begun too early");
        part.state = "begun";
        break;
      }
      case Facts.partAnswered:
        if (part.state !== "begun" || transaction.decision !== "") wrong("answered");
        part.state = (["done", "refused", "unknown"] as const)[fact.how - 1]!;
        part.failures = 0;
        break;
      case Facts.partEnding:
        if (part.state !== "ending") this.#ending(transaction, fact.part, wrong);
        part.state = "ending";
        part.dueAt = 0;
        break;
      case Facts.partSettled:
        this.#settled(transaction, part, settleNames[fact.how]!, wrong);
        break;
      case Facts.partFailed:
        if (part.state !== "ending" || part.what === "call") wrong("failed to end");
        part.failures++;
        part.dueAt = fact.dueAt;
        break;
      case Facts.partRepeated:
        part.failures = 0;
        break;
      case Facts.partStuck:
        part.wasStuck = true;
        if (transaction.decision === "undone" && part.failures >= 10)
          this.#world.coverage.hit("compensation that kept failing");
        break;
    }
  }

  /** TRANSACTION-LOG-2. */
  #ending({ mode, parts, decision }: LoggedTransaction, at: number, wrong: (what: string) => never): void {
    const { state, pair } = parts[at]!;
    if (decision === "") wrong("ends before the decision");
    if (mode === "saga" && decision === "done") wrong("is compensated, and all is done");
    const begun = state === "done" || state === "unknown" || (mode === "tcc" && state === "begun");
    if (!begun) wrong("ends, and there is nothing to end");
    if (mode === "tcc") return;
    for (const [index, later] of parts.entries()) {
      if (index <= at || later.state === "settled") continue;
      if (later.state !== "ending" || later.item === 0) {
        // A newer one that waits for its own pair is passed by too.
        const held =
          later.pair > index && parts[later.pair]!.state === "ending" && parts[later.pair]!.item !== 0;
        if (!held) wrong(`compensated before ${later.name}`);
      } else this.#world.coverage.hit("older step compensated past a stuck one");
      if (index === pair) wrong("given back before its money came back");
    }
  }

  /** TRANSACTION-LOG-3. */
  #settled(
    transaction: LoggedTransaction,
    part: LoggedPart,
    how: Settled,
    wrong: (what: string) => never,
  ): void {
    const { state, pair } = part;
    if (how === "confirmed" || how === "undone") {
      if (state !== "ending") wrong(how);
      if ((how === "confirmed") !== (transaction.decision === "done"))
        wrong(`${how}, and it is ${transaction.decision}`);
    } else if (how === "nothing") {
      if (state !== "waiting" && state !== "refused") wrong("settled as nothing");
      if (transaction.decision !== "undone") wrong("it is not undone");
    } else {
      const { resolved } = this.#outside;
      const said = resolved.has(part) || (pair >= 0 && resolved.has(transaction.parts[pair]!));
      if (!said) wrong("settled by a human who has said nothing");
      if (part.what === "credit") this.#world.coverage.hit("money between two wallets settled by a human");
    }
    part.state = "settled";
    part.settled = how;
  }
}
