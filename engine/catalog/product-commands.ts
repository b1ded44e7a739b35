/** Products: create, restock, get. What changes of one that is there but its stock: `product-updates`. */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyNumber, parseAmount, unknownCurrency } from "../../actors/money.js";
import { decideRestock, type Product } from "../../actors/product.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { Command, CreateProduct, GetProduct, RestockProduct } from "../seams/commands.js";
import { saleStartAgeMsMax } from "../seams/limits.js";
import { spaces } from "../tables/key-table.js";
import { answerRefusal, answerResult, productView } from "../turns/answers.js";
import { keepRefusal, keepResult, settledByRef } from "../turns/exactly-once.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";

const hash = new ParamsHash();

export function createProduct(turn: Turn, command: CreateProduct): void {
  const currency = currencyNumber(command.currency);
  if (currency === undefined) {
    answerRefusal(
      turn,
      command,
      refuse("invalid_request", { path: "params.currency", reason: unknownCurrency(command.currency) }),
    );
    return;
  }
  const price = parseAmount(command.price, currency);
  if (typeof price !== "number") {
    answerRefusal(turn, command, price);
    return;
  }
  if ((command.saleEndsAt ?? Number.POSITIVE_INFINITY) <= (command.saleStartsAt ?? 0)) {
    answerRefusal(turn, command, slip("saleEndsAt", "the sale would end before it starts"));
    return;
  }
  const known = turn.books.productByName.get(command.product);
  if (known) {
    const same = isSameProduct(known, command, price, currency);
    answerRefusal(turn, command, refuse("already_exists", { product: command.product, same }));
    return;
  }
  const window = refuseWindow(command, turn.nowMs);
  if (window) {
    answerRefusal(turn, command, window);
    return;
  }
  turn.record({
    type: Facts.productCreated,
    id: command.product,
    name: command.name,
    price,
    currency,
    stock: command.stock,
    limitPerAccount: command.limitPerAccount ?? 0,
    saleStartsAt: command.saleStartsAt ?? 0,
    saleEndsAt: command.saleEndsAt ?? 0,
  });
  const product = turn.books.productByName.get(command.product)!;
  const { backorder = 0 } = command;
  if (backorder > 0) turn.record({ type: Facts.backorderAllowed, product: product.handle, backorder });
  answerResult(turn, command, productView(product));
}

/** What no sale is meant to be: mostly seconds where milliseconds are due, which are in 1970. */
export function refuseWindow(
  { saleStartsAt = 0, saleEndsAt }: Pick<CreateProduct, "saleStartsAt" | "saleEndsAt">,
  nowMs: number,
): Refusal | undefined {
  if (saleEndsAt !== undefined && saleEndsAt <= nowMs)
    return slip("saleEndsAt", `the sale would be over already: it is ${nowMs}, in milliseconds`);
  if (saleStartsAt !== 0 && saleStartsAt < nowMs - saleStartAgeMsMax)
    return slip("saleStartsAt", `the sale would have begun decades ago: it is ${nowMs}, in milliseconds`);
  return undefined;
}

export function slip(param: string, reason: string): Refusal {
  return refuse("invalid_request", { path: `params.${param}`, reason });
}

/** As it is now: its price may have changed since, and of the stock that it was made with the sum alone is known. */
function isSameProduct(product: Product, asked: CreateProduct, price: number, currency: number): boolean {
  return (
    product.name === asked.name &&
    product.currency === currency &&
    product.price === price &&
    product.available + product.held + product.sold === asked.stock &&
    product.limitPerAccount === (asked.limitPerAccount ?? 0) &&
    product.saleStartsAt === (asked.saleStartsAt ?? 0) &&
    product.saleEndsAt === (asked.saleEndsAt ?? 0) &&
    product.backorder === (asked.backorder ?? 0)
  );
}

export function restockProduct(turn: Turn, command: RestockProduct): void {
  const product = findProduct(turn, command);
  if (!product) return;
  const { qty, ref } = command;
  const method = keyedMethods["product.restock"];
  const paramsHash = hash.begin(method).number(qty).end();
  if (ref !== undefined && settledByRef(turn, command, spaces.stock, product.handle, ref, paramsHash)) return;
  const refusal = decideRestock(product, qty);
  if (refusal) {
    if (ref !== undefined) {
      keepRefusal(turn, spaces.stock, product.handle, ref, method, paramsHash, undefined, refusal);
    }
    answerRefusal(turn, command, refusal);
    return;
  }
  turn.record({
    type: Facts.productRestocked,
    product: product.handle,
    qty,
    available: product.available + qty,
  });
  const result = productView(product);
  if (ref !== undefined) keepResult(turn, spaces.stock, product.handle, ref, method, paramsHash, result);
  answerResult(turn, command, result);
}

export function getProduct(turn: Turn, command: GetProduct): void {
  const product = findProduct(turn, command);
  if (product) answerResult(turn, command, productView(product));
}

/** The product that a command names, or the refusal. */
export function findProduct(
  turn: Turn,
  command: Command & { readonly product: string },
): Product | undefined {
  const product = turn.books.productByName.get(command.product);
  if (product && !product.remote) return product;
  answerRefusal(turn, command, refuse("product_not_found", { product: command.product }));
  return undefined;
}
