/**
 * Transactions that a program defines. Stock and wallets are the engine's own parts; everything else is a function of
 * yours, called at least once under an id that never changes: the key under which its effect must be made once.
 *
 *     const gift = defineSaga({
 *       steps: ({ product, to }, account) => [
 *         { kind: "stock", name: "take", product, qty: 1 },
 *         { kind: "money", name: "pay", from: account, to: "revenue", amount: "9.99", currency: "CNY" },
 *         { kind: "call", name: "parcel" },
 *       ],
 *       calls: { parcel: { do: sendParcel, undo: callParcelBack } },
 *     });
 *     const yifen = await openEngine({ data: "./data", transactions: { gift } });
 *     await yifen.transactions.begin({ account: "ann", name: "gift", input: { product: "tea", to: "ben" } });
 *
 * A function that returns has done it. One that throws `Refused` has done nothing and will not. Any other error, and no
 * answer in time, means that nobody knows.
 */

import type { PartSpec, PlanSpec } from "../../actors/transactions/plan.js";

/** A function says no: it has had no effect. `details` is plain JSON, and stands in the transaction's `error`. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(
    reason: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(reason);
  }
}

/** What a function is told. */
export interface CallContext<Input = Record<string, unknown>> {
  /**
   * The same in every attempt, so it can be the other side's idempotency key. What undoes, confirms or cancels is a call of its
   * own: what ties it to what it ends is `transaction` and `part`.
   */
  readonly call: string;
  readonly attempt: number;
  readonly transaction: string;
  readonly account: string;
  readonly part: string;
  readonly input: Input;
  /** What the parts that were done gave back, by their names. */
  readonly results: Readonly<Record<string, unknown>>;
  /** What this part gave back, for what ends it; null when nobody knows. */
  readonly result: unknown;
  /** Aborted when the time is up. */
  readonly signal: AbortSignal;
}

// A method's parameter, so that a definition with any input is a definition.
type CallFunction<Input> = { bivariant(context: CallContext<Input>): unknown }["bivariant"];

export interface SagaCalls<Input> {
  readonly do: CallFunction<Input>;
  /** Called also when nobody knows whether it was done. */
  readonly undo: CallFunction<Input>;
  /** Was it done? Returns when it was, throws `Refused` when it was not. */
  readonly ask?: CallFunction<Input>;
}

export interface TccCalls<Input> {
  /** Reserves. */
  readonly try: CallFunction<Input>;
  readonly confirm: CallFunction<Input>;
  /** Called also when nobody knows whether it was tried, and then may come before the try. */
  readonly cancel: CallFunction<Input>;
}

export interface Definition {
  readonly calls: Readonly<Record<string, Readonly<Record<string, CallFunction<never> | undefined>>>>;
  /** Throws what its author throws. */
  plan(input: unknown, account: string): PlanSpec;
}

/** What a payment provider is asked to give back; see `refund.get` for what becomes of it. */
export interface RefundContext {
  /** The same in every attempt. */
  readonly call: string;
  readonly attempt: number;
  readonly refund: string;
  /** null for money that came for an order that is archived. */
  readonly order: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly provider: string;
  readonly paymentId: string;
  readonly reason: string;
  readonly signal: AbortSignal;
}

export type RefundFunction = (context: RefundContext) => unknown;

export interface Definitions {
  readonly transactions: Readonly<Record<string, Definition>>;
  readonly refunds: Readonly<Record<string, RefundFunction>>;
}

/**
 * Steps with compensations: one after the other, undone newest first. `steps` must be a pure function: it runs once, and
 * what it returns is what the transaction is.
 */
export function defineSaga<Input = Record<string, unknown>>(saga: {
  readonly steps: (input: Input, account: string) => readonly PartSpec[];
  readonly calls?: Readonly<Record<string, SagaCalls<Input>>>;
}): Definition {
  const calls = saga.calls ?? {};
  const plan = (input: unknown, account: string): PlanSpec => {
    const parts = arrayOf(saga.steps(input as Input, account)).map((part) => {
      if (part?.kind !== "call") return part;
      return { ...part, ask: functionsOf(calls, part.name).ask !== undefined };
    });
    return { mode: "saga", parts };
  };
  return { calls: calls as unknown as Definition["calls"], plan };
}

/** Participants that are tried together, and then all confirmed or all canceled. `parts` must be a pure function. */
export function defineTcc<Input = Record<string, unknown>>(tcc: {
  readonly parts: (input: Input, account: string) => readonly PartSpec[];
  readonly calls?: Readonly<Record<string, TccCalls<Input>>>;
}): Definition {
  const calls = tcc.calls ?? {};
  const plan = (input: unknown, account: string): PlanSpec => {
    const parts = arrayOf(tcc.parts(input as Input, account));
    for (const part of parts) if (part?.kind === "call") functionsOf(calls, part.name);
    return { mode: "tcc", parts };
  };
  return { calls: calls as unknown as Definition["calls"], plan };
}

/** A promise is no array; should it be rejected, that nobody waits for it must not end the process. */
function arrayOf(parts: readonly PartSpec[]): readonly PartSpec[] {
  if (Array.isArray(parts)) return parts;
  if (parts instanceof Promise) parts.catch(() => undefined);
  throw new Error("a definition returns an array of its parts at once");
}

function functionsOf<F>(calls: Readonly<Record<string, F>>, name: string): F {
  const functions = Object.hasOwn(calls, name) ? calls[name] : undefined;
  if (!functions) throw new Error(`there are no functions for the call "${name}"`);
  return functions;
}
