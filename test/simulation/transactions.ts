/** What programs think of: transactions over stock, wallets and functions outside, sound ones and others, and how far they are. */

import type { PartSpec } from "../../actors/transactions/plan.js";
import { decimal } from "./amounts.js";
import type { Client } from "./client.js";
import type { Operation, Slot } from "./operation.js";
import { poorAccount, withdraw } from "./shopkeeping.js";
import { partsOf, type SimulatedTransaction, transactionName } from "./transaction-plan.js";
import type { World } from "./world.js";

/** Longer than a function that nobody has is waited for. */
const longMs = 2_000_000_000;

export class SimulatedTransactions {
  readonly #world: World;
  #notes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  begin(client: Client, account: string, key: string): void {
    const { random, requests, network, coverage } = this.#world;
    const transaction = this.#transaction(account, random.chance(0.03));
    const operation = requests.make(client, {
      ...{
        method: "transaction.begin",
        params: this.#params(account, transaction),
        key,
        subject: account,
        transaction,
      },
      ...{ amount: transaction.flaw === undefined ? 0 : -1, once: random.chance(0.02) },
    });
    client.ask(operation);
    if (random.chance(0.8)) withdraw(this.#world, client, poorAccount, random.pick([300, 3000]));
    if (operation.once || !random.chance(0.05)) return;
    coverage.hit("same request twice in one batch");
    network.request(client, operation, true);
    network.request(client, operation, true);
  }

  /** Another transaction under a key that is used. */
  other(client: Client, slot: Slot): Operation {
    const transaction = this.#transaction(slot.subject, false);
    const params = this.#params(slot.subject, transaction);
    return this.#world.requests.make(client, { method: "transaction.begin", params, slot, transaction });
  }

  look(client: Client): void {
    const { random, requests } = this.#world;
    const known = random.chance(0.05) ? undefined : client.transactions.at(-1 - random.below(4));
    if (known === undefined && !random.chance(0.2)) return;
    const params = { transaction: known ?? "t999424" };
    client.ask(requests.make(client, { method: "transaction.get", params }));
  }

  #params(account: string, { mode, asked, deadlineMs, flaw }: SimulatedTransaction): Record<string, unknown> {
    const { random } = this.#world;
    // The note makes every two transactions different.
    const input = { mode, parts: asked, note: ++this.#notes };
    const name = flaw === "name" ? "barter" : transactionName;
    return { account, name, input, deadlineMs, wait: random.chance(0.5) };
  }

  #transaction(account: string, flawed: boolean): SimulatedTransaction {
    const { random } = this.#world;
    const mode = random.pick(["tcc", "saga"] as const);
    const flaw = flawed ? random.pick(["name", "ask", "names", "amount"] as const) : undefined;
    const count = random.pick([1, 2, 2, 3, 3, 4, 6]);
    const asked = Array.from({ length: count }, (_, index) => this.#part(account, mode, index));
    if (flaw === "ask") asked.push({ kind: "call", name: "c9", ask: true });
    if (flaw === "names") asked.push(asked[0]!);
    if (flaw === "amount")
      asked.push({ kind: "call", name: "c9", amount: "0.001", currency: random.pick(["CNY", "JPY"]) });
    const deadlineMs = this.#deadline(asked);
    const said = flaw === "ask" ? "tcc" : mode;
    if (flaw === "ask")
      for (const [at, part] of asked.entries())
        if (part.kind === "call" && at < count) asked[at] = { ...part, ask: false };
    return { mode: said, asked, deadlineMs, flaw, parts: flaw ? [] : partsOf(asked, account) };
  }

  #deadline(asked: readonly PartSpec[]): number | undefined {
    const { random } = this.#world;
    if (asked.some(({ kind, name }) => kind === "call" && name.startsWith("n")) && random.chance(0.5))
      return longMs;
    return random.pick([
      undefined,
      undefined,
      random.between(1, 30),
      random.between(30, 400),
      random.between(400, 4000),
    ]);
  }

  #part(account: string, mode: "tcc" | "saga", index: number): PartSpec {
    const { random, plan } = this.#world;
    switch (random.weighted({ stock: 4, money: 5, call: 4 })) {
      case "stock": {
        const product = random.chance(0.02) ? "nothing" : `p${random.below(plan.products)}`;
        const qty = random.chance(0.04) ? 1000 : random.pick([1, 1, 1, 2, 3]);
        const taker = random.chance(0.2) ? this.#anyAccount() : undefined;
        return { kind: "stock", name: `s${index}`, product, qty, ...(taker ? { account: taker } : {}) };
      }
      case "money":
        return this.#money(account, index);
      case "call": {
        const { name, ask } = {
          name: `${random.chance(0.05) ? "n" : "c"}${index}`,
          ask: mode === "saga" && random.chance(0.4),
        };
        const risk = random.chance(0.6)
          ? { amount: decimal(random.between(1, 900), "CNY"), currency: "CNY", units: random.below(3) }
          : {};
        return { kind: "call", name, ask, ...risk };
      }
    }
  }

  #money(account: string, index: number): PartSpec {
    const { random, audit } = this.#world;
    const from = random.chance(0.7) ? account : random.chance(0.2) ? poorAccount : this.#anyAccount();
    const receiver = random.chance(0.4) ? poorAccount : this.#anyAccount();
    const { accounts } = audit.model;
    const mine = accounts.get(from)?.currency ?? "CNY";
    const currency = random.chance(0.03) ? (mine === "CNY" ? "JPY" : "CNY") : mine;
    // Sometimes more than anybody has; often so much that whoever gets it spends of it before it is to go back.
    const amount = random.chance(0.06) ? 500_000 : random.between(1, random.pick([2000, 2000, 20_000]));
    const fits = receiver !== from && (accounts.get(receiver)?.currency === currency || random.chance(0.1));
    const to = fits ? `wallet:${receiver}` : "revenue";
    return { kind: "money", name: `m${index}`, from, to, amount: decimal(amount, currency), currency };
  }

  /** Sometimes one that is not there. */
  #anyAccount(): string {
    const { random, plan } = this.#world;
    return `a${random.below(random.chance(0.05) ? plan.accounts + 1 : plan.accounts)}`;
  }
}
