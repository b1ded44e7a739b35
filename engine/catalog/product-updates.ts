/**
 * What an operator changes of a product that is there, its stock apart: price, name, limit, sale window, and whether it is sold.
 *
 * PRODUCT-UPDATES-1  A late copy of a request that names the version it saw changes nothing: it is answered as done while what it
 *                    made still stands, and refused after.
 */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { parseAmount } from "../../actors/money.js";
import type { Product } from "../../actors/product.js";
import { type Refusal, refuse } from "../../actors/results.js";
import type { ListProduct, RepriceProduct, UpdateProduct } from "../seams/commands.js";
import { spaces } from "../tables/key-table.js";
import { answerRefusal, answerResult, productView } from "../turns/answers.js";
import { keepRefusal, keepResult, settledByRef } from "../turns/exactly-once.js";
import { ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { findProduct, refuseWindow, slip } from "./product-commands.js";

const hash = new ParamsHash();

export function repriceProduct(turn: Turn, command: RepriceProduct): void {
  const product = findProduct(turn, command);
  if (!product) return;
  const price = parseAmount(command.price, product.currency);
  if (typeof price !== "number") {
    answerRefusal(turn, command, price);
    return;
  }
  const standing = versionStanding(product, command.expectedVersion, price === product.price);
  if (standing === "seen") turn.record({ type: Facts.productRepriced, product: product.handle, price });
  answerByVersion(turn, command, product, standing);
}

/** Idempotent: what is so already is answered, and nothing is recorded. */
export function listProduct(turn: Turn, command: ListProduct): void {
  const product = findProduct(turn, command);
  if (!product) return;
  const delisted = command.method === "product.delist";
  const isSo = product.delisted === delisted;
  const standing = versionStanding(product, command.expectedVersion, isSo);
  if (standing === "seen" && !isSo) {
    const type = delisted ? Facts.productDelisted : Facts.productRelisted;
    const version = product.version + 1;
    turn.record({ type, product: product.handle, version, operator: command.operator ?? "" });
  }
  answerByVersion(turn, command, product, standing);
}

export function updateProduct(turn: Turn, command: UpdateProduct): void {
  const product = findProduct(turn, command);
  if (!product) return;
  const { ref } = command;
  const method = keyedMethods["product.update"];
  const paramsHash = hashOf(command);
  if (ref !== undefined && settledByRef(turn, command, spaces.stock, product.handle, ref, paramsHash)) return;
  const changes = changesOf(product, command);
  if ("code" in changes) {
    answerRefusal(turn, command, changes);
    return;
  }
  // Copies of a request with a ref are found by it: another ref is another request.
  const isSo = ref === undefined && isAs(product, changes);
  const standing = versionStanding(product, command.expectedVersion, isSo);
  const refusal =
    standing === "made" ? undefined : (refuseChanges(command, changes, turn.nowMs) ?? mismatch(standing));
  if (refusal) {
    if (ref !== undefined)
      keepRefusal(turn, spaces.stock, product.handle, ref, method, paramsHash, undefined, refusal);
    answerRefusal(turn, command, refusal);
    return;
  }
  if (standing === "seen") {
    const version = product.version + 1;
    const operator = command.operator ?? "";
    turn.record({ type: Facts.productUpdated, product: product.handle, version, ...changes, operator });
  }
  const result = productView(product);
  if (ref !== undefined) keepResult(turn, spaces.stock, product.handle, ref, method, paramsHash, result);
  answerResult(turn, command, result, standing === "made");
}

/** What the version that the caller saw says: it stands; the request itself has made the next one; or what refuses it. */
type Standing = "seen" | "made" | Refusal;

/** `isSo`: the product is as the request wants it. */
function versionStanding(product: Product, expected: number | undefined, isSo: boolean): Standing {
  if (expected === undefined || expected === product.version) return "seen";
  return isSo && expected + 1 === product.version
    ? "made"
    : refuse("version_mismatch", { version: product.version });
}

function mismatch(standing: Standing): Refusal | undefined {
  return typeof standing === "string" ? undefined : standing;
}

function answerByVersion(
  turn: Turn,
  command: RepriceProduct | ListProduct,
  product: Product,
  standing: Standing,
): void {
  const refusal = mismatch(standing);
  if (refusal) answerRefusal(turn, command, refusal);
  else answerResult(turn, command, productView(product), standing === "made");
}

/** What an update may change, as the product is to be. */
type Changes = Pick<
  Product,
  "name" | "price" | "limitPerAccount" | "saleStartsAt" | "saleEndsAt" | "backorder"
>;

function changesOf(product: Product, command: UpdateProduct): Changes | Refusal {
  const { name, price: text, limitPerAccount, saleStartsAt, saleEndsAt, backorder } = command;
  const given = [name, text, limitPerAccount, saleStartsAt, saleEndsAt, backorder];
  if (given.every((value) => value === undefined))
    return refuse("invalid_request", { path: "params", reason: "nothing is to be changed" });
  const price = text === undefined ? product.price : parseAmount(text, product.currency);
  if (typeof price !== "number") return price;
  return {
    name: name ?? product.name,
    price,
    limitPerAccount: limitPerAccount ?? product.limitPerAccount,
    saleStartsAt: saleStartsAt ?? product.saleStartsAt,
    saleEndsAt: saleEndsAt ?? product.saleEndsAt,
    backorder: backorder ?? product.backorder,
  };
}

function isAs(product: Product, changes: Changes): boolean {
  return (Object.keys(changes) as (keyof Changes)[]).every((name) => product[name] === changes[name]);
}

function refuseChanges(command: UpdateProduct, changes: Changes, nowMs: number): Refusal | undefined {
  const { saleStartsAt, saleEndsAt } = changes;
  if (command.saleStartsAt === undefined && command.saleEndsAt === undefined) return undefined;
  if (saleEndsAt !== 0 && saleEndsAt <= saleStartsAt)
    return command.saleEndsAt === undefined
      ? slip("saleStartsAt", "the sale would start after it ends")
      : slip("saleEndsAt", "the sale would end before it starts");
  return refuseWindow({ ...command, saleEndsAt: command.saleEndsAt || undefined }, nowMs);
}

function hashOf(command: UpdateProduct): number {
  const { name, price, limitPerAccount, saleStartsAt, saleEndsAt, backorder, expectedVersion, operator } =
    command;
  return hash
    .begin(keyedMethods["product.update"])
    .text(name)
    .amount(price, "normal")
    .number(limitPerAccount)
    .number(saleStartsAt)
    .number(saleEndsAt)
    .number(backorder)
    .number(expectedVersion)
    .text(operator)
    .end();
}
