/**
 * The end of the world, from outside: what can be read at last, against what clients were told on the way.
 *
 * AUDIT-BOOKS-1  Every request that could be repeated has an answer; what was answered 200 is there, once; what was refused is not.
 * AUDIT-BOOKS-2  A wallet holds what came in and what came back, less what went out and what its paid orders cost, to the cent; points
 *                are what was granted, less what was taken back and spent. What providers took and gave back is what their own books say.
 * AUDIT-BOOKS-3  available + held + sold = supplied; nothing is held; sold is what the paid orders bought and did not return.
 * AUDIT-BOOKS-4  An order is whole: paid, and every one of its lines is sold or came back; or canceled, and none is sold.
 * AUDIT-BOOKS-5  Every order rests where it may rest, every refund has ended or somebody looks after it, and nothing is left that would
 *                happen next.
 */

import { minorOf } from "./amounts.js";
import { type Audit, show } from "./audit.js";
import { Money } from "./audit-ledger.js";
import { viewOf } from "./audit-orders.js";
import { endedTransaction } from "./audit-transactions.js";
import { runsYet } from "./audit-transactions-end.js";
import type { Answer, Operation, PlacedOrder, Slot } from "./operation.js";
import { called, providerNames } from "./providers.js";
import { type OrderStory, type Stories, storiesOf } from "./stories.js";
import type { TransactionLog } from "./transaction-log.js";
import type { World } from "./world.js";

export function auditBooks(world: World, reads: readonly Operation[], transactions: TransactionLog): void {
  const { audit } = world;
  const stories = storiesOf(audit, world.inspector.followers, transactions.fences.transfers);
  expectAnswers(world, transactions);
  expectOrders(audit, stories, reads);
  expectWallets(audit, stories, reads, transactions);
  expectStock(audit, stories, reads, transactions);
  expectSpent(audit, stories);
  expectFeedOfRefunds(audit, stories);
  const money = new Money(world);
  money.expectWhole();
  expectProviders(world, money);
  for (const operation of reads)
    if (operation.method === "order.lookup") expectLookup(audit, operation, transactions);
  expectRest(world, stories);
}

function expectAnswers({ clients, audit }: World, transactions: TransactionLog): void {
  for (const client of clients) {
    for (const operation of client.operations.values()) {
      const open = !operation.left && !operation.once && operation.method !== "feed.subscribe";
      const waits = open && operation.params.wait === true && runsYet(transactions, operation);
      audit.expect(!open || waits || operation.sentAt < 0, operation, undefined, "there was never an answer");
    }
  }
}

function expectOrders(audit: Audit, stories: Stories, reads: readonly Operation[]): void {
  const { model } = audit;
  const unexplained = new Map<string, number>();
  for (const [id, story] of stories.orders) {
    if (story.account === "" || model.orders.has(id)) continue;
    unexplained.set(story.account, (unexplained.get(story.account) ?? 0) + 1);
  }
  for (const [account, count] of unexplained) {
    const unknown = [...model.slots.values()].filter(
      (slot) => slot.subject === account && mayHavePlaced(slot),
    );
    if (count > unknown.length)
      audit.violation(
        `${account}: ${count} orders that nobody was told of, ${unknown.length} unanswered requests`,
      );
  }
  for (const [id, known] of model.orders) {
    const story = stories.orders.get(id);
    if (!story || story.account !== known.view.account)
      audit.violation(`${id} was answered, and is in no feed`);
    const { paid, total, life } = story!;
    if (known.paid && !paid) audit.violation(`${id} was paid, and is ${life.status}`);
    if (known.canceled && life.status !== "Canceled" && !known.asked.has("reinstate"))
      audit.violation(`${id} was canceled, and is ${life.status}`);
    if (paid && !known.paid && !mayHavePaid(audit, id))
      audit.violation(`${id} is paid, and nobody has paid it`);
    if (total !== known.view.total) audit.violation(`${id} costs ${total} in the feed`);
    expectWhole(audit, id, story!, paid ? known.units : undefined);
  }
  for (const [id, story] of stories.orders) {
    if (story.account === "") expectWhole(audit, id, story, undefined);
    else if (story.life.status === "Created" || story.life.status === "to be paid")
      audit.violation(`${id} has not ended: ${story.life.status}`);
  }
  for (const operation of reads) {
    if (operation.method !== "order.get") continue;
    const view = viewOf(operation.received!.result as object);
    const story = stories.orders.get(operation.params.order as string)!;
    const { life, paid, outside } = story;
    const expect = (condition: boolean, what: string) =>
      audit.expect(condition, operation, operation.received, what);
    expect(view.status === life.status, `the feed says ${life.status}`);
    expect(
      view.amountPaid === (paid ? story.total : outside),
      `the feed says paid: ${paid}, from outside ${outside}`,
    );
  }
}

/** AUDIT-BOOKS-4. `units` undefined: nothing may be sold. */
function expectWhole(
  audit: Audit,
  id: string,
  story: OrderStory,
  units: ReadonlyMap<string, number> | undefined,
): void {
  for (const [product, { held, sold, returned }] of story.stock) {
    if (held !== 0) audit.violation(`${id} still holds ${held} of ${product}`);
    if (units ? sold + returned !== (units.get(product) ?? 0) : sold !== 0)
      audit.violation(`${id}: ${sold} of ${product} sold, of ${show(units)}`);
  }
  for (const [product, qty] of units ?? []) {
    if (!story.stock.has(product)) audit.violation(`${id} is paid, and none of ${qty} ${product} is sold`);
  }
}

function mayHavePlaced(slot: Slot): boolean {
  if (slot.kind !== "order" || slot.settledBy) return false;
  return slot.variants.some(({ cart, counted }) => cart !== undefined && counted);
}

function mayHavePaid({ model }: Audit, order: string): boolean {
  if (model.orders.get(order)!.asked.has("retry")) return true;
  for (const slot of model.slots.values()) {
    if (slot.settledBy || !slot.forgotten) continue;
    if (slot.variants.some(({ method, params }) => method === "order.pay" && params.order === order))
      return true;
  }
  return false;
}

function expectWallets(
  audit: Audit,
  stories: Stories,
  reads: readonly Operation[],
  { fences }: TransactionLog,
): void {
  const balances = new Map<string, bigint>();
  const add = (account: string, amount: number) => {
    balances.set(account, (balances.get(account) ?? 0n) + BigInt(amount));
  };
  /** Deposits that were refused, because their account was not open yet: that is not kept, so a late copy may have been done. */
  const perhaps = new Map<string, bigint[]>();
  for (const { kind, subject, settledBy, stored, variants } of audit.model.slots.values()) {
    if (kind !== "money") continue;
    if (!settledBy) {
      const late = variants.filter(({ method, received }) => {
        return method === "account.deposit" && received?.code === "account_not_found";
      });
      perhaps.set(subject, [...(perhaps.get(subject) ?? []), ...late.map(({ amount }) => BigInt(amount))]);
      continue;
    }
    if ((JSON.parse(stored) as Answer).code !== "ok") continue;
    if (settledBy.method === "points.spend") continue;
    add(subject, settledBy.method === "account.deposit" ? settledBy.amount : -settledBy.amount);
  }
  for (const { account, paid, total, outside } of stories.orders.values())
    if (paid) add(account, outside - total);
  for (const [account, amount] of stories.back) add(account, amount);
  for (const [account, amount] of fences.wallets) add(account, amount);
  for (const operation of reads) {
    if (operation.method !== "account.get") continue;
    const account = operation.params.account as string;
    const { available, held, currency, points } = operation.received!.result as {
      available: string;
      held: string;
      currency: string;
      points: number;
    };
    const has = stories.points.get(account) ?? 0;
    audit.expect(points === has, operation, operation.received, `${account} must have ${has} points`);
    if (points < 0) audit.world.coverage.hit("points owed");
    const expected = balances.get(account) ?? 0n;
    const found = BigInt(minorOf(available, currency));
    const late = perhaps.get(account) ?? [];
    const right = found === expected || isSumWith(found, expected, late);
    audit.expect(right, operation, operation.received, `${account} must hold ${expected}`);
    const kept = fences.heldMoney.get(account) ?? 0;
    const says = minorOf(held, currency) === kept;
    audit.expect(says, operation, operation.received, `transactions hold ${kept} of ${account}`);
  }
}

/** Whether it is a sum with any of some amounts. Of many it is only seen that it is not less than none of them and not more than all. */
function isSumWith(found: bigint, sum: bigint, amounts: readonly bigint[]): boolean {
  if (amounts.length > 16) return found >= sum && found <= amounts.reduce((all, one) => all + one, sum);
  const sums = [sum];
  for (const amount of amounts) sums.push(...sums.map((one) => one + amount));
  return sums.includes(found);
}

function expectStock(
  audit: Audit,
  stories: Stories,
  reads: readonly Operation[],
  { fences }: TransactionLog,
): void {
  for (const operation of reads) {
    if (operation.method !== "product.get") continue;
    const id = operation.params.product as string;
    const product = audit.model.products.get(id)!;
    // Never made: a clock that jumped had ended its sale before.
    if (
      operation.received!.code === "product_not_found" &&
      product.created !== "sure" &&
      product.saleEndsAt > 0
    )
      continue;
    const stock = operation.received!.result as { available: number; held: number; sold: number };
    const expect = (condition: boolean, what: string) =>
      audit.expect(condition, operation, operation.received, what);
    const { sure, possible } = audit.model.ledger.of(`supply ${id}`);
    const units = stock.available + stock.held + stock.sold;
    const lost = audit.model.ledger.of(`lost ${id}`);
    expect(
      units >= sure - lost.possible && units <= possible - lost.sure,
      `${id}: supplied were ${sure}..${possible}`,
    );
    const kept = fences.heldUnits.get(id) ?? 0;
    expect(stock.held === kept, `${id}: transactions hold ${kept}`);
    const story = stories.products.get(id);
    expect(stock.sold === (story?.sold ?? 0), `${id}: the feed and transactions sold ${story?.sold}`);
    const told = story?.available ?? audit.model.products.get(id)!.stock;
    expect(stock.available === told, `${id}: the feed left ${told}`);
  }
  expectLimits(audit, stories, reads, fences.taken);
}

/** Nobody has bought more than the limit, and everybody may still take what is left of it. */
function expectLimits(
  audit: Audit,
  stories: Stories,
  reads: readonly Operation[],
  byTransactions: ReadonlyMap<string, number>,
): void {
  const bought = new Map(byTransactions);
  for (const { account, stock } of stories.orders.values()) {
    for (const [product, { sold }] of stock) {
      const name = `${account} ${product}`;
      bought.set(name, (bought.get(name) ?? 0) + sold);
      const { limit } = audit.model.products.get(product)!;
      if (limit > 0 && bought.get(name)! > limit)
        audit.violation(`${account} has bought ${bought.get(name)} of ${product}, the limit is ${limit}`);
    }
  }
  for (const operation of reads) {
    const { cart, received } = operation;
    if (!cart || (received!.code !== "ok" && received!.code !== "limit_exceeded")) continue;
    const { product, qty } = cart.lines[0]!;
    const { limit } = audit.model.products.get(product)!;
    const used = bought.get(`${cart.account} ${product}`) ?? 0;
    const over = used + qty > limit;
    const what = `${used} are bought of the ${limit} that one may have`;
    audit.expect(over === (received!.code === "limit_exceeded"), operation, received, what);
    audit.world.coverage.hit(over ? "limit tried at the end, over it" : "limit tried at the end, within it");
  }
}

/** `order.lookup` says what the key's request was answered, as long as the key is kept. */
function expectLookup(audit: Audit, operation: Operation, transactions: TransactionLog): void {
  const answer = operation.received!;
  const { account, key } = operation.params;
  const slot = audit.model.slots.get(`order ${account} ${key}`)!;
  const expect = (condition: boolean, what: string) => audit.expect(condition, operation, answer, what);
  const found = answer.result as {
    state: string;
    result?: PlacedOrder;
    error?: { code: string; details: unknown };
  };
  const runs = slot.variants.some((variant) => runsYet(transactions, variant));
  expect((found.state === "running") === runs, runs ? "its transaction runs yet" : "a key is still running");
  if (runs) return;
  if (found.state === "never_seen") {
    expect(!slot.settledBy || audit.world.keysMayBeGone, `was answered ${slot.stored}`);
    if (slot.settledBy) audit.expectForgettable(slot, operation, answer);
    return;
  }
  expect(!slot.forgotten, "a forgotten key is known again");
  // Whoever did not wait was told only that it runs; whoever saw its end looked at it.
  if (!slot.settledBy && slot.begunBy) {
    expect(
      endedTransaction({ code: "ok", result: found.result, replayed: false }),
      "a transaction's key without its end",
    );
    return;
  }
  if (!slot.settledBy) {
    expect(
      slot.variants.some(({ once }) => once) || slot.maybeStored,
      "found, and every request under the key was refused unstored",
    );
    return;
  }
  const stored = JSON.parse(slot.stored) as Answer;
  if (slot.settledBy.transaction && stored.code === "ok") {
    expect(show(found.result) === show(stored.result), `was answered ${slot.stored}`);
  } else if (stored.code === "ok") {
    const said = viewOf(orderOf(stored.result as object));
    const now = viewOf(orderOf(found.result as object));
    expect(now.order === said.order && now.status === said.status, `was answered ${slot.stored}`);
    expect(
      now.version === said.version && now.amountRefunded === said.amountRefunded,
      `was answered ${slot.stored}`,
    );
  } else {
    const same = found.error?.code === stored.code && show(found.error.details) === show(stored.details);
    expect(same, `was refused ${slot.stored}`);
  }
}

/** The order of a result that may have something beside it. */
function orderOf(result: object): object {
  const { order } = result as { order?: object | string };
  return typeof order === "object" ? order : result;
}

/** What was spent is what clients were told, and what nobody was told. */
function expectSpent(audit: Audit, stories: Stories): void {
  const { accounts, ledger } = audit.model;
  for (const account of accounts.keys()) {
    const { sure, possible } = ledger.of(`spent ${account}`);
    const spent = stories.spent.get(account) ?? 0;
    if (spent < sure || spent > possible)
      audit.violation(`${account} has spent ${spent} points, of ${sure}..${possible}`);
  }
}

/** The feed ends a refund as its answers did. */
function expectFeedOfRefunds(audit: Audit, stories: Stories): void {
  for (const [id, { end }] of stories.refunds) {
    const known = audit.model.refunds.get(id);
    if (known && known.end !== "" && known.end !== end)
      audit.violation(`${id} was answered to be ${known.end}, and the feed says ${end || "open"}`);
  }
}

/** AUDIT-BOOKS-2, at the providers: what they took is what was told and booked, what they gave back is what the ledger says. */
function expectProviders(world: World, money: Money): void {
  const { audit, providers } = world;
  const told = new Map<string, number>();
  for (const { kind, settledBy, stored } of audit.model.slots.values()) {
    if (kind !== "payment" || !settledBy || (JSON.parse(stored) as Answer).code !== "ok") continue;
    const name = `${settledBy.params.provider} ${settledBy.params.currency}`;
    told.set(name, (told.get(name) ?? 0) + settledBy.amount);
  }
  for (const provider of providerNames) {
    for (const currency of ["CNY", "JPY"]) {
      const taken = told.get(`${provider} ${currency}`) ?? 0;
      const booked = money.received.get(`${provider} ${currency}`) ?? 0;
      if (taken !== booked) audit.violation(`${provider} took ${taken} ${currency}, and ${booked} is booked`);
      if (provider === "cash") continue;
      const back = money.balance(`clearing:${provider}`, currency) + booked;
      const given = providers.givenBack(provider, currency);
      if (given !== back)
        audit.violation(`${provider} gave ${given} ${currency} back, the ledger says ${back}`);
    }
  }
  for (const [id, { provider, silent, fate }] of providers.refunds) {
    if (provider !== called || silent) continue;
    const { state } = money.refund(id)!;
    if (fate === "executed" && state !== "done")
      audit.violation(`${called} has paid ${id}, and it is ${state}`);
  }
}

/** AUDIT-BOOKS-5, seen from inside. */
function expectRest({ hosts, audit, requests }: World, stories: Stories): void {
  const live = (shard: number) => {
    let count = 0;
    for (const [order, { account, life, archived }] of stories.orders) {
      if (account === "" || archived || life.status === "Canceled" || life.status === "Refunded") continue;
      if (requests.shardOf({ method: "order.get", order }) === shard) count++;
    }
    return count;
  };
  for (const { shard, number } of hosts) {
    const { pending, branches, outboxes } = shard!.books;
    const liveOrders = shard!.books.liveOrders - live(number);
    const unacked = [...outboxes.outboxes.values()].reduce((sum, outbox) => sum + outbox.unacked.length, 0);
    if (pending.size + branches.byName.size + unacked + liveOrders === 0) continue;
    audit.violation(
      `shard ${number} does not rest: ${pending.size} pending, ${branches.byName.size} branches, ` +
        `${unacked} messages, ${liveOrders} live orders`,
    );
  }
}
