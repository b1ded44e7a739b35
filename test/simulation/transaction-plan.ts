/** What a simulated program's transaction is asked to do, and how the auditor understands it. The input says the whole plan. */

import type { PartSpec, PlanSpec } from "../../actors/transactions/plan.js";
import { minorOf } from "./amounts.js";

export interface SimulatedTransaction {
  readonly mode: "tcc" | "saga";
  readonly asked: readonly PartSpec[];
  /** Undefined = as long as the engine likes. */
  readonly deadlineMs: number | undefined;
  /** Why it cannot even begin; undefined = it can. */
  readonly flaw: "name" | "ask" | "names" | "amount" | undefined;
  readonly parts: readonly TransactionPart[];
}

/** One part as somebody does it: a move between two wallets is two of them. */
export interface TransactionPart {
  readonly name: string;
  readonly what: "call" | "stock" | "debit" | "credit";
  /** Product, or the account whose wallet it is; "" of a call. */
  readonly subject: string;
  readonly account: string;
  /** Units, or minor units. */
  readonly amount: number;
  readonly currency: string;
}

export const transactionName = "deal";

/** The seam of the shard: a pure function of the input. */
export function planOf(name: string, input: unknown): PlanSpec | undefined {
  if (name !== transactionName) return undefined;
  const { mode, parts } = input as PlanSpec;
  return { mode, parts };
}

/** What the parts come to, in the order in which they are begun. */
export function partsOf(asked: readonly PartSpec[], account: string): TransactionPart[] {
  return asked.flatMap((part): TransactionPart[] => {
    const { name } = part;
    if (part.kind === "call") {
      const currency = part.currency ?? "CNY";
      const amount = part.amount === undefined ? 0 : minorOf(part.amount, currency);
      return [{ name, what: "call", subject: "", account: "", amount, currency }];
    }
    if (part.kind === "stock") {
      const { product, qty } = part;
      const taker = part.account ?? account;
      return [{ name, what: "stock", subject: product, account: taker, amount: qty, currency: "CNY" }];
    }
    const { from, to, currency } = part;
    const amount = minorOf(part.amount, currency);
    const debit = { name, what: "debit", subject: from, account: from, amount, currency } as const;
    if (to === "revenue") return [debit];
    const receiver = to.slice("wallet:".length);
    return [debit, { ...debit, name: `${name}:to`, what: "credit", subject: receiver, account: receiver }];
  });
}

/** A part whose function no process has in its odd lives. */
export function isHomeless(part: string): boolean {
  return part.startsWith("n");
}
