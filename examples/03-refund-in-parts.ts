/**
 * Give money back in pieces, to the cent: `npm run build && node dist/examples/03-refund-in-parts.js`.
 *
 * Every line has its share of what was paid. A refund takes units or an amount out of what is left, so any sequence of
 * refunds adds up to exactly what was paid. Points that the order earned go back in proportion.
 */

import { openEngine, YifenError } from "../gateway/embedded.js";

const yifen = await openEngine({ pointsGrantOn: "paid" });

for (const [product, price] of [
  ["tea", "9.99"],
  ["cup", "12.50"],
  ["tray", "30.00"],
] as const) {
  await yifen.products.create({ product, name: product, price, currency: "CNY", stock: 10 });
}
await yifen.accounts.open({ account: "ann", currency: "CNY" });
await yifen.accounts.deposit({ account: "ann", amount: "100.00", ref: "first-deposit" });

const { order, total } = await yifen.orders.place({
  account: "ann",
  lines: [
    { product: "tea", qty: 3 },
    { product: "cup", qty: 1 },
    { product: "tray", qty: 1 },
  ],
  pay: "balance",
});

async function state(): Promise<string> {
  const { available, points } = await yifen.accounts.get("ann");
  return `wallet ${available}, ${points} points`;
}
console.log(`paid ${total}: ${await state()}`);

async function refund(what: string, how: { lines?: { product: string; qty: number }[]; amount?: string }) {
  try {
    // An amount is of no units, so nothing can come back into stock with it.
    const restock = how.amount === undefined;
    const done = await yifen.orders.refund({ order, reason: what, restock, ...how });
    const amount = done.refunds.map((part) => part.amount).join(" + ");
    console.log(`${what}: ${amount}, the order is ${done.order.status}; ${await state()}`);
  } catch (error) {
    if (!(error instanceof YifenError)) throw error;
    console.log(`${what}: ${error.code} ${JSON.stringify(error.details)}`);
  }
}

await refund("one tea came broken", { lines: [{ product: "tea", qty: 1 }] });
await refund("an apology", { amount: "5.00" });
await refund("three more teas", { lines: [{ product: "tea", qty: 3 }] });
await refund("too much", { amount: "70.00" });
await refund("all the rest", {});

const { sold } = await yifen.products.get("tea");
console.log(`tea sold: ${sold}; audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
