/**
 * A TCC with a participant of your own: `npm run build && node dist/examples/05-your-own-tcc-participant.js`.
 *
 * A concert trip: a ticket from the engine's stock, the price from one wallet to another, and a seat in a train that somebody
 * else sells. All are tried, and then all are confirmed or all are canceled: one record decides. The train company keeps
 * its own fence, so that a cancel which comes before its try, or twice, moves nothing.
 */

import { defineTcc, openEngine, Refused } from "../gateway/embedded.js";

/** The train company: seats left, and what it remembers of each reservation. */
let seats = 1;
const reservations = new Map<string, "tried" | "confirmed" | "canceled">();

function tryTrain(key: string): void {
  const known = reservations.get(key);
  if (known === "canceled") throw new Refused("it was canceled before");
  if (known) return;
  if (seats === 0) throw new Refused("the train is full", { left: seats });
  seats--;
  reservations.set(key, "tried");
}

function confirmTrain(key: string): void {
  if (reservations.get(key) === "tried") reservations.set(key, "confirmed");
}

function cancelTrain(key: string): void {
  if (reservations.get(key) === "tried") seats++;
  reservations.set(key, "canceled");
}

const trip = defineTcc({
  parts: (_input, account) => [
    { kind: "stock", name: "ticket", product: "concert", qty: 1 },
    { kind: "money", name: "price", from: account, to: "wallet:venue", amount: "60.00", currency: "CNY" },
    { kind: "call", name: "train" },
  ],
  calls: {
    train: {
      try: ({ transaction }) => tryTrain(transaction),
      confirm: ({ transaction }) => confirmTrain(transaction),
      cancel: ({ transaction }) => cancelTrain(transaction),
    },
  },
});

const yifen = await openEngine({ transactions: { trip } });
await yifen.products.create({
  product: "concert",
  name: "Concert",
  price: "60.00",
  currency: "CNY",
  stock: 5,
});
for (const account of ["ann", "ben", "venue"]) await yifen.accounts.open({ account, currency: "CNY" });
for (const account of ["ann", "ben"])
  await yifen.accounts.deposit({ account, amount: "100.00", ref: `${account}-1` });

for (const account of ["ann", "ben"]) {
  const ended = await yifen.transactions.begin({ account, name: "trip", input: {} });
  const why = ended.error ? ` (${JSON.stringify(ended.error)})` : "";
  const { available, held } = await yifen.accounts.get(account);
  console.log(`${account}: ${ended.state}${why}; ${available} in the wallet, ${held} held`);
}

const { available, held, sold } = await yifen.products.get("concert");
const venue = await yifen.accounts.get("venue");
console.log(`tickets: ${available} available, ${held} held, ${sold} sold; the venue has ${venue.available}`);
console.log(`train seats left: ${seats}; audit: ${(await yifen.audit()).ok ? "ok" : "FAILED"}`);

await yifen.close();
