/** The figures of a certificate: what all shards hold together, in sums that are exact at any size. */

import { currencyCode, formatMinor, scaleOf } from "../../actors/money.js";
import { statuses } from "../../actors/order-transitions.js";
import type { ShardAudit } from "./audit-shard.js";
import { type CurrencySums, ExactSum } from "./exact-sum.js";

export interface AuditFigures {
  readonly facts: number;
  readonly accounts: number;
  readonly products: number;
  readonly orders: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly soldUnits: number;
  readonly heldUnits: number;
  readonly availableUnits: number;
  /** By currency, decimal strings. */
  readonly inWallets: Readonly<Record<string, string>>;
  readonly inOrders: Readonly<Record<string, string>>;
  /** What went back, and what is asked to go back and has not yet. */
  readonly refunded: Readonly<Record<string, string>>;
  readonly payable: Readonly<Record<string, string>>;
  /** What came from outside and belongs to no order: a human is told of each. */
  readonly suspense: Readonly<Record<string, string>>;
  /** What archived orders have earned. */
  readonly revenue: Readonly<Record<string, string>>;
  readonly points: PointsFigures;
  /** Orders that are only in the read side any more. */
  readonly archived: number;
  readonly openRefunds: number;
  readonly openItems: number;
  /** What the whole ledger sums to, by currency: "0.00" or there is something wrong. */
  readonly ledgerDifference: Readonly<Record<string, string>>;
}

/** Whole numbers as text, for they may be larger than a safe integer. */
export interface PointsFigures {
  readonly granted: string;
  readonly reversed: string;
  readonly spent: string;
  /** What accounts have; those that owe some count as less than nothing. */
  readonly left: string;
}

/** `units`: what the ledger sums to, by unit. */
export function figuresOf(
  books: readonly ShardAudit[],
  facts: number,
  units: ReadonlyMap<string, bigint>,
): AuditFigures {
  const products = books.flatMap((shard) => shard.stock.products.filter(({ remote }) => !remote));
  const wallets = new Map<string, ExactSum>();
  const byStatus: Record<string, number> = {};
  for (const shard of books) {
    for (const { currency, available } of shard.ledger.accounts)
      if (currency >= 0) sumOf(wallets, currency).add(available);
    for (const [status, count] of shard.orders.byStatus) {
      byStatus[statuses[status]!] = (byStatus[statuses[status]!] ?? 0) + count;
    }
  }
  const sum = (of: (product: (typeof products)[number]) => number) =>
    products.reduce((s, product) => s + of(product), 0);
  const count = (of: (shard: ShardAudit) => number) => books.reduce((s, shard) => s + of(shard), 0);
  return {
    facts,
    accounts: count(({ ledger }) => ledger.accounts.filter(({ currency }) => currency >= 0).length),
    products: products.length,
    orders: count(({ orders }) => orders.count),
    byStatus,
    soldUnits: sum(({ sold }) => sold),
    heldUnits: sum(({ held }) => held),
    availableUnits: sum(({ available }) => available),
    inWallets: decimals([...wallets].map(([currency, { value }]) => [currency, value])),
    inOrders: decimals(total(books.map(({ ledger }) => ledger.inOrders))),
    refunded: decimals(total(books.map(({ refunds }) => refunds.done))),
    payable: decimals(total(books.map(({ refunds }) => refunds.payable))),
    suspense: decimals(total(books.map(({ payments }) => payments.suspense))),
    revenue: decimals(total(books.map(({ ledger }) => ledger.revenue))),
    points: pointsOf(books),
    archived: count(({ orders }) => orders.archivedCount),
    openRefunds: count(({ refunds }) => refunds.open.size),
    openItems: count(({ human }) => human.open.size),
    ledgerDifference: decimals([...units].filter(([unit]) => unit !== "points" && !unit.startsWith("unit:"))),
  };
}

function pointsOf(books: readonly ShardAudit[]): PointsFigures {
  const sum = (of: (shard: ShardAudit) => bigint) => String(books.reduce((s, shard) => s + of(shard), 0n));
  return {
    granted: sum(({ points }) => points.granted.value),
    reversed: sum(({ points }) => points.reversed.value),
    spent: sum(({ points }) => points.spent.value),
    left: sum(({ ledger }) => ledger.accounts.reduce((s, { points }) => s + BigInt(points), 0n)),
  };
}

/** By currency, of all shards together. */
function total(sums: readonly CurrencySums[]): [currency: string, sum: bigint][] {
  const all = new Map<string, bigint>();
  for (const one of sums)
    for (const [currency, sum] of one.entries()) all.set(currency, (all.get(currency) ?? 0n) + sum);
  return [...all];
}

function sumOf(sums: Map<string, ExactSum>, currency: number): ExactSum {
  const code = currencyCode(currency);
  const sum = sums.get(code) ?? new ExactSum();
  sums.set(code, sum);
  return sum;
}

function decimals(amounts: readonly (readonly [currency: string, minor: bigint])[]): Record<string, string> {
  return Object.fromEntries(
    amounts.map(([currency, minor]) => [currency, decimal(minor, scaleOf(currency))]),
  );
}

/** As `formatMinor`, for sums that may be larger than a safe integer. */
function decimal(minor: bigint, scale: number): string {
  if (minor >= -BigInt(Number.MAX_SAFE_INTEGER) && minor <= BigInt(Number.MAX_SAFE_INTEGER)) {
    return formatMinor(Number(minor), scale);
  }
  const digits = String(minor < 0n ? -minor : minor);
  const sign = minor < 0n ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
