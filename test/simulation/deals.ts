/** Transactions that programs define, as this world knows them: two definitions, and what clients wish of them. */

import type { PlanAsked } from "../../engine/transactions/plan.js";
import { decimal } from "./amounts.js";
import type { Client } from "./client.js";
import type { Operation } from "./operation.js";
import type { World } from "./world.js";

/** `goods` is stock, `pay` money to somebody, `fee` money to the shop; `wrap` and `send` are done by the carrier. */
export type Step = "goods" | "pay" | "fee" | "wrap" | "send";

/** The input of both definitions. */
export interface Wish {
  readonly steps: readonly Step[];
  readonly product: string;
  readonly qty: number;
  /** Account that is paid. */
  readonly to: string;
  readonly amount: string;
  readonly fee: string;
  readonly currency: string;
}

export const modes: Readonly<Record<string, "saga" | "tcc">> = { gift: "saga", trade: "tcc" };

/** The definitions: pure functions of their input. */
export function planOf(name: string, input: unknown): PlanAsked | undefined {
  const mode = modes[name];
  if (!mode) return undefined;
  const { steps, product, qty, to, amount, fee, currency } = input as Wish;
  const parts = steps.map((step): PlanAsked["parts"][number] => {
    switch (step) {
      case "goods":
        return { kind: "stock", name: step, product, qty };
      case "pay":
        return { kind: "money", name: step, from: payerOf(input), to: `wallet:${to}`, amount, currency };
      case "fee":
        return { kind: "money", name: step, from: payerOf(input), to: "revenue", amount: fee, currency };
      default:
        return { kind: "call", name: step, ask: mode === "saga" && step === "wrap", amount, currency };
    }
  });
  return { mode, parts };
}

function payerOf(input: unknown): string {
  return (input as { readonly payer: string }).payer;
}

/** A deal as it was asked for. */
export interface KnownDeal {
  readonly transaction: string;
  readonly account: string;
  readonly name: string;
  readonly input: string;
  /** "" until it has been seen to be decided. */
  decided: "" | "done" | "undone";
  ended: boolean;
}

export class Deals {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  begin(client: Client, account: string): void {
    const { random, requests, network, coverage, audit, plan } = this.#world;
    const unknown = random.chance(0.02);
    const name = unknown ? "theft" : random.pick(["gift", "trade"]);
    const to = random.chance(0.03) ? account : this.#other(account);
    const own = audit.model.accounts.get(account)?.currency ?? "CNY";
    const currency = random.chance(0.03) ? "JPY" : own;
    const steps = this.#steps();
    const wish = {
      ...{ steps, payer: account, to, currency },
      product: random.chance(0.03) ? "nothing" : `p${random.below(plan.products)}`,
      qty: random.pick([1, 1, 2, 3, 9]),
      amount: decimal(random.between(1, random.chance(0.1) ? 60_000 : 2000), currency),
      fee: decimal(random.between(1, 50), currency),
    };
    const bad = unknown || (steps.includes("pay") && to === account);
    const operation = requests.make(client, {
      method: "transaction.begin",
      key: requests.key(),
      subject: account,
      params: {
        ...{ account, name, input: wish, wait: random.chance(0.6) },
        deadlineMs: random.chance(0.2) ? random.between(20, 3000) : undefined,
      },
      amount: bad ? -1 : 0,
    });
    client.ask(operation);
    if (!random.chance(0.06)) return;
    coverage.hit("same request twice in one batch");
    network.request(client, operation, true);
    network.request(client, operation, true);
  }

  /** The same key for something else. */
  misuse(client: Client, first: Operation): Operation {
    const input = first.params.input as Wish;
    const { account, name, wait, deadlineMs } = first.params;
    return this.#world.requests.make(client, {
      method: "transaction.begin",
      slot: first.slot!,
      params: { account, name, input: { ...input, qty: input.qty + 1 }, wait, deadlineMs },
      amount: first.amount,
    });
  }

  /** How far one of them is. */
  look(client: Client): void {
    const { random, audit, requests } = this.#world;
    const all = [...audit.model.deals.keys()];
    const transaction = all.length === 0 || random.chance(0.05) ? "t999424" : random.pick(all.slice(-8));
    client.ask(requests.make(client, { method: "transaction.get", params: { transaction } }));
  }

  #steps(): Step[] {
    const { random } = this.#world;
    const left: Step[] = ["goods", "pay", "fee", "wrap", "send"];
    const steps: Step[] = [];
    for (let more = random.pick([2, 3, 4, 5]); more > 0; more--)
      steps.push(...left.splice(random.below(left.length), 1));
    return steps;
  }

  #other(account: string): string {
    const { random, plan } = this.#world;
    const to = `a${random.below(plan.accounts + (random.chance(0.05) ? 1 : 0))}`;
    return to === account ? "a0" : to;
  }
}

/** Whatever it is called in an answer: it ends no more. */
export function hasEnded(state: string): boolean {
  return state === "done" || state === "undone";
}
