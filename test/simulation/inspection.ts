/** What is asked when all is over: everything that can be read, by the same ways that clients use. */

import type { KnownProduct } from "./model.js";
import type { Operation } from "./operation.js";
import type { World } from "./world.js";

/** Dry runs per product with a limit. */
const triesMax = 6;

/** Every shard's stream, from its first event on. */
export function followShards(world: World): void {
  for (const { number } of world.hosts) follow(world, `shard:${number}`);
}

export function readEverything(world: World): Operation[] {
  const { inspector, requests, audit } = world;
  const { accounts, products, orders, slots, transactions } = audit.model;
  const reads: Operation[] = [];
  const read = (method: Operation["method"], params: Record<string, unknown>) => {
    const operation = requests.make(inspector, { method, params });
    reads.push(operation);
    inspector.ask(operation);
  };
  for (const account of accounts.keys()) read("account.get", { account });
  for (const product of products.keys()) read("product.get", { product });
  for (const order of orders.keys()) read("order.get", { order });
  for (const transaction of transactions.keys()) read("transaction.get", { transaction });
  for (const { kind, subject, key } of slots.values()) {
    if (kind === "order") read("order.lookup", { account: subject, key });
  }
  for (const product of products.values()) if (product.limit > 0) reads.push(...tryLimit(world, product));
  return reads;
}

/** Dry runs at the limit and one over it, for accounts that live with the product. */
function tryLimit({ inspector, requests, audit }: World, product: KnownProduct): Operation[] {
  const tries: Operation[] = [];
  for (const { id: account, currency } of audit.model.accounts.values()) {
    if (currency !== product.currency || tries.length >= triesMax) continue;
    const left = product.limit - (product.bought.get(account) ?? 0);
    for (const qty of [left, left + 1]) {
      if (qty < 1) continue;
      const lines = [{ product: product.id, qty }];
      const asked = { account, lines, pay: "later", payWithinMs: undefined, dryRun: true } as const;
      const cart = { ...requests.cart(asked), expectedTotal: undefined };
      if (cart.crossing) continue;
      const params = requests.placeParams(cart);
      const key = requests.key();
      tries.push(requests.make(inspector, { method: "order.place", params, key, subject: account, cart }));
    }
  }
  for (const operation of tries) inspector.ask(operation);
  return tries;
}

function follow({ inspector, requests }: World, topic: string): void {
  const follower = requests.follower(topic, 1);
  inspector.followers.push(follower);
  inspector.follow(follower);
}
