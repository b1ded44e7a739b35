/**
 * The streams of all shards, read as stories: what every order and every product went through, step by step, and nothing that
 * cannot be. Streams do not tell what transactions move; the logs do, and by position it falls into its place.
 */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import type { Follower } from "./client.js";
import type { Event } from "./network.js";
import { Life, moveName, offers } from "./order-life.js";
import type { Transfer } from "./transaction-fences.js";

export interface RefundStory {
  readonly order: string;
  readonly amount: number;
  readonly currency: string;
  readonly provider: string;
  readonly paymentId: string;
  readonly restock: boolean;
  /** "" while it is open. */
  end: "" | "done" | "refused";
}

export interface OrderStory {
  /** "" while only products have spoken of it: then it was never placed. */
  account: string;
  readonly life: Life;
  /** Minor units. */
  total: number;
  /** Of it, what came from outside. */
  outside: number;
  paid: boolean;
  described: boolean;
  archived: boolean;
  readonly stock: Map<string, { held: number; sold: number; returned: number }>;
  granted: number;
  reversed: number;
  /** Granted, when its time came; there may have been nothing to grant. */
  grants: number;
}

export interface ProductStory {
  available: number;
  held: number;
  sold: number;
}

export interface ItemStory {
  readonly kind: number;
  readonly subject: string;
  readonly amount: number;
  readonly currency: string;
  action: number | undefined;
}

export interface Stories {
  readonly orders: Map<string, OrderStory>;
  readonly products: Map<string, ProductStory>;
  readonly refunds: Map<string, RefundStory>;
  readonly items: Map<string, ItemStory>;
  /** Of accounts: to wallets by refunds and by hand, minor units; points as they are. */
  readonly back: Map<string, number>;
  readonly points: Map<string, number>;
  readonly spent: Map<string, number>;
}

export function storiesOf(
  audit: Audit,
  followers: readonly Follower[],
  byTransactions: ReadonlyMap<number, readonly Transfer[]>,
): Stories {
  const stories: Stories = {
    orders: new Map(),
    products: new Map(),
    refunds: new Map(),
    items: new Map(),
    back: new Map(),
    points: new Map(),
    spent: new Map(),
  };
  for (const { events, shard } of followers) {
    const transfers = byTransactions.get(shard) ?? [];
    let transferred = 0;
    const transferBefore = (seq: number) => {
      for (; transferred < transfers.length && transfers[transferred]!.position < seq; transferred++)
        transferByTransaction(audit, stories, transfers[transferred]!);
    };
    for (const event of events) {
      const { type, data } = event;
      transferBefore(event.seq);
      if (type.startsWith("product.")) tellOfProduct(audit, stories, data.product as string, event);
      else if (isOfAccount(type)) tellOfAccount(audit, stories, event);
      else tellOfShard(audit, stories, event);
    }
    transferBefore(Number.POSITIVE_INFINITY);
  }
  return stories;
}

/** Whether an account hears of such events. */
export function isOfAccount(type: string): boolean {
  if (type === "order.archived") return false;
  return /^(order|points|refund)\./.test(type) || type === "payment.applied";
}

function storyOf(stories: Stories, order: string): OrderStory {
  let story = stories.orders.get(order);
  if (!story) {
    story = {
      ...{
        account: "",
        life: new Life(),
        total: 0,
        outside: 0,
        paid: false,
        described: false,
        archived: false,
      },
      ...{ stock: new Map(), granted: 0, reversed: 0, grants: 0 },
    };
    stories.orders.set(order, story);
  }
  return story;
}

function add(to: Map<string, number>, name: string, amount: number): void {
  to.set(name, (to.get(name) ?? 0) + amount);
}

/** Of an archived order the account may be left out. Nobody hears of an order of somebody else. */
function tellOfAccount(audit: Audit, stories: Stories, event: Event): void {
  const { account: told, order: id } = event.data as Record<string, string>;
  const owner = stories.orders.get(id!)?.account;
  if (told !== undefined && owner && told !== owner)
    audit.violation(`${event.type} of ${id} is told to ${told}, and it is ${owner}'s`);
  const account = told ?? owner ?? "";
  if (event.type.startsWith("order.")) tellOfOrder(audit, stories, account, event);
  else if (event.type.startsWith("points.")) tellOfPoints(audit, stories, account, event);
  else if (event.type === "payment.applied") {
    const { order, amount, currency } = event.data as Record<string, string>;
    storyOf(stories, order!).outside += minorOf(amount, currency!);
  } else if (event.type.startsWith("refund.")) tellOfRefund(audit, stories, account, event);
}

/** created, paid in whole, and on along its table; one that is paid at once is created as Paid. */
function tellOfOrder(audit: Audit, stories: Stories, account: string, event: Event): void {
  const { order, status, total, currency } = event.data as Record<string, string>;
  const story = storyOf(stories, order!);
  const { life } = story;
  const wrong = (): never =>
    audit.violation(`${order}: ${event.type} ${status} after ${life.status || "nothing"}`);
  switch (event.type) {
    case "order.created":
      if (life.status !== "" || (status !== "Created" && status !== "Paid")) wrong();
      story.account = account;
      story.total = minorOf(total, currency!);
      life.status = status === "Paid" ? "to be paid" : "Created";
      break;
    case "order.adjusted":
      if (life.status !== "Created" && life.status !== "to be paid") wrong();
      break;
    case "order.described":
      // Behind order.created, of the same turn.
      if ((life.status !== "Created" && life.status !== "to be paid") || story.described)
        audit.violation(`${order}: described ${life.status || "before it was created"}`);
      story.described = true;
      break;
    case "order.paid":
      if (life.status !== "Created" && life.status !== "to be paid") wrong();
      pay(audit, story, order!);
      break;
    case "order.reinstated":
      if (life.status !== "Canceled") wrong();
      pay(audit, story, order!);
      break;
    case "order.canceled":
      if (!offers(life.status, "cancel", story.total === 0)) wrong();
      life.status = "Canceled";
      break;
    default:
      if (!life.move(moveName(event.data.event as string), status!)) wrong();
      expectType(audit, event, order!, status!);
  }
}

function pay(audit: Audit, story: OrderStory, order: string): void {
  if (story.paid) audit.violation(`${order} was paid twice`);
  story.paid = true;
  story.life.status = "Paid";
}

/** The name of an event goes by the status that it leads to. */
function expectType(audit: Audit, { type, data }: Event, order: string, status: string): void {
  const back = data.event === "refund_ended" || data.event === "resolve_keep";
  const expected = `order.${back ? "resumed" : status.toLowerCase()}`;
  if (type !== expected) audit.violation(`${order}: ${type} is told of ${String(data.event)} to ${status}`);
}

function tellOfPoints(audit: Audit, stories: Stories, account: string, event: Event): void {
  const { order, points } = event.data as { order: string; points: number };
  if (event.type === "points.spent") {
    add(stories.points, account, -points);
    add(stories.spent, account, points);
    if (stories.points.get(account)! < 0) audit.violation(`${account} has spent points that it had not`);
    return;
  }
  const story = storyOf(stories, order);
  if (event.type === "points.granted") {
    story.granted += points;
    if (++story.grants > 1) audit.violation(`${order}: points are granted twice`);
    add(stories.points, account, points);
  } else {
    story.reversed += points;
    if (story.reversed > story.granted)
      audit.violation(`${order}: more points are taken back than were granted`);
    add(stories.points, account, -points);
  }
}

function tellOfRefund(audit: Audit, stories: Stories, account: string, event: Event): void {
  const { refund, order, amount, currency, provider, paymentId } = event.data as Record<string, string>;
  const { refunds } = stories;
  if (event.type === "refund.requested") {
    if (refunds.has(refund!)) audit.violation(`${refund} is requested twice`);
    refunds.set(refund!, {
      ...{
        order: order!,
        amount: minorOf(amount, currency!),
        currency: currency!,
        provider: provider!,
      },
      ...{ paymentId: paymentId!, restock: event.data.restock === true, end: "" },
    });
    return;
  }
  const known = refunds.get(refund!);
  if (known?.end !== "") audit.violation(`${refund}: ${event.type}, and it was not open`);
  if (event.type === "refund.unknown") return;
  known!.end = event.type === "refund.done" ? "done" : "refused";
  if (known!.end === "done" && known!.provider === "") add(stories.back, account, known!.amount);
}

/** What no account and no product is told. */
function tellOfShard(audit: Audit, stories: Stories, event: Event): void {
  const { data } = event;
  if (event.type === "order.archived") {
    const story = storyOf(stories, data.order as string);
    if (story.archived) audit.violation(`${String(data.order)} is archived twice`);
    story.archived = true;
  } else if (event.type === "human.opened") {
    const { kind, subject, amount, currency } = data as Record<string, string>;
    stories.items.set(data.item as string, {
      ...{ kind: Number(kind), subject: subject!, currency: currency!, action: undefined },
      amount: minorOf(amount, currency!),
    });
  } else if (event.type === "human.resolved") {
    const item = stories.items.get(data.item as string);
    if (!item || item.action !== undefined)
      audit.violation(`${String(data.item)} is resolved, and was not open`);
    item!.action = data.action as number;
  } else if (event.type === "entry.made") {
    const { from, to, amount, currency } = data as Record<string, string>;
    const minor = minorOf(amount, currency!);
    if (from!.startsWith("wallet:")) add(stories.back, from!.slice(7), -minor);
    if (to!.startsWith("wallet:")) add(stories.back, to!.slice(7), minor);
  }
}

function tellOfProduct(audit: Audit, stories: Stories, id: string, event: Event): void {
  // What transactions move is read from the log of each shard, with their ends.
  const quiet = [
    "product.repriced",
    "product.created",
    "product.transferred",
    "product.updated",
    "product.delisted",
    "product.relisted",
  ];
  if (quiet.includes(event.type)) return;
  const product = productOf(audit, stories, id);
  const { qty, available, order } = event.data as { qty: number; available: number; order: string };
  const [toHeld, toSold] = moves[event.type] ?? audit.violation(`${id}: an event ${event.type}`);
  if (event.type === "product.adjusted") product.available += (event.data as { by: number }).by;
  else if (event.type === "product.restocked") {
    product.available += qty;
  } else {
    product.available -= (toHeld + toSold) * qty;
    product.held += toHeld * qty;
    product.sold += toSold * qty;
    const { stock } = storyOf(stories, order);
    const mine = stock.get(id) ?? { held: 0, sold: 0, returned: 0 };
    mine.held += toHeld * qty;
    mine.sold += toSold * qty;
    if (event.type === "product.returned") mine.returned += qty;
    stock.set(id, mine);
    if (mine.held < 0 || mine.sold < 0) audit.violation(`${id}: ${order} gives back more than it has`);
  }
  if (product.available !== available)
    audit.violation(
      `${id}: ${available} available after ${event.type} at ${event.seq}, not ${product.available}`,
    );
  if (product.available < 0 || product.held < 0 || product.sold < 0)
    audit.violation(`${id}: less than nothing after ${event.type} at ${event.seq}`);
}

function productOf({ model }: Audit, { products }: Stories, id: string): ProductStory {
  let product = products.get(id);
  if (!product) {
    product = { available: model.products.get(id)!.stock, held: 0, sold: 0 };
    products.set(id, product);
  }
  return product;
}

function transferByTransaction(
  audit: Audit,
  stories: Stories,
  { product: id, qty, from, to, available }: Transfer,
): void {
  const product = productOf(audit, stories, id);
  product[from] -= qty;
  product[to] += qty;
  if (product.available !== available)
    audit.violation(`${id}: ${available} available after a transaction, not ${product.available}`);
  if (product.available < 0 || product.held < 0 || product.sold < 0)
    audit.violation(`${id}: less than nothing after a transaction`);
}

/** What a unit does to held and to sold. */
const moves: Readonly<Record<string, readonly [number, number]>> = {
  "product.held": [1, 0],
  "product.sold": [0, 1],
  "product.confirmed": [-1, 1],
  "product.released": [-1, 0],
  "product.returned": [0, -1],
  "product.restocked": [0, 0],
  "product.adjusted": [0, 0],
};
