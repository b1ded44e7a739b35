/** Units that were lost or found, as somebody says or as a count of the shelf shows. */

import { Facts } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import {
  adjustReasons,
  decideAdjust,
  decideRestock,
  differenceOf,
  type Product,
} from "../../actors/product.js";
import type { Refusal } from "../../actors/results.js";
import type { AdjustProduct, CountProduct } from "../seams/commands.js";
import { spaces } from "../tables/key-table.js";
import { answerRefusal, answerResult, productView } from "../turns/answers.js";
import { keepRefusal, keepResult, settledByRef } from "../turns/exactly-once.js";
import { ParamsHash } from "../turns/params-hash.js";
import { openShortage } from "../turns/shortage.js";
import type { Turn } from "../turns/turn.js";
import { findProduct, slip } from "./product-commands.js";

const hash = new ParamsHash();

/** Which way a reason goes; a correction goes either. */
const ways: { readonly [R in AdjustProduct["reason"]]: readonly (1 | -1)[] } = {
  loss: [-1],
  damage: [-1],
  found: [1],
  correction: [1, -1],
};

export function adjustProduct(turn: Turn, command: AdjustProduct): void {
  const { by, reason, ref, operator, remark } = command;
  const product = findProduct(turn, command);
  if (!product) return;
  const method = keyedMethods["product.adjust"];
  const params = hash.begin(method).number(by).text(reason).text(operator).text(remark).end();
  if (settledByRef(turn, command, spaces.stock, product.handle, ref, params)) return;
  const wrongWay = ways[reason].some((way) => way === Math.sign(by)) ? undefined : refuseWay(by, reason);
  const refusal = wrongWay ?? decideAdjust(product, by);
  if (refusal) refuseUnderRef(turn, command, product, params, refusal);
  else record(turn, command, product, params, by, adjustReasons[reason], 0);
}

export function countProduct(turn: Turn, command: CountProduct): void {
  const { counted, ref, operator, remark } = command;
  const product = findProduct(turn, command);
  if (!product) return;
  const method = keyedMethods["product.count"];
  const params = hash.begin(method).number(counted).text(operator).text(remark).end();
  if (settledByRef(turn, command, spaces.stock, product.handle, ref, params)) return;
  const by = differenceOf(product, counted);
  const refusal = by > 0 ? decideRestock(product, by) : undefined;
  if (refusal) refuseUnderRef(turn, command, product, params, refusal);
  else record(turn, command, product, params, by, adjustReasons.count, counted);
}

function refuseWay(by: number, reason: string): Refusal {
  return slip("by", by === 0 ? "nothing is to be changed" : `not what a reason of ${reason} does`);
}

function record(
  turn: Turn,
  command: AdjustProduct | CountProduct,
  product: Product,
  params: number,
  by: number,
  reason: number,
  counted: number,
): void {
  const { ref, operator = "", remark = "" } = command;
  turn.record({
    ...{ type: Facts.stockAdjusted, product: product.handle, qty: Math.abs(by), up: by > 0 ? 1 : 0 },
    ...{ available: product.available + by, reason, counted, ref, operator, remark },
  });
  if (reason === adjustReasons.count) openShortage(turn, product, counted);
  const result = productView(product);
  keepResult(turn, spaces.stock, product.handle, ref, keyedMethods[command.method], params, result);
  answerResult(turn, command, result);
}

function refuseUnderRef(
  turn: Turn,
  command: AdjustProduct | CountProduct,
  product: Product,
  params: number,
  refusal: Refusal,
): void {
  const method = keyedMethods[command.method];
  keepRefusal(turn, spaces.stock, product.handle, command.ref, method, params, undefined, refusal);
  answerRefusal(turn, command, refusal);
}
