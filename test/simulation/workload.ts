/** What clients think of: a shop's day, with everything in it that goes wrong at the edges. */

import type { Command, Method } from "../../engine/commands.js";
import { shardOf } from "../../engine/router.js";
import { decimal } from "./amounts.js";
import type { Client, Follower } from "./client.js";
import { epochMs } from "./host.js";
import type { KnownProduct } from "./model.js";
import type { Cart, Operation, PlacedOrder, Slot } from "./operation.js";
import type { World } from "./world.js";

const kinds = {
  place: 38,
  pay: 12,
  cancel: 6,
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

/** No other price is higher; and one at which a large quantity is over 2^53-1 minor units. */
const priceCap = 3000;
const preciousPrice = 1_000_000_000_000;

export class Workload {
  readonly #world: World;
  #lastId = 0;
  #lastKey = 0;
  asked = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Accounts and products, asked for like everything else. */
  openShop(): void {
    const { plan, random, clients, audit } = this.#world;
    for (let i = 0; i < plan.accounts; i++) {
      const id = `a${i}`;
      const currency = i % 7 === 6 ? "JPY" : "CNY";
      audit.model.accounts.set(id, { id, currency, opened: "no", openings: 0 });
      const client = clients.find(({ account }) => account === id) ?? clients[0]!;
      this.#ask(client, { method: "account.open", params: { account: id, currency } });
      if (random.chance(0.8)) this.#deposit(client, id);
    }
    for (let i = 0; i < plan.products; i++) this.#create(random.pick(clients), i);
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
    const graceMs = random.chance(0.8) ? plan.settings.graceMs : 0;
    const target = (order.payBy + graceMs) * 1000 + random.between(-2000, 2000);
    const operation = this.#make(client, {
      method: random.chance(0.9) ? "order.pay" : "order.cancel",
      params: { order: order.order, reason: undefined },
      key: this.#key(),
      subject: order.account,
      amount: order.total,
    });
    const at = target - epochMs * 1000 - hosts[operation.shard]!.clockOffset;
    schedule.at(at, () => {
      client.operations.set(operation.id, operation);
      audit.sent(operation);
      network.request(client, operation, true);
      client.keepAsking(operation);
    });
  }

  #one(client: Client): void {
    const { random, audit, clients } = this.#world;
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
        this.#deposit(client, account);
        break;
      case "withdraw":
        this.#withdraw(client, account);
        break;
      case "getAccount":
        this.#ask(client, { method: "account.get", params: { account } });
        break;
      case "getProduct":
        this.#ask(client, { method: "product.get", params: { product } });
        break;
      case "restock":
        this.#restock(client, product);
        break;
      case "reprice":
        this.#reprice(client, product);
        break;
      case "openAgain":
        if (model.accounts.get(account)?.opened === "sure")
          this.#ask(client, { method: "account.open", params: { account, currency: "JPY" } });
        break;
      case "createAgain": {
        const known = model.products.get(product);
        if (known?.created === "sure") this.#ask(client, this.#creation(known));
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
    const payWithinMs = random.chance(0.5) ? random.between(1000, 2500) : undefined;
    const cart = this.#cart({ account, lines, pay, payWithinMs, dryRun });
    const operation = this.#make(client, {
      method: "order.place",
      params: this.#placeParams(cart),
      key: this.#key(),
      subject: account,
      cart,
      once: random.chance(0.02),
    });
    client.ask(operation);
    if (!operation.once && random.chance(0.04)) this.#inOneBatch(client, operation);
  }

  /** A product that the account can usually pay for. */
  #product(account: string): string {
    const { random, plan, audit } = this.#world;
    const { accounts, products } = audit.model;
    const id = `p${random.below(plan.products)}`;
    const fits = products.get(id)?.currency === accounts.get(account)?.currency;
    return fits || random.chance(0.2) ? id : `p${random.below(plan.products)}`;
  }

  #cart(asked: Pick<Cart, "account" | "lines" | "pay" | "payWithinMs" | "dryRun">): Cart {
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
    const home = this.#shard({ method: "account.get", account: asked.account });
    const crossing =
      plan.shards > 1 &&
      [...units.keys()].some((product) => this.#shard({ method: "product.get", product }) !== home);
    let expectedTotal: number | undefined;
    if (accounts.has(asked.account) && expected < 1e15) {
      if (random.chance(0.4)) expectedTotal = expected;
      else if (random.chance(0.1)) expectedTotal = expected + 1;
    }
    return { ...asked, units, costMax, expectedTotal, crossing };
  }

  #placeParams(cart: Cart): Record<string, unknown> {
    const { account, lines, pay, payWithinMs, dryRun, expectedTotal } = cart;
    const currency = this.#world.audit.model.accounts.get(account)?.currency ?? "CNY";
    return {
      account,
      lines,
      pay,
      mode: "tcc",
      payWithinMs,
      expectedTotal: expectedTotal === undefined ? undefined : decimal(expectedTotal, currency),
      dryRun,
    };
  }

  #move(client: Client, method: "order.pay" | "order.cancel", order: PlacedOrder | undefined): void {
    const { random } = this.#world;
    if (!order && random.chance(0.7)) return;
    if (!order || random.chance(0.03)) {
      const key = this.#key();
      this.#ask(client, {
        method,
        params: { order: "o999424", key, reason: undefined, at: undefined },
        amount: -1,
      });
      return;
    }
    const reason = method === "order.cancel" && random.chance(0.5) ? "changed my mind" : undefined;
    const params = { order: order.order, reason };
    const wanted = { method, params, key: this.#key(), subject: order.account, amount: order.total };
    const operation = this.#make(client, wanted);
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
    if (first.cart) {
      const lines = [...first.cart.lines, { product: `p${random.below(this.#world.plan.products)}`, qty: 1 }];
      const cart = this.#cart({ ...first.cart, lines });
      const params = this.#placeParams({ ...cart, expectedTotal: undefined });
      const wanted = {
        method: "order.place",
        params,
        slot,
        cart: { ...cart, expectedTotal: undefined },
      } as const;
      this.#askUnlessSame(client, slot, this.#make(client, wanted));
    } else {
      const method = first.method === "order.pay" ? "order.cancel" : "order.pay";
      const params = { order: first.params.order, reason: undefined };
      this.#askUnlessSame(client, slot, this.#make(client, { method, params, slot, amount: first.amount }));
    }
  }

  #askUnlessSame(client: Client, slot: Slot, operation: Operation): void {
    const wish = ({ params }: Operation) => JSON.stringify({ ...params, refuseAfter: 0 });
    if (!slot.variants.some((variant) => wish(variant) === wish(operation))) client.ask(operation);
  }

  #deposit(client: Client, account: string): void {
    const { random, audit } = this.#world;
    const currency = audit.model.accounts.get(account)?.currency ?? "CNY";
    const amount = random.between(1, 40_000);
    const wrong = random.chance(0.06);
    const text = wrong ? random.pick(["1.2345", "0.00", "90071992547409.92", "9007199254740992"]) : undefined;
    this.#ask(client, {
      method: "account.deposit",
      params: { account, amount: text ?? decimal(amount, currency), ref: this.#key() },
      subject: account,
      amount: wrong ? -1 : amount,
    });
  }

  #withdraw(client: Client, account: string): void {
    const { random, audit } = this.#world;
    const currency = audit.model.accounts.get(account)?.currency ?? "CNY";
    const amount = random.between(1, 20_000);
    this.#ask(client, {
      method: "account.withdraw",
      params: { account, amount: decimal(amount, currency), ref: this.#key() },
      subject: account,
      amount,
    });
  }

  #create(client: Client, index: number): void {
    const { random, audit, plan } = this.#world;
    const precious = index === 5;
    const price = precious ? preciousPrice : index === 4 ? 0 : random.between(1, priceCap);
    const startsAt = random.chance(0.15) ? epochMs + random.between(500, 5000) : 0;
    const product: KnownProduct = {
      id: `p${index}`,
      name: `Product ${index}`,
      currency: index % 4 === 3 ? "JPY" : "CNY",
      stock: random.between(0, plan.stockMax),
      limit: random.chance(0.3) ? random.between(1, 9) : 0,
      saleStartsAt: startsAt,
      saleEndsAt: random.chance(0.15) ? Math.max(startsAt, epochMs) + random.between(1000, 8000) : 0,
      created: "no",
      creations: 0,
      prices: new Set([price]),
      lastPrice: price,
      priceMax: precious ? preciousPrice : priceCap,
      sold: 0,
      bought: new Map(),
    };
    audit.model.products.set(product.id, product);
    this.#ask(client, this.#creation(product));
  }

  #creation(product: KnownProduct): Wanted {
    const { id, name, currency, stock, limit, saleStartsAt, saleEndsAt, created } = product;
    const params = {
      product: id,
      name,
      price: decimal(product.lastPrice, currency),
      currency,
      stock,
      limitPerAccount: limit === 0 ? undefined : limit,
      saleStartsAt: saleStartsAt === 0 ? undefined : saleStartsAt,
      saleEndsAt: saleEndsAt === 0 ? undefined : saleEndsAt,
    };
    return { method: "product.create", params, amount: created === "no" ? stock : 0 };
  }

  #restock(client: Client, product: string): void {
    const { random } = this.#world;
    const qty = random.between(1, 20);
    const once = random.chance(0.1);
    const ref = once ? undefined : this.#key();
    this.#ask(client, {
      method: "product.restock",
      params: { product, qty, ref },
      subject: product,
      amount: qty,
      once,
    });
  }

  #reprice(client: Client, product: string): void {
    const known = this.#world.audit.model.products.get(product);
    if (!known || known.lastPrice === preciousPrice) return;
    const price = this.#world.random.between(0, priceCap);
    known.prices.add(price);
    known.lastPrice = price;
    this.#ask(client, {
      method: "product.reprice",
      params: { product, price: decimal(price, known.currency) },
    });
  }

  #follow(client: Client): void {
    const { random, plan } = this.#world;
    if (client.followers.length >= 3) return;
    const topic = random.chance(0.5)
      ? `account:a${random.below(plan.accounts)}`
      : `product:p${random.below(plan.products)}`;
    const follower = this.follower(topic, random.chance(0.3) ? 1 : 0);
    client.followers.push(follower);
    client.follow(follower);
  }

  /** Ends a subscription, or one that never was. */
  #unfollow(client: Client): void {
    const follower = client.followers.find((f) => f.connection && !f.ended);
    const sub = follower?.sub ?? 1_000_000_000;
    const operation = this.#make(client, { method: "feed.unsubscribe", params: { sub }, once: true });
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

  #key(): string {
    return `k${++this.#lastKey}`;
  }

  #ask(client: Client, wanted: Wanted): void {
    client.ask(this.#make(client, wanted));
  }

  /** A request that is not asked for by chance. */
  make(client: Client, wanted: Wanted): Operation {
    return this.#make(client, wanted);
  }

  subscription(client: Client, { topic, next }: Follower): Operation {
    const fromSeq = next === 0 ? undefined : next;
    return this.#make(client, { method: "feed.subscribe", params: { topic, fromSeq } });
  }

  follower(topic: string, next: number): Follower {
    const shard = this.#shard({ method: "feed.subscribe", topic });
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

  #make(client: Client, wanted: Wanted): Operation {
    const { random, schedule, audit, hosts } = this.#world;
    const { method, subject, cart } = wanted;
    const keyed = method.startsWith("order.") && wanted.key !== undefined;
    const ref = wanted.params.ref as string | undefined;
    let slot = wanted.slot;
    if (!slot && keyed && !cart?.dryRun) {
      const at = wanted.once ? undefined : epochMs + Math.floor(schedule.now / 1000) + client.skewMs;
      slot = audit.model.slot("order", subject!, wanted.key!, at);
    } else if (!slot && ref !== undefined) {
      slot = audit.model.slot(method === "product.restock" ? "stock" : "money", subject!, ref, undefined);
    }
    this.asked++;
    const params: Record<string, unknown> = { ...wanted.params, refuseAfter: 0 };
    if (keyed || wanted.slot) {
      params.key = slot?.key ?? wanted.key;
      params.at = slot?.at;
    }
    const shard = this.#shard({ method, ...params });
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
      amount: wanted.amount ?? 0,
      once: wanted.once ?? false,
      sentAt: -1,
      sends: 0,
      arrivedIn: 0,
      before: new Map(),
      counted: false,
      left: undefined,
      received: undefined,
      gaveUp: false,
    };
  }

  #shard(command: { method: Method; [param: string]: unknown }): number {
    return shardOf(command as unknown as Command, this.#world.plan.shards);
  }
}

export interface Wanted {
  readonly method: Method;
  readonly params: Readonly<Record<string, unknown>>;
  readonly key?: string;
  /** Whose key or ref it is. */
  readonly subject?: string;
  /** Instead of a key of its own. */
  readonly slot?: Slot;
  readonly cart?: Cart;
  readonly amount?: number;
  readonly once?: boolean;
}
