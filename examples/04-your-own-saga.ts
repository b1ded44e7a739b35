/**
 * A saga of your own, with a service outside: `npm run build && node dist/examples/04-your-own-saga.js`.
 *
 * A gift: stock is taken, money is taken, and a courier is booked at somebody else's service. Each step has a compensation,
 * which the log knows before the step starts. The courier here loses its first answer, so nobody knows whether it was
 * booked: the engine asks again under the same id. For the second gift it refuses, and everything is undone, newest first.
 */

import { defineSaga, openEngine, Refused } from "../gateway/embedded.js";

interface Gift {
  readonly product: string;
  readonly to: string;
}

/** The service outside. Its key makes a repeated booking the same booking. */
const booked = new Map<string, string>();
let answersLost = 1;

async function bookCourier(key: string, to: string): Promise<{ parcel: string }> {
  if (to === "the moon") throw new Refused("no courier goes there", { to });
  if (!booked.has(key)) booked.set(key, `parcel-${booked.size + 1}`);
  if (answersLost-- > 0) throw new Error("the connection was lost");
  return { parcel: booked.get(key)! };
}

const gift = defineSaga<Gift>({
  steps: ({ product }, account) => [
    { kind: "stock", name: "take", product, qty: 1 },
    { kind: "money", name: "pay", from: account, to: "revenue", amount: "12.50", currency: "CNY" },
    { kind: "call", name: "courier" },
  ],
  calls: {
    courier: {
      do: ({ transaction, input }) => bookCourier(transaction, input.to),
      undo: ({ transaction }) => void booked.delete(transaction),
    },
  },
});

const yifen = await openEngine({ transactions: { gift } });
await yifen.products.create({ product: "cup", name: "Cup", price: "12.50", currency: "CNY", stock: 2 });
await yifen.accounts.open({ account: "ann", currency: "CNY" });
await yifen.accounts.deposit({ account: "ann", amount: "100.00", ref: "first-deposit" });

async function state(): Promise<string> {
  const { available, sold } = await yifen.products.get("cup");
  return `cups ${available} available, ${sold} sold; ann has ${(await yifen.accounts.get("ann")).available}`;
}

for (const to of ["ben", "the moon"]) {
  const ended = await yifen.transactions.begin({
    account: "ann",
    name: "gift",
    input: { product: "cup", to },
  });
  const why = ended.error ? ` (${JSON.stringify(ended.error)})` : "";
  console.log(`a cup for ${to}: ${ended.state}${why}; ${await state()}`);
  for (const part of ended.parts) console.log(`  ${part.name}: ${part.state}`);
}
console.log(`couriers booked: ${booked.size}; audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
