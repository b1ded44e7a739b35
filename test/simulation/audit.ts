/**
 * The auditor: hears what clients ask and what leaves the shards, and holds every answer against what is possible.
 * It shares no rule with the engine. What it checks of single answers stands in `audit-answers`, of feeds in
 * `audit-feed`, of the end of the world in `audit-books`, of the logs in `audit-log`; of transactions in `audit-transactions`.
 *
 * AUDIT-1  A key has one result: every answer under it is the first one, to the letter, and claims only once to be the first.
 * AUDIT-2  A key that is refused as too old has no effect from then on.
 * AUDIT-3  `key_reused` is said only where a key was used in two ways, and never to the way that ran.
 * AUDIT-4  A key whose order may still move is not forgotten.
 */

import { minorOf } from "./amounts.js";
import { checkAnswer } from "./audit-answers.js";
import { mayBeOver, refusedForGood } from "./audit-orders.js";
import { endedTransaction } from "./audit-transactions.js";
import type { Host } from "./host.js";
import { type Actual, type KnownOrder, Model } from "./model.js";
import type { Answer, Operation, PlacedOrder, SeenRefund, Slot } from "./operation.js";
import type { World } from "./world.js";

/** Nothing is kept under a ref whose subject does not exist: once it does, the same request runs. */
const unknownSubject: { readonly [kind in Slot["kind"]]?: string } = {
  money: "account_not_found",
  stock: "product_not_found",
};

/** Said before the books are looked at: nothing is stored and the same key may come again. */
const notStored = new Set([
  ...["overloaded", "deadline_exceeded", "order_not_found", "invalid_request", "invalid_amount"],
  ...["token_unknown", "token_expired"],
]);

/** An amount that no currency here can hold is refused for its text, whatever the books say. */
function isTooLong({ amount, expectedTotal }: Operation["params"]): boolean {
  return [amount, expectedTotal].some((text) => Number(text ?? 0) >= 90_071_992_547_409.92);
}

const present = { sure: 1, possible: 1, added: 1 };

export class Violation extends Error {
  override readonly name = "Violation";
}

export class Audit {
  readonly model = new Model();
  readonly world: World;
  /** Answers that left; requests of clients that arrived. */
  answers = 0;
  requests = 0;

  constructor(world: World) {
    this.world = world;
  }

  violation(what: string): never {
    throw new Violation(what);
  }

  expect(condition: boolean, operation: Operation, answer: Answer | undefined, what: string): void {
    if (condition) return;
    const { id, method, params } = operation;
    this.violation(`${what}\n  request ${id} ${method} ${show(params)}\n  answer ${show(answer)}`);
  }

  /** A request leaves its client, for the first time or again. */
  sent(operation: Operation): void {
    const { model, world } = this;
    operation.sends++;
    if (operation.sentAt >= 0) return;
    operation.sentAt = world.schedule.now;
    for (const name of model.dependencies(operation)) {
      operation.before.set(name, model.ledger.of(name).mark());
    }
    this.#rememberWhatWasThere(operation);
    const { slot, method, params } = operation;
    slot?.variants.push(operation);
    if (slot && model.tokens.has(slot.key)) {
      const users = model.tokenUsers.get(slot.key) ?? new Set();
      model.tokenUsers.set(slot.key, users.add(slot.subject));
    }
    if (operation.amount >= 0 && !slot?.settledBy && hasEffect(operation)) model.count(operation);
    const order = model.orders.get(params.order as string);
    if (order) this.#mayHappen(order, operation);
    if (method === "account.open") {
      const account = model.accounts.get(params.account as string)!;
      if (account.opened === "no") account.opened = "sent";
    }
    if (method === "product.create") {
      const product = model.products.get(params.product as string)!;
      if (product.created === "no") product.created = "sent";
    }
  }

  #mayHappen(order: KnownOrder, operation: Operation): void {
    const { model, world } = this;
    const { method, params, amount } = operation;
    operation.versionBefore = order.version;
    if (method === "order.advance")
      order.asked.add(params.event === "resolve" ? `resolve ${params.resolution}` : (params.event as string));
    else if (method === "payment.notify" || method === "human.resolve") {
      order.asked.add("notify");
      if (method === "human.resolve") order.asked.add("retry");
      order.outsideMost += Math.max(0, amount);
      if (world.plan.settings.latePayment === "reinstate") {
        order.asked.add("reinstate");
        model.mayReinstate(order);
      }
    } else order.asked.add(method.slice("order.".length));
    const isFree = method === "order.cancel" && order.view.total === 0;
    if (params.restock === true || isFree) model.mayReturn(order);
  }

  /** Accounts and products that were certainly there when the operation was first sent. */
  #rememberWhatWasThere({ before, params, cart, transaction }: Operation): void {
    const { accounts, products } = this.model;
    const account = params.account as string;
    if (accounts.get(account)?.opened === "sure") before.set(`open ${account}`, present);
    for (const { what, subject, account: taker } of transaction?.parts ?? []) {
      if (accounts.get(taker)?.opened === "sure") before.set(`open ${taker}`, present);
      if (what === "stock" && products.get(subject)?.created === "sure")
        before.set(`create ${subject}`, present);
    }
    for (const product of cart ? cart.units.keys() : [params.product as string]) {
      if (products.get(product)?.created === "sure") before.set(`create ${product}`, present);
    }
  }

  arrived(operation: Operation, host: Host): void {
    if (operation.client !== this.world.inspector.number) this.requests++;
    const { method } = operation;
    if ((method !== "order.place" && method !== "transaction.begin") || !host.shard) return;
    if (operation.arrivedIn === 0) operation.arrivedIn = host.incarnation;
    for (const waiting of host.shard.waiters.values()) {
      if (waiting.some(({ id }) => id === operation.id)) this.world.coverage.hit("retried while running");
    }
  }

  /** An answer has left its shard. `clock` is what the shard's clock showed when it was given. */
  left(operation: Operation, answer: Answer, host: Host, clock: number): void {
    this.answers++;
    const { coverage } = this.world;
    if (answer.code !== "ok") coverage.hitCode(answer.code);
    checkAnswer(this, operation, answer, host, clock);
    if (operation.slot) this.#checkKey(operation, operation.slot, answer, host);
    else if (operation.params.expectedVersion === undefined)
      this.expect(!answer.replayed, operation, answer, "a request without a key is replayed");
    operation.left = answer;
    if (!operation.slot && operation.counted) this.#settleWithoutKey(operation, answer);
  }

  #checkKey(operation: Operation, slot: Slot, answer: Answer, host: Host): void {
    const { coverage } = this.world;
    const { code } = answer;
    if (!slot.settledBy && !answer.replayed && refusedForGood(this, operation, answer)) {
      slot.maybeStored = true;
      return;
    }
    const unstored =
      slot.kind === "payment"
        ? code !== "ok" && code !== "key_reused"
        : notStored.has(code) || (code === "amount_overflow" && isTooLong(operation.params));
    if (unstored || code === unknownSubject[slot.kind]) {
      this.expect(!answer.replayed, operation, answer, `${code} is not to be stored`);
      if (code === "invalid_request") this.model.drop(operation);
    } else if (code === "key_reused") {
      coverage.hit("same key, other params");
      this.expect(slot.variants.length > 1, operation, answer, "its key was never used with other params");
      this.expect(slot.settledBy !== operation, operation, answer, "this request has run under its key");
      this.expect(slot.begunBy !== operation, operation, answer, "this transaction runs under its key");
      this.expect(!slot.forgotten, operation, answer, "a forgotten key is known again");
      this.model.drop(operation);
    } else if (code === "key_too_old") {
      this.expect(
        this.world.keysMayBeGone && slot.kind === "order",
        operation,
        answer,
        "no key was ever dropped",
      );
      this.expectForgettable(slot, operation, answer);
      slot.forgotten = true;
      if (slot.settledBy) coverage.hit("key_too_old for a request that had run");
    } else if (operation.transaction && code === "ok" && !endedTransaction(answer)) {
      this.#checkRunning(operation, slot, answer);
    } else {
      this.#checkStored(operation, slot, answer, host);
    }
  }

  /** A transaction that has not ended is told as it stands, and nothing is stored yet. */
  #checkRunning(operation: Operation, slot: Slot, answer: Answer): void {
    this.expect(!answer.replayed, operation, answer, "how far it is, is not replayed");
    this.expect(operation.params.wait === false, operation, answer, "it was to be waited for");
    this.expect(!slot.settledBy, operation, answer, `it has ended: ${slot.stored}`);
    this.expect(!slot.forgotten, operation, answer, "runs after its key was refused as too old");
    slot.begunBy ??= operation;
    this.expect(slot.begunBy === operation, operation, answer, "two transactions run under one key");
    for (const other of slot.variants) if (other !== operation) this.model.drop(other);
  }

  /** AUDIT-4. */
  expectForgettable(slot: Slot, operation: Operation, answer: Answer | undefined): void {
    const settled = slot.settledBy?.left;
    if (settled?.code !== "ok") return;
    const { result } = settled as { result: { order?: string | { order: string } } };
    const id = typeof result.order === "object" ? result.order.order : result.order;
    const order = this.model.orders.get(id as string);
    if (order && !mayBeOver(this, order)) this.expect(false, operation, answer, `${id} may still move`);
  }

  #checkStored(operation: Operation, slot: Slot, answer: Answer, host: Host): void {
    const { coverage, schedule } = this.world;
    const { replayed, ...stored } = answer;
    const text = JSON.stringify(stored);
    const { tokens, tokenOwners } = this.model;
    // Whoever has no open account is refused for that, and has no token.
    if (tokens.has(slot.key) && answer.code === "ok") {
      const owner = tokenOwners.get(slot.key) ?? slot.subject;
      tokenOwners.set(slot.key, owner);
      this.expect(owner === slot.subject, operation, answer, `a token that ${owner} has used`);
    }
    this.expect(!slot.forgotten, operation, answer, "ran after its key was refused as too old");
    if (!replayed) {
      if (answer.code === "ok" && slot.key.startsWith("tk:")) coverage.hit("token used as a key");
      slot.firsts++;
      this.expect(slot.firsts === 1, operation, answer, `its key ran twice; stored is ${slot.stored}`);
    }
    const begunBy = slot.begunBy ?? operation;
    this.expect(begunBy === operation, operation, answer, "another transaction has run under its key");
    if (!slot.settledBy) {
      if (replayed && host.incarnation > operation.arrivedIn && operation.arrivedIn > 0)
        coverage.hit("crash between commit and answer");
      slot.settledBy = operation;
      slot.stored = text;
      slot.settledIn = host.incarnation;
      for (const other of slot.variants) if (other !== operation) this.model.drop(other);
      this.#settle(operation, answer);
      return;
    }
    this.expect(slot.settledBy === operation, operation, answer, "two requests have run under one key");
    this.expect(slot.stored === text, operation, answer, `differs from the stored ${slot.stored}`);
    if (replayed && host.incarnation > slot.settledIn) coverage.hit("duplicate after a restart");
    if (schedule.now - operation.sentAt > 1_000_000) coverage.hit("late answer found by retry");
  }

  /** The first answer of a key is the effect, or that there is none. */
  #settle(operation: Operation, answer: Answer): void {
    const { model } = this;
    // What it has moved was settled when its end was seen.
    if (operation.transaction && answer.code === "ok") return;
    if (!operation.counted) {
      this.expect(
        answer.code !== "ok" || !hasEffect(operation),
        operation,
        answer,
        "done, and it could not have been",
      );
      if (operation.method === "order.cancel" && answer.code === "ok") this.#canceled(operation);
      return;
    }
    if (answer.code !== "ok") {
      model.drop(operation, true);
    } else if (operation.cart) {
      const view = answer.result as PlacedOrder;
      const paid = view.status === "Paid";
      const cost = paid ? view.total : 0;
      model.settle(operation, { paid: [cost, cost] });
      this.#placed(operation, view, paid);
    } else if (operation.method === "order.pay") {
      const order = model.orders.get(operation.params.order as string)!;
      const { total } = order.view;
      model.settle(operation, { paid: [Math.max(0, total - order.outsideMost), total - order.outsideSure] });
      this.#paid(operation.params.order as string);
    } else if (operation.method === "payment.notify") {
      model.settle(operation, {});
      this.#notified(operation, answer.result as { outcome: string; money: string });
    } else {
      model.settle(operation, refundedBy(answer));
    }
  }

  #notified({ params, amount }: Operation, { outcome, money }: { outcome: string; money: string }): void {
    const order = this.model.orders.get(params.order as string);
    if (!order || (money !== "applied" && money !== "kept" && money !== "reinstated")) return;
    order.outsideSure = Math.min(order.view.total, order.outsideSure + amount);
    if (outcome !== "partially_paid") this.#paid(order.view.order);
  }

  #settleWithoutKey(operation: Operation, answer: Answer): void {
    const { model } = this;
    if (operation.method === "product.create") {
      // Already there: nobody else makes this product, so an earlier sending has.
      if (answer.code !== "ok" && answer.code !== "already_exists") return;
      model.products.get(operation.params.product as string)!.created = "sure";
      model.settle(operation, {});
    } else if (answer.code === "ok") {
      model.settle(operation, {});
    } else if (operation.once) {
      model.drop(operation);
    }
  }

  #placed(operation: Operation, view: PlacedOrder, paid: boolean): void {
    const { model, world } = this;
    world.coverage.hit("order placed");
    this.expect(!model.orders.has(view.order), operation, operation.left, `${view.order} is an older order`);
    model.orders.set(view.order, {
      placedBy: operation,
      view,
      units: operation.cart!.units,
      expiresAt: view.payBy === 0 ? 0 : view.payBy + world.plan.settings.graceMs,
      asked: new Set(),
      version: 1,
      statusAt: new Map([[1, view.status]]),
      outsideMost: 0,
      outsideSure: 0,
      paid: false,
      canceled: false,
      mayReturn: false,
      released: false,
    });
    if (paid) this.#paid(view.order);
  }

  /** No oversell, no more than the limit: of what is certainly sold. */
  #paid(order: string): void {
    const { model } = this;
    const known = model.orders.get(order)!;
    if (known.paid) this.violation(`${order} was paid twice`);
    if (known.canceled && !this.#reinstates) this.violation(`${order} was canceled, and paid all the same`);
    known.paid = true;
    this.world.coverage.hit("order paid");
    const { account } = known.view;
    if (known.mayReturn) return;
    model.addSold(known, 1);
    for (const id of known.units.keys()) {
      const product = model.products.get(id)!;
      const bought = product.bought.get(account)!;
      const supply = model.ledger.of(`supply ${id}`).possible;
      if (product.sold > supply) this.violation(`${id}: ${product.sold} sold of ${supply}`);
      if (product.limit > 0 && bought > product.limit)
        this.violation(`${id}: ${account} has bought ${bought}, the limit is ${product.limit}`);
    }
  }

  #canceled(operation: Operation): void {
    const order = operation.params.order as string;
    const known = this.model.orders.get(order)!;
    if (known.paid && known.view.total > 0 && !this.#reinstates)
      this.violation(`${order} was paid, and canceled all the same`);
    if (known.canceled) this.violation(`${order} was canceled twice`);
    known.canceled = true;
    this.world.coverage.hit("order canceled on request");
    this.gone(order);
  }

  /** The order holds nothing any more. Across shards the message may still be on its way. */
  gone(order: string): void {
    const known = this.model.orders.get(order);
    if (!known || known.placedBy.cart!.crossing || known.asked.has("reinstate")) return;
    this.model.release(known);
  }

  get #reinstates(): boolean {
    return this.world.plan.settings.latePayment === "reinstate";
  }
}

/** What went back with the answer to a request that asked for refunds. */
function refundedBy({ result }: Answer): Actual {
  const { refunds } = result as { refunds?: SeenRefund[] };
  if (!refunds) return {};
  let all = 0;
  let wallet = 0;
  for (const { amount, currency, to } of refunds) {
    const minor = minorOf(amount, currency);
    all += minor;
    if (to === "wallet") wallet += minor;
  }
  return { back: [wallet, wallet], refunds: [all, all] };
}

function hasEffect({ method, cart }: Operation): boolean {
  return (
    method === "account.deposit" ||
    method === "account.withdraw" ||
    method === "product.restock" ||
    method === "product.create" ||
    method === "product.update" ||
    method === "product.adjust" ||
    method === "order.pay" ||
    method === "order.advance" ||
    method === "order.refund" ||
    method === "payment.notify" ||
    method === "points.spend" ||
    method === "human.resolve" ||
    method === "transaction.begin" ||
    (method === "order.place" && cart?.dryRun === false)
  );
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => (inner instanceof Map ? [...inner] : inner));
}
