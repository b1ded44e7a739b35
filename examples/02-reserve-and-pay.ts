/**
 * Hold now, pay later, from outside: `npm run build && node dist/examples/02-reserve-and-pay.js`.
 *
 * An order holds its lines until `payBy`. The buyer pays at a provider, and the provider's word reaches the engine by
 * `payment.notify` (over HTTP it is signed). The word may come twice, late, or with the wrong amount: the money is always
 * booked, once, and always ends somewhere.
 */

import { openEngine } from "../gateway/embedded.js";

const yifen = await openEngine({ graceMs: 0 });

await yifen.products.create({ product: "seat", name: "Seat 12A", price: "80.00", currency: "CNY", stock: 2 });
await yifen.accounts.open({ account: "ann", currency: "CNY" });

const lines = [{ product: "seat", qty: 1 }];

async function seats(): Promise<string> {
  const { available, held, sold } = await yifen.products.get("seat");
  return `${available} available, ${held} held, ${sold} sold`;
}

const order = await yifen.orders.place({ account: "ann", lines, payWithinMs: 60_000 });
console.log(`placed: ${order.status}, next ${order.next.join(" or ")}; seats: ${await seats()}`);

const word = {
  provider: "alipay",
  paymentId: "2026-0001",
  order: order.order,
  amount: "80.00",
  currency: "CNY",
};
const paid = await yifen.payments.notify(word);
console.log(
  `the provider's word: ${paid.outcome}, the order is ${paid.order?.status}; seats: ${await seats()}`,
);

const again = await yifen.payments.notify(word);
console.log(`the same word again: ${again.outcome}, replayed: ${again.replayed}`);

const twice = await yifen.payments.notify({ ...word, paymentId: "2026-0002" });
console.log(`paid a second time: ${twice.outcome}, the money is ${twice.money} (${twice.refund})`);

const slow = await yifen.orders.place({ account: "ann", lines, payWithinMs: 1_000 });
await new Promise((resolve) => setTimeout(resolve, 1_100));
const late = await yifen.payments.notify({ ...word, paymentId: "2026-0003", order: slow.order });
console.log(`paid too late: ${late.outcome}, the order is ${late.order?.status}; seats: ${await seats()}`);

const stray = await yifen.payments.notify({ ...word, paymentId: "2026-0004", order: "o999424" });
console.log(`paid for nothing: ${stray.outcome}, the money is in ${stray.money}`);

console.log(`audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
