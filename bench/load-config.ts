/** What a run of the load generator is asked for, and what it says. Both are plain JSON: they cross a process boundary. */

import type { Latency } from "./histogram.js";
import { MeasurementFailed } from "./measurement-failed.js";

/** Who orders what. Numbers count up from `firstProduct` and `firstAccount` (default 1). */
export interface Traffic {
  /** How many products are chosen from, at random; 1 = all want the same. */
  readonly products: number;
  readonly accounts: number;
  /** `turns`: the nth order is the nth account's, so that so many orders have as many buyers. */
  readonly buyers: "random" | "turns";
  readonly firstProduct?: number;
  readonly firstAccount?: number;
}

export interface LoadConfig {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  /** Default /v1/ws. */
  readonly path?: string;
  readonly connections: number;
  /** Closed loop: frames under way per connection. Open loop: most frames in one write. */
  readonly framesInFlight: number;
  /** Orders in a frame, 1..1,024. With 1 the frame holds the request itself and no array. */
  readonly perFrame: number;
  /** Orders a second, all connections together; absent = closed loop. */
  readonly ratePerSecond?: number;
  readonly traffic: Traffic;
  /** What is counted, after a warm-up that is not. Orders are whole frames. */
  readonly bound:
    | { readonly warmupOrders: number; readonly orders: number }
    | { readonly warmupSeconds: number; readonly seconds: number };
  /** Keys are unique within a run; across runs on one server it is this that differs. At most 18 characters. */
  readonly keyPrefix: string;
  /** Of the choice of products and accounts; default 1. */
  readonly seed?: number;
  /** Open loop: longest sleep between two looks at the clock and the sockets. 0 = none. Default 100. */
  readonly napMicros?: number;
  /** No answer for so long while some are due: the run has failed. Default 30,000. */
  readonly stallMsMax?: number;
}

export interface Counts {
  readonly ok: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly refusedByCode: Readonly<Record<string, number>>;
}

/** Microseconds, bytes, and orders a second. */
export interface LoadResult extends Latency, Counts {
  /** Answers in the counted window. */
  readonly orders: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuUserMicros: number;
  readonly cpuSystemMicros: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Open loop: how late this process itself was; large figures make the latencies above its own. */
  readonly sendLag?: Latency;
  /** The whole run with warm-up and what came in after the window: what the books must agree with. */
  readonly total: Counts & { readonly orders: number };
}

/** Everybody wants product 1. */
export function hotTraffic(accounts: number): Traffic {
  return { products: 1, accounts, buyers: "random" };
}

export function uniformTraffic(products: number, accounts: number): Traffic {
  return { products, accounts, buyers: "random" };
}

/** So many buyers, once each, want product 1, of which there are fewer: how many, the server's stock says. */
export function flashTraffic(buyers: number): Traffic {
  return { products: 1, accounts: buyers, buyers: "turns" };
}

const PER_FRAME_MAX = 1024;
const ID_MAX = 9_999_999;

/** Throws `MeasurementFailed` with what is wrong. */
export function checkConfig(config: LoadConfig): void {
  const { traffic, bound, perFrame } = config;
  const counts = {
    port: config.port,
    connections: config.connections,
    framesInFlight: config.framesInFlight,
  };
  for (const [name, value] of Object.entries({ ...counts, ...traffic, perFrame })) {
    if (typeof value === "number" && !(Number.isSafeInteger(value) && value > 0))
      refuse(`${name} is ${value}`);
  }
  if (perFrame > PER_FRAME_MAX) refuse(`perFrame is ${perFrame}, more than ${PER_FRAME_MAX}`);
  if ((traffic.firstProduct ?? 1) + traffic.products - 1 > ID_MAX) refuse("products do not fit in 7 digits");
  if ((traffic.firstAccount ?? 1) + traffic.accounts - 1 > ID_MAX) refuse("accounts do not fit in 7 digits");
  if (config.ratePerSecond !== undefined && !(config.ratePerSecond > 0))
    refuse("ratePerSecond is not positive");
  if ("seconds" in bound ? !(bound.seconds > 0) : !(bound.orders > 0)) refuse("nothing would be counted");
  if ("orders" in bound && (bound.orders % perFrame !== 0 || bound.warmupOrders % perFrame !== 0)) {
    refuse(`orders and warmupOrders are not whole frames of ${perFrame}`);
  }
}

function refuse(why: string): never {
  throw new MeasurementFailed(`the load cannot run: ${why}`);
}
