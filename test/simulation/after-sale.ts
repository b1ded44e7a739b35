/** What clients think of once an order is placed: packing and shipping, disputes, refunds, money from outside, points, tokens. */

import { decimal } from "./amounts.js";
import type { Client } from "./client.js";
import type { Operation, PlacedOrder } from "./operation.js";
import { nextOf } from "./order-life.js";
import { providerNames } from "./providers.js";
import type { Wanted } from "./requests.js";
import type { World } from "./world.js";

const events = ["pack", "ship", "dispatch", "deliver", "confirm", "dispute", "resolve"] as const;

export class AfterSale {
  readonly #world: World;
  #payments = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The move that the client thinks is next, or any. */
  advance(client: Client, order: PlacedOrder): void {
    const { random } = this.#world;
    const seen = client.seen.get(order.order) ?? { status: order.status, version: order.version };
    const next = nextOf(seen.status, 1, 0).filter((event) => (events as readonly string[]).includes(event));
    const event = next.length > 0 && random.chance(0.9) ? random.pick(next) : random.pick(events);
    const resolution = event === "resolve" ? random.pick(["keep", "refund"]) : undefined;
    const version = random.chance(0.25) ? seen.version : random.chance(0.05) ? seen.version + 1 : undefined;
    const params = {
      order: order.order,
      event,
      tracking: event === "ship" ? "SF-1" : undefined,
      remark: random.chance(0.2) ? "as agreed" : undefined,
      operator: random.chance(0.2) ? "clerk" : undefined,
      version,
      resolution,
      restock: resolution === "refund" && random.chance(0.5),
    };
    this.#keyed(client, order, "order.advance", params, order.total, random.chance(0.05));
  }

  refund(client: Client, order: PlacedOrder): void {
    const { random } = this.#world;
    const way = random.pick(["all", "lines", "amount"]);
    const lines =
      way === "lines"
        ? order.lines
            .filter(() => random.chance(0.7))
            .map(({ product, qty }) => ({
              product,
              qty: random.between(1, qty + (random.chance(0.1) ? 1 : 0)),
            }))
        : [];
    const most = way === "lines" ? lines.reduce((sum, line) => sum + costOf(order, line), 0) : order.total;
    const part = random.chance(0.1) ? order.total + 1 : random.between(1, Math.max(1, order.total));
    const seen = client.seen.get(order.order);
    const version = seen && random.chance(0.1) ? seen.version : undefined;
    const params = {
      order: order.order,
      lines: lines.length > 0 ? lines : undefined,
      amount: way === "amount" ? decimal(part, order.currency) : undefined,
      reason: "as agreed",
      // An amount is of no units.
      restock: random.chance(0.4) && way !== "amount",
      operator: undefined,
      version,
    };
    const cap = params.lines ? most : order.total;
    const operation = this.#keyed(client, order, "order.refund", params, cap, random.chance(0.05));
    // Another one at the same time: together they must not take more than there is.
    if (operation && random.chance(0.25)) this.refund(client, order);
  }

  /** A word of a provider: for an order, more or less than is due, twice, or for nothing that is known. */
  notify(client: Client, order: PlacedOrder | undefined, amount?: number): Operation {
    const { random } = this.#world;
    const currency = order?.currency ?? "CNY";
    const due = order?.total ?? 100;
    const money =
      amount ??
      random.pick([due, due, due, due + random.between(1, 500), random.between(1, Math.max(1, due))]);
    const said = random.chance(0.04) ? (currency === "CNY" ? "JPY" : "CNY") : currency;
    const unknown = random.chance(0.3) ? "o999424" : `shop-order-${random.below(5)}`;
    const wrong = random.chance(0.01) || money === 0;
    const params = {
      provider: random.pick(providerNames),
      paymentId: `pay-${++this.#payments}`,
      order: order === undefined || random.chance(0.03) ? unknown : order.order,
      amount: wrong ? "0.001" : decimal(money, said),
      currency: said,
    };
    return this.#world.requests.make(client, {
      method: "payment.notify",
      params,
      amount: wrong ? -1 : money,
    });
  }

  /** Tells of it, sometimes twice, under the same id or another, and sometimes while the buyer pays too. */
  tell(client: Client, order: PlacedOrder | undefined): void {
    const { random, clients } = this.#world;
    const operation = this.notify(client, order);
    client.ask(operation);
    if (!order) return;
    if (random.chance(0.1)) client.ask(this.notify(client, order));
    if (random.chance(0.1)) this.#world.network.request(client, operation, true);
    if (random.chance(0.05)) this.#otherWord(random.pick(clients), operation);
    if (random.chance(0.15)) {
      const params = { order: order.order, reason: undefined };
      this.#keyed(client, order, "order.pay", params, order.total, false);
    }
  }

  /** The same payment with another amount: one of the two was never true. */
  #otherWord(client: Client, { params, amount, slot }: Operation): void {
    if (amount < 0 || !slot) return;
    const other = decimal(amount + 1, params.currency as string);
    const { refuseAfter: _, ...said } = params;
    const wanted: Wanted = {
      method: "payment.notify",
      params: { ...said, amount: other },
      slot,
      amount: amount + 1,
    };
    client.ask(this.#world.requests.make(client, wanted));
  }

  spend(client: Client, account: string): void {
    const { random, requests } = this.#world;
    const points = random.between(1, random.pick([5, 60]));
    const params = { account, points, ref: requests.key() };
    client.ask(requests.make(client, { method: "points.spend", params, subject: account, amount: points }));
  }

  issueToken(client: Client): void {
    client.ask(this.#world.requests.make(client, { method: "token.issue", params: {} }));
  }

  /** At the moment at which the hold ends, or a millisecond beside it, by the shard's own clock. */
  race(client: Client, order: PlacedOrder): void {
    const { random, plan, schedule, hosts, network, audit } = this.#world;
    const target = order.payBy + plan.settings.graceMs + random.between(-1, 1);
    const operation = this.notify(client, order, order.total);
    const at = hosts[operation.shard]!.worldTimeOf(target * 1000);
    schedule.at(at, () => {
      if (this.#world.closed) return;
      client.operations.set(operation.id, operation);
      audit.sent(operation);
      network.request(client, operation, true);
      client.keepAsking(operation);
    });
  }

  #keyed(
    client: Client,
    order: PlacedOrder,
    method: "order.advance" | "order.refund" | "order.pay",
    params: Readonly<Record<string, unknown>>,
    amount: number,
    twice: boolean,
  ): Operation {
    const { requests, network, coverage } = this.#world;
    const wanted = { method, params, key: requests.key(), subject: order.account, amount };
    const operation = requests.make(client, wanted);
    client.ask(operation);
    if (twice) {
      coverage.hit("same request twice in one batch");
      network.request(client, operation, true);
      network.request(client, operation, true);
    }
    return operation;
  }
}

function costOf(order: PlacedOrder, { product, qty }: { product: string; qty: number }): number {
  const line = order.lines.find((one) => one.product === product);
  return line ? (line.total ?? line.unitPrice * qty) : 0;
}
