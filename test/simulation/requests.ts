/** Requests in the making: what a client wants becomes an operation with its key, its shard and its place in the audit. */

import { shardOf } from "../../engine/loop/methods.js";
import type { Command, Method } from "../../engine/seams/commands.js";
import { type SlowAdjustment, slowParts, sumOf } from "../support/slow-total.js";
import { decimal, digitsOf } from "./amounts.js";
import type { Client, Follower } from "./client.js";
import { epochMs } from "./host.js";
import type { Cart, Operation, Slot } from "./operation.js";
import type { SimulatedTransaction } from "./transaction-plan.js";
import type { World } from "./world.js";

export interface Wanted {
  readonly method: Method;
  readonly params: Readonly<Record<string, unknown>>;
  readonly key?: string;
  /** Whose key or ref it is. */
  readonly subject?: string;
  /** Instead of a key of its own. */
  readonly slot?: Slot;
  readonly cart?: Cart;
  readonly transaction?: SimulatedTransaction;
  readonly amount?: number;
  readonly once?: boolean;
}

/** A clock that is wrong beyond belief: a month ahead, further than any clock jumps. */
export const absurdSkewMs = 2_592_000_000;

/** Methods whose operator stands in the log as a fact of its own. */
const namesOperator: ReadonlySet<Method> = new Set(["order.place", "order.pay", "order.cancel"]);

export class Requests {
  readonly #world: World;
  #lastId = 0;
  #lastKey = 0;
  /** Operations made so far. */
  made = 0;

  constructor(world: World) {
    this.#world = world;
  }

  key(): string {
    return `k${++this.#lastKey}`;
  }

  cart(asked: Pick<Cart, "account" | "lines" | "pay" | "payWithinMs" | "dryRun">): Cart {
    const { random, audit, plan } = this.#world;
    const { accounts, products } = audit.model;
    const units = new Map<string, number>();
    for (const { product, qty } of asked.lines) units.set(product, (units.get(product) ?? 0) + qty);
    let costMax = 0;
    let expected = 0;
    for (const [id, qty] of units) {
      costMax += (products.get(id)?.priceMax ?? 0) * qty;
      expected += (products.get(id)?.lastPrice ?? 0) * qty;
    }
    const home = this.shardOf({ method: "account.get", account: asked.account });
    const crossing =
      plan.shards > 1 &&
      [...units.keys()].some((product) => this.shardOf({ method: "product.get", product }) !== home);
    const mode = random.chance(0.15) && asked.pay === "balance" ? "saga" : "tcc";
    const step = mode === "saga" && asked.pay === "balance" && !asked.dryRun;
    let expectedTotal: number | undefined;
    if (accounts.has(asked.account) && expected < 1e15) {
      if (random.chance(0.4)) expectedTotal = expected;
      else if (random.chance(0.1)) expectedTotal = expected + 1;
    }
    return { ...asked, mode, units, costMax, expectedTotal, crossing: crossing || step };
  }

  placeParams(cart: Cart): Record<string, unknown> {
    const { account, lines, pay, mode, payWithinMs, dryRun, expectedTotal } = cart;
    const currency = this.#world.audit.model.accounts.get(account)?.currency ?? "CNY";
    return {
      account,
      lines,
      pay,
      mode,
      payWithinMs,
      expectedTotal: expectedTotal === undefined ? undefined : decimal(expectedTotal, currency),
      dryRun,
    };
  }

  subscription(client: Client, { topic, next }: Follower): Operation {
    const from = next === 0 ? undefined : next;
    return this.make(client, { method: "feed.subscribe", params: { topic, from } });
  }

  follower(topic: string, next: number): Follower {
    const shard = this.shardOf({ method: "feed.subscribe", topic });
    return {
      topic,
      shard,
      connection: undefined,
      sub: 0,
      next,
      from: next,
      logUpTo: 0,
      events: [],
      ended: false,
      asking: undefined,
    };
  }

  make(client: Client, wanted: Wanted): Operation {
    const { random, schedule, audit, hosts } = this.#world;
    const { method, subject } = wanted;
    const keyed = wanted.key !== undefined;
    const ref = wanted.params.ref as string | undefined;
    let slot = wanted.slot;
    if (!slot && keyed && !wanted.cart?.dryRun) {
      const skewMs = random.chance(0.005) ? absurdSkewMs : client.skewMs;
      const at = wanted.once ? undefined : epochMs + Math.floor(schedule.now / 1000) + skewMs;
      slot = audit.model.slot("order", subject!, wanted.key!, at);
    } else if (!slot && ref !== undefined && method !== "refund.report") {
      slot = audit.model.slot(method.startsWith("product.") ? "stock" : "money", subject!, ref, undefined);
    } else if (method === "payment.notify") {
      const { provider, paymentId } = wanted.params;
      slot = audit.model.slot("payment", "", `${provider}:${paymentId}`, undefined);
    }
    this.made++;
    const params: Record<string, unknown> = { ...wanted.params, refuseAfter: 0 };
    if (keyed || (wanted.slot && method !== "payment.notify")) {
      params.key = slot?.key ?? wanted.key;
      params.at = slot?.at;
    }
    // Every third: without a draw, so that a seed's story stays what it was.
    if (namesOperator.has(method)) params.operator = this.made % 3 === 0 ? `op${this.made % 5}` : undefined;
    if (method === "order.place" && this.made % 4 === 1) {
      params.ref = `PO ${this.made % 50}`;
      params.metadata = { made: String(this.made) };
    }
    let { cart } = wanted;
    if (method === "order.place" && cart && this.made % 5 === 2) {
      const adjustments = adjustmentsOf(this.made);
      params.adjustments = adjustments;
      const { currency = "CNY" } = audit.model.accounts.get(cart.account) ?? {};
      // Never less than what it can come to.
      const costMax = Number(sumOf(slowParts([cart.costMax], adjustments, digitsOf(currency))));
      cart = { ...cart, costMax: Math.max(cart.costMax, costMax) };
    }
    const shard = this.shardOf({ method, ...params });
    if (!this.#world.healed && random.chance(0.01))
      params.refuseAfter = hosts[shard]!.nowMicros() + random.between(0, 3000);
    return {
      id: ++this.#lastId,
      client: client.number,
      method,
      params: { method, ...params },
      shard,
      slot,
      cart,
      transaction: wanted.transaction,
      amount: wanted.amount ?? 0,
      once: wanted.once ?? false,
      sentAt: -1,
      sends: 0,
      arrivedIn: 0,
      before: new Map(),
      versionBefore: 0,
      counted: false,
      left: undefined,
      received: undefined,
      gaveUp: false,
    };
  }

  shardOf(command: { method: Method; [param: string]: unknown }): number {
    return shardOf(command as unknown as Command, this.#world.plan.shards);
  }
}

/** One of some, without a draw. */
function adjustmentsOf(made: number): SlowAdjustment[] {
  const all: SlowAdjustment[] = [
    { type: "discount", percent: String((made % 4) * 7) },
    { type: "shipping", amount: String(made % 6) },
    { type: "tax", percent: "13.5", included: made % 2 === 0 },
    { type: "discount", amount: "1" },
    { type: "rounding", amount: "-1" },
  ];
  if (made % 35 === 2) return [{ type: "discount", percent: "100" }];
  return all.slice(made % 3, 3 + (made % 3));
}
