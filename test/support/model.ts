/**
 * The rules once more, slow and obvious: what an engine must answer to a sequence of requests. Maps and arrays, nothing
 * shared with the engine but the names of the codes. Stock, balances and limits are not kept but added up from the orders.
 *
 *   available of a product   supplied - held by Created orders - sold to Paid orders
 *   available of an account  put in - taken out - paid by its orders
 *
 * An order's id is made by the engine; here it is the order's place in `orders`, and whoever compares translates.
 */

export interface ModelReply {
  readonly code: string;
  // biome-ignore lint/suspicious/noExplicitAny: results of every shape
  readonly result?: any;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly replayed: boolean;
}

export interface ModelSettings {
  readonly graceMs: number;
  readonly payWithinMs: number;
  readonly keysKeepMs: number;
  /** Whether an order is decided across shards: who has no account hears that first, and there is no dry run. */
  readonly crosses: (account: string, products: readonly string[]) => boolean;
}

/** In order of precedence: of the refusals that apply to a request, the first is the answer. */
const precedence = [
  "invalid_request",
  "key_reused",
  "key_too_old",
  "product_not_found",
  "account_not_found",
  "order_not_found",
  "invalid_amount",
  "amount_overflow",
  "currency_mismatch",
  "sale_not_started",
  "sale_ended",
  "price_changed",
  "limit_exceeded",
  "insufficient_stock",
  "insufficient_funds",
  "invalid_transition",
  "already_exists",
];

const scales: Readonly<Record<string, number>> = { CNY: 2, USD: 2, JPY: 0, KWD: 3 };

interface ModelAccount {
  readonly currency: string;
  /** Put in minus taken out; bigint, because spending makes room for more than 2^53 in all. */
  put: bigint;
}

interface ModelProduct {
  readonly name: string;
  readonly currency: string;
  readonly limit: number;
  readonly startsAt: number;
  readonly endsAt: number;
  price: number;
  priceVersion: number;
  supplied: number;
}

interface ModelLine {
  readonly product: string;
  readonly qty: number;
  readonly unitPrice: number;
}

interface ModelOrder {
  readonly account: string;
  readonly lines: readonly ModelLine[];
  readonly total: number;
  readonly payBy: number;
  readonly expiresAt: number;
  readonly createdAt: number;
  status: "Created" | "Paid" | "Canceled";
  version: number;
  paid: number;
}

interface Kept {
  readonly params: string;
  readonly reply: ModelReply;
  readonly at: number;
  readonly doneAt: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a request of any method
type Request = any;
type Refused = { code: string; details?: Record<string, unknown> };

export class Model {
  now = 0;
  readonly orders: ModelOrder[] = [];
  readonly #settings: ModelSettings;
  readonly #accounts = new Map<string, ModelAccount>();
  readonly #products = new Map<string, ModelProduct>();
  readonly #keys = new Map<string, Kept>();
  readonly #refs = new Map<string, Kept>();
  /** By account: the latest `at` of a key that is forgotten. */
  readonly #forgottenTo = new Map<string, number>();

  constructor(settings: ModelSettings) {
    this.#settings = settings;
  }

  /** The clock moved. What is due happens first, then old keys are forgotten. */
  tick(nowMs: number): void {
    this.now = nowMs;
    for (const order of this.orders) {
      if (order.status === "Created" && nowMs >= order.expiresAt) {
        order.status = "Canceled";
        order.version++;
      }
    }
    for (const [name, kept] of this.#keys) {
      if (kept.doneAt + this.#settings.keysKeepMs > nowMs) continue;
      this.#keys.delete(name);
      const account = name.split(" ")[0]!;
      this.#forgottenTo.set(account, Math.max(this.#forgottenTo.get(account) ?? -1, kept.at));
    }
  }

  ask(request: Request): ModelReply {
    switch (request.method) {
      case "account.open":
        return this.#open(request);
      case "account.deposit":
      case "account.withdraw":
        return this.#moveMoney(request);
      case "account.get":
        return this.#accounts.has(request.account)
          ? ok(this.#accountView(request.account))
          : refused({ code: "account_not_found" });
      case "product.create":
        return this.#create(request);
      case "product.restock":
        return this.#restock(request);
      case "product.reprice":
        return this.#reprice(request);
      case "product.get":
        return this.#products.has(request.product)
          ? ok(this.#productView(request.product))
          : refused({ code: "product_not_found" });
      case "order.place":
        return this.#place(request);
      case "order.pay":
      case "order.cancel":
        return this.#move(request);
      case "order.get":
        return this.orders[request.order]
          ? ok(this.#orderView(request.order))
          : refused({ code: "order_not_found" });
      case "order.lookup":
        return this.#lookup(request);
      default:
        throw new Error(`the model does not know ${request.method}`);
    }
  }

  #open({ account, currency }: Request): ModelReply {
    if (this.#accounts.has(account)) return refused({ code: "already_exists" });
    this.#accounts.set(account, { currency, put: 0n });
    return ok(this.#accountView(account));
  }

  #moveMoney({ method, account: id, amount: text, ref }: Request): ModelReply {
    return this.#once(this.#refs, `money ${id} ${ref}`, `${method} ${text}`, undefined, () => {
      const account = this.#accounts.get(id);
      if (!account) return { code: "account_not_found" };
      const amount = minorOf(text, account.currency);
      if (typeof amount === "string") return { code: amount };
      if (amount === 0) return { code: "invalid_amount" };
      const available = this.#balance(id);
      if (method === "account.deposit") {
        if (available + amount > Number.MAX_SAFE_INTEGER) return { code: "amount_overflow" };
        account.put += BigInt(amount);
      } else {
        if (available < amount) {
          return { code: "insufficient_funds", details: { available: decimal(available, account.currency) } };
        }
        account.put -= BigInt(amount);
      }
      return ok(this.#accountView(id));
    });
  }

  #create({ product, name, price: text, currency, stock, ...more }: Request): ModelReply {
    const price = minorOf(text, currency);
    if (typeof price === "string") return refused({ code: price });
    if (this.#products.has(product)) return refused({ code: "already_exists" });
    const limit = more.limitPerAccount ?? 0;
    const startsAt = more.saleStartsAt ?? 0;
    const endsAt = more.saleEndsAt ?? 0;
    this.#products.set(product, {
      name,
      currency,
      limit,
      startsAt,
      endsAt,
      price,
      priceVersion: 1,
      supplied: stock,
    });
    return ok(this.#productView(product));
  }

  #restock({ product: id, qty, ref }: Request): ModelReply {
    const product = this.#products.get(id);
    if (!product) return refused({ code: "product_not_found" });
    const run = () => {
      product.supplied += qty;
      return ok(this.#productView(id));
    };
    return ref === undefined ? run() : this.#once(this.#refs, `stock ${id} ${ref}`, `${qty}`, undefined, run);
  }

  #reprice({ product: id, price: text }: Request): ModelReply {
    const product = this.#products.get(id);
    if (!product) return refused({ code: "product_not_found" });
    const price = minorOf(text, product.currency);
    if (typeof price === "string") return refused({ code: price });
    product.price = price;
    product.priceVersion++;
    return ok(this.#productView(id));
  }

  #place(request: Request): ModelReply {
    const { account, key, lines, pay, mode, payWithinMs, expectedTotal, at, dryRun } = request;
    const params = JSON.stringify(["place", lines, pay, mode, payWithinMs, expectedTotal]);
    const seen = this.#seen(account, key, params, at);
    if (seen) return seen;
    if (dryRun) {
      const asked = lines.map((line: { product: string }) => line.product);
      if (this.#settings.crosses(account, asked)) return refused({ code: "invalid_request" });
      const cart = this.#decideCart(request);
      return "code" in cart ? refused(cart) : ok(this.#viewOf(this.#orderOf(request, cart), null));
    }
    return this.#once(this.#keys, `${account} ${key}`, params, at, () => {
      const cart = this.#decideCart(request);
      if ("code" in cart) return cart;
      this.orders.push(this.#orderOf(request, cart));
      return ok(this.#orderView(this.orders.length - 1));
    });
  }

  /** Everything that stands against a cart, then the first of it. */
  #decideCart(request: Request): { lines: ModelLine[]; total: number; paid: boolean } | Refused {
    const { account: id, lines: asked, pay, expectedTotal } = request;
    const merged = new Map<string, number>();
    for (const { product, qty } of asked) merged.set(product, (merged.get(product) ?? 0) + qty);
    const account = this.#accounts.get(id);
    if (!account && this.#settings.crosses(id, [...merged.keys()])) return { code: "account_not_found" };

    const against: Refused[] = [];
    const failing: Record<string, unknown>[] = [];
    const lines: ModelLine[] = [];
    let total = 0n;
    for (const [product, qty] of merged) {
      const refusal = this.#decideLine(id, account?.currency, product, qty);
      if (refusal) against.push(refusal);
      if (refusal) failing.push({ product, code: refusal.code, ...refusal.details });
      const unitPrice = this.#products.get(product)?.price ?? 0;
      lines.push({ product, qty, unitPrice });
      total += BigInt(unitPrice) * BigInt(qty);
    }
    const paid = pay === "balance" || total === 0n;
    if (!account) against.push({ code: "account_not_found" });
    else against.push(...this.#decideTotal(id, account.currency, total, expectedTotal, paid));
    const first = firstOf(against);
    if (!first) return { lines, total: Number(total), paid };
    return failing.length > 0 ? { ...first, details: { ...first.details, lines: failing } } : first;
  }

  #decideLine(account: string, currency: string | undefined, id: string, qty: number): Refused | undefined {
    const product = this.#products.get(id);
    if (!product) return { code: "product_not_found" };
    if (currency !== undefined && product.currency !== currency) return { code: "currency_mismatch" };
    if (this.now < product.startsAt) {
      return {
        code: "sale_not_started",
        details: { startsAt: new Date(product.startsAt).toISOString() },
      };
    }
    if (product.endsAt !== 0 && this.now >= product.endsAt) return { code: "sale_ended" };
    const used = this.#units(id, ["Created", "Paid"], account);
    if (product.limit > 0 && used + qty > product.limit) {
      return { code: "limit_exceeded", details: { limit: product.limit, used, requested: qty } };
    }
    const available = product.supplied - this.#units(id, ["Created", "Paid"]);
    if (available < qty) return { code: "insufficient_stock", details: { available } };
    return undefined;
  }

  #decideTotal(
    id: string,
    currency: string,
    total: bigint,
    expectedTotal: string | undefined,
    paid: boolean,
  ): Refused[] {
    const against: Refused[] = [];
    if (total > BigInt(Number.MAX_SAFE_INTEGER)) against.push({ code: "amount_overflow" });
    if (expectedTotal !== undefined) {
      const expected = minorOf(expectedTotal, currency);
      if (typeof expected === "string") against.push({ code: expected });
      else if (BigInt(expected) !== total) against.push({ code: "price_changed" });
    }
    const available = this.#balance(id);
    if (paid && BigInt(available) < total) {
      const details = { available: decimal(available, currency), due: decimal(Number(total), currency) };
      against.push({ code: "insufficient_funds", details });
    }
    return against;
  }

  #orderOf(request: Request, cart: { lines: ModelLine[]; total: number; paid: boolean }): ModelOrder {
    const payBy = this.now + (request.payWithinMs ?? this.#settings.payWithinMs);
    return {
      account: request.account,
      lines: cart.lines,
      total: cart.total,
      payBy,
      expiresAt: payBy + this.#settings.graceMs,
      createdAt: this.now,
      status: cart.paid ? "Paid" : "Created",
      version: 1,
      paid: cart.paid ? cart.total : 0,
    };
  }

  #move({ method, order: number, key, reason, at }: Request): ModelReply {
    const order = this.orders[number];
    if (!order) return refused({ code: "order_not_found" });
    const params = JSON.stringify([method, number, reason]);
    const seen = this.#seen(order.account, key, params, at);
    if (seen) return seen;
    const event = method === "order.pay" ? "pay" : "cancel";
    return this.#once(this.#keys, `${order.account} ${key}`, params, at, () => {
      if (order.status !== "Created") {
        return { code: "invalid_transition", details: { from: order.status, event, allowed: [] } };
      }
      const { currency } = this.#accounts.get(order.account)!;
      const available = this.#balance(order.account);
      if (event === "pay" && available < order.total) {
        const details = {
          available: decimal(available, currency),
          due: decimal(order.total, currency),
        };
        return { code: "insufficient_funds", details };
      }
      order.status = event === "pay" ? "Paid" : "Canceled";
      order.paid = event === "pay" ? order.total : 0;
      order.version++;
      return ok(this.#orderView(number));
    });
  }

  #lookup({ account, key }: Request): ModelReply {
    const kept = this.#keys.get(`${account} ${key}`);
    if (!kept) return ok({ state: "never_seen" });
    const { code, details, result } = kept.reply;
    return ok(
      code === "ok"
        ? { state: "found", result }
        : { state: "found", error: details ? { code, details } : { code } },
    );
  }

  /** What the key alone says, before anything is decided. */
  #seen(account: string, key: string, params: string, at: number | undefined): ModelReply | undefined {
    const kept = this.#keys.get(`${account} ${key}`);
    if (kept) return kept.params === params ? again(kept.reply) : refused({ code: "key_reused" });
    if (at !== undefined && at <= (this.#forgottenTo.get(account) ?? -1)) {
      return refused({ code: "key_too_old" });
    }
    return undefined;
  }

  #once(
    kept: Map<string, Kept>,
    name: string,
    params: string,
    at: number | undefined,
    run: () => ModelReply | Refused,
  ): ModelReply {
    const known = kept.get(name);
    if (known) return known.params === params ? again(known.reply) : refused({ code: "key_reused" });
    const answer = run();
    const reply = "replayed" in answer ? answer : refused(answer);
    kept.set(name, { params, reply, at: at ?? this.now, doneAt: this.now });
    return reply;
  }

  /** Units of a product in the orders of one account, or of all. */
  #units(product: string, statuses: readonly string[], account?: string): number {
    let units = 0;
    for (const order of this.orders) {
      if (account !== undefined && order.account !== account) continue;
      if (!statuses.includes(order.status)) continue;
      for (const line of order.lines) if (line.product === product) units += line.qty;
    }
    return units;
  }

  #balance(id: string): number {
    const account = this.#accounts.get(id)!;
    let balance = account.put;
    for (const order of this.orders) if (order.account === id) balance -= BigInt(order.paid);
    return Number(balance);
  }

  #accountView(id: string): object {
    const { currency } = this.#accounts.get(id)!;
    return {
      account: id,
      currency,
      available: decimal(this.#balance(id), currency),
      held: decimal(0, currency),
      points: 0,
    };
  }

  #productView(id: string): object {
    const { name, price, currency, supplied, priceVersion } = this.#products.get(id)!;
    const held = this.#units(id, ["Created"]);
    const sold = this.#units(id, ["Paid"]);
    const available = supplied - held - sold;
    return {
      product: id,
      name,
      price: decimal(price, currency),
      currency,
      available,
      held,
      sold,
      priceVersion,
    };
  }

  #orderView(number: number): object {
    return this.#viewOf(this.orders[number]!, number);
  }

  /** `number` null: a dry run, of an order that is not made. */
  #viewOf(order: ModelOrder, number: number | null): object {
    const { currency } = this.#accounts.get(order.account)!;
    const due = order.status === "Created";
    return {
      order: number ?? "",
      status: order.status,
      version: number === null ? 0 : order.version,
      account: order.account,
      lines: order.lines.map(({ product, qty, unitPrice }) => ({
        product,
        name: this.#products.get(product)!.name,
        qty,
        unitPrice: decimal(unitPrice, currency),
        subtotal: decimal(unitPrice * qty, currency),
      })),
      total: decimal(order.total, currency),
      currency,
      amountPaid: decimal(order.paid, currency),
      amountRefunded: decimal(0, currency),
      payBy: due ? new Date(order.payBy).toISOString() : null,
      createdAt: new Date(order.createdAt).toISOString(),
      next: due ? ["pay", "cancel"] : [],
    };
  }
}

function ok(result: object): ModelReply {
  return { code: "ok", result, replayed: false };
}

function refused({ code, details }: Refused): ModelReply {
  return { code, details, replayed: false };
}

function again(reply: ModelReply): ModelReply {
  return { ...reply, replayed: true };
}

function firstOf(refusals: readonly Refused[]): Refused | undefined {
  let first: Refused | undefined;
  for (const refusal of refusals) {
    if (!first || precedence.indexOf(refusal.code) < precedence.indexOf(first.code)) first = refusal;
  }
  return first;
}

/** Minor units, or a code. */
function minorOf(text: string, currency: string): number | string {
  const scale = scales[currency]!;
  const parts = /^(0|[1-9][0-9]*)(?:\.([0-9]+))?$/.exec(text);
  const fraction = parts?.[2] ?? "";
  if (!parts || fraction.length > scale) return "invalid_amount";
  const minor = BigInt(parts[1]! + fraction.padEnd(scale, "0"));
  return minor > BigInt(Number.MAX_SAFE_INTEGER) ? "amount_overflow" : Number(minor);
}

function decimal(minor: number, currency: string): string {
  const scale = scales[currency]!;
  if (scale === 0) return String(minor);
  const digits = String(minor).padStart(scale + 1, "0");
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
