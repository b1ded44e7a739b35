/** `order.place` on one shard: decide about every line and the money, then record it all in one turn. */

import type { Account } from "../actors/account.js";
import { canTakeMoney } from "../actors/account.js";
import { Facts, type Line } from "../actors/facts.js";
import { addChecked, currencyCode, formatAmount, multiplyChecked, parseAmount } from "../actors/money.js";
import { deadlines } from "../actors/order.js";
import { orderNumber, slotOf } from "../actors/order-number.js";
import { nextEvents, Statuses } from "../actors/order-transitions.js";
import { decideTake, type Product } from "../actors/product.js";
import { firstInPrecedence, type Refusal, refuse } from "../actors/results.js";
import { answerOrder, answerRefusal } from "./answers.js";
import type { LineAsked, PlaceOrder } from "./commands.js";
import { beginCrossing, crosses } from "./crossing.js";
import { keepOrder, keepRefusal, keyedMethods, settledByKey } from "./exactly-once.js";
import { spaces } from "./key-table.js";
import { ParamsHash } from "./params-hash.js";
import type { Turn } from "./turn.js";

const method = keyedMethods["order.place"];
const hash = new ParamsHash();

export function placeOrder(turn: Turn, command: PlaceOrder): void {
  const account = turn.books.accountByName.get(command.account);
  const paramsHash = hashOf(command);
  if (account && settledByKey(turn, command, account, command.key, paramsHash, command.at)) return;

  const lines = mergeLines(command.lines);
  if (turn.shards > 1 && crosses(turn, lines)) {
    beginCrossing(turn, command, lines, paramsHash);
    return;
  }
  const cart = decideCart(turn, account, command, lines);
  if (command.dryRun) answerDryRun(turn, command, cart);
  else if (!("total" in cart)) refuseUnderKey(turn, command, cart, paramsHash);
  else recordPlacement(turn, command, account!, cart, paramsHash);
}

/** A cart that nothing stands against. */
interface Cart {
  readonly lines: readonly Line[];
  readonly total: number;
  readonly paid: boolean;
}

function decideCart(
  turn: Turn,
  account: Account | undefined,
  command: PlaceOrder,
  asked: readonly LineAsked[],
): Cart | Refusal {
  const failures: Failure[] = [];
  const lines: Line[] = [];
  let total: number | undefined = 0;
  const opened = account && account.currency >= 0 ? account : undefined;
  if (!opened) failures.push({ refusal: refuse("account_not_found", { account: command.account }) });
  for (const { product: id, qty } of asked) {
    const product = turn.books.productByName.get(id);
    if (!product) {
      failures.push({ product: id, refusal: refuse("product_not_found") });
      continue;
    }
    const refusal = decideLine(product, opened, account, qty, turn.nowMs);
    if (refusal) failures.push({ product: id, refusal });
    total = addSubtotal(total, product.price, qty);
    lines.push({ product: product.handle, qty, unitPrice: product.price });
  }
  if (!opened) return refuseCart(failures);
  const paid = command.pay === "balance" || total === 0;
  const refusal = decideTotal(opened, total, command.expectedTotal, paid);
  if (refusal) failures.push({ refusal });
  return failures.length > 0 ? refuseCart(failures) : { lines, total: total!, paid };
}

function decideLine(
  product: Product,
  opened: Account | undefined,
  named: Account | undefined,
  qty: number,
  nowMs: number,
): Refusal | undefined {
  if (opened && product.currency !== opened.currency) return refuse("currency_mismatch");
  return decideTake(product, named?.handle, qty, nowMs);
}

/** What the money says to a cart: its sum, the caller's expectation, the account's balance. `total` undefined = overflow. */
export function decideTotal(
  account: Account,
  total: number | undefined,
  expectedTotal: string | undefined,
  paid: boolean,
): Refusal | undefined {
  if (expectedTotal !== undefined) {
    const expected = parseAmount(expectedTotal, account.currency);
    if (typeof expected !== "number") return expected;
    if (total !== undefined && expected !== total) {
      return refuse("price_changed", { expectedTotal, total: formatAmount(total, account.currency) });
    }
  }
  if (total === undefined) return refuse("amount_overflow");
  if (!paid || canTakeMoney(account, total)) return undefined;
  return refuse("insufficient_funds", {
    available: formatAmount(account.available, account.currency),
    due: formatAmount(total, account.currency),
  });
}

/** Adds a line to a sum; undefined once anything is over 2^53-1. */
export function addSubtotal(total: number | undefined, unitPrice: number, qty: number): number | undefined {
  const subtotal = multiplyChecked(unitPrice, qty);
  return total === undefined || subtotal === undefined ? undefined : addChecked(total, subtotal);
}

export interface Failure {
  /** Undefined when the failure is not of a line. */
  readonly product?: string;
  readonly refusal: Refusal;
}

/** One refusal for a cart: the first code in precedence, with every failing line named. */
export function refuseCart(failures: readonly Failure[]): Refusal {
  const first = firstInPrecedence(failures.map((f) => f.refusal))!;
  const lines = failures
    .filter((f) => f.product !== undefined)
    .map((f) => ({ product: f.product, code: f.refusal.code, ...f.refusal.details }));
  return refuse(first.code, lines.length > 0 ? { ...first.details, lines } : first.details);
}

function recordPlacement(
  turn: Turn,
  command: PlaceOrder,
  account: Account,
  cart: Cart,
  paramsHash: number,
): void {
  const { books } = turn;
  const order = orderNumber(books.orders.nextSequence, slotOf(account.id));
  const type = cart.paid ? Facts.stockSold : Facts.stockHeld;
  for (const { product, qty } of cart.lines) {
    const available = books.products[product]!.available - qty;
    turn.record({ type, product, order, account: account.handle, qty, available });
  }
  const due = cart.paid
    ? paidAlready
    : deadlines(turn.nowMs, payWithinMs(turn, command), turn.settings.graceMs);
  turn.record({
    type: Facts.orderPlaced,
    order,
    account: account.handle,
    currency: account.currency,
    total: cart.total,
    paid: cart.paid ? cart.total : 0,
    status: cart.paid ? Statuses.Paid : Statuses.Created,
    payBy: due.payBy,
    expiresAt: due.expiresAt,
    lines: cart.lines,
  });
  if (cart.paid)
    turn.record({ type: Facts.moneyCaptured, account: account.handle, order, amount: cart.total });
  keepOrder(turn, account.handle, command.key, method, paramsHash, command.at, order);
  answerOrder(turn, command, order);
}

const paidAlready = { payBy: 0, expiresAt: 0 };

export function payWithinMs(turn: Turn, command: PlaceOrder): number {
  return command.payWithinMs ?? turn.settings.payWithinMs;
}

/** A refusal is kept under the key even for an account that was never opened: a late retry must not run after all. */
function refuseUnderKey(turn: Turn, command: PlaceOrder, refusal: Refusal, paramsHash: number): void {
  const account = nameAccount(turn, command.account);
  keepRefusal(turn, spaces.order, account.handle, command.key, method, paramsHash, command.at, refusal);
  answerRefusal(turn, command, refusal);
}

/** The account of that name; named now if nobody asked for it before. */
export function nameAccount(turn: Turn, id: string): Account {
  const known = turn.books.accountByName.get(id);
  if (known) return known;
  turn.record({ type: Facts.accountNamed, id });
  return turn.books.accountByName.get(id)!;
}

/** Lines of the same product become one, at the place of the first. */
export function mergeLines(lines: readonly LineAsked[]): readonly LineAsked[] {
  if (lines.length === 1) return lines;
  const byProduct = new Map<string, number>();
  for (const { product, qty } of lines) byProduct.set(product, (byProduct.get(product) ?? 0) + qty);
  if (byProduct.size === lines.length) return lines;
  return [...byProduct].map(([product, qty]) => ({ product, qty }));
}

function hashOf(command: PlaceOrder): number {
  hash.begin(method);
  for (const line of command.lines) hash.text(line.product).number(line.qty);
  return hash
    .text(command.pay)
    .text(command.mode)
    .number(command.payWithinMs)
    .text(command.expectedTotal)
    .end();
}

/** What would happen: the answer of the order that is not made. Nothing is recorded and no key is used. */
function answerDryRun(turn: Turn, command: PlaceOrder, cart: Cart | Refusal): void {
  if (!("total" in cart)) {
    answerRefusal(turn, command, cart);
    return;
  }
  const account = turn.books.accountByName.get(command.account)!;
  const status = cart.paid ? "Paid" : "Created";
  const lines = cart.lines.map(({ product: handle, qty, unitPrice }) => {
    const product = turn.books.products[handle]!;
    return { product: product.id, name: product.name, qty, unitPrice, subtotal: unitPrice * qty };
  });
  command.requester.order(
    command.id,
    {
      order: "",
      status,
      version: 0,
      account: account.id,
      lines,
      total: cart.total,
      currency: currencyCode(account.currency),
      amountPaid: cart.paid ? cart.total : 0,
      amountRefunded: 0,
      payBy: cart.paid ? 0 : turn.nowMs + payWithinMs(turn, command),
      createdAt: turn.nowMs,
      next: nextEvents(Statuses[status]),
    },
    false,
  );
  turn.touch(command.requester);
}
