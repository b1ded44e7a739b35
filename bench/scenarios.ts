/** What is measured over sockets: one table. */

import { flashTraffic, hotTraffic, type Traffic, uniformTraffic } from "./load-config.js";

export const shop = { products: 100_000, accounts: 1_000_000, flashSales: 8, flashStock: 1000 } as const;
export const flashBuyers = 10_000;

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly connections: number;
  readonly framesInFlight: number;
  readonly perFrame: number;
  /** Absent = closed loop: as much as comes back. */
  readonly ratePerSecond?: number;
  readonly traffic: Traffic;
  /** Default: bounded by time. */
  readonly orders?: number;
}

const hot = hotTraffic(shop.accounts);
const uniform = uniformTraffic(shop.products, shop.accounts);

/** Run in this order; those of one ratio stand side by side, so that the machine's moods hit both. */
export const scenarios: readonly Scenario[] = [
  load("hot-depth16", "one product; an order a frame, 50 connections x 16 in flight", hot, 16, 1),
  load("uniform-depth16", "100,000 products, 1,000,000 accounts; the same load", uniform, 16, 1),
  load("hot-frames64", "one product; frames of 64 orders, 50 connections x 2 frames", hot, 2, 64),
  load("uniform-frames64", "100,000 products, 1,000,000 accounts; the same load", uniform, 2, 64),
  {
    ...load("idle", "one client, one order in flight: what a quiet shop's buyer waits", hot, 1, 1),
    connections: 1,
  },
  {
    ...load("open-20k", "open loop: 20,000 orders/s, latency from the intended send time", uniform, 16, 1),
    ratePerSecond: 20_000,
  },
  {
    ...load(
      "flash",
      "10,000 buyers at once for 1,000 items; the refused are counted too",
      flashTraffic(flashBuyers),
      16,
      1,
    ),
    orders: flashBuyers,
  },
];

function load(
  name: string,
  about: string,
  traffic: Traffic,
  framesInFlight: number,
  perFrame: number,
): Scenario {
  return { name, about, connections: 50, framesInFlight, perFrame, traffic };
}
