/** Answers to `order.place`: what was placed is what was asked for, and every refusal has a reason that can be true. */

import { type SlowAdjustment, slowParts, sumOf } from "../support/slow-total.js";
import { decimal, digitsOf, minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import { balanceBounds, bounds } from "./audit-answers.js";
import type { Answer, Operation, PlacedOrder } from "./operation.js";
import { nextOf } from "./order-life.js";

/** The order of precedence, as the documents say it. */
const precedence = [
  "product_not_found",
  "account_not_found",
  "amount_overflow",
  "currency_mismatch",
  "product_delisted",
  "sale_not_started",
  "sale_ended",
  "price_changed",
  "limit_exceeded",
  "insufficient_stock",
  "insufficient_funds",
  "hold_expired",
];

/** Said before the cart is looked at. */
const early = new Set([
  ...["overloaded", "deadline_exceeded", "key_reused", "key_too_old", "invalid_request"],
  ...["token_unknown", "token_expired"],
]);

export function checkPlaced(audit: Audit, operation: Operation, answer: Answer, clock: number): void {
  const { model, world } = audit;
  const { coverage, plan, hosts } = world;
  const cart = operation.cart!;
  const view = answer.result as PlacedOrder;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const account = model.accounts.get(cart.account);
  expect(account !== undefined && account.opened !== "no", "the account cannot be there");
  expect(view.account === cart.account && view.currency === account!.currency, "another account or currency");
  expect(view.lines.length === cart.units.size, "not one line for each product");
  if (cart.units.size < cart.lines.length) coverage.hit("lines merged");
  const asked = [...cart.units];
  let total = 0;
  view.lines.forEach((line, index) => {
    const product = model.products.get(line.product);
    expect(product !== undefined && product.created !== "no", "the product cannot be there");
    expect(line.product === asked[index]![0] && line.qty === asked[index]![1], "not what was asked for");
    expect(product!.currency === account!.currency && product!.names.has(line.name), "the wrong product");
    expect(product!.prices.has(line.unitPrice), "a price that nobody has set");
    expect(line.subtotal === line.unitPrice * line.qty, "a subtotal that is not price by quantity");
    if (product!.saleStartsAt > 0) {
      const sellers = !cart.crossing ? [hosts[operation.shard]!] : hosts;
      const latest = Math.max(...sellers.map((seller) => seller.clockMax));
      expect(latest / 1000 + 2 >= product!.saleStartsAt, "the sale has not started");
    }
    if (!cart.crossing && product!.saleEndsAt > 0)
      expect(view.createdAt < product!.saleEndsAt, "the sale has ended");
    total += line.subtotal;
  });
  const { adjustments } = operation.params as { adjustments?: SlowAdjustment[] };
  if (adjustments) {
    const bases = view.lines.map((line) => line.subtotal);
    const parts = slowParts(bases, adjustments, digitsOf(view.currency));
    total = Number(sumOf(parts));
    const told = view.lines.map((line) => line.total);
    expect(
      told.every((share, line) => BigInt(share!) === parts[line]),
      `the lines have not ${parts.join(", ")}`,
    );
    coverage.hit("total adjusted");
    if (total === 0) coverage.hit("total adjusted to nothing");
  }
  const paid = cart.pay === "balance" || total === 0;
  expect(view.total === total, `the total is not ${total}`);
  expect(cart.expectedTotal === undefined || cart.expectedTotal === total, "not the expected total");
  expect(view.status === (paid ? "Paid" : "Created"), "the wrong status");
  expect(view.amountPaid === (paid ? total : 0), "paid is not what the status says");
  const next = nextOf(view.status, view.amountPaid, 0);
  expect(JSON.stringify(view.next) === JSON.stringify(next), "other events are next");
  if (!answer.replayed && cart.crossing && cart.mode === "saga" && cart.pay === "balance")
    coverage.hit("order placed step by step");
  checkPayBy(audit, operation, answer, view, paid);
  if (cart.dryRun) coverage.hit("dry run");
  else if (!answer.replayed && !paid)
    expect(clock < (view.payBy + plan.settings.graceMs) * 1000, "placed when its hold had ended");
  if (!answer.replayed && paid && cart.crossing) coverage.hit("order across shards paid");
}

function checkPayBy(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  view: PlacedOrder,
  paid: boolean,
): void {
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (paid) {
    expect(view.payBy === 0, "paid, and due");
    return;
  }
  const within = operation.cart!.payWithinMs ?? audit.world.plan.settings.payWithinMs;
  // Across shards the hold begins when the first message is sent, and the order is made when the last has come.
  const exact = !operation.cart!.crossing;
  const late = view.createdAt + within - view.payBy;
  expect(exact ? late === 0 : late >= 0, "payBy is not what was asked for");
}

export function checkCartRefusal(audit: Audit, operation: Operation, answer: Answer): void {
  const { model, world } = audit;
  const { code, details } = answer;
  const cart = operation.cart!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  if (early.has(code)) return;
  expect(precedence.includes(code), "a refusal that no cart can get");
  const lines = (details?.lines ?? []) as { product: string; code: string; [more: string]: unknown }[];
  for (const line of lines) {
    expect(cart.units.has(line.product), "refused for a product that is not in the cart");
    expect(precedence.indexOf(line.code) >= precedence.indexOf(code), "not the first in precedence");
    checkLine(audit, operation, answer, line);
  }
  // A saga is refused by one line, and the lines behind it are never asked.
  const named = cart.mode === "saga" && cart.pay === "balance" && lines.length > 0 ? [] : cart.units.keys();
  for (const product of named) {
    if (model.products.has(product) || code === "account_not_found" || code === "hold_expired") continue;
    expect(code === "product_not_found", "an unknown product is not named");
  }
  if (lines.length > 1) world.coverage.hit("cart refused in more than one line");
  if (cart.crossing && !answer.replayed) world.coverage.hit("order across shards refused");
  const account = model.accounts.get(cart.account);
  if (code === "account_not_found") {
    expect(!operation.before.has(`open ${cart.account}`), "the account was there");
  } else if (code === "price_changed") {
    const total = minorOf(details!.total, account!.currency);
    expect(details!.expectedTotal === decimal(cart.expectedTotal!, account!.currency), "another expectation");
    expect(total !== cart.expectedTotal, "the total is the expected one");
    expect(total <= cart.costMax, `the total is not possible: at most ${cart.costMax}`);
  } else if (code === "insufficient_funds") {
    const balance = balanceBounds(audit, operation, cart.account, true);
    const available = minorOf(details!.available, account!.currency);
    expect(cart.pay === "balance", "nothing was to be paid");
    expect(available >= balance.low && available <= balance.high, `available not in ${bounds(balance)}`);
    expect(available < minorOf(details!.due, account!.currency), "the money was there");
  } else if (code === "hold_expired") {
    if (!answer.replayed) world.coverage.hit("pending order expired");
    expect(cart.crossing, "an order of one shard waits for nobody");
  } else {
    expect(lines.length > 0 || code === "amount_overflow", "no line is named");
  }
}

function checkLine(
  audit: Audit,
  operation: Operation,
  answer: Answer,
  line: { product: string; code: string; [more: string]: unknown },
): void {
  const { model, world } = audit;
  const cart = operation.cart!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const product = model.products.get(line.product);
  const qty = cart.units.get(line.product)!;
  if (line.code === "product_not_found") {
    expect(!operation.before.has(`create ${line.product}`), "the product was there");
    return;
  }
  expect(product !== undefined && product.created !== "no", "the product cannot be there");
  const { ledger } = model;
  const supply = ledger.since(operation.before, `supply ${line.product}`);
  const taken = ledger.since(operation.before, `taken ${line.product}`);
  const latest = Math.max(...world.hosts.map((host) => host.clockMax)) / 1000;
  switch (line.code) {
    case "product_delisted":
      expect(product!.mayBeDelisted, "nobody has taken it off sale");
      world.coverage.hit("product off sale");
      break;
    case "insufficient_stock": {
      const available = line.available as number;
      expect(available >= 0 && available < qty, "the stock was there");
      // What this order itself would have taken is in the bound, and it has taken nothing.
      const lost = ledger.since(operation.before, `lost ${line.product}`).high;
      const low = Math.max(0, supply.low - lost - (taken.high - (operation.counted ? qty : 0)));
      expect(available >= low && available <= supply.high, `available not in ${low}..${supply.high}`);
      break;
    }
    case "limit_exceeded": {
      const used = line.used as number;
      const mine = ledger.since(operation.before, `taken ${line.product} by ${cart.account}`).high;
      expect(line.limit === product!.limit && line.requested === qty, "another limit or quantity");
      expect(used + qty > product!.limit, "the limit was not reached");
      expect(used <= mine, `used ${used}, and only ${mine} were ever asked for`);
      if (used === product!.limit) world.coverage.hit("limit used up exactly");
      break;
    }
    case "sale_not_started":
      expect(product!.saleStartsAt > 0, "there is no start");
      expect(line.startsAt === new Date(product!.saleStartsAt).toISOString(), "another start");
      break;
    case "sale_ended":
      expect(product!.saleEndsAt > 0 && latest + 2 >= product!.saleEndsAt, "the sale goes on");
      break;
    case "currency_mismatch":
      expect(product!.currency !== model.accounts.get(cart.account)!.currency, "the currencies are the same");
      break;
    default:
      expect(false, "a line is refused for something that no line can be refused for");
  }
}
