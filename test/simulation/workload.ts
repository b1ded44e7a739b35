/** What clients think of: a shop's day, with everything in it that goes wrong at the edges. */

import type { Client } from "./client.js";
import type { Operation, PlacedOrder, Slot } from "./operation.js";
import type { Wanted } from "./requests.js";
import { creation, deposit, preciousPrice, reprice, restock, withdraw } from "./shopkeeping.js";
import type { World } from "./world.js";

const kinds = {
  place: 34,
  pay: 9,
  cancel: 5,
  advance: 18,
  refund: 7,
  notify: 12,
  spend: 3,
  token: 2,
  clerk: 10,
  transaction: 11,
  lookAtTransaction: 3,
  misusedKey: 4,
  getOrder: 5,
  lookup: 4,
  deposit: 7,
  withdraw: 4,
  getAccount: 5,
  getProduct: 6,
  restock: 4,
  reprice: 2,
  openAgain: 1,
  createAgain: 1,
  follow: 2,
  unsubscribe: 1,
};

export class Workload {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** One or several requests of one moment. */
  burst(): void {
    const { random, plan, clients } = this.#world;
    for (let left = random.between(1, plan.burstMax); left > 0; left--) this.#one(random.pick(clients));
  }

  /** Pays around the moment at which the hold ends, as the shard's own clock shows it. */
  race(client: Client, order: PlacedOrder): void {
    const { random, plan, schedule, hosts, network, audit } = this.#world;
    if (!random.chance(0.3)) return;
    if (random.chance(0.4)) {
      this.#world.afterSale.race(client, order);
      return;
    }
    const graceMs = random.chance(0.8) ? plan.settings.graceMs : 0;
    const target = (order.payBy + graceMs) * 1000 + random.between(-2000, 2000);
    const operation = this.#world.requests.make(client, {
      method: random.chance(0.9) ? "order.pay" : "order.cancel",
      params: { order: order.order, reason: undefined },
      key: this.#world.requests.key(),
      subject: order.account,
      amount: order.total,
    });
    const at = hosts[operation.shard]!.worldTimeOf(target);
    schedule.at(at, () => {
      if (this.#world.closed) return;
      client.operations.set(operation.id, operation);
      audit.sent(operation);
      network.request(client, operation, true);
      client.keepAsking(operation);
    });
  }

  /** A token of yesterday. */
  useOldToken(client: Client): void {
    const token = client.tokens.pop();
    if (token === undefined) return;
    const { requests } = this.#world;
    const lines = [{ product: "p0", qty: 1 }];
    const asked = {
      account: client.account,
      lines,
      pay: "later",
      payWithinMs: undefined,
      dryRun: false,
    } as const;
    const cart = requests.cart(asked);
    const params = requests.placeParams(cart);
    const wanted = {
      method: "order.place",
      params,
      key: token,
      subject: client.account,
      cart,
      once: true,
    } as const;
    client.ask(requests.make(client, wanted));
  }

  #one(client: Client): void {
    const { random, audit, clients, afterSale, clerk, transactions } = this.#world;
    const { model } = audit;
    const order = client.orders.length > 0 ? client.orders[this.#recent(client.orders.length)]! : undefined;
    const account = random.chance(0.9) ? client.account : `a${random.below(this.#world.plan.accounts + 1)}`;
    const product = `p${random.below(this.#world.plan.products + 1)}`;
    switch (random.weighted(kinds)) {
      case "place":
        this.#place(client, account);
        break;
      case "pay":
        this.#move(client, "order.pay", order);
        break;
      case "cancel":
        this.#move(client, "order.cancel", order);
        break;
      case "advance":
        if (order) afterSale.advance(client, order);
        break;
      case "refund":
        if (order) afterSale.refund(client, order);
        break;
      case "notify":
        if (order || random.chance(0.3)) afterSale.tell(client, order);
        break;
      case "spend":
        afterSale.spend(client, account);
        break;
      case "token":
        afterSale.issueToken(client);
        break;
      case "clerk":
        clerk.work();
        break;
      case "transaction":
        transactions.begin(client, account, this.#key(client));
        break;
      case "lookAtTransaction":
        transactions.look(client);
        break;
      case "misusedKey":
        this.#misuseKey(client);
        break;
      case "getOrder":
        if (order || random.chance(0.1))
          this.#ask(client, { method: "order.get", params: { order: order?.order ?? "o1024" } });
        break;
      case "lookup": {
        const slot = this.#anySlot(client);
        if (slot)
          this.#ask(client, { method: "order.lookup", params: { account: slot.subject, key: slot.key } });
        break;
      }
      case "deposit":
        deposit(this.#world, client, account);
        break;
      case "withdraw":
        withdraw(this.#world, client, account);
        break;
      case "getAccount":
        this.#ask(client, { method: "account.get", params: { account } });
        break;
      case "getProduct":
        this.#ask(client, { method: "product.get", params: { product } });
        break;
      case "restock":
        restock(this.#world, client, product);
        break;
      case "reprice":
        reprice(this.#world, client, product);
        break;
      case "openAgain":
        if (model.accounts.get(account)?.opened === "sure")
          this.#ask(client, { method: "account.open", params: { account, currency: "JPY" } });
        break;
      case "createAgain": {
        const known = model.products.get(product);
        if (known?.created === "sure") this.#ask(client, creation(known));
        break;
      }
      case "follow":
        this.#follow(random.pick(clients));
        break;
      case "unsubscribe":
        this.#unfollow(client);
        break;
    }
  }

  #place(client: Client, account: string): void {
    const { random, audit } = this.#world;
    const dryRun = random.chance(0.05);
    const lines = Array.from({ length: random.pick([1, 1, 1, 2, 3, 5]) }, () => {
      const product = random.chance(0.02) ? "nothing" : this.#product(account);
      const precious = audit.model.products.get(product)?.lastPrice === preciousPrice;
      return { product, qty: precious && random.chance(0.3) ? 20_000 : random.pick([1, 1, 1, 2, 3, 7]) };
    });
    const pay = random.chance(0.45) ? ("balance" as const) : ("later" as const);
    const hold = random.chance(0.5) ? random.between(1000, 2500) : undefined;
    const payWithinMs = pay === "later" ? hold : undefined;
    const cart = this.#world.requests.cart({ account, lines, pay, payWithinMs, dryRun });
    const operation = this.#world.requests.make(client, {
      method: "order.place",
      params: this.#world.requests.placeParams(cart),
      key: dryRun ? this.#world.requests.key() : this.#key(client),
      subject: account,
      cart,
      once: random.chance(0.02),
    });
    client.ask(operation);
    if (!operation.once && random.chance(0.04)) this.#inOneBatch(client, operation);
  }

  /** A key of its own, an issued token, or one that was issued elsewhere. */
  #key(client: Client): string {
    const { random, requests } = this.#world;
    const token = random.chance(0.5) ? client.tokens.pop() : undefined;
    if (token !== undefined) return token;
    // One that somebody else has, or had.
    const issued = this.#world.audit.model.tokens.size;
    if (issued > 0 && random.chance(0.05))
      return [...this.#world.audit.model.tokens.keys()][random.below(issued)]!;
    return random.chance(0.005)
      ? `tk:abc${requests.key()}:0:0123456789abcdef0123456789abcdef`
      : requests.key();
  }

  /** A product that the account can usually pay for. */
  #product(account: string): string {
    const { random, plan, audit } = this.#world;
    const { accounts, products } = audit.model;
    const id = `p${random.below(plan.products)}`;
    const fits = products.get(id)?.currency === accounts.get(account)?.currency;
    return fits || random.chance(0.2) ? id : `p${random.below(plan.products)}`;
  }

  #move(client: Client, method: "order.pay" | "order.cancel", order: PlacedOrder | undefined): void {
    const { random } = this.#world;
    if (!order && random.chance(0.7)) return;
    if (!order || random.chance(0.03)) {
      const key = this.#world.requests.key();
      this.#ask(client, {
        method,
        params: { order: "o999424", key, reason: undefined, at: undefined },
        amount: -1,
      });
      return;
    }
    const reason = method === "order.cancel" && random.chance(0.5) ? "changed my mind" : undefined;
    const params = { order: order.order, reason };
    const wanted = {
      method,
      params,
      key: this.#world.requests.key(),
      subject: order.account,
      amount: order.total,
    };
    const operation = this.#world.requests.make(client, wanted);
    client.ask(operation);
    if (random.chance(0.05)) this.#inOneBatch(client, operation);
  }

  /** The same request again at once, so that both are in one group. */
  #inOneBatch(client: Client, operation: Operation): void {
    this.#world.coverage.hit("same request twice in one batch");
    this.#world.network.request(client, operation, true);
    this.#world.network.request(client, operation, true);
  }

  /** A key that this client has used, for something else. */
  #misuseKey(client: Client): void {
    const { random } = this.#world;
    const slot = this.#anySlot(client);
    const first = slot?.variants[0];
    if (!slot || !first || slot.at === undefined) return;
    if (first.transaction || random.chance(0.05)) {
      client.ask(this.#world.transactions.other(client, slot));
    } else if (first.cart) {
      const lines = [...first.cart.lines, { product: `p${random.below(this.#world.plan.products)}`, qty: 1 }];
      const cart = this.#world.requests.cart({ ...first.cart, lines });
      const params = this.#world.requests.placeParams({ ...cart, expectedTotal: undefined });
      const wanted = {
        method: "order.place",
        params,
        slot,
        cart: { ...cart, expectedTotal: undefined },
      } as const;
      this.#askUnlessSame(client, slot, this.#world.requests.make(client, wanted));
    } else {
      const method = first.method === "order.pay" ? "order.cancel" : "order.pay";
      const params = { order: first.params.order, reason: undefined };
      this.#askUnlessSame(
        client,
        slot,
        this.#world.requests.make(client, { method, params, slot, amount: first.amount }),
      );
    }
  }

  #askUnlessSame(client: Client, slot: Slot, operation: Operation): void {
    const wish = ({ params }: Operation) => JSON.stringify({ ...params, refuseAfter: 0 });
    if (!slot.variants.some((variant) => wish(variant) === wish(operation))) client.ask(operation);
  }

  #follow(client: Client): void {
    const { random, plan } = this.#world;
    if (client.followers.length >= 3) return;
    const topic = random.chance(0.5)
      ? `account:a${random.below(plan.accounts)}`
      : `product:p${random.below(plan.products)}`;
    const follower = this.#world.requests.follower(topic, random.chance(0.3) ? 1 : 0);
    const { durable } = this.#world.hosts[follower.shard]!;
    // From somewhere in the past, as one who was away for long.
    if (random.chance(0.2) && durable > 1) follower.next = follower.from = random.between(2, durable);
    client.followers.push(follower);
    client.follow(follower);
  }

  /** Ends a subscription, or one that never was. */
  #unfollow(client: Client): void {
    const follower = client.followers.find((f) => f.connection && !f.ended);
    const sub = follower?.sub ?? 1_000_000_000;
    const operation = this.#world.requests.make(client, {
      method: "feed.unsubscribe",
      params: { sub },
      once: true,
    });
    client.operations.set(operation.id, operation);
    // At once: a number means something on its connection only.
    this.#world.audit.sent(operation);
    this.#world.network.request(client, operation, true);
    if (follower) follower.ended = true;
  }

  #anySlot(client: Client): Slot | undefined {
    const { random } = this.#world;
    const all = [...client.operations.values()];
    for (let tries = 0; tries < 5 && all.length > 0; tries++) {
      const { slot } = random.pick(all);
      if (slot?.kind === "order") return slot;
    }
    return undefined;
  }

  #recent(count: number): number {
    const { random } = this.#world;
    return random.chance(0.7) ? Math.max(0, count - 1 - random.below(3)) : random.below(count);
  }

  #ask(client: Client, wanted: Wanted): void {
    client.ask(this.#world.requests.make(client, wanted));
  }
}
