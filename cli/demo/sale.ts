/**
 * The sale: everybody comes through the door as fast as the connections take them, and whoever finds all units held
 * by others waits and comes again when some are given back.
 *
 *            place            paid, or paid later
 *   door ──────────▶ counter ─────────────────────▶ gone with a unit
 *                     ▲   │ insufficient_stock
 *      units are back │   ▼
 *                     waiting ────────────────────▶ gone without, when nothing is held any more
 *
 * SALE-1  A buyer is at one place at a time.
 * SALE-2  The sale is over when nobody is at the door or the counter and nothing is held, as the products themselves say.
 * SALE-3  The server is killed once, when half of the units are taken: orders, payments and holds are all on their way then.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Product, Yifen } from "../../client/client.js";
import { type Counter, payOrder, paysLater, placeOrder } from "./buyers.js";
import type { Buyer, Plan } from "./plan.js";
import type { Receipts } from "./receipts.js";

export interface SaleParts {
  readonly plan: Plan;
  readonly connections: readonly Yifen[];
  /** One more connection, which only looks. */
  readonly watcher: Yifen;
  readonly receipts: Receipts;
  readonly progress: SaleProgress;
  /** Called once, when half of the units are taken. */
  readonly half: () => Promise<void>;
}

/** What can be seen of the sale while it goes on. */
export interface SaleProgress {
  /** As the products last said. */
  products: readonly Product[];
  waiting: number;
  startedAt: number;
  /** When everybody had had a first answer; 0 before. */
  doorEmptyAt: number;
}

/** Buyers that a connection serves at a time. */
const buyersAtOnce = 2;

const lookEveryMs = 100;

/** How many come for each unit that is given back. */
const comersPerUnit = 3;

interface Waiting {
  readonly buyer: Buyer;
  readonly line: number;
  readonly visit: number;
}

export async function runSale(parts: SaleParts): Promise<void> {
  const sale = new Sale(parts);
  await Promise.race([Promise.all([sale.door(), sale.watch()]), sale.failed]);
}

class Sale {
  /** Rejects with the first failure of what goes on in the background. */
  readonly failed: Promise<never>;
  #fail!: (error: unknown) => void;
  readonly #counter: Counter;
  readonly #waiting: Map<string, Waiting[]>;
  readonly #half: number;
  #interruption: Promise<void> | undefined;
  #nextBuyer = 0;
  /** Buyers who are at the counter, or think before they pay. */
  #busy = 0;

  constructor(private readonly parts: SaleParts) {
    const { connections, receipts, plan } = parts;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#counter = { connections, receipts, answered: () => this.#answered() };
    this.#waiting = new Map(plan.products.map(({ product }) => [product, []]));
    this.#half = plan.products.reduce((sum, { units }) => sum + units, 0) / 2;
  }

  async door(): Promise<void> {
    const { connections, progress } = this.parts;
    progress.startedAt = performance.now();
    const lines = connections.flatMap((_, line) => new Array<number>(buyersAtOnce).fill(line));
    await Promise.all(lines.map((line) => this.#serve(line)));
    progress.doorEmptyAt = performance.now();
  }

  async watch(): Promise<void> {
    const { plan, watcher, progress } = this.parts;
    for (;;) {
      const quiet = progress.doorEmptyAt !== 0 && this.#busy === 0;
      const products = await Promise.all(plan.products.map(({ product }) => watcher.products.get(product)));
      progress.products = products;
      const over = products.every(({ product, available, held }) => {
        return held === 0 && (available === 0 || this.#waiting.get(product)!.length === 0);
      });
      if (quiet && over) break;
      for (const product of products) this.#callBack(product);
      await sleep(lookEveryMs);
    }
    await this.#interruption;
  }

  async #serve(line: number): Promise<void> {
    const { buyers } = this.parts.plan;
    while (this.#nextBuyer < buyers.length) {
      await this.#visit({ buyer: buyers[this.#nextBuyer++]!, line, visit: 1 });
    }
  }

  async #visit({ buyer, line, visit }: Waiting): Promise<void> {
    this.#busy++;
    const answered = await placeOrder(this.#counter, buyer, line, visit);
    if (answered?.order && paysLater(buyer)) {
      this.#inBackground(this.#payLater(buyer, line, answered.order.order));
    } else if (answered?.code === "insufficient_stock") {
      this.#waiting.get(buyer.product)!.push({ buyer, line, visit: visit + 1 });
      this.parts.progress.waiting++;
    }
    this.#busy--;
  }

  async #payLater(buyer: Buyer, line: number, order: string): Promise<void> {
    this.#busy++;
    await sleep(buyer.thinkMs);
    await payOrder(this.#counter, buyer, line, order);
    this.#busy--;
  }

  #callBack({ product, available }: Product): void {
    const back = this.#waiting.get(product)!.splice(0, available * comersPerUnit);
    this.parts.progress.waiting -= back.length;
    for (const waiting of back) this.#inBackground(this.#visit(waiting));
  }

  #answered(): void {
    const { receipts, half } = this.parts;
    if (this.#interruption || receipts.orders < this.#half) return;
    this.#interruption = half();
    this.#inBackground(this.#interruption);
  }

  #inBackground(work: Promise<void>): void {
    work.catch(this.#fail);
  }
}
