/** A shop for the engine's tests: two buyers with 100.00, and something to buy. */

import { type CommandParams, type TestEngine, type TestEngineOptions, testEngine } from "./engine.js";

/** With 3 shards ann, ben and tea, mug live on shards 1, 2 and 1, 0: every cart here but one of tea for ann crosses. */
export function shop(options: TestEngineOptions = {}): TestEngine {
  const engine = testEngine(options);
  for (const account of ["ann", "ben"]) {
    engine.ask({ method: "account.open", account, currency: "CNY" });
    engine.ask({ method: "account.deposit", account, amount: "100.00", ref: "start" });
  }
  engine.ask(product("tea", "9.99", { name: "Tea", stock: 10 }));
  engine.ask(product("mug", "25.00", { name: "Mug", stock: 2 }));
  return engine;
}

export function product(id: string, price: string, more: Record<string, unknown> = {}): CommandParams {
  return { method: "product.create", product: id, name: id, price, currency: "CNY", stock: 10, ...more };
}

/** `order.place` of `{tea: 2, mug: 1}`, to be paid later unless said otherwise. */
export function place(
  account: string,
  key: string,
  cart: Readonly<Record<string, number>>,
  more: Record<string, unknown> = {},
): CommandParams {
  const lines = Object.entries(cart).map(([id, qty]) => ({ product: id, qty }));
  return { method: "order.place", account, key, lines, pay: "later", mode: "tcc", ...more };
}

/** available, held, sold */
export function stockOf(engine: TestEngine, id: string): [number, number, number] {
  const { available, held, sold } = engine.ask({ method: "product.get", product: id }).result;
  return [available, held, sold];
}

export function balanceOf(engine: TestEngine, account: string): string {
  return engine.ask({ method: "account.get", account }).result.available;
}
