/**
 * What stands outside of the server remembers: every request that was sent, every answer, every read and every push that
 * came back. And it holds the log of the killed server to it.
 *
 *   LEDGER-1  An answer was seen, so the log holds it: the key with this code and this order, the order in this status.
 *   LEDGER-2  A read was seen, so its subject was once in that state; and nobody who reads one thing after another goes back in time.
 *   LEDGER-3  A push was seen, so the log has it at this number; and a subscription has no hole.
 *   LEDGER-4  However often a key is sent, its answer is the same, and it ran once.
 */

import { expect } from "vitest";
import { orderSlot, parseOrderId, slotCount, slotOf } from "../../actors/order-number.js";
import { type Code, resultOf } from "../../actors/results.js";
import type { LoggedEvent, LogView, Since } from "./log-view.js";
import type { Body, Params, Push, Reply, Wire } from "./wire.js";

/** One key, or ref. */
export interface Receipt {
  readonly method: string;
  readonly params: Params;
  /** As in `LogView.keys`. */
  readonly name: string;
  readonly replies: Reply[];
}

/** Whoever asks one thing after another. What it asks within one round may be answered in any order. */
export class Reader {
  round = 0;
  #seenRound = 0;
  /** Position on each shard that it has seen the effect of, before this round and with it. */
  readonly #before: number[] = [];
  readonly #with: number[] = [];

  floor(shard: number, round: number): number {
    if (round !== this.#seenRound) {
      this.#seenRound = round;
      this.#with.forEach((position, at) => {
        this.#before[at] = position;
      });
    }
    return this.#before[shard] ?? 0;
  }

  saw(shard: number, position: number): void {
    this.#with[shard] = Math.max(this.#with[shard] ?? 0, position);
  }
}

interface Observation {
  readonly reader: Reader;
  readonly round: number;
  readonly method: string;
  readonly params: Params;
  readonly reply: Reply;
  readonly receipt: Receipt | undefined;
}

/** What came of one subscription; `from` is known when it was answered. */
export interface SeenFeed {
  readonly topic: string;
  from: number | undefined;
  readonly events: LoggedEvent[];
  /** How many of them were held against the log. */
  checked: number;
}

/** Refusals before the key was looked at: they leave no trace. */
const leaveNoTrace = new Set(["overloaded", "deadline_exceeded", "shutting_down"]);

export class Ledger {
  readonly receipts = new Map<string, Receipt>();
  readonly feeds: SeenFeed[] = [];
  #new: Observation[] = [];
  answersSeen = 0;
  answersChecked = 0;
  readsChecked = 0;
  pushesChecked = 0;

  constructor(private readonly shards: number) {}

  /** Writes the request down, sends it, and writes down what came back. */
  async ask(reader: Reader, wire: Wire, method: string, params: Params): Promise<Reply | undefined> {
    const receipt = this.#receiptFor(method, params);
    const { round } = reader;
    const reply = await wire.ask(method, params);
    if (!reply) return undefined;
    this.answersSeen++;
    this.#new.push({ reader, round, method, params, reply, receipt });
    if (receipt && !(reply.error && leaveNoTrace.has(reply.error.code))) receipt.replies.push(reply);
    return reply;
  }

  subscription(topic: string, from?: number): SeenFeed {
    const feed: SeenFeed = { topic, from, events: [], checked: 0 };
    this.feeds.push(feed);
    return feed;
  }

  shardOf(id: string): number {
    return this.#shardOfSlot(slotOf(id));
  }

  #shardOfSlot(slot: number): number {
    return Math.floor((slot * this.shards) / slotCount);
  }

  #shardOfRequest({ account, product, order }: Params): number {
    if (order !== undefined) return this.#shardOfSlot(orderSlot(parseOrderId(order as string)!));
    return this.shardOf((account ?? product) as string);
  }

  /** Requests of which nobody knows what became. */
  get unanswered(): Receipt[] {
    return [...this.receipts.values()].filter(({ replies }) => replies.length === 0);
  }

  /** Holds the logs to everything that was seen since the last time. */
  check(views: readonly LogView[]): void {
    for (const observation of this.#new.splice(0)) this.#checkOne(views, observation);
    for (const feed of this.feeds) this.#checkFeed(views[this.shardOf(subjectOf(feed.topic))]!, feed);
  }

  #receiptFor(method: string, params: Params): Receipt | undefined {
    const name = nameOf(method, params);
    if (name === undefined) return undefined;
    const known = this.receipts.get(name);
    if (known) return known;
    const receipt: Receipt = { method, params, name, replies: [] };
    this.receipts.set(name, receipt);
    return receipt;
  }

  #checkOne(views: readonly LogView[], observation: Observation): void {
    const { reader, round, method, params, reply, receipt } = observation;
    const shard = this.#shardOfRequest(params);
    const view = views[shard]!;
    const floor = reader.floor(shard, round);
    const where = `${method} ${JSON.stringify(params)} answered ${JSON.stringify(reply)}`;
    const position = receipt
      ? this.#checkAnswer(view, receipt, reply, where)
      : this.#checkRead(view, method, params, reply, floor, where);
    reader.saw(shard, position);
  }

  /** LEDGER-1, LEDGER-4. */
  #checkAnswer(view: LogView, receipt: Receipt, reply: Reply, where: string): number {
    this.answersChecked++;
    if (reply.error && leaveNoTrace.has(reply.error.code)) return 0;
    const row = view.keys.get(receipt.name);
    expect(row, `${where}, and the log has no such key`).toBeDefined();
    expect(row!.code, where).toBe(reply.error ? resultOf(reply.error.code as Code)?.number : 0);
    if (reply.result && "order" in reply.result) {
      expect(`o${row!.order}`, where).toBe(reply.result.order);
      this.#checkStatus(view, reply.result, where);
    }
    const [first, ...others] = receipt.replies;
    for (const other of others) expect(contentOf(other), where).toEqual(contentOf(first!));
    expect(receipt.replies.filter(({ replayed }) => !replayed).length, `${where}, runs`).toBeLessThanOrEqual(
      1,
    );
    return row!.position;
  }

  /** LEDGER-2. The earliest position at which the log allows this answer. */
  #checkRead(
    view: LogView,
    method: string,
    params: Params,
    { result, error }: Reply,
    floor: number,
    where: string,
  ) {
    this.readsChecked++;
    expect(error === undefined || leaveNoTrace.has(error.code), where).toBe(true);
    if (!result) return 0;
    switch (method) {
      case "account.get":
        return earliest(
          view.wallets.get(params.account as string)!,
          floor,
          where,
          (minor) => decimal(minor) === result.available,
        );
      case "product.get":
        return earliest(
          view.stocks.get(params.product as string)!,
          floor,
          where,
          ({ available, held, sold }) =>
            available === result.available && held === result.held && sold === result.sold,
        );
      case "order.get":
        return this.#checkStatus(view, result, where);
      case "order.lookup": {
        const row = view.keys.get(`order:${params.account}:${params.key}`);
        if (result.state === "found") expect(row, where).toBeDefined();
        if (result.state === "never_seen") expect(row?.position ?? floor + 1, where).toBeGreaterThan(floor);
        return result.state === "found" ? row!.position : 0;
      }
      default:
        throw new Error(`${method} is not checked`);
    }
  }

  #checkStatus(view: LogView, { order, version, status }: Body, where: string): number {
    const move = view.orders.get(Number((order as string).slice(1)))?.[(version as number) - 1];
    expect(move?.state, `${where}, in the log`).toBe(status);
    return move!.position;
  }

  /** LEDGER-3. */
  #checkFeed(view: LogView, feed: SeenFeed): void {
    const { topic, from, events } = feed;
    if (from === undefined) return;
    const logged = view.events.get(topic) ?? [];
    const first = firstAt(logged, ({ seq }) => seq >= from);
    for (; feed.checked < events.length; feed.checked++) {
      this.pushesChecked++;
      const inLog = logged[first + feed.checked];
      const { seq, type } = events[feed.checked]!;
      if (inLog?.seq === seq && inLog.type === type) continue;
      const wanted = inLog ? `${inLog.type} at ${inLog.seq}` : "nothing more";
      throw new Error(`${topic} from ${from}: ${type} at ${seq} was seen, and the log has ${wanted}`);
    }
  }
}

export function seen({ seq, type }: Push | LoggedEvent): LoggedEvent {
  return { seq, type };
}

export function decimal(minor: number): string {
  return `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, "0")}`;
}

function earliest<T>(
  states: readonly Since<T>[],
  floor: number,
  where: string,
  fits: (state: T) => boolean,
): number {
  const from = Math.max(0, firstAt(states, ({ position }) => position > floor) - 1);
  for (let at = from; at < states.length; at++) if (fits(states[at]!.state)) return states[at]!.position;
  const known = states.slice(-5).map(({ position, state }) => `${position}: ${JSON.stringify(state)}`);
  throw new Error(`${where}; the log has no such state after ${floor}; it ends with ${known.join(" ")}`);
}

/** Index of the first item for which `holds`, when it holds for all after it. */
function firstAt<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function contentOf({ result, error }: Reply): object {
  return { result, error };
}

function nameOf(method: string, params: Params): string | undefined {
  const { account, product, key, ref } = params;
  if (method === "order.place") return `order:${account}:${key}`;
  if (method === "order.pay" || method === "order.cancel")
    return `order:${accountOfKey(key as string)}:${key}`;
  if (method === "account.deposit") return `money:${account}:${ref}`;
  if (method === "product.restock") return `stock:${product}:${ref}`;
  return undefined;
}

function subjectOf(topic: string): string {
  return topic.slice(topic.indexOf(":") + 1);
}

/** Keys begin with the account: `a3.k17`. */
function accountOfKey(key: string): string {
  return key.slice(0, key.indexOf("."));
}
