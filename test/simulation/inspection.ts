/** What is asked when all is over: everything that can be read, by the same ways that clients use. */

import type { Operation } from "./operation.js";
import type { World } from "./world.js";

export function readEverything(world: World): Operation[] {
  const { inspector, requests, audit } = world;
  const { accounts, products, orders, slots } = audit.model;
  const reads: Operation[] = [];
  const read = (method: Operation["method"], params: Record<string, unknown>) => {
    const operation = requests.make(inspector, { method, params });
    reads.push(operation);
    inspector.ask(operation);
  };
  for (const account of accounts.keys()) {
    read("account.get", { account });
    follow(world, `account:${account}`);
  }
  for (const product of products.keys()) {
    read("product.get", { product });
    follow(world, `product:${product}`);
  }
  for (const order of orders.keys()) read("order.get", { order });
  for (const { kind, subject, key } of slots.values()) {
    if (kind === "order") read("order.lookup", { account: subject, key });
  }
  return reads;
}

function follow({ inspector, requests }: World, topic: string): void {
  const follower = requests.follower(topic, 1);
  inspector.followers.push(follower);
  inspector.follow(follower);
}
