/**
 * A dry run whose products live on several shards. It records nothing, so it cannot go by message: the host asks each shard
 * for a quote (`order.quote`, which no edge offers), each answers when what it saw is durable, and the account's shard
 * says what would come of it.
 */

import { slotOf } from "../../actors/order-number.js";
import { decideTake } from "../../actors/product.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { answerTo } from "../links/answer-to.js";
import { shardOfSlot } from "../links/slots.js";
import type { Command, LineInput, PlaceOrder, QuoteLines } from "../seams/commands.js";
import type { OrderLineView } from "../seams/requester.js";
import { answerResult } from "../turns/answers.js";
import type { Turn } from "../turns/turn.js";
import { adjustmentsAsked } from "./adjust.js";
import { type AnsweredLine, type Decided, decideAnswered, lineFailures, refuseCart } from "./cart.js";

export interface QuotedLine extends AnsweredLine {
  readonly name: string;
}

/** What this shard's products say to the lines, as if they were asked to hold. */
export function quoteLines(turn: Turn, command: QuoteLines): void {
  const { productByName, accountByName } = turn.books;
  const account = accountByName.get(command.account)?.handle;
  const lines = command.lines.map(({ product: productId, qty }): QuotedLine => {
    const product = productByName.get(productId);
    if (!product || product.remote) {
      const nothing = { unitPrice: 0, currency: undefined, name: "" };
      return { productId, qty, ...nothing, refusal: refuse("product_not_found") };
    }
    const { price: unitPrice, currency, name } = product;
    return {
      productId,
      qty,
      unitPrice,
      currency,
      name,
      refusal: decideTake(product, account, qty, turn.nowMs),
    };
  });
  answerResult(turn, command, { lines });
}

/** Asks every shard that a cart touches, and gives the quotes in the order of its lines. */
export function gatherQuotes(
  { account, lines }: PlaceOrder,
  shards: number,
  submit: (shard: number, command: Command) => void,
  done: (quotes: { lines: readonly QuotedLine[] } | Refusal) => void,
): void {
  const byShard = new Map<number, LineInput[]>();
  for (const line of lines) {
    const shard = shardOfSlot(slotOf(line.product), shards);
    byShard.set(shard, [...(byShard.get(shard) ?? []), line]);
  }
  const quoted = new Map<string, QuotedLine>();
  let missing = byShard.size;
  for (const [shard, asked] of byShard) {
    const requester = answerTo((answer) => {
      if ("lines" in answer) {
        for (const line of (answer as { lines: QuotedLine[] }).lines) quoted.set(line.productId, line);
        if (--missing === 0) done({ lines: lines.map(({ product }) => quoted.get(product)!) });
      } else if (missing > 0) {
        missing = 0;
        done(answer as Refusal);
      }
    });
    submit(shard, { method: "order.quote", requester, id: 0, refuseAfter: 0, account, lines: asked });
  }
}

/** The lines of a cart that nothing stands against, with its sum; or what does. */
export function decideQuoted(
  turn: Turn,
  command: PlaceOrder,
  quotes: readonly QuotedLine[],
): (Decided & { lines: readonly OrderLineView[]; currency: number }) | Refusal {
  const account = turn.books.accountByName.get(command.account);
  if (!account || account.currency < 0) {
    const unknown = { refusal: refuse("account_not_found", { account: command.account }) };
    return refuseCart([unknown, ...lineFailures(undefined, quotes)]);
  }
  const decided = decideAnswered(
    account,
    quotes,
    adjustmentsAsked(command.lines, command.adjustments),
    command.expectedTotal,
    command.pay === "balance",
  );
  if ("code" in decided) return decided;
  const lines = quotes.map(({ productId: product, name, qty, unitPrice }) => {
    return { product, name, qty, unitPrice, subtotal: unitPrice * qty };
  });
  return { ...decided, lines, currency: account.currency };
}
