/**
 * The client is written by hand. Here it is held to the table of methods: what it calls, with which params, and what it gives back. A
 * method, a param or a field of a result that stands on one side only does not compile, or fails.
 */

import type { Static, TSchema } from "typebox";
import { expect, test } from "vitest";
import type { Connection, Receiver, Request } from "../../client/connection.js";
import { openSession } from "../../client/session.js";
import type { Yifen } from "../../client/yifen.js";
import { type Method, methodNames, methods, type Params } from "../../gateway/edge/methods.js";

/** The call for each method of the wire. A method without one does not compile. */
const calls = {
  "session.ping": (yifen: Yifen) => yifen.ping,
  "order.place": (yifen: Yifen) => yifen.orders.place,
  "order.pay": (yifen: Yifen) => yifen.orders.pay,
  "order.cancel": (yifen: Yifen) => yifen.orders.cancel,
  "order.advance": (yifen: Yifen) => yifen.orders.advance,
  "order.refund": (yifen: Yifen) => yifen.orders.refund,
  "order.get": (yifen: Yifen) => yifen.orders.get,
  "order.list": (yifen: Yifen) => yifen.orders.list,
  "order.find": (yifen: Yifen) => yifen.orders.find,
  "order.lookup": (yifen: Yifen) => yifen.orders.lookup,
  "order.history": (yifen: Yifen) => yifen.orders.history,
  "refund.get": (yifen: Yifen) => yifen.payments.refund,
  "refund.report": (yifen: Yifen) => yifen.payments.reportRefund,
  "payment.notify": (yifen: Yifen) => yifen.payments.notify,
  "points.spend": (yifen: Yifen) => yifen.accounts.spendPoints,
  "token.issue": (yifen: Yifen) => yifen.issueToken,
  "product.create": (yifen: Yifen) => yifen.products.create,
  "product.get": (yifen: Yifen) => yifen.products.get,
  "product.restock": (yifen: Yifen) => yifen.products.restock,
  "product.reprice": (yifen: Yifen) => yifen.products.reprice,
  "product.update": (yifen: Yifen) => yifen.products.update,
  "product.adjust": (yifen: Yifen) => yifen.products.adjust,
  "product.count": (yifen: Yifen) => yifen.products.count,
  "product.delist": (yifen: Yifen) => yifen.products.delist,
  "product.relist": (yifen: Yifen) => yifen.products.relist,
  "account.open": (yifen: Yifen) => yifen.accounts.open,
  "account.get": (yifen: Yifen) => yifen.accounts.get,
  "account.statement": (yifen: Yifen) => yifen.accounts.statement,
  "account.deposit": (yifen: Yifen) => yifen.accounts.deposit,
  "account.withdraw": (yifen: Yifen) => yifen.accounts.withdraw,
  "transaction.begin": (yifen: Yifen) => yifen.transactions.begin,
  "transaction.get": (yifen: Yifen) => yifen.transactions.get,
  "human.list": (yifen: Yifen) => yifen.human.list,
  "human.get": (yifen: Yifen) => yifen.human.get,
  "human.resolve": (yifen: Yifen) => yifen.human.resolve,
  "feed.subscribe": (yifen: Yifen) => yifen.feed,
  "feed.unsubscribe": (yifen: Yifen) => yifen.feed,
  "audit.run": (yifen: Yifen) => yifen.audit,
} as const satisfies { readonly [M in Method]: (yifen: Yifen) => unknown };

/** A feed is subscribed, resumed and left by itself (`test/client/feeds.test.ts`), and a ping gives its time. */
type Feeding = "feed.subscribe" | "feed.unsubscribe" | "session.ping";

/** Names of fields, all the way down; what they hold is "value". */
type Fields<T> = T extends readonly (infer E)[]
  ? readonly Fields<E>[]
  : T extends object
    ? keyof T extends never
      ? "value"
      : string extends keyof T
        ? "value"
        : { readonly [K in keyof T]-?: Fields<Exclude<T[K], null | undefined>> }
    : "value";

type Alike<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

type CallOf<M extends Method> =
  ReturnType<(typeof calls)[M]> extends infer F
    ? F extends (...given: infer P) => infer R
      ? { readonly params: P[0]; readonly result: Awaited<R> }
      : never
    : never;

/** Methods whose client has other params than the table. One that takes a name alone gives the only param that there is. */
type OtherParams = {
  [M in Exclude<Method, Feeding>]: NonNullable<CallOf<M>["params"]> extends infer P
    ? P extends string
      ? Alike<Fields<Params<M>>, { readonly [K in keyof Params<M>]: "value" }> extends true
        ? never
        : M
      : keyof Params<M> extends never
        ? never
        : Alike<Fields<P>, Fields<Params<M>>> extends true
          ? never
          : M
    : never;
}[Exclude<Method, Feeding>];

type Answered<M extends Method> = (typeof methods)[M]["result"] extends infer S
  ? S extends TSchema
    ? Static<S>
    : never
  : never;

/** The client gives the item itself. */
type Unwrapped<M extends Method> =
  Answered<M> extends { item: infer Item extends object } ? Item : Answered<M>;

/** Every name that one of several shapes has, one level deep. */
type AllKeys<T> = T extends unknown ? keyof T : never;

type Several = "order.advance" | "order.lookup";

/** Methods whose client gives back other fields than the table says. */
type OtherResults = {
  [M in Exclude<Method, Feeding>]: M extends Several
    ? Alike<Exclude<AllKeys<CallOf<M>["result"]>, "replayed">, AllKeys<Answered<M>>> extends true
      ? never
      : M
    : Alike<Fields<Omit<CallOf<M>["result"], "replayed">>, Fields<Unwrapped<M>>> extends true
      ? never
      : M;
}[Exclude<Method, Feeding>];

/** There is none of either, or this does not compile. */
type None<T extends never> = T;
export type Agreed = None<OtherParams | OtherResults>;

class Recorder implements Connection {
  readonly sent: Request[] = [];

  start(receiver: Receiver): void {
    receiver.opened();
  }

  send(requests: readonly Request[]): void {
    this.sent.push(...requests);
  }

  async close(): Promise<void> {}
}

interface Field {
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly minimum?: number;
}

function sampleOf({ enum: values, type, minimum }: Field): unknown {
  if (values !== undefined) return values[0];
  const samples: Readonly<Record<string, unknown>> = {
    integer: minimum ?? 1,
    boolean: true,
    array: [{ product: "p", qty: 1 }],
    object: { some: "input" },
  };
  return samples[type ?? ""] ?? "text";
}

test.each(methodNames.filter((name) => !name.startsWith("feed.")))(
  "%s: the client sends it, with every param that it is given and no other",
  async (method) => {
    const properties = methods[method].params.properties as Readonly<Record<string, Field>>;
    const given = Object.fromEntries(
      Object.entries(properties).map(([name, field]) => [name, sampleOf(field)]),
    );
    const recorder = new Recorder();
    const yifen = await openSession(recorder);
    const call = calls[method](yifen) as (params: unknown) => Promise<unknown>;
    const names = Object.keys(properties);
    const takesName = /^(order|refund|product|account|transaction|human)\.(get|history)$/.test(method);
    const answered = call(takesName ? given[names[0]!] : given).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.sent).toMatchObject([{ method, params: names.length === 0 ? {} : given }]);
    expect(Object.keys(recorder.sent[0]!.params).sort()).toEqual(names.sort());
    await yifen.close();
    await answered;
  },
);
