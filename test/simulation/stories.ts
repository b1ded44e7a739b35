/** Feeds, read as stories: what every order and every product went through, step by step, and nothing that cannot be. */

import { minorOf } from "./amounts.js";
import type { Audit } from "./audit.js";
import type { Follower } from "./client.js";
import type { Event } from "./network.js";

export interface OrderStory {
  /** "" while only products have spoken of it: then it was never placed. */
  account: string;
  status: string;
  /** Minor units. */
  total: number;
  readonly stock: Map<string, { held: number; sold: number }>;
}

export interface ProductStory {
  available: number;
  held: number;
  sold: number;
}

export interface Stories {
  readonly orders: Map<string, OrderStory>;
  readonly products: Map<string, ProductStory>;
}

export function storiesOf(audit: Audit, followers: readonly Follower[]): Stories {
  const stories: Stories = { orders: new Map(), products: new Map() };
  for (const { topic, events } of followers) {
    const id = topic.slice(topic.indexOf(":") + 1);
    for (const event of events) {
      if (topic.startsWith("account:")) tellOfOrder(audit, stories, id, event);
      else tellOfProduct(audit, stories, id, event);
    }
  }
  return stories;
}

function storyOf(stories: Stories, order: string): OrderStory {
  let story = stories.orders.get(order);
  if (!story) {
    story = { account: "", status: "", total: 0, stock: new Map() };
    stories.orders.set(order, story);
  }
  return story;
}

/** created, then paid or canceled or nothing more; one that is paid at once is created as Paid. */
function tellOfOrder(audit: Audit, stories: Stories, account: string, event: Event): void {
  const { order, status, total, currency } = event.data as Record<string, string>;
  const story = storyOf(stories, order!);
  const wrong = () => audit.violation(`${order}: ${event.type} ${status} after ${story.status || "nothing"}`);
  if (event.data.account !== account)
    audit.violation(`${order}: an event of ${event.data.account} in ${account}`);
  if (event.type === "order.created") {
    if (story.status !== "" || (status !== "Created" && status !== "Paid")) wrong();
    story.account = account;
    story.total = minorOf(total, currency!);
    story.status = status === "Paid" ? "to be paid" : "Created";
  } else if (event.type === "order.paid") {
    if (story.status !== "Created" && story.status !== "to be paid") wrong();
    story.status = "Paid";
  } else if (event.type === "order.canceled") {
    if (story.status !== "Created") wrong();
    story.status = "Canceled";
  } else {
    wrong();
  }
}

function tellOfProduct(audit: Audit, stories: Stories, id: string, event: Event): void {
  if (event.type === "product.repriced") return;
  let product = stories.products.get(id);
  if (!product) {
    product = { available: audit.model.products.get(id)!.stock, held: 0, sold: 0 };
    stories.products.set(id, product);
  }
  const { qty, available, order } = event.data as { qty: number; available: number; order: string };
  const [toHeld, toSold] = moves[event.type] ?? audit.violation(`${id}: an event ${event.type}`);
  if (event.type === "product.restocked") {
    product.available += qty;
  } else {
    product.available -= (toHeld + toSold) * qty;
    product.held += toHeld * qty;
    product.sold += toSold * qty;
    const { stock } = storyOf(stories, order);
    const mine = stock.get(id) ?? { held: 0, sold: 0 };
    mine.held += toHeld * qty;
    mine.sold += toSold * qty;
    stock.set(id, mine);
    if (mine.held < 0) audit.violation(`${id}: ${order} gives back more than it holds`);
  }
  if (product.available !== available)
    audit.violation(
      `${id}: ${available} available after ${event.type} at ${event.seq}, not ${product.available}`,
    );
  if (product.available < 0 || product.held < 0 || product.sold < 0)
    audit.violation(`${id}: less than nothing after ${event.type} at ${event.seq}`);
}

/** What a unit does to held and to sold. */
const moves: Readonly<Record<string, readonly [number, number]>> = {
  "product.held": [1, 0],
  "product.sold": [0, 1],
  "product.confirmed": [-1, 1],
  "product.released": [-1, 0],
  "product.restocked": [0, 0],
};
