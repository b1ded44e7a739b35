/**
 * A week in one moment: `npm run build && node dist/examples/06-a-week-at-once.js`.
 *
 * Deadlines are the hardest thing to test: holds, sale windows, the seven days after which a parcel counts as accepted. An
 * engine in a test lives by a clock that the test moves by hand, and what is due by then happens at once.
 */

import { manualClock, openEngine } from "../gateway/embedded.js";

const day = 86_400_000;
const clock = manualClock(new Date("2026-03-01T09:00:00Z"));
const yifen = await openEngine({ clock });

await yifen.products.create({ product: "tea", name: "Tea", price: "9.99", currency: "CNY", stock: 5 });
await yifen.accounts.open({ account: "ann", currency: "CNY" });
await yifen.accounts.deposit({ account: "ann", amount: "50.00", ref: "top-up" });

const lines = [{ product: "tea", qty: 1 }];
const { order } = await yifen.orders.place({ account: "ann", lines, pay: "balance" });
await yifen.orders.advance({ order, event: "pack" });
await yifen.orders.advance({ order, event: "ship", tracking: "SF-1" });
const unpaid = await yifen.orders.place({ account: "ann", lines });

async function show(when: string): Promise<void> {
  const [shipped, held] = [await yifen.orders.get(order), await yifen.orders.get(unpaid.order)];
  console.log(`${when}: ${shipped.status} and ${held.status}`);
}

await show("1 March");
clock.advance(16 * 60_000);
await show("16 minutes later");
clock.advance(7 * day);
await show("8 March");
clock.step(-day);
await show("the machine's clock is set back by a day");

const { ok, clock: time } = await yifen.audit();
console.log(`audit: ${ok ? "ok" : "FAILED"}, engine time is ${time.aheadMs! / day} day ahead of the clock`);

await yifen.close();
