/** The stock of one shard, kept a second time: what is available, held and sold, and who took how much of it. */

import { type FactOf, Facts } from "../../actors/facts.js";
import type { LiveOrder } from "./audit-live.js";
import type { AuditScope } from "./audit-scope.js";
import type { StockKind } from "./audit-turn.js";

export interface AuditedProduct {
  readonly id: string;
  readonly currency: number;
  readonly remote: boolean;
  name: string;
  limit: number;
  /** It came later: what was taken before may come back uncounted. */
  limitIsLate: boolean;
  taken: Map<number, number>;
  price: number;
  version: number;
  delisted: boolean;
  supplied: number;
  found: number;
  lost: number;
  backorder: number;
  available: number;
  held: number;
  sold: number;
  /** What live orders and branches account for; must be `held`. */
  reserved: number;
}

export type StockFact =
  | FactOf<"stockHeld">
  | FactOf<"stockSold">
  | FactOf<"stockConfirmed">
  | FactOf<"stockReleased">
  | FactOf<"stockReturned">;

/** Number of the reason of a count. */
export const countReason = 5;

export class StockAudit {
  readonly products: AuditedProduct[] = [];
  readonly #scope: AuditScope;
  /** The last one of each name: a product of another shard is known again when it is called otherwise. */
  readonly #names = new Map<string, AuditedProduct>();
  readonly #touched = new Set<AuditedProduct>();
  /** Counted in this turn, and short. */
  readonly #counted = new Set<AuditedProduct>();

  constructor(scope: AuditScope) {
    this.#scope = scope;
  }

  named(fact: FactOf<"productCreated"> | FactOf<"productKnown">): void {
    this.#named(fact);
    const here = fact.type === Facts.productCreated ? fact : undefined;
    const stock = here?.stock ?? 0;
    const product: AuditedProduct = {
      id: fact.id,
      currency: fact.currency,
      remote: here === undefined,
      name: fact.name,
      limit: here?.limitPerAccount ?? 0,
      limitIsLate: false,
      taken: new Map(),
      price: here?.price ?? 0,
      version: 1,
      delisted: false,
      supplied: stock,
      found: 0,
      lost: 0,
      backorder: 0,
      available: stock,
      held: 0,
      sold: 0,
      reserved: 0,
    };
    this.products.push(product);
    this.#names.set(fact.id, product);
  }

  repriced(fact: FactOf<"productRepriced">): void {
    const product = this.products[fact.product]!;
    this.#atHome(product);
    product.price = fact.price;
    product.version++;
  }

  updated(fact: FactOf<"productUpdated">): void {
    const product = this.products[fact.product]!;
    this.#nextVersion(product, fact.version);
    product.name = fact.name;
    product.price = fact.price;
    if (fact.limitPerAccount === 0) product.taken = new Map();
    else if (product.limit === 0) product.limitIsLate = true;
    product.limit = fact.limitPerAccount;
    product.backorder = fact.backorder;
  }

  listed({ type, product: handle, version }: FactOf<"productDelisted"> | FactOf<"productRelisted">): void {
    const product = this.products[handle]!;
    this.#nextVersion(product, version);
    const delisted = type === Facts.productDelisted;
    if (product.delisted === delisted)
      this.#scope.bad("stock", `${product.id}: ${delisted ? "taken off sale" : "put back on sale"} twice`);
    product.delisted = delisted;
  }

  #nextVersion(product: AuditedProduct, version: number): void {
    this.#atHome(product);
    if (version !== ++product.version)
      this.#scope.bad("stock", `${product.id}: version ${version}, ${product.version} is due`);
  }

  #atHome({ id, remote }: AuditedProduct): void {
    if (remote) this.#scope.bad("names", `product ${id} has its stock on another shard`);
  }

  restocked({ product: handle, qty, available }: FactOf<"productRestocked">): void {
    const product = this.products[handle]!;
    product.supplied += qty;
    product.available += qty;
    this.#checkAvailable(product, available);
  }

  move(fact: StockFact): void {
    const product = this.products[fact.product]!;
    const { qty, account } = fact;
    const kind = stockKinds[fact.type]!;
    this.#atHome(product);
    if (kind === "held" || kind === "sold") this.#takeOut(product, qty);
    if (kind === "confirmed" || kind === "released") product.held -= qty;
    if (kind === "held") product.held += qty;
    if (kind === "released" || kind === "returned") product.available += qty;
    if (kind === "sold" || kind === "confirmed") product.sold += qty;
    if (kind === "returned") product.sold -= qty;
    this.#scope.order(fact.order).actual.push({ kind, product: fact.product, qty, account });
    this.#checkAvailable(product, fact.available);
    if (product.limit > 0 && kind !== "confirmed")
      this.#take(product, account, kind === "released" || kind === "returned" ? -qty : qty);
  }

  /** A transaction of a program moves units; whether it may, its fences say. */
  transferred(fact: FactOf<"unitsTransferred">): void {
    const product = this.products[fact.product]!;
    const { qty, account, from, to } = fact;
    this.#atHome(product);
    const on = ["", "available", "held", "sold"] as const;
    const [source, target] = [on[from] || undefined, on[to] || undefined];
    if (source === "available") this.#takeOut(product, qty);
    else if (source) product[source] -= qty;
    if (target) product[target] += qty;
    this.#checkAvailable(product, fact.available);
    if (product.limit === 0 || (source !== "available" && target !== "available")) return;
    this.#take(product, account, source === "available" ? qty : -qty);
  }

  /** Only a taking is bound by what may be sold: a count may leave less on the shelf than is held. */
  #takeOut(product: AuditedProduct, qty: number): void {
    product.available -= qty;
    const { id, delisted, available, backorder } = product;
    if (delisted) this.#scope.bad("stock", `${id}: units are taken while it is off sale`);
    if (available < -backorder) this.#scope.bad("guards", `${id}: available ${available}, and ${qty} taken`);
  }

  adjusted({ product: handle, qty, up, available, reason, counted }: FactOf<"stockAdjusted">): void {
    const product = this.products[handle]!;
    this.#atHome(product);
    const ofCount = reason === countReason;
    const shelf = Math.max(0, product.available + product.held);
    if (up === 1) product.found += qty;
    else product.lost += qty;
    product.available += up === 1 ? qty : -qty;
    this.#checkAvailable(product, available);
    if (ofCount && shelf + (up === 1 ? qty : -qty) !== counted)
      this.#scope.bad("stock", `${product.id}: counted ${counted} of ${shelf}, and booked ${qty}`);
    if (!ofCount && up !== 1 && product.available < 0)
      this.#scope.bad("guards", `${product.id}: available ${product.available}, and ${qty} lost`);
    if (ofCount && product.available < -product.backorder) this.#counted.add(product);
  }

  #take(product: AuditedProduct, account: number, qty: number): void {
    const used = (product.taken.get(account) ?? 0) + qty;
    this.#scope.looked("limits", 1);
    if ((used < 0 && !product.limitIsLate) || (qty > 0 && used > product.limit)) {
      this.#scope.bad(
        "limits",
        `account handle ${account} has ${used} of ${product.id}, limit ${product.limit}`,
      );
    }
    if (used <= 0) product.taken.delete(account);
    else product.taken.set(account, used);
  }

  /** What an order that is not paid, or an undecided branch, holds more (or less) of a product. */
  reserve(handle: number, qty: number): void {
    const product = this.products[handle]!;
    product.reserved += qty;
    this.#touched.add(product);
  }

  /** The lines of an order that holds its stock itself. */
  reserveLines(order: LiveOrder, sign: 1 | -1): void {
    if (order.crossed) return;
    for (const { product, qty } of order.lines) this.reserve(product, sign * qty);
  }

  /** Products that a count of this turn has left short: somebody must know. */
  *shortSinceCount(): Iterable<string> {
    for (const { id } of this.#counted) yield id;
    this.#counted.clear();
  }

  endTurn(): void {
    for (const product of this.#touched) this.#checkProduct(product);
    this.#touched.clear();
  }

  #checkAvailable(product: AuditedProduct, recorded: number): void {
    this.#touched.add(product);
    this.#scope.looked("stock", 1);
    this.#scope.looked("guards", 1);
    const { id, available, held, sold } = product;
    if (available !== recorded)
      this.#scope.bad("stock", `${id}: available ${available}, the fact says ${recorded}`);
    if (held < 0 || sold < 0)
      this.#scope.bad("guards", `${id}: available ${available}, held ${held}, sold ${sold}`);
  }

  #checkProduct({ id, supplied, found, lost, available, held, sold, reserved }: AuditedProduct): void {
    this.#scope.looked("holds", 1);
    if (available + held + sold !== supplied + found - lost) {
      this.#scope.bad(
        "stock",
        `${id}: ${available} + ${held} + ${sold} is not ${supplied} + ${found} - ${lost}`,
      );
    }
    if (held !== reserved)
      this.#scope.bad("holds", `${id}: held ${held}, by orders and branches ${reserved}`);
  }

  #named({ type, id, name }: FactOf<"productCreated"> | FactOf<"productKnown">): void {
    const known = this.#names.get(id);
    if (known && (!known.remote || type === Facts.productCreated || known.name === name))
      this.#scope.bad("names", `product ${id} is named twice`);
  }
}

const stockKinds: Readonly<Record<number, StockKind>> = {
  [Facts.stockHeld]: "held",
  [Facts.stockSold]: "sold",
  [Facts.stockConfirmed]: "confirmed",
  [Facts.stockReleased]: "released",
  [Facts.stockReturned]: "returned",
};
