/**
 * A small shop and those who besiege it: buyers who ask one thing after another over our own client, and bulk connections
 * that send frames, never send again by themselves, and are lost with every kill.
 *
 * Everything is drawn from a seeded stream, so that a run can be repeated as far as the machine allows.
 */

import { type Ledger, Reader, type Receipt, type SeenFeed, seen } from "./ledger.js";
import {
  type Body,
  ownClient,
  type Params,
  type Push,
  RawConnection,
  type Reply,
  type Wire,
} from "./wire.js";

export const currency = "CNY";
export const accounts = Array.from({ length: 10 }, (_, n) => `a${n}`);
export const products = Array.from({ length: 6 }, (_, n) => ({
  product: `p${n}`,
  price: `${n + 1}.99`,
  stock: 300,
}));

const buyersPerClient = 12;
const clients = 2;
const bulkConnections = 2;
const bulkFrame = 24;

export type Random = () => number;

/** mulberry32 */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Load {
  readonly #loops: Promise<void>[] = [];
  readonly #yifens: { close(): Promise<void> }[] = [];
  readonly #own: Wire[] = [];
  readonly #placed: { order: string; account: string }[] = [];
  #bulk: RawConnection[] = [];
  #up: Promise<void> = Promise.resolve();
  #isUp: () => void = () => {};
  #ending = false;
  #lastKey = 0;

  constructor(
    private readonly address: string,
    private readonly ledger: Ledger,
    private readonly random: Random,
  ) {}

  /** The first client's wire, for questions of the test's own. */
  get wire(): Wire {
    return this.#own[0]!;
  }

  /** Connects, fills the shop, and begins. */
  async start(): Promise<void> {
    for (let n = 0; n < clients; n++) {
      const { wire, yifen } = await ownClient(this.address);
      this.#own.push(wire);
      this.#yifens.push(yifen);
      if (n > 0) continue;
      for (const account of accounts) await yifen.accounts.open({ account, currency });
      for (const product of products)
        await yifen.products.create({ ...product, name: product.product, currency });
      const topics = [
        ...accounts.map((id) => `account:${id}`),
        ...products.map(({ product }) => `product:${product}`),
      ];
      for (const topic of topics)
        void this.#follow(yifen.feed(topic as `account:${string}`, { from: 1 }), topic);
    }
    for (const wire of this.#own) {
      for (let n = 0; n < buyersPerClient; n++) this.#loops.push(this.#buyer(wire));
    }
    for (let n = 0; n < bulkConnections; n++) this.#loops.push(this.#bulkLoop(n));
  }

  /** The server is about to be killed, or was. Resolves when nothing of the dead one can arrive any more. */
  async down(): Promise<void> {
    this.#up = new Promise((up) => {
      this.#isUp = up;
    });
    await Promise.all(this.#bulk.map(({ closed }) => closed));
  }

  up(): void {
    this.#isUp();
  }

  /** About a megabyte of log in a few frames. */
  async ballast(): Promise<void> {
    const reader = new Reader();
    for (let frame = 0; frame < 10; frame++) {
      const deposits = Array.from({ length: 500 }, () => {
        const account = this.#pick(accounts);
        return this.ledger.ask(reader, this.wire, "account.deposit", {
          account,
          amount: "0.01",
          ref: this.#key(account),
        });
      });
      await Promise.all(deposits);
    }
  }

  /** Lets everybody finish what they are at. The server has to be up. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#loops);
    for (const connection of this.#bulk) await connection.end();
  }

  async close(): Promise<void> {
    this.#ending = true;
    for (const yifen of this.#yifens) await yifen.close();
  }

  async #buyer(wire: Wire): Promise<void> {
    const reader = new Reader();
    while (!this.#ending) {
      reader.round++;
      const { method, params } = this.#draw();
      const reply = await this.ledger.ask(reader, wire, method, params);
      const order = this.#orderOf(method, reply);
      if (!order) continue;
      const key = this.#key(order.account as string);
      reader.round++;
      const dice = this.random();
      if (order.status !== "Created" || dice < 0.25) continue;
      const next = dice < 0.65 ? "order.pay" : "order.cancel";
      await this.ledger.ask(reader, wire, next, { key, order: order.order, at: Date.now() });
    }
  }

  async #bulkLoop(n: number): Promise<void> {
    const reader = new Reader();
    let lost: Receipt[] = [];
    for (;;) {
      await this.#up;
      if (this.#ending) return;
      const feeds = new Map<number, SeenFeed>();
      const early: Push[] = [];
      const connection = await RawConnection.open(this.address, (push) => {
        const feed = feeds.get(push.sub);
        if (feed) feed.events.push(seen(push));
        else early.push(push);
      }).catch(() => undefined);
      if (!connection) continue;
      this.#bulk[n] = connection;
      // Half of those that had no answer are asked again, the others are left for the end.
      for (const { method, params } of lost) {
        if (this.random() < 0.5) void this.ledger.ask(new Reader(), connection, method, params);
      }
      void this.#subscribe(connection, feeds, early);
      lost = await this.#besiege(connection, reader);
    }
  }

  /** Until the connection is lost: the receipts of the frame that had no answer. */
  async #besiege(connection: RawConnection, reader: Reader): Promise<Receipt[]> {
    while (!this.#ending) {
      reader.round++;
      const asked = Array.from({ length: bulkFrame }, () => this.#draw());
      const replies = await Promise.all(
        asked.map(({ method, params }) => this.ledger.ask(reader, connection, method, params)),
      );
      asked.forEach(({ method }, at) => {
        this.#orderOf(method, replies[at]);
      });
      if (replies.includes(undefined)) return this.ledger.unanswered;
    }
    return [];
  }

  /** Follows an account and a product on a bare connection, from some place in the past or from now on. */
  async #subscribe(connection: RawConnection, feeds: Map<number, SeenFeed>, early: Push[]): Promise<void> {
    for (const topic of [`account:${this.#pick(accounts)}`, `product:${this.#pick(products).product}`]) {
      const from = this.random() < 0.5 ? 1 + Math.floor(this.random() * 500) : undefined;
      const reply = await connection.ask("feed.subscribe", { topic, ...(from !== undefined && { from }) });
      if (!reply?.result) continue;
      const { sub, seq } = reply.result as { sub: number; seq: number };
      const feed = this.ledger.subscription(topic, from ?? seq + 1);
      for (const push of early) if (push.sub === sub) feed.events.push(seen(push));
      feeds.set(sub, feed);
    }
  }

  async #follow(events: AsyncIterable<{ seq: number; type: string }>, topic: string): Promise<void> {
    const feed = this.ledger.subscription(topic, 1);
    for await (const { seq, type } of events) feed.events.push({ seq, type });
  }

  #orderOf(method: string, reply: Reply | undefined): Body | undefined {
    if (method !== "order.place" || !reply?.result) return undefined;
    const { order, account } = reply.result as { order: string; account: string };
    this.#placed.push({ order, account });
    return reply.result;
  }

  #draw(): { method: string; params: Params } {
    const account = this.#pick(accounts);
    const { product } = this.#pick(products);
    const dice = this.random();
    if (dice < 0.5) return { method: "order.place", params: this.#placement(account, dice < 0.32) };
    if (dice < 0.64) {
      const amount = `${Math.floor(this.random() * 60)}.${10 + Math.floor(this.random() * 89)}`;
      return { method: "account.deposit", params: { account, amount, ref: this.#key(account) } };
    }
    if (dice < 0.74) {
      const qty = 1 + Math.floor(this.random() * 12);
      return { method: "product.restock", params: { product, qty, ref: this.#key(product) } };
    }
    if (dice < 0.8) return { method: "account.get", params: { account } };
    if (dice < 0.86) return { method: "product.get", params: { product } };
    return this.#lookBack();
  }

  #placement(account: string, paid: boolean): Params {
    const lines = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => ({
      product: this.#pick(products).product,
      qty: 1 + Math.floor(this.random() * 2),
    }));
    const hold = { payWithinMs: 1000 + Math.floor(this.random() * 3000) };
    const pay = paid ? { pay: "balance" } : { pay: "later", ...hold };
    return { key: this.#key(account), account, lines, ...pay, at: Date.now() };
  }

  /** Something that was asked before: an order, a key, or the very same request again. */
  #lookBack(): { method: string; params: Params } {
    const known = this.#placed.at(-1 - Math.floor(this.random() * Math.min(50, this.#placed.length)));
    if (!known) return { method: "account.get", params: { account: accounts[0] } };
    if (this.random() < 0.4) return { method: "order.get", params: { order: known.order } };
    const key = `${known.account}.k${1 + Math.floor(this.random() * this.#lastKey)}`;
    const receipt = this.ledger.receipts.get(`order:${known.account}:${padded(key)}`);
    if (receipt && this.random() < 0.5) return { method: receipt.method, params: receipt.params };
    return { method: "order.lookup", params: { account: known.account, key: padded(key) } };
  }

  /** As long as a key may be, so that the log grows faster. */
  #key(subject: string): string {
    return padded(`${subject}.k${++this.#lastKey}`);
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }
}

function padded(key: string): string {
  return key.padEnd(64, "_");
}
