/** After the sale: everything that can be asked through the socket is asked, so that the report assumes nothing. */

import { type Account, type Order, type Product, type Yifen, YifenError } from "../../client/client.js";
import type { Certificate } from "../../persistence/audit/audit.js";
import type { Plan } from "./plan.js";
import type { Receipts } from "./receipts.js";

export interface Seen {
  readonly products: readonly Product[];
  readonly accounts: readonly Account[];
  /** Every order that was answered to somebody or is in an account's list, as the engine has it now. */
  readonly orders: ReadonlyMap<string, Order>;
  /** Order numbers in each account's list. */
  readonly listed: ReadonlyMap<string, readonly string[]>;
  readonly audit: Audit;
}

/** What the engine's own audit found; or why there was none. */
export type Audit =
  | { readonly certificate: Certificate; readonly failure?: undefined }
  | { readonly certificate?: undefined; readonly failure: string };

const auditWithinMs = 60_000;
const pageSize = 500;

export async function inspect(plan: Plan, receipts: Receipts, connections: readonly Yifen[]): Promise<Seen> {
  const ask = spread(connections);
  const [products, accounts, lists] = await Promise.all([
    ask(plan.products, (yifen, { product }) => yifen.products.get(product)),
    ask(plan.buyers, (yifen, { account }) => yifen.accounts.get(account)),
    ask(plan.buyers, async (yifen, { account }) => [account, await listedOrders(yifen, account)] as const),
  ]);
  const listed = new Map(lists);
  const numbers = new Set([...listed.values()].flat());
  for (const { answers } of receipts.keys)
    for (const { order } of answers) if (order) numbers.add(order.order);
  const found = await ask([...numbers], findOrder);
  const orders = new Map(found.filter((order) => order !== undefined).map((order) => [order.order, order]));
  return { products, accounts, orders, listed, audit: await audit(connections[0]!) };
}

async function audit(yifen: Yifen): Promise<Audit> {
  try {
    return { certificate: (await yifen.audit({ timeoutMs: auditWithinMs })) as unknown as Certificate };
  } catch (error) {
    if (!(error instanceof YifenError)) throw error;
    return { failure: `${error.code}: ${String(error.details.reason ?? error.message)}` };
  }
}

async function listedOrders(yifen: Yifen, account: string): Promise<string[]> {
  const numbers: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await yifen.orders.list({ account, limit: pageSize, ...(cursor !== null && { cursor }) });
    for (const { order } of page.orders) numbers.push(order);
    cursor = page.cursor;
  } while (cursor !== null);
  return numbers;
}

async function findOrder(yifen: Yifen, order: string): Promise<Order | undefined> {
  try {
    return await yifen.orders.get(order);
  } catch (error) {
    if (error instanceof YifenError && error.code === "order_not_found") return undefined;
    throw error;
  }
}

/** Asks about many things over all connections, many at a time. */
function spread(connections: readonly Yifen[]) {
  return <T, R>(things: readonly T[], ask: (yifen: Yifen, thing: T) => Promise<R>): Promise<R[]> =>
    Promise.all(things.map((thing, index) => ask(connections[index % connections.length]!, thing)));
}
