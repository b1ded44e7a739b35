/**
 * The rules once more, slow and obvious: what an engine must answer to a sequence of requests. Maps and lists, nothing shared
 * with the engine but the names of the codes. Stock, balances, limits, points and refunds are not kept but added up from what
 * happened to the orders.
 *
 *   available of a product   supplied - held by Created orders - sold and not returned      model-world
 *   available of an account  put in - taken out - paid by its orders + refunded to it        model-world
 *   points of an account     for what its completed orders have kept - spent                 model-order
 *
 * An order's id and a refund's are made by the engine; here they are places in lists, and whoever compares translates.
 */

import { moveByTime, moveOrder } from "./model-moves.js";
import { dueOf, isOpen, type ModelOrder, type ModelRefund, paidOf, refundedOf } from "./model-order.js";
import { mayBeArchived, notifyPayment } from "./model-payments.js";
import { placeOrder } from "./model-place.js";
import { getRefund, reportRefund } from "./model-refunds.js";
import {
  adjustProduct,
  countProduct,
  createProduct,
  listProduct,
  moveMoney,
  openAccount,
  repriceProduct,
  restockProduct,
  spendPoints,
  updateProduct,
} from "./model-shop.js";
import { type ModelReply, type ModelSettings, ok, type Request, refused, World } from "./model-world.js";

export type { ModelReply } from "./model-world.js";

export class Model {
  readonly #world: World;

  constructor(settings: ModelSettings) {
    this.#world = new World(settings);
  }

  get orders(): readonly ModelOrder[] {
    return this.#world.orders;
  }

  get refunds(): readonly ModelRefund[] {
    return this.#world.refunds;
  }

  /** The clock moved. What is due happens first, then old keys are forgotten. */
  tick(nowMs: number): void {
    this.#world.now = nowMs;
    moveByTime(this.#world);
    this.#world.forgetKeys();
  }

  /** The engine says that it has forgotten the order. When it may is a rule; when exactly it does is its own affair. */
  archived(number: number): void {
    if (!mayBeArchived(this.#world, number))
      throw new Error(`order ${number} was archived too early, due ${dueOf(this.orders[number]!)}`);
    this.#world.orders[number]!.archived = true;
  }

  ask(request: Request): ModelReply {
    const world = this.#world;
    moveByTime(world);
    switch (request.method) {
      case "account.open":
        return openAccount(world, request);
      case "account.deposit":
      case "account.withdraw":
        return moveMoney(world, request);
      case "points.spend":
        return spendPoints(world, request);
      case "account.get":
        return world.accounts.has(request.account)
          ? ok(world.accountView(request.account))
          : refused({ code: "account_not_found" });
      case "product.create":
        return createProduct(world, request);
      case "product.restock":
        return restockProduct(world, request);
      case "product.reprice":
        return repriceProduct(world, request);
      case "product.update":
        return updateProduct(world, request);
      case "product.adjust":
        return adjustProduct(world, request);
      case "product.count":
        return countProduct(world, request);
      case "product.delist":
      case "product.relist":
        return listProduct(world, request);
      case "product.get":
        return world.products.has(request.product)
          ? ok(world.productView(request.product))
          : refused({ code: "product_not_found" });
      case "order.place":
        return placeOrder(world, request);
      case "order.pay":
      case "order.cancel":
      case "order.advance":
      case "order.refund":
        return moveOrder(world, request);
      case "payment.notify":
        return notifyPayment(world, request);
      case "refund.get":
        return getRefund(world, request);
      case "refund.report":
        return reportRefund(world, request);
      case "order.get":
        return world.orders[request.order]
          ? ok(world.orderView(request.order))
          : refused({ code: "order_not_found" });
      case "order.lookup":
        return this.#lookup(request);
      default:
        throw new Error(`the model does not know ${request.method}`);
    }
  }

  /** Every ledger account of money and points that is not a wallet or an order, as it must stand; "account unit" -> amount. */
  ledger(): Map<string, bigint> {
    const { booked, suspended, refunds, orders, accounts } = this.#world;
    const ledger = new Map<string, bigint>();
    const add = (name: string, amount: number) =>
      void ledger.set(name, (ledger.get(name) ?? 0n) + BigInt(amount));
    for (const { provider, currency, amount } of booked)
      add(`clearing:${provider}:${currency} ${currency}`, -amount);
    for (const { currency, amount } of suspended) add(`suspense:${currency} ${currency}`, amount);
    for (const refund of refunds) {
      const { provider, currency, amount, state } = refund;
      if (isOpen(refund)) add(`payable:${currency} ${currency}`, amount);
      if (state === "done" && provider !== "") add(`clearing:${provider}:${currency} ${currency}`, amount);
    }
    for (const order of orders) {
      if (order.archived)
        add(`revenue:${order.currency} ${order.currency}`, paidOf(order) - refundedOf(order));
    }
    for (const [id, { spentPoints }] of accounts) {
      add("redeemed:points points", spentPoints);
      add("issued:points points", -spentPoints - this.#world.points(id));
    }
    return ledger;
  }

  #lookup({ account, key }: Request): ModelReply {
    const kept = this.#world.keys.get(`${account} ${key}`);
    if (!kept) return ok({ state: "never_seen" });
    const { code, details, result } = kept.reply;
    return ok(
      code === "ok"
        ? { state: "found", result }
        : { state: "found", error: details ? { code, details } : { code } },
    );
  }
}
