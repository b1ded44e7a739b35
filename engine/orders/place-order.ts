/** `order.place` on one shard: decide about every line and the money, then record it all in one turn. */

import type { Account } from "../../actors/account.js";
import { ofTotal, totalView } from "../../actors/adjustments.js";
import { Facts, type Line } from "../../actors/facts.js";
import { keyedMethods } from "../../actors/keyed-methods.js";
import { currencyCode } from "../../actors/money.js";
import { deadlines } from "../../actors/order.js";
import { orderDataOf, orderDataText } from "../../actors/order-data.js";
import { orderNumber, slotOf } from "../../actors/order-number.js";
import type { OrderTotal } from "../../actors/order-total.js";
import { nextByPaid, Statuses } from "../../actors/order-transitions.js";
import { decideTake, type Product } from "../../actors/product.js";
import { type Refusal, refuse } from "../../actors/results.js";
import { beginCrossShard, crosses, isSaga } from "../cross-shard/cross-shard.js";
import type { LineInput, PlaceOrder } from "../seams/commands.js";
import type { OrderLineView } from "../seams/requester.js";
import { spaces } from "../tables/key-table.js";
import { answerOrder, answerRefusal } from "../turns/answers.js";
import { keepOrder, keepRefusal, settledByKey } from "../turns/exactly-once.js";
import { nameRefused } from "../turns/name-account.js";
import { type AmountForm, ParamsHash } from "../turns/params-hash.js";
import type { Turn } from "../turns/turn.js";
import { adjustmentsAsked, partsOf, recordAdjusted, refuseAdjustments } from "./adjust.js";
import {
  addSubtotal,
  type Decided,
  decideMoney,
  type Failure,
  mayBegin,
  mergeLines,
  payWithinMs,
  refuseCart,
} from "./cart.js";
import { describeOrder, nameOperator } from "./order-moves.js";
import { grantPoints } from "./points.js";
import { decideQuoted, type QuotedLine } from "./quote.js";

const method = keyedMethods["order.place"];
const hash = new ParamsHash();

export function placeOrder(turn: Turn, command: PlaceOrder): void {
  const lines = refuseIdle(command) ?? mergeLines(command.lines);
  const account = turn.books.accountByName.get(command.account);
  const paramsHash = hashOf(command, "normal");
  if ("code" in lines) {
    // Version 0.1.0 took such requests: under the key of one may stand its answer.
    if (isUsed(turn, account, command.key)) settledByPlaceKey(turn, command, account, paramsHash);
    else answerRefusal(turn, command, lines);
    return;
  }
  if (settledByPlaceKey(turn, command, account, paramsHash)) return;

  const asked = adjustmentsAsked(lines, command.adjustments);
  const crossing = turn.shards > 1 && crosses(turn, lines);
  const begins =
    !command.dryRun && (crossing || isSaga(command)) && mayBegin(account, command.expectedTotal, asked);
  if (begins) {
    beginCrossShard(turn, command, lines, asked, paramsHash);
    return;
  }
  if (crossing) {
    turn.askDeferred({ ...command, lines: [...lines] }, (quotes) => answerQuoted(turn, command, quotes));
    return;
  }
  const cart = decideCart(turn, account, command, lines, asked);
  if (command.dryRun) answerDryRun(turn, command, cart);
  else if (!("total" in cart)) refuseUnderKey(turn, command, cart, paramsHash);
  else recordPlacement(turn, command, account!, cart, paramsHash);
}

/** What the request says and cannot mean: an order is held, or it is paid as it is placed. */
function refuseIdle(command: PlaceOrder): Refusal | undefined {
  const { pay, mode, payWithinMs } = command;
  if (pay === "later" && mode === "saga") return idleMode;
  if (pay === "balance" && payWithinMs !== undefined) return idleHold;
  return refuseAdjustments(command);
}

const idleMode = refuse("invalid_request", { path: "params.mode", reason: "only with pay: balance" });
const idleHold = refuse("invalid_request", { path: "params.payWithinMs", reason: "only with pay: later" });

function isUsed({ books }: Turn, account: Account | undefined, key: string): boolean {
  return account !== undefined && books.keys.find(spaces.order, account.handle, key) >= 0;
}

function settledByPlaceKey(
  turn: Turn,
  command: PlaceOrder,
  account: Account | undefined,
  paramsHash: number,
): boolean {
  const { key, at, expectedTotal } = command;
  const writtenHash = expectedTotal === undefined ? paramsHash : hashOf(command, "written");
  return settledByKey(turn, command, account, key, paramsHash, at, writtenHash);
}

/** A cart that nothing stands against. */
interface Cart {
  readonly lines: readonly Line[];
  readonly total: number;
  readonly paid: boolean;
  readonly adjusted: OrderTotal | undefined;
}

function decideCart(
  turn: Turn,
  account: Account | undefined,
  command: PlaceOrder,
  wanted: readonly LineInput[],
  adjustments: string,
): Cart | Refusal {
  const failures: Failure[] = [];
  const lines: Line[] = [];
  let total: number | undefined = 0;
  const opened = account && account.currency >= 0 ? account : undefined;
  if (!opened) failures.push({ refusal: refuse("account_not_found", { account: command.account }) });
  for (const { product: id, qty } of wanted) {
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
  const decided = decideMoney(
    opened,
    lines,
    total,
    adjustments,
    command.expectedTotal,
    command.pay === "balance",
  );
  if ("code" in decided) failures.push({ refusal: decided });
  if (failures.length > 0) return refuseCart(failures);
  const { total: sum, paid, adjusted } = decided as Decided;
  return { lines, total: sum, paid, adjusted };
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
  nameOperator(turn, order, command.operator);
  describeOrder(turn, order, account.handle, command.ref ?? "", orderDataText(command));
  recordAdjusted(turn, order, account.handle, account.currency, cart.adjusted);
  if (cart.paid)
    turn.record({ type: Facts.moneyCaptured, account: account.handle, order, amount: cart.total });
  if (cart.paid) grantPoints(turn, order, "paid");
  keepOrder(turn, account.handle, command.key, method, paramsHash, command.at, order);
  answerOrder(turn, command, order);
}

const paidAlready = { payBy: 0, expiresAt: 0 };

/** A refusal is kept under the key even for an account that was never opened: a late retry must not run after all. */
function refuseUnderKey(turn: Turn, command: PlaceOrder, refusal: Refusal, paramsHash: number): void {
  const account = nameRefused(turn, command.account);
  if ("code" in account) {
    answerRefusal(turn, command, account);
    return;
  }
  keepRefusal(turn, spaces.order, account.handle, command.key, method, paramsHash, command.at, refusal);
  answerRefusal(turn, command, refusal);
}

function hashOf(command: PlaceOrder, form: AmountForm): number {
  hash.begin(method);
  for (const line of command.lines) hash.text(line.product).number(line.qty);
  return hash
    .text(command.pay)
    .text(command.mode)
    .number(command.payWithinMs)
    .amount(command.expectedTotal, form)
    .added(command.operator)
    .added(command.ref === undefined ? undefined : `ref ${command.ref}`)
    .added(orderDataText(command) || undefined)
    .added(adjustmentsAsked(command.lines, command.adjustments) || undefined)
    .end();
}

/** What would happen. Nothing is recorded and no key is used. */
function answerDryRun(turn: Turn, command: PlaceOrder, cart: Cart | Refusal): void {
  if (!("total" in cart)) {
    answerRefusal(turn, command, cart);
    return;
  }
  const account = turn.books.accountByName.get(command.account)!;
  const lines = cart.lines.map(({ product: handle, qty, unitPrice }) => {
    const product = turn.books.products[handle]!;
    return { product: product.id, name: product.name, qty, unitPrice, subtotal: unitPrice * qty };
  });
  answerUnplaced(turn, command, lines, cart, account.currency);
}

/**
 * A cart across shards that is not begun: a dry run, or one that cannot come about whatever its products say. Which of all that
 * stands against it comes first, they have a say in; and meanwhile its key may have been used, or its account opened.
 */
function answerQuoted(turn: Turn, command: PlaceOrder, quotes: object): void {
  const decided =
    "code" in quotes ? (quotes as Refusal) : decideQuoted(turn, command, (quotes as Quotes).lines);
  if (!command.dryRun) {
    const account = turn.books.accountByName.get(command.account);
    const paramsHash = hashOf(command, "normal");
    const adjustments = adjustmentsAsked(command.lines, command.adjustments);
    if (mayBegin(account, command.expectedTotal, adjustments)) placeOrder(turn, command);
    else if (!settledByPlaceKey(turn, command, account, paramsHash))
      refuseUnderKey(turn, command, decided as Refusal, paramsHash);
  } else if ("code" in decided) answerRefusal(turn, command, decided);
  else answerUnplaced(turn, command, decided.lines, decided, decided.currency);
}

interface Quotes {
  readonly lines: readonly QuotedLine[];
}

/** The answer of the order that is not made. */
function answerUnplaced(
  turn: Turn,
  command: PlaceOrder,
  lines: readonly OrderLineView[],
  { total, paid, adjusted }: Decided,
  currency: number,
): void {
  const made = adjusted && partsOf(adjusted);
  const status = paid ? "Paid" : "Created";
  const view = {
    order: "",
    status,
    version: 0,
    account: command.account,
    lines: made ? lines.map((line, index) => ofTotal(line, made.parts[index]!)) : lines,
    total,
    currency: currencyCode(currency),
    amountPaid: paid ? total : 0,
    amountRefunded: 0,
    payBy: paid ? 0 : turn.nowMs + payWithinMs(turn, command),
    createdAt: turn.nowMs,
    next: nextByPaid(Statuses[status], status === "Paid" ? total : 0, 0),
    more: {
      ...orderDataOf(command.ref ?? "", orderDataText(command)),
      ...(made && totalView(made.parts, made.applied, currency)),
    },
  };
  command.requester.order(command.id, view, false);
  turn.touch(command.requester);
}
