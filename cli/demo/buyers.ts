/**
 * What one buyer does at the counter. Every request goes through our own client over a real connection and leaves a
 * receipt; a repeat is the same key with the same params, sent as a second click or a reloaded page sends it.
 */

import {
  type Order,
  type PlaceParams,
  type Replayable,
  type Yifen,
  YifenError,
} from "../../client/client.js";
import type { Buyer } from "./plan.js";
import { type Answered, newReceipt, type Receipt, type Receipts } from "./receipts.js";

export interface Counter {
  readonly connections: readonly Yifen[];
  readonly receipts: Receipts;
  /** An answer has just been received. */
  readonly answered: () => void;
}

/** Long enough to be paid after any recovery: only those who never pay lose their hold. */
const payerHoldMs = 60_000;

/** The shortest that the engine takes. */
const loserHoldMs = 1000;

/**
 * Asks for one unit, the `visit`th time, under a new key. Undefined when the buyer learned nothing, which no answer
 * of a working engine leads to.
 */
export async function placeOrder(
  counter: Counter,
  buyer: Buyer,
  line: number,
  visit: number,
): Promise<Answered | undefined> {
  const { account, product, repeat } = buyer;
  const receipt = newReceipt(counter.receipts, "order.place", account, `${account}.${visit}`, product);
  const params: PlaceParams = {
    account,
    key: receipt.key,
    at: Date.now(),
    lines: [{ product, qty: 1 }],
    ...paymentOf(buyer, visit),
  };
  return sendTwice(counter, receipt, repeat, line, (yifen) => yifen.orders.place(params));
}

/** Pays a held order from the buyer's balance. */
export async function payOrder(
  counter: Counter,
  buyer: Buyer,
  line: number,
  order: string,
): Promise<Answered | undefined> {
  const { account, repeat } = buyer;
  const receipt = newReceipt(counter.receipts, "order.pay", account, `${account}.pay.${order}`);
  const params = { order, key: receipt.key, at: Date.now() };
  return sendTwice(counter, receipt, repeat, line, (yifen) => yifen.orders.pay(params));
}

/** Who comes a second time has learned to pay: a unit that is given back is sold to somebody. */
export function paysLater({ payment }: Buyer): boolean {
  return payment === "later";
}

function paymentOf({ payment }: Buyer, visit: number): Pick<PlaceParams, "pay" | "payWithinMs"> {
  if (payment === "later") return { pay: "later", payWithinMs: payerHoldMs };
  if (payment === "never" && visit === 1) return { pay: "later", payWithinMs: loserHoldMs };
  return { pay: "balance" };
}

type Ask = (yifen: Yifen) => Promise<Order & Replayable>;

async function sendTwice(
  counter: Counter,
  receipt: Receipt,
  repeat: Buyer["repeat"],
  line: number,
  ask: Ask,
): Promise<Answered | undefined> {
  const own = counter.connections[line]!;
  const other = counter.connections[(line + 1) % counter.connections.length]!;
  if (repeat === "at once") {
    const [first] = await Promise.all([send(counter, receipt, own, ask), send(counter, receipt, other, ask)]);
    return first;
  }
  const first = await send(counter, receipt, own, ask);
  if (repeat === "afterwards") await send(counter, receipt, other, ask);
  return first;
}

async function send(
  counter: Counter,
  receipt: Receipt,
  yifen: Yifen,
  ask: Ask,
): Promise<Answered | undefined> {
  const { receipts } = counter;
  receipt.sends++;
  receipts.open++;
  const sentAt = performance.now();
  const answered = await answerTo(ask(yifen));
  receipts.open--;
  if (!answered) return undefined;
  if (receipt.method === "order.place") {
    receipts.attempts.push({ sentAt, answeredAt: performance.now() });
    if (receipt.answers.length === 0) {
      if (answered.order) receipts.orders++;
      else receipts.refusals++;
    }
  }
  receipt.answers.push(answered);
  counter.answered();
  return answered;
}

/** Undefined when there was no answer, or one that decides nothing (`overloaded`, ...). */
async function answerTo(asked: Promise<Order & Replayable>): Promise<Answered | undefined> {
  try {
    const { replayed, ...order } = await asked;
    return { order, replayed };
  } catch (error) {
    if (!(error instanceof YifenError)) throw error;
    if (error.status === 0 || error.retryable) return undefined;
    return { code: error.code, replayed: error.replayed };
  }
}
