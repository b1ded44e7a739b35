/**
 * Two buyers, one item, and a retry: `npm run build && node dist/examples/01-sell-the-last-item.js`.
 *
 * The engine runs inside this program and in memory. With `{ data: "./data" }` it keeps everything on disk; with `connect(URL)`
 * it is a server. Nothing else changes. In a program of your own the import is `from "yifen"`.
 */

import { openEngine, YifenError } from "../gateway/embedded.js";

const yifen = await openEngine();

await yifen.products.create({
  product: "lamp",
  name: "The last lamp",
  price: "39.90",
  currency: "CNY",
  stock: 1,
});
for (const account of ["ann", "ben"]) {
  await yifen.accounts.open({ account, currency: "CNY" });
  await yifen.accounts.deposit({ account, amount: "100.00", ref: "first-deposit" });
}

/** Takes the lamp and the money, both or neither. The key makes it safe to ask again. */
async function buy(account: string, key: string): Promise<void> {
  try {
    const order = await yifen.orders.place({
      account,
      key,
      lines: [{ product: "lamp", qty: 1 }],
      pay: "balance",
    });
    const again = order.replayed ? " (the answer of the first attempt)" : "";
    console.log(
      `${account}: ${order.status}, order ${order.order}, ${order.amountPaid} ${order.currency}${again}`,
    );
  } catch (error) {
    if (!(error instanceof YifenError)) throw error;
    console.log(`${account}: ${error.code}, executed: ${error.executed}`);
  }
}

await Promise.all([buy("ann", "ann-1"), buy("ben", "ben-1")]);
await buy("ann", "ann-1");

const lamp = await yifen.products.get("lamp");
console.log(`lamp: ${lamp.available} available, ${lamp.held} held, ${lamp.sold} sold`);
for (const account of ["ann", "ben"]) {
  const { available, currency } = await yifen.accounts.get(account);
  console.log(`${account}: ${available} ${currency} left`);
}
console.log(`audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
