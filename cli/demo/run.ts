/**
 * The demo from end to end: a server, buyers with money, the sale with its kill, and the reckoning.
 *
 *   1 server    a process of its own on a new folder
 *   2 shop      products; an account with money for every buyer
 *   3 sale      everybody at once; kill -9 and recovery in the middle
 *   4 reckoning all products, accounts and orders are read back, the engine audits itself
 */

import { connect, type Product, type Yifen } from "../../client/client.js";
import { amountOf, demoCurrency } from "./amounts.js";
import { crash, type Outage } from "./crash.js";
import { freePort } from "./free-port.js";
import { inspect } from "./inspect.js";
import { count, type Panel } from "./panel.js";
import { makePlan, moneyOf, type Plan } from "./plan.js";
import { newReceipts, type Receipts } from "./receipts.js";
import { type Report, reportOf } from "./report.js";
import { runSale, type SaleProgress } from "./sale.js";
import { createServerProcess, type ServerDied, type ServerProcess } from "./server-process.js";
import { isDuring, quantile, waits } from "./speed.js";

export interface DemoOptions {
  readonly buyers: number;
  readonly stock: number;
  readonly connections: number;
  readonly seed: number;
  readonly kill: boolean;
  readonly folder: string;
}

export interface DemoHooks {
  readonly panel: Panel;
  /** Whoever ends this process must call `killNow` of the server first. */
  readonly owns: (server: ServerProcess) => void;
}

/** Short, so that stock which nobody paid comes back while people wait for it. */
const graceMs = 200;

/** Above any outage: a buyer never gives up, the client sends the same key again. */
const callWithinMs = 60_000;

const reconnectCapMs = 200;

/** Rejects with `ServerDied`, or with what a client throws. */
export async function runDemo(options: DemoOptions, { panel, owns }: DemoHooks): Promise<Report> {
  const startedAt = performance.now();
  let died!: (error: ServerDied) => void;
  const death = new Promise<never>((_, reject) => {
    died = reject;
  });
  const work = async () => {
    const server = createServerProcess({ folder: options.folder, port: await freePort(), graceMs, died });
    owns(server);
    await server.start();
    panel.say(`server: process ${server.pid} at ${server.address}, grace ${graceMs} ms`);
    const plan = makePlan(options);
    const connections = await connectAll(server.address, options.connections);
    const watcher = await connectOne(server.address);
    const products = await openShop(plan, connections);
    panel.say(
      `${count(plan.buyers.length)} buyers with ${moneyOf(plan)} ${demoCurrency} on ${connections.length} connections`,
    );
    const report = await sellAndReckon(options, {
      plan,
      server,
      connections,
      watcher,
      products,
      panel,
      startedAt,
    });
    await Promise.all([...connections, watcher].map((yifen) => yifen.close()));
    await server.stop();
    return report;
  };
  return Promise.race([work(), death]);
}

interface Stage {
  readonly plan: Plan;
  readonly server: ServerProcess;
  readonly connections: readonly Yifen[];
  readonly watcher: Yifen;
  readonly products: readonly Product[];
  readonly panel: Panel;
  readonly startedAt: number;
}

async function sellAndReckon({ kill }: DemoOptions, stage: Stage): Promise<Report> {
  const { plan, server, connections, watcher, products, panel, startedAt } = stage;
  const receipts = newReceipts();
  const progress: SaleProgress = { products, waiting: 0, startedAt: 0, doorEmptyAt: 0 };
  let outage: Outage | undefined;
  const half = async () => {
    if (kill) outage = await crash(server, connections, receipts, panel.say);
  };
  watchWith(panel, plan, receipts, progress, () => outage);
  panel.say(`the door opens: ${count(stockOf(plan))} units of ${plan.products.length} products`);
  await runSale({ plan, connections, watcher, receipts, progress, half });
  panel.say("nothing is held any more; reading back every product, account and order, and auditing");
  const seen = await inspect(plan, receipts, connections);
  return reportOf({
    plan,
    connections: connections.length,
    receipts,
    seen,
    outage,
    rush: { from: progress.startedAt, to: progress.doorEmptyAt },
    seconds: Math.round(performance.now() - startedAt) / 1000,
  });
}

function watchWith(
  panel: Panel,
  plan: Plan,
  receipts: Receipts,
  progress: SaleProgress,
  outage: () => Outage | undefined,
): void {
  const stock = stockOf(plan);
  panel.watch(() => {
    const outside = receipts.attempts.filter((attempt) => !isDuring(attempt, outage()));
    return {
      products: progress.products,
      stock,
      waiting: progress.waiting,
      answered: receipts.attempts.length,
      p99Ms: quantile(waits(outside), 0.99),
    };
  });
}

/** The products as they are before the sale. */
async function openShop(plan: Plan, connections: readonly Yifen[]): Promise<readonly Product[]> {
  const products = await Promise.all(
    plan.products.map(({ product, name, price, units }) =>
      connections[0]!.products.create({ product, name, price, currency: demoCurrency, stock: units }),
    ),
  );
  await Promise.all(
    plan.buyers.map(async ({ account, money }, index) => {
      const { accounts } = connections[index % connections.length]!;
      await accounts.open({ account, currency: demoCurrency });
      await accounts.deposit({ account, amount: amountOf(money), ref: `opening:${account}` });
    }),
  );
  return products;
}

function connectAll(address: string, connections: number): Promise<Yifen[]> {
  return Promise.all(Array.from({ length: connections }, () => connectOne(address)));
}

function connectOne(address: string): Promise<Yifen> {
  return connect(address, { timeoutMs: callWithinMs, reconnect: { capMs: reconnectCapMs } });
}

function stockOf({ products }: Plan): number {
  return products.reduce((sum, { units }) => sum + units, 0);
}
