/**
 * A shop's order as it is: a coupon, shipping, tax, an address, the shop's own number, a bank transfer that names it, and part of it
 * back: `npm run build && node dist/examples/07-coupons-and-shipping.js`.
 *
 * The shop says what changes the total, in the order in which it applies. What every line and the shipping have of it is fixed as
 * the order is placed, so refunds need to know nothing of coupons and still add up to the cent.
 */

import { openEngine } from "../gateway/embedded.js";

const yifen = await openEngine();

await yifen.products.create({ product: "tea", name: "Tea", price: "29.90", currency: "CNY", stock: 100 });
await yifen.products.create({ product: "cup", name: "Cup", price: "45.00", currency: "CNY", stock: 100 });
await yifen.accounts.open({ account: "ann", currency: "CNY" });

const order = await yifen.orders.place({
  account: "ann",
  lines: [
    { product: "tea", qty: 2 },
    { product: "cup", qty: 1, adjustments: [{ type: "discount", name: "second choice", amount: "5.00" }] },
  ],
  adjustments: [
    { type: "discount", name: "AUTUMN10", percent: "10" },
    { type: "shipping", amount: "12.00" },
    { type: "tax", name: "VAT", percent: "13" },
  ],
  ref: "web-2026-0815",
  address: { name: "Ann Li", street: "Renmin Road 1", city: "Shanghai" },
  shippingMethod: "courier",
});

for (const { type, name = type, amount } of order.adjustments ?? []) console.log(`${name}: ${amount}`);
for (const { product, qty, total } of order.lines) console.log(`${qty} ${product}: ${total}`);
for (const { type, total } of order.extras ?? []) console.log(`${type}: ${total}`);
console.log(`total ${order.total}, of it tax ${order.tax}`);

// The bank knows the shop's number from what the buyer wrote into the transfer.
const paid = await yifen.payments.notify({
  provider: "bank",
  paymentId: "transfer-77",
  order: "web-2026-0815",
  amount: order.total,
  currency: "CNY",
});
console.log(`the transfer for web-2026-0815: ${paid.outcome}`);

async function refund(what: string, how: { lines?: { product: string; qty: number }[]; extras?: string[] }) {
  const { refunds } = await yifen.orders.refund({ order: order.order, reason: what, ...how });
  for (const { refund: number, amount, to } of refunds) {
    await yifen.payments.reportRefund({ refund: number, outcome: "done", ref: `back-${number}` });
    console.log(`${what}: ${amount} to the ${to}`);
  }
}

await refund("one tea came wet", { lines: [{ product: "tea", qty: 1 }] });
await refund("it came late", { extras: ["shipping"] });
await refund("the rest is not wanted either", {});

const [found] = (await yifen.orders.find({ ref: "web-2026-0815" })).orders;
console.log(
  `found by its number: ${found?.status}, ${found?.amountRefunded} of ${found?.amountPaid} went back`,
);
console.log(`audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
