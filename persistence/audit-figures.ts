/** The figures of a certificate: what all shards hold together, in sums that are exact at any size. */

import { currencyCode, formatMinor, scaleOf } from "../actors/money.js";
import { statuses } from "../actors/order-transitions.js";
import type { ShardAudit } from "./audit-shard.js";
import { ExactSum } from "./exact-sum.js";

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
  /** What the whole ledger sums to, by currency: "0.00" or there is something wrong. */
  readonly ledgerDifference: Readonly<Record<string, string>>;
}

/** `units`: what the ledger sums to, by unit. */
export function figuresOf(
  books: readonly ShardAudit[],
  facts: number,
  units: ReadonlyMap<string, bigint>,
): AuditFigures {
  const products = books.flatMap((shard) => shard.stock.products.filter(({ remote }) => !remote));
  const wallets = new Map<string, ExactSum>();
  const orders = new Map<string, bigint>();
  const byStatus: Record<string, number> = {};
  for (const shard of books) {
    for (const { currency, available } of shard.ledger.accounts)
      if (currency >= 0) sumOf(wallets, currency).add(available);
    for (const [currency, sum] of shard.ledger.captured)
      orders.set(currency, (orders.get(currency) ?? 0n) + sum.value);
    for (const [status, count] of shard.orders.byStatus) {
      byStatus[statuses[status]!] = (byStatus[statuses[status]!] ?? 0) + count;
    }
  }
  const sum = (of: (product: (typeof products)[number]) => number) =>
    products.reduce((s, product) => s + of(product), 0);
  return {
    facts,
    accounts: books.reduce(
      (s, shard) => s + shard.ledger.accounts.filter(({ currency }) => currency >= 0).length,
      0,
    ),
    products: products.length,
    orders: books.reduce((s, shard) => s + shard.orders.count, 0),
    byStatus,
    soldUnits: sum(({ sold }) => sold),
    heldUnits: sum(({ held }) => held),
    availableUnits: sum(({ available }) => available),
    inWallets: decimals([...wallets].map(([currency, { value }]) => [currency, value])),
    inOrders: decimals([...orders]),
    ledgerDifference: decimals([...units].filter(([unit]) => !unit.startsWith("unit:"))),
  };
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
