/**
 * Who comes, what they want and how they behave: all of it follows from the options and the seed. Only the timing of
 * a run is its own.
 */

import { amountOf, type Cents } from "./amounts.js";

export interface PlanOptions {
  /** At least twice the stock, so that those who never pay cannot keep it from being sold. */
  readonly buyers: number;
  /** Units, over all products. */
  readonly stock: number;
  readonly seed: number;
}

export interface PlannedProduct {
  readonly product: string;
  readonly name: string;
  readonly price: string;
  readonly units: number;
}

/**
 * `balance`: pays in the same call. `later`: takes a hold and pays it after `thinkMs`. `never`: takes a hold and is not
 * seen again.
 */
export type Payment = "balance" | "later" | "never";

/** How a request comes twice under one key: two clicks at once over two connections, or once more when answered. */
export type Repeat = "none" | "at once" | "afterwards";

export interface Buyer {
  readonly account: string;
  /** Puts this much into the account before the sale. */
  readonly money: Cents;
  readonly product: string;
  readonly payment: Payment;
  readonly repeat: Repeat;
  readonly thinkMs: number;
}

export interface Plan {
  readonly products: readonly PlannedProduct[];
  /** In the order in which they come to the door. */
  readonly buyers: readonly Buyer[];
}

const assortment = [
  ["lamp", "Desk lamp", "19.99"],
  ["kettle", "Kettle", "34.50"],
  ["radio", "Radio", "49.05"],
  ["boots", "Boots", "88.88"],
  ["tent", "Tent", "149.99"],
  ["clock", "Clock", "0.99"],
  ["chair", "Chair", "62.01"],
  ["bag", "Bag", "27.30"],
  ["cup", "Cup", "3.33"],
  ["pen", "Pen", "0.10"],
] as const;

/** The dearest product and a little, a different little for nearly everybody: no two wrong balances look alike. */
const moneyMin: Cents = 150_00n;
const moneySpread = 4_999;

const thinkMsMax = 250;

export function makePlan({ buyers: count, stock, seed }: PlanOptions): Plan {
  const random = randomFrom(seed);
  const kinds = Math.min(assortment.length, stock);
  const products = assortment.slice(0, kinds).map(([product, name, price], index) => ({
    product,
    name,
    price,
    units: Math.floor(stock / kinds) + (index < stock % kinds ? 1 : 0),
  }));
  const buyers = Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / kinds);
    return {
      account: `buyer-${index}`,
      money: moneyMin + BigInt((index * 37) % moneySpread),
      product: products[index % kinds]!.product,
      payment: paymentOf(round % 10),
      repeat: repeatOf(Math.floor(random() * 8)),
      thinkMs: Math.floor(random() * thinkMsMax),
    };
  });
  return { products, buyers: shuffled(buyers, random) };
}

/** The money that all buyers bring. */
export function moneyOf(plan: Plan): string {
  return amountOf(plan.buyers.reduce((sum, { money }) => sum + money, 0n));
}

/** In turn and not by chance, so that every product has its share: of ten, five pay at once, three later, two never. */
function paymentOf(place: number): Payment {
  if (place < 5) return "balance";
  return place < 8 ? "later" : "never";
}

function repeatOf(chance: number): Repeat {
  if (chance < 2) return "at once";
  return chance < 3 ? "afterwards" : "none";
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const shuffling = [...items];
  for (let last = shuffling.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [shuffling[last], shuffling[other]] = [shuffling[other]!, shuffling[last]!];
  }
  return shuffling;
}

/** Numbers in [0, 1) that depend on nothing but the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
