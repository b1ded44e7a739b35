/** The shop's own numbers of orders: which orders of all shards have one. Archived orders are found by the read side alone. */

import { orderId } from "../../actors/order-number.js";
import type { Refusal } from "../../actors/results.js";
import { answerTo } from "../links/answer-to.js";
import type { Command, FindByRef } from "../seams/commands.js";
import { answerResult } from "../turns/answers.js";
import type { Turn } from "../turns/turn.js";

/** Of this shard. */
export function ordersByRef({ books }: Turn, ref: string): readonly string[] {
  return (books.afterSales.byRef.get(ref) ?? []).map(orderId);
}

export function findByRef(turn: Turn, command: FindByRef): void {
  answerResult(turn, command, { orders: ordersByRef(turn, command.ref) });
}

/** Asks every shard; the orders in the order of the shards. */
export function gatherByRef(
  { ref }: FindByRef,
  shards: number,
  submit: (shard: number, command: Command) => void,
  done: (found: { orders: readonly string[] } | Refusal) => void,
): void {
  const found: (readonly string[])[] = [];
  let missing = shards;
  for (let shard = 0; shard < shards; shard++) {
    const requester = answerTo((answer) => {
      if ("orders" in answer) {
        found[shard] = answer.orders as readonly string[];
        if (--missing === 0) done({ orders: found.flat() });
      } else if (missing > 0) {
        missing = 0;
        done(answer as Refusal);
      }
    });
    submit(shard, { method: "order.byRef", requester, id: 0, refuseAfter: 0, ref });
  }
}
