/** `Yifen` over any connection: which method each call is, what makes it safe to repeat, and what it answers. */

import { type CallSettings, Calls } from "./calls.js";
import type { Connection, Receiver } from "./connection.js";
import { copyParams } from "./encoding.js";
import { YifenError } from "./error.js";
import { Feeds } from "./feeds.js";
import type { CallOptions, Keyed, Time } from "./params.js";
import type { HumanItem } from "./results.js";
import type { Accounts, Human, Orders, Payments, Products, Transactions, Yifen } from "./yifen.js";

export interface SessionOptions {
  /** Milliseconds until a call fails with `timeout`. Default 10,000. */
  readonly timeoutMs?: number;
  /** Milliseconds to wait for the first connection. Default: `timeoutMs`. */
  readonly openWithinMs?: number;
  /**
   * Try again, after `details.retryAfterMs`, when the engine refuses because it is overloaded or draining, as long as
   * the timeout allows. Default true.
   */
  readonly retryOverloaded?: boolean;
  /** Requests sent and unanswered; more wait in the client. Default 4,096. */
  readonly inFlightMax?: number;
  /** Calls unanswered; more fail with `too_many_calls`. Default 100,000. */
  readonly pendingMax?: number;
  /** Unread events that a feed keeps before it ends with `slow_consumer`. Default 10,000. */
  readonly feedBufferMax?: number;
}

/**
 * Starts the connection and resolves when it is open. Rejects with `connection_lost` when that takes longer than
 * `openWithinMs`, with the engine's refusal when it does not accept the token. `nowMs`: the clock that requests' `at` is of.
 */
export async function openSession(
  connection: Connection,
  options: SessionOptions = {},
  nowMs: () => number = Date.now,
): Promise<Yifen> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const settings: CallSettings = {
    timeoutMs,
    retryOverloaded: options.retryOverloaded ?? true,
    inFlightMax: options.inFlightMax ?? 4096,
    pendingMax: options.pendingMax ?? 100_000,
  };
  const calls = new Calls(connection, settings);
  const feeds = new Feeds(calls, options.feedBufferMax ?? 10_000);
  await opened(connection, calls, feeds, options.openWithinMs ?? timeoutMs);
  return yifenOf(connection, calls, feeds, nowMs);
}

/** Wires the two stateful parts to the connection; the order matters: calls are settled before feeds resume. */
function opened(connection: Connection, calls: Calls, feeds: Feeds, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let reason = "no attempt ended";
    const timer = setTimeout(() => {
      const message = `no connection within ${withinMs} ms: ${reason}`;
      const error = new YifenError({ code: "connection_lost", message, executed: false, retryable: true });
      connection.close().then(() => reject(error), reject);
    }, withinMs);
    const receiver: Receiver = {
      opened: () => {
        clearTimeout(timer);
        calls.opened();
        feeds.opened();
        resolve();
      },
      lost: (why) => {
        reason = why;
        calls.lost(why);
        feeds.lost();
      },
      answered: (answer) => calls.answered(answer),
      pushed: (push) => feeds.pushed(push),
      ended: (error) => {
        clearTimeout(timer);
        feeds.end(error);
        calls.end(error);
        reject(error);
      },
    };
    connection.start(receiver);
  });
}

function yifenOf(connection: Connection, calls: Calls, feeds: Feeds, nowMs: () => number): Yifen {
  const read = async <R>(method: string, params: object, options?: CallOptions): Promise<R> => {
    const asked = { method, params: copyParams(params), repeatable: true, timeoutMs: options?.timeoutMs };
    return (await calls.ask(asked)).result as R;
  };

  /** A change without a key: never sent twice. */
  const once = async <R>(method: string, params: object, options?: CallOptions): Promise<R> => {
    const asked = { method, params: copyParams(params), repeatable: false, timeoutMs: options?.timeoutMs };
    return (await calls.ask(asked)).result as R;
  };

  /** A change that its `key` or `ref` makes exactly-once. */
  const repeatable = async <R>(method: string, params: object, key: string, options?: CallOptions) => {
    const asked = {
      method,
      params: copyParams(params),
      repeatable: true,
      key,
      timeoutMs: options?.timeoutMs,
    };
    const answer = await calls.ask(asked);
    return { ...(answer.result as R), replayed: answer.replayed === true };
  };

  const keyed = <R>(method: string, params: Keyed, options?: CallOptions) => {
    const key = params.key ?? newKey();
    return repeatable<R>(method, { ...params, key, at: params.at ?? nowMs() }, key, options);
  };

  const orders: Orders = {
    place: (params, options) => keyed("order.place", params, options),
    pay: (params, options) => keyed("order.pay", params, options),
    cancel: (params, options) => keyed("order.cancel", params, options),
    advance: (params, options) => keyed("order.advance", params, options),
    refund: (params, options) => keyed("order.refund", params, options),
    get: (order, options) => read("order.get", { order }, options),
    list: (params, options) => read("order.list", params, options),
    find: (params, options) => read("order.find", params, options),
    history: (order, options) => read("order.history", { order }, options),
    lookup: (params, options) => read("order.lookup", params, options),
  };

  const payments: Payments = {
    notify: (params, options) => repeatable("payment.notify", params, params.paymentId, options),
    // Its own state makes it exactly-once: the same word again changes nothing.
    reportRefund: (params, options) => read("refund.report", params, options),
    refund: (refund, options) => read("refund.get", { refund }, options),
  };

  const products: Products = {
    create: async (params, options) => {
      const { saleStartsAt, saleEndsAt } = params;
      const times = { saleStartsAt: timeMs(saleStartsAt), saleEndsAt: timeMs(saleEndsAt) };
      return once("product.create", { ...params, ...times }, options);
    },
    restock: async (params, options) =>
      params.ref === undefined
        ? { ...(await once("product.restock", params, options)), replayed: false }
        : repeatable("product.restock", params, params.ref, options),
    // With the version that was seen, a late copy changes nothing.
    reprice: (params, options) =>
      (params.expectedVersion === undefined ? once : read)("product.reprice", params, options),
    update: async (params, options) => {
      const { saleStartsAt, saleEndsAt } = params;
      const times = { saleStartsAt: timeMs(saleStartsAt), saleEndsAt: timeMs(saleEndsAt) };
      const wanted = { ...params, ...times };
      if (params.ref !== undefined) return repeatable("product.update", wanted, params.ref, options);
      const ask = params.expectedVersion === undefined ? once : read;
      return { ...(await ask("product.update", wanted, options)), replayed: false };
    },
    adjust: (params, options) => repeatable("product.adjust", params, params.ref, options),
    count: (params, options) => repeatable("product.count", params, params.ref, options),
    // The same again changes nothing.
    delist: (params, options) => read("product.delist", params, options),
    relist: (params, options) => read("product.relist", params, options),
    get: (product, options) => read("product.get", { product }, options),
  };

  const accounts: Accounts = {
    open: (params, options) => once("account.open", params, options),
    deposit: (params, options) => repeatable("account.deposit", params, params.ref, options),
    withdraw: (params, options) => repeatable("account.withdraw", params, params.ref, options),
    get: (account, options) => read("account.get", { account }, options),
    spendPoints: (params, options) => repeatable("points.spend", params, params.ref, options),
    statement: (params, options) => read("account.statement", params, options),
  };

  const transactions: Transactions = {
    begin: (params, options) => keyed("transaction.begin", params, options),
    get: (transaction, options) => read("transaction.get", { transaction }, options),
  };

  const itemOf = async (asked: Promise<{ readonly item: HumanItem }>) => (await asked).item;
  const human: Human = {
    list: (params, options) => read("human.list", params ?? {}, options),
    get: (item, options) => itemOf(read("human.get", { item }, options)),
    // The same resolution again changes nothing, so it may be sent again.
    resolve: (params, options) => itemOf(read("human.resolve", params, options)),
  };

  return {
    orders,
    products,
    accounts,
    transactions,
    human,
    payments,
    issueToken: (options) => read("token.issue", {}, options),
    feed: (topic, params) => feeds.open(topic, params?.from),
    audit: (options) => read("audit.run", {}, options),
    ping: async (options) => {
      const before = performance.now();
      await read("session.ping", {}, options);
      return performance.now() - before;
    },
    close: async () => {
      const error = new YifenError({
        code: "closed",
        message: "the client was closed",
        executed: false,
        retryable: false,
      });
      feeds.end(error);
      calls.end(error);
      await connection.close();
    },
  };
}

function timeMs(time: Time | undefined): number | undefined {
  // What is not a time becomes a NaN, which is refused as a programmer's error.
  return typeof time === "string" ? Date.parse(time) : time;
}

/** 128 random bits. Browsers have `randomUUID` on secure pages only. */
function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
