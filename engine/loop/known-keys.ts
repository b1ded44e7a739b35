/** Whether something stands under the key of a command: what the rows of keyed methods say of it. */

import { isArchived, placedOrder } from "../orders/look-order.js";
import { spaces } from "../tables/key-table.js";
import type { Turn } from "../turns/turn.js";

export function knownToAccount({ books }: Turn, { account, key }: { account: string; key: string }): boolean {
  const of = books.accountByName.get(account);
  return of !== undefined && books.keys.find(spaces.order, of.handle, key) >= 0;
}

/** Whose an archived order was, and so its key, the read side alone knows; but nothing moves it any more. */
export function knownToOrder(turn: Turn, { order, key }: { order: string; key: string }): boolean {
  const { books } = turn;
  const number = placedOrder(turn, order);
  if (number === undefined) return isArchived(turn, order);
  return books.keys.find(spaces.order, books.orders.account(number), key) >= 0;
}

export function knownToWallet({ books }: Turn, { account, ref }: { account: string; ref: string }): boolean {
  const of = books.accountByName.get(account);
  return of !== undefined && books.refs.find(spaces.money, of.handle, ref) >= 0;
}

export function knownToProduct(
  { books }: Turn,
  { product, ref }: { product: string; ref: string | undefined },
): boolean {
  const of = books.productByName.get(product);
  return of !== undefined && ref !== undefined && books.refs.find(spaces.stock, of.handle, ref) >= 0;
}

export function knownPayment(
  { books }: Turn,
  { provider, paymentId }: { provider: string; paymentId: string },
): boolean {
  return books.refs.find(spaces.payment, 0, `${provider}:${paymentId}`) >= 0;
}
