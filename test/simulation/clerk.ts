/**
 * The clerk: follows everything that the shards tell, plays the providers that nobody can call, and looks after what only
 * a human can end. Of a provider that keeps books the clerk says nothing but the truth.
 */

import { decimal, minorOf } from "./amounts.js";
import type { Client } from "./client.js";
import type { Event } from "./network.js";
import type { Operation } from "./operation.js";
import { called } from "./providers.js";
import type { World } from "./world.js";

interface Item {
  readonly item: string;
  /** 1 = a payment, 2 = a refund, 3 = a part of a transaction. */
  readonly kind: number;
  readonly subject: string;
  readonly amount: number;
  readonly currency: string;
  /** Of a part: what is being done, or was to be. */
  readonly doing: string;
}

interface Heard {
  readonly refund: string;
  readonly provider: string;
  readonly paymentId: string;
  readonly amount: number;
  readonly currency: string;
}

export class Clerk {
  /** Open, as far as it has heard. */
  readonly #refunds = new Map<string, Heard>();
  readonly #items = new Map<string, Item>();
  /** By item, the last that was asked about it. */
  readonly #asked = new Map<string, Operation>();
  #reasons = 0;
  readonly #client: Client;
  readonly #world: World;

  constructor(world: World, client: Client) {
    this.#world = world;
    this.#client = client;
  }

  begin(): void {
    const { requests, hosts } = this.#world;
    for (const { number } of hosts) {
      const follower = requests.follower(`shard:${number}`, 1);
      this.#client.followers.push(follower);
      this.#client.follow(follower);
    }
  }

  hear({ type, data }: Event): void {
    const said = data as Record<string, string>;
    if (type === "refund.requested" && said.provider !== "") {
      const { refund, provider, paymentId, currency } = said as Record<string, string>;
      const amount = minorOf(said.amount, currency!);
      this.#refunds.set(refund!, {
        ...{ refund: refund!, provider: provider!, paymentId: paymentId!, currency: currency!, amount },
      });
      this.#world.providers.about(refund!, provider!, paymentId!, currency!, amount);
    } else if (type === "refund.done" || type === "refund.refused") {
      this.#refunds.delete(said.refund!);
    } else if (type === "human.opened") {
      const { item, subject, currency } = said;
      const amount = minorOf(said.amount, currency!);
      this.#items.set(item!, {
        item: item!,
        kind: Number(said.kind),
        subject: subject!,
        amount,
        currency: currency!,
        doing: (JSON.parse(said.evidence!) as { doing?: string }).doing ?? "",
      });
    } else if (type === "human.resolved") this.#items.delete(said.item!);
  }

  /** One thing of the day. */
  work(): void {
    const { random } = this.#world;
    switch (random.pick(["report", "report", "report", "resolve", "resolve", "look"])) {
      case "report":
        this.#report();
        break;
      case "resolve":
        this.#resolve();
        break;
      case "look":
        this.#look();
        break;
    }
  }

  /** The morning after: what has come up, one by one; some things are left to lie. */
  workThrough(): void {
    for (let left = this.#items.size; left > 0; left--) if (this.#world.random.chance(0.6)) this.#resolve();
  }

  #report(): void {
    const { random, providers } = this.#world;
    const open = [...this.#refunds.values()];
    const late = random.chance(0.1) ? [...providers.refunds.values()] : [];
    if (open.length === 0 || random.chance(0.03)) {
      if (random.chance(0.05))
        this.#ask("refund.report", { refund: "r999424", outcome: "done", ref: undefined });
      return;
    }
    const id = late.length > 0 ? random.pick(late).id : random.pick(open).refund;
    const asked = providers.refunds.get(id)!;
    let outcome = random.chance(0.25) ? "unknown" : "done";
    if (outcome !== "unknown") {
      if (asked.provider === "cash") outcome = random.pick(["done", "refused"]);
      else if (asked.provider === called && asked.fate === "undecided") outcome = "unknown";
      else outcome = providers.decide(asked) === "executed" ? "done" : "refused";
    }
    this.#ask("refund.report", { refund: id, outcome, ref: random.chance(0.5) ? `ref-${id}` : undefined });
    // Tellers contradict each other.
    if (asked.provider === "cash" && random.chance(0.3))
      this.#ask("refund.report", { refund: id, outcome: random.pick(["done", "refused"]), ref: undefined });
  }

  #resolve(): void {
    const { random } = this.#world;
    const done = [...this.#asked.values()].filter(({ received }) => received?.code === "ok");
    if (random.chance(0.1) && done.length > 0) {
      const { item } = random.pick(done).params;
      this.#ask("human.resolve", { ...blank, item, action: "write_off", reason: "not again" }, -1);
      return;
    }
    // Nobody else looks after them, so nothing is asked about an item before the last answer has come.
    const items = [...this.#items.values()].filter(({ item }) => {
      const last = this.#asked.get(item);
      return !last || (last.received !== undefined && last.received.code !== "ok");
    });
    if (items.length === 0) {
      if (random.chance(0.05))
        this.#ask("human.resolve", { ...blank, item: "h999424", action: "retry", reason: "what" }, -1);
      return;
    }
    const item = random.pick(items);
    if (item.kind === 1) this.#resolvePayment(item);
    else if (item.kind === 2) this.#resolveRefund(item);
    else this.#resolvePart(item);
  }

  #resolvePayment(item: Item): void {
    const { random, clients, plan } = this.#world;
    const action = random.pick(["retry", "done", "undone", "entries", "write_off"] as const);
    if (action === "retry") {
      const order = random.pick(clients).orders.at(-1)?.order;
      if (order) this.#resolution(item, action, { order });
      return;
    }
    const params: Record<string, unknown> = {};
    if (action === "entries") {
      // A wallet of another shard or another currency is no place for it.
      const wallet =
        random.chance(0.5) && item.amount < walletMost ? `a${random.below(plan.accounts)}` : undefined;
      const part = Math.floor(item.amount / 2);
      const to = wallet === undefined ? "revenue" : `wallet:${wallet}`;
      const entries = [{ from: "suspense", to, amount: decimal(item.amount - part, item.currency) }];
      if (part > 0) entries.push({ from: "suspense", to: "fees", amount: decimal(part, item.currency) });
      params.entries = entries;
      params.wallet = wallet;
      params.toWallet = item.amount - part;
    }
    this.#resolution(item, action, params);
  }

  #resolveRefund(item: Item): void {
    const { random, providers } = this.#world;
    const refund = providers.refunds.get(item.subject)!;
    let action = random.pick(["retry", "done", "undone", "entries", "write_off"] as const);
    if (action === "undone" || action === "entries" || action === "write_off") {
      if (!providers.stop(refund)) action = "done";
    }
    if (action === "done") providers.pay(refund);
    const entry = {
      from: `clearing:${refund.provider}`,
      to: "loss",
      amount: decimal(item.amount, item.currency),
    };
    this.#resolution(item, action, action === "entries" ? { entries: [entry] } : {});
  }

  /** Of what nobody knows yet the clerk says the truth, after having seen to it. */
  #resolvePart(item: Item): void {
    const { random, carrier, plan } = this.#world;
    const { subject, doing } = item;
    let action = random.pick(["retry", "done", "undone", "entries", "write_off"] as const);
    if (action === "retry" && random.chance(0.7)) carrier.mend(subject);
    if ((action === "done" || action === "undone") && ["try", "do", "ask"].includes(doing))
      action = carrier.byHand(subject, action === "done", doing) ? "done" : "undone";
    if (action !== "entries" || item.amount === 0) {
      this.#resolution(item, action === "entries" ? "write_off" : action, {});
      return;
    }
    // Money is missing where a credit was to come back from; else somebody earns what is left over.
    const missing = random.chance(0.9);
    const wallet = !missing && item.amount < walletMost ? `a${random.below(plan.accounts)}` : undefined;
    const [from, to] = isCall(item)
      ? ["revenue", "loss"]
      : missing
        ? [random.pick(["revenue", "fees", "loss"]), "suspense"]
        : ["suspense", wallet === undefined ? "revenue" : `wallet:${wallet}`];
    const entries = [{ from, to, amount: decimal(item.amount, item.currency) }];
    const toWallet = isCall(item) || missing ? undefined : wallet;
    this.#resolution(item, action, { entries, evidence: guess, wallet: toWallet, toWallet: item.amount });
  }

  /** Each with a reason of its own: under the same one it would be the same resolution again. */
  #resolution(item: Item, action: string, more: Readonly<Record<string, unknown>>): void {
    const reason = `reason ${++this.#reasons}`;
    const params = { ...blank, item: item.item, action, reason, ...more };
    this.#asked.set(item.item, this.#ask("human.resolve", params, item.amount));
  }

  #look(): void {
    const { random, providers } = this.#world;
    const item = [...this.#items.keys()].at(-1) ?? "h999424";
    const refund = [...providers.refunds.keys()].at(-1) ?? "r999424";
    const state = random.pick([undefined, "open", "resolved"]);
    switch (random.pick(["list", "get", "refund"])) {
      case "list":
        this.#ask("human.list", {
          state,
          cursor: random.chance(0.3) ? "0.5" : undefined,
          limit: random.between(1, 20),
        });
        break;
      case "get":
        this.#ask("human.get", { item });
        break;
      case "refund":
        this.#ask("refund.get", { refund });
        break;
    }
  }

  #ask(
    method: "refund.report" | "refund.get" | "human.list" | "human.get" | "human.resolve",
    params: Readonly<Record<string, unknown>>,
    amount = 0,
  ): Operation {
    const operation = this.#world.requests.make(this.#client, { method, params, amount });
    this.#client.ask(operation);
    return operation;
  }
}

/** A part that is a function outside, by its name. */
function isCall({ subject }: Item): boolean {
  return /\/[cn][0-9]+$/.test(subject);
}

/** Nobody is made richer than anybody in this world is expected to be. */
const walletMost = 1_000_000;

/** Whether money is missing or left over, the item does not say: such entries may be refused. */
export const guess = "a guess";

const blank = { evidence: undefined, order: undefined, entries: undefined, operator: "clerk" };
